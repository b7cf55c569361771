//! Tiles of height 8 and their names (C2SP `tlog-tiles`).

use std::fmt;

use crate::{error::EvidenceError, hash::Hash};

/// Levels of the tree in a tile.
pub(crate) const TILE_HEIGHT: u32 = 8;

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_HASHES: usize = 1 << TILE_HEIGHT;

/// The same as a distance between positions.
pub const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of this level, 0 to 63; 0 holds the hashes of leaves.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// The name of a tile or an entry bundle.
///
/// ```
/// use shilu_merkle::{Tile, TileKind};
/// let tile = Tile { kind: TileKind::Hashes(0), index: 1_234_067, width: 256 };
/// assert_eq!(tile.to_string(), "tile/0/x001/x234/067");
/// assert_eq!(Tile::parse("tile/entries/000.p/7"), Ok(Tile { kind: TileKind::Entries, index: 0, width: 7 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// Hashes of a level, or entries.
    pub kind: TileKind,
    /// Its index within the level.
    pub index: u64,
    /// How many hashes or entries it holds, 1 to 256; below 256 it is partial.
    pub width: usize,
}

impl Tile {
    /// Whether it will never grow again.
    pub const fn is_full(&self) -> bool {
        self.width == TILE_HASHES
    }

    /// The level of its hashes; entries stand beside level 0.
    pub const fn level(&self) -> u8 {
        match self.kind {
            TileKind::Hashes(level) => level,
            TileKind::Entries => 0,
        }
    }

    /// The tile of this kind and index once it is full.
    pub const fn full(kind: TileKind, index: u64) -> Tile {
        let width = TILE_HASHES;
        Tile { kind, index, width }
    }

    /// The tile of this kind and index in a tree of `size`: full, or as wide as the tree has it. `None` beyond it.
    ///
    /// ```
    /// use shilu_merkle::{Tile, TileKind};
    /// let width = |level, index| Tile::at(TileKind::Hashes(level), index, 70_000).map(|tile| tile.width);
    /// assert_eq!((width(0, 272), width(0, 273), width(0, 274)), (Some(256), Some(112), None));
    /// ```
    pub fn at(kind: TileKind, index: u64, size: u64) -> Option<Tile> {
        let level = match kind {
            TileKind::Hashes(level) => u32::from(level),
            TileKind::Entries => 0,
        };
        let hashes = size.checked_shr(TILE_HEIGHT * level).unwrap_or(0);
        let first = index.checked_mul(1 << TILE_HEIGHT)?;
        let width = hashes.checked_sub(first)?.min(1 << TILE_HEIGHT);
        let width = usize::try_from(width).ok().filter(|width| *width > 0)?;
        Some(Tile { kind, index, width })
    }

    /// Every tile of hashes, or every bundle, of a tree of `size`, in order of index.
    pub fn all(kind: TileKind, size: u64) -> impl Iterator<Item = Tile> {
        (0..).map_while(move |index| Tile::at(kind, index, size))
    }

    /// Reads a name such as `tile/0/x001/234` or `tile/entries/000.p/17`.
    ///
    /// # Errors
    /// [`EvidenceError::BadTile`] unless it is written exactly so.
    pub fn parse(path: &str) -> Result<Tile, EvidenceError> {
        let bad = |problem| EvidenceError::BadTile { problem };
        let rest = path
            .strip_prefix("tile/")
            .ok_or(bad("its name does not begin with tile/"))?;
        let (level, rest) = rest.split_once('/').ok_or(bad("its name has no index"))?;
        let kind = match level {
            "entries" => TileKind::Entries,
            level => {
                let level = number(level).and_then(|level| u8::try_from(level).ok());
                TileKind::Hashes(
                    level
                        .filter(|level| *level < 64)
                        .ok_or(bad("its level is not 0 to 63"))?,
                )
            }
        };
        let (path, width) = match rest.split_once(".p/") {
            Some((path, width)) => {
                let width = number(width).and_then(|width| usize::try_from(width).ok());
                let width = width.filter(|width| (1..TILE_HASHES).contains(width));
                (path, width.ok_or(bad("its width is not 1 to 255"))?)
            }
            None => (rest, TILE_HASHES),
        };
        let index = index_of(path).ok_or(bad("its index is not written as x001/234"))?;
        Ok(Tile { kind, index, width })
    }

    /// The hashes of a tile from its bytes.
    ///
    /// # Errors
    /// [`EvidenceError::BadTile`] when the bytes are not `width` hashes.
    pub fn hashes(&self, bytes: &[u8]) -> Result<Vec<Hash>, EvidenceError> {
        let (hashes, rest) = bytes.as_chunks::<{ Hash::BYTES }>();
        if hashes.len() != self.width || !rest.is_empty() {
            let problem = "it is shorter or longer than its width says";
            return Err(EvidenceError::BadTile { problem });
        }
        Ok(hashes.iter().map(|hash| Hash(*hash)).collect())
    }

    /// The bytes of a tile: its hashes, one after the other.
    pub fn bytes(hashes: &[Hash]) -> Vec<u8> {
        hashes.iter().flat_map(|hash| hash.0).collect()
    }
}

/// A decimal number without superfluous zeros.
pub(crate) fn number(text: &str) -> Option<u64> {
    let plain = text == "0" || !text.starts_with('0');
    (plain && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn index_of(path: &str) -> Option<u64> {
    let mut index: u64 = 0;
    let mut parts = path.split('/').peekable();
    let mut first = true;
    while let Some(part) = parts.next() {
        let digits = match parts.peek() {
            Some(_) => part.strip_prefix('x')?,
            None => part,
        };
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // A leading x000 would be a second name of the same tile.
        if first && parts.peek().is_some() && digits == "000" {
            return None;
        }
        first = false;
        index = index.checked_mul(1_000)?.checked_add(digits.parse().ok()?)?;
    }
    Some(index)
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let mut groups = vec![self.index % 1_000];
        let mut rest = self.index / 1_000;
        while rest > 0 {
            groups.push(rest % 1_000);
            rest /= 1_000;
        }
        while let Some(group) = groups.pop() {
            if groups.is_empty() {
                write!(f, "{group:03}")?;
            } else {
                write!(f, "x{group:03}/")?;
            }
        }
        if self.is_full() {
            Ok(())
        } else {
            write!(f, ".p/{}", self.width)
        }
    }
}

#[cfg(test)]
mod tests;
