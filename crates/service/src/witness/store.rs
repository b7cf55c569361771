//! The folder of a witness: its key, the logs that it knows, what it cosigned last for each, and evidence.
//!
//! ```text
//! DIR/key            the signing key, mode 0600
//! DIR/logs           one vkey per line; a log may have several, for the time of a rotation
//! DIR/lock           one process at a time
//! DIR/checkpoints/   one file per log, see `last.rs`
//! DIR/evidence/      see `evidence.rs`
//! ```
//!
//! Invariant: a cosignature leaves only when what it says is durable as the log's last, and what is checked and what
//! is made durable happen under one lock per log.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use shilu_engine::durable;
use shilu_merkle::{
    Addition, Algorithm, Checkpoint, EvidenceError, NoteSignature, Refusal, SignerKey, VerifierKey, judge,
};

use super::{
    error::WitnessError,
    evidence::{Case, Evidence},
    last::{self, Last},
};
use crate::key_file::{create_key_file, fresh_key, read_key_file};

/// Most keys of logs: a county's registers many times over, and each costs a file and a note in memory.
pub const LOG_KEYS_MAX: usize = 1_000;

/// A witness, alone in its folder.
#[derive(Debug)]
pub struct Witness {
    key: SignerKey,
    logs: BTreeMap<String, Log>,
    evidence: Evidence,
    /// Released by the system when the process ends, however it ends.
    _lock: File,
}

#[derive(Debug)]
struct Log {
    trusted: Vec<VerifierKey>,
    last: Mutex<Last>,
}

/// Why there is no cosignature.
#[derive(Debug)]
pub(crate) enum Declined {
    /// By the standard.
    Refused(Refusal),
    /// It would be too long to be kept.
    TooLong,
    /// It is not known what was cosigned last.
    Damaged { origin: String, problem: String },
    /// It could not be made durable.
    NotDurable(io::Error),
}

/// A log that a witness knows.
#[derive(Clone, Debug)]
pub struct KnownLog {
    /// Its keys.
    pub keys: Vec<VerifierKey>,
    /// What was cosigned last, or what is wrong with its file.
    pub last: Result<Option<Checkpoint>, String>,
}

impl Witness {
    /// Opens a witness's folder, or makes one under this name; and adds these logs to those that it knows.
    ///
    /// # Errors
    /// See [`WitnessError`].
    pub fn open(dir: &Path, name: Option<&str>, add: &[VerifierKey]) -> Result<Witness, WitnessError> {
        let key_path = dir.join("key");
        if !fs::exists(&key_path).map_err(WitnessError::io("read", &key_path))? {
            check_new(dir, name)?;
        }
        fs::create_dir_all(dir.join("checkpoints")).map_err(WitnessError::io("make", dir))?;
        let lock = lock(dir)?;
        let key = open_key(&key_path, name)?;
        let path = dir.join("logs");
        let mut keys = read_logs(&path)?;
        let known = keys.len();
        for log in add {
            if !keys.contains(log) {
                keys.push(log.clone());
            }
        }
        if keys.len() > LOG_KEYS_MAX {
            return Err(WitnessError::TooManyLogs { max: LOG_KEYS_MAX });
        }
        let folder = dir.join("checkpoints");
        if keys.len() > known {
            // The file of the last checkpoint is there before the log is known: after that, a missing one is damage.
            for log in keys.iter().skip(known) {
                begin(&folder, log, &keys, known).map_err(WitnessError::io("write into", &folder))?;
            }
            let lines: String = keys.iter().map(|key| format!("{key}\n")).collect();
            durable::write(&path, lines.as_bytes()).map_err(WitnessError::io("write", &path))?;
        }
        durable::sync_parent(dir).map_err(WitnessError::io("write beside", dir))?;
        let evidence = dir.join("evidence");
        let evidence = Evidence::open(evidence.clone()).map_err(WitnessError::io("make", evidence))?;
        let logs = logs(&folder, keys, key.verifier());
        Ok(Witness {
            key,
            logs,
            evidence,
            _lock: lock,
        })
    }

