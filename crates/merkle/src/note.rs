//! Signed notes: a text and who signed it (C2SP `signed-note`).

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    error::EvidenceError,
    key::{self, Algorithm, VerifierKey},
};

/// Bytes of a note beyond which it is not looked at. C2SP `signed-note` wants 16 signatures of nearly 5 kB each to be
/// accepted, those of unknown algorithms included: in base64, 107 kB.
pub const NOTE_BYTES_MAX: usize = 128 * 1024;

/// Signature lines beyond which a note is refused, so that checking it is bounded.
const SIGNATURES_MAX: usize = 100;

/// A text and its signatures. Nothing of it may be believed before [`Note::signed_by`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The text, with its last newline.
    pub text: String,
    /// The signature lines, in order.
    pub signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// The name of the key.
    pub name: String,
    /// The short id of the key.
    pub id: u32,
    /// What the key's algorithm says.
    pub bytes: Vec<u8>,
}

impl Note {
    /// Reads a note (C2SP `signed-note`, "Format"): 1 to 100 signature lines, at most [`NOTE_BYTES_MAX`] bytes.
    ///
    /// ```
    /// let text = "Hello.\n\n\u{2014} example.org/hello AAAAAQI=\n";
    /// let note = shilu_merkle::Note::parse(text.as_bytes())?;
    /// assert_eq!((note.text.as_str(), note.to_string().as_str()), ("Hello.\n", text));
    /// # Ok::<(), shilu_merkle::EvidenceError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvidenceError::BadNote`] unless it is written exactly so: what is read prints as the same bytes.
    pub fn parse(bytes: &[u8]) -> Result<Note, EvidenceError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(bad("it is too long"));
        }
        let whole = str::from_utf8(bytes).map_err(|_| bad("it is not UTF-8"))?;
        if whole.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(bad("it has control characters"));
        }
        // The text is parted from the signatures by the last empty line.
        let (text, lines) = whole.rsplit_once("\n\n").ok_or(bad("it has no signatures"))?;
        let lines = lines
            .strip_suffix('\n')
            .ok_or(bad("its last line is not ended"))?;
        let signatures = lines.split('\n').map(NoteSignature::parse);
        let signatures: Vec<_> = signatures.collect::<Result<_, _>>()?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(bad("it has too many signatures"));
        }
        Ok(Note {
            text: format!("{text}\n"),
            signatures,
        })
    }

    /// Whether `key` signed the text, and when, in seconds since 1970, for a witness's key. Of several lines by the key
    /// all are checked, and the last one's time is given (C2SP `signed-note`, "Signatures").
    ///
    /// # Errors
    /// [`EvidenceError::NotSigned`] when no line has the key's name and id, [`EvidenceError::ForgedSignature`] when one
    /// has and is not by the key.
    pub fn signed_by(&self, key: &VerifierKey) -> Result<Option<u64>, EvidenceError> {
        let mut time = Err(EvidenceError::NotSigned {
            name: key.name().to_owned(),
        });
        let by_key = self
            .signatures
            .iter()
            .filter(|line| line.id == key.id() && line.name == key.name());
        for line in by_key {
            let (seconds, valid) = line.check(&self.text, key);
            if !valid {
                return Err(EvidenceError::ForgedSignature {
                    name: key.name().to_owned(),
                });
            }
            time = Ok(seconds);
        }
        time
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl NoteSignature {
    /// Reads one signature line, without its newline.
    ///
    /// # Errors
    /// [`EvidenceError::BadNote`].
    pub fn parse(line: &str) -> Result<NoteSignature, EvidenceError> {
        let rest = line
            .strip_prefix("\u{2014} ")
            .ok_or(bad("a signature line does not begin with a dash"))?;
        let (name, signature) = rest
            .split_once(' ')
            .ok_or(bad("a signature line has no signature"))?;
        key::check_name(name).map_err(|_| bad("a signature line has no proper name"))?;
        let bytes = STANDARD
            .decode(signature)
            .map_err(|_| bad("a signature is not base64"))?;
        let (id, bytes) = bytes.split_first_chunk().ok_or(bad("a signature is too short"))?;
        if bytes.is_empty() {
            return Err(bad("a signature is too short"));
        }
        Ok(NoteSignature {
            name: name.to_owned(),
            id: u32::from_be_bytes(*id),
            bytes: bytes.to_vec(),
        })
    }

    fn check(&self, text: &str, key: &VerifierKey) -> (Option<u64>, bool) {
        match key.algorithm() {
            Algorithm::Ed25519 => (None, key.verifies(text.as_bytes(), &self.bytes)),
            Algorithm::Cosignature => {
                let Some((seconds, signature)) = self.bytes.split_first_chunk() else {
                    return (None, false);
                };
                let seconds = u64::from_be_bytes(*seconds);
                let message = key::cosigned_message(text, seconds);
                // A POSIX time beyond 2^63 is forbidden.
                let valid = i64::try_from(seconds).is_ok() && key.verifies(message.as_bytes(), signature);
                (Some(seconds), valid)
            }
        }
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id.to_be_bytes()[..], &self.bytes].concat();
        write!(f, "\u{2014} {} {}", self.name, STANDARD.encode(bytes))
    }
}

const fn bad(problem: &'static str) -> EvidenceError {
    EvidenceError::BadNote { problem }
}

#[cfg(test)]
mod tests;
