//! Events as rows: shared by `history` and `changes`.

use serde_json::Value;

use crate::{
    format::{Item, View},
    messages::{Language, Text},
    wire::{Change, Event, cell},
};

impl Item for Event {
    const COLUMNS: &'static [Text] = &[
        Text::Position,
        Text::Recorded,
        Text::Effective,
        Text::Action,
        Text::Record,
        Text::Actor,
        Text::Changes,
        Text::Reason,
        Text::Source,
    ];
    const CSV: &'static [&'static str] = &[
        "position",
        "id",
        "record",
        "version",
        "action",
        "actor",
        "recorded",
        "effective",
        "area",
        "device",
        "reason",
        "source",
        "cause",
        "outcome",
        "because",
        "changes",
        "observed",
    ];

    fn rows(&self, view: &View<'_>) -> Vec<Vec<String>> {
        let language = view.language;
        vec![vec![
            self.position.to_string(),
            view.register.local_time(&self.recorded),
            view.register.local_time(&self.effective),
            language.word(&self.action).to_owned(),
            self.record.clone().unwrap_or_default(),
            self.actor.clone(),
            self.what(language),
            self.reason.clone().unwrap_or_default(),
            self.came_from(),
        ]]
    }

    fn csv(&self) -> Vec<Vec<String>> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let changes = self.changes.iter().flatten().map(|change| {
            serde_json::json!({ "field": change.field, "before": change.before, "after": change.after })
        });
        let changes: Vec<Value> = changes.collect();
        let observed = self.observed.iter().flatten().map(|observed| {
            serde_json::json!({ "field": observed.field, "value": observed.value, "verdict": observed.verdict })
        });
        let observed: Vec<Value> = observed.collect();
        let list = |list: Vec<Value>| {
            if list.is_empty() {
                String::new()
            } else {
                Value::Array(list).to_string()
            }
        };
        vec![vec![
            self.position.to_string(),
            self.id.clone(),
            text(&self.record),
            self.version
                .map(|version| version.to_string())
                .unwrap_or_default(),
            self.action.clone(),
            self.actor.clone(),
            self.recorded.clone(),
            self.effective.clone(),
            text(&self.area),
            text(&self.device),
            text(&self.reason),
            cell(&self.source),
            text(&self.cause),
            text(&self.outcome),
            cell(&self.because),
            list(changes),
            list(observed),
        ]]
    }
}

impl Event {
    /// How it came in, in short: the file and row of an import, or one word.
    pub fn came_from(&self) -> String {
        let part = |key: &str| self.source.get(key).map(cell).unwrap_or_default();
        match part("type").as_str() {
            "import" => format!("{}:{}", part("file"), part("row")),
            other => other.to_owned(),
        }
    }

    /// What it says, in short.
    fn what(&self, language: Language) -> String {
        let mut parts = Vec::new();
        parts.extend(
            self.outcome
                .as_deref()
                .map(|outcome| language.word(outcome).to_owned()),
        );
        parts.extend(Some(cell(&self.because)).filter(|because| !because.is_empty()));
        parts.extend(
            self.changes
                .iter()
                .flatten()
                .map(|change| change.sentence(language)),
        );
        parts.extend(self.observed.iter().flatten().map(|observed| {
            let verdict = observed.verdict.as_deref().unwrap_or_default();
            format!("{}: {} ({verdict})", observed.field, cell(&observed.value))
        }));
        parts.join("; ")
    }
}

impl Change {
    /// The change in short: what was confirmed or first said, or before → after.
    pub fn sentence(&self, language: Language) -> String {
        let show = |value: &Value| match value {
            Value::Null => language.say(Text::NoValue).to_owned(),
            other => cell(other),
        };
        if self.before.is_null() || self.before == self.after {
            format!("{}: {}", self.field, show(&self.after))
        } else {
            format!("{}: {} → {}", self.field, show(&self.before), show(&self.after))
        }
    }
}
