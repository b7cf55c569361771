//! Clocks: where recorded times come from. The only place that reads the system's.

use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use shilu_model::Timestamp;

/// Where the engine's time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A clock further behind the last event stops writing: a minute covers what time servers put right by themselves.
pub(crate) const BEHIND_MICROS_MAX: i64 = 60_000_000;

/// The system's clock.
pub fn system() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    })
}

/// The clock of a simulated register: goes on from its last recorded time.
pub fn simulated(last_recorded: Timestamp) -> Clock {
    let opened = Instant::now();
    Arc::new(move || {
        last_recorded.plus_micros(i64::try_from(opened.elapsed().as_micros()).unwrap_or(i64::MAX))
    })
}
