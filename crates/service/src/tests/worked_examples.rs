//! The worked examples of the documentation, as they are written there: every section's commands are posted to a fresh
//! register of the shipped campaign, each when it says, and every row of its table is asked for.

use std::collections::BTreeSet;

use serde_json::Value;
use shilu_model::{Campaign, Measure};

use super::Register;

const PAGE: &str = include_str!("../../../../docs/worked-examples.md");
const CAMPAIGN: &str = include_str!("../../../../projections/campaigns/three-reals.toml");
/// When every register of the page is made, and when it is asked.
const MADE: &str = "2015-04-01T08:00:00+08:00";
const ASKED: &str = "2015-12-01T12:00:00+08:00";

#[tokio::test]
async fn every_row_is_what_the_register_says() {
    let mut wrong = Vec::new();
    for section in sections() {
        let register = section.told().await;
        for row in &section.rows {
            let kept = register.rate(section.indicator, row, "").await;
            // A second before its end no day is kept: the same, from one pass over the records.
            let passed = register.rate(section.indicator, row, "T23:59:59%2B08:00").await;
            for (column, expected) in &row.told {
                let found = (cell(&kept, column), cell(&passed, column));
                // Then a deadline has not passed yet.
                let by_the_second = matches!(*column, "state" | "at deadline");
                if found.0 != *expected || found.1 != *expected && !by_the_second {
                    let (title, line) = (section.title, row.line);
                    wrong.push(format!(
                        "{title}\n  {line}\n  {column}: by hand {expected:?}, by the register {found:?}"
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cells differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_counted_indicator_has_a_section() {
    let campaign = Campaign::parse(CAMPAIGN).unwrap();
    let drawn = |measure: &Measure| matches!(measure, Measure::Accuracy { .. } | Measure::Roster { .. });
    let counted = campaign.indicators.iter();
    let counted: BTreeSet<&str> = counted
        .filter(|indicator| !drawn(&indicator.measure))
        .map(|indicator| &*indicator.id)
        .collect();
    let shown: BTreeSet<&str> = sections().iter().map(|section| section.indicator).collect();
    assert_eq!(shown, counted);
    for section in sections() {
        let (commands, title) = (section.commands.len(), section.title);
        assert!((1..=12).contains(&commands), "{title}: {commands} commands");
        assert!(!section.rows.is_empty(), "{title}: no rows");
    }
}

/// A heading of the third level with the id of an indicator, and what stands below it.
struct Section {
    title: &'static str,
    indicator: &'static str,
    commands: Vec<Value>,
    rows: Vec<Row>,
}

/// A row of a table: where it asks, and what should come back by column.
struct Row {
    line: &'static str,
    asks: Vec<(&'static str, &'static str)>,
    told: Vec<(&'static str, &'static str)>,
}

fn sections() -> Vec<Section> {
    let texts = PAGE.split("\n### ").skip(1);
    texts.map(section).collect()
}

fn section(text: &'static str) -> Section {
    let (title, body) = text.split_once('\n').unwrap();
    let indicator = title
        .split('`')
        .nth(1)
        .unwrap_or_else(|| panic!("{title}: no indicator in the heading"));
    let body = body.split("\n## ").next().unwrap();
    let block = body
        .split_once("```jsonl\n")
        .and_then(|(_, rest)| rest.split_once("\n```"));
    let (block, rest) = block.unwrap_or_else(|| panic!("{title}: no block of commands"));
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{title}: {error}: {line}"));
    let mut table = rest.lines().filter(|line| line.starts_with('|'));
    let columns = cells(table.next().unwrap_or_else(|| panic!("{title}: no table")));
    Section {
        title,
        indicator,
        commands: block.lines().map(read).collect(),
        rows: table.skip(1).map(|line| row(line, &columns)).collect(),
    }
}

fn cells(line: &'static str) -> Vec<&'static str> {
    let line = line.trim().trim_start_matches('|').trim_end_matches('|');
    line.split('|').map(str::trim).collect()
}

fn row(line: &'static str, columns: &[&'static str]) -> Row {
    let cells = cells(line);
    assert_eq!(cells.len(), columns.len(), "{line}");
    let mut row = Row {
        line,
        asks: Vec::new(),
        told: Vec::new(),
    };
    for (column, cell) in columns.iter().zip(cells) {
        match (*column, cell) {
            ("as of" | "effective" | "area", "") => {}
            ("as of", cell) => row.asks.push(("as_of", cell)),
            ("effective" | "area", cell) => row.asks.push((column, cell)),
            (column, cell) => row.told.push((column, cell)),
        }
    }
    row
}

/// What a rate says in a column.
fn cell(rate: &Value, column: &str) -> String {
    let of = |share: &Value| format!("{}/{}", share["numerator"], share["denominator"]);
    match column {
        "numerator" | "denominator" | "unknown" => rate[column].to_string(),
        "state" => rate["state"].as_str().unwrap_or_default().to_owned(),
        "excess" => rate["frame"]["excess"].as_u64().unwrap_or(0).to_string(),
        "first" => match &rate["frame"]["first"] {
            Value::Null => String::new(),
            first => of(first),
        },
        "frame" => match &rate["frame"] {
            Value::Null => String::new(),
            frame => format!("{} by {}", frame["version"], frame["author"].as_str().unwrap()),
        },
        "left scope" => rate["left_scope"].as_u64().unwrap_or(0).to_string(),
        "at deadline" => match &rate["at_deadline"] {
            Value::Null => String::new(),
            then => format!("{} {}", of(then), then["state"].as_str().unwrap_or_default()),
        },
        _ => panic!("nobody knows the column {column:?}"),
    }
}

impl Section {
    /// A fresh register that was told everything.
    async fn told(&self) -> Register {
        let register = Register::with(CAMPAIGN, true, MADE);
        for command in &self.commands {
            let mut command = command.clone();
            let parts = command.as_object_mut().unwrap();
            let recorded = parts.remove("recorded").unwrap();
            register.set_clock(recorded.as_str().unwrap());
            let got = register.post(command.to_string()).await;
            assert_eq!(got.status, 201, "{}: {command}: {}", self.title, got.text);
        }
        register.set_clock(ASKED);
        register
    }
}

impl Register {
    /// What the indicator says where a row asks, at an instant of its days.
    async fn rate(&self, indicator: &str, row: &Row, instant: &str) -> Value {
        let part = |(name, value): &(&str, &str)| match *name {
            "area" => format!("{name}={value}"),
            _ => format!("{name}={value}{instant}"),
        };
        let query: Vec<String> = row.asks.iter().map(part).collect();
        let uri = format!("/api/v1/rates?{}", query.join("&"));
        let answer = self.get(&uri).await.ok();
        let items = answer["items"].as_array().unwrap();
        let found = items.iter().find(|item| item["indicator"] == indicator);
        found.unwrap_or_else(|| panic!("{uri}: no {indicator}")).clone()
    }
}
