//! Reading the projections. A thread that already reads must not read again: as soon as the fold waits to write, nobody is
//! let in, and each waits for the other. Builds for development refuse it at once.

use std::{
    ops::Deref,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use shilu_projections::Projections;

/// The projections while they are read.
pub(crate) struct Reading<'a>(RwLockReadGuard<'a, Projections>);

#[cfg(debug_assertions)]
thread_local! {
    static READS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

impl<'a> Reading<'a> {
    pub fn of(projections: &'a RwLock<Projections>) -> Self {
        #[cfg(debug_assertions)]
        assert!(
            !READS.replace(true),
            "this thread reads the projections already; bind what it reads first"
        );
        Reading(projections.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(debug_assertions)]
impl Drop for Reading<'_> {
    fn drop(&mut self) {
        READS.set(false);
    }
}

impl Deref for Reading<'_> {
    type Target = Projections;

    fn deref(&self) -> &Projections {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use shilu_model::Campaign;
    use shilu_projections::campaigns;

    use super::*;

    #[test]
    #[should_panic(expected = "reads the projections already")]
    fn nobody_reads_twice_at_a_time() {
        let campaign = Campaign::parse(campaigns::named("three-reals").unwrap()).unwrap();
        let projections = RwLock::new(Projections::new(campaign.into()));
        drop(Reading::of(&projections));
        let _first = Reading::of(&projections);
        let _second = Reading::of(&projections);
    }
}
