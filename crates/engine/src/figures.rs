//! Counts, and what they have in common with rates. On the two kept axes a figure is a look-up; any other pair of times
//! takes one pass over the records, a slice at a time, so that nobody waits long for the lock; what arrives meanwhile is
//! beyond K.

use std::collections::BTreeMap;

use shilu_model::{Areas, Day, Status, decode};
use shilu_projections::{Axis, Class, Figures as Kept, Name, Names, Projections, Scope, Slot};

use crate::{
    ask::SLICE_RECORDS,
    engine::Engine,
    error::EngineError,
    query::{At, By, Count, FigureQuery, Figures},
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
                kept.map(|kept| {
                    let declared = &projections.subjects.campaign(at.known_end).areas;
                    kept_counts(&projections, &figures, query, declared, kept)
                }),
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

    /// The kept axis and day on which a pair lies, if it lies on one. The actors of one area are not kept.
    pub(crate) fn kept_axis(&self, kept: &Kept, query: &FigureQuery, at: At) -> Option<(Axis, Day)> {
        if query.by == By::Actor && query.area.is_some() {
            return None;
        }
        let zone = self.campaign().zone;
        let day = zone.day_of(at.effective);
        let all_known = at.known_end == kept.end();
        if all_known && at.effective >= kept.last_recorded() {
            // Nothing takes effect after it was recorded; from then on only windows end, day by day.
            return Some((Axis::Effective, day));
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

    fn passed_counts(&self, query: &FigureQuery, at: At) -> Vec<Count> {
        let mut sums: BTreeMap<_, u64> = BTreeMap::new();
        let campaign = self.campaign_at(at.known_end);
        self.pass(&[at], |_, names, kind, class| {
            if let Some((area, actor)) = query.split(names, &campaign.areas, class)
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

    /// One pass over the classes of all records at some pairs, each with the pair's place among them.
    pub(crate) fn pass(&self, pairs: &[At], mut add: impl FnMut(usize, &Names, &str, &Class)) {
        let mut from = 0;
        while !pairs.is_empty() {
            let projections = self.read();
            let subjects = &projections.subjects;
            let slots: Vec<Slot> = subjects.records.slots(from).take(SLICE_RECORDS).collect();
            if slots.is_empty() {
                return;
            }
            from += slots.len();
            for slot in slots {
                let kind = subjects.names.text(subjects.records.name(slot).0);
                for (place, at) in pairs.iter().enumerate() {
                    let class = subjects.class_at(slot, at.effective, at.known_end);
                    add(place, &subjects.names, kind, &class);
                }
            }
        }
    }

    fn in_campaign_order(&self, mut items: Vec<Count>) -> Vec<Count> {
        let campaign = self.campaign();
        let kinds = &campaign.kinds;
        // What is of no kind of the file comes last.
        let place = |id: &str| kinds.iter().position(|kind| kind.id == id).unwrap_or(kinds.len());
        items.sort_unstable_by(|a, b| (place(&a.kind), a).cmp(&(place(&b.kind), b)));
        items
    }
}

/// Asked as of now, a figure is given as of the moment of the answer.
pub(crate) fn freshen(kept: &Kept, at: At) -> At {
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
    pub(crate) fn split(
        &self,
        names: &Names,
        areas: &Areas,
        class: &Class,
    ) -> Option<(Option<String>, Option<String>)> {
        let (area, actor) = (names.text(class.area), names.text(class.actor));
        let shown = match &self.area {
            Some(asked) if counts_in(areas, area, asked) => Some(asked.clone()),
            Some(_) => return None,
            None => (self.by == By::Area).then(|| area.to_owned()),
        };
        Some((shown, (self.by == By::Actor).then(|| actor.to_owned())))
    }
}

/// Whether what is in one area counts in another: it is the same, or lies below it.
pub(crate) fn counts_in(areas: &Areas, area: &str, other: &str) -> bool {
    area == other || areas.rolls_up_to(area, other)
}

/// The areas whose facts count in an area: itself, and the declared ones below it.
pub(crate) fn below<'a>(areas: &'a Areas, area: &'a str) -> Vec<&'a str> {
    let declared = areas.iter().map(|area| area.id.as_str());
    let deeper = declared.filter(|id| *id != area && areas.rolls_up_to(id, area));
    std::iter::once(area).chain(deeper).collect()
}

/// One part of a split figure: the sum of its scopes.
pub(crate) struct Part {
    pub scopes: Vec<Scope>,
    pub area: Option<String>,
    pub actor: Option<String>,
}

pub(crate) fn parts(
    query: &FigureQuery,
    names: &Names,
    declared: &Areas,
    areas: impl Fn() -> Vec<Name>,
    actors: impl Fn() -> Vec<Name>,
) -> Vec<Part> {
    let text = |name: Name| Some(names.text(name).to_owned());
    match (query.by, &query.area) {
        (_, Some(area)) => {
            let below = areas().into_iter();
            let below = below.filter(|name| counts_in(declared, names.text(*name), area));
            vec![Part {
                scopes: below.map(Scope::Area).collect(),
                area: Some(area.clone()),
                actor: None,
            }]
        }
        (By::Whole, None) => vec![Part {
            scopes: vec![Scope::Whole],
            area: None,
            actor: None,
        }],
        (By::Area, None) => {
            let part = |name| Part {
                scopes: vec![Scope::Area(name)],
                area: text(name),
                actor: None,
            };
            areas().into_iter().map(part).collect()
        }
        (By::Actor, None) => {
            let part = |name| Part {
                scopes: vec![Scope::Actor(name)],
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
    declared: &Areas,
    (axis, day): (Axis, Day),
) -> Vec<Count> {
    let (names, counts) = (&projections.subjects.names, &figures.counts);
    let mut items = Vec::new();
    for (kind, status) in counts.measures() {
        let areas = || counts.areas(kind, status).collect();
        let actors = || counts.actors(kind, status).collect();
        for Part { scopes, area, actor } in parts(query, names, declared, areas, actors) {
            let scopes = scopes.into_iter();
            let count = scopes
                .map(|scope| counts.at(kind, status, scope, axis, day))
                .sum();
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
