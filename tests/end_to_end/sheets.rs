//! Workbooks, in and out, through the program: what is exported is imported again, and bad cells are told.

use std::fs;

use rust_xlsxwriter::{Format, Formula, Workbook};
use serde_json::{Value, json};
use shilu_tests::workload::CAMPAIGN;

use crate::shilu::{Done, Register, shilu};

const ROWS: &str = "code,area,rooms,note\n001,north,3,\n2,north,,=1+1\n3,south,0,\"a, \"\"b\"\"\"\n";

fn import(register: &Register, file: &str, more: &[&str]) -> Done {
    let words = [
        "import", file, "--kind", "dwelling", "--as", "ann", "--reason", "a test", "--format", "json",
    ];
    register.run(&[&words[..], more].concat())
}

fn filled() -> Register {
    let register = Register::new(CAMPAIGN);
    let file = register.file("rows.csv", ROWS);
    import(&register, &file, &["--snapshot", "--effective", "2020-01-01"]).json();
    register
}

/// A workbook with a header and these rows; a cell that begins with `=` is a formula.
fn workbook(register: &Register, name: &str, rows: &[[&str; 4]]) -> String {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in (0..).zip([["code", "area", "rooms", "note"]].iter().chain(rows)) {
        for (column, cell) in (0..).zip(cells) {
            match cell.strip_prefix('=') {
                Some(formula) => sheet.write_formula(row, column, Formula::new(formula)).unwrap(),
                None => sheet.write_string(row, column, *cell).unwrap(),
            };
        }
    }
    register.file(name, workbook.save_to_buffer().unwrap())
}

#[test]
fn an_exported_workbook_changes_nothing_where_it_is_imported_again() {
    let register = filled();
    let file = register.home.path().join("out.xlsx");
    let file = file.to_str().unwrap();
    let export = ["export", "--kind", "dwelling", "--format", "xlsx", "--out", file];
    assert_eq!(register.run(&export).well(), "");
    for more in [&["--snapshot", "--effective", "2020-01-01"][..], &[]] {
        let done = import(&register, file, more).json();
        assert_eq!(
            (&done["unchanged"], &done["rejected"], &done["first_position"]),
            (&json!(3), &json!(0), &Value::Null),
            "{done}"
        );
    }
    assert_eq!(register.events(), 7);
    let other = Register::new(CAMPAIGN);
    assert_eq!(import(&other, file, &["--snapshot"]).json()["registered"], 3);
    assert_eq!(other.run(&["export", "--kind", "dwelling"]).well(), ROWS);
    let history = other
        .run(&["history", "dwelling/001", "--format", "jsonl"])
        .well();
    let source: Value = serde_json::from_str(history.lines().next().unwrap()).unwrap();
    assert_eq!(source["source"]["row"], 2, "{source}");
}

#[test]
fn csv_goes_to_a_file_that_is_there_when_it_is_whole() {
    let register = filled();
    let file = register.file("out.csv", "old");
    register
        .run(&["export", "--kind", "dwelling", "--out", &file])
        .well();
    assert_eq!(fs::read_to_string(&file).unwrap(), ROWS);
    register
        .run(&["export", "--kind", "shed", "--out", &file])
        .refused(1, "NO_KIND");
    assert_eq!(fs::read_to_string(&file).unwrap(), ROWS);
}

#[test]
fn a_row_that_cannot_be_taken_is_told_by_its_cell_and_the_others_are_taken() {
    let register = filled();
    let rows = [
        ["7", "north", "=1+2", ""],
        ["8", "north", "many", ""],
        ["9", "north", "1", "x"],
        ["=\"2\"", "north", "1", ""],
    ];
    let file = workbook(&register, "some.xlsx", &rows);
    let dry = import(&register, &file, &["--dry-run"]);
    assert!(
        dry.stderr
            .contains("line 2, C: [CELL_FORMULA] C2 holds a formula"),
        "{dry:?}"
    );
    assert_eq!(
        (dry.json()["collected"].clone(), register.events()),
        (json!(1), 7)
    );
    let done = import(&register, &file, &[]);
    assert_eq!((&done.json()["collected"], register.events()), (&json!(1), 8));
    let rejected = fs::read_to_string(format!("{file}.rejected.csv")).unwrap();
    let places: Vec<&str> = rejected
        .lines()
        .map(|line| line.split(",\"").next().unwrap())
        .collect();
    let header = "\u{feff}line,column,code,reason,hint,code,area,rooms,note";
    assert_eq!(
        places[0], header,
        "a workbook's rows come back to a spreadsheet program"
    );
    assert!(places[1].starts_with("2,C,CELL_FORMULA"), "{rejected}");
    assert!(places[2].starts_with("3,C,BAD_VALUE"), "{rejected}");
    assert!(places[3].starts_with("5,A,CELL_FORMULA"), "{rejected}");
    // A key that nobody can read may be any record's: nothing is deregistered.
    let done = import(&register, &file, &["--snapshot"]);
    assert!(
        done.stderr.contains("no missing record was deregistered"),
        "{done:?}"
    );
    assert_eq!(done.json()["deregistered"], 0);
}

