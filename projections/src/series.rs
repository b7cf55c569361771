//! A total by day: differences where something changed, kept summed up, so that any day is a look-up.

use std::io;

use shilu_model::Day;

use crate::bytes::{Loader, Saver, malformed};

/// A step function of the day.
///
/// A change on the last day or later costs O(1), on an earlier day O(changes since); a look-up O(log changes).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// Days in order, each with the total from that day on; no two neighbours have the same total.
    steps: Vec<(Day, i64)>,
}

impl Series {
    /// Adds to the total of a day and of every later one.
    pub fn add(&mut self, day: Day, delta: i64) {
        if delta == 0 {
            return;
        }
        let from = match self.steps.last_mut() {
            Some((last, total)) if *last == day => {
                *total += delta;
                self.steps.len() - 1
            }
            Some((last, total)) if *last < day => {
                let total = *total + delta;
                self.steps.push((day, total));
                return;
            }
            _ => {
                let from = self.steps.partition_point(|(other, _)| *other < day);
                if self.steps.get(from).is_none_or(|(other, _)| *other != day) {
                    self.steps.insert(from, (day, self.before(from)));
                }
                self.steps
                    .iter_mut()
                    .skip(from)
                    .for_each(|(_, total)| *total += delta);
                from
            }
        };
        if self
            .steps
            .get(from)
            .is_some_and(|(_, total)| *total == self.before(from))
        {
            self.steps.remove(from);
        }
    }

    /// The total at the end of a day.
    pub fn at(&self, day: Day) -> i64 {
        self.before(self.steps.partition_point(|(other, _)| *other <= day))
    }

    /// Whether the total is 0 on every day.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn before(&self, place: usize) -> i64 {
        place
            .checked_sub(1)
            .and_then(|place| self.steps.get(place))
            .map_or(0, |(_, total)| *total)
    }

    pub(crate) fn save(&self, saver: &mut Saver<'_>) -> io::Result<()> {
        saver.count(self.steps.len())?;
        self.steps.iter().try_for_each(|(day, total)| {
            saver.signed(i64::from(day.number()))?;
            saver.signed(*total)
        })
    }

    pub(crate) fn load(loader: &mut Loader<'_>) -> io::Result<Self> {
        let mut steps = Vec::new();
        for _ in 0..loader.count()? {
            let day = i32::try_from(loader.signed()?).map_err(|_| malformed())?;
            steps.push((Day::from_number(day), loader.signed()?));
        }
        Ok(Series { steps })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_series_is_the_sum_of_its_changes(changes in prop::collection::vec((-20i32..20, -2i64..3), 0..60)) {
            let mut series = Series::default();
            for (day, delta) in &changes {
                series.add(Day::from_number(*day), *delta);
            }
            for day in -25..25 {
                let sum: i64 = changes.iter().filter(|(other, _)| *other <= day).map(|(_, delta)| delta).sum();
                prop_assert_eq!(series.at(Day::from_number(day)), sum);
            }
            prop_assert!(series.steps.is_sorted_by(|(a, x), (b, y)| a < b && x != y));
        }
    }
}
