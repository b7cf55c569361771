//! Keys and texts of things: composed when asked for, so that a large township stays small.

use shilu_model::RecordName;

use super::{Building, Door, Dwelling, Sort, Thing, Town};
use crate::{table::Id, words};

impl Town {
    /// The name of a thing's record.
    pub fn record(&self, thing: Thing) -> RecordName {
        record(self.kind(thing), &self.key(thing))
    }

    /// The kind of a thing.
    pub fn kind(&self, thing: Thing) -> &'static str {
        match thing {
            Thing::Building(_) | Thing::Door(_) => "address",
            Thing::Dwelling(_) => "dwelling",
            Thing::Person(_) => "resident",
            Thing::Unit(_) => "unit",
            Thing::Worker(_) => "worker",
        }
    }

    /// The key of a thing's record.
    pub fn key(&self, thing: Thing) -> String {
        let short = || self.village(thing).village().short();
        match thing {
            Thing::Building(building) => self.building_key(building),
            Thing::Door(door) => {
                let door = self.doors.at(door);
                format!("{}-{}", self.building_key(door.building), door.number)
            }
            Thing::Dwelling(dwelling) => {
                let dwelling = self.dwellings.at(dwelling);
                format!("{}-{}", self.building_key(dwelling.building), room_code(dwelling))
            }
            Thing::Person(person) => format!("R{}-{:05}", short(), self.people.at(person).number),
            Thing::Unit(unit) => format!("U{}-{:04}", short(), self.units.at(unit).number),
            Thing::Worker(worker) => format!("W{}-{:05}", short(), self.workers.at(worker).number),
        }
    }

    fn building_key(&self, building: Id<Building>) -> String {
        let building = self.buildings.at(building);
        format!("{}-{:04}", building.village.village().area, building.number)
    }

    /// The text of a building's address.
    pub fn address(&self, building: Id<Building>) -> String {
        let building = self.buildings.at(building);
        self.address_with(building, building.house)
    }

    /// The same with another house number, as somebody wrote it who misread it.
    pub fn wrong_address(&self, building: Id<Building>) -> String {
        let building = self.buildings.at(building);
        self.address_with(building, building.house + 10)
    }

    fn address_with(&self, building: &Building, house: u32) -> String {
        let village = building.village.village().name;
        let road = words::road(building.road);
        match building.sort {
            Sort::Block => format!("小越镇{village}{road}小区{house}幢"),
            _ => format!("小越镇{village}{road}{house}号"),
        }
    }

    /// The text of a door's address.
    pub fn door_address(&self, door: Id<Door>) -> String {
        let door = self.doors.at(door);
        let address = self.address(door.building);
        match self.buildings.at(door.building).sort {
            Sort::Block => format!("{address}{}单元", door.number),
            _ => format!("{address}-{}", door.number),
        }
    }

    /// The text of a dwelling's room.
    pub fn room(&self, dwelling: Id<Dwelling>) -> String {
        let dwelling = self.dwellings.at(dwelling);
        match dwelling.entrance {
            0 => format!("{}室", dwelling.room),
            entrance => format!("{entrance}单元{}室", dwelling.room),
        }
    }

    /// The whole address of a dwelling.
    pub fn dwelling_address(&self, dwelling: Id<Dwelling>) -> String {
        format!(
            "{}{}",
            self.address(self.dwellings.at(dwelling).building),
            self.room(dwelling)
        )
    }
}

/// The room as a part of a key.
pub fn room_code(dwelling: &Dwelling) -> u32 {
    u32::from(dwelling.entrance) * 10_000 + u32::from(dwelling.room)
}

/// The name of a record.
pub fn record(kind: &str, key: &str) -> RecordName {
    RecordName::new(kind, key).expect("keys are short, without slashes and in normal form C")
}
