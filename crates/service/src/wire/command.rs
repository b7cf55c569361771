//! A command as clients write it: the shape only. [`super::read`] makes it a command of the model.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use shilu_model::LIST_COMMANDS_MAX;
use utoipa::ToSchema;

use super::{
    object::{Members, Object, Text},
    value::{FieldValue, Given},
};

/// One command. Keys that an action does not know are refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Command)]
pub(crate) struct WireCommand<'a> {
    /// A UUIDv7. Given, a retry is safe: the same command again answers as the first time.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub(crate) id: Option<Text<'a>>,
    /// collect, correct, register, deregister or verify.
    #[serde(borrow)]
    #[schema(value_type = String, example = "collect")]
    pub(crate) action: Text<'a>,
    /// kind/key.
    #[serde(borrow)]
    #[schema(value_type = String, example = "street/110101001")]
    pub(crate) record: Text<'a>,
    /// Who acts.
    #[serde(borrow)]
    #[schema(value_type = String, example = "officer-007")]
    pub(crate) actor: Text<'a>,
    /// collect: the fields observed; may leave out the key field.
    #[serde(borrow, default)]
    #[schema(value_type = Option<std::collections::BTreeMap<String, FieldValue>>)]
    pub(crate) fields: Option<Members<'a, Given<'a>>>,
    /// correct: the fields put right.
    #[serde(borrow, default)]
    #[schema(value_type = Option<std::collections::BTreeMap<String, WireChange>>)]
    pub(crate) changes: Option<Members<'a, Object<WireChange<'a>>>>,
    /// deregister: moved-out, demolished, closed, deceased, duplicate-of, erroneous or absent-from-extract.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub(crate) because: Option<Text<'a>>,
    /// deregister as duplicate-of: the record that stays.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub(crate) duplicate_of: Option<Text<'a>>,
    /// verify: present, gone, unregistered, unknown-here, no-contact or refused.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub(crate) outcome: Option<Text<'a>>,
    /// verify: the values seen.
    #[serde(borrow, default)]
    #[schema(value_type = Option<std::collections::BTreeMap<String, FieldValue>>)]
    pub(crate) observed: Option<Members<'a, Given<'a>>>,
    /// verify: the fields that could not be seen.
    #[serde(borrow, default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub(crate) not_seen: Option<Names<'a>>,
    /// verify: the area, for a record that is absent.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub(crate) area: Option<Text<'a>>,
    /// Since when the fact holds: RFC 3339, a date (its start), or "origin" on a correction. Without it: now.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>, example = "2015-04-07T09:30:00+08:00")]
    pub(crate) effective: Option<Text<'a>>,
    /// With which device.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub(crate) device: Option<Text<'a>>,
    /// Why, in words.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub(crate) reason: Option<Text<'a>>,
    /// How the fact came in; a field visit if nothing is said.
    #[serde(borrow, default)]
    pub(crate) source: Option<Object<WireSource<'a>>>,
    /// When the entry was begun, by the device's clock.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) begun: Option<Text<'a>>,
    /// When it was entered, by the device's clock.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) entered: Option<Text<'a>>,
    /// The device's own sequence number.
    #[serde(default)]
    pub(crate) seq: Option<u64>,
    /// Where the actor stood.
    #[serde(default)]
    #[schema(value_type = Option<WirePlace>)]
    pub(crate) place: Option<Object<WirePlace>>,
    /// The version that the record must have; 0: it must not exist.
    #[serde(default)]
    pub(crate) expected_version: Option<u32>,
    /// The event that led to this one.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub(crate) cause: Option<Text<'a>>,
    /// The actor's signature over the command's RFC 8785 form without this member.
    #[serde(borrow, default)]
    #[schema(value_type = Option<WireSignature>)]
    pub(crate) signature: Option<Object<WireSignature<'a>>>,
}

/// An actor's Ed25519 signature.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Signature)]
pub(crate) struct WireSignature<'a> {
    /// The key's id: the eight hexadecimal digits in its vkey.
    #[serde(borrow)]
    #[schema(value_type = String, example = "9f3c2a10")]
    pub(crate) key: Text<'a>,
    /// The 64 bytes of the signature, in base64.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(crate) value: Text<'a>,
}

/// One field put right.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Correction)]
pub(crate) struct WireChange<'a> {
    /// What the field is taken to hold; given, it must. null: no value.
    #[serde(borrow, default, deserialize_with = "present")]
    #[schema(value_type = Option<FieldValue>, required = false)]
    pub(crate) before: Option<Given<'a>>,
    /// What it should hold. null clears an optional field.
    #[serde(borrow)]
    #[schema(value_type = FieldValue)]
    pub(crate) after: Given<'a>,
}

/// How a fact came in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CommandSource)]
pub(crate) struct WireSource<'a> {
    /// field or import.
    #[serde(borrow, rename = "type")]
    #[schema(value_type = String)]
    pub(crate) kind: Text<'a>,
    /// import: SHA-256 of the file, in hexadecimal.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub(crate) sha256: Option<Text<'a>>,
    /// import: the file's name, without folders.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub(crate) file: Option<Text<'a>>,
    /// import: the row; the header is row 1.
    #[serde(default)]
    pub(crate) row: Option<u64>,
}

/// A place on WGS 84.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Place)]
pub(crate) struct WirePlace {
    /// Latitude in degrees, north positive; within ±90. Kept to 7 decimals.
    pub(crate) lat: f64,
    /// Longitude in degrees, east positive; within ±180. Kept to 7 decimals.
    pub(crate) lon: f64,
    /// Radius of accuracy in metres; a fraction is rounded up.
    pub(crate) accuracy_m: f64,
}

/// A value that is there, be it null.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Given<'a>>, D::Error> {
    Given::deserialize(deserializer).map(Some)
}

/// Names of fields, each once.
#[derive(Debug)]
pub(crate) struct Names<'a>(pub(crate) Vec<Text<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Names<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NamesVisitor;
        impl<'de> Visitor<'de> for NamesVisitor {
            type Value = Names<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of different field names")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                use serde::de::Error;
                let mut names: Vec<Text<'de>> = Vec::new();
                while let Some(name) = seq.next_element()? {
                    if names.contains(&name) || names.len() == crate::limits::COMMAND_FIELDS_MAX {
                        let message = format!("the field {:?} twice, or too many fields", name.0);
                        return Err(A::Error::custom(message));
                    }
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_seq(NamesVisitor)
    }
}

/// A list of commands. Those beyond [`LIST_COMMANDS_MAX`] are counted, not kept.
#[derive(Debug)]
pub(crate) struct List<'a> {
    pub(crate) commands: Vec<WireCommand<'a>>,
    pub(crate) count: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for List<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = List<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of commands")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut commands = Vec::new();
                while commands.len() < LIST_COMMANDS_MAX {
                    match seq.next_element::<Object<WireCommand<'de>>>()? {
                        Some(Object(command)) => commands.push(command),
                        None => break,
                    }
                }
                let mut count = commands.len();
                while count >= LIST_COMMANDS_MAX && seq.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(List { commands, count })
            }
        }
        deserializer.deserialize_seq(ListVisitor)
    }
}
