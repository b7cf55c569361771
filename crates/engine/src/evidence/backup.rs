//! Copies of what is published, and registers made from such copies. Plain files in, plain files out: a backup holds
//! no key, and nothing that an auditor may not see.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use shilu_log::{Events, Log, Outcome};
use shilu_merkle::{
    Bundle, EvidenceError, Hash, Prover, SignedCheckpoint, Tile, TileKind, Tree, VerifierKey,
};
use shilu_model::{Event, Position, decode_canonical};
use shilu_projections::hexadecimal;

use super::{files::Files, keys::Keys, publisher::Publisher, read_checkpoint};
use crate::{
    error::EngineError,
    folder::{self, RegisterFile, write_synced},
};

/// Bytes of events handed to the log at once: half a commit.
const BATCH_BYTES: usize = 128 * 1024;

/// What a backup copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// How many events the copied checkpoint covers.
    pub size: u64,
    /// How many files were new.
    pub copied: u64,
}

/// What was restored, and what was not.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The checkpoint that the register was checked against.
    pub checkpoint: SignedCheckpoint,
    /// Whether the key that signed it was given from outside.
    pub pinned: bool,
    /// Events that lay in the mirror beyond the checkpoint. They are not restored: nothing vouches for them.
    pub beyond: Vec<Beyond>,
    /// How many events the register had acknowledged, where its file `head` was at hand and readable.
    pub acknowledged: Option<u64>,
    /// Whether the signing key was at hand.
    pub has_key: bool,
}

/// An event beyond the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// Where it stood.
    pub position: u64,
    /// What it was: who did what to which record; empty if it cannot be read.
    pub what: String,
}

/// Copies what is published of the register `from` into the folder `to`, as far as it is not there yet; the
/// checkpoint comes last. The register may be open meanwhile.
///
/// # Errors
/// `NOT_CONSISTENT` when the register does not continue what `to` holds: then nothing is copied. `NOT_PUBLISHED`,
/// `TILE_MISSING`, `CHECKPOINT_DAMAGED`, `IO`.
pub fn backup(from: &Path, to: &Path, mut progress: impl FnMut(u64, u64)) -> Result<BackedUp, EngineError> {
    folder::read_register_file(from)?;
    let (source, target) = (Files::new(from), Files::new(to));
    let position = Position::ZERO;
    let checkpoint = read_checkpoint(&source.checkpoint())?.ok_or(EngineError::NotPublished { position })?;
    let size = checkpoint.unchecked().size;
    if let Some(held) = read_checkpoint(&target.checkpoint())? {
        continues(&source, &checkpoint, &held)?;
    }
    target.create()?;
    let tiles = tiles_of(size);
    let all = u64::try_from(tiles.len()).unwrap_or(u64::MAX);
    let mut copied = 0;
    for (tile, done) in tiles.iter().zip(1..) {
        let bytes = read_tile(&source, tile)?;
        if target.read(tile)?.is_none_or(|held| held != bytes) {
            target.write(tile, &bytes)?;
            copied += 1;
        }
        progress(done, all);
    }
    copied += copy_folder(
        &source.mirror().join("attachments"),
        &target.mirror().join("attachments"),
    )?;
    copied += copy_folder(
        &source.public().join("rotation"),
        &target.public().join("rotation"),
    )?;
    copied += copy_file(
        &source.mirror().join("register.toml"),
        &target.mirror().join("register.toml"),
    )?;
    target.sync()?;
    target.write_checkpoint(&target.checkpoint(), &checkpoint)?;
    Ok(BackedUp { size, copied })
}

/// Whether a register continues what was backed up before.
fn continues(source: &Files, now: &SignedCheckpoint, held: &SignedCheckpoint) -> Result<(), EngineError> {
    let (now, held) = (now.unchecked(), held.unchecked());
    let torn = EvidenceError::NotConsistent {
        old: held.size,
        new: now.size,
    };
    if held.size > now.size || held.origin != now.origin {
        return Err(torn.into());
    }
    let root = Prover::new(now.size, |tile| read_tile(source, &tile)).root(held.size)?;
    if root == held.root {
        Ok(())
    } else {
        Err(torn.into())
    }
}

/// Every tile and bundle of a log of `size`.
fn tiles_of(size: u64) -> Vec<Tile> {
    let levels = (0..64)
        .map(TileKind::Hashes)
        .take_while(|kind| Tile::at(*kind, 0, size).is_some());
    levels
        .chain([TileKind::Entries])
        .flat_map(|kind| Tile::all(kind, size))
        .collect()
}

fn read_tile(files: &Files, tile: &Tile) -> Result<Vec<u8>, EngineError> {
    files.read(tile)?.ok_or_else(|| EngineError::TileMissing {
        name: tile.to_string(),
    })
}

