//! Visits to units, and those who work there: as which resident, once that one is recorded.

use shilu_model::Deed;

use super::{Task, round::Round};
use crate::{
    book::Status,
    calendar::plus,
    simulation::Simulation,
    table::Id,
    town::{Person, Thing, Unit, Worker},
};

/// Workers of 1,000 whom nobody asks again who they are.
const FORGOTTEN: u64 = 30;

impl Simulation {
    /// One visit: the unit at first, those who work there each time.
    pub(super) fn unit(&mut self, round: &mut Round, id: Id<Unit>) {
        let thing = Thing::Unit(id);
        let unit = self.town.units.at(id).clone();
        if !unit.is_open(self.today) || !self.is_settled(thing, Task::Unit(id)) {
            return;
        }
        self.go_to(round, thing);
        let mut about = vec![thing];
        let entry = self.entry(round, 120, 320);
        let first = self.book[thing].status == Status::Unknown;
        let mut list = if first {
            vec![self.first_collect(round, entry, thing, &[])]
        } else {
            let name = (
                "name".to_owned(),
                self.book[thing].value(&self.town, thing, "name"),
            );
            vec![self.command(round, entry, self.town.record(thing), Deed::Collect(vec![name]))]
        };
        let unmentioned = self.town.habits(unit.village).unmentioned;
        for worker in unit.workers() {
            let one = Thing::Worker(worker);
            let there = self.town.workers.at(worker).is_there(self.today);
            if there
                && self.book[one].status == Status::Unknown
                && self.luck(26, worker.number()) >= unmentioned
            {
                let entry = self.entry(round, 30, 80);
                list.push(self.first_collect(round, entry, one, &[]));
                about.push(one);
            }
        }
        self.send(round, list, &about);
        if first {
            self.after_unit(id);
        } else {
            about.remove(0);
        }
        for one in about.into_iter().filter(|one| first || *one != thing) {
            self.after_collect(one);
            if let Thing::Worker(worker) = one
                && self.luck(27, worker.number()) >= FORGOTTEN
            {
                self.link_later(worker);
            }
            if let Thing::Worker(worker) = one
                && let Some(until) = self.town.workers.at(worker).until
                && self.random.chance(650)
            {
                let later = i32::from(self.random.small(1, 15));
                self.plan_for(plus(until, later), Task::Deregister(one));
            }
        }
    }

    /// Whether a field would point at a record that is not there yet.
    pub(super) fn is_nowhere(&self, thing: Thing, field: &str) -> bool {
        match (thing, field) {
            (Thing::Worker(id), "resident") => self.unrecorded(id).is_some(),
            _ => false,
        }
    }

    /// Which resident somebody at work is, where nobody uploaded that household yet.
    fn unrecorded(&self, id: Id<Worker>) -> Option<Id<Person>> {
        let person = self.town.workers.at(id).person;
        person.filter(|person| {
            let kept = self.book[Thing::Person(*person)];
            matches!(kept.status, Status::Unknown | Status::Found) || kept.settled >= self.today
        })
    }

    /// Plans to say who somebody at work is, once the household is recorded. Where there is a deadline, that is soon.
    fn link_later(&mut self, id: Id<Worker>) {
        if self.unrecorded(id).is_none() {
            return;
        }
        if self.town.units.at(self.town.workers.at(id).unit).is_core() {
            self.ask_at_home(id);
        }
        self.plan_in(3, 6, Task::Link(id));
    }

    /// Has the household visited in which somebody lives who works in a unit.
    pub(super) fn ask_at_home(&mut self, id: Id<Worker>) {
        let town = std::sync::Arc::clone(&self.town);
        let person = self.unrecorded(id).map(|person| town.people.at(person));
        if let Some((_, stay)) = person.and_then(|person| person.stay_on(self.today)) {
            self.plan_in(1, 2, Task::Household(stay.dwelling, 9));
        }
    }

    /// Says which resident somebody at work is.
    pub(super) fn link(&mut self, round: &mut Round, id: Id<Worker>) {
        let thing = Thing::Worker(id);
        if !self.is_settled(thing, Task::Link(id)) {
            return;
        }
        let kept = self.book[thing];
        let is_there = self.town.workers.at(id).is_there(self.today);
        if !is_there || !kept.is_live() || !kept.lacks.has(thing, "resident") {
            return;
        }
        match self.unrecorded(id) {
            Some(_) => self.link_later(id),
            None => self.add(round, thing, "resident"),
        }
    }

    fn after_unit(&mut self, id: Id<Unit>) {
        let thing = Thing::Unit(id);
        self.plan_plate(thing);
        // New faces are asked for once more.
        if self.random.chance(600) {
            self.plan_in(22, 40, Task::Unit(id));
        }
        if let Some(until) = self.town.units.at(id).until
            && self.random.chance(800)
        {
            let later = i32::from(self.random.small(1, 18));
            self.plan_for(plus(until, later), Task::Deregister(thing));
        }
    }
}
