//! Visits to drawn places, in two steps. First the blind list: whoever is found is matched to the frozen register, or
//! gets a key of their own. Only then it is shown who is registered there and was not found. Each step is one atomic list.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use shilu_model::{
    Action, Check, Children, FieldType, Outcome, OwnedValue, RecordName, RosterRate, Since, State, Status,
    Value,
};
use shilu_projections::Wanted;
use shilu_sampling::Roster;

use super::{
    error::SampleError,
    matching::FoundChild,
    places::PlaceList,
    results::{LEFT_FIELD, Place},
    told::Told,
    visit::{Entered, RosterAnswer, Shown, Visiting},
};
use crate::{engine::Engine, error::EngineError, query::StoredEvent};

impl Engine {
    /// The first step.
    pub(super) fn visit_blind(
        &self,
        visiting: &Visiting<'_>,
        (children, rate): (&Children, RosterRate),
        outcome: Outcome,
        found: &[FoundChild],
    ) -> Result<Entered, EngineError> {
        let place = &visiting.drawn.record;
        let allowed = matches!(outcome, Outcome::Present | Outcome::NoContact | Outcome::Refused);
        if !allowed {
            return Err(visiting.refuse(place, "outcome", "a place is present, no-contact or refused"));
        }
        if outcome != Outcome::Present && !found.is_empty() {
            return Err(visiting.refuse(place, "found", "nobody was found where nobody answered"));
        }
        if found
            .iter()
            .any(|one| one.observed.iter().any(|(field, _)| *field == children.field))
        {
            return Err(visiting.refuse(place, &children.field, "it is the place itself: leave it out"));
        }
        self.may_visit(visiting)?;
        let matched = self.matched(visiting.told, children, place, found);
        let check = |outcome, observed, not_seen| Check {
            outcome,
            observed,
            not_seen,
            area: None,
        };
        let mut first = visiting.command(place.clone(), check(outcome, Vec::new(), Vec::new()));
        // Of two that come at once, one is refused.
        first.expected_version = Some(self.version_of(place));
        let mut commands = vec![first];
        for (number, (one, record)) in (1u32..).zip(found.iter().zip(&matched)) {
            let here = OwnedValue::Reference(place.to_string());
            let mut observed = vec![(children.field.clone(), Some(here))];
            observed.extend(one.observed.iter().cloned());
            let known = record.is_some();
            let record = match record {
                Some(record) => record.clone(),
                None => visiting.mint(children, number),
            };
            let outcome = if known {
                Outcome::Present
            } else {
                Outcome::Unregistered
            };
            let mut check = check(outcome, observed, one.not_seen.clone());
            check.area = Some(visiting.drawn.area.clone()).filter(|area| !known && !area.is_empty());
            commands.push(visiting.command(record, check));
        }
        let events = self.enter(visiting, commands)?;
        if outcome != Outcome::Present {
            return Ok(Entered {
                events,
                revealed: Vec::new(),
            });
        }
        let lists = self.lists(visiting.told, visiting.drawing, (children, rate));
        let none = PlaceList::default();
        let list = lists.get(place.as_str()).unwrap_or(&none);
        let met: BTreeSet<&str> = matched.iter().flatten().map(RecordName::key).collect();
        let missing = list.keys().filter(|key| !met.contains(key));
        let revealed = missing
            .map(|key| self.show(visiting, children, list, key))
            .collect();
        Ok(Entered { events, revealed })
    }

