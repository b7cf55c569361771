//! Commands and retries: one id, one event, however often and whenever it is sent; lists are all or nothing.

use std::time::Duration;

use shilu_model::{
    Action, Command, Deed, Event, LIST_COMMANDS_MAX, Origin, OwnedValue, Position, Since, Timestamp,
};

use super::{
    code, collect, command,
    faults::gate,
    history::{event_id, repeated},
    now, open, settable, submit, until,
};
use crate::{Accepted, Engine};

const START: &str = "2026-01-05T00:00:00Z";

fn with_id(number: u64, mut command: Command) -> Command {
    command.id = Some(event_id(number, number));
    command
}

fn expecting(version: u32, mut command: Command) -> Command {
    command.expected_version = Some(version);
    command
}

fn register(record: &str) -> Command {
    command(record, "anna", Deed::Register)
}

fn versions(accepted: &[Accepted]) -> Vec<(u64, u32)> {
    accepted
        .iter()
        .map(|one| (one.position.get(), one.version))
        .collect()
}

#[test]
fn an_id_gives_its_first_result_for_ever_and_takes_no_other_content() {
    let dir = tempfile::tempdir().unwrap();
    let (clock, options) = settable(START);
    let engine = open(dir.path(), &options);
    let send = with_id(7, collect("dwelling/1", "north", 3));
    let first = submit(&engine, vec![send.clone()]).unwrap();
    assert!(!first[0].repeated);
    clock.fetch_add(5_000_000, std::sync::atomic::Ordering::SeqCst);
    submit(&engine, vec![register("dwelling/1")]).unwrap();

    let check = |engine: &Engine| {
        assert_eq!(submit(engine, vec![send.clone()]).unwrap(), repeated(&first));
        // A precondition is not content: the client may have read the record again.
        assert_eq!(
            submit(engine, vec![expecting(2, send.clone())]).unwrap(),
            repeated(&first)
        );
        let time = first[0].recorded;
        type Change = Box<dyn Fn(&mut Command)>;
        let others: Vec<Change> = vec![
            Box::new(|other| other.actor = "bo".to_owned()),
            Box::new(|other| other.reason = None),
            Box::new(|other| other.device = Some("tablet".to_owned())),
            Box::new(|other| other.deed = Deed::Register),
            Box::new(|other| other.record = super::name("dwelling/2")),
            Box::new(|other| other.deed = collect("dwelling/1", "south", 3).deed),
            Box::new(|other| other.cause = Some(event_id(7, 7))),
            Box::new(|other| {
                other.source = Origin::Import {
                    sha256: [0; 32],
                    file: "a".into(),
                    row: 2,
                }
            }),
            // The very time that it got; but it had stated none.
            Box::new(move |other| other.effective = Since::At(time)),
        ];
        for change in others {
            let mut other = send.clone();
            change(&mut other);
            assert_eq!(
                code(submit(engine, vec![other.clone()])),
                "ID_REUSED",
                "{other:?}"
            );
        }
        assert_eq!(engine.end(), Position::new(3));
    };
    check(&engine);
    engine.close().unwrap();
    drop(engine);
    let engine = open(dir.path(), &options);
    check(&engine);
    engine.close().unwrap();
}

/// The index of ids keeps 64 bits of each: here two ids agree in all of them.
#[test]
fn ids_that_look_alike_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable(START);
    let engine = open(dir.path(), &options);
    let alike = |middle: u64| event_id(77, middle << 32 | 0x12_3456);
    for number in 1..=3_u64 {
        let mut one = collect(&format!("dwelling/{number}"), "north", 1);
        one.id = Some(alike(number));
        submit(&engine, vec![one]).unwrap();
    }
    for number in 1..=3_u64 {
        assert_eq!(
            engine.event(alike(number)).unwrap().event().position,
            Position::new(number)
        );
    }
    assert_eq!(engine.event(alike(4)).unwrap_err().code(), "NO_EVENT");
    let mut fourth = collect("dwelling/4", "north", 1);
    fourth.id = Some(alike(4));
    assert_eq!(versions(&submit(&engine, vec![fourth]).unwrap()), [(4, 1)]);
    engine.close().unwrap();
}

