//! What a cell says of a field, as the text that the field's type reads. Pure. A cell that could mean two things is
//! refused, never guessed at.

use calamine::{DataRef, ExcelDateTime};
use shilu_model::{Day, Field, FieldType, Input};

use crate::import::plan::Refusal;

/// Digits that a spreadsheet program keeps of a number (IEEE 754 in 15 decimal digits): further ones are lost.
pub const DIGITS_KEPT: usize = 15;
/// The day of serial 0 in the 1904 system, in days since 1970.
const EPOCH_1904: i32 = -24_107;
/// The day of serial 0 in the 1900 system, as counted from March 1900 on.
const EPOCH_1900: i32 = -25_569;
/// The serial of 29 February 1900, a day that never was but that spreadsheet programs count.
const NO_SUCH_DAY: i32 = 60;
/// The serial of 31 December 9999.
const SERIAL_MAX: i32 = 2_958_465;

/// A cell that is not empty.
#[derive(Clone, Debug, PartialEq)]
pub enum SheetCell {
    /// Text.
    Text(String),
    /// A number, and whether its format shows leading zeros that the number does not have.
    Number {
        /// It.
        value: f64,
        /// See above.
        padded: bool,
    },
    /// A date, or a date with a time, as a serial number of days.
    Serial {
        /// Days since the workbook's epoch.
        days: f64,
        /// Which epoch.
        is_1904: bool,
    },
    /// A date as ISO 8601 text.
    Iso(String),
    /// A time span, or a time of day alone.
    Span,
    /// A truth.
    Boolean(bool),
    /// An error such as `#N/A`.
    Error(String),
    /// A formula, and what it last came to.
    Formula(String),
}

