//! Visits to households: what the dwelling is used for, and who lives there.

use shilu_model::{Command, Correction, Deed};

use super::{Task, round::Round};
use crate::{
    book::Status,
    calendar::{HOUSEHOLDS_BY, LAST, plus},
    simulation::Simulation,
    table::Id,
    town::{Dwelling, Person, Thing, Use},
};

/// Visits to a door that nobody opens; after these the neighbours are asked about the dwelling alone.
const TRIES_MAX: u8 = 3;

impl Simulation {
    /// One visit. Whoever comes because the landlord called (`tries` beyond the most) meets somebody.
    pub(super) fn household(&mut self, round: &mut Round, id: Id<Dwelling>, tries: u8) {
        let thing = Thing::Dwelling(id);
        let building = self.town.dwellings.at(id).building;
        if !self.is_settled(thing, Task::Household(id, tries)) {
            return;
        }
        let standing = self.town.buildings.at(building).stands(self.today);
        if !standing || self.book[thing].status == Status::Unknown {
            return;
        }
        round.go(self.town.buildings.at(building).spot, &mut self.random);
        let people = self.truth.occupants(id, self.today);
        if tries < TRIES_MAX && !people.is_empty() && self.random.chance(210) {
            round.pass(40);
            self.plan_in(1, 5, Task::Household(id, tries + 1));
            return;
        }
        let first = self.book[thing].lacks.has(thing, "use");
        let mut list = self.dwelling(round, id);
        let mut about = vec![thing];
        if tries != TRIES_MAX {
            for person in people {
                self.occupant(round, person, &mut list, &mut about);
            }
        }
        self.send(round, list, &about);
        self.look_again(thing);
        self.missing(id);
        self.after_visit(id);
        if first && self.random.chance(40) {
            self.plan_in(4, 45, Task::Check(thing, 0));
        }
    }

    /// The dwelling itself: added to, corrected where it is used otherwise now, or confirmed.
    fn dwelling(&mut self, round: &mut Round, id: Id<Dwelling>) -> Vec<Command> {
        let thing = Thing::Dwelling(id);
        let record = self.town.record(thing);
        let entry = self.entry(round, 50, 160);
        let at = self.town.snapshot(thing, self.today);
        let mut list = Vec::new();
        if self.book[thing].lacks.has(thing, "use") {
            self.book[thing].at = at;
            let fields = self.observe(thing, &["use", "intensive", "rooms", "owner"]);
            list.push(self.command(round, entry, record, Deed::Collect(fields)));
            return list;
        }
        let before = self.book[thing].at.used;
        let mut fields = vec!["use"];
        if before != at.used {
            let held = self.book[thing].value(&self.town, thing, "use");
            let rated = before.is_some_and(Use::is_rented);
            let kept = &mut self.book[thing];
            kept.at = at;
            kept.wrong.remove(thing, "use");
            let after = kept.value(&self.town, thing, "use");
            if held != after {
                let before = self.random.chance(330).then_some(held);
                let change = Correction {
                    field: "use".to_owned(),
                    before,
                    after,
                };
                let mut command = self.command(round, entry, record.clone(), Deed::Correct(vec![change]));
                command.reason = Some("用途已变".to_owned());
                list.push(command);
            }
            if !rated && self.book[thing].value(&self.town, thing, "intensive").is_some() {
                fields.push("intensive");
            }
        }
        let kept = self.book[thing];
        let fields = fields
            .into_iter()
            .map(|field| (field.to_owned(), kept.value(&self.town, thing, field)));
        let fields = fields.filter(|(_, value)| value.is_some()).collect();
        list.push(self.command(round, entry, record, Deed::Collect(fields)));
        list
    }

