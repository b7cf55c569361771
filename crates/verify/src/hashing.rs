//! The second stage, tile by tile, in any order: an entry's bytes become a leaf, compared with the published tile, and
//! an event.

use std::ops::Range;

use shilu_merkle::{Hash, TILE_HASHES, TILE_WIDTH, Tile, TileKind, Tree};
use shilu_model::{CodecError, Event, decode};

use crate::{
    damage::{Damage, Finding},
    memory::{Hasher, hash_of},
    published::{Batch, Published, count, read_bundle, read_tile},
};

/// What the entries under one tile of level 0 hold.
pub(crate) struct Stretch<'w> {
    pub block: Block,
    /// The events, up to the first entry that is none.
    pub events: Vec<Stored<'w>>,
    /// The first entry that is no event.
    pub not_an_event: Option<Finding>,
    /// The disagreement with a tile of level 0, or with a bundle.
    pub tile: Option<Finding>,
    /// Whether the tile agrees, and whether the bundle does. False where there is none, or none is compared.
    pub agrees: (bool, bool),
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
    /// The hash of the record's name, by which it is found, and the work on records shared out.
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
    /// Whether events are still wanted, and how their records' names are hashed; else only leaves.
    pub decoding: Option<&'a Hasher>,
}

impl Hashing<'_> {
    /// Goes through the entries of a wave from an index on, up to the end of their tile.
    pub fn stretch<'w>(&self, wave: &'w Batch, start: usize) -> Stretch<'w> {
        let end = wave.len().min(start + TILE_HASHES);
        let first = wave.first() + count(start);
        let mut leaves = Vec::with_capacity(TILE_HASHES);
        let mut events = Vec::with_capacity(self.decoding.map_or(0, |_| TILE_HASHES));
        let mut not_an_event = None;
        for (entry, position) in (start..end).map_while(|index| wave.get(index)).zip(first..) {
            leaves.push(Hash::leaf(entry));
            if let (Some(hasher), None) = (self.decoding, &not_an_event) {
                match read_event(entry, hasher) {
                    Ok(stored) => events.push(stored),
                    Err(damage) => not_an_event = Some(damage.at(position)),
                }
            }
        }
        let mut tree = Tree::default();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        let root = tree.root();
        let compared = self.compare(first, &leaves).and_then(|tile| {
            let bundle = tile && self.bundles;
            if bundle {
                self.compare_bundle(first, wave, start..end)?;
            }
            Ok((tile, bundle))
        });
        let (agrees, tile) = match compared {
            Ok(agrees) => (agrees, None),
            Err(finding) => ((false, false), Some(finding)),
        };
        Stretch {
            block: Block { leaves, root },
            events,
            not_an_event,
            tile,
            agrees,
        }
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

fn read_event<'w>(bytes: &'w [u8], hasher: &Hasher) -> Result<Stored<'w>, Damage> {
    if bytes.len() > Event::BYTES_MAX {
        let (bytes, max) = (bytes.len(), Event::BYTES_MAX);
        return Err(Damage::NotAnEvent(CodecError::TooLarge { bytes, max }));
    }
    let event = decode(bytes).map_err(Damage::NotAnEvent)?;
    let record_hash = hash_of(hasher, event.kind, event.key);
    Ok(Stored {
        event,
        bytes,
        record_hash,
    })
}
