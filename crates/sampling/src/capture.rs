//! How many there are altogether, from two lists that were made apart.

use crate::number::float;

/// Two lists of the same population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capture {
    /// On the first list, the register: n₁, less those who are estimated to be gone.
    pub registered: u64,
    /// On the second list, what the check found: n₂.
    pub found: u64,
    /// On both: m, at most either.
    pub both: u64,
}

/// An estimated total.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Total {
    /// The estimate N̂.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// The dual-system estimate of how many there are, on neither list included (D. G. Chapman, Univ. Calif. Publ. Stat. 1
/// (1951) 131–160): N̂ = (n₁+1)(n₂+1)/(m+1) − 1, Var = (n₁+1)(n₂+1)(n₁−m)(n₂−m)/((m+1)²(m+2)) (G. A. F. Seber 1970). It
/// supposes that who is on one list is no likelier to be on the other; where the hard to find are hard for both, it is
/// too low. Information, never a rate.
///
/// `None` where more are on both lists than on one.
///
/// ```
/// use shilu_sampling::{Capture, chapman};
/// let total = chapman(&Capture { registered: 960, found: 940, both: 900 }).unwrap();
/// assert_eq!(format!("{:.1} ± {:.1}", total.value, total.standard_error), "1002.7 ± 1.7");
/// ```
pub fn chapman(capture: &Capture) -> Option<Total> {
    let Capture {
        registered,
        found,
        both,
    } = *capture;
    (both <= registered.min(found)).then(|| {
        let (n1, n2, m) = (float(registered), float(found), float(both));
        let product = (n1 + 1.0) * (n2 + 1.0);
        let variance = product * (n1 - m) * (n2 - m) / ((m + 1.0) * (m + 1.0) * (m + 2.0));
        Total {
            value: product / (m + 1.0) - 1.0,
            standard_error: variance.sqrt(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SplitMix64;

    /// By hand: 961 × 941 / 901 − 1 = 1002.6637; 961 × 941 × 60 × 40 / (901² × 902) = 2.963964, its root 1.7216.
    #[test]
    fn worked_example() {
        let total = chapman(&Capture {
            registered: 960,
            found: 940,
            both: 900,
        })
        .unwrap();
        assert!((total.value - 1_002.663_7).abs() < 1e-4, "{total:?}");
        assert!((total.standard_error - 1.721_6).abs() < 1e-4, "{total:?}");
    }

    #[test]
    fn two_equal_lists_hold_everybody_and_contradictions_nobody() {
        let total = chapman(&Capture {
            registered: 40,
            found: 40,
            both: 40,
        });
        assert_eq!(
            total,
            Some(Total {
                value: 40.0,
                standard_error: 0.0
            })
        );
        for (registered, found) in [(4, 5), (5, 4)] {
            assert_eq!(
                chapman(&Capture {
                    registered,
                    found,
                    both: 5
                }),
                None
            );
        }
    }

    /// Of 1,000, a register has 800 and a check finds 600, independently.
    #[test]
    fn two_standard_errors_hold_the_truth_where_the_lists_are_independent() {
        let mut random = SplitMix64(20150401);
        let held = (0..2_000)
            .filter(|_| {
                let both = random.hypergeometric(1_000, 600, 800);
                let total = chapman(&Capture {
                    registered: 800,
                    found: 600,
                    both,
                })
                .unwrap();
                (total.value - 1_000.0).abs() <= 1.96 * total.standard_error
            })
            .count();
        assert!((1_860..=1_960).contains(&held), "{held} of 2000");
    }
}
