//! Clopper and Pearson's interval: exact for a share of independent cases out of many.

use statrs::function::beta::{beta_reg, ln_beta};

use super::{Interval, TAIL};
use crate::number::float;

/// The interval of `right` among `cases` independent ones, each at most 2.5 % beyond either end (C. J. Clopper and E. S.
/// Pearson, Biometrika 26 (1934) 404–413, as quantiles of the beta distribution). The numbers need not be whole: an
/// effective number of cases may stand for them (E. L. Korn and B. I. Graubard, Survey Methodology 24 (1998) 193–201).
///
/// ```
/// use shilu_sampling::clopper_pearson;
/// let interval = clopper_pearson(9.0, 10.0);
/// assert_eq!(format!("{:.4} {:.4}", interval.lower, interval.upper), "0.5550 0.9975");
/// ```
pub fn clopper_pearson(right: f64, cases: f64) -> Interval {
    if right.is_nan() || cases.is_nan() || cases <= 0.0 {
        return Interval::WHOLE;
    }
    let right = right.clamp(0.0, cases);
    let wrong = cases - right;
    let lower = if right > 0.0 {
        quantile(right, wrong + 1.0, TAIL)
    } else {
        0.0
    };
    let upper = if wrong > 0.0 {
        1.0 - quantile(wrong, right + 1.0, TAIL)
    } else {
        1.0
    };
    Interval { lower, upper }.around(right / cases)
}

/// The share of right ones that `cases` without an error prove: the lower end of the two-sided 95 % interval,
/// 0.025^(1/n). "Two-sided" is what makes 368 the least number that shows 99 %; the rule of three, 1 − 3/n, is
/// one-sided and would take 300.
///
/// ```
/// use shilu_sampling::clean_bound;
/// assert!(clean_bound(368) >= 0.99 && clean_bound(367) < 0.99);
/// ```
pub fn clean_bound(cases: u64) -> f64 {
    if cases == 0 {
        0.0
    } else {
        (TAIL.ln() / float(cases)).exp()
    }
}

/// Where the distribution function of beta(a, b) reaches a probability. By halving, which the library's own inversion
/// does not beat in the far tails; most halves are told from an estimate, without evaluating the function.
pub(super) fn quantile(a: f64, b: f64, probability: f64) -> f64 {
    let reaches = |x: f64| beta_reg(a, b, x) >= probability;
    let (under, over) = bracket(a, b, probability).unwrap_or((0.0, 1.0));
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if middle == low || middle == high {
            // They are neighbours: nothing lies between.
            break;
        }
        if middle <= under || (middle < over && !reaches(middle)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// Two places close to each other, between which the distribution function reaches a probability: by Newton's method,
/// and checked. `None` where it does not settle.
fn bracket(a: f64, b: f64, probability: f64) -> Option<(f64, f64)> {
    /// It settles in four to eight steps or not at all.
    const STEPS_MAX: usize = 16;
    /// Beyond the noise of the function, near enough to spare most halves.
    const MARGIN: f64 = 1e-12;
    let scale = ln_beta(a, b);
    let density = |x: f64| ((a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p() - scale).exp();
    let mean = a / (a + b);
    let deviation = (mean * (1.0 - mean) / (a + b + 1.0)).sqrt();
    let mut x = (mean - 2.0 * deviation).max(0.1 * mean);
    for _ in 0..STEPS_MAX {
        let step = (beta_reg(a, b, x) - probability) / density(x);
        // Never more than half of the way to an end.
        let next = (x - step).clamp(0.5 * x, 0.5 * (1.0 + x));
        if !next.is_finite() {
            return None;
        }
        let settled = (next - x).abs() <= 0.1 * MARGIN * x;
        x = next;
        if settled {
            let (under, over) = (x * (1.0 - MARGIN), (x * (1.0 + MARGIN)).min(1.0));
            let holds = beta_reg(a, b, under) < probability && beta_reg(a, b, over) >= probability;
            return holds.then_some((under, over));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// To the last bit: estimating only spares evaluations.
        #[test]
        fn a_quantile_is_that_of_halving_alone(
            a in (-3.0_f64..14.0).prop_map(f64::exp2),
            b in (-3.0_f64..14.0).prop_map(f64::exp2),
            half: bool,
            wide: bool,
        ) {
            let b = if half { 0.5 } else { b };
            let probability = if wide { 2.0 * TAIL } else { TAIL };
            let (mut low, mut high) = (0.0, 1.0);
            for _ in 0..60 {
                let middle = 0.5 * (low + high);
                if beta_reg(a, b, middle) < probability {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            prop_assert_eq!(quantile(a, b, probability).to_bits(), low.to_bits());
        }
    }

    #[test]
    fn agrees_with_the_closed_forms_at_both_ends() {
        for cases in [1, 5, 40, 368, 5_000] {
            let all = clopper_pearson(float(cases), float(cases));
            assert!((all.lower - clean_bound(cases)).abs() < 1e-9, "{cases}");
            assert_eq!(all.upper, 1.0);
            let none = clopper_pearson(0.0, float(cases));
            assert!((none.upper - (1.0 - clean_bound(cases))).abs() < 1e-9, "{cases}");
            assert_eq!(none.lower, 0.0);
        }
        assert_eq!(clean_bound(0), 0.0);
        assert_eq!(clopper_pearson(0.0, 0.0), Interval::WHOLE);
    }

    /// With p at an end, the tail beyond what was seen is 2.5 %: summed term by term.
    #[test]
    fn leaves_a_fortieth_on_each_side() {
        let at_most = |right: i32, p: f64| -> f64 {
            let choose = |k: i32| (0..k).fold(1.0, |c, i| c * f64::from(50 - i) / f64::from(i + 1));
            (0..=right)
                .map(|k| choose(k) * p.powi(k) * (1.0 - p).powi(50 - k))
                .sum()
        };
        for right in 1..50 {
            let Interval { lower, upper } = clopper_pearson(f64::from(right), 50.0);
            assert!((at_most(right, upper) - TAIL).abs() < 1e-9, "{right}");
            assert!((1.0 - at_most(right - 1, lower) - TAIL).abs() < 1e-9, "{right}");
        }
    }
}
