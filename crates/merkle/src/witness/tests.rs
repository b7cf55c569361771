//! The witness's judgement: an honest log passes at every step, and nothing else does.

use proptest::prelude::*;

use super::*;
use crate::{key::Algorithm, note::Note, testing::*};

/// What an honest log sends after `old`.
fn request(log: &Log, old: u64) -> Addition {
    Addition {
        old,
        proof: log.prover().consistency(old).unwrap(),
        checkpoint: log.checkpoint().sign([&log_key()]),
    }
}

fn judged(request: &Addition, last: Option<&Checkpoint>) -> Judgement {
    judge(request, &[log_key().verifier().clone()], last)
}

fn status(judgement: Judgement) -> u16 {
    judgement.map_or_else(|refusal| refusal.status(), |_| 200)
}

#[test]
fn an_honest_log_is_cosigned_at_each_step() {
    let (mut log, mut last, mut seeded) = (Log::default(), None::<Checkpoint>, Seeded(3));
    for _ in 0..60 {
        for index in log.size()..log.size() + seeded.below(40) {
            log.push(&entry(index));
        }
        let asked = request(&log, last.as_ref().map_or(0, |last| last.size));
        assert_eq!(Addition::parse(asked.to_string().as_bytes()), Ok(asked.clone()));
        assert_eq!(judged(&asked, last.as_ref()), Ok(log.checkpoint()));
        last = Some(log.checkpoint());
    }
}

#[test]
fn each_refusal_has_its_status() {
    let (log, old) = (Log::of(30), Log::of(20).checkpoint());
    let good = request(&log, 20);
    assert_eq!(status(judged(&good, Some(&old))), 200);
    // 404 and 403.
    assert_eq!(judge(&good, &[], Some(&old)), Err(Refusal::UnknownLog));
    let elsewhere = other_key("example.org/other", Algorithm::Ed25519);
    assert_eq!(
        judge(&good, &[elsewhere.verifier().clone()], Some(&old)),
        Err(Refusal::UnknownLog)
    );
    let another = other_key(ORIGIN, Algorithm::Ed25519);
    assert_eq!(
        status(judge(&good, &[another.verifier().clone()], Some(&old))),
        403
    );
    let mut forged = good.clone();
    let said = forged.checkpoint.to_string().replace("\n30\n", "\n31\n");
    forged.checkpoint = SignedCheckpoint::parse(said.as_bytes()).unwrap();
    assert_eq!(status(judged(&forged, Some(&old))), 403);
    // 400, also where the old size is the witness's own.
    assert_eq!(
        judged(
            &Addition {
                old: 31,
                ..good.clone()
            },
            Some(&old)
        ),
        Err(Refusal::OldIsLarger)
    );
    assert_eq!(
        judged(&request(&Log::of(10), 10), Some(&old)),
        Err(Refusal::OldDiffers { last: 20 })
    );
    assert_eq!(
        judged(
            &Addition {
                old: 20,
                ..request(&Log::of(10), 0)
            },
            Some(&old)
        ),
        Err(Refusal::OldIsLarger)
    );
    // 409.
    for old_size in [0, 19, 21, 30] {
        assert_eq!(
            judged(&request(&log, old_size), Some(&old)),
            Err(Refusal::OldDiffers { last: 20 })
        );
    }
    assert_eq!(judged(&good, None), Err(Refusal::OldDiffers { last: 0 }));
    let same_size = Checkpoint {
        size: 30,
        ..old.clone()
    };
    assert_eq!(
        judged(&request(&log, 30), Some(&same_size)),
        Err(Refusal::OtherRoot { size: 30 })
    );
    // 422.
    let rewritten = Checkpoint {
        root: Hash::leaf(b"else"),
        ..old.clone()
    };
    assert_eq!(status(judged(&good, Some(&rewritten))), 422);
    assert_eq!(
        status(judged(
            &Addition {
                proof: Vec::new(),
                ..good.clone()
            },
            Some(&old)
        )),
        422
    );
    let first = Addition {
        proof: vec![Hash::empty()],
        ..request(&log, 0)
    };
    assert_eq!(status(judged(&first, None)), 422);
}

#[test]
fn either_key_of_a_rotation_will_do_and_a_stranger_s_line_is_ignored() {
    let (log, next) = (Log::of(9), other_key(ORIGIN, Algorithm::Ed25519));
    let keys = [next.verifier().clone(), log_key().verifier().clone()];
    for signers in [
        vec![log_key()],
        vec![next.clone()],
        vec![other_key("stranger", Algorithm::Ed25519), log_key()],
    ] {
        let asked = Addition {
            checkpoint: log.checkpoint().sign(&signers),
            ..request(&log, 0)
        };
        assert_eq!(status(judge(&asked, &keys, None)), 200);
    }
}

