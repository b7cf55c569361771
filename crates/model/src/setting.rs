//! The settings of a register: what `configure` events change. Their names are part of the format.

use crate::{event::Event, value::Value};

/// Whether the register's clock is `real` or `simulated`. Fixed by the first event.
pub const CLOCK: &str = "clock";
/// The log's name. Fixed by the first event.
pub const ORIGIN: &str = "origin";
/// The SHA-256 of the campaign file, in hexadecimal.
pub const CAMPAIGN: &str = "campaign";
/// The vkey that signs checkpoints. The first event sets it; a rotation changes it.
pub const KEY: &str = "key";
/// Set by the operator who accepts that the clock is behind the last event: that event's recorded time.
pub const CLOCK_ACCEPTED: &str = "clock-accepted";
/// Begins the names of actors' keys; see [`actor_key`].
pub const ACTOR_KEY: &str = "actor-key/";

/// The setting that holds an actor's public key as a vkey, or nothing once it is withdrawn.
///
/// ```
/// assert_eq!(shilu_model::setting::actor_key("officer-007", 0x9f3c), "actor-key/officer-007+00009f3c");
/// ```
pub fn actor_key(actor: &str, key_id: u32) -> String {
    format!("{ACTOR_KEY}{actor}+{key_id:08x}")
}

/// What an event on the register itself sets a setting to; `None` where it does not touch it.
pub fn set_by<'a>(event: &Event<'a>, name: &str) -> Option<Option<&'a str>> {
    let change = event.changes.iter().find(|change| change.field == name)?;
    Some(match change.after {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    })
}
