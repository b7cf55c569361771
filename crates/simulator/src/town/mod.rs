//! The township as it really is: what is there, since when and until when. Nobody in the campaign sees it whole.

mod building;
mod founding;
mod person;
pub mod texts;
mod unit;
mod values;

pub use building::{Building, Door, Dwelling, Sort, Use};
pub use person::{Person, Stay};
pub use unit::{Unit, Worker};
pub use values::{Snapshot, fields_of};

use crate::{
    table::{Id, Table},
    villages::{Habits, VILLAGES, Village},
};

/// Which village, as a place in [`VILLAGES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VillageNo(pub u8);

impl VillageNo {
    /// Every village.
    pub fn all() -> impl Iterator<Item = VillageNo> {
        (0..15).map(VillageNo)
    }

    /// What is known of it.
    pub fn village(self) -> &'static Village {
        VILLAGES
            .get(self.index())
            .expect("numbers are made for the villages that there are")
    }

    /// Its place in a list with one row per village.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Everything in the township.
pub struct Town {
    /// The seed that made it.
    pub seed: u64,
    /// Buildings, village by village, in the order of a walk through it.
    pub buildings: Table<Building>,
    /// Entrances of blocks and shopfronts.
    pub doors: Table<Door>,
    /// Flats, houses and let rooms.
    pub dwellings: Table<Dwelling>,
    /// Everybody who lives there, has lived or will live there, or is only on the household register.
    pub people: Table<Person>,
    /// Firms, shops and offices.
    pub units: Table<Unit>,
    /// Those who work there.
    pub workers: Table<Worker>,
    /// Where each village's rows begin, in the order of the villages.
    pub starts: Vec<Starts>,
    /// How each village works.
    pub habits: Vec<Habits>,
}

/// Where a village's rows begin.
#[derive(Clone, Copy, Debug)]
pub struct Starts {
    /// Its first building.
    pub building: Id<Building>,
    /// Its first person.
    pub person: Id<Person>,
    /// Its first unit.
    pub unit: Id<Unit>,
    /// Its first worker.
    pub worker: Id<Worker>,
}

/// One thing of which there can be a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// The address of a building.
    Building(Id<Building>),
    /// The address of a door.
    Door(Id<Door>),
    /// A dwelling.
    Dwelling(Id<Dwelling>),
    /// A resident.
    Person(Id<Person>),
    /// A unit.
    Unit(Id<Unit>),
    /// Somebody who works in a unit.
    Worker(Id<Worker>),
}

impl Town {
    /// The village of a thing.
    pub fn village(&self, thing: Thing) -> VillageNo {
        match thing {
            Thing::Person(person) => self.people.at(person).village,
            Thing::Worker(worker) => self.units.at(self.workers.at(worker).unit).village,
            Thing::Unit(unit) => self.units.at(unit).village,
            Thing::Building(_) | Thing::Door(_) | Thing::Dwelling(_) => self
                .building_of(thing)
                .map_or(VillageNo(0), |building| self.buildings.at(building).village),
        }
    }

    /// The building that a thing is or is in; a person's is that of the first stay.
    pub fn building_of(&self, thing: Thing) -> Option<Id<Building>> {
        Some(match thing {
            Thing::Building(building) => building,
            Thing::Door(door) => self.doors.at(door).building,
            Thing::Dwelling(dwelling) => self.dwellings.at(dwelling).building,
            Thing::Person(person) => {
                self.dwellings
                    .at(self.people.at(person).stays.first()?.dwelling)
                    .building
            }
            Thing::Unit(unit) => self.units.at(unit).building,
            Thing::Worker(worker) => self.units.at(self.workers.at(worker).unit).building,
        })
    }

    /// How a village works.
    pub fn habits(&self, village: VillageNo) -> Habits {
        *self
            .habits
            .get(village.index())
            .expect("there is a row for each village")
    }
}
