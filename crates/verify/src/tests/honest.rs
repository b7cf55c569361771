//! Honest registers pass, and the report says how much was checked.

use proptest::prelude::*;
use shilu_model::{Because, Entry, Event, Outcome, decode};

use super::register::*;
use crate::{Batch, Entries, Options, audit, memory::Memory};

#[test]
fn an_honest_register_passes_with_everything_counted() {
    let mut register = village();
    let files = register.publish();
    let report = by_bundles(&files, &pinned()).unwrap();
    assert_eq!((report.events, report.records, report.signed), (20, 4, 1));
    assert_eq!((report.tiles, report.bundles), (1, 1));
    assert_eq!((report.rotations, report.campaigns), (2, 2));
    assert_eq!(
        (report.unpublished, report.pinned, report.simulated),
        (0, true, false)
    );
    assert_eq!(
        (report.first_recorded, report.last_recorded),
        (day(100), day(120))
    );
    assert_eq!(report.key, *register.key.verifier());
    assert_eq!(by_log(&register.log, &files, &pinned()).unwrap(), report);
}

/// What is kept of a record is what the rules ask of its events, and of no other record's; also where hashes collide.
#[test]
fn what_is_remembered_is_what_the_rules_ask() {
    let register = village();
    let events: Vec<_> = register.log.iter().map(|bytes| decode(bytes).unwrap()).collect();
    let on_records: Vec<_> = events.iter().filter(|event| !event.is_administrative()).collect();
    let mut memory = Memory::default();
    for (index, event) in on_records.iter().enumerate() {
        let name = |event: &Event<'_>| format!("{}/{}", event.kind, event.key);
        let before = on_records[..index]
            .iter()
            .filter(|other| name(other) == name(event));
        let expected: Vec<_> = before.filter_map(|event| Entry::of(event)).collect();
        assert_eq!(memory.entries(1, &name(event)), expected);
        memory.keep(1, &name(event), event);
    }
    assert_eq!(memory.records(), 4);
    assert_eq!(memory.entries(1, "dwelling/9"), []);
}

#[test]
fn who_trusts_the_newest_key_needs_no_rotation_notes() {
    let mut register = village();
    let files = register.publish().without("rotation/7").without("rotation/15");
    let newest = Options {
        key: Some(register.key.verifier().clone()),
        ..unpinned()
    };
    assert_eq!(by_bundles(&files, &newest).unwrap().rotations, 2);
    expect(by_bundles(&files, &unpinned()), "KEY_NOT_VOUCHED", None);
}

#[test]
fn a_key_that_is_in_force_again_needs_nobody_to_vouch() {
    let mut register = Register::new();
    for number in [2, 1] {
        register.rotate(number);
        register.publish();
    }
    let files = register.publish().without("rotation/1").without("rotation/2");
    assert_eq!(by_bundles(&files, &pinned()).unwrap().rotations, 2);
}

#[test]
fn a_log_may_go_beyond_its_checkpoint_and_tiles() {
    let mut register = village();
    let files = register.publish();
    let until = register.size();
    register.takes(&collect("dwelling/9", &[("name", text("New"))]));
    let report = by_log(&register.log, &files, &pinned()).unwrap();
    assert_eq!((report.events, report.unpublished), (until + 1, 1));
    // What is not published yet is judged all the same.
    register.edit(register.log.len() - 1, |event| event.version = 2);
    expect(
        by_log(&register.log, &files, &pinned()),
        "NOT_WHAT_THE_RULES_GIVE",
        Some(until),
    );
}

#[test]
fn whole_tiles_beyond_the_checkpoint_are_no_part_of_its_tree() {
    let whole = town();
    let mut register = whole.clone();
    register.log.truncate(300);
    let report = by_log(&whole.log, &register.publish(), &pinned()).unwrap();
    assert_eq!((report.unpublished, report.tiles, report.bundles), (301, 3, 2));
}

#[test]
fn a_rotation_beyond_the_checkpoint_changes_nothing_yet() {
    let mut register = Register::new();
    let files = register.publish();
    register.rotate(2);
    let report = by_log(&register.log, &files, &pinned()).unwrap();
    assert_eq!(
        (report.rotations, report.key),
        (0, first_key().verifier().clone())
    );
}

#[test]
fn settings_are_in_force_from_the_next_event_on() {
    let anna = key("anna", 7);
    let mut register = Register::new();
    register.admit(anna.verifier());
    let first = collect("dwelling/1", &[("name", text("Mill")), ("rooms", int(3))]);
    register.takes(&register.signed(&first, &anna));
    register.withdraw(anna.verifier());
    register.takes(&collect("dwelling/1", &[("rooms", int(3))]));
    register.change_campaign(&with_kept());
    register.takes(&collect(
        "dwelling/2",
        &[("name", text("Barn")), ("kept", text("3"))],
    ));
    assert_eq!(by_bundles(&register.publish(), &pinned()).unwrap().signed, 1);
}

#[test]
fn full_tiles_of_two_levels_are_compared() {
    let mut register = town();
    let files = register.publish();
    let report = by_bundles(&files, &pinned()).unwrap();
    assert_eq!((report.events, report.tiles), (601, 4));
    let untiled = Options {
        tiles: false,
        ..pinned()
    };
    assert_eq!(by_bundles(&files, &untiled).unwrap().tiles, 0);
}

