//! Clopper and Pearson's interval: exact for a share of independent cases out of many.

use statrs::function::beta::beta_reg;

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
/// does not beat in the far tails.
fn quantile(a: f64, b: f64, probability: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if beta_reg(a, b, middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

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
