//! What a visitor finds at what was drawn: what is really so, whatever the register says.

use shilu_model::{Day, Outcome, OwnedValue, RecordName};

use super::visits::Visitors;
use crate::{
    simulation::Simulation,
    town::Thing,
    truth::{Seen, Truth},
};

/// What is seen at a drawn place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceSeen {
    /// `present`, `no-contact` or `refused`.
    pub outcome: Outcome,
    /// Who or what is there.
    pub found: Vec<Child>,
}

/// Somebody who, or something that, is at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// What was seen, by field.
    pub observed: Vec<(String, Option<OwnedValue>)>,
    /// What could not be seen.
    pub not_seen: Vec<String>,
}

/// Where somebody is who was not listed at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// Left on a day.
    Gone(Day),
    /// Nobody ever knew them here.
    UnknownHere,
    /// Could not be learned.
    NotSeen,
}

impl Visitors {
    fn truth(&self) -> Truth {
        Truth::of(std::sync::Arc::clone(&self.town))
    }

    /// What is seen of a drawn record on a day.
    pub fn record(&self, record: &RecordName, day: Day) -> Seen {
        let mut seen = self.truth().visit(record, day);
        // Where a person lives decides nothing about the record.
        seen.observed
            .retain(|(field, _)| record.kind() != "resident" || field != "dwelling");
        seen
    }

    /// Who or what is at a drawn place on a day, listed without knowing what is registered there.
    pub fn place(&self, place: &RecordName, day: Day) -> PlaceSeen {
        let truth = self.truth();
        let outcome = match truth.visit(place, day).outcome {
            outcome @ (Outcome::NoContact | Outcome::Refused) => outcome,
            // Where there is nothing any more, that is what is seen.
            _ => Outcome::Present,
        };
        let found = match place.kind() {
            _ if outcome != Outcome::Present => Vec::new(),
            "dwelling" => {
                let people = truth.who_is_at(place, day).into_iter();
                people.map(|one| Child::person(&truth, one, day)).collect()
            }
            _ => {
                let rooms = truth.what_is_at(place, day);
                rooms.iter().filter_map(|room| self.room(room)).collect()
            }
        };
        PlaceSeen { outcome, found }
    }

    /// Where somebody or something is that was expected at a place and not listed.
    pub fn whereabouts(&self, record: &RecordName, place: &RecordName, day: Day) -> Whereabouts {
        let truth = self.truth();
        let (Some(Thing::Person(id)), Some(Thing::Dwelling(home))) = (truth.find(record), truth.find(place))
        else {
            return Whereabouts::UnknownHere;
        };
        let stays = self.town.people.at(id).stays.iter();
        let mut here = stays.filter(|stay| stay.dwelling == home && stay.from <= day);
        match here.next_back() {
            None => Whereabouts::UnknownHere,
            // The second record of somebody: there is no second person.
            Some(_) if record.key().ends_with("-2") => Whereabouts::UnknownHere,
            // There after all, under another name.
            Some(stay) => match stay.until.filter(|until| *until <= day) {
                None => Whereabouts::NotSeen,
                Some(until) => Whereabouts::Gone(until),
            },
        }
    }

    /// A room as one sees it from outside: what it is used for is not to be seen.
    fn room(&self, room: &RecordName) -> Option<Child> {
        let thing = self.truth().find(room)?;
        let value = self.town.value(thing, "room", Default::default())?;
        Some(Child {
            observed: vec![("room".to_owned(), Some(value))],
            not_seen: vec!["use".to_owned()],
        })
    }
}

impl Child {
    fn person(truth: &Truth, one: crate::Occupant, day: Day) -> Self {
        let text = |text: &str| Some(OwnedValue::Text(text.to_owned()));
        let mut child = Child {
            observed: vec![
                ("name".to_owned(), text(&one.name)),
                ("status".to_owned(), text(one.status)),
                ("arrived".to_owned(), Some(OwnedValue::Date(one.arrived))),
            ],
            not_seen: Vec::new(),
        };
        match truth.has_papers(&one.record, day) {
            true => child.observed.push(("citizen".to_owned(), text(&one.citizen))),
            false => child.not_seen.push("citizen".to_owned()),
        }
        child
    }
}

impl Simulation {
    /// Takes note of what a visit found otherwise than recorded: mostly it is put right, citing the visit.
    pub fn learn(&mut self, record: &RecordName, visit: shilu_model::EventId) {
        let Some(thing) = self.truth.find(record).filter(|_| !record.key().ends_with("-2")) else {
            return;
        };
        if self.book[thing].is_live() && self.amiss(thing, true).is_some() {
            self.follow(thing, Some(visit));
        }
    }
}
