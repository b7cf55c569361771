//! What one row asks of one record: the commands that make the register say what the row says. Pure.

use std::sync::Arc;

use shilu_model::{
    Because, Command, Correction, Deed, Input, Kind, LIST_COMMANDS_MAX, Origin, OwnedValue, Reason, RecordName,
    Rejection, Since, State, Status,
};

use super::rows::Row;

/// What all rows of an import share.
#[derive(Clone, Debug)]
pub struct Job {
    /// The kind of the rows.
    pub kind: Kind,
    /// Where its key stands among its fields.
    pub key_field: usize,
    /// Whether the file is the whole truth.
    pub snapshot: bool,
    /// On whose account.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Since,
    /// The file's hash.
    pub sha256: [u8; 32],
    /// The file's name.
    pub file: Arc<str>,
}

/// Per field what a row says: nothing, no value, or a value.
pub type Given = Vec<Option<Option<OwnedValue>>>;

/// Why a row is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The field it is about.
    pub field: Option<String>,
    /// The stable code.
    pub code: String,
    /// What is wrong.
    pub reason: String,
}

/// The row that a deregistration names: no row made it, so the header stands for the file as a whole.
const WHOLE_FILE: u64 = 1;
// A row makes at most two commands, well within a list.
const _: () = assert!(LIST_COMMANDS_MAX >= 2);

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Refusal {
            field: rejection.field().map(str::to_owned),
            code: rejection.code().to_owned(),
            reason: rejection.to_string(),
        }
    }
}

impl Job {
    /// The record that a row is about.
    pub fn name(&self, row: Row<'_>) -> Result<RecordName, Refusal> {
        self.name_of(row.input(self.key_field))
    }

    fn name_of(&self, input: Option<Input<'_>>) -> Result<RecordName, Refusal> {
        let bad = |problem: String| Refusal {
            field: Some(self.kind.key.clone()),
            code: "BAD_KEY".to_owned(),
            reason: problem,
        };
        let input = input.ok_or_else(|| bad("the row has no key".to_owned()))?;
        match self.kind.read(&self.kind.key, input) {
            Ok(Some(OwnedValue::Text(key))) => {
                RecordName::new(&self.kind.id, &key).map_err(|error| bad(error.to_string()))
            }
            Ok(_) => Err(bad("the key is empty".to_owned())),
            Err(rejection) => Err(bad(rejection.to_string())),
        }
    }

    /// The values of a row.
    pub fn given(&self, row: Row<'_>) -> Result<Given, Refusal> {
        let fields = self.kind.fields.iter().enumerate();
        fields
            .map(|(index, field)| match row.input(index) {
                Some(input) if index != self.key_field => field.field_type.read(input).map(Some).map_err(|problem| {
                    Refusal::from(Rejection::BadValue { field: field.id.clone(), problem })
                }),
                _ => Ok(None),
            })
            .collect()
    }

    /// The commands for a row, given the record's state at (effective, now); none where nothing changes.
    pub fn plan(
        &self,
        name: &RecordName,
        number: u64,
        given: Given,
        state: &State<'_>,
    ) -> Result<Vec<Command>, Refusal> {
        let deeds = match state.status {
            Status::Void => return Err(Rejection::RecordVoid.into()),
            Status::Absent | Status::Found => self.first(given)?,
            _ if self.snapshot => self.settle(given, state)?,
            _ => self.confirm(given, state)?,
        };
        Ok(deeds.into_iter().map(|deed| self.command(name, number, deed)).collect())
    }

    /// The command for a registered record that the whole truth does not hold.
    pub fn deregister(&self, name: &RecordName) -> Vec<Command> {
        vec![self.command(name, WHOLE_FILE, Deed::Deregister(Reason::Plain(Because::AbsentFromExtract)))]
    }

    /// A record that nobody has collected.
    fn first(&self, given: Given) -> Result<Vec<Deed>, Refusal> {
        let missing = self.kind.fields.iter().zip(&given).enumerate().find(|(index, (field, given))| {
            field.required && *index != self.key_field && !matches!(given, Some(Some(_)))
        });
        if let Some((_, (field, _))) = missing {
            return Err(Rejection::FieldMissing { field: field.id.clone() }.into());
        }
        let collect = Deed::Collect(self.stated(given));
        Ok(if self.snapshot { vec![collect, Deed::Register] } else { vec![collect] })
    }

    /// Plain: confirms what is held and adds what is not; a different value is for a correction.
    fn confirm(&self, given: Given, state: &State<'_>) -> Result<Vec<Deed>, Refusal> {
        let mut adds = false;
        for (field, given) in self.kind.fields.iter().zip(&given) {
            let Some(given) = given else { continue };
            let (held, given) = (state.value(&field.id), given.as_ref().map(OwnedValue::borrow));
            if held == given {
                continue;
            }
            if held.is_some() {
                let show = |value: Option<shilu_model::Value<'_>>| value.map_or("no value".to_owned(), |v| v.to_string());
                return Err(Rejection::ValueDiffers {
                    field: field.id.clone(),
                    held: show(held),
                    given: show(given),
                }
                .into());
            }
            adds = true;
        }
        Ok(if adds { vec![Deed::Collect(self.stated(given))] } else { Vec::new() })
    }

    /// Snapshot: corrects what differs, and registers what is not registered.
    fn settle(&self, given: Given, state: &State<'_>) -> Result<Vec<Deed>, Refusal> {
        let mut corrections = Vec::new();
        for (field, given) in self.kind.fields.iter().zip(given) {
            let Some(after) = given else { continue };
            let held = state.value(&field.id);
            if after.is_none() && field.required {
                return Err(Rejection::FieldMissing { field: field.id.clone() }.into());
            }
            if held != after.as_ref().map(OwnedValue::borrow) {
                let before = Some(held.map(shilu_model::Value::to_owned));
                corrections.push(Correction { field: field.id.clone(), before, after });
            }
        }
        let mut deeds = Vec::new();
        if !corrections.is_empty() {
            deeds.push(Deed::Correct(corrections));
        }
        if state.status != Status::Registered {
            deeds.push(Deed::Register);
        }
        Ok(deeds)
    }

    /// The fields that have a value.
    fn stated(&self, given: Given) -> Vec<(String, Option<OwnedValue>)> {
        let fields = self.kind.fields.iter().zip(given);
        fields
            .filter_map(|(field, given)| Some((field.id.clone(), Some(given??))))
            .collect()
    }

    fn command(&self, name: &RecordName, number: u64, deed: Deed) -> Command {
        Command {
            id: None,
            record: name.clone(),
            deed,
            actor: self.actor.clone(),
            effective: self.since,
            device: None,
            reason: Some(self.reason.clone()),
            source: Origin::Import { sha256: self.sha256, file: Arc::clone(&self.file), row: number },
            visit: None,
            expected_version: None,
            cause: None,
        }
    }
}
