//! How many records to draw.

use shilu_model::Percent;
use thiserror::Error;

use crate::interval::{REACHED, Urn};

/// The largest size that is looked for: more visits than any campaign makes.
pub const SAMPLE_MAX: u64 = 1_000_000;

/// What a draw should be able to show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// The target that it is held against; below 100 %.
    pub target: Percent,
    /// The true rate for which it is planned; above the target.
    pub planned: Percent,
    /// How likely `met` should then be: above 0 and below 1, usually 0.8.
    pub power: f64,
}

/// A plan that no draw fulfils.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum SizeError {
    /// 100 % is shown by a full check alone.
    #[error("no sample shows 100 %: check all records, or plan for a bound")]
    TargetOfAll,
    /// A rate that does not exceed the target cannot be shown to.
    #[error("the planned rate {planned} does not exceed the target {target}")]
    PlannedTooLow {
        /// The target.
        target: Percent,
        /// The planned rate.
        planned: Percent,
    },
    /// The power is no probability between 0 and 1.
    #[error("the power {power} is not between 0 and 1")]
    BadPower {
        /// What was given.
        power: f64,
    },
    /// It would take too many.
    #[error("more than {SAMPLE_MAX} records would have to be drawn")]
    TooLarge,
}

impl Plan {
    fn check(&self) -> Result<(), SizeError> {
        let Plan {
            target,
            planned,
            power,
        } = *self;
        if target == Percent::ALL {
            return Err(SizeError::TargetOfAll);
        }
        if planned <= target {
            return Err(SizeError::PlannedTooLow { target, planned });
        }
        if !(power > 0.0 && power < 1.0) {
            return Err(SizeError::BadPower { power });
        }
        Ok(())
    }
}

/// The least size with which a draw from very many is `met` with the wanted power: the errors that leave the lower end
/// of Clopper and Pearson's interval at the target or above are at most c, and c or fewer are likely enough at the
/// planned rate (exact binomial). The power is a saw's edge: some larger sizes have less than the least one.
///
/// # Errors
/// [`SizeError`] if the plan is none, or takes more than [`SAMPLE_MAX`].
///
/// ```
/// use shilu_model::Percent;
/// use shilu_sampling::{Plan, sample_size};
/// let percent = |text| Percent::parse(text).unwrap();
/// let plan = Plan { target: percent("95"), planned: percent("98"), power: 0.8 };
/// assert_eq!(sample_size(&plan), Ok(312));
/// ```
pub fn sample_size(plan: &Plan) -> Result<u64, SizeError> {
    plan.check()?;
    if plan.target.hundredths() == 0 {
        return Ok(1);
    }
    let mut at_target = Errors::none(plan.target);
    let mut at_planned = Errors::none(plan.planned);
    for size in 1..=SAMPLE_MAX {
        at_target.draw_one_more();
        at_planned.draw_one_more();
        while at_target.with_one_more() < REACHED {
            at_target.allow_one_more();
            at_planned.allow_one_more();
        }
        if at_planned.at_most() >= plan.power {
            return Ok(size);
        }
    }
    Err(SizeError::TooLarge)
}

/// The same for a draw without replacement from a known number of records (exact hypergeometric): never more than
/// [`sample_size`], and all of them at most.
///
/// # Errors
/// [`SizeError`] if the plan is none, or takes more than [`SAMPLE_MAX`].
///
/// ```
/// use shilu_model::Percent;
/// use shilu_sampling::{Plan, sample_size_of};
/// let percent = |text| Percent::parse(text).unwrap();
/// let plan = Plan { target: percent("95"), planned: percent("98"), power: 0.8 };
/// assert_eq!(sample_size_of(&plan, 400), Ok(166));
/// ```
pub fn sample_size_of(plan: &Plan, population: u64) -> Result<u64, SizeError> {
    plan.check()?;
    if plan.target.hundredths() == 0 {
        return Ok(population.min(1));
    }
    let wrong = |rate: Percent, round_up: bool| {
        let parts = u128::from(population) * u128::from(Percent::ALL.hundredths() - rate.hundredths());
        let all = u128::from(Percent::ALL.hundredths());
        u64::try_from(if round_up { parts / all + 1 } else { parts / all }).unwrap_or(population)
    };
    // The fewest errors with which the target is missed, and at most those of the planned rate.
    let (missed, planned) = (
        wrong(plan.target, true).min(population),
        wrong(plan.planned, false),
    );
    let errors = |sampled, wrong, seen| {
        Urn {
            population,
            sampled,
            right: wrong,
        }
        .at_most(seen)
    };
    let mut allowed = None;
    for sampled in 1..=population.min(SAMPLE_MAX) {
        loop {
            let next = allowed.map_or(0, |allowed| allowed + 1);
            if next >= sampled || errors(sampled, missed, next) >= REACHED {
                break;
            }
            allowed = Some(next);
        }
        if allowed.is_some_and(|allowed| errors(sampled, planned, allowed) >= plan.power) {
            return Ok(sampled);
        }
    }
    if population <= SAMPLE_MAX {
        Ok(population)
    } else {
        Err(SizeError::TooLarge)
    }
}

