//! Figures: counts and rates. On the two kept axes a figure is a look-up; any other pair of times takes one pass over
//! the records, a slice at a time, so that nobody waits long for the lock; what arrives meanwhile is beyond K.

use std::collections::BTreeMap;

use shilu_model::{Day, Kind, Status, decode};
use shilu_projections::{
    Axis, BuiltIn, Class, Figure, Figures as Kept, Name, Names, Projections, Scope, Slot,
};

use crate::{
    ask::SLICE_RECORDS,
    engine::Engine,
    error::EngineError,
    query::{At, By, Count, FigureQuery, Figures, Rate},
};

impl Engine {
    /// How many records there are.
    ///
    /// # Errors
    /// What the log says.
    pub fn counts(&self, query: &FigureQuery) -> Result<Figures<Count>, EngineError> {
        let (at, kept) = {
            let projections = self.read();
            let figures = projections.figures();
            let at = freshen(&figures, query.at);
            let kept = self.kept_axis(&figures, query, at);
            (
                at,
                kept.map(|(axis, day)| kept_counts(&projections, &figures, query, axis, day)),
            )
        };
        let items = match kept {
            Some(items) => items,
            None => self.passed_counts(query, at),
        };
        Ok(Figures {
            items: self.in_campaign_order(items),
            at,
        })
    }

    /// Every indicator.
    ///
    /// # Errors
    /// What the log says.
    pub fn rates(&self, query: &FigureQuery) -> Result<Figures<Rate>, EngineError> {
        let (at, kept) = {
            let projections = self.read();
            let figures = projections.figures();
            let at = freshen(&figures, query.at);
            let kept = self.kept_axis(&figures, query, at);
            (
                at,
                kept.map(|(axis, day)| self.kept_rates(&projections, &figures, query, axis, day)),
            )
        };
        let items = match kept {
            Some(items) => items,
            None => self.passed_rates(query, at),
        };
        Ok(Figures { items, at })
    }

    /// The kept axis and day on which a pair lies, if it lies on one. The actors of one area are not kept.
    fn kept_axis(&self, kept: &Kept, query: &FigureQuery, at: At) -> Option<(Axis, Day)> {
        if query.by == By::Actor && query.area.is_some() {
            return None;
        }
        let zone = self.shared.campaign.zone;
        let day = zone.day_of(at.effective);
        let all_known = at.known_end == kept.end();
        if all_known && at.effective >= kept.last_recorded() {
            // Nothing takes effect after it was recorded, so this is the end of the last day.
            return Some((Axis::Effective, zone.day_of(kept.last_recorded())));
        }
        match at.effective == zone.end_of(day) {
            true if all_known => Some((Axis::Effective, day)),
            true if at.effective == at.known && self.ends_an_instant(at) => Some((Axis::Known, day)),
            _ => None,
        }
    }

    /// Whether K leaves out no event of its last instant: several can share one, and more may have come since the
    /// pair was resolved.
    fn ends_an_instant(&self, at: At) -> bool {
        match self.shared.log.read(at.known_end) {
            Ok(Some(next)) => decode(&next).is_ok_and(|next| next.recorded > at.known),
            // One pass over the records needs no log.
            _ => false,
        }
    }

    fn kept_rates(
        &self,
        projections: &Projections,
        figures: &Kept,
        query: &FigureQuery,
        axis: Axis,
        day: Day,
    ) -> Vec<Rate> {
        let (names, rates) = (&projections.subjects.names, &figures.rates);
        let mut items = Vec::new();
        for kind in &self.shared.campaign.kinds {
            let name = names.find(&kind.id);
            for indicator in BuiltIn::ALL {
                let areas = || name.map_or_else(Vec::new, |name| rates.areas(name, indicator));
                let actors = || name.map_or_else(Vec::new, |name| rates.actors(name, indicator));
                for Part { scope, area, actor } in parts(query, names, areas, actors) {
                    let figure = match (name, scope) {
                        (Some(name), Some(scope)) => rates.at(name, indicator, scope, axis, day),
                        _ => Figure::default(),
                    };
                    if query.by == By::Whole || figure != Figure::default() {
                        items.push(rate(kind, indicator, area, actor, figure));
                    }
                }
            }
        }
        sort_rates(&mut items);
        items
    }

    fn passed_counts(&self, query: &FigureQuery, at: At) -> Vec<Count> {
        let mut sums: BTreeMap<_, u64> = BTreeMap::new();
        self.pass(at, |names, kind, class| {
            if let Some((area, actor)) = query.split(names, class)
                && class.status != Status::Absent
            {
                *sums
                    .entry((kind.to_owned(), class.status, area, actor))
                    .or_default() += 1;
            }
        });
        let counts = sums.into_iter();
        counts
            .map(|((kind, status, area, actor), count)| Count {
                kind,
                status,
                area,
                actor,
                count,
            })
            .collect()
    }

