//! Times: which position belongs to an instant, to within 64 events; the log has the exact answer.

use std::io;

use shilu_model::{Position, Timestamp};

use crate::bytes::{Loader, Saver};

/// The recorded time of every 64th event.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<i64>);

/// One time per so many events: 1.25 MB for ten million, and one chunk or two of the log to look through.
const STRIDE: u64 = 64;

impl Times {
    /// Adds an event.
    pub fn apply(&mut self, position: Position, recorded: Timestamp) {
        if position.get().is_multiple_of(STRIDE) {
            self.0.push(recorded.micros());
        }
    }

    /// Where to look for the first event recorded after an instant: it is in this range of positions, or stands
    /// right at its end.
    pub fn range_after(&self, time: Timestamp) -> (Position, Position) {
        let strides = self.0.partition_point(|recorded| *recorded <= time.micros());
        let end = u64::try_from(strides).unwrap_or(u64::MAX).saturating_mul(STRIDE);
        (Position::new(end.saturating_sub(STRIDE)), Position::new(end))
    }

    pub(crate) fn save(&self, saver: &mut Saver<'_>) -> io::Result<()> {
        saver.count(self.0.len())?;
        self.0.iter().try_for_each(|time| saver.signed(*time))
    }

    pub(crate) fn load(loader: &mut Loader<'_>) -> io::Result<Self> {
        let mut times = Vec::new();
        for _ in 0..loader.count()? {
            times.push(loader.signed()?);
        }
        Ok(Times(times))
    }
}
