//! Plates: the numbers that shilu makes for them, and which plate is active on which thing.
//!
//! A campaign has plates if it declares the kind `plate` with the fields `on`, a reference, and `state`, which can be
//! `active`. At most one live plate is active on a thing, as things stand now.

use std::{collections::HashMap, fmt};

use thiserror::Error;

use crate::{
    campaign::Kind,
    event::Event,
    field_type::FieldType,
    fold::{Entry, State, Status},
    normal::fold_width,
    value::Value,
};

/// The kind whose records are plates, and its fields.
pub const PLATE_KIND: &str = "plate";
/// The thing that a plate is fixed to.
pub const PLATE_ON: &str = "on";
/// What has become of a plate.
pub const PLATE_STATE: &str = "state";
/// The state of a plate that is to be found on its thing.
pub const PLATE_ACTIVE: &str = "active";

/// A plate's number as shilu makes them: `SL-`, seven digits of base 36, and a check character by ISO 7064, MOD 37,36,
/// over the seven. It finds every wrong character, and nearly every two neighbours that are swapped.
///
/// ```
/// use shilu_model::PlateNumber;
/// let number = PlateNumber::new(4711).unwrap();
/// assert_eq!(number.to_string(), "SL-00003MV-Q");
/// assert_eq!(PlateNumber::parse("SL-00003MV-Q"), Ok(number));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlateNumber(u64);

/// A text that is no plate's number of shilu's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PlateNumberError {
    /// It may be somebody else's number.
    #[error("it is not written as SL-XXXXXXX-C")]
    OtherForm,
    /// It was misread or mistyped.
    #[error("the check character is {expected} for these digits, not {found}")]
    WrongCheck {
        /// What it should end in.
        expected: char,
        /// What it ends in.
        found: char,
    },
}

/// The digits, of which the check character is one too.
const DIGITS: [u8; 36] = *b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// How many digits a serial number has.
const SERIAL_DIGITS: usize = 7;

impl PlateNumber {
    /// How many numbers there are: 36⁷.
    pub const COUNT: u64 = 36_u64.pow(7);

    /// The number of a serial below [`PlateNumber::COUNT`].
    pub const fn new(serial: u64) -> Option<Self> {
        if serial < Self::COUNT {
            Some(PlateNumber(serial))
        } else {
            None
        }
    }

    /// The serial.
    pub const fn serial(self) -> u64 {
        self.0
    }

    /// Reads a number however it was typed: white space, full width and small letters do not matter.
    ///
    /// # Errors
    /// As [`PlateNumber::parse`].
    pub fn read(text: &str) -> Result<Self, PlateNumberError> {
        let mut typed = fold_width(text).to_ascii_uppercase();
        typed.retain(|c| !c.is_whitespace());
        Self::parse(&typed)
    }

    /// Reads a number. Small letters are another form.
    ///
    /// # Errors
    /// [`PlateNumberError::OtherForm`] where it cannot be one of shilu's, else a wrong check character.
    pub fn parse(text: &str) -> Result<Self, PlateNumberError> {
        let parts = text.strip_prefix("SL-").and_then(|rest| rest.split_once('-'));
        let (digits, check) = parts.ok_or(PlateNumberError::OtherForm)?;
        let digits: Vec<u64> = digits
            .bytes()
            .map(value)
            .collect::<Option<_>>()
            .ok_or(PlateNumberError::OtherForm)?;
        let (&[found], SERIAL_DIGITS) = (check.as_bytes(), digits.len()) else {
            return Err(PlateNumberError::OtherForm);
        };
        value(found).ok_or(PlateNumberError::OtherForm)?;
        let (expected, found) = (check_character(&digits), char::from(found));
        if expected == found {
            Ok(PlateNumber(
                digits.iter().fold(0, |serial, digit| serial * 36 + digit),
            ))
        } else {
            Err(PlateNumberError::WrongCheck { expected, found })
        }
    }
}

impl fmt::Display for PlateNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |place: u32| self.0 / 36_u64.pow(place) % 36;
        let digits: Vec<u64> = (0..7).rev().map(digit).collect();
        let written: String = digits.iter().map(|value| character(*value)).collect();
        write!(f, "SL-{written}-{}", check_character(&digits))
    }
}

fn value(digit: u8) -> Option<u64> {
    let place = DIGITS.iter().position(|other| *other == digit)?;
    u64::try_from(place).ok()
}

fn character(value: u64) -> char {
    let place = usize::try_from(value % 36).unwrap_or(0);
    DIGITS.get(place).map_or('0', |digit| char::from(*digit))
}

/// ISO 7064, MOD 37,36: the hybrid system whose check character is of the alphabet itself.
fn check_character(digits: &[u64]) -> char {
    let product = digits.iter().fold(36, |product, digit| {
        let sum = match (product + digit) % 36 {
            0 => 36,
            sum => sum,
        };
        sum * 2 % 37
    });
    // Together they are 1 modulo 36; the product is 1 to 36.
    character(37 - product)
}

