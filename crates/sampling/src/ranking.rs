//! Ranking: who stands before whom by rates that have targets, and who cannot be told apart.

use std::cmp::Ordering;

use crate::{
    interval::Interval,
    number::{count, float},
    state::State,
};

/// Scores are compared in steps of a billionth: far above what rounding does, far below what a record weighs.
const SCORE_STEPS: f64 = 1e9;

/// One indicator of one contestant whose target is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Result {
    /// How it stands to its target.
    pub state: State,
    /// Its value, from the least that is possible to the greatest.
    pub bounds: Interval,
    /// The target, 0 to 1.
    pub target: f64,
    /// How many cases there are to be right or wrong: records or what a frame expects, never a sample's size.
    pub population: u64,
}

/// Why an indicator, or a contestant with all of theirs, is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// There is nothing to count.
    NoData,
    /// There are too few cases to be ranked by.
    TooFew,
}

impl LeftOut {
    /// The word for it in answers.
    pub const fn word(self) -> &'static str {
        match self {
            LeftOut::NoData => "no-data",
            LeftOut::TooFew => "too-few",
        }
    }
}

impl Result {
    /// Why it is left out of a ranking that asks for so many cases; `None` where it counts.
    pub fn left_out(&self, population_min: u64) -> Option<LeftOut> {
        if self.state == State::NoData {
            Some(LeftOut::NoData)
        } else {
            (self.population < population_min).then_some(LeftOut::TooFew)
        }
    }

    /// A value by the target, at most 1: beyond the target nothing is gained.
    fn by_target(&self, value: f64) -> f64 {
        if self.target > 0.0 {
            (value / self.target).min(1.0)
        } else {
            1.0
        }
    }
}

/// An area or a person with its results.
#[derive(Clone, Debug, PartialEq)]
pub struct Contestant {
    /// Its name.
    pub name: String,
    /// Its indicators that are due.
    pub results: Vec<Result>,
}

/// Where a contestant stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// Its name.
    pub name: String,
    /// From 1; those who share a rank are alike in everything that is ranked. `None` for whom no indicator counts.
    pub rank: Option<u64>,
    /// Why there is no rank.
    pub unranked: Option<LeftOut>,
    /// Indicators whose target is met.
    pub met: u64,
    /// Indicators that count.
    pub due: u64,
    /// Of these, not checked by a draw.
    pub unverified: u64,
    /// Indicators left out because they have too few cases.
    pub left_out: u64,
    /// The mean of value by target, each at most 1, at the lower and at the upper bounds.
    pub score: Option<Interval>,
    /// Others whose scores overlap with this one.
    pub alike: Vec<String>,
}

/// Ranks contestants.
///
/// First those without unverified indicators; then by the number of indicators met, the greatest first; then by the mean
/// of min(lower bound / target, 1), the greatest first. Ties share a rank, and the next rank counts them all. An
/// indicator with fewer than `population_min` cases in its population is left out, and a contestant without any left has
/// no rank. Of an indicator with nothing to count nothing is said.
///
/// ```
/// use shilu_sampling::{Contestant, Interval, RankingResult, State, rank};
/// let area = |name: &str, share: f64| Contestant {
///     name: name.to_owned(),
///     results: vec![RankingResult { state: State::Met, bounds: Interval::exact(share), target: 0.95, population: 400 }],
/// };
/// let ranked = rank(&[area("west", 0.96), area("east", 0.90), area("north", 0.99)], 20);
/// let ranks: Vec<_> = ranked.iter().map(|one| (one.rank, &*one.name)).collect();
/// // Beyond the target nothing is gained.
/// assert_eq!(ranks, [(Some(1), "north"), (Some(1), "west"), (Some(3), "east")]);
/// ```
pub fn rank(contestants: &[Contestant], population_min: u64) -> Vec<Ranked> {
    let mut ranked: Vec<Ranked> = contestants
        .iter()
        .map(|contestant| scored(contestant, population_min))
        .collect();
    ranked.sort_by(|a, b| order(a, b).then_with(|| a.name.cmp(&b.name)));
    let mut before: Option<(Ranked, u64)> = None;
    for (place, one) in (1..).zip(&mut ranked) {
        if one.score.is_none() {
            continue;
        }
        let shared = before
            .as_ref()
            .filter(|(other, _)| order(other, one) == Ordering::Equal)
            .map(|(_, rank)| *rank);
        let rank = shared.unwrap_or(place);
        one.rank = Some(rank);
        before = Some((one.clone(), rank));
    }
    let scores: Vec<(String, Option<Interval>)> =
        ranked.iter().map(|one| (one.name.clone(), one.score)).collect();
    for one in &mut ranked {
        let Some(score) = one.score else { continue };
        let others = scores.iter().filter(|(name, _)| *name != one.name);
        let alike = others.filter(|(_, other)| other.is_some_and(|other| other.overlaps(score)));
        one.alike = alike.map(|(name, _)| name.clone()).collect();
    }
    ranked
}

fn scored(contestant: &Contestant, population_min: u64) -> Ranked {
    let results = contestant.results.iter();
    let (counted, rest): (Vec<&Result>, Vec<&Result>) =
        results.partition(|result| result.left_out(population_min).is_none());
    let of = |state: State| count(counted.iter().filter(|result| result.state == state).count());
    let too_few = |result: &&&Result| result.left_out(population_min) == Some(LeftOut::TooFew);
    let left_out = count(rest.iter().filter(too_few).count());
    let mean = |bound: fn(&Interval) -> f64| {
        let shares = counted
            .iter()
            .map(|result| result.by_target(bound(&result.bounds)));
        shares.sum::<f64>() / float(count(counted.len()))
    };
    let score = (!counted.is_empty()).then(|| Interval {
        lower: mean(|bounds| bounds.lower),
        upper: mean(|bounds| bounds.upper),
    });
    let why = if left_out > 0 {
        LeftOut::TooFew
    } else {
        LeftOut::NoData
    };
    Ranked {
        name: contestant.name.clone(),
        rank: None,
        unranked: score.is_none().then_some(why),
        met: of(State::Met),
        due: count(counted.len()),
        unverified: of(State::Unverified),
        left_out,
        score,
        alike: Vec::new(),
    }
}

