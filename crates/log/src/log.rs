//! The handle on a log: what is durable, who waits for more of it, and the one seat for a writer.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use shilu_model::Position;

use crate::chunk::Hash;
use crate::error::{Fault, LogError};
use crate::head::Head;
use crate::reader::{self, Chunk, EventBytes, Scan};
use crate::recovery::{self, Recovery};
use crate::store::{Options, Store};
use crate::writer::{Outcome, Writer};

/// An open log. Cheap to clone; it closes when the last handle, scan and writer are gone.
///
/// ```
/// use shilu_log::{Events, Log, Options, Position};
///
/// let dir = tempfile::tempdir()?;
/// let log = Log::create(dir.path(), Options::default())?;
/// let writer = log.writer(|_outcome| {})?;
/// writer.submit(Position::ZERO, Events::from_iter([&b"an event"[..]]), ()).map_err(|(_, error)| error)?;
/// writer.close()?;
/// assert_eq!(log.read(Position::ZERO)?.as_deref(), Some(&b"an event"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Log {
    shared: Arc<Shared>,
}

type Subscriber = Box<dyn Fn(Position) + Send + Sync>;

struct Shared {
    store: Store,
    register_dir: PathBuf,
    recovery: Recovery,
    durable: Mutex<Head>,
    advanced: Condvar,
    subscribers: RwLock<Vec<Subscriber>>,
    /// The end that the file `head` states. Held while writing it, so that it never goes back.
    head_end: Mutex<Position>,
    seat: Mutex<Seat>,
}

/// Whether the log may have a writer.
pub(crate) enum Seat {
    Free,
    Taken,
    /// For good: sled may hold more than was made durable.
    Poisoned(Arc<LogError>),
}

impl Log {
    /// Makes the folder `log/` and the file `head` in `register_dir`, which must exist.
    ///
    /// # Errors
    /// [`LogError::AlreadyARegister`] when there is a folder `log/`, [`LogError::Io`].
    pub fn create(register_dir: &Path, options: Options) -> Result<Log, LogError> {
        let store = Store::create(register_dir, options)?;
        Head::EMPTY.write(register_dir)?;
        Ok(Log::new(store, register_dir, Head::EMPTY, Recovery::default()))
    }

    /// Opens the log of a register, dropping a last commit that a crash left incomplete.
    ///
    /// # Errors
    /// [`LogError::NotARegister`], [`LogError::InUse`], [`LogError::Io`], and [`LogError::Damaged`] when
    /// anything that was acknowledged is missing or different, as far as the end of the log tells.
    /// [`Log::scrub`] looks at the rest.
    pub fn open(register_dir: &Path, options: Options) -> Result<Log, LogError> {
        let Some(head) = Head::read(register_dir)? else {
            return Err(if register_dir.join("log").exists() {
                Fault::HeadMissing.at(Position::ZERO)
            } else {
                LogError::NotARegister {
                    dir: register_dir.to_owned(),
                }
            });
        };
        let store = Store::open(register_dir, options)?;
        let (durable, recovery) = recovery::recover(&store, head)?;
        if durable != head {
            durable.write(register_dir)?;
        }
        Ok(Log::new(store, register_dir, durable, recovery))
    }

    fn new(store: Store, register_dir: &Path, durable: Head, recovery: Recovery) -> Log {
        let shared = Shared {
            store,
            register_dir: register_dir.to_owned(),
            recovery,
            durable: Mutex::new(durable),
            advanced: Condvar::new(),
            subscribers: RwLock::default(),
            head_end: Mutex::new(durable.end),
            seat: Mutex::new(Seat::Free),
        };
        Log {
            shared: Arc::new(shared),
        }
    }

    /// What opening found and dropped.
    pub fn recovery(&self) -> &Recovery {
        &self.shared.recovery
    }

    /// The durable end: the number of durable events.
    pub fn end(&self) -> Position {
        self.durable().end
    }

    /// The hash of the last durable chunk; zeros when there is none.
    pub fn last_hash(&self) -> Hash {
        self.durable().hash
    }

    /// The hash of the chunk that ends exactly at `end`, which binds what was computed from the log up to
    /// there to this log. None when `end` is within a chunk or beyond the durable end; zeros at 0.
    ///
    /// # Errors
    /// [`LogError::Damaged`], [`LogError::Io`].
    pub fn hash_at(&self, end: Position) -> Result<Option<Hash>, LogError> {
        if end > self.end() {
            return Ok(None);
        }
        reader::hash_at(self.store(), end)
    }

