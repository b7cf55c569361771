//! JSON Lines: one object per line, its members named as the kind's fields.

use std::{
    fmt,
    io::{BufRead, Read},
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use shilu_model::Input;

use super::{encoding::About, error::ImportError};

/// Longest line in bytes, as for a row of CSV.
const LINE_BYTES_MAX: usize = 1 << 20;

/// A member's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// `null`: no value.
    Null,
    /// A string.
    Text(String),
    /// A number that is an integer.
    Integer(i64),
    /// A truth.
    Boolean(bool),
    /// What no field can hold.
    Other(&'static str),
}

impl Cell {
    /// As the campaign's types read it.
    pub fn input(&self) -> Input<'_> {
        match self {
            Cell::Null => Input::Cell(""),
            Cell::Text(text) => Input::Text(text),
            Cell::Integer(number) => Input::Integer(*number),
            Cell::Boolean(truth) => Input::Boolean(*truth),
            Cell::Other(shape) => Input::Other(shape),
        }
    }
}

/// One line's members, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members(pub Vec<(String, Cell)>);

/// Reads lines.
pub struct JsonlReader<R> {
    text: R,
    about: About,
    /// The line that was read last, from 1.
    pub line: u64,
    /// It.
    pub raw: Vec<u8>,
}

impl<R: BufRead> JsonlReader<R> {
    /// Reads decoded text; `about` is for errors.
    pub fn new(text: R, about: About) -> Self {
        JsonlReader {
            text,
            about,
            line: 0,
            raw: Vec::new(),
        }
    }

    /// The text it reads.
    pub fn text(&self) -> &R {
        &self.text
    }

    /// Reads the next object; `None` at the end. Blank lines are passed over.
    pub fn read(&mut self) -> Result<Option<Members>, ImportError> {
        loop {
            self.raw.clear();
            self.line += 1;
            let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
            let read = (&mut self.text).take(limit).read_until(b'\n', &mut self.raw);
            if let Err(error) = read {
                let column = String::from_utf8_lossy(&self.raw).chars().count() + 1;
                return Err(self.about.unreadable(
                    error,
                    self.line,
                    u64::try_from(column).unwrap_or(u64::MAX),
                ));
            }
            if self.raw.is_empty() {
                return Ok(None);
            }
            if self.raw.len() >= LINE_BYTES_MAX {
                return Err(self.bad(1, format!("a line of more than {LINE_BYTES_MAX} bytes")));
            }
            if self.raw.trim_ascii().is_empty() {
                continue;
            }
            let members = serde_json::from_slice(&self.raw);
            return members.map(Some).map_err(|error| {
                let sentence = error.to_string();
                let problem = sentence.split(" at line ").next().unwrap_or_default().to_owned();
                // serde_json counts bytes, and stands behind what it read last.
                let before = self
                    .raw
                    .get(..error.column().saturating_sub(1))
                    .unwrap_or(&self.raw);
                let column = String::from_utf8_lossy(before).chars().count() + 1;
                self.bad(u64::try_from(column).unwrap_or(u64::MAX), problem)
            });
        }
    }

    fn bad(&self, column: u64, problem: String) -> ImportError {
        ImportError::BadJsonl {
            line: self.line,
            column,
            problem,
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members, M::Error> {
                let mut members: Vec<(String, Cell)> = Vec::new();
                while let Some((name, cell)) = map.next_entry::<String, Cell>()? {
                    if members.iter().any(|(other, _)| *other == name) {
                        return Err(M::Error::custom(format_args!("{name:?} is there twice")));
                    }
                    members.push((name, cell));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Cell;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Cell, E> {
                Ok(Cell::Null)
            }

            fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
                Ok(Cell::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Cell, E> {
                Ok(Cell::Text(text))
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Cell, E> {
                Ok(Cell::Boolean(truth))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
                Ok(Cell::Integer(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Cell, E> {
                Ok(i64::try_from(number).map_or(Cell::Other("a number that is too large"), Cell::Integer))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Cell, E> {
                Ok(Cell::Other("a fraction"))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Cell, S::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Cell::Other("a list"))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Cell, M::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Cell::Other("an object"))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> String {
        let mut reader = JsonlReader::new(text.as_bytes(), About::default());
        loop {
            match reader.read() {
                Ok(Some(_)) => {}
                Ok(None) => return "taken".to_owned(),
                Err(error) => return format!("{:?} {error}", error.place()),
            }
        }
    }

    #[test]
    fn damage_is_named_with_its_place() {
        insta::assert_debug_snapshot!([
            refused("{\"a\":1}\n\n{\"a\":null,\"b\":[1,{}]}"),
            refused("{\"a\":1}\n{\"a\":\"越"),
            refused("{\"a\":1,\"a\":2}\n"),
            refused("[1]\n"),
            refused("{\"a\":1} {\"a\":2}\n"),
        ], @r#"
        [
            "taken",
            "Some((2, 8)) the file is damaged: EOF while parsing a string",
            "Some((1, 13)) the file is damaged: \"a\" is there twice",
            "Some((1, 1)) the file is damaged: invalid type: sequence, expected an object",
            "Some((1, 9)) the file is damaged: trailing characters",
        ]
        "#);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut reader = JsonlReader::new(bytes.as_slice(), About::default());
            while let Ok(Some(_)) = reader.read() {}
        }
    }
}
