//! What was computed for samples, kept as long as the events behind it are the same. It can be dropped at any time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use shilu_model::{Position, RecordName};

use super::{
    course::Duty, drawing::Drawing, matching::FrozenChildren, places::Lists, results::Results, told::Told,
};
use crate::query::StoredEvent;

/// Computed parts of samples, by the announcement's position.
#[derive(Default)]
pub(crate) struct Cache(Mutex<BTreeMap<Position, Kept>>);

/// What is kept of one sample.
#[derive(Default)]
pub(crate) struct Kept {
    /// What the log says of it, without what changes from event to event.
    pub told: Option<Arc<Told>>,
    /// Records per stratum at the freeze, which nothing changes.
    pub sizes: Option<Arc<BTreeMap<String, u64>>>,
    /// The draw, or why it does not hold, with how many events the sample had after its announcement.
    pub drawing: Option<(usize, Arc<Result<Drawing, String>>)>,
    /// Who was registered at the drawn places at the freeze.
    pub lists: Option<Arc<Lists>>,
    /// Who is to go where, with how many events the sample had after its announcement.
    pub(super) duties: Option<(usize, Arc<BTreeMap<RecordName, Duty>>)>,
    /// By what the frozen register's children are found.
    pub children: Option<Arc<FrozenChildren>>,
    /// The events that cite it, as far as they were read.
    pub cited: Vec<StoredEvent>,
    /// What the visits gave, with how many events of each kind were known that can change it.
    pub results: Option<(Known, Arc<Results>)>,
}

/// How many events were known: on the sample, citing it, and voiding anything.
pub(crate) type Known = (usize, usize, usize);

impl Cache {
    pub fn lock(&self) -> MutexGuard<'_, BTreeMap<Position, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
