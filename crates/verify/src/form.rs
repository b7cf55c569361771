//! What is refused before the rules are asked: whoever takes commands reads fields and values by the campaign, so that
//! `decide` never sees a wrong one. An auditor does.

use shilu_model::{Action, Event, Input, Kind, NAME_BYTES_MAX, Rejection, Source, Value, Verdict, Visit};

use crate::damage::Damage;

/// Units of 10⁻⁷ degrees in a quarter and in half of a circle.
const QUARTER_E7: u32 = 900_000_000;
const HALF_E7: u32 = 1_800_000_000;
/// No radius of accuracy in metres is larger.
const ACCURACY_M_MAX: u32 = 1_000_000_000;

/// Checks what concerns every event: its id is a UUIDv7.
pub(crate) fn check_id(event: &Event<'_>) -> Result<(), Damage> {
    let [_, _, _, _, _, _, version, ..] = event.id.bytes();
    if version >> 4 == 7 {
        Ok(())
    } else {
        Err(bad("id", "it is not a UUIDv7"))
    }
}

/// Checks the circumstances, and every field and value, of an event on a record of this kind.
pub(crate) fn check_form(kind: &Kind, event: &Event<'_>) -> Result<(), Damage> {
    check_source(event.source)?;
    event.visit.as_ref().map_or(Ok(()), check_visit)?;
    let changed = event.changes.iter().map(|change| (change.field, change.after));
    check_fields(kind, changed)?;
    let is_key = |field: &str| event.action == Action::Collect && field == kind.key;
    if event.changes.iter().any(|change| is_key(change.field)) {
        return Err(bad(&kind.key, "the key stands in the record's name alone"));
    }
    let observed = event.observed.iter();
    check_fields(kind, observed.map(|observed| (observed.field, observed.value)))?;
    // `decide` puts what was seen before what was not: the order is checked there.
    let unseen = |value: Option<Value<'_>>, verdict| verdict == Verdict::NotSeen && value.is_some();
    if event
        .observed
        .iter()
        .any(|observed| unseen(observed.value, observed.verdict))
    {
        return Err(bad("observed", "what was not seen has no value"));
    }
    Ok(())
}

/// Each field is one of the kind's, stands there once, and holds no value or one in the field's own form.
fn check_fields<'e>(
    kind: &Kind,
    fields: impl Iterator<Item = (&'e str, Option<Value<'e>>)> + Clone,
) -> Result<(), Damage> {
    for (place, (field, value)) in fields.clone().enumerate() {
        let Some(known) = kind.field(field) else {
            return Err(Damage::AgainstTheRules(Rejection::UnknownField {
                kind: kind.id.clone(),
                field: field.to_owned(),
            }));
        };
        // Quadratic in the fields of a kind, of which there are at most 256: an unknown one has ended this.
        if fields.clone().take(place).any(|(other, _)| other == field) {
            return Err(bad(field, "it stands there twice"));
        }
        let Some(value) = value.filter(|value| !known.field_type.holds(*value)) else {
            continue;
        };
        // Reading it says why.
        let day;
        let input = match value {
            Value::Text(text) | Value::Decimal(text) | Value::Reference(text) => Input::Text(text),
            Value::Integer(number) => Input::Integer(number),
            Value::Boolean(truth) => Input::Boolean(truth),
            Value::Date(date) => {
                day = date.to_string();
                Input::Text(&day)
            }
            Value::Sealed(_) => Input::Other("sealed"),
        };
        match known.field_type.read(input) {
            Ok(_) => return Err(bad(field, "it is not in the form of this field")),
            Err(problem) => {
                let field = field.to_owned();
                return Err(Damage::AgainstTheRules(Rejection::BadValue { field, problem }));
            }
        }
    }
    Ok(())
}

fn check_source(source: Source<'_>) -> Result<(), Damage> {
    let Source::Import { file, row, .. } = source else {
        return Ok(());
    };
    let plain = !file.contains(['/', '\\']) && !file.chars().any(char::is_control);
    if file.is_empty() || file.len() > NAME_BYTES_MAX || !plain {
        return Err(bad(
            "source",
            "it is no file's name of 1 to 128 bytes, without folders",
        ));
    }
    if row == 0 {
        return Err(bad("source", "rows are counted from 1"));
    }
    Ok(())
}

fn check_visit(visit: &Visit) -> Result<(), Damage> {
    if *visit == Visit::default() {
        return Err(bad("visit", "it says nothing"));
    }
    let on_earth = visit.place.is_none_or(|place| {
        place.lat_e7.unsigned_abs() <= QUARTER_E7
            && place.lon_e7.unsigned_abs() <= HALF_E7
            && place.accuracy_m <= ACCURACY_M_MAX
    });
    on_earth
        .then_some(())
        .ok_or_else(|| bad("place", "it is not on WGS 84"))
}

fn bad(field: &str, problem: &str) -> Damage {
    Damage::AgainstTheRules(Rejection::BadValue {
        field: field.to_owned(),
        problem: problem.to_owned(),
    })
}
