//! Imports of what offices really have: rows that lean on one another, cells that are not what they seem, and plans that
//! keep their word.

use std::fs;

use rust_xlsxwriter::{Formula, Workbook};
use serde_json::{Value, json};

use crate::shilu::{Done, Register, shilu};

const AREA: &str = "330604006210";

fn import(source: &[&str], file: &str, kind: &str, more: &[&str]) -> Done {
    let words = [
        "import", file, "--kind", kind, "--as", "ann", "--reason", "found", "--format", "json",
    ];
    shilu(&[&words[..], source, more].concat())
}

/// The summary alone: a dry run tells the plan before it.
fn summary(done: Done) -> Value {
    let line = done.stdout.lines().last().unwrap_or_else(|| panic!("{done:?}"));
    serde_json::from_str(line).unwrap()
}

/// Buildings, each followed by its doors.
fn buildings(count: usize) -> String {
    let mut rows = "code,area,text,level,parent\n".to_owned();
    for building in 0..count {
        rows += &format!("b{building},{AREA},building {building},building,\n");
        for door in 1..4 {
            rows += &format!("b{building}-{door},{AREA},door {door},door,address/b{building}\n");
        }
    }
    rows
}

#[test]
fn rows_that_need_earlier_rows_are_taken_in_the_order_of_the_file() {
    let register = Register::three_reals();
    let file = register.file("addresses.csv", buildings(60));
    let server = register.serve();
    let done = import(&["--server", &server.url], &file, "address", &[]).json();
    drop(server);
    assert_eq!(
        (
            &done["collected"],
            &done["rejected"],
            &done["first_position"],
            &done["last_position"]
        ),
        (&json!(240), &json!(0), &json!(1), &json!(240)),
        "{done}"
    );
    let history = register
        .run(&[
            "changes", "--kind", "address", "--limit", "0", "--format", "jsonl",
        ])
        .well();
    let rows: Vec<u64> = history
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["source"]["row"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert!(
        rows.iter().rev().is_sorted(),
        "newest first, they are in the file's order"
    );
}

#[test]
fn keys_that_only_look_different_are_refused() {
    let register = Register::three_reals();
    let data = ["--data", register.dir()];
    let file = register.file(
        "a.csv",
        format!("code,area,text,level\nH1,{AREA},x,building\n H1,{AREA},x,building\nH1\u{200b},{AREA},x,building\nＨ1,{AREA},x,building\n"),
    );
    let done = summary(import(&data, &file, "address", &[]));
    assert_eq!(
        (&done["collected"], &done["rejected"]),
        (&json!(2), &json!(2)),
        "{done}"
    );
    let rejected = fs::read_to_string(format!("{file}.rejected.csv")).unwrap();
    assert!(
        rejected.contains("3,code,BAD_KEY") && rejected.contains("U+200B"),
        "{rejected}"
    );
    let numbers = ["SL-0000003-X", " SL-0000003-B", "sl-0000003-b", "ＳL-0000003-B"];
    let rows: String = numbers
        .iter()
        .map(|number| format!("{number},{AREA},printed\n"))
        .collect();
    let file = register.file("plates.csv", format!("number,area,state\n{rows}"));
    let done = summary(import(&data, &file, "plate", &[]));
    assert_eq!(
        (&done["collected"], &done["rejected"]),
        (&json!(0), &json!(4)),
        "{done}"
    );
    let fix = [
        "plates",
        "fix",
        "sl-0000003-b",
        "address/H1",
        "--as",
        "bob",
        "--reason",
        "r",
    ];
    let typed = register.run(&fix).refused(1, "BAD_VALUE");
    assert!(typed.stderr.contains("SL-0000003-B"), "{typed:?}");

    // Over HTTP too.
    let server = register.serve();
    let body = json!({"action": "collect", "record": "address/ H2", "actor": "ann",
                      "fields": {"area": AREA, "text": "x", "level": "building"}});
    let answer = server.post("/api/v1/commands", body.to_string());
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (422, &json!("BAD_VALUE"))
    );
}

