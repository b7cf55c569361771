//! Names of events and of records.

use std::fmt;

use bincode::{Decode, Encode};
use thiserror::Error;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use uuid::Uuid;

use crate::time::shorten;

/// The name of an event: a UUIDv7, chosen by the client or by the engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct EventId([u8; 16]);

/// A text that is no event id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not a UUIDv7")]
pub struct EventIdError {
    /// What was given.
    pub text: String,
}

impl EventId {
    /// From the 16 bytes of a UUID.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        EventId(bytes)
    }

    /// The 16 bytes of the UUID.
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// Reads the hyphenated form. Only version 7 is taken: its leading time keeps the index of ids sorted.
    pub fn parse(text: &str) -> Result<Self, EventIdError> {
        match Uuid::try_parse(text) {
            Ok(uuid) if uuid.get_version_num() == 7 && text.len() == 36 => Ok(EventId(uuid.into_bytes())),
            _ => Err(EventIdError { text: shorten(text) }),
        }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Uuid::from_bytes(self.0).fmt(f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name of a record, `kind/key`.
///
/// ```
/// use shilu_model::RecordName;
/// let name = RecordName::parse("dwelling/330604006215-0012-301")?;
/// assert_eq!((name.kind(), name.key()), ("dwelling", "330604006215-0012-301"));
/// # Ok::<(), shilu_model::RecordNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName {
    text: String,
    slash: usize,
}

/// A text that names no record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecordNameError {
    /// There is no `kind/` before the key.
    #[error("{text:?} does not name a record: write kind/key")]
    NoSlash {
        /// What was given.
        text: String,
    },
    /// The key breaks a rule of keys.
    #[error("the key {key:?} {problem}")]
    BadKey {
        /// The key, shortened.
        key: String,
        /// The rule that it breaks.
        problem: &'static str,
    },
}

impl RecordName {
    /// Longest key in bytes of UTF-8: room for any official number and a name, and two keys fit any event.
    pub const KEY_BYTES_MAX: usize = 128;

    /// Reads `kind/key`.
    pub fn parse(text: &str) -> Result<Self, RecordNameError> {
        match text.split_once('/') {
            Some((kind, key)) if !kind.is_empty() => Self::new(kind, key),
            _ => Err(RecordNameError::NoSlash { text: shorten(text) }),
        }
    }

    /// From a kind and a key: 1 to 128 bytes of UTF-8 in NFC, without `/` and control characters.
    pub fn new(kind: &str, key: &str) -> Result<Self, RecordNameError> {
        let problem = if key.is_empty() {
            "is empty"
        } else if key.len() > Self::KEY_BYTES_MAX {
            "has more than 128 bytes"
        } else if key.contains('/') {
            "contains a slash"
        } else if key.chars().any(char::is_control) {
            "contains a control character"
        } else if !is_nfc(key) {
            "is not in Unicode normal form C"
        } else {
            return Ok(RecordName {
                text: [kind, "/", key].concat(),
                slash: kind.len(),
            });
        };
        Err(RecordNameError::BadKey {
            key: shorten(key),
            problem,
        })
    }

    /// The kind's id.
    pub fn kind(&self) -> &str {
        self.text.split_at(self.slash).0
    }

    /// The key within its kind.
    pub fn key(&self) -> &str {
        self.text
            .split_at(self.slash)
            .1
            .strip_prefix('/')
            .unwrap_or_default()
    }

    /// `kind/key`.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_nfc(text: &str) -> bool {
    // Most keys: ASCII is in every normal form.
    text.is_ascii()
        || match is_nfc_quick(text.chars()) {
            IsNormalized::Yes => true,
            IsNormalized::No => false,
            IsNormalized::Maybe => text.nfc().eq(text.chars()),
        }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_keep_their_rules() {
        let long = "x".repeat(129);
        for key in ["", "a/b", "a\nb", "e\u{301}", &long] {
            assert!(RecordName::new("street", key).is_err(), "{key:?}");
        }
        assert!(RecordName::new("street", "东华门 é").is_ok());
        assert!(RecordName::parse("street").is_err());
        assert!(RecordName::parse("/1").is_err());
    }

    #[test]
    fn ids_are_version_7_and_hyphenated() {
        assert!(EventId::parse("019ad09e-9a3c-7000-8000-000000000001").is_ok());
        assert!(EventId::parse("7d444840-9dc0-41d1-b245-5ffdce74fad2").is_err());
        assert!(EventId::parse("019ad09e9a3c70008000000000000001").is_err());
    }

    proptest! {
        #[test]
        fn names_survive_being_written(kind in "[a-z]{1,8}", key in "\\PC{1,30}") {
            if let Ok(name) = RecordName::new(&kind, &key) {
                prop_assert_eq!(RecordName::parse(name.as_str()).unwrap(), name);
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,200}") {
            let _ = RecordName::parse(&text);
            let _ = EventId::parse(&text);
        }
    }
}
