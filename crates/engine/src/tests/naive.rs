//! A naive register: the list of all events, asked by brute force, in the words of the design (§2, and §8 for the
//! indicators). It shares no code with the fold, the classes and the series that it is there to check.

use std::collections::BTreeMap;

use shilu_model::{
    Action, Campaign, Event, Outcome, OwnedValue, RecordName, Source, Status, Timestamp, Value, Verdict,
};

use shilu_model::Position;

use crate::{By, ChangesQuery, Engine};

/// One event, as told by the log.
#[derive(Clone, Debug)]
pub struct Told {
    pub position: u64,
    pub recorded: Timestamp,
    pub effective: Timestamp,
    pub action: Action,
    pub kind: String,
    pub key: String,
    pub version: u32,
    pub area: String,
    pub actor: String,
    pub device: Option<String>,
    pub sources: Vec<String>,
    /// Field, before, after.
    pub changes: Vec<(String, Option<OwnedValue>, Option<OwnedValue>)>,
    pub outcome: Option<Outcome>,
    pub observed: Vec<(String, Option<OwnedValue>, Verdict)>,
    pub voids: bool,
    /// Where a field visit took place, to within 100 m: latitude and longitude in degrees.
    pub site: Option<(f64, f64)>,
}

/// What is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Known {
    All,
    /// Recorded up to and including an instant.
    Until(Timestamp),
    /// Up to and including a position.
    Through(u64),
}

/// One (E, K) pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    pub effective: Timestamp,
    pub known: Known,
}

/// One record at one pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub status: Status,
    pub area: String,
    /// Per field that was ever set: the value, and the position of the event that set it.
    pub fields: BTreeMap<String, (Option<OwnedValue>, u64)>,
    pub collector: String,
    pub version: u32,
    /// The last check that saw enough: its outcome, and whether a field differed.
    pub check: Option<(Outcome, bool)>,
    /// Whether there was a check that did not.
    pub tried: bool,
}

pub type Figure = (u64, u64, u64);

pub struct Naive {
    pub events: Vec<Told>,
    pub campaign: std::sync::Arc<Campaign>,
}

impl Told {
    fn of(event: &Event<'_>) -> Self {
        let own = |value: Option<Value<'_>>| value.map(Value::to_owned);
        Told {
            position: event.position.get(),
            recorded: event.recorded,
            effective: event.effective,
            action: event.action,
            kind: event.kind.to_owned(),
            key: event.key.to_owned(),
            version: event.version,
            area: event.area.to_owned(),
            actor: event.actor.to_owned(),
            device: event.device.map(str::to_owned),
            sources: match event.source {
                Source::Field => vec!["field".to_owned()],
                Source::System => vec!["system".to_owned()],
                Source::Import { sha256, .. } => {
                    let hex = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
                    vec!["import".to_owned(), hex]
                }
            },
            changes: event
                .changes
                .iter()
                .map(|change| (change.field.to_owned(), own(change.before), own(change.after)))
                .collect(),
            outcome: event.outcome,
            observed: event
                .observed
                .iter()
                .map(|seen| (seen.field.to_owned(), own(seen.value), seen.verdict))
                .collect(),
            voids: event
                .because
                .is_some_and(|because| ["erroneous", "duplicate-of"].contains(&because.word())),
            site: match (event.source, event.visit.and_then(|visit| visit.place)) {
                (Source::Field, Some(place)) if place.accuracy_m <= 100 => {
                    Some((f64::from(place.lat_e7) / 1e7, f64::from(place.lon_e7) / 1e7))
                }
                _ => None,
            },
        }
    }

    /// "The greatest (effective, position) wins."
    pub fn rank(&self) -> (Timestamp, u64) {
        (self.effective, self.position)
    }

    pub fn is_of(&self, name: &RecordName) -> bool {
        (self.kind.as_str(), self.key.as_str()) == (name.kind(), name.key())
    }
}

impl Naive {
    pub fn of(engine: &Engine) -> Self {
        let stored = engine.events(Position::ZERO, usize::MAX).unwrap();
        Naive {
            events: stored.iter().map(|stored| Told::of(&stored.event())).collect(),
            campaign: engine.campaign(),
        }
    }

    /// Every record that an event names, in the campaign's order of kinds, then by key.
    pub fn names(&self) -> Vec<RecordName> {
        let mut names = Vec::new();
        for kind in &self.campaign.kinds {
            let keys: std::collections::BTreeSet<&str> = self
                .events
                .iter()
                .filter(|event| event.kind == kind.id)
                .map(|event| event.key.as_str())
                .collect();
            names.extend(
                keys.into_iter()
                    .map(|key| RecordName::new(&kind.id, key).unwrap()),
            );
        }
        names
    }

