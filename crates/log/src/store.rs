//! The chunks on disk: sled, and an own handle on its file, since `flush()` in sled 0.34.7 does not make
//! anything durable. Every call into sled is guarded: it panics on some damage, and a panic becomes an error.

use std::any::Any;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use rustix::fs::{FlockOperation, flock};
use shilu_model::Position;

use crate::error::{Fault, LogError};
use crate::limits::{LOCK_RETRY, LOCK_WAIT};

/// How a log is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory for sled's page cache, in bytes. sled's real use after a scan of the whole log is several times
    /// this, since its limit does not bind reads.
    pub cache_bytes: u64,
    /// Faults to inject, for tests.
    pub faults: Faults,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            cache_bytes: 64 * 1024 * 1024,
            faults: Faults::default(),
        }
    }
}

/// A fault in place of, or before, what the operating system would do.
pub type Fallible<T> = Arc<dyn Fn() -> io::Result<T> + Send + Sync>;

/// Where tests inject faults. By default there are none.
#[derive(Clone, Default)]
pub struct Faults {
    /// Called before each fdatasync of the log; an error or a panic takes its place.
    pub sync: Option<Fallible<()>>,
    /// Called instead of asking for the disk's free bytes.
    pub free_bytes: Option<Fallible<u64>>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("sync", &self.sync.is_some())
            .field("free_bytes", &self.free_bytes.is_some())
            .finish()
    }
}

/// A stored value: shared with sled's cache, not copied.
pub(crate) type Value = sled::IVec;

/// The folder `log/` of a register.
pub(crate) struct Store {
    db: sled::Db,
    /// An own open file on `log/db`. Not a duplicate of sled's: the kernel reports a failed write-back once
    /// per open file, and sled's flusher thread swallows what it is told.
    file: File,
    dir: PathBuf,
    faults: Faults,
}

impl Store {
    /// Makes the folder `log/` of a register, durably.
    pub fn create(register_dir: &Path, options: Options) -> Result<Store, LogError> {
        let dir = register_dir.join("log");
        fs::create_dir(&dir).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => LogError::AlreadyARegister {
                dir: register_dir.to_owned(),
            },
            _ => LogError::Io {
                what: "making the folder `log`",
                source,
            },
        })?;
        let store = Store::start(register_dir, dir, options, |_| Ok(true))?;
        guarded(Position::ZERO, "flushing the new store", || store.db.flush())?;
        for name in ["db", "conf", "blobs", "."] {
            sync_path(&store.dir.join(name))?;
        }
        sync_path(register_dir)?;
        Ok(store)
    }

    /// Opens the folder `log/` of a register.
    pub fn open(register_dir: &Path, options: Options) -> Result<Store, LogError> {
        let dir = register_dir.join("log");
        // sled would make a missing file anew, and damage would look like an empty log.
        if !dir.join("db").is_file() {
            return Err(Fault::StoreMissing.at(Position::ZERO));
        }
        Store::start(register_dir, dir, options, prepare)
    }

    /// Opens sled once `prepare` has had its lock and let it go; whoever holds the lock may be closing just now.
    fn start(
        register_dir: &Path,
        dir: PathBuf,
        options: Options,
        prepare: fn(&Path) -> io::Result<bool>,
    ) -> Result<Store, LogError> {
        let config = sled::Config::new().path(&dir).cache_capacity(options.cache_bytes);
        let deadline = Instant::now() + LOCK_WAIT;
        let db = loop {
            if prepare(&dir).map_err(LogError::io("preparing the folder `log`"))? {
                match guarded(Position::ZERO, "opening the store", || config.open()) {
                    Err(error) if is_locked(&error) => {}
                    opened => break opened?,
                }
            }
            if Instant::now() >= deadline {
                return Err(LogError::InUse {
                    dir: register_dir.to_owned(),
                });
            }
            thread::sleep(LOCK_RETRY);
        };
        let file = File::open(dir.join("db")).map_err(LogError::io("opening the file `log/db`"))?;
        Ok(Store {
            db,
            file,
            dir,
            faults: options.faults,
        })
    }

    /// Writes chunks, each at its first position, atomically and durably.
    pub fn write(&self, chunks: WriteBatch) -> Result<(), LogError> {
        let at = chunks.first.unwrap_or_default();
        guarded(at, "writing to the store", || {
            self.db.apply_batch(chunks.batch)?;
            self.db.flush()
        })?;
        self.sync(at)
    }

    /// Makes durable whatever was written. `at` is the first position that may be lost if this fails.
    pub fn sync(&self, at: Position) -> Result<(), LogError> {
        guarded(at, "syncing the file `log/db`", || {
            self.faults.sync.as_ref().map_or(Ok(()), |fault| fault())?;
            Ok(self.file.sync_data()?)
        })
    }

    /// The last stored chunk that begins at or before `position`.
    pub fn floor(&self, position: Position) -> Result<Option<(Position, Value)>, LogError> {
        let key = key(position);
        guarded(position, "reading from the store", || {
            self.db.range(..=key).next_back().transpose()
        })?
        .map(|pair| parse(pair, position))
        .transpose()
    }

    /// The stored chunks that begin at or after `position`, in order. After an error there is nothing more.
    pub fn range(&self, position: Position) -> Range {
        let from = (Bound::Included(key(position)), Bound::Unbounded);
        Range {
            iter: Some(self.db.range::<[u8; 8], _>(from)),
            at: position,
        }
    }

    /// Bytes that the log may still take from its disk.
    pub fn free_bytes(&self) -> io::Result<u64> {
        if let Some(fault) = &self.faults.free_bytes {
            return fault();
        }
        let disk = rustix::fs::fstatvfs(&self.file)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Bytes in sled's side files.
    pub fn blobs_bytes(&self) -> io::Result<u64> {
        fs::read_dir(self.dir.join("blobs"))?
            .map(|entry| Ok(entry?.metadata()?.len()))
            .sum()
    }
}

