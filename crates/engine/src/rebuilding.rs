//! Folds the log anew and compares what comes out with what is saved: for whoever audits, and to put it right.
//!
//! A saved set may stand before the log's end, and is taken up at the next start all the same. So each file is compared
//! at the position at which it says that it stands: the fold pauses there.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use shilu_log::Log;
use shilu_model::Position;
use shilu_projections::{Projections, saved_end};

use crate::{
    engine::{Engine, Opened, Options, open_log},
    error::EngineError,
    folder, saved,
};

/// What a rebuild found.
#[derive(Clone, Debug)]
pub struct Rebuilt {
    /// How many events were folded.
    pub events: u64,
    /// The files of the set, one by one.
    pub files: Vec<Compared>,
}

impl Rebuilt {
    /// The first file that is not what the log gives.
    pub fn first_wrong(&self) -> Option<&Compared> {
        self.files.iter().find(|file| file.same == Some(false))
    }
}

/// A file of the saved set, as it was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Its name.
    pub name: String,
    /// The position at which it says that it stands; `None` where there is no file, or one that says nothing.
    pub at: Option<Position>,
    /// Whether it has the bytes that the log gives at that position (at the log's end, where it says none). `None`
    /// where nothing is saved, or only something that stands where no chunk of this log ends, and is never taken up.
    pub same: Option<bool>,
}

impl Engine {
    /// Folds the log anew from its first event, compares the result with what is saved, and saves it.
    ///
    /// `progress` gets how many events are folded, and how many there are.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn rebuild(
        dir: &Path,
        options: &Options,
        progress: impl FnMut(u64, u64),
    ) -> Result<Rebuilt, EngineError> {
        let (rebuilt, projections, log) = refold(dir, options, progress)?;
        saved::save(dir, &projections, &log)?;
        Ok(rebuilt)
    }

    /// As [`Engine::rebuild`], and saves nothing: for whoever audits.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn compare_saved(
        dir: &Path,
        options: &Options,
        progress: impl FnMut(u64, u64),
    ) -> Result<Rebuilt, EngineError> {
        refold(dir, options, progress).map(|(rebuilt, ..)| rebuilt)
    }
}

fn refold(
    dir: &Path,
    options: &Options,
    mut progress: impl FnMut(u64, u64),
) -> Result<(Rebuilt, Projections, Log), EngineError> {
    let Opened {
        log,
        campaigns,
        mut projections,
        ..
    } = open_log(dir, options, false)?;
    let end = log.end();
    let mut files: Vec<SavedFile> = Projections::files()
        .into_iter()
        .map(|name| SavedFile::look(dir, name, end))
        .collect();
    let places = files.iter().filter_map(|file| file.place);
    let pauses: BTreeSet<Position> = places.filter(|place| *place <= end).chain([end]).collect();
    for pause in pauses {
        saved::catch_up(&mut projections, (dir, &campaigns), &log, pause, |done| {
            progress(done.get(), end.get());
        })?;
        projections.settle();
        // Nothing is ever taken up that stands elsewhere than at a chunk's end.
        let Some(hash) = log.hash_at(pause)? else { continue };
        for file in files.iter_mut().filter(|file| file.place == Some(pause)) {
            let fresh = digest_of(|out| projections.save(&file.compared.name, hash, out));
            let stored = digest_of(|out| io::copy(&mut File::open(&file.path)?, out).map(drop));
            file.compared.same = Some(matches!((fresh, stored), (Ok(fresh), Ok(stored)) if fresh == stored));
        }
    }
    let files = files.into_iter().map(|file| file.compared).collect();
    let events = end.get();
    Ok((Rebuilt { events, files }, projections, log))
}

/// A file of the set, before it is compared.
struct SavedFile {
    path: PathBuf,
    /// Where it is compared; `None` if it is not there.
    place: Option<Position>,
    compared: Compared,
}

impl SavedFile {
    fn look(dir: &Path, name: String, end: Position) -> SavedFile {
        let path = folder::projections(dir).join(&name);
        let header = header(&path);
        let at = header.as_deref().and_then(saved_end);
        SavedFile {
            path,
            place: header.map(|_| at.unwrap_or(end)),
            compared: Compared { name, at, same: None },
        }
    }
}

/// The first bytes of a file, as many as tell where it stands; fewer if it is shorter. `None` without a file.
fn header(path: &Path) -> Option<Vec<u8>> {
    /// The magic, the version and the position: more does no harm.
    const HEADER_BYTES: u64 = 64;
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    // One that cannot be read says nothing, and is found to differ.
    let _ = file.take(HEADER_BYTES).read_to_end(&mut bytes);
    Some(bytes)
}

fn digest_of(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<[u8; 32]> {
    let mut out = BufWriter::with_capacity(1 << 20, Digesting(Sha256::new()));
    write(&mut out)?;
    let digesting = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(digesting.0.finalize().into())
}

struct Digesting(Sha256);

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
