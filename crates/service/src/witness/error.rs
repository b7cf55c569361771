//! Why a witness does not start.

use std::{io, net::SocketAddr, path::PathBuf};

use shilu_merkle::EvidenceError;
use thiserror::Error;

use crate::key_file::KeyFileError;

/// Why a witness does not start.
#[derive(Debug, Error)]
pub enum WitnessError {
    /// `NAME_MISSING`
    #[error("a new witness needs a name")]
    NameMissing,
    /// `NAME_DIFFERS`
    #[error("this witness is {name}, not {asked}")]
    NameDiffers {
        /// The name in its key.
        name: String,
        /// The name that was asked for.
        asked: String,
    },
    /// `NOT_A_WITNESS`
    #[error("{} is no witness's folder: {problem}", dir.display())]
    NotAWitness {
        /// The folder.
        dir: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// `WITNESS_DAMAGED`
    #[error("line {line} of {} is no log's key", path.display())]
    BadLogs {
        /// The file that lists the logs.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: EvidenceError,
    },
    /// `TOO_MANY_LOGS`
    #[error("a witness takes at most {max} keys of logs")]
    TooManyLogs {
        /// The limit.
        max: usize,
    },
    /// `WITNESS_IN_USE`
    #[error("another process runs the witness in {}", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// `LOOPBACK_ONLY`
    #[error(
        "the witness does not listen on {address}: it speaks plain HTTP, so on the way a stranger could change what it \
         answers, and whoever can reach it could keep it busy"
    )]
    LoopbackOnly {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The key's file.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// `IO`
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl WitnessError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            WitnessError::NameMissing => "NAME_MISSING",
            WitnessError::NameDiffers { .. } => "NAME_DIFFERS",
            WitnessError::NotAWitness { .. } => "NOT_A_WITNESS",
            WitnessError::BadLogs { .. } => "WITNESS_DAMAGED",
            WitnessError::TooManyLogs { .. } => "TOO_MANY_LOGS",
            WitnessError::InUse { .. } => "WITNESS_IN_USE",
            WitnessError::LoopbackOnly { .. } => "LOOPBACK_ONLY",
            WitnessError::Key(error) => error.code(),
            WitnessError::Io { .. } => "IO",
        }
    }

    /// What to do next.
    pub const fn hint(&self) -> &'static str {
        match self {
            WitnessError::NameMissing => "name it for ever, such as --name audit.example/w1",
            WitnessError::NameDiffers { .. } => {
                "leave --name out; a witness of another name has a folder of its own"
            }
            WitnessError::NotAWitness { .. } => {
                "check the path; a witness whose key is gone is begun anew in an empty folder, under another name"
            }
            WitnessError::BadLogs { .. } => "put that line right: one vkey, name+id+key",
            WitnessError::TooManyLogs { .. } => "run a second witness in a folder of its own",
            WitnessError::InUse { .. } => "stop it first; it reads the logs' keys when it starts",
            WitnessError::LoopbackOnly { .. } => {
                "listen on 127.0.0.1 or [::1], behind a proxy with TLS that passes /add-checkpoint on"
            }
            WitnessError::Key(error) => error.hint(),
            WitnessError::Io { .. } => "check the path, its rights and the disk",
        }
    }

    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| WitnessError::Io { doing, path, source }
    }
}