#[test]
fn a_bad_workbook_leaves_the_register_as_it_was() {
    let register = filled();
    let file = workbook(&register, "good.xlsx", &[["9", "north", "1", "x"]]);
    let good = fs::read(&file).unwrap();
    let half = register.file("half.xlsx", &good[..good.len() / 2]);
    let text = register.file("text.xlsx", ROWS);
    let named = register.file("named.csv", &good);
    let locked = [
        &b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"[..],
        &"EncryptedPackage"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<_>>(),
    ];
    let locked = register.file("locked.xlsx", locked.concat());
    let old = register.file("old.xls", b"x");
    for (file, code) in [
        (half, "BAD_XLSX"),
        (text, "BAD_XLSX"),
        (named, "BAD_FILE"),
        (locked, "XLSX_ENCRYPTED"),
        (old, "BAD_FILE"),
    ] {
        for more in [&["--snapshot"][..], &[]] {
            let done = import(&register, &file, more).refused(2, code);
            assert!(done.stderr.contains("hint"), "{done:?}");
        }
    }
    let done = import(&register, &file, &["--sheet", "三月"]).refused(1, "NO_SHEET");
    assert!(done.stderr.contains("Sheet1"), "{done:?}");
    let csv = register.file("rows.csv", ROWS);
    import(&register, &csv, &["--sheet", "三月"]).refused(2, "USAGE");
    assert_eq!(register.events(), 7);
}

#[test]
fn a_template_is_filled_in_and_imported() {
    let register = filled();
    let file = register.home.path().join("form.xlsx");
    let file = file.to_str().unwrap();
    register.run(&["template", "dwelling", "--out", file]).well();
    let done = import(&register, file, &[]);
    assert!(
        done.stderr.contains("example was passed over, row: 2"),
        "{done:?}"
    );
    assert_eq!(done.json()["rejected"], 0);
    assert_eq!(register.events(), 7);
    register
        .run(&["template", "shed", "--out", file])
        .refused(1, "NO_KIND");
}

#[test]
fn a_simulated_register_says_so_in_its_workbook() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("campaign.toml"), CAMPAIGN).unwrap();
    shilu(&[
        "init",
        &at("reg"),
        "--campaign",
        &at("campaign.toml"),
        "--as",
        "mayor",
        "--simulated",
    ])
    .well();
    let export = [
        "export",
        "--kind",
        "dwelling",
        "--format",
        "xlsx",
        "--data",
        &at("reg"),
        "--out",
        &at("o.xlsx"),
    ];
    let done = shilu(&export);
    assert!(done.stderr.contains("simulated"), "{done:?}");
    done.well();
    assert!(fs::metadata(at("o.xlsx")).unwrap().len() > 1_000);
}

#[test]
fn hidden_rows_are_read_and_counted() {
    let register = filled();
    let mut workbook = Workbook::new();
    workbook.add_worksheet().write_string(0, 0, "封面").unwrap();
    let sheet = workbook.add_worksheet();
    for (column, name) in (0..).zip(["code *", "area", "rooms"]) {
        sheet.write_string(0, column, name).unwrap();
    }
    sheet
        .write_string_with_format(1, 0, "10", &Format::new())
        .unwrap();
    sheet.write_string(1, 1, "north").unwrap();
    sheet.set_row_hidden(1).unwrap();
    sheet.set_column_hidden(2).unwrap();
    let file = register.file("hidden.xlsx", workbook.save_to_buffer().unwrap());
    let done = import(&register, &file, &[]);
    for words in [
        "the sheet that is read: Sheet2",
        "hidden rows, read like the others: 1",
        "hidden columns, read like the others: 1",
    ] {
        assert!(done.stderr.contains(words), "{words}: {done:?}");
    }
    assert_eq!(done.json()["collected"], 1);
}
