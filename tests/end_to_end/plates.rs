//! Plates through the program: numbers, sheets, and what happens to them at the doors.

use std::fs;

use serde_json::{Value, json};

use crate::shilu::{Done, Register, shilu};

const AREA: &str = "330604006210";
const PLACE: [&str; 6] = ["--lat", "30.0941", "--lon", "120.9212", "--accuracy", "8"];

fn new(source: &[&str], count: &str, more: &[&str]) -> Done {
    let words = [
        "plates", "new", "--area", AREA, "--count", count, "--as", "ann", "--reason", "plates",
    ];
    shilu(&[&words[..], more, source].concat())
}

fn at_door(register: &Register, what: &[&str]) -> Done {
    register.run(&[&["plates"], what, &["--as", "bob", "--format", "json"]].concat())
}

/// Two rentals that a plate can be on.
fn with_dwellings() -> Register {
    let register = Register::three_reals();
    let addresses = format!("code,area,text,level\na1,{AREA},建越路1号,building\n");
    let dwellings = format!(
        "code,area,address,room,use\nd1,{AREA},address/a1,101,rental\nd2,{AREA},address/a1,102,rental\n"
    );
    for (kind, rows) in [("address", addresses), ("dwelling", dwellings)] {
        let file = register.file(&format!("{kind}.csv"), rows);
        let words = [
            "import", &file, "--kind", kind, "--as", "ann", "--reason", "found",
        ];
        register.run(&words).well();
    }
    register
}

/// Rentals with exactly one active plate that was scanned there lately.
fn plated(register: &Register) -> Value {
    let rates = register.run(&["rates", "--format", "jsonl"]).well();
    let lines = rates
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut lines = lines.filter(|rate| rate["indicator"] == "rental-plate");
    lines.next().unwrap_or_else(|| panic!("{rates}"))["numerator"].clone()
}

#[test]
fn numbers_go_on_after_the_greatest_in_a_folder_and_behind_a_server() {
    let register = Register::three_reals();
    let data = ["--data", register.dir()];
    let first = new(&data, "3", &[]).well();
    let first: Vec<&str> = first.lines().collect();
    assert_eq!(first.len(), 3);
    shilu(&[&["plates", "check"], &first[..]].concat()).well();
    // More than an atomic list takes.
    assert_eq!(new(&data, "1001", &[]).well().lines().count(), 1001);
    let server = register.serve();
    let line = new(&["--server", &server.url], "1", &["--format", "jsonl"]).json();
    assert_eq!((&line["serial"], &line["position"]), (&json!(1005), &json!(1005)));
    drop(server);
    new(&data, "2", &["--from", "1005"]).refused(1, "SERIAL_TAKEN");
    let far = new(&data, "1", &["--from", "36", "--format", "csv"]).refused(1, "SERIAL_TAKEN");
    assert!(far.stderr.contains("hint"), "{far:?}");
    let far = new(&data, "1", &["--from", "46656", "--format", "json"]).json();
    assert_eq!(far[0]["number"].as_str().unwrap().get(..11), Some("SL-0001000-"));
    let words = [
        "plates", "new", "--area", "nowhere", "--count", "1", "--as", "a", "--reason", "r",
    ];
    register.run(&words).refused(1, "BAD_VALUE");
    let other = Register::new(shilu_tests::workload::CAMPAIGN);
    new(&["--data", other.dir()], "1", &[]).refused(1, "NO_KIND");
}

#[test]
fn a_wrong_number_is_told_with_the_right_one() {
    let done = shilu(&["plates", "check", "SL-00003MV-Q", "SL-00003MW-Q"]);
    assert_eq!(done.exit, 1, "{done:?}");
    assert!(
        done.stdout.contains("WRONG") && done.stdout.contains("SL-00003MW-O"),
        "{done:?}"
    );
    let chinese = shilu(&["--lang", "zh", "plates", "check", "SL-00003MW-Q"]);
    assert!(chinese.stdout.contains("错误"), "{chinese:?}");
}

#[test]
fn a_sheet_has_a_label_for_every_plate_and_says_that_it_is_simulated() {
    let register = Register::three_reals();
    let numbers = new(&["--data", register.dir()], "4", &[]).well();
    let numbers: Vec<&str> = numbers.lines().collect();
    let out = register.home.path().join("sheet.html");
    let svg = register.home.path().join("svg");
    let (out, svg) = (out.to_str().unwrap(), svg.to_str().unwrap());
    // The township holds the village.
    let done = register.run(&[
        "plates",
        "sheet",
        "--area",
        "330604006",
        "--out",
        out,
        "--svg",
        svg,
    ]);
    assert!(done.stderr.contains("plates written: 4"), "{done:?}");
    done.well();
    let page = fs::read_to_string(out).unwrap();
    for number in &numbers {
        assert!(page.contains(&format!("<strong>{number}</strong>")), "{number}");
        let drawing = fs::read_to_string(format!("{svg}/{number}.svg")).unwrap();
        assert!(
            drawing.starts_with("<svg ") && drawing.contains("SIMULATED"),
            "{drawing}"
        );
    }
    assert_eq!(page.matches("<svg ").count(), 4);
    // On every label, and once above them.
    assert_eq!(page.matches("模拟数据 SIMULATED").count(), 5);
    assert!(page.contains("小越镇“三实”信息排查 2015") && page.contains("建越村委会"));
    register
        .run(&[
            "plates", "sheet", numbers[2], numbers[0], numbers[2], "--out", out,
        ])
        .well();
    let page = fs::read_to_string(out).unwrap();
    assert_eq!(page.matches("<svg ").count(), 2);
    assert!(page.find(numbers[2]) < page.find(numbers[0]));
    for (words, exit, code) in [
        (&["--state", "active", "--out", out][..], 1, "NO_PLATES"),
        (&["--state", "activ", "--out", out], 1, "BAD_VALUE"),
        (&["--area", "330604006242", "--out", out], 1, "NO_PLATES"),
        (&["SL-0000ZZZ-0", "--out", out], 1, "BAD_VALUE"),
        (&["P-17", "--out", out], 1, "NO_RECORD"),
        (&[], 2, "--out"),
    ] {
        register
            .run(&[&["plates", "sheet"], words].concat())
            .refused(exit, code);
    }
    assert_eq!(
        fs::read_to_string(out).unwrap(),
        page,
        "a refusal leaves the old file"
    );
}