impl Kind {
    /// Whether its records are plates.
    pub fn is_plate(&self) -> bool {
        let has =
            |id, test: fn(&FieldType) -> bool| self.field(id).is_some_and(|field| test(&field.field_type));
        self.id == PLATE_KIND
            && has(PLATE_ON, |on| matches!(on, FieldType::Reference(_)))
            && has(PLATE_STATE, |state| match state {
                FieldType::Choice(states) => states.iter().any(|state| state == PLATE_ACTIVE),
                other => *other == FieldType::Text,
            })
    }
}

/// The thing that a plate is active on, as things stand, if the plate is live.
pub fn active_on<'a>(entries: &[Entry<'a>]) -> Option<&'a str> {
    let state = State::latest(entries);
    let live = matches!(state.status, Status::Collected | Status::Registered);
    match (state.value(PLATE_STATE), state.value(PLATE_ON)) {
        (Some(Value::Text(PLATE_ACTIVE)), Some(Value::Reference(thing))) if live => Some(thing),
        _ => None,
    }
}

/// What an event changes in where a plate is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlateMove<'a> {
    /// What it was active on, if anything.
    pub from: Option<&'a str>,
    /// What it is active on now.
    pub to: Option<&'a str>,
}

impl<'a> PlateMove<'a> {
    /// By an event, if it is one of a plate; `entries` are all of the plate's before it.
    pub fn by(event: &Event<'a>, entries: &[Entry<'a>]) -> Option<Self> {
        if event.kind != PLATE_KIND {
            return None;
        }
        let from = active_on(entries);
        let mut entries = entries.to_vec();
        entries.extend(Entry::of(event));
        let to = active_on(&entries);
        (from != to).then_some(PlateMove { from, to })
    }
}

/// Which live plates are active on which things.
#[derive(Clone, Debug, Default)]
pub struct ActivePlates {
    /// By thing. More than one where they came before the rule was in force.
    plates: HashMap<String, Vec<String>>,
}

impl ActivePlates {
    /// A plate that is active on a thing; the first one to come.
    pub fn on(&self, thing: &str) -> Option<&str> {
        self.plates.get(thing)?.first().map(String::as_str)
    }

    /// A plate is active elsewhere than before.
    pub fn moves(&mut self, plate: &str, PlateMove { from, to }: PlateMove<'_>) {
        if let Some(from) = from
            && let Some(plates) = self.plates.get_mut(from)
        {
            plates.retain(|other| other != plate);
            if plates.is_empty() {
                self.plates.remove(from);
            }
        }
        if let Some(to) = to {
            self.plates
                .entry(to.to_owned())
                .or_default()
                .push(plate.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_of(text: &str) -> char {
        let digits: Vec<_> = text.bytes().map(|digit| value(digit).unwrap()).collect();
        check_character(&digits)
    }

    #[test]
    fn check_characters_are_those_of_iso_7064() {
        // The example of the Global Release Identifier Standard, A1-2425G-ABC1234002-M.
        assert_eq!(check_of("A12425GABC1234002"), 'M');
    }

    #[test]
    fn numbers_of_another_form_may_be_somebody_elses() {
        let check = check_of("0000001");
        assert_eq!(
            PlateNumber::parse(&format!("SL-0000001-{check}")),
            Ok(PlateNumber(1))
        );
        for other in [
            "",
            "P-1",
            "SL-",
            "SL-0000001",
            "SL-0000001-",
            "SL-000001-1",
            "SL-00000001-1",
            "SL-0000001-11",
            "SL-000000a-1",
            "SL-0000001-长",
            "sl-0000001-1",
            "SL-0000001-1 ",
        ] {
            assert_eq!(
                PlateNumber::parse(other),
                Err(PlateNumberError::OtherForm),
                "{other}"
            );
        }
        assert_eq!(PlateNumber::new(PlateNumber::COUNT), None);
        let last = PlateNumber::new(PlateNumber::COUNT - 1).unwrap();
        assert!(last.to_string().starts_with("SL-ZZZZZZZ-"));
    }

    proptest! {
        #[test]
        fn numbers_read_back_and_no_wrong_character_does(
            serial in 0..PlateNumber::COUNT,
            place in 0..8_usize,
            by in 1..36_u64,
        ) {
            let number = PlateNumber(serial);
            let written = number.to_string();
            prop_assert_eq!(PlateNumber::parse(&written), Ok(number));
            let mut bytes = written.into_bytes();
            let place = if place == 7 { 11 } else { 3 + place };
            bytes[place] = u8::try_from(character(value(bytes[place]).unwrap() + by)).unwrap();
            let wrong = String::from_utf8(bytes).unwrap();
            let is_wrong = matches!(PlateNumber::parse(&wrong), Err(PlateNumberError::WrongCheck { .. }));
            prop_assert!(is_wrong, "{}", wrong);
        }

        #[test]
        fn no_text_panics(text in ".{0,20}") {
            let _ = PlateNumber::parse(&text);
        }
    }
}
