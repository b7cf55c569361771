//! What the draws of an indicator say of an area: from the last draw that was announced before the deadline and completed
//! in time, area by area. Every draw is listed, so that drawing again until it passes is seen.

use std::{collections::BTreeSet, sync::Arc};

use shilu_model::{Areas, Indicator, Position, Target, Timestamp};
use shilu_sampling::{
    Basis, Capture, Counts, Estimate, RosterCounts, RosterStratum, Rosters, Tally, Total, accuracy, chapman,
};

use super::{
    cache::{Asked, Known},
    results::{Results, rate_of},
    told::{Measured, Strata, Told},
};
use crate::{engine::Engine, error::EngineError, figures::counts_in, query::At, rates::target_of};

/// How long after its time of draw the visits of a draw may take; two weeks.
const COMPLETED_WITHIN_MICROS: i64 = 14 * 24 * 3_600 * 1_000_000;

/// What the draws of an indicator say of one area.
#[derive(Clone, Debug)]
pub struct DrawnFigure {
    /// The area; none for all of them.
    pub area: Option<String>,
    /// The rate with its interval. Without a draw, or with a part of the area without one, it is undrawn.
    pub estimate: Estimate,
    /// Found gone, in a column of their own.
    pub aside: u64,
    /// The newest sample behind it.
    pub sample: Option<String>,
    /// All samples behind it, newest first: areas may have been drawn apart.
    pub samples: Vec<String>,
    /// Whether each of them was announced before the deadline and completed in time.
    pub in_time: bool,
    /// How many samples were announced for this indicator that concern the area, drawn or not.
    pub draws: usize,
    /// Whether whoever keeps the register could have steered one of those behind it.
    pub steerable: bool,
    /// Records that could be drawn, as frozen.
    pub population: u64,
    /// Of a roster: what the visits counted.
    pub roster: Option<RosterCounts>,
    /// Of the coverage: how many there are altogether, as information.
    pub total: Option<Total>,
}

/// A draw that may count.
struct Draw {
    told: Told,
    results: Arc<Results>,
    in_time: bool,
    steerable: bool,
}

/// One stratum that counts for an area.
#[derive(Clone, Copy)]
struct Claim<'a> {
    draw: &'a Draw,
    stratum: &'a str,
}

impl Engine {
    /// What the draws of an indicator say of an area, or of each area, at a pair of times. Nothing for an indicator that
    /// is measured without draws.
    ///
    /// # Errors
    /// What the log says.
    pub fn drawn(
        &self,
        indicator: &Indicator,
        area: Option<&str>,
        by_area: bool,
        at: At,
    ) -> Result<Vec<DrawnFigure>, EngineError> {
        let Some(measured) = Measured::of(&indicator.measure) else {
            return Ok(Vec::new());
        };
        let announced = self.announced(indicator, at)?;
        let campaign = self.read().subjects.campaign_since(at.known_end);
        let asked = Asked {
            indicator: indicator.id.clone(),
            area: area.map(str::to_owned),
            by_area,
            campaign,
            deadline: self.deadline_at(indicator, at),
            samples: self.known_samples(&announced)?,
        };
        if let Some(figures) = self.shared.samples.figures(&asked) {
            return Ok(figures.to_vec());
        }
        let draws = self.draws(&announced, indicator, at)?;
        let mut asking = Asking {
            engine: self,
            measured,
            draws: &draws,
            at,
            scope: None,
        };
        let areas = match (area, by_area) {
            (Some(area), _) => vec![Some(area.to_owned())],
            (None, false) => vec![None],
            (None, true) => asking.areas().into_iter().map(Some).collect(),
        };
        let figure = |area: Option<String>| asking.figure(area, &announced);
        let figures: Arc<Vec<DrawnFigure>> = Arc::new(areas.into_iter().map(figure).collect());
        // What lies in which area at a pair of times is not part of the question.
        if asking.scope.is_none() {
            self.shared.samples.keep_figures(asked, &figures);
        }
        Ok(figures.to_vec())
    }

