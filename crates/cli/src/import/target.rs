//! Where an import writes to: an open register, or one behind a server. The planner does not know which.

use std::{collections::HashMap, sync::Arc};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use shilu_engine::{At, Engine, EngineError, ListQuery, Pending};
use shilu_model::{
    Campaign, Class, Command, Deed, FieldType, Held, Input, Origin, OwnedValue, Position, RecordName, Since,
    State, Status, Timestamp,
};
use uuid::Uuid;

use super::plan::Refusal;
use crate::{
    error::{CliError, Problem},
    register::{Paging, Query, Register, Remote},
    wire,
};

/// Records asked for at once where the keys of a kind are listed.
const LISTED_AT_ONCE: usize = 50_000;
/// Lists of one request to a server. Its answers are read once all are sent, so they must fit what sockets and buffers
/// on the way hold: of so many, even problems of 2 KiB each are 256 KiB.
const LISTS_AT_ONCE: usize = 128;

/// The positions that one list got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Of its first event.
    pub first: u64,
    /// Of its last event.
    pub last: u64,
}

/// What became of a list.
pub type Answer = Result<Taken, Refusal>;

/// A register that rows can be compared with and written to.
pub trait Target {
    /// Answers on their way.
    type Waiting;
    /// Whether [`Target::judge`] asks the rules.
    const JUDGES: bool;

    /// Shows a record's state at (effective, now).
    fn with_state<T>(&self, name: &RecordName, look: impl FnOnce(&State<'_>) -> T) -> Result<T, CliError>;

    /// The keys of the kind's records that are registered at (effective, now), and whose values are wanted.
    fn registered_keys(
        &self,
        wanted: impl Fn(&[(String, OwnedValue)]) -> bool,
    ) -> Result<Vec<String>, CliError>;

    /// Hands lists over; each is atomic, and judged after those before it.
    fn submit(&self, lists: Vec<Vec<Command>>) -> Result<Self::Waiting, CliError>;

    /// Judges a list as if it were taken after all those that were judged before it. Nothing is written.
    fn judge(&self, list: &[Command]) -> Result<Result<(), Refusal>, CliError>;

    /// Waits until they are durable, or refused. An error is one that ends the import.
    fn wait(&self, waiting: Self::Waiting) -> Result<Vec<Answer>, CliError>;
}

/// A register in this process.
pub struct LocalTarget<'e> {
    engine: &'e Engine,
    kind: String,
    at: At,
}

impl<'e> LocalTarget<'e> {
    /// The state at (effective, now).
    pub fn new(engine: &'e Engine, kind: &str, at: At) -> Self {
        LocalTarget {
            engine,
            kind: kind.to_owned(),
            at,
        }
    }
}

impl Target for LocalTarget<'_> {
    type Waiting = Pending;
    const JUDGES: bool = true;

