//! Workbooks made by a spreadsheet writer, and hostile ones made by hand: what is read of each, and what is refused.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
};

use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook, Worksheet};
use shilu_model::{Campaign, Field, FieldType, Kind, Title};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::*;
use crate::import::{encoding::About, error::ImportError, rows::Layout, rows::Rows};

const CAMPAIGN: &str = r#"
    name = "t"
    origin = "example.org/t"
    timezone = "Asia/Shanghai"
    earliest = 1900-01-01
    [[kinds]]
    id = "dwelling"
    key = "code"
    [kinds.fields]
    code = { type = "text", required = true, title = { en = "Code", zh = "编码" } }
    built = { type = "date", title = { zh = "建成" } }
    rooms = { type = "integer", title = { zh = "间数" } }
    let = { type = "boolean" }
    phone = { type = "phone" }
"#;

/// A field, for tests of cells.
pub fn field(id: &str, field_type: FieldType, title: Title) -> Field {
    let campaign = Campaign::parse(CAMPAIGN).unwrap();
    Field {
        id: id.to_owned(),
        field_type,
        title,
        required: false,
        ..campaign.kinds[0].fields[0].clone()
    }
}

pub fn kind() -> Kind {
    Campaign::parse(CAMPAIGN).unwrap().kinds[0].clone()
}

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}

/// A workbook with one sheet, headers by id, and whatever else is written.
fn workbook(write: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, name) in (0..).zip(["code", "built", "rooms", "let", "phone"]) {
        sheet.write_string(0, column, name).unwrap();
    }
    write(sheet);
    workbook.save_to_buffer().unwrap()
}

/// Every row, as what it says of each field, or the code why not.
fn read_sheet(bytes: &[u8], sheet: Option<&str>) -> Result<Vec<String>, ImportError> {
    let (kind, file) = (kind(), file_of(bytes));
    let sheet = Sheet::choose(&file, sheet, &kind)?;
    let mut rows = Rows::new(&kind, &file, About::default(), Layout::Xlsx(&sheet))?;
    let mut read = Vec::new();
    while let Some(row) = rows.next()? {
        let says = |index| match row.input(index) {
            Ok(None) => "untouched".to_owned(),
            Ok(Some(shilu_model::Input::Cell(text))) => text.to_owned(),
            Ok(Some(other)) => format!("{other:?}"),
            Err(refusal) => refusal.code,
        };
        let mut line: Vec<String> = (0..kind.fields.len()).map(says).collect();
        if let Err(refusal) = row.check_outside() {
            line.push(format!("{} {}", refusal.code, refusal.field.unwrap()));
        }
        read.push(format!("{}: {}", row.line(), line.join(" | ")));
    }
    Ok(read)
}

fn read(bytes: &[u8]) -> Vec<String> {
    read_sheet(bytes, None).unwrap()
}

fn refused(bytes: &[u8]) -> (&'static str, String) {
    let error = read_sheet(bytes, None).unwrap_err();
    (error.code(), error.to_string())
}