    /// The samples with what is known that can change what they say.
    fn known_samples(&self, announced: &[Told]) -> Result<Vec<(Position, Known)>, EngineError> {
        let mut samples = Vec::with_capacity(announced.len());
        for told in announced {
            let drawing = self.drawing(told)?;
            let known = match drawing.as_deref() {
                Some(Ok(drawing)) => self.known(told, drawing),
                _ => (told.added, told.citing.len(), 0),
            };
            samples.push((told.position, known));
        }
        Ok(samples)
    }

    /// The strata that count for an area: of which sample, and which of them.
    pub(super) fn counting(
        &self,
        indicator: &Indicator,
        area: Option<&str>,
        at: At,
    ) -> Result<Vec<(Told, String)>, EngineError> {
        let Some(measured) = Measured::of(&indicator.measure) else {
            return Ok(Vec::new());
        };
        let announced = self.announced(indicator, at)?;
        let draws = self.draws(&announced, indicator, at)?;
        let asking = Asking {
            engine: self,
            measured,
            draws: &draws,
            at,
            scope: None,
        };
        let claims = asking.claims(area).into_iter();
        Ok(claims
            .map(|claim| (claim.draw.told.clone(), claim.stratum.to_owned()))
            .collect())
    }

    /// The samples that were announced for an indicator, newest first.
    fn announced(&self, indicator: &Indicator, at: At) -> Result<Vec<Told>, EngineError> {
        let mut announced = Vec::new();
        for id in self.sample_ids(Some(&indicator.id), at.known_end) {
            let told = self.told(&id, at.known_end)?;
            if told.recorded <= at.effective {
                announced.push(told);
            }
        }
        Ok(announced)
    }

    /// The draws in the order in which they count: first those that were announced before the deadline and completed in
    /// time, then the others; the newest first in each.
    fn draws(&self, announced: &[Told], indicator: &Indicator, at: At) -> Result<Vec<Draw>, EngineError> {
        let deadline = self.deadline_at(indicator, at);
        let mut draws = Vec::new();
        for told in announced {
            let Some(drawing) = self.drawing(told)? else {
                continue;
            };
            let Ok(drawing) = &*drawing else { continue };
            let results = self.results(told, drawing)?;
            let until = told.draw_at.plus_micros(COMPLETED_WITHIN_MICROS);
            let in_time = deadline.is_none_or(|deadline| told.recorded <= deadline)
                && results.completed.is_some_and(|completed| completed <= until);
            draws.push(Draw {
                told: told.clone(),
                results,
                in_time,
                steerable: told.is_steerable() || drawing.seeding.is_late,
            });
        }
        draws.sort_by_key(|draw| !draw.in_time);
        Ok(draws)
    }

    /// The deadline that a pair of times is held against: of the target that the rate is compared with.
    fn deadline_at(&self, indicator: &Indicator, at: At) -> Option<Timestamp> {
        let zone = self.read().subjects.campaign(at.known_end).zone;
        let passed = |target: &Target| zone.end_of(target.by) <= at.effective;
        let (target, _) = target_of(&indicator.targets, passed);
        target.map(|target| zone.end_of(target.by))
    }
}

/// One question: areas that lie in one another share what was read.
struct Asking<'a> {
    engine: &'a Engine,
    measured: Measured<'a>,
    draws: &'a [Draw],
    at: At,
    /// Areas that hold records in scope at the pair of times, once somebody had to ask.
    scope: Option<BTreeSet<String>>,
}

