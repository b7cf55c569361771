//! `shilu blame`: per field its value, and who set it when.

use serde_json::Value;

use super::{ask, at, record_path};
use crate::{
    Done,
    args::RecordArgs,
    format::{Item, Question, View, list},
    messages::{Language, Text},
    register::Paging,
    wire::{Blame, cell},
};

/// Runs it.
pub fn run(args: &RecordArgs, language: Language) -> Done {
    let path = format!("{}/blame", record_path(&args.record)?);
    ask(&args.source, language, |register| {
        let question = Question {
            path: &path,
            query: at(&args.at),
            paging: Paging::Single,
        };
        list::<Blame>(register, question, args.format, language)
    })
}

impl Item for Blame {
    const COLUMNS: &'static [Text] = &[
        Text::Field,
        Text::Value,
        Text::Before,
        Text::Effective,
        Text::Recorded,
        Text::Position,
        Text::Action,
        Text::Actor,
        Text::Reason,
        Text::Source,
    ];
    const CSV: &'static [&'static str] = &[
        "field",
        "value",
        "before",
        "effective",
        "recorded",
        "position",
        "id",
        "action",
        "actor",
        "reason",
        "source",
    ];

    fn rows(&self, view: &View<'_>) -> Vec<Vec<String>> {
        let event = &self.event;
        let value = if self.value.is_null() {
            view.language.say(Text::NoValue).to_owned()
        } else {
            cell(&self.value)
        };
        vec![vec![
            self.field.clone(),
            value,
            cell(self.before()),
            view.register.local_time(&event.effective),
            view.register.local_time(&event.recorded),
            event.position.to_string(),
            view.language.word(&event.action).to_owned(),
            event.actor.clone(),
            event.reason.clone().unwrap_or_default(),
            event.came_from(),
        ]]
    }

    fn csv(&self) -> Vec<Vec<String>> {
        let event = &self.event;
        vec![vec![
            self.field.clone(),
            cell(&self.value),
            cell(self.before()),
            event.effective.clone(),
            event.recorded.clone(),
            event.position.to_string(),
            event.id.clone(),
            event.action.clone(),
            event.actor.clone(),
            event.reason.clone().unwrap_or_default(),
            cell(&event.source),
        ]]
    }
}

impl Blame {
    /// What the field held before the event that set it.
    fn before(&self) -> &Value {
        let mut changes = self.event.changes.iter().flatten();
        changes
            .find(|change| change.field == self.field)
            .map_or(&Value::Null, |change| &change.before)
    }
}
