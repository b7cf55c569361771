//! Inclusion and consistency proofs (RFC 9162 §2.1.3 and §2.1.4): made from tiles, checked from hashes alone.

use crate::{
    error::EvidenceError,
    hash::Hash,
    tile::{TILE_HASHES, TILE_HEIGHT, Tile, TileKind},
    tree::root_over,
};

/// Hashes of a proof beyond which it is not looked at: a tree of 2⁶³ entries needs no more.
pub const PROOF_HASHES_MAX: usize = 64;

/// Makes proofs in a tree of a given size from its tiles, which `read` fetches; each tile is read once.
///
/// `read` is asked for the tile exactly as the tree of this size has it. Where a partial tile is gone because it has
/// grown full, `read` gives the first `width` hashes of the full one.
///
/// ```
/// use shilu_merkle::{EvidenceError, Hash, Prover, Tile, check_inclusion};
/// let leaves = [Hash::leaf(b"a"), Hash::leaf(b"b")];
/// let mut prover = Prover::new(2, |_: Tile| Ok::<_, EvidenceError>(Tile::bytes(&leaves)));
/// let (root, proof) = (prover.root(2)?, prover.inclusion(1)?);
/// check_inclusion(leaves[1], 1, 2, &proof, root)?;
/// # Ok::<(), EvidenceError>(())
/// ```
pub struct Prover<R> {
    size: u64,
    read: R,
    seen: Vec<(Tile, Vec<Hash>)>,
}

impl<E: From<EvidenceError>, R: FnMut(Tile) -> Result<Vec<u8>, E>> Prover<R> {
    /// A prover for the tree of `size`. Tiles of a larger tree will do where they are full.
    pub fn new(size: u64, read: R) -> Prover<R> {
        Prover {
            size,
            read,
            seen: Vec::new(),
        }
    }

    /// The root of the tree at `size`, which is at most the prover's.
    ///
    /// # Errors
    /// [`EvidenceError::BadProof`] beyond the size, and what reading the tiles says.
    pub fn root(&mut self, size: u64) -> Result<Hash, E> {
        self.within(size)?;
        if size == 0 {
            Ok(Hash::empty())
        } else {
            self.range(0, size)
        }
    }

    /// The proof that the entry at `index` is in the tree, from the leaf's sibling up.
    ///
    /// # Errors
    /// [`EvidenceError::BadProof`] beyond the size, and what reading the tiles says.
    pub fn inclusion(&mut self, index: u64) -> Result<Vec<Hash>, E> {
        if index >= self.size {
            let problem = "there is no such entry in a tree of this size";
            return Err(EvidenceError::BadProof { problem }.into());
        }
        let mut proof = Vec::new();
        let (mut begin, mut end) = (0, self.size);
        while end - begin > 1 {
            let middle = begin + split(end - begin);
            if index < middle {
                proof.push(self.range(middle, end)?);
                end = middle;
            } else {
                proof.push(self.range(begin, middle)?);
                begin = middle;
            }
        }
        proof.reverse();
        Ok(proof)
    }

    /// The proof that the tree continues its own past at size `old`. Empty for 0 and for the present size.
    ///
    /// # Errors
    /// [`EvidenceError::BadProof`] beyond the size, and what reading the tiles says.
    pub fn consistency(&mut self, old: u64) -> Result<Vec<Hash>, E> {
        self.within(old)?;
        let mut proof = Vec::new();
        if old == 0 || old == self.size {
            return Ok(proof);
        }
        let (mut begin, mut end) = (0, self.size);
        while end != old {
            let middle = begin + split(end - begin);
            if old <= middle {
                proof.push(self.range(middle, end)?);
                end = middle;
            } else {
                proof.push(self.range(begin, middle)?);
                begin = middle;
            }
        }
        // The old tree's own root is known to whoever checks.
        if begin > 0 {
            proof.push(self.range(begin, end)?);
        }
        proof.reverse();
        Ok(proof)
    }

    fn within(&self, size: u64) -> Result<(), E> {
        let problem = "the tree is not as large as that";
        if size <= self.size {
            Ok(())
        } else {
            Err(EvidenceError::BadProof { problem }.into())
        }
    }

    /// The root over the leaves `begin..end`, where `begin` is a multiple of the next power of two.
    fn range(&mut self, begin: u64, end: u64) -> Result<Hash, E> {
        let width = end - begin;
        if width.is_power_of_two() {
            return self.perfect(width.trailing_zeros(), begin);
        }
        let middle = begin + split(width);
        let left = self.range(begin, middle)?;
        let right = self.range(middle, end)?;
        Ok(Hash::node(left, right))
    }

