//! Samples as they are shown: all that were announced, and each with what was drawn and visited. No value that the
//! register holds of a drawn record is part of it: visits are blind.

use std::collections::BTreeMap;

use shilu_model::{EventId, Position, RecordName, Timestamp};
use shilu_sampling::{Estimate, Finding, Unknown};

use super::{
    drawing::{Drawing, DrawnRecord},
    figures::estimate_of,
    results::{Results, VisitResult},
    told::{Strata, Told},
};
use crate::{engine::Engine, error::EngineError};

/// A sample.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its id.
    pub id: String,
    /// The indicator that it measures.
    pub indicator: String,
    /// The area from which it is drawn.
    pub area: Option<String>,
    /// How many are drawn of each stratum.
    pub size: u64,
    /// How it is divided.
    pub strata: Strata,
    /// When it is drawn.
    pub draw_at: Timestamp,
    /// The outside entropy that was named.
    pub entropy: String,
    /// The announcement, which visits cite.
    pub announcement: EventId,
    /// Where it stands: the freeze.
    pub position: Position,
    /// When it was taken: the freeze.
    pub announced: Timestamp,
    /// Who announced it.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// How far it is.
    pub state: SampleState,
    /// Whether whoever keeps the register could have steered the draw.
    pub steerable: bool,
    /// What else must be known of it.
    pub notices: Vec<SampleNotice>,
    /// By stratum.
    pub strata_sizes: Vec<SampleStratum>,
    /// Which of the samples of its indicator and area it is, from 1, and how many there are.
    pub number: (usize, usize),
    /// The draw, once there is one.
    pub draw: Option<SampleDraw>,
    /// How many visits are settled.
    pub settled: usize,
    /// When the last of them was.
    pub completed: Option<Timestamp>,
    /// What it gives over all its strata.
    pub estimate: Option<Estimate>,
}

/// What must be known of a sample beside its figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleNotice {
    /// Its checkpoint came more than an hour after the announced time: what was named could be known before it.
    DrawnLate,
    /// The verifiers were named after the draw: whoever named them could know where the seed sends them.
    VerifiersLate,
    /// So many visits were settled by somebody whom the seed had not sent.
    NotSent(usize),
    /// So many of the visits that a third person checked again did not say the same.
    Disagree(usize),
}

/// How far a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleState {
    /// Not drawn yet.
    Announced,
    /// Its checkpoint is held; what its announcement named has not been revealed.
    Waiting,
    /// Drawn, and visits are open.
    Drawn,
    /// Every visit is settled.
    Complete,
    /// What was stored as its draw does not hold.
    Invalid,
}

impl SampleState {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            SampleState::Announced => "announced",
            SampleState::Waiting => "waiting",
            SampleState::Drawn => "drawn",
            SampleState::Complete => "complete",
            SampleState::Invalid => "invalid",
        }
    }
}

/// One stratum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleStratum {
    /// Its area; empty where there is one stratum.
    pub stratum: String,
    /// Records in scope at the freeze.
    pub population: u64,
    /// How many of them are drawn, or will be.
    pub drawn: u64,
}

/// A draw.
#[derive(Clone, Debug)]
pub struct SampleDraw {
    /// Why it does not hold; what follows is then empty.
    pub problem: Option<String>,
    /// The seed, in hexadecimal.
    pub seed: String,
    /// The leaf hash of the announcement, in base64.
    pub leaf: String,
    /// The checkpoint's root, in base64.
    pub root: String,
    /// The checkpoint's size.
    pub size: u64,
    /// When the last event that it covers was recorded.
    pub covered: Timestamp,
    /// The witnesses that cosigned it, and when.
    pub cosigned: Vec<(String, Timestamp)>,
    /// What was revealed.
    pub revealed: Option<String>,
    /// The drawn records, by stratum and rank, with their visits.
    pub visits: Vec<DrawnVisit>,
}

