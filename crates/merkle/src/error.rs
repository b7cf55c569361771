//! What is wrong with a piece of evidence.

use thiserror::Error;

/// Why a note, key, proof, tile, bundle, checkpoint or receipt is refused. Nothing of it may be believed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Not a signed note, or one beyond the limits.
    #[error("not a signed note: {problem}")]
    BadNote {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A note whose text is no checkpoint.
    #[error("not a checkpoint: {problem}")]
    BadCheckpoint {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Neither a public key in the form of a vkey nor a signing key.
    #[error("not a key: {problem}")]
    BadKey {
        /// What is wrong with it. Never the key itself.
        problem: &'static str,
    },
    /// A proof that cannot be read, or does not belong to these sizes.
    #[error("not a proof: {problem}")]
    BadProof {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A tile of the wrong length or name.
    #[error("not a tile: {problem}")]
    BadTile {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An entry bundle that breaks off or holds too much.
    #[error("not an entry bundle: {problem}")]
    BadBundle {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A receipt that cannot be read.
    #[error("not a receipt: {problem}")]
    BadReceipt {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A checkpoint of another log.
    #[error("this is of the log {found:?}, not of {expected:?}")]
    OtherLog {
        /// The log that was asked about.
        expected: String,
        /// The log that it names.
        found: String,
    },
    /// No trusted key signed the note.
    #[error("not signed by {name}")]
    NotSigned {
        /// The key that was looked for.
        name: String,
    },
    /// A signature that names a trusted key and is not by it.
    #[error("the signature of {name} is forged, or the text was changed after it was signed")]
    ForgedSignature {
        /// Whose signature it pretends to be.
        name: String,
    },
    /// The entry is not in the tree with this root.
    #[error("the entry is not at position {index} of the tree with this root")]
    NotIncluded {
        /// Where it was said to be.
        index: u64,
    },
    /// Two trees that do not continue each other: history was rewritten.
    #[error("the tree of size {new} does not continue the tree of size {old}")]
    NotConsistent {
        /// The size of the smaller tree.
        old: u64,
        /// The size of the larger tree.
        new: u64,
    },
}

impl EvidenceError {
    /// The stable code, a section of `docs/errors.md`.
    pub const fn code(&self) -> &'static str {
        match self {
            EvidenceError::BadNote { .. } => "BAD_NOTE",
            EvidenceError::BadCheckpoint { .. } => "BAD_CHECKPOINT",
            EvidenceError::BadKey { .. } => "BAD_KEY",
            EvidenceError::BadProof { .. } => "BAD_PROOF",
            EvidenceError::BadTile { .. } => "BAD_TILE",
            EvidenceError::BadBundle { .. } => "BAD_BUNDLE",
            EvidenceError::BadReceipt { .. } => "BAD_RECEIPT",
            EvidenceError::OtherLog { .. } => "OTHER_LOG",
            EvidenceError::NotSigned { .. } => "NOT_SIGNED",
            EvidenceError::ForgedSignature { .. } => "FORGED_SIGNATURE",
            EvidenceError::NotIncluded { .. } => "NOT_INCLUDED",
            EvidenceError::NotConsistent { .. } => "NOT_CONSISTENT",
        }
    }

    /// What to do next.
    pub const fn hint(&self) -> &'static str {
        match self {
            EvidenceError::BadNote { .. } | EvidenceError::BadCheckpoint { .. } => {
                "get it again, byte for byte: a mail program or an editor may have changed line ends or letters"
            }
            EvidenceError::BadReceipt { .. } => {
                "get the receipt again, byte for byte, from whoever keeps the register"
            }
            EvidenceError::BadKey { .. } => {
                "write the vkey in one piece, name+id+key, as its owner published it; quote it for the shell"
            }
            EvidenceError::BadProof { .. } => "get it again; if that does not help, somebody changed it",
            EvidenceError::BadTile { .. } | EvidenceError::BadBundle { .. } => {
                "get the file again from the log; if that does not help, the log's files are damaged"
            }
            EvidenceError::OtherLog { .. } => {
                "use the key of the log that it names, if that is the one you ask about"
            }
            EvidenceError::NotSigned { .. } => {
                "check that the key is the one in force at that time; without its signature nothing is proved"
            }
            EvidenceError::ForgedSignature { .. } => {
                "believe nothing of it; keep it, and ask whoever gave it to you where it comes from"
            }
            EvidenceError::NotIncluded { .. } => {
                "believe nothing of it: the event is not what the log holds there, or the proof was changed"
            }
            EvidenceError::NotConsistent { .. } => {
                "keep both: together they prove that the log's history was rewritten"
            }
        }
    }

    /// Whether it could not even be read, rather than being wrong.
    pub const fn is_malformed(&self) -> bool {
        matches!(
            self,
            EvidenceError::BadNote { .. }
                | EvidenceError::BadCheckpoint { .. }
                | EvidenceError::BadReceipt { .. }
                | EvidenceError::BadKey { .. }
        )
    }
}
