//! What a rate says about a target.

use shilu_model::{Percent, Target};

use crate::interval::Interval;

/// Beyond one unknown in so many, a rate decides nothing.
const UNKNOWN_ONE_IN: u128 = 10;

/// The state of a rate that has a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The target is reached, whatever the unknowns are and as far as a sample can tell.
    Met,
    /// It is not.
    Short,
    /// Neither is shown.
    Undecided,
    /// The target is 100 % and a sample found no error; what that proves is the lower end of its interval.
    NoErrorFound,
    /// There was no draw.
    Unverified,
    /// There is nothing to count.
    NoData,
}

impl State {
    /// The word for it in answers.
    pub const fn word(self) -> &'static str {
        match self {
            State::Met => "met",
            State::Short => "short",
            State::Undecided => "undecided",
            State::NoErrorFound => "no-error-found",
            State::Unverified => "unverified",
            State::NoData => "no-data",
        }
    }
}

/// Cases by what is known of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// As they should be.
    pub right: u64,
    /// Not as they should be.
    pub wrong: u64,
    /// Nobody could tell.
    pub unknown: u64,
}

impl Counts {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.right + self.wrong + self.unknown
    }

    fn mostly_known(&self) -> bool {
        u128::from(self.unknown) * UNKNOWN_ONE_IN <= u128::from(self.total())
    }
}

/// What a rate rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Basis {
    /// Every case was looked at: a count of records, or a draw of all of them.
    Full(Counts),
    /// Some were drawn.
    Sample {
        /// What the drawn ones are.
        counts: Counts,
        /// From the lower end with every unknown wrong to the upper end with every unknown right.
        cautious: Interval,
    },
    /// No draw, or a part of the whole without one.
    Undrawn,
}

/// What should be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goal {
    /// The value.
    pub value: Percent,
    /// A wish: missing it is never `short`.
    pub stretch: bool,
}

impl From<&Target> for Goal {
    fn from(target: &Target) -> Self {
        Goal {
            value: target.value,
            stretch: target.stretch,
        }
    }
}

/// Compares a rate with a target.
///
/// `met`: the lower bound reaches it. `short`: the upper bound stays below it. Unknowns count as wrong for `met` and as
/// right for `short`; if more than 10 % are unknown, neither. A target of 100 % is `short` with one error, however many
/// are unknown; without one it is `met` if every case was seen, else `no-error-found`. A stretch target that is missed
/// is `undecided`.
///
/// ```
/// use shilu_model::Percent;
/// use shilu_sampling::{Basis, Counts, Goal, State, judge};
/// let goal = Goal { value: Percent::parse("95").unwrap(), stretch: false };
/// let judged = |right, wrong, unknown| judge(&Basis::Full(Counts { right, wrong, unknown }), goal);
/// assert_eq!(judged(95, 3, 2), State::Met);
/// assert_eq!(judged(94, 4, 2), State::Undecided);
/// assert_eq!(judged(92, 6, 2), State::Short);
/// assert_eq!(judged(0, 0, 0), State::NoData);
/// ```
pub fn judge(basis: &Basis, goal: Goal) -> State {
    let (counts, sample) = match basis {
        Basis::Undrawn => return State::Unverified,
        Basis::Full(counts) => (counts, None),
        Basis::Sample { counts, cautious } => (counts, Some(cautious)),
    };
    let short = if goal.stretch {
        State::Undecided
    } else {
        State::Short
    };
    let all = goal.value == Percent::ALL;
    if counts.total() == 0 {
        State::NoData
    } else if all && counts.wrong > 0 {
        short
    } else if !counts.mostly_known() {
        State::Undecided
    } else if all && (sample.is_some() || counts.unknown > 0) {
        State::NoErrorFound
    } else if sample.map_or_else(
        || reaches(counts.right, counts, goal),
        |sample| sample.lower >= goal.value.fraction(),
    ) {
        State::Met
    } else if sample.map_or_else(
        || !reaches(counts.right + counts.unknown, counts, goal),
        |sample| sample.upper < goal.value.fraction(),
    ) {
        short
    } else {
        State::Undecided
    }
}