    /// The witness's public key.
    pub const fn key(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// The logs that it knows, by name.
    pub fn logs(&self) -> Vec<KnownLog> {
        let known = |log: &Log| KnownLog {
            keys: log.trusted.clone(),
            last: said(&log.last.lock().unwrap_or_else(PoisonError::into_inner)),
        };
        self.logs.values().map(known).collect()
    }

    /// Judges a request and cosigns, at `seconds` since 1970.
    pub(crate) fn add(&self, request: &Addition, seconds: u64) -> Result<NoteSignature, Declined> {
        let said = request.checkpoint.unchecked();
        let unknown = Declined::Refused(Refusal::UnknownLog);
        let log = self.logs.get(&said.origin).ok_or(unknown)?;
        // A panic below leaves what was durable, or less in memory: both are what may be cosigned next.
        let mut last = log.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.cosigned().map_err(|problem| Declined::Damaged {
            origin: said.origin.clone(),
            problem,
        })?;
        let judgement = judge(request, &log.trusted, before.map(|last| last.unchecked()));
        if let Err(refusal) = judgement {
            if let (Some(before), Some(case)) =
                (before, case(&refusal, before.map(|last| last.unchecked()), said))
            {
                self.evidence.keep(case, &request.checkpoint, before);
            }
            return Err(Declined::Refused(refusal));
        }
        let kept = last::kept(&request.checkpoint, &log.trusted, &self.key, seconds);
        let kept = kept.ok_or(Declined::TooLong)?;
        let cosignature = self.key.sign_note(&kept.note().text, seconds);
        last.set(kept).map_err(Declined::NotDurable)?;
        Ok(cosignature)
    }
}

/// What a refusal is evidence of, if of anything. The log's signature was checked in each of these cases.
fn case(refusal: &Refusal, last: Option<&Checkpoint>, said: &Checkpoint) -> Option<Case> {
    match refusal {
        Refusal::OtherRoot { .. } => Some(Case::TwoRoots),
        // Asked with another old size, a second root is one all the same.
        Refusal::OldDiffers { .. } if last.is_some_and(|last| last::contradict(last, said)) => {
            Some(Case::TwoRoots)
        }
        Refusal::NotConsistent(EvidenceError::NotConsistent { .. }) => Some(Case::NotConsistent),
        _ => None,
    }
}

/// Reads a witness's public key without opening the witness; `None` where there is no key yet.
///
/// # Errors
/// See [`WitnessError`].
pub fn witness_key(dir: &Path) -> Result<Option<VerifierKey>, WitnessError> {
    let path = dir.join("key");
    if !fs::exists(&path).map_err(WitnessError::io("read", &path))? {
        return Ok(None);
    }
    Ok(Some(open_key(&path, None)?.verifier().clone()))
}

/// Reads the logs that a witness knows without opening it, so while it runs too.
///
/// # Errors
/// See [`WitnessError`].
pub fn witness_logs(dir: &Path) -> Result<Vec<KnownLog>, WitnessError> {
    let key = open_key(&dir.join("key"), None)?;
    let logs = logs(
        &dir.join("checkpoints"),
        read_logs(&dir.join("logs"))?,
        key.verifier(),
    );
    let known = |log: Log| KnownLog {
        last: said(&log.last.lock().unwrap_or_else(PoisonError::into_inner)),
        keys: log.trusted,
    };
    Ok(logs.into_values().map(known).collect())
}

fn said(last: &Last) -> Result<Option<Checkpoint>, String> {
    last.cosigned()
        .map(|last| last.map(|last| last.unchecked().clone()))
}

/// A folder without a key becomes a witness's only if it is empty but for what a first start left: else the key of a
/// witness is gone, and a new one beside the old state would be refused by nobody.
fn check_new(dir: &Path, name: Option<&str>) -> Result<(), WitnessError> {
    let found = match fs::read_dir(dir) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return check_name(name);
        }
        Err(error) => return Err(WitnessError::io("read", dir)(error)),
    };
    for entry in found {
        let path = entry.map_err(WitnessError::io("read", dir))?.path();
        let left = path
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| {
                name == "lock" || name.starts_with(".tmp") || (name == "checkpoints" && is_empty(&path))
            });
        if !left {
            return Err(WitnessError::NotAWitness {
                dir: dir.to_owned(),
                problem: "it has no key, and is not empty",
            });
        }
    }
    check_name(name)
}

/// That a key can have this name, before anything is made.
fn check_name(name: Option<&str>) -> Result<(), WitnessError> {
    fresh_key(name.ok_or(WitnessError::NameMissing)?, Algorithm::Cosignature)?;
    Ok(())
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut found| found.next().is_none())
}

fn lock(dir: &Path) -> Result<File, WitnessError> {
    let path = dir.join("lock");
    let mut options = File::options();
    let options = options.write(true).create(true).truncate(false);
    let lock = options.open(&path).map_err(WitnessError::io("open", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(WitnessError::InUse { dir: dir.to_owned() }),
        Err(fs::TryLockError::Error(error)) => Err(WitnessError::io("lock", &path)(error)),
    }
}

/// Reads the key, or makes it.
fn open_key(path: &Path, name: Option<&str>) -> Result<SignerKey, WitnessError> {
    if !fs::exists(path).map_err(WitnessError::io("read", path))? {
        let key = fresh_key(name.ok_or(WitnessError::NameMissing)?, Algorithm::Cosignature)?;
        create_key_file(path, &key)?;
    }
    let key = read_key_file(path)?;
    let own = key.verifier().name();
    if key.verifier().algorithm() != Algorithm::Cosignature {
        return Err(WitnessError::NotAWitness {
            dir: path.parent().unwrap_or(path).to_owned(),
            problem: "its key is not one of a witness",
        });
    }
    match name {
        Some(asked) if asked != own => Err(WitnessError::NameDiffers {
            name: own.to_owned(),
            asked: asked.to_owned(),
        }),
        _ => Ok(key),
    }
}

fn read_logs(path: &PathBuf) -> Result<Vec<VerifierKey>, WitnessError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(WitnessError::io("read", path)(error)),
    };
    let key = |(index, line): (usize, &str)| {
        VerifierKey::parse(line).map_err(|source| WitnessError::BadLogs {
            path: path.clone(),
            line: index + 1,
            source,
        })
    };
    text.lines().enumerate().map(key).collect()
}

/// Makes the file of a log that is new; a second key of a known log has one already, or damage that must stay seen.
fn begin(folder: &Path, log: &VerifierKey, keys: &[VerifierKey], known: usize) -> io::Result<()> {
    if keys.iter().take(known).any(|key| key.name() == log.name()) {
        return Ok(());
    }
    Last::begin(folder, log.name())
}

fn logs(folder: &Path, keys: Vec<VerifierKey>, witness: &VerifierKey) -> BTreeMap<String, Log> {
    let mut logs: BTreeMap<String, Log> = BTreeMap::new();
    for key in keys {
        let new = || Log {
            trusted: Vec::new(),
            last: Mutex::new(Last::read(folder, key.name(), witness)),
        };
        logs.entry(key.name().to_owned())
            .or_insert_with(new)
            .trusted
            .push(key.clone());
    }
    logs
}
