//! Entry bundles (C2SP `tlog-tiles`): up to 256 entries, each after its length in two big-endian bytes.

use crate::{error::EvidenceError, tile::TILE_HASHES};

/// An entry bundle: writing and reading.
#[derive(Clone, Copy, Debug)]
pub struct Bundle;

impl Bundle {
    /// Appends an entry to a bundle's bytes. False, and nothing is written, when the entry exceeds 65,535 bytes.
    #[must_use]
    pub fn push(bytes: &mut Vec<u8>, entry: &[u8]) -> bool {
        let Ok(length) = u16::try_from(entry.len()) else {
            return false;
        };
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
        true
    }

    /// The entries of a bundle of `width`.
    ///
    /// ```
    /// use shilu_merkle::Bundle;
    /// assert_eq!(Bundle::entries(b"\0\x01a\0\x02bc", 2)?, [&b"a"[..], b"bc"]);
    /// # Ok::<(), shilu_merkle::EvidenceError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvidenceError::BadBundle`] when it breaks off, or does not hold `width` entries.
    pub fn entries(bytes: &[u8], width: usize) -> Result<Vec<&[u8]>, EvidenceError> {
        let bad = |problem| EvidenceError::BadBundle { problem };
        let mut entries = Vec::with_capacity(width.min(TILE_HASHES));
        let mut rest = bytes;
        while !rest.is_empty() {
            let (length, after) = rest
                .split_first_chunk()
                .ok_or(bad("it breaks off within a length"))?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (entry, after) = after
                .split_at_checked(length)
                .ok_or(bad("it breaks off within an entry"))?;
            if entries.len() == width {
                return Err(bad("it holds more entries than its width says"));
            }
            entries.push(entry);
            rest = after;
        }
        if entries.len() == width {
            Ok(entries)
        } else {
            Err(bad("it holds fewer entries than its width says"))
        }
    }
}

#[cfg(test)]
mod tests;
