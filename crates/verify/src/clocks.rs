//! What witnesses' clocks say of recorded times. A witness that cosigned a checkpoint at a time by its own clock has seen
//! its events by then, and nothing of what came after: so no event of it was recorded much later than that, and none
//! after it much earlier.
//!
//! Between two such times an operator may still date an event as they like.

use shilu_merkle::{SignedCheckpoint, VerifierKey};
use shilu_model::Timestamp;

use crate::damage::Damage;

/// How far the clocks of a register and of a witness may be apart, together with the time that a checkpoint is on its
/// way: 5 minutes. Clocks that are set by hand keep within it.
pub(crate) const APART_MICROS_MAX: i64 = 5 * 60 * 1_000_000;

/// What the trusted witnesses say.
#[derive(Default)]
pub(crate) struct Clocks {
    bounds: Vec<Bound>,
}

/// What they say of one checkpoint.
struct Bound {
    /// Its size.
    size: u64,
    /// When the first of them cosigned it: no event of it was recorded later.
    first: Timestamp,
    /// When the last of them did: no event after it was recorded earlier.
    last: Timestamp,
}

impl Clocks {
    /// Takes up who of the witnesses cosigned a checkpoint. Cosignatures that are forged say nothing here: whoever asks
    /// for them later refuses.
    pub fn add(&mut self, checkpoint: &SignedCheckpoint, witnesses: &[VerifierKey]) {
        let cosigned = checkpoint.cosigned(witnesses).unwrap_or_default();
        let times = cosigned.iter().map(|one| time(one.seconds));
        let size = checkpoint.unchecked().size;
        if let (Some(first), Some(last)) = (times.clone().min(), times.max()) {
            self.bounds.push(Bound { size, first, last });
        }
    }

    /// Checks the recorded time of the event at a position.
    pub fn check(&self, position: u64, recorded: Timestamp) -> Result<(), Damage> {
        for Bound { size, first, last } in &self.bounds {
            let (size, before) = (*size, position < *size);
            if before && recorded > first.plus_micros(APART_MICROS_MAX) {
                let cosigned = *first;
                return Err(Damage::PostDated {
                    recorded,
                    size,
                    cosigned,
                });
            }
            if !before && recorded < last.plus_micros(-APART_MICROS_MAX) {
                let cosigned = *last;
                return Err(Damage::BackDated {
                    recorded,
                    size,
                    cosigned,
                });
            }
        }
        Ok(())
    }
}

fn time(seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Timestamp::from_micros(seconds.saturating_mul(1_000_000))
}
