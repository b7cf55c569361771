//! What to do about a piece of evidence that is refused, and whether it could be read at all.

use shilu_merkle::EvidenceError;

/// What to do next.
pub fn hint(error: &EvidenceError) -> &'static str {
    match error {
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
        _ => "believe nothing of it, and get it again",
    }
}

/// Whether it could not even be read, rather than being wrong.
pub const fn is_malformed(error: &EvidenceError) -> bool {
    matches!(
        error,
        EvidenceError::BadNote { .. }
            | EvidenceError::BadCheckpoint { .. }
            | EvidenceError::BadReceipt { .. }
            | EvidenceError::BadKey { .. }
    )
}
