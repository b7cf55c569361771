//! Receipts: an event, its inclusion proof and a checkpoint in one text (C2SP `tlog-proof`). The event's stored bytes
//! travel as the format's extra data, which the proof then covers.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    checkpoint::{Checkpoint, Cosigned, SignedCheckpoint},
    error::EvidenceError,
    hash::Hash,
    key::VerifierKey,
    note::NOTE_BYTES_MAX,
    proof::{PROOF_HASHES_MAX, check_inclusion},
    tile,
};

/// The format's first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Bytes of a receipt beyond which it is not looked at: the largest entry, a proof, and a note.
pub const RECEIPT_BYTES_MAX: usize = 128 * 1024 + NOTE_BYTES_MAX;

/// An event and its proof. Nothing of it may be believed before [`Receipt::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The event's bytes, as stored.
    pub entry: Vec<u8>,
    /// Its position.
    pub index: u64,
    /// The inclusion proof, from the leaf's sibling up.
    pub proof: Vec<Hash>,
    /// The checkpoint that the proof leads to.
    pub checkpoint: SignedCheckpoint,
}

/// What a receipt proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The checkpoint that the log signed.
    pub checkpoint: Checkpoint,
    /// The witnesses that cosigned it.
    pub cosigned: Vec<Cosigned>,
}

impl Receipt {
    /// Reads a receipt (C2SP `tlog-proof`, "Format"), whose extra line must be there: it holds the event.
    ///
    /// # Errors
    /// [`EvidenceError::BadReceipt`] before the checkpoint, [`EvidenceError::BadNote`] and
    /// [`EvidenceError::BadCheckpoint`] in it, unless it is written exactly so.
    pub fn parse(bytes: &[u8]) -> Result<Receipt, EvidenceError> {
        let bad = |problem| EvidenceError::BadReceipt { problem };
        if bytes.len() > RECEIPT_BYTES_MAX {
            return Err(bad("it is too long"));
        }
        let text = str::from_utf8(bytes).map_err(|_| bad("it is not UTF-8"))?;
        let (head, note) = text.split_once("\n\n").ok_or(bad("it has no checkpoint"))?;
        let mut lines = head.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(bad("its first line is not c2sp.org/tlog-proof@v1"));
        }
        let entry = lines.next().and_then(|line| line.strip_prefix("extra "));
        let entry = entry.ok_or(bad("its second line does not hold the event"))?;
        let entry = STANDARD
            .decode(entry)
            .map_err(|_| bad("its event is not base64"))?;
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = index
            .and_then(tile::number)
            .ok_or(bad("its third line is no position"))?;
        let proof: Option<Vec<_>> = lines.take(PROOF_HASHES_MAX + 1).map(Hash::parse).collect();
        let proof = proof.ok_or(bad("a line of its proof is no hash"))?;
        if proof.len() > PROOF_HASHES_MAX {
            return Err(bad("its proof is too long"));
        }
        Ok(Receipt {
            entry,
            index,
            proof,
            checkpoint: SignedCheckpoint::parse(note.as_bytes())?,
        })
    }

    /// Checks that `log` signed a checkpoint of a tree that has this event at this position; says which of the
    /// witnesses cosigned it.
    ///
    /// # Errors
    /// [`EvidenceError::OtherLog`], [`EvidenceError::NotSigned`] when the log did not sign,
    /// [`EvidenceError::ForgedSignature`] when a line names the log or a witness and is not by it,
    /// [`EvidenceError::BadProof`] and [`EvidenceError::NotIncluded`] as [`check_inclusion`].
    pub fn check(&self, log: &VerifierKey, witnesses: &[VerifierKey]) -> Result<Checked, EvidenceError> {
        let checkpoint = self.checkpoint.check(log)?;
        let cosigned = self.checkpoint.cosigned(witnesses)?;
        let leaf = Hash::leaf(&self.entry);
        check_inclusion(leaf, self.index, checkpoint.size, &self.proof, checkpoint.root)?;
        Ok(Checked {
            checkpoint: checkpoint.clone(),
            cosigned,
        })
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{HEADER}\nextra {}\nindex {}",
            STANDARD.encode(&self.entry),
            self.index
        )?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests;
