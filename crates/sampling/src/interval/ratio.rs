//! The interval of a ratio of two counts over clusters: persons of dwellings, guests of hotels.

use std::ops::{Add, AddAssign, Sub, SubAssign};

use statrs::function::beta::beta_reg;

use super::{Interval, Share, Stratum, TAIL, Z, clopper_pearson, hypergeometric};
use crate::number::{float, float_wide};

/// What one cluster adds: the persons of a dwelling who count above and below the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Above the line; what exceeds the denominator is cut.
    pub numerator: u64,
    /// Below it; 0 where nobody was there.
    pub denominator: u64,
}

/// Sums over clusters, from which the ratio and its interval follow. They add up, so that they can be kept by day; a
/// difference of two may have negative parts, a sum over whole clusters never has.
///
/// ```
/// use shilu_sampling::{Cluster, RatioSums};
/// let sums: RatioSums = [(3, 4), (2, 2), (5, 6)]
///     .map(|(numerator, denominator)| RatioSums::of(Cluster { numerator, denominator }))
///     .into_iter()
///     .sum();
/// assert_eq!((sums.clusters, sums.n, sums.d, sums.nn, sums.nd, sums.dd), (3, 10, 12, 38, 46, 56));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RatioSums {
    /// Clusters.
    pub clusters: i64,
    /// Those with a denominator above 0.
    pub filled: i64,
    /// Σ numerator.
    pub n: i64,
    /// Σ denominator.
    pub d: i64,
    /// Σ numerator².
    pub nn: i128,
    /// Σ numerator · denominator.
    pub nd: i128,
    /// Σ denominator².
    pub dd: i128,
}

impl RatioSums {
    /// Of one cluster.
    pub fn of(cluster: Cluster) -> Self {
        // No count of things in a register comes near 2^63.
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let d = whole(cluster.denominator);
        let n = whole(cluster.numerator).min(d);
        RatioSums {
            clusters: 1,
            filled: i64::from(d > 0),
            n,
            d,
            nn: i128::from(n) * i128::from(n),
            nd: i128::from(n) * i128::from(d),
            dd: i128::from(d) * i128::from(d),
        }
    }

    /// The ratio and its interval where the clusters are not a draw from a list of known length: as if from very many.
    /// `None` if the denominators are all 0.
    ///
    /// ```
    /// use shilu_sampling::{Cluster, RatioSums};
    /// let inspections = [(40, 40), (19, 20), (9, 30), (25, 25), (12, 12)];
    /// let sums: RatioSums = inspections
    ///     .map(|(numerator, denominator)| RatioSums::of(Cluster { numerator, denominator }))
    ///     .into_iter()
    ///     .sum();
    /// let share = sums.share().unwrap();
    /// assert_eq!(format!("{:.3}", share.value), "0.827");
    /// assert!(share.interval.lower < 0.3, "five units prove little, however many guests they have");
    /// ```
    pub fn share(&self) -> Option<Share> {
        combined(&[(f64::INFINITY, *self)])
    }

    /// Σ (numerator − R · denominator)², and the same sum without the square.
    fn residuals(&self, ratio: f64) -> (f64, f64) {
        let squares =
            float_wide(self.nn) - 2.0 * ratio * float_wide(self.nd) + ratio * ratio * float_wide(self.dd);
        (squares.max(0.0), signed(self.n) - ratio * signed(self.d))
    }
}

fn signed(number: i64) -> f64 {
    float_wide(i128::from(number))
}

impl Add for RatioSums {
    type Output = RatioSums;

    fn add(self, other: RatioSums) -> RatioSums {
        RatioSums {
            clusters: self.clusters + other.clusters,
            filled: self.filled + other.filled,
            n: self.n + other.n,
            d: self.d + other.d,
            nn: self.nn + other.nn,
            nd: self.nd + other.nd,
            dd: self.dd + other.dd,
        }
    }
}

impl Sub for RatioSums {
    type Output = RatioSums;

    fn sub(self, other: RatioSums) -> RatioSums {
        RatioSums {
            clusters: self.clusters - other.clusters,
            filled: self.filled - other.filled,
            n: self.n - other.n,
            d: self.d - other.d,
            nn: self.nn - other.nn,
            nd: self.nd - other.nd,
            dd: self.dd - other.dd,
        }
    }
}

impl AddAssign for RatioSums {
    fn add_assign(&mut self, other: RatioSums) {
        *self = *self + other;
    }
}

impl SubAssign for RatioSums {
    fn sub_assign(&mut self, other: RatioSums) {
        *self = *self - other;
    }
}

impl std::iter::Sum for RatioSums {
    fn sum<I: Iterator<Item = RatioSums>>(sums: I) -> RatioSums {
        sums.fold(RatioSums::default(), Add::add)
    }
}

/// Clusters drawn from a list, without replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatioStratum {
    /// Clusters that could be drawn.
    pub population: u64,
    /// Those that were drawn and judged; at most the population.
    pub sums: RatioSums,
}

