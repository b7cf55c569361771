//! Notes: the standard's examples, somebody else's reading of ours, and one text for each.

use proptest::prelude::*;
use signed_note::{Note as Theirs, StandardSigner, StandardVerifier, VerifierList};

use super::*;
use crate::{key::SignerKey, testing::*};

/// From the documentation of Go's `golang.org/x/mod/sumdb/note`.
const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NEUMANN: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

/// The example of C2SP `signed-note`.
const QUASIMODO: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
    — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

#[test]
fn the_published_note_is_signed() {
    let note = Note::parse(NEUMANN.as_bytes()).unwrap();
    assert_eq!(note.signed_by(&VerifierKey::parse(VKEY).unwrap()), Ok(None));
    assert_eq!(note.to_string(), NEUMANN);
}

#[test]
fn the_last_empty_line_parts_text_and_signatures() {
    let note = Note::parse(QUASIMODO.as_bytes()).unwrap();
    assert!(note.text.ends_with("sole:\n\ned è subito sera.\n"));
    assert_eq!(
        (note.signatures[0].name.as_str(), note.signatures[0].id),
        ("quasimodo.example/salvatore", 0x367b_a04b)
    );
    assert_eq!(note.to_string(), QUASIMODO);
}

#[test]
fn the_oracle_takes_our_notes_and_we_take_its() {
    for (seed, text) in ["one line\n", "a\n\nb\n", "\n", "村庄 è\n\n\n"]
        .into_iter()
        .enumerate()
    {
        let key =
            SignerKey::from_seed(ORIGIN, Algorithm::Ed25519, &[u8::try_from(seed).unwrap(); 32]).unwrap();
        let ours = Note {
            text: text.to_owned(),
            signatures: vec![key.sign_note(text, 0)],
        };
        let their = Theirs::from_bytes(ours.to_string().as_bytes()).unwrap();
        let verifier = StandardVerifier::new(&key.verifier().to_string()).unwrap();
        let (valid, rest) = their
            .verify(&VerifierList::new(vec![Box::new(verifier)]))
            .unwrap();
        assert_eq!((valid.len(), rest.len(), their.text()), (1, 0, text.as_bytes()));
        let mut their = Theirs::new(text.as_bytes(), &[]).unwrap();
        their
            .add_sigs(&[&StandardSigner::new(&key.secret_text()).unwrap()])
            .unwrap();
        let again = Note::parse(&their.to_bytes()).unwrap();
        assert_eq!((again.signed_by(key.verifier()), &again), (Ok(None), &ours));
    }
}

#[test]
fn a_note_is_written_one_way() {
    let line = "— a AAAAAQI=";
    let good = format!("text\n\n{line}\n");
    assert_eq!(Note::parse(good.as_bytes()).unwrap().to_string(), good);
    for bad in [
        String::new(),
        "\n".into(),
        "\n\n".into(),
        "text\n".into(),
        "text\n\n".into(),
        "text\n\n\n".into(),
        format!("\n{line}\n"),
        format!("text\n{line}\n"),
        format!("text\n\n{line}"),
        format!("text\n\n{line}\n\n"),
        format!("text\n\n{line}\n{line}"),
        good.replace('\n', "\r\n"),
        good.replace("text", "te\txt"),
        good.replace("text", "te\rxt"),
        good.replace("text", "te\0xt"),
        good.replace('—', "-"),
        good.replace("— a", "—  a"),
        good.replace("— a", "— a b"),
        good.replace("— a", "— "),
        good.replace("— a", "— a+b"),
        good.replace("— a", "— a\u{a0}b"),
        good.replace("— a", "—a"),
        good.replace("AAAAAQI=", "AAAAAQI"),
        good.replace("AAAAAQI=", "AAAAAQJ="),
        good.replace("AAAAAQI=", "AAAAAQI=="),
        good.replace("AAAAAQI=", "AAAAAQI= "),
        good.replace("AAAAAQI=", "AAAA_QI="),
        good.replace("AAAAAQI=", "AAAAAQ=="),
        good.replace("AAAAAQI=", ""),
        format!("text\n\n{}", format!("{line}\n").repeat(101)),
        format!("{}\n\n{line}\n", "x".repeat(NOTE_BYTES_MAX)),
    ] {
        assert_eq!(
            Note::parse(bad.as_bytes()).map_err(|error| error.code()),
            Err("BAD_NOTE"),
            "{bad:?}"
        );
    }
    assert!(Note::parse(b"te\xffxt\n\n\xe2\x80\x94 a AAAAAQI=\n").is_err());
    assert!(Note::parse(format!("text\n\n{}", format!("{line}\n").repeat(100)).as_bytes()).is_ok());
}

#[test]
fn sixteen_signatures_of_the_longest_kind_are_read() {
    let line = NoteSignature {
        name: "w".repeat(60),
        id: 1,
        bytes: vec![7; 5_000],
    };
    let note = Note {
        text: "text\n".to_owned(),
        signatures: vec![line; 16],
    };
    assert_eq!(Note::parse(note.to_string().as_bytes()), Ok(note));
}

