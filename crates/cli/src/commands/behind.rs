//! `shilu evidence` and `shilu reconcile`: what is behind a rate.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{ask, at};
use crate::{
    Done,
    args::BehindArgs,
    format::{Item, Question, View, list},
    messages::{Language, Text},
    register::Paging,
    wire::{Evidence, Reconciled, Said},
};

/// Runs `evidence`.
pub fn evidence(args: &BehindArgs, language: Language) -> Done {
    behind::<Evidence>("evidence", args, language)
}

/// Runs `reconcile`.
pub fn reconcile(args: &BehindArgs, language: Language) -> Done {
    behind::<Reconciled>("reconciled", args, language)
}

fn behind<I: Item>(what: &str, args: &BehindArgs, language: Language) -> Done {
    let indicator = utf8_percent_encode(&args.indicator, NON_ALPHANUMERIC);
    let path = format!("/api/v1/rates/{indicator}/{what}");
    let query = at(&args.at).with("area", args.area.clone());
    ask(&args.source, language, |register| {
        let question = Question {
            path: &path,
            query,
            paging: Paging::limit(args.limit),
        };
        list::<I>(register, question, args.format, language)
    })
}

impl Item for Evidence {
    const COLUMNS: &'static [Text] = &[
        Text::Case,
        Text::Area,
        Text::Actor,
        Text::Numerator,
        Text::Denominator,
        Text::Unknown,
        Text::Aside,
        Text::Sample,
        Text::Finding,
        Text::DecidedBy,
    ];
    const CSV: &'static [&'static str] = &[
        "case",
        "area",
        "actor",
        "numerator",
        "denominator",
        "unknown",
        "aside",
        "sample",
        "finding",
        "record",
        "outcome",
        "position",
    ];

    fn rows(&self, view: &View<'_>) -> Vec<Vec<String>> {
        let word = |word: &Option<String>| {
            let word = word.as_deref().map(|word| view.language.word(word));
            word.unwrap_or_default().to_owned()
        };
        let records = self.records.iter().map(|record| {
            let events: Vec<String> = record.events.iter().map(ToString::to_string).collect();
            let positions = format!("@{}", events.join(","));
            let parts = [record.record.clone(), word(&record.outcome), positions];
            let said = parts.into_iter().filter(|part| !part.is_empty());
            said.collect::<Vec<_>>().join(" ")
        });
        vec![vec![
            self.case.clone(),
            self.area.clone(),
            self.actor.clone(),
            self.numerator.to_string(),
            self.denominator.to_string(),
            self.unknown.to_string(),
            number(self.aside),
            self.sample.clone().unwrap_or_default(),
            word(&self.finding),
            records.collect::<Vec<_>>().join("; "),
        ]]
    }

    /// A row per event; one for a case that rests on none.
    fn csv(&self) -> Vec<Vec<String>> {
        let row = |record: &str, outcome: Option<&str>, position: Option<u64>| {
            vec![
                self.case.clone(),
                self.area.clone(),
                self.actor.clone(),
                self.numerator.to_string(),
                self.denominator.to_string(),
                self.unknown.to_string(),
                number(self.aside),
                self.sample.clone().unwrap_or_default(),
                self.finding.clone().unwrap_or_default(),
                record.to_owned(),
                outcome.unwrap_or_default().to_owned(),
                number(position),
            ]
        };
        let events = self.records.iter().flat_map(|record| {
            let events = record.events.iter();
            events.map(move |position| row(&record.record, record.outcome.as_deref(), Some(*position)))
        });
        let rows: Vec<Vec<String>> = events.collect();
        if rows.is_empty() {
            vec![row("", None, None)]
        } else {
            rows
        }
    }
}

impl Item for Reconciled {
    const COLUMNS: &'static [Text] = &[
        Text::Key,
        Text::Area,
        Text::Compared,
        Text::LeftValue,
        Text::RightValue,
        Text::LeftNormal,
        Text::RightNormal,
    ];
    const CSV: &'static [&'static str] = &[
        "key",
        "area",
        "outcome",
        "left",
        "right",
        "left_normal",
        "right_normal",
        "left_records",
        "right_records",
    ];

    fn rows(&self, view: &View<'_>) -> Vec<Vec<String>> {
        vec![vec![
            self.key.clone(),
            self.area.clone(),
            view.language.word(&self.outcome).to_owned(),
            value(self.left.as_ref()),
            value(self.right.as_ref()),
            normal(self.left.as_ref()),
            normal(self.right.as_ref()),
        ]]
    }

    fn csv(&self) -> Vec<Vec<String>> {
        let records = |said: &Option<Said>| {
            let records = said.as_ref().map(|said| said.records.join(" "));
            records.unwrap_or_default()
        };
        vec![vec![
            self.key.clone(),
            self.area.clone(),
            self.outcome.clone(),
            value(self.left.as_ref()),
            value(self.right.as_ref()),
            normal(self.left.as_ref()),
            normal(self.right.as_ref()),
            records(&self.left),
            records(&self.right),
        ]]
    }
}