    /// The root of the perfect subtree of a height that begins at the leaf `begin`.
    fn perfect(&mut self, height: u32, begin: u64) -> Result<Hash, E> {
        // A whole tile's root is one hash of the level above, where it is stored.
        let (level, within) = (height / TILE_HEIGHT, height % TILE_HEIGHT);
        let first = begin.checked_shr(TILE_HEIGHT * level).unwrap_or(0);
        let offset = usize::try_from(first % (1 << TILE_HEIGHT)).unwrap_or(TILE_HASHES);
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        let hashes = self.tile(level, first >> TILE_HEIGHT)?;
        let below = hashes.get(offset..offset + (1 << within));
        let problem = "it has too few hashes";
        Ok(root_over(below.ok_or(EvidenceError::BadTile { problem })?))
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<&[Hash], E> {
        let known = self
            .seen
            .iter()
            .position(|(tile, _)| tile.level() == level && tile.index == index);
        let place = match known {
            Some(place) => place,
            None => {
                let problem = "the tree has no such tile";
                let tile = Tile::at(TileKind::Hashes(level), index, self.size);
                let tile = tile.ok_or(EvidenceError::BadTile { problem })?;
                let hashes = tile.hashes(&(self.read)(tile)?)?;
                self.seen.push((tile, hashes));
                self.seen.len() - 1
            }
        };
        Ok(self.seen.get(place).map_or(&[], |(_, hashes)| hashes.as_slice()))
    }
}

/// The largest power of two below `width`, which is at least 2.
fn split(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}

/// Checks that `leaf` is at `index` in the tree of `size` with `root` (RFC 9162 §2.1.3.2).
///
/// # Errors
/// [`EvidenceError::BadProof`] when the position or the proof's length does not fit the size,
/// [`EvidenceError::NotIncluded`] when it fits and leads to another root.
pub fn check_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: Hash,
) -> Result<(), EvidenceError> {
    if index >= size {
        let problem = "the position is beyond the size of the tree";
        return Err(EvidenceError::BadProof { problem });
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in proof {
        if last == 0 {
            let problem = "it is longer than a proof in a tree of this size";
            return Err(EvidenceError::BadProof { problem });
        }
        if node & 1 == 1 || node == last {
            hash = Hash::node(*sibling, hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = Hash::node(hash, *sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        let problem = "it is shorter than a proof in a tree of this size";
        return Err(EvidenceError::BadProof { problem });
    }
    if hash == root {
        Ok(())
    } else {
        Err(EvidenceError::NotIncluded { index })
    }
}

/// Checks that the tree of size `new` continues the one of size `old` (RFC 9162 §2.1.4.2). A tree continues the empty
/// one and itself by an empty proof.
///
/// # Errors
/// [`EvidenceError::BadProof`] when the proof's length does not fit the sizes, or `old` is the larger;
/// [`EvidenceError::NotConsistent`] when it fits and leads to another root.
pub fn check_consistency(old: (u64, Hash), new: (u64, Hash), proof: &[Hash]) -> Result<(), EvidenceError> {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    let bad = |problem| Err(EvidenceError::BadProof { problem });
    let torn = Err(EvidenceError::NotConsistent {
        old: old_size,
        new: new_size,
    });
    if old_size > new_size {
        return bad("the older tree is the larger one");
    }
    if old_size == new_size || old_size == 0 {
        // Both hold for the empty tree continued by the empty tree.
        let empty = old_size > 0 || old_root == Hash::empty();
        let same = old_size < new_size || old_root == new_root;
        let whole = empty && same;
        return match (proof.is_empty(), whole) {
            (false, _) => bad("it is longer than a proof between these sizes"),
            (true, false) => torn,
            (true, true) => Ok(()),
        };
    }
    // The old tree's root stands for the first hash where the old tree is perfect.
    let mut hashes = proof.iter().copied();
    let first = if old_size.is_power_of_two() {
        Some(old_root)
    } else {
        hashes.next()
    };
    let Some(first) = first else {
        return bad("it is empty");
    };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut of_old, mut of_new) = (first, first);
    for sibling in hashes {
        if last == 0 {
            return bad("it is longer than a proof between these sizes");
        }
        if node & 1 == 1 || node == last {
            of_old = Hash::node(sibling, of_old);
            of_new = Hash::node(sibling, of_new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            of_new = Hash::node(of_new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return bad("it is shorter than a proof between these sizes");
    }
    if of_old == old_root && of_new == new_root {
        Ok(())
    } else {
        torn
    }
}

#[cfg(test)]
mod tests;
