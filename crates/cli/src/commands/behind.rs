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
        Text::DecidedBy,
    ];
    const CSV: &'static [&'static str] = &[
        "case",
        "area",
        "actor",
        "numerator",
        "denominator",
        "unknown",
        "record",
        "position",
    ];

    fn rows(&self, _: &View<'_>) -> Vec<Vec<String>> {
        let records = self.records.iter();
        let records: Vec<String> = records
            .map(|record| {
                let events: Vec<String> = record.events.iter().map(ToString::to_string).collect();
                format!("{} @{}", record.record, events.join(","))
            })
            .collect();
        vec![vec![
            self.case.clone(),
            self.area.clone(),
            self.actor.clone(),
            self.numerator.to_string(),
            self.denominator.to_string(),
            u8::from(self.unknown).to_string(),
            records.join("; "),
        ]]
    }

    /// A row per event.
    fn csv(&self) -> Vec<Vec<String>> {
        let events = self.records.iter().flat_map(|record| {
            let events = record.events.iter();
            events.map(|position| (record.record.clone(), position.to_string()))
        });
        events
            .map(|(record, position)| {
                vec![
                    self.case.clone(),
                    self.area.clone(),
                    self.actor.clone(),
                    self.numerator.to_string(),
                    self.denominator.to_string(),
                    self.unknown.to_string(),
                    record,
                    position,
                ]
            })
            .collect()
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

fn value(said: Option<&Said>) -> String {
    said.and_then(|said| said.value.clone()).unwrap_or_default()
}

fn normal(said: Option<&Said>) -> String {
    said.and_then(|said| said.normal.clone()).unwrap_or_default()
}
