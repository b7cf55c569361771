//! From the wire to the model: a body becomes commands, or a problem that names the place.

use std::{borrow::Cow, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_path_to_error::Segment;
use shilu_model::{
    Action, Because, Campaign, Check, Command, CommandSignature, Correction, Deed, EventId, Kind,
    LIST_COMMANDS_MAX, NAME_BYTES_MAX, Origin, Outcome, OwnedValue, Place, Reason, RecordName, Rejection,
    Since, Timestamp, Visit,
};

use super::{
    command::{List, Names, WireChange, WireCommand, WirePlace, WireSignature, WireSource},
    hex::from_hex,
    object::{Members, Object, Text},
    value::Given,
};
use crate::problem::{Problem, shorten};

/// What a body holds.
#[derive(Debug)]
pub(crate) struct Body {
    /// The commands, at least one.
    pub(crate) commands: Vec<Command>,
    /// Whether they came as a list: then the answer is one too.
    pub(crate) is_list: bool,
}

/// Reads one command, or a bare list of them.
pub(crate) fn body(bytes: &[u8], campaign: &Campaign) -> Result<Body, Problem> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'[') {
        let commands = vec![one(bytes, campaign)?];
        return Ok(Body {
            commands,
            is_list: false,
        });
    }
    let list: List<'_> = serde_json::from_slice(bytes).map_err(|error| explain::<List<'_>>(bytes, &error))?;
    if list.count > LIST_COMMANDS_MAX {
        let detail = format!(
            "the list has {} commands, more than {LIST_COMMANDS_MAX}",
            list.count
        );
        let status = axum::http::StatusCode::PAYLOAD_TOO_LARGE;
        return Err(Problem::new(status, "LIST_TOO_LONG", detail)
            .hint("split the list, or use /api/v1/commands/stream"));
    }
    if list.commands.is_empty() {
        return Err(Problem::malformed("BAD_JSON", "the list is empty").hint("send at least one command"));
    }
    let indexed = list.commands.into_iter().enumerate();
    let commands = indexed.map(|(index, wire)| {
        let record = wire.record.0.clone();
        command(wire, campaign).map_err(|problem| problem.record(record).index(Some(index)))
    });
    let commands = commands.collect::<Result<_, _>>()?;
    Ok(Body {
        commands,
        is_list: true,
    })
}

/// Reads one command.
pub(crate) fn one(bytes: &[u8], campaign: &Campaign) -> Result<Command, Problem> {
    type Wire<'a> = Object<WireCommand<'a>>;
    let Object(wire) =
        serde_json::from_slice::<Wire<'_>>(bytes).map_err(|error| explain::<Wire<'_>>(bytes, &error))?;
    let record = wire.record.0.clone();
    command(wire, campaign).map_err(|problem| problem.record(record))
}

/// Reads a body that is one object of a shape that the description names.
pub(crate) fn strict<'a, T: Deserialize<'a>>(bytes: &'a [u8], schema: &str) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| explain_as::<T>(bytes, &error, schema))
}

/// Says where a body cannot be read. Reads it again, slower, to learn the place.
fn explain<'a, T: Deserialize<'a>>(bytes: &'a [u8], error: &serde_json::Error) -> Problem {
    explain_as::<T>(bytes, error, "Command")
}

fn explain_as<'a, T: Deserialize<'a>>(bytes: &'a [u8], error: &serde_json::Error, schema: &str) -> Problem {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Problem::malformed("BAD_JSON", "the body is empty")
            .hint("send one command, or a list of commands");
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        let detail = format!("the body is not UTF-8 from byte {} on", error.valid_up_to());
        return Problem::malformed("BAD_JSON", detail).hint("send JSON in UTF-8");
    }
    let problem =
        Problem::malformed("BAD_JSON", error.to_string()).hint(format!("see {schema} in /openapi.json"));
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut json) else {
        return problem;
    };
    let mut index = None;
    let mut field = String::new();
    for segment in error.path() {
        match segment {
            Segment::Seq { index: place } if index.is_none() && field.is_empty() => index = Some(*place),
            Segment::Map { key } => {
                let dot = if field.is_empty() { "" } else { "." };
                field = format!("{field}{dot}{key}");
            }
            _ => {}
        }
    }
    let problem = problem.index(index);
    if field.is_empty() {
        problem
    } else {
        problem.field(field)
    }
}