/// The ratio of two totals over drawn clusters, and its interval.
///
/// R = Σ (N_h/c_h) n_h / Σ (N_h/c_h) d_h; v = Σ N_h²/c_h (1 − c_h/N_h) s_h² / D̂², s_h² the variance of n − R d between
/// the clusters of a stratum (W. G. Cochran, *Sampling Techniques*, 3rd ed. 1977, §6.3, §6.11); n_eff = R(1−R)/v, at most
/// the persons themselves, times (z/t)² with the t quantile of clusters − strata degrees of freedom; then Clopper and
/// Pearson's interval (E. L. Korn and B. I. Graubard, Survey Methodology 24 (1998) 193–201). At R = 0 or 1 the number of
/// clusters takes the place of n_eff, and no interval ends nearer to 0 or 1 than it would there: an error found never
/// makes a bound better. After all clusters were visited it is the ratio itself.
///
/// `None` if a stratum has a population but no cluster was visited, or if all denominators are 0.
///
/// ```
/// use shilu_sampling::{Cluster, RatioStratum, RatioSums, ratio};
/// let persons = [(4, 4), (0, 5), (3, 3), (2, 2), (6, 6), (1, 1), (4, 4), (5, 5)];
/// let sums = persons
///     .map(|(numerator, denominator)| RatioSums::of(Cluster { numerator, denominator }))
///     .into_iter()
///     .sum();
/// let share = ratio(&[RatioStratum { population: 500, sums }]).unwrap();
/// assert_eq!(format!("{:.3}", share.value), "0.833");
/// // Persons as if independent would give 0.664 to 0.927.
/// assert!(share.interval.lower < 0.5 && share.interval.upper > 0.97);
/// ```
pub fn ratio(strata: &[RatioStratum]) -> Option<Share> {
    let strata: Vec<_> = strata.iter().filter(|stratum| stratum.population > 0).collect();
    let visited = |stratum: &&RatioStratum| {
        stratum.sums.clusters > 0 && signed(stratum.sums.clusters) <= float(stratum.population)
    };
    if !strata.iter().all(visited) {
        return None;
    }
    let strata: Vec<_> = strata
        .iter()
        .map(|stratum| (float(stratum.population), stratum.sums))
        .collect();
    combined(&strata)
}

/// The same for strata of a number of clusters, infinite where it is not known (then the only one).
fn combined(strata: &[(f64, RatioSums)]) -> Option<Share> {
    let sum =
        |of: &dyn Fn(f64, &RatioSums) -> f64| strata.iter().map(|(all, sums)| of(*all, sums)).sum::<f64>();
    // Clusters that a visited one stands for; any number will do for the only stratum.
    let weight = |all: f64, sums: &RatioSums| {
        if all.is_finite() {
            all / signed(sums.clusters)
        } else {
            1.0
        }
    };
    let below = sum(&|all, sums| weight(all, sums) * signed(sums.d));
    if below <= 0.0 {
        return None;
    }
    let value = sum(&|all, sums| weight(all, sums) * signed(sums.n)) / below;
    if strata.iter().all(|(all, sums)| signed(sums.clusters) >= *all) {
        return Some(Share {
            value,
            interval: Interval::exact(value),
        });
    }
    // The bound that this many clusters without an error would prove.
    let filled = sum(&|_, sums| signed(sums.filled));
    let spread = sum(&|all, sums| weight(all, sums).powi(2) * signed(sums.filled));
    let alike = sum(&|all, sums| weight(all, sums) * signed(sums.filled)).powi(2) / spread;
    let clean = clean(strata, alike.min(filled));
    let interval = if value <= 0.0 || value >= 1.0 {
        Interval {
            lower: if value <= 0.0 { 0.0 } else { clean },
            upper: if value <= 0.0 { 1.0 - clean } else { 1.0 },
        }
    } else {
        let variance = sum(&|all, sums| {
            weight(all, sums).powi(2) * (1.0 - signed(sums.clusters) / all) * between(sums, value)
        }) / (below * below);
        let rest = 1.0 - sum(&|_, sums| signed(sums.clusters)) / sum(&|all, _| all);
        let persons = sum(&|_, sums| signed(sums.d)) / rest;
        let cases = (value * (1.0 - value) / variance).min(persons);
        let free = sum(&|_, sums| signed(sums.clusters) - 1.0);
        let cases = cases * (Z / t_quantile(free.max(1.0))).powi(2);
        let own = clopper_pearson(value * cases, cases);
        Interval {
            lower: own.lower.min(clean),
            upper: own.upper.max(1.0 - clean),
        }
    };
    Some(Share {
        value,
        interval: interval.around(value),
    })
}

/// Σ (e − ē)² · c/(c − 1) of e = n − R d, over the clusters of a stratum. A lone cluster has no variance of its own: its
/// distance from the ratio of the whole stands for it.
fn between(sums: &RatioSums, ratio: f64) -> f64 {
    let (squares, sum) = sums.residuals(ratio);
    let clusters = signed(sums.clusters);
    if clusters < 2.0 {
        return squares;
    }
    (squares - sum * sum / clusters).max(0.0) * clusters / (clusters - 1.0)
}

/// The share of clusters without an error that so many of them without one prove.
fn clean(strata: &[(f64, RatioSums)], filled: f64) -> f64 {
    if let [(all, sums)] = strata
        && all.is_finite()
    {
        let empty = signed(sums.clusters - sums.filled);
        let whole = |number: f64| {
            (0..63).rev().fold(0_u64, |n, bit| {
                let next = n | 1 << bit;
                if float(next) <= number { next } else { n }
            })
        };
        let sampled = whole(filled);
        let stratum = Stratum {
            population: whole(all - empty),
            sampled,
            right: sampled,
        };
        return hypergeometric(&stratum).map_or(0.0, |interval| interval.lower);
    }
    clopper_pearson(filled, filled).lower
}

/// The 97.5 % quantile of Student's t distribution, by halving: P(|T| > t) = I(ν/(ν+t²); ν/2, 1/2).
fn t_quantile(free: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if beta_reg(free / 2.0, 0.5, middle) < 2.0 * TAIL {
            low = middle;
        } else {
            high = middle;
        }
    }
    (free * (1.0 - low) / low).sqrt()
}
