//! What the tests of this crate share: entries, keys, a log whose tiles are in memory, and ways to spoil a text.

use std::collections::BTreeMap;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

use crate::*;

/// Somebody else's tree over the same entries.
pub type Oracle = MemoryBackedTree<Sha256, Vec<u8>>;

pub const ORIGIN: &str = "example.org/村";
pub const WITNESS: &str = "witness.example/w1";

pub fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

pub fn log_key() -> SignerKey {
    SignerKey::from_seed(ORIGIN, Algorithm::Ed25519, &[1; 32]).unwrap()
}

pub fn witness_key() -> SignerKey {
    SignerKey::from_seed(WITNESS, Algorithm::Cosignature, &[2; 32]).unwrap()
}

/// A key of somebody else under a name and of an algorithm.
pub fn other_key(name: &str, algorithm: Algorithm) -> SignerKey {
    SignerKey::from_seed(name, algorithm, &[9; 32]).unwrap()
}

/// A log in memory, with the tiles that it has written.
#[derive(Clone, Default)]
pub struct Log {
    pub tiling: Tiling,
    full: BTreeMap<String, Vec<u8>>,
}

impl Log {
    pub fn of(size: u64) -> Log {
        let mut log = Log::default();
        (0..size).for_each(|index| log.push(&entry(index)));
        log
    }

    pub fn push(&mut self, entry: &[u8]) {
        let full = &mut self.full;
        self.tiling.push(Hash::leaf(entry), |tile| {
            let kind = TileKind::Hashes(tile.level);
            let name = Tile {
                kind,
                index: tile.index,
                width: TILE_HASHES,
            };
            full.insert(name.to_string(), Tile::bytes(&tile.hashes));
        });
    }

    pub fn size(&self) -> u64 {
        self.tiling.size()
    }

    /// The tiles by their names.
    pub fn tiles(&self) -> BTreeMap<String, Vec<u8>> {
        let mut tiles = self.full.clone();
        for (level, index, hashes) in self.tiling.partial() {
            let kind = TileKind::Hashes(level);
            let width = hashes.len();
            tiles.insert(Tile { kind, index, width }.to_string(), Tile::bytes(hashes));
        }
        tiles
    }

    pub fn prover(&self) -> Prover<impl FnMut(Tile) -> Result<Vec<u8>, EvidenceError>> {
        let tiles = self.tiles();
        Prover::new(self.size(), move |tile| {
            Ok(tiles[tile.to_string().as_str()].clone())
        })
    }

    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            origin: ORIGIN.to_owned(),
            size: self.size(),
            root: self.tiling.root(),
        }
    }

    /// The checkpoint, signed by the log, and cosigned by the witness at 1,700,000,000.
    pub fn signed(&self) -> SignedCheckpoint {
        let mut signed = self.checkpoint().sign([&log_key()]);
        let line = witness_key().sign_note(&signed.note().text, 1_700_000_000);
        signed.add([line]);
        signed
    }

    pub fn receipt(&self, index: u64) -> Receipt {
        Receipt {
            entry: entry(index),
            index,
            proof: self.prover().inclusion(index).unwrap(),
            checkpoint: self.signed(),
        }
    }
}

/// Numbers that look random and are the same each time (splitmix64).
pub struct Seeded(pub u64);

impl Seeded {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// The bytes with each single bit flipped, and each of their beginnings.
pub fn spoilt(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let flipped = (0..bytes.len() * 8).map(|bit| {
        let mut spoilt = bytes.to_vec();
        spoilt[bit / 8] ^= 1 << (bit % 8);
        spoilt
    });
    flipped.chain((0..bytes.len()).map(|length| bytes[..length].to_vec()))
}

/// A text with up to three characters put in, left out or replaced by such as a lax parser would let pass.
pub fn edited(text: String) -> impl Strategy<Value = String> {
    let letters = prop::sample::select("\n\r\t +-=/0aA9.x\u{2014}\u{a0}".chars().collect::<Vec<_>>());
    let edit = (any::<prop::sample::Index>(), letters, 0..4_u8);
    proptest::collection::vec(edit, 1..4).prop_map(move |edits| {
        let mut letters: Vec<char> = text.chars().collect();
        for (place, letter, how) in edits {
            let place = place.index(letters.len().max(1));
            match how {
                0 => letters.insert(place, letter),
                1 if place < letters.len() => letters[place] = letter,
                2 if place < letters.len() => letters.insert(place, letters[place]),
                _ if place < letters.len() => drop(letters.remove(place)),
                _ => {}
            }
        }
        letters.into_iter().collect()
    })
}