    fn with_state<T>(&self, name: &RecordName, look: impl FnOnce(&State<'_>) -> T) -> Result<T, CliError> {
        match self.engine.record(name, self.at) {
            Ok(view) => Ok(look(&state_of(view.status, &view.fields))),
            Err(EngineError::NoRecord { .. }) => Ok(look(&State::ABSENT)),
            Err(error) => Err(error.into()),
        }
    }

    fn registered_keys(
        &self,
        wanted: impl Fn(&[(String, OwnedValue)]) -> bool,
    ) -> Result<Vec<String>, CliError> {
        let mut query = ListQuery {
            kind: Some(self.kind.clone()),
            area: None,
            status: Some(Status::Registered),
            found_too: false,
            text: None,
            at: self.at,
            after: None,
            limit: LISTED_AT_ONCE,
        };
        let mut keys = Vec::new();
        loop {
            let page = self.engine.records(&query)?;
            let items = page.items.iter().filter(|view| wanted(&view.fields));
            keys.extend(items.map(|view| view.name.key().to_owned()));
            query.after = page.next;
            if query.after.is_none() {
                return Ok(keys);
            }
        }
    }

    fn submit(&self, lists: Vec<Vec<Command>>) -> Result<Pending, CliError> {
        Ok(self.engine.submit(lists)?)
    }

    /// The engine rehearses by now.
    fn judge(&self, list: &[Command]) -> Result<Result<(), Refusal>, CliError> {
        let answers = self.wait(self.submit(vec![list.to_vec()])?)?;
        Ok(answers.into_iter().try_for_each(|answer| answer.map(drop)))
    }

    fn wait(&self, pending: Pending) -> Result<Vec<Answer>, CliError> {
        pending
            .wait()
            .into_iter()
            .map(|answer| match answer {
                Ok(accepted) => {
                    let positions = || accepted.iter().map(|accepted| accepted.position.get());
                    Ok(Ok(Taken {
                        first: positions().min().unwrap_or(0),
                        last: positions().max().unwrap_or(0),
                    }))
                }
                Err(EngineError::Rejected { rejection, .. }) => Ok(Err(rejection.into())),
                // What is wrong with this list alone; anything else would befall the next one too.
                Err(error) if matches!(error.class(), Class::Conflict | Class::TooLarge | Class::Rule) => {
                    Ok(Err(Refusal {
                        field: None,
                        code: error.code().to_owned(),
                        reason: error.to_string(),
                        hint: error.hint(),
                    }))
                }
                Err(error) => Err(error.into()),
            })
            .collect()
    }
}

/// A state with just what the planner looks at: status and values.
fn state_of(status: Status, fields: &[(String, OwnedValue)]) -> State<'_> {
    let held = fields.iter().map(|(field, value)| Held {
        field,
        value: Some(value.borrow()),
        effective: Timestamp::MIN,
        position: Position::ZERO,
    });
    State {
        status,
        fields: held.collect(),
        ..State::ABSENT
    }
}

/// A register behind a server: its records of the kind are fetched once, then compared here.
pub struct RemoteTarget<'r> {
    remote: &'r Remote,
    records: HashMap<String, (Status, Vec<(String, OwnedValue)>)>,
}

impl<'r> RemoteTarget<'r> {
    /// Fetches the kind's records at (effective, now).
    pub fn new(
        register: &Register,
        remote: &'r Remote,
        campaign: &Arc<Campaign>,
        kind: &str,
        effective: Option<Timestamp>,
    ) -> Result<Self, CliError> {
        let mut records = HashMap::new();
        let query = Query::default()
            .with("kind", Some(kind))
            .with("status", Some("all"))
            .with("effective", effective.map(|time| time.to_string()));
        register.pages("/api/v1/records", query, Paging::Whole, |item| {
            let record: wire::Record = wire::read(item.get().as_bytes(), register.from())?;
            let status = Status::parse(&record.status).unwrap_or(Status::Absent);
            let fields = record.fields.0.iter().filter_map(|(field, value)| {
                let field_type = &campaign.kind(kind)?.field(field)?.field_type;
                Some((field.clone(), owned(field_type, value)?))
            });
            records.insert(record.key, (status, fields.collect()));
            Ok(())
        })?;
        Ok(RemoteTarget { remote, records })
    }

    /// Sends lists as lines of one stream: they are judged in this order, each by what those before it did.
    fn send(&self, lists: &[Vec<Command>]) -> Result<Vec<Answer>, CliError> {
        let lists = lists
            .iter()
            .map(|list| Value::Array(list.iter().map(command_json).collect()));
        let body: String = lists.map(|list| format!("{list}\n")).collect();
        let bytes = self
            .remote
            .call("/api/v1/commands/stream", Some(body.as_bytes()))?;
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(answer).collect()
    }
}

