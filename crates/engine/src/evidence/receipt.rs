//! Receipts and published files, as questions to an open register.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use shilu_merkle::{Hash, Prover, Receipt, Tile, check_inclusion};
use shilu_model::Position;
use tokio::sync::watch;

use super::{files::Files, publishing::Publication};
use crate::{engine::Engine, error::EngineError};

/// How long a checkpoint that was asked for is waited for: its work takes milliseconds, a slow witness two seconds.
const PUBLISH_WAIT_MAX: Duration = Duration::from_secs(10);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(1);

impl Engine {
    /// What is published; changes are signalled.
    pub fn publication(&self) -> watch::Receiver<Publication> {
        self.shared.publication.clone()
    }

    /// Publishes what is durable now without keeping to the pace, and waits for it.
    ///
    /// # Errors
    /// `NOT_PUBLISHED`, or why it could not be.
    pub fn publish(&self) -> Result<(), EngineError> {
        let end = self.end();
        self.shared.signal.ask(end);
        let begun = Instant::now();
        while self.shared.publication.borrow().size() < end.get() {
            if begun.elapsed() > PUBLISH_WAIT_MAX {
                let trouble = self.shared.publication.borrow().trouble.clone();
                let position = Position::new(end.get().saturating_sub(1));
                return Err(trouble.unwrap_or(EngineError::NotPublished { position }));
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// The receipt of the event at a position: its stored bytes, and the proof that the published checkpoint covers them.
    ///
    /// # Errors
    /// `NO_POSITION`; `NOT_PUBLISHED` for an event that no checkpoint covers yet; `LOG_DAMAGED`, `TILE_MISSING`, `IO`.
    pub fn receipt_at(&self, position: Position) -> Result<Receipt, EngineError> {
        let entry = self
            .shared
            .log
            .read(position)?
            .ok_or(EngineError::NoPosition { position })?;
        let publication = self.shared.publication.borrow().clone();
        let checkpoint = publication
            .checkpoint
            .filter(|one| one.unchecked().size > position.get());
        let checkpoint = checkpoint.ok_or(EngineError::NotPublished { position })?;
        let files = Files::new(&self.shared.dir);
        let said = checkpoint.unchecked();
        let mut prover = Prover::new(said.size, |tile| files.required(&tile));
        let proof = prover.inclusion(position.get())?;
        // A damaged tile is our trouble, not that of whoever checks the receipt later.
        check_inclusion(Hash::leaf(&entry), position.get(), said.size, &proof, said.root)
            .map_err(|_| EngineError::TilesDamaged { position })?;
        let receipt = Receipt {
            entry: entry.to_vec(),
            index: position.get(),
            proof,
            checkpoint: Arc::unwrap_or_clone(checkpoint),
        };
        Ok(receipt)
    }

    /// A published tile or bundle; `None` beyond the published checkpoint.
    ///
    /// # Errors
    /// `IO`.
    pub fn tile(&self, tile: &Tile) -> Result<Option<Vec<u8>>, EngineError> {
        let size = self.shared.publication.borrow().size();
        match Tile::at(tile.kind, tile.index, size) {
            Some(widest) if widest.width >= tile.width => Files::new(&self.shared.dir).read(tile),
            _ => Ok(None),
        }
    }

    /// A published file other than tiles: `attachments/<sha256>` or `rotation/<position>`. `None` when there is none.
    ///
    /// # Errors
    /// `IO`.
    pub fn published_file(
        &self,
        folder: PublishedFolder,
        name: &str,
    ) -> Result<Option<Vec<u8>>, EngineError> {
        let files = Files::new(&self.shared.dir);
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !plain {
            return Ok(None);
        }
        let path = match folder {
            PublishedFolder::Attachments => files.mirror().join("attachments").join(name),
            PublishedFolder::Rotations => files.public().join("rotation").join(name),
        };
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(EngineError::io("read", path, error)),
        }
    }
}

/// What else is published beside tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishedFolder {
    /// Campaign files, by their SHA-256.
    Attachments,
    /// Checkpoints that two keys signed, by the position of the change.
    Rotations,
}
