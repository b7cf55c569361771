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
    query::{At, AtDeadline, Behind, By, ComparedRate, FigureQuery, Figures, Rate, Share},
    samples::DrawnFigure,
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
        let passed = target.filter(|target| due && zone.end_of(target.by) <= at.known);
        let (then_target, then) = match passed {
            Some(target) => self.drawn_at_deadline(indicator, query, (target.by, zone))?,
            None => (None, Vec::new()),
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
                    target: then_target.clone(),
                    state: state(&before.estimate.basis, then_target.as_ref()),
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

    /// What the draws of an indicator said at the end of a day as known then, by the campaign known then: with the target
    /// and the scope that it had.
    fn drawn_at_deadline(
        &self,
        indicator: &Indicator,
        query: &FigureQuery,
        (by, zone): (Day, Zone),
    ) -> Result<(Option<Target>, Vec<DrawnFigure>), EngineError> {
        let deadline = zone.end_of(by);
        let then = At {
            effective: deadline,
            known: deadline,
            known_end: self.end_at(deadline)?,
            now: false,
        };
        let campaign = self.campaign_at(then.known_end);
        let Some(known) = campaign.indicator(&indicator.id) else {
            return Ok((None, Vec::new()));
        };
        let target = known.targets.iter().find(|target| target.by == by);
        let drawn = self.drawn(known, query.area.as_deref(), query.by == By::Area, then)?;
        Ok((target.cloned(), drawn))
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

    /// The built-in indicators of every kind at some pairs of times, by one pass over the records.
    fn passed_rates(&self, query: &FigureQuery, pairs: &[At]) -> Vec<Vec<Rate>> {
        type Split = (Option<String>, Option<String>);
        type Sums = BTreeMap<(String, BuiltIn), BTreeMap<Split, Figure>>;
        let mut all = vec![Sums::new(); pairs.len()];
        let campaigns: Vec<_> = pairs.iter().map(|at| self.campaign_at(at.known_end)).collect();
        self.pass(pairs, |place, names, kind, class| {
            let (Some(sums), Some(campaign)) = (all.get_mut(place), campaigns.get(place)) else {
                return;
            };
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
        let rates = |(mut sums, campaign): (Sums, &Arc<Campaign>)| {
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
        };
        all.into_iter().zip(&campaigns).map(rates).collect()
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

/// What was told at one pair of times.
struct Told {
    at: At,
    campaign: Arc<Campaign>,
    /// For each indicator of the campaign; nothing yet for those that follow from draws.
    indicators: Vec<Vec<Rate>>,
    /// Those of every kind, if they are kept.
    built_in: Option<Vec<Rate>>,
}

impl Asked<'_> {
    /// What some that share a campaign are told.
    fn told(group: &[Self]) -> Vec<Told> {
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
    fn known_campaign(&self) -> &Arc<Campaign> {
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
