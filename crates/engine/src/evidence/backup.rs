//! Copies of what is published, and registers made from such copies. Plain files in, plain files out: a backup holds
//! no key, and nothing that an auditor may not see.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use shilu_log::{Events, Log, Outcome};
use shilu_merkle::{
    Bundle, EvidenceError, Hash, Prover, SignedCheckpoint, TILE_HASHES, TILE_WIDTH, Tile, TileKind, Tree,
    VerifierKey,
};
use shilu_model::{Event, Position, decode, decode_canonical, setting};
use shilu_projections::hexadecimal;

use super::{files::Files, keys::Keys, publisher::Publisher, read_checkpoint};
use crate::{
    campaigns,
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
    let mut prover = Prover::new(size, |tile| source.required(&tile));
    if prover.root(size)? != checkpoint.unchecked().root {
        return Err(EngineError::TilesDamaged { position });
    }
    if let Some(held) = read_checkpoint(&target.checkpoint())? {
        continues(&source, &checkpoint, &held)?;
    }
    target.create()?;
    let tiles = tiles_of(size);
    let all = u64::try_from(tiles.len()).unwrap_or(u64::MAX);
    let mut copied = 0;
    for (tile, done) in tiles.iter().zip(1..) {
        let bytes = source.required(tile)?;
        if target.read(tile)?.is_none_or(|held| held != bytes) {
            // What has gone bad here must not take the place of what was copied when it was good.
            proven(&source, tile, &bytes, size)?;
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
    let root = Prover::new(now.size, |tile| source.required(&tile)).root(held.size)?;
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

/// Whether a bundle is what its tile says, and a full tile what the one above it says; the topmost lead to the root.
fn proven(source: &Files, tile: &Tile, bytes: &[u8], size: u64) -> Result<(), EngineError> {
    let (level, index) = (tile.level(), tile.index);
    let is_proven = match tile.kind {
        TileKind::Entries => {
            let kind = TileKind::Hashes(0);
            let hashes = source.hashes(&Tile { kind, ..*tile })?.unwrap_or_default();
            let entries = Bundle::entries(bytes, tile.width).unwrap_or_default();
            hashes.len() == tile.width && entries.into_iter().map(Hash::leaf).eq(hashes)
        }
        TileKind::Hashes(_) if !tile.is_full() => true,
        TileKind::Hashes(_) => {
            let above = Tile::at(TileKind::Hashes(level + 1), index / TILE_WIDTH, size);
            let above = above.map_or(Ok(None), |above| source.hashes(&above))?;
            let place = usize::try_from(index % TILE_WIDTH).unwrap_or(0);
            let said = above.unwrap_or_default().get(place).copied();
            let mut tree = Tree::default();
            let hashes = tile.hashes(bytes).unwrap_or_default();
            hashes.into_iter().for_each(|hash| tree.push(hash));
            said == Some(tree.root())
        }
    };
    let first = index.checked_shl(8 * (u32::from(level) + 1)).unwrap_or(0);
    match is_proven {
        true => Ok(()),
        false => Err(EngineError::TilesDamaged {
            position: Position::new(first),
        }),
    }
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
/// checkpoint, by `key` or else by the key that the restored events themselves name.
///
/// # Errors
/// `NOT_EMPTY`; `NOT_SIGNED`, `FORGED_SIGNATURE`, `OTHER_LOG`; `LOG_DAMAGED` with the first bad position;
/// `TILE_MISSING`, `CHECKPOINT_DAMAGED`, `NOT_A_REGISTER`, `IO`. Nothing is left in `to` then.
pub fn restore(
    from: &Path,
    to: &Path,
    key: Option<&VerifierKey>,
    progress: impl FnMut(u64, u64),
) -> Result<Restored, EngineError> {
    let source = Files::new(from);
    let file = folder::read_register_file(&source.mirror())?;
    let position = Position::ZERO;
    let published = read_checkpoint(&source.checkpoint())?;
    let signed = newer(&source, published.as_ref());
    let checkpoint = signed.as_ref().or(published.as_ref()).cloned();
    let checkpoint = checkpoint.ok_or(EngineError::NotPublished { position })?;
    if let Some(key) = key {
        checkpoint.check(key)?;
    }
    folder::make_empty(to)?;
    let restoring = Restoring {
        source,
        to,
        checkpoint: &checkpoint,
        published,
        signed,
        file,
    };
    match restoring.run(progress) {
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

/// What was signed for the witnesses after what was published: a register's own folder may hold it, with its bundles.
fn newer(source: &Files, published: Option<&SignedCheckpoint>) -> Option<SignedCheckpoint> {
    let signed = read_checkpoint(&source.signed()).ok().flatten()?;
    let size = signed.unchecked().size;
    let last = Tile::at(TileKind::Entries, size.saturating_sub(1) / TILE_WIDTH, size)?;
    let is_newer = published.is_none_or(|published| published.unchecked().size < size);
    let is_whole = source.read(&last).is_ok_and(|bytes| bytes.is_some());
    (is_newer && is_whole).then_some(signed)
}

struct Restoring<'a> {
    source: Files,
    to: &'a Path,
    checkpoint: &'a SignedCheckpoint,
    published: Option<SignedCheckpoint>,
    signed: Option<SignedCheckpoint>,
    file: RegisterFile,
}

impl Restoring<'_> {
    /// Returns whether the signing key was at hand.
    fn run(mut self, progress: impl FnMut(u64, u64)) -> Result<bool, EngineError> {
        let log = Log::create(self.to, shilu_log::Options::default())?;
        self.fill(&log, progress)?;
        // A copy made between a change of the key and the next checkpoint names a key that signed nothing yet.
        let named = named(&log)?;
        self.file.public_key = named.key.unwrap_or_default();
        self.checkpoint
            .check(&VerifierKey::parse(&self.file.public_key)?)?;
        self.attachments()?;
        self.check_campaigns(&log, &named.campaigns)?;
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
        // What lacks its witnesses stays unpublished.
        for (checkpoint, path) in [
            (&self.published, target.checkpoint()),
            (&self.signed, target.signed()),
        ] {
            if let Some(checkpoint) = checkpoint {
                target.write_checkpoint(&path, checkpoint)?;
            }
        }
        // Makes the tiles anew, and compares once more.
        Publisher::open(self.to, &log, &self.file.origin, &[&self.file.public_key])?;
        target.sync()?;
        let keys = Keys::read(&self.source.register(), &self.file.public_key).ok();
        if let Some(keys) = &keys {
            Keys::write(self.to, keys.old.iter().chain([&keys.current]))?;
        }
        folder::write_register_file(self.to, &self.file)?;
        Ok(keys.is_some())
    }

    /// A register that could not be opened afterwards is not restored.
    fn check_campaigns(&self, log: &Log, later: &[String]) -> Result<(), EngineError> {
        let position = Position::ZERO;
        let first = log.read(position)?.ok_or(EngineError::NoPosition { position })?;
        let first = decode(&first).map_err(|error| EngineError::Undecodable {
            position,
            problem: error.to_string(),
        })?;
        folder::load_campaign(self.to, &self.file, &first)?;
        later
            .iter()
            .try_for_each(|hash| campaigns::read(self.to, hash).map(drop))
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
        // A tile that differs decides nothing, for it may itself be damaged; the root does.
        let mut suspect = None;
        for tile in Tile::all(TileKind::Entries, said.size) {
            let bytes = self.source.required(&tile)?;
            let hashes = self.leaves(&tile)?;
            let entries = Bundle::entries(&bytes, tile.width)
                .map_err(|_| self.differs(suspect.or(Some(tree.size() + agreeing(&bytes, &hashes)))))?;
            for (entry, place) in entries.into_iter().zip(0..) {
                let leaf = Hash::leaf(entry);
                if hashes.get(place).is_some_and(|hash| *hash != leaf) {
                    suspect = suspect.or(Some(tree.size()));
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
            return Err(self.differs(suspect));
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

/// How many entries at the beginning of a damaged bundle are whole, and what the tile says.
fn agreeing(bytes: &[u8], hashes: &[Hash]) -> u64 {
    let mut rest = bytes;
    let entries = std::iter::from_fn(|| {
        let (length, after) = rest.split_first_chunk()?;
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        rest = after;
        Some(Hash::leaf(entry))
    });
    let mut hashes = hashes.iter();
    (0..)
        .zip(entries.take_while(|leaf| hashes.next().is_none_or(|hash| hash == leaf)))
        .map(|(place, _)| place + 1)
        .last()
        .unwrap_or(0)
}

/// What a restored log names of what lies beside it.
#[derive(Default)]
struct Named {
    /// The key that it named last.
    key: Option<String>,
    /// The campaigns after the first one, by their SHA-256.
    campaigns: Vec<String>,
}

fn named(log: &Log) -> Result<Named, EngineError> {
    let mut found = Named::default();
    for chunk in log.scan(Position::ZERO, log.end()) {
        for (_, bytes) in chunk?.iter() {
            let Ok(event) = decode(bytes) else { continue };
            if !event.is_administrative() {
                continue;
            }
            if let Some(Some(named)) = setting::set_by(&event, setting::KEY) {
                found.key = Some(named.to_owned());
            }
            found
                .campaigns
                .extend(campaigns::named_by(&event).map(str::to_owned));
        }
    }
    Ok(found)
}

/// What lies in the mirror beyond a size.
fn beyond(source: &Files, size: u64) -> Vec<Beyond> {
    let mut beyond = Vec::new();
    for index in size / TILE_WIDTH.. {
        let Some((tile, bytes)) = widest(source, index) else {
            break;
        };
        let entries = Bundle::entries(&bytes, tile.width).unwrap_or_default();
        let positions = index * TILE_WIDTH..;
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

/// The fullest bundle of an index that is whole: a crash may have torn what was written last.
fn widest(source: &Files, index: u64) -> Option<(Tile, Vec<u8>)> {
    let bundle = |width| Tile {
        kind: TileKind::Entries,
        index,
        width,
    };
    let found = (1..=TILE_HASHES).rev().map(bundle);
    found.into_iter().find_map(|tile| {
        let path: PathBuf = source.mirror().join(tile.to_string());
        let bytes = fs::read(path).ok()?;
        let is_whole = Bundle::entries(&bytes, tile.width).is_ok();
        is_whole.then_some((tile, bytes))
    })
}

fn words(event: &Event<'_>) -> String {
    let (action, actor) = (event.action.word(), event.actor);
    match event.is_administrative() {
        true => format!("{actor}: {action} ({})", event.id),
        false => format!("{actor}: {action} {}/{} ({})", event.kind, event.key, event.id),
    }
}