/// The binomial distribution of errors while the draw grows and more of them are allowed, step by step: c allowed of n,
/// P(errors ≤ c), and the terms at c and, to look ahead, at c + 1.
struct Errors {
    rate: f64,
    drawn: f64,
    /// c + 1: how many terms are summed.
    terms: f64,
    sum: f64,
    /// The term at c; 0 where none is allowed.
    last: f64,
}

impl Errors {
    fn none(right: Percent) -> Self {
        Errors {
            rate: 1.0 - right.fraction(),
            drawn: 0.0,
            terms: 0.0,
            sum: 0.0,
            last: 0.0,
        }
    }

    fn at_most(&self) -> f64 {
        self.sum
    }

    fn draw_one_more(&mut self) {
        // P(X ≤ c of n+1) = P(X ≤ c of n) − P(X = c of n) · rate.
        self.sum -= self.last * self.rate;
        self.drawn += 1.0;
        if self.terms > 0.0 {
            self.last *= self.drawn * (1.0 - self.rate) / (self.drawn - (self.terms - 1.0));
        }
    }

    fn next(&self) -> f64 {
        if self.terms == 0.0 {
            return (1.0 - self.rate).powf(self.drawn);
        }
        let c = self.terms - 1.0;
        self.last * (self.drawn - c) / (c + 1.0) * self.rate / (1.0 - self.rate)
    }

    fn with_one_more(&self) -> f64 {
        self.sum + self.next()
    }

    fn allow_one_more(&mut self) {
        let next = self.next();
        self.sum += next;
        self.last = next;
        self.terms += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        interval::{Stratum, clopper_pearson, hypergeometric},
        number::float,
    };

    fn plan(target: &str, planned: &str) -> Plan {
        let percent = |text| Percent::parse(text).unwrap();
        Plan {
            target: percent(target),
            planned: percent(planned),
            power: 0.8,
        }
    }

    /// By other means: the interval itself, and the power summed term by term.
    fn power(plan: &Plan, size: u64) -> f64 {
        let met = |right| clopper_pearson(float(right), float(size)).lower >= plan.target.fraction() - 1e-9;
        let wrong = 1.0 - plan.planned.fraction();
        let mut term = plan.planned.fraction().powf(float(size));
        let mut sum = 0.0;
        for errors in 0..=size {
            if !met(size - errors) {
                break;
            }
            sum += term;
            term *= float(size - errors) / float(errors + 1) * wrong / (1.0 - wrong);
        }
        sum
    }

    #[test]
    fn a_true_98_against_95_needs_312_and_no_fewer() {
        let plan = plan("95", "98");
        assert_eq!(sample_size(&plan), Ok(312));
        assert!(power(&plan, 312) >= 0.8);
        assert!((1..312).all(|size| power(&plan, size) < 0.8));
        // The saw: at 337 it is below once more.
        assert!(power(&plan, 337) < 0.8);
        assert!((338..450).all(|size| power(&plan, size) >= 0.8));
    }

    #[test]
    fn other_plans_agree_with_the_interval() {
        for plan in [
            plan("75", "85"),
            plan("85", "95"),
            plan("90", "97.5"),
            plan("0", "10"),
            plan("95", "100"),
        ] {
            let size = sample_size(&plan).unwrap();
            assert!(power(&plan, size) >= 0.8, "{plan:?} {size}");
            assert!((1..size).all(|less| power(&plan, less) < 0.8), "{plan:?} {size}");
        }
    }

    #[test]
    fn a_finite_population_needs_fewer_and_its_interval_agrees() {
        let plan = plan("95", "98");
        for population in [40, 100, 400, 2_000] {
            let size = sample_size_of(&plan, population).unwrap();
            assert!(size <= population.min(312), "{population}: {size}");
            let most = (0..size).find(|errors| {
                let seen = Stratum {
                    population,
                    sampled: size,
                    right: size - errors,
                };
                hypergeometric(&seen).unwrap().lower < 0.95
            });
            // Errors are as many as at the planned rate; how likely they all are allowed.
            let urn = Urn {
                population,
                sampled: size,
                right: population / 50,
            };
            let most = most.unwrap_or(size);
            assert!(most > 0 && urn.at_most(most - 1) >= 0.8, "{population}: {size}");
        }
        let large = sample_size_of(&plan, 1_000_000).unwrap();
        assert!((310..=312).contains(&large), "{large}");
        assert_eq!(sample_size_of(&plan, 1), Ok(1));
        assert_eq!(sample_size_of(&plan, 0), Ok(0));
    }

    #[test]
    fn what_cannot_be_shown_says_why() {
        assert_eq!(sample_size(&plan("100", "100")), Err(SizeError::TargetOfAll));
        let low = plan("95", "95");
        assert_eq!(
            sample_size(&low),
            Err(SizeError::PlannedTooLow {
                target: low.target,
                planned: low.planned
            })
        );
        for power in [0.0, 1.0, f64::NAN] {
            let bad = Plan {
                power,
                ..plan("95", "98")
            };
            assert!(matches!(
                sample_size_of(&bad, 10),
                Err(SizeError::BadPower { .. })
            ));
        }
        assert_eq!(sample_size(&plan("50", "50.01")), Err(SizeError::TooLarge));
    }
}