#[test]
fn a_plate_is_fixed_scanned_and_retired_and_a_thing_has_one() {
    let register = with_dwellings();
    let numbers = new(&["--data", register.dir()], "2", &[]).well();
    let [one, other] = *numbers.lines().collect::<Vec<_>>() else {
        panic!("{numbers}")
    };
    let fix = |number, on| at_door(&register, &["fix", number, on, "--reason", "fixed"]);
    let fixed = fix(one, "dwelling/d1").json();
    assert_eq!(
        (&fixed["record"], &fixed["version"]),
        (&json!(format!("plate/{one}")), &json!(2)),
        "{fixed}"
    );
    fix(one, "dwelling/d1").refused(1, "NOTHING_CHANGES");
    fix(other, "dwelling/d9").refused(1, "NO_SUCH_REFERENCE");
    let taken = fix(other, "dwelling/d1").refused(1, "PLATE_TAKEN");
    assert!(
        taken.stderr.contains(one) && taken.stderr.contains("hint: "),
        "{taken:?}"
    );

    // A rate that asks for somebody on site counts a scan with its place alone.
    let afar = at_door(&register, &["scan", one]);
    assert!(afar.stderr.contains("without a place"), "{afar:?}");
    afar.well();
    assert_eq!(plated(&register), 0);
    let near = at_door(&register, &[&["scan", one][..], &PLACE].concat());
    assert_eq!(near.stderr, "");
    near.well();
    assert_eq!(plated(&register), 1);
    let history = register
        .run(&["history", &format!("plate/{one}"), "--format", "jsonl"])
        .well();
    let newest: Value = serde_json::from_str(history.lines().last().unwrap()).unwrap();
    assert_eq!(
        (
            &newest["action"],
            &newest["place"]["accuracy_m"],
            &newest["changes"]
        ),
        (&json!("collect"), &json!(8), &json!([])),
        "{newest}"
    );

    // One that is active moves only where that is asked for.
    fix(one, "dwelling/d2").refused(1, "PLATE_IN_USE");
    let there = ["fix", one, "dwelling/d2", "--reason", "moved", "--move"];
    at_door(&register, &there).json();
    let back = ["fix", one, "dwelling/d1", "--reason", "moved", "--move"];
    at_door(&register, &back).json();

    at_door(&register, &["retire", one, "--reason", "broken"]).json();
    assert_eq!(plated(&register), 0);
    at_door(&register, &back).refused(1, "PLATE_IN_USE");
    fix(other, "dwelling/d1").json();
    let record = register
        .run(&["show", &format!("plate/{one}"), "--format", "json"])
        .json();
    assert_eq!(
        (&record["fields"]["state"], &record["fields"]["on"]),
        (&json!("retired"), &json!("dwelling/d1"))
    );
    let table = register
        .run(&["plates", "retire", other, "--as", "bob", "--reason", "lost"])
        .well();
    assert!(table.starts_with("Position"), "{table}");
}

#[test]
fn what_makes_no_sense_at_a_door_is_refused() {
    let register = with_dwellings();
    let number = new(&["--data", register.dir()], "1", &[]).well();
    let number = number.trim_end();
    for (words, exit, code) in [
        (&["scan", "P-17"][..], 1, "NO_RECORD"),
        (&["scan", "SL-00003MW-Q"], 1, "BAD_VALUE"),
        (&["scan", number, "--lat", "30"], 2, "--lon"),
        (
            &["scan", number, "--lat", "91", "--lon", "0", "--accuracy", "1"],
            1,
            "BAD_VALUE",
        ),
        (&["retire", number], 2, "--reason"),
        (&["retire", number, "--reason", ""], 1, "BAD_VALUE"),
        (
            &["retire", number, "--reason", "r", "--effective", "soon"],
            2,
            "BAD_TIME",
        ),
        (&["fix", number, "d1", "--reason", "r"], 1, "BAD_VALUE"),
    ] {
        at_door(&register, words).refused(exit, code);
    }
    assert_eq!(
        register
            .run(&["history", &format!("plate/{number}"), "--format", "jsonl"])
            .well()
            .lines()
            .count(),
        1
    );
}
