//! Where the auditor reads: published files by name, and the entries themselves. The only way in.

use shilu_merkle::{Bundle, EvidenceError, Hash, NOTE_BYTES_MAX, TILE_HASHES, Tile};
use shilu_model::{CAMPAIGN_BYTES_MAX, Event};
use thiserror::Error;

use crate::damage::Damage;

/// Where published files come from: a folder, HTTP, memory.
pub trait Published: Sync {
    /// The bytes of a file, `None` where there is none. Names are those of C2SP and two more: `checkpoint`,
    /// `tile/0/000`, `tile/entries/000.p/7`, `attachments/<sha256>`, `rotation/<position>`.
    ///
    /// # Errors
    /// [`Unreadable`] where it cannot be said whether there is one, or what it holds. Of a file that is larger than
    /// [`bytes_max`] one byte more is enough: it is refused for that, and must not fill the memory.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Unreadable>;
}

/// The most bytes that a published file of this name may have.
///
/// ```
/// assert_eq!(shilu_verify::bytes_max("tile/0/000"), 256 * 32);
/// ```
pub fn bytes_max(name: &str) -> usize {
    if name.starts_with("tile/entries/") {
        BUNDLE_BYTES_MAX
    } else if name.starts_with("tile/") {
        TILE_HASHES * Hash::BYTES
    } else if name.starts_with("attachments/") {
        CAMPAIGN_BYTES_MAX
    } else {
        NOTE_BYTES_MAX
    }
}

/// A file, or a part of a log, that could not be read: nothing is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name} cannot be read: {problem}")]
pub struct Unreadable {
    /// What was to be read.
    pub name: String,
    /// Why it could not be.
    pub problem: String,
}

/// Where the entries come from.
pub enum Entries<'a> {
    /// From the published bundles.
    Bundles,
    /// From a register's own log, in order. It may go beyond the checkpoint.
    Log(Box<dyn Iterator<Item = Result<Batch, Unreadable>> + Send + 'a>),
}

/// Some entries of a log, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    first: u64,
    bytes: Vec<u8>,
    /// Where each entry ends in `bytes`.
    ends: Vec<usize>,
}

impl Batch {
    /// An empty batch, whose first entry will stand at this position.
    ///
    /// ```
    /// let mut batch = shilu_verify::Batch::new(7);
    /// batch.push(b"first");
    /// batch.push(b"second");
    /// assert_eq!((batch.first(), batch.get(1)), (7, Some(&b"second"[..])));
    /// ```
    pub const fn new(first: u64) -> Batch {
        Batch {
            first,
            bytes: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Appends an entry.
    pub fn push(&mut self, entry: &[u8]) {
        self.bytes.extend_from_slice(entry);
        self.ends.push(self.bytes.len());
    }

    /// The position of the first entry.
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// An empty batch that follows this one, in the memory of a spent one.
    pub(crate) fn next(&self, spent: Batch) -> Batch {
        let Batch {
            mut bytes, mut ends, ..
        } = spent;
        bytes.clear();
        ends.clear();
        let first = self.end();
        Batch { first, bytes, ends }
    }

    /// The position after the last entry.
    pub(crate) fn end(&self) -> u64 {
        self.first + count(self.ends.len())
    }

    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The entry at an index from 0.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.bytes.get(start..*self.ends.get(index)?)
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map_while(|index| self.get(index))
    }
}

/// A number of things in memory. It fits: no machine addresses more than 64 bits.
pub(crate) fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Bytes of a bundle beyond which it is not looked at: 256 of the largest events with their lengths.
const BUNDLE_BYTES_MAX: usize = TILE_HASHES * (Event::BYTES_MAX + 2);

/// The hashes of a published tile, and perhaps some that it got since.
pub(crate) fn read_tile(published: &dyn Published, tile: Tile) -> Result<Vec<Hash>, Damage> {
    let missing = || Damage::TileMissing {
        tile: tile.to_string(),
    };
    let (stored, bytes) = read_wide(published, tile)?.ok_or_else(missing)?;
    stored.hashes(&bytes).map_err(|source| broken(&stored, source))
}

/// Appends the entries of a published bundle.
pub(crate) fn read_bundle(published: &dyn Published, tile: Tile, batch: &mut Batch) -> Result<(), Damage> {
    let missing = || Damage::BundleMissing {
        bundle: tile.to_string(),
    };
    let (stored, bytes) = read_wide(published, tile)?.ok_or_else(missing)?;
    if bytes.len() > BUNDLE_BYTES_MAX {
        let problem = "it is larger than 256 events";
        return Err(broken(&stored, EvidenceError::BadBundle { problem }));
    }
    let entries = Bundle::entries(&bytes, stored.width).map_err(|source| broken(&stored, source))?;
    entries
        .into_iter()
        .take(tile.width)
        .for_each(|entry| batch.push(entry));
    Ok(())
}

/// The file of this tile or, where that is gone, of the full one: a register removes partial files once they are full,
/// be it between our reading the checkpoint and now.
fn read_wide(published: &dyn Published, tile: Tile) -> Result<Option<(Tile, Vec<u8>)>, Damage> {
    if let Some(bytes) = published.read(&tile.to_string())? {
        return Ok(Some((tile, bytes)));
    }
    let full = Tile::full(tile.kind, tile.index);
    let bytes = if tile.is_full() {
        None
    } else {
        published.read(&full.to_string())?
    };
    Ok(bytes.map(|bytes| (full, bytes)))
}

fn broken(tile: &Tile, source: EvidenceError) -> Damage {
    Damage::Evidence {
        file: tile.to_string(),
        source,
    }
}
