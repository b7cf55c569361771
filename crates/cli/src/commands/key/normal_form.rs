//! A command in its normal form: as the register rebuilds it from the event, which is what the signature covers.

use chrono::Utc;
use serde_json::{Map, Value, json};
use shilu_model::{EventId, RecordName, Timestamp};
use uuid::Uuid;

use crate::error::CliError;

/// What a command that states neither gets.
pub struct Fresh {
    /// Its id.
    pub id: EventId,
    /// Its effective time.
    pub now: Timestamp,
}

impl Fresh {
    /// A new id, and the time by this machine's clock.
    pub fn draw() -> Fresh {
        Fresh {
            id: EventId::from_bytes(Uuid::now_v7().into_bytes()),
            now: Timestamp::from_micros(Utc::now().timestamp_micros()),
        }
    }
}

/// What is wrong with a command.
pub type Wrong = CliError;

/// Brings a command into its normal form, without a signature.
///
/// Without the campaign three things cannot be known: which field is the key field, so it has to be left out of
/// `fields`; how a decimal is written, so it has to be as the register writes it; and when a bare date begins.
pub fn normal_form(command: Value, fresh: &Fresh) -> Result<Map<String, Value>, Wrong> {
    let Value::Object(mut command) = command else {
        return Err(bad_json("a command is no JSON object"));
    };
    command.remove("signature");
    // What is null was not stated.
    command.retain(|_, value| !value.is_null());
    let record = text(&command, "record")?.unwrap_or_default();
    RecordName::parse(&record).map_err(|error| CliError::Malformed {
        code: "BAD_RECORD",
        problem: error.to_string(),
        hint: "write kind/key, such as dwelling/12-3",
    })?;
    id(&mut command, "id")?;
    id(&mut command, "cause")?;
    command.entry("id").or_insert_with(|| fresh.id.to_string().into());
    for name in ["begun", "entered"] {
        time(&mut command, name)?;
    }
    if text(&command, "effective")?.as_deref() != Some("origin") {
        time(&mut command, "effective")?;
    }
    command
        .entry("effective")
        .or_insert_with(|| fresh.now.to_string().into());
    source(&mut command)?;
    place(&mut command)?;
    values(&mut command)?;
    Ok(command)
}

fn text(command: &Map<String, Value>, name: &str) -> Result<Option<String>, Wrong> {
    match command.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(bad_json(&format!("{name:?} is no text"))),
    }
}

fn id(command: &mut Map<String, Value>, name: &str) -> Result<(), Wrong> {
    if let Some(given) = text(command, name)? {
        let id = EventId::parse(&given).map_err(|error| CliError::Malformed {
            code: "BAD_ID",
            problem: format!("{name}: {error}"),
            hint: "use a UUID of version 7, or leave the id out to have one made",
        })?;
        command.insert(name.to_owned(), id.to_string().into());
    }
    Ok(())
}

fn time(command: &mut Map<String, Value>, name: &str) -> Result<(), Wrong> {
    if let Some(given) = text(command, name)? {
        let time = Timestamp::parse(&given).map_err(|error| CliError::Malformed {
            code: "BAD_TIME",
            problem: format!("{name}: {error}"),
            hint: "write a time with an offset, such as 2015-04-07T00:00:00+08:00: when a bare date begins depends on \
                   the campaign's time zone, which a signature does not know",
        })?;
        command.insert(name.to_owned(), time.to_string().into());
    }
    Ok(())
}

/// A field visit is what nobody needs to state; a hash is in lower case.
fn source(command: &mut Map<String, Value>) -> Result<(), Wrong> {
    let Some(source) = command.get_mut("source") else {
        return Ok(());
    };
    let source = source
        .as_object_mut()
        .ok_or_else(|| bad_json("\"source\" is no object"))?;
    if source.get("type") == Some(&json!("field")) {
        command.remove("source");
    } else if let Some(Value::String(sha256)) = source.get_mut("sha256") {
        sha256.make_ascii_lowercase();
    }
    Ok(())
}

/// Degrees to seven decimals, metres rounded up: as they are stored.
fn place(command: &mut Map<String, Value>) -> Result<(), Wrong> {
    let Some(place) = command.get("place") else {
        return Ok(());
    };
    let number = |name: &str| {
        let number = place.get(name).and_then(Value::as_f64);
        number.ok_or_else(|| bad_json(&format!("\"place\" has no number {name:?}")))
    };
    let degrees = |name| Ok::<_, Wrong>((number(name)? * 1e7).round() / 1e7);
    let place =
        json!({"lat": degrees("lat")?, "lon": degrees("lon")?, "accuracy_m": number("accuracy_m")?.ceil()});
    command.insert("place".to_owned(), place);
    Ok(())
}

/// An empty text is no value; what a check leaves empty was not stated.
fn values(command: &mut Map<String, Value>) -> Result<(), Wrong> {
    for name in ["fields", "observed", "changes"] {
        let Some(members) = command.get_mut(name) else {
            continue;
        };
        let members = members.as_object_mut();
        let members = members.ok_or_else(|| bad_json(&format!("{name:?} is no object")))?;
        for (field, given) in members {
            match given {
                Value::Object(sides) if name == "changes" => {
                    sides.values_mut().try_for_each(|side| value(field, side))?;
                }
                given => value(field, given)?,
            }
        }
    }
    let is_empty = |value: &Value| match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    for name in ["observed", "not_seen"] {
        if command.get(name).is_some_and(is_empty) {
            command.remove(name);
        }
    }
    Ok(())
}

fn value(field: &str, given: &mut Value) -> Result<(), Wrong> {
    match given {
        Value::String(text) if text.is_empty() => *given = Value::Null,
        Value::Number(number) if number.as_i64().is_none() => {
            return Err(CliError::Malformed {
                code: "BAD_JSON",
                problem: format!("{field}: {number} is no integer"),
                hint: "write a decimal as a text, such as \"12.5\", so that what is signed is exact",
            });
        }
        _ => {}
    }
    Ok(())
}

fn bad_json(problem: &str) -> Wrong {
    CliError::Malformed {
        code: "BAD_JSON",
        problem: problem.to_owned(),
        hint: "write a command as POST /api/v1/commands takes it",
    }
}
