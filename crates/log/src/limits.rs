//! The limits of the log, each with its reason. They follow from how sled 0.34.7 stores and loses data.

use std::time::Duration;

/// The longest event, in bytes as stored. A larger thing belongs into a file of its own, named by its hash.
///
/// 16 events of this size, each alone in its chunk, are the fullest leaf page sled can make of them; they stay
/// below the 128 KiB at which sled would move the page into a side file that it never syncs.
pub const EVENT_BYTES_MAX: usize = 6 * 1024;

/// A chunk closes before it would exceed this many bytes; only an event that is longer by itself makes a
/// longer chunk. Small chunks keep sled's memory after a scan at a third of what 7 KiB chunks take.
pub const CHUNK_BYTES: usize = 2 * 1024;

/// The longest stored value. Readers refuse a longer one before they look into it.
pub const VALUE_BYTES_MAX: usize = 7 * 1024;

/// The most bytes of chunks in one commit. After a torn tail sled may drop a large batch without any error;
/// at this size it never did in tests. It also bounds the memory that a queued commit takes.
pub const COMMIT_BYTES_MAX: usize = 256 * 1024;

/// The most events in one commit, so that tiny events cannot grow the payloads waiting for one sync.
pub const COMMIT_EVENTS_MAX: usize = 4096;

/// Lists are refused when less than this would be left on the disk: room for what is submitted between two
/// looks at the disk, for `head`, and for the state that sled writes when the log is next opened.
pub const DISK_RESERVE_BYTES: u64 = 64 * 1024 * 1024;

/// Look at the free space again after this many submitted bytes: a small part of the reserve, even though
/// sled writes each byte several times.
pub(crate) const FREE_CHECK_BYTES: usize = 4 * 1024 * 1024;

/// Look at the free space again after this long: somebody else may be filling the disk.
pub(crate) const FREE_CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// `head` is written this long after the first acknowledgement it lacks. Half of the second that the format
/// promises, so that a slow sync in between does not break the promise.
pub(crate) const HEAD_DELAY: Duration = Duration::from_millis(500);

/// How long opening waits for another handle to let go of the log. sled's own threads may hold the lock for
/// a moment after its last handle is dropped.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(1);

/// The pause between two attempts to take the lock.
pub(crate) const LOCK_RETRY: Duration = Duration::from_millis(10);