fn copy_folder(from: &Path, to: &Path) -> Result<u64, EngineError> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(EngineError::io("read", from, error)),
    };
    fs::create_dir_all(to).map_err(|error| EngineError::io("make", to, error))?;
    let mut copied = 0;
    for entry in entries {
        let entry = entry.map_err(|error| EngineError::io("read", from, error))?;
        if entry
            .path()
            .extension()
            .is_none_or(|extension| extension != "tmp")
        {
            copied += copy_file(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(copied)
}

fn copy_file(from: &Path, to: &Path) -> Result<u64, EngineError> {
    let bytes = fs::read(from).map_err(|error| EngineError::io("read", from, error))?;
    if fs::read(to).is_ok_and(|held| held == bytes) {
        return Ok(0);
    }
    write_synced(to, &bytes)?;
    Ok(1)
}

/// Makes a register in the new folder `to` from the `public/` and `mirror/` in `from`, and checks it against the
/// checkpoint, by `key` or else by the key that the copy itself names.
///
/// # Errors
/// `NOT_EMPTY`; `NOT_SIGNED`, `FORGED_SIGNATURE`, `OTHER_LOG`; `LOG_DAMAGED` with the first bad position;
/// `TILE_MISSING`, `BAD_BUNDLE`, `NOT_A_REGISTER`, `IO`. Nothing is left in `to` then.
pub fn restore(
    from: &Path,
    to: &Path,
    key: Option<&VerifierKey>,
    progress: impl FnMut(u64, u64),
) -> Result<Restored, EngineError> {
    let source = Files::new(from);
    let file = folder::read_register_file(&source.mirror())?;
    let own = VerifierKey::parse(&file.public_key)?;
    let position = Position::ZERO;
    let checkpoint = newest(&source)?.ok_or(EngineError::NotPublished { position })?;
    checkpoint.check(key.unwrap_or(&own))?;
    folder::make_empty(to)?;
    let restored = Restoring {
        source,
        to,
        checkpoint: &checkpoint,
        file: &file,
    };
    match restored.run(progress) {
        Ok(has_key) => Ok(Restored {
            beyond: beyond(&Files::new(from), checkpoint.unchecked().size),
            acknowledged: shilu_log::acknowledged(from).map(Position::get),
            pinned: key.is_some(),
            has_key,
            checkpoint,
        }),
        Err(error) => {
            folder::clear(to);
            Err(error)
        }
    }
}

/// What was signed last: a register's own folder may hold more than it had published.
fn newest(source: &Files) -> Result<Option<SignedCheckpoint>, EngineError> {
    let published = read_checkpoint(&source.checkpoint())?;
    let signed = read_checkpoint(&source.signed()).ok().flatten();
    let whole = |checkpoint: &SignedCheckpoint| {
        let last = checkpoint.unchecked().size.saturating_sub(1) / 256;
        Tile::at(TileKind::Entries, last, checkpoint.unchecked().size)
            .is_some_and(|tile| source.read(&tile).is_ok_and(|bytes| bytes.is_some()))
    };
    let both = published.into_iter().chain(signed.filter(whole));
    Ok(both.max_by_key(|checkpoint| checkpoint.unchecked().size))
}

struct Restoring<'a> {
    source: Files,
    to: &'a Path,
    checkpoint: &'a SignedCheckpoint,
    file: &'a RegisterFile,
}

impl Restoring<'_> {
    fn run(&self, progress: impl FnMut(u64, u64)) -> Result<bool, EngineError> {
        let log = Log::create(self.to, shilu_log::Options::default())?;
        self.fill(&log, progress)?;
        self.attachments()?;
        let target = Files::new(self.to);
        target.create()?;
        copy_folder(
            &self.source.mirror().join("attachments"),
            &target.mirror().join("attachments"),
        )?;
        copy_folder(
            &self.source.public().join("rotation"),
            &target.public().join("rotation"),
        )?;
        target.write_checkpoint(&target.checkpoint(), self.checkpoint)?;
        // Makes the tiles anew, and compares once more.
        Publisher::open(self.to, &log, &self.file.origin, &self.file.public_key)?;
        target.sync()?;
        let keys = Keys::read(&self.source.register(), &self.file.public_key).ok();
        if let Some(keys) = &keys {
            Keys::write(self.to, keys.old.iter().chain([&keys.current]))?;
        }
        folder::write_register_file(self.to, self.file)?;
        Ok(keys.is_some())
    }

    /// Writes the events of the bundles into a new log, and compares what they are with the tiles and the root.
    fn fill(&self, log: &Log, mut progress: impl FnMut(u64, u64)) -> Result<(), EngineError> {
        let said = self.checkpoint.unchecked();
        let (told, outcomes) = std::sync::mpsc::channel();
        let writer = log.writer(move |outcome: Outcome<()>| {
            if let Outcome::Failed { error, .. } = outcome {
                // Nobody listens any more once another failure was told.
                let _ = told.send(error);
            }
        })?;
        let mut tree = Tree::default();
        let (mut first, mut batch) = (Position::ZERO, Events::new());
        for tile in Tile::all(TileKind::Entries, said.size) {
            let bytes = read_tile(&self.source, &tile)?;
            let hashes = self.leaves(&tile)?;
            for (entry, place) in Bundle::entries(&bytes, tile.width)?.into_iter().zip(0..) {
                let leaf = Hash::leaf(entry);
                if hashes.get(place).is_some_and(|hash| *hash != leaf) {
                    return Err(self.differs(Some(tree.size())));
                }
                if batch.bytes_len() + entry.len() > BATCH_BYTES {
                    writer
                        .submit(first, std::mem::take(&mut batch), ())
                        .map_err(|((), error)| error)?;
                    first = Position::new(tree.size());
                }
                tree.push(leaf);
                batch.push(entry);
            }
            progress(tree.size(), said.size);
        }
        if tree.root() != said.root {
            return Err(self.differs(None));
        }
        if !batch.is_empty() {
            writer.submit(first, batch, ()).map_err(|((), error)| error)?;
        }
        writer.close()?;
        outcomes.try_recv().map_or(Ok(()), |error| {
            Err(shilu_log::LogError::Poisoned { cause: error }.into())
        })
    }

    /// The hashes that the tile beside a bundle names; none where it is missing: the root decides then.
    fn leaves(&self, bundle: &Tile) -> Result<Vec<Hash>, EngineError> {
        let kind = TileKind::Hashes(0);
        Ok(self.source.hashes(&Tile { kind, ..*bundle })?.unwrap_or_default())
    }

    fn differs(&self, position: Option<u64>) -> EngineError {
        EngineError::NotAsSigned {
            position: position.map(Position::new),
            size: self.checkpoint.unchecked().size,
        }
    }

    /// Copies the campaign files; each must be what its name says.
    fn attachments(&self) -> Result<(), EngineError> {
        let to = self.to.join("attachments");
        for folder in [&to, &folder::projections(self.to)] {
            fs::create_dir(folder).map_err(|error| EngineError::io("make", folder, error))?;
        }
        let from = self.source.mirror().join("attachments");
        let entries = fs::read_dir(&from).map_err(|error| EngineError::io("read", &from, error))?;
        for entry in entries {
            let path = entry
                .map_err(|error| EngineError::io("read", &from, error))?
                .path();
            let bytes = fs::read(&path).map_err(|error| EngineError::io("read", &path, error))?;
            let sha256: [u8; 32] = Sha256::digest(&bytes).into();
            let name = hexadecimal(&sha256);
            if path.file_name().is_some_and(|found| *found == *name) {
                write_synced(&to.join(&name), &bytes)?;
            }
        }
        Ok(())
    }
}

