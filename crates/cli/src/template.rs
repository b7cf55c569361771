//! `shilu template`: an empty workbook for one kind, to be filled in and imported.
//!
//! Everything that an import would refuse is made hard to type: codes are text, dates are dates, choices are lists.

use rust_xlsxwriter::{
    Color, DataValidation, DataValidationRule, ExcelDateTime, Format, Formula, Note, Workbook, Worksheet,
    XlsxError,
};
use serde_json::{Value, json};
use shilu_engine::EngineError;
use shilu_model::{Campaign, Field, FieldType, Kind};

use crate::{
    Done,
    args::TemplateArgs,
    error::CliError,
    export::{Out, cell, failed, format, header, sheet_name},
    import::{ROWS_MAX, letters},
    messages::Language,
    register::Register,
};

/// The key of the example row: no record has it, since no office gives it out.
pub const EXAMPLE_KEY: &str = "示例 EXAMPLE";
/// Longest list of choices that fits a cell's rule itself, in characters, by the format; longer ones need a sheet.
const INLINE_LIST_CHARS_MAX: usize = 255;
/// The last row that rules hold for, from 0.
const LAST_ROW: u32 = ROWS_MAX - 1;
/// The sheet of long lists of choices.
const CHOICES: &str = "选项 Choices";

/// Runs it.
pub fn run(args: &TemplateArgs, language: Language) -> Done {
    let register = Register::open(&args.source, language)?;
    let campaign = register.campaign();
    let made = campaign
        .kind(&args.kind)
        .ok_or_else(|| {
            CliError::from(EngineError::NoKind {
                kind: args.kind.clone(),
            })
        })
        .and_then(|kind| {
            let mut out = Out::binary(args.out.as_deref(), "a workbook")?;
            let bytes = workbook(&campaign, kind, language).map_err(failed)?;
            std::io::Write::write_all(&mut out, &bytes).map_err(|error| out.failed(error))?;
            out.finish()
        });
    made.and(register.close())
}

/// The template's bytes.
pub fn workbook(campaign: &Campaign, kind: &Kind, language: Language) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let lists = lists(campaign, kind);
    let on_a_sheet: Vec<&List<'_>> = lists.iter().filter(|list| list.needs_a_sheet()).collect();
    let sheet = workbook.add_worksheet();
    sheet.set_name(sheet_name(&kind.id))?;
    sheet.set_freeze_panes(1, 0)?;
    for (column, field) in (0..).zip(&kind.fields) {
        table_column(sheet, column, kind, field, language)?;
        rule(sheet, column, field, &lists, &on_a_sheet)?;
    }
    explain(workbook.add_worksheet(), kind)?;
    if !on_a_sheet.is_empty() {
        write_lists(workbook.add_worksheet(), &on_a_sheet)?;
    }
    workbook.save_to_buffer()
}

/// What a column chooses from: values, each with its title or nothing.
struct List<'k> {
    field: &'k str,
    values: Vec<(&'k str, &'k str)>,
}

impl List<'_> {
    /// Whether a cell's rule cannot hold it, or a person needs the titles beside the values.
    fn needs_a_sheet(&self) -> bool {
        let chars: usize = self
            .values
            .iter()
            .map(|(value, _)| value.chars().count() + 1)
            .sum();
        let odd = |(value, title): &(&str, &str)| value.contains([',', '"']) || !title.is_empty();
        chars > INLINE_LIST_CHARS_MAX || self.values.iter().any(odd)
    }
}

/// The columns that choose: choices, and areas where the campaign declares them.
fn lists<'k>(campaign: &'k Campaign, kind: &'k Kind) -> Vec<List<'k>> {
    let areas = || {
        campaign
            .areas
            .iter()
            .map(|area| (area.id.as_str(), area.title.zh().unwrap_or_default()))
    };
    let lists = kind.fields.iter().filter_map(|field| {
        let is_area = field.field_type == FieldType::Area || kind.area.as_ref() == Some(&field.id);
        let values = match &field.field_type {
            FieldType::Choice(values) => values.iter().map(|value| (value.as_str(), "")).collect(),
            _ if is_area && !campaign.areas.is_empty() => areas().collect(),
            _ => return None,
        };
        Some(List {
            field: &field.id,
            values,
        })
    });
    lists.collect()
}

