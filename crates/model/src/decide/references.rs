//! References: a record that is named was collected and is not void, and references to the own kind lead on to an end.
//!
//! Judged as things stand when the command is taken, whenever it takes effect: a reference says which record is meant,
//! and a record that is there now is there to be meant. What is merely confirmed, or seen by a check, is not judged.

use super::Standing;
use crate::{
    event::{Change, Event},
    rejection::Rejection,
    value::Value,
};

/// Most records that are followed from a reference to its own kind: no hierarchy of houses is deeper.
const REFERENCES_MAX: usize = 64;

/// Judges every reference that an event sets. `known` is the register before the event.
///
/// # Errors
/// `NO_SUCH_REFERENCE` and `REFERENCE_CYCLE`.
pub fn judge_references(event: &Event<'_>, known: &dyn Standing) -> Result<(), Rejection> {
    for change in event.changes.iter().filter(|change| Change::sets(change)) {
        if let Some(Value::Reference(target)) = change.after {
            check_way(event, change.field, target, known)?;
            if !known.stands(target) {
                return Err(Rejection::NoSuchReference {
                    field: change.field.to_owned(),
                    target: target.to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// From the record that is named, the same field of each leads to the next, while it is of the event's kind: not back to
/// the event's own record, and not on and on.
fn check_way(event: &Event<'_>, field: &str, target: &str, known: &dyn Standing) -> Result<(), Rejection> {
    let key = |name: &str| {
        let (kind, key) = name.split_once('/')?;
        (kind == event.kind).then(|| key.to_owned())
    };
    let mut next = Some(target.to_owned());
    let mut followed = 0;
    while let Some((name, key)) = next.and_then(|name| key(&name).map(|key| (name, key))) {
        if key == event.key || followed == REFERENCES_MAX {
            return Err(Rejection::ReferenceCycle {
                field: field.to_owned(),
                target: target.to_owned(),
                max: REFERENCES_MAX,
            });
        }
        followed += 1;
        next = known.reference(&name, field);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