#[test]
fn a_partial_tile_that_became_full_meanwhile_is_read_from_the_full_one() {
    let mut register = town();
    let grown = register.publish();
    register.log.truncate(300);
    let mut files = register.publish();
    for kind in ["0", "entries"] {
        files.0.remove(&format!("tile/{kind}/001.p/44")).unwrap();
        let full = format!("tile/{kind}/001");
        files.0.insert(full.clone(), grown.0[&full].clone());
    }
    assert_eq!(by_bundles(&files, &pinned()).unwrap().events, 300);
}

#[test]
fn earlier_checkpoints_at_every_size_are_continued() {
    let mut register = town();
    let files = register.publish();
    for size in [1, 2, 255, 256, 257, 511, 512, 513, 600, 601] {
        let mut earlier = register.clone();
        earlier.log.truncate(size);
        let since = Options {
            since: Some(earlier.publish().checkpoint()),
            ..pinned()
        };
        let report = by_bundles(&files, &since).unwrap();
        assert_eq!(report.since, Some(u64::try_from(size).unwrap()));
    }
}

#[test]
fn witnesses_count_once_each() {
    let mut files = village().publish();
    files.cosign(&witness(1));
    let options = Options {
        witnesses: vec![witness(1).verifier().clone(), witness(1).verifier().clone()],
        quorum: 1,
        ..pinned()
    };
    assert_eq!(by_bundles(&files, &options).unwrap().cosigned.len(), 1);
    let both = Options { quorum: 2, ..options };
    expect(by_bundles(&files, &both), "QUORUM_MISSING", None);
}

#[test]
fn a_simulated_register_says_so() {
    let mut register = Register::with_clock(true);
    let report = by_bundles(&register.publish(), &unpinned()).unwrap();
    assert_eq!((report.simulated, report.pinned), (true, false));
}

#[test]
fn waves_are_told_of() {
    let mut register = town();
    let files = register.publish();
    let mut told = Vec::new();
    audit(&files, Entries::Bundles, &pinned(), &mut |done, of| {
        told.push((done, of))
    })
    .unwrap();
    assert_eq!(told, [(601, 601)]);
}

/// A command on one of three records, by one of two actors.
fn commands() -> impl Strategy<Value = Vec<(u8, u8, bool, i64)>> {
    prop::collection::vec((0..15_u8, 1..4_u8, any::<bool>(), 0..20_i64), 0..40)
}

proptest! {
    /// Whatever the rules took, the auditor passes.
    #[test]
    fn whatever_the_rules_take_passes(commands in commands()) {
        let mut register = Register::new();
        for (deed, record, late, number) in commands {
            let (record, plate) = (format!("dwelling/{record}"), format!("plate/{record}"));
            let rooms = [("rooms", int(number % 3))];
            let beside = |number: i64| {
                let other = (number % 4 > 0).then(|| format!("dwelling/{}", number % 4));
                other.map(shilu_model::OwnedValue::Reference)
            };
            let mut command = match deed {
                0 | 1 => collect(&record, &[("name", text("Mill")), ("area", text("north"))]),
                2 => collect(&record, &rooms),
                3 => correct(&record, &rooms),
                4 => correct(&record, &[("area", (number > 9).then(|| text("south")).flatten())]),
                5 => super::register::register(&record),
                6 => deregister(&record, Because::Closed),
                7 => verify(&record, Outcome::Unregistered, &rooms),
                8 => duplicate(&record, &format!("dwelling/{}", 1 + number % 3)),
                9 => correct(&record, &[("beside", beside(number))]),
                10 => collect(&record, &[("name", text("Mill")), ("beside", beside(number))]),
                11 => collect(&plate, &[("on", beside(number)), ("state", text("active"))]),
                12 => correct(&plate, &[("on", beside(number))]),
                13 => super::register::register(&plate),
                _ => deregister(&plate, Because::Closed),
            };
            if late {
                command.effective = shilu_model::Since::At(day(80 + number));
            }
            register.now = register.now.plus_micros(number);
            let _ = register.offer(&command);
        }
        let files = register.publish();
        let report = by_bundles(&files, &pinned());
        prop_assert!(report.is_ok(), "{:?}", report);
    }

    /// Arbitrary bytes as entries, as published files, and in the place of every part of a file, are damage and no panic.
    #[test]
    fn arbitrary_bytes_are_damage(
        entry in prop::collection::vec(any::<u8>(), 0..300),
        place in 0..20_usize,
        file in any::<prop::sample::Index>(),
    ) {
        let mut register = village();
        let files = register.publish();
        register.log[place] = entry.clone();
        prop_assert!(by_log(&register.log, &files, &pinned()).is_err());
        let name = file.get(&files.0.keys().collect::<Vec<_>>()).to_string();
        prop_assert!(by_bundles(&files.with(&name, |bytes| *bytes = entry), &pinned()).is_err());
    }
}

#[test]
fn an_empty_batch_is_no_end() {
    let mut register = village();
    let files = register.publish();
    let mut batch = Batch::new(0);
    register.log.iter().for_each(|entry| batch.push(entry));
    let batches = [Ok(Batch::new(0)), Ok(batch), Ok(Batch::new(register.size()))];
    let entries = Entries::Log(Box::new(batches.into_iter()));
    assert!(audit(&files, entries, &pinned(), &mut |_, _| {}).is_ok());
}
