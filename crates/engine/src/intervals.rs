//! Intervals of quotients of sums, remembered: one takes tens of microseconds, and an answer for all areas needs many of
//! which most were asked for before, above all those at a deadline.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use shilu_sampling::{RatioSums, Share};

/// What was reckoned. It follows from the sums alone, and never goes stale.
#[derive(Debug, Default)]
pub(crate) struct Intervals(Mutex<HashMap<RatioSums, Option<Share>>>);

/// Two indicators in fifty areas on every day of a year; some 5 MB. Then it begins anew.
const INTERVALS_MAX: usize = 1 << 15;

impl Intervals {
    /// The quotient and its interval.
    pub fn of(&self, sums: &RatioSums) -> Option<Share> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = known().get(sums) {
            return *share;
        }
        let share = sums.share();
        let mut known = known();
        if known.len() >= INTERVALS_MAX {
            known.clear();
        }
        known.insert(*sums, share);
        share
    }
}
