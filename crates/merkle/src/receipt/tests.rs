//! Receipts: read as written, and every forgery refused.

use proptest::prelude::*;

use super::*;
use crate::{
    key::{Algorithm, SignerKey},
    testing::*,
};

fn check(receipt: &Receipt) -> Result<Checked, &'static str> {
    let witnesses = [witness_key().verifier().clone()];
    receipt
        .check(log_key().verifier(), &witnesses)
        .map_err(|error| error.code())
}

#[test]
fn a_receipt_proves_its_event() {
    for (size, index) in [(1, 0), (2, 1), (7, 6), (300, 299), (300, 0)] {
        let log = Log::of(size);
        let receipt = log.receipt(index);
        let read = Receipt::parse(receipt.to_string().as_bytes()).unwrap();
        assert_eq!(read, receipt);
        let checked = check(&read).unwrap();
        assert_eq!(
            (checked.checkpoint, checked.cosigned[0].seconds),
            (log.checkpoint(), 1_700_000_000)
        );
    }
}

#[test]
fn a_receipt_looks_like_the_standard_s() {
    let text = Log::of(3).receipt(2).to_string();
    let lines: Vec<_> = text.split('\n').collect();
    assert_eq!(
        lines[..3],
        ["c2sp.org/tlog-proof@v1", "extra ZW50cnkgMg==", "index 2"]
    );
    assert_eq!((lines[4], lines[5], lines[6], lines.len()), ("", ORIGIN, "3", 12));
}

#[test]
fn another_event_position_or_proof_is_refused() {
    let log = Log::of(20);
    let good = log.receipt(6);
    assert!(check(&good).is_ok());
    let refused = |receipt: Receipt, code| assert_eq!(check(&receipt), Err(code));
    refused(
        Receipt {
            entry: entry(7),
            ..good.clone()
        },
        "NOT_INCLUDED",
    );
    refused(
        Receipt {
            entry: Vec::new(),
            ..good.clone()
        },
        "NOT_INCLUDED",
    );
    refused(
        Receipt {
            index: 7,
            ..good.clone()
        },
        "NOT_INCLUDED",
    );
    refused(
        Receipt {
            index: 20,
            ..good.clone()
        },
        "BAD_PROOF",
    );
    refused(
        Receipt {
            index: u64::MAX,
            ..good.clone()
        },
        "BAD_PROOF",
    );
    refused(
        Receipt {
            proof: log.receipt(7).proof,
            ..good.clone()
        },
        "NOT_INCLUDED",
    );
    refused(
        Receipt {
            proof: good.proof[1..].to_vec(),
            ..good.clone()
        },
        "BAD_PROOF",
    );
    // The inner node above two entries is no entry.
    let node: Vec<u8> = [Hash::leaf(&entry(6)).0, Hash::leaf(&entry(7)).0].concat();
    refused(
        Receipt {
            entry: node,
            index: 3,
            proof: good.proof[1..].to_vec(),
            ..good
        },
        "BAD_PROOF",
    );
}

#[test]
fn another_checkpoint_is_refused() {
    let (log, later) = (Log::of(20), Log::of(21));
    let good = log.receipt(6);
    assert!(
        check(&Receipt {
            checkpoint: later.signed(),
            ..good.clone()
        })
        .is_err()
    );
    let mut elsewhere = log.checkpoint();
    elsewhere.origin = "example.org/other".to_owned();
    let refused = |checkpoint, code| {
        assert_eq!(
            check(&Receipt {
                checkpoint,
                ..good.clone()
            }),
            Err(code)
        )
    };
    refused(elsewhere.sign([&log_key()]), "OTHER_LOG");
    refused(log.checkpoint().sign([]), "NOT_SIGNED");
    refused(
        log.checkpoint().sign([&other_key(ORIGIN, Algorithm::Ed25519)]),
        "NOT_SIGNED",
    );
    // A signature of the log's over another text.
    let mut moved = log.checkpoint().sign([]);
    moved.add(later.signed().note().signatures.iter().take(1).cloned());
    refused(moved, "FORGED_SIGNATURE");
}

