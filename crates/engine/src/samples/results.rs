//! What the visits of a sample give: per drawn record what settled it, per stratum what counts.

use std::{collections::BTreeMap, sync::Arc};

use shilu_model::{
    Children, Day, Event, Outcome, Position, RecordName, RosterRate, Timestamp, Value, Verdict,
};
use shilu_projections::{Projections, Wanted};
use shilu_sampling::{
    Answer, Departure, Finding, Found, Listing, Roster, RosterCounts, RosterRule, RosterStratum, Standing,
    Tally, Unknown, finding, roster,
};

use super::{
    cache::Known,
    course::{Course, course},
    drawing::{Drawing, DrawnRecord},
    places::{PlaceList, frozen_status},
    told::{Measured, Told},
};
use crate::{engine::Engine, error::EngineError, query::StoredEvent};

/// The date field that says when somebody left.
pub(super) const LEFT_FIELD: &str = "left";

/// What the visits of a sample gave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    /// For each drawn record, in the order of the draw.
    pub visits: Vec<VisitResult>,
    /// Of a draw of records: by stratum.
    pub tallies: BTreeMap<String, Tally>,
    /// Of a draw of places: by stratum.
    pub rosters: BTreeMap<String, RosterStratum>,
    /// When the last visit was settled; `None` while one is not.
    pub completed: Option<Timestamp>,
}

/// What the visit to one drawn record gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct VisitResult {
    pub attempts: usize,
    pub outcome: Option<Outcome>,
    pub actor: Option<String>,
    pub at: Option<Timestamp>,
    /// Nothing more is to be done.
    pub settled: bool,
    /// Of a place: its list was entered and the answers to what was then shown are missing.
    pub answers_missing: bool,
    /// What it counts as: of a record.
    pub finding: Option<Finding>,
    /// What it counts: of a place.
    pub counts: Option<RosterCounts>,
    /// Who checked it again, and whether they say the same.
    pub recheck: Option<(String, bool)>,
}

impl Engine {
    /// What the visits that are known give.
    pub(super) fn results(&self, told: &Told, drawing: &Drawing) -> Result<Arc<Results>, EngineError> {
        let known: Known = (told.added, told.citing.len(), told.voids);
        let all = self.shared.samples.lock();
        let kept = all.get(&told.position).and_then(|kept| kept.results.clone());
        drop(all);
        if let Some((_, results)) = kept.filter(|(of, _)| *of == known) {
            return Ok(results);
        }
        let results = Arc::new(self.count(told, drawing)?);
        let mut kept = self.shared.samples.lock();
        kept.entry(told.position).or_default().results = Some((known, Arc::clone(&results)));
        Ok(results)
    }

    fn count(&self, told: &Told, drawing: &Drawing) -> Result<Results, EngineError> {
        let stored = self.citing(told)?;
        let events: Vec<Event<'_>> = stored.iter().map(StoredEvent::event).collect();
        let duties = self.duties(told, drawing);
        let mut by_record: BTreeMap<(&str, &str), Vec<&Event<'_>>> = BTreeMap::new();
        for event in events.iter().filter(|event| event.outcome.is_some()) {
            by_record.entry((event.kind, event.key)).or_default().push(event);
        }
        let mut results = Results::default();
        for (stratum, population) in drawing.sizes.iter() {
            let tally = Tally {
                population: *population,
                ..Tally::default()
            };
            results.tallies.insert(stratum.clone(), tally);
            let places = Vec::new();
            let population = *population;
            results
                .rosters
                .insert(stratum.clone(), RosterStratum { population, places });
        }
        let mut completed = Some(told.draw_at);
        let mut findings: BTreeMap<&str, Vec<Finding>> = BTreeMap::new();
        let lists = match told.measured() {
            Measured::Places { children, rate, .. } => Some(self.lists(told, drawing, (children, rate))),
            Measured::Records { .. } => None,
        };
        for drawn in &drawing.drawn {
            let own = by_record.get(&(drawn.record.kind(), drawn.record.key()));
            let own = own.map_or(&[][..], Vec::as_slice);
            let course = course(own, duties.get(&drawn.record), told.campaign.zone);
            let mut visit = VisitResult::of(own, &course);
            let mut last = visit.at;
            match told.measured() {
                Measured::Records { essential, .. } => {
                    let found = match self.voided(told, &drawn.record) {
                        true => Finding::Wrong,
                        false => finding_of(own, &course, essential),
                    };
                    visit.finding = Some(found);
                    visit.compare(own, &course, essential);
                    findings.entry(&drawn.stratum).or_default().push(found);
                }
                Measured::Places { children, rate, .. } => {
                    let none = PlaceList::default();
                    let lists = lists.as_ref();
                    let list = lists.and_then(|lists| lists.get(drawn.record.as_str()));
                    let place = Place {
                        told,
                        drawn,
                        list: list.unwrap_or(&none),
                        children,
                    };
                    let settled = course.settled.and_then(|settled| own.get(settled).copied());
                    let projections = self.read();
                    let (seen, answered) = place.seen(settled, &events, &projections);
                    drop(projections);
                    visit.answers_missing = place.wants_answers(&seen);
                    visit.settled = visit.settled && !visit.answers_missing;
                    last = last.max(answered);
                    let counts = roster(&seen, RosterRule::of(told.freeze_day(), rate));
                    visit.counts = Some(counts);
                    if let Some(stratum) = results.rosters.get_mut(&drawn.stratum) {
                        stratum.places.push(counts);
                    }
                }
            }
            completed = match (completed, visit.settled) {
                (Some(completed), true) => Some(last.map_or(completed, |last| completed.max(last))),
                _ => None,
            };
            results.visits.push(visit);
        }
        for (stratum, found) in findings {
            if let Some(tally) = results.tallies.get_mut(stratum) {
                *tally = Tally::of(tally.population, found);
            }
        }
        results.completed = completed;
        Ok(results)
    }

