//! Days of the campaign's zone by instant, and the other way round, without asking the zone again.

use shilu_model::{Day, Timestamp, Zone};

/// The first instants of a run of days, which grows when other days are asked about.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    zone: Zone,
    first: i32,
    starts: Vec<Timestamp>,
}

const DAY_MICROS: i64 = 86_400_000_000;

/// Days beyond those asked about that are looked up at once.
const AHEAD_DAYS: i32 = 64;

/// Longest run in days: a hundred and seventy years. Other days are asked of the zone each time.
const RUN_DAYS_MAX: usize = 1 << 16;

impl Calendar {
    pub fn new(zone: Zone) -> Self {
        Calendar {
            zone,
            first: 0,
            starts: Vec::new(),
        }
    }

    /// The day that holds an instant.
    pub fn day_of(&mut self, time: Timestamp) -> Day {
        let about = i32::try_from(time.micros().div_euclid(DAY_MICROS)).unwrap_or(i32::MAX / 2);
        if !self.reaches(about) {
            return self.zone.day_of(time);
        }
        // No zone is a day or more away from UTC by the clock; those that once jumped over a day still hold this.
        let near = [about.saturating_add(1), about, about.saturating_sub(1)];
        let begun = near
            .into_iter()
            .find(|day| self.start(*day).is_some_and(|start| start <= time));
        begun.map_or_else(|| self.zone.day_of(time), Day::from_number)
    }

    /// The last instant of a day.
    pub fn end_of(&mut self, day: Day) -> Timestamp {
        if !self.reaches(day.number()) {
            return self.zone.end_of(day);
        }
        let next = self.start(day.number().saturating_add(1));
        next.map_or_else(|| self.zone.end_of(day), |next| next.plus_micros(-1))
    }

    fn start(&self, day: i32) -> Option<Timestamp> {
        let place = usize::try_from(day.checked_sub(self.first)?).ok()?;
        self.starts.get(place).copied()
    }

    /// Whether the run holds a day with both its neighbours, after it was made longer if need be.
    fn reaches(&mut self, day: i32) -> bool {
        let holds = |run: &Self| {
            run.start(day.saturating_sub(1)).is_some() && run.start(day.saturating_add(1)).is_some()
        };
        if holds(self) {
            return true;
        }
        let last = self
            .first
            .saturating_add(i32::try_from(self.starts.len()).unwrap_or(i32::MAX));
        let (from, until) = if self.starts.is_empty() {
            (day, day)
        } else {
            (self.first.min(day), last.max(day))
        };
        let from = from.saturating_sub(AHEAD_DAYS);
        let until = until.saturating_add(AHEAD_DAYS);
        let Some(length) = until
            .checked_sub(from)
            .and_then(|days| usize::try_from(days).ok())
        else {
            return false;
        };
        if length > RUN_DAYS_MAX {
            return false;
        }
        self.first = from;
        self.starts = (from..=until)
            .map(|day| self.zone.start_of(Day::from_number(day)))
            .collect();
        holds(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_calendar_says_what_the_zone_says(
            times in prop::collection::vec(-3_000_000_000_000_000i64..3_000_000_000_000_000, 1..40),
            name in prop::sample::select(vec!["Asia/Shanghai", "America/Sao_Paulo", "UTC", "Pacific/Apia", "Pacific/Kiritimati"]),
        ) {
            let zone = Zone::parse(name).unwrap();
            let mut calendar = Calendar::new(zone);
            for time in times {
                let time = Timestamp::from_micros(time);
                let day = zone.day_of(time);
                prop_assert_eq!(calendar.day_of(time), day);
                prop_assert_eq!(calendar.end_of(day), zone.end_of(day));
            }
        }
    }
}
