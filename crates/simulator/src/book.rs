//! What the register holds by now, as far as the next step of the work depends on it.

use std::ops::{Index, IndexMut};

use shilu_model::{Day, OwnedValue, Timestamp};

use crate::{
    table::Table,
    town::{Snapshot, Thing, Town, fields_of},
};

/// What is recorded of each thing.
pub struct Book {
    buildings: Vec<Kept>,
    doors: Vec<Kept>,
    dwellings: Vec<Kept>,
    people: Vec<Kept>,
    units: Vec<Kept>,
    workers: Vec<Kept>,
}

/// What is recorded of one thing.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// Its record's status.
    pub status: Status,
    /// The day on which its last event is recorded: the next one waits until then has passed.
    pub settled: Day,
    /// Since when its status holds.
    pub turned: Timestamp,
    /// What changes about the thing, as recorded.
    pub at: Snapshot,
    /// Fields that nobody could tell, by their places.
    pub lacks: FieldSet,
    /// Fields that were taken down wrong.
    pub wrong: FieldSet,
}

/// The status of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nobody recorded anything.
    Unknown,
    /// A check met it.
    Found,
    /// Collected.
    Collected,
    /// Registered.
    Registered,
    /// Deregistered.
    Deregistered,
}

/// Some of a kind's fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldSet(u16);

impl FieldSet {
    /// Whether a field is in it.
    pub fn has(self, thing: Thing, field: &str) -> bool {
        self.0 & bit(thing, field) != 0
    }

    /// Adds a field.
    pub fn add(&mut self, thing: Thing, field: &str) {
        self.0 |= bit(thing, field);
    }

    /// Removes a field.
    pub fn remove(&mut self, thing: Thing, field: &str) {
        self.0 &= !bit(thing, field);
    }

    /// The first field in it.
    pub fn first(self, thing: Thing) -> Option<&'static str> {
        fields_of(thing)
            .iter()
            .copied()
            .find(|field| self.has(thing, field))
    }
}

fn bit(thing: Thing, field: &str) -> u16 {
    let place = fields_of(thing).iter().position(|known| *known == field);
    place.map_or(0, |place| 1 << place)
}

impl Kept {
    const NOTHING: Kept = Kept {
        status: Status::Unknown,
        settled: Day::from_number(i32::MIN),
        turned: Timestamp::MIN,
        at: Snapshot {
            used: None,
            stay: None,
        },
        lacks: FieldSet(0),
        wrong: FieldSet(0),
    };

    /// Whether the record is there and was not deregistered.
    pub fn is_live(&self) -> bool {
        matches!(self.status, Status::Collected | Status::Registered)
    }

    /// What the register holds in a field.
    pub fn value(&self, town: &Town, thing: Thing, field: &str) -> Option<OwnedValue> {
        if self.lacks.has(thing, field) {
            None
        } else if self.wrong.has(thing, field) {
            town.mistaken(thing, field, self.at)
        } else {
            town.value(thing, field, self.at)
        }
    }
}

impl Book {
    /// An empty one for a township.
    pub fn new(town: &Town) -> Self {
        fn blank<T>(table: &Table<T>) -> Vec<Kept> {
            vec![Kept::NOTHING; table.len()]
        }
        Book {
            buildings: blank(&town.buildings),
            doors: blank(&town.doors),
            dwellings: blank(&town.dwellings),
            people: blank(&town.people),
            units: blank(&town.units),
            workers: blank(&town.workers),
        }
    }
}

impl Index<Thing> for Book {
    type Output = Kept;

    fn index(&self, thing: Thing) -> &Kept {
        let (rows, number) = match thing {
            Thing::Building(id) => (&self.buildings, id.number()),
            Thing::Door(id) => (&self.doors, id.number()),
            Thing::Dwelling(id) => (&self.dwellings, id.number()),
            Thing::Person(id) => (&self.people, id.number()),
            Thing::Unit(id) => (&self.units, id.number()),
            Thing::Worker(id) => (&self.workers, id.number()),
        };
        rows.get(place(number))
            .expect("the book has a row for each thing")
    }
}

impl IndexMut<Thing> for Book {
    fn index_mut(&mut self, thing: Thing) -> &mut Kept {
        let (rows, number) = match thing {
            Thing::Building(id) => (&mut self.buildings, id.number()),
            Thing::Door(id) => (&mut self.doors, id.number()),
            Thing::Dwelling(id) => (&mut self.dwellings, id.number()),
            Thing::Person(id) => (&mut self.people, id.number()),
            Thing::Unit(id) => (&mut self.units, id.number()),
            Thing::Worker(id) => (&mut self.workers, id.number()),
        };
        rows.get_mut(place(number))
            .expect("the book has a row for each thing")
    }
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
