//! Small logs to test with.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use shilu_model::Position;
use tempfile::TempDir;

use crate::{Events, Faults, Log, LogError, Options, Outcome, Writer};

/// Longer than anything in these tests takes; they wait for events, not for time.
pub const LONG: Duration = Duration::from_secs(60);

/// The event at a position: tells its position, and is 8 to 250 bytes long.
pub fn event(position: u64) -> Vec<u8> {
    let length = 8 + usize::try_from(position * 7919 % 243).unwrap();
    let mut bytes = position.to_be_bytes().to_vec();
    bytes.resize(length, u8::try_from(position % 251).unwrap());
    bytes
}

/// The events at these positions.
pub fn events(positions: Range<u64>) -> Events {
    let mut list = Events::new();
    for position in positions {
        list.push(&event(position));
    }
    list
}

pub fn create() -> (TempDir, Log) {
    create_with(Options::default())
}

pub fn create_with(options: Options) -> (TempDir, Log) {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::create(dir.path(), options).unwrap();
    (dir, log)
}

pub fn open(dir: &Path) -> Result<Log, LogError> {
    Log::open(dir, Options::default())
}

/// What a writer's sink was told.
pub type Outcomes = Arc<Mutex<Vec<Outcome<u64>>>>;

/// A writer that keeps its outcomes.
pub fn writer(log: &Log) -> (Writer<u64>, Outcomes) {
    let outcomes = Outcomes::default();
    let writer = log.writer({
        let outcomes = outcomes.clone();
        move |outcome| outcomes.lock().unwrap().push(outcome)
    });
    (writer.unwrap(), outcomes)
}

/// Appends commits of these many events, each durable before the next is submitted.
pub fn append(log: &Log, commits: &[u64]) {
    let (writer, _) = writer(log);
    for &count in commits {
        let first = log.end();
        let end = first.plus(count);
        writer.submit(first, events(first.get()..end.get()), 0).unwrap();
        assert_eq!(log.wait_beyond(Position::new(end.get() - 1), LONG), end);
    }
    writer.close().unwrap();
}

/// Asserts that the log holds exactly the events before `end`, by every way of reading.
pub fn assert_holds(log: &Log, end: u64) {
    assert_eq!(log.end(), Position::new(end));
    let mut next = 0;
    for chunk in log.scan_verified(Position::ZERO, Position::LIMIT) {
        for (position, bytes) in &chunk.unwrap() {
            assert_eq!(position.get(), next);
            assert_eq!(bytes, event(next));
            next += 1;
        }
    }
    assert_eq!(next, end);
    if let Some(last) = end.checked_sub(1) {
        assert_eq!(
            log.read(Position::new(last)).unwrap().as_deref(),
            Some(&event(last)[..])
        );
    }
    assert_eq!(log.read(Position::new(end)).unwrap(), None);
    assert_eq!(log.hash_at(Position::new(end)).unwrap(), Some(log.last_hash()));
}

/// Faults under which the `nth` sync after creation, counted from 1, and all later ones fail.
pub fn failing_sync(nth: u64) -> Faults {
    let syncs = AtomicU64::new(0);
    let sync = move || match syncs.fetch_add(1, Ordering::SeqCst) + 1 {
        count if count < nth => Ok(()),
        _ => Err(io::Error::other("the disk is gone")),
    };
    Faults {
        sync: Some(Arc::new(sync)),
        ..Faults::default()
    }
}

/// Holds every sync until it is opened or made to fail.
pub struct Gate {
    syncing: Receiver<()>,
    verdict: Arc<(Mutex<Option<bool>>, Condvar)>,
}

/// A closed gate, and the faults that make syncs wait at it.
pub fn gate() -> (Gate, Faults) {
    let (tell, syncing) = mpsc::channel();
    let verdict = Arc::new((Mutex::new(None), Condvar::new()));
    let sync = {
        let verdict = verdict.clone();
        move || {
            // Nobody listens any more once the gate is open.
            let _ = tell.send(());
            let (decided, changed) = &*verdict;
            let decided = changed
                .wait_while(decided.lock().unwrap(), |verdict| verdict.is_none())
                .unwrap();
            if *decided == Some(true) {
                Ok(())
            } else {
                Err(io::Error::other("the disk is gone"))
            }
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