#[test]
fn a_citizens_number_without_a_birthday_is_refused() {
    let register = Register::new(
        "name = \"t\"\norigin = \"example.org/t\"\ntimezone = \"Asia/Shanghai\"\nearliest = 2000-01-01\n[[kinds]]\n\
         id = \"person\"\nkey = \"no\"\n[kinds.fields]\nno = { type = \"text\", required = true }\n\
         citizen = { type = \"citizen-id\" }\n",
    );
    let rows = "no,citizen\n1,11010519491231002X\n2,000000000000000001\n3,11010519491231002x\n";
    let file = register.file("p.csv", rows);
    let done = summary(import(&["--data", register.dir()], &file, "person", &[]));
    assert_eq!((&done["collected"], &done["rejected"]), (&json!(1), &json!(2)));
    let rejected = fs::read_to_string(format!("{file}.rejected.csv")).unwrap();
    assert!(
        rejected.contains("3,citizen,BAD_VALUE")
            && rejected.contains("birthday")
            && rejected.contains("capital X"),
        "{rejected}"
    );
}

#[test]
fn a_dry_run_promises_what_the_import_keeps() {
    let register = Register::three_reals();
    let data = ["--data", register.dir()];
    let rows = format!(
        "code,area,text,level,parent\na,{AREA},x,building,\nb,{AREA},x,door,address/a\nc,nowhere,x,door,\n\
         d,{AREA},x,door,address/nope\ne,{AREA},x,door,address/e\n"
    );
    let file = register.file("a.csv", rows);
    let plan = summary(import(&data, &file, "address", &["--dry-run"]));
    let end = register.events();
    assert_eq!(end, 1, "nothing was written");
    let done = summary(import(&data, &file, "address", &[]));
    for count in ["collected", "rejected"] {
        assert_eq!(plan[count], done[count], "{count}: {plan} {done}");
    }
    assert_eq!((&plan["collected"], &plan["rejected"]), (&json!(2), &json!(3)));
    let server = register.serve();
    let afar = import(&["--server", &server.url], &file, "address", &["--dry-run"]);
    assert!(afar.stderr.contains("not judged"), "{afar:?}");
}

#[test]
fn a_rejected_row_says_what_to_do_and_never_comes_back_altered() {
    let register = Register::three_reals();
    let data = ["--data", register.dir()];
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, title) in (0..).zip(["code", "area", "text", "level"]) {
        sheet.write_string(0, column, title).unwrap();
    }
    sheet.write_number(1, 0, 1_234_567_890_123_456_789.0).unwrap();
    sheet.write_string(2, 0, "a2").unwrap();
    for row in 1..3 {
        sheet.write_string(row, 1, AREA).unwrap();
        sheet.write_string(row, 3, "building").unwrap();
    }
    sheet.write_string(1, 2, "x").unwrap();
    sheet
        .write_formula(2, 2, Formula::new("=1+2").set_result("3"))
        .unwrap();
    let file = register.file("a.xlsx", workbook.save_to_buffer().unwrap());
    let done = import(&data, &file, "address", &[]);
    assert_eq!(summary(done)["rejected"], 2);
    let text = fs::read_to_string(format!("{file}.rejected.csv")).unwrap();
    let text = text
        .strip_prefix('\u{feff}')
        .expect("spreadsheet programs need it");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(header[..5], ["line", "column", "code", "reason", "hint"]);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert!(rows.iter().all(|row| !row[4].is_empty()), "{rows:?}");
    // As the guide says: without the first five columns it is imported again.
    let again: String = std::iter::once(&csv::StringRecord::from(header))
        .chain(&rows)
        .map(|row| row.iter().skip(5).collect::<Vec<_>>().join(",") + "\n")
        .collect();
    let again = register.file("again.csv", again);
    let done = import(&data, &again, "address", &[]);
    assert!(done.stderr.contains("hint: "), "{done:?}");
    assert_eq!(summary(done)["rejected"], 2);
    let chinese = import(&data, &again, "address", &["--lang", "zh"]);
    assert!(chinese.stderr.contains("提示: 单元格"), "{chinese:?}");
}
