//! Other systems' extracts, through the program: each is compared with its own system's records, and with the other's.

use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};

use crate::shilu::{Done, Register, shilu};

const AREA: &str = "330604006210";

fn import(source: &[&str], file: &str, system: &str, more: &[&str]) -> Done {
    let words = [
        "import",
        file,
        "--kind",
        "extract",
        "--system",
        system,
        "--as",
        "ann",
        "--reason",
        "an extract",
        "--format",
        "json",
    ];
    shilu(&[&words[..], more, source].concat())
}

/// The figure of the campaign's indicator that compares two systems, for the whole township.
fn agreement(register: &Register) -> (Value, Value) {
    let rates = register.run(&["rates", "--format", "jsonl"]).well();
    let lines = rates
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut lines = lines.filter(|rate| rate["indicator"] == "two-system-consistency");
    let rate = lines.next().unwrap_or_else(|| panic!("{rates}"));
    (rate["numerator"].clone(), rate["denominator"].clone())
}

fn csv(rows: &[(&str, &str)]) -> String {
    let rows = rows
        .iter()
        .map(|(theirs, address)| format!("{theirs},{AREA},{address}\n"));
    format!("theirs,area,address\n{}", rows.collect::<String>())
}

#[test]
fn two_systems_are_compared_and_each_extract_changes_its_own_system_alone() {
    let register = Register::three_reals();
    let source = ["--data", register.dir()];
    let day = |day| ["--snapshot", "--effective", day];
    let migrant = register.file(
        "migrant.csv",
        csv(&[("1", "建越路１号"), ("2", "建越路2号"), ("3", "建越路3号")]),
    );
    let jsonl = [("1", "建越路1号"), ("2", "建越路20号"), ("4", "建越路4号")].map(|(theirs, address)| {
        json!({"theirs": theirs, "area": AREA, "address": address}).to_string() + "\n"
    });
    let police = register.file("police.jsonl", jsonl.concat());
    for (file, system) in [(&migrant, "migrant"), (&police, "police")] {
        let done = import(&source, file, system, &day("2015-04-20")).json();
        assert_eq!(
            (&done["registered"], &done["deregistered"], &done["rejected"]),
            (&json!(3), &json!(0), &json!(0)),
            "{done}"
        );
    }
    // Key 1 agrees, key 2 differs, 3 and 4 are each on one side alone.
    assert_eq!(agreement(&register), (json!(1), json!(4)));
    let record = register
        .run(&["show", "extract/police:1", "--format", "json"])
        .json();
    let file = record["fields"]["file"].as_str().unwrap().to_owned();
    assert_eq!(
        (&record["fields"]["system"], file.len()),
        (&json!("police"), 64),
        "{record}"
    );

    // The next extract of the police: 4 is gone, and only the hash of the file is new in the others.
    let next = register.file("police-05.csv", csv(&[("1", "建越路1号"), ("2", "建越路20号")]));
    let refused = import(&source, &next, "police", &day("2015-05-20")).refused(1, "MASS_DEREGISTER");
    assert!(
        refused.stderr.contains("1 of 3 registered records"),
        "{refused:?}"
    );
    let server = register.serve();
    let allowed = [&day("2015-05-20")[..], &["--allow-mass-deregister"]].concat();
    let done = import(&["--server", &server.url], &next, "police", &allowed).json();
    drop(server);
    assert_eq!(
        (&done["unchanged"], &done["corrected"], &done["deregistered"]),
        (&json!(2), &json!(0), &json!(1)),
        "{done}"
    );
    assert_eq!(agreement(&register), (json!(1), json!(3)));
    let record = register
        .run(&["show", "extract/police:1", "--format", "json"])
        .json();
    assert_eq!(record["fields"]["file"], file.as_str());
    let status = |record| register.run(&["show", record, "--format", "json"]).json()["status"].clone();
    assert_eq!(status("extract/police:4"), "deregistered");
    assert_eq!(status("extract/migrant:3"), "registered");

    // A third system's workbook comes plain, and again.
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in (0..).zip([["theirs", "area"], ["0012", AREA]]) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    let permits = register.file("permits.xlsx", workbook.save_to_buffer().unwrap());
    assert_eq!(import(&source, &permits, "permits", &[]).json()["collected"], 1);
    assert_eq!(import(&source, &permits, "permits", &[]).json()["unchanged"], 1);
    assert_eq!(status("extract/permits:0012"), "collected");
}

#[test]
fn a_system_is_named_for_extracts_alone() {
    let register = Register::three_reals();
    let source = ["--data", register.dir()];
    let file = register.file("rows.csv", csv(&[("1", "建越路1号"), ("", "建越路2号")]));
    let words = [
        "import", &file, "--kind", "dwelling", "--as", "ann", "--reason", "a test",
    ];
    register
        .run(&[&words[..], &["--system", "police"]].concat())
        .refused(2, "USAGE");
    import(&source, &file, "army", &[]).refused(1, "BAD_VALUE");
    // A row without the system's own id may be any record: it is rejected, and nothing is deregistered.
    assert_eq!(
        import(&source, &file, "police", &["--snapshot"]).json()["rejected"],
        1
    );
    let rejected = std::fs::read_to_string(format!("{file}.rejected.csv")).unwrap();
    assert!(rejected.contains("3,theirs,BAD_KEY"), "{rejected}");
    let none = register.file("none.csv", "area,address\n");
    import(&source, &none, "police", &[]).refused(1, "KEY_COLUMN_MISSING");
}
