//! The answer to a command that was taken.

use serde::Serialize;
use shilu_engine::Accepted;
use shilu_model::{EventId, Timestamp};
use utoipa::ToSchema;

use super::event::display;

/// A command that was taken, and became an event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Accepted)]
pub(crate) struct AcceptedJson<'a> {
    /// Where the event stands in the log.
    position: u64,
    /// The event's id.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String, format = "uuid")]
    id: EventId,
    /// The record.
    record: &'a str,
    /// How many events the record has with this one.
    version: u32,
    /// When the log took it.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String, format = DateTime)]
    recorded: Timestamp,
    /// With `wait=published`: the event's receipt, or null if no checkpoint covers it in time; the event is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    receipt: Option<Option<String>>,
}

impl<'a> AcceptedJson<'a> {
    pub(crate) fn of(accepted: &'a Accepted) -> Self {
        AcceptedJson {
            position: accepted.position.get(),
            id: accepted.id,
            record: accepted.record.as_str(),
            version: accepted.version,
            recorded: accepted.recorded,
            receipt: None,
        }
    }

    pub(crate) fn with_receipt(mut self, receipt: Option<String>) -> Self {
        self.receipt = Some(receipt);
        self
    }
}
