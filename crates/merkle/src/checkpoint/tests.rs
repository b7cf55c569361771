//! Checkpoints: the standard's example, one text for each, and who signed.

use proptest::prelude::*;

use super::*;
use crate::{key::Algorithm, testing::*};

/// The example of C2SP `tlog-cosignature`.
const SOFA: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
    — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

#[test]
fn the_standard_s_example_is_read() {
    let read = SignedCheckpoint::parse(SOFA.as_bytes()).unwrap();
    let said = read.unchecked();
    assert_eq!(
        (said.origin.as_str(), said.size),
        ("example.com/behind-the-sofa", 20_852_163)
    );
    assert_eq!(
        (read.to_string().as_str(), read.note().signatures.len()),
        (SOFA, 2)
    );
    let key = other_key("example.com/behind-the-sofa", Algorithm::Ed25519);
    assert_eq!(read.check(key.verifier()).unwrap_err().code(), "NOT_SIGNED");
}

#[test]
fn a_checkpoint_is_written_one_way() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    let good = format!("example.org/a\n12\n{root}\n");
    assert_eq!(Checkpoint::parse(&good).unwrap().to_string(), good);
    assert_eq!(
        Checkpoint::parse(&format!("{good}more\n")),
        Checkpoint::parse(&good)
    );
    let empty = Checkpoint {
        origin: "a".to_owned(),
        size: 0,
        root: Hash::empty(),
    };
    assert_eq!(Checkpoint::parse(&empty.to_string()), Ok(empty));
    for bad in [
        String::new(),
        "\n".into(),
        "a\n12\n".into(),
        format!("\n12\n{root}\n"),
        format!("a\n12\n{root}"),
        format!("a\n12\n{root}\n\n"),
        format!("a\n12\n{root}\nmore\n\nmore\n"),
        format!("a\n012\n{root}\n"),
        format!("a\n+12\n{root}\n"),
        format!("a\n-1\n{root}\n"),
        format!("a\n\n{root}\n"),
        format!("a\n0x1\n{root}\n"),
        format!("a\n18446744073709551616\n{root}\n"),
        format!("a\n12 \n{root}\n"),
        format!("a\n\u{661}\n{root}\n"),
        format!("a\n0\n{root}\n"),
        good.replace("2I=", "2J="),
        good.replace("2I=", "2I"),
        good.replace("2I=", "2I=="),
        good.replace('\n', "\r\n"),
        good.replace("CsU", "CsUA"),
        good.replace("CsU", "sU"),
        format!("a b\n12\n{root}\n"),
        format!("a+b\n12\n{root}\n"),
        format!("{}\n12\n{root}\n", "a".repeat(ORIGIN_BYTES_MAX + 1)),
    ] {
        assert_eq!(
            Checkpoint::parse(&bad).map_err(|error| error.code()),
            Err("BAD_CHECKPOINT"),
            "{bad:?}"
        );
    }
}

#[test]
fn a_checkpoint_is_checked_by_its_own_log_s_key() {
    let (log, key) = (Log::of(3), log_key());
    assert_eq!(log.signed().check(key.verifier()), Ok(&log.checkpoint()));
    let code = |signed: &SignedCheckpoint, key: &SignerKey| signed.check(key.verifier()).unwrap_err().code();
    let elsewhere = other_key("example.org/other", Algorithm::Ed25519);
    assert_eq!(code(&log.signed(), &elsewhere), "OTHER_LOG");
    assert_eq!(
        code(&log.signed(), &other_key(ORIGIN, Algorithm::Ed25519)),
        "NOT_SIGNED"
    );
    // A log may not speak for another one, even where its key is known under its own name.
    assert_eq!(
        code(&log.checkpoint().sign([&elsewhere]), &elsewhere),
        "OTHER_LOG"
    );
    assert_eq!(code(&log.checkpoint().sign([]), &key), "NOT_SIGNED");
    let mut moved = log.signed();
    moved.checkpoint.size += 1;
    moved.note.text = moved.checkpoint.to_string();
    assert_eq!(code(&moved, &key), "FORGED_SIGNATURE");
}

#[test]
fn both_keys_of_a_rotation_sign() {
    let (log, next) = (Log::of(3), other_key(ORIGIN, Algorithm::Ed25519));
    let signed = log.checkpoint().sign([&log_key(), &next]);
    let read = SignedCheckpoint::parse(signed.to_string().as_bytes()).unwrap();
    for key in [&log_key(), &next] {
        assert_eq!(read.check(key.verifier()), Ok(&log.checkpoint()));
    }
}

#[test]
fn a_witness_counts_once() {
    let log = Log::of(3);
    let w1 = witness_key();
    let copy = SignerKey::from_seed("witness.example/copy", Algorithm::Cosignature, &[2; 32]).unwrap();
    let next = other_key(WITNESS, Algorithm::Cosignature);
    let second = SignerKey::from_seed("witness.example/w2", Algorithm::Cosignature, &[3; 32]).unwrap();
    let mut signed = log.signed();
    let text = signed.note().text.clone();
    signed.add([&copy, &next, &second].map(|key| key.sign_note(&text, 5)));
    let by = |keys: &[&SignerKey]| {
        let keys: Vec<_> = keys.iter().map(|key| key.verifier().clone()).collect();
        let cosigned = signed.cosigned(&keys).unwrap();
        cosigned
            .into_iter()
            .map(|cosigned| (cosigned.witness, cosigned.seconds))
            .collect::<Vec<_>>()
    };
    let once = [(WITNESS.to_owned(), 1_700_000_000)];
    assert_eq!(by(&[&w1]), once);
    assert_eq!(by(&[&w1, &w1]), once);
    assert_eq!(by(&[&w1, &next]), once);
    assert_eq!(by(&[&w1, &copy]), once);
    assert_eq!(
        by(&[&w1, &second]),
        [once[0].clone(), ("witness.example/w2".to_owned(), 5)]
    );
    assert_eq!(
        by(&[&log_key(), &other_key("stranger", Algorithm::Cosignature)]),
        []
    );
}

#[test]
fn a_line_is_added_once() {
    let mut signed = Log::of(3).signed();
    let before = signed.clone();
    signed.add(before.note().signatures.clone());
    assert_eq!(signed, before);
}

proptest! {
    #[test]
    fn what_is_read_prints_alike(text in prop_oneof![
        Just(SOFA.to_owned()).prop_flat_map(edited),
        Just("a\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— b AAAAAQI=\n".to_owned()).prop_flat_map(edited),
    ]) {
        if let Ok(read) = SignedCheckpoint::parse(text.as_bytes()) {
            prop_assert_eq!(read.to_string(), text);
            prop_assert!(read.note().text.starts_with(&read.unchecked().to_string()));
        }
    }
}
