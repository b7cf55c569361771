//! Counts: how many records there are, by kind, status, area and first collector, for every day on both axes.

use shilu_model::{Day, Status};

use crate::{
    class::{Class, Step, Transition},
    names::Name,
    tally::{Axis, Move, Scope, Tally},
};

/// The counts of all records.
#[derive(Clone, Debug, Default)]
pub struct Counts(pub(crate) Tally);

impl Counts {
    /// Moves one record of a kind.
    pub fn apply(&mut self, kind: Name, step: &Step) {
        self.transition(kind, Axis::Known, &step.known, 1);
        step.withdrawn
            .iter()
            .for_each(|transition| self.transition(kind, Axis::Effective, transition, -1));
        step.stated
            .iter()
            .for_each(|transition| self.transition(kind, Axis::Effective, transition, 1));
    }

    fn transition(&mut self, kind: Name, axis: Axis, transition: &Transition, sign: i64) {
        let Transition { day, from, to } = transition;
        let place = |class: &Class| (class.status, class.area, class.actor);
        if place(from) == place(to) {
            return;
        }
        for (class, delta) in [(from, -sign), (to, sign)] {
            if class.status != Status::Absent {
                let at = Move {
                    measure: measure(kind, class.status),
                    area: class.area,
                    actor: Some(class.actor),
                    axis,
                    day: *day,
                };
                self.0.add(at, delta);
            }
        }
    }

    /// Every kind and status that ever had a record.
    pub fn measures(&self) -> impl Iterator<Item = (Name, Status)> {
        self.0.measures().filter_map(|number| {
            let status = Status::SHOWN
                .into_iter()
                .find(|status| status_code(*status) == number % STATUSES)?;
            Some((Name(number / STATUSES), status))
        })
    }

    /// One count, at the end of a day.
    pub fn at(&self, kind: Name, status: Status, scope: Scope, axis: Axis, day: Day) -> u64 {
        self.0.at(measure(kind, status), scope, axis, day)
    }

    /// Every area in which records of a kind ever had a status.
    pub fn areas(&self, kind: Name, status: Status) -> impl Iterator<Item = Name> {
        self.0.areas(measure(kind, status))
    }

    /// Every actor who first collected a record of a kind that ever had a status.
    pub fn actors(&self, kind: Name, status: Status) -> impl Iterator<Item = Name> {
        self.0.actors(measure(kind, status))
    }
}

const STATUSES: u32 = 8;

fn measure(kind: Name, status: Status) -> u32 {
    kind.0 * STATUSES + status_code(status)
}

/// Saved: never renumber without a new version of the projection.
fn status_code(status: Status) -> u32 {
    match status {
        Status::Absent => 0,
        Status::Found => 1,
        Status::Collected => 2,
        Status::Registered => 3,
        Status::Deregistered => 4,
        Status::Void => 5,
    }
}
