//! Two-sided 95 % intervals of a share, by how the cases were found.

mod binomial;
mod hypergeometric;
mod ratio;
mod stratified;
mod wilson;

pub use binomial::{clean_bound, clopper_pearson};
pub use hypergeometric::hypergeometric;
pub(crate) use hypergeometric::{REACHED, Urn};
pub use ratio::{Cluster, RatioStratum, RatioSums, ratio};
pub use stratified::stratified;
pub use wilson::wilson;

/// What a two-sided 95 % interval leaves out on each side.
pub(crate) const TAIL: f64 = 0.025;
/// The 97.5 % quantile of the normal distribution.
pub(crate) const Z: f64 = 1.959_963_984_540_054;

/// A two-sided 95 % confidence interval of a share: 0 ≤ `lower` ≤ `upper` ≤ 1. Both ends belong to it.
///
/// ```
/// use shilu_sampling::Interval;
/// let interval = Interval { lower: 0.90, upper: 0.97 };
/// assert!(interval.contains(0.95) && interval.overlaps(Interval { lower: 0.97, upper: 1.0 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The least share that the sample is compatible with.
    pub lower: f64,
    /// The greatest.
    pub upper: f64,
}

impl Interval {
    /// What is known of a share of which nothing is known.
    pub const WHOLE: Interval = Interval {
        lower: 0.0,
        upper: 1.0,
    };

    /// A share that is known exactly, such as after a full check.
    pub const fn exact(share: f64) -> Self {
        Interval {
            lower: share,
            upper: share,
        }
    }

    /// Whether a share is in it.
    pub fn contains(self, share: f64) -> bool {
        (self.lower..=self.upper).contains(&share)
    }

    /// Whether two intervals have a share in common: two areas are then not distinguishable.
    pub fn overlaps(self, other: Interval) -> bool {
        self.lower <= other.upper && other.lower <= self.upper
    }

    /// The interval with a share in it and within 0 to 1: rounding may put an end on the wrong side of an estimate.
    pub(crate) fn around(self, share: f64) -> Self {
        Interval {
            lower: self.lower.min(share).max(0.0),
            upper: self.upper.max(share).min(1.0),
        }
    }
}

/// A share and its interval.
///
/// ```
/// use shilu_sampling::{Stratum, stratified};
/// let areas = [
///     Stratum { population: 100, sampled: 30, right: 30 },
///     Stratum { population: 300, sampled: 30, right: 27 },
/// ];
/// let share = stratified(&areas).unwrap();
/// assert_eq!(share.value, (100.0 * 1.0 + 300.0 * 0.9) / 400.0);
/// assert!(share.interval.contains(share.value));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The estimate, 0 to 1.
    pub value: f64,
    /// Its interval; the estimate is in it.
    pub interval: Interval,
}

/// A random draw of records without replacement, as counted. Of a population of 0 there is nothing to draw.
///
/// ```
/// use shilu_sampling::{Stratum, hypergeometric};
/// let all = Stratum { population: 40, sampled: 40, right: 38 };
/// let interval = hypergeometric(&all).unwrap();
/// assert_eq!((interval.lower, interval.upper), (0.95, 0.95));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stratum {
    /// Records that could be drawn.
    pub population: u64,
    /// Records that were drawn and judged; at most the population.
    pub sampled: u64,
    /// Those that are right; at most the sampled.
    pub right: u64,
}

impl Stratum {
    pub(crate) const fn is_drawn(&self) -> bool {
        self.right <= self.sampled && self.sampled <= self.population && self.sampled > 0
    }
}
