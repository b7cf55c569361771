//! The exact interval of a draw without replacement.

use statrs::function::gamma::ln_gamma;

use super::{Interval, Stratum, TAIL};
use crate::number::float;

/// From where on a tail counts as 2.5 %: the sums below are within 10^-7 of the truth for populations up to 10^6, and
/// a tail of exactly 2.5 % (one of a population of 40) belongs to the interval on every machine.
pub(crate) const REACHED: f64 = TAIL * (1.0 - 1e-6);

/// The interval of the share of right ones in a population, from a draw without replacement: all shares for which what
/// was seen, or more of it, is not less likely than 2.5 % on either side (the tails of the hypergeometric distribution,
/// inverted as C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404–413, do for the binomial; W. G. Cochran,
/// *Sampling Techniques*, 3rd ed. 1977, §3.6). It holds the true share in at least 95 % of draws, whatever it is; after a
/// full check it is the share itself.
///
/// `None` without a draw, or where not right ≤ sampled ≤ population. Both ends
/// are found by halving, so large populations take little longer.
///
/// ```
/// use shilu_sampling::{Stratum, hypergeometric};
/// let interval = hypergeometric(&Stratum { population: 100, sampled: 80, right: 79 }).unwrap();
/// assert_eq!((interval.lower, interval.upper), (0.97, 0.99));
/// ```
pub fn hypergeometric(stratum: &Stratum) -> Option<Interval> {
    stratum.is_drawn().then(|| {
        let Stratum {
            population,
            sampled,
            right,
        } = *stratum;
        let upper = most_right(population, sampled, right);
        // Seen from the other side: as many wrong ones as could be.
        let lower = population - most_right(population, sampled, sampled - right);
        let share = |count| float(count) / float(population);
        Interval {
            lower: share(lower),
            upper: share(upper),
        }
        .around(float(right) / float(sampled))
    })
}