fn number(number: Option<u64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

fn value(said: Option<&Said>) -> String {
    said.and_then(|said| said.value.clone()).unwrap_or_default()
}

fn normal(said: Option<&Said>) -> String {
    said.and_then(|said| said.normal.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::commands::testing::{csv, table};

    fn counted() -> Value {
        json!([
            {"case": "dwelling/3幢501", "area": "越兴社区", "actor": "王小明", "numerator": 1, "denominator": 1,
             "unknown": 0, "records": [{"record": "dwelling/3幢501", "events": [1, 7]}]},
            {"case": "k9", "area": "", "actor": "", "numerator": 0, "denominator": 1, "unknown": 0, "records": []},
        ])
    }

    fn drawn() -> Value {
        json!([{"case": "dwelling/1", "area": "越兴社区", "actor": "", "numerator": 1, "denominator": 2, "unknown": 1,
                "sample": "六月", "finding": "not-visited",
                "records": [{"record": "sample/六月", "events": [4]},
                            {"record": "resident/a", "outcome": "unknown-here", "events": [2, 9]}]}])
    }

    #[test]
    fn cases_line_up_in_chinese() {
        let both = [counted(), drawn()].map(|cases| table::<Evidence>(Language::Zh, &cases));
        insta::assert_snapshot!(both.join("\n"), @r"
        个案             区域      人员    分子  分母  不明  档案与事件
        ───────────────  ────────  ──────  ────  ────  ────  ────────────────────
        dwelling/3幢501  越兴社区  王小明     1     1     0  dwelling/3幢501 @1,7
        k9                                    0     1     0
        个案        区域      分子  分母  不明  抽查  认定    档案与事件
        ──────────  ────────  ────  ────  ────  ────  ──────  ────────────────────────────────────
        dwelling/1  越兴社区     1     2     1  六月  未走访  sample/六月 @4; resident/a 查无 @2,9
        ");
    }

    #[test]
    fn csv_has_a_row_for_each_event_and_for_a_case_without_any() {
        let both = [counted(), drawn()].map(|cases| csv::<Evidence>(&cases));
        insta::assert_snapshot!(both.join("\n"), @r"
        case,area,actor,numerator,denominator,unknown,aside,sample,finding,record,outcome,position
        dwelling/3幢501,越兴社区,王小明,1,1,0,,,,dwelling/3幢501,,1
        dwelling/3幢501,越兴社区,王小明,1,1,0,,,,dwelling/3幢501,,7
        k9,,,0,1,0,,,,,,
        case,area,actor,numerator,denominator,unknown,aside,sample,finding,record,outcome,position
        dwelling/1,越兴社区,,1,2,1,,六月,not-visited,sample/六月,,4
        dwelling/1,越兴社区,,1,2,1,,六月,not-visited,resident/a,unknown-here,2
        dwelling/1,越兴社区,,1,2,1,,六月,not-visited,resident/a,unknown-here,9
        ");
    }

    #[test]
    fn two_systems_line_up_in_chinese() {
        let keys = json!([
            {"key": "k1", "area": "越兴社区", "outcome": "match",
             "left": {"records": ["extract/a:k1"], "value": "３幢５０１室", "normal": "3-501"},
             "right": {"records": ["extract/b:k1"], "value": "3-501", "normal": "3-501"}},
            {"key": "k2", "area": "越北村委会", "outcome": "right-only", "left": null,
             "right": {"records": ["extract/b:k2", "extract/b:k3"], "value": null, "normal": null}},
        ]);
        let both = [table::<Reconciled>(Language::Zh, &keys), csv::<Reconciled>(&keys)];
        insta::assert_snapshot!(both.join("\n"), @r"
        主键  区域        结果    左               右  左（比对形式）  右（比对形式）
        ────  ──────────  ──────  ────────────  ─────  ──────────────  ──────────────
        k1    越兴社区    一致    ３幢５０１室  3-501           3-501           3-501
        k2    越北村委会  仅右有
        key,area,outcome,left,right,left_normal,right_normal,left_records,right_records
        k1,越兴社区,match,３幢５０１室,3-501,3-501,3-501,extract/a:k1,extract/b:k1
        k2,越北村委会,right-only,,,,,,extract/b:k2 extract/b:k3
        ");
    }
}
