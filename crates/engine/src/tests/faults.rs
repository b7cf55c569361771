//! Faults of the disk: nothing acknowledged is lost, nothing else is shown, and a retry is safe.

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver},
    },
    time::{Duration, Instant},
};

use proptest::prelude::*;
use shilu_log::Faults;
use shilu_model::{Class, Command, Deed, Position, Status};

use super::{
    axes::agrees,
    code, collect, command,
    history::{Dice, event_id, repeated},
    now, open, settable, submit, until,
};
use crate::{AsOf, ChangesQuery, Engine};

const START: &str = "2026-01-05T00:00:00Z";
const LONG: Duration = Duration::from_secs(60);

/// Holds every sync until it is opened or made to fail.
pub struct Gate {
    syncing: Receiver<()>,
    verdict: Arc<(Mutex<Option<bool>>, Condvar)>,
}

/// A closed gate, and the faults that make syncs wait at it, but for the one of opening.
pub fn gate() -> (Gate, Faults) {
    let (tell, syncing) = mpsc::channel();
    let opened = AtomicBool::new(false);
    let verdict = Arc::new((Mutex::new(None), Condvar::new()));
    let held = Arc::clone(&verdict);
    let sync = move || {
        if !opened.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let _ = tell.send(());
        let (decided, changed) = &*held;
        let waiting = changed.wait_while(decided.lock().unwrap(), |verdict| verdict.is_none());
        if *waiting.unwrap() == Some(true) {
            Ok(())
        } else {
            Err(io::Error::other("the disk is gone"))
        }
    };
    (
        Gate { syncing, verdict },
        Faults {
            sync: Some(Arc::new(sync)),
            ..Faults::default()
        },
    )
}

impl Gate {
    pub fn wait_until_syncing(&self) {
        self.syncing.recv_timeout(LONG).unwrap();
    }

    pub fn open(&self) {
        self.decide(true);
    }

    pub fn fail(&self) {
        self.decide(false);
    }

    fn decide(&self, verdict: bool) {
        *self.verdict.0.lock().unwrap() = Some(verdict);
        self.verdict.1.notify_all();
    }
}

/// A disk whose free bytes a test sets.
pub fn disk() -> (Arc<AtomicU64>, Faults) {
    let free = Arc::new(AtomicU64::new(u64::MAX));
    let own = Arc::clone(&free);
    let free_bytes = move || Ok(own.load(Ordering::SeqCst));
    (
        free,
        Faults {
            free_bytes: Some(Arc::new(free_bytes)),
            ..Faults::default()
        },
    )
}

fn with_id(number: u64, mut command: Command) -> Command {
    command.id = Some(event_id(number, number));
    command
}

