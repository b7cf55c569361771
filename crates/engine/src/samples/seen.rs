//! What was seen at a drawn place: the blind list and the answers to what was then shown, as the log has them, against the
//! register as it was frozen.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use shilu_model::{
    Children, Day, Event, Outcome, Position, RecordName, State, Status, Timestamp, Value, Verdict,
};
use shilu_projections::{Projections, Wanted};
use shilu_sampling::{Answer, Departure, Found, Listing, Roster, Standing};

use super::{
    drawing::DrawnRecord,
    matching::{FoundChild, alike},
    places::{PlaceList, frozen_status},
    results::verdicts,
    told::Told,
};
use crate::engine::Engine;

/// The date field that says when somebody left.
pub(super) const LEFT_FIELD: &str = "left";

/// A drawn place with what the frozen register had of it.
pub(super) struct Place<'a> {
    pub told: &'a Told,
    pub drawn: &'a DrawnRecord,
    pub list: &'a PlaceList,
    pub children: &'a Children,
    /// Whom those mean who were listed under a key of their own.
    pub aliases: &'a Aliases,
}

/// By the position of an event that says who was found: whom the frozen register knew as that.
pub(super) type Aliases = BTreeMap<Position, Alias>;

/// Who was found, listed under a key of their own.
pub(super) struct Alias {
    /// The key in the frozen register.
    key: String,
    /// The verdict on each essential field.
    essential: Vec<Option<Verdict>>,
}

impl Engine {
    /// Whom the lists mean that were not matched when they were entered: those that came as commands, in which whoever was
    /// found has a key of their own.
    pub(super) fn aliases(
        &self,
        told: &Told,
        children: &Children,
        lists: &[(&RecordName, &Event<'_>)],
        events: &[Event<'_>],
    ) -> Aliases {
        let mut places: Vec<&RecordName> = Vec::new();
        let mut found: Vec<Vec<&Event<'_>>> = Vec::new();
        let projections = self.read();
        for (place, listed) in lists {
            let entered = minted(told, place, listed.actor);
            let fresh = blind(events, (place, children), listed).filter(|event| {
                let status = frozen_status(&projections, told, &children.kind, event.key);
                matches!(status, Status::Absent | Status::Found) && !event.key.starts_with(&entered)
            });
            let fresh: Vec<_> = fresh.collect();
            if !fresh.is_empty() {
                places.push(place);
                found.push(fresh);
            }
        }
        drop(projections);
        if places.is_empty() {
            return Aliases::default();
        }
        let child = |event: &&Event<'_>| FoundChild::of(event, &children.field);
        let wanted = places.iter().zip(&found);
        let wanted = wanted.map(|(place, found)| (*place, found.iter().map(child).collect()));
        let matched = self.matched(told, children, &wanted.collect::<Vec<_>>());
        let each = found.iter().flatten().zip(matched.into_iter().flatten());
        let alias = |(event, record): (&&Event<'_>, Option<RecordName>)| {
            let key = record?.key().to_owned();
            let essential = self.judged(told, children, event, &key);
            Some((event.position, Alias { key, essential }))
        };
        each.filter_map(alias).collect()
    }

    /// The verdict on each essential field of whom an event means, against the frozen register.
    fn judged(&self, told: &Told, children: &Children, event: &Event<'_>, key: &str) -> Vec<Option<Verdict>> {
        let projections = self.read();
        let subjects = &projections.subjects;
        let kind = subjects.names.find(&children.kind);
        let slot = kind.and_then(|kind| subjects.records.find(kind, key));
        let entries = slot.map_or_else(Vec::new, |slot| {
            let records = &subjects.records;
            records.entries(slot, told.position, Wanted::All, &subjects.names)
        });
        let state = State::fold(&entries, told.recorded);
        let verdict = |id: &String| {
            let seen = event.observed.iter().find(|observed| observed.field == id)?;
            if seen.verdict == Verdict::NotSeen {
                return Some(Verdict::NotSeen);
            }
            let equal = match (told.kind(children).field(id), seen.value, state.value(id)) {
                (Some(field), Some(seen), Some(held)) => alike(field, seen, held),
                (_, seen, held) => seen == held,
            };
            Some(if equal { Verdict::Equal } else { Verdict::Differs })
        };
        children.essential.iter().map(verdict).collect()
    }
}

/// How the keys begin that an entry gave to whoever was not in the frozen register. They name sample, place and visitor.
pub(super) fn minted(told: &Told, place: &RecordName, actor: &str) -> String {
    let digest = Sha256::new()
        .chain_update(told.event.bytes())
        .chain_update(place.as_str())
        .chain_update([0])
        .chain_update(actor)
        .finalize();
    let hash: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("found-{hash}-")
}

/// Who was listed at a place together with an event that says that somebody was there.
fn blind<'a>(
    events: &'a [Event<'a>],
    (place, children): (&RecordName, &Children),
    listed: &Event<'_>,
) -> impl Iterator<Item = &'a Event<'a>> {
    let here = |event: &Event<'_>| {
        let here = Some(Value::Reference(place.as_str()));
        let mut observed = event.observed.iter();
        is_found(event, children)
            && observed.any(|observed| observed.field == children.field && observed.value == here)
    };
    run(events, listed).skip(1).take_while(move |event| here(event))
}

/// Whether an event says that somebody is there.
fn is_found(event: &Event<'_>, children: &Children) -> bool {
    event.kind == children.kind && matches!(event.outcome, Some(Outcome::Present | Outcome::Unregistered))
}

