//! What is published and how it grows: tiles, bundles, the signed checkpoint. One round at a time; the thread and its
//! pace are in `publishing.rs`.

use std::path::Path;

use shilu_log::Log;
use shilu_merkle::{
    Bundle, Checkpoint, EvidenceError, FullTile, Hash, Prover, SignedCheckpoint, SignerKey, TILE_WIDTH, Tile,
    TileKind, Tiling, Tree, VerifierKey,
};
use shilu_model::{Position, Value, decode, setting};
use tracing::warn;

use super::{files::Files, keys::Keys, read_checkpoint};
use crate::error::EngineError;

/// The published side of a log.
pub(crate) struct Publisher {
    files: Files,
    log: Log,
    origin: String,
    edge: Edge,
    /// The edge whose files are durable: what a round that failed goes back to.
    durable: Edge,
    /// What has become full, so that its partial forms are to be removed.
    filled: Vec<(TileKind, u64)>,
    /// What was signed last, published or not.
    signed: Option<SignedCheckpoint>,
    published: Option<SignedCheckpoint>,
}

/// The right edge of the tree, and the bytes of the bundle that is not full yet.
#[derive(Clone, Default)]
struct Edge {
    tiling: Tiling,
    bundle: Vec<u8>,
}

impl Publisher {
    /// Takes up what was published, and compares the log with what was signed. Also returns the changes of the key
    /// that no published checkpoint covers. `named` are the keys that the log and `register.toml` name.
    ///
    /// # Errors
    /// `LOG_DAMAGED` when the log is shorter than what was signed, or another one; `CHECKPOINT_DAMAGED`; `IO`.
    pub fn open(
        dir: &Path,
        log: &Log,
        origin: &str,
        named: &[&str],
    ) -> Result<(Publisher, Vec<Position>), EngineError> {
        let files = Files::new(dir);
        let published = read_checkpoint(&files.checkpoint())?;
        let signed = read_checkpoint(&files.signed())?;
        let covered = published.as_ref().map_or(0, |one| one.unchecked().size);
        let (rotations, keys) = rotations(log, Position::new(covered))?;
        let trusted: Vec<&str> = named
            .iter()
            .copied()
            .chain(keys.iter().map(String::as_str))
            .collect();
        let both = [(&published, files.checkpoint()), (&signed, files.signed())];
        for (checkpoint, path) in both {
            checkpoint
                .as_ref()
                .map_or(Ok(()), |one| trust(one, &trusted, &path))?;
        }
        let last = [&published, &signed].into_iter().flatten();
        let last = last.max_by_key(|one| one.unchecked().size).cloned();
        let mut publisher = Publisher {
            files,
            log: log.clone(),
            origin: origin.to_owned(),
            edge: Edge::default(),
            durable: Edge::default(),
            filled: Vec::new(),
            signed: last.clone(),
            published: published.clone(),
        };
        if let Some(last) = last {
            publisher.resume(last.unchecked())?;
            for one in [published, signed].into_iter().flatten() {
                publisher.continues(one.unchecked(), last.unchecked().size)?;
            }
        }
        Ok((publisher, rotations))
    }

    /// Compares the log with the newest checkpoint, and goes on from there.
    fn resume(&mut self, last: &Checkpoint) -> Result<(), EngineError> {
        if last.size > self.log.end().get() {
            return Err(EngineError::LogTruncated {
                signed: last.size,
                end: self.log.end(),
            });
        }
        let Some(edge) = self.load(last)? else {
            return self.recompute(last);
        };
        self.durable = edge.clone();
        self.edge = edge;
        Ok(())
    }

