//! A dishonest operator: has the register's own key, and software that keeps no rule. Takes a register's events, alters
//! them, and makes a new register of them whose log, tiles, bundles and checkpoint all agree and are truly signed.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
};

use shilu_engine::model::{Event, EventId, Position, decode, encode};
use shilu_log::{Events, Log, Options, Outcome};
use shilu_merkle::{
    Bundle, Checkpoint, EvidenceError, Hash, Prover, SignedCheckpoint, SignerKey, TILE_HASHES, Tile,
    TileKind, Tiling,
};

/// Bytes handed to the log at once: half a commit.
const BATCH_BYTES: usize = 128 * 1024;

/// The stored events of a closed register.
pub fn entries(dir: &Path) -> Vec<Vec<u8>> {
    let log = Log::open(dir, Options::default()).unwrap();
    let mut entries = Vec::new();
    for chunk in log.scan_verified(Position::ZERO, log.end()) {
        entries.extend(chunk.unwrap().iter().map(|(_, bytes)| bytes.to_vec()));
    }
    entries
}

/// Changes one event and stores what comes of it in the one form that it has.
pub fn edit(entry: &mut Vec<u8>, change: impl FnOnce(&mut Event<'_>)) {
    let stored = std::mem::take(entry);
    let mut event = decode(&stored).unwrap();
    change(&mut event);
    encode(&event, entry).unwrap();
}

/// Gives every event the position at which it stands.
pub fn renumber(entries: &mut [Vec<u8>]) {
    for (entry, position) in entries.iter_mut().zip(0..) {
        edit(entry, |event| event.position = Position::new(position));
    }
}

/// An id that nobody has used.
pub fn other_id(id: EventId) -> EventId {
    let mut bytes = id.bytes();
    bytes[15] ^= 0xff;
    EventId::from_bytes(bytes)
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) -> PathBuf {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => drop(copy(&entry.path(), &target)),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
    to.to_owned()
}

/// Makes the register `to` of the events of the register `from`, altered: with the same key, a chain of chunks of its
/// own, and everything published anew.
pub fn rewrite(from: &Path, to: &Path, alter: impl FnOnce(&mut Vec<Vec<u8>>)) -> PathBuf {
    let mut entries = entries(from);
    alter(&mut entries);
    fs::create_dir_all(to.join("projections")).unwrap();
    for name in ["register.toml", "key"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
    copy(&from.join("attachments"), &to.join("attachments"));
    copy(&from.join("mirror/attachments"), &to.join("mirror/attachments"));
    fs::copy(from.join("mirror/register.toml"), to.join("mirror/register.toml")).unwrap();
    write_log(to, &entries);
    publish(to, &entries);
    to.to_owned()
}

fn write_log(dir: &Path, entries: &[Vec<u8>]) {
    let log = Log::create(dir, Options::default()).unwrap();
    let (tell, told) = mpsc::channel();
    let writer = log
        .writer(move |outcome: Outcome<()>| {
            if let Outcome::Failed { error, .. } = outcome {
                tell.send(error).unwrap();
            }
        })
        .unwrap();
    let (mut first, mut next, mut batch) = (0, 0, Events::new());
    for entry in entries {
        if batch.bytes_len() + entry.len() > BATCH_BYTES {
            let full = std::mem::take(&mut batch);
            writer.submit(Position::new(first), full, ()).unwrap();
            first = next;
        }
        batch.push(entry);
        next += 1;
    }
    writer.submit(Position::new(first), batch, ()).unwrap();
    writer.close().unwrap();
    assert!(told.try_recv().is_err(), "the log could not be written");
}

/// The register's signing key.
pub fn key(dir: &Path) -> SignerKey {
    let text = fs::read_to_string(dir.join("key")).unwrap();
    SignerKey::parse(text.lines().next().unwrap()).unwrap()
}

/// Publishes these entries, as an honest register would.
fn publish(dir: &Path, entries: &[Vec<u8>]) {
    let write = |folder: &str, tile: Tile, bytes: &[u8]| {
        let path = dir.join(folder).join(tile.to_string());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let hashes = |level, index, hashes: &[Hash]| {
        let (kind, width) = (TileKind::Hashes(level), hashes.len());
        write("public", Tile { kind, index, width }, &Tile::bytes(hashes));
    };
    let mut tiling = Tiling::default();
    for entry in entries {
        tiling.push(Hash::leaf(entry), |full| {
            hashes(full.level, full.index, &full.hashes);
        });
    }
    for (level, index, partial) in tiling.partial() {
        hashes(level, index, partial);
    }
    for (entries, index) in entries.chunks(TILE_HASHES).zip(0..) {
        let mut bytes = Vec::new();
        entries
            .iter()
            .for_each(|entry| assert!(Bundle::push(&mut bytes, entry)));
        let (kind, width) = (TileKind::Entries, entries.len());
        write("mirror", Tile { kind, index, width }, &bytes);
    }
    let key = key(dir);
    sign(dir, |said| {
        *said = Checkpoint {
            origin: key.verifier().name().to_owned(),
            size: tiling.size(),
            root: tiling.root(),
        };
    });
}

/// Publishes a checkpoint that says what the operator wants, with the true key's signature.
pub fn sign(dir: &Path, change: impl FnOnce(&mut Checkpoint)) -> SignedCheckpoint {
    let path = dir.join("public/checkpoint");
    let mut said = match fs::read(&path) {
        Ok(bytes) => SignedCheckpoint::parse(&bytes).unwrap().unchecked().clone(),
        Err(_) => Checkpoint {
            origin: String::new(),
            size: 0,
            root: Hash::empty(),
        },
    };
    change(&mut said);
    let signed = said.sign([&key(dir)]);
    fs::write(path, signed.to_string()).unwrap();
    signed
}

/// Reads the hash tiles of a folder for proofs. A partial tile that has become full is cut from it.
pub fn prover(dir: &Path, size: u64) -> Prover<impl FnMut(Tile) -> Result<Vec<u8>, EvidenceError>> {
    let public = dir.join("public");
    Prover::new(size, move |tile| {
        let width = tile.width;
        let full = Tile {
            width: TILE_HASHES,
            ..tile
        };
        let bytes =
            fs::read(public.join(tile.to_string())).or_else(|_| fs::read(public.join(full.to_string())));
        Ok(bytes.unwrap()[..width * Hash::BYTES].to_vec())
    })
}
