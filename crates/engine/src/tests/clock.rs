//! Recorded time never decreases, and a clock that is far behind stops writing until somebody accepts it.

use std::sync::atomic::Ordering;

use shilu_model::{Action, Deed, Position, Since, Timestamp};

use super::{MINUTE, code, collect, command, now, open, settable, submit};
use crate::{AsOf, ChangesQuery, Engine};

const START: &str = "2026-01-05T00:00:00Z";

#[test]
fn a_clock_behind_is_accepted_as_an_event_until_it_has_caught_up() {
    let dir = tempfile::tempdir().unwrap();
    let (clock, options) = settable(START);
    let engine = open(dir.path(), &options);
    let start = clock.load(Ordering::SeqCst);
    let set = |micros: i64| clock.store(start + micros, Ordering::SeqCst);
    let mut count = 0;
    let mut send = |engine: &Engine| {
        count += 1;
        submit(engine, vec![collect(&format!("dwelling/{count}"), "north", 1)])
            .map(|accepted| accepted[0].recorded.micros() - start)
    };
    set(10 * MINUTE);
    assert_eq!(send(&engine).unwrap(), 10 * MINUTE);
    assert_eq!(
        engine.accept_clock("mayor", "why").unwrap_err().code(),
        "CLOCK_NOT_BEHIND"
    );

    // A minute back is what time servers put right by themselves: time stands still.
    set(9 * MINUTE);
    assert_eq!(send(&engine).unwrap(), 10 * MINUTE);
    assert_eq!(
        engine.accept_clock("mayor", "why").unwrap_err().code(),
        "CLOCK_NOT_BEHIND"
    );
    set(9 * MINUTE - 1);
    assert_eq!(send(&engine).unwrap_err().code(), "CLOCK_BEHIND");
    assert_eq!(engine.writable().unwrap_err().code(), "CLOCK_BEHIND");
    // Reading goes on, as of the last event.
    assert!(now(&engine, "dwelling/1").is_ok());
    assert_eq!(engine.now().micros() - start, 10 * MINUTE);

    engine.accept_clock("mayor", "the battery was empty").unwrap();
    engine.writable().unwrap();
    assert_eq!(
        engine.accept_clock("mayor", "again").unwrap_err().code(),
        "CLOCK_NOT_BEHIND"
    );
    assert_eq!(send(&engine).unwrap(), 10 * MINUTE);
    let mut later = collect("dwelling/99", "north", 1);
    later.effective = Since::At(Timestamp::from_micros(start + 10 * MINUTE + 1));
    assert_eq!(code(submit(&engine, vec![later])), "EFFECTIVE_IN_FUTURE");
    engine.close().unwrap();
    drop(engine);

    let engine = open(dir.path(), &options);
    set(5 * MINUTE);
    assert_eq!(send(&engine).unwrap(), 10 * MINUTE, "it survives reopening");
    set(10 * MINUTE + 7);
    assert_eq!(send(&engine).unwrap(), 10 * MINUTE + 7, "the clock has caught up");
    set(5 * MINUTE);
    assert_eq!(send(&engine).unwrap_err().code(), "CLOCK_BEHIND", "that ends it");
    engine.accept_clock("mayor", "and again").unwrap();
    assert_eq!(send(&engine).unwrap(), 10 * MINUTE + 7);

    let query = ChangesQuery {
        action: Some(Action::Configure),
        limit: 9,
        ..ChangesQuery::default()
    };
    let events = engine.changes(&query).unwrap().items;
    let told: Vec<_> = events
        .iter()
        .map(|stored| {
            let event = stored.event();
            (
                event.version,
                event.actor.to_owned(),
                event.reason.map(str::to_owned),
                event.recorded.micros() - start,
            )
        })
        .collect();
    let mayor = |version, reason: &str, at| (version, "mayor".to_owned(), Some(reason.to_owned()), at);
    let expected = [
        mayor(3, "and again", 10 * MINUTE + 7),
        mayor(2, "the battery was empty", 10 * MINUTE),
        mayor(1, "init", 0),
    ];
    assert_eq!(told, expected);
    engine.close().unwrap();
}