#[test]
fn a_failed_sync_stops_writing_and_shows_nothing_of_what_failed() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable(START);
    let engine = open(dir.path(), &options);
    let kept = with_id(1, collect("dwelling/1", "north", 1));
    let kept_answer = submit(&engine, vec![kept.clone()]).unwrap();
    engine.close().unwrap();
    drop(engine);

    let (gate, faults) = gate();
    let mut faulty = options.clone();
    faulty.log.faults = faults;
    let engine = open(dir.path(), &faulty);
    let failed = vec![
        with_id(2, collect("dwelling/2", "north", 1)),
        with_id(3, command("dwelling/2", "anna", Deed::Register)),
    ];
    let first = engine.submit(vec![failed.clone()]).unwrap();
    gate.wait_until_syncing();
    // In the next commit, decided on what will never be; and two retries of what is in flight.
    let behind = engine
        .submit(vec![
            vec![with_id(4, collect("dwelling/2", "north", 1))],
            failed.clone(),
        ])
        .unwrap();
    until(|| engine.queue_depth() == 0);
    gate.fail();
    let begun = Instant::now();
    let answers: Vec<_> = first.wait().into_iter().chain(behind.wait()).collect();
    assert_eq!(answers.len(), 3);
    for answer in answers {
        let error = answer.unwrap_err();
        assert_eq!(
            (error.code(), error.class()),
            ("WRITER_POISONED", Class::TryAgain),
            "{error:?}"
        );
    }
    // Whatever is sent now, the writer's state is the answer, not what it had in flight.
    let phantom = command("dwelling/2", "anna", Deed::Register);
    for list in [
        vec![collect("dwelling/5", "north", 1)],
        vec![phantom],
        failed.clone(),
        vec![collect("nothing/1", "", 1)],
    ] {
        let error = submit(&engine, list).unwrap_err();
        assert_eq!(
            (error.code(), error.class()),
            ("WRITER_POISONED", Class::TryAgain),
            "{error:?}"
        );
    }
    // What is durable is still answered with its result.
    assert_eq!(
        submit(&engine, vec![kept.clone()]).unwrap(),
        repeated(&kept_answer)
    );
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "nobody waits for a disk that is gone"
    );

    assert_eq!(engine.writable().unwrap_err().code(), "WRITER_POISONED");
    assert_eq!(engine.end(), Position::new(2));
    assert_eq!(now(&engine, "dwelling/1").unwrap().status, Status::Collected);
    assert_eq!(now(&engine, "dwelling/2").unwrap_err().code(), "NO_RECORD");
    assert_eq!(engine.event(event_id(2, 2)).unwrap_err().code(), "NO_EVENT");
    assert_eq!(
        engine
            .changes(&ChangesQuery {
                limit: 9,
                ..ChangesQuery::default()
            })
            .unwrap()
            .items
            .len(),
        2
    );
    agrees(&engine, &mut Dice::new(1), 12);
    assert_eq!(engine.close().unwrap_err().code(), "WRITER_POISONED");
    drop(engine);

    let engine = open(dir.path(), &options);
    let end = engine.end().get();
    assert!(
        end == 2 || end == 4,
        "the failed commit is there whole or not at all: {end}"
    );
    assert_eq!(submit(&engine, vec![kept]).unwrap(), repeated(&kept_answer));
    let retried = submit(&engine, failed).unwrap();
    assert_eq!(
        retried
            .iter()
            .map(|one| (one.position.get(), one.version))
            .collect::<Vec<_>>(),
        [(2, 1), (3, 2)]
    );
    assert_eq!(now(&engine, "dwelling/2").unwrap().version, 2);
    agrees(&engine, &mut Dice::new(2), 12);
    engine.close().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// The n-th sync fails, whichever it is; everybody sends again what was not acknowledged.
    #[test]
    fn a_retry_after_any_failed_sync_is_safe(good_syncs in 0u64..8, lists in 1u64..12) {
        let dir = tempfile::tempdir().unwrap();
        let (_, options) = settable(START);
        open(dir.path(), &options).close().unwrap();
        let syncs = AtomicU64::new(0);
        let sync = move || match syncs.fetch_add(1, Ordering::SeqCst) {
            // The first one is that of opening.
            count if count <= good_syncs => Ok(()),
            _ => Err(io::Error::other("the disk is gone")),
        };
        let mut faulty = options.clone();
        faulty.log.faults = Faults { sync: Some(Arc::new(sync)), ..Faults::default() };
        let engine = open(dir.path(), &faulty);
        let list = |number: u64| {
            let record = format!("dwelling/{}", number % 3);
            vec![
                with_id(2 * number + 1, collect(&record, "north", 1)),
                with_id(2 * number + 2, collect(&record, "north", 1)),
            ]
        };
        let answers: Vec<_> = (0..lists).map(|number| submit(&engine, list(number))).collect();
        for answer in &answers {
            if let Err(error) = answer {
                prop_assert_eq!(error.code(), "WRITER_POISONED");
            }
        }
        let kept = answers.iter().filter(|answer| answer.is_ok()).count();
        prop_assert_eq!(engine.end().get(), 1 + 2 * u64::try_from(kept).unwrap());
        let _ = engine.close();
        drop(engine);
        let engine = open(dir.path(), &options);
        prop_assert_eq!((engine.end().get() - 1) % 2, 0);
        for (number, first) in (0..lists).zip(&answers) {
            let again = submit(&engine, list(number)).unwrap();
            if let Ok(first) = first {
                prop_assert_eq!(&again, &repeated(first));
            }
        }
        prop_assert_eq!(engine.end().get(), 1 + 2 * lists);
        agrees(&engine, &mut Dice::new(good_syncs), 12);
        engine.close().unwrap();
    }
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let (_, mut options) = settable(START);
    let (free, faults) = disk();
    options.log.faults = faults;
    let engine = open(dir.path(), &options);
    submit(&engine, vec![collect("dwelling/1", "north", 1)]).unwrap();
    free.store(0, Ordering::SeqCst);
    // The disk is looked at now and then: soon it is seen.
    let begun = Instant::now();
    let mut taken = 1;
    let refused = loop {
        assert!(begun.elapsed() < LONG);
        match submit(&engine, vec![collect("dwelling/1", "north", 1)]) {
            Ok(accepted) => taken = accepted[0].position.get(),
            Err(error) => break error,
        }
    };
    assert_eq!((refused.code(), refused.class()), ("DISK_FULL", Class::TryAgain));
    let both = vec![
        with_id(1, collect("dwelling/2", "north", 1)),
        with_id(2, command("dwelling/2", "anna", Deed::Register)),
    ];
    for _ in 0..3 {
        assert_eq!(code(submit(&engine, both.clone())), "DISK_FULL");
    }
    assert_eq!(engine.end().get(), taken + 1);
    assert_eq!(now(&engine, "dwelling/2").unwrap_err().code(), "NO_RECORD");
    free.store(u64::MAX, Ordering::SeqCst);
    let accepted = submit(&engine, both).unwrap();
    assert_eq!(
        (
            accepted[0].position.get(),
            accepted[1].version,
            accepted[1].repeated
        ),
        (taken + 1, 2, false)
    );
    let at = engine.at(AsOf::Now, None).unwrap();
    assert_eq!(at.known_end, engine.end());
    agrees(&engine, &mut Dice::new(3), 12);
    engine.close().unwrap();
}

/// A register that is shared by handles stays open until the last is closed.
#[test]
fn closing_twice_is_closing_once() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable(START);
    let engine: Engine = open(dir.path(), &options);
    engine.close().unwrap();
    engine.close().unwrap();
    assert_eq!(
        engine
            .submit(vec![vec![collect("dwelling/1", "north", 1)]])
            .unwrap_err()
            .code(),
        "STOPPING"
    );
    assert_eq!(engine.writable().unwrap_err().code(), "STOPPING");
    assert_eq!(
        now(&engine, "dwelling/1").unwrap_err().code(),
        "NO_RECORD",
        "reads go on"
    );
}
