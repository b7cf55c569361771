//! The key of a register as its log names it, which is not always what `register.toml` says.

use std::{fs, path::Path};

use shilu_log::Log;
use shilu_merkle::{Bundle, Hash, Prover, TILE_WIDTH, Tile, TileKind, VerifierKey, check_inclusion};

use super::{files::Files, named::Named, read_checkpoint};
use crate::{error::EngineError, folder};

/// The key that a register's log named last. Where what is published proves it, the register may be open elsewhere;
/// else its log is read.
///
/// # Errors
/// `NOT_A_REGISTER`, `REGISTER_IN_USE`, `LOG_DAMAGED`, `BAD_KEY`, `IO`.
pub fn named_key(dir: &Path) -> Result<VerifierKey, EngineError> {
    let file = folder::read_register_file(dir)?;
    let proved = published_key(&Files::new(dir)).filter(|key| key.to_string() == file.public_key);
    if let Some(key) = proved {
        return Ok(key);
    }
    // It was changed since, or nothing was published yet, or somebody wrote another one into the file.
    let log = Log::open(dir, shilu_log::Options::default())?;
    Ok(VerifierKey::parse(Named::by(&log)?.key())?)
}

/// The key by the newest event that is known to have changed it, if the checkpoint that it signed covers that event.
fn published_key(files: &Files) -> Option<VerifierKey> {
    let checkpoint = read_checkpoint(&files.checkpoint()).ok()??;
    let said = checkpoint.unchecked();
    let changed = fs::read_dir(files.public().join("rotation"))
        .into_iter()
        .flatten()
        .flatten();
    let changed = changed.filter_map(|entry| entry.file_name().to_str()?.parse::<u64>().ok());
    let position = changed
        .filter(|position| *position < said.size)
        .max()
        .unwrap_or(0);
    let bundle = Tile::at(TileKind::Entries, position / TILE_WIDTH, said.size)?;
    let bytes = files.required(&bundle).ok()?;
    let place = usize::try_from(position % TILE_WIDTH).ok()?;
    let entry = *Bundle::entries(&bytes, bundle.width).ok()?.get(place)?;
    let proof = Prover::new(said.size, |tile| files.required(&tile))
        .inclusion(position)
        .ok()?;
    check_inclusion(Hash::leaf(entry), position, said.size, &proof, said.root).ok()?;
    let mut named = Named::default();
    named.note(entry);
    let key = VerifierKey::parse(named.key()).ok()?;
    checkpoint.check(&key).is_ok().then_some(key)
}
