//! Randomness: where the ids of events come from that are stated without one, and the key of a new register.

use std::sync::Arc;

use shilu_model::{EventId, Timestamp};
use uuid::{Builder, Uuid};

/// Bytes for an id or a key. For simulated registers alone, so that one seed makes one log: whoever knows the seed knows
/// the key too.
pub type Randomness = Arc<dyn Fn() -> [u8; 32] + Send + Sync>;

/// An id: UUIDv7 (RFC 9562 §5.7), of the system's clock and randomness unless others are given.
pub(crate) fn fresh_id(given: Option<&Randomness>, now: Timestamp) -> EventId {
    let Some(random) = given else {
        return EventId::from_bytes(Uuid::now_v7().into_bytes());
    };
    let millis = u64::try_from(now.micros() / 1_000).unwrap_or(0);
    let [a, b, c, d, e, f, g, h, i, j, ..] = random();
    let id = Builder::from_unix_timestamp_millis(millis, &[a, b, c, d, e, f, g, h, i, j]);
    EventId::from_bytes(id.into_uuid().into_bytes())
}