/// A clock that nobody accepted, because the disk was full just then, stays refused.
#[test]
fn a_clock_that_could_not_be_accepted_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (clock, mut options) = settable(START);
    let (free, faults) = super::faults::disk();
    options.log.faults = faults;
    let engine = open(dir.path(), &options);
    clock.fetch_sub(2 * MINUTE, Ordering::SeqCst);
    free.store(0, Ordering::SeqCst);
    assert_eq!(
        engine.accept_clock("mayor", "why").unwrap_err().code(),
        "DISK_FULL"
    );
    free.store(u64::MAX, Ordering::SeqCst);
    assert_eq!(
        code(submit(&engine, vec![collect("dwelling/1", "north", 1)])),
        "CLOCK_BEHIND"
    );
    engine.accept_clock("mayor", "why").unwrap();
    submit(&engine, vec![collect("dwelling/1", "north", 1)]).unwrap();
    assert_eq!(engine.end(), Position::new(3));
    engine.close().unwrap();
}

#[test]
fn a_list_shares_one_recorded_time_and_a_question_keeps_its_k() {
    let dir = tempfile::tempdir().unwrap();
    let (clock, options) = settable(START);
    let engine = open(dir.path(), &options);
    let list = vec![
        collect("dwelling/1", "north", 1),
        command("dwelling/1", "anna", Deed::Register),
    ];
    let accepted = submit(&engine, list).unwrap();
    assert_eq!(accepted[0].recorded, accepted[1].recorded);
    // The end of a day that is not over yet: what comes until then is not in an answer that was begun before.
    let tonight = Timestamp::parse("2026-01-05T22:59:59.999999Z").unwrap();
    let before = engine.at(AsOf::Time(tonight), None).unwrap();
    clock.fetch_add(MINUTE, Ordering::SeqCst);
    submit(&engine, vec![collect("dwelling/2", "north", 1)]).unwrap();
    let count = |at| {
        let query = crate::FigureQuery {
            at,
            by: crate::By::Whole,
            area: None,
        };
        engine
            .counts(&query)
            .unwrap()
            .items
            .iter()
            .map(|count| count.count)
            .sum::<u64>()
    };
    assert_eq!(
        (
            count(before),
            count(engine.at(AsOf::Time(tonight), None).unwrap())
        ),
        (1, 2)
    );
    assert_eq!(
        engine
            .at(AsOf::Position(Position::new(4)), None)
            .unwrap_err()
            .code(),
        "NO_POSITION"
    );
    engine.close().unwrap();
}

/// Asked as of now, a figure is as of the moment in which it is given, and says so.
#[test]
fn a_figure_as_of_now_is_as_of_its_answer() {
    let dir = tempfile::tempdir().unwrap();
    let (clock, options) = settable(START);
    let engine = open(dir.path(), &options);
    let [whenever, effective] =
        [None, Some(engine.now())].map(|effective| engine.at(AsOf::Now, effective).unwrap());
    clock.fetch_add(MINUTE, Ordering::SeqCst);
    let accepted = submit(&engine, vec![collect("dwelling/1", "north", 1)]).unwrap();
    // The second pair asks about the moment before.
    let earlier = crate::At {
        effective: effective.effective.plus_micros(-1),
        ..effective
    };
    for (at, count) in [(whenever, 1), (earlier, 0)] {
        let query = crate::FigureQuery {
            at,
            by: crate::By::Whole,
            area: None,
        };
        let (counts, rates) = (engine.counts(&query).unwrap(), engine.rates(&query).unwrap());
        assert_eq!(counts.items.iter().map(|count| count.count).sum::<u64>(), count);
        assert_eq!(
            rates.items.iter().map(|rate| rate.share.denominator).sum::<u64>(),
            count
        );
        for at in [counts.at, rates.at] {
            assert_eq!((at.known_end, at.known), (engine.end(), accepted[0].recorded));
        }
    }
    engine.close().unwrap();
}

/// Moved out.
pub fn deregister(record: &str) -> shilu_model::Command {
    let reason = shilu_model::Reason::Plain(shilu_model::Because::MovedOut);
    command(record, "anna", Deed::Deregister(reason))
}
