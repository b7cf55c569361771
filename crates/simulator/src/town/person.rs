//! People, and where they stay when.

use shilu_model::Day;

use super::{Dwelling, VillageNo};
use crate::{table::Id, words::Name};

/// A person.
#[derive(Clone, Debug)]
pub struct Person {
    /// The village of the first stay, or of the household register.
    pub village: VillageNo,
    /// The number within the village, from 1.
    pub number: u32,
    /// The name.
    pub name: Name,
    /// The day of birth.
    pub born: Day,
    /// The sequence within that day, for the citizen id.
    pub sequence: u16,
    /// The mobile's last eight digits, if there is one.
    pub phone: Option<u32>,
    /// Whether on the household register of the township.
    pub permanent: bool,
    /// The household's number within the village.
    pub household: u32,
    /// Where the person stays, oldest first; nowhere for who is only on the household register.
    pub stays: Vec<Stay>,
    /// Whether somebody takes the person down a second time, under another number.
    pub twin: bool,
}

/// A stay in one dwelling.
#[derive(Clone, Copy, Debug)]
pub struct Stay {
    /// Where.
    pub dwelling: Id<Dwelling>,
    /// Since when.
    pub from: Day,
    /// Until when, exclusive.
    pub until: Option<Day>,
}

impl Stay {
    /// Whether it covers a day.
    pub fn covers(&self, day: Day) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }
}

impl Person {
    /// The stay of a day, with its place in the list.
    pub fn stay_on(&self, day: Day) -> Option<(usize, &Stay)> {
        self.stays.iter().enumerate().find(|(_, stay)| stay.covers(day))
    }
}