/// Compares whole numbers, so that a share of exactly the target reaches it.
fn reaches(right: u64, counts: &Counts, goal: Goal) -> bool {
    u128::from(right) * u128::from(Percent::ALL.hundredths())
        >= u128::from(goal.value.hundredths()) * u128::from(counts.total())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(value: &str) -> Goal {
        Goal {
            value: Percent::parse(value).unwrap(),
            stretch: false,
        }
    }

    fn wish(value: &str) -> Goal {
        Goal {
            stretch: true,
            ..goal(value)
        }
    }

    fn full(right: u64, wrong: u64, unknown: u64) -> Basis {
        Basis::Full(Counts {
            right,
            wrong,
            unknown,
        })
    }

    fn sample(right: u64, wrong: u64, unknown: u64, lower: f64, upper: f64) -> Basis {
        Basis::Sample {
            counts: Counts {
                right,
                wrong,
                unknown,
            },
            cautious: Interval { lower, upper },
        }
    }

    #[test]
    fn a_count_is_compared_exactly() {
        for (right, wrong, unknown, target, expected) in [
            (95, 5, 0, "95", State::Met),
            (949_999, 50_001, 0, "95", State::Short),
            (2, 1, 0, "66.66", State::Met),
            (2, 1, 0, "66.67", State::Short),
            (90, 0, 10, "95", State::Undecided),
            (95, 0, 10, "90", State::Met),
            (95, 0, 11, "80", State::Undecided),
            (50, 40, 10, "60", State::Undecided),
            (50, 40, 10, "60.01", State::Short),
            (0, 1, 0, "0", State::Met),
            (0, 0, 0, "95", State::NoData),
            (0, 0, 3, "95", State::Undecided),
        ] {
            let found = judge(&full(right, wrong, unknown), goal(target));
            assert_eq!(found, expected, "{right} {wrong} {unknown} against {target}");
        }
    }

    #[test]
    fn a_sample_is_compared_by_its_bounds() {
        for (lower, upper, expected) in [
            (0.95, 0.99, State::Met),
            (0.949, 0.99, State::Undecided),
            (0.90, 0.95, State::Undecided),
            (0.90, 0.949, State::Short),
        ] {
            assert_eq!(
                judge(&sample(90, 10, 0, lower, upper), goal("95")),
                expected,
                "{lower} {upper}"
            );
        }
        assert_eq!(judge(&sample(80, 9, 11, 0.99, 1.0), goal("95")), State::Undecided);
        assert_eq!(judge(&sample(80, 10, 10, 0.99, 1.0), goal("95")), State::Met);
    }

    #[test]
    fn of_everything_one_error_is_short_and_only_a_full_check_is_met() {
        let all = goal("100");
        assert_eq!(judge(&sample(367, 1, 0, 0.98, 0.9999), all), State::Short);
        assert_eq!(judge(&sample(10, 1, 90, 0.0, 1.0), all), State::Short);
        assert_eq!(judge(&sample(368, 0, 0, 0.99, 1.0), all), State::NoErrorFound);
        assert_eq!(judge(&sample(340, 0, 28, 0.9, 1.0), all), State::NoErrorFound);
        assert_eq!(judge(&sample(10, 0, 90, 0.0, 1.0), all), State::Undecided);
        assert_eq!(judge(&full(368, 0, 0), all), State::Met);
        assert_eq!(judge(&full(367, 0, 1), all), State::NoErrorFound);
        assert_eq!(judge(&full(367, 1, 0), all), State::Short);
    }

    #[test]
    fn a_wish_is_never_short() {
        assert_eq!(judge(&full(1, 99, 0), wish("95")), State::Undecided);
        assert_eq!(judge(&full(1, 99, 0), wish("100")), State::Undecided);
        assert_eq!(judge(&sample(1, 99, 0, 0.0, 0.1), wish("95")), State::Undecided);
        assert_eq!(judge(&full(99, 1, 0), wish("95")), State::Met);
    }

    #[test]
    fn without_a_draw_it_is_unverified() {
        assert_eq!(judge(&Basis::Undrawn, goal("95")), State::Unverified);
        assert_eq!(judge(&sample(0, 0, 0, 0.0, 1.0), goal("95")), State::NoData);
    }

    #[test]
    fn has_a_word_for_each() {
        let all = [
            State::Met,
            State::Short,
            State::Undecided,
            State::NoErrorFound,
            State::Unverified,
            State::NoData,
        ];
        let words = [
            "met",
            "short",
            "undecided",
            "no-error-found",
            "unverified",
            "no-data",
        ];
        assert_eq!(all.map(State::word), words);
    }
}
