//! Rankings, as they go out.

use serde::Serialize;
use shilu_engine::{IndicatorResult, RankingItem, Ranks, sampling::LeftOut};
use utoipa::ToSchema;

/// A ranking of a month.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ranking)]
pub(crate) struct RankingJson {
    /// The month.
    #[schema(example = "2015-04")]
    pub(crate) month: String,
    /// area or actor: who is ranked.
    #[schema(example = "area")]
    pub(crate) by: &'static str,
    /// The best first; those without a rank last.
    pub(crate) items: Vec<RankedJson>,
    /// Always null: a ranking is one page.
    pub(crate) next: Option<String>,
    /// The last position that the answer takes into account; null before the first event.
    pub(crate) as_of: Option<u64>,
    /// Set on a register whose clock is simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) simulated: Option<bool>,
}

/// Where an area or a person stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ranked)]
pub(crate) struct RankedJson {
    /// From 1; ties share a rank. Null where no indicator counts.
    rank: Option<u64>,
    /// Why there is no rank: too-few cases in everything that is due, or no-data; null where there is one.
    unranked: Option<&'static str>,
    /// The area, where areas are ranked.
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<String>,
    /// The person, where persons are ranked.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    /// Indicators whose target is met.
    met: u64,
    /// Indicators that are due and count.
    due: u64,
    /// Of these, not checked by a draw.
    unverified: u64,
    /// Indicators that are due and have too few cases here.
    left_out: u64,
    /// The mean of value by target, each at most 1, at the lower bounds: what is ranked.
    lower: Option<f64>,
    /// The same at the upper bounds.
    upper: Option<f64>,
    /// Others that cannot be told apart from this one: their scores overlap.
    alike: Vec<String>,
    /// What it rests on: the indicators that are due.
    results: Vec<ResultJson>,
}

/// One indicator of one that is ranked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RankedResult)]
pub(crate) struct ResultJson {
    /// The indicator.
    indicator: String,
    /// How it stands to the target.
    state: &'static str,
    /// Cases that count.
    numerator: u64,
    /// All cases but the unknown ones.
    denominator: u64,
    /// Cases of which nobody can say.
    unknown: u64,
    /// Found gone, where that is neither right nor wrong.
    aside: u64,
    /// The least value that is possible.
    lower: f64,
    /// The greatest.
    upper: f64,
    /// The target, as a share.
    target: f64,
    /// How many cases there are; never a sample's size.
    population: u64,
    /// Why it does not count here: too-few cases, or no-data; null where it counts.
    left_out: Option<&'static str>,
}

impl RankedJson {
    pub(crate) fn of(item: &RankingItem, of: Ranks) -> Self {
        let ranked = &item.ranked;
        let name = |wanted: Ranks| (of == wanted).then(|| ranked.name.clone());
        RankedJson {
            rank: ranked.rank,
            unranked: ranked.unranked.map(LeftOut::word),
            area: name(Ranks::Areas),
            actor: name(Ranks::Actors),
            met: ranked.met,
            due: ranked.due,
            unverified: ranked.unverified,
            left_out: ranked.left_out,
            lower: ranked.score.map(|score| score.lower),
            upper: ranked.score.map(|score| score.upper),
            alike: ranked.alike.clone(),
            results: item.results.iter().map(ResultJson::of).collect(),
        }
    }
}

impl ResultJson {
    fn of(one: &IndicatorResult) -> Self {
        ResultJson {
            indicator: one.indicator.clone(),
            state: one.result.state.word(),
            numerator: one.numerator,
            denominator: one.denominator,
            unknown: one.unknown,
            aside: one.aside,
            lower: one.result.bounds.lower,
            upper: one.result.bounds.upper,
            target: one.result.target,
            population: one.result.population,
            left_out: one.left_out.map(LeftOut::word),
        }
    }
}
