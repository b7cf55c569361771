//! The course of a visit to one drawn record: attempts, what settles it, and the check by a third person. Pure.
//!
//! The first event that says something settles a visit; nobody being there, or refusing, does so after three attempts at
//! different hours of the day. Later events settle nothing again, whoever sends them.

use std::collections::BTreeSet;

use shilu_model::{Event, Outcome, Position, Zone};

/// Attempts at different hours of the day after which nobody need go there again.
pub(super) const ATTEMPT_HOURS: usize = 3;

const HOUR_MICROS: i64 = 3_600_000_000;

/// Who is to go where, from a position on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Duty {
    pub since: Position,
    pub verifier: String,
    pub recheck: Option<String>,
}

/// How far a visit has come. Numbers are places in the list of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Course {
    /// Times nobody was met, or the check was refused.
    pub attempts: usize,
    /// The last of them.
    pub last_attempt: Option<usize>,
    /// What settled it.
    pub settled: Option<usize>,
    /// The check by a third person.
    pub recheck: Option<usize>,
}

/// What a visit means for a record: whether it says something of it.
pub(super) const fn is_attempt(outcome: Option<Outcome>) -> bool {
    matches!(outcome, None | Some(Outcome::NoContact | Outcome::Refused))
}

/// Goes through the events on a drawn record that cite its announcement, in the order of the log.
pub(super) fn course(events: &[&Event<'_>], duty: Option<&Duty>, zone: Zone) -> Course {
    let mut course = Course::default();
    let mut hours = BTreeSet::new();
    for (place, event) in events.iter().enumerate() {
        let duty = duty.filter(|duty| duty.since < event.position);
        if course.settled.is_some() {
            let third = duty.and_then(|duty| duty.recheck.as_deref());
            if course.recheck.is_none() && third == Some(event.actor) && !is_attempt(event.outcome) {
                course.recheck = Some(place);
            }
        } else if duty.is_none_or(|duty| duty.verifier == event.actor) {
            if is_attempt(event.outcome) {
                course.attempts += 1;
                course.last_attempt = Some(place);
                let since = event.effective.micros() - zone.start_of(zone.day_of(event.effective)).micros();
                hours.insert(since / HOUR_MICROS);
                if hours.len() >= ATTEMPT_HOURS {
                    course.settled = Some(place);
                }
            } else {
                course.settled = Some(place);
            }
        }
    }
    course
}