/// The answer in a line of a stream.
fn answer(line: &[u8]) -> Result<Answer, CliError> {
    if !line.starts_with(b"[") {
        let problem: Problem = wire::read(line, "the server")?;
        // What is wrong with this list alone; anything else would befall the next one too.
        return if matches!(problem.status, 404 | 409 | 413 | 422) {
            Ok(Err(problem.into()))
        } else {
            let problem = Box::new(problem);
            Err(CliError::Problem { problem })
        };
    }
    let accepted: Vec<AcceptedJson> = wire::read(line, "the server")?;
    let positions = || accepted.iter().map(|accepted| accepted.position);
    Ok(Ok(Taken {
        first: positions().min().unwrap_or(0),
        last: positions().max().unwrap_or(0),
    }))
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Refusal {
            field: problem.field,
            code: problem.code,
            reason: problem.detail.unwrap_or_default(),
            hint: problem.hint.unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
struct AcceptedJson {
    position: u64,
}

impl Target for RemoteTarget<'_> {
    type Waiting = Vec<Answer>;
    const JUDGES: bool = false;

    fn with_state<T>(&self, name: &RecordName, look: impl FnOnce(&State<'_>) -> T) -> Result<T, CliError> {
        Ok(match self.records.get(name.key()) {
            Some((status, fields)) => look(&state_of(*status, fields)),
            None => look(&State::ABSENT),
        })
    }

    fn registered_keys(
        &self,
        wanted: impl Fn(&[(String, OwnedValue)]) -> bool,
    ) -> Result<Vec<String>, CliError> {
        let registered = self
            .records
            .iter()
            .filter(|(_, (status, fields))| *status == Status::Registered && wanted(fields));
        let mut keys: Vec<String> = registered.map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        Ok(keys)
    }

    fn submit(&self, lists: Vec<Vec<Command>>) -> Result<Vec<Answer>, CliError> {
        let mut answers = Vec::with_capacity(lists.len());
        for part in lists.chunks(LISTS_AT_ONCE) {
            answers.extend(self.send(part)?);
        }
        if answers.len() == lists.len() {
            Ok(answers)
        } else {
            let problem = format!("it answered {} of {} lists", answers.len(), lists.len());
            Err(CliError::Server {
                url: self.remote.address().to_owned(),
                problem,
            })
        }
    }

    /// A server judges only what it takes.
    fn judge(&self, _: &[Command]) -> Result<Result<(), Refusal>, CliError> {
        Ok(Ok(()))
    }

    fn wait(&self, answers: Vec<Answer>) -> Result<Vec<Answer>, CliError> {
        Ok(answers)
    }
}

/// A JSON value as the value of a field.
fn owned(field_type: &FieldType, value: &Value) -> Option<OwnedValue> {
    let input = match value {
        Value::String(text) => Input::Text(text),
        Value::Number(number) => Input::Integer(number.as_i64()?),
        Value::Bool(truth) => Input::Boolean(*truth),
        _ => return None,
    };
    field_type.read(input).ok().flatten()
}

/// A value as JSON.
pub fn value_json(value: Option<&OwnedValue>) -> Value {
    match value {
        None => Value::Null,
        Some(OwnedValue::Integer(number)) => json!(number),
        Some(OwnedValue::Boolean(truth)) => json!(truth),
        Some(other) => Value::String(other.borrow().to_string()),
    }
}

/// A hash as people write it.
pub fn hex(sha256: &[u8; 32]) -> String {
    sha256.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A command as the service reads it. Its id makes a repeated request safe.
fn command_json(command: &Command) -> Value {
    let mut json = Map::new();
    let mut set = |name: &str, value: Value| json.insert(name.to_owned(), value);
    set(
        "id",
        json!(
            command
                .id
                .map_or_else(|| Uuid::now_v7().to_string(), |id| id.to_string())
        ),
    );
    set("action", json!(command.deed.action().word()));
    set("record", json!(command.record.as_str()));
    set("actor", json!(command.actor));
    set("reason", json!(command.reason));
    if let Since::At(time) = command.effective {
        set("effective", json!(time.to_string()));
    }
    if let Origin::Import { sha256, file, row } = &command.source {
        set(
            "source",
            json!({ "type": "import", "sha256": hex(sha256), "file": &**file, "row": row }),
        );
    }
    match &command.deed {
        Deed::Collect(fields) => {
            let fields = fields
                .iter()
                .map(|(field, value)| (field.clone(), value_json(value.as_ref())));
            set("fields", Value::Object(fields.collect()));
        }
        Deed::Correct(corrections) => {
            let changes = corrections.iter().map(|correction| {
                let mut change = Map::new();
                if let Some(before) = &correction.before {
                    change.insert("before".to_owned(), value_json(before.as_ref()));
                }
                change.insert("after".to_owned(), value_json(correction.after.as_ref()));
                (correction.field.clone(), Value::Object(change))
            });
            set("changes", Value::Object(changes.collect()));
        }
        Deed::Deregister(reason) => {
            set("because", json!(reason.borrow().word()));
        }
        Deed::Register | Deed::Verify(_) => {}
    }
    Value::Object(json)
}
