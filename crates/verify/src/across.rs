//! The fourth stage, wave by wave: what events say of other records, asked of all shares once the wave's events are
//! judged. References are judged by what stood before each, in any order; plates in the order of the log.

use shilu_model::{
    Action, ActivePlates, Entry, Kind, PLATE_KIND, PlateMove, Position, Rejection, Standing, State, Value,
    judge_references,
};

use crate::{
    audit::share_of,
    damage::{Damage, Finding},
    hashing::Stored,
    memory::{Hasher, hash_of_name},
    rules::Share,
    settings::Settings,
};

/// All records, with how their names are hashed.
pub(crate) struct Records<'a> {
    pub shares: &'a [Share],
    pub hasher: &'a Hasher,
}

/// The first event that names a record that was not there, or that leads back to its own. It is one only if every event
/// before it was judged.
pub(crate) fn bad_reference(events: &[&Stored<'_>], records: &Records<'_>) -> Option<Finding> {
    events.iter().find_map(|stored| {
        let event = &stored.event;
        let position = event.position;
        let refused = judge_references(event, &Before { records, position }).err()?;
        Some(Damage::AgainstTheRules(refused).at(position.get()))
    })
}

/// The first event that makes a plate active on a thing where another one is. `plates` are those of the waves before.
pub(crate) fn plate_taken(
    events: &[&Stored<'_>],
    records: &Records<'_>,
    settings: &Settings,
    plates: &mut ActivePlates,
) -> Option<Finding> {
    let events = events.iter().map(|stored| &stored.event);
    for event in events.filter(|event| event.kind == PLATE_KIND) {
        let (position, record) = (event.position, format!("{}/{}", event.kind, event.key));
        let entries = Before { records, position }.entries(&record);
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
    records: &'a Records<'a>,
    position: Position,
}

impl<'a> Before<'a> {
    fn entries(&self, record: &str) -> Vec<Entry<'a>> {
        let hash = hash_of_name(self.records.hasher, record);
        let share = self.records.shares.get(share_of(hash));
        share.map_or_else(Vec::new, |share| {
            share.entries_before(hash, record, self.position)
        })
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
