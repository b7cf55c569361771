//! Matching whom a visitor found to the frozen register: by citizen id, else by name within the place; where the kind has
//! no citizen id, by its essential fields. Texts are compared in their normal forms.

use shilu_model::{Children, Field, Kind, OwnedValue, RecordName, State, Status, Value};

use super::told::Told;
use crate::engine::Engine;

/// The field that a person is known by where there is no citizen id.
const NAME_FIELD: &str = "name";

/// Who or what was found at a place, listed blind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundChild {
    /// The fields that were seen. Where it was found is not among them.
    pub observed: Vec<(String, Option<OwnedValue>)>,
    /// The fields that could not be seen.
    pub not_seen: Vec<String>,
}

impl FoundChild {
    fn seen(&self, field: &str) -> Option<Value<'_>> {
        let mut seen = self.observed.iter().filter(|(id, _)| id == field);
        seen.find_map(|(_, value)| value.as_ref().map(OwnedValue::borrow))
    }
}

/// How good a match is; the least is the best. Among equals the log's oldest record.
type Quality = (u8, u8, u64);

impl Engine {
    /// For each who was found, the record that the frozen register had of it, if any. No record is matched twice.
    pub(super) fn matched(
        &self,
        told: &Told,
        children: &Children,
        place: &RecordName,
        found: &[FoundChild],
    ) -> Vec<Option<RecordName>> {
        let kind = told.kind(children);
        let mut candidates: Vec<(Quality, usize, String)> = Vec::new();
        let mut number = 0;
        self.children(told, children, |key, _, state| {
            number += 1;
            let Some(standing) = rank(state.status) else {
                return;
            };
            for (index, one) in found.iter().enumerate() {
                if let Some(how) = fits(one, (children, kind), place, state) {
                    candidates.push(((how, standing, number), index, key.to_owned()));
                }
            }
        });
        candidates.sort_unstable();
        let mut matched: Vec<Option<String>> = vec![None; found.len()];
        for (_, index, key) in candidates {
            let free = !matched.contains(&Some(key.clone()));
            if let Some(slot) = matched.get_mut(index).filter(|slot| slot.is_none() && free) {
                *slot = Some(key);
            }
        }
        let name = |key: String| {
            RecordName::new(&children.kind, &key)
                .expect("the key was checked when the record's first event was taken")
        };
        matched.into_iter().map(|key| key.map(name)).collect()
    }
}

/// Registered ones are matched first. Who was merely met by a check, or voided, is not in the register.
const fn rank(status: Status) -> Option<u8> {
    match status {
        Status::Registered => Some(0),
        Status::Collected => Some(1),
        Status::Deregistered => Some(2),
        Status::Absent | Status::Found | Status::Void => None,
    }
}

fn fits(
    found: &FoundChild,
    (children, kind): (&Children, &Kind),
    place: &RecordName,
    state: &State<'_>,
) -> Option<u8> {
    let same = |id: &str| {
        let (seen, held) = (found.seen(id), state.value(id));
        match (kind.field(id), seen, held) {
            (Some(field), Some(seen), Some(held)) => alike(field, seen, held),
            _ => false,
        }
    };
    let here = state.value(&children.field) == Some(Value::Reference(place.as_str()));
    if let Some(citizen) = &children.citizen {
        if same(citizen) {
            return Some(0);
        }
        return (here && same(NAME_FIELD)).then_some(1);
    }
    // Where a thing lies is known: it was found there.
    let compared = children.essential.iter().filter(|id| **id != children.field);
    let seen: Vec<_> = compared.filter(|id| found.seen(id).is_some()).collect();
    let equal = !seen.is_empty() && seen.into_iter().all(|id| same(id));
    (here && equal).then_some(0)
}

fn alike(field: &Field, seen: Value<'_>, held: Value<'_>) -> bool {
    match (seen, held) {
        (Value::Text(seen), Value::Text(held)) => field.normal.fold(seen) == field.normal.fold(held),
        (seen, held) => seen == held,
    }
}
