//! The three indicators that every kind has.

use std::{collections::BTreeMap, sync::Arc};

use shilu_model::{Campaign, Day, Kind};
use shilu_projections::{Axis, BuiltIn, Figure, Figures as Kept, Projections};
use shilu_sampling::State;

use crate::{
    engine::Engine,
    figures::{Part, parts},
    query::{At, By, FigureQuery, Rate, Share},
};

impl Engine {
    /// The built-in indicators of every kind at some pairs of times, by one pass over the records.
    pub(super) fn passed_rates(&self, query: &FigureQuery, pairs: &[At]) -> Vec<Vec<Rate>> {
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
pub(super) fn kept_rates(
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
