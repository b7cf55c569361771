//! Ordinary checks by verifiers: not drawn, so no proof of accuracy, but a reason to put things right.

use shilu_model::{Check, Deed, EventId, Outcome, OwnedValue};

use super::{Task, round::Round};
use crate::{
    book::Status,
    simulation::Simulation,
    table::Id,
    town::{Dwelling, Thing},
};

/// Visits after which nobody tries again.
const TRIES_MAX: u8 = 3;

impl Simulation {
    /// Goes and sees whether a record is right.
    pub(super) fn check(&mut self, round: &mut Round, thing: Thing, tries: u8) {
        if !self.is_settled(thing, Task::Check(thing, tries)) || !self.book[thing].is_live() {
            return;
        }
        self.go_to(round, thing);
        let record = self.town.record(thing);
        let seen = self.truth.visit(&record, self.today);
        let entry = self.entry(round, 60, 240);
        let outcome = seen.outcome;
        let differs = seen
            .observed
            .iter()
            .any(|(field, value)| self.book[thing].value(&self.town, thing, field) != *value);
        let check = Check {
            outcome,
            observed: seen.observed,
            not_seen: seen.not_seen,
            area: None,
        };
        let command = self.command(round, entry, record, Deed::Verify(check));
        let cause = command.id;
        self.send(round, vec![command], &[thing]);
        match outcome {
            Outcome::NoContact | Outcome::Refused if tries + 1 < TRIES_MAX => {
                self.plan_in(1, 4, Task::Check(thing, tries + 1));
            }
            Outcome::Gone if self.random.chance(800) => self.plan_in(1, 5, Task::Deregister(thing)),
            Outcome::Present if differs => self.follow(thing, cause),
            _ => {}
        }
        if let (Thing::Dwelling(id), Outcome::Present) = (thing, outcome)
            && !self.book[thing].lacks.has(thing, "use")
        {
            self.unregistered(round, id);
        }
    }

    /// What a check found wrong is mostly put right, citing the check.
    pub(crate) fn follow(&mut self, thing: Thing, cause: Option<EventId>) {
        if !self.random.chance(780) {
            return;
        }
        let kept = &mut self.book[thing];
        if matches!(thing, Thing::Worker(_)) && kept.lacks.has(thing, "resident") {
            // From now on it is wrong, and corrected; not added by the way once the household is recorded.
            kept.lacks.remove(thing, "resident");
            kept.wrong.add(thing, "resident");
        }
        let dwelling = match thing {
            Thing::Dwelling(id) => Some(id),
            Thing::Person(id) => self
                .town
                .people
                .at(id)
                .stay_on(self.today)
                .map(|(_, stay)| stay.dwelling),
            _ => None,
        };
        match dwelling.filter(|_| self.amiss(thing, true).is_none()) {
            // The world has changed since: another visit.
            Some(dwelling) => self.plan_in(1, 5, Task::Household(dwelling, 9)),
            None => self.plan_in(1, 6, Task::Correct(thing, cause)),
        }
    }

    /// Whoever is met there and is in no record.
    fn unregistered(&mut self, round: &mut Round, id: Id<Dwelling>) {
        for person in self.truth.occupants(id, self.today) {
            let thing = Thing::Person(person);
            if self.book[thing].status != Status::Unknown || self.book[thing].settled >= self.today {
                continue;
            }
            let entry = self.entry(round, 40, 120);
            let at = self.town.snapshot(thing, self.today);
            let observed = ["name", "status", "dwelling"]
                .map(|field| (field.to_owned(), self.town.value(thing, field, at)))
                .to_vec();
            let area = match self.town.value(thing, "area", at) {
                Some(OwnedValue::Text(area)) => Some(area),
                _ => None,
            };
            let check = Check {
                outcome: Outcome::Unregistered,
                observed,
                not_seen: Vec::new(),
                area,
            };
            let command = self.command(round, entry, self.town.record(thing), Deed::Verify(check));
            self.book[thing].status = Status::Found;
            self.send(round, vec![command], &[thing]);
            if self.random.chance(700) {
                self.plan_in(1, 6, Task::Household(id, 9));
            }
        }
    }
}
