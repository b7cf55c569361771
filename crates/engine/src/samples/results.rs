//! What the visits of a sample give: per drawn record what settled it, per stratum what counts.

use std::{collections::BTreeMap, sync::Arc};

use shilu_model::{Event, Outcome, Position, RecordName, RosterRate, Timestamp, Verdict};
use shilu_projections::Wanted;
use shilu_sampling::{Finding, RosterCounts, RosterRule, RosterStratum, Tally, Unknown, finding, roster};

use super::{
    cache::{Known, Voids},
    course::{Course, Duty, course},
    drawing::Drawing,
    places::PlaceList,
    seen::{Aliases, Place},
    told::{Measured, Told},
};
use crate::{engine::Engine, error::EngineError, query::StoredEvent};

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
    /// Whoever settled it was sent there by the seed.
    pub sent: bool,
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
        let known = self.known(told, drawing);
        let all = self.shared.samples.lock();
        let kept = all.get(&told.position).and_then(|kept| kept.results.get(&known));
        drop(all);
        if let Some(results) = kept {
            return Ok(results);
        }
        let results = Arc::new(self.count(told, drawing)?);
        let mut kept = self.shared.samples.lock();
        let kept = kept.entry(told.position).or_default();
        kept.results.keep(known, Arc::clone(&results));
        Ok(results)
    }

    /// What is known of a sample that can change what it gives.
    pub(super) fn known(&self, told: &Told, drawing: &Drawing) -> Known {
        let voids = self.voids(told, drawing);
        (
            told.added,
            told.citing.len(),
            self.known_voids(told, &voids).len(),
        )
    }

    /// Of the voids those that are known where the sample is looked at: they are the first of all.
    fn known_voids<'v>(&self, told: &Told, voids: &'v Voids) -> &'v Voids {
        let projections = self.read();
        let samples = &projections.trail().samples;
        let known = voids.partition_point(|(position, _)| samples.voids_before(*position) < told.voids);
        voids.get(..known).unwrap_or_default()
    }

    /// Where which drawn records were voided after the announcement, in the order of the log.
    fn voids(&self, told: &Told, drawing: &Drawing) -> Arc<Voids> {
        let projections = self.read();
        let all = projections.trail().samples.voids_before(projections.end());
        let kept = self.shared.samples.lock();
        let known = kept.get(&told.position).and_then(|kept| kept.voids.clone());
        drop(kept);
        if let Some((_, voids)) = known.filter(|(of, _)| *of == all) {
            return voids;
        }
        let subjects = &projections.subjects;
        let mut voids: Vec<(Position, RecordName)> = Vec::new();
        for drawn in &drawing.drawn {
            let kind = subjects.names.find(drawn.record.kind());
            let slot = kind.and_then(|kind| subjects.records.find(kind, drawn.record.key()));
            let entries = slot.map_or_else(Vec::new, |slot| {
                let only = Wanted::Only(None);
                subjects
                    .records
                    .entries(slot, projections.end(), only, &subjects.names)
            });
            let later = entries.iter().filter(|entry| entry.void.is_some());
            let later = later.filter(|entry| entry.position > told.position);
            voids.extend(later.map(|entry| (entry.position, drawn.record.clone())));
        }
        voids.sort_unstable();
        let voids: Arc<Voids> = voids.into();
        let mut kept = self.shared.samples.lock();
        kept.entry(told.position).or_default().voids = Some((all, Arc::clone(&voids)));
        voids
    }

    fn count(&self, told: &Told, drawing: &Drawing) -> Result<Results, EngineError> {
        let stored = self.citing(told)?;
        let events: Vec<Event<'_>> = stored.iter().map(StoredEvent::event).collect();
        let duties = self.duties(told, drawing);
        let mut by_record: BTreeMap<(&str, &str), Vec<&Event<'_>>> = BTreeMap::new();
        for event in events.iter().filter(|event| told.is_visit(event)) {
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
        let courses = drawing.drawn.iter().map(|drawn| {
            let own = by_record.get(&(drawn.record.kind(), drawn.record.key()));
            let own = own.map_or(&[][..], Vec::as_slice);
            let duty = duties.get(&drawn.record);
            (drawn, own, course(own, duty, told.campaign.zone), duty)
        });
        let courses: Vec<_> = courses.collect();
        let aliases = match told.measured() {
            Measured::Places { children, .. } => {
                let lists = courses.iter().flat_map(|(drawn, own, course, _)| {
                    let steps = [course.settled, course.recheck].into_iter().flatten();
                    steps.filter_map(|step| Some((&drawn.record, *own.get(step)?)))
                });
                self.aliases(told, children, &lists.collect::<Vec<_>>(), &events)
            }
            Measured::Records { .. } => Aliases::default(),
        };
        let voids = self.voids(told, drawing);
        let voids = self.known_voids(told, &voids);
        let is_void = |record: &RecordName| voids.iter().any(|(_, void)| void == record);
        for (drawn, own, course, duty) in courses {
            let mut visit = VisitResult::of(own, &course, duty);
            let mut last = visit.at;
            match told.measured() {
                Measured::Records { essential, .. } => {
                    let found = match is_void(&drawn.record) {
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
                        aliases: &aliases,
                    };
                    let at = |step: Option<usize>| step.and_then(|step| own.get(step).copied());
                    let rule = RosterRule::of(told.freeze_day(), rate);
                    let projections = self.read();
                    let (seen, answered) = place.seen(at(course.settled), &events, &projections);
                    visit.answers_missing = place.wants_answers(&seen);
                    visit.settled = visit.settled && !visit.answers_missing;
                    last = last.max(answered);
                    let counts = roster(&seen, rule);
                    visit.counts = Some(counts);
                    // The third person's list, once it is whole: a count of people by what they are, not of keys.
                    visit.recheck = at(course.recheck).and_then(|third| {
                        let (again, _) = place.seen(Some(third), &events, &projections);
                        let whole = !place.wants_answers(&again) && !visit.answers_missing;
                        whole.then(|| (third.actor.to_owned(), roster(&again, rule) == counts))
                    });
                    drop(projections);
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
}

impl VisitResult {
    fn of(events: &[&Event<'_>], course: &Course, duty: Option<&Duty>) -> Self {
        let decides = course.settled.or(course.last_attempt);
        let event = decides.and_then(|place| events.get(place));
        VisitResult {
            attempts: course.attempts,
            outcome: event.and_then(|event| event.outcome),
            actor: event.map(|event| event.actor.to_owned()),
            at: event.map(|event| event.recorded),
            settled: course.settled.is_some(),
            sent: event.is_some_and(|event| duty.is_some_and(|duty| duty.since < event.position)),
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
pub(super) fn verdicts(event: &Event<'_>, essential: &[String]) -> Vec<Option<Verdict>> {
    let verdict = |field: &String| {
        let mut observed = event.observed.iter().filter(|observed| observed.field == field);
        observed.next().map(|observed| observed.verdict)
    };
    essential.iter().map(verdict).collect()
}

/// The rate of a roster, with the letter of the law it follows.
pub(super) const fn rate_of(measured: Measured<'_>) -> Option<RosterRate> {
    match measured {
        Measured::Records { .. } => None,
        Measured::Places { rate, .. } => Some(rate),
    }
}
