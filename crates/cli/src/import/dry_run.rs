//! `--dry-run`: the plan as a diff and as counts; nothing is written.

use shilu_model::{Command, Deed, OwnedValue, RecordName, State, Status, Value};

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
    pub fn show(&mut self, name: &RecordName, state: &State<'_>, commands: &[Command]) -> Done {
        self.summary
            .count(commands.iter().map(|command| command.deed.action()));
        self.records += 1;
        let (before, after) = (state.status, commands.iter().fold(state.status, after));
        let changes = commands.iter().flat_map(stated);
        let changes = changes.map(|(field, after)| (field, state.value(field).map(Value::to_owned), after));
        let changes = changes.filter(|(_, before, after)| before.as_ref() != *after);
        match self.format {
            SummaryFormat::Json => {
                let json = |value: Option<&OwnedValue>| value_json(value).to_string();
                let changes = changes.map(|(field, before, after)| {
                    format!(
                        "{{\"field\":\"{field}\",\"before\":{},\"after\":{}}}",
                        json(before.as_ref()),
                        json(after)
                    )
                });
                let changes = changes.collect::<Vec<_>>().join(",");
                let name = serde_json::Value::String(name.to_string());
                let (before, after) = (before.word(), after.word());
                self.output.line(format!(
                    "{{\"record\":{name},\"status\":{{\"before\":\"{before}\",\"after\":\"{after}\"}},\"changes\":[{changes}]}}"
                ))
            }
            SummaryFormat::Table => {
                if self.table.len() < SHOWN {
                    let language = self.language;
                    let show = |value: Option<&OwnedValue>| match value {
                        Some(value) => value.borrow().to_string(),
                        None => language.say(Text::NoValue).to_owned(),
                    };
                    let changes = changes.map(|(field, before, after)| {
                        format!("{field}: {} → {}", show(before.as_ref()), show(after))
                    });
                    let changes = changes.collect::<Vec<_>>().join("; ");
                    let status = format!(
                        "{} → {}",
                        language.word(before.word()),
                        language.word(after.word())
                    );
                    self.table.push([name.to_string(), status, changes]);
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
                        self.output
                            .line(format!("… {} / {}", self.table.len(), self.records))?;
                    }
                    self.output.line("")?;
                }
                for line in self.summary.table(self.language).lines(None) {
                    self.output.line(line)?;
                }
            }
        }
        self.output.flush()?;
        say(format!(
            "{}: {}",
            self.language.say(Text::Note),
            self.language.say(Text::DryRun)
        ));
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

/// The fields that a command states, and what they should hold.
fn stated(command: &Command) -> Vec<(&str, Option<&OwnedValue>)> {
    match &command.deed {
        Deed::Collect(fields) => fields
            .iter()
            .map(|(field, value)| (field.as_str(), value.as_ref()))
            .collect(),
        Deed::Correct(corrections) => corrections
            .iter()
            .map(|correction| (correction.field.as_str(), correction.after.as_ref()))
            .collect(),
        Deed::Register | Deed::Deregister(_) | Deed::Verify(_) => Vec::new(),
    }
}