/// A drawn record with its visit.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnVisit {
    /// The record.
    pub drawn: DrawnRecord,
    /// Who is to go there, and who checks it again; where verifiers were assigned.
    pub verifier: Option<String>,
    /// Who checks it again.
    pub recheck: Option<String>,
    /// Times nobody was met, or the check was refused.
    pub attempts: usize,
    /// What was found last.
    pub outcome: Option<&'static str>,
    /// What it counts as.
    pub finding: Option<&'static str>,
    /// By whom.
    pub actor: Option<String>,
    /// When that was recorded.
    pub at: Option<Timestamp>,
    /// Whether nothing more is to be done.
    pub settled: bool,
    /// Whether the second step of a place is missing.
    pub answers_missing: bool,
    /// Whether the third person says the same.
    pub recheck_agrees: Option<bool>,
}

impl Engine {
    /// Every sample, or those of one indicator: by indicator and area, the newest first in each.
    ///
    /// # Errors
    /// What the log says.
    pub fn samples(&self, indicator: Option<&str>) -> Result<Vec<Sample>, EngineError> {
        let end = self.read().end();
        let mut all = Vec::new();
        for id in self.sample_ids(indicator, end) {
            all.push(self.shown(&self.told(&id, end)?)?);
        }
        let mut counts: BTreeMap<(String, Option<String>), usize> = BTreeMap::new();
        for sample in all.iter().rev() {
            *counts.entry(group(sample)).or_default() += 1;
        }
        let mut left = counts.clone();
        for sample in &mut all {
            let total = counts.get(&group(sample)).copied().unwrap_or(1);
            let number = left.entry(group(sample)).or_insert(1);
            sample.number = (*number, total);
            *number = number.saturating_sub(1);
        }
        all.sort_by(|a, b| (&a.indicator, &a.area).cmp(&(&b.indicator, &b.area)));
        Ok(all)
    }

    /// One sample.
    ///
    /// # Errors
    /// `NO_RECORD`, and what the log says.
    pub fn sample(&self, id: &str) -> Result<Sample, EngineError> {
        let end = self.read().end();
        let told = self.told(id, end)?;
        let mut sample = self.shown(&told)?;
        let mut number = (0, 0);
        for other in self.sample_ids(Some(&told.indicator), end).iter().rev() {
            let other = self.told(other, end)?;
            if other.area == told.area {
                number.1 += 1;
                if other.position <= told.position {
                    number.0 += 1;
                }
            }
        }
        sample.number = number;
        Ok(sample)
    }

    fn shown(&self, told: &Told) -> Result<Sample, EngineError> {
        let drawing = self.drawing(told)?;
        let results = match drawing.as_deref() {
            Some(Ok(drawing)) => Some(self.results(told, drawing)?),
            _ => None,
        };
        let state = match (drawing.as_deref(), &results) {
            (None, _) if told.is_waiting() => SampleState::Waiting,
            (None, _) => SampleState::Announced,
            (Some(Err(_)), _) => SampleState::Invalid,
            (_, Some(results)) if results.completed.is_some() => SampleState::Complete,
            _ => SampleState::Drawn,
        };
        let sizes = self.sizes(told);
        let strata_sizes = sizes.iter().map(|(stratum, population)| SampleStratum {
            stratum: stratum.clone(),
            population: *population,
            drawn: told.size.min(*population),
        });
        let draw = drawing.as_deref().map(|drawing| match drawing {
            Ok(drawing) => self.shown_draw(told, drawing, results.as_deref()),
            Err(problem) => SampleDraw::invalid(told, problem),
        });
        let settled = |results: &Results| results.visits.iter().filter(|visit| visit.settled).count();
        Ok(Sample {
            id: told.id.clone(),
            indicator: told.indicator.clone(),
            area: told.area.clone(),
            size: told.size,
            strata: told.strata,
            draw_at: told.draw_at,
            entropy: told.entropy.clone(),
            announcement: told.event,
            position: told.position,
            announced: told.recorded,
            actor: told.actor.clone(),
            reason: told.reason.clone(),
            state,
            steerable: is_steerable(told, drawing.as_deref()),
            notices: notices(told, drawing.as_deref(), results.as_deref()),
            strata_sizes: strata_sizes.collect(),
            number: (1, 1),
            draw,
            settled: results.as_deref().map_or(0, settled),
            completed: results.as_ref().and_then(|results| results.completed),
            estimate: results
                .as_deref()
                .map(|results| estimate_of(told.measured(), results)),
        })
    }

