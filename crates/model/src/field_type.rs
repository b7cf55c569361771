//! Field types: which inputs are values of a field, and their canonical forms.

use crate::{
    id::RecordName,
    time::{Day, shorten},
    value::{Input, OwnedValue, Value},
};

/// Longest text value in bytes of UTF-8: an address or a remark, and six of them fit an event.
pub const TEXT_BYTES_MAX: usize = 1_000;
/// Longest value of a [`FieldType::LongText`] in bytes of UTF-8: a checkpoint with 16 cosignatures, and it fits an event
/// together with a reason.
pub const LONG_TEXT_BYTES_MAX: usize = 4_096;
/// Most digits of a decimal, sign and point not counted.
pub const DECIMAL_DIGITS_MAX: usize = 34;
/// Integers are exact in every JSON reader up to ±2^53.
pub const INTEGER_MAX: i64 = 1 << 53;

/// What a field of a kind may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Any text of up to [`TEXT_BYTES_MAX`].
    Text,
    /// Any text of up to [`LONG_TEXT_BYTES_MAX`]. Only the built-in kind has such fields.
    LongText,
    /// A whole number within ±2^53.
    Integer,
    /// An exact decimal number; a JSON string.
    Decimal,
    /// True or false.
    Boolean,
    /// `YYYY-MM-DD`.
    Date,
    /// One of the listed texts.
    Choice(Vec<String>),
    /// The name of a record of one of the listed kinds; with one kind, its key is enough.
    Reference(Vec<String>),
    /// The id of an area.
    Area,
    /// A citizen id of 18 characters with its check digit (GB 11643-1999).
    CitizenId,
    /// A unified social credit code with its check character (GB 32100-2015).
    CreditCode,
    /// A mainland mobile number, or a landline with its area code.
    Phone,
    /// A statistical division code of 6, 9 or 12 digits.
    DivisionCode,
}

/// Why an input is no value of a type: completes the sentence "the value …".
pub type Problem = String;

