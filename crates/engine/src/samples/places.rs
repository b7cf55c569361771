//! Who was registered at the drawn places when they were frozen, and who had been deregistered from there not long before.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use shilu_model::{Action, Children, Day, Entry, Position, RosterRate, State, Status, Value, decode};
use shilu_projections::{Projections, Slot, Wanted};

use super::{drawing::Drawing, told::Told};
use crate::engine::Engine;

/// The drawn places by name, each with what the frozen register had of it.
pub(crate) type Lists = BTreeMap<String, PlaceList>;

/// What the frozen register had of a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PlaceList {
    /// Keys of those registered there.
    pub registered: Vec<String>,
    /// Those deregistered from there within the window, and when.
    pub departures: Vec<(String, Day)>,
}

impl PlaceList {
    /// Everybody on it.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let departed = self.departures.iter().map(|(key, _)| key);
        self.registered.iter().chain(departed).map(String::as_str)
    }
}

impl Engine {
    /// The lists of all drawn places.
    pub(super) fn lists(
        &self,
        told: &Told,
        drawing: &Drawing,
        (children, rate): (&Children, RosterRate),
    ) -> Arc<Lists> {
        let kept = self.shared.samples.lock();
        let known = kept.get(&told.position).and_then(|kept| kept.lists.clone());
        drop(kept);
        if let Some(known) = known {
            return known;
        }
        let places: BTreeSet<&str> = drawing.drawn.iter().map(|drawn| drawn.record.as_str()).collect();
        let window_days = match rate {
            RosterRate::Deregistration { window_days, .. } => window_days,
            _ => 0,
        };
        let freeze = told.freeze_day();
        let mut lists: Lists = places
            .iter()
            .map(|place| ((*place).to_owned(), PlaceList::default()))
            .collect();
        let mut gone: Vec<(String, String, Position)> = Vec::new();
        self.children(told, children, |(_, child), entries, state| {
            let Some(Value::Reference(place)) = state.value(&children.field) else {
                return;
            };
            let Some(list) = lists.get_mut(place) else { return };
            match state.status {
                Status::Registered => list.registered.push(child.to_owned()),
                Status::Deregistered if window_days > 0 => {
                    let by = deregistered_by(entries, told);
                    gone.extend(by.map(|by| (place.to_owned(), child.to_owned(), by)));
                }
                _ => {}
            }
        });
        for (place, child, by) in gone {
            // The register learned of it when it was recorded, whatever day was stated.
            let Some(day) = self.recorded_on(by, told) else {
                continue;
            };
            let before = i64::from(freeze.number()) - i64::from(day.number());
            if let Some(list) = lists.get_mut(&place).filter(|_| before <= i64::from(window_days)) {
                list.departures.push((child, day));
            }
        }
        let lists = Arc::new(lists);
        let mut kept = self.shared.samples.lock();
        kept.entry(told.position).or_default().lists = Some(Arc::clone(&lists));
        lists
    }

    fn recorded_on(&self, position: Position, told: &Told) -> Option<Day> {
        let stored = self.shared.log.read(position).ok()??;
        let event = decode(&stored).ok()?;
        Some(told.campaign.zone.day_of(event.recorded))
    }

    /// Shows every record of the listed kind as it was frozen: its place and key, its entries up to then, its state.
    pub(super) fn children(
        &self,
        told: &Told,
        children: &Children,
        mut show: impl FnMut((Slot, &str), &[Entry<'_>], &State<'_>),
    ) {
        let projections = self.read();
        let subjects = &projections.subjects;
        let Some(kind) = subjects.names.find(&children.kind) else {
            return;
        };
        for slot in subjects.records.slots(0) {
            let (of_kind, key) = subjects.records.name(slot);
            if of_kind == kind {
                let entries = subjects
                    .records
                    .entries(slot, told.position, Wanted::All, &subjects.names);
                show((slot, key), &entries, &State::fold(&entries, told.recorded));
            }
        }
    }
}

/// One record of the listed kind as it was frozen; absent if the log does not know it.
pub(super) fn frozen_status(projections: &Projections, told: &Told, kind: &str, key: &str) -> Status {
    let subjects = &projections.subjects;
    let slot = subjects
        .names
        .find(kind)
        .and_then(|kind| subjects.records.find(kind, key));
    slot.map_or(Status::Absent, |slot| {
        let wanted = Wanted::Only(None);
        let entries = subjects
            .records
            .entries(slot, told.position, wanted, &subjects.names);
        State::fold(&entries, told.recorded).status
    })
}

/// The deregistration that still held.
fn deregistered_by(entries: &[Entry<'_>], told: &Told) -> Option<Position> {
    let past = entries
        .iter()
        .filter(|entry| entry.action == Action::Deregister && entry.effective <= told.recorded);
    let last = past.max_by_key(|entry| (entry.effective, entry.position))?;
    Some(last.position)
}
