//! Wilson's interval: for a share of independent cases out of many.

use super::{Interval, Z};

/// The interval of a share estimated from a number of independent cases, which an effective number may stand for
/// (E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209–212). `share` is 0 to 1; without a case nothing is known.
///
/// ```
/// use shilu_sampling::wilson;
/// let interval = wilson(0.9, 10.0);
/// assert_eq!(format!("{:.4} {:.4}", interval.lower, interval.upper), "0.5958 0.9821");
/// ```
pub fn wilson(share: f64, cases: f64) -> Interval {
    if cases.is_nan() || cases <= 0.0 {
        return Interval::WHOLE;
    }
    let z2 = Z * Z;
    let centre = share + z2 / (2.0 * cases);
    let spread = Z * (share * (1.0 - share) / cases + z2 / (4.0 * cases * cases)).sqrt();
    let scale = 1.0 + z2 / cases;
    Interval {
        lower: (centre - spread) / scale,
        upper: (centre + spread) / scale,
    }
    .around(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_case_nothing_is_known() {
        assert_eq!(wilson(0.5, 0.0), Interval::WHOLE);
        assert_eq!(wilson(0.5, f64::NAN), Interval::WHOLE);
    }

    #[test]
    fn ends_are_within_0_and_1_and_around_the_share() {
        let (none, all) = (wilson(0.0, 1.0), wilson(1.0, 1.0));
        assert_eq!((none.lower, all.upper), (0.0, 1.0));
        // By hand: z² / (1 + z²) = 3.841459 / 4.841459.
        assert!((none.upper - 0.793_451).abs() < 1e-6);
        assert!((all.lower - 0.206_549).abs() < 1e-6);
    }
}
