//! What is published and how it grows: tiles, bundles, the signed checkpoint. One round at a time; the thread and its
//! pace are in `publishing.rs`.

use std::path::Path;

use shilu_log::Log;
use shilu_merkle::{
    Bundle, Checkpoint, FullTile, Hash, SignedCheckpoint, SignerKey, TILE_HASHES, Tile, TileKind, Tiling,
    VerifierKey,
};
use shilu_model::{Position, decode, setting};
use tracing::warn;

use super::{files::Files, keys::Keys, read_checkpoint};
use crate::error::EngineError;

const TILE: u64 = 256;

/// The published side of a log.
pub(crate) struct Publisher {
    files: Files,
    log: Log,
    origin: String,
    tiling: Tiling,
    /// The bytes of the bundle that is not full yet.
    bundle: Vec<u8>,
    /// The first index of each level, and of the bundles, whose partial files are still there: (kind, index).
    filled: Vec<(TileKind, u64)>,
    /// What was signed last, published or not.
    signed: Option<SignedCheckpoint>,
    published: Option<SignedCheckpoint>,
    /// The position of a change of the key that no published checkpoint covers yet.
    rotation: Option<Position>,
}

impl Publisher {
    /// Takes up what was published, and compares the log with what was signed last.
    ///
    /// # Errors
    /// `LOG_DAMAGED` when the log is shorter than what was signed, or another one; `CHECKPOINT_DAMAGED`; `IO`.
    pub fn open(dir: &Path, log: &Log, origin: &str, in_force: &str) -> Result<Publisher, EngineError> {
        let files = Files::new(dir);
        let published = read_checkpoint(&files.checkpoint())?;
        let signed = read_checkpoint(&files.signed())?;
        let size = |checkpoint: &SignedCheckpoint| checkpoint.unchecked().size;
        let last = [&published, &signed]
            .into_iter()
            .flatten()
            .max_by_key(|one| size(one))
            .cloned();
        let mut publisher = Publisher {
            files,
            log: log.clone(),
            origin: origin.to_owned(),
            tiling: Tiling::default(),
            bundle: Vec::new(),
            filled: Vec::new(),
            signed: last.clone(),
            published: published.clone(),
            rotation: None,
        };
        let covered = published.as_ref().map_or(0, size);
        let mut trusted = vec![in_force.to_owned()];
        publisher.rotations(covered, &mut trusted)?;
        for checkpoint in [&published, &signed].into_iter().flatten() {
            publisher.trust(checkpoint, &trusted)?;
        }
        if let Some(last) = last {
            publisher.resume(last.unchecked())?;
        }
        Ok(publisher)
    }

    /// Looks for changes of the key that no published checkpoint covers; the keys before them still count.
    fn rotations(&mut self, from: u64, trusted: &mut Vec<String>) -> Result<(), EngineError> {
        for chunk in self.log.scan(Position::new(from), self.log.end()) {
            for (position, bytes) in chunk?.iter() {
                let Ok(event) = decode(bytes) else { continue };
                let change = event.changes.iter().find(|change| change.field == setting::KEY);
                let Some(change) = change.filter(|_| event.is_administrative()) else {
                    continue;
                };
                if let Some(shilu_model::Value::Text(before)) = change.before {
                    trusted.push(before.to_owned());
                    self.rotation = Some(position);
                }
            }
        }
        Ok(())
    }

