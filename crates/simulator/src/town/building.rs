//! Buildings, their doors and their dwellings.

use std::ops::Range;

use shilu_model::Day;

use super::{Person, VillageNo};
use crate::{spot::Spot, table::Id, words::Name};

/// What a building is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A house of one family, or two.
    House,
    /// A house of which rooms are let.
    Lodgings,
    /// A block of flats with entrances.
    Block,
    /// Shops with dwellings above.
    Shops,
    /// A firm's lodging house.
    Dormitory,
}

/// A building.
#[derive(Clone, Debug)]
pub struct Building {
    /// Its village.
    pub village: VillageNo,
    /// Its number in the village, from 1.
    pub number: u32,
    /// What it is.
    pub sort: Sort,
    /// The road's number in the township.
    pub road: u32,
    /// The house's number in the road.
    pub house: u32,
    /// Where it stands.
    pub spot: Spot,
    /// How many dwellings the permit says, if it was built since the collection of 2012.
    pub planned: Option<u16>,
    /// Since when it stands.
    pub from: Day,
    /// Until when it stands, exclusive.
    pub until: Option<Day>,
    /// Its doors.
    pub doors: Range<u32>,
    /// The first of its dwellings, and how many there are.
    pub dwellings: (Id<Dwelling>, u32),
}

/// An entrance or a shopfront with an address of its own.
#[derive(Clone, Debug)]
pub struct Door {
    /// Its building.
    pub building: Id<Building>,
    /// Its number in the building, from 1.
    pub number: u32,
}

/// What a dwelling is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// By its owners.
    Own,
    /// Let.
    Rental,
    /// By a firm's people.
    Lodging,
    /// Not at all.
    Empty,
}

impl Use {
    /// The word of the campaign.
    pub fn word(self) -> &'static str {
        match self {
            Use::Own => "own",
            Use::Rental => "rental",
            Use::Lodging => "lodging",
            Use::Empty => "empty",
        }
    }

    /// Whether it gets a plate.
    pub fn is_rented(self) -> bool {
        matches!(self, Use::Rental | Use::Lodging)
    }
}

/// A dwelling.
#[derive(Clone, Debug)]
pub struct Dwelling {
    /// Its building.
    pub building: Id<Building>,
    /// The entrance, where the building has several; else 0.
    pub entrance: u16,
    /// The room's number.
    pub room: u16,
    /// What it is used for.
    pub used: Use,
    /// What it is used for from some day on.
    pub later: Option<(Day, Use)>,
    /// Group rental, or mixed and high turnover.
    pub intensive: bool,
    /// How many rooms it has.
    pub rooms: u16,
    /// Who owns it.
    pub owner: Name,
    /// Everybody who stays there at some time.
    pub people: Vec<Id<Person>>,
}

impl Building {
    /// Whether it was built since the collection of 2012.
    pub fn is_new(&self) -> bool {
        self.planned.is_some()
    }

    /// Whether it stands on a day.
    pub fn stands(&self, day: Day) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }

    /// Its dwellings.
    pub fn dwellings(&self) -> impl Iterator<Item = Id<Dwelling>> + use<> {
        let (first, count) = self.dwellings;
        (0..count).map(move |number| first.plus(number))
    }
}

impl Dwelling {
    /// What it is used for on a day.
    pub fn used_on(&self, day: Day) -> Use {
        match self.later {
            Some((since, later)) if since <= day => later,
            _ => self.used,
        }
    }
}