    /// The event at `position`; none at or beyond the durable end.
    ///
    /// # Errors
    /// [`LogError::Damaged`], [`LogError::Io`].
    pub fn read(&self, position: Position) -> Result<Option<EventBytes>, LogError> {
        self.is_durable(position)
            .then(|| reader::read(self.store(), position))
            .transpose()
    }

    /// The chunk that holds `position`; none at or beyond the durable end. Going from a chunk to the one
    /// before its first position reads the log backwards.
    ///
    /// # Errors
    /// [`LogError::Damaged`], [`LogError::Io`].
    pub fn chunk_at(&self, position: Position) -> Result<Option<Chunk>, LogError> {
        self.is_durable(position)
            .then(|| reader::chunk_at(self.store(), position))
            .transpose()
    }

    /// The chunks with the events from `from` up to, not including, `to` or the durable end as of now.
    /// Checksums and gaplessness are checked, the chain of hashes is not.
    pub fn scan(&self, from: Position, to: Position) -> Scan {
        Scan::new(self.clone(), from, to, self.durable(), false)
    }

    /// Like [`Log::scan`], and the chain of hashes is checked from the chunk before the first one on.
    pub fn scan_verified(&self, from: Position, to: Position) -> Scan {
        Scan::new(self.clone(), from, to, self.durable(), true)
    }

    /// Reads and checks every chunk up to the end as of now, the chain of hashes included. `progress` is told
    /// the position reached after each chunk; it may wait, or break off. Returns the number of events checked.
    ///
    /// # Errors
    /// [`LogError::Damaged`] with the first bad position, [`LogError::Io`].
    pub fn scrub(&self, mut progress: impl FnMut(Position) -> ControlFlow<()>) -> Result<u64, LogError> {
        let mut checked = Position::ZERO;
        for chunk in self.scan_verified(Position::ZERO, Position::LIMIT) {
            checked = chunk?.end();
            if progress(checked).is_break() {
                break;
            }
        }
        Ok(checked.get())
    }

    /// Waits until the durable end is beyond `position`, at most for `timeout`. Returns the durable end.
    pub fn wait_beyond(&self, position: Position, timeout: Duration) -> Position {
        let waiting =
            self.shared
                .advanced
                .wait_timeout_while(lock(&self.shared.durable), timeout, |durable| {
                    durable.end <= position
                });
        let (durable, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        durable.end
    }

    /// Calls `told` with the new durable end after each commit, for as long as the log is open. It runs on the
    /// committer's thread before the commit is acknowledged: it must be quick and must not subscribe.
    pub fn subscribe(&self, told: Box<dyn Fn(Position) + Send + Sync>) {
        self.shared
            .subscribers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(told);
    }

    /// Starts the thread that commits. Its outcomes go to `sink`, in order, on that thread. A log has one
    /// writer at a time.
    ///
    /// # Errors
    /// [`LogError::WriterTaken`], [`LogError::Poisoned`], [`LogError::Io`] when no thread could be started.
    pub fn writer<T: Send + 'static>(
        &self,
        sink: impl FnMut(Outcome<T>) + Send + 'static,
    ) -> Result<Writer<T>, LogError> {
        let mut seat = self.seat();
        match &*seat {
            Seat::Free => {}
            Seat::Taken => return Err(LogError::WriterTaken),
            Seat::Poisoned(cause) => return Err(LogError::Poisoned { cause: cause.clone() }),
        }
        let writer = Writer::start(self.clone(), sink)?;
        *seat = Seat::Taken;
        Ok(writer)
    }

    /// Bytes in sled's side files, which are never synced. Must be 0.
    ///
    /// # Errors
    /// When the folder `log/blobs` cannot be read.
    pub fn blobs_bytes(&self) -> io::Result<u64> {
        self.shared.store.blobs_bytes()
    }

    /// Brings the file `head` up to the durable end, if it is behind.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn write_head(&self) -> Result<(), LogError> {
        let mut head_end = lock(&self.shared.head_end);
        let durable = self.durable();
        if durable.end > *head_end {
            durable.write(&self.shared.register_dir)?;
            *head_end = durable.end;
        }
        Ok(())
    }

    /// Makes a commit visible, which is durable.
    pub(crate) fn publish(&self, durable: Head) {
        *lock(&self.shared.durable) = durable;
        self.shared.advanced.notify_all();
        for told in self
            .shared
            .subscribers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            told(durable.end);
        }
    }

    pub(crate) fn durable(&self) -> Head {
        *lock(&self.shared.durable)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    pub(crate) fn seat(&self) -> MutexGuard<'_, Seat> {
        lock(&self.shared.seat)
    }

    fn is_durable(&self, position: Position) -> bool {
        position < self.end()
    }
}

/// Locks, also after a panic elsewhere: no holder of this crate's locks leaves their content half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
