//! What is behind a rate: its cases with the records and events that decide them, and two extracts side by side. Each
//! question is one pass over the records of a kind.

use shilu_model::{Areas, Indicator, Position};
use shilu_projections::{BuiltIn, Evidence, Input, Reconciled, Wanted};

use crate::{
    engine::Engine,
    error::EngineError,
    figures::counts_in,
    query::{At, Page},
};

/// Which cases to list, in the order of their names.
#[derive(Clone, Debug)]
pub struct CasesQuery {
    /// The indicator.
    pub indicator: String,
    /// As of when.
    pub at: At,
    /// Only those that count in this area.
    pub area: Option<String>,
    /// Only cases from this place on, counted from 0.
    pub from: u64,
    /// At most so many.
    pub limit: usize,
}

/// One case behind a rate. All of them together are its numerator, its denominator, and what is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateCase {
    /// The record that is the case, or the key or name that it is about.
    pub case: String,
    /// Where it counts.
    pub area: String,
    /// Who collected it first, where that is asked.
    pub actor: String,
    /// What it adds to the numerator.
    pub numerator: u64,
    /// What it adds to the denominator.
    pub denominator: u64,
    /// What it adds to those of whom nobody can say; a place may hold several.
    pub unknown: u64,
    /// Found gone, in a column of its own.
    pub aside: u64,
    /// The sample that drew it.
    pub sample: Option<String>,
    /// What a drawn record was found to be.
    pub finding: Option<&'static str>,
    /// The records that decide it.
    pub records: Vec<CaseRecord>,
}

/// A record that decides a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRecord {
    /// Its name.
    pub record: String,
    /// The positions of the events that count.
    pub events: Vec<Position>,
    /// What a visit found of it.
    pub outcome: Option<&'static str>,
}

impl From<Evidence> for RateCase {
    fn from(counted: Evidence) -> Self {
        let records = counted.inputs.into_iter().map(|input| CaseRecord {
            record: input.record,
            events: input.events,
            outcome: None,
        });
        RateCase {
            case: counted.case,
            area: counted.area,
            actor: counted.actor,
            numerator: counted.numerator,
            denominator: counted.denominator,
            unknown: u64::from(counted.unknown),
            aside: 0,
            sample: None,
            finding: None,
            records: records.collect(),
        }
    }
}

impl Engine {
    /// The cases behind a numerator, a denominator and what is unknown.
    ///
    /// # Errors
    /// `NO_INDICATOR`, and what the log says.
    pub fn rate_evidence(&self, query: &CasesQuery) -> Result<Page<RateCase, u64>, EngineError> {
        let mut cases = match self.built_in(&query.indicator, query.at) {
            Some((kind, indicator)) => self.built_in_evidence(&kind, indicator, query.at),
            None => {
                let indicator = self.indicator(&query.indicator, query.at)?;
                match self.drawn_evidence(&indicator, query.area.as_deref(), query.at)? {
                    None => self.counted_evidence(query),
                    // A stratum counts as a whole, wherever its records are now.
                    Some(drawn) => return Ok(page(sorted(drawn), query)),
                }
            }
        };
        let campaign = self.campaign_at(query.at.known_end);
        cases.retain(|case| query.asks_for(&campaign.areas, &case.area));
        Ok(page(sorted(cases), query))
    }

    fn counted_evidence(&self, query: &CasesQuery) -> Vec<RateCase> {
        let (projections, mut cases) = (self.read(), Vec::new());
        let pair = (query.at.effective, query.at.known_end);
        projections
            .figures()
            .evidence(&projections.subjects, &query.indicator, pair, |case| {
                cases.push(case.into());
            });
        cases
    }

    /// Every key of two extracts that an indicator compares, with what each side says.
    ///
    /// # Errors
    /// `NO_INDICATOR`, also for an indicator of another measure.
    pub fn reconcile(&self, query: &CasesQuery) -> Result<Page<Reconciled, u64>, EngineError> {
        let indicator = self.indicator(&query.indicator, query.at)?;
        if !matches!(indicator.measure, shilu_model::Measure::Agree { .. }) {
            return Err(no_indicator(&query.indicator, "does not compare two systems"));
        }
        let projections = self.read();
        let mut keys = Vec::new();
        let pair = (query.at.effective, query.at.known_end);
        projections
            .figures()
            .reconcile(&projections.subjects, &indicator, pair, |key| keys.push(key));
        let areas = &projections.subjects.campaign(query.at.known_end).areas;
        keys.retain(|key| query.asks_for(areas, &key.area));
        Ok(page(keys, query))
    }

    /// An indicator of the campaign known at a pair of times.
    fn indicator(&self, id: &str, at: At) -> Result<Indicator, EngineError> {
        let projections = self.read();
        let indicator = projections.subjects.campaign(at.known_end).indicator(id);
        indicator
            .cloned()
            .ok_or_else(|| no_indicator(id, "is no indicator"))
    }

    fn built_in(&self, id: &str, at: At) -> Option<(String, BuiltIn)> {
        let (kind, of) = id.rsplit_once('.')?;
        let indicator = BuiltIn::ALL.into_iter().find(|indicator| indicator.id() == of)?;
        self.campaign_at(at.known_end).kind(kind)?;
        Some((kind.to_owned(), indicator))
    }

    fn built_in_evidence(&self, kind: &str, indicator: BuiltIn, at: At) -> Vec<RateCase> {
        let projections = self.read();
        let (subjects, mut cases) = (&projections.subjects, Vec::new());
        let wanted = subjects.names.find(kind);
        for slot in subjects.records.slots(0) {
            let (of, key) = subjects.records.name(slot);
            if Some(of) != wanted {
                continue;
            }
            let class = subjects.class_at(slot, at.effective, at.known_end);
            let figure = indicator.of(&class);
            if figure == shilu_projections::Figure::default() {
                continue;
            }
            let entries = subjects
                .records
                .entries(slot, at.known_end, Wanted::Only(None), &subjects.names);
            let events = entries.iter().filter(|entry| entry.effective <= at.effective);
            let record = format!("{kind}/{key}");
            let evidence = Evidence {
                case: record.clone(),
                area: subjects.names.text(class.area).to_owned(),
                actor: subjects.names.text(class.actor).to_owned(),
                numerator: figure.numerator,
                denominator: figure.denominator,
                unknown: figure.unknown > 0,
                inputs: vec![Input {
                    record,
                    events: events.map(|entry| entry.position).collect::<Vec<Position>>(),
                }],
            };
            cases.push(evidence.into());
        }
        cases
    }
}

impl CasesQuery {
    fn asks_for(&self, areas: &Areas, area: &str) -> bool {
        let asked = self.area.as_ref();
        asked.is_none_or(|asked| counts_in(areas, area, asked))
    }
}

fn sorted(mut cases: Vec<RateCase>) -> Vec<RateCase> {
    cases.sort_by(|a, b| (&a.case, &a.sample).cmp(&(&b.case, &b.sample)));
    cases
}

fn page<T>(all: Vec<T>, query: &CasesQuery) -> Page<T, u64> {
    let from = usize::try_from(query.from).unwrap_or(usize::MAX);
    let mut rest = all.into_iter().skip(from);
    let items: Vec<T> = rest.by_ref().take(query.limit).collect();
    let taken = u64::try_from(items.len()).unwrap_or(u64::MAX);
    Page {
        items,
        next: rest.next().map(|_| query.from.saturating_add(taken)),
    }
}

fn no_indicator(indicator: &str, problem: &'static str) -> EngineError {
    EngineError::NoIndicator {
        indicator: indicator.to_owned(),
        problem,
    }
}
