//! Seven real extracts, imported in order as snapshots: the register says of every date what was true, and of every
//! value who brought it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::shilu::Register;

const DATES: [&str; 7] = [
    "2016-07-31",
    "2017-10-31",
    "2018-10-31",
    "2019-10-31",
    "2020-06-30",
    "2021-10-31",
    "2022-10-31",
];

/// Rows by code.
type Rows = BTreeMap<String, Vec<String>>;

fn rows(text: &str) -> Rows {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(
        reader.headers().unwrap(),
        vec!["code", "name", "areaCode", "provinceCode", "cityCode"]
    );
    let records = reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>());
    let rows: Vec<_> = records.map(|row| (row[0].clone(), row)).collect();
    let count = rows.len();
    let rows: Rows = rows.into_iter().collect();
    assert_eq!(rows.len(), count, "a code occurs twice");
    rows
}

fn import(register: &Register, file: &str, date: &str) -> Value {
    let reason = format!("extract of {date}");
    let words = [
        "import", file, "--kind", "street", "--as", "zhang", "--reason", &reason,
    ];
    register
        .run(
            &[
                &words[..],
                &["--snapshot", "--effective", date, "--format", "json"],
            ]
            .concat(),
        )
        .json()
}

fn export(register: &Register, more: &[&str]) -> Rows {
    rows(
        &register
            .run(&[&["export", "--kind", "street", "--format", "csv"], more].concat())
            .well(),
    )
}

/// Imports the extracts and asks for each of them back, on both axes.
fn check(extracts: &[(&str, String)]) {
    let register = Register::new(include_str!("../fixtures/divisions.toml"));
    let mut last = 0;
    let mut moments = Vec::new();
    for (index, (date, text)) in extracts.iter().enumerate() {
        let file = register.file(&format!("streets-{date}.csv"), text);
        let done = import(&register, &file, date);
        assert_eq!(
            (done["rejected"].as_u64(), done["first_position"].as_u64()),
            (Some(0), Some(last + 1)),
            "{date}"
        );
        last = done["last_position"].as_u64().unwrap();
        let expected = numbers(
            index.checked_sub(1).map(|before| &extracts[before].1),
            text,
            &extracts[..index],
        );
        for (name, number) in expected {
            assert_eq!(done[name], number, "{date}: {name}: {done}");
        }
        moments.push(last);
    }
    for ((date, text), moment) in extracts.iter().zip(&moments) {
        let expected = rows(text);
        assert!(
            export(&register, &["--effective", date]) == expected,
            "in effect on {date}"
        );
        let position = format!("@{moment}");
        // What was known after that import, of the time it was about.
        assert!(
            export(&register, &["--as-of", &position, "--effective", date]) == expected,
            "known after {date}"
        );
        let event = register
            .run(&["changes", "--limit", "0", "--format", "jsonl"])
            .well();
        let recorded = event
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let recorded = recorded
            .into_iter()
            .find(|event| event["position"] == *moment)
            .unwrap()["recorded"]
            .clone();
        let recorded = recorded.as_str().unwrap();
        assert!(
            export(&register, &["--as-of", recorded]) == expected,
            "known at {recorded}"
        );
    }
    for (date, _) in extracts {
        let file = register.home.path().join(format!("streets-{date}.csv"));
        let done = import(&register, file.to_str().unwrap(), date);
        assert!(done["first_position"].is_null(), "importing {date} again: {done}");
    }
    assert_eq!(register.events(), last + 1);
    a_renamed_division_tells_its_story(&register, extracts);
}

/// What an import must count, worked out from the files alone.
fn numbers(before: Option<&String>, now: &str, earlier: &[(&str, String)]) -> [(&'static str, u64); 5] {
    let (before, now) = (before.map_or_else(Rows::new, |text| rows(text)), rows(now));
    let mut latest = Rows::new();
    for (_, text) in earlier {
        latest.extend(rows(text));
    }
    let count = |holds: &dyn Fn(&String, &Vec<String>) -> bool| {
        now.iter().filter(|(code, row)| holds(code, row)).count() as u64
    };
    [
        ("collected", count(&|code, _| !latest.contains_key(code))),
        ("registered", count(&|code, _| !before.contains_key(code))),
        (
            "corrected",
            count(&|code, row| latest.get(code).is_some_and(|old| old != row)),
        ),
        ("unchanged", count(&|code, row| before.get(code) == Some(row))),
        (
            "deregistered",
            before.keys().filter(|code| !now.contains_key(*code)).count() as u64,
        ),
    ]
}

fn a_renamed_division_tells_its_story(register: &Register, extracts: &[(&str, String)]) {
    // A division that two extracts on end call differently, and what they call it.
    let (before, after) = extracts
        .windows(2)
        .map(|pair| (&pair[0], &pair[1]))
        .find(|(before, after)| renamed(&before.1, &after.1).is_some())
        .expect("some division was renamed");
    let (code, old, new) = renamed(&before.1, &after.1).unwrap();
    let (name, reason) = (format!("street/{code}"), format!("extract of {}", after.0));
    let history = register.run(&["history", &name, "--format", "jsonl"]).well();
    let events: Vec<Value> = history
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let is_it = |event: &&Value| event["action"] == "correct" && event["reason"] == reason.as_str();
    let correction = events.iter().find(is_it).unwrap_or_else(|| panic!("{history}"));
    let change = correction["changes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|change| change["field"] == "name")
        .unwrap();
    assert_eq!(
        (change["before"].as_str(), change["after"].as_str()),
        (Some(&*old), Some(&*new))
    );
    assert_eq!(correction["actor"], "zhang");
    let line = after.1.lines().position(|line| line.starts_with(&code)).unwrap() + 1;
    assert_eq!(correction["source"]["file"], format!("streets-{}.csv", after.0));
    assert_eq!(
        correction["source"]["row"].as_u64(),
        Some(line as u64),
        "{correction}"
    );
    for ((date, _), value) in [(after, &new), (before, &old)] {
        let blame = register
            .run(&["blame", &name, "--effective", date, "--format", "json"])
            .well();
        assert!(
            blame.contains(value.as_str()) && blame.contains("zhang"),
            "{date}: {blame}"
        );
    }
    let blame = register
        .run(&["blame", &name, "--effective", after.0, "--format", "json"])
        .well();
    assert!(
        blame.contains(&reason) && blame.contains(&format!("streets-{}.csv", after.0)),
        "{blame}"
    );
    for format in ["table", "csv"] {
        let told = register.run(&["history", &name, "--format", format]).well();
        assert!(told.contains(&old) && told.contains(&new), "{told}");
    }
}

fn renamed(before: &str, after: &str) -> Option<(String, String, String)> {
    let after = rows(after);
    rows(before).into_iter().find_map(|(code, row)| {
        let new = after.get(&code)?[1].clone();
        (new != row[1]).then(|| (code, row[1].clone(), new))
    })
}

#[test]
fn every_extract_comes_back_as_it_was() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let read = |date| std::fs::read_to_string(folder.join(format!("streets-{date}.csv"))).unwrap();
    check(&DATES.map(|date| (date, read(date))));
}

/// The whole extracts, where `SHILU_DIVISIONS` names their folder.
#[test]
fn every_whole_extract_comes_back_as_it_was() {
    let Some(folder) = std::env::var_os("SHILU_DIVISIONS").map(PathBuf::from) else {
        eprintln!("skipped: SHILU_DIVISIONS names no folder");
        return;
    };
    let read = |date| {
        let output = Command::new("gzip")
            .arg("-dc")
            .arg(folder.join(format!("streets-{date}.csv.gz")))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    check(&DATES.map(|date| (date, read(date))));
}