impl<'a> Asking<'a> {
    /// Every area that can have a figure.
    fn areas(&self) -> Vec<String> {
        let campaign = self.engine.campaign_at(self.at.known_end);
        if !campaign.areas.is_empty() {
            return campaign.areas.iter().map(|area| area.id.clone()).collect();
        }
        let by_area = self.draws.iter().filter(|draw| draw.told.strata == Strata::Area);
        let strata = by_area.flat_map(|draw| draw.results.tallies.keys().cloned());
        let own = self.draws.iter().filter_map(|draw| draw.told.area.clone());
        strata.chain(own).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn figure(&mut self, area: Option<String>, announced: &[Told]) -> DrawnFigure {
        let claims = self.claims(area.as_deref());
        let undrawn = self.undrawn(area.as_deref(), &claims);
        let concerns = |told: &&Told| match (&area, &told.area) {
            (None, _) | (_, None) => true,
            (Some(area), Some(own)) => {
                let areas = &told.campaign.areas;
                counts_in(areas, area, own) || counts_in(areas, own, area)
            }
        };
        let mut behind: Vec<&Draw> = Vec::new();
        for claim in &claims {
            if !behind.iter().any(|draw| std::ptr::eq(*draw, claim.draw)) {
                behind.push(claim.draw);
            }
        }
        behind.sort_by_key(|draw| std::cmp::Reverse(draw.told.position));
        let (mut estimate, roster) = self.estimate(&claims, undrawn);
        let drawn = |draw: &Draw| draw.told.strata == Strata::Area && is_of_all(&draw.told, area.as_deref());
        if claims.is_empty() && self.draws.iter().any(drawn) {
            // It was drawn from, and there was nothing to draw.
            estimate.basis = Basis::Full(estimate.counts);
        }
        let population = claims
            .iter()
            .filter_map(|claim| claim.tally())
            .map(|tally| tally.population);
        DrawnFigure {
            aside: estimate.aside,
            sample: behind.first().map(|draw| draw.told.id.clone()),
            samples: behind.iter().map(|draw| draw.told.id.clone()).collect(),
            in_time: !behind.is_empty() && behind.iter().all(|draw| draw.in_time),
            draws: announced.iter().filter(concerns).count(),
            steerable: behind.iter().any(|draw| draw.steerable),
            population: population.sum(),
            total: roster.and_then(|counts| self.altogether(&counts)),
            estimate,
            roster,
            area,
        }
    }

    /// The strata that count for an area: those of the first draw of all of it or, where there is none, each from the first
    /// draw that has it.
    fn claims(&self, area: Option<&str>) -> Vec<Claim<'a>> {
        let whole = self.draws.iter().find(|draw| is_of_all(&draw.told, area));
        self.claimed(area, whole.map_or(self.draws, std::slice::from_ref))
    }

