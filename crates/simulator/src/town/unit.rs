//! Units and those who work there.

use shilu_model::Day;

use super::{Building, Door, Person, VillageNo};
use crate::table::Id;

/// A unit.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Its village.
    pub village: VillageNo,
    /// Its number in the village, from 1.
    pub number: u32,
    /// Where it is.
    pub building: Id<Building>,
    /// Its own door there, if it has one.
    pub door: Option<Id<Door>>,
    /// What it does.
    pub trade: &'static str,
    /// Its name's number.
    pub name: u8,
    /// Its organisation code, if it has a credit code already.
    pub credit: Option<u32>,
    /// Since when.
    pub from: Day,
    /// Until when, exclusive.
    pub until: Option<Day>,
    /// The first of those who work there, and how many there are.
    pub workers: (Id<Worker>, u32),
}

/// Somebody who works in a unit.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Where.
    pub unit: Id<Unit>,
    /// The number within the village, from 1.
    pub number: u32,
    /// Which resident, if the person lives in the township.
    pub person: Option<Id<Person>>,
    /// As what.
    pub role: &'static str,
    /// Since when.
    pub from: Day,
    /// Until when, exclusive.
    pub until: Option<Day>,
}

/// The trades of the campaign's set `core`.
const CORE_TRADES: [&str; 11] = [
    "hazardous",
    "entertainment",
    "video-games",
    "sauna",
    "hairdressing",
    "foot-massage",
    "net-cafe",
    "chess-cards",
    "hotel",
    "pawn",
    "seal",
];

impl Unit {
    /// Whether its trade is one of the campaign's set `core`.
    pub fn is_core(&self) -> bool {
        CORE_TRADES.contains(&self.trade)
    }

    /// Whether it is open on a day.
    pub fn is_open(&self, day: Day) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }

    /// Those who work there at some time.
    pub fn workers(&self) -> impl Iterator<Item = Id<Worker>> + use<> {
        let (first, count) = self.workers;
        (0..count).map(move |number| first.plus(number))
    }
}

impl Worker {
    /// Whether the person works there on a day.
    pub fn is_there(&self, day: Day) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }
}
