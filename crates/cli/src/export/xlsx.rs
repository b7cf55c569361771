//! `--format xlsx`: a table that a spreadsheet program opens as it is and that an import takes back unchanged.
//!
//! Texts, codes and keys are text cells, so that no program drops a leading zero or takes `=…` for a formula.

use std::io::{self, Seek, SeekFrom};

use rust_xlsxwriter::{Color, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use serde_json::Value;
use shilu_model::{Day, Field, FieldType, Kind};

use super::{about::About, out::Out};
use crate::{
    Done,
    error::CliError,
    import::{DIGITS_KEPT, ROWS_MAX, field_of_column},
    messages::Language,
    wire,
};

/// Longest name of a sheet, by the format.
const SHEET_NAME_CHARS_MAX: usize = 31;
/// What a simulated register's workbook says on every page.
const SIMULATED: &str = "模拟数据 simulated: not real data";
/// From here on a serial number means the same day in every program.
const FIRST_SAFE_DAY: &str = "1900-03-01";

/// A workbook that is being written.
pub struct XlsxFile<'k> {
    kind: &'k Kind,
    workbook: Workbook,
    formats: Vec<Format>,
    row: u32,
    out: Out,
}

impl<'k> XlsxFile<'k> {
    /// Begins with the header.
    pub fn new(kind: &'k Kind, simulated: bool, language: Language, out: Out) -> Result<Self, CliError> {
        let mut file = XlsxFile {
            kind,
            workbook: Workbook::new(),
            formats: kind
                .fields
                .iter()
                .map(|field| format(&field.field_type))
                .collect(),
            row: 0,
            out,
        };
        file.begin(simulated, language).map_err(failed)?;
        Ok(file)
    }

    fn begin(&mut self, simulated: bool, language: Language) -> Result<(), XlsxError> {
        let bold = Format::new().set_bold().set_num_format("@");
        let kind = self.kind;
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(sheet_name(&kind.id))?;
        sheet.set_freeze_panes(1, 0)?;
        if simulated {
            mark_simulated(sheet);
        }
        for (column, format) in (0..).zip(&self.formats) {
            sheet.set_column_width(column, 16)?;
            sheet.set_column_format(column, format)?;
        }
        for (column, field) in (0..).zip(&kind.fields) {
            sheet.write_string_with_format(0, column, header(kind, field, language), &bold)?;
        }
        Ok(())
    }

    /// Writes a record: its values in the fields' order.
    pub fn write<'v>(&mut self, values: impl Iterator<Item = Option<&'v Value>>) -> Done {
        self.row += 1;
        if self.row >= ROWS_MAX {
            return Err(CliError::Refused {
                code: "TOO_MANY_ROWS",
                problem: format!(
                    "a sheet holds {ROWS_MAX} rows, header included, and there are more records"
                ),
                hint: "export as csv, jsonl or parquet",
            });
        }
        let row = self.row;
        let sheet = self.workbook.worksheet_from_index(0).map_err(failed)?;
        for (column, ((field, format), value)) in
            (0..).zip(self.kind.fields.iter().zip(&self.formats).zip(values))
        {
            if let Some(value) = value {
                cell(sheet, (row, column), &field.field_type, value, format).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Adds the sheet that says what this is, and hands the bytes over.
    pub fn finish(mut self, about: &About, language: Language) -> Done {
        self.about(about, language).map_err(failed)?;
        let mut whole = tempfile::tempfile().map_err(|error| self.out.failed(error))?;
        self.workbook.save_to_writer(&mut whole).map_err(failed)?;
        let copied = whole
            .seek(SeekFrom::Start(0))
            .and_then(|_| io::copy(&mut whole, &mut self.out));
        copied.map_err(|error| self.out.failed(error))?;
        self.out.finish()
    }

    fn about(&mut self, about: &About, language: Language) -> Result<(), XlsxError> {
        let title = self.kind.title.zh().unwrap_or(&self.kind.id).to_owned();
        let sheet = self.workbook.add_worksheet();
        sheet.set_name("关于 About")?;
        sheet.set_column_width(0, 34)?;
        sheet.set_column_width(1, 60)?;
        let (bold, text) = (Format::new().set_bold(), Format::new().set_num_format("@"));
        let left_out = about.left_out(|status| language.word(status.word()).to_owned());
        let mut lines = vec![
            ("登记册 Register", about.origin.clone()),
            ("类别 Kind", format!("{} {title}", about.kind)),
            ("截至位次 Known up to position", about.as_of_position.clone()),
            ("截至时间 Known as of", about.as_of.clone()),
            ("生效时间 In effect at", about.effective.clone()),
            ("状态 Status", language.word(about.status).to_owned()),
            ("数量 Records", about.count.to_string()),
            (
                "未导出 Left out",
                if left_out.is_empty() {
                    "0".to_owned()
                } else {
                    left_out
                },
            ),
        ];
        if about.simulated {
            mark_simulated(sheet);
            lines.insert(0, ("注意 Note", SIMULATED.to_owned()));
        }
        for (row, (name, value)) in (0..).zip(lines) {
            sheet.write_string_with_format(row, 0, name, &bold)?;
            sheet.write_string_with_format(row, 1, value, &text)?;
        }
        Ok(())
    }
}

/// Every page and the tab say that this is not real.
/// Says on every page that the data are simulated.
pub fn mark_simulated(sheet: &mut Worksheet) {
    sheet.set_header(format!("&C&B{SIMULATED}"));
    sheet.set_footer(format!("&C&B{SIMULATED}"));
    sheet.set_tab_color(Color::Red);
}

/// What the header calls a field: the first of its columns' names, else its title in the language, else its id;
/// never a name that an import would not understand.
pub fn header<'f>(kind: &Kind, field: &'f Field, language: Language) -> &'f str {
    let (zh, en) = (field.title.zh.as_deref(), field.title.en.as_deref());
    let title = match language {
        Language::Zh => zh.or(en),
        Language::En => en.or(zh),
    };
    let understood = |title: &&str| {
        let found = field_of_column(kind, title).and_then(|index| kind.fields.get(index));
        found.is_some_and(|found| found.id == field.id)
    };
    let column = field.columns.first().map(String::as_str).filter(understood);
    column.or(title.filter(understood)).unwrap_or(&field.id)
}