impl FieldType {
    /// The word for it in a campaign.
    pub const fn word(&self) -> &'static str {
        match self {
            FieldType::Text => "text",
            FieldType::LongText => "long text",
            FieldType::Integer => "integer",
            FieldType::Decimal => "decimal",
            FieldType::Boolean => "boolean",
            FieldType::Date => "date",
            FieldType::Choice(_) => "choice",
            FieldType::Reference(_) => "reference",
            FieldType::Area => "area",
            FieldType::CitizenId => "citizen-id",
            FieldType::CreditCode => "credit-code",
            FieldType::Phone => "phone",
            FieldType::DivisionCode => "division-code",
        }
    }

    /// The values of a choice, or the kinds that a reference may name.
    pub fn listed(&self) -> &[String] {
        match self {
            FieldType::Choice(listed) | FieldType::Reference(listed) => listed,
            _ => &[],
        }
    }

    /// Reads an input: `Ok(None)` for an empty cell or text, which means "no value".
    ///
    /// ```
    /// use shilu_model::{FieldType, Input, OwnedValue};
    /// assert_eq!(FieldType::Decimal.read(Input::Text("01.50")), Ok(Some(OwnedValue::Decimal("1.5".into()))));
    /// assert!(FieldType::Integer.read(Input::Text("3")).is_err());
    /// assert_eq!(FieldType::Integer.read(Input::Cell("3")), Ok(Some(OwnedValue::Integer(3))));
    /// ```
    pub fn read(&self, input: Input<'_>) -> Result<Option<OwnedValue>, Problem> {
        match (self, input) {
            (_, Input::Cell("") | Input::Text("")) => Ok(None),
            (_, Input::Other(shape)) => Err(format!("is {shape}, expected {}", self.expected())),
            (FieldType::Integer, Input::Integer(number)) => integer(number),
            (FieldType::Integer, Input::Cell(text)) => match text.trim().parse() {
                Ok(number) => integer(number),
                Err(_) => Err(self.unlike(text)),
            },
            (FieldType::Boolean, Input::Boolean(truth)) => Ok(Some(OwnedValue::Boolean(truth))),
            (FieldType::Boolean, Input::Cell(text)) => match text.trim() {
                "true" | "1" | "是" => Ok(Some(OwnedValue::Boolean(true))),
                "false" | "0" | "否" => Ok(Some(OwnedValue::Boolean(false))),
                _ => Err(self.unlike(text)),
            },
            (FieldType::Integer | FieldType::Boolean, Input::Text(text)) => Err(self.unlike(text)),
            (_, Input::Integer(number)) => Err(self.unlike(&number.to_string())),
            (_, Input::Boolean(truth)) => Err(self.unlike(&truth.to_string())),
            (_, Input::Cell(text) | Input::Text(text)) => self.read_text(text).map(Some),
        }
    }

    /// Whether a value is one of this type in its canonical form: [`Self::read`] would give the same. Copies nothing.
    ///
    /// ```
    /// use shilu_model::{FieldType, Value};
    /// assert!(FieldType::Decimal.holds(Value::Decimal("1.5")));
    /// assert!(!FieldType::Decimal.holds(Value::Decimal("1.50")) && !FieldType::Text.holds(Value::Text("")));
    /// ```
    pub fn holds(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (FieldType::Integer, Value::Integer(number)) => integer(number).is_ok(),
            (FieldType::Boolean, Value::Boolean(_)) => true,
            (FieldType::Date, Value::Date(day)) => day.is_writable(),
            (FieldType::Decimal, Value::Decimal(text)) => decimal(text).is_some_and(|read| read == text),
            (FieldType::Reference(kinds), Value::Reference(text)) => {
                text.len() <= TEXT_BYTES_MAX && reference(kinds, text).is_some_and(|read| read == text)
            }
            (
                FieldType::Integer
                | FieldType::Boolean
                | FieldType::Date
                | FieldType::Decimal
                | FieldType::Reference(_),
                _,
            ) => false,
            (_, Value::Text(text)) => !text.is_empty() && self.check_text(text).is_ok(),
            _ => false,
        }
    }

    fn read_text(&self, text: &str) -> Result<OwnedValue, Problem> {
        let unlike = || self.unlike(text);
        self.check_length(text)?;
        match self {
            FieldType::Decimal => decimal(text.trim()).map(OwnedValue::Decimal).ok_or_else(unlike),
            FieldType::Date => Day::parse(text.trim())
                .map(OwnedValue::Date)
                .map_err(|_| unlike()),
            FieldType::Reference(kinds) => reference(kinds, text)
                .map(OwnedValue::Reference)
                .ok_or_else(unlike),
            _ => self.check_text(text).map(|()| OwnedValue::Text(text.to_owned())),
        }
    }

    fn check_length(&self, text: &str) -> Result<(), Problem> {
        let bytes_max = match self {
            FieldType::LongText => LONG_TEXT_BYTES_MAX,
            _ => TEXT_BYTES_MAX,
        };
        if text.len() > bytes_max {
            Err(format!("has {} bytes, more than {bytes_max}", text.len()))
        } else {
            Ok(())
        }
    }

    /// Checks a text of a type whose values are texts.
    fn check_text(&self, text: &str) -> Result<(), Problem> {
        self.check_length(text)?;
        let good = match self {
            FieldType::Text | FieldType::LongText | FieldType::Area => {
                if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
                    return Err("contains a control character".to_owned());
                }
                if text.trim().is_empty() {
                    return Err("is nothing but white space".to_owned());
                }
                true
            }
            FieldType::Choice(values) => values.iter().any(|value| value == text),
            FieldType::CitizenId => is_citizen_id(text),
            FieldType::CreditCode => is_credit_code(text),
            FieldType::Phone => is_phone(text),
            FieldType::DivisionCode => matches!(text.len(), 6 | 9 | 12) && all_digits(text),
            FieldType::Integer
            | FieldType::Boolean
            | FieldType::Decimal
            | FieldType::Date
            | FieldType::Reference(_) => false,
        };
        good.then_some(()).ok_or_else(|| self.unlike(text))
    }

    fn unlike(&self, text: &str) -> Problem {
        format!("{:?} is not {}", shorten(text), self.expected())
    }

    /// What a person should have written.
    pub fn expected(&self) -> String {
        match self {
            FieldType::Text | FieldType::LongText => "a text".to_owned(),
            FieldType::Integer => "an integer within ±2^53".to_owned(),
            FieldType::Decimal => "a decimal number, in JSON as a string, such as \"12.5\"".to_owned(),
            FieldType::Boolean => "true or false".to_owned(),
            FieldType::Date => "a date such as 2015-04-07".to_owned(),
            FieldType::Choice(values) => format!("one of {}", values.join(", ")),
            FieldType::Reference(kinds) => format!("the name of a record, {}/…", kinds.join("/… or ")),
            FieldType::Area => "an area".to_owned(),
            FieldType::CitizenId => {
                "a citizen id of 18 characters, the last one right, and a capital X where it is an X (GB 11643)".to_owned()
            }
            FieldType::CreditCode => {
                "a credit code of 18 characters with a right check character (GB 32100)".to_owned()
            }
            FieldType::Phone => "a mobile number of 11 digits, or a landline with its area code".to_owned(),
            FieldType::DivisionCode => "a division code of 6, 9 or 12 digits".to_owned(),
        }
    }
}

