//! `shilu diff`: what differs between two points on a time axis.

use super::ask;
use crate::{
    Done,
    args::DiffArgs,
    format::{Item, Question, View, list},
    messages::{Language, Text},
    register::{Paging, Query},
    wire::{Difference, cell},
};

/// Runs it.
pub fn run(args: &DiffArgs, language: Language) -> Done {
    let query = Query::default()
        .with("from", Some(args.from.clone()))
        .with("to", args.to.clone())
        .with("axis", Some(args.axis.word()))
        .with("as_of", args.as_of.clone())
        .with("area", args.area.clone())
        .with("kind", args.kind.clone());
    ask(&args.source, language, |register| {
        let question = Question {
            path: "/api/v1/diff",
            query,
            paging: Paging::limit(args.limit),
        };
        list::<Difference>(register, question, args.format, language)
    })
}

impl Item for Difference {
    const COLUMNS: &'static [Text] = &[Text::Record, Text::Status, Text::Changes];
    const CSV: &'static [&'static str] = &[
        "record",
        "status_before",
        "status_after",
        "field",
        "before",
        "after",
    ];

    fn rows(&self, view: &View<'_>) -> Vec<Vec<String>> {
        let word = |status: &Option<String>| {
            view.language
                .word(status.as_deref().unwrap_or("absent"))
                .to_owned()
        };
        let (before, after) = (word(&self.status.before), word(&self.status.after));
        let status = if before == after {
            before
        } else {
            format!("{before} → {after}")
        };
        let changes: Vec<String> = self
            .changes
            .iter()
            .map(|change| change.sentence(view.language))
            .collect();
        vec![vec![self.record.clone(), status, changes.join("; ")]]
    }

    fn csv(&self) -> Vec<Vec<String>> {
        let text = |status: &Option<String>| status.clone().unwrap_or_default();
        let row = |field: &str, before: String, after: String| {
            vec![
                self.record.clone(),
                text(&self.status.before),
                text(&self.status.after),
                field.to_owned(),
                before,
                after,
            ]
        };
        if self.changes.is_empty() {
            return vec![row("", String::new(), String::new())];
        }
        let changes = self.changes.iter();
        changes
            .map(|change| row(&change.field, cell(&change.before), cell(&change.after)))
            .collect()
    }
}
