//! Rankings: areas and persons by the rates that are due, month by month, as known at the end of the month.
//!
//! Everything is by the campaign known then: whether the month is ranked at all, its areas, indicators, targets and the
//! least number of cases. What the campaign says today changes no month that has ended.

mod actors;
mod areas;

use std::collections::BTreeMap;

use shilu_model::{Campaign, Indicator, Month, Ranking as Rule, Target, Zone};
use shilu_sampling::{Contestant, LeftOut, Ranked, RankingResult, rank};

use crate::{
    engine::Engine,
    error::EngineError,
    query::{AsOf, At},
};

/// Who is ranked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ranks {
    /// The areas in which no other one lies.
    #[default]
    Areas,
    /// Persons, by the accuracy of what they entered.
    Actors,
}

/// A ranking.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// The month.
    pub month: Month,
    /// The pair of times: the end of the month, or now in a month that has not ended.
    pub at: At,
    /// Who is ranked.
    pub of: Ranks,
    /// The best first; those without a rank last.
    pub items: Vec<RankingItem>,
}

/// Where an area or a person stands, and by what.
#[derive(Clone, Debug, PartialEq)]
pub struct RankingItem {
    /// Where it stands.
    pub ranked: Ranked,
    /// Its indicators that are due, in the campaign's order.
    pub results: Vec<IndicatorResult>,
}

/// One indicator of one that is ranked.
#[derive(Clone, Debug, PartialEq)]
pub struct IndicatorResult {
    /// The indicator.
    pub indicator: String,
    /// What it brings to the ranking.
    pub result: RankingResult,
    /// Cases that count.
    pub numerator: u64,
    /// All cases but the unknown ones.
    pub denominator: u64,
    /// Cases of which nobody can say.
    pub unknown: u64,
    /// Found gone, in a column of their own.
    pub aside: u64,
    /// Why it does not count here.
    pub left_out: Option<LeftOut>,
}

/// The indicators of each that is ranked.
type Results = BTreeMap<String, Vec<IndicatorResult>>;

impl Engine {
    /// Ranks the areas that have no area below them, or persons. Without a month, that of the last one that has begun.
    ///
    /// # Errors
    /// `NO_RANKING`, and what the log says.
    pub fn ranking(&self, month: Option<Month>, of: Ranks) -> Result<Ranking, EngineError> {
        let (month, at) = self.month_of(month)?;
        let campaign = self.campaign_at(at.known_end);
        let rule = rule_of(&campaign, month)?;
        let (at, mut results) = match of {
            Ranks::Areas => self.area_results(&campaign, at)?,
            Ranks::Actors => (at, self.actor_results(&campaign, at)?),
        };
        let least = u64::from(rule.min_population);
        for one in results.values_mut().flatten() {
            one.left_out = one.result.left_out(least);
        }
        let contestants: Vec<Contestant> = results
            .iter()
            .map(|(name, results)| Contestant {
                name: name.clone(),
                results: results.iter().map(|one| one.result).collect(),
            })
            .collect();
        let item = |ranked: Ranked| RankingItem {
            results: results.remove(&ranked.name).unwrap_or_default(),
            ranked,
        };
        let items = rank(&contestants, least).into_iter().map(item).collect();
        Ok(Ranking { month, at, of, items })
    }

    /// The month that is asked for, and its end or now.
    fn month_of(&self, asked: Option<Month>) -> Result<(Month, At), EngineError> {
        let (campaign, now) = (self.campaign(), self.now());
        let begun = |month: &Month| campaign.zone.start_of(month.first) <= now;
        let month = match asked {
            Some(month) if !begun(&month) => return Err(no_ranking(format!("{month} has not begun"))),
            Some(month) => month,
            None => {
                let rule = campaign.ranking.as_ref().ok_or_else(ranks_nobody)?;
                let last = rule.months.iter().rfind(|month| begun(month));
                *last.ok_or_else(|| no_ranking("no month of the ranking has begun".to_owned()))?
            }
        };
        let end = campaign.zone.end_of(month.last);
        let as_of = if end < now { AsOf::Time(end) } else { AsOf::Now };
        Ok((month, self.at(as_of, None)?))
    }
}

fn rule_of(campaign: &Campaign, month: Month) -> Result<&Rule, EngineError> {
    let rule = campaign.ranking.as_ref().ok_or_else(ranks_nobody)?;
    if rule.months.contains(&month) {
        Ok(rule)
    } else {
        Err(no_ranking(format!("the campaign does not rank {month}")))
    }
}

fn ranks_nobody() -> EngineError {
    no_ranking("the campaign ranks nobody".to_owned())
}

fn no_ranking(problem: String) -> EngineError {
    EngineError::NoRanking { problem }
}

/// The last target that is due. A wish counts too: missing it only is never short.
fn due(indicator: &Indicator, zone: Zone, at: At) -> Option<&Target> {
    let targets = indicator.targets.iter();
    targets
        .rev()
        .find(|target| zone.end_of(target.by) <= at.effective)
}
