//! Samples nobody can steer: a sample is announced before its seed can be known, and stays as it was announced.
//!
//! Every event of a sample is a collect; so the first one is its announcement.

use super::Case;
use crate::{
    campaign::{
        Campaign, Entropy, Measure, SAMPLE_DRAW_AT, SAMPLE_ENTROPY, SAMPLE_INDICATOR, SAMPLE_LATER,
        SAMPLE_SIZE, SAMPLE_VERIFIERS, SAMPLE_WITNESSED,
    },
    command::{self, Deed, NAME_BYTES_MAX},
    fold::State,
    rejection::Rejection,
    time::Timestamp,
    value::{OwnedValue, Value},
};

/// How long before it is taken a signed command on a sample may take effect: it has to state its effective time, and is
/// signed before it is sent.
const SIGNED_BEFORE_MICROS_MAX: i64 = 10 * 60 * 1_000_000;

/// Field ids with their values, as a collect states them.
type Fields = [(String, Option<OwnedValue>)];

/// Checks a command on a sample.
pub(super) fn check(campaign: &Campaign, case: &Case<'_, '_>, effective: Timestamp) -> Result<(), Rejection> {
    let Deed::Collect(fields) = &case.command.deed else {
        let part = case.command.deed.action().word().to_owned();
        return Err(Rejection::SampleFixed { part });
    };
    let recorded = case.moment.recorded;
    let before = match case.command.signature {
        Some(_) => SIGNED_BEFORE_MICROS_MAX,
        None => 0,
    };
    if effective.plus_micros(before) < recorded {
        return Err(Rejection::SampleBackdated { effective, recorded });
    }
    if case.entries.is_empty() {
        check_announcement(campaign, fields, recorded)
    } else {
        check_addition(case, fields)
    }
}

fn check_announcement(campaign: &Campaign, fields: &Fields, recorded: Timestamp) -> Result<(), Rejection> {
    for (field, value) in fields {
        match (field.as_str(), value) {
            (later, _) if SAMPLE_LATER.contains(&later) => {
                return Err(bad(field, "an announcement cannot say it yet; add it later"));
            }
            (SAMPLE_SIZE, Some(OwnedValue::Integer(..1))) => return Err(bad(field, "at least 1 is drawn")),
            (SAMPLE_INDICATOR, Some(OwnedValue::Text(id))) => check_indicator(campaign, id)?,
            (SAMPLE_DRAW_AT, Some(OwnedValue::Text(text))) => {
                let draw_at = Timestamp::parse(text).map_err(|error| bad(field, error.to_string()))?;
                if draw_at <= recorded {
                    return Err(Rejection::SeedKnowable { draw_at, recorded });
                }
            }
            (SAMPLE_ENTROPY, Some(OwnedValue::Text(text))) => {
                Entropy::parse(text).map_err(|problem| bad(field, problem))?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_indicator(campaign: &Campaign, id: &str) -> Result<(), Rejection> {
    let problem = match campaign.indicator(id).map(|indicator| &indicator.measure) {
        Some(Measure::Accuracy { .. } | Measure::Roster { .. }) => return Ok(()),
        Some(measure) => format!("{id:?} is measured as {}, without a sample", measure.word()),
        None => format!("the campaign has no indicator {id:?}"),
    };
    Err(bad(SAMPLE_INDICATOR, problem))
}

/// What is added later is added once each, and at the draw at the earliest where the seed comes from it.
fn check_addition(case: &Case<'_, '_>, fields: &Fields) -> Result<(), Rejection> {
    let recorded = case.moment.recorded;
    // As it stands, whenever this command takes effect: else a signed one could put another value before the first.
    let state = State::fold(case.entries, recorded);
    let draw_at = match state.value(SAMPLE_DRAW_AT) {
        Some(Value::Text(text)) => Timestamp::parse(text).unwrap_or(recorded),
        _ => recorded,
    };
    for (field, value) in fields {
        let held = state.value(field);
        let fixed = held.is_some() && held != command::borrow(value);
        if fixed || !SAMPLE_LATER.contains(&field.as_str()) {
            let part = field.clone();
            return Err(Rejection::SampleFixed { part });
        }
        match (field.as_str(), value) {
            (SAMPLE_WITNESSED, _) => {}
            (SAMPLE_VERIFIERS, Some(OwnedValue::Text(text))) => check_verifiers(text)?,
            (SAMPLE_VERIFIERS, _) => {}
            _ if recorded < draw_at => {
                return Err(Rejection::DrawNotDue {
                    field: field.clone(),
                    draw_at,
                    recorded,
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Each line is `actor,area,team`, and each actor stands there once.
fn check_verifiers(text: &str) -> Result<(), Rejection> {
    let mut actors: Vec<&str> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let parts: Vec<&str> = line.split(',').collect();
        let problem = match parts.as_slice() {
            [actor, _, _] => {
                let bad =
                    |part: &&str| part.is_empty() || part.trim() != *part || part.len() > NAME_BYTES_MAX;
                if parts.iter().any(bad) {
                    format!("line {number}: a part is empty, too long or has spaces around it")
                } else if actors.contains(actor) {
                    format!("line {number}: {actor:?} stands there twice")
                } else {
                    actors.push(actor);
                    continue;
                }
            }
            _ => format!("line {number} is not actor,area,team"),
        };
        return Err(bad(SAMPLE_VERIFIERS, problem));
    }
    Ok(())
}

fn bad(field: &str, problem: impl Into<String>) -> Rejection {
    Rejection::BadValue {
        field: field.to_owned(),
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests;
