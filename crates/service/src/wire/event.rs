//! An event as it goes out: the same in history, changes, blame and live.

use std::fmt::{self, Display};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Serialize, Serializer};
use shilu_model::{Because, Event, EventId, Source, Timestamp};
use utoipa::ToSchema;

use super::{
    command::{WirePlace, WireSignature},
    hex::to_hex,
    value::{FieldValue, Shown},
};

/// One immutable action on one record, or on the register itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventJson<'a> {
    /// Where it stands in the log, from 0.
    pub(crate) position: u64,
    /// Its name, a UUIDv7.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String, format = "uuid")]
    id: EventId,
    /// kind/key; null for an event on the register itself.
    #[schema(value_type = Option<String>)]
    record: Option<Name<'a>>,
    /// How many events the record has with this one, from 1.
    version: u32,
    /// collect, correct, register, deregister, verify, configure, appoint, dismiss or erase.
    action: &'static str,
    /// Who acted.
    actor: &'a str,
    /// When the log took it.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String, format = DateTime)]
    recorded: Timestamp,
    /// Since when the fact holds.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String, format = DateTime)]
    effective: Timestamp,
    /// The record's area after the event.
    area: Option<&'a str>,
    /// With which device.
    device: Option<&'a str>,
    /// Why, in words.
    reason: Option<&'a str>,
    /// How the fact came in.
    source: SourceJson<'a>,
    /// The event that led to this one.
    #[schema(value_type = Option<String>, format = "uuid")]
    cause: Option<Text<EventId>>,
    /// The stated fields.
    changes: Vec<ChangeJson<'a>>,
    /// What a verification found.
    outcome: Option<&'static str>,
    /// The fields that a verification looked at.
    observed: Vec<ObservedJson<'a>>,
    /// Why a registration was closed.
    because: Option<&'static str>,
    /// The record that stays, of a duplicate.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_of: Option<&'a str>,
    /// When the entry was begun, by the device's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    begun: Option<Text<Timestamp>>,
    /// When it was entered, by the device's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    entered: Option<Text<Timestamp>>,
    /// The device's own sequence number.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// Where the actor stood.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<WirePlace>)]
    place: Option<PlaceJson>,
    /// The actor's signature, and by which key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<WireSignature>)]
    signature: Option<SignatureJson>,
}

/// An actor's Ed25519 signature, as the command carried it.
#[derive(Debug, Serialize)]
pub(crate) struct SignatureJson {
    /// The key's id, eight hexadecimal digits.
    key: String,
    /// The 64 bytes, in base64.
    value: String,
}

/// One field of an event, or of a difference.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub(crate) struct ChangeJson<'a> {
    /// The field's id.
    pub(crate) field: &'a str,
    /// Its value before.
    #[schema(value_type = FieldValue)]
    pub(crate) before: Shown<'a>,
    /// Its value after.
    #[schema(value_type = FieldValue)]
    pub(crate) after: Shown<'a>,
}

/// One field that a verification looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Observed)]
pub(crate) struct ObservedJson<'a> {
    /// The field's id.
    field: &'a str,
    /// What was seen.
    #[schema(value_type = FieldValue)]
    value: Shown<'a>,
    /// equal, differs or not-seen.
    verdict: &'static str,
}

/// How a fact came in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
#[schema(as = Source)]
pub(crate) enum SourceJson<'a> {
    /// A visit, entered by hand.
    Field,
    /// A row of a file.
    Import {
        /// SHA-256 of the file, in hexadecimal.
        sha256: String,
        /// The file's name.
        file: &'a str,
        /// The row; the header is row 1.
        row: u64,
    },
    /// The register itself.
    System,
}

#[derive(Debug, Serialize)]
struct PlaceJson {
    lat: f64,
    lon: f64,
    accuracy_m: u32,
}

/// An event as every answer has it, as one JSON object.
pub fn event_json(event: &Event<'_>) -> String {
    // Its keys are texts and nothing of it fails to write itself.
    serde_json::to_string(&EventJson::of(event)).unwrap_or_default()
}

impl<'a> EventJson<'a> {
    pub(crate) fn of(event: &Event<'a>) -> Self {
        let visit = event.visit.unwrap_or_default();
        EventJson {
            position: event.position.get(),
            id: event.id,
            record: (!event.is_administrative()).then_some(Name(event.kind, event.key)),
            version: event.version,
            action: event.action.word(),
            actor: event.actor,
            recorded: event.recorded,
            effective: event.effective,
            area: (!event.area.is_empty()).then_some(event.area),
            device: event.device,
            reason: event.reason,
            source: SourceJson::of(event.source),
            cause: event.cause.map(Text),
            changes: changes(event),
            outcome: event.outcome.map(|outcome| outcome.word()),
            observed: observed(event),
            because: event.because.map(|because| because.word()),
            duplicate_of: event.because.and_then(|because| match because {
                Because::DuplicateOf(name) => Some(name),
                _ => None,
            }),
            begun: visit.begun.map(Text),
            entered: visit.entered.map(Text),
            seq: visit.seq,
            place: visit.place.map(|place| PlaceJson {
                lat: f64::from(place.lat_e7) / 1e7,
                lon: f64::from(place.lon_e7) / 1e7,
                accuracy_m: place.accuracy_m,
            }),
            signature: event.signature.map(|signature| SignatureJson {
                key: format!("{:08x}", signature.key_id),
                value: STANDARD.encode(signature.bytes),
            }),
        }
    }
}

fn changes<'a>(event: &Event<'a>) -> Vec<ChangeJson<'a>> {
    let change = |change: &shilu_model::Change<'a>| ChangeJson {
        field: change.field,
        before: Shown(change.before),
        after: Shown(change.after),
    };
    event.changes.iter().map(change).collect()
}

fn observed<'a>(event: &Event<'a>) -> Vec<ObservedJson<'a>> {
    let observed = |observed: &shilu_model::Observed<'a>| ObservedJson {
        field: observed.field,
        value: Shown(observed.value),
        verdict: observed.verdict.word(),
    };
    event.observed.iter().map(observed).collect()
}

impl<'a> SourceJson<'a> {
    pub(crate) fn of(source: Source<'a>) -> Self {
        match source {
            Source::Field => SourceJson::Field,
            Source::Import { sha256, file, row } => SourceJson::Import {
                sha256: to_hex(&sha256),
                file,
                row,
            },
            Source::System => SourceJson::System,
        }
    }
}

/// Writes something as the text it shows itself as.
pub(crate) fn display<T: Display, S: Serializer>(shown: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(shown)
}

/// The same, where it may be missing.
#[derive(Debug)]
pub(crate) struct Text<T>(pub(crate) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A record's name, from its parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a>(&'a str, &'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}

impl Serialize for Name<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
