//! Whoever changes a log, or what is published of it, afterwards and from outside. Nothing of it passes.

use shilu_merkle::{Checkpoint, Hash};
use shilu_model::{Timestamp, decode};

use super::register::*;
use crate::{Batch, Damage, Entries, Options, audit};

fn untiled() -> Options {
    Options {
        tiles: false,
        ..pinned()
    }
}

/// Every bit of every entry, one at a time, is named with its position.
#[test]
fn every_flipped_bit_of_a_log_is_found_where_it_is() {
    let mut register = village();
    let files = register.publish();
    for index in 0..register.log.len() {
        let position = Some(u64::try_from(index).unwrap());
        for bit in 0..register.log[index].len() * 8 {
            register.log[index][bit / 8] ^= 1 << (bit % 8);
            expect(
                by_log(&register.log, &files, &pinned()),
                "ENTRY_NOT_IN_TILE",
                position,
            );
            register.log[index][bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// And where no tiles are compared it is still found: by the rules, a signature or the root.
#[test]
fn every_flipped_bit_of_the_bundles_is_found() {
    let mut register = village();
    let files = register.publish();
    let bundle = "tile/entries/000.p/20";
    let mut start = 0;
    for (index, entry) in register.log.iter().enumerate() {
        start += 2;
        for bit in start * 8..(start + entry.len()) * 8 {
            let flipped = files.with(bundle, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
            assert!(
                by_bundles(&flipped, &untiled()).is_err(),
                "position {index}, bit {bit}"
            );
            if bit % 8 == index % 8 {
                let position = Some(u64::try_from(index).unwrap());
                expect(by_bundles(&flipped, &pinned()), "ENTRY_NOT_IN_TILE", position);
            }
        }
        start += entry.len();
    }
}

#[test]
fn every_flipped_bit_of_every_tile_and_bundle_is_found() {
    let files = village().publish();
    for (name, code) in [("tile/0/000.p/20", "TILE_WRONG"), ("tile/entries/000.p/20", "")] {
        for bit in 0..files.0[name].len() * 8 {
            let flipped = files.with(name, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
            let finding = by_bundles(&flipped, &pinned()).unwrap_err();
            assert!(
                code.is_empty() || finding.code() == code,
                "bit {bit}: {finding:?}"
            );
        }
    }
}

#[test]
fn tiles_of_every_level_and_width_are_compared() {
    let files = town().publish();
    let tiles = [
        ("tile/0/000", 0),
        ("tile/0/001", 256),
        ("tile/0/002.p/89", 512),
        ("tile/1/000.p/2", 0),
    ];
    for (name, first) in tiles {
        let last = files.0[name].len() - 1;
        let under = if name.starts_with("tile/1") { 256 } else { 1 };
        let place = u64::try_from(last / 32).unwrap() * under;
        let flipped = files.with(name, |bytes| bytes[last] ^= 1);
        expect(by_bundles(&flipped, &pinned()), "TILE_WRONG", Some(first + place));
        expect(
            by_bundles(&files.without(name), &pinned()),
            "TILE_MISSING",
            Some(first),
        );
        let cut = files.with(name, |bytes| bytes.truncate(last));
        expect(by_bundles(&cut, &pinned()), "BAD_TILE", Some(first));
        let longer = files.with(name, |bytes| bytes.extend([0; 32]));
        expect(by_bundles(&longer, &pinned()), "BAD_TILE", Some(first));
        expect(
            by_bundles(&files.with(name, Vec::clear), &pinned()),
            "BAD_TILE",
            Some(first),
        );
    }
}

#[test]
fn bundles_that_are_missing_cut_or_empty_are_found() {
    let files = town().publish();
    for (name, first) in [
        ("tile/entries/000", 0),
        ("tile/entries/001", 256),
        ("tile/entries/002.p/89", 512),
    ] {
        expect(
            by_bundles(&files.without(name), &pinned()),
            "BUNDLE_MISSING",
            Some(first),
        );
        let cut = files.with(name, |bytes| bytes.truncate(bytes.len() - 1));
        expect(by_bundles(&cut, &pinned()), "BAD_BUNDLE", Some(first));
        expect(
            by_bundles(&files.with(name, Vec::clear), &pinned()),
            "BAD_BUNDLE",
            Some(first),
        );
        let huge = files.with(name, |bytes| bytes.resize(2 << 20, 0));
        expect(by_bundles(&huge, &pinned()), "BAD_BUNDLE", Some(first));
    }
}

#[test]
fn a_dropped_event_is_found() {
    let mut register = village();
    let files = register.publish();
    register.log.remove(5);
    expect(
        by_log(&register.log, &files, &pinned()),
        "ENTRY_NOT_IN_TILE",
        Some(5),
    );
    expect(by_log(&register.log, &files, &untiled()), "OUT_OF_PLACE", Some(5));
    // Published anew by the one who has the key, it is still out of place.
    expect(
        by_bundles(&register.publish(), &pinned()),
        "OUT_OF_PLACE",
        Some(5),
    );
    register.renumber();
    // The register's own events are counted: that it was one of them shows.
    expect(
        by_bundles(&register.publish(), &pinned()),
        "BAD_ACTOR_SIGNATURE",
        Some(5),
    );
}

#[test]
fn a_repeated_event_is_found() {
    let mut register = village();
    let files = register.publish();
    register.log.insert(4, register.log[3].clone());
    expect(
        by_log(&register.log, &files, &pinned()),
        "ENTRY_NOT_IN_TILE",
        Some(4),
    );
    expect(by_log(&register.log, &files, &untiled()), "OUT_OF_PLACE", Some(4));
    register.renumber();
    expect(
        by_log(&register.log, &files, &untiled()),
        "NOT_WHAT_THE_RULES_GIVE",
        Some(4),
    );
}

#[test]
fn swapped_events_are_found() {
    let mut register = village();
    let files = register.publish();
    register.log.swap(2, 3);
    expect(
        by_log(&register.log, &files, &pinned()),
        "ENTRY_NOT_IN_TILE",
        Some(2),
    );
    expect(by_log(&register.log, &files, &untiled()), "OUT_OF_PLACE", Some(2));
    // Two first collects may come in either order: a good log, but not the one that was signed.
    register.renumber();
    expect(
        by_log(&register.log, &files, &pinned()),
        "ENTRY_NOT_IN_TILE",
        Some(2),
    );
    expect(by_log(&register.log, &files, &untiled()), "WRONG_ROOT", None);
}

#[test]
fn a_replaced_event_is_found() {
    let mut register = village();
    let files = register.publish();
    // Well-formed and by the rules: only the tree knows.
    register.edit(2, |event| event.actor = "anne");
    expect(
        by_log(&register.log, &files, &pinned()),
        "ENTRY_NOT_IN_TILE",
        Some(2),
    );
    expect(by_log(&register.log, &files, &untiled()), "WRONG_ROOT", None);
    let mut bundles = register.publish();
    bundles
        .0
        .insert("checkpoint".to_owned(), files.0["checkpoint"].clone());
    expect(by_bundles(&bundles, &pinned()), "WRONG_ROOT", None);
}

#[test]
fn a_changed_recorded_time_is_found() {
    let mut register = village();
    let files = register.publish();
    register.edit(19, |event| {
        event.recorded = day(121);
        event.effective = day(121);
    });
    expect(
        by_log(&register.log, &files, &pinned()),
        "ENTRY_NOT_IN_TILE",
        Some(19),
    );
    expect(by_log(&register.log, &files, &untiled()), "WRONG_ROOT", None);
}

#[test]
fn the_tail_cut_off_is_found() {
    let mut register = village();
    let files = register.publish();
    register.log.truncate(17);
    expect(
        by_log(&register.log, &files, &pinned()),
        "LOG_TRUNCATED",
        Some(17),
    );
    expect(by_log(&[], &files, &pinned()), "LOG_TRUNCATED", Some(0));
    // The checkpoint cut off with it: whoever holds a later one knows.
    let since = Options {
        since: Some(files.checkpoint()),
        ..pinned()
    };
    expect(by_bundles(&register.publish(), &since), "CHECKPOINT_OLDER", None);
}

#[test]
fn a_gap_between_batches_is_found() {
    let mut register = village();
    let files = register.publish();
    let (mut one, mut other) = (Batch::new(0), Batch::new(4));
    register.log[..3].iter().for_each(|entry| one.push(entry));
    register.log[4..].iter().for_each(|entry| other.push(entry));
    let entries = Entries::Log(Box::new([Ok(one), Ok(other)].into_iter()));
    let result = audit(&files, entries, &pinned(), &mut |_, _| {});
    expect(result, "OUT_OF_PLACE", Some(3));
}

#[test]
fn a_whole_other_log_by_the_same_key_is_found_by_an_earlier_checkpoint() {
    let mut honest = town();
    let mut other = town();
    other.edit(3, |event| event.actor = "anne");
    let files = other.publish();
    // In itself nothing is wrong with it: this is why there are witnesses.
    assert!(by_bundles(&files, &pinned()).is_ok());
    honest.log.truncate(300);
    let mut earlier = honest.publish();
    earlier.cosign(&witness(1));
    let since = Options {
        since: Some(earlier.checkpoint()),
        ..pinned()
    };
    expect(by_bundles(&files, &since), "HISTORY_REWRITTEN", None);
    let witnessed = Options {
        witnesses: vec![witness(1).verifier().clone()],
        quorum: 1,
        ..pinned()
    };
    expect(by_bundles(&files, &witnessed), "QUORUM_MISSING", None);
    // The cosignature of the one does not fit the other.
    let mut pasted = files.checkpoint();
    pasted.add(earlier.checkpoint().note().signatures.clone().into_iter().skip(1));
    let pasted = files.with("checkpoint", |bytes| *bytes = pasted.to_string().into());
    expect(by_bundles(&pasted, &witnessed), "FORGED_SIGNATURE", None);
}

#[test]
fn an_earlier_checkpoint_of_another_log_is_refused() {
    let since = Register::with_clock(true).publish().checkpoint();
    let options = Options {
        since: Some(since),
        ..pinned()
    };
    expect(by_bundles(&village().publish(), &options), "OTHER_LOG", None);
}

#[test]
fn checkpoints_are_not_believed() {
    let mut register = village();
    let files = register.publish();
    let newest = Options {
        key: Some(register.key.verifier().clone()),
        ..unpinned()
    };
    let replaced = |checkpoint: String| files.with("checkpoint", |bytes| *bytes = checkpoint.into());
    let honest = files.checkpoint().unchecked().clone();
    let wrong = Checkpoint {
        root: Hash::leaf(b"other"),
        ..honest.clone()
    };
    let wrong = replaced(wrong.sign([&register.key]).to_string());
    expect(by_bundles(&wrong, &pinned()), "WRONG_ROOT", None);
    let other = replaced(honest.sign([&key("example.org/village", 9)]).to_string());
    expect(by_bundles(&other, &pinned()), "NOT_SIGNED", None);
    let stale = replaced(honest.sign([&first_key()]).to_string());
    expect(by_bundles(&stale, &pinned()), "NOT_SIGNED", None);
    let forged = files.0["checkpoint"].clone();
    let forged = String::from_utf8(forged).unwrap().replacen("\n20\n", "\n19\n", 1);
    expect(by_bundles(&replaced(forged), &newest), "FORGED_SIGNATURE", None);
    expect(
        by_bundles(&files.without("checkpoint"), &pinned()),
        "CHECKPOINT_MISSING",
        None,
    );
    expect(by_bundles(&replaced("x".to_owned()), &pinned()), "BAD_NOTE", None);
    let huge = Checkpoint {
        size: u64::MAX,
        ..honest
    };
    let huge = replaced(huge.sign([&register.key]).to_string());
    expect(by_bundles(&huge, &pinned()), "BUNDLE_MISSING", Some(0));
    expect(by_bundles(&huge, &untiled()), "BUNDLE_MISSING", Some(0));
}

#[test]
fn every_flipped_bit_of_the_checkpoint_is_found() {
    let mut register = village();
    // The first after a rotation also carries the old key's line, which nobody needs there.
    register.publish();
    let files = register.publish();
    for bit in 0..files.0["checkpoint"].len() * 8 {
        let flipped = files.with("checkpoint", |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        assert!(by_bundles(&flipped, &pinned()).is_err(), "bit {bit}");
    }
}

#[test]
fn campaigns_are_those_that_the_log_names() {
    let mut register = village();
    let files = register.publish();
    let named = |index: usize| {
        let event = decode(&register.log[index]).unwrap();
        format!(
            "attachments/{}",
            shilu_model::setting::set_by(&event, "campaign").unwrap().unwrap()
        )
    };
    for (index, position) in [(0, 0), (16, 16)] {
        let name = named(index);
        expect(
            by_bundles(&files.without(&name), &pinned()),
            "CAMPAIGN_MISSING",
            Some(position),
        );
        let changed = files.with(&name, |bytes| bytes.push(b'\n'));
        expect(
            by_bundles(&changed, &pinned()),
            "CAMPAIGN_CHANGED",
            Some(position),
        );
        let huge = files.with(&name, |bytes| bytes.resize(2 << 20, b'#'));
        expect(by_bundles(&huge, &pinned()), "CAMPAIGN_CHANGED", Some(position));
    }
}

#[test]
fn rotations_are_vouched_for_by_both_keys() {
    let mut register = village();
    let files = register.publish();
    let note = |change: &dyn Fn(&mut Vec<u8>)| files.with("rotation/7", |bytes| change(bytes));
    let refused = |files| expect(by_bundles(&files, &pinned()), "KEY_NOT_VOUCHED", None);
    let said = shilu_merkle::SignedCheckpoint::parse(&files.0["rotation/7"]).unwrap();
    let said = said.unchecked().clone();
    let (first, second) = (first_key(), key("example.org/village", 2));
    refused(files.without("rotation/7"));
    refused(files.without("rotation/15"));
    refused(note(&|bytes| *bytes = said.sign([&second]).to_string().into()));
    refused(note(&|bytes| *bytes = said.sign([&first]).to_string().into()));
    refused(note(&|bytes| bytes.clear()));
    // Both keys signed, but of another history, too early, or too late.
    for (size, root) in [
        (9, Hash::leaf(b"other")),
        (7, said.root),
        (21, said.root),
        (8, said.root),
    ] {
        let other = Checkpoint {
            size,
            root,
            ..said.clone()
        };
        refused(note(&|bytes| {
            *bytes = other.sign([&first, &second]).to_string().into()
        }));
    }
    // One from before the rotation does not do, though its root is known.
    register.log.truncate(7);
    register.key = first_key();
    let since = register.publish().checkpoint();
    let early = since.unchecked().sign([&first, &second]).to_string();
    let known = Options {
        since: Some(since),
        ..pinned()
    };
    assert!(by_bundles(&files, &known).is_ok());
    let early = note(&|bytes| *bytes = early.clone().into());
    expect(by_bundles(&early, &known), "KEY_NOT_VOUCHED", None);
    let strange = Options {
        key: Some(key("example.org/village", 9).verifier().clone()),
        ..unpinned()
    };
    expect(by_bundles(&files, &strange), "KEY_NOT_VOUCHED", None);
}

#[test]
fn what_cannot_be_read_is_not_called_good() {
    struct Broken(Files);
    impl crate::Published for Broken {
        fn read(&self, name: &str) -> Result<Option<Vec<u8>>, crate::Unreadable> {
            let problem = "the disk is gone".to_owned();
            match name {
                "tile/entries/000.p/20" => Err(crate::Unreadable {
                    name: name.to_owned(),
                    problem,
                }),
                name => self.0.read(name),
            }
        }
    }
    let files = Broken(village().publish());
    let result = audit(&files, Entries::Bundles, &pinned(), &mut |_, _| {});
    let finding = expect(result, "UNREADABLE", Some(0));
    assert!(matches!(finding.damage, Damage::Unreadable(_)));
    let said = "position 0: tile/entries/000.p/20 cannot be read: the disk is gone";
    assert_eq!(finding.to_string(), said);
}

#[test]
fn of_two_bad_positions_the_first_is_named() {
    let mut register = town();
    let files = register.publish();
    register.log[400][30] ^= 1;
    register.edit(20, |event| event.version = 2);
    expect(
        by_log(&register.log, &files, &pinned()),
        "ENTRY_NOT_IN_TILE",
        Some(20),
    );
    expect(
        by_log(&register.log, &files, &untiled()),
        "NOT_WHAT_THE_RULES_GIVE",
        Some(20),
    );
    // Published so, the rules speak first, and the tile that was left as it was later.
    let mut republished = register.publish();
    republished
        .0
        .insert("tile/0/001".to_owned(), files.0["tile/0/001"].clone());
    expect(
        by_bundles(&republished, &pinned()),
        "NOT_WHAT_THE_RULES_GIVE",
        Some(20),
    );
    assert!(Timestamp::MIN < day(0));
}

#[test]
fn bundles_beside_a_log_are_compared_with_it() {
    let mut register = town();
    let files = register.publish();
    let honest = by_log(&register.log, &files, &pinned()).unwrap();
    assert_eq!((honest.tiles, honest.bundles), (4, 3));
    for (name, first, width) in [("000", 0, 256), ("001", 256, 256), ("002.p/89", 512, 89)] {
        let name = format!("tile/entries/{name}");
        let last = first + width - 1;
        let flipped = files.with(&name, |bytes| *bytes.last_mut().unwrap() ^= 1);
        expect(
            by_log(&register.log, &flipped, &pinned()),
            "BUNDLE_WRONG",
            Some(last),
        );
        let short = files.with(&name, |bytes| bytes.truncate(bytes.len() - 1));
        expect(
            by_log(&register.log, &short, &pinned()),
            "BAD_BUNDLE",
            Some(first),
        );
        let missing = files.without(&name);
        expect(
            by_log(&register.log, &missing, &pinned()),
            "BUNDLE_MISSING",
            Some(first),
        );
    }
    // Where the log itself was changed, the bundles are not to blame.
    let mut changed = register.clone();
    changed.edit(300, |event| event.actor = "eve");
    expect(
        by_log(&changed.log, &files, &pinned()),
        "ENTRY_NOT_IN_TILE",
        Some(300),
    );
    let mut forged = changed.publish();
    for name in ["checkpoint", "tile/entries/001"] {
        forged.0.insert(name.to_owned(), files.0[name].clone());
    }
    expect(by_log(&changed.log, &forged, &pinned()), "WRONG_ROOT", None);
}
