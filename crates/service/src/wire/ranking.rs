//! Rankings, as they go out.

use serde::Serialize;
use shilu_engine::sampling::Ranked;
use utoipa::ToSchema;

/// A ranking of a month.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ranking)]
pub(crate) struct RankingJson {
    /// The month.
    #[schema(example = "2015-04")]
    pub(crate) month: String,
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

/// Where an area stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ranked)]
pub(crate) struct RankedJson {
    /// From 1; ties share a rank. Null for an area with too few cases in everything that is due.
    rank: Option<u64>,
    /// The area.
    area: String,
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
    /// Areas that cannot be told apart from this one: their scores overlap.
    alike: Vec<String>,
}

impl RankedJson {
    pub(crate) fn of(ranked: &Ranked) -> Self {
        RankedJson {
            rank: ranked.rank,
            area: ranked.name.clone(),
            met: ranked.met,
            due: ranked.due,
            unverified: ranked.unverified,
            left_out: ranked.left_out,
            lower: ranked.score.map(|score| score.lower),
            upper: ranked.score.map(|score| score.upper),
            alike: ranked.alike.clone(),
        }
    }
}
