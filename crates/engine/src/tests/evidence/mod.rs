//! The evidence beside the log: what is published is right, complete and never contradicts itself, whatever happens.

mod backup;
mod publishing;
mod rotation;
mod signatures;
pub(crate) mod witnesses;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use shilu_merkle::{
    Bundle, Hash, Prover, SignedCheckpoint, Tile, TileKind, Tree, VerifierKey, check_consistency,
};
use shilu_model::Position;

use super::{CAMPAIGN, collect, settable, submit};
use crate::{Because, Engine, EngineError, Init, Options};

const START: &str = "2026-01-05T00:00:00Z";

const WHY: Because<'static> = Because {
    actor: "mayor",
    reason: "a test",
};

fn init(dir: &Path, campaign: &str, options: &Options) {
    let init = Init {
        campaign,
        actor: "mayor",
        simulated: false,
    };
    Engine::init(dir, &init, options).unwrap();
}

/// A new register.
fn fresh(dir: &Path) -> Engine {
    let (_, options) = settable(START);
    init(dir, CAMPAIGN, &options);
    Engine::open(dir, options).unwrap()
}

fn reopen(dir: &Path) -> Result<Engine, EngineError> {
    Engine::open(dir, settable(START).1)
}

/// Why a register is not opened.
fn refused(dir: &Path) -> EngineError {
    match reopen(dir) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

fn shut(engine: Engine) {
    engine.close().unwrap();
    drop(engine);
}

/// Adds events until the log ends at a position.
fn grow_to(engine: &Engine, end: u64) {
    while engine.end().get() < end {
        let first = engine.end().get();
        let list = (first..end.min(first + 1_000)).map(|n| collect(&format!("dwelling/{n}"), "north", 1));
        submit(engine, list.collect()).unwrap();
    }
}

/// Waits for the publication to fulfil a condition.
fn publication(engine: &Engine, enough: impl Fn(&crate::Publication) -> bool) -> crate::Publication {
    let begun = Instant::now();
    let told = engine.publication();
    loop {
        let now = told.borrow().clone();
        if enough(&now) {
            return now;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{now:?}");
        std::thread::yield_now();
    }
}

fn published(engine: &Engine) -> SignedCheckpoint {
    let end = engine.end().get();
    let checkpoint = publication(engine, |one| one.size() >= end).checkpoint;
    SignedCheckpoint::clone(&checkpoint.unwrap())
}

fn trouble(engine: &Engine, code: &str) -> EngineError {
    let has = |one: &crate::Publication| one.trouble.as_ref().is_some_and(|trouble| trouble.code() == code);
    publication(engine, has).trouble.unwrap()
}

fn vkey(engine: &Engine) -> VerifierKey {
    VerifierKey::parse(&engine.key().unwrap()).unwrap()
}

fn entries(engine: &Engine) -> Vec<Vec<u8>> {
    let events = engine.shared.log.scan(Position::ZERO, engine.end());
    let chunks: Vec<_> = events.map(Result::unwrap).collect();
    chunks
        .iter()
        .flat_map(|chunk| chunk.iter().map(|(_, bytes)| bytes.to_vec()))
        .collect()
}

fn root_of(hashes: &[Hash]) -> Hash {
    let mut tree = Tree::default();
    hashes.iter().for_each(|hash| tree.push(*hash));
    tree.root()
}

fn path_of(dir: &Path, tile: &Tile) -> std::path::PathBuf {
    let folder = match tile.kind {
        TileKind::Entries => "mirror",
        TileKind::Hashes(_) => "public",
    };
    dir.join(folder).join(tile.to_string())
}

/// Every file that C2SP `tlog-tiles` requires is there with the bytes of a naive computation over the whole log.
fn assert_published(dir: &Path, events: &[Vec<u8>], checkpoint: &SignedCheckpoint) {
    let size = checkpoint.unchecked().size;
    let events = &events[..usize::try_from(size).unwrap()];
    let mut hashes: Vec<Hash> = events.iter().map(|event| Hash::leaf(event)).collect();
    assert_eq!(root_of(&hashes), checkpoint.unchecked().root, "size {size}");
    for (bundle, index) in events.chunks(256).zip(0..) {
        let tile = Tile {
            kind: TileKind::Entries,
            index,
            width: bundle.len(),
        };
        let mut bytes = Vec::new();
        bundle
            .iter()
            .for_each(|event| assert!(Bundle::push(&mut bytes, event)));
        assert_eq!(fs::read(path_of(dir, &tile)).unwrap(), bytes, "{tile}");
    }
    for level in 0.. {
        for (row, index) in hashes.chunks(256).zip(0..) {
            let (kind, width) = (TileKind::Hashes(level), row.len());
            let tile = Tile { kind, index, width };
            assert_eq!(
                fs::read(path_of(dir, &tile)).unwrap(),
                Tile::bytes(row),
                "{tile} of {size}"
            );
        }
        hashes = hashes
            .as_chunks::<256>()
            .0
            .iter()
            .map(|row| root_of(row))
            .collect();
        if hashes.is_empty() {
            return;
        }
    }
}

fn assert_consistent(dir: &Path, old: &SignedCheckpoint, new: &SignedCheckpoint) {
    let files = crate::evidence::Files::new(dir);
    let (old, new) = (old.unchecked(), new.unchecked());
    let mut prover = Prover::new(new.size, |tile| files.required(&tile));
    let proof = prover.consistency(old.size).unwrap();
    check_consistency((old.size, old.root), (new.size, new.root), &proof).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Puts another register's log in the place of this one's.
fn replace_log(dir: &Path, other: &Path) {
    fs::remove_dir_all(dir.join("log")).unwrap();
    copy(&other.join("log"), &dir.join("log"));
    fs::copy(other.join("head"), dir.join("head")).unwrap();
    fs::remove_dir_all(dir.join("projections")).unwrap();
    fs::create_dir(dir.join("projections")).unwrap();
}

fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[place] ^= 1;
    fs::write(path, bytes).unwrap();
}
