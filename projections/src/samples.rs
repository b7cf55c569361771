//! Samples: which were announced, what was added to each, and which events cite an announcement. So the visits of a draw
//! are found without a look at anything else, and whoever keeps a result knows whether it is still the newest.

use std::{collections::BTreeMap, io};

use shilu_model::{Event, EventId, Position, SAMPLE_INDICATOR, SAMPLE_KIND, Value};

use crate::bytes::{Loader, Saver, malformed};

/// Every announced sample.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// In the order of their announcements.
    announced: Vec<AnnouncedSample>,
    place_of: BTreeMap<[u8; 16], usize>,
    place_by_key: BTreeMap<String, usize>,
    /// Where records were voided: that may change what a drawn one counts as.
    voids: Vec<Position>,
}

/// One announced sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncedSample {
    /// The record's key.
    pub key: String,
    /// The indicator that it measures.
    pub indicator: String,
    /// The announcement.
    pub id: EventId,
    /// Where it stands.
    pub position: Position,
    /// The later events on the sample itself, oldest first.
    pub added: Vec<Position>,
    /// The events on other records that cite the announcement, oldest first.
    pub citing: Vec<Position>,
}

impl Samples {
    /// Adds an event.
    pub fn apply(&mut self, event: &Event<'_>) {
        if event.is_announcement() {
            let named = event
                .changes
                .iter()
                .find(|change| change.field == SAMPLE_INDICATOR);
            let indicator = match named.and_then(|change| change.after) {
                Some(Value::Text(indicator)) => indicator.to_owned(),
                _ => String::new(),
            };
            self.push(AnnouncedSample {
                key: event.key.to_owned(),
                indicator,
                id: event.id,
                position: event.position,
                added: Vec::new(),
                citing: Vec::new(),
            });
        } else if event.kind == SAMPLE_KIND {
            let place = self.place_by_key.get(event.key);
            if let Some(sample) = place.and_then(|place| self.announced.get_mut(*place)) {
                sample.added.push(event.position);
            }
        } else if let Some(cause) = event.cause {
            let place = self.place_of.get(&cause.bytes());
            if let Some(sample) = place.and_then(|place| self.announced.get_mut(*place)) {
                sample.citing.push(event.position);
            }
        }
        if event.because.is_some_and(|because| because.voids()) {
            self.voids.push(event.position);
        }
    }

    fn push(&mut self, sample: AnnouncedSample) {
        let place = self.announced.len();
        self.place_of.insert(sample.id.bytes(), place);
        self.place_by_key.insert(sample.key.clone(), place);
        self.announced.push(sample);
    }

    /// All of them, in the order of their announcements.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &AnnouncedSample> {
        self.announced.iter()
    }

    /// One by its key.
    pub fn find(&self, key: &str) -> Option<&AnnouncedSample> {
        self.announced.get(*self.place_by_key.get(key)?)
    }

    /// How many records were voided before a position.
    pub fn voids_before(&self, end: Position) -> usize {
        self.voids.partition_point(|position| *position < end)
    }

    pub(crate) fn save(&self, saver: &mut Saver<'_>) -> io::Result<()> {
        saver.count(self.announced.len())?;
        for sample in &self.announced {
            saver.bytes(sample.key.as_bytes())?;
            saver.bytes(sample.indicator.as_bytes())?;
            saver.bytes(&sample.id.bytes())?;
            saver.number(sample.position.get())?;
            save_positions(&sample.added, saver)?;
            save_positions(&sample.citing, saver)?;
        }
        save_positions(&self.voids, saver)
    }

    pub(crate) fn load(loader: &mut Loader<'_>) -> io::Result<Self> {
        let mut samples = Samples::default();
        for _ in 0..loader.count()? {
            let mut text = || String::from_utf8(loader.bytes()?).map_err(|_| malformed());
            let (key, indicator) = (text()?, text()?);
            let id = loader.bytes()?.try_into().map_err(|_| malformed())?;
            samples.push(AnnouncedSample {
                key,
                indicator,
                id: EventId::from_bytes(id),
                position: Position::new(loader.number()?),
                added: load_positions(loader)?,
                citing: load_positions(loader)?,
            });
        }
        samples.voids = load_positions(loader)?;
        Ok(samples)
    }
}

fn save_positions(positions: &[Position], saver: &mut Saver<'_>) -> io::Result<()> {
    saver.count(positions.len())?;
    let mut last = 0;
    for position in positions {
        saver.number(position.get().saturating_sub(last))?;
        last = position.get();
    }
    Ok(())
}

fn load_positions(loader: &mut Loader<'_>) -> io::Result<Vec<Position>> {
    let (mut positions, mut last) = (Vec::new(), 0u64);
    for _ in 0..loader.count()? {
        last = last.checked_add(loader.number()?).ok_or_else(malformed)?;
        positions.push(Position::new(last));
    }
    Ok(positions)
}
