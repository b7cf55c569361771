//! Seven real extracts, imported in order as snapshots: the register says of every date what was true, and of every
//! value who brought it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::shilu::Register;

const DATES: [&str; 7] =
    ["2016-07-31", "2017-10-31", "2018-10-31", "2019-10-31", "2020-06-30", "2021-10-31", "2022-10-31"];

/// Rows by code.
type Rows = BTreeMap<String, Vec<String>>;

fn rows(text: &str) -> Rows {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap(), vec!["code", "name", "areaCode", "provinceCode", "cityCode"]);
    let records = reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>());
    let rows: Vec<_> = records.map(|row| (row[0].clone(), row)).collect();
    let count = rows.len();
    let rows: Rows = rows.into_iter().collect();
    assert_eq!(rows.len(), count, "a code occurs twice");
    rows
}

fn import(register: &Register, file: &str, date: &str) -> Value {
    let reason = format!("extract of {date}");
    let words = ["import", file, "--kind", "street", "--as", "zhang", "--reason", &reason];
    register.run(&[&words[..], &["--snapshot", "--effective", date, "--format", "json"]].concat()).json()
}

fn export(register: &Register, more: &[&str]) -> Rows {
    rows(&register.run(&[&["export", "--kind", "street", "--format", "csv"], more].concat()).well())
}

/// Imports the extracts and asks for each of them back, on both axes.
fn check(extracts: &[(&str, String)]) {
    let register = Register::new(include_str!("../fixtures/divisions.toml"));
    let mut last = 0;
    let mut moments = Vec::new();
    for (index, (date, text)) in extracts.iter().enumerate() {
        let file = register.file(&format!("streets-{date}.csv"), text);
        let done = import(&register, &file, date);
        assert_eq!((done["rejected"].as_u64(), done["first_position"].as_u64()), (Some(0), Some(last + 1)), "{date}");
        last = done["last_position"].as_u64().unwrap();
        let expected = numbers(index.checked_sub(1).map(|before| &extracts[before].1), text, &extracts[..index]);
        for (name, number) in expected {
            assert_eq!(done[name], number, "{date}: {name}: {done}");
        }
        moments.push(last);
    }
    for ((date, text), moment) in extracts.iter().zip(&moments) {
        let expected = rows(text);
        assert!(export(&register, &["--effective", date]) == expected, "in effect on {date}");
        let position = format!("@{moment}");
        // What was known after that import, of the time it was about.
        assert!(export(&register, &["--as-of", &position, "--effective", date]) == expected, "known after {date}");
        let event = register.run(&["changes", "--limit", "0", "--format", "jsonl"]).well();
        let recorded = event.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let recorded = recorded.into_iter().find(|event| event["position"] == *moment).unwrap()["recorded"].clone();
        let recorded = recorded.as_str().unwrap();
        assert!(export(&register, &["--as-of", recorded]) == expected, "known at {recorded}");
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
        ("corrected", count(&|code, row| latest.get(code).is_some_and(|old| old != row))),
        ("unchanged", count(&|code, row| before.get(code) == Some(row))),
        ("deregistered", before.keys().filter(|code| !now.contains_key(*code)).count() as u64),
    ]
}

fn a_renamed_division_tells_its_story(register: &Register, extracts: &[(&str, String)]) {
    let (first, second) = (rows(&extracts[0].1), rows(&extracts[1].1));
    let (code, old, new) = first
        .iter()
        .filter_map(|(code, row)| Some((code, &row[1], &second.get(code)?[1])))
        .find(|(_, old, new)| old != new)
        .expect("a division was renamed between the first two extracts");
    let name = format!("street/{code}");
    let history = register.run(&["history", &name, "--format", "jsonl"]).well();
    let events: Vec<Value> = history.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let correction = events.iter().find(|event| event["action"] == "correct").unwrap();
    let change = &correction["changes"][0];
    assert_eq!((change["before"].as_str(), change["after"].as_str()), (Some(old.as_str()), Some(new.as_str())));
    assert_eq!((correction["actor"].as_str(), correction["reason"].as_str()), (Some("zhang"), Some("extract of 2017-10-31")));
    let line = extracts[1].1.lines().position(|line| line.starts_with(code.as_str())).unwrap() + 1;
    assert_eq!(correction["source"]["file"], "streets-2017-10-31.csv");
    assert_eq!(correction["source"]["row"].as_u64(), Some(line as u64), "{correction}");
    let blame = register.run(&["blame", &name, "--effective", "2017-10-31", "--format", "json"]).well();
    for words in [new.as_str(), "zhang", "extract of 2017-10-31", "streets-2017-10-31.csv"] {
        assert!(blame.contains(words), "{words}: {blame}");
    }
    let earlier = register.run(&["blame", &name, "--effective", "2016-07-31", "--format", "json"]).well();
    assert!(earlier.contains(old.as_str()) && earlier.contains("streets-2016-07-31.csv"), "{earlier}");
    for format in ["table", "csv"] {
        let told = register.run(&["history", &name, "--format", format]).well();
        assert!(told.contains(old.as_str()) && told.contains(new.as_str()), "{told}");
    }
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
        let output = Command::new("gzip").arg("-dc").arg(folder.join(format!("streets-{date}.csv.gz"))).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    check(&DATES.map(|date| (date, read(date))));
}
