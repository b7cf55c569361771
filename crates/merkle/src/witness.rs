//! The witness's side of C2SP `tlog-witness`, as a pure judgement: what was asked, what it cosigned last, what it says.

use std::fmt;

use crate::{
    checkpoint::{Checkpoint, SignedCheckpoint},
    error::EvidenceError,
    hash::Hash,
    key::VerifierKey,
    note::NOTE_BYTES_MAX,
    proof::check_consistency,
    tile,
};

/// Consistency proof lines in a request, by the standard.
const PROOF_LINES_MAX: usize = 63;

/// Bytes of a request beyond which it is not looked at.
pub const REQUEST_BYTES_MAX: usize = NOTE_BYTES_MAX + 4 * 1024;

/// The body of `POST /add-checkpoint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// The size that the log believes the witness cosigned last.
    pub old: u64,
    /// The consistency proof from there.
    pub proof: Vec<Hash>,
    /// The checkpoint to cosign.
    pub checkpoint: SignedCheckpoint,
}

impl Addition {
    /// Reads a request's body (C2SP `tlog-witness`, "add-checkpoint").
    ///
    /// # Errors
    /// [`EvidenceError::BadProof`] before the checkpoint, [`EvidenceError::BadNote`] and
    /// [`EvidenceError::BadCheckpoint`] in it, unless it is written exactly so.
    pub fn parse(bytes: &[u8]) -> Result<Addition, EvidenceError> {
        let bad = |problem| EvidenceError::BadProof { problem };
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(bad("it is too long"));
        }
        let text = str::from_utf8(bytes).map_err(|_| bad("it is not UTF-8"))?;
        let (head, note) = text.split_once("\n\n").ok_or(bad("it has no checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(tile::number);
        let old = old.ok_or(bad("its first line is no old size"))?;
        let proof: Option<Vec<_>> = lines.take(PROOF_LINES_MAX + 1).map(Hash::parse).collect();
        let proof = proof.ok_or(bad("a line of it is no hash"))?;
        if proof.len() > PROOF_LINES_MAX {
            return Err(bad("it has more than 63 lines"));
        }
        Ok(Addition {
            old,
            proof,
            checkpoint: SignedCheckpoint::parse(note.as_bytes())?,
        })
    }
}

impl fmt::Display for Addition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// What a witness says.
pub type Judgement = Result<Checkpoint, Refusal>;

/// Why a witness does not cosign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 404: a log that it does not know.
    UnknownLog,
    /// 403: no signature by a key that it trusts for the log.
    NotSigned(EvidenceError),
    /// 400: the old size is larger than the checkpoint's.
    OldIsLarger,
    /// 409: it cosigned another size last, which the answer names.
    OldDiffers {
        /// The size that it cosigned last.
        last: u64,
    },
    /// 409: it cosigned another root of the same size: the log shows two histories.
    OtherRoot {
        /// The size of both.
        size: u64,
    },
    /// 422: the checkpoint does not continue what it cosigned last: history was rewritten.
    NotConsistent(EvidenceError),
}

impl Refusal {
    /// The HTTP status by the standard.
    pub const fn status(&self) -> u16 {
        match self {
            Refusal::UnknownLog => 404,
            Refusal::NotSigned(_) => 403,
            Refusal::OldIsLarger => 400,
            Refusal::OldDiffers { .. } | Refusal::OtherRoot { .. } => 409,
            Refusal::NotConsistent(_) => 422,
        }
    }
}

/// Judges a request by the keys that are trusted and by what was cosigned last for its log, `None` if nothing was
/// (C2SP `tlog-witness`, "add-checkpoint"). A key is trusted for the log of its name alone. An `Ok` must be made
/// durable as the new last before it is cosigned and leaves, and no other request may be judged in between.
///
/// # Errors
/// Why it must not be cosigned.
pub fn judge(request: &Addition, trusted: &[VerifierKey], last: Option<&Checkpoint>) -> Judgement {
    let said = request.checkpoint.unchecked();
    let mut signed = Err(Refusal::UnknownLog);
    for key in trusted.iter().filter(|key| key.name() == said.origin) {
        match request.checkpoint.check(key) {
            Ok(_) => {
                signed = Ok(());
                break;
            }
            Err(error) => signed = Err(Refusal::NotSigned(error)),
        }
    }
    signed?;
    if request.old > said.size {
        return Err(Refusal::OldIsLarger);
    }
    let (size, root) = last.map_or((0, Hash::empty()), |last| (last.size, last.root));
    if request.old != size {
        return Err(Refusal::OldDiffers { last: size });
    }
    if size == said.size && root != said.root {
        return Err(Refusal::OtherRoot { size });
    }
    check_consistency((size, root), (said.size, said.root), &request.proof)
        .map_err(Refusal::NotConsistent)?;
    Ok(said.clone())
}

#[cfg(test)]
mod tests;