/// Puts right what a crash can leave and sled 0.34.7 cannot bear. False while somebody has the store open.
fn prepare(dir: &Path) -> io::Result<bool> {
    let db = File::open(dir.join("db"))?;
    // sled's own lock: what its holder is writing is not ours to touch.
    if flock(&db, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(false);
    }
    // What a killed process wrote must not be lost after sled has written an index of it.
    db.sync_all()?;
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        // An index that was being written. sled would take it for the newest one, and the store for damaged; the one
        // before it is still there, for it is removed last. Without any, sled reads the whole store.
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("snap.") && name.ends_with(".generating"))
        {
            fs::remove_file(dir.join(name))?;
        }
    }
    Ok(true)
}

/// Chunks to write or to remove in one atomic step.
#[derive(Default)]
pub(crate) struct WriteBatch {
    batch: sled::Batch,
    first: Option<Position>,
}

impl WriteBatch {
    pub fn insert(&mut self, position: Position, chunk: &[u8]) {
        self.first.get_or_insert(position);
        self.batch.insert(&key(position), chunk);
    }

    pub fn remove(&mut self, position: Position) {
        self.first.get_or_insert(position);
        self.batch.remove(&key(position));
    }
}

/// Stored chunks in order.
pub(crate) struct Range {
    /// None after an error: sled's iterator is in no known state then.
    iter: Option<sled::Iter>,
    at: Position,
}

impl Iterator for Range {
    type Item = Result<(Position, Value), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let iter = self.iter.as_mut()?;
        let next = guarded(self.at, "reading from the store", || iter.next().transpose());
        let found = next
            .and_then(|pair| pair.map(|pair| parse(pair, self.at)).transpose())
            .transpose();
        match &found {
            Some(Ok((position, _))) => self.at = *position,
            _ => self.iter = None,
        }
        found
    }
}

/// Big-endian, so that sled's order of bytes is the order of positions.
fn key(position: Position) -> [u8; 8] {
    position.get().to_be_bytes()
}