    fn trust(&self, checkpoint: &SignedCheckpoint, trusted: &[String]) -> Result<(), EngineError> {
        let mut refused = None;
        for key in trusted {
            let checked = VerifierKey::parse(key).and_then(|key| checkpoint.check(&key).map(|_| ()));
            match checked {
                Ok(()) => return Ok(()),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(
            refused.map_or(EngineError::Stopping, |source| EngineError::CheckpointDamaged {
                path: self.files.checkpoint(),
                source,
            }),
        )
    }

    /// Compares the log with a checkpoint, and goes on from there.
    fn resume(&mut self, last: &Checkpoint) -> Result<(), EngineError> {
        if last.size > self.log.end().get() {
            return Err(EngineError::LogTruncated {
                signed: last.size,
                end: self.log.end(),
            });
        }
        match self.load(last.size)? {
            Some(tiling) if tiling.root() == last.root => self.tiling = tiling,
            _ => self.recompute(last)?,
        }
        self.resume_bundle(last.size)
    }

    /// The right edge of the tree from its tiles; `None` where one is missing or damaged.
    fn load(&self, size: u64) -> Result<Option<Tiling>, EngineError> {
        let mut levels = Vec::new();
        for (width, level) in Tiling::widths(size).zip(0u8..) {
            let index = size.checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0);
            let kind = TileKind::Hashes(level);
            let tile = Tile { kind, index, width };
            match if width == 0 {
                Some(Vec::new())
            } else {
                self.files.hashes(&tile)?
            } {
                Some(hashes) => levels.push(hashes),
                None => return Ok(None),
            }
        }
        Ok(Tiling::resume(size, levels))
    }

    /// Hashes the log anew, for its tiles are missing or damaged; writes them if the log is what was signed.
    fn recompute(&mut self, last: &Checkpoint) -> Result<(), EngineError> {
        warn!(
            events = last.size,
            "the published tiles are missing or damaged; they are made anew from the log"
        );
        let mut tiling = Tiling::default();
        let mut differs = None;
        for chunk in self.log.scan(Position::ZERO, Position::new(last.size)) {
            for (_, bytes) in chunk?.iter() {
                let files = &self.files;
                tiling.push(Hash::leaf(bytes), |full| {
                    if differs.is_none() && full.level == 0 {
                        differs = first_difference(files, &full);
                    }
                });
            }
        }
        if tiling.root() != last.root {
            return Err(EngineError::NotAsSigned {
                position: differs.map(Position::new),
                size: last.size,
            });
        }
        self.tiling = Tiling::default();
        self.bundle.clear();
        self.advance(Position::new(last.size))
    }

    /// Reads the bundle that is not full yet from the log, and compares the newest signed events with their tile.
    fn resume_bundle(&mut self, size: u64) -> Result<(), EngineError> {
        let Some(newest) = size.checked_sub(1) else {
            return Ok(());
        };
        let index = newest / TILE;
        let hashes = match Tile::at(TileKind::Hashes(0), index, size) {
            Some(tile) => self.files.hashes(&tile)?.unwrap_or_default(),
            None => Vec::new(),
        };
        let mut hashes = hashes.into_iter();
        self.bundle.clear();
        for chunk in self.log.scan(Position::new(index * TILE), Position::new(size)) {
            for (position, bytes) in chunk?.iter() {
                if hashes.next() != Some(Hash::leaf(bytes)) {
                    return Err(EngineError::NotAsSigned {
                        position: Some(position),
                        size,
                    });
                }
                push(&mut self.bundle, bytes);
            }
        }
        if size.is_multiple_of(TILE) {
            self.bundle.clear();
        }
        Ok(())
    }

    /// How far tiles and bundles have come.
    pub const fn size(&self) -> u64 {
        self.tiling.size()
    }

    /// What was published last.
    pub const fn published(&self) -> Option<&SignedCheckpoint> {
        self.published.as_ref()
    }

    /// Notes a change of the key at a position.
    pub const fn rotated(&mut self, position: Position) {
        self.rotation = Some(position);
    }

    /// Writes what tiles and bundles gain by the events up to `to`; they are not durable yet.
    ///
    /// # Errors
    /// `LOG_DAMAGED`, `IO`. It may be called again.
    pub fn advance(&mut self, to: Position) -> Result<(), EngineError> {
        // A failure must not leave the tree ahead of the files: the next try begins where this one did.
        let before = (self.tiling.clone(), self.bundle.clone());
        let advanced = self.write_up_to(to);
        if advanced.is_err() {
            (self.tiling, self.bundle) = before;
        }
        advanced
    }

    fn write_up_to(&mut self, to: Position) -> Result<(), EngineError> {
        let mut full = Vec::new();
        for chunk in self.log.scan(Position::new(self.tiling.size()), to) {
            for (position, bytes) in chunk?.iter() {
                push(&mut self.bundle, bytes);
                self.tiling.push(Hash::leaf(bytes), |tile| full.push(tile));
                if full.is_empty() {
                    continue;
                }
                let index = position.get() / TILE;
                self.write_full(TileKind::Entries, index, &self.bundle)?;
                self.filled.push((TileKind::Entries, index));
                self.bundle.clear();
                for FullTile { level, index, hashes } in full.drain(..) {
                    self.write_full(TileKind::Hashes(level), index, &Tile::bytes(&hashes))?;
                    self.filled.push((TileKind::Hashes(level), index));
                }
            }
        }
        for (level, index, hashes) in self.tiling.partial() {
            let (kind, width) = (TileKind::Hashes(level), hashes.len());
            self.files
                .write(&Tile { kind, index, width }, &Tile::bytes(hashes))?;
        }
        let size = self.tiling.size();
        match Tile::at(TileKind::Entries, size / TILE, size) {
            Some(tile) => self.files.write(&tile, &self.bundle),
            None => Ok(()),
        }
    }

    fn write_full(&self, kind: TileKind, index: u64, bytes: &[u8]) -> Result<(), EngineError> {
        let width = TILE_HASHES;
        self.files.write(&Tile { kind, index, width }, bytes)
    }

    /// Signs the tree as it stands. Tiles and bundles are durable before, the signature before it leaves.
    ///
    /// # Errors
    /// `IO`.
    pub fn sign(&mut self, keys: &Keys, has_witnesses: bool) -> Result<SignedCheckpoint, EngineError> {
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            size: self.tiling.size(),
            root: self.tiling.root(),
        };
        let signers: Vec<&SignerKey> = keys.old.iter().chain([&keys.current]).collect();
        let same = |signed: &&SignedCheckpoint| {
            *signed.unchecked() == checkpoint
                && signers.iter().all(|key| signed.check(key.verifier()).is_ok())
        };
        if let Some(signed) = self.signed.as_ref().filter(same) {
            return Ok(signed.clone());
        }
        self.files.sync()?;
        let signed = checkpoint.sign(signers);
        if has_witnesses {
            self.files.write_checkpoint(&self.files.signed(), &signed)?;
        }
        self.signed = Some(signed.clone());
        Ok(signed)
    }

