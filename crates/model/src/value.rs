//! Typed values: what a field can hold, as stored and as compared.

use std::fmt;

use bincode::{BorrowDecode, Encode};

use crate::time::Day;

/// One value of one field, borrowed from wherever it is stored.
///
/// The absence of a value is `Option::None`, never an empty text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub enum Value<'a> {
    /// Text; also choices, areas and official numbers.
    Text(&'a str),
    /// An integer within ±2^53.
    Integer(i64),
    /// A decimal number in its canonical form, such as `-0.5`.
    Decimal(&'a str),
    /// True or false.
    Boolean(bool),
    /// A calendar day.
    Date(Day),
    /// The name of another record, `kind/key`.
    Reference(&'a str),
    /// A personal value under the record's own key: key id, nonce and ciphertext.
    Sealed(&'a [u8]),
}

/// A value that owns its text: what a checked command holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnedValue {
    /// See [`Value::Text`].
    Text(String),
    /// See [`Value::Integer`].
    Integer(i64),
    /// See [`Value::Decimal`].
    Decimal(String),
    /// See [`Value::Boolean`].
    Boolean(bool),
    /// See [`Value::Date`].
    Date(Day),
    /// See [`Value::Reference`].
    Reference(String),
    /// See [`Value::Sealed`].
    Sealed(Vec<u8>),
}

impl OwnedValue {
    /// The borrowed form.
    pub fn borrow(&self) -> Value<'_> {
        match self {
            OwnedValue::Text(text) => Value::Text(text),
            OwnedValue::Integer(number) => Value::Integer(*number),
            OwnedValue::Decimal(text) => Value::Decimal(text),
            OwnedValue::Boolean(truth) => Value::Boolean(*truth),
            OwnedValue::Date(day) => Value::Date(*day),
            OwnedValue::Reference(name) => Value::Reference(name),
            OwnedValue::Sealed(bytes) => Value::Sealed(bytes),
        }
    }
}

impl Value<'_> {
    /// The owned form.
    pub fn to_owned(self) -> OwnedValue {
        match self {
            Value::Text(text) => OwnedValue::Text(text.to_owned()),
            Value::Integer(number) => OwnedValue::Integer(number),
            Value::Decimal(text) => OwnedValue::Decimal(text.to_owned()),
            Value::Boolean(truth) => OwnedValue::Boolean(truth),
            Value::Date(day) => OwnedValue::Date(day),
            Value::Reference(name) => OwnedValue::Reference(name.to_owned()),
            Value::Sealed(bytes) => OwnedValue::Sealed(bytes.to_vec()),
        }
    }
}

/// The value as a cell of a table: what [`crate::FieldType::read`] reads back.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) | Value::Decimal(text) | Value::Reference(text) => f.write_str(text),
            Value::Integer(number) => number.fmt(f),
            Value::Boolean(truth) => truth.fmt(f),
            Value::Date(day) => day.fmt(f),
            Value::Sealed(_) => f.write_str("***"),
        }
    }
}

/// A value as it came in, before the campaign says what it should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input<'a> {
    /// A cell of a table: its type is the field's.
    Cell(&'a str),
    /// A JSON string.
    Text(&'a str),
    /// A JSON number that is an integer.
    Integer(i64),
    /// A JSON boolean.
    Boolean(bool),
    /// Any other JSON: a fraction, a list, an object.
    Other(&'static str),
}
