//! Rates: the campaign's indicators, then those that every kind has.

mod built_in;
mod counted;
mod drawn;

use std::collections::BTreeMap;

use shilu_model::{Day, Indicator, Position, Target, Timestamp};
use shilu_projections::Figure;
use shilu_sampling::{Basis, State, judge};

use self::counted::{Asked, Told};
use crate::{
    engine::Engine,
    error::EngineError,
    figures::freshen,
    query::{At, By, ComparedRate, FigureQuery, Figures, Rate, Share},
};

impl Engine {
    /// Every indicator.
    ///
    /// # Errors
    /// What the log says.
    pub fn rates(&self, query: &FigureQuery) -> Result<Figures<Rate>, EngineError> {
        let [told] = self.rates_at(query, [query.at])?;
        Ok(told)
    }

    /// Every indicator, and the same at another pair of times. What is not kept by day takes one pass over the records for
    /// both, unless the campaign has changed between what is known at the one and at the other.
    ///
    /// # Errors
    /// What the log says.
    pub fn compared_rates(
        &self,
        query: &FigureQuery,
        from: At,
    ) -> Result<Figures<ComparedRate>, EngineError> {
        let [now, then] = self.rates_at(query, [query.at, from])?;
        let key = |rate: &Rate| (rate.indicator.clone(), rate.area.clone(), rate.actor.clone());
        let mut before: BTreeMap<_, Share> = then.items.iter().map(|rate| (key(rate), rate.share)).collect();
        let items = now.items.into_iter().map(|rate| ComparedRate {
            from: before.remove(&key(&rate)),
            rate,
        });
        Ok(Figures {
            items: items.collect(),
            at: now.at,
        })
    }

    fn rates_at<const N: usize>(
        &self,
        query: &FigureQuery,
        pairs: [At; N],
    ) -> Result<[Figures<Rate>; N], EngineError> {
        let mut deadlines = Vec::with_capacity(N);
        for at in pairs {
            deadlines.push(self.deadlines(at.effective)?);
        }
        let mut told: Vec<Told> = {
            let projections = self.read();
            let figures = projections.figures();
            let asked = pairs.into_iter().zip(&deadlines).map(|(at, deadlines)| {
                let at = freshen(&figures, at);
                Asked {
                    projections: &projections,
                    figures: &figures,
                    query,
                    at,
                    kept: self.kept_axis(&figures, query, at),
                    deadlines,
                    intervals: &self.shared.intervals,
                }
            });
            let asked: Vec<Asked<'_>> = asked.collect();
            let one_campaign =
                |a: &Asked<'_>, b: &Asked<'_>| std::ptr::eq(a.known_campaign(), b.known_campaign());
            asked.chunk_by(one_campaign).flat_map(Asked::told).collect()
        };
        // Draws are read from the log: nobody waits for that.
        for one in told.iter_mut().filter(|_| query.by != By::Actor) {
            for (indicator, rates) in one.campaign.indicators.iter().zip(&mut one.indicators) {
                rates.extend(self.drawn_rates(indicator, query, (one.at, one.campaign.zone))?);
            }
        }
        let passed = told.iter().filter(|one| one.built_in.is_none()).map(|one| one.at);
        let passed: Vec<At> = passed.collect();
        let mut passed = self.passed_rates(query, &passed).into_iter();
        let figures = told.into_iter().map(|one| {
            let mut items: Vec<Rate> = one.indicators.into_iter().flatten().collect();
            items.extend(one.built_in.or_else(|| passed.next()).unwrap_or_default());
            Figures { items, at: one.at }
        });
        let figures: Vec<_> = figures.collect();
        Ok(figures
            .try_into()
            .expect("there is an answer for each pair of times"))
    }

    /// The first position after each deadline of any campaign that has passed at an effective time. As long as there
    /// was one campaign only, the position makes no difference, and nothing is looked up.
    fn deadlines(&self, effective: Timestamp) -> Result<BTreeMap<Day, Position>, EngineError> {
        let (zone, campaigns) = (self.campaign().zone, self.shared.campaigns.all());
        let (one_campaign, end) = {
            let projections = self.read();
            (projections.subjects.has_one_campaign(), projections.end())
        };
        let indicators = campaigns.iter().flat_map(|campaign| &campaign.indicators);
        let passed = indicators
            .flat_map(|indicator| &indicator.targets)
            .map(|target| (target.by, zone.end_of(target.by)))
            .filter(|(_, deadline)| *deadline <= effective);
        let deadlines: BTreeMap<Day, Timestamp> = passed.collect();
        deadlines
            .into_iter()
            .map(|(by, deadline)| Ok((by, if one_campaign { end } else { self.end_at(deadline)? })))
            .collect()
    }
}

/// The last target that is due or, before any is, the next; and whether it is due.
pub(crate) fn target_of(targets: &[Target], passed: impl Fn(&Target) -> bool) -> (Option<&Target>, bool) {
    match targets.iter().rfind(|target| passed(target)) {
        Some(target) => (Some(target), true),
        None => (targets.first(), false),
    }
}

fn bounds(basis: &Basis) -> Option<(f64, f64)> {
    match basis {
        Basis::Undrawn => None,
        Basis::Sample { cautious, .. } => Some((cautious.lower, cautious.upper)),
        Basis::Full(counts) => quotient(counts.right, counts.total())
            .zip(quotient(counts.right + counts.unknown, counts.total())),
    }
}

fn state(basis: &Basis, target: Option<&Target>) -> Option<State> {
    match (target, basis) {
        (Some(target), basis) => Some(judge(basis, target.into())),
        (None, Basis::Undrawn) => Some(State::Unverified),
        (None, Basis::Full(counts) | Basis::Sample { counts, .. }) => {
            (counts.total() == 0).then_some(State::NoData)
        }
    }
}

fn quotient(numerator: u64, denominator: u64) -> Option<f64> {
    let figure = Figure {
        numerator,
        denominator,
        unknown: 0,
    };
    figure.value()
}

fn title(indicator: &Indicator) -> (String, String) {
    let title = |title: Option<&str>| title.unwrap_or(&indicator.id).to_owned();
    (title(indicator.title.en.as_deref()), title(indicator.title.zh()))
}
