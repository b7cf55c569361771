//! Persons: by what the draws of records that count say of their own, indicator by indicator.

use std::collections::BTreeMap;

use shilu_model::{Campaign, Gone, Indicator, Measure, Population, Position, State, Target, Timestamp};
use shilu_projections::Wanted;
use shilu_sampling::{
    Authors, Finding, Interval, RankingResult, Sight, Tally, findings_of, judge, person_accuracy,
};

use super::{IndicatorResult, Results, due};
use crate::{
    engine::Engine,
    error::EngineError,
    query::At,
    samples::{Claimed, slot_of},
};

/// A record in scope with who stands behind it.
struct Authored {
    record: String,
    area: String,
    authors: Authors,
}

/// A person's records in one stratum, and what the drawn ones were found to be.
#[derive(Default)]
struct Own {
    population: u64,
    findings: Vec<Finding>,
}

/// By person, then by stratum: the draw's number and the stratum's name.
type Persons = BTreeMap<String, BTreeMap<(usize, String), Own>>;

impl Engine {
    pub(super) fn actor_results(&self, campaign: &Campaign, at: At) -> Result<Results, EngineError> {
        let mut results = Results::new();
        for indicator in &campaign.indicators {
            let Some(target) = due(indicator, campaign.zone, at) else {
                continue;
            };
            let Measure::Accuracy { of, essential, gone } = &indicator.measure else {
                continue;
            };
            for (person, strata) in self.persons(indicator, (of, essential, *gone), at)? {
                let told = result(&indicator.id, target, &strata.into_values().collect::<Vec<_>>());
                results.entry(person).or_default().push(told);
            }
        }
        Ok(results)
    }

    /// Whose records could be drawn for an indicator, and what those that were drawn were found to be.
    fn persons(
        &self,
        indicator: &Indicator,
        (of, essential, gone): (&Population, &[String], Gone),
        at: At,
    ) -> Result<Persons, EngineError> {
        let draws = self.claimed(indicator, None, at)?;
        let mut persons = Persons::new();
        for (number, claimed) in draws.iter().enumerate() {
            self.add_draw((number, claimed), gone, &mut persons);
        }
        // Where no draw counts, what they have in force now is all that can be said, and nobody has checked it.
        let is_drawn = |area: &str| draws.iter().any(|claimed| claimed.told.covers(area));
        let everywhere = draws.iter().any(|claimed| claimed.told.area.is_none());
        let rest = match everywhere {
            true => Vec::new(),
            false => self.authored(of, essential, (at.effective, at.known_end)),
        };
        for one in rest.iter().filter(|one| !is_drawn(&one.area)) {
            add_record(&mut persons, one, (draws.len(), String::new()));
        }
        Ok(persons)
    }

    fn add_draw(&self, (number, claimed): (usize, &Claimed), gone: Gone, persons: &mut Persons) {
        let (told, essential) = (&claimed.told, claimed.essential());
        let of = told.measured().population();
        let frozen = self.authored(of, essential, (told.recorded, told.position));
        let mut authors = BTreeMap::new();
        for one in frozen {
            let Some(stratum) = claimed.stratum_of(&one.area) else {
                continue;
            };
            add_record(persons, &one, (number, stratum.to_owned()));
            authors.insert(one.record, one.authors);
        }
        for drawn in self.drawn_records(claimed) {
            let Some(authors) = authors.get(drawn.record.record.as_str()) else {
                continue;
            };
            let void = self.void_after(claimed, &drawn.record.record);
            let seen = Sight {
                outcome: drawn.check().and_then(|check| check.outcome),
                verdicts: &drawn.verdicts(essential),
                void: void.is_some(),
            };
            for (person, finding) in findings_of(authors, &seen, gone) {
                let strata = persons.entry(person.to_owned()).or_default();
                let own = strata.entry((number, drawn.record.stratum.clone())).or_default();
                // Theirs by the error alone: then it is one more.
                own.population += u64::from(!authors.has(person));
                own.findings.push(finding);
            }
        }
    }

    /// Every record in scope at a pair of times with who set what was in force then.
    fn authored(
        &self,
        of: &Population,
        essential: &[String],
        (effective, end): (Timestamp, Position),
    ) -> Vec<Authored> {
        let projections = self.read();
        let subjects = &projections.subjects;
        let names: Vec<_> = essential
            .iter()
            .filter_map(|field| subjects.names.find(field))
            .collect();
        let scope = subjects.population(of, (effective, end)).into_iter();
        let authored = scope.filter_map(|(record, area)| {
            let slot = slot_of(&projections, &record)?;
            let wanted = Wanted::These(&names);
            let entries = subjects.records.entries(slot, end, wanted, &subjects.names);
            let state = State::fold(&entries, effective);
            let setter = |field: &String| {
                let position = state.held(field)?.position;
                let event = entries.iter().find(|entry| entry.position == position)?;
                Some(event.actor.to_owned())
            };
            Some(Authored {
                record: record.to_string(),
                area,
                authors: Authors {
                    maker: state.collector.unwrap_or_default().to_owned(),
                    setters: essential.iter().map(setter).collect(),
                },
            })
        });
        authored.collect()
    }
}

fn add_record(persons: &mut Persons, one: &Authored, stratum: (usize, String)) {
    let mut own: Vec<&str> = one.authors.persons().collect();
    own.sort_unstable();
    own.dedup();
    for person in own {
        let strata = persons.entry(person.to_owned()).or_default();
        strata.entry(stratum.clone()).or_default().population += 1;
    }
}

fn result(indicator: &str, target: &Target, strata: &[Own]) -> IndicatorResult {
    let tallies: Vec<Tally> = strata
        .iter()
        .map(|own| Tally::of(own.population, own.findings.iter().copied()))
        .collect();
    let estimate = person_accuracy(&tallies);
    IndicatorResult {
        indicator: indicator.to_owned(),
        result: RankingResult {
            state: judge(&estimate.basis, target.into()),
            bounds: estimate.cautious().unwrap_or(Interval::WHOLE),
            target: target.value.fraction(),
            population: strata.iter().map(|own| own.population).sum(),
        },
        numerator: estimate.numerator(),
        denominator: estimate.denominator(),
        unknown: estimate.counts.unknown,
        aside: estimate.aside,
        left_out: None,
    }
}