#[test]
fn the_present_checkpoint_is_cosigned_again_and_an_older_one_never() {
    let (log, old) = (Log::of(30), Log::of(20));
    let last = log.checkpoint();
    assert_eq!(judged(&request(&log, 30), Some(&last)), Ok(last.clone()));
    for claimed in 0..=31 {
        let replayed = Addition {
            old: claimed,
            ..request(&old, 20)
        };
        assert!(judged(&replayed, Some(&last)).is_err());
    }
}

#[test]
fn a_request_is_written_one_way() {
    let good = request(&Log::of(30), 20).to_string();
    let hash = good.split('\n').nth(1).unwrap().to_owned();
    for bad in [
        good.replace('\n', "\r\n"),
        good.replace("old 20", "old 020"),
        good.replace("old 20", "old"),
        good.replace("old 20", "old  20"),
        good.replace("old 20", "Old 20"),
        good.replace("old 20", "old -1"),
        good.replace("old 20\n", "old 20\n\n"),
        good.replace("\n\nexample", "\nexample"),
        good.replace("\n\nexample", "\n\n\nexample"),
        format!("\n{good}"),
        format!("{good}\n"),
        good.replace(&hash, &hash[1..]),
        good.replace(&hash, &vec![hash.as_str(); 64].join("\n")),
        String::new(),
        "x".repeat(REQUEST_BYTES_MAX + 1),
    ] {
        assert_ne!(bad, good);
        assert!(Addition::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn a_spoilt_request_says_the_same_or_is_refused() {
    let (log, last) = (Log::of(30), Log::of(20).checkpoint());
    for spoilt in spoilt(request(&log, 20).to_string().as_bytes()) {
        let Ok(read) = Addition::parse(&spoilt) else {
            continue;
        };
        assert_eq!(read.to_string().as_bytes(), spoilt);
        if let Ok(said) = judged(&read, Some(&last)) {
            assert_eq!(said, log.checkpoint());
        }
    }
}

/// A log that shares its first entries with `Log::of` and then tells another history.
fn forked(at: u64, size: u64) -> Log {
    let mut log = Log::of(at);
    (at..size).for_each(|index| log.push(format!("other {index}").as_bytes()));
    log
}

proptest! {
    #[test]
    fn of_two_histories_the_second_is_refused(at in 0..60_u64, first in 1..60_u64, second in 1..60_u64, claimed in 0..120_u64) {
        let (told, other) = (Log::of(at + first), forked(at, at + second));
        let last = judged(&request(&told, 0), None).unwrap();
        for old in [claimed.min(other.size()), last.size.min(other.size())] {
            let mut asked = request(&other, old);
            prop_assert!(judged(&asked, Some(&last)).is_err());
            // Nor does the proof of the history that was told help.
            asked.old = last.size;
            asked.proof = told.prover().consistency(at).unwrap();
            prop_assert!(judged(&asked, Some(&last)).is_err());
        }
    }

    #[test]
    fn never_a_smaller_size_nor_two_roots_of_one_size(steps in proptest::collection::vec((0..40_u64, 0..40_u64, any::<bool>()), 1..12)) {
        let mut last: Option<Checkpoint> = None;
        for (size, old, honest) in steps {
            let log = if honest { Log::of(size) } else { forked(size / 2, size) };
            let said = judged(&request(&log, old.min(size)), last.as_ref());
            if let (Ok(said), Some(last)) = (&said, &last) {
                prop_assert!(said.size >= last.size);
                prop_assert!(said.size > last.size || said.root == last.root);
            }
            last = said.ok().or(last);
        }
    }

    #[test]
    fn what_is_read_prints_alike(text in Just(request(&Log::of(30), 20).to_string()).prop_flat_map(edited)) {
        if let Ok(read) = Addition::parse(text.as_bytes()) {
            prop_assert_eq!(read.to_string(), text);
        }
    }

    #[test]
    fn a_note_of_any_text_and_signer_is_only_its_own(text in "[a-z\n]{0,20}", seed in any::<[u8; 32]>()) {
        let text = format!("{text}\n");
        let key = crate::SignerKey::from_seed(ORIGIN, Algorithm::Ed25519, &seed).unwrap();
        let note = Note { text: text.clone(), signatures: vec![key.sign_note(&text, 0)] };
        prop_assert_eq!(Note::parse(note.to_string().as_bytes()), Ok(note.clone()));
        prop_assert!(note.signed_by(key.verifier()).is_ok());
        prop_assert!(note.signed_by(log_key().verifier()).is_err());
    }
}
