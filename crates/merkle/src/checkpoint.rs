//! Checkpoints: the size and root of a log, as its keys and witnesses signed them (C2SP `tlog-checkpoint`).

use std::fmt;

use crate::{
    error::EvidenceError,
    hash::Hash,
    key::{self, SignerKey, VerifierKey},
    note::{Note, NoteSignature},
    tile,
};

/// Bytes of a log's name, which is a key's name too.
pub const ORIGIN_BYTES_MAX: usize = key::NAME_BYTES_MAX;

/// What a log says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Reads the text of a note (C2SP `tlog-checkpoint`, "Note text"). Extension lines are allowed, and not looked at.
    /// The origin must be fit for a key's name, to which the standard only advises.
    ///
    /// # Errors
    /// [`EvidenceError::BadCheckpoint`] unless it is written exactly so, or when an empty log has another root than
    /// the empty tree's.
    pub fn parse(text: &str) -> Result<Checkpoint, EvidenceError> {
        let bad = |problem| EvidenceError::BadCheckpoint { problem };
        let lines = text.strip_suffix('\n').ok_or(bad("its last line is not ended"))?;
        let mut lines = lines.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(bad("it has less than three lines"));
        };
        key::check_name(origin).map_err(|_| bad("its first line is no name of a log"))?;
        let size = tile::number(size).ok_or(bad("its second line is no size"))?;
        let root = Hash::parse(root).ok_or(bad("its third line is no hash"))?;
        if lines.any(str::is_empty) {
            return Err(bad("it has empty lines"));
        }
        if size == 0 && root != Hash::empty() {
            return Err(bad("its root is not that of an empty log"));
        }
        Ok(Checkpoint {
            origin: origin.to_owned(),
            size,
            root,
        })
    }

    /// Signs with each of these keys, which are the log's own.
    pub fn sign<'a>(&self, keys: impl IntoIterator<Item = &'a SignerKey>) -> SignedCheckpoint {
        let text = self.to_string();
        let signatures = keys.into_iter().map(|key| key.sign_note(&text, 0)).collect();
        SignedCheckpoint {
            checkpoint: self.clone(),
            note: Note { text, signatures },
        }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)
    }
}

/// A checkpoint in its note. Who signed it is for [`SignedCheckpoint::check`] to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

/// A witness's cosignature that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// The witness.
    pub witness: String,
    /// When it signed, in seconds since 1970, by its own clock.
    pub seconds: u64,
}

impl SignedCheckpoint {
    /// Reads a note that is a checkpoint.
    ///
    /// # Errors
    /// [`EvidenceError::BadNote`], [`EvidenceError::BadCheckpoint`].
    pub fn parse(bytes: &[u8]) -> Result<SignedCheckpoint, EvidenceError> {
        let note = Note::parse(bytes)?;
        let checkpoint = Checkpoint::parse(&note.text)?;
        Ok(SignedCheckpoint { checkpoint, note })
    }

    /// What it says, checked or not.
    pub const fn unchecked(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Its note.
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// What it says, if it is of `log` and signed by it.
    ///
    /// # Errors
    /// [`EvidenceError::OtherLog`], [`EvidenceError::NotSigned`], [`EvidenceError::ForgedSignature`].
    pub fn check(&self, log: &VerifierKey) -> Result<&Checkpoint, EvidenceError> {
        if self.checkpoint.origin != log.name() {
            return Err(EvidenceError::OtherLog {
                expected: log.name().to_owned(),
                found: self.checkpoint.origin.clone(),
            });
        }
        self.note.signed_by(log)?;
        Ok(&self.checkpoint)
    }

    /// Which of these witnesses cosigned it, in their order; a witness counts once, however many of its keys signed.
    ///
    /// Cosignatures do not cover the witness's name (C2SP `tlog-cosignature`): a copy of one under another name holds
    /// for that name too, if the same key was trusted for both. So a key counts once as well.
    ///
    /// # Errors
    /// [`EvidenceError::ForgedSignature`] when a line names one of them and is not by it.
    pub fn cosigned(&self, witnesses: &[VerifierKey]) -> Result<Vec<Cosigned>, EvidenceError> {
        let mut cosigned = Vec::new();
        let mut counted: Vec<&VerifierKey> = Vec::new();
        for witness in witnesses {
            let same =
                |other: &&VerifierKey| other.name() == witness.name() || other.bytes() == witness.bytes();
            match self.note.signed_by(witness) {
                Ok(Some(_)) if counted.iter().any(same) => {}
                Ok(Some(seconds)) => {
                    counted.push(witness);
                    cosigned.push(Cosigned {
                        witness: witness.name().to_owned(),
                        seconds,
                    });
                }
                // A log's key among the witnesses says nothing of time.
                Ok(None) | Err(EvidenceError::NotSigned { .. }) => {}
                Err(forged) => return Err(forged),
            }
        }
        Ok(cosigned)
    }

    /// Adds signature lines that are not there yet. They are not checked: add what [`SignedCheckpoint::cosigned`] would
    /// take, since a note of more than a hundred lines cannot be read back (C2SP `signed-note`, "Format").
    pub fn add(&mut self, lines: impl IntoIterator<Item = NoteSignature>) {
        for line in lines {
            if !self.note.signatures.contains(&line) {
                self.note.signatures.push(line);
            }
        }
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}

#[cfg(test)]
mod tests;