fn command(wire: WireCommand<'_>, campaign: &Campaign) -> Result<Command, Problem> {
    let action = action(&wire.action.0)?;
    check_parts(action, &wire)?;
    let record = record("record", &wire.record.0)?;
    let kind = kind(campaign, &record)?;
    let visit = Visit {
        begun: time("begun", wire.begun)?,
        entered: time("entered", wire.entered)?,
        seq: wire.seq,
        place: wire.place.map(|Object(wire)| place(wire)).transpose()?,
    };
    let deed = match action {
        Action::Correct => Deed::Correct(corrections(kind, wire.changes)?),
        Action::Register => Deed::Register,
        Action::Deregister => Deed::Deregister(because(wire.because, wire.duplicate_of)?),
        Action::Verify => Deed::Verify(Check {
            outcome: outcome(wire.outcome)?,
            observed: members(kind, wire.observed)?,
            not_seen: names(kind, wire.not_seen)?,
            area: wire.area.map(owned),
        }),
        _ => Deed::Collect(collected(kind, &record, wire.fields)?),
    };
    Ok(Command {
        id: wire.id.map(|Text(id)| event_id("id", &id)).transpose()?,
        record,
        deed,
        actor: owned(wire.actor),
        effective: since(wire.effective, campaign)?,
        device: wire.device.map(owned),
        reason: wire.reason.map(owned),
        source: wire
            .source
            .map_or(Ok(Origin::Field), |Object(wire)| source(wire))?,
        visit: (visit != Visit::default()).then_some(visit),
        expected_version: wire.expected_version,
        cause: wire.cause.map(|Text(id)| event_id("cause", &id)).transpose()?,
        signature: wire.signature.map(|Object(wire)| signature(&wire)).transpose()?,
    })
}

/// The kind of a record.
pub(crate) fn kind<'a>(campaign: &'a Campaign, record: &RecordName) -> Result<&'a Kind, Problem> {
    let no_kind = || {
        Problem::rejection(&Rejection::NoKind {
            kind: record.kind().to_owned(),
        })
    };
    campaign.kind(record.kind()).ok_or_else(no_kind)
}

fn owned(text: Text<'_>) -> String {
    text.0.into_owned()
}

fn action(word: &str) -> Result<Action, Problem> {
    match Action::parse(word) {
        Some(Action::Collect | Action::Correct | Action::Register | Action::Deregister | Action::Verify) => {
            Ok(Action::parse(word).expect("it was just parsed"))
        }
        Some(_) => Err(
            Problem::rule("ACTION_NOT_TAKEN", format!("{word:?} is not taken over HTTP"))
                .field("action")
                .hint("administrative actions are taken on the register's own machine"),
        ),
        None => Err(Problem::malformed(
            "BAD_ACTION",
            format!("there is no action {:?}", shorten(word.to_owned())),
        )
        .field("action")
        .hint("use collect, correct, register, deregister or verify")),
    }
}

/// Refuses parts that belong to another action, and a part that is missing.
fn check_parts(action: Action, wire: &WireCommand<'_>) -> Result<(), Problem> {
    let parts = [
        ("fields", Action::Collect, wire.fields.is_some()),
        ("changes", Action::Correct, wire.changes.is_some()),
        ("because", Action::Deregister, wire.because.is_some()),
        ("duplicate_of", Action::Deregister, wire.duplicate_of.is_some()),
        ("outcome", Action::Verify, wire.outcome.is_some()),
        ("observed", Action::Verify, wire.observed.is_some()),
        ("not_seen", Action::Verify, wire.not_seen.is_some()),
        ("area", Action::Verify, wire.area.is_some()),
    ];
    for (part, of, given) in parts {
        let word = action.word();
        if given && of != action {
            let detail = format!("{word} takes no {part:?}: it belongs to {}", of.word());
            return Err(Problem::malformed("BAD_JSON", detail)
                .field(part)
                .hint("leave it out, or use the action that it belongs to"));
        }
        if !given && of == action && matches!(part, "fields" | "changes" | "outcome") {
            return Err(Problem::malformed("BAD_JSON", format!("{word} needs {part:?}"))
                .field(part)
                .hint("see Command in /openapi.json"));
        }
    }
    Ok(())
}

pub(crate) fn record(part: &'static str, text: &str) -> Result<RecordName, Problem> {
    RecordName::parse(text).map_err(|error| {
        Problem::malformed("BAD_RECORD", error.to_string())
            .field(part)
            .hint("write kind/key; a key has 1 to 128 bytes in Unicode normal form C, no slash, no control character")
    })
}

pub(crate) fn event_id(part: &'static str, text: &str) -> Result<EventId, Problem> {
    EventId::parse(text).map_err(|error| {
        Problem::malformed("BAD_ID", format!("{part}: {error}"))
            .field(part)
            .hint("use a UUID of version 7, such as 01890a5d-ac96-774b-bcce-b302099a8057")
    })
}

pub(crate) fn since(text: Option<Text<'_>>, campaign: &Campaign) -> Result<Since, Problem> {
    match text.as_ref().map(|Text(text)| text.as_ref()) {
        None => Ok(Since::Recorded),
        Some("origin") => Ok(Since::Origin),
        Some(text) => {
            let time = campaign.zone.fact(text);
            time.map(Since::At)
                .map_err(|error| Problem::bad_time("effective", &error))
        }
    }
}

