//! What was computed for samples, kept as long as the events behind it are the same. It can be dropped at any time.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use shilu_model::{Position, RecordName, Timestamp};

use super::{
    course::Duty, drawing::Drawing, figures::DrawnFigure, matching::FrozenChildren, places::Lists,
    results::Results, told::Told,
};
use crate::query::StoredEvent;

/// Computed parts of samples, by the announcement's position, and what they say of areas.
#[derive(Default)]
pub(crate) struct Cache {
    samples: Mutex<BTreeMap<Position, Kept>>,
    figures: Mutex<HashMap<Asked, Arc<Vec<DrawnFigure>>>>,
}

/// What is kept of one sample.
#[derive(Default)]
pub(crate) struct Kept {
    /// What the log says of it, without what changes from event to event; by how many events it had after its announcement.
    pub told: Versions<usize, Arc<Told>>,
    /// Records per stratum at the freeze, which nothing changes.
    pub sizes: Option<Arc<BTreeMap<String, u64>>>,
    /// The draw, or why it does not hold, by how many events the sample had after its announcement.
    pub drawing: Versions<usize, Arc<Result<Drawing, String>>>,
    /// Where drawn records were voided after the announcement, with how many voids the log had.
    pub voids: Option<(usize, Arc<Voids>)>,
    /// Who was registered at the drawn places at the freeze.
    pub lists: Option<Arc<Lists>>,
    /// Who is to go where, by how many events the sample had after its announcement.
    pub(super) duties: Versions<usize, Arc<BTreeMap<RecordName, Duty>>>,
    /// By what the frozen register's children are found.
    pub children: Option<Arc<FrozenChildren>>,
    /// The events that cite it, as far as they were read.
    pub cited: Vec<StoredEvent>,
    /// What the visits gave, by what was known that can change it.
    pub results: Versions<Known, Arc<Results>>,
}

/// Where records were voided, in the order of the log.
pub(crate) type Voids = [(Position, RecordName)];

/// How many events were known: on the sample, citing it, and voiding what was drawn.
pub(crate) type Known = (usize, usize, usize);

/// Something as it was known at several times: a question about a past day drives nothing out that today's needs.
pub(crate) struct Versions<K, V>(BTreeMap<K, V>);

/// As many as a course of visits has days, twice. Then the versions begin anew.
const VERSIONS_MAX: usize = 32;

/// A question about what draws say. The answer follows from what is in it, and never goes stale.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    pub indicator: String,
    pub area: Option<String>,
    pub by_area: bool,
    /// From which position on the campaign is in force.
    pub campaign: Position,
    pub deadline: Option<Timestamp>,
    /// The announced samples with what is known of them.
    pub samples: Vec<(Position, Known)>,
}

/// Ten indicators, whole and by area, on every day of a year. Then it begins anew.
const FIGURES_MAX: usize = 1 << 13;

impl Cache {
    pub fn lock(&self) -> MutexGuard<'_, BTreeMap<Position, Kept>> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn figures(&self, asked: &Asked) -> Option<Arc<Vec<DrawnFigure>>> {
        let figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        figures.get(asked).cloned()
    }

    pub fn keep_figures(&self, asked: Asked, told: &Arc<Vec<DrawnFigure>>) {
        let mut figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        if figures.len() >= FIGURES_MAX {
            figures.clear();
        }
        figures.insert(asked, Arc::clone(told));
    }

    /// Forgets all that was computed for a sample.
    pub fn forget(&self, sample: Position) {
        self.lock().remove(&sample);
        let mut figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        figures.clear();
    }
}

impl<K, V> Default for Versions<K, V> {
    fn default() -> Self {
        Versions(BTreeMap::new())
    }
}

impl<K: Ord, V: Clone> Versions<K, V> {
    pub fn get(&self, known: &K) -> Option<V> {
        self.0.get(known).cloned()
    }

    pub fn keep(&mut self, known: K, version: V) {
        if self.0.len() >= VERSIONS_MAX {
            self.0.clear();
        }
        self.0.insert(known, version);
    }
}
