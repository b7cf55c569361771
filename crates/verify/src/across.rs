//! The fourth stage, wave by wave: what events say of other records, asked of all shares once the wave's events are
//! judged. References are judged by what stood before each, in any order; plates in the order of the log.

use shilu_model::{
    Action, ActivePlates, Entry, Kind, PLATE_KIND, PlateMove, Position, Rejection, Standing, State, Value,
    judge_references,
};

use crate::{
    damage::{Damage, Finding},
    hashing::{Stored, hash_of},
    published::count,
    rules::Share,
    settings::Settings,
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

/// The first event that makes a plate active on a thing where another one is. `plates` are those of the waves before.
pub(crate) fn plate_taken(
    events: &[Stored<'_>],
    shares: &[Share],
    settings: &Settings,
    plates: &mut ActivePlates,
) -> Option<Finding> {
    let events = events.iter().map(|stored| &stored.event);
    for event in events.filter(|event| event.kind == PLATE_KIND) {
        let (position, record) = (event.position, format!("{}/{}", event.kind, event.key));
        let entries = Before { shares, position }.entries(&record);
        let Some(moved) = PlateMove::by(event, &entries) else {
            continue;
        };
        let campaign = settings.campaign_at(position.get());
        let ruled = campaign
            .and_then(|campaign| campaign.kind(event.kind))
            .is_some_and(Kind::is_plate);
        if let Some(thing) = moved.to.filter(|_| ruled)
            && let Some(plate) = plates.on(thing)
        {
            let (thing, plate) = (thing.to_owned(), plate.to_owned());
            let refused = Rejection::PlateTaken { thing, plate };
            return Some(Damage::AgainstTheRules(refused).at(position.get()));
        }
        plates.moves(&record, moved);
    }
    None
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
