//! The work of the campaign: which tasks there are, who does them, and how a day's round goes.

mod checks;
mod desk;
mod extracts;
mod frames;
mod households;
mod inspections;
mod mistakes;
mod plan;
mod plates;
mod round;
mod survey;
#[cfg(test)]
mod tests;
mod units;

use shilu_model::{Day, EventId};

use crate::{
    simulation::Simulation,
    staff::ActorNo,
    table::Id,
    town::{Building, Dwelling, Person, Thing, Unit, VillageNo, Worker},
};
pub use plates::Plate;
use round::Round;

/// Something to be done by somebody on some day.
#[derive(Clone, Copy, Debug)]
pub enum Task {
    /// Take down a building with its doors and the dwellings that it has by its plan.
    Survey(Id<Building>),
    /// Visit a household; how often nobody was at home.
    Household(Id<Dwelling>, u8),
    /// Visit a unit and those who work there.
    Unit(Id<Unit>),
    /// Put right what was noticed to be wrong, perhaps by a check.
    Correct(Thing, Option<EventId>),
    /// Add what could not be told before.
    Complete(Id<Person>),
    /// Say which resident somebody is who works in a unit, once there is a record of that resident.
    Link(Id<Worker>),
    /// Take a person down a second time, not knowing of the first.
    Twin(Id<Person>),
    /// Take down a room that is none.
    Phantom(Id<Building>),
    /// Void what was taken down twice, or never was.
    VoidTwin(Id<Person>),
    /// See [`Task::Phantom`].
    VoidPhantom(Id<Building>),
    /// Print a plate.
    Print(Id<Plate>),
    /// Fix it.
    Fix(Id<Plate>),
    /// Scan it where it is fixed.
    Scan(Id<Plate>),
    /// Register what was collected.
    Register(Thing),
    /// Deregister what is gone.
    Deregister(Thing),
    /// Go and see whether a record is right; the how manieth time.
    Check(Thing, u8),
    /// Look into a unit's books.
    Inspect(Id<Unit>),
    /// Say how many of everything there should be.
    Frames,
    /// Put a frame right.
    Reframe(VillageNo, u8),
    /// Take another system's extract in.
    Extract(System, Take),
}

/// Another system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Building permits.
    Permits,
    /// The household register.
    Hukou,
    /// The migrants' system.
    Migrant,
    /// The police's own.
    Police,
}

/// Which of its extracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// The first.
    First,
    /// The one after both systems were compared.
    Compared,
    /// The last one.
    Last,
}

impl Simulation {
    /// Who does it.
    pub(crate) fn actor(&self, task: Task) -> ActorNo {
        let any = |thing: Thing| self.luck(21, self.town.building_of(thing).map_or(0, Id::number));
        match task {
            Task::Register(thing) | Task::Deregister(thing) => {
                self.staff.registrar(self.town.village(thing), any(thing))
            }
            Task::VoidTwin(person) => self.staff.registrar(self.town.people.at(person).village, 0),
            Task::Check(thing, _) => self.staff.verifier(any(thing)),
            Task::Inspect(unit) => self.staff.inspector(self.luck(22, unit.number())),
            Task::Print(_) => self.staff.printer,
            Task::Frames | Task::Reframe(..) | Task::Extract(..) => self.staff.office,
            field => {
                let building = self.building(field);
                let village = self.town.buildings.at(building).village;
                self.staff.collector(village, self.part(building))
            }
        }
    }

    /// Where on the walk it is done.
    pub(crate) fn stop(&self, task: Task) -> u32 {
        self.building(task).number()
    }

    /// The building at which it is done; the first of all for what is done at a desk.
    fn building(&self, task: Task) -> Id<Building> {
        let thing = match task {
            Task::Survey(id) | Task::Phantom(id) | Task::VoidPhantom(id) => Thing::Building(id),
            Task::Household(id, _) => Thing::Dwelling(id),
            Task::Unit(id) | Task::Inspect(id) => Thing::Unit(id),
            Task::Complete(id) | Task::Twin(id) | Task::VoidTwin(id) => Thing::Person(id),
            Task::Link(id) => Thing::Worker(id),
            Task::Print(id) | Task::Fix(id) | Task::Scan(id) => self.plates.at(id).on,
            Task::Correct(thing, _)
            | Task::Register(thing)
            | Task::Deregister(thing)
            | Task::Check(thing, _) => thing,
            Task::Frames | Task::Reframe(..) | Task::Extract(..) => return self.town.buildings.id(0),
        };
        self.town.building_of(thing).unwrap_or(self.town.buildings.id(0))
    }

    /// Somebody's day.
    pub(crate) fn round(&mut self, actor: ActorNo, tasks: Vec<Task>) {
        let Some(first) = tasks.first().copied() else {
            return;
        };
        let mut round = Round::begin(self, actor, first);
        for task in tasks {
            if round.is_over() {
                // Tomorrow is another day.
                self.plan_in(1, 1, task);
                continue;
            }
            match task {
                Task::Survey(building) => self.survey(&mut round, building),
                Task::Household(dwelling, tries) => self.household(&mut round, dwelling, tries),
                Task::Unit(unit) => self.unit(&mut round, unit),
                Task::Correct(thing, cause) => self.correct(&mut round, thing, cause),
                Task::Complete(person) => self.complete(&mut round, person),
                Task::Link(worker) => self.link(&mut round, worker),
                Task::Twin(person) => self.twin(&mut round, person),
                Task::Phantom(building) => self.phantom(&mut round, building),
                Task::VoidTwin(person) => self.void_twin(&mut round, person),
                Task::VoidPhantom(building) => self.void_phantom(&mut round, building),
                Task::Print(plate) => self.print(&mut round, plate),
                Task::Fix(plate) => self.fix(&mut round, plate),
                Task::Scan(plate) => self.scan(&mut round, plate),
                Task::Register(thing) => self.register(&mut round, thing),
                Task::Deregister(thing) => self.deregister(&mut round, thing),
                Task::Check(thing, tries) => self.check(&mut round, thing, tries),
                Task::Inspect(unit) => self.inspect(&mut round, unit),
                Task::Frames => self.frames(&mut round),
                Task::Reframe(village, what) => self.reframe(&mut round, village, what),
                Task::Extract(system, take) => self.extract(&mut round, system, take),
            }
        }
    }

    pub(crate) fn day_after(&self, days: i32) -> Day {
        crate::calendar::plus(self.today, days)
    }
}
