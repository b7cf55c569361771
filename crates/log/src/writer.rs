//! Group commit: while one commit syncs, the next one fills. No timer is involved.
//!
//! The producer adds lists to the open commit. The committer's thread takes the open commit whole as soon as it
//! is idle, writes its chunks as one batch, makes them durable, publishes the new end and tells the sink. A
//! failure poisons: what was not acknowledged by then never will be, and nothing more is written.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use shilu_model::Position;
use tracing::{debug_span, error, warn};

use crate::chunk::{self, Layout};
use crate::error::{LogError, WriterError};
use crate::events::Events;
use crate::head::Head;
use crate::limits::{
    COMMIT_BYTES_MAX, COMMIT_EVENTS_MAX, DISK_RESERVE_BYTES, EVENT_BYTES_MAX, FREE_CHECK_BYTES,
    FREE_CHECK_INTERVAL, HEAD_DELAY,
};
use crate::log::{Log, Seat, lock};
use crate::store::{Store, WriteBatch, panic_message};

/// What became of submitted lists. Each list comes in one outcome, except that after a panic of the sink itself
/// the payloads not yet told are dropped.
#[derive(Debug)]
pub enum Outcome<T> {
    /// A commit is durable and readable: its lists may be acknowledged.
    Durable(Committed<T>),
    /// The commit failed, and with it everything submitted after it. The writer is poisoned: it refuses all
    /// further lists. After a restart the failed commit is in the log whole or not at all.
    Failed {
        /// What was submitted with the lists, in order.
        payloads: Vec<T>,
        /// Why.
        error: Arc<LogError>,
    },
}

/// A durable commit.
#[derive(Debug)]
pub struct Committed<T> {
    /// The position of its first event.
    pub first: Position,
    /// All of its events.
    pub events: Events,
    /// What was submitted with its lists, in order.
    pub payloads: Vec<T>,
    /// Bytes of its chunks.
    pub bytes: usize,
    /// How long writing and syncing took.
    pub sync_time: Duration,
}

/// The one writer of a log. Dropping it is like [`Writer::close`].
pub struct Writer<T: Send + 'static> {
    queue: Arc<Queue<T>>,
    log: Log,
    committer: Option<JoinHandle<()>>,
}

/// Where the producer and the committer meet.
struct Queue<T> {
    state: Mutex<State<T>>,
    /// Told when the open commit gets its first list, and when the writer closes.
    work: Condvar,
    /// Told when the open commit was taken, and when the writer is poisoned.
    room: Condvar,
}

struct State<T> {
    open: OpenCommit<T>,
    space: Space,
    closing: bool,
    poisoned: Option<Arc<LogError>>,
}

/// The lists of the next commit.
struct OpenCommit<T> {
    first: Position,
    events: Events,
    layout: Layout,
    payloads: Vec<T>,
}

impl<T> OpenCommit<T> {
    fn new(first: Position) -> OpenCommit<T> {
        OpenCommit {
            first,
            events: Events::new(),
            layout: Layout::default(),
            payloads: Vec::new(),
        }
    }

    fn end(&self) -> Position {
        self.events.end_from(self.first)
    }

    fn has_room(&self, list: &Events) -> bool {
        fits(self.events.len() + list.len(), self.layout.with(list))
    }

    fn push(&mut self, list: Events, payload: T) {
        self.layout = self.layout.with(&list);
        self.events.append(list);
        self.payloads.push(payload);
    }

    /// Takes the commit; the next one begins where it ends.
    fn take(&mut self) -> OpenCommit<T> {
        let next = OpenCommit::new(self.end());
        std::mem::replace(self, next)
    }
}

fn fits(events: usize, layout: Layout) -> bool {
    events <= COMMIT_EVENTS_MAX && layout.bytes <= COMMIT_BYTES_MAX
}

/// Whether there is space on the disk, asked now and then.
struct Space {
    asked: Option<Instant>,
    bytes_since: usize,
}

