//! Tallies: how many cases each measure has, as a whole, by area and by actor, for every day on both axes.
//!
//! One area and one actor at once are not kept: their products would cost more memory than all else together.

use std::{collections::BTreeMap, io};

use rustc_hash::FxHashMap;
use shilu_model::Day;

use crate::{
    bytes::{Loader, Saver, malformed},
    names::Name,
    series::Series,
};

/// The two pairs of times that are kept by day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Axis {
    /// E = K = the end of the day: what was known that day.
    Known,
    /// E = the end of the day, as known now.
    Effective,
}

/// Which cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All of them.
    Whole,
    /// Those of an area.
    Area(Name),
    /// Those of an actor.
    Actor(Name),
}

/// The tallies of numbered measures.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    measures: BTreeMap<u32, Measure>,
    /// Empty whenever something is asked or saved.
    pending: Moves,
}

/// Changes that are added up before the series are moved by them: many cases move the same ones on the same day.
pub(crate) type Moves = FxHashMap<Move, i64>;

/// From a day on, a measure has more cases or fewer of an area and perhaps an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Move {
    pub measure: u32,
    pub area: Name,
    pub actor: Option<Name>,
    pub axis: Axis,
    pub day: Day,
}

/// Changes that wait at most: about a megabyte, which a cache holds.
const PENDING_MAX: usize = 1 << 15;

#[derive(Clone, Debug, Default)]
struct Measure {
    whole: Pair,
    areas: FxHashMap<Name, Pair>,
    actors: FxHashMap<Name, Pair>,
}

#[derive(Clone, Debug, Default)]
struct Pair {
    known: Series,
    effective: Series,
}

impl Measure {
    fn is_empty(&self) -> bool {
        self.whole.is_empty() && kept(&self.areas).next().is_none() && kept(&self.actors).next().is_none()
    }
}

impl Pair {
    fn is_empty(&self) -> bool {
        self.known.is_empty() && self.effective.is_empty()
    }

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
    /// Adds cases from a day on. It shows when it is settled.
    pub(crate) fn add(&mut self, at: Move, cases: i64) {
        if self.pending.len() >= PENDING_MAX {
            self.settle();
        }
        *self.pending.entry(at).or_default() += cases;
    }

    /// Moves the series by what was added since the last call.
    pub fn settle(&mut self) {
        for (at, cases) in self.pending.drain().filter(|(_, cases)| *cases != 0) {
            let Move { area, axis, day, .. } = at;
            let measure = self.measures.entry(at.measure).or_default();
            measure.whole.add(axis, day, cases);
            measure.areas.entry(area).or_default().add(axis, day, cases);
            if let Some(actor) = at.actor {
                measure.actors.entry(actor).or_default().add(axis, day, cases);
            }
        }
    }

    /// The cases of a scope at the end of a day.
    pub fn at(&self, measure: u32, scope: Scope, axis: Axis, day: Day) -> u64 {
        // A total never falls below zero: each -1 takes back a +1 of an earlier or the same day.
        u64::try_from(self.signed(measure, scope, axis, day)).unwrap_or(0)
    }

    /// The total of a scope at the end of a day.
    pub fn signed(&self, measure: u32, scope: Scope, axis: Axis, day: Day) -> i64 {
        debug_assert!(self.pending.is_empty(), "settled by whoever folds");
        let pair = self.measures.get(&measure).and_then(|measure| match scope {
            Scope::Whole => Some(&measure.whole),
            Scope::Area(area) => measure.areas.get(&area),
            Scope::Actor(actor) => measure.actors.get(&actor),
        });
        pair.map_or(0, |pair| pair.axis(axis).at(day))
    }

    /// Every measure that ever had a case.
    pub fn measures(&self) -> impl Iterator<Item = u32> {
        self.measures.keys().copied()
    }

    /// The totals of a measure at the end of a day, by area or by actor, of those that have a case at the end of some day.
    pub(crate) fn each(
        &self,
        measure: u32,
        by_actor: bool,
        axis: Axis,
        day: Day,
    ) -> impl Iterator<Item = (Name, i64)> {
        debug_assert!(self.pending.is_empty(), "settled by whoever folds");
        let measure = self.measures.get(&measure).into_iter();
        let pairs = measure.flat_map(move |measure| match by_actor {
            true => kept(&measure.actors),
            false => kept(&measure.areas),
        });
        pairs.map(move |(name, pair)| (*name, pair.axis(axis).at(day)))
    }

    /// Every area in which a measure had a case at the end of some day.
    pub fn areas(&self, measure: u32) -> impl Iterator<Item = Name> {
        let measure = self.measures.get(&measure).into_iter();
        measure.flat_map(|measure| kept(&measure.areas).map(|(name, _)| *name))
    }

    /// Every actor for whom a measure had a case at the end of some day.
    pub fn actors(&self, measure: u32) -> impl Iterator<Item = Name> {
        let measure = self.measures.get(&measure).into_iter();
        measure.flat_map(|measure| kept(&measure.actors).map(|(name, _)| *name))
    }

    pub(crate) fn save(&self, saver: &mut Saver<'_>) -> io::Result<()> {
        debug_assert!(self.pending.is_empty(), "settled by whoever saves");
        // What came and went within a day leaves no trace: it depends on how often a day was settled.
        let kept = self.measures.iter();
        let kept: Vec<_> = kept.filter(|(_, measure)| !measure.is_empty()).collect();
        saver.count(kept.len())?;
        for (number, measure) in kept {
            saver.number(u64::from(*number))?;
            save_pair(&measure.whole, saver)?;
            save_pairs(&measure.areas, saver)?;
            save_pairs(&measure.actors, saver)?;
        }
        Ok(())
    }

    pub(crate) fn load(loader: &mut Loader<'_>) -> io::Result<Self> {
        let mut measures = BTreeMap::new();
        for _ in 0..loader.count()? {
            let number = loader.number_u32()?;
            let (whole, areas, actors) = (load_pair(loader)?, load_pairs(loader)?, load_pairs(loader)?);
            let measure = Measure { whole, areas, actors };
            if measures.insert(number, measure).is_some() {
                return Err(malformed());
            }
        }
        Ok(Tally {
            measures,
            pending: Moves::default(),
        })
    }
}

/// Those that have a case at the end of some day.
fn kept(pairs: &FxHashMap<Name, Pair>) -> impl Iterator<Item = (&Name, &Pair)> {
    pairs.iter().filter(|(_, pair)| !pair.is_empty())
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

fn save_pairs(pairs: &FxHashMap<Name, Pair>, saver: &mut Saver<'_>) -> io::Result<()> {
    let mut sorted: Vec<_> = kept(pairs).collect();
    sorted.sort_unstable_by_key(|(name, _)| **name);
    saver.count(sorted.len())?;
    sorted.into_iter().try_for_each(|(name, pair)| {
        saver.number(u64::from(name.0))?;
        save_pair(pair, saver)
    })
}

fn load_pairs(loader: &mut Loader<'_>) -> io::Result<FxHashMap<Name, Pair>> {
    let mut pairs = FxHashMap::default();
    for _ in 0..loader.count()? {
        pairs.insert(Name(loader.number_u32()?), load_pair(loader)?);
    }
    Ok(pairs)
}
