//! Where an import writes to: an open register, or one behind a server. The planner does not know which.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

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
    error::CliError,
    register::{Paging, Query, Register, Remote},
    wire,
};

/// Records asked for at once where the keys of a kind are listed.
const LISTED_AT_ONCE: usize = 50_000;
/// Lists sent to a server at the same time.
const SENDERS: usize = 16;

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

    /// Shows a record's state at (effective, now).
    fn with_state<T>(&self, name: &RecordName, look: impl FnOnce(&State<'_>) -> T) -> Result<T, CliError>;

    /// The keys of the kind's records that are registered at (effective, now), and whose values are wanted.
    fn registered_keys(
        &self,
        wanted: impl Fn(&[(String, OwnedValue)]) -> bool,
    ) -> Result<Vec<String>, CliError>;

    /// Hands lists over; each is atomic, and independent of the others.
    fn submit(&self, lists: Vec<Vec<Command>>) -> Result<Self::Waiting, CliError>;

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

    fn send(&self, list: &[Command]) -> Result<Answer, CliError> {
        let body =
            serde_json::to_vec(&list.iter().map(command_json).collect::<Vec<_>>()).map_err(|error| {
                CliError::Server {
                    url: String::new(),
                    problem: error.to_string(),
                }
            })?;
        match self.remote.call("/api/v1/commands", Some(&body)) {
            Ok(bytes) => {
                let accepted: Vec<AcceptedJson> = wire::read(&bytes, "the server")?;
                let positions = || accepted.iter().map(|accepted| accepted.position);
                Ok(Ok(Taken {
                    first: positions().min().unwrap_or(0),
                    last: positions().max().unwrap_or(0),
                }))
            }
            Err(CliError::Problem { problem }) if matches!(problem.status, 404 | 409 | 413 | 422) => {
                Ok(Err(Refusal {
                    field: problem.field.clone(),
                    code: problem.code.clone(),
                    reason: problem.detail.clone().unwrap_or_default(),
                }))
            }
            Err(error) => Err(error),
        }
    }
}

#[derive(Deserialize)]
struct AcceptedJson {
    position: u64,
}

impl Target for RemoteTarget<'_> {
    type Waiting = Vec<Answer>;

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
        let next = AtomicUsize::new(0);
        let answers = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..SENDERS.min(lists.len()) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(list) = lists.get(index) else { return };
                        let answer = self.send(list);
                        let failed = answer.is_err();
                        answers
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push((index, answer));
                        if failed {
                            next.store(lists.len(), Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
        answers.sort_by_key(|(index, _)| *index);
        answers.into_iter().map(|(_, answer)| answer).collect()
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
