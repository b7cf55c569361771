//! What is behind a rate: its cases with the records and events that decide them, and two extracts side by side. Each
//! question is one pass over the records of a kind.

use shilu_model::{Indicator, Position};
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

impl Engine {
    /// The cases behind a numerator, a denominator and what is unknown.
    ///
    /// # Errors
    /// `NO_INDICATOR`.
    pub fn rate_evidence(&self, query: &CasesQuery) -> Result<Page<Evidence, u64>, EngineError> {
        let mut cases = match self.built_in(&query.indicator) {
            Some((kind, indicator)) => self.built_in_evidence(&kind, indicator, query.at),
            None => {
                self.indicator(&query.indicator, query.at)?;
                let projections = self.read();
                let mut cases = Vec::new();
                let pair = (query.at.effective, query.at.known_end);
                projections
                    .figures()
                    .evidence(&projections.subjects, &query.indicator, pair, |case| {
                        cases.push(case);
                    });
                cases
            }
        };
        cases.retain(|case| self.is_asked(query, &case.area));
        cases.sort_by(|a, b| a.case.cmp(&b.case));
        Ok(page(cases, query))
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
        keys.retain(|key| self.is_asked(query, &key.area));
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

    fn built_in(&self, id: &str) -> Option<(String, BuiltIn)> {
        let (kind, of) = id.rsplit_once('.')?;
        let indicator = BuiltIn::ALL.into_iter().find(|indicator| indicator.id() == of)?;
        self.campaign().kind(kind)?;
        Some((kind.to_owned(), indicator))
    }

    fn built_in_evidence(&self, kind: &str, indicator: BuiltIn, at: At) -> Vec<Evidence> {
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
            cases.push(Evidence {
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
            });
        }
        cases
    }

    fn is_asked(&self, query: &CasesQuery, area: &str) -> bool {
        let areas = &self.campaign().areas;
        query
            .area
            .as_ref()
            .is_none_or(|asked| counts_in(areas, area, asked))
    }
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