    pub fn history(&self, name: &RecordName) -> Vec<u64> {
        let own = self.events.iter().filter(|event| event.is_of(name));
        own.map(|event| event.position).collect()
    }

    pub fn state(&self, name: &RecordName, pair: Pair) -> Seen {
        let known: Vec<&Told> = self
            .events
            .iter()
            .filter(|event| event.is_of(name))
            .filter(|event| match pair.known {
                Known::All => true,
                Known::Until(time) => event.recorded <= time,
                Known::Through(position) => event.position <= position,
            })
            .collect();
        let there: Vec<&Told> = known
            .iter()
            .copied()
            .filter(|event| event.effective <= pair.effective)
            .collect();
        let latest = |wanted: &dyn Fn(&Told) -> bool| {
            let fitting = there.iter().copied().filter(|event| wanted(event));
            fitting.max_by_key(|event| event.rank())
        };
        let collects = there.iter().filter(|event| event.action == Action::Collect);
        let first_collect = collects.min_by_key(|event| event.rank());
        let met = latest(&|event| event.outcome == Some(Outcome::Unregistered));
        let told_status = if first_collect.is_some() {
            match latest(&|event| [Action::Register, Action::Deregister].contains(&event.action)) {
                Some(event) if event.action == Action::Register => Status::Registered,
                Some(_) => Status::Deregistered,
                None => Status::Collected,
            }
        } else if met.is_some() {
            Status::Found
        } else {
            Status::Absent
        };
        let status = match told_status {
            Status::Absent => Status::Absent,
            _ if known.iter().any(|event| event.voids) => Status::Void,
            told => told,
        };
        let mut fields = BTreeMap::new();
        for event in &there {
            for (field, before, after) in &event.changes {
                let wins = |other: &Told| other.rank() > event.rank();
                let sets = |other: &Told| {
                    let mut changes = other.changes.iter();
                    changes.any(|(id, before, after)| id == field && before != after)
                };
                if before != after && !there.iter().any(|other| wins(other) && sets(other)) {
                    fields.insert(field.clone(), (after.clone(), event.position));
                }
            }
        }
        let kind = self.campaign.kind(name.kind()).unwrap();
        let area_value = kind.area.as_ref().and_then(|field| fields.get(field));
        let area = match (area_value, met) {
            (Some((Some(OwnedValue::Text(area)), _)), _) => area.clone(),
            // Whatever became of the record later: on that day a check had told its area, and nobody else.
            (_, Some(met)) if first_collect.is_none() => met.area.clone(),
            _ => String::new(),
        };
        let vague = [Outcome::NoContact, Outcome::Refused];
        let check = latest(&|event| event.outcome.is_some_and(|outcome| !vague.contains(&outcome)));
        Seen {
            status,
            area,
            fields,
            collector: first_collect.map_or_else(String::new, |event| event.actor.clone()),
            version: u32::try_from(known.len()).unwrap(),
            check: check.map(|event| {
                let differs = |seen: &(String, Option<OwnedValue>, Verdict)| seen.2 == Verdict::Differs;
                (event.outcome.unwrap(), event.observed.iter().any(differs))
            }),
            tried: there
                .iter()
                .any(|event| event.outcome.is_some_and(|outcome| vague.contains(&outcome))),
        }
    }

    /// The fields of a record in the campaign's order, as a view shows them.
    pub fn shown(&self, name: &RecordName, seen: &Seen) -> Vec<(String, OwnedValue)> {
        let kind = self.campaign.kind(name.kind()).unwrap();
        let mut shown = Vec::new();
        for field in &kind.fields {
            let value = if field.id == kind.key && seen.status != Status::Found {
                Some(OwnedValue::Text(name.key().to_owned()))
            } else {
                seen.fields.get(&field.id).and_then(|(value, _)| value.clone())
            };
            shown.extend(value.map(|value| (field.id.clone(), value)));
        }
        shown
    }

    /// Every record that is there at a pair.
    pub fn all(&self, pair: Pair) -> Vec<(RecordName, Seen)> {
        let states = self.names().into_iter().map(|name| {
            let seen = self.state(&name, pair);
            (name, seen)
        });
        states.filter(|(_, seen)| seen.status != Status::Absent).collect()
    }

