//! What is behind a rate that rests on draws: every drawn record of the draws that count, with what it counts as and the
//! events that say so. Whom the register has at a place is shown once somebody has listed who is there, not before.

use std::collections::BTreeMap;

use shilu_model::{Event, Gone, Indicator, Outcome, Position, RecordName, SAMPLE_KIND};
use shilu_sampling::{Finding, RosterCounts};

use super::{
    claimed::{Claimed, Drawn},
    listing::finding_word,
    places::{Lists, PlaceList},
    seen::Place,
    told::Measured,
};
use crate::{
    behind::{CaseRecord, RateCase},
    engine::Engine,
    error::EngineError,
    query::{At, StoredEvent},
};

/// What a case adds to each column of a rate.
#[derive(Clone, Copy, Default)]
struct Columns {
    right: u64,
    wrong: u64,
    unknown: u64,
    aside: u64,
}

impl Engine {
    /// The cases behind what the draws of an indicator say of an area; `None` for an indicator that is counted.
    pub(crate) fn drawn_evidence(
        &self,
        indicator: &Indicator,
        area: Option<&str>,
        at: At,
    ) -> Result<Option<Vec<RateCase>>, EngineError> {
        let Some(measured) = Measured::of(&indicator.measure) else {
            return Ok(None);
        };
        let mut cases = Vec::new();
        for claimed in self.claimed(indicator, area, at)? {
            let lists = match (claimed.told.measured(), claimed.drawing()) {
                (Measured::Places { children, rate, .. }, Some(drawing)) => {
                    Some(self.lists(&claimed.told, drawing, (children, rate)))
                }
                _ => None,
            };
            for drawn in self.drawn_records(&claimed) {
                cases.push(self.case(measured, (&claimed, lists.as_deref()), &drawn));
            }
        }
        Ok(Some(cases))
    }

    fn case(
        &self,
        measured: Measured<'_>,
        (claimed, lists): (&Claimed, Option<&Lists>),
        drawn: &Drawn<'_>,
    ) -> RateCase {
        let told = &claimed.told;
        let record = &drawn.record.record;
        let columns = match (measured, drawn.visit.finding, drawn.visit.counts) {
            (Measured::Records { gone, .. }, Some(finding), _) => Columns::of_record(finding, gone),
            (Measured::Places { rate, .. }, _, Some(counts)) => Columns::of_place(&counts, rate),
            _ => Columns::default(),
        };
        let checks = drawn.checks.iter().map(|event| event.position);
        let mut events = self.frozen_events(claimed, record);
        events.extend(checks);
        events.extend(self.void_after(claimed, record));
        events.sort_unstable();
        let announcement = [Some(told.position), told.checkpoint.as_ref().map(|(_, at)| *at)];
        let mut records = vec![
            CaseRecord {
                record: format!("{SAMPLE_KIND}/{}", told.id),
                events: announcement.into_iter().flatten().collect(),
                outcome: None,
            },
            CaseRecord {
                record: record.to_string(),
                events,
                outcome: drawn.check().and_then(|check| check.outcome).map(Outcome::word),
            },
        ];
        if let Some(lists) = lists {
            records.extend(self.people(claimed, lists, drawn));
        }
        RateCase {
            case: record.to_string(),
            area: drawn.record.area.clone(),
            actor: String::new(),
            numerator: columns.right,
            denominator: columns.right + columns.wrong,
            unknown: columns.unknown,
            aside: columns.aside,
            sample: Some(told.id.clone()),
            finding: drawn.visit.finding.map(finding_word),
            records,
        }
    }

    /// Who was found at a place, and who was registered there or had left it not long before.
    fn people(&self, claimed: &Claimed, lists: &Lists, drawn: &Drawn<'_>) -> Vec<CaseRecord> {
        let told = &claimed.told;
        let Measured::Places { children, .. } = told.measured() else {
            return Vec::new();
        };
        let Some(settled) = drawn.check().filter(|_| drawn.settled) else {
            return Vec::new();
        };
        let none = PlaceList::default();
        let events: Vec<Event<'_>> = claimed.checks.iter().map(StoredEvent::event).collect();
        let aliases = self.aliases(told, children, &[(&drawn.record.record, settled)], &events);
        let place = Place {
            told,
            drawn: drawn.record,
            list: lists.get(drawn.record.record.as_str()).unwrap_or(&none),
            children,
            aliases: &aliases,
        };
        let mut people: BTreeMap<String, (&'static str, Vec<Position>)> = BTreeMap::new();
        for key in place.list.keys() {
            people.insert(key.to_owned(), ("not-seen", Vec::new()));
        }
        if settled.outcome == Some(Outcome::Present) {
            let listed = place.listed(settled, &events);
            for event in listed.chain(place.answered(settled, &events)) {
                let outcome = match event.outcome {
                    Some(Outcome::NoContact | Outcome::Refused) | None => "not-seen",
                    Some(outcome) => outcome.word(),
                };
                let one = people.entry(place.key_of(event).to_owned()).or_default();
                one.0 = outcome;
                one.1.push(event.position);
            }
        }
        let shown = people.into_iter().filter_map(|(key, (outcome, checks))| {
            let record = RecordName::new(&children.kind, &key).ok()?;
            let mut events = self.frozen_events(claimed, &record);
            events.extend(checks);
            Some(CaseRecord {
                record: record.to_string(),
                events,
                outcome: Some(outcome),
            })
        });
        shown.collect()
    }

    fn frozen_events(&self, claimed: &Claimed, record: &RecordName) -> Vec<Position> {
        self.events_until(record, (claimed.told.recorded, claimed.told.position))
    }
}

impl Columns {
    const fn of_record(finding: Finding, gone: Gone) -> Self {
        let (mut right, mut wrong, mut unknown, mut aside) = (0, 0, 0, 0);
        match (finding, gone) {
            (Finding::Right, _) => right = 1,
            (Finding::Wrong, _) | (Finding::Gone, Gone::Wrong) => wrong = 1,
            (Finding::Gone, Gone::Aside) => aside = 1,
            (Finding::Unknown(_), _) => unknown = 1,
        }
        Columns {
            right,
            wrong,
            unknown,
            aside,
        }
    }

    fn of_place(counts: &RosterCounts, rate: shilu_model::RosterRate) -> Self {
        let counts = counts.rate(rate);
        Columns {
            right: counts.right,
            wrong: counts.wrong,
            unknown: counts.unknown,
            aside: 0,
        }
    }
}
