//! The fourth stage, wave by wave: what events say of other records, asked of all shares once the wave's events are
//! judged. What stood before an event is all that counts, so that the events need not come in their order.

use shilu_model::{Action, Entry, Position, Standing, State, Value, judge_references};

use crate::{
    damage::{Damage, Finding},
    hashing::{Stored, hash_of},
    published::count,
    rules::Share,
};

/// The first event that names a record that was not there, or that leads back to its own. It is one only if every event
/// before it was judged.
pub(crate) fn bad_reference(events: &[Stored<'_>], shares: &[Share]) -> Option<Finding> {
    events.iter().find_map(|Stored { event, .. }| {
        let position = event.position;
        let refused = judge_references(event, &Before { shares, position }).err()?;
        Some(Damage::AgainstTheRules(refused).at(position.get()))
    })
}

/// The records as they stood before a position.
struct Before<'a> {
    shares: &'a [Share],
    position: Position,
}

impl<'a> Before<'a> {
    fn entries(&self, record: &str) -> Vec<Entry<'a>> {
        let share = record.split_once('/').and_then(|(kind, key)| {
            let number = hash_of(kind, key) % count(self.shares.len());
            self.shares.get(usize::try_from(number).ok()?)
        });
        share.map_or_else(Vec::new, |share| share.entries_before(record, self.position))
    }
}

impl Standing for Before<'_> {
    fn stands(&self, name: &str) -> bool {
        let entries = self.entries(name);
        let collected = entries.iter().any(|entry| entry.action == Action::Collect);
        collected && entries.iter().all(|entry| entry.void.is_none())
    }

    fn reference(&self, name: &str, field: &str) -> Option<String> {
        match State::latest(&self.entries(name)).value(field) {
            Some(Value::Reference(target)) => Some(target.to_owned()),
            _ => None,
        }
    }
}