pub(crate) fn time(part: &'static str, text: Option<Text<'_>>) -> Result<Option<Timestamp>, Problem> {
    let time = text.map(|Text(text)| Timestamp::parse(&text)).transpose();
    time.map_err(|error| Problem::bad_time(part, &error))
}

fn value(kind: &Kind, field: &str, given: &Given<'_>) -> Result<Option<OwnedValue>, Problem> {
    // A field that nobody knows is refused, with a value or without.
    if kind.field(field).is_none() {
        return Err(unknown(kind, field));
    }
    let read = given.input().map_or(Ok(None), |input| kind.read(field, input));
    read.map_err(|rejection| Problem::rejection(&rejection))
}

fn unknown(kind: &Kind, field: &str) -> Problem {
    Problem::rejection(&Rejection::UnknownField {
        kind: kind.id.clone(),
        field: field.to_owned(),
    })
}

type Values = Vec<(String, Option<OwnedValue>)>;

/// The values of fields of a kind, if there are any.
pub(crate) fn members(kind: &Kind, members: Option<Members<'_, Given<'_>>>) -> Result<Values, Problem> {
    values(kind, members.map_or_else(Vec::new, |Members(members)| members))
}

/// Names of fields of a kind, if there are any.
pub(crate) fn names(kind: &Kind, names: Option<Names<'_>>) -> Result<Vec<String>, Problem> {
    not_seen(kind, names.map_or_else(Vec::new, |names| names.0))
}

fn values(kind: &Kind, members: Vec<(Cow<'_, str>, Given<'_>)>) -> Result<Values, Problem> {
    let read = |(field, given): (Cow<'_, str>, _)| {
        let value = value(kind, &field, &given)?;
        Ok((field.into_owned(), value))
    };
    members.into_iter().map(read).collect()
}

/// The fields of a collect. The key field may be given; it says what the name says, and is left out.
fn collected(
    kind: &Kind,
    record: &RecordName,
    members: Option<Members<'_, Given<'_>>>,
) -> Result<Values, Problem> {
    let mut values = values(kind, members.map_or_else(Vec::new, |Members(members)| members))?;
    if let Some(place) = values.iter().position(|(field, _)| *field == kind.key) {
        let (field, given) = values.remove(place);
        let held = match &given {
            Some(OwnedValue::Text(key)) => Some(key.as_str()),
            _ => None,
        };
        if held != Some(record.key()) {
            let detail = format!(
                "{field}: it is the key field, and the record's key is {:?}",
                record.key()
            );
            return Err(Problem::rule("BAD_VALUE", detail)
                .field(field)
                .hint("write the same key in both places, or leave the field out"));
        }
    }
    Ok(values)
}

fn corrections(
    kind: &Kind,
    members: Option<Members<'_, Object<WireChange<'_>>>>,
) -> Result<Vec<Correction>, Problem> {
    let members = members.map_or_else(Vec::new, |Members(members)| members);
    let read = |(field, Object(change)): (Cow<'_, str>, Object<WireChange<'_>>)| {
        let before = change
            .before
            .map(|given| value(kind, &field, &given))
            .transpose()?;
        let after = value(kind, &field, &change.after)?;
        let field = field.into_owned();
        Ok(Correction { field, before, after })
    };
    members.into_iter().map(read).collect()
}

fn because(word: Option<Text<'_>>, duplicate_of: Option<Text<'_>>) -> Result<Reason, Problem> {
    const WORDS: &str =
        "moved-out, demolished, closed, deceased, duplicate-of, erroneous or absent-from-extract";
    let Some(Text(word)) = word else {
        return Err(
            Problem::rule("REASON_MISSING", "deregister needs a reason code, \"because\"")
                .field("because")
                .hint(format!("say {WORDS}")),
        );
    };
    let target = duplicate_of
        .map(|Text(name)| record("duplicate_of", &name))
        .transpose()?;
    let bad = |part: &'static str, detail: String| Err(Problem::rule("BAD_VALUE", detail).field(part));
    match (word.as_ref(), target) {
        ("duplicate-of", Some(target)) => Ok(Reason::DuplicateOf(target)),
        ("duplicate-of", None) => bad(
            "duplicate_of",
            "a duplicate needs the record that stays".to_owned(),
        ),
        ("moved-out", None) => Ok(Reason::Plain(Because::MovedOut)),
        ("demolished", None) => Ok(Reason::Plain(Because::Demolished)),
        ("closed", None) => Ok(Reason::Plain(Because::Closed)),
        ("deceased", None) => Ok(Reason::Plain(Because::Deceased)),
        ("erroneous", None) => Ok(Reason::Plain(Because::Erroneous)),
        ("absent-from-extract", None) => Ok(Reason::Plain(Because::AbsentFromExtract)),
        (word, Some(_)) if Because::parse(word, None).is_some() => bad(
            "duplicate_of",
            format!("only duplicate-of names another record, not {word}"),
        ),
        (word, _) => bad(
            "because",
            format!("because: {:?} is not {WORDS}", shorten(word.to_owned())),
        ),
    }
    .map_err(|problem| {
        problem.hint(format!(
            "say {WORDS}; with duplicate-of, name the record that stays"
        ))
    })
}

