//! What a witness cosigned last for one log: one file, named by the SHA-256 of the log's origin.
//!
//! The file is there from the moment the log is known, so that a missing one is damage and never a fresh start: a
//! witness that forgot would cosign a second history.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use shilu_engine::durable;
use shilu_merkle::{Checkpoint, NOTE_BYTES_MAX, Note, SignedCheckpoint, SignerKey, VerifierKey};

use crate::wire::hex::to_hex;

/// What the file says before the first cosignature.
const NOTHING: &str = "nothing cosigned yet\n";

/// What was cosigned last for a log, in memory and in its file.
#[derive(Debug)]
pub(crate) struct Last {
    path: PathBuf,
    held: Held,
}

#[derive(Debug)]
enum Held {
    Nothing,
    Cosigned(SignedCheckpoint),
    /// It is not known what was cosigned: nothing more may be.
    Damaged(String),
}

impl Last {
    /// Makes the file of a log that becomes known, unless it is there from earlier.
    pub(crate) fn begin(folder: &Path, origin: &str) -> io::Result<()> {
        let path = file(folder, origin);
        if fs::exists(&path)? {
            Ok(())
        } else {
            durable::write(&path, NOTHING.as_bytes())
        }
    }

    /// Reads the file. It must be of this log and cosigned by this witness.
    pub(crate) fn read(folder: &Path, origin: &str, witness: &VerifierKey) -> Last {
        let path = file(folder, origin);
        let held = read(&path, origin, witness).unwrap_or_else(Held::Damaged);
        Last { path, held }
    }

    /// What was cosigned last; `None` if nothing was.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(crate) fn cosigned(&self) -> Result<Option<&SignedCheckpoint>, String> {
        match &self.held {
            Held::Nothing => Ok(None),
            Held::Cosigned(last) => Ok(Some(last)),
            Held::Damaged(problem) => Err(problem.clone()),
        }
    }

    /// Makes a cosigned checkpoint the last one. Only then may its cosignature leave.
    ///
    /// An error may leave either in the file. Both are safe: memory keeps the old one, whose cosignature alone has left.
    pub(crate) fn set(&mut self, next: SignedCheckpoint) -> io::Result<()> {
        durable::write(&self.path, next.to_string().as_bytes())?;
        self.held = Held::Cosigned(next);
        Ok(())
    }
}

/// The form in which a checkpoint is kept: the lines of the log's trusted keys and our own; whatever else was sent
/// with it would only fill the file. `None` when it is too long to be read again.
pub(crate) fn kept(
    checkpoint: &SignedCheckpoint,
    trusted: &[VerifierKey],
    key: &SignerKey,
    seconds: u64,
) -> Option<SignedCheckpoint> {
    let note = checkpoint.note();
    let by_log = note.signatures.iter().filter(|line| {
        trusted
            .iter()
            .any(|key| key.id() == line.id && key.name() == line.name)
    });
    let mut signatures: Vec<_> = by_log.cloned().collect();
    signatures.push(key.sign_note(&note.text, seconds));
    let kept = Note {
        text: note.text.clone(),
        signatures,
    };
    let text = kept.to_string();
    let again = SignedCheckpoint::parse(text.as_bytes()).ok()?;
    (again.to_string() == text
        && again
            .cosigned(std::slice::from_ref(key.verifier()))
            .is_ok_and(|by| by.len() == 1))
    .then_some(again)
}

fn read(path: &Path, origin: &str, witness: &VerifierKey) -> Result<Held, String> {
    let shown = path.display();
    let file = fs::File::open(path).map_err(|error| format!("{shown} cannot be opened: {error}"))?;
    let mut bytes = Vec::new();
    let room = u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX);
    io::Read::read_to_end(&mut io::Read::take(file, room.saturating_add(1)), &mut bytes)
        .map_err(|error| format!("{shown} cannot be read: {error}"))?;
    if bytes == NOTHING.as_bytes() {
        return Ok(Held::Nothing);
    }
    let last = SignedCheckpoint::parse(&bytes).map_err(|error| format!("{shown} is {error}"))?;
    if last.unchecked().origin != origin {
        return Err(format!("{shown} is of another log"));
    }
    last.note()
        .signed_by(witness)
        .map_err(|error| format!("{shown}: {error}"))?;
    Ok(Held::Cosigned(last))
}

fn file(folder: &Path, origin: &str) -> PathBuf {
    folder.join(name(origin.as_bytes()))
}

/// The SHA-256 of some bytes, in hexadecimal: a file's name.
pub(crate) fn name(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    to_hex(&<[u8; 32]>::from(Sha256::digest(bytes)))
}

/// Whether two checkpoints of one log cannot both be true.
pub(crate) fn contradict(one: &Checkpoint, other: &Checkpoint) -> bool {
    one.size == other.size && one.root != other.root
}
