//! Rates: the campaign's indicators, then those that every kind has.

use std::{collections::BTreeMap, sync::Arc};

use shilu_model::{Campaign, Day, Indicator, Kind, Position, Target, Timestamp, Zone};
use shilu_projections::{
    Axis, BuiltIn, Clusters, Figure, FigureTimes, FigureWanted, Figures as Kept, Projections, Reckoned, Split,
};
use shilu_sampling::{Basis, Counts, RatioSums, State, judge};

use crate::{
    engine::Engine,
    error::EngineError,
    figures::{Part, freshen, parts},
    intervals::Intervals,
    query::{At, AtDeadline, Behind, By, FigureQuery, Figures, Rate, Share},
    samples::DrawnFigure,
};

impl Engine {
    /// Every indicator.
    ///
    /// # Errors
    /// What the log says.
    pub fn rates(&self, query: &FigureQuery) -> Result<Figures<Rate>, EngineError> {
        let deadlines = self.deadlines(query.at.effective)?;
        let (at, campaign, mut told, built_in) = {
            let projections = self.read();
            let figures = projections.figures();
            let at = freshen(&figures, query.at);
            let kept = self.kept_axis(&figures, query, at);
            let asked = Asked {
                projections: &projections,
                figures: &figures,
                query,
                at,
                kept,
                deadlines: &deadlines,
                intervals: &self.shared.intervals,
            };
            let campaign = Arc::clone(projections.subjects.campaign(at.known_end));
            let indicators = campaign.indicators.iter();
            let told: Vec<Vec<Rate>> = indicators.map(|indicator| asked.rates(indicator)).collect();
            let built_in = kept.map(|kept| kept_rates(&projections, &figures, query, (at, kept)));
            (at, campaign, told, built_in)
        };
        // Draws are read from the log: nobody waits for that.
        for (indicator, told) in campaign.indicators.iter().zip(&mut told) {
            if query.by != By::Actor {
                told.extend(self.drawn_rates(indicator, query, (at, campaign.zone))?);
            }
        }
        let mut items: Vec<Rate> = told.into_iter().flatten().collect();
        items.extend(built_in.unwrap_or_else(|| self.passed_rates(query, at)));
        Ok(Figures { items, at })
    }

    /// What the draws of an indicator say; nothing for one that is counted.
    fn drawn_rates(
        &self,
        indicator: &Indicator,
        query: &FigureQuery,
        (at, zone): (At, Zone),
    ) -> Result<Vec<Rate>, EngineError> {
        let by_area = query.by == By::Area;
        let drawn = self.drawn(indicator, query.area.as_deref(), by_area, at)?;
        if drawn.is_empty() {
            return Ok(Vec::new());
        }
        let (target, due) = target_of(&indicator.targets, |target| {
            zone.end_of(target.by) <= at.effective
        });
        let then = match target.filter(|_| due).map(|target| zone.end_of(target.by)) {
            Some(deadline) if deadline <= at.known && deadline < at.effective.max(at.known) => {
                let then = At {
                    effective: deadline,
                    known: deadline,
                    known_end: self.end_at(deadline)?,
                    now: false,
                };
                self.drawn(indicator, query.area.as_deref(), by_area, then)?
            }
            _ => Vec::new(),
        };
        let rate = |figure: DrawnFigure| {
            let before = then.iter().find(|before| before.area == figure.area);
            let cautious = figure.estimate.cautious();
            Rate {
                indicator: indicator.id.clone(),
                title: title(indicator),
                share: of_estimate(&figure),
                bounds: cautious.map(|interval| (interval.lower, interval.upper)),
                population: figure.population,
                target: target.cloned(),
                due,
                state: state(&figure.estimate.basis, target),
                at_deadline: before.map(|before| AtDeadline {
                    share: of_estimate(before),
                    target: target.cloned(),
                    state: state(&before.estimate.basis, target),
                }),
                frame: None,
                first_frame: None,
                excess: 0,
                left_scope: 0,
                sample: figure.sample.map(|id| Behind {
                    id,
                    draws: figure.draws,
                    in_time: figure.in_time,
                    steerable: figure.steerable,
                    aside: figure.aside,
                }),
                area: figure.area,
                actor: None,
            }
        };
        Ok(drawn.into_iter().map(rate).collect())
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

    fn passed_rates(&self, query: &FigureQuery, at: At) -> Vec<Rate> {
        type Split = (Option<String>, Option<String>);
        let mut sums: BTreeMap<(String, BuiltIn), BTreeMap<Split, Figure>> = BTreeMap::new();
        let campaign = self.campaign_at(at.known_end);
        self.pass(at, |names, kind, class| {
            let Some(split) = query.split(names, &campaign.areas, class) else {
                return;
            };
            for indicator in BuiltIn::ALL {
                let figure = indicator.of(class);
                if figure != Figure::default() {
                    let sum = sums
                        .entry((kind.to_owned(), indicator))
                        .or_default()
                        .entry(split.clone())
                        .or_default();
                    *sum = sum.plus(figure);
                }
            }
        });
        let mut items = Vec::new();
        for kind in &campaign.kinds {
            for indicator in BuiltIn::ALL {
                let mut splits = sums.remove(&(kind.id.clone(), indicator)).unwrap_or_default();
                if query.by == By::Whole {
                    splits.entry((query.area.clone(), None)).or_default();
                }
                let rates = splits.into_iter();
                items.extend(
                    rates.map(|((area, actor), figure)| built_in(kind, indicator, area, actor, figure)),
                );
            }
        }
        items
    }
}

/// The built-in indicators of every kind, on a kept axis.
fn kept_rates(
    projections: &Projections,
    figures: &Kept,
    query: &FigureQuery,
    (at, (axis, day)): (At, (Axis, Day)),
) -> Vec<Rate> {
    let (names, rates) = (&projections.subjects.names, &figures.rates);
    let campaign = projections.subjects.campaign(at.known_end);
    let mut items = Vec::new();
    for kind in &campaign.kinds {
        let name = names.find(&kind.id);
        for indicator in BuiltIn::ALL {
            let areas = || name.map_or_else(Vec::new, |name| rates.areas(name, indicator));
            let actors = || name.map_or_else(Vec::new, |name| rates.actors(name, indicator));
            for Part { scopes, area, actor } in parts(query, names, &campaign.areas, areas, actors) {
                let figures = name.into_iter().flat_map(|name| {
                    let scopes = scopes.iter();
                    scopes.map(move |scope| rates.at(name, indicator, *scope, axis, day))
                });
                let figure = figures.fold(Figure::default(), Figure::plus);
                if query.by == By::Whole || figure != Figure::default() {
                    items.push(built_in(kind, indicator, area, actor, figure));
                }
            }
        }
    }
    sort_rates(&mut items);
    items
}

/// What the campaign's indicators say at one pair of times.
struct Asked<'a> {
    projections: &'a Projections,
    figures: &'a Kept,
    query: &'a FigureQuery,
    at: At,
    kept: Option<(Axis, Day)>,
    /// The first position after each deadline that has passed.
    deadlines: &'a BTreeMap<Day, Position>,
    intervals: &'a Intervals,
}

