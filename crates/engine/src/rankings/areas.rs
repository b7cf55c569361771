//! Areas: those of the last day in which no other one lies, by every indicator that is due.

use std::collections::{BTreeMap, BTreeSet};

use shilu_model::{Areas, Campaign, Population, Target};
use shilu_sampling::{Interval, RankingResult, State};

use super::{IndicatorResult, Results, due};
use crate::{
    engine::Engine,
    error::EngineError,
    figures::counts_in,
    query::{At, By, FigureQuery, Rate},
    samples::Measured,
};

/// Records in scope by area.
type Sizes = BTreeMap<String, u64>;

impl Engine {
    pub(super) fn area_results(&self, campaign: &Campaign, at: At) -> Result<(At, Results), EngineError> {
        let query = FigureQuery {
            at,
            by: By::Area,
            area: None,
        };
        let rates = self.rates(&query)?;
        let at = rates.at;
        let mut told: BTreeMap<(String, String), Rate> = BTreeMap::new();
        for rate in rates.items {
            if let Some(area) = rate.area.clone() {
                told.insert((rate.indicator.clone(), area), rate);
            }
        }
        let mut due_now = Vec::new();
        let mut known: Vec<(Population, Sizes)> = Vec::new();
        for indicator in &campaign.indicators {
            let Some(target) = due(indicator, campaign.zone, at) else {
                continue;
            };
            let drawn = Measured::of(&indicator.measure);
            let sizes = drawn.map(|measured| self.sizes_of(measured.population(), at, &mut known));
            due_now.push((indicator.id.as_str(), target, sizes));
        }
        let mut results = Results::new();
        for area in contestants(campaign, at, &told, &due_now) {
            let own = due_now.iter().filter_map(|(indicator, target, sizes)| {
                let rate = told.get(&((*indicator).to_owned(), area.clone()));
                match sizes {
                    Some(sizes) => Some(drawn(
                        indicator,
                        target,
                        rate,
                        in_area(&campaign.areas, sizes, &area),
                    )),
                    None => rate.map(|rate| of_rate(rate, target, rate.population)),
                }
            });
            results.insert(area.clone(), own.collect());
        }
        Ok((at, results))
    }

    /// How many records could be drawn in each area at the ranking's pair of times, whether any draw was announced or not.
    fn sizes_of(&self, of: &Population, at: At, known: &mut Vec<(Population, Sizes)>) -> Sizes {
        if let Some((_, sizes)) = known.iter().find(|(population, _)| population == of) {
            return sizes.clone();
        }
        let scope = self.read().subjects.population(of, (at.effective, at.known_end));
        let mut sizes = Sizes::new();
        for (_, area) in scope {
            *sizes.entry(area).or_default() += 1;
        }
        known.push((of.clone(), sizes.clone()));
        sizes
    }
}

/// Every area that is ranked: of the declared ones those in which no other lies on the day; else those that hold anything.
fn contestants(
    campaign: &Campaign,
    at: At,
    told: &BTreeMap<(String, String), Rate>,
    due_now: &[(&str, &Target, Option<Sizes>)],
) -> BTreeSet<String> {
    if !campaign.areas.is_empty() {
        let leaves = campaign.areas.leaves_on(campaign.zone.day_of(at.effective));
        return leaves.map(|leaf| leaf.id.clone()).collect();
    }
    let is_due = |indicator: &str| due_now.iter().any(|(due, ..)| *due == indicator);
    let counted = told.keys().filter(|(indicator, _)| is_due(indicator));
    let drawn = due_now.iter().filter_map(|(.., sizes)| sizes.as_ref());
    let areas = counted
        .map(|(_, area)| area)
        .chain(drawn.flat_map(BTreeMap::keys));
    areas.filter(|area| !area.is_empty()).cloned().collect()
}

fn in_area(areas: &Areas, sizes: &Sizes, area: &str) -> u64 {
    let within = sizes.iter().filter(|(own, _)| counts_in(areas, own, area));
    within.map(|(_, size)| size).sum()
}

/// What is drawn: without a draw it is unverified, if there is anything to draw.
fn drawn(indicator: &str, target: &Target, rate: Option<&Rate>, population: u64) -> IndicatorResult {
    let mut told = match rate {
        Some(rate) => of_rate(rate, target, population),
        None => IndicatorResult {
            indicator: indicator.to_owned(),
            result: RankingResult {
                state: State::Unverified,
                bounds: Interval::WHOLE,
                target: target.value.fraction(),
                population,
            },
            numerator: 0,
            denominator: 0,
            unknown: 0,
            aside: 0,
            left_out: None,
        },
    };
    if told.result.state == State::Unverified && population == 0 {
        told.result.state = State::NoData;
    }
    told
}

fn of_rate(rate: &Rate, target: &Target, population: u64) -> IndicatorResult {
    let bounds = rate.bounds.map(|(lower, upper)| Interval { lower, upper });
    IndicatorResult {
        indicator: rate.indicator.clone(),
        result: RankingResult {
            state: rate.state.unwrap_or(State::NoData),
            bounds: bounds.unwrap_or(Interval::WHOLE),
            target: target.value.fraction(),
            population,
        },
        numerator: rate.share.numerator,
        denominator: rate.share.denominator,
        unknown: rate.share.unknown,
        aside: rate.sample.as_ref().map_or(0, |sample| sample.aside),
        left_out: None,
    }
}