/// The most right ones that the population may hold for so few to be seen.
fn most_right(population: u64, sampled: u64, right: u64) -> u64 {
    // `low` is compatible with what was seen: all of it drawn, the rest wrong, and then more.
    let (mut low, mut high) = (right, population - (sampled - right));
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if (Urn {
            population,
            sampled,
            right: middle,
        })
        .at_most(right)
            >= REACHED
        {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// A population of which so many are right and so many are drawn: the hypergeometric distribution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Urn {
    pub population: u64,
    pub sampled: u64,
    pub right: u64,
}

impl Urn {
    /// How likely at most so many right ones are drawn.
    pub fn at_most(self, seen: u64) -> f64 {
        let least = self.sampled.saturating_sub(self.population - self.right);
        if seen < least {
            return 0.0;
        }
        if seen >= self.sampled.min(self.right) {
            return 1.0;
        }
        let mode = float(self.sampled + 1) * float(self.right + 1) / float(self.population + 2);
        // The shorter way away from the middle, where every term is smaller than the one before.
        if float(seen) <= mode {
            self.sum(seen, false).min(1.0)
        } else {
            (1.0 - self.sum(seen + 1, true)).max(0.0)
        }
    }

    /// How likely exactly so many right ones are drawn.
    fn exactly(self, seen: u64) -> f64 {
        let Urn {
            population,
            sampled,
            right,
        } = self;
        let wrong = population - right;
        (ln_choose(right, seen) + ln_choose(wrong, sampled - seen) - ln_choose(population, sampled)).exp()
    }

    /// The sum of the terms from one on, up or down, until they no longer matter.
    fn sum(self, from: u64, up: bool) -> f64 {
        let (sampled, right) = (float(self.sampled), float(self.right));
        let spare = float(self.population) - right - sampled;
        let (mut x, mut term) = (float(from), self.exactly(from));
        let mut sum = 0.0;
        while term > sum * 1e-17 {
            sum += term;
            if up {
                term *= (right - x) * (sampled - x) / ((x + 1.0) * (spare + x + 1.0));
                x += 1.0;
            } else {
                term *= x * (spare + x) / ((right - x + 1.0) * (sampled - x + 1.0));
                x -= 1.0;
            }
        }
        sum
    }
}

fn ln_choose(all: u64, some: u64) -> f64 {
    let ln_factorial = |n: u64| ln_gamma(float(n) + 1.0);
    ln_factorial(all) - ln_factorial(some) - ln_factorial(all - some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::{clopper_pearson, wilson};

    /// How likely each number of right ones is, by recurrence from the integers: no logarithms, unlike the code.
    fn distribution(population: u64, sampled: u64, right: u64) -> Vec<f64> {
        let least = sampled.saturating_sub(population - right);
        let most = sampled.min(right);
        let mut terms = vec![0.0; usize::try_from(sampled).unwrap() + 1];
        let mut term = 1.0;
        for seen in least..=most {
            terms[usize::try_from(seen).unwrap()] = term;
            term *= float(right - seen) * float(sampled - seen)
                / (float(seen + 1) * float((population + seen + 1).saturating_sub(right + sampled)));
        }
        let sum: f64 = terms.iter().sum();
        terms.iter().map(|term| term / sum).collect()
    }

    /// The least coverage over every number of right ones, for every draw from a population.
    fn least_coverage(population: u64, interval: impl Fn(&Stratum) -> Interval) -> f64 {
        let mut least = 1.0_f64;
        for sampled in 1..=population {
            let intervals: Vec<_> = (0..=sampled)
                .map(|right| {
                    interval(&Stratum {
                        population,
                        sampled,
                        right,
                    })
                })
                .collect();
            for right in 0..=population {
                let share = float(right) / float(population);
                let terms = distribution(population, sampled, right);
                let seen = terms
                    .iter()
                    .zip(&intervals)
                    .filter(|(_, interval)| interval.contains(share));
                least = least.min(seen.map(|(term, _)| term).sum());
            }
        }
        least
    }

    #[test]
    fn covers_every_share_of_every_population_up_to_100_in_every_draw() {
        for population in 1..=100 {
            let coverage = least_coverage(population, |stratum| hypergeometric(stratum).unwrap());
            assert!(coverage >= 0.95 - 1e-9, "population {population}: {coverage}");
        }
    }

    /// Of 100, 80 are drawn, 99 are right. Wilson's formula with the variance of a draw without replacement, that is with
    /// n (N − 1)/(N − n) cases, takes 80 right ones for more than they are.
    #[test]
    fn covers_where_wilson_with_a_correction_does_not() {
        let coverage = |interval: &dyn Fn(u64) -> Interval| -> f64 {
            let terms = distribution(100, 80, 99);
            let seen = (0..=80).zip(terms);
            seen.filter(|(right, _)| interval(*right).contains(0.99))
                .map(|(_, term)| term)
                .sum()
        };
        let draw = |right| Stratum {
            population: 100,
            sampled: 80,
            right,
        };
        let exact = coverage(&|right| hypergeometric(&draw(right)).unwrap());
        let corrected = coverage(&|right| wilson(float(right) / 80.0, 80.0 * 99.0 / 20.0));
        assert_eq!(format!("{exact:.2} {corrected:.2}"), "1.00 0.80");
    }

    #[test]
    fn is_the_share_itself_after_a_full_check() {
        for right in 0..=37 {
            let all = Stratum {
                population: 37,
                sampled: 37,
                right,
            };
            assert_eq!(hypergeometric(&all), Some(Interval::exact(float(right) / 37.0)));
        }
    }

    #[test]
    fn is_none_without_a_draw_or_where_counts_contradict() {
        for (population, sampled, right) in [(0, 0, 0), (10, 0, 0), (10, 11, 5), (10, 5, 6)] {
            assert_eq!(
                hypergeometric(&Stratum {
                    population,
                    sampled,
                    right
                }),
                None
            );
        }
    }

    #[test]
    fn of_a_large_population_is_nearly_clopper_and_pearsons() {
        for right in [0, 1, 150, 299, 300] {
            let large = hypergeometric(&Stratum {
                population: 100_000,
                sampled: 300,
                right,
            })
            .unwrap();
            let exact = clopper_pearson(float(right), 300.0);
            assert!((large.lower - exact.lower).abs() < 2e-4, "{large:?} {exact:?}");
            assert!((large.upper - exact.upper).abs() < 2e-4, "{large:?} {exact:?}");
        }
    }

    /// One of 40 is drawn, and is right: had 1 of the 40 been right, that had a probability of exactly 2.5 %.
    #[test]
    fn a_tail_of_exactly_a_fortieth_belongs_to_it() {
        let one = Stratum {
            population: 40,
            sampled: 1,
            right: 1,
        };
        assert_eq!(
            hypergeometric(&one),
            Some(Interval {
                lower: 0.025,
                upper: 1.0
            })
        );
    }

    #[test]
    fn tails_of_large_draws_sum_to_one() {
        let urn = Urn {
            population: 100_000,
            sampled: 40_000,
            right: 70_000,
        };
        let mirrored = Urn { right: 30_000, ..urn };
        for seen in [27_500, 27_990, 28_000, 28_010, 28_400] {
            let sum = urn.at_most(seen) + mirrored.at_most(40_000 - seen - 1);
            assert!((sum - 1.0).abs() < 1e-7, "{seen}: {sum}");
        }
    }
}
