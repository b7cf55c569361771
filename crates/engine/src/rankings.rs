//! Rankings: areas by the rates that are due, month by month, as known at the end of the month.

use std::collections::BTreeMap;

use shilu_model::Month;
use shilu_sampling::{Contestant, Interval, Ranked, RankingResult, rank};

use crate::{
    engine::Engine,
    error::EngineError,
    query::{AsOf, At, By, FigureQuery, Rate},
};

/// A ranking.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// The month.
    pub month: Month,
    /// The pair of times: the end of the month, or now in a month that has not ended.
    pub at: At,
    /// The best first; those without a rank last.
    pub items: Vec<Ranked>,
}

impl Engine {
    /// Ranks the areas that have no area below them. Without a month, that of the last one that has begun.
    ///
    /// # Errors
    /// `NO_RANKING`, and what the log says.
    pub fn ranking(&self, month: Option<Month>) -> Result<Ranking, EngineError> {
        let campaign = self.campaign();
        let no = |problem: String| EngineError::NoRanking { problem };
        let ranking = campaign
            .ranking
            .as_ref()
            .ok_or_else(|| no("the campaign ranks nobody".to_owned()))?;
        let now = self.now();
        let begun = |month: &Month| campaign.zone.start_of(month.first) <= now;
        let month = match month {
            Some(month) if !ranking.months.contains(&month) => {
                return Err(no(format!("the campaign does not rank {month}")));
            }
            Some(month) if !begun(&month) => return Err(no(format!("{month} has not begun"))),
            Some(month) => month,
            None => {
                let last = ranking.months.iter().rfind(|month| begun(month));
                *last.ok_or_else(|| no("no month of the ranking has begun".to_owned()))?
            }
        };
        let end = campaign.zone.end_of(month.last);
        let as_of = if end < now { AsOf::Time(end) } else { AsOf::Now };
        let query = FigureQuery {
            at: self.at(as_of, None)?,
            by: By::Area,
            area: None,
        };
        let rates = self.rates(&query)?;
        let mut areas: BTreeMap<String, Vec<RankingResult>> = BTreeMap::new();
        for leaf in campaign.areas.leaves() {
            areas.insert(leaf.id.clone(), Vec::new());
        }
        for rate in rates.items {
            let (Some(area), Some(result)) = (rate.area.clone(), result(&rate)) else {
                continue;
            };
            match areas.get_mut(&area) {
                Some(results) => results.push(result),
                None if campaign.areas.is_empty() => areas.entry(area).or_default().push(result),
                // What lies in areas above is in theirs already.
                None => {}
            }
        }
        let contestants = areas
            .into_iter()
            .map(|(name, results)| Contestant { name, results });
        let items = rank(
            &contestants.collect::<Vec<_>>(),
            u64::from(ranking.min_population),
        );
        Ok(Ranking {
            month,
            at: rates.at,
            items,
        })
    }
}

/// What a rate brings to a ranking, if its target is due. A wish counts too: missing it only is never short.
fn result(rate: &Rate) -> Option<RankingResult> {
    let target = rate.target.as_ref().filter(|_| rate.due)?.value.fraction();
    let (lower, upper) = rate.bounds.unwrap_or((0.0, 1.0));
    Some(RankingResult {
        state: rate.state?,
        bounds: Interval { lower, upper },
        target: if target > 0.0 { target } else { f64::MIN_POSITIVE },
        population: rate.population,
    })
}
