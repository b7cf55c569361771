//! The last stage: what events say of other events and other records, settled in the order of positions once all are
//! known. 24 bytes for each event.

use std::collections::HashMap;

use shilu_model::{Because, Event, EventId, Rejection};

use crate::{
    damage::{Damage, Finding},
    memory::{Hasher, hash_of_name},
    published::count,
    rules::Share,
};

/// The ids and causes of all events.
#[derive(Default)]
pub(crate) struct Claims {
    ids: Vec<(EventId, u64)>,
    causes: Vec<(EventId, u64)>,
}

/// A record that was voided as a duplicate of another one.
pub(crate) struct Duplicate {
    position: u64,
    record: String,
    target: String,
}

impl Duplicate {
    /// What an event claims.
    pub fn claimed_by(event: &Event<'_>) -> Option<Duplicate> {
        match event.because {
            Some(Because::DuplicateOf(target)) => Some(Duplicate {
                position: event.position.get(),
                record: format!("{}/{}", event.kind, event.key),
                target: target.to_owned(),
            }),
            _ => None,
        }
    }
}

impl Claims {
    /// How many events were noted: the position of the next one.
    pub fn events(&self) -> u64 {
        count(self.ids.len())
    }

    /// Notes the next event.
    pub fn note(&mut self, event: &Event<'_>) {
        let position = event.position.get();
        self.ids.push((event.id, position));
        self.causes.extend(event.cause.map(|cause| (cause, position)));
    }

    /// The first event that claims what is not so. It is one only if every event before it was noted and judged.
    pub fn settle(mut self, shares: &mut [Share], hasher: &Hasher) -> Option<Finding> {
        // Ids are made in the order of time, so that they are nearly sorted: a stable sort finds the runs.
        self.ids.sort();
        let repeated = self.first_repeated();
        let causes = self.causes.iter();
        let no_cause = causes
            .filter(|claim| !self.is_earlier(claim))
            .min_by_key(|claim| claim.1);
        let no_cause = no_cause.map(|(cause, position)| Damage::NoCause { cause: *cause }.at(*position));
        [repeated, no_cause, bad_duplicate(shares, hasher)]
            .into_iter()
            .flatten()
            .min_by_key(|finding| finding.position)
    }

    fn first_repeated(&self) -> Option<Finding> {
        let pairs = self.ids.iter().zip(self.ids.iter().skip(1));
        let repeated = pairs.filter(|((one, _), (other, _))| one == other);
        let (_, (id, position)) = repeated.min_by_key(|(_, (_, position))| *position)?;
        Some(Damage::IdRepeated { id: *id }.at(*position))
    }

    /// Whether an id is that of an event before a position.
    fn is_earlier(&self, (id, position): &(EventId, u64)) -> bool {
        let first = self.ids.partition_point(|(other, _)| other < id);
        self.ids
            .get(first)
            .is_some_and(|(other, at)| other == id && at < position)
    }
}

/// The first duplicate whose target nobody had collected, or is itself a duplicate of the record.
fn bad_duplicate(shares: &mut [Share], hasher: &Hasher) -> Option<Finding> {
    let lists = shares
        .iter_mut()
        .map(|share| std::mem::take(&mut share.duplicates));
    let mut duplicates: Vec<_> = lists.flatten().collect();
    duplicates.sort_unstable_by_key(|duplicate| duplicate.position);
    // A record is voided once: `decide` refuses everything on a void one. So each is a key once, and a chain that had
    // no circle before gets none by a link that does not lead back: following it ends.
    let mut targets: HashMap<&str, &str> = HashMap::new();
    for Duplicate {
        position,
        record,
        target,
    } in &duplicates
    {
        let hash = hash_of_name(hasher, target);
        let collected = shares.iter().find_map(|share| share.first_collect(hash, target));
        let mut chain = std::iter::successors(Some(target.as_str()), |next| targets.get(next).copied());
        let problem = if collected.is_none_or(|collected| collected > *position) {
            "nobody has collected it"
        } else if chain.any(|name| name == record) {
            "it is itself a duplicate of this record"
        } else {
            targets.insert(record, target);
            continue;
        };
        let target = target.clone();
        let rejection = Rejection::BadDuplicate { target, problem };
        return Some(Damage::AgainstTheRules(rejection).at(*position));
    }
    None
}
