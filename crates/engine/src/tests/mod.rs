//! The engine as a whole, on real folders.

mod across;
mod axes;
mod campaign;
mod clock;
mod crowd;
mod evidence;
mod faults;
mod folder;
mod history;
mod measures;
mod naive;
mod randomness;
mod retries;
mod samples;
mod saved;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use shilu_model::{Command, Deed, Origin, OwnedValue, RecordName, Since, Status, Timestamp};

use crate::{Answer, AsOf, Clock, Engine, EngineError, Init, Options, RecordView};

pub(crate) const CAMPAIGN: &str = r#"
name = "Village"
origin = "example.org/village"
timezone = "Europe/Berlin"
earliest = 2000-01-01
[[kinds]]
id = "dwelling"
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true }
area = { type = "text", required = true }
rooms = { type = "integer" }
owner = { type = "text" }
price = { type = "decimal" }
rented = { type = "boolean" }
built = { type = "date" }
beside = { type = "reference", kind = "dwelling" }
[[kinds]]
id = "shop"
key = "code"
[kinds.fields]
code = { type = "text", required = true }
name = { type = "text", required = true }
rooms = { type = "integer" }
"#;

pub(crate) const MINUTE: i64 = 60_000_000;

/// A clock that a test sets.
pub(crate) fn settable(start: &str) -> (Arc<AtomicI64>, Options) {
    let micros = Arc::new(AtomicI64::new(Timestamp::parse(start).unwrap().micros()));
    let own = Arc::clone(&micros);
    let clock: Clock = Arc::new(move || Timestamp::from_micros(own.load(Ordering::SeqCst)));
    (
        micros,
        Options {
            clock: Some(clock),
            ..Options::default()
        },
    )
}

pub(crate) fn open(dir: &Path, options: &Options) -> Engine {
    if !dir.join("register.toml").exists() {
        Engine::init(
            dir,
            &Init {
                campaign: CAMPAIGN,
                actor: "mayor",
                simulated: false,
            },
            options,
        )
        .unwrap();
    }
    Engine::open(dir, options.clone()).unwrap()
}

pub(crate) fn command(record: &str, actor: &str, deed: Deed) -> Command {
    Command {
        id: None,
        record: RecordName::parse(record).unwrap(),
        deed,
        actor: actor.to_owned(),
        effective: Since::Recorded,
        device: None,
        reason: Some("a test".to_owned()),
        source: Origin::Field,
        visit: None,
        expected_version: None,
        cause: None,
        signature: None,
    }
}

pub(crate) fn collect(record: &str, area: &str, rooms: i64) -> Command {
    let fields = vec![
        ("area".to_owned(), Some(OwnedValue::Text(area.to_owned()))),
        ("rooms".to_owned(), Some(OwnedValue::Integer(rooms))),
    ];
    command(record, "anna", Deed::Collect(fields))
}

pub(crate) fn submit(engine: &Engine, list: Vec<Command>) -> Answer {
    engine.submit(vec![list])?.wait().pop().unwrap()
}

pub(crate) fn code(answer: Answer) -> &'static str {
    answer.unwrap_err().code()
}

pub(crate) fn name(text: &str) -> RecordName {
    RecordName::parse(text).unwrap()
}

/// Waits for something that other threads bring about; a test must not hang when they are broken.
pub(crate) fn until(condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it did not come about");
        thread::yield_now();
    }
}

/// The record as it is now.
pub(crate) fn now(engine: &Engine, record: &str) -> Result<RecordView, EngineError> {
    engine.record(&name(record), engine.at(AsOf::Now, None).unwrap())
}

#[test]
fn a_list_is_atomic_and_survives_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable("2026-01-05T00:00:00Z");
    let engine = open(dir.path(), &options);
    let both = vec![
        collect("dwelling/1", "north", 3),
        command("dwelling/1", "anna", Deed::Register),
    ];
    let accepted = submit(&engine, both).unwrap();
    assert_eq!(
        accepted
            .iter()
            .map(|one| (one.position.get(), one.version))
            .collect::<Vec<_>>(),
        [(1, 1), (2, 2)]
    );
    let bad = vec![
        collect("dwelling/2", "north", 3),
        command("dwelling/3", "anna", Deed::Register),
    ];
    let error = submit(&engine, bad).unwrap_err();
    assert_eq!((error.code(), error.index()), ("NO_RECORD", Some(1)));
    engine.close().unwrap();
    drop(engine);

    let engine = open(dir.path(), &options);
    let at = engine.at(AsOf::Now, None).unwrap();
    let view = engine
        .record(&RecordName::parse("dwelling/1").unwrap(), at)
        .unwrap();
    assert_eq!(
        (view.status, view.version, view.area.as_str()),
        (Status::Registered, 2, "north")
    );
    assert_eq!(
        engine
            .record(&RecordName::parse("dwelling/2").unwrap(), at)
            .unwrap_err()
            .code(),
        "NO_RECORD"
    );
    engine.close().unwrap();
}