    /// Somebody who lives there now.
    fn occupant(
        &mut self,
        round: &mut Round,
        id: Id<Person>,
        list: &mut Vec<Command>,
        about: &mut Vec<Thing>,
    ) {
        let thing = Thing::Person(id);
        let kept = self.book[thing];
        if kept.settled >= self.today {
            return;
        }
        let at = self.town.snapshot(thing, self.today);
        let unmentioned = self.town.habits(self.town.village(thing)).unmentioned;
        match kept.status {
            // A household that keeps somebody quiet does so every time.
            Status::Unknown if self.luck(24, id.number()) < unmentioned => return,
            Status::Unknown | Status::Found => {
                let entry = self.entry(round, 60, 150);
                list.push(self.first_collect(round, entry, thing, &[]));
                self.after_person(id);
            }
            Status::Collected | Status::Registered if kept.at.stay != at.stay => {
                list.extend(self.moved(round, id));
            }
            Status::Deregistered => {
                if kept.at.stay != at.stay {
                    list.extend(self.moved(round, id));
                }
                let entry = self.entry(round, 40, 90);
                let name = (
                    "name".to_owned(),
                    self.book[thing].value(&self.town, thing, "name"),
                );
                list.push(self.command(round, entry, self.town.record(thing), Deed::Collect(vec![name])));
                self.plan_in(1, 3, Task::Register(thing));
                self.plan_leaving(id);
            }
            Status::Collected | Status::Registered => return,
        }
        about.push(thing);
    }

    /// From one stay to another: one correction of all that a move changes; nothing for who comes back to the same.
    fn moved(&mut self, round: &mut Round, id: Id<Person>) -> Option<Command> {
        let thing = Thing::Person(id);
        let at = self.town.snapshot(thing, self.today);
        let old = self.book[thing];
        self.book[thing].at = at;
        let new = self.book[thing];
        let changed = ["dwelling", "arrived", "area"].into_iter().filter_map(|field| {
            let (before, after) = (
                old.value(&self.town, thing, field),
                new.value(&self.town, thing, field),
            );
            (before != after).then(|| Correction {
                field: field.to_owned(),
                before: Some(before),
                after,
            })
        });
        let changes: Vec<_> = changed.collect();
        if changes.is_empty() {
            return None;
        }
        let entry = self.entry(round, 40, 110);
        let mut command = self.command(round, entry, self.town.record(thing), Deed::Correct(changes));
        command.reason = Some("搬家".to_owned());
        Some(command)
    }

    /// What follows the first entry of a person.
    fn after_person(&mut self, id: Id<Person>) {
        let thing = Thing::Person(id);
        self.after_collect(thing);
        if self.book[thing].lacks.has(thing, "citizen") && self.random.chance(550) {
            self.plan_in(6, 30, Task::Complete(id));
        }
        if self.town.people.at(id).twin {
            self.plan_in(4, 20, Task::Twin(id));
        }
        self.plan_leaving(id);
    }

    /// Whoever leaves is deregistered by most within the grace, by some later, by some never.
    fn plan_leaving(&mut self, id: Id<Person>) {
        let thing = Thing::Person(id);
        let place = self.book[thing].at.stay.unwrap_or(0);
        let person = self.town.people.at(id);
        let Some(left) = person.stays.get(place).and_then(|stay| stay.until) else {
            return;
        };
        // Who moves on the same day is followed, not deregistered.
        if person.stays.get(place + 1).is_some_and(|next| next.from == left) {
            return;
        }
        let prompt = self.town.habits(person.village).prompt;
        let later = match self.random.below(1_000) {
            luck if luck < prompt => self.random.small(0, 3),
            luck if luck < prompt + (1_000 - prompt) * 6 / 10 => self.random.small(4, 24),
            _ => return,
        };
        self.plan_for(plus(left, later.into()), Task::Deregister(thing));
    }

    /// Who is recorded here and was not met is gone: the desk learns of some.
    fn missing(&mut self, id: Id<Dwelling>) {
        let town = std::sync::Arc::clone(&self.town);
        for person in &town.dwellings.at(id).people {
            let thing = Thing::Person(*person);
            let gone = self.town.snapshot(thing, self.today).stay.is_none();
            if gone && self.book[thing].status == Status::Registered && self.random.chance(600) {
                self.plan_in(0, 3, Task::Deregister(thing));
            }
        }
    }

    /// Plates for what is let; and where people come and go, the next visit.
    fn after_visit(&mut self, id: Id<Dwelling>) {
        let rented = self.book[Thing::Dwelling(id)].at.used.is_some_and(Use::is_rented);
        if rented {
            self.plan_plate(Thing::Dwelling(id));
        }
        let dwelling = self.town.dwellings.at(id);
        if dwelling.intensive && rented && self.today <= HOUSEHOLDS_BY {
            let days = i32::from(self.random.small(18, 29));
            self.plan_for(self.day_after(days).min(LAST), Task::Household(id, 0));
        }
    }
}
