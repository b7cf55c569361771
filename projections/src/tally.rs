//! Tallies: how many cases each measure has, as a whole, by area, by actor and by both, for every day on both axes.

use std::{collections::BTreeMap, io};

use rustc_hash::FxHashMap;
use shilu_model::Day;

use crate::{
    bytes::{Loader, Saver, malformed},
    names::Name,
    series::Series,
};

/// The two pairs of times that are kept by day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// E = K = the end of the day: what was known that day.
    Known,
    /// E = the end of the day, as known now.
    Effective,
}

/// Which cases: all, or those of one area, of one actor, or of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// Only this area.
    pub area: Option<Name>,
    /// Only this actor.
    pub actor: Option<Name>,
}

/// The tallies of numbered measures.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    measures: BTreeMap<u32, Measure>,
}

#[derive(Clone, Debug, Default)]
struct Measure {
    whole: Pair,
    areas: FxHashMap<Name, Pair>,
    actors: FxHashMap<Name, Pair>,
    both: FxHashMap<(Name, Name), Pair>,
}

#[derive(Clone, Debug, Default)]
struct Pair {
    known: Series,
    effective: Series,
}

impl Pair {
    fn axis(&self, axis: Axis) -> &Series {
        match axis {
            Axis::Known => &self.known,
            Axis::Effective => &self.effective,
        }
    }

    fn add(&mut self, axis: Axis, day: Day, delta: i64) {
        match axis {
            Axis::Known => self.known.add(day, delta),
            Axis::Effective => self.effective.add(day, delta),
        }
    }
}

impl Tally {
    /// Adds cases of an area and an actor, from a day on.
    pub fn add(&mut self, measure: u32, area: Name, actor: Name, axis: Axis, day: Day, delta: i64) {
        let measure = self.measures.entry(measure).or_default();
        measure.whole.add(axis, day, delta);
        measure.areas.entry(area).or_default().add(axis, day, delta);
        measure.actors.entry(actor).or_default().add(axis, day, delta);
        measure
            .both
            .entry((area, actor))
            .or_default()
            .add(axis, day, delta);
    }

    /// The cases of a scope at the end of a day.
    pub fn at(&self, measure: u32, scope: Scope, axis: Axis, day: Day) -> u64 {
        let pair = self
            .measures
            .get(&measure)
            .and_then(|measure| match (scope.area, scope.actor) {
                (None, None) => Some(&measure.whole),
                (Some(area), None) => measure.areas.get(&area),
                (None, Some(actor)) => measure.actors.get(&actor),
                (Some(area), Some(actor)) => measure.both.get(&(area, actor)),
            });
        // A total never falls below zero: each -1 takes back a +1 of an earlier or the same day.
        pair.map_or(0, |pair| u64::try_from(pair.axis(axis).at(day)).unwrap_or(0))
    }

    /// Every measure that ever had a case.
    pub fn measures(&self) -> impl Iterator<Item = u32> {
        self.measures.keys().copied()
    }

    /// Every area in which a measure ever had a case.
    pub fn areas(&self, measure: u32) -> impl Iterator<Item = Name> {
        self.measures
            .get(&measure)
            .into_iter()
            .flat_map(|measure| measure.areas.keys().copied())
    }

    /// Every actor for whom a measure ever had a case, in one area or anywhere.
    pub fn actors(&self, measure: u32, area: Option<Name>) -> Vec<Name> {
        let Some(measure) = self.measures.get(&measure) else {
            return Vec::new();
        };
        match area {
            None => measure.actors.keys().copied().collect(),
            Some(area) => {
                let both = measure.both.keys().filter(|(other, _)| *other == area);
                both.map(|(_, actor)| *actor).collect()
            }
        }
    }

    /// Only the finest split is saved; the sums are added up again.
    pub(crate) fn save(&self, saver: &mut Saver<'_>) -> io::Result<()> {
        saver.count(self.measures.len())?;
        for (number, measure) in &self.measures {
            saver.number(u64::from(*number))?;
            save_pair(&measure.whole, saver)?;
            save_pairs(&measure.areas, saver, |saver, area| {
                saver.number(u64::from(area.0))
            })?;
            save_pairs(&measure.actors, saver, |saver, actor| {
                saver.number(u64::from(actor.0))
            })?;
            save_pairs(&measure.both, saver, |saver, (area, actor)| {
                saver.number(u64::from(area.0))?;
                saver.number(u64::from(actor.0))
            })?;
        }
        Ok(())
    }

    pub(crate) fn load(loader: &mut Loader<'_>) -> io::Result<Self> {
        let mut measures = BTreeMap::new();
        for _ in 0..loader.count()? {
            let number = loader.number_u32()?;
            let name = |loader: &mut Loader<'_>| loader.number_u32().map(Name);
            let measure = Measure {
                whole: load_pair(loader)?,
                areas: load_pairs(loader, name)?,
                actors: load_pairs(loader, name)?,
                both: load_pairs(loader, |loader| Ok((name(loader)?, name(loader)?)))?,
            };
            if measures.insert(number, measure).is_some() {
                return Err(malformed());
            }
        }
        Ok(Tally { measures })
    }
}

fn save_pair(pair: &Pair, saver: &mut Saver<'_>) -> io::Result<()> {
    pair.known.save(saver)?;
    pair.effective.save(saver)
}

fn load_pair(loader: &mut Loader<'_>) -> io::Result<Pair> {
    Ok(Pair {
        known: Series::load(loader)?,
        effective: Series::load(loader)?,
    })
}

fn save_pairs<K: Ord + Copy>(
    pairs: &FxHashMap<K, Pair>,
    saver: &mut Saver<'_>,
    save_key: impl Fn(&mut Saver<'_>, K) -> io::Result<()>,
) -> io::Result<()> {
    let mut sorted: Vec<_> = pairs.iter().collect();
    sorted.sort_unstable_by_key(|(key, _)| **key);
    saver.count(sorted.len())?;
    sorted.into_iter().try_for_each(|(key, pair)| {
        save_key(saver, *key)?;
        save_pair(pair, saver)
    })
}

fn load_pairs<K: Eq + std::hash::Hash>(
    loader: &mut Loader<'_>,
    load_key: impl Fn(&mut Loader<'_>) -> io::Result<K>,
) -> io::Result<FxHashMap<K, Pair>> {
    let mut pairs = FxHashMap::default();
    for _ in 0..loader.count()? {
        pairs.insert(load_key(loader)?, load_pair(loader)?);
    }
    Ok(pairs)
}