/// Each list in two columns: its values, and what they are called.
fn write_lists(sheet: &mut Worksheet, lists: &[&List<'_>]) -> Result<(), XlsxError> {
    let text = Format::new().set_num_format("@");
    sheet.set_name(CHOICES)?;
    for (column, list) in (0..).step_by(2).zip(lists) {
        sheet.set_column_width(column, 18)?;
        sheet.write_string(0, column, list.field)?;
        for (row, (value, title)) in (1..).zip(&list.values) {
            sheet.write_string_with_format(row, column, *value, &text)?;
            if !title.is_empty() {
                sheet.write_string(row, column + 1, *title)?;
            }
        }
    }
    Ok(())
}

/// What the example row has in a field, as an import reads it.
pub fn example(kind: &Kind, field: &Field) -> String {
    if field.id == kind.key {
        return EXAMPLE_KEY.to_owned();
    }
    match &field.field_type {
        FieldType::Text | FieldType::LongText | FieldType::Area => "示例 example".to_owned(),
        FieldType::Integer => "3".to_owned(),
        FieldType::Decimal => "12.5".to_owned(),
        FieldType::Boolean => "是".to_owned(),
        FieldType::Date => "2015-04-07".to_owned(),
        FieldType::Choice(values) => values.first().cloned().unwrap_or_default(),
        FieldType::Reference(kinds) => format!("{}/示例", kinds.first().map_or("", String::as_str)),
        // The examples of the standards themselves, and numbers that are given to nobody.
        FieldType::CitizenId => "11010519491231002X".to_owned(),
        FieldType::CreditCode => "91350100M000100Y43".to_owned(),
        FieldType::Phone => "13800000000".to_owned(),
        FieldType::DivisionCode => "110101001".to_owned(),
    }
}

/// A column: its header with a note, its format, its example.
fn table_column(
    sheet: &mut Worksheet,
    column: u16,
    kind: &Kind,
    field: &Field,
    language: Language,
) -> Result<(), XlsxError> {
    let column_format = format(&field.field_type);
    sheet.set_column_width(column, 18)?;
    sheet.set_column_format(column, &column_format)?;
    let head = Format::new().set_bold().set_num_format("@");
    let (text, head) = if needed(kind, field) {
        let text = format!("{} *", header(kind, field, language));
        (text, head.set_background_color(Color::RGB(0x00F8_CBAD)))
    } else {
        let text = header(kind, field, language).to_owned();
        (text, head.set_background_color(Color::RGB(0x00D9_E1F2)))
    };
    sheet.write_string_with_format(0, column, text, &head)?;
    let note = Note::new(about(kind, field).join("\n")).add_author_prefix(false);
    sheet.insert_note(0, column, &note.set_width(260).set_height(140))?;
    let shown = column_format.set_italic().set_font_color(Color::Gray);
    let text = example(kind, field);
    let value = match field.field_type {
        FieldType::Integer => json!(3),
        _ => Value::String(text),
    };
    cell(sheet, (1, column), &field.field_type, &value, &shown)?;
    if field.id == kind.key {
        let text = "示例行：导入时跳过；可删除。\nAn example: an import passes it over; it may be deleted.";
        sheet.insert_note(1, column, &Note::new(text).add_author_prefix(false))?;
    }
    Ok(())
}

/// What may be typed in a column, where a spreadsheet program can tell.
fn rule(
    sheet: &mut Worksheet,
    column: u16,
    field: &Field,
    lists: &[List<'_>],
    on_a_sheet: &[&List<'_>],
) -> Result<(), XlsxError> {
    let rule = DataValidation::new();
    let place = (0..)
        .step_by(2)
        .zip(on_a_sheet)
        .find(|(_, list)| list.field == field.id);
    let rule = match (
        &field.field_type,
        place,
        lists.iter().find(|list| list.field == field.id),
    ) {
        (_, Some((at, list)), _) => {
            let (letters, last) = (letters(at), list.values.len() + 1);
            rule.allow_list_formula(Formula::new(format!(
                "='{CHOICES}'!${letters}$2:${letters}${last}"
            )))
        }
        (_, None, Some(list)) => {
            let values: Vec<&str> = list.values.iter().map(|(value, _)| *value).collect();
            rule.allow_list_strings(&values)?
        }
        (FieldType::Boolean, ..) => rule.allow_list_strings(&["是", "否"])?,
        (FieldType::Date, ..) => {
            let first = ExcelDateTime::from_ymd(1900, 3, 1)?;
            rule.allow_date(DataValidationRule::GreaterThanOrEqualTo(first))
        }
        _ => return Ok(()),
    };
    let rule = rule
        .set_error_title("shilu")?
        .set_error_message(expected(&field.field_type))?;
    // The example stands above the rule.
    sheet.add_data_validation(2, column, LAST_ROW, column, &rule)?;
    Ok(())
}

fn needed(kind: &Kind, field: &Field) -> bool {
    field.required || field.id == kind.key
}

/// What a person should know of a field, line by line.
fn about(kind: &Kind, field: &Field) -> Vec<String> {
    let mut lines = vec![field.id.clone()];
    lines.extend([&field.title.zh, &field.title.en].into_iter().flatten().cloned());
    lines.push(format!(
        "{} {}",
        type_zh(&field.field_type),
        field.field_type.expected()
    ));
    if field.id == kind.key {
        lines.push("主键，必填，不可重复。The record's key: required, and there once.".to_owned());
    } else if field.required {
        lines.push("必填 required".to_owned());
    }
    lines
}

/// What was expected, short enough for a spreadsheet program's message.
fn expected(field_type: &FieldType) -> String {
    let text = format!("{} {}", type_zh(field_type), field_type.expected());
    text.chars().take(INLINE_LIST_CHARS_MAX).collect()
}

const fn type_zh(field_type: &FieldType) -> &'static str {
    match field_type {
        FieldType::Text | FieldType::LongText => "文本",
        FieldType::Integer => "整数",
        FieldType::Decimal => "小数",
        FieldType::Boolean => "是/否",
        FieldType::Date => "日期",
        FieldType::Choice(_) => "选项",
        FieldType::Reference(_) => "引用其他档案（类别/主键）",
        FieldType::Area => "区域",
        FieldType::CitizenId => "公民身份号码（文本）",
        FieldType::CreditCode => "统一社会信用代码（文本）",
        FieldType::Phone => "电话（文本）",
        FieldType::DivisionCode => "区划代码（文本）",
    }
}

/// The sheet that explains.
fn explain(sheet: &mut Worksheet, kind: &Kind) -> Result<(), XlsxError> {
    let (bold, text) = (
        Format::new().set_bold(),
        Format::new().set_num_format("@").set_text_wrap(),
    );
    sheet.set_name("说明 How to")?;
    sheet.set_column_width(0, 24)?;
    sheet.set_column_width(1, 90)?;
    let title = kind.title.zh().unwrap_or(&kind.id);
    let lines = [
        format!("{title}：一行一条档案。带 * 的列必填。One row is one record; columns with * are required."),
        "不要改动表头，不要合并单元格，不要填公式。Leave the headers; no merged cells, no formulas."
            .to_owned(),
        "号码和代码一律为文本，否则会丢失数字。Numbers that name something (ids, codes, phones) are text."
            .to_owned(),
        "空单元格表示没有值。An empty cell means no value.".to_owned(),
        "示例行未改动时导入会跳过。An import passes the example row over while it is unchanged.".to_owned(),
        format!(
            "shilu import FILE.xlsx --kind {} --as ACTOR --reason TEXT --data DIR --dry-run",
            kind.id
        ),
    ];
    let mut row = 0;
    for line in lines {
        sheet.write_string_with_format(row, 1, line, &text)?;
        row += 1;
    }
    for field in &kind.fields {
        row += 1;
        sheet.write_string_with_format(row, 0, &field.id, &bold)?;
        let lines = about(kind, field);
        sheet.write_string_with_format(row, 1, lines.get(1..).unwrap_or_default().join("；"), &text)?;
    }
    Ok(())
}
