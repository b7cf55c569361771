//! Records, their blame and their differences, as they go out.

use serde::{Serialize, Serializer, ser::SerializeMap};
use shilu_engine::{At, Blame, DiffItem, RecordView};
use shilu_model::{Event, EventId, OwnedValue, Status, Timestamp};
use utoipa::ToSchema;

use super::{
    event::{ChangeJson, EventJson, SourceJson, display},
    value::{FieldValue, Shown},
};

/// One record at one pair (effective, recorded).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Record)]
pub(crate) struct RecordJson<'a> {
    /// kind/key.
    record: &'a str,
    /// Its kind.
    kind: &'a str,
    /// Its key.
    key: &'a str,
    /// Its area.
    area: Option<&'a str>,
    /// found, collected, registered, deregistered or void.
    status: &'static str,
    /// How many events it has.
    version: u32,
    /// The fields that have a value, in the campaign's order.
    #[schema(value_type = std::collections::BTreeMap<String, FieldValue>)]
    fields: Fields<'a>,
    /// Up to which recorded time the register was asked.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String, format = DateTime)]
    as_of: Timestamp,
    /// Up to which effective time.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String, format = DateTime)]
    effective: Timestamp,
    /// Set on a register whose clock is simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) simulated: Option<bool>,
}

impl<'a> RecordJson<'a> {
    pub(crate) fn of(view: &'a RecordView, at: At) -> Self {
        RecordJson {
            record: view.name.as_str(),
            kind: view.name.kind(),
            key: view.name.key(),
            area: (!view.area.is_empty()).then_some(view.area.as_str()),
            status: view.status.word(),
            version: view.version,
            fields: Fields(&view.fields),
            as_of: at.known,
            effective: at.effective,
            simulated: None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Fields<'a>(pub(super) &'a [(String, OwnedValue)]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (field, value) in self.0 {
            map.serialize_entry(field, &Shown(Some(value.borrow())))?;
        }
        map.end()
    }
}

/// One field of a record, and the event that set it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Blame)]
pub(crate) struct BlameJson<'a> {
    /// The field's id.
    field: &'a str,
    /// The value.
    #[schema(value_type = FieldValue)]
    value: Shown<'a>,
    /// Where the event stands in the log.
    position: u64,
    /// The event's id.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String, format = "uuid")]
    id: EventId,
    /// What was done.
    action: &'static str,
    /// Who did it.
    actor: &'a str,
    /// When the log took it.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String, format = DateTime)]
    recorded: Timestamp,
    /// Since when the value holds.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String, format = DateTime)]
    effective: Timestamp,
    /// Why.
    reason: Option<&'a str>,
    /// How it came in.
    source: SourceJson<'a>,
    /// The whole event.
    event: EventJson<'a>,
}

impl<'a> BlameJson<'a> {
    pub(crate) fn of(blame: &'a Blame, event: &Event<'a>) -> Self {
        BlameJson {
            field: &blame.field,
            value: Shown(blame.value.as_ref().map(OwnedValue::borrow)),
            position: event.position.get(),
            id: event.id,
            action: event.action.word(),
            actor: event.actor,
            recorded: event.recorded,
            effective: event.effective,
            reason: event.reason,
            source: SourceJson::of(event.source),
            event: EventJson::of(event),
        }
    }
}

/// How one record differs between two pairs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Difference)]
pub(crate) struct DiffJson<'a> {
    /// kind/key.
    record: &'a str,
    /// Its status at both.
    status: StatusChange,
    /// The fields that differ.
    changes: Vec<ChangeJson<'a>>,
}

/// A status before and after; null where the record was not there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatusChange {
    /// At the earlier pair.
    before: Option<&'static str>,
    /// At the later pair.
    after: Option<&'static str>,
}

impl<'a> DiffJson<'a> {
    pub(crate) fn of(item: &'a DiffItem) -> Self {
        let word = |status: Status| (status != Status::Absent).then(|| status.word());
        let changes = item.changes.iter().map(|(field, before, after)| ChangeJson {
            field,
            before: Shown(before.as_ref().map(OwnedValue::borrow)),
            after: Shown(after.as_ref().map(OwnedValue::borrow)),
        });
        DiffJson {
            record: item.name.as_str(),
            status: StatusChange {
                before: word(item.status.0),
                after: word(item.status.1),
            },
            changes: changes.collect(),
        }
    }
}