    /// Publishes a checkpoint that was signed here.
    ///
    /// # Errors
    /// `IO`.
    pub fn publish(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), EngineError> {
        if let Some(position) = self.rotation {
            let path = self.files.rotation(position.get());
            self.files.write_checkpoint(&path, checkpoint)?;
        }
        self.files
            .write_checkpoint(&self.files.checkpoint(), checkpoint)?;
        self.rotation = None;
        self.published = Some(checkpoint.clone());
        self.signed = Some(checkpoint.clone());
        for (kind, index) in self.filled.drain(..) {
            self.files.remove_partial(kind, index);
        }
        Ok(())
    }
}

fn push(bundle: &mut Vec<u8>, event: &[u8]) {
    assert!(
        Bundle::push(bundle, event),
        "the log takes no event of more than 6 KiB"
    );
}

/// The first position at which a tile on disk is not what the log gives.
fn first_difference(files: &Files, full: &FullTile) -> Option<u64> {
    let tile = Tile {
        kind: TileKind::Hashes(0),
        index: full.index,
        width: TILE_HASHES,
    };
    let stored = files.hashes(&tile).ok()??;
    let place = stored
        .iter()
        .zip(&full.hashes)
        .position(|(stored, found)| stored != found)?;
    Some(full.index * TILE + u64::try_from(place).unwrap_or(0))
}
