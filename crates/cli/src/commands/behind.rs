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