/// The better one first.
fn order(a: &Ranked, b: &Ranked) -> Ordering {
    // What differs by rounding alone is a tie.
    let lower = |one: &Ranked| {
        one.score
            .map_or(-1.0, |score| (score.lower * SCORE_STEPS).round())
    };
    (a.score.is_none().cmp(&b.score.is_none()))
        .then((a.unverified > 0).cmp(&(b.unverified > 0)))
        .then(b.met.cmp(&a.met))
        .then(lower(b).total_cmp(&lower(a)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(state: State, lower: f64, upper: f64, population: u64) -> Result {
        Result {
            state,
            bounds: Interval { lower, upper },
            target: 0.8,
            population,
        }
    }

    fn area(name: &str, results: &[Result]) -> Contestant {
        Contestant {
            name: name.to_owned(),
            results: results.to_vec(),
        }
    }

    fn ranks(contestants: &[Contestant]) -> Vec<(Option<u64>, String)> {
        let ranked = rank(contestants, 20).into_iter();
        ranked.map(|one| (one.rank, one.name)).collect()
    }

    #[test]
    fn targets_met_come_before_the_mean() {
        let one_met = [
            result(State::Met, 0.8, 0.8, 50),
            result(State::Short, 0.1, 0.1, 50),
        ];
        let none_met = [
            result(State::Short, 0.79, 0.79, 50),
            result(State::Short, 0.79, 0.79, 50),
        ];
        let found = ranks(&[area("a", &none_met), area("b", &one_met)]);
        assert_eq!(found, [(Some(1), "b".into()), (Some(2), "a".into())]);
    }

    #[test]
    fn whoever_was_not_checked_comes_last() {
        let unchecked = [
            result(State::Unverified, 0.0, 1.0, 50),
            result(State::Met, 0.9, 0.9, 50),
        ];
        let bad = [result(State::Short, 0.1, 0.1, 50)];
        let found = ranks(&[area("a", &unchecked), area("b", &bad)]);
        assert_eq!(found, [(Some(1), "b".into()), (Some(2), "a".into())]);
    }

    #[test]
    fn too_few_cases_give_no_rank() {
        let few = [
            result(State::Met, 1.0, 1.0, 19),
            result(State::NoData, 0.0, 1.0, 0),
        ];
        let enough = [result(State::Met, 1.0, 1.0, 20)];
        let found = rank(&[area("a", &few), area("b", &enough)], 20);
        assert_eq!((found[0].rank, &*found[0].name, found[0].due), (Some(1), "b", 1));
        assert_eq!((found[1].rank, found[1].due, found[1].left_out), (None, 0, 1));
        assert_eq!((found[1].score, found[1].unranked), (None, Some(LeftOut::TooFew)));
        assert_eq!(
            (found[0].unranked, few[1].left_out(20)),
            (None, Some(LeftOut::NoData))
        );
        // Nothing is due, or there is nothing to count.
        let idle = rank(&[area("a", &[]), area("b", &few[1..])], 20);
        assert!(
            idle.iter()
                .all(|one| one.rank.is_none() && one.unranked == Some(LeftOut::NoData))
        );
    }

    #[test]
    fn a_target_of_nothing_is_reached_by_nothing() {
        let none = Result {
            target: 0.0,
            ..result(State::Met, 0.0, 0.0, 50)
        };
        let score = rank(&[area("a", &[none])], 20)[0].score;
        assert_eq!(score, Some(Interval::exact(1.0)));
    }

    #[test]
    fn the_order_of_indicators_breaks_no_tie() {
        let of = |shares: [f64; 3]| {
            shares.map(|share| Result {
                target: 1.0,
                ..result(State::Short, share, share, 50)
            })
        };
        assert_ne!(0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1);
        let (one, other) = (of([0.1, 0.2, 0.3]), of([0.3, 0.2, 0.1]));
        let found = ranks(&[area("a", &one), area("b", &other)]);
        assert_eq!(found, [(Some(1), "a".into()), (Some(1), "b".into())]);
    }

    #[test]
    fn ties_share_a_rank_and_the_next_counts_them() {
        let all = [result(State::Met, 0.9, 0.9, 50)];
        let less = [result(State::Short, 0.4, 0.4, 50)];
        let found = ranks(&[area("c", &less), area("b", &all), area("a", &all)]);
        let expected = [
            (Some(1), "a".into()),
            (Some(1), "b".into()),
            (Some(3), "c".into()),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn overlapping_scores_are_named() {
        let wide = [result(State::Undecided, 0.4, 0.7, 50)];
        let near = [result(State::Undecided, 0.6, 0.75, 50)];
        let far = [result(State::Short, 0.1, 0.2, 50)];
        let found = rank(&[area("a", &wide), area("b", &near), area("c", &far)], 20);
        let alike: Vec<_> = found.iter().map(|one| (&*one.name, one.alike.clone())).collect();
        let expected = [
            ("b", vec!["a".to_owned()]),
            ("a", vec!["b".to_owned()]),
            ("c", vec![]),
        ];
        assert_eq!(alike, expected);
    }
}
