//! Plates: at most one live one is active on a thing, as things stand now, and numbers of shilu's own are right.

use super::Known;
use crate::{
    campaign::Kind,
    event::Event,
    fold::Entry,
    plate::{PlateMove, PlateNumber, PlateNumberError},
    rejection::Rejection,
};

/// No event makes a plate active where another one is. `entries` are all of the plate's before it.
pub(super) fn check(event: &Event<'_>, entries: &[Entry<'_>], known: &dyn Known) -> Result<(), Rejection> {
    let to = PlateMove::by(event, entries).and_then(|moved| moved.to);
    let Some(thing) = to else { return Ok(()) };
    match known.active_plate(thing) {
        None => Ok(()),
        Some(plate) => Err(Rejection::PlateTaken {
            thing: thing.to_owned(),
            plate,
        }),
    }
}

/// A plate's number that has the form of shilu's is one of them; others are taken as they are.
pub(super) fn check_number(kind: &Kind, key: &str) -> Result<(), Rejection> {
    match PlateNumber::parse(key) {
        Err(wrong @ PlateNumberError::WrongCheck { .. }) if kind.is_plate() => Err(Rejection::BadValue {
            field: kind.key.clone(),
            problem: wrong.to_string(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
