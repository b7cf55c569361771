//! When somebody goes where: visits to what was drawn, one after the other, in the afternoons; again in the evening of
//! another day and in the morning of a third where nobody answered; and once more by a third person.

use std::{collections::BTreeMap, sync::Arc};

use shilu_model::{Day, RecordName, Timestamp};

use crate::{
    calendar::{HOUR, SECOND, at, day_of, plus, seconds_into, weekday},
    random::Random,
    simulation::Simulation,
    town::Town,
};

/// A visit that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedVisit {
    /// To what was drawn.
    pub record: RecordName,
    /// Who goes.
    pub verifier: String,
    /// When what is seen is seen; it is recorded a little later.
    pub seen: Timestamp,
    /// How often somebody went there before.
    pub before: u8,
    /// Whether it is the check by a third person.
    pub again: bool,
}

impl PlannedVisit {
    /// The day on which it is made.
    pub fn day(&self) -> Day {
        day_of(self.seen)
    }

    /// When the register takes it.
    pub fn recorded(&self) -> Timestamp {
        self.seen.plus_micros(RECORDED_AFTER_MICROS)
    }
}

/// Those who visit what was drawn, each with the time from which they are free.
pub struct Visitors {
    pub(super) town: Arc<Town>,
    free: BTreeMap<String, Timestamp>,
    random: Random,
}

/// A form is filled in at the door, and taken a minute and a half later.
const RECORDED_AFTER_MICROS: i64 = 90 * SECOND;
/// Attempts after which nobody need go there again.
const ATTEMPTS_MAX: u8 = 3;
/// Days within which the first visits of a draw are made: what is left of two weeks is for those who were not at home.
const DAYS: i64 = 8;
/// An afternoon of visits, in seconds of the day.
const AFTERNOON: (i64, i64) = (13 * HOUR, 18 * HOUR);
/// What a visit takes with the way to it, in seconds: from so many where there are many, to so many.
const PACE: (i64, i64) = (100, 1_300);

impl Visitors {
    /// Those of a simulation.
    pub fn of(simulation: &Simulation) -> Self {
        Visitors {
            town: Arc::clone(&simulation.town),
            free: BTreeMap::new(),
            random: Random::new(simulation.town.seed, 7),
        }
    }

    /// The first visits of a draw, by who goes where.
    pub fn plan(&mut self, draw_at: Timestamp, assigned: Vec<(RecordName, String)>) -> Vec<PlannedVisit> {
        let mut loads: BTreeMap<&str, i64> = BTreeMap::new();
        for (_, verifier) in &assigned {
            *loads.entry(verifier).or_default() += 1;
        }
        let paces: BTreeMap<String, i64> = loads
            .into_iter()
            .map(|(verifier, count)| {
                let pace = (AFTERNOON.1 - AFTERNOON.0) * (DAYS - 2) / count.max(1);
                (verifier.to_owned(), pace.clamp(PACE.0, PACE.1))
            })
            .collect();
        let visits = assigned.into_iter().map(|(record, verifier)| {
            let pace = paces.get(&verifier).copied().unwrap_or(PACE.1);
            let seen = self.slot(&verifier, draw_at, pace);
            PlannedVisit {
                record,
                verifier,
                seen,
                before: 0,
                again: false,
            }
        });
        visits.collect()
    }

    /// The next try after nobody answered, if there is one. Each is at another time of day.
    pub fn retry(&mut self, visit: &PlannedVisit) -> Option<PlannedVisit> {
        if visit.before + 1 >= ATTEMPTS_MAX || visit.again {
            return None;
        }
        let hour = if visit.before == 0 { 18 * HOUR } else { 8 * HOUR };
        let later = i32::from(self.random.small(1, 2));
        let seen = at(work_day(plus(day_of(visit.seen), later)), hour);
        Some(PlannedVisit {
            seen: seen.plus_micros(self.random.between(60, 3_400) * SECOND),
            before: visit.before + 1,
            ..visit.clone()
        })
    }

    /// The check by a third person.
    pub fn again(&mut self, visit: &PlannedVisit, third: &str) -> PlannedVisit {
        let later = i32::from(self.random.small(1, 2));
        let seen = at(work_day(plus(day_of(visit.seen), later)), 10 * HOUR);
        PlannedVisit {
            verifier: third.to_owned(),
            seen: seen.plus_micros(self.random.between(0, 5_400) * SECOND),
            before: 0,
            again: true,
            ..visit.clone()
        }
    }

    /// The next time at which a verifier is free, in an afternoon after the draw.
    fn slot(&mut self, verifier: &str, draw_at: Timestamp, pace: i64) -> Timestamp {
        let first = day_of(draw_at);
        let free = self.free.get(verifier).copied().unwrap_or(Timestamp::MIN);
        let from = free.max(at(work_day(first), AFTERNOON.0));
        let day = day_of(from);
        let from = if seconds_into(day, from) >= AFTERNOON.1 - PACE.1 {
            at(work_day(plus(day, 1)), AFTERNOON.0)
        } else {
            from
        };
        let seen = from.plus_micros(self.random.between(pace * 6 / 10, pace) * SECOND);
        self.free.insert(verifier.to_owned(), seen);
        seen
    }
}

/// The day, or the one after a Sunday.
fn work_day(day: Day) -> Day {
    if weekday(day) == 0 { plus(day, 1) } else { day }
}
