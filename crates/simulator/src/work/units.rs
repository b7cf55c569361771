//! Visits to units, and those who work there.

use shilu_model::Deed;

use super::{Task, round::Round};
use crate::{
    book::Status,
    calendar::plus,
    simulation::Simulation,
    table::Id,
    town::{Thing, Unit},
};

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
                && let Some(until) = self.town.workers.at(worker).until
                && self.random.chance(650)
            {
                let later = i32::from(self.random.small(1, 15));
                self.plan_for(plus(until, later), Task::Deregister(one));
            }
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