#[test]
fn cells_of_every_type_are_read_as_what_they_say() {
    let date = Format::new().set_num_format("yyyy-mm-dd");
    let bytes = workbook(|sheet| {
        sheet.write_string(1, 0, "001").unwrap();
        let day = ExcelDateTime::from_ymd(2015, 4, 7).unwrap();
        sheet.write_datetime_with_format(1, 1, &day, &date).unwrap();
        sheet.write_number(1, 2, 3.0).unwrap();
        sheet.write_boolean(1, 3, true).unwrap();
        sheet.write_string(1, 4, "0575-82345678").unwrap();
        sheet.write_number(3, 0, 110_101_001.0).unwrap();
        sheet.write_string(3, 1, "2015-04-08").unwrap();
        sheet.write_number(3, 2, 2.5).unwrap();
        sheet.write_string(3, 3, "否").unwrap();
        sheet.write_number(3, 4, 57_582_345_678.0).unwrap();
    });
    insta::assert_snapshot!(read(&bytes).join("\n"), @r"
    2: 001 | 2015-04-07 | 3 | true | 0575-82345678
    4: 110101001 | 2015-04-08 | 2.5 | 否 | CELL_NOT_TEXT
    ");
}

#[test]
fn what_cannot_be_taken_is_refused_cell_by_cell() {
    let bytes = workbook(|sheet| {
        sheet
            .write_formula(1, 0, Formula::new("=\"1\"").set_result("1"))
            .unwrap();
        sheet.write_string(2, 0, "2").unwrap();
        sheet
            .write_formula(2, 2, Formula::new("=1+2").set_result("3"))
            .unwrap();
        sheet.write_string(3, 0, "3").unwrap();
        sheet.write_string(4, 0, "4").unwrap();
        sheet
            .merge_range(3, 1, 4, 2, "2015-04-07", &Format::new())
            .unwrap();
        sheet.write_string(5, 0, "5").unwrap();
        sheet.write_number(5, 4, 440_524_188_001_010_014.0).unwrap();
        sheet.write_string(6, 0, "6").unwrap();
        sheet.write_string(6, 7, "a remark").unwrap();
        sheet
            .write_number_with_format(7, 0, 7.0, &Format::new().set_num_format("000000"))
            .unwrap();
        sheet.write_string(8, 0, "8").unwrap();
    });
    insta::assert_snapshot!(read(&bytes).join("\n"), @r"
    2: CELL_FORMULA |  |  |  | 
    3: 2 |  | CELL_FORMULA |  | 
    4: 3 | CELL_MERGED | CELL_MERGED |  | 
    5: 4 | CELL_MERGED | CELL_MERGED |  | 
    6: 5 |  |  |  | CELL_NOT_TEXT
    7: 6 |  |  |  |  | CELL_OUTSIDE H
    8: CELL_NOT_TEXT |  |  |  | 
    9: 8 |  |  |  | 
    ");
}

#[test]
fn the_sheet_is_the_one_with_the_headers_or_the_one_that_is_asked_for() {
    let mut workbook = Workbook::new();
    workbook
        .add_worksheet()
        .set_name("封面")
        .unwrap()
        .write_string(0, 0, "2015")
        .unwrap();
    let sheet = workbook.add_worksheet().set_name("三月").unwrap();
    for (column, name) in (0..).zip(["编码 *", "", "间数"]) {
        sheet.write_string(2, column, name).unwrap();
    }
    sheet.write_string(3, 0, "1").unwrap();
    sheet.set_row_hidden(3).unwrap().set_column_hidden(2).unwrap();
    let bytes = workbook.save_to_buffer().unwrap();
    assert_eq!(read(&bytes), ["4: 1 | untouched |  | untouched | untouched"]);
    let chosen = Sheet::choose(&file_of(&bytes), None, &kind()).unwrap();
    assert_eq!((chosen.name.as_str(), chosen.sheets), ("三月", 2));
    assert_eq!((chosen.scan.hidden_rows, chosen.scan.hidden_columns), (1, 1));
    let error = read_sheet(&bytes, Some("四月")).unwrap_err();
    assert_eq!(error.code(), "NO_SHEET");
    assert!(error.hint().contains("封面, 三月"), "{}", error.hint());
    assert_eq!(
        read_sheet(&bytes, Some("封面")).unwrap_err().code(),
        "UNKNOWN_COLUMN"
    );
}

#[test]
fn headers_are_held_to_what_a_csv_file_s_are() {
    let header = |names: &[&str]| {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        for (column, name) in (0..).zip(names) {
            sheet.write_string(0, column, *name).unwrap();
        }
        refused(&workbook.save_to_buffer().unwrap()).0
    };
    assert_eq!(header(&[]), "BAD_XLSX");
    assert_eq!(header(&["code", "owner"]), "UNKNOWN_COLUMN");
    assert_eq!(header(&["code", "编码"]), "DUPLICATE_COLUMN");
    assert_eq!(header(&["rooms"]), "KEY_COLUMN_MISSING");
}

#[test]
fn a_template_s_example_is_passed_over_until_it_is_changed() {
    let bytes = crate::template::workbook(
        &Campaign::parse(CAMPAIGN).unwrap(),
        &kind(),
        crate::messages::Language::Zh,
    )
    .unwrap();
    assert_eq!(read(&bytes), [""; 0]);
    let changed = workbook(|sheet| {
        sheet.write_string(1, 0, crate::template::EXAMPLE_KEY).unwrap();
        sheet.write_number(1, 2, 4.0).unwrap();
    });
    assert_eq!(read(&changed), ["2: EXAMPLE_ROW |  | 4 |  | "]);
}

#[test]
fn a_1904_workbook_counts_its_days_from_there() {
    let date = Format::new().set_num_format("yyyy-mm-dd");
    let bytes = workbook(|sheet| {
        sheet.write_string(1, 0, "1").unwrap();
        sheet.write_number_with_format(1, 1, 40_639.0, &date).unwrap();
    });
    let bytes = rewrite(&bytes, "xl/workbook.xml", |xml| {
        xml.replacen("<workbookPr ", "<workbookPr date1904=\"1\" ", 1)
    });
    assert_eq!(read(&bytes), ["2: 1 | 2015-04-07 |  |  | "]);
}

/// A workbook whose part is another text.
fn rewrite(bytes: &[u8], part: &str, change: impl FnOnce(&str) -> String) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut change = Some(change);
    for index in 0..archive.len() {
        let mut from = archive.by_index(index).unwrap();
        let name = from.name().unwrap().into_owned();
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut from, &mut text).unwrap();
        if name == part {
            let changed = change.take().unwrap()(std::str::from_utf8(&text).unwrap());
            assert_ne!(changed.as_bytes(), text, "{part} is as it was");
            text = changed.into_bytes();
        }
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        writer.start_file(name, options).unwrap();
        writer.write_all(&text).unwrap();
    }
    assert!(change.is_none(), "no part {part}");
    writer.finish().unwrap().into_inner()
}