    /// (kind, status, area, actor) with the number of records, by the campaign's order of kinds.
    #[expect(clippy::type_complexity, reason = "a row of the answer")]
    pub fn counts(
        &self,
        pair: Pair,
        by: By,
        only: Option<&str>,
    ) -> Vec<(String, Status, Option<String>, Option<String>, u64)> {
        let mut sums = BTreeMap::new();
        for (name, seen) in self.all(pair) {
            if only.is_none_or(|only| only == seen.area) {
                let kind = self.campaign.kinds.iter().position(|kind| kind.id == name.kind());
                *sums
                    .entry((kind, seen.status, scope(&seen, by, only)))
                    .or_default() += 1;
            }
        }
        let row = |((kind, status, (area, actor)), count): ((Option<usize>, _, (_, _)), u64)| {
            (
                self.campaign.kinds[kind.unwrap()].id.clone(),
                status,
                area,
                actor,
                count,
            )
        };
        sums.into_iter().map(row).collect()
    }

    /// (indicator, area, actor) with numerator, denominator and unknown, in the order of the answer.
    pub fn rates(
        &self,
        pair: Pair,
        by: By,
        only: Option<&str>,
    ) -> Vec<(String, Option<String>, Option<String>, Figure)> {
        let there = self.all(pair);
        let mut rows = Vec::new();
        for kind in &self.campaign.kinds {
            for (indicator, cases) in INDICATORS {
                let mut sums: BTreeMap<_, Figure> = BTreeMap::new();
                if by == By::Whole {
                    sums.insert((only.map(str::to_owned), None), (0, 0, 0));
                }
                for (name, seen) in &there {
                    let (numerator, denominator, unknown) = cases(seen);
                    let counts = numerator || denominator || unknown;
                    if name.kind() == kind.id && counts && only.is_none_or(|only| only == seen.area) {
                        let sum = sums.entry(scope(seen, by, only)).or_default();
                        sum.0 += u64::from(numerator);
                        sum.1 += u64::from(denominator);
                        sum.2 += u64::from(unknown);
                    }
                }
                let id = format!("{}.{indicator}", kind.id);
                rows.extend(
                    sums.into_iter()
                        .map(|((area, actor), figure)| (id.clone(), area, actor, figure)),
                );
            }
        }
        rows
    }

    /// The positions of the events that fit, newest first, without paging.
    pub fn changes(&self, query: &ChangesQuery) -> Vec<u64> {
        let is = |asked: &Option<String>, found: &str| asked.as_deref().is_none_or(|asked| asked == found);
        let fits = |event: &&Told| {
            is(&query.actor, &event.actor)
                && query.action.is_none_or(|action| action == event.action)
                && is(&query.kind, &event.kind)
                && is(&query.area, &event.area)
                && query.field.as_ref().is_none_or(|field| {
                    event.changes.iter().any(|(id, ..)| id == field)
                        || event.observed.iter().any(|(id, ..)| id == field)
                })
                && query.record.as_ref().is_none_or(|name| event.is_of(name))
                && query
                    .device
                    .as_ref()
                    .is_none_or(|device| event.device.as_ref() == Some(device))
                && query
                    .source
                    .as_ref()
                    .is_none_or(|source| event.sources.contains(source))
                && query.from.is_none_or(|from| event.recorded >= from)
                && query.to.is_none_or(|to| event.recorded <= to)
        };
        let fitting = self.events.iter().rev().filter(fits);
        fitting.map(|event| event.position).collect()
    }
}

/// Under which area and actor a record counts.
fn scope(seen: &Seen, by: By, only: Option<&str>) -> (Option<String>, Option<String>) {
    let area = (by == By::Area || only.is_some()).then(|| seen.area.clone());
    (area, (by == By::Actor).then(|| seen.collector.clone()))
}

type Cases = fn(&Seen) -> (bool, bool, bool);

/// The built-in indicators: whether a record is in the numerator, in the denominator, or unknown.
const INDICATORS: [(&str, Cases); 3] = [
    ("register-share", |seen| {
        let live = [Status::Registered, Status::Collected].contains(&seen.status);
        (seen.status == Status::Registered, live, false)
    }),
    ("deregister-share", |seen| {
        let gone = seen.check.is_some_and(|(outcome, _)| outcome == Outcome::Gone);
        let deregistered = seen.status == Status::Deregistered;
        (
            deregistered,
            deregistered || (gone && seen.status == Status::Registered),
            false,
        )
    }),
    ("accuracy", |seen| {
        let live = [Status::Registered, Status::Collected].contains(&seen.status);
        let right = |(outcome, differs): (Outcome, bool)| {
            [Outcome::Present, Outcome::Unregistered].contains(&outcome) && !differs
        };
        (
            live && seen.check.is_some_and(right),
            live && seen.check.is_some(),
            live && seen.check.is_none() && seen.tried,
        )
    }),
];