impl<'a> Place<'a> {
    /// What was seen there by whoever settled the visit, and when the last of it was recorded.
    pub fn seen(
        &self,
        settled: Option<&Event<'_>>,
        events: &'a [Event<'a>],
        projections: &Projections,
    ) -> (Roster<'a>, Option<Timestamp>) {
        let registered = self.list.registered.iter().map(String::as_str).collect();
        let settled = settled.filter(|event| event.outcome == Some(Outcome::Present));
        let Some(settled) = settled else {
            let departures = u64::try_from(self.list.departures.len()).unwrap_or(u64::MAX);
            return (
                Roster::Closed {
                    registered,
                    departures,
                },
                None,
            );
        };
        let mut listing = Listing {
            registered,
            departures: self.list.departures.iter().map(departure).collect(),
            ..Listing::default()
        };
        for event in self.listed(settled, events) {
            listing.found.push(self.found(event, projections));
        }
        let mut last = None;
        for event in self.answered(settled, events) {
            if let Some(outcome) = event.outcome {
                listing.answers.push((event.key, self.answer(outcome, event)));
            }
            last = last.or(Some(event.recorded));
        }
        (Roster::Listed(listing), last)
    }

    /// Who was found, blind.
    pub fn listed(
        &self,
        settled: &Event<'_>,
        events: &'a [Event<'a>],
    ) -> impl Iterator<Item = &'a Event<'a>> {
        blind(events, (&self.drawn.record, self.children), settled)
    }

    /// The answers to what was then shown.
    pub fn answered(
        &self,
        settled: &Event<'_>,
        events: &'a [Event<'a>],
    ) -> impl Iterator<Item = &'a Event<'a>> {
        let answers = |event: &&Event<'_>| {
            event.kind == self.children.kind
                && event.actor == settled.actor
                && event.position > settled.position
                && !is_found(event, self.children)
                && self.list.keys().any(|key| key == event.key)
        };
        let first = events.iter().find(answers);
        let answered = first.into_iter().flat_map(|first| run(events, first));
        answered.take_while(answers)
    }

    /// By which key the frozen register knows whom an event is about.
    pub fn key_of<'s>(&'s self, event: &Event<'s>) -> &'s str {
        let alias = self.aliases.get(&event.position);
        alias.map_or(event.key, |alias| alias.key.as_str())
    }

    /// Whether somebody was shown for whom nothing has been answered.
    pub fn wants_answers(&self, seen: &Roster<'_>) -> bool {
        match seen {
            Roster::Closed { .. } => false,
            Roster::Listed(listing) => listing.answers.is_empty() && self.shown(listing).next().is_some(),
        }
    }

    /// Who is on the list and was not found.
    pub fn shown<'s>(&'s self, listing: &'s Listing<'_>) -> impl Iterator<Item = &'s str> {
        let found = |key: &str| listing.found.iter().any(|found| found.key == key);
        self.list.keys().filter(move |key| !found(key))
    }

    fn found(&self, event: &Event<'a>, projections: &Projections) -> Found<'a> {
        let alias = self.aliases.get(&event.position);
        let key = alias.map_or(event.key, |alias| alias.key.as_str());
        let status = frozen_status(projections, self.told, &self.children.kind, key);
        let standing = match status {
            Status::Registered => Standing::Registered,
            Status::Collected => Standing::Collected,
            Status::Deregistered => Standing::Deregistered,
            Status::Absent | Status::Found | Status::Void => Standing::Never,
        };
        let arrived = self.children.arrived.as_deref();
        Found {
            key,
            standing,
            arrived: arrived.and_then(|field| date_of(event, field)),
            essential: alias.map_or_else(
                || verdicts(event, &self.children.essential),
                |alias| alias.essential.clone(),
            ),
        }
    }

    fn answer(&self, outcome: Outcome, event: &Event<'_>) -> Answer {
        match outcome {
            Outcome::Gone => {
                let taken = self.told.campaign.zone.day_of(event.effective);
                Answer::Gone(date_of(event, LEFT_FIELD).unwrap_or(taken))
            }
            Outcome::UnknownHere => Answer::UnknownHere,
            _ => Answer::NotSeen,
        }
    }
}

/// The events of an atomic list from one of them on: they stand side by side and were recorded together. Who is entered
/// after the list was answered was not found blind.
fn run<'a>(events: &'a [Event<'a>], first: &Event<'_>) -> impl Iterator<Item = &'a Event<'a>> {
    let (position, recorded, actor) = (first.position, first.recorded, first.actor.to_owned());
    let from = events.partition_point(|event| event.position < position);
    let places = std::iter::successors(Some(position), |position| Some(position.next()));
    let rest = events.get(from..).unwrap_or_default().iter().zip(places);
    let together = rest.take_while(move |(event, place)| {
        event.position == *place && event.recorded == recorded && event.actor == actor
    });
    together.map(|(event, _)| event)
}

fn departure(of: &(String, Day)) -> Departure<'_> {
    let (key, deregistered) = of;
    Departure {
        key,
        deregistered: *deregistered,
    }
}

fn date_of(event: &Event<'_>, field: &str) -> Option<Day> {
    let mut observed = event.observed.iter().filter(|observed| observed.field == field);
    match observed.next()?.value {
        Some(Value::Date(day)) => Some(day),
        _ => None,
    }
}