    /// The events that cite the announcement.
    pub(super) fn citing(&self, told: &Told) -> Result<Vec<StoredEvent>, EngineError> {
        let kept = self.shared.samples.lock();
        let mut cited = kept
            .get(&told.position)
            .map_or_else(Vec::new, |kept| kept.cited.clone());
        drop(kept);
        cited.truncate(told.citing.len());
        let read = cited.len();
        for position in told.citing.iter().skip(read) {
            cited.push(self.stored(*position)?);
        }
        if cited.len() > read {
            let mut kept = self.shared.samples.lock();
            let kept = kept.entry(told.position).or_default();
            let longer = kept.cited.len()..;
            kept.cited
                .extend_from_slice(cited.get(longer).unwrap_or_default());
        }
        Ok(cited)
    }

    /// Whether a record was voided after the announcement, as known where the sample is looked at.
    fn voided(&self, told: &Told, record: &RecordName) -> bool {
        let projections = self.read();
        let voids = |position: Position| projections.trail().samples.voids_before(position);
        if voids(told.position) == told.voids {
            return false;
        }
        let subjects = &projections.subjects;
        let kind = subjects.names.find(record.kind());
        let Some(slot) = kind.and_then(|kind| subjects.records.find(kind, record.key())) else {
            return false;
        };
        let end = Position::new(u64::MAX);
        let entries = subjects
            .records
            .entries(slot, end, Wanted::Only(None), &subjects.names);
        // The voids that are known are the first of all.
        let mut later = entries.iter().filter(|entry| entry.position > told.position);
        later.any(|entry| entry.void.is_some() && voids(entry.position) < told.voids)
    }
}