fn parse((key, value): (Value, Value), at: Position) -> Result<(Position, Value), LogError> {
    let key = <[u8; 8]>::try_from(key.as_ref()).map_err(|_| Fault::Key.at(at))?;
    Ok((Position::new(u64::from_be_bytes(key)), value))
}

/// Calls sled; turns what it returns or throws into an error at `at`.
fn guarded<R>(
    at: Position,
    what: &'static str,
    call: impl FnOnce() -> sled::Result<R>,
) -> Result<R, LogError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(result)) => Ok(result),
        // The file is shorter than sled's own pointers say.
        Ok(Err(sled::Error::Io(source))) if source.kind() != io::ErrorKind::UnexpectedEof => {
            Err(LogError::Io { what, source })
        }
        Ok(Err(source)) => Err(Fault::Store { source }.at(at)),
        Err(panic) => Err(Fault::StorePanicked {
            message: panic_message(panic.as_ref()),
        }
        .at(at)),
    }
}

/// The words of a caught panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    words
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
        .to_owned()
}

/// sled tells that the log is open elsewhere by these words alone; its version is pinned and a test holds this.
fn is_locked(error: &LogError) -> bool {
    matches!(error, LogError::Io { source, .. } if source.to_string().contains("could not acquire lock"))
}

fn sync_path(path: &Path) -> Result<(), LogError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(LogError::io("syncing a new file"))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use crate::limits::LOCK_WAIT;
    use crate::testing::{append, assert_holds, create, open};
    use crate::{Log, LogError, Options};

    #[test]
    fn an_open_log_cannot_be_opened_again_until_it_is_closed() {
        let (dir, log) = create();
        append(&log, &[5]);
        let begun = Instant::now();
        assert!(matches!(open(dir.path()), Err(LogError::InUse { .. })));
        assert!(
            begun.elapsed() >= LOCK_WAIT,
            "it waits for a log that is just being closed"
        );
        let scan = log.scan(crate::Position::ZERO, log.end());
        drop(log);
        assert!(
            matches!(open(dir.path()), Err(LogError::InUse { .. })),
            "a scan keeps the log open"
        );
        drop(scan);
        for _ in 0..20 {
            assert_holds(&open(dir.path()).unwrap(), 5);
        }
    }

    #[test]
    fn a_log_is_made_once() {
        let (dir, log) = create();
        append(&log, &[5]);
        drop(log);
        let again = Log::create(dir.path(), Options::default());
        assert!(matches!(again, Err(LogError::AlreadyARegister { .. })));
        assert_holds(&open(dir.path()).unwrap(), 5);
        let nowhere = Log::create(&dir.path().join("nowhere"), Options::default());
        assert!(matches!(nowhere, Err(LogError::Io { .. })));
    }

    #[test]
    fn an_index_that_a_crash_left_half_written_is_no_obstacle() {
        let (dir, log) = create();
        append(&log, &[5]);
        drop(log);
        let half = dir.path().join("log/snap.00000000000FFFFF.generating");
        for bytes in ["", "the beginning of an index of pages"] {
            std::fs::write(&half, bytes).unwrap();
            assert_holds(&open(dir.path()).unwrap(), 5);
            assert!(!half.exists());
        }
    }

    #[test]
    fn nothing_is_put_right_while_the_log_is_open_or_still_being_closed() {
        let (dir, log) = create();
        append(&log, &[5]);
        let half = dir.path().join("log/snap.00000000000FFFFF.generating");
        std::fs::write(&half, "").unwrap();
        assert!(!super::prepare(&dir.path().join("log")).unwrap());
        assert!(half.exists(), "its writer may be at work");
        drop(log);
        assert_holds(&open(dir.path()).unwrap(), 5);
    }

    #[test]
    fn free_space_is_that_of_the_disk() {
        let (_dir, log) = create();
        assert!(log.store().free_bytes().unwrap() > 0);
    }
}
