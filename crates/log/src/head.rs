//! The file `head`: how far the log is known to be durable. It lies beside the log and is written at most a
//! second behind acknowledgements, so that a log which lost its tail is noticed.
//!
//! 45 bytes: format (1), the log's end (8, little-endian), SHA-256 of its last chunk (32), CRC32C of the
//! 41 bytes before (4, little-endian).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use shilu_model::Position;

use crate::chunk::{Hash, NO_HASH};
use crate::error::{Fault, LogError};

const NAME: &str = "head";
/// A crash may leave this behind; the next write replaces it.
const TEMPORARY: &str = "head.new";
const FORMAT: u8 = 1;

/// The end of the log and the hash of the chunk that ends there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub end: Position,
    pub hash: Hash,
}

impl Head {
    pub const EMPTY: Head = Head {
        end: Position::ZERO,
        hash: NO_HASH,
    };

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&self.end.get().to_le_bytes());
        bytes.extend_from_slice(&self.hash);
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Head> {
        let (body, crc) = bytes.split_last_chunk()?;
        let (&format, rest) = body.split_first()?;
        let (end, rest) = rest.split_first_chunk()?;
        let hash = rest.try_into().ok()?;
        let whole = format == FORMAT && crc32c::crc32c(body) == u32::from_le_bytes(*crc);
        whole.then_some(Head {
            end: Position::new(u64::from_le_bytes(*end)),
            hash,
        })
    }

    /// Reads the head of the register in `dir`; none when there is no such file.
    pub fn read(dir: &Path) -> Result<Option<Head>, LogError> {
        match fs::read(dir.join(NAME)) {
            Ok(bytes) => Head::decode(&bytes)
                .map(Some)
                .ok_or_else(|| Fault::HeadUnreadable.at(Position::ZERO)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LogError::Io {
                what: "reading the file `head`",
                source,
            }),
        }
    }

    /// Replaces the head of the register in `dir` such that a crash leaves the old one or the new one.
    pub fn write(&self, dir: &Path) -> Result<(), LogError> {
        let replace = || {
            let temporary = dir.join(TEMPORARY);
            let mut file = File::create(&temporary)?;
            file.write_all(&self.encode())?;
            file.sync_all()?;
            fs::rename(&temporary, dir.join(NAME))?;
            File::open(dir)?.sync_all()
        };
        replace().map_err(LogError::io("writing the file `head`"))
    }
}

/// How many events the register in `dir` is known to have acknowledged, by its file `head`: for whoever restores it
/// elsewhere. None where the file is missing or unreadable; it may be half a second old.
pub fn acknowledged(dir: &Path) -> Option<Position> {
    Head::read(dir).ok().flatten().map(|head| head.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_written_and_any_change_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Head::read(dir.path()).unwrap(), None);
        let head = Head {
            end: Position::new(77),
            hash: [9; 32],
        };
        Head::EMPTY.write(dir.path()).unwrap();
        head.write(dir.path()).unwrap();
        assert_eq!(Head::read(dir.path()).unwrap(), Some(head));

        let bytes = fs::read(dir.path().join(NAME)).unwrap();
        assert_eq!(bytes.len(), 45);
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Head::decode(&changed), None, "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert_eq!(Head::decode(&bytes[..length]), None, "{length} bytes");
        }
        fs::write(dir.path().join(NAME), &bytes[..44]).unwrap();
        assert_eq!(Head::read(dir.path()).unwrap_err().code(), "LOG_DAMAGED");
    }

    #[test]
    fn a_left_over_temporary_file_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(TEMPORARY), "half").unwrap();
        Head::EMPTY.write(dir.path()).unwrap();
        assert_eq!(Head::read(dir.path()).unwrap(), Some(Head::EMPTY));
        assert!(!dir.path().join(TEMPORARY).exists());
    }
}