impl VisitResult {
    fn of(events: &[&Event<'_>], course: &Course) -> Self {
        let decides = course.settled.or(course.last_attempt);
        let event = decides.and_then(|place| events.get(place));
        VisitResult {
            attempts: course.attempts,
            outcome: event.and_then(|event| event.outcome),
            actor: event.map(|event| event.actor.to_owned()),
            at: event.map(|event| event.recorded),
            settled: course.settled.is_some(),
            ..VisitResult::default()
        }
    }

    /// What the third person says beside the first.
    fn compare(&mut self, events: &[&Event<'_>], course: &Course, essential: &[String]) {
        let third = course.recheck.and_then(|place| events.get(place));
        self.recheck = third.map(|event| {
            let says = finding(event.outcome, &verdicts(event, essential));
            (event.actor.to_owned(), Some(says) == self.finding)
        });
    }
}

fn finding_of(events: &[&Event<'_>], course: &Course, essential: &[String]) -> Finding {
    let decides = course.settled.or(course.last_attempt);
    match decides.and_then(|place| events.get(place)) {
        None => Finding::Unknown(Unknown::NotVisited),
        Some(event) => finding(event.outcome, &verdicts(event, essential)),
    }
}

/// The verdict on each essential field.
fn verdicts(event: &Event<'_>, essential: &[String]) -> Vec<Option<Verdict>> {
    let verdict = |field: &String| {
        let mut observed = event.observed.iter().filter(|observed| observed.field == field);
        observed.next().map(|observed| observed.verdict)
    };
    essential.iter().map(verdict).collect()
}

/// A drawn place with what the frozen register had of it.
pub(super) struct Place<'a> {
    pub told: &'a Told,
    pub drawn: &'a DrawnRecord,
    pub list: &'a PlaceList,
    pub children: &'a Children,
}

impl<'a> Place<'a> {
    /// What was seen there by whoever settled the visit, and when the last of it was recorded.
    pub fn seen(
        &self,
        settled: Option<&Event<'_>>,
        events: &'a [Event<'a>],
        projections: &Projections,
    ) -> (Roster<'a>, Option<Timestamp>) {
        let registered = self.list.registered.iter().map(String::as_str).collect();
        let settled = settled.filter(|event| event.outcome == Some(Outcome::Present));
        let Some(settled) = settled else {
            return (Roster::Closed { registered }, None);
        };
        let mut listing = Listing {
            registered,
            departures: self.list.departures.iter().map(departure).collect(),
            ..Listing::default()
        };
        let mut last = None;
        let own = events.iter().filter(|event| {
            event.kind == self.children.kind
                && event.actor == settled.actor
                && event.position > settled.position
        });
        for event in own {
            match event.outcome {
                Some(Outcome::Present | Outcome::Unregistered) if self.is_here(event) => {
                    listing.found.push(self.found(event, projections));
                }
                Some(Outcome::Present | Outcome::Unregistered) | None => continue,
                Some(outcome) if self.list.keys().any(|key| key == event.key) => {
                    listing.answers.push((event.key, self.answer(outcome, event)));
                }
                Some(_) => continue,
            }
            last = last.max(Some(event.recorded));
        }
        (Roster::Listed(listing), last)
    }

    /// Whether somebody was shown for whom nothing has been answered.
    pub fn wants_answers(&self, seen: &Roster<'_>) -> bool {
        match seen {
            Roster::Closed { .. } => false,
            Roster::Listed(listing) => listing.answers.is_empty() && self.shown(listing).next().is_some(),
        }
    }

    /// Who is on the list and was not found.
    pub fn shown<'s>(&'s self, listing: &'s Listing<'_>) -> impl Iterator<Item = &'s str> {
        let found = |key: &str| listing.found.iter().any(|found| found.key == key);
        self.list.keys().filter(move |key| !found(key))
    }

    fn is_here(&self, event: &Event<'_>) -> bool {
        let here = Some(Value::Reference(self.drawn.record.as_str()));
        let mut observed = event.observed.iter();
        observed.any(|observed| observed.field == self.children.field && observed.value == here)
    }

    fn found(&self, event: &Event<'a>, projections: &Projections) -> Found<'a> {
        use shilu_model::Status;
        let status = frozen_status(projections, self.told, &self.children.kind, event.key);
        let standing = match status {
            Status::Registered => Standing::Registered,
            Status::Collected => Standing::Collected,
            Status::Deregistered => Standing::Deregistered,
            Status::Absent | Status::Found | Status::Void => Standing::Never,
        };
        let arrived = self.children.arrived.as_deref();
        Found {
            key: event.key,
            standing,
            arrived: arrived.and_then(|field| date_of(event, field)),
            essential: verdicts(event, &self.children.essential),
        }
    }

    fn answer(&self, outcome: Outcome, event: &Event<'_>) -> Answer {
        match outcome {
            Outcome::Gone => {
                let taken = self.told.campaign.zone.day_of(event.effective);
                Answer::Gone(date_of(event, LEFT_FIELD).unwrap_or(taken))
            }
            Outcome::UnknownHere => Answer::UnknownHere,
            _ => Answer::NotSeen,
        }
    }
}

fn departure(of: &(String, Day)) -> Departure<'_> {
    let (key, deregistered) = of;
    Departure {
        key,
        deregistered: *deregistered,
    }
}

fn date_of(event: &Event<'_>, field: &str) -> Option<Day> {
    let mut observed = event.observed.iter().filter(|observed| observed.field == field);
    match observed.next()?.value {
        Some(Value::Date(day)) => Some(day),
        _ => None,
    }
}

/// The rate of a roster, with the letter of the law it follows.
pub(super) const fn rate_of(measured: Measured<'_>) -> Option<RosterRate> {
    match measured {
        Measured::Records { .. } => None,
        Measured::Places { rate, .. } => Some(rate),
    }
}