    /// The edge from its tiles and the newest events. `None` when a file is missing or damaged, or when the events
    /// are not those of the tiles: then the whole log must tell.
    fn load(&self, last: &Checkpoint) -> Result<Option<Edge>, EngineError> {
        let size = last.size;
        let mut levels = Vec::new();
        for (width, level) in Tiling::widths(size).zip(0u8..) {
            let index = size.checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0);
            let kind = TileKind::Hashes(level);
            let hashes = match width {
                0 => Some(Vec::new()),
                _ => self.files.hashes(&Tile { kind, index, width })?,
            };
            let Some(hashes) = hashes else { return Ok(None) };
            levels.push(hashes);
        }
        let tiling = Tiling::resume(size, levels).filter(|tiling| tiling.root() == last.root);
        let (Some(tiling), Some(newest)) = (tiling, size.checked_sub(1)) else {
            return Ok(None);
        };
        let index = newest / TILE_WIDTH;
        let (mut hashes, mut bundle) = (Vec::new(), Vec::new());
        for chunk in self
            .log
            .scan(Position::new(index * TILE_WIDTH), Position::new(size))
        {
            for (_, bytes) in chunk?.iter() {
                hashes.push(Hash::leaf(bytes));
                push(&mut bundle, bytes);
            }
        }
        for (kind, bytes) in [
            (TileKind::Hashes(0), &Tile::bytes(&hashes)),
            (TileKind::Entries, &bundle),
        ] {
            let tile = Tile::at(kind, index, size);
            let stored = tile.map_or(Ok(None), |tile| self.files.read(&tile))?;
            if stored.as_ref() != Some(bytes) {
                return Ok(None);
            }
        }
        if size.is_multiple_of(TILE_WIDTH) {
            bundle.clear();
        }
        Ok(Some(Edge { tiling, bundle }))
    }

    /// Hashes the log anew, for its tiles are missing or damaged; writes them if the log is what was signed.
    fn recompute(&mut self, last: &Checkpoint) -> Result<(), EngineError> {
        warn!(
            events = last.size,
            "the published tiles are missing or damaged; they are made anew from the log"
        );
        // What stands in the way of the tiles is told before the log is read.
        self.files.create()?;
        if self.root_of_log(last.size)? != last.root {
            return Err(EngineError::NotAsSigned {
                position: self.first_difference(last)?,
                size: last.size,
            });
        }
        (self.edge, self.durable) = (Edge::default(), Edge::default());
        self.write_up_to(Position::new(last.size))
            .and_then(|()| self.files.sync())
            .inspect_err(|_| self.edge = Edge::default())?;
        self.durable = self.edge.clone();
        Ok(())
    }

    fn root_of_log(&self, size: u64) -> Result<Hash, EngineError> {
        let mut tree = Tree::default();
        for chunk in self.log.scan(Position::ZERO, Position::new(size)) {
            for (_, bytes) in chunk?.iter() {
                tree.push(Hash::leaf(bytes));
            }
        }
        Ok(tree.root())
    }

    /// The first position at which the log is not what was signed. `None` unless the stored tiles are what was signed.
    fn first_difference(&self, signed: &Checkpoint) -> Result<Option<Position>, EngineError> {
        let stored = |tile| self.files.hashes(&tile).ok().flatten().unwrap_or_default();
        let mut stored = Tile::all(TileKind::Hashes(0), signed.size).flat_map(stored);
        let (mut tree, mut differs) = (Tree::default(), None);
        for chunk in self.log.scan(Position::ZERO, Position::new(signed.size)) {
            for (position, bytes) in chunk?.iter() {
                let Some(hash) = stored.next() else {
                    return Ok(None);
                };
                if hash != Hash::leaf(bytes) {
                    differs = differs.or(Some(position));
                }
                tree.push(hash);
            }
        }
        Ok(differs.filter(|_| tree.root() == signed.root))
    }

    /// Compares an earlier checkpoint with the log, whose tiles up to `size` were found to be right.
    fn continues(&self, earlier: &Checkpoint, size: u64) -> Result<(), EngineError> {
        let mut prover = Prover::new(size, |tile| self.files.required(&tile));
        if prover.root(earlier.size).is_ok_and(|root| root == earlier.root)
            || self.root_of_log(earlier.size)? == earlier.root
        {
            return Ok(());
        }
        Err(EngineError::NotAsSigned {
            position: None,
            size: earlier.size,
        })
    }

    /// How far tiles and bundles have come.
    pub const fn size(&self) -> u64 {
        self.edge.tiling.size()
    }

    /// What was published last.
    pub const fn published(&self) -> Option<&SignedCheckpoint> {
        self.published.as_ref()
    }

    /// What was signed last, published or not.
    pub const fn signed(&self) -> Option<&SignedCheckpoint> {
        self.signed.as_ref()
    }

    /// Writes what tiles and bundles gain by the events up to `to`; they are not durable yet.
    ///
    /// # Errors
    /// `LOG_DAMAGED`, `IO`. It may be called again.
    pub fn advance(&mut self, to: Position) -> Result<(), EngineError> {
        // Whoever took the files away must not be shown a checkpoint whose older tiles are missing.
        if let Some(signed) = self.signed.clone().filter(|_| !self.is_on_disk()) {
            self.recompute(signed.unchecked())?;
        }
        // An auditor needs them as much as the tiles.
        if !self.files.has_attachments() {
            self.files.copy_attachments()?;
        }
        // A failure must not leave the tree ahead of the files.
        self.write_up_to(to)
            .inspect_err(|_| self.edge = self.durable.clone())
    }

    /// Whether the newest durable files are there, as far as two look-ups tell.
    fn is_on_disk(&self) -> bool {
        let size = self.durable.tiling.size();
        let newest = size.saturating_sub(1) / TILE_WIDTH;
        [TileKind::Hashes(0), TileKind::Entries]
            .into_iter()
            .filter_map(|kind| Tile::at(kind, newest, size))
            .all(|tile| self.files.exists(&tile))
    }

    fn write_up_to(&mut self, to: Position) -> Result<(), EngineError> {
        let mut full = Vec::new();
        for chunk in self.log.scan(Position::new(self.size()), to) {
            for (position, bytes) in chunk?.iter() {
                push(&mut self.edge.bundle, bytes);
                self.edge.tiling.push(Hash::leaf(bytes), |tile| full.push(tile));
                if full.is_empty() {
                    continue;
                }
                let index = position.get() / TILE_WIDTH;
                self.write_full(TileKind::Entries, index, &self.edge.bundle)?;
                self.filled.push((TileKind::Entries, index));
                self.edge.bundle.clear();
                for FullTile { level, index, hashes } in full.drain(..) {
                    self.write_full(TileKind::Hashes(level), index, &Tile::bytes(&hashes))?;
                    self.filled.push((TileKind::Hashes(level), index));
                }
            }
        }
        for (level, index, hashes) in self.edge.tiling.partial() {
            let (kind, width) = (TileKind::Hashes(level), hashes.len());
            self.write_partial(Tile { kind, index, width }, &Tile::bytes(hashes))?;
        }
        let size = self.size();
        match Tile::at(TileKind::Entries, size / TILE_WIDTH, size) {
            Some(tile) => self.write_partial(tile, &self.edge.bundle),
            None => Ok(()),
        }
    }

    /// A partial tile that has not grown since is left alone: it may be read at this moment.
    fn write_partial(&self, tile: Tile, bytes: &[u8]) -> Result<(), EngineError> {
        match Tile::at(tile.kind, tile.index, self.durable.tiling.size()) {
            Some(held) if held == tile => Ok(()),
            _ => self.files.write(&tile, bytes),
        }
    }

    fn write_full(&self, kind: TileKind, index: u64, bytes: &[u8]) -> Result<(), EngineError> {
        self.files.write(&Tile::full(kind, index), bytes)
    }

    /// Signs the tree as it stands. Tiles and bundles are durable before, the signature before it leaves.
    ///
    /// # Errors
    /// `IO`.
    pub fn sign(&mut self, keys: &Keys, has_witnesses: bool) -> Result<SignedCheckpoint, EngineError> {
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            size: self.size(),
            root: self.edge.tiling.root(),
        };
        let signers: Vec<&SignerKey> = keys.old.iter().chain([&keys.current]).collect();
        let same = |signed: &&SignedCheckpoint| {
            *signed.unchecked() == checkpoint
                && signers.iter().all(|key| signed.check(key.verifier()).is_ok())
        };
        if let Some(signed) = self.signed.as_ref().filter(same) {
            return Ok(signed.clone());
        }
        // What was not written back may be lost for good: it is written again.
        self.files
            .sync()
            .inspect_err(|_| self.edge = self.durable.clone())?;
        self.durable = self.edge.clone();
        let signed = checkpoint.sign(signers);
        if has_witnesses {
            self.files.write_checkpoint(&self.files.signed(), &signed)?;
        }
        self.signed = Some(signed.clone());
        Ok(signed)
    }

    /// Publishes a checkpoint that was signed here, also as the first one after these changes of the key.
    ///
    /// # Errors
    /// `IO`.
    pub fn publish(
        &mut self,
        checkpoint: &SignedCheckpoint,
        rotations: &[Position],
    ) -> Result<(), EngineError> {
        let size = checkpoint.unchecked().size;
        for position in rotations.iter().filter(|position| position.get() < size) {
            let path = self.files.rotation(position.get());
            // One that is there has the old key's signature, which cannot be had again.
            if !matches!(read_checkpoint(&path), Ok(Some(_))) {
                self.files.write_checkpoint(&path, checkpoint)?;
            }
        }
        self.files
            .write_checkpoint(&self.files.checkpoint(), checkpoint)?;
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

/// The changes of the key from a position on, and the keys before them: they still count.
fn rotations(log: &Log, from: Position) -> Result<(Vec<Position>, Vec<String>), EngineError> {
    let (mut positions, mut keys) = (Vec::new(), Vec::new());
    for chunk in log.scan(from, log.end()) {
        for (position, bytes) in chunk?.iter() {
            let Ok(event) = decode(bytes) else { continue };
            let change = event.changes.iter().find(|change| change.field == setting::KEY);
            let before = change
                .filter(|_| event.is_administrative())
                .map(|change| change.before);
            if let Some(Some(Value::Text(before))) = before {
                keys.push(before.to_owned());
                positions.push(position);
            }
        }
    }
    Ok((positions, keys))
}

/// A checkpoint must be signed by one of these keys.
fn trust(checkpoint: &SignedCheckpoint, trusted: &[&str], path: &Path) -> Result<(), EngineError> {
    let mut refused = EvidenceError::NotSigned {
        name: checkpoint.unchecked().origin.clone(),
    };
    for key in trusted {
        match VerifierKey::parse(key).and_then(|key| checkpoint.check(&key).map(|_| ())) {
            Ok(()) => return Ok(()),
            Err(error) => refused = error,
        }
    }
    Err(EngineError::CheckpointDamaged {
        path: path.to_owned(),
        source: refused,
    })
}