    /// The second step.
    pub(super) fn visit_revealed(
        &self,
        visiting: &Visiting<'_>,
        (children, rate): (&Children, RosterRate),
        answers: &[(RecordName, RosterAnswer)],
    ) -> Result<Entered, EngineError> {
        let Visiting {
            told,
            drawing,
            drawn,
            entry,
            is_retry,
        } = *visiting;
        let place = &drawn.record;
        let stored = self.citing(told)?;
        let events: Vec<_> = stored.iter().map(StoredEvent::event).collect();
        let listed = events.iter().find(|event| {
            event.kind == place.kind()
                && event.key == place.key()
                && event.actor == entry.actor
                && event.outcome == Some(Outcome::Present)
                && told.is_visit(event)
        });
        let listed = listed.ok_or_else(|| SampleError::StepMissing { place: place.clone() })?;
        let lists = self.lists(told, drawing, (children, rate));
        let none = PlaceList::default();
        let list = lists.get(place.as_str()).unwrap_or(&none);
        let at = Place {
            told,
            drawn,
            list,
            children,
        };
        let asked: Vec<String> = {
            let projections = self.read();
            let (seen, _) = at.seen(Some(listed), &events, &projections);
            let Roster::Listed(listing) = &seen else {
                return Err(SampleError::StepMissing { place: place.clone() }.into());
            };
            let done = !listing.answers.is_empty() || at.shown(listing).next().is_none();
            if done && !is_retry {
                return Err(SampleError::AlreadyVisited {
                    record: place.clone(),
                }
                .into());
            }
            at.shown(listing).map(str::to_owned).collect()
        };
        if answers.is_empty() {
            return Err(visiting.refuse(place, "answers", "there is no answer: say at least not-seen"));
        }
        let mut commands = Vec::new();
        let kind = told.kind(children);
        let has_left = kind
            .field(LEFT_FIELD)
            .is_some_and(|field| field.field_type == FieldType::Date);
        for (record, answer) in answers {
            let is_asked = record.kind() == children.kind && asked.iter().any(|key| key == record.key());
            if !is_asked {
                let (record, place) = (record.clone(), place.clone());
                return Err(SampleError::NotAsked { record, place }.into());
            }
            let outcome = match answer {
                RosterAnswer::Gone(_) => Outcome::Gone,
                RosterAnswer::UnknownHere => Outcome::UnknownHere,
                RosterAnswer::NotSeen => Outcome::NoContact,
            };
            let left = match answer {
                RosterAnswer::Gone(day) if has_left => {
                    vec![(LEFT_FIELD.to_owned(), Some(OwnedValue::Date(*day)))]
                }
                _ => Vec::new(),
            };
            let check = Check {
                outcome,
                observed: left,
                not_seen: Vec::new(),
                area: None,
            };
            let mut command = visiting.command(record.clone(), check);
            if let RosterAnswer::Gone(day) = answer {
                // It cannot have left before the log knew it: then the day alone, if there is a field for it, tells.
                let since = told.campaign.zone.start_of(*day);
                command.effective = Since::At(
                    self.first_collect(told, record)
                        .map_or(since, |first| first.max(since)),
                );
            }
            commands.push(command);
        }
        let events = self.enter(visiting, commands)?;
        Ok(Entered {
            events,
            revealed: Vec::new(),
        })
    }

    fn version_of(&self, record: &RecordName) -> u32 {
        let projections = self.read();
        let subjects = &projections.subjects;
        let kind = subjects.names.find(record.kind());
        let slot = kind.and_then(|kind| subjects.records.find(kind, record.key()));
        let count = slot.map_or(0, |slot| subjects.records.positions(slot, &subjects.names).len());
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Since when the frozen register knew a record.
    fn first_collect(&self, told: &Told, record: &RecordName) -> Option<shilu_model::Timestamp> {
        let projections = self.read();
        let subjects = &projections.subjects;
        let kind = subjects.names.find(record.kind())?;
        let slot = subjects.records.find(kind, record.key())?;
        let entries = subjects
            .records
            .entries(slot, told.position, Wanted::Only(None), &subjects.names);
        let collects = entries.iter().filter(|entry| entry.action == Action::Collect);
        collects.map(|entry| entry.effective).min()
    }

    /// What somebody is known by, as frozen.
    fn show(&self, visiting: &Visiting<'_>, children: &Children, list: &PlaceList, key: &str) -> Shown {
        let record = RecordName::new(&children.kind, key)
            .expect("the key was checked when the record's first event was taken");
        let projections = self.read();
        let subjects = &projections.subjects;
        let kind = subjects.names.find(&children.kind);
        let slot = kind.and_then(|kind| subjects.records.find(kind, key));
        let told = visiting.told;
        let entries = slot.map_or_else(Vec::new, |slot| {
            subjects
                .records
                .entries(slot, told.position, Wanted::All, &subjects.names)
        });
        let state = State::fold(&entries, told.recorded);
        let shown = children
            .essential
            .iter()
            .filter(|field| **field != children.field);
        let fields =
            shown.filter_map(|field| Some((field.clone(), state.value(field).map(Value::to_owned)?)));
        debug_assert!(
            state.status != Status::Absent,
            "who is on the list was there when it was frozen"
        );
        Shown {
            record,
            registered: list.registered.iter().any(|registered| registered == key),
            fields: fields.collect(),
        }
    }
}

impl Visiting<'_> {
    /// A key for somebody whom the frozen register did not know: it names sample, place, visitor and number.
    fn mint(&self, children: &Children, number: u32) -> RecordName {
        let digest = Sha256::new()
            .chain_update(self.told.event.bytes())
            .chain_update(self.drawn.record.as_str())
            .chain_update([0])
            .chain_update(&self.entry.actor)
            .finalize();
        let hash: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let key = format!("found-{hash}-{number}");
        RecordName::new(&children.kind, &key).expect("letters, digits and dashes are a key")
    }
}