fn integer(number: i64) -> Result<Option<OwnedValue>, Problem> {
    if (-INTEGER_MAX..=INTEGER_MAX).contains(&number) {
        Ok(Some(OwnedValue::Integer(number)))
    } else {
        Err(format!("{number} is beyond ±2^53"))
    }
}

/// The canonical form: no plus, no needless zeros, no negative zero.
fn decimal(text: &str) -> Option<String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let lone_point = digits.contains('.') && fraction.is_empty();
    if whole.is_empty() || lone_point || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    if whole.len() + fraction.len() > DECIMAL_DIGITS_MAX {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let sign = if negative && !(whole.is_empty() && fraction.is_empty()) {
        "-"
    } else {
        ""
    };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

fn reference(kinds: &[String], text: &str) -> Option<String> {
    let name = match (text.contains('/'), kinds) {
        (true, _) => RecordName::parse(text).ok()?,
        (false, [only]) => RecordName::new(only, text).ok()?,
        (false, _) => return None,
    };
    kinds
        .iter()
        .any(|kind| kind == name.kind())
        .then(|| name.as_str().to_owned())
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// GB 11643-1999: 17 digits, weighted, modulo 11.
fn is_citizen_id(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: &str = "10X98765432";
    let Some((digits, check)) = text.split_at_checked(17) else {
        return false;
    };
    if !all_digits(digits) {
        return false;
    }
    let sum: u32 = digits
        .bytes()
        .zip(WEIGHTS)
        .map(|(byte, weight)| u32::from(byte - b'0') * weight)
        .sum();
    CHECKS
        .chars()
        .cycle()
        .nth(usize::try_from(sum % 11).unwrap_or(0))
        .is_some_and(|c| check.chars().eq([c]))
}

/// GB 32100-2015: 17 characters of a 31-letter alphabet, weights 3^(i-1) modulo 31.
fn is_credit_code(text: &str) -> bool {
    const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    if text.len() != 18 {
        return false;
    }
    let Some(places) = text.chars().map(|c| ALPHABET.find(c)).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let Some((check, body)) = places.split_last() else {
        return false;
    };
    let (sum, _) = body.iter().fold((0, 1), |(sum, weight), place| {
        (sum + place * weight, weight * 3 % 31)
    });
    (31 - sum % 31) % 31 == *check
}

fn is_phone(text: &str) -> bool {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if !all_digits(&digits) {
        return false;
    }
    let mobile =
        digits.len() == 11 && !text.contains('-') && matches!(digits.as_bytes(), [b'1', b'3'..=b'9', ..]);
    let landline = matches!(digits.as_bytes(), [b'0', b'1'..=b'9', ..]) && (10..=12).contains(&digits.len());
    mobile || landline
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn official_numbers_are_checked() {
        assert!(is_citizen_id("11010519491231002X"));
        assert!(is_citizen_id("440524188001010014"));
        assert!(!is_citizen_id("110105194912310021"));
        assert!(!is_citizen_id("11010519491231002"));
        assert!(is_credit_code("91350100M000100Y43"));
        assert!(!is_credit_code("91350100M000100Y44"));
        assert!(!is_credit_code("91350100I000100Y43"));
        assert!(is_phone("13812345678") && is_phone("0575-82345678") && is_phone("057582345678"));
        assert!(!is_phone("12812345678") && !is_phone("82345678") && !is_phone("1381234567x"));
    }

    #[test]
    fn references_carry_their_kind() {
        let one = FieldType::Reference(vec!["address".into()]);
        let two = FieldType::Reference(vec!["dwelling".into(), "unit".into()]);
        let address = Some(OwnedValue::Reference("address/7".into()));
        assert_eq!(one.read(Input::Cell("7")), Ok(address.clone()));
        assert_eq!(one.read(Input::Text("address/7")), Ok(address));
        assert!(one.read(Input::Text("unit/7")).is_err());
        assert!(two.read(Input::Text("7")).is_err());
    }

    #[test]
    fn wrong_types_say_what_was_expected() {
        let choice = FieldType::Choice(vec!["own".into(), "rental".into()]);
        assert_eq!(
            choice.read(Input::Text("rent")),
            Err("\"rent\" is not one of own, rental".into())
        );
        assert!(FieldType::Text.read(Input::Integer(3)).is_err());
        assert!(FieldType::Integer.read(Input::Integer(INTEGER_MAX + 1)).is_err());
        assert!(FieldType::Date.read(Input::Text("2015-02-30")).is_err());
        assert!(FieldType::Text.read(Input::Text(&"长".repeat(400))).is_err());
        assert!(FieldType::LongText.read(Input::Text(&"长".repeat(1_365))).is_ok());
        assert!(
            FieldType::LongText
                .read(Input::Text(&"长".repeat(1_366)))
                .is_err()
        );
    }

    fn all_types() -> [FieldType; 13] {
        let a = || vec!["a".to_owned()];
        [
            FieldType::Text,
            FieldType::LongText,
            FieldType::Integer,
            FieldType::Decimal,
            FieldType::Boolean,
            FieldType::Date,
            FieldType::Choice(a()),
            FieldType::Reference(a()),
            FieldType::Area,
            FieldType::CitizenId,
            FieldType::CreditCode,
            FieldType::Phone,
            FieldType::DivisionCode,
        ]
    }

    proptest! {
        #[test]
        fn no_input_panics_and_values_read_back(text in ".{0,30}", number in any::<i64>()) {
            for field_type in all_types() {
                let _ = field_type.read(Input::Integer(number));
                let _ = field_type.read(Input::Text(&text));
                if let Ok(Some(value)) = field_type.read(Input::Cell(&text)) {
                    let written = value.borrow().to_string();
                    prop_assert_eq!(field_type.read(Input::Cell(&written)), Ok(Some(value)));
                }
            }
        }

        #[test]
        fn a_type_holds_what_it_reads_back(
            text in prop_oneof![".{0,30}", "-?[0-9]{1,12}(\\.[0-9]{1,3})?", "[ab]/?[a-z/ ]{0,3}", Just("长".repeat(400))],
            number in prop_oneof![any::<i64>(), -INTEGER_MAX - 1..=INTEGER_MAX + 1],
            day in prop_oneof![any::<i32>(), -719_164..-719_160, 2_932_894..2_932_899],
        ) {
            let day = Day::from_number(day);
            let written = day.to_string();
            let values = [
                (Value::Text(&text), Input::Text(&text)),
                (Value::Decimal(&text), Input::Text(&text)),
                (Value::Reference(&text), Input::Text(&text)),
                (Value::Date(day), Input::Text(&written)),
                (Value::Integer(number), Input::Integer(number)),
                (Value::Boolean(true), Input::Boolean(true)),
                (Value::Sealed(text.as_bytes()), Input::Other("sealed")),
            ];
            for field_type in all_types() {
                for (value, input) in values {
                    let same = field_type.read(input).is_ok_and(|read| read.is_some_and(|read| read.borrow() == value));
                    prop_assert_eq!(field_type.holds(value), same, "{:?} {:?}", field_type, value);
                }
            }
        }

        #[test]
        fn decimals_have_one_form(whole in "-?[0-9]{1,9}", fraction in "[0-9]{1,9}") {
            let once = decimal(&format!("{whole}.{fraction}")).unwrap();
            prop_assert_eq!(decimal(&once).unwrap(), once.clone());
            prop_assert_eq!(decimal(&format!("{whole}.{fraction}0")).unwrap(), once);
        }
    }
}