    fn shown_draw(&self, told: &Told, drawing: &Drawing, results: Option<&Results>) -> SampleDraw {
        let duties = self.duties(told, drawing);
        let visits = drawing.drawn.iter().enumerate().map(|(place, drawn)| {
            let visit = results.and_then(|results| results.visits.get(place)).cloned();
            let visit = visit.unwrap_or_default();
            let duty = duties.get(&drawn.record);
            DrawnVisit {
                drawn: drawn.clone(),
                verifier: duty.map(|duty| duty.verifier.clone()),
                recheck: duty.and_then(|duty| duty.recheck.clone()),
                attempts: visit.attempts,
                outcome: visit.outcome.map(|outcome| outcome.word()),
                finding: visit.finding.map(finding_word),
                actor: visit.actor,
                at: visit.at,
                settled: visit.settled,
                answers_missing: visit.answers_missing,
                recheck_agrees: visit.recheck.map(|(_, agrees)| agrees),
            }
        });
        SampleDraw {
            problem: None,
            seed: drawing.seeding.seed.to_string(),
            leaf: told.leaf.to_string(),
            root: drawing.seeding.checkpoint.root.to_string(),
            size: drawing.seeding.checkpoint.size,
            covered: drawing.seeding.covered,
            cosigned: drawing.seeding.cosigned.clone(),
            revealed: told.revealed.as_ref().map(|(text, _)| text.clone()),
            visits: visits.collect(),
        }
    }
}

impl SampleDraw {
    fn invalid(told: &Told, problem: &str) -> Self {
        SampleDraw {
            problem: Some(problem.to_owned()),
            seed: String::new(),
            leaf: told.leaf.to_string(),
            root: String::new(),
            size: 0,
            covered: told.draw_at,
            cosigned: Vec::new(),
            revealed: told.revealed.as_ref().map(|(text, _)| text.clone()),
            visits: Vec::new(),
        }
    }

    /// The drawn records.
    pub fn records(&self) -> impl Iterator<Item = &RecordName> {
        self.visits.iter().map(|visit| &visit.drawn.record)
    }
}

/// Whether whoever keeps the register could have steered a draw: it named no outside entropy, or that could be known before
/// its checkpoint.
fn is_steerable(told: &Told, drawing: Option<&Result<Drawing, String>>) -> bool {
    told.is_steerable() || is_late(drawing)
}

fn is_late(drawing: Option<&Result<Drawing, String>>) -> bool {
    matches!(drawing, Some(Ok(drawing)) if drawing.seeding.is_late)
}

fn notices(
    told: &Told,
    drawing: Option<&Result<Drawing, String>>,
    results: Option<&Results>,
) -> Vec<SampleNotice> {
    let mut notices = Vec::new();
    if is_late(drawing) {
        notices.push(SampleNotice::DrawnLate);
    }
    let named = told.verifiers.as_ref().map(|(_, at)| *at);
    if drawing.is_some() && named.is_some_and(|at| at > told.drawn_by()) {
        notices.push(SampleNotice::VerifiersLate);
    }
    let count = |is: fn(&VisitResult) -> bool| {
        let visits = results.into_iter().flat_map(|results| &results.visits);
        visits.filter(|visit| is(visit)).count()
    };
    let counted = [
        SampleNotice::NotSent(count(|visit| visit.settled && !visit.sent)),
        SampleNotice::Disagree(count(|visit| matches!(visit.recheck, Some((_, false))))),
    ];
    notices.extend(
        counted
            .into_iter()
            .filter(|notice| !matches!(notice, SampleNotice::NotSent(0) | SampleNotice::Disagree(0))),
    );
    notices
}

fn group(sample: &Sample) -> (String, Option<String>) {
    (sample.indicator.clone(), sample.area.clone())
}

pub(super) const fn finding_word(finding: Finding) -> &'static str {
    match finding {
        Finding::Right => "right",
        Finding::Wrong => "wrong",
        Finding::Gone => "gone",
        Finding::Unknown(Unknown::NotSeen) => "not-seen",
        Finding::Unknown(Unknown::NoContact) => "no-contact",
        Finding::Unknown(Unknown::Refused) => "refused",
        Finding::Unknown(Unknown::NotVisited) => "not-visited",
    }
}
