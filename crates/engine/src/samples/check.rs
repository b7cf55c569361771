//! Checking a draw: computed anew from the log, whatever is kept. Whoever has the published files can do it too: a
//! register is restored from them for the moment of the question.

use std::{
    fs,
    path::{Path, PathBuf},
};

use shilu_merkle::VerifierKey;
use shilu_model::{RecordName, Timestamp};
use uuid::Uuid;

use super::{
    listing::Sample,
    told::{Measured, Told},
};
use crate::{
    engine::{Engine, Options},
    error::EngineError,
    evidence::restore,
};

/// What a check of a draw found.
#[derive(Clone, Debug)]
pub struct SampleCheck {
    /// The sample with its draw, computed anew.
    pub sample: Sample,
    /// Records that were visited for it though they were not drawn: they count nowhere.
    pub strays: Vec<RecordName>,
    /// How many events the log had.
    pub events: u64,
    /// When the last of them was recorded.
    pub until: Timestamp,
}

impl Engine {
    /// Draws a sample anew from the log: its announcement, its checkpoint, what was revealed, and the records that were
    /// in scope.
    ///
    /// # Errors
    /// `NO_RECORD`, `NO_DRAW`, `DRAW_INVALID`, and what the log says.
    pub fn check_sample(&self, id: &str) -> Result<SampleCheck, EngineError> {
        let (end, until) = {
            let projections = self.read();
            (projections.end(), projections.last_recorded())
        };
        let told = self.told(id, end)?;
        self.shared.samples.forget(told.position);
        let drawing = self.drawn_of(&told)?;
        let strays = match told.measured() {
            Measured::Records { .. } => self.strays(&told, |name| {
                drawing.drawn.iter().any(|drawn| drawn.record == *name)
            })?,
            // Who is found at a place was not drawn either.
            Measured::Places { of, .. } => self.strays(&told, |name| {
                name.kind() != of.kind || drawing.drawn.iter().any(|drawn| drawn.record == *name)
            })?,
        };
        Ok(SampleCheck {
            sample: self.sample(id)?,
            strays,
            events: end.get(),
            until,
        })
    }

    fn strays(
        &self,
        told: &Told,
        belongs: impl Fn(&RecordName) -> bool,
    ) -> Result<Vec<RecordName>, EngineError> {
        let mut strays = Vec::new();
        for stored in self.citing(told)? {
            let event = stored.event();
            let name = RecordName::new(event.kind, event.key);
            strays.extend(name.ok().filter(|name| event.outcome.is_some() && !belongs(name)));
        }
        strays.sort_unstable();
        strays.dedup();
        Ok(strays)
    }
}

/// Draws a sample anew from published files: a folder with `public/` and `mirror/`. `key` is trusted for the checkpoint;
/// without one, the key that the events themselves name.
///
/// # Errors
/// As [`restore`] and [`Engine::check_sample`].
pub fn check_published(from: &Path, key: Option<&VerifierKey>, id: &str) -> Result<SampleCheck, EngineError> {
    let folder = Temporary::new()?;
    let register = folder.0.join("register");
    restore(from, &register, key, |_, _| ())?;
    let options = Options {
        unpublished: true,
        ..Options::default()
    };
    let engine = Engine::open(&register, options)?;
    let checked = engine.check_sample(id);
    engine.close()?;
    checked
}

/// A folder that goes away with its holder.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Result<Self, EngineError> {
        let path = std::env::temp_dir().join(format!("shilu-check-{}", Uuid::now_v7()));
        fs::create_dir(&path).map_err(|error| EngineError::io("make", &path, error))?;
        Ok(Temporary(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Nothing depends on it; the system clears its folder of temporary files too.
        let _ = fs::remove_dir_all(&self.0);
    }
}
