//! The campaign's indicators that are counted, at one pair of times.

use std::{collections::BTreeMap, sync::Arc};

use shilu_model::{Campaign, Day, Indicator, Position, Target};
use shilu_projections::{
    Axis, Clusters, FigureTimes, FigureWanted, Figures as Kept, Projections, Reckoned, Split,
};
use shilu_sampling::{Basis, Counts, RatioSums};

use super::{bounds, built_in::kept_rates, quotient, state, target_of, title};
use crate::{
    intervals::Intervals,
    query::{At, AtDeadline, By, FigureQuery, Rate, Share},
};

/// What the campaign's indicators say at one pair of times.
pub(super) struct Asked<'a> {
    pub projections: &'a Projections,
    pub figures: &'a Kept,
    pub query: &'a FigureQuery,
    pub at: At,
    pub kept: Option<(Axis, Day)>,
    /// The first position after each deadline that has passed.
    pub deadlines: &'a BTreeMap<Day, Position>,
    pub intervals: &'a Intervals,
}

/// What was told at one pair of times.
pub(super) struct Told {
    pub at: At,
    pub campaign: Arc<Campaign>,
    /// For each indicator of the campaign; nothing yet for those that follow from draws.
    pub indicators: Vec<Vec<Rate>>,
    /// Those of every kind, if they are kept.
    pub built_in: Option<Vec<Rate>>,
}

impl Asked<'_> {
    /// What some that share a campaign are told.
    pub fn told(group: &[Self]) -> Vec<Told> {
        let told = group.iter().map(|one| Told {
            at: one.at,
            campaign: Arc::clone(one.known_campaign()),
            indicators: Vec::new(),
            built_in: one
                .kept
                .map(|kept| kept_rates(one.projections, one.figures, one.query, (one.at, kept))),
        });
        let mut told: Vec<Told> = told.collect();
        let Some(first) = group.first() else { return told };
        for indicator in &first.known_campaign().indicators {
            let wanted = group.iter().map(|one| {
                let times = match one.kept {
                    Some((axis, day)) => FigureTimes::Kept(axis, day),
                    None => FigureTimes::Passed(one.at.effective),
                };
                one.wanted(times, one.at.known_end)
            });
            let wanted: Vec<_> = wanted.collect();
            let subjects = &first.projections.subjects;
            let each = first.figures.reckon_each(subjects, indicator, &wanted);
            for ((one, reckoned), told) in group.iter().zip(each).zip(&mut told) {
                told.indicators.push(one.rates(indicator, reckoned));
            }
        }
        told
    }

    /// The campaign known at the pair of times.
    pub fn known_campaign(&self) -> &Arc<Campaign> {
        self.projections.subjects.campaign(self.at.known_end)
    }

    fn rates(&self, indicator: &Indicator, reckoned: Vec<Reckoned>) -> Vec<Rate> {
        let zone = self.known_campaign().zone;
        let passed = |target: &Target| zone.end_of(target.by) <= self.at.effective;
        let (target, due) = target_of(&indicator.targets, passed);
        // What is known before the deadline does not say what was known at it.
        let then = target
            .filter(|target| due && zone.end_of(target.by) <= self.at.known)
            .map(|target| self.at_deadline(indicator, target.by))
            .unwrap_or_default();
        let told = reckoned.into_iter();
        told.map(|told| {
            let before = then
                .iter()
                .find(|(area, actor, _)| (area, actor) == (&told.area, &told.actor));
            let (share, basis) = of_reckoned(&told, self.intervals);
            Rate {
                indicator: indicator.id.clone(),
                title: title(indicator),
                bounds: bounds(&basis),
                // What is summed are records: the guests of one hotel are no cases of their own.
                population: told.clusters.map_or(share.denominator, |clusters| clusters.count)
                    + share.unknown,
                share,
                target: target.cloned(),
                due,
                state: state(&basis, target),
                at_deadline: before.map(|(_, _, before)| before.clone()),
                frame: told.frame,
                first_frame: told.first.map(|(numerator, denominator)| Share {
                    numerator,
                    denominator,
                    value: quotient(numerator, denominator),
                    ..Share::default()
                }),
                excess: told.excess,
                left_scope: told.left,
                sample: None,
                area: told.area,
                actor: told.actor,
            }
        })
        .collect()
    }

    /// An indicator at the end of a day as known then, by the campaign known then.
    fn at_deadline(&self, indicator: &Indicator, by: Day) -> Vec<Then> {
        let Some(end) = self.deadlines.get(&by) else {
            return Vec::new();
        };
        let Some(known) = self.campaign(*end).indicator(&indicator.id) else {
            return Vec::new();
        };
        let target = known.targets.iter().find(|target| target.by == by);
        let wanted = self.wanted(FigureTimes::Kept(Axis::Known, by), *end);
        let subjects = &self.projections.subjects;
        let told = self.figures.reckon(subjects, known, &wanted).into_iter();
        told.map(|told| {
            let (share, basis) = of_reckoned(&told, self.intervals);
            let before = AtDeadline {
                share,
                target: target.cloned(),
                state: state(&basis, target),
            };
            (told.area, told.actor, before)
        })
        .collect()
    }

    fn wanted(&self, times: FigureTimes, end: Position) -> FigureWanted<'_> {
        FigureWanted {
            times,
            end,
            split: match self.query.by {
                By::Whole => Split::Whole,
                By::Area => Split::Area,
                By::Actor => Split::Actor,
            },
            area: self.query.area.as_deref(),
        }
    }

    fn campaign(&self, end: Position) -> &Campaign {
        self.projections.subjects.campaign(end)
    }
}

/// An area and an actor with what was known of them at a deadline.
type Then = (Option<String>, Option<String>, AtDeadline);

/// What was counted, and what it rests on: a quotient of sums on its clusters, everything else on all cases.
fn of_reckoned(told: &Reckoned, intervals: &Intervals) -> (Share, Basis) {
    let mut share = Share {
        numerator: told.numerator,
        denominator: told.denominator,
        unknown: told.unknown,
        value: quotient(told.numerator, told.denominator),
        interval: None,
    };
    let mut counts = Counts {
        right: told.numerator,
        wrong: told.denominator.saturating_sub(told.numerator),
        unknown: told.unknown,
    };
    let sums = told.clusters.map(|clusters| ratio_sums(&share, &clusters));
    match sums.and_then(|sums| intervals.of(&sums)) {
        None => (share, Basis::Full(counts)),
        Some(found) => {
            let cautious = found.interval;
            share.interval = Some((cautious.lower, cautious.upper));
            // Its unknowns are records, not what is summed.
            counts.unknown = 0;
            (share, Basis::Sample { counts, cautious })
        }
    }
}

fn ratio_sums(share: &Share, clusters: &Clusters) -> RatioSums {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    RatioSums {
        clusters: whole(clusters.count),
        filled: whole(clusters.count),
        n: whole(share.numerator),
        d: whole(share.denominator),
        nn: i128::from(clusters.numerator_squared),
        nd: i128::from(clusters.product),
        dd: i128::from(clusters.denominator_squared),
    }
}