#[test]
fn unknown_lines_are_ignored_and_forged_ones_are_not() {
    let (text, key) = ("text\n", log_key());
    let own = key.sign_note(text, 0);
    let with = |signatures: Vec<NoteSignature>| Note {
        text: text.to_owned(),
        signatures,
    };
    let of_name = NoteSignature {
        id: own.id ^ 1,
        ..own.clone()
    };
    let of_id = NoteSignature {
        name: "else".to_owned(),
        ..own.clone()
    };
    let stranger = other_key("stranger", Algorithm::Ed25519).sign_note("else\n", 0);
    let others = vec![of_name, of_id, stranger];
    let by = |signatures| {
        with(signatures)
            .signed_by(key.verifier())
            .map_err(|error| error.code())
    };
    assert_eq!(by(others.clone()), Err("NOT_SIGNED"));
    assert_eq!(by([others, vec![own.clone()]].concat()), Ok(None));
    let mut forged = own.clone();
    forged.bytes[0] ^= 1;
    for lines in [
        vec![forged.clone()],
        vec![own.clone(), forged.clone()],
        vec![forged, own.clone()],
    ] {
        assert_eq!(by(lines), Err("FORGED_SIGNATURE"));
    }
    for bytes in [vec![0], own.bytes[1..].to_vec(), [&own.bytes[..], &[0]].concat()] {
        assert_eq!(
            by(vec![NoteSignature { bytes, ..own.clone() }]),
            Err("FORGED_SIGNATURE")
        );
    }
}

#[test]
fn a_cosignature_is_over_its_time_and_the_text() {
    let (text, key) = (Log::of(3).checkpoint().to_string(), witness_key());
    let own = key.sign_note(&text, 1_700_000_000);
    assert_eq!(
        (own.bytes.len(), &own.bytes[..8]),
        (72, &1_700_000_000_u64.to_be_bytes()[..])
    );
    let message = format!("cosignature/v1\ntime 1700000000\n{text}");
    assert!(key.verifier().verifies(message.as_bytes(), &own.bytes[8..]));
    let by = |bytes: Vec<u8>| {
        let signatures = vec![NoteSignature { bytes, ..own.clone() }];
        Note {
            text: text.clone(),
            signatures,
        }
        .signed_by(key.verifier())
        .map_err(|error| error.code())
    };
    assert_eq!(by(own.bytes.clone()), Ok(Some(1_700_000_000)));
    for spoilt in spoilt(&own.bytes) {
        assert_eq!(by(spoilt), Err("FORGED_SIGNATURE"));
    }
    // A log's kind of signature by the same key is no cosignature, and a time beyond 2⁶³ is none.
    assert_eq!(by(key.sign(text.as_bytes()).to_vec()), Err("FORGED_SIGNATURE"));
    assert_eq!(
        by(key.sign_note(&text, u64::MAX >> 1).bytes),
        Ok(Some(u64::MAX >> 1))
    );
    assert_eq!(by(key.sign_note(&text, 1 << 63).bytes), Err("FORGED_SIGNATURE"));
}

#[test]
fn the_standard_s_cosignature_states_its_time() {
    let line = "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==";
    let read = NoteSignature::parse(line).unwrap();
    assert_eq!((read.to_string().as_str(), read.bytes.len()), (line, 72));
    assert_eq!(read.bytes[..8], 1_679_315_147_u64.to_be_bytes());
}

#[test]
fn a_spoilt_note_says_the_same_or_is_refused() {
    let (key, mut note) = (log_key(), Log::of(3).signed().note().clone());
    note.signatures
        .push(other_key("stranger", Algorithm::Ed25519).sign_note(&note.text, 0));
    assert_eq!(note.signed_by(key.verifier()), Ok(None));
    for spoilt in spoilt(note.to_string().as_bytes()) {
        let Ok(read) = Note::parse(&spoilt) else { continue };
        assert_eq!(read.to_string().as_bytes(), spoilt);
        if read.signed_by(key.verifier()).is_ok() {
            assert_eq!(
                (&read.text, &read.signatures[0]),
                (&note.text, &note.signatures[0])
            );
        }
    }
}

proptest! {
    #[test]
    fn what_is_read_prints_alike(text in prop_oneof![
        Just(NEUMANN.to_owned()).prop_flat_map(edited),
        Just("a\n\n— b AAAAAQI=\n— c AAAAAgIC\n".to_owned()).prop_flat_map(edited),
        "[a\n]{0,5}\n\n(— [a-c é]{1,3} [A-D]{6,8}={0,2}\n){0,3}",
    ]) {
        if let Ok(note) = Note::parse(text.as_bytes()) {
            prop_assert_eq!(note.to_string(), text);
        }
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Note::parse(&bytes);
        let _ = crate::SignedCheckpoint::parse(&bytes);
        let _ = crate::Receipt::parse(&bytes);
        let _ = crate::Addition::parse(&bytes);
    }
}