#[test]
fn a_forged_or_moved_cosignature_is_refused() {
    let (log, later) = (Log::of(20), Log::of(21));
    let signed = |line: crate::NoteSignature| {
        let mut checkpoint = log.checkpoint().sign([&log_key()]);
        checkpoint.add([line]);
        Receipt {
            checkpoint,
            ..log.receipt(6)
        }
    };
    let text = log.checkpoint().to_string();
    // By another key under the witness's name: unknown, so not counted.
    let impostor = other_key(WITNESS, Algorithm::Cosignature);
    assert_eq!(check(&signed(impostor.sign_note(&text, 9))).unwrap().cosigned, []);
    // The same under the witness's id too.
    let mut line = impostor.sign_note(&text, 9);
    line.id = witness_key().verifier().id();
    assert_eq!(check(&signed(line)), Err("FORGED_SIGNATURE"));
    // Made for another checkpoint.
    assert_eq!(
        check(&signed(later.signed().note().signatures[1].clone())),
        Err("FORGED_SIGNATURE")
    );
    // The witness's key, but signing as a log does.
    let as_log = SignerKey::from_seed(WITNESS, Algorithm::Ed25519, &[2; 32]).unwrap();
    assert_eq!(check(&signed(as_log.sign_note(&text, 0))).unwrap().cosigned, []);
}

#[test]
fn a_receipt_is_written_one_way() {
    let good = Log::of(3).receipt(2).to_string();
    let (_, proof) = good.split_once("index 2\n").unwrap();
    let hash = &proof[..44];
    for bad in [
        good.replace('\n', "\r\n"),
        good.replace("@v1", "@v2"),
        good.replace("extra ZW50cnkgMg==\n", ""),
        good.replace("Mg==", "Mg="),
        good.replace("Mg==", "Mh=="),
        good.replace("Mg==", "Mg"),
        good.replace("extra Z", "extra  Z"),
        good.replace("index 2", "index 02"),
        good.replace("index 2", "index +2"),
        good.replace("index 2", "index"),
        good.replace("index 2\n", "index 2\n\n"),
        good.replace("index 2\n", "index 2\n \n"),
        good.replace("\n\nexample", "\n\n\nexample"),
        good.replace("\n\nexample", "\nexample"),
        format!("\n{good}"),
        format!("{good}\n"),
        good.trim_end().to_owned(),
        String::new(),
        good.replace("extra", "Extra"),
        good.replace(hash, &vec![hash; PROOF_HASHES_MAX + 1].join("\n")),
        "x".repeat(RECEIPT_BYTES_MAX + 1),
    ] {
        assert_ne!(bad, good);
        assert!(Receipt::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    let long = good.replace(hash, &vec![hash; PROOF_HASHES_MAX].join("\n"));
    assert_eq!(
        Receipt::parse(long.as_bytes()).unwrap().proof.len(),
        PROOF_HASHES_MAX
    );
}

#[test]
fn the_largest_event_fits() {
    let receipt = Receipt {
        entry: vec![7; usize::from(u16::MAX)],
        ..Log::of(3).receipt(2)
    };
    assert_eq!(Receipt::parse(receipt.to_string().as_bytes()), Ok(receipt));
}

#[test]
fn a_spoilt_receipt_says_the_same_or_is_refused() {
    let good = Log::of(5).receipt(3);
    for spoilt in spoilt(good.to_string().as_bytes()) {
        let Ok(read) = Receipt::parse(&spoilt) else {
            continue;
        };
        assert_eq!(read.to_string().as_bytes(), spoilt);
        if let Ok(checked) = check(&read) {
            assert_eq!(
                (&read.entry, read.index, &checked.checkpoint),
                (&good.entry, good.index, good.checkpoint.unchecked())
            );
            assert!(
                checked
                    .cosigned
                    .iter()
                    .all(|cosigned| cosigned.seconds == 1_700_000_000)
            );
        }
    }
}

proptest! {
    #[test]
    fn what_is_read_prints_alike(text in Just(Log::of(3).receipt(2).to_string()).prop_flat_map(edited)) {
        if let Ok(read) = Receipt::parse(text.as_bytes()) {
            prop_assert_eq!(read.to_string(), text);
        }
    }
}
