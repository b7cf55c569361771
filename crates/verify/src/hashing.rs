//! The second stage, tile by tile, in any order: an entry's bytes become a leaf, compared with the published tile, and
//! an event.

use std::ops::Range;

use shilu_merkle::{Hash, TILE_HASHES, TILE_WIDTH, Tile, TileKind, Tree};
use shilu_model::{CodecError, Event, decode};

use crate::{
    damage::{Damage, Finding},
    published::{Batch, Published, count, read_bundle, read_tile},
};

/// What one stretch of a wave holds: a whole number of tiles, except at the log's end.
#[derive(Default)]
pub(crate) struct Stretch<'w> {
    pub blocks: Vec<Block>,
    /// The events, up to the first entry that is none.
    pub events: Vec<Stored<'w>>,
    /// The first entry that is no event.
    pub not_an_event: Option<Finding>,
    /// The first disagreement with a tile of level 0, or with a bundle.
    pub tile: Option<Finding>,
    /// Tiles that agree.
    pub tiles: u64,
    /// Bundles that agree.
    pub bundles: u64,
}

/// The leaves under one tile of level 0.
pub(crate) struct Block {
    pub leaves: Vec<Hash>,
    /// The root over them.
    pub root: Hash,
}

/// An event and the bytes that it was decoded from.
pub(crate) struct Stored<'w> {
    pub event: Event<'w>,
    pub bytes: &'w [u8],
    /// A hash of the record's name, by which the work on records is shared out.
    pub record_hash: u64,
}

/// What to do with a stretch.
#[derive(Clone, Copy)]
pub(crate) struct Hashing<'a> {
    pub published: &'a dyn Published,
    /// The checkpoint's size, where tiles are compared.
    pub tiles_of: Option<u64>,
    /// Whether bundles are compared too: where the entries come from elsewhere.
    pub bundles: bool,
    /// Whether events are still wanted; else only leaves.
    pub decoding: bool,
}

impl Hashing<'_> {
    /// Goes through the blocks `from..to` of a wave.
    pub fn stretch<'w>(&self, wave: &'w Batch, from: usize, to: usize) -> Stretch<'w> {
        let mut stretch = Stretch::default();
        for block in from..to {
            let entries = block * TILE_HASHES..wave.len().min((block + 1) * TILE_HASHES);
            let first = wave.first() + count(entries.start);
            let mut leaves = Vec::with_capacity(TILE_HASHES);
            for (entry, position) in entries.clone().map_while(|index| wave.get(index)).zip(first..) {
                leaves.push(Hash::leaf(entry));
                if self.decoding && stretch.not_an_event.is_none() {
                    match read_event(entry) {
                        Ok(stored) => stretch.events.push(stored),
                        Err(damage) => stretch.not_an_event = Some(damage.at(position)),
                    }
                }
            }
            if stretch.tile.is_none() {
                let compared = self.compare(first, &leaves).and_then(|tiles| {
                    let bundles = tiles && self.bundles;
                    if bundles {
                        self.compare_bundle(first, wave, entries)?;
                    }
                    Ok((tiles, bundles))
                });
                match compared {
                    Ok((tiles, bundles)) => {
                        stretch.tiles += u64::from(tiles);
                        stretch.bundles += u64::from(bundles);
                    }
                    Err(finding) => stretch.tile = Some(finding),
                }
            }
            let mut tree = Tree::default();
            leaves.iter().for_each(|leaf| tree.push(*leaf));
            let root = tree.root();
            stretch.blocks.push(Block { leaves, root });
        }
        stretch
    }

    /// Compares leaves with their tile, if there is one. False where there is none.
    fn compare(&self, first: u64, leaves: &[Hash]) -> Result<bool, Finding> {
        let index = first / TILE_WIDTH;
        let tile = self
            .tiles_of
            .and_then(|size| Tile::at(TileKind::Hashes(0), index, size));
        let Some(tile) = tile else { return Ok(false) };
        let hashes = read_tile(self.published, tile).map_err(|damage| damage.at(first))?;
        // A log that ends within the tile is named as truncated by whoever counts its events.
        match hashes.iter().zip(leaves).position(|(hash, leaf)| hash != leaf) {
            None => Ok(true),
            Some(place) => {
                let tile = tile.to_string();
                Err(Damage::EntryNotInTile { tile }.at(first + count(place)))
            }
        }
    }

    /// Compares entries, whose tile agrees with them, with their bundle.
    fn compare_bundle(&self, first: u64, wave: &Batch, entries: Range<usize>) -> Result<(), Finding> {
        let size = self.tiles_of.unwrap_or(0);
        let Some(tile) = Tile::at(TileKind::Entries, first / TILE_WIDTH, size) else {
            return Ok(());
        };
        // A log that ends within the bundle is named as truncated by whoever counts its events.
        if entries.len() < tile.width {
            return Ok(());
        }
        let mut bundle = Batch::new(first);
        read_bundle(self.published, tile, &mut bundle).map_err(|damage| damage.at(first))?;
        let own = entries.map_while(|index| wave.get(index));
        match bundle.iter().zip(own).position(|(one, other)| one != other) {
            None => Ok(()),
            Some(place) => {
                let bundle = tile.to_string();
                Err(Damage::BundleWrong { bundle }.at(first + count(place)))
            }
        }
    }
}

fn read_event(bytes: &[u8]) -> Result<Stored<'_>, Damage> {
    if bytes.len() > Event::BYTES_MAX {
        let (bytes, max) = (bytes.len(), Event::BYTES_MAX);
        return Err(Damage::NotAnEvent(CodecError::TooLarge { bytes, max }));
    }
    let event = decode(bytes).map_err(Damage::NotAnEvent)?;
    let record_hash = hash_of(event.kind, event.key);
    Ok(Stored {
        event,
        bytes,
        record_hash,
    })
}

/// FNV-1a. Nothing depends on it but which thread does what.
fn hash_of(kind: &str, key: &str) -> u64 {
    let bytes = kind.bytes().chain(key.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