const SHEET: &str = "xl/worksheets/sheet1.xml";

#[test]
fn errors_in_cells_are_refused() {
    let bytes = workbook(|sheet| {
        sheet.write_string(1, 0, "1").unwrap();
        sheet.write_number(1, 2, 3.0).unwrap();
    });
    let bytes = rewrite(&bytes, SHEET, |xml| {
        xml.replacen("<c r=\"C2\"><v>3</v>", "<c r=\"C2\" t=\"e\"><v>#N/A</v>", 1)
    });
    assert_eq!(read(&bytes), ["2: 1 |  | CELL_ERROR |  | "]);
}

#[test]
fn hostile_sheets_write_nothing() {
    let good = workbook(|sheet| {
        sheet.write_string(1, 0, "1").unwrap();
        sheet.write_number(1, 2, 3.0).unwrap();
        sheet.write_number(1, 3, 1.0).unwrap();
    });
    assert_eq!(read(&good), ["2: 1 |  | 3 | 1 | "]);
    let sheet = |from: &str, to: &str| refused(&rewrite(&good, SHEET, |xml| xml.replacen(from, to, 1)));
    let (code, problem) = sheet("r=\"D2\"", "r=\"B2\"");
    assert!(
        code == "BAD_XLSX" && problem.contains("out of order"),
        "{problem}"
    );
    assert_eq!(sheet("r=\"D2\"", "r=\"XFE2\"").0, "BAD_XLSX");
    assert_eq!(sheet("</sheetData>", "").0, "BAD_XLSX");
    let (code, problem) = sheet("<v>3</v>", &format!("<v>{}</v>", "3".repeat(3 << 20)));
    assert!(code == "BAD_XLSX" && problem.contains("tag or text"), "{problem}");
    let quoted = format!("<c r=\"C2\" a=\"{}\">", ">".repeat(3 << 20));
    assert_eq!(sheet("<c r=\"C2\">", &quoted).0, "BAD_XLSX");
}

#[test]
fn a_workbook_that_breaks_off_anywhere_is_refused() {
    let good = workbook(|sheet| {
        for row in 1..200 {
            sheet.write_string(row, 0, format!("越城区{row}")).unwrap();
        }
    });
    for part in 0..20 {
        let cut = good.len() * part / 20;
        assert_eq!(refused(&good[..cut]).0, "BAD_XLSX", "cut at {cut}");
    }
    // Damage within a part: its checksum tells.
    let at = good.len() / 3;
    let mut damaged = good.clone();
    damaged[at] ^= 0x10;
    assert!(read_sheet(&damaged, None).is_err());
}

#[test]
fn a_zip_bomb_is_refused_before_it_is_kept() {
    let good = workbook(|_| {});
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&good)).unwrap();
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let part = archive.by_index_raw(index).unwrap();
        if part.name().unwrap() != "xl/sharedStrings.xml" {
            writer.raw_copy_file(part).unwrap();
        }
    }
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    writer.start_file("xl/sharedStrings.xml", options).unwrap();
    let blank = vec![b' '; 1 << 20];
    for _ in 0..=(container::HELD_BYTES_MAX >> 20) {
        writer.write_all(&blank).unwrap();
    }
    let bomb = writer.finish().unwrap().into_inner();
    assert!(bomb.len() < 1 << 20);
    let (code, problem) = refused(&bomb);
    assert!(
        code == "XLSX_TOO_LARGE" && problem.contains("sharedStrings"),
        "{problem}"
    );
}

#[test]
fn what_is_no_workbook_is_named_for_what_it_is() {
    let ole = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
    let name: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    // The name lies across the end of a chunk.
    let encrypted = [&ole[..], &vec![0; (64 << 10) - 20], &name, &[0; 512]].concat();
    assert_eq!(refused(&encrypted).0, "XLSX_ENCRYPTED");
    let says = |bytes: &[u8]| {
        let (code, problem) = refused(bytes);
        assert_eq!(code, "BAD_XLSX");
        problem
    };
    assert!(says(&[&ole[..], &[0; 600]].concat()).contains("old .xls"));
    assert!(says("code,rooms\n1,2\n".as_bytes()).contains("CSV"));
    assert!(says(b"").contains("empty"));
    assert!(says(&[0xff; 100]).contains("first bytes"));
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("mimetype", SimpleFileOptions::default()).unwrap();
    assert!(says(&zip.finish().unwrap().into_inner()).contains("_rels/.rels"));
}

#[test]
fn many_rows_come_in_order() {
    let bytes = workbook(|sheet| {
        for row in 1..3_000 {
            sheet.write_string(row, 0, row.to_string()).unwrap();
        }
    });
    let rows = read(&bytes);
    assert_eq!(rows.len(), 2_999);
    assert!(
        (2..)
            .zip(&rows)
            .all(|(line, row)| row.starts_with(&format!("{line}: {} |", line - 1)))
    );
}