    fn passed_rates(&self, query: &FigureQuery, at: At) -> Vec<Rate> {
        type Split = (Option<String>, Option<String>);
        let mut sums: BTreeMap<(String, BuiltIn), BTreeMap<Split, Figure>> = BTreeMap::new();
        self.pass(at, |names, kind, class| {
            let Some(split) = query.split(names, class) else {
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
                items.extend(rates.map(|((area, actor), figure)| rate(kind, indicator, area, actor, figure)));
            }
        }
        items
    }

    /// One pass over the classes of all records at a pair.
    fn pass(&self, at: At, mut add: impl FnMut(&Names, &str, &Class)) {
        let mut from = 0;
        loop {
            let projections = self.read();
            let subjects = &projections.subjects;
            let slots: Vec<Slot> = subjects.records.slots(from).take(SLICE_RECORDS).collect();
            if slots.is_empty() {
                return;
            }
            from += slots.len();
            for slot in slots {
                let class = subjects.class_at(slot, at.effective, at.known_end);
                add(
                    &subjects.names,
                    subjects.names.text(subjects.records.name(slot).0),
                    &class,
                );
            }
        }
    }

    fn in_campaign_order(&self, mut items: Vec<Count>) -> Vec<Count> {
        let kinds = &self.shared.campaign.kinds;
        // What is of no kind of the file comes last.
        let place = |id: &str| kinds.iter().position(|kind| kind.id == id).unwrap_or(kinds.len());
        items.sort_unstable_by(|a, b| (place(&a.kind), a).cmp(&(place(&b.kind), b)));
        items
    }
}

/// Asked as of now, a figure is given as of the moment of the answer.
fn freshen(kept: &Kept, at: At) -> At {
    if !at.now || at.known_end == kept.end() {
        return at;
    }
    let known = at.known.max(kept.last_recorded());
    let effective = if at.effective == at.known {
        known
    } else {
        at.effective
    };
    At {
        effective,
        known,
        known_end: kept.end(),
        now: true,
    }
}

impl FigureQuery {
    /// The area and actor under which a record counts; `None` where it is not asked for.
    fn split(&self, names: &Names, class: &Class) -> Option<(Option<String>, Option<String>)> {
        let (area, actor) = (names.text(class.area), names.text(class.actor));
        if self.area.as_ref().is_some_and(|asked| asked != area) {
            return None;
        }
        let by_area = self.by == By::Area || self.area.is_some();
        Some((
            by_area.then(|| area.to_owned()),
            (self.by == By::Actor).then(|| actor.to_owned()),
        ))
    }
}

/// One part of a split figure. An area that the log has never used has no scope.
struct Part {
    scope: Option<Scope>,
    area: Option<String>,
    actor: Option<String>,
}

fn parts(
    query: &FigureQuery,
    names: &Names,
    areas: impl Fn() -> Vec<Name>,
    actors: impl Fn() -> Vec<Name>,
) -> Vec<Part> {
    let text = |name: Name| Some(names.text(name).to_owned());
    match (query.by, &query.area) {
        (_, Some(area)) => {
            vec![Part {
                scope: names.find(area).map(Scope::Area),
                area: Some(area.clone()),
                actor: None,
            }]
        }
        (By::Whole, None) => vec![Part {
            scope: Some(Scope::Whole),
            area: None,
            actor: None,
        }],
        (By::Area, None) => {
            let part = |name| Part {
                scope: Some(Scope::Area(name)),
                area: text(name),
                actor: None,
            };
            areas().into_iter().map(part).collect()
        }
        (By::Actor, None) => {
            let part = |name| Part {
                scope: Some(Scope::Actor(name)),
                area: None,
                actor: text(name),
            };
            actors().into_iter().map(part).collect()
        }
    }
}

fn kept_counts(
    projections: &Projections,
    figures: &Kept,
    query: &FigureQuery,
    axis: Axis,
    day: Day,
) -> Vec<Count> {
    let (names, counts) = (&projections.subjects.names, &figures.counts);
    let mut items = Vec::new();
    for (kind, status) in counts.measures() {
        let areas = || counts.areas(kind, status).collect();
        let actors = || counts.actors(kind, status).collect();
        for Part { scope, area, actor } in parts(query, names, areas, actors) {
            let count = scope.map_or(0, |scope| counts.at(kind, status, scope, axis, day));
            if count > 0 {
                items.push(Count {
                    kind: names.text(kind).to_owned(),
                    status,
                    area,
                    actor,
                    count,
                });
            }
        }
    }
    items
}

fn rate(
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
