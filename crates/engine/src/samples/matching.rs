//! Matching whom a visitor found to the frozen register: by citizen id, else by name within the place; where the kind has
//! no citizen id, by its essential fields. Texts are compared in their normal forms.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use shilu_model::{
    Children, Event, Field, Kind, Observed, OwnedValue, Position, RecordName, State, Status, Value, Verdict,
};
use shilu_projections::{Slot, Wanted};

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
    /// As an event says it that stands on a key of its own.
    pub(super) fn of(event: &Event<'_>, place: &str) -> Self {
        let seen = event.observed.iter().filter(|observed| observed.field != place);
        let (not_seen, seen): (Vec<_>, Vec<_>) =
            seen.partition(|observed| observed.verdict == Verdict::NotSeen);
        let value = |observed: &&Observed<'_>| {
            let value = observed.value.map(Value::to_owned);
            (observed.field.to_owned(), value)
        };
        FoundChild {
            observed: seen.iter().map(value).collect(),
            not_seen: not_seen.iter().map(|one| one.field.to_owned()).collect(),
        }
    }

    fn seen(&self, field: &str) -> Option<Value<'_>> {
        let mut seen = self.observed.iter().filter(|(id, _)| id == field);
        seen.find_map(|(_, value)| value.as_ref().map(OwnedValue::borrow))
    }
}

/// How good a match is; the least is the best. Among equals the log's oldest record.
type Quality = (u8, u8, Position);

/// A record that one of those found may be: how well it fits, who it is, and its key.
type Candidate = (Quality, usize, String);

impl Engine {
    /// For each who was found at a place, the record that the frozen register had of it, if any. No record is matched
    /// twice at a place. All places take one pass over the register.
    pub(super) fn matched(
        &self,
        told: &Told,
        children: &Children,
        lists: &[(&RecordName, Vec<FoundChild>)],
    ) -> Vec<Vec<Option<RecordName>>> {
        let kind = told.kind(children);
        let frozen = self.frozen_children(told, children);
        let mut candidates: Vec<Vec<Candidate>> = vec![Vec::new(); lists.len()];
        {
            let projections = self.read();
            let subjects = &projections.subjects;
            for ((place, found), candidates) in lists.iter().zip(&mut candidates) {
                for slot in frozen.candidates((children, kind), place, found) {
                    let entries = subjects
                        .records
                        .entries(slot, told.position, Wanted::All, &subjects.names);
                    let state = State::fold(&entries, told.recorded);
                    let made = entries.first().map(|entry| entry.position);
                    let Some((standing, made)) = rank(state.status).zip(made) else {
                        continue;
                    };
                    let (_, key) = subjects.records.name(slot);
                    for (index, one) in found.iter().enumerate() {
                        if let Some(how) = fits(one, (children, kind), place, &state) {
                            candidates.push(((how, standing, made), index, key.to_owned()));
                        }
                    }
                }
            }
        }
        let name = |key: String| {
            RecordName::new(&children.kind, &key)
                .expect("the key was checked when the record's first event was taken")
        };
        let each = lists.iter().zip(candidates);
        let each = each.map(|((_, found), candidates)| best(found.len(), candidates));
        each.map(|keys| keys.into_iter().map(|key| key.map(name)).collect())
            .collect()
    }
}

/// The best candidate of each who was found, the best of all first.
fn best(found: usize, mut candidates: Vec<Candidate>) -> Vec<Option<String>> {
    candidates.sort_unstable();
    let mut matched: Vec<Option<String>> = vec![None; found];
    for (_, index, key) in candidates {
        let free = !matched.contains(&Some(key.clone()));
        if let Some(slot) = matched.get_mut(index).filter(|slot| slot.is_none() && free) {
            *slot = Some(key);
        }
    }
    matched
}

/// By what the children of the frozen register are found: a place, or a citizen id. Whoever merely shares a hash is told
/// apart afterwards.
#[derive(Debug, Default)]
pub(crate) struct FrozenChildren {
    /// In order.
    by_hash: Vec<(u32, Slot)>,
}

impl FrozenChildren {
    /// Those who may be one of the found.
    fn candidates(
        &self,
        (children, kind): (&Children, &Kind),
        place: &RecordName,
        found: &[FoundChild],
    ) -> BTreeSet<Slot> {
        let citizen = children.citizen.as_deref().and_then(|id| kind.field(id));
        let seen = citizen.into_iter().flat_map(|field| {
            let seen = found.iter().filter_map(|one| one.seen(&field.id));
            seen.map(|value| hash_of(field, value))
        });
        let here = kind
            .field(&children.field)
            .map(|field| hash_of(field, Value::Reference(place.as_str())));
        let same = |wanted: u32| {
            let from = self.by_hash.partition_point(|(hash, _)| *hash < wanted);
            let from = self.by_hash.get(from..).unwrap_or_default();
            from.iter().take_while(move |(hash, _)| *hash == wanted)
        };
        seen.chain(here).flat_map(same).map(|(_, slot)| *slot).collect()
    }
}

impl Engine {
    fn frozen_children(&self, told: &Told, children: &Children) -> Arc<FrozenChildren> {
        let kept = self.shared.samples.lock();
        let known = kept.get(&told.position).and_then(|kept| kept.children.clone());
        drop(kept);
        if let Some(known) = known {
            return known;
        }
        let kind = told.kind(children);
        let ids = children.citizen.iter().chain([&children.field]);
        let fields: Vec<&Field> = ids.filter_map(|id| kind.field(id)).collect();
        let mut by_hash = Vec::new();
        self.children(told, children, |(slot, _), _, state| {
            let values = fields
                .iter()
                .filter_map(|field| Some((field, state.value(&field.id)?)));
            by_hash.extend(values.map(|(field, value)| (hash_of(field, value), slot)));
        });
        by_hash.sort_unstable();
        let frozen = Arc::new(FrozenChildren { by_hash });
        let mut kept = self.shared.samples.lock();
        kept.entry(told.position).or_default().children = Some(Arc::clone(&frozen));
        frozen
    }
}

/// Alike values have the same.
fn hash_of(field: &Field, value: Value<'_>) -> u32 {
    let mut hasher = DefaultHasher::new();
    field.id.hash(&mut hasher);
    match value {
        Value::Text(text) => field.normal.fold(text).hash(&mut hasher),
        other => other.to_string().hash(&mut hasher),
    }
    u32::try_from(hasher.finish() >> 32).unwrap_or(0)
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
        // One who is registered here is not taken for a double registered elsewhere.
        return match (same(citizen), here) {
            (true, true) => Some(0),
            (true, false) => Some(1),
            (false, _) => (here && same(NAME_FIELD)).then_some(2),
        };
    }
    // Where a thing lies is known: it was found there.
    let compared = children.essential.iter().filter(|id| **id != children.field);
    let seen: Vec<_> = compared.filter(|id| found.seen(id).is_some()).collect();
    let equal = !seen.is_empty() && seen.into_iter().all(|id| same(id));
    (here && equal).then_some(0)
}

pub(super) fn alike(field: &Field, seen: Value<'_>, held: Value<'_>) -> bool {
    match (seen, held) {
        (Value::Text(seen), Value::Text(held)) => field.normal.fold(seen) == field.normal.fold(held),
        (seen, held) => seen == held,
    }
}
