//! What can go wrong, with a stable code and what to do next.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use shilu_model::Position;

use crate::chunk::ChunkFault;
use crate::limits::{COMMIT_BYTES_MAX, COMMIT_EVENTS_MAX, EVENT_BYTES_MAX};

/// Until the machine restarts, the kernel may show pages as written that never reached the disk.
const POISONED_HINT: &str = "look at the cause and at the disk; after an I/O error restart the machine, not only \
                             the program. What was acknowledged is safe";

/// Why the log could not be created, opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The stored log is not what was acknowledged.
    #[error("the log is damaged at position {position}")]
    Damaged {
        /// The first position that cannot be trusted; 0 when nothing can be read.
        position: Position,
        /// What is wrong there.
        #[source]
        fault: Fault,
    },
    /// The folder holds no register.
    #[error("{} is not a register", dir.display())]
    NotARegister {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder already holds a log.
    #[error("{} already holds a log", dir.display())]
    AlreadyARegister {
        /// The folder.
        dir: PathBuf,
    },
    /// Somebody else has the register open.
    #[error("{} is open elsewhere", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// There is already a writer; a log has one at a time.
    #[error("the log already has a writer")]
    WriterTaken,
    /// A write failed earlier; the log can be read but not written until it is opened anew.
    #[error("the writer stopped after a failed write")]
    Poisoned {
        /// The failure.
        #[source]
        cause: Arc<LogError>,
    },
    /// The thread that writes commits panicked outside the store, most likely in its sink.
    #[error("the committer panicked: {message}")]
    CommitterPanicked {
        /// The panic's message.
        message: String,
    },
    /// The operating system refused.
    #[error("{what} failed")]
    Io {
        /// What was being done.
        what: &'static str,
        /// The refusal.
        #[source]
        source: io::Error,
    },
}

impl LogError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            LogError::Damaged { .. } => "LOG_DAMAGED",
            LogError::NotARegister { .. } => "NOT_A_REGISTER",
            LogError::AlreadyARegister { .. } => "ALREADY_A_REGISTER",
            LogError::InUse { .. } => "REGISTER_IN_USE",
            LogError::WriterTaken => "WRITER_TAKEN",
            LogError::Poisoned { .. } | LogError::CommitterPanicked { .. } => "WRITER_POISONED",
            LogError::Io { .. } => "IO",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            LogError::Damaged { .. } => {
                "keep the folder as it is, and go on with the last good copy of the register"
            }
            LogError::NotARegister { .. } => "check the path, or make a register there first",
            LogError::AlreadyARegister { .. } => "open it, or choose an empty folder",
            LogError::InUse { .. } => "ask the running server instead, or stop it first",
            LogError::WriterTaken => "close the other writer first",
            LogError::Poisoned { .. } | LogError::CommitterPanicked { .. } => POISONED_HINT,
            LogError::Io { .. } => "look at the disk, its permissions and the system's log",
        }
    }

    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> LogError {
        move |source| LogError::Io { what, source }
    }
}

/// What is wrong at the position that [`LogError::Damaged`] names.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A chunk's bytes are not a chunk.
    #[error("the chunk cannot be decoded")]
    Chunk {
        /// What its decoder found.
        #[from]
        source: ChunkFault,
    },
    /// A stored key is not a position, or not the position that its chunk states.
    #[error("the chunk is stored under a foreign key")]
    Key,
    /// No chunk holds the position, although later ones or the log's end say there is one.
    #[error("events are missing")]
    Missing,
    /// The chunk holds positions that the one before it holds too.
    #[error("the chunk overlaps the one before it")]
    Overlap,
    /// The chunk cites another hash than that of the one before it.
    #[error("the chain of hashes is broken")]
    Chain,
    /// The chunk states a commit that does not fit the chunks around it.
    #[error("the bounds of its commit do not fit")]
    Commit,
    /// The log ends before the position that `head` states.
    #[error("the log ends before position {head}, which was acknowledged")]
    ShorterThanHead {
        /// The position in `head`.
        head: Position,
    },
    /// The log has another history than the one that `head` states.
    #[error("the log's hash is not the one in the file `head`")]
    OtherThanHead,
    /// There is a log, but its file `head` is missing.
    #[error("the file `head` is missing")]
    HeadMissing,
    /// The file `head` is not as it was written.
    #[error("the file `head` cannot be decoded")]
    HeadUnreadable,
    /// There is a file `head`, but the store's file is missing.
    #[error("the file `log/db` is missing")]
    StoreMissing,
    /// The store found its own file damaged.
    #[error("the store cannot be read")]
    Store {
        /// The store's finding.
        #[source]
        source: sled::Error,
    },
    /// The store panicked, which is how it reacts to some damage.
    #[error("the store panicked: {message}")]
    StorePanicked {
        /// The panic's message.
        message: String,
    },
}

impl Fault {
    pub(crate) fn at(self, position: Position) -> LogError {
        LogError::Damaged {
            position,
            fault: self,
        }
    }
}

/// Why a list of events was not taken. Nothing of it was queued, and no position was consumed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriterError {
    /// A write failed earlier.
    #[error("the writer stopped after a failed write")]
    Poisoned {
        /// The failure.
        #[source]
        cause: Arc<LogError>,
    },
    /// Too little space is left on the disk.
    #[error("only {free_bytes} bytes are free on the disk, and {reserve_bytes} must stay free")]
    DiskFull {
        /// Bytes free for the log.
        free_bytes: u64,
        /// Bytes that must stay free.
        reserve_bytes: u64,
    },
    /// An event is too long.
    #[error("event {index} of the list has {bytes} bytes, more than {EVENT_BYTES_MAX}")]
    EventTooLarge {
        /// Its index in the list.
        index: usize,
        /// Its length.
        bytes: usize,
    },
    /// The list does not fit into one commit.
    #[error(
        "the list has {events} events and {bytes} bytes as stored; a commit has at most \
         {COMMIT_EVENTS_MAX} events and {COMMIT_BYTES_MAX} bytes"
    )]
    ListTooLarge {
        /// Events in the list.
        events: usize,
        /// Their bytes as stored.
        bytes: usize,
    },
    /// The log has reached [`Position::LIMIT`].
    #[error("the log is full: it holds at most {} events", Position::LIMIT)]
    LogFull,
    /// The free space could not be asked for.
    #[error("asking for the free space of the disk failed")]
    FreeSpace {
        /// The refusal.
        #[source]
        source: io::Error,
    },
}

impl WriterError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            WriterError::Poisoned { .. } => "WRITER_POISONED",
            WriterError::DiskFull { .. } => "DISK_FULL",
            WriterError::EventTooLarge { .. } => "EVENT_TOO_LARGE",
            WriterError::ListTooLarge { .. } => "LIST_TOO_LARGE",
            WriterError::LogFull => "LOG_FULL",
            WriterError::FreeSpace { .. } => "IO",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            WriterError::Poisoned { .. } => POISONED_HINT,
            WriterError::DiskFull { .. } => "free some space; writing goes on by itself then",
            WriterError::EventTooLarge { .. } => "attach the material as a file and cite it",
            WriterError::ListTooLarge { .. } => "split the list",
            WriterError::LogFull => "begin a new register",
            WriterError::FreeSpace { .. } => "look at the disk and the system's log",
        }
    }
}