impl Space {
    fn check(&mut self, store: &Store, bytes: usize) -> Result<(), WriterError> {
        let fresh = self
            .asked
            .is_some_and(|asked| asked.elapsed() < FREE_CHECK_INTERVAL);
        self.bytes_since += bytes;
        if fresh && self.bytes_since < FREE_CHECK_BYTES {
            return Ok(());
        }
        // While the answer is bad, nothing is reset, so that every list asks anew.
        let free_bytes = store
            .free_bytes()
            .map_err(|source| WriterError::FreeSpace { source })?;
        if free_bytes < DISK_RESERVE_BYTES {
            return Err(WriterError::DiskFull {
                free_bytes,
                reserve_bytes: DISK_RESERVE_BYTES,
            });
        }
        *self = Space {
            asked: Some(Instant::now()),
            bytes_since: 0,
        };
        Ok(())
    }
}

impl<T: Send + 'static> Writer<T> {
    pub(crate) fn start(
        log: Log,
        sink: impl FnMut(Outcome<T>) + Send + 'static,
    ) -> Result<Writer<T>, LogError> {
        let durable = log.durable();
        let state = State {
            open: OpenCommit::new(durable.end),
            space: Space {
                asked: None,
                bytes_since: 0,
            },
            closing: false,
            poisoned: None,
        };
        let queue = Arc::new(Queue {
            state: Mutex::new(state),
            work: Condvar::new(),
            room: Condvar::new(),
        });
        let mut committer = Committer {
            queue: queue.clone(),
            log: log.clone(),
            durable,
            head_due: None,
            sink,
        };
        let thread = thread::Builder::new()
            .name("shilu-committer".to_owned())
            .spawn(move || {
                // The sink is foreign code. If it panics, the producer must not wait for ever.
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| committer.run())) {
                    let message = panic_message(panic.as_ref());
                    committer.poison(Arc::new(LogError::CommitterPanicked { message }));
                }
                committer.write_head();
            });
        let committer = thread.map_err(LogError::io("starting the committer's thread"))?;
        Ok(Writer {
            queue,
            log,
            committer: Some(committer),
        })
    }

    /// Adds an atomic list to the open commit; waits while that has no room for it. A list goes whole into one
    /// commit. `first` is the position of its first event and must be where the list before it ended, or the
    /// log's end for the first list.
    ///
    /// # Errors
    /// Gives the payload back: nothing was queued and no position consumed.
    ///
    /// # Panics
    /// When the list is empty, or `first` is not the next position: positions are already in the encoded
    /// events, so going on would store false ones.
    pub fn submit(&self, first: Position, list: Events, payload: T) -> Result<(), (T, WriterError)> {
        if let Err(error) = admissible(first, &list) {
            return Err((payload, error));
        }
        let mut state = lock(&self.queue.state);
        while state.poisoned.is_none() && !state.open.has_room(&list) {
            state = self
                .queue
                .room
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(cause) = &state.poisoned {
            return Err((payload, WriterError::Poisoned { cause: cause.clone() }));
        }
        assert_eq!(
            first,
            state.open.end(),
            "a list begins where the one before it ended"
        );
        if let Err(error) = state.space.check(self.log.store(), list.bytes_len()) {
            return Err((payload, error));
        }
        let was_empty = state.open.events.is_empty();
        state.open.push(list, payload);
        if was_empty {
            self.queue.work.notify_one();
        }
        Ok(())
    }

    /// Whether [`Writer::submit`] would take this list without waiting. Exact for a single producer.
    pub fn has_room(&self, list: &Events) -> bool {
        lock(&self.queue.state).open.has_room(list)
    }

    /// Why the writer is poisoned, if it is.
    pub fn poisoned(&self) -> Option<Arc<LogError>> {
        lock(&self.queue.state).poisoned.clone()
    }

    /// Commits what was submitted, writes `head` and ends the committer's thread.
    ///
    /// # Errors
    /// [`LogError::Poisoned`], when the writer is poisoned.
    pub fn close(mut self) -> Result<(), LogError> {
        self.stop();
        match self.poisoned() {
            Some(cause) => Err(LogError::Poisoned { cause }),
            None => Ok(()),
        }
    }

    fn stop(&mut self) {
        let Some(committer) = self.committer.take() else {
            return;
        };
        lock(&self.queue.state).closing = true;
        self.queue.work.notify_one();
        if committer.join().is_err() {
            error!("the committer's thread died");
        }
        let mut seat = self.log.seat();
        if matches!(*seat, Seat::Taken) {
            *seat = Seat::Free;
        }
    }
}

