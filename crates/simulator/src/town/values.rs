//! The values of things: as they really are, and as somebody honest may get them wrong.

use shilu_model::{Day, OwnedValue};

use super::{Building, Dwelling, Person, Stay, Thing, Town, Unit, Use, Worker};
use crate::{calendar::plus, numbers, table::Id, words};

/// What changes about a thing, as of some day: the rest of it never does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// What a dwelling is used for.
    pub used: Option<Use>,
    /// Which of a person's stays.
    pub stay: Option<usize>,
}

const ADDRESS: [&str; 6] = ["area", "text", "level", "parent", "new", "planned"];
const DWELLING: [&str; 7] = ["area", "address", "room", "use", "intensive", "rooms", "owner"];
const RESIDENT: [&str; 8] = [
    "area",
    "name",
    "citizen",
    "phone",
    "status",
    "household",
    "dwelling",
    "arrived",
];
const UNIT: [&str; 5] = ["area", "credit", "name", "trade", "address"];
const WORKER: [&str; 4] = ["area", "unit", "resident", "role"];

/// The fields of a kind that are taken down, without its key.
pub fn fields_of(thing: Thing) -> &'static [&'static str] {
    match thing {
        Thing::Building(_) | Thing::Door(_) => &ADDRESS,
        Thing::Dwelling(_) => &DWELLING,
        Thing::Person(_) => &RESIDENT,
        Thing::Unit(_) => &UNIT,
        Thing::Worker(_) => &WORKER,
    }
}

impl Town {
    /// A thing as of a day.
    pub fn snapshot(&self, thing: Thing, day: Day) -> Snapshot {
        match thing {
            Thing::Dwelling(dwelling) => Snapshot {
                used: Some(self.dwellings.at(dwelling).used_on(day)),
                stay: None,
            },
            Thing::Person(person) => {
                let stay = self.people.at(person).stay_on(day).map(|(place, _)| place);
                Snapshot { used: None, stay }
            }
            _ => Snapshot::default(),
        }
    }

    /// What a field really holds.
    pub fn value(&self, thing: Thing, field: &str, at: Snapshot) -> Option<OwnedValue> {
        if field == "area" {
            return Some(text(self.area(thing, at)));
        }
        match thing {
            Thing::Building(id) => self.building_value(id, field),
            Thing::Door(id) => match field {
                "text" => Some(text(self.door_address(id))),
                "level" => Some(text("door")),
                "parent" => Some(self.reference(Thing::Building(self.doors.at(id).building))),
                _ => None,
            },
            Thing::Dwelling(id) => self.dwelling_value(id, field, at),
            Thing::Person(id) => self.person_value(id, field, at),
            Thing::Unit(id) => self.unit_value(id, field),
            Thing::Worker(id) => self.worker_value(id, field),
        }
    }

    /// What somebody may take it for, where that is another value.
    pub fn mistaken(&self, thing: Thing, field: &str, at: Snapshot) -> Option<OwnedValue> {
        match (thing, field) {
            (Thing::Building(id), "text") => Some(text(self.wrong_address(id))),
            (Thing::Dwelling(id), "room") => {
                let mut other = self.dwellings.at(id).clone();
                other.room += 1;
                Some(text(match other.entrance {
                    0 => format!("{}室", other.room),
                    entrance => format!("{entrance}单元{}室", other.room),
                }))
            }
            (Thing::Dwelling(id), "rooms") => {
                Some(OwnedValue::Integer(i64::from(self.dwellings.at(id).rooms) + 1))
            }
            (Thing::Dwelling(_), "use") => Some(text(match at.used? {
                Use::Own | Use::Empty => Use::Rental.word(),
                Use::Rental | Use::Lodging => Use::Own.word(),
            })),
            (Thing::Person(id), "name") => Some(text(self.people.at(id).name.misheard().text())),
            (Thing::Person(id), "citizen") => {
                let person = self.people.at(id);
                // The day of birth by the other calendar: a month off.
                Some(text(numbers::citizen_id(plus(person.born, 29), person.sequence)))
            }
            (Thing::Person(id), "phone") => Some(text(numbers::mobile(self.people.at(id).phone? ^ 1))),
            (Thing::Person(id), "status") => Some(text(status(!self.people.at(id).permanent))),
            (Thing::Unit(id), "name") => {
                let unit = self.units.at(id);
                Some(text(words::unit(unit.name, unit.number + 1, unit.trade)))
            }
            (Thing::Unit(id), "trade") => {
                let other = if self.units.at(id).trade == "other" {
                    "shop"
                } else {
                    "other"
                };
                Some(text(other))
            }
            (Thing::Worker(_), "role") => Some(text("学徒")),
            _ => None,
        }
    }

