//! Copies of what is published, and registers made from such copies. Plain files in, plain files out: a backup holds
//! no key, and nothing that an auditor may not see.

use std::{
    fs,
    path::{Path, PathBuf},
};

use shilu_log::{Events, Log, Outcome};
use shilu_merkle::{
    Bundle, EvidenceError, Hash, Prover, SignedCheckpoint, TILE_HASHES, TILE_WIDTH, Tile, TileKind, Tree,
    VerifierKey,
};
use shilu_model::{Event, Position, decode, decode_canonical};

use super::{
    attachments::{copy_attachments, replace},
    examined::{Examined, examine, is_note},
    files::{BUNDLE_BYTES_MAX, Files},
    keys::Keys,
    named::Named,
    publisher::Publisher,
    read_checkpoint,
};
use crate::{
    bounded, campaigns,
    error::EngineError,
    folder::{self, RegisterFile},
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
/// checkpoint comes last. The register may be open meanwhile. All of it is examined before the first file is written:
/// what has gone bad must not take the place of what was copied when it was good.
///
/// # Errors
/// `NOT_CONSISTENT` when the register does not continue what `to` holds. `NOT_PUBLISHED`, `TILE_MISSING`, `BAD_BUNDLE`,
/// `CHECKPOINT_DAMAGED`, `CAMPAIGN_MISSING`, `CAMPAIGN_CHANGED`, `NOT_A_REGISTER`, `IO`. Nothing is copied then, but
/// after `IO`.
pub fn backup(from: &Path, to: &Path, mut progress: impl FnMut(u64, u64)) -> Result<BackedUp, EngineError> {
    let file = folder::read_register_file(from)?;
    let (source, target) = (Files::new(from), Files::new(to));
    let position = Position::ZERO;
    let checkpoint = read_checkpoint(&source.checkpoint())?.ok_or(EngineError::NotPublished { position })?;
    let size = checkpoint.unchecked().size;
    let bundles = size.div_ceil(TILE_WIDTH);
    let Examined { named, rotations } = examine(&source, &checkpoint, |done| progress(done, 2 * bundles))?;
    file.check_origin(from, &checkpoint)?;
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
            target.write(tile, &bytes)?;
            copied += 1;
        }
        progress(bundles + done, bundles + all);
    }
    copied += copy_attachments(
        &source.mirror().join("attachments"),
        &target.mirror().join("attachments"),
    )?;
    for (position, note) in rotations {
        copied += copy_note(&target, &note, position, &named, size)?;
    }
    // The register's own is what the mirror's copy is made from.
    copied += replace(
        &target.mirror().join("register.toml"),
        file.text(from)?.as_bytes(),
    )?;
    target.sync()?;
    target.write_checkpoint(&target.checkpoint(), &checkpoint)?;
    Ok(BackedUp { size, copied })
}

/// Copies the note of a change of the key, unless there is a good one: the old key's signature cannot be had again.
fn copy_note(
    target: &Files,
    note: &SignedCheckpoint,
    position: u64,
    named: &Named,
    size: u64,
) -> Result<u64, EngineError> {
    let path = target.rotation(position);
    let since = named.keys.iter().position(|(at, _)| *at == position);
    let keys = since
        .and_then(|since| named.keys.get(since..))
        .unwrap_or_default();
    let held = read_checkpoint(&path).ok().flatten();
    if held.is_some_and(|held| is_note(target, &held, position, keys, size).is_ok()) {
        return Ok(0);
    }
    target.write_checkpoint(&path, note)?;
    Ok(1)
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

/// Makes a register in the new folder `to` from the `public/` and `mirror/` in `from`, and checks it against the
/// checkpoint, by `key` or else by the key that the restored events themselves name.
///
/// # Errors
/// `NOT_EMPTY`; `NOT_SIGNED`, `FORGED_SIGNATURE`, `OTHER_LOG`; `BAD_BUNDLE` and `LOG_DAMAGED` with the first bad
/// position; `CHECKPOINT_MISSING`, `TILE_MISSING`, `CAMPAIGN_MISSING`, `CAMPAIGN_CHANGED`, `CHECKPOINT_DAMAGED`,
/// `NOT_A_REGISTER`, `IO`. Nothing is left in `to` then.
pub fn restore(
    from: &Path,
    to: &Path,
    key: Option<&VerifierKey>,
    progress: impl FnMut(u64, u64),
) -> Result<Restored, EngineError> {
    let source = Files::new(from);
    let file = folder::read_register_file(&source.mirror())?;
    let published = read_checkpoint(&source.checkpoint())?;
    let signed = newer(&source, published.as_ref());
    let checkpoint = signed.as_ref().or(published.as_ref()).cloned();
    let path = source.checkpoint();
    let checkpoint = checkpoint.ok_or(EngineError::CheckpointMissing { path })?;
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
        let named = Named::by(&log)?;
        self.file.public_key = named.key().to_owned();
        self.checkpoint
            .check(&VerifierKey::parse(&self.file.public_key)?)?;
        self.source.check_campaigns(&named)?;
        self.attachments()?;
        self.check_campaigns(&log, named.campaigns.get(1..).unwrap_or_default())?;
        let target = Files::new(self.to);
        target.create()?;
        copy_attachments(&self.to.join("attachments"), &target.mirror().join("attachments"))?;
        for (position, _) in named.keys.iter().skip(1) {
            // One that is of no use vouches for nobody, here or there.
            if let Ok(Some(note)) = read_checkpoint(&self.source.rotation(*position)) {
                target.write_checkpoint(&target.rotation(*position), &note)?;
            }
        }
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
        let size = self.checkpoint.unchecked().size;
        let place =
            position.map(|position| (position, Tile::at(TileKind::Entries, position / TILE_WIDTH, size)));
        match place {
            Some((position, Some(bundle))) => EngineError::BundleDamaged {
                bundle: bundle.to_string(),
                position: Position::new(position),
            },
            _ => EngineError::NotAsSigned { position: None, size },
        }
    }

    /// Copies the campaign files that are what their names say.
    fn attachments(&self) -> Result<(), EngineError> {
        let to = self.to.join("attachments");
        for folder in [&to, &folder::projections(self.to)] {
            fs::create_dir(folder).map_err(|error| EngineError::io("make", folder, error))?;
        }
        copy_attachments(&self.source.mirror().join("attachments"), &to).map(drop)
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
        let bytes = bounded::read(&path, BUNDLE_BYTES_MAX).ok()?;
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
