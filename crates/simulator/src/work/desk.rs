//! The desk: registering what was collected, deregistering what is gone.

use shilu_model::{Because, Deed, Reason, Since};

use super::{Task, round::Round};
use crate::{
    book::Status,
    calendar::{HOUR, at},
    simulation::Simulation,
    town::Thing,
};

impl Simulation {
    /// Opens the registration; perhaps somebody checks it later.
    pub(super) fn register(&mut self, round: &mut Round, thing: Thing) {
        if !self.is_settled(thing, Task::Register(thing)) {
            return;
        }
        if !matches!(self.book[thing].status, Status::Collected | Status::Deregistered) {
            return;
        }
        let entry = self.entry(round, 2, 9);
        let mut command = self.command(round, entry, self.town.record(thing), Deed::Register);
        command.effective = Since::Recorded;
        let recorded = self.send(round, vec![command], &[thing]);
        let kept = &mut self.book[thing];
        (kept.status, kept.turned) = (Status::Registered, recorded);
        let (from, to) = if self.random.chance(500) {
            (4, 40)
        } else {
            (45, 80)
        };
        // A dwelling is checked once its household was visited.
        if self.random.chance(38) && !matches!(thing, Thing::Dwelling(_)) {
            self.plan_in(from, to, Task::Check(thing, 0));
        }
    }

    /// Closes it, since the thing was gone.
    pub(super) fn deregister(&mut self, round: &mut Round, thing: Thing) {
        if !self.is_settled(thing, Task::Deregister(thing)) || self.book[thing].status != Status::Registered {
            return;
        }
        let (left, because, why) = match thing {
            Thing::Person(id) => {
                let person = self.town.people.at(id);
                let stay = person.stays.get(self.book[thing].at.stay.unwrap_or(0));
                match person.stay_on(self.today) {
                    Some(_) => return,
                    None if person.permanent && self.luck(25, id.number()) < 90 => (
                        stay.and_then(|stay| stay.until),
                        Because::Deceased,
                        "家属报告去世",
                    ),
                    None => (stay.and_then(|stay| stay.until), Because::MovedOut, "已搬走"),
                }
            }
            Thing::Unit(id) => (self.town.units.at(id).until, Because::Closed, "已停业"),
            Thing::Worker(id) => (self.town.workers.at(id).until, Because::MovedOut, "已离职"),
            Thing::Building(id) => (self.town.buildings.at(id).until, Because::Demolished, "已拆除"),
            Thing::Dwelling(id) => {
                let building = self.town.buildings.at(self.town.dwellings.at(id).building);
                (building.until, Because::Demolished, "已拆除")
            }
            Thing::Door(_) => return,
        };
        let Some(left) = left.filter(|left| *left <= self.today) else {
            return;
        };
        let entry = self.entry(round, 15, 60);
        let deed = Deed::Deregister(Reason::Plain(because));
        let mut command = self.command(round, entry, self.town.record(thing), deed);
        // Since it happened, or as soon as there was a registration to close.
        let since = at(left, 12 * HOUR)
            .max(self.book[thing].turned.plus_micros(1))
            .min(entry.entered);
        command.effective = Since::At(since);
        command.reason = Some(why.to_owned());
        let kept = &mut self.book[thing];
        (kept.status, kept.turned) = (Status::Deregistered, since);
        self.send(round, vec![command], &[thing]);
    }
}