pub(crate) fn outcome(word: Option<Text<'_>>) -> Result<Outcome, Problem> {
    let Text(word) = word.unwrap_or(Text(Cow::Borrowed("")));
    Outcome::parse(&word).ok_or_else(|| {
        let detail = format!(
            "outcome: {:?} is no outcome of a check",
            shorten(word.into_owned())
        );
        let hint = "say present, gone, unregistered, unknown-here, no-contact or refused";
        Problem::rule("BAD_VALUE", detail).field("outcome").hint(hint)
    })
}

fn not_seen(kind: &Kind, names: Vec<Text<'_>>) -> Result<Vec<String>, Problem> {
    let known = |Text(name): Text<'_>| match kind.field(&name) {
        Some(_) => Ok(name.into_owned()),
        None => Err(unknown(kind, &name)),
    };
    names.into_iter().map(known).collect()
}

fn source(wire: WireSource<'_>) -> Result<Origin, Problem> {
    let bad = |detail: &str| {
        Problem::rule("BAD_VALUE", format!("source: {detail}"))
            .field("source")
            .hint("say {\"type\": \"field\"}, or {\"type\": \"import\", \"sha256\": …, \"file\": …, \"row\": …}")
    };
    match (wire.kind.0.as_ref(), wire.sha256, wire.file, wire.row) {
        ("field", None, None, None) => Ok(Origin::Field),
        ("import", Some(Text(sha256)), Some(Text(file)), Some(row)) => {
            let sha256 = from_hex(&sha256).and_then(|bytes| bytes.try_into().ok());
            let sha256 = sha256.ok_or_else(|| bad("\"sha256\" must be 64 hexadecimal digits"))?;
            let plain = !file.contains(['/', '\\']) && !file.chars().any(char::is_control);
            if file.is_empty() || file.len() > NAME_BYTES_MAX || !plain {
                return Err(bad(
                    "\"file\" must be a file's name of 1 to 128 bytes, without folders",
                ));
            }
            if row == 0 {
                return Err(bad("rows are counted from 1"));
            }
            Ok(Origin::Import {
                sha256,
                file: Arc::from(file.as_ref()),
                row,
            })
        }
        ("field", ..) => Err(bad("a field visit has no file")),
        ("import", ..) => Err(bad("an import needs \"sha256\", \"file\" and \"row\"")),
        _ => Err(bad("the type is neither field nor import")),
    }
}

fn signature(wire: &WireSignature<'_>) -> Result<CommandSignature, Problem> {
    let bad = |part: &'static str, detail: &str| {
        Problem::malformed("BAD_JSON", format!("{part}: {detail}"))
            .field(part)
            .hint("sign with `shilu key sign`, which writes both parts")
    };
    let id = u32::from_str_radix(&wire.key.0, 16)
        .ok()
        .filter(|_| wire.key.0.len() == 8);
    let bytes = STANDARD.decode(wire.value.0.as_bytes()).ok();
    Ok(CommandSignature {
        key_id: id.ok_or_else(|| bad("signature.key", "it is not eight hexadecimal digits"))?,
        bytes: bytes
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| bad("signature.value", "it is not 64 bytes in base64"))?,
    })
}

pub(crate) fn place(wire: WirePlace) -> Result<Place, Problem> {
    let bad = |detail: String| Problem::rule("BAD_VALUE", format!("place: {detail}")).field("place");
    let degrees = |name: &str, degrees: f64, max: f64| {
        if degrees.abs() <= max {
            Ok(whole(degrees * 1e7))
        } else {
            Err(bad(format!("{name} must be within ±{max}")).hint("give degrees on WGS 84"))
        }
    };
    if !(0.0..=1e9).contains(&wire.accuracy_m) {
        return Err(bad("accuracy_m must be metres, from 0".to_owned()).hint("give the radius of accuracy"));
    }
    Ok(Place {
        lat_e7: degrees("lat", wire.lat, 90.0)?,
        lon_e7: degrees("lon", wire.lon, 180.0)?,
        accuracy_m: u32::try_from(whole(wire.accuracy_m.ceil())).unwrap_or(u32::MAX),
    })
}

/// The nearest integer of a number within ±1.8 × 10⁹.
#[expect(
    clippy::as_conversions,
    reason = "no other way from a float; the range was checked, and `as` saturates"
)]
fn whole(number: f64) -> i32 {
    number.round() as i32
}