/// What lies in the mirror beyond a size.
fn beyond(source: &Files, size: u64) -> Vec<Beyond> {
    let mut beyond = Vec::new();
    for index in size / 256.. {
        let Some((tile, bytes)) = widest(source, index) else {
            break;
        };
        let entries = Bundle::entries(&bytes, tile.width).unwrap_or_default();
        let positions = index * 256..;
        let entries = entries
            .into_iter()
            .zip(positions)
            .filter(|(_, position)| *position >= size);
        beyond.extend(entries.map(|(entry, position)| Beyond {
            position,
            what: decode_canonical(entry).map_or_else(|_| String::new(), |event| words(&event)),
        }));
        if !tile.is_full() {
            break;
        }
    }
    beyond
}

/// The fullest bundle of an index.
fn widest(source: &Files, index: u64) -> Option<(Tile, Vec<u8>)> {
    let bundle = |width| Tile {
        kind: TileKind::Entries,
        index,
        width,
    };
    let found = (1..=shilu_merkle::TILE_HASHES).rev().map(bundle);
    found.into_iter().find_map(|tile| {
        let path: PathBuf = source.mirror().join(tile.to_string());
        Some((tile, fs::read(path).ok()?))
    })
}

fn words(event: &Event<'_>) -> String {
    let (action, actor) = (event.action.word(), event.actor);
    match event.is_administrative() {
        true => format!("{actor}: {action} ({})", event.id),
        false => format!("{actor}: {action} {}/{} ({})", event.kind, event.key, event.id),
    }
}
