//! `--dry-run`: the plan as a diff and as counts; nothing is written.

use serde_json::json;
use shilu_model::{Command, Deed, OwnedValue, RecordName, Status};

use super::{summary::Summary, target::value_json};
use crate::{
    Done,
    args::SummaryFormat,
    messages::{Language, Text},
    output::{Output, say},
    table::{Table, terminal_width},
};

/// Records shown in a table; JSON shows all.
const SHOWN: usize = 100;

/// Gathers the plan.
pub struct DryRun {
    /// Its counts.
    pub summary: Summary,
    format: SummaryFormat,
    language: Language,
    output: Output,
    table: Table,
    records: usize,
}

impl DryRun {
    /// An empty plan.
    pub fn new(format: SummaryFormat, language: Language) -> Self {
        let header = [Text::Record, Text::Status, Text::Changes].map(|text| language.say(text));
        DryRun {
            summary: Summary::default(),
            format,
            language,
            output: Output::stdout(),
            table: Table::new(header),
            records: 0,
        }
    }

    /// Adds what would be done to one record.
    pub fn show(&mut self, name: &RecordName, before: Status, commands: &[Command]) -> Done {
        self.summary.count(commands.iter().map(|command| command.deed.action()));
        self.records += 1;
        let after = commands.iter().fold(before, after);
        let changes: Vec<_> = commands.iter().flat_map(changes).collect();
        match self.format {
            SummaryFormat::Json => {
                let changes: Vec<_> = changes
                    .iter()
                    .map(|(field, before, after)| json!({ "field": field, "before": value_json(*before), "after": value_json(*after) }))
                    .collect();
                let item = json!({
                    "record": name.as_str(),
                    "status": { "before": before.word(), "after": after.word() },
                    "changes": changes,
                });
                self.output.line(item)
            }
            SummaryFormat::Table => {
                if self.table.len() < SHOWN {
                    let show = |value: Option<&OwnedValue>| match value {
                        Some(value) => value.borrow().to_string(),
                        None => self.language.say(Text::NoValue).to_owned(),
                    };
                    let changes = changes.iter().map(|(field, before, after)| format!("{field}: {} → {}", show(*before), show(*after)));
                    let status = format!("{} → {}", self.language.word(before.word()), self.language.word(after.word()));
                    self.table.push([name.to_string(), status, changes.collect::<Vec<_>>().join("; ")]);
                }
                Ok(())
            }
        }
    }

    /// Prints the counts.
    pub fn finish(mut self) -> Done {
        match self.format {
            SummaryFormat::Json => self.output.line(self.summary.json())?,
            SummaryFormat::Table => {
                if !self.table.is_empty() {
                    for line in self.table.lines(terminal_width()) {
                        self.output.line(line)?;
                    }
                    if self.records > self.table.len() {
                        self.output.line(format!("… {} / {}", self.table.len(), self.records))?;
                    }
                    self.output.line("")?;
                }
                for line in self.summary.table(self.language).lines(None) {
                    self.output.line(line)?;
                }
            }
        }
        self.output.flush()?;
        say(format!("{}: {}", self.language.say(Text::Note), self.language.say(Text::DryRun)));
        Ok(())
    }
}

/// The status after a command that is taken.
fn after(status: Status, command: &Command) -> Status {
    match command.deed {
        Deed::Collect(_) if matches!(status, Status::Absent | Status::Found) => Status::Collected,
        Deed::Register => Status::Registered,
        Deed::Deregister(_) => Status::Deregistered,
        Deed::Collect(_) | Deed::Correct(_) | Deed::Verify(_) => status,
    }
}

/// The fields that a command sets: id, before, after.
fn changes(command: &Command) -> Vec<(&str, Option<&OwnedValue>, Option<&OwnedValue>)> {
    match &command.deed {
        Deed::Collect(fields) => fields.iter().map(|(field, value)| (field.as_str(), None, value.as_ref())).collect(),
        Deed::Correct(corrections) => corrections
            .iter()
            .map(|correction| {
                let before = correction.before.as_ref().and_then(Option::as_ref);
                (correction.field.as_str(), before, correction.after.as_ref())
            })
            .collect(),
        Deed::Register | Deed::Deregister(_) | Deed::Verify(_) => Vec::new(),
    }
}