impl<T: Send + 'static> Drop for Writer<T> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether a list may be in a log at all.
fn admissible(first: Position, list: &Events) -> Result<(), WriterError> {
    assert!(!list.is_empty(), "a list has events");
    for (index, event) in list.iter().enumerate() {
        if event.len() > EVENT_BYTES_MAX {
            return Err(WriterError::EventTooLarge {
                index,
                bytes: event.len(),
            });
        }
    }
    let layout = Layout::default().with(list);
    if !fits(list.len(), layout) {
        return Err(WriterError::ListTooLarge {
            events: list.len(),
            bytes: layout.bytes,
        });
    }
    if list.end_from(first) > Position::LIMIT {
        return Err(WriterError::LogFull);
    }
    Ok(())
}

/// The thread that commits.
struct Committer<T, S> {
    queue: Arc<Queue<T>>,
    log: Log,
    durable: Head,
    /// When `head` must be written; none while it is up to date.
    head_due: Option<Instant>,
    sink: S,
}

enum Work<T> {
    Commit(OpenCommit<T>),
    Head,
    Stop,
}

impl<T: Send + 'static, S: FnMut(Outcome<T>)> Committer<T, S> {
    /// Works until the writer closes or is poisoned.
    fn run(&mut self) {
        loop {
            let done = match self.next_work() {
                Work::Commit(commit) => self.commit(commit),
                Work::Head => self
                    .log
                    .write_head()
                    .map(|()| self.head_due = None)
                    .map_err(|e| (vec![], e)),
                Work::Stop => return,
            };
            if let Err((mut payloads, error)) = done {
                let error = Arc::new(error);
                payloads.extend(self.poison(error.clone()));
                (self.sink)(Outcome::Failed { payloads, error });
                return;
            }
        }
    }

    /// Waits for something to do.
    fn next_work(&self) -> Work<T> {
        let mut state = lock(&self.queue.state);
        loop {
            let head_wait = self
                .head_due
                .map(|due| due.saturating_duration_since(Instant::now()));
            if head_wait == Some(Duration::ZERO) {
                return Work::Head;
            }
            if !state.open.events.is_empty() {
                self.queue.room.notify_all();
                return Work::Commit(state.open.take());
            }
            if state.closing {
                return Work::Stop;
            }
            state = match head_wait {
                None => self
                    .queue
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(wait) => {
                    self.queue
                        .work
                        .wait_timeout(state, wait)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }

    /// Makes a commit durable, then visible, then known.
    fn commit(&mut self, commit: OpenCommit<T>) -> Result<(), (Vec<T>, LogError)> {
        assert_eq!(commit.first, self.durable.end, "commits follow one another");
        let _span = debug_span!("commit", first = commit.first.get(), events = commit.events.len()).entered();
        let mut batch = WriteBatch::default();
        let hash = chunk::encode_commit(
            commit.first,
            &commit.events,
            self.durable.hash,
            |position, chunk| {
                batch.insert(position, chunk);
            },
        );
        let begun = Instant::now();
        let durable = Head {
            end: commit.end(),
            hash,
        };
        if let Err(error) = self.log.store().write(batch) {
            return Err((commit.payloads, error));
        }
        let sync_time = begun.elapsed();
        self.durable = durable;
        self.head_due = self.head_due.or_else(|| Some(Instant::now() + HEAD_DELAY));
        self.log.publish(durable);
        (self.sink)(Outcome::Durable(Committed {
            first: commit.first,
            bytes: commit.layout.bytes,
            events: commit.events,
            payloads: commit.payloads,
            sync_time,
        }));
        Ok(())
    }

    /// Refuses everything from now on. Returns the payloads of the lists that were queued.
    fn poison(&self, cause: Arc<LogError>) -> Vec<T> {
        error!(error = %cause, "the writer is poisoned");
        *self.log.seat() = Seat::Poisoned(cause.clone());
        let mut state = lock(&self.queue.state);
        state.poisoned = Some(cause);
        self.queue.room.notify_all();
        state.open.take().payloads
    }

    /// Writes `head` one last time. Not a reason to fail: what it would say is durable all the same.
    fn write_head(&self) {
        if let Err(error) = self.log.write_head() {
            warn!(%error, "the file `head` stays behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc;

    use super::*;
    use crate::testing::{
        LONG, append, assert_holds, create, create_with, event, events, failing_sync, gate, open, writer,
    };
    use crate::{Fault, Faults, Options};

    fn position(number: u64) -> Position {
        Position::new(number)
    }

    #[test]
    fn lists_submitted_during_a_sync_become_one_commit_each_list_whole() {
        let (gate, faults) = gate();
        let (dir, log) = create_with(Options {
            faults,
            ..Options::default()
        });
        let (writer, outcomes) = writer(&log);
        writer.submit(position(0), events(0..5), 100).unwrap();
        gate.wait_until_syncing();
        for list in 0..10 {
            let first = 5 + list * 30;
            writer
                .submit(position(first), events(first..first + 30), list)
                .unwrap();
        }
        assert_eq!(
            log.end(),
            Position::ZERO,
            "nothing is visible before it is synced"
        );
        assert_eq!(log.read(Position::ZERO).unwrap(), None);
        assert_eq!(log.scan(Position::ZERO, Position::LIMIT).count(), 0);
        gate.open();
        writer.close().unwrap();

        let outcomes = outcomes.lock().unwrap();
        let committed: Vec<_> = outcomes
            .iter()
            .map(|outcome| match outcome {
                Outcome::Durable(commit) => commit,
                Outcome::Failed { error, .. } => panic!("{error}"),
            })
            .collect();
        assert_eq!(committed.len(), 2);
        assert_eq!(
            (committed[0].first, &committed[0].payloads[..]),
            (position(0), &[100][..])
        );
        assert_eq!(committed[0].events, events(0..5));
        assert_eq!(committed[1].first, position(5));
        assert_eq!(committed[1].payloads, (0..10).collect::<Vec<_>>());
        assert_eq!(committed[1].events, events(5..305));
        let spans: Vec<_> = log
            .scan(Position::ZERO, Position::LIMIT)
            .map(|chunk| chunk.unwrap().commit())
            .collect();
        for span in &spans {
            assert!(
                [(0, 4), (5, 304)].contains(&(span.first.get(), span.last.get())),
                "{span:?}"
            );
        }
        assert!(spans.len() > 10);
        drop(log);
        assert_holds(&open(dir.path()).unwrap(), 305);
    }

    #[test]
    fn a_full_commit_pushes_back_until_it_is_taken() {
        let (gate, faults) = gate();
        let (_dir, log) = create_with(Options {
            faults,
            ..Options::default()
        });
        let (writer, outcomes) = writer(&log);
        writer.submit(position(0), events(0..1), 0).unwrap();
        gate.wait_until_syncing();
        let mut next = 1;
        while writer.has_room(&events(next..next + 100)) {
            writer
                .submit(position(next), events(next..next + 100), next)
                .unwrap();
            next += 100;
        }
        assert!(next > 1000);
        thread::scope(|scope| {
            let blocked = scope.spawn(|| writer.submit(position(next), events(next..next + 100), next));
            assert_eq!(log.end(), Position::ZERO);
            gate.open();
            blocked.join().unwrap().unwrap();
        });
        writer.close().unwrap();
        for outcome in outcomes.lock().unwrap().iter() {
            let Outcome::Durable(commit) = outcome else {
                panic!("{outcome:?}")
            };
            assert!(commit.bytes <= COMMIT_BYTES_MAX && commit.events.len() <= COMMIT_EVENTS_MAX);
        }
        assert_holds(&log, next + 100);
    }

    #[test]
    fn tiny_events_fill_a_commit_by_their_number() {
        let (gate, faults) = gate();
        let (_dir, log) = create_with(Options {
            faults,
            ..Options::default()
        });
        let (writer, _) = writer(&log);
        writer.submit(position(0), events(0..1), 0).unwrap();
        gate.wait_until_syncing();
        let tiny: Events = (0..COMMIT_EVENTS_MAX - 1).map(|_| &b"t"[..]).collect();
        writer.submit(position(1), tiny, 0).unwrap();
        assert!(writer.has_room(&Events::from_iter([&b""[..]])));
        assert!(!writer.has_room(&Events::from_iter([&b""[..], b""])));
        gate.open();
    }

    #[test]
    fn a_failed_sync_poisons() {
        let (dir, log) = create_with(Options {
            faults: failing_sync(2),
            ..Options::default()
        });
        append(&log, &[50]);
        let (writer, outcomes) = writer(&log);
        writer.submit(position(50), events(50..60), 7).unwrap();
        while writer.poisoned().is_none() {
            thread::yield_now();
        }
        for first in [50, 60] {
            let (payload, error) = writer
                .submit(position(first), events(first..first + 1), 8)
                .unwrap_err();
            assert_eq!((payload, error.code()), (8, "WRITER_POISONED"));
        }
        assert_eq!(writer.close().unwrap_err().code(), "WRITER_POISONED");

        let outcomes = outcomes.lock().unwrap();
        let [Outcome::Failed { payloads, error }] = &outcomes[..] else {
            panic!("{outcomes:?}")
        };
        assert_eq!(payloads[..], [7]);
        assert_eq!(error.code(), "IO");
        // The failed commit is in sled, and stays invisible.
        assert!(
            log.store()
                .floor(position(59))
                .unwrap()
                .is_some_and(|(at, _)| at >= position(50))
        );
        assert_holds(&log, 50);
        assert_eq!(log.blobs_bytes().unwrap(), 0);
        assert!(matches!(
            log.writer(|_: Outcome<()>| {}),
            Err(LogError::Poisoned { .. })
        ));
        drop(log);
        assert_holds(&open(dir.path()).unwrap(), 60);
    }

    #[test]
    fn queued_lists_fail_with_the_commit_before_them() {
        let (gate, faults) = gate();
        let (_dir, log) = create_with(Options {
            faults,
            ..Options::default()
        });
        let (writer, outcomes) = writer(&log);
        writer.submit(position(0), events(0..5), 1).unwrap();
        gate.wait_until_syncing();
        writer.submit(position(5), events(5..6), 2).unwrap();
        writer.submit(position(6), events(6..7), 3).unwrap();
        gate.fail();
        assert!(writer.close().is_err());
        let outcomes = outcomes.lock().unwrap();
        let [Outcome::Failed { payloads, .. }] = &outcomes[..] else {
            panic!("{outcomes:?}")
        };
        assert_eq!(payloads[..], [1, 2, 3]);
        assert_eq!(log.end(), Position::ZERO);
        assert_eq!(
            log.store().range(position(5)).count(),
            0,
            "nothing is written after a failure"
        );
    }

    #[test]
    fn a_blocked_submit_wakes_up_when_the_writer_is_poisoned() {
        let (gate, faults) = gate();
        let (_dir, log) = create_with(Options {
            faults,
            ..Options::default()
        });
        let (writer, _) = writer(&log);
        writer.submit(position(0), events(0..1), 0).unwrap();
        gate.wait_until_syncing();
        let full: Events = (0..COMMIT_EVENTS_MAX).map(|_| &b"t"[..]).collect();
        let next = full.end_from(position(1));
        writer.submit(position(1), full, 1).unwrap();
        thread::scope(|scope| {
            let blocked = scope.spawn(|| writer.submit(next, events(0..1), 2));
            gate.fail();
            assert_eq!(blocked.join().unwrap().unwrap_err().1.code(), "WRITER_POISONED");
        });
    }

    #[test]
    fn a_panic_inside_the_store_poisons() {
        let sync = Arc::new(|| panic!("sled is surprised"));
        let (_dir, log) = create_with(Options {
            faults: Faults {
                sync: Some(sync),
                ..Faults::default()
            },
            ..Options::default()
        });
        let (writer, outcomes) = writer(&log);
        writer.submit(position(0), events(0..5), 1).unwrap();
        assert!(writer.close().is_err());
        let outcomes = outcomes.lock().unwrap();
        let [Outcome::Failed { error, .. }] = &outcomes[..] else {
            panic!("{outcomes:?}")
        };
        let LogError::Damaged {
            fault: Fault::StorePanicked { message },
            ..
        } = &**error
        else {
            panic!("{error:?}")
        };
        assert_eq!(message, "sled is surprised");
    }

    #[test]
    fn a_panicking_sink_poisons_and_loses_nothing_durable() {
        let (dir, log) = create();
        let writer = log
            .writer(|_: Outcome<()>| panic!("the sink is surprised"))
            .unwrap();
        writer.submit(position(0), events(0..5), ()).unwrap();
        let error = writer.close().unwrap_err();
        let LogError::Poisoned { cause } = error else {
            panic!("{error:?}")
        };
        assert!(
            matches!(&*cause, LogError::CommitterPanicked { message } if message == "the sink is surprised")
        );
        assert_holds(&log, 5);
        assert_eq!(Head::read(dir.path()).unwrap().unwrap().end, position(5));
    }

    #[test]
    fn a_full_disk_refuses_lists_and_consumes_no_position() {
        let free = Arc::new(AtomicU64::new(DISK_RESERVE_BYTES - 1));
        let free_bytes = {
            let free = free.clone();
            move || Ok(free.load(Ordering::SeqCst))
        };
        let faults = Faults {
            free_bytes: Some(Arc::new(free_bytes)),
            ..Faults::default()
        };
        let (_dir, log) = create_with(Options {
            faults,
            ..Options::default()
        });
        let (writer, _) = writer(&log);
        for _ in 0..2 {
            let (payload, error) = writer.submit(position(0), events(0..5), 3).unwrap_err();
            assert_eq!((payload, error.code()), (3, "DISK_FULL"));
        }
        free.store(DISK_RESERVE_BYTES, Ordering::SeqCst);
        writer.submit(position(0), events(0..5), 3).unwrap();
        assert!(writer.poisoned().is_none());
        // The disk fills up while we write, and is looked at again before long.
        free.store(0, Ordering::SeqCst);
        let mut next = 5;
        let error = loop {
            match writer.submit(position(next), events(next..next + 500), 3) {
                Ok(()) => next += 500,
                Err((_, error)) => break error,
            }
            assert!(next < 500_000);
        };
        assert_eq!(error.code(), "DISK_FULL");
        writer.close().unwrap();
        assert_holds(&log, next);
    }

    #[test]
    fn free_space_is_asked_again_after_enough_bytes() {
        let asked = Arc::new(AtomicU64::new(0));
        let free_bytes = {
            let asked = asked.clone();
            move || Ok(DISK_RESERVE_BYTES + asked.fetch_add(1, Ordering::SeqCst))
        };
        let faults = Faults {
            free_bytes: Some(Arc::new(free_bytes)),
            ..Faults::default()
        };
        let (_dir, log) = create_with(Options {
            faults,
            ..Options::default()
        });
        // As if asked in the future, so that the time since then plays no part.
        let mut space = Space {
            asked: Some(Instant::now() + LONG),
            bytes_since: 0,
        };
        space.check(log.store(), FREE_CHECK_BYTES - 1).unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        space.check(log.store(), 1).unwrap();
        assert_eq!((asked.load(Ordering::SeqCst), space.bytes_since), (1, 0));
    }

    #[test]
    fn an_unknown_free_space_refuses_too() {
        let faults = Faults {
            free_bytes: Some(Arc::new(|| Err(io::Error::other("no answer")))),
            ..Faults::default()
        };
        let (_dir, log) = create_with(Options {
            faults,
            ..Options::default()
        });
        let (writer, _) = writer(&log);
        assert_eq!(
            writer.submit(position(0), events(0..1), 0).unwrap_err().1.code(),
            "IO"
        );
    }

    #[test]
    fn what_exceeds_a_limit_is_refused_and_what_reaches_it_is_taken() {
        let (_dir, log) = create();
        let (writer, _) = writer(&log);
        let code = |first, list| writer.submit(first, list, 0).unwrap_err().1.code();
        let long = Events::from_iter([&b"short"[..], &[1; EVENT_BYTES_MAX + 1]]);
        assert_eq!(code(position(0), long), "EVENT_TOO_LARGE");
        let largest = vec![1; EVENT_BYTES_MAX];
        let wide: Events = (0..=COMMIT_BYTES_MAX / EVENT_BYTES_MAX)
            .map(|_| &largest[..])
            .collect();
        assert_eq!(code(position(0), wide), "LIST_TOO_LARGE");
        let many: Events = (0..=COMMIT_EVENTS_MAX).map(|_| &b""[..]).collect();
        assert_eq!(code(position(0), many), "LIST_TOO_LARGE");
        assert_eq!(
            code(position(Position::LIMIT.get() - 1), events(0..2)),
            "LOG_FULL"
        );

        let list: Events = (0..COMMIT_BYTES_MAX / EVENT_BYTES_MAX)
            .map(|_| &largest[..])
            .collect();
        let last = position(u64::try_from(list.len()).unwrap() - 1);
        writer.submit(position(0), list, 0).unwrap();
        writer.close().unwrap();
        assert_eq!(log.read(last).unwrap().as_deref(), Some(&largest[..]));
        assert_eq!(log.blobs_bytes().unwrap(), 0);
    }

    #[test]
    #[should_panic(expected = "a list begins where the one before it ended")]
    fn a_skipped_position_stops_the_producer() {
        let (_dir, log) = create();
        let (writer, _) = writer(&log);
        let _ = writer.submit(position(1), events(1..2), 0);
    }

    #[test]
    fn there_is_one_writer_at_a_time() {
        let (_dir, log) = create();
        let (first, _) = writer(&log);
        assert!(matches!(
            log.writer(|_: Outcome<()>| {}),
            Err(LogError::WriterTaken)
        ));
        first.submit(position(0), events(0..3), 0).unwrap();
        drop(first);
        append(&log, &[4]);
        assert_holds(&log, 7);
    }

    #[test]
    fn subscribers_and_waiters_learn_of_each_commit() {
        let (_dir, log) = create();
        let (tell, told) = mpsc::channel();
        log.subscribe(Box::new(move |end| tell.send(end).unwrap()));
        append(&log, &[3, 4]);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [position(3), position(7)]);
        assert_eq!(log.wait_beyond(position(6), LONG), position(7));
        assert_eq!(log.wait_beyond(position(7), Duration::ZERO), position(7));
    }

    #[test]
    fn head_follows_while_idle_and_under_load() {
        let (dir, log) = create();
        let (writer, _) = writer(&log);
        let head = || Head::read(dir.path()).unwrap().unwrap().end;
        writer.submit(position(0), events(0..3), 0).unwrap();
        let begun = Instant::now();
        while head() != position(3) {
            assert!(begun.elapsed() < LONG);
            thread::yield_now();
        }
        let mut next = 3;
        while head() == position(3) {
            assert!(begun.elapsed() < LONG);
            writer.submit(position(next), events(next..next + 10), 0).unwrap();
            next += 10;
        }
        writer.close().unwrap();
        assert_eq!(head(), position(next));
        assert_eq!(log.end(), position(next));
    }

    #[test]
    fn a_head_that_cannot_be_written_poisons() {
        let (dir, log) = create();
        std::fs::create_dir(dir.path().join("head.new")).unwrap();
        let (writer, outcomes) = writer(&log);
        writer.submit(position(0), events(0..3), 0).unwrap();
        let begun = Instant::now();
        while writer.poisoned().is_none() {
            assert!(begun.elapsed() < LONG);
            thread::yield_now();
        }
        assert!(writer.close().is_err());
        assert!(matches!(
            &outcomes.lock().unwrap()[..],
            [Outcome::Durable(_), Outcome::Failed { payloads, .. }] if payloads.is_empty()
        ));
        assert_holds(&log, 3);
    }

    #[test]
    fn no_page_becomes_a_side_file() {
        let (dir, log) = create();
        let (writer, _) = writer(&log);
        // Every length from tiny events to those that stand alone, in commits of all sizes.
        let mut first = Position::ZERO;
        for list in 0..400_u64 {
            let long = vec![7; usize::try_from(list * 31 % 6145).unwrap()];
            let mut list = events(first.get()..first.get() + 1 + list * 13 % 600);
            for _ in 0..20 {
                list.push(&long);
            }
            let end = list.end_from(first);
            writer.submit(first, list, 0).unwrap();
            first = end;
        }
        assert!(first > position(100_000));
        writer.close().unwrap();
        assert_eq!(log.blobs_bytes().unwrap(), 0);
        drop(log);
        let log = open(dir.path()).unwrap();
        assert_eq!(
            log.scrub(|_| std::ops::ControlFlow::Continue(())).unwrap(),
            first.get()
        );
        assert_eq!(log.read(Position::ZERO).unwrap().as_deref(), Some(&event(0)[..]));
        assert_eq!(log.blobs_bytes().unwrap(), 0);
    }
}