    fn claimed(&self, area: Option<&str>, draws: &'a [Draw]) -> Vec<Claim<'a>> {
        let mut claims: Vec<Claim<'a>> = Vec::new();
        let mut whole: Vec<&Told> = Vec::new();
        for draw in draws {
            let areas = &draw.told.campaign.areas;
            match draw.told.strata {
                Strata::Area => {
                    for stratum in draw.results.tallies.keys() {
                        let wanted = area.is_none_or(|area| counts_in(areas, stratum, area));
                        let taken = claims.iter().any(|claim| claim.stratum == stratum)
                            || whole.iter().any(|told| told.covers(stratum));
                        if wanted && !taken {
                            claims.push(Claim { draw, stratum });
                        }
                    }
                }
                Strata::None => {
                    let within = match (&draw.told.area, area) {
                        (_, None) => true,
                        (None, Some(area)) => is_root(areas, area),
                        (Some(own), Some(area)) => counts_in(areas, own, area),
                    };
                    let overlaps = claims.iter().any(|claim| draw.told.covers(claim.stratum))
                        || whole.iter().any(|told| overlap(told, &draw.told));
                    if within && !overlaps {
                        whole.push(&draw.told);
                        claims.push(Claim { draw, stratum: "" });
                    }
                }
            }
        }
        claims
    }

    /// How many areas hold records in scope and no draw that counts.
    fn undrawn(&mut self, area: Option<&str>, claims: &[Claim<'_>]) -> usize {
        if claims.is_empty() {
            return 0;
        }
        let covered = |leaf: &str| claims.iter().any(|claim| claim.draw.told.covers(leaf));
        let everything = claims.iter().any(|claim| claim.draw.told.area.is_none());
        let campaign = self.engine.campaign_at(self.at.known_end);
        let within = |leaf: &str| area.is_none_or(|area| counts_in(&campaign.areas, leaf, area));
        let today = campaign.zone.day_of(self.at.effective);
        let declared = !campaign.areas.is_empty()
            && campaign
                .areas
                .leaves_on(today)
                .filter(|leaf| within(&leaf.id))
                .all(|leaf| covered(&leaf.id));
        if everything || declared || area.is_some_and(covered) {
            return 0;
        }
        let (engine, of, at) = (self.engine, self.measured.population(), self.at);
        let scope = self.scope.get_or_insert_with(|| {
            let scope = engine
                .read()
                .subjects
                .population(of, (at.effective, at.known_end));
            scope.into_iter().map(|(_, area)| area).collect()
        });
        scope.iter().filter(|leaf| within(leaf) && !covered(leaf)).count()
    }

    fn estimate(&self, claims: &[Claim<'_>], undrawn: usize) -> (Estimate, Option<RosterCounts>) {
        if claims.is_empty() {
            return (nothing(), None);
        }
        match self.measured {
            Measured::Records { gone, .. } => {
                let mut tallies: Vec<Tally> = claims.iter().filter_map(Claim::tally).collect();
                let missing = Tally {
                    population: 1,
                    ..Tally::default()
                };
                tallies.extend(std::iter::repeat_n(missing, undrawn));
                (accuracy(&tallies, gone), None)
            }
            Measured::Places { rate, .. } => {
                let drawn = claims
                    .iter()
                    .filter_map(|claim| claim.draw.results.rosters.get(claim.stratum));
                let mut strata: Vec<RosterStratum> = drawn.cloned().collect();
                let missing = RosterStratum {
                    population: 1,
                    places: Vec::new(),
                };
                strata.extend(std::iter::repeat_n(missing, undrawn));
                let rosters = Rosters { strata };
                (rosters.estimate(rate), Some(rosters.total()))
            }
        }
    }

    /// Of the coverage: who is only in the register is who was registered there and not met, without those gone.
    fn altogether(&self, counts: &RosterCounts) -> Option<Total> {
        if rate_of(self.measured) != Some(shilu_model::RosterRate::Coverage) {
            return None;
        }
        chapman(&Capture {
            registered: counts.found_live + counts.not_seen,
            found: counts.found,
            both: counts.found_live,
        })
    }
}

impl Claim<'_> {
    fn tally(&self) -> Option<Tally> {
        self.draw.results.tallies.get(self.stratum).copied()
    }
}

/// Whether a draw is one of everything in an area; strata tell the parts of it, a draw without them only the whole.
fn is_of_all(told: &Told, area: Option<&str>) -> bool {
    let areas = &told.campaign.areas;
    let own = told.area.as_deref().filter(|own| !is_root(areas, own));
    let area = area.filter(|area| !is_root(areas, area));
    match (told.strata, own, area) {
        (_, None, None) => true,
        (_, Some(_), None) | (Strata::None, None, Some(_)) => false,
        (Strata::Area, None, Some(_)) => true,
        (Strata::None, Some(own), Some(area)) => own == area,
        (Strata::Area, Some(own), Some(area)) => counts_in(areas, area, own),
    }
}

/// Whether everything lies in an area.
fn is_root(areas: &Areas, area: &str) -> bool {
    areas.get(area).is_some_and(|area| area.parent.is_none())
}

fn overlap(one: &Told, other: &Told) -> bool {
    match (&one.area, &other.area) {
        (Some(area), _) if other.covers(area) => true,
        (_, Some(area)) => one.covers(area),
        (None, None) => true,
        (Some(_), None) => true,
    }
}

/// What is said where there was no draw.
const fn nothing() -> Estimate {
    Estimate {
        counts: Counts {
            right: 0,
            wrong: 0,
            unknown: 0,
        },
        aside: 0,
        value: None,
        interval: None,
        basis: Basis::Undrawn,
    }
}

/// What one sample gives over all its strata.
pub(super) fn estimate_of(measured: Measured<'_>, results: &Results) -> Estimate {
    match measured {
        Measured::Records { gone, .. } => {
            let tallies: Vec<Tally> = results.tallies.values().copied().collect();
            accuracy(&tallies, gone)
        }
        Measured::Places { rate, .. } => {
            let strata = results.rosters.values().cloned().collect();
            Rosters { strata }.estimate(rate)
        }
    }
}