#[test]
fn a_list_repeats_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable(START);
    let engine = open(dir.path(), &options);
    let list = vec![
        with_id(1, collect("dwelling/1", "north", 3)),
        with_id(2, register("dwelling/1")),
        with_id(3, collect("dwelling/2", "north", 3)),
    ];
    let first = submit(&engine, list.clone()).unwrap();
    assert_eq!(versions(&first), [(1, 1), (2, 2), (3, 1)]);
    assert_eq!(submit(&engine, list.clone()).unwrap(), repeated(&first));

    let refused = |list: &[Command], index| {
        let error = submit(&engine, list.to_vec()).unwrap_err();
        assert_eq!((error.code(), error.index()), ("ID_REUSED", index), "{list:?}");
    };
    let [a, b, c] = &list[..] else { unreachable!() };
    let fresh = with_id(4, collect("dwelling/4", "north", 3));
    refused(&[a.clone(), b.clone(), fresh.clone()], Some(2));
    refused(&[fresh.clone(), a.clone(), b.clone()], Some(0));
    refused(&[a.clone(), register("dwelling/1")], Some(1));
    refused(&[b.clone(), a.clone(), c.clone()], Some(1));
    refused(&[a.clone(), c.clone()], Some(1));
    refused(&[a.clone(), a.clone()], Some(1));
    // Twice in one list, and new.
    refused(&[fresh.clone(), fresh.clone()], Some(1));
    refused(&[fresh.clone(), with_id(4, register("dwelling/4"))], Some(1));
    assert_eq!(engine.end(), Position::new(4));
    // What was refused has not used up the id.
    assert_eq!(versions(&submit(&engine, vec![fresh]).unwrap()), [(4, 1)]);
    engine.close().unwrap();
}

#[test]
fn an_expected_version_counts_the_events_before_it_in_its_list() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable(START);
    let engine = open(dir.path(), &options);
    let create = |expected| expecting(expected, collect("dwelling/1", "north", 3));
    assert_eq!(code(submit(&engine, vec![create(1)])), "VERSION_CONFLICT");
    let bad = vec![create(0), expecting(0, register("dwelling/1"))];
    let error = submit(&engine, bad).unwrap_err();
    assert_eq!((error.code(), error.index()), ("VERSION_CONFLICT", Some(1)));
    assert_eq!(now(&engine, "dwelling/1").unwrap_err().code(), "NO_RECORD");
    let good = vec![
        create(0),
        expecting(1, register("dwelling/1")),
        expecting(2, collect("dwelling/1", "north", 3)),
    ];
    assert_eq!(
        versions(&submit(&engine, good).unwrap()),
        [(1, 1), (2, 2), (3, 3)]
    );
    assert_eq!(code(submit(&engine, vec![create(0)])), "VERSION_CONFLICT");
    // A check counts too, also one of a record that nobody has collected.
    let check = Deed::Verify(shilu_model::Check {
        outcome: shilu_model::Outcome::Unregistered,
        observed: Vec::new(),
        not_seen: Vec::new(),
        area: None,
    });
    submit(&engine, vec![expecting(0, command("dwelling/2", "vera", check))]).unwrap();
    assert_eq!(
        code(submit(
            &engine,
            vec![expecting(0, collect("dwelling/2", "north", 1))]
        )),
        "VERSION_CONFLICT"
    );
    submit(&engine, vec![expecting(1, collect("dwelling/2", "north", 1))]).unwrap();
    engine.close().unwrap();
}

#[test]
fn a_list_has_limits_and_what_exceeds_them_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable(START);
    let engine = open(dir.path(), &options);
    let list = |commands: usize, reason: &str| -> Vec<Command> {
        let one = |number| {
            let mut one = collect(&format!("dwelling/{number}"), "north", 1);
            one.reason = Some(reason.to_owned());
            one
        };
        (0..commands).map(one).collect()
    };
    assert_eq!(
        code(submit(&engine, list(LIST_COMMANDS_MAX + 1, "why"))),
        "LIST_TOO_LONG"
    );
    assert_eq!(
        code(submit(&engine, list(LIST_COMMANDS_MAX, &"why".repeat(300)))),
        "LIST_TOO_LARGE"
    );
    assert_eq!(engine.end(), Position::new(1));
    assert_eq!(submit(&engine, Vec::new()).unwrap(), []);
    assert!(engine.submit(Vec::new()).unwrap().wait().is_empty());
    let whole = submit(&engine, list(LIST_COMMANDS_MAX, "why")).unwrap();
    assert_eq!(
        (whole.len(), whole[0].position, whole[0].version),
        (LIST_COMMANDS_MAX, Position::new(1), 1)
    );
    let mut large = command("dwelling/1", "bo", Deed::Collect(vec![]));
    large.reason = Some("w".repeat(1_000));
    let text = |field: &str| (field.to_owned(), Some(OwnedValue::Text("文".repeat(2_000))));
    large.deed = Deed::Collect(vec![text("owner")]);
    assert_eq!(code(submit(&engine, vec![large])), "EVENT_TOO_LARGE");
    submit(&engine, vec![register("dwelling/1")]).unwrap();
    engine.close().unwrap();
}

