//! The tree over all leaves: its root at every size that matters, and its tiles above level 0.

use std::collections::BTreeMap;

use shilu_merkle::{FullTile, Hash, TILE_HASHES, TILE_WIDTH, Tile, TileKind, Tiling, Tree};

use crate::{
    damage::{Damage, Finding},
    hashing::Block,
    published::{Published, count, read_tile},
};

/// The tree as it grows, block by block, up to the checkpoint.
pub(crate) struct Growth<'a> {
    /// The checkpoint's size.
    size: u64,
    /// Where tiles are compared.
    tiles: Option<&'a dyn Published>,
    /// The tree over the roots of full blocks: its level 0 is the log's level 1 (RFC 9162 §2.1.1 splits at powers of
    /// two, and so never within a block before the last).
    upper: Tiling,
    /// How many leaves it has seen.
    leaves: u64,
    /// The sizes at which the root is asked for, and the root once it is known.
    roots: BTreeMap<u64, Option<Hash>>,
    /// The first disagreement with a tile.
    pub wrong: Option<Finding>,
    /// Tiles that agree.
    pub compared: u64,
}

impl<'a> Growth<'a> {
    /// A tree that will have `size` leaves.
    pub fn new(size: u64, tiles: Option<&'a dyn Published>) -> Growth<'a> {
        Growth {
            size,
            tiles,
            upper: Tiling::default(),
            leaves: 0,
            roots: BTreeMap::from([(size, None)]),
            wrong: None,
            compared: 0,
        }
    }

    /// Asks for the root at a size that the tree has not reached.
    pub fn ask(&mut self, size: u64) {
        self.roots.entry(size).or_default();
    }

    /// The root at a size that was asked for. `None` if the tree did not come so far.
    pub fn root(&self, size: u64) -> Option<Hash> {
        *self.roots.get(&size)?
    }

    /// Appends the next block. What lies beyond the checkpoint is no part of the tree.
    pub fn push(&mut self, block: &Block) {
        let end = self.leaves + count(block.leaves.len());
        if end == self.leaves {
            return;
        }
        let asked = self.roots.range_mut(self.leaves + 1..=end);
        for (size, root) in asked.filter(|(size, _)| **size <= self.size) {
            let within = usize::try_from(size - self.leaves).unwrap_or(TILE_HASHES);
            *root = Some(root_at(&self.upper, block, within));
        }
        let is_full = block.leaves.len() == TILE_HASHES;
        self.leaves = end;
        if is_full && end <= self.size {
            let mut full = Vec::new();
            self.upper.push(block.root, |tile| full.push(tile));
            for FullTile { level, index, hashes } in full {
                self.compare(level, index, &hashes);
            }
        }
    }

    /// Compares the partial tiles at the checkpoint's size. All blocks have been pushed.
    pub fn compare_edge(&mut self) {
        let edge: Vec<_> = self
            .upper
            .partial()
            .map(|(level, index, hashes)| (level, index, hashes.to_vec()))
            .collect();
        for (level, index, hashes) in edge {
            self.compare(level, index, &hashes);
        }
    }

    /// Compares a tile of the tree over blocks with the published one, which is one level higher.
    fn compare(&mut self, level: u8, index: u64, hashes: &[Hash]) {
        let (Some(published), None) = (self.tiles, &self.wrong) else {
            return;
        };
        let tile = Tile {
            kind: TileKind::Hashes(level + 1),
            index,
            width: hashes.len(),
        };
        // How many leaves are under each hash, and the first leaf under the tile.
        let under = TILE_WIDTH.saturating_pow(u32::from(level) + 1);
        let first = index.saturating_mul(under.saturating_mul(TILE_WIDTH));
        match read_tile(published, tile) {
            Err(damage) => self.wrong = Some(damage.at(first)),
            Ok(stored) => match stored.iter().zip(hashes).position(|(one, other)| one != other) {
                None => self.compared += 1,
                Some(place) => {
                    let tile = tile.to_string();
                    let position = first.saturating_add(under.saturating_mul(count(place)));
                    self.wrong = Some(Damage::TileWrong { tile }.at(position));
                }
            },
        }
    }
}

/// The root over the full blocks and the first `within` leaves of the next one.
fn root_at(upper: &Tiling, block: &Block, within: usize) -> Hash {
    let mut last = Tree::default();
    block.leaves.iter().take(within).for_each(|leaf| last.push(*leaf));
    let mut whole = upper.clone();
    whole.push(last.root(), |_| {});
    whole.root()
}
