//! The interval of a ratio of two counts over clusters: persons of dwellings, guests of hotels.

use std::ops::{Add, AddAssign, Sub, SubAssign};

use super::{Interval, Share, Stratum, TAIL, Z, binomial::quantile, clopper_pearson, hypergeometric};
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
        combined(&[Part::new(None, *self)])
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
/// the clusters of a stratum (W. G. Cochran, *Sampling Techniques*, 3rd ed. 1977, §6.3, §6.11), or with their pooled
/// variance in each stratum where that is more: a stratum that happened to show no error is not known to have none.
/// n_eff = R(1−R)/v, at most the persons themselves, times (z/t)² with the t quantile of Satterthwaite's degrees of freedom
/// (ibid. §5.4); then Clopper and Pearson's interval (E. L. Korn and B. I. Graubard, Survey Methodology 24 (1998) 193–201).
/// At R = 0 or 1 the number of clusters takes the place of n_eff, and no interval ends nearer to 0 or 1 than it would
/// there: an error found never makes a bound better. After all clusters were visited it is the ratio itself.
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
    let part = |stratum: &&RatioStratum| Part::new(Some(stratum.population), stratum.sums);
    combined(&strata.iter().map(part).collect::<Vec<_>>())
}

/// A stratum as numbers.
struct Part {
    sums: RatioSums,
    /// c, the visited clusters.
    clusters: f64,
    /// N, where it is known; else there is one stratum.
    listed: Option<u64>,
    /// The same, else infinite.
    population: f64,
    /// N/c, the clusters that a visited one stands for; for the only stratum any number will do.
    weight: f64,
}

impl Part {
    fn new(listed: Option<u64>, sums: RatioSums) -> Self {
        let clusters = signed(sums.clusters);
        let population = listed.map_or(f64::INFINITY, float);
        let weight = listed.map_or(1.0, |_| population / clusters);
        Part {
            sums,
            clusters,
            listed,
            population,
            weight,
        }
    }

    /// s², with the degrees of freedom that it has. A lone cluster has no variance of its own: its distance from the
    /// ratio of the whole stands for it.
    fn between(&self, ratio: f64) -> (f64, f64) {
        let squares = float_wide(self.sums.nn) - 2.0 * ratio * float_wide(self.sums.nd)
            + ratio * ratio * float_wide(self.sums.dd);
        if self.sums.clusters < 2 {
            return (squares.max(0.0), 1.0);
        }
        let sum = signed(self.sums.n) - ratio * signed(self.sums.d);
        let free = self.clusters - 1.0;
        ((squares - sum * sum / self.clusters).max(0.0) / free, free)
    }

    /// The variance of the stratum's total for a variance between clusters.
    fn variance(&self, between: f64) -> f64 {
        self.weight * self.weight * self.clusters * (1.0 - self.clusters / self.population) * between
    }
}

fn combined(parts: &[Part]) -> Option<Share> {
    let sum = |of: &dyn Fn(&Part) -> f64| parts.iter().map(of).sum::<f64>();
    let below = sum(&|part| part.weight * signed(part.sums.d));
    if below <= 0.0 {
        return None;
    }
    let value = sum(&|part| part.weight * signed(part.sums.n)) / below;
    if parts.iter().all(|part| part.clusters >= part.population) {
        return Some(Share {
            value,
            interval: Interval::exact(value),
        });
    }
    let clean = clean(parts);
    let interval = if value <= 0.0 {
        Interval {
            lower: 0.0,
            upper: 1.0 - clean,
        }
    } else if value >= 1.0 {
        Interval {
            lower: clean,
            upper: 1.0,
        }
    } else {
        let cases = effective(parts, value, below);
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

/// n_eff of a ratio between 0 and 1, `below` being the estimated total of the denominators.
fn effective(parts: &[Part], value: f64, below: f64) -> f64 {
    let sum = |of: &dyn Fn(&Part) -> f64| parts.iter().map(of).sum::<f64>();
    let free = |part: &Part| part.between(value).1;
    let own = |part: &Part| part.variance(part.between(value).0);
    let pooled = sum(&|part| part.between(value).0 * free(part)) / sum(&free);
    let variance = sum(&own).max(sum(&|part| part.variance(pooled)));
    // Satterthwaite: where one stratum has most of the variance, its clusters decide.
    let satterthwaite = sum(&own).powi(2) / sum(&|part| own(part).powi(2) / free(part));
    let free = if satterthwaite.is_finite() {
        satterthwaite.max(1.0)
    } else {
        sum(&free)
    };
    let quantile = t_quantile(free);
    let rest = 1.0 - sum(&|part| part.clusters) / sum(&|part| part.population);
    let persons = sum(&|part| signed(part.sums.d)) / rest;
    let cases = value * (1.0 - value) * below * below / variance;
    cases.min(persons) * (Z / quantile).powi(2)
}

/// The share of clusters without an error that the visited ones would prove if none had one: those with somebody in them,
/// as if weighted alike (L. Kish, *Survey Sampling* 1965, §11.7).
fn clean(parts: &[Part]) -> f64 {
    if let [
        Part {
            sums,
            listed: Some(population),
            ..
        },
    ] = parts
    {
        let whole = |number: i64| u64::try_from(number).unwrap_or(0);
        let (filled, empty) = (whole(sums.filled), whole(sums.clusters - sums.filled));
        let stratum = Stratum {
            population: population.saturating_sub(empty),
            sampled: filled,
            right: filled,
        };
        return hypergeometric(&stratum).map_or(0.0, |interval| interval.lower);
    }
    let sum = |of: &dyn Fn(&Part) -> f64| parts.iter().map(of).sum::<f64>();
    let filled = |part: &Part| signed(part.sums.filled);
    let weighted = sum(&|part| part.weight * filled(part));
    let alike = weighted * weighted / sum(&|part| part.weight * part.weight * filled(part));
    clopper_pearson(alike, alike).lower
}

/// The 97.5 % quantile of Student's t distribution: P(|T| > t) = I(ν/(ν+t²); ν/2, 1/2).
fn t_quantile(free: f64) -> f64 {
    let share = quantile(free / 2.0, 0.5, 2.0 * TAIL);
    (free * (1.0 - share) / share).sqrt()
}

#[cfg(test)]
mod tests;
