//! The tree as it grows: leaves in, roots and full tiles out, without keeping what is below.

use crate::{
    hash::Hash,
    tile::{TILE_HASHES, TILE_HEIGHT},
};

/// A tree that knows its size and root, and keeps only the roots of its perfect subtrees (at most 64 hashes).
///
/// ```
/// use shilu_merkle::{Hash, Tree};
/// let mut tree = Tree::default();
/// tree.push(Hash::leaf(b"a"));
/// tree.push(Hash::leaf(b"b"));
/// assert_eq!(tree.root(), Hash::node(Hash::leaf(b"a"), Hash::leaf(b"b")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// The roots of the perfect subtrees, largest first: one for each bit that is set in `size`.
    peaks: Vec<Hash>,
}

impl Tree {
    /// How many leaves it has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self
                .peaks
                .pop()
                .expect("there is a peak for each bit of the size");
            hash = Hash::node(left, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root of the tree at its present size.
    pub fn root(&self) -> Hash {
        fold_peaks(self.peaks.iter().copied()).unwrap_or_else(Hash::empty)
    }
}

/// Folds the roots of perfect subtrees, from left to right, largest first, into one root.
fn fold_peaks(peaks: impl DoubleEndedIterator<Item = Hash>) -> Option<Hash> {
    peaks.rev().reduce(|right, left| Hash::node(left, right))
}

/// The root of the perfect subtree over 2ⁿ hashes, or of whatever tree has these as its lowest level.
pub(crate) fn root_over(hashes: &[Hash]) -> Hash {
    let mut tree = Tree::default();
    hashes.iter().for_each(|hash| tree.push(*hash));
    tree.root()
}

/// A tile of 256 hashes that is complete: it never changes again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullTile {
    /// Its level; 0 holds the hashes of leaves.
    pub level: u8,
    /// Its index within the level.
    pub index: u64,
    /// Its 256 hashes.
    pub hashes: Vec<Hash>,
}

/// Leaves beyond which a tree is not taken up, so that its size can never overflow: no log gets there.
const SIZE_MAX: u64 = 1 << 63;

/// A tree that keeps its right edge as partial tiles, and hands out each tile when it is full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tiling {
    size: u64,
    /// The partial tile of each level, from level 0 up; the last is never empty.
    levels: Vec<Vec<Hash>>,
}

impl Tiling {
    /// Takes up a tree of `size` from its partial tiles, level 0 first. `None` when their widths are not those of a
    /// tree of that size (`floor(size / 256^level) mod 256`, C2SP `tlog-tiles`, "Partial Tiles"), or the size is beyond
    /// 2⁶³.
    pub fn resume(size: u64, partial: Vec<Vec<Hash>>) -> Option<Tiling> {
        let mut levels = partial;
        while levels.last().is_some_and(Vec::is_empty) {
            levels.pop();
        }
        let fits = size <= SIZE_MAX && Tiling::widths(size).eq(levels.iter().map(Vec::len));
        fits.then_some(Tiling { size, levels })
    }

    /// The widths of the partial tiles of a tree of `size`, level 0 first, up to the highest that is not empty.
    pub fn widths(size: u64) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(size), |rest| Some(rest >> TILE_HEIGHT))
            .take_while(|rest| *rest > 0)
            .map(|rest| usize::from(u8::try_from(rest & 0xff).unwrap_or(0)))
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// How many leaves it has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf; `full` gets each tile that this completes, lowest level first.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(FullTile)) {
        self.size += 1;
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::with_capacity(TILE_HASHES));
            }
            let Some(tile) = self.levels.get_mut(level) else {
                return;
            };
            tile.push(hash);
            if tile.len() < TILE_HASHES {
                return;
            }
            let hashes = std::mem::take(tile);
            hash = root_over(&hashes);
            let level = u8::try_from(level).unwrap_or(u8::MAX);
            let index = full_tiles(self.size, level) - 1;
            full(FullTile { level, index, hashes });
        }
    }

    /// The partial tiles at the present size: level, index, hashes. Empty ones are left out.
    pub fn partial(&self) -> impl Iterator<Item = (u8, u64, &[Hash])> {
        self.levels.iter().zip(0u8..).filter_map(|(hashes, level)| {
            let index = full_tiles(self.size, level);
            (!hashes.is_empty()).then_some((level, index, hashes.as_slice()))
        })
    }

    /// The root of the tree at its present size.
    pub fn root(&self) -> Hash {
        let roots = self.levels.iter().rev().filter(|tile| !tile.is_empty());
        let mut peaks = Vec::new();
        for tile in roots {
            let mut tree = Tree::default();
            tile.iter().for_each(|hash| tree.push(*hash));
            peaks.extend(tree.peaks);
        }
        fold_peaks(peaks.into_iter()).unwrap_or_else(Hash::empty)
    }
}

/// How many full tiles a tree of `size` has at a level.
fn full_tiles(size: u64, level: u8) -> u64 {
    // The tiles of level 7 cover 2⁶⁴ leaves each: a shift by all 64 bits.
    size.checked_shr(TILE_HEIGHT * (u32::from(level) + 1))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
