//! What an actor signs: the RFC 8785 form of a command, rebuilt from the event that it became, so that an auditor can
//! check the signature from the log alone.

use serde_json::{Map, Value as Json, json};

use crate::{
    event::{Action, Because, Event, Observed, Outcome, Source, Stated, Verdict},
    value::Value,
};

/// The canonical JSON of the command behind an event, without its signature.
///
/// It has the members of a command on the wire that were stated, in their normal form: times in UTC, the key field
/// left out of `fields`, places to seven decimals. `None` for an event on the register itself.
pub fn signed_form(event: &Event<'_>) -> Option<String> {
    if event.is_administrative() {
        return None;
    }
    let mut form = Map::new();
    let mut put = |name: &str, value: Json| {
        form.insert(name.to_owned(), value);
    };
    let stated = |bits| event.stated.has(bits);
    put("action", event.action.word().into());
    put("record", format!("{}/{}", event.kind, event.key).into());
    put("actor", event.actor.into());
    if stated(Stated::ID) {
        put("id", event.id.to_string().into());
    }
    if stated(Stated::EFFECTIVE) {
        put("effective", event.effective.to_string().into());
    } else if stated(Stated::ORIGIN) {
        put("effective", "origin".into());
    }
    if stated(Stated::EXPECTED_VERSION) {
        put("expected_version", event.version.saturating_sub(1).into());
    }
    let texts = [("device", event.device), ("reason", event.reason)];
    for (name, text) in texts {
        if let Some(text) = text {
            put(name, text.into());
        }
    }
    if let Some(cause) = event.cause {
        put("cause", cause.to_string().into());
    }
    if let Source::Import { sha256, file, row } = event.source {
        let sha256: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        put(
            "source",
            json!({"type": "import", "sha256": sha256, "file": file, "row": row}),
        );
    }
    if let Some(visit) = event.visit {
        let times = [("begun", visit.begun), ("entered", visit.entered)];
        for (name, time) in times {
            if let Some(time) = time {
                put(name, time.to_string().into());
            }
        }
        if let Some(seq) = visit.seq {
            put("seq", seq.into());
        }
        if let Some(place) = visit.place {
            let degrees = |e7: i32| f64::from(e7) / 1e7;
            let (lat, lon) = (degrees(place.lat_e7), degrees(place.lon_e7));
            put(
                "place",
                json!({"lat": lat, "lon": lon, "accuracy_m": place.accuracy_m}),
            );
        }
    }
    deed(event, put);
    // Its numbers are finite and its names are texts: nothing that RFC 8785 cannot write.
    Some(serde_json_canonicalizer::to_string(&Json::Object(form)).expect("it is canonical JSON"))
}

/// The members that belong to the action.
fn deed(event: &Event<'_>, mut put: impl FnMut(&str, Json)) {
    match event.action {
        Action::Collect => {
            let fields = event
                .changes
                .iter()
                .map(|change| (change.field.to_owned(), json_of(change.after)));
            put("fields", Json::Object(fields.collect()));
        }
        Action::Correct => {
            let changes = event.changes.iter().map(|change| {
                let mut sides = Map::new();
                if change.before_stated {
                    sides.insert("before".to_owned(), json_of(change.before));
                }
                sides.insert("after".to_owned(), json_of(change.after));
                (change.field.to_owned(), Json::Object(sides))
            });
            put("changes", Json::Object(changes.collect()));
        }
        Action::Deregister => {
            if let Some(because) = event.because {
                put("because", because.word().into());
            }
            if let Some(Because::DuplicateOf(target)) = event.because {
                put("duplicate_of", target.into());
            }
        }
        Action::Verify => {
            put("outcome", event.outcome.map_or("", Outcome::word).into());
            let (not_seen, seen): (Vec<Observed<'_>>, Vec<_>) = event
                .observed
                .iter()
                .copied()
                .partition(|observed| observed.verdict == Verdict::NotSeen);
            if !seen.is_empty() {
                let seen = seen
                    .iter()
                    .map(|observed| (observed.field.to_owned(), json_of(observed.value)));
                put("observed", Json::Object(seen.collect()));
            }
            if !not_seen.is_empty() {
                put(
                    "not_seen",
                    not_seen.iter().map(|observed| observed.field).collect(),
                );
            }
            if event.stated.has(Stated::AREA) {
                put("area", event.area.into());
            }
        }
        Action::Register | Action::Configure | Action::Appoint | Action::Dismiss | Action::Erase => {}
    }
}

fn json_of(value: Option<Value<'_>>) -> Json {
    match value {
        None => Json::Null,
        Some(Value::Integer(number)) => number.into(),
        Some(Value::Boolean(truth)) => truth.into(),
        Some(value) => value.to_string().into(),
    }
}

#[cfg(test)]
mod tests;
