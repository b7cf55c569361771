//! The service's JSON, as the command line reads it: objects keep their order, and pages their items as they came.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use crate::error::CliError;

/// A JSON object in its own order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object(pub Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A page of an answer.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// The items, untouched.
    pub items: Vec<Box<RawValue>>,
    /// Where the next page starts.
    #[serde(default)]
    pub next: Option<Value>,
    /// Up to which position it is known.
    #[serde(default)]
    pub as_of: Option<Value>,
    /// Whether the register's clock is simulated.
    #[serde(default)]
    pub simulated: bool,
}

/// One record.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// kind/key
    pub record: String,
    /// Its kind.
    pub kind: String,
    /// Its key.
    pub key: String,
    /// Its area.
    #[serde(default)]
    pub area: Option<String>,
    /// Its status.
    pub status: String,
    /// How many events it has.
    pub version: u32,
    /// Its values.
    pub fields: Object,
    /// Up to which position it is known.
    #[serde(default)]
    pub as_of: Value,
    /// The effective time asked about.
    #[serde(default)]
    pub effective: Option<String>,
    /// Whether the register's clock is simulated.
    #[serde(default)]
    pub simulated: bool,
}

/// One event.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// Its position.
    pub position: u64,
    /// Its id.
    pub id: String,
    /// Its record; none for an event on the register itself.
    #[serde(default)]
    pub record: Option<String>,
    /// The record's version.
    #[serde(default)]
    pub version: Option<u32>,
    /// What was done.
    pub action: String,
    /// Who did it.
    pub actor: String,
    /// When the log took it.
    pub recorded: String,
    /// Since when it holds.
    pub effective: String,
    /// The record's area.
    #[serde(default)]
    pub area: Option<String>,
    /// With which device.
    #[serde(default)]
    pub device: Option<String>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// How it came in.
    #[serde(default)]
    pub source: Value,
    /// The event that led to it.
    #[serde(default)]
    pub cause: Option<String>,
    /// The stated fields.
    #[serde(default)]
    pub changes: Option<Vec<Change>>,
    /// What a check found.
    #[serde(default)]
    pub outcome: Option<String>,
    /// What a check saw.
    #[serde(default)]
    pub observed: Option<Vec<Observed>>,
    /// Why a registration was closed.
    #[serde(default)]
    pub because: Value,
}

/// One changed field.
#[derive(Clone, Debug, Deserialize)]
pub struct Change {
    /// The field.
    pub field: String,
    /// Its value before.
    #[serde(default)]
    pub before: Value,
    /// Its value after.
    #[serde(default)]
    pub after: Value,
}

/// One observed field.
#[derive(Clone, Debug, Deserialize)]
pub struct Observed {
    /// The field.
    pub field: String,
    /// What was seen.
    #[serde(default)]
    pub value: Value,
    /// How it compares.
    #[serde(default)]
    pub verdict: Option<String>,
}

/// Who set a field.
#[derive(Clone, Debug, Deserialize)]
pub struct Blame {
    /// The field.
    pub field: String,
    /// Its value.
    #[serde(default)]
    pub value: Value,
    /// The event that set it.
    pub event: Event,
}

/// How one record differs.
#[derive(Clone, Debug, Deserialize)]
pub struct Difference {
    /// The record.
    pub record: String,
    /// Its status on both sides.
    pub status: Sides,
    /// The fields that differ.
    #[serde(default)]
    pub changes: Vec<Change>,
}

/// Before and after.
#[derive(Clone, Debug, Deserialize)]
pub struct Sides {
    /// Before.
    #[serde(default)]
    pub before: Option<String>,
    /// After.
    #[serde(default)]
    pub after: Option<String>,
}

/// A count.
#[derive(Clone, Debug, Deserialize)]
pub struct Count {
    /// Of this kind.
    pub kind: String,
    /// With this status.
    pub status: String,
    /// In this area.
    #[serde(default)]
    pub area: Option<String>,
    /// First collected by this actor.
    #[serde(default)]
    pub actor: Option<String>,
    /// So many.
    pub count: u64,
}

/// A rate.
#[derive(Clone, Debug, Deserialize)]
pub struct Rate {
    /// Its indicator.
    pub indicator: String,
    /// Its title, one text or one per language.
    #[serde(default)]
    pub title: Value,
    /// In this area.
    #[serde(default)]
    pub area: Option<String>,
    /// By this actor.
    #[serde(default)]
    pub actor: Option<String>,
    /// The cases that count.
    #[serde(default)]
    pub numerator: Value,
    /// All cases.
    #[serde(default)]
    pub denominator: Value,
    /// Cases of which nobody can say.
    #[serde(default)]
    pub unknown: Value,
    /// Their quotient.
    #[serde(default)]
    pub value: Option<f64>,
    /// The interval's lower end.
    #[serde(default)]
    pub lower: Option<f64>,
    /// The interval's upper end.
    #[serde(default)]
    pub upper: Option<f64>,
    /// What should be reached, as a share.
    #[serde(default)]
    pub target: Option<f64>,
    /// By the end of which day.
    #[serde(default)]
    pub deadline: Option<String>,
    /// Whether that has passed.
    #[serde(default)]
    pub due: Option<bool>,
    /// Records that are no longer in scope.
    #[serde(default)]
    pub left_scope: Option<u64>,
    /// The frame behind the denominator.
    #[serde(default)]
    pub frame: Option<Frame>,
    /// The same as known at the deadline.
    #[serde(default)]
    pub at_deadline: Option<AtDeadline>,
    /// How it stands.
    #[serde(default)]
    pub state: Option<String>,
    /// The same at another time, if that was asked.
    #[serde(default)]
    pub from: Option<Share>,
}