    fn area(&self, thing: Thing, at: Snapshot) -> &'static str {
        let stay = match thing {
            Thing::Person(id) => self.stay(id, at),
            _ => None,
        };
        let thing = stay.map_or(thing, |stay| Thing::Dwelling(stay.dwelling));
        self.village(thing).village().area
    }

    fn stay(&self, id: Id<Person>, at: Snapshot) -> Option<&Stay> {
        self.people.at(id).stays.get(at.stay?)
    }

    /// A reference to a thing's record.
    pub fn reference(&self, thing: Thing) -> OwnedValue {
        OwnedValue::Reference(self.record(thing).as_str().to_owned())
    }

    fn building_value(&self, id: Id<Building>, field: &str) -> Option<OwnedValue> {
        let building = self.buildings.at(id);
        match field {
            "text" => Some(text(self.address(id))),
            "level" => Some(text("building")),
            "new" => Some(OwnedValue::Boolean(building.is_new())),
            "planned" => building
                .planned
                .map(|planned| OwnedValue::Integer(planned.into())),
            _ => None,
        }
    }

    fn dwelling_value(&self, id: Id<Dwelling>, field: &str, at: Snapshot) -> Option<OwnedValue> {
        let dwelling = self.dwellings.at(id);
        match field {
            "address" => Some(self.reference(Thing::Building(dwelling.building))),
            "room" => Some(text(self.room(id))),
            "use" => at.used.map(|used| text(used.word())),
            "intensive" => at
                .used
                .filter(|used| used.is_rented())
                .map(|_| OwnedValue::Boolean(dwelling.intensive)),
            "rooms" => Some(OwnedValue::Integer(dwelling.rooms.into())),
            "owner" => Some(text(dwelling.owner.text())),
            _ => None,
        }
    }

    fn person_value(&self, id: Id<Person>, field: &str, at: Snapshot) -> Option<OwnedValue> {
        let person = self.people.at(id);
        match field {
            "name" => Some(text(person.name.text())),
            "citizen" => Some(text(numbers::citizen_id(person.born, person.sequence))),
            "phone" => person.phone.map(|phone| text(numbers::mobile(phone))),
            "status" => Some(text(status(person.permanent))),
            "household" => {
                let short = person.village.village().short();
                person
                    .permanent
                    .then(|| text(format!("H{short}-{:05}", person.household)))
            }
            "dwelling" => self
                .stay(id, at)
                .map(|stay| self.reference(Thing::Dwelling(stay.dwelling))),
            "arrived" => self
                .stay(id, at)
                .filter(|_| !person.permanent)
                .map(|stay| OwnedValue::Date(stay.from)),
            _ => None,
        }
    }

    fn unit_value(&self, id: Id<Unit>, field: &str) -> Option<OwnedValue> {
        let unit = self.units.at(id);
        let address = || unit.door.map_or(Thing::Building(unit.building), Thing::Door);
        let category = match unit.trade {
            "school" | "hospital" | "station" => "12",
            "factory" => "91",
            _ => "92",
        };
        match field {
            "credit" => unit
                .credit
                .map(|credit| text(numbers::credit_code(category, credit))),
            "name" => Some(text(words::unit(unit.name, unit.number, unit.trade))),
            "trade" => Some(text(unit.trade)),
            "address" => Some(self.reference(address())),
            _ => None,
        }
    }

    fn worker_value(&self, id: Id<Worker>, field: &str) -> Option<OwnedValue> {
        let worker = self.workers.at(id);
        match field {
            "unit" => Some(self.reference(Thing::Unit(worker.unit))),
            "resident" => worker.person.map(|person| self.reference(Thing::Person(person))),
            "role" => Some(text(worker.role)),
            _ => None,
        }
    }
}

fn status(permanent: bool) -> &'static str {
    if permanent { "permanent" } else { "migrant" }
}

fn text(text: impl Into<String>) -> OwnedValue {
    OwnedValue::Text(text.into())
}