/// A name that a sheet may have.
pub fn sheet_name(id: &str) -> String {
    id.chars().take(SHEET_NAME_CHARS_MAX).collect()
}

/// How a column's cells are shown, and what a program makes of what is typed there.
pub fn format(field_type: &FieldType) -> Format {
    Format::new().set_num_format(match field_type {
        FieldType::Integer | FieldType::Decimal | FieldType::Boolean => "General",
        FieldType::Date => "yyyy-mm-dd",
        _ => "@",
    })
}

/// Writes a value as what it is; as text where a number or date would not hold it exactly.
pub fn cell(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    field_type: &FieldType,
    value: &Value,
    format: &Format,
) -> Result<(), XlsxError> {
    let text = wire::cell(value);
    match (field_type, value) {
        (_, Value::Null) => {}
        (FieldType::Boolean, Value::Bool(truth)) => {
            sheet.write_boolean_with_format(row, column, *truth, format)?;
        }
        (FieldType::Integer | FieldType::Decimal, _) if let Some(number) = exact(&text) => {
            sheet.write_number_with_format(row, column, number, format)?;
        }
        (FieldType::Date, Value::String(_)) if Day::parse(&text).is_ok() && *text >= *FIRST_SAFE_DAY => {
            sheet.write_datetime_with_format(row, column, ExcelDateTime::parse_from_str(&text)?, format)?;
        }
        _ => {
            sheet.write_string_with_format(row, column, text, &Format::new().set_num_format("@"))?;
        }
    }
    Ok(())
}

/// The number that a text writes, if a spreadsheet program keeps it exactly.
fn exact(text: &str) -> Option<f64> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let number = text.parse::<f64>().ok().filter(|_| digits <= DIGITS_KEPT)?;
    (number.to_string() == text).then_some(number)
}

/// A failure of the writer: only its files can fail.
pub fn failed(error: XlsxError) -> CliError {
    match error {
        XlsxError::IoError(error) => CliError::output(error),
        error => CliError::output(io::Error::other(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_numbers_where_that_is_exact() {
        assert_eq!(exact("12.35"), Some(12.35));
        assert_eq!(exact("-7"), Some(-7.0));
        assert_eq!(exact("999999999999999"), Some(999_999_999_999_999.0));
        assert_eq!(exact("1000000000000000"), None);
        assert_eq!(exact("0.1234567890123456789"), None);
        assert_eq!(exact("1e3"), None);
    }
}
