//! The draws that count, case by case: every drawn record with the events that decide what it counts as. What a rate of a
//! draw rests on, and whose errors it shows, follow from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use shilu_model::{Event, Indicator, Position, RecordName, Timestamp, Verdict};
use shilu_projections::{Projections, Slot, Wanted};

use super::{
    course::course,
    drawing::{Drawing, DrawnRecord},
    results::{Results, VisitResult, verdicts},
    told::{Measured, Told},
};
use crate::{
    engine::Engine,
    error::EngineError,
    query::{At, StoredEvent},
};

/// A sample some strata of which count.
pub(crate) struct Claimed {
    pub told: Told,
    /// Those of its strata that count.
    pub strata: BTreeSet<String>,
    /// Up to where the log is known.
    pub end: Position,
    /// Every event that cites it and checks something.
    pub checks: Vec<StoredEvent>,
    drawing: Arc<Result<Drawing, String>>,
    results: Arc<Results>,
}

/// A drawn record that counts.
pub(crate) struct Drawn<'a> {
    pub record: &'a DrawnRecord,
    pub visit: &'a VisitResult,
    /// The checks of it that cite the announcement, oldest first.
    pub checks: Vec<Event<'a>>,
    /// Which of them decides; an attempt decides as long as there is nothing better.
    pub decides: Option<usize>,
    /// Whether that is all, and nobody need go there again.
    pub settled: bool,
}

impl Engine {
    /// The samples behind what the draws of an indicator say of an area.
    pub(crate) fn claimed(
        &self,
        indicator: &Indicator,
        area: Option<&str>,
        at: At,
    ) -> Result<Vec<Claimed>, EngineError> {
        let mut all: Vec<Claimed> = Vec::new();
        for (told, stratum) in self.counting(indicator, area, at)? {
            if let Some(same) = all.iter_mut().find(|one| one.told.position == told.position) {
                same.strata.insert(stratum);
                continue;
            }
            let Some(drawing) = self.drawing(&told)? else {
                continue;
            };
            let Ok(drawn) = &*drawing else { continue };
            let results = self.results(&told, drawn)?;
            let mut checks = self.citing(&told)?;
            checks.retain(|stored| stored.event().outcome.is_some());
            all.push(Claimed {
                told,
                strata: BTreeSet::from([stratum]),
                end: at.known_end,
                checks,
                drawing,
                results,
            });
        }
        Ok(all)
    }

    /// The drawn records of the strata that count.
    pub(crate) fn drawn_records<'a>(&self, claimed: &'a Claimed) -> Vec<Drawn<'a>> {
        let (told, Some(drawing)) = (&claimed.told, claimed.drawing()) else {
            return Vec::new();
        };
        let duties = self.duties(told, drawing);
        let mut by_record: BTreeMap<(&str, &str), Vec<Event<'a>>> = BTreeMap::new();
        for event in claimed.checks.iter().map(StoredEvent::event) {
            by_record.entry((event.kind, event.key)).or_default().push(event);
        }
        let counted = drawing.drawn.iter().zip(&claimed.results.visits);
        let counted = counted.filter(|(record, _)| claimed.strata.contains(&record.stratum));
        let drawn = counted.map(|(record, visit)| {
            let name = (record.record.kind(), record.record.key());
            let checks = by_record.remove(&name).unwrap_or_default();
            let duty = duties.get(&record.record);
            let course = course(&checks.iter().collect::<Vec<_>>(), duty, told.campaign.zone);
            Drawn {
                record,
                visit,
                checks,
                decides: course.settled.or(course.last_attempt),
                settled: course.settled.is_some(),
            }
        });
        drawn.collect()
    }

    /// The event that voided a record after it was frozen.
    pub(crate) fn void_after(&self, claimed: &Claimed, record: &RecordName) -> Option<Position> {
        let (frozen, end) = (claimed.told.position, claimed.end);
        let projections = self.read();
        let (slot, subjects) = (slot_of(&projections, record)?, &projections.subjects);
        let wanted = Wanted::Only(None);
        let entries = subjects.records.entries(slot, end, wanted, &subjects.names);
        let void = entries
            .iter()
            .find(|entry| entry.position > frozen && entry.void.is_some());
        void.map(|entry| entry.position)
    }

    /// The positions of a record's events that make up its state at a pair of times.
    pub(crate) fn events_until(
        &self,
        record: &RecordName,
        (effective, end): (Timestamp, Position),
    ) -> Vec<Position> {
        let projections = self.read();
        let Some(slot) = slot_of(&projections, record) else {
            return Vec::new();
        };
        let (subjects, wanted) = (&projections.subjects, Wanted::Only(None));
        let entries = subjects.records.entries(slot, end, wanted, &subjects.names);
        let taken = entries.iter().filter(|entry| entry.effective <= effective);
        taken.map(|entry| entry.position).collect()
    }
}

/// A record's place in the projections.
pub(crate) fn slot_of(projections: &Projections, record: &RecordName) -> Option<Slot> {
    let subjects = &projections.subjects;
    let kind = subjects.names.find(record.kind())?;
    subjects.records.find(kind, record.key())
}

impl Claimed {
    /// The stratum that a record of an area belongs to, if it counts.
    pub fn stratum_of<'a>(&'a self, area: &'a str) -> Option<&'a str> {
        let stratum = self.told.strata.of(area);
        (self.told.covers(area) && self.strata.contains(stratum)).then_some(stratum)
    }

    /// The essential fields that are compared; none where places are drawn.
    pub fn essential(&self) -> &[String] {
        match self.told.measured() {
            Measured::Records { essential, .. } => essential,
            Measured::Places { .. } => &[],
        }
    }

    /// What was drawn.
    pub fn drawing(&self) -> Option<&Drawing> {
        self.drawing.as_ref().as_ref().ok()
    }
}

impl Drawn<'_> {
    /// The check that decides.
    pub fn check(&self) -> Option<&Event<'_>> {
        self.checks.get(self.decides?)
    }

    /// The verdict on each essential field.
    pub fn verdicts(&self, essential: &[String]) -> Vec<Option<Verdict>> {
        self.check()
            .map_or_else(|| vec![None; essential.len()], |event| verdicts(event, essential))
    }
}