/// Why a cell cannot be taken: code and reason.
type Flaw = (&'static str, String);

impl SheetCell {
    /// From the cell reader; `None` where the cell is empty.
    pub fn of(value: DataRef<'_>, padded: bool, is_1904: bool) -> Option<Self> {
        Some(match value {
            DataRef::Empty => return None,
            DataRef::String(text) => return Self::text(text),
            DataRef::SharedString(text) => return Self::text(text.to_owned()),
            // A format with leading zeros matters to numbers alone.
            DataRef::Float(value) => SheetCell::Number { value, padded },
            DataRef::Int(value) => SheetCell::Text(value.to_string()),
            DataRef::Bool(truth) => SheetCell::Boolean(truth),
            DataRef::DateTime(moment) => serial(moment, is_1904),
            DataRef::DateTimeIso(text) => SheetCell::Iso(text),
            DataRef::DurationIso(_) => SheetCell::Span,
            DataRef::Error(error) => SheetCell::Error(error.to_string()),
        })
    }

    fn text(text: String) -> Option<Self> {
        (!text.is_empty()).then_some(SheetCell::Text(text))
    }

    /// How many bytes of text it holds.
    pub fn len(&self) -> usize {
        match self {
            SheetCell::Text(text)
            | SheetCell::Iso(text)
            | SheetCell::Error(text)
            | SheetCell::Formula(text) => text.len(),
            _ => 0,
        }
    }

    /// As a person would copy it into a table of rejected rows.
    pub fn shown(&self) -> String {
        match self {
            SheetCell::Text(text)
            | SheetCell::Iso(text)
            | SheetCell::Error(text)
            | SheetCell::Formula(text) => text.clone(),
            SheetCell::Number { value, .. } => value.to_string(),
            SheetCell::Serial { days, is_1904 } => day(*days, *is_1904).unwrap_or_else(|_| days.to_string()),
            SheetCell::Span => String::new(),
            SheetCell::Boolean(truth) => truth.to_string().to_uppercase(),
        }
    }

    /// What it says of a field.
    pub fn read(&self, field: &Field, place: &str) -> Result<String, Refusal> {
        let read = match self {
            SheetCell::Text(text) => Ok(of_text(text, &field.field_type)),
            SheetCell::Number { value, padded } => number(*value, *padded, &field.field_type),
            SheetCell::Serial { days, is_1904 } if field.field_type == FieldType::Date => {
                day(*days, *is_1904)
            }
            SheetCell::Iso(text) if field.field_type == FieldType::Date => iso_day(text),
            SheetCell::Serial { .. } | SheetCell::Iso(_) => Err(date_elsewhere(&field.field_type)),
            SheetCell::Span => Err((
                "BAD_VALUE",
                "holds a time without a date; write the value as text".to_owned(),
            )),
            SheetCell::Boolean(truth) if field.field_type == FieldType::Boolean => Ok(truth.to_string()),
            SheetCell::Boolean(truth) => Ok(truth.to_string().to_uppercase()),
            SheetCell::Error(error) => Err((
                "CELL_ERROR",
                format!("holds the error {error}; put the cell right or empty it"),
            )),
            SheetCell::Formula(_) => Err((
                "CELL_FORMULA",
                "holds a formula, whose last result proves nothing; copy the cell and paste it as a value"
                    .to_owned(),
            )),
        };
        read.map_err(|(code, reason)| Refusal::of(&field.id, code, format!("{place} {reason}")))
    }
}

fn serial(moment: ExcelDateTime, is_1904: bool) -> SheetCell {
    if moment.is_duration() {
        return SheetCell::Span;
    }
    SheetCell::Serial {
        days: moment.as_f64(),
        is_1904,
    }
}

/// Text as it is, but for a truth as spreadsheet programs spell it.
fn of_text(text: &str, field_type: &FieldType) -> String {
    let spelt = text.trim();
    if *field_type == FieldType::Boolean
        && (spelt.eq_ignore_ascii_case("true") || spelt.eq_ignore_ascii_case("false"))
    {
        return spelt.to_ascii_lowercase();
    }
    text.to_owned()
}

/// A number as its shortest text that reads back as the same number; never with an exponent, never with `.0`.
fn number(value: f64, padded: bool, field_type: &FieldType) -> Result<String, Flaw> {
    let text = if value == 0.0 {
        "0".to_owned()
    } else {
        value.to_string()
    };
    let whole = text
        .trim_start_matches('-')
        .split('.')
        .next()
        .unwrap_or_default()
        .len();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_quantity = matches!(
        field_type,
        FieldType::Integer | FieldType::Decimal | FieldType::Boolean | FieldType::Date
    );
    if whole > DIGITS_KEPT || (!is_quantity && digits > DIGITS_KEPT) {
        return Err((
            "CELL_NOT_TEXT",
            format!(
                "holds a number of more than {DIGITS_KEPT} digits, so the last ones may be lost; format the column as \
                 text and enter the value again"
            ),
        ));
    }
    if is_quantity {
        return if *field_type == FieldType::Date {
            Err((
                "BAD_VALUE",
                format!(
                    "holds the number {text}, not a date; format the cell as a date, or write 2015-04-07 as text"
                ),
            ))
        } else {
            Ok(text)
        };
    }
    if padded {
        return Err((
            "CELL_NOT_TEXT",
            format!(
                "shows leading zeros, but holds the number {text}; format the column as text and enter the value again"
            ),
        ));
    }
    match field_type.read(Input::Cell(&text)) {
        Ok(_) => Ok(text),
        Err(problem) => Err((
            "CELL_NOT_TEXT",
            format!("holds a number, which keeps no leading zeros: {problem}; format the column as text"),
        )),
    }
}

fn date_elsewhere(field_type: &FieldType) -> Flaw {
    let expected = field_type.expected();
    (
        "CELL_NOT_TEXT",
        format!(
            "holds a date, expected {expected}; a spreadsheet program may have made it one: format the column as text \
             and enter the value again"
        ),
    )
}

/// The day of a serial number, which must be a whole one.
fn day(days: f64, is_1904: bool) -> Result<String, Flaw> {
    // A whole float prints without a point, so that reading its digits is exact.
    let Ok(serial) = days.to_string().parse::<i32>() else {
        return Err((
            "BAD_VALUE",
            "holds a date with a time of day; the field takes a date alone".to_owned(),
        ));
    };
    let day = match (is_1904, serial) {
        (true, 0..=SERIAL_MAX) => Some(EPOCH_1904 + serial),
        // 29 February 1900 never was, but spreadsheet programs count it: days before it are off by one.
        (false, NO_SUCH_DAY) => None,
        (false, 1..NO_SUCH_DAY) => Some(EPOCH_1900 + 1 + serial),
        (false, 61..=SERIAL_MAX) => Some(EPOCH_1900 + serial),
        _ => None,
    };
    match day.map(Day::from_number) {
        Some(day) => Ok(day.to_string()),
        None => Err((
            "BAD_VALUE",
            format!("holds the day number {serial}, which is no date"),
        )),
    }
}

/// A date as ISO 8601 text; midnight is what writers add to a date alone.
fn iso_day(text: &str) -> Result<String, Flaw> {
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    let midnight = time
        .trim_end_matches('Z')
        .chars()
        .all(|c| matches!(c, '0' | ':' | '.'));
    match Day::parse(date) {
        Ok(day) if midnight => Ok(day.to_string()),
        _ => Err(("BAD_VALUE", format!("holds {text:?}, which is no date alone"))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shilu_model::Title;

    use super::*;

    fn read(cell: &SheetCell, field_type: FieldType) -> Result<String, String> {
        let field = crate::import::xlsx::tests::field("f", field_type, Title::default());
        cell.read(&field, "C7").map_err(|refusal| refusal.code)
    }

    fn number(value: f64, field_type: FieldType) -> Result<String, String> {
        read(&SheetCell::Number { value, padded: false }, field_type)
    }

    #[test]
    fn numbers_keep_their_digits_or_are_refused() {
        let (text, decimal) = (FieldType::Text, FieldType::Decimal);
        assert_eq!(number(3.0, FieldType::Integer), Ok("3".into()));
        assert_eq!(number(-0.0, FieldType::Integer), Ok("0".into()));
        assert_eq!(number(12.35, decimal.clone()), Ok("12.35".into()));
        assert_eq!(number(1e-7, decimal.clone()), Ok("0.0000001".into()));
        assert_eq!(number(1e21, decimal), Err("CELL_NOT_TEXT".into()));
        assert_eq!(number(110_101_001.0, text.clone()), Ok("110101001".into()));
        assert_eq!(
            number(999_999_999_999_999.0, text.clone()),
            Ok("999999999999999".into())
        );
        assert_eq!(
            number(1_000_000_000_000_000.0, text.clone()),
            Err("CELL_NOT_TEXT".into())
        );
        assert_eq!(
            number(440_524_188_001_010_014.0, FieldType::CitizenId),
            Err("CELL_NOT_TEXT".into())
        );
        assert_eq!(
            number(5_758_234_567.0, FieldType::Phone),
            Err("CELL_NOT_TEXT".into())
        );
        assert_eq!(
            number(13_812_345_678.0, FieldType::Phone),
            Ok("13812345678".into())
        );
        let padded = SheetCell::Number {
            value: 7.0,
            padded: true,
        };
        assert_eq!(read(&padded, text), Err("CELL_NOT_TEXT".into()));
        assert_eq!(read(&padded, FieldType::Integer), Ok("7".into()));
    }

    #[test]
    fn dates_are_days_in_both_systems() {
        let date = |days: f64, is_1904| read(&SheetCell::Serial { days, is_1904 }, FieldType::Date);
        assert_eq!(date(42_101.0, false), Ok("2015-04-07".into()));
        assert_eq!(date(40_639.0, true), Ok("2015-04-07".into()));
        assert_eq!(date(1.0, false), Ok("1900-01-01".into()));
        assert_eq!(date(59.0, false), Ok("1900-02-28".into()));
        assert_eq!(date(61.0, false), Ok("1900-03-01".into()));
        assert_eq!(date(0.0, true), Ok("1904-01-01".into()));
        for days in [0.0, 60.0, -1.0, 42_101.5, 2_958_466.0, f64::NAN, f64::INFINITY] {
            assert_eq!(date(days, false), Err("BAD_VALUE".into()), "{days}");
        }
        let iso = |text: &str| read(&SheetCell::Iso(text.into()), FieldType::Date);
        assert_eq!(iso("2015-04-07T00:00:00Z"), Ok("2015-04-07".into()));
        assert_eq!(iso("2015-04-07"), Ok("2015-04-07".into()));
        assert_eq!(iso("2015-04-07T09:30:00"), Err("BAD_VALUE".into()));
        let serial = SheetCell::Serial {
            days: 42_101.0,
            is_1904: false,
        };
        assert_eq!(read(&serial, FieldType::Text), Err("CELL_NOT_TEXT".into()));
        assert_eq!(number(20_150_407.0, FieldType::Date), Err("BAD_VALUE".into()));
    }

    #[test]
    fn truths_errors_and_formulas() {
        let text = |text: &str| SheetCell::Text(text.into());
        assert_eq!(
            read(&SheetCell::Boolean(true), FieldType::Boolean),
            Ok("true".into())
        );
        assert_eq!(read(&text("TRUE"), FieldType::Boolean), Ok("true".into()));
        assert_eq!(read(&text("否"), FieldType::Boolean), Ok("否".into()));
        assert_eq!(read(&text("TRUE"), FieldType::Text), Ok("TRUE".into()));
        assert_eq!(
            read(&SheetCell::Error("#N/A".into()), FieldType::Text),
            Err("CELL_ERROR".into())
        );
        assert_eq!(
            read(&SheetCell::Formula("3".into()), FieldType::Integer),
            Err("CELL_FORMULA".into())
        );
        assert_eq!(read(&SheetCell::Span, FieldType::Date), Err("BAD_VALUE".into()));
    }

    proptest! {
        #[test]
        fn no_number_panics_and_taken_ones_are_exact(value in any::<f64>()) {
            for field_type in [FieldType::Text, FieldType::Decimal, FieldType::Integer] {
                if let Ok(text) = number(value, field_type) {
                    prop_assert_eq!(text.parse::<f64>().unwrap(), value);
                }
            }
            let _ = read(&SheetCell::Serial { days: value, is_1904: false }, FieldType::Date);
        }
    }
}