#[test]
fn answers_come_one_per_list_also_when_the_register_closes() {
    let dir = tempfile::tempdir().unwrap();
    let (gate, faults) = gate();
    let (_, mut options) = settable(START);
    open(dir.path(), &options).close().unwrap();
    options.log.faults = faults;
    let engine = open(dir.path(), &options);
    let held = engine
        .submit(vec![vec![collect("dwelling/1", "north", 1)]])
        .unwrap();
    gate.wait_until_syncing();
    let closing = std::thread::spawn({
        let engine = engine.clone();
        move || engine.close()
    });
    // Either it is taken before the end, or both lists learn that it was too late.
    let late = loop {
        let lists = vec![
            vec![collect("dwelling/2", "north", 1)],
            vec![collect("dwelling/3", "north", 1)],
        ];
        match engine.submit(lists) {
            Ok(pending) if closing.is_finished() => break Some(pending),
            Ok(pending) => drop(pending),
            Err(error) => {
                assert_eq!(error.code(), "STOPPING");
                break None;
            }
        }
        gate.open();
    };
    assert!(held.wait().remove(0).is_ok());
    closing.join().unwrap().unwrap();
    if let Some(late) = late {
        assert_eq!(late.wait().len(), 2);
    }
    assert!(engine.submit(Vec::new()).is_err());
}

/// Whoever has an answer sees it in every query: a retry too is answered only when its event is durable and folded.
#[test]
fn a_retry_in_flight_waits_for_the_first_try() {
    let dir = tempfile::tempdir().unwrap();
    let (gate, faults) = gate();
    let (_, mut options) = settable(START);
    open(dir.path(), &options).close().unwrap();
    options.log.faults = faults;
    let engine = open(dir.path(), &options);
    let send = with_id(1, collect("dwelling/1", "north", 1));
    let first = engine.submit(vec![vec![send.clone()]]).unwrap();
    gate.wait_until_syncing();
    let answered = std::thread::spawn({
        let second = engine.submit(vec![vec![send.clone()]]).unwrap();
        let folded = engine.folded();
        move || {
            let answer = second.wait().remove(0);
            (answer, *folded.borrow())
        }
    });
    until(|| engine.queue_depth() == 0);
    // While this test reads, nothing can be folded.
    let reading = engine.read();
    gate.open();
    assert_eq!(
        engine
            .shared
            .log
            .wait_beyond(Position::new(1), Duration::from_secs(60)),
        Position::new(2)
    );
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_millis(100) && !answered.is_finished() {
        std::thread::yield_now();
    }
    drop(reading);
    let (second, folded) = answered.join().unwrap();
    assert_eq!(second.unwrap(), repeated(&first.wait().remove(0).unwrap()));
    assert_eq!(folded, Position::new(2), "it was answered before it was folded");
    engine.close().unwrap();
}

#[test]
fn nothing_takes_effect_in_the_future_or_before_the_campaign() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable(START);
    let engine = open(dir.path(), &options);
    let effective = |time: Timestamp| {
        let mut one = collect("dwelling/1", "north", 1);
        one.effective = Since::At(time);
        submit(&engine, vec![one])
    };
    let clock = Timestamp::parse(START).unwrap();
    let earliest = Timestamp::parse("2000-01-01T00:00:00+01:00").unwrap();
    assert_eq!(code(effective(clock.plus_micros(1))), "EFFECTIVE_IN_FUTURE");
    assert_eq!(code(effective(earliest.plus_micros(-1))), "EFFECTIVE_TOO_EARLY");
    effective(clock).unwrap();
    let accepted = effective(earliest).unwrap();
    let stored = engine.event(accepted[0].id).unwrap();
    let event: Event<'_> = stored.event();
    assert_eq!((event.action, event.effective), (Action::Collect, earliest));
    engine.close().unwrap();
}
