//! Published files as a whole: whether bundles and tiles are those of a checkpoint, and whether the key and the files
//! that the log names are at hand. What was found good may be copied; nothing else is.

use std::collections::BTreeMap;

use shilu_merkle::{
    Bundle, EvidenceError, FullTile, Hash, Prover, SignedCheckpoint, Tile, TileKind, Tiling, VerifierKey,
};
use shilu_model::Position;

use super::{files::Files, named::Named, read_checkpoint};
use crate::error::EngineError;

/// What was found good.
pub(crate) struct Examined {
    /// What the log names.
    pub named: Named,
    /// The notes of changes of the key that are there, by position.
    pub rotations: BTreeMap<u64, SignedCheckpoint>,
}

/// Examines what is published under a checkpoint. `progress` gets how many bundles were read.
///
/// # Errors
/// `TILE_MISSING`, `BAD_BUNDLE`, `CHECKPOINT_DAMAGED`, `CAMPAIGN_MISSING`, `CAMPAIGN_CHANGED`, `IO`.
pub(crate) fn examine(
    files: &Files,
    checkpoint: &SignedCheckpoint,
    progress: impl FnMut(u64),
) -> Result<Examined, EngineError> {
    let named = entries(files, checkpoint, progress)?;
    let path = files.checkpoint();
    checkpoint
        .check(&VerifierKey::parse(named.key())?)
        .map_err(|source| EngineError::CheckpointDamaged { path, source })?;
    files.check_campaigns(&named)?;
    let mut rotations = BTreeMap::new();
    for index in 1..named.keys.len() {
        // A key that was lost before it signed anything has its note from the one after it.
        let keys = named.keys.get(index..).unwrap_or_default();
        let Some((position, _)) = keys.first() else {
            continue;
        };
        let path = files.rotation(*position);
        // Without it nobody vouches for the key, and it counts all the same: that is for an auditor to judge.
        let Some(note) = read_checkpoint(&path)? else {
            continue;
        };
        let is_good = is_note(files, &note, *position, keys, checkpoint.unchecked().size);
        is_good.map_err(|source| EngineError::CheckpointDamaged { path, source })?;
        rotations.insert(*position, note);
    }
    Ok(Examined { named, rotations })
}

/// Whether a note is of the log of this size, after the change of the key at a position, and signed by one of the keys
/// since.
pub(crate) fn is_note(
    files: &Files,
    note: &SignedCheckpoint,
    position: u64,
    keys: &[(u64, String)],
    size: u64,
) -> Result<(), EvidenceError> {
    let said = note.unchecked();
    let mut signed = keys
        .iter()
        .map(|(_, key)| note.check(&VerifierKey::parse(key)?).map(drop));
    let first = signed.next().unwrap_or(Ok(()));
    first.or_else(|error| signed.find(Result::is_ok).unwrap_or(Err(error)))?;
    let root = |at| Prover::new(size, |tile| files.required(&tile)).root(at);
    if said.size > position && said.size <= size && root(said.size).is_ok_and(|root| root == said.root) {
        return Ok(());
    }
    let (old, new) = (said.size, size);
    Err(EvidenceError::NotConsistent { old, new })
}

/// Reads all bundles, compares the tiles with what they give, and that with the checkpoint's root.
fn entries(
    files: &Files,
    checkpoint: &SignedCheckpoint,
    mut progress: impl FnMut(u64),
) -> Result<Named, EngineError> {
    let said = checkpoint.unchecked();
    let (mut named, mut tiling, mut full) = (Named::default(), Tiling::default(), Vec::new());
    for (bundle, done) in Tile::all(TileKind::Entries, said.size).zip(1..) {
        let bytes = files.required(&bundle)?;
        let entries = Bundle::entries(&bytes, bundle.width).map_err(|_| EngineError::BundleDamaged {
            bundle: bundle.to_string(),
            position: Position::new(tiling.size()),
        })?;
        for entry in entries {
            named.note(entry);
            tiling.push(Hash::leaf(entry), |tile| full.push(tile));
        }
        for FullTile { level, index, hashes } in full.drain(..) {
            compare(files, level, index, &hashes)?;
        }
        progress(done);
    }
    for (level, index, hashes) in tiling.partial() {
        compare(files, level, index, hashes)?;
    }
    if tiling.root() == said.root {
        Ok(named)
    } else {
        let position = Position::ZERO;
        Err(EngineError::TilesDamaged { position })
    }
}

fn compare(files: &Files, level: u8, index: u64, hashes: &[Hash]) -> Result<(), EngineError> {
    let (kind, width) = (TileKind::Hashes(level), hashes.len());
    let stored = files.required(&Tile { kind, index, width })?;
    if stored == Tile::bytes(hashes) {
        return Ok(());
    }
    let first = index.checked_shl(8 * (u32::from(level) + 1)).unwrap_or(0);
    Err(EngineError::TilesDamaged {
        position: Position::new(first),
    })
}