/// A numerator and a denominator.
#[derive(Clone, Debug, Deserialize)]
pub struct Share {
    /// The cases that count.
    pub numerator: Value,
    /// All cases but the unknown ones.
    pub denominator: Value,
    /// Cases of which nobody can say.
    pub unknown: Value,
    /// Their quotient.
    pub value: Option<f64>,
}

/// Who said what ought to be there.
#[derive(Clone, Debug, Deserialize)]
pub struct Frame {
    /// How many events have made it.
    pub version: u64,
    /// Who made the last of them.
    pub author: String,
    /// Cases beyond what it expects.
    #[serde(default)]
    pub excess: u64,
    /// The rate on the first frame.
    #[serde(default)]
    pub first: Option<AtDeadline>,
}

/// A rate at another time, or on another frame.
#[derive(Clone, Debug, Deserialize)]
pub struct AtDeadline {
    /// Its value.
    #[serde(default)]
    pub value: Option<f64>,
    /// How it stood.
    #[serde(default)]
    pub state: Option<String>,
}

/// One case behind a rate.
#[derive(Clone, Debug, Deserialize)]
pub struct Evidence {
    /// What it is.
    pub case: String,
    /// Where it counts.
    #[serde(default)]
    pub area: String,
    /// Who collected it first.
    #[serde(default)]
    pub actor: String,
    /// What it adds to the numerator.
    pub numerator: u64,
    /// What it adds to the denominator.
    pub denominator: u64,
    /// What it adds to those of whom nobody can say.
    pub unknown: u64,
    /// Found gone, in a column of their own.
    #[serde(default)]
    pub aside: Option<u64>,
    /// The sample that drew it.
    #[serde(default)]
    pub sample: Option<String>,
    /// What a drawn record was found to be.
    #[serde(default)]
    pub finding: Option<String>,
    /// The records that decide it.
    pub records: Vec<EvidenceRecord>,
}

/// A record that decides a case.
#[derive(Clone, Debug, Deserialize)]
pub struct EvidenceRecord {
    /// Its name.
    pub record: String,
    /// The positions of its events.
    pub events: Vec<u64>,
    /// What a visit found of it.
    #[serde(default)]
    pub outcome: Option<String>,
}

/// A key of two systems.
#[derive(Clone, Debug, Deserialize)]
pub struct Reconciled {
    /// The key.
    pub key: String,
    /// Where it counts.
    #[serde(default)]
    pub area: String,
    /// How the two stand to each other.
    pub outcome: String,
    /// What the one says.
    #[serde(default)]
    pub left: Option<Said>,
    /// What the other says.
    #[serde(default)]
    pub right: Option<Said>,
}

/// What one system says of a key.
#[derive(Clone, Debug, Deserialize)]
pub struct Said {
    /// The records that say it.
    pub records: Vec<String>,
    /// As written.
    #[serde(default)]
    pub value: Option<String>,
    /// As compared.
    #[serde(default)]
    pub normal: Option<String>,
}

/// Where an area or a person stands.
#[derive(Clone, Debug, Deserialize)]
pub struct Ranked {
    /// From 1.
    #[serde(default)]
    pub rank: Option<u64>,
    /// Why there is no rank.
    #[serde(default)]
    pub unranked: Option<String>,
    /// The area, of areas.
    #[serde(default)]
    pub area: Option<String>,
    /// The person, of persons.
    #[serde(default)]
    pub actor: Option<String>,
    /// Indicators whose target is met.
    pub met: u64,
    /// Indicators that count.
    pub due: u64,
    /// Of these, not checked by a draw.
    pub unverified: u64,
    /// Indicators with too few cases.
    pub left_out: u64,
    /// The score at the lower bounds.
    #[serde(default)]
    pub lower: Option<f64>,
    /// The score at the upper bounds.
    #[serde(default)]
    pub upper: Option<f64>,
    /// Others that cannot be told apart from it.
    #[serde(default)]
    pub alike: Vec<String>,
}

/// Reads an answer.
pub fn read<T: DeserializeOwned>(bytes: &[u8], from: &str) -> Result<T, CliError> {
    serde_json::from_slice(bytes).map_err(|error| CliError::Server {
        url: from.to_owned(),
        problem: format!("its answer cannot be read: {error}"),
    })
}

/// A value as a cell of a table: nothing for null.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