impl Asked<'_> {
    fn rates(&self, indicator: &Indicator) -> Vec<Rate> {
        let zone = self.campaign(self.at.known_end).zone;
        let passed = |target: &Target| zone.end_of(target.by) <= self.at.effective;
        let (target, due) = target_of(&indicator.targets, passed);
        let times = match self.kept {
            Some((axis, day)) => FigureTimes::Kept(axis, day),
            None => FigureTimes::Passed(self.at.effective),
        };
        // What is known before the deadline does not say what was known at it.
        let then = target
            .filter(|target| due && zone.end_of(target.by) <= self.at.known)
            .map(|target| self.at_deadline(indicator, target.by))
            .unwrap_or_default();
        let told = self.reckon(indicator, times, self.at.known_end).into_iter();
        told.map(|told| {
            let before = then
                .iter()
                .find(|(area, actor, _)| (area, actor) == (&told.area, &told.actor));
            let (share, basis) = of_reckoned(&told, self.intervals);
            Rate {
                indicator: indicator.id.clone(),
                title: title(indicator),
                bounds: bounds(&basis),
                population: share.denominator + share.unknown,
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
        let told = self
            .reckon(known, FigureTimes::Kept(Axis::Known, by), *end)
            .into_iter();
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

    fn reckon(&self, indicator: &Indicator, times: FigureTimes, end: Position) -> Vec<Reckoned> {
        let wanted = FigureWanted {
            times,
            end,
            split: match self.query.by {
                By::Whole => Split::Whole,
                By::Area => Split::Area,
                By::Actor => Split::Actor,
            },
            area: self.query.area.as_deref(),
        };
        self.figures
            .reckon(&self.projections.subjects, indicator, &wanted)
    }

    fn campaign(&self, end: Position) -> &Campaign {
        self.projections.subjects.campaign(end)
    }
}

/// An area and an actor with what was known of them at a deadline.
type Then = (Option<String>, Option<String>, AtDeadline);

/// The last target that is due or, before any is, the next; and whether it is due.
fn target_of(targets: &[Target], passed: impl Fn(&Target) -> bool) -> (Option<&Target>, bool) {
    match targets.iter().rfind(|target| passed(target)) {
        Some(target) => (Some(target), true),
        None => (targets.first(), false),
    }
}

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

fn of_estimate(figure: &DrawnFigure) -> Share {
    let estimate = &figure.estimate;
    Share {
        numerator: estimate.numerator(),
        denominator: estimate.denominator(),
        unknown: estimate.counts.unknown,
        value: estimate.value,
        interval: estimate.interval.map(|interval| (interval.lower, interval.upper)),
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

fn built_in(
    kind: &Kind,
    indicator: BuiltIn,
    area: Option<String>,
    actor: Option<String>,
    figure: Figure,
) -> Rate {
    let en = kind.title.en.as_deref().unwrap_or(&kind.id);
    let zh = kind.title.zh().unwrap_or(&kind.id);
    let (en_of, zh_of) = match indicator {
        BuiltIn::RegisterShare => ("registered", "登记率"),
        BuiltIn::DeregisterShare => ("deregistered", "注销率"),
        BuiltIn::Accuracy => ("accuracy", "准确率"),
    };
    Rate {
        indicator: format!("{}.{}", kind.id, indicator.id()),
        title: (format!("{en}: {en_of}"), format!("{zh}{zh_of}")),
        area,
        actor,
        share: Share {
            numerator: figure.numerator,
            denominator: figure.denominator,
            unknown: figure.unknown,
            value: figure.value(),
            interval: if indicator.rests_on_checks() {
                figure.wilson()
            } else {
                None
            },
        },
        bounds: None,
        population: figure.denominator + figure.unknown,
        target: None,
        due: false,
        state: (figure.denominator == 0).then_some(State::NoData),
        at_deadline: None,
        frame: None,
        first_frame: None,
        excess: 0,
        left_scope: 0,
        sample: None,
    }
}

/// Within an indicator by area and actor; the indicators keep their order.
fn sort_rates(rates: &mut [Rate]) {
    for group in rates.chunk_by_mut(|a, b| a.indicator == b.indicator) {
        group.sort_by(|a, b| (&a.area, &a.actor).cmp(&(&b.area, &b.actor)));
    }
}
