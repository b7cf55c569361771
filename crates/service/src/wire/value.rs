//! One value of one field, both ways.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use shilu_model::{Input, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{ObjectBuilder, SchemaType, Type},
    },
};

/// A value as it came in; the campaign says what it should be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Given<'a> {
    /// No value.
    Null,
    Text(Cow<'a, str>),
    Integer(i64),
    Boolean(bool),
    /// Anything that no field can hold.
    Other(&'static str),
}

impl<'a> Given<'a> {
    /// What the model reads; `None` for null.
    pub(crate) fn input(&self) -> Option<Input<'_>> {
        match self {
            Given::Null => None,
            Given::Text(text) => Some(Input::Text(text)),
            Given::Integer(number) => Some(Input::Integer(*number)),
            Given::Boolean(truth) => Some(Input::Boolean(*truth)),
            Given::Other(shape) => Some(Input::Other(shape)),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Given<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GivenVisitor)
    }
}

struct GivenVisitor;

impl<'de> Visitor<'de> for GivenVisitor {
    type Value = Given<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Given::Null)
    }
    fn visit_bool<E: Error>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Given::Boolean(truth))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Given::Integer(number))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(Given::Other("a number beyond ±2^53"), Given::Integer))
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Given::Other("a number with a fraction or exponent"))
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Given::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Given::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Given::Other("a list"))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Given::Other("an object"))
    }
}

/// A value as it goes out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a>(pub(crate) Option<Value<'a>>);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            None => serializer.serialize_none(),
            Some(Value::Integer(number)) => serializer.serialize_i64(number),
            Some(Value::Boolean(truth)) => serializer.serialize_bool(truth),
            Some(Value::Text(text) | Value::Decimal(text) | Value::Reference(text)) => {
                serializer.serialize_str(text)
            }
            // A sealed value shows as a mask.
            Some(value @ (Value::Date(_) | Value::Sealed(_))) => serializer.collect_str(&value),
        }
    }
}

/// The schema of a value.
pub(crate) struct FieldValue;

impl PartialSchema for FieldValue {
    fn schema() -> RefOr<Schema> {
        let types = [Type::String, Type::Integer, Type::Boolean, Type::Null];
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter(types))
            .description(Some(
                "A value as the campaign types it: text, dates (YYYY-MM-DD), decimals and references are strings; \
                 integers are within ±2^53; null is no value.",
            ))
            .into()
    }
}

impl ToSchema for FieldValue {}
