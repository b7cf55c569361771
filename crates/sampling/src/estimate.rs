//! What a check found, as a rate: the counts, the value, and how sure it is.

use crate::{
    interval::Interval,
    state::{Basis, Counts, Goal, State, judge},
};

/// A rate that rests on a check.
///
/// ```
/// use shilu_model::{Gone, Percent};
/// use shilu_sampling::{Goal, State, Tally, accuracy};
/// let found = accuracy(&[Tally { population: 400, right: 119, wrong: 1, ..Tally::default() }], Gone::Wrong);
/// let goal = Goal { value: Percent::parse("95").unwrap(), stretch: false };
/// assert_eq!((found.numerator(), found.denominator()), (119, 120));
/// assert_eq!(found.judge(goal), State::Met);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// What the checked cases are.
    pub counts: Counts,
    /// Found gone, and in a column of their own.
    pub aside: u64,
    /// The estimate, 0 to 1, weighted by stratum; `None` where nothing could be judged.
    pub value: Option<f64>,
    /// Its interval, unknowns left out.
    pub interval: Option<Interval>,
    /// What the rate rests on, unknowns as wrong at the lower end and as right at the upper.
    pub basis: Basis,
}

impl Estimate {
    /// The right ones.
    pub const fn numerator(&self) -> u64 {
        self.counts.right
    }

    /// The right and the wrong ones.
    pub const fn denominator(&self) -> u64 {
        self.counts.right + self.counts.wrong
    }

    /// The interval that decides about the state; an exact share or two where everything was checked.
    pub fn cautious(&self) -> Option<Interval> {
        match self.basis {
            Basis::Sample { cautious, .. } => Some(cautious),
            Basis::Undrawn => None,
            Basis::Full(Counts { right, unknown, .. }) => {
                let total = crate::number::float(self.counts.total());
                let share = |count| crate::number::float(count) / total;
                (total > 0.0).then(|| Interval {
                    lower: share(right),
                    upper: share(right + unknown),
                })
            }
        }
    }

    /// What it says about a target.
    pub fn judge(&self, goal: Goal) -> State {
        judge(&self.basis, goal)
    }
}
