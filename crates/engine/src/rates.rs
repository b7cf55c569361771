//! Rates: the campaign's indicators, then those that every kind has.

use std::collections::BTreeMap;

use shilu_model::{Day, Indicator, Kind};
use shilu_projections::{
    Axis, BuiltIn, Figure, FigureTimes, FigureWanted, Figures as Kept, Projections, Reckoned, Split,
};

use crate::{
    engine::Engine,
    error::EngineError,
    figures::{Part, freshen, parts},
    query::{At, By, FigureQuery, Figures, Rate},
};

impl Engine {
    /// Every indicator.
    ///
    /// # Errors
    /// What the log says.
    pub fn rates(&self, query: &FigureQuery) -> Result<Figures<Rate>, EngineError> {
        let (at, kept, mut items) = {
            let projections = self.read();
            let figures = projections.figures();
            let at = freshen(&figures, query.at);
            let kept = self.kept_axis(&figures, query, at);
            let mut items = Vec::new();
            for indicator in &projections.subjects.campaign(at.known_end).indicators {
                items.extend(measured(indicator, &projections, &figures, query, (at, kept)));
            }
            if let Some(kept) = kept {
                items.extend(self.kept_rates(&projections, &figures, query, kept));
            }
            (at, kept, items)
        };
        if kept.is_none() {
            items.extend(self.passed_rates(query, at));
        }
        Ok(Figures { items, at })
    }

    fn kept_rates(
        &self,
        projections: &Projections,
        figures: &Kept,
        query: &FigureQuery,
        (axis, day): (Axis, Day),
    ) -> Vec<Rate> {
        let (names, rates) = (&projections.subjects.names, &figures.rates);
        let declared = &self.shared.campaign.areas;
        let mut items = Vec::new();
        for kind in &self.shared.campaign.kinds {
            let name = names.find(&kind.id);
            for indicator in BuiltIn::ALL {
                let areas = || name.map_or_else(Vec::new, |name| rates.areas(name, indicator));
                let actors = || name.map_or_else(Vec::new, |name| rates.actors(name, indicator));
                for Part { scopes, area, actor } in parts(query, names, declared, areas, actors) {
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

    fn passed_rates(&self, query: &FigureQuery, at: At) -> Vec<Rate> {
        type Split = (Option<String>, Option<String>);
        let mut sums: BTreeMap<(String, BuiltIn), BTreeMap<Split, Figure>> = BTreeMap::new();
        self.pass(at, |names, kind, class| {
            let Some(split) = query.split(names, &self.shared.campaign.areas, class) else {
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
        for kind in &self.shared.campaign.kinds {
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

/// What an indicator of the campaign says.
fn measured(
    indicator: &Indicator,
    projections: &Projections,
    figures: &Kept,
    query: &FigureQuery,
    (at, kept): (At, Option<(Axis, Day)>),
) -> Vec<Rate> {
    let wanted = FigureWanted {
        times: match kept {
            Some((axis, day)) => FigureTimes::Kept(axis, day),
            None => FigureTimes::Passed(at.effective),
        },
        end: at.known_end,
        split: match query.by {
            By::Whole => Split::Whole,
            By::Area => Split::Area,
            By::Actor => Split::Actor,
        },
        area: query.area.as_deref(),
    };
    let told = figures.reckon(&projections.subjects, indicator, &wanted);
    told.into_iter()
        .map(|told| of_campaign(indicator, told))
        .collect()
}

fn of_campaign(indicator: &Indicator, told: Reckoned) -> Rate {
    let title = |title: Option<&str>| title.unwrap_or(&indicator.id).to_owned();
    let Reckoned {
        numerator,
        denominator,
        unknown,
        ..
    } = told;
    Rate {
        indicator: indicator.id.clone(),
        title: (title(indicator.title.en.as_deref()), title(indicator.title.zh())),
        area: told.area,
        actor: told.actor,
        numerator,
        denominator,
        unknown,
        value: Figure {
            numerator,
            denominator,
            unknown,
        }
        .value(),
        interval: None,
    }
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
        numerator: figure.numerator,
        denominator: figure.denominator,
        unknown: figure.unknown,
        value: figure.value(),
        interval: if indicator.rests_on_checks() {
            figure.wilson()
        } else {
            None
        },
    }
}

/// Within an indicator by area and actor; the indicators keep their order.
fn sort_rates(rates: &mut [Rate]) {
    for group in rates.chunk_by_mut(|a, b| a.indicator == b.indicator) {
        group.sort_by(|a, b| (&a.area, &a.actor).cmp(&(&b.area, &b.actor)));
    }
}
