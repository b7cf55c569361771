//! Visits to drawn places, in two steps. First the blind list: whoever is found is matched to the frozen register, or
//! gets a key of their own. Only then it is shown who is registered there and was not found. Each step is one atomic list.

use std::collections::BTreeSet;

use shilu_model::{
    Action, Check, Children, FieldType, Outcome, OwnedValue, RecordName, RosterRate, Since, State, Status,
    Value,
};
use shilu_projections::Wanted;
use shilu_sampling::Roster;

use super::{
    drawing::{Drawing, DrawnRecord},
    error::SampleError,
    matching::FoundChild,
    places::PlaceList,
    seen::{LEFT_FIELD, Place, minted},
    told::{Measured, Told},
    visit::{Entered, RosterAnswer, Shown, Visiting},
};
use crate::{engine::Engine, error::EngineError, query::StoredEvent};

/// What the second step asks.
struct Asked {
    /// Of those about whom it asks.
    keys: Vec<String>,
    /// Somebody has answered, or there is nothing to answer.
    is_done: bool,
    list: PlaceList,
}

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
        let lists = [(place, found.to_vec())];
        let mut matched = self.matched(visiting.told, children, &lists);
        let matched = matched.pop().unwrap_or_default();
        let minted = minted(visiting.told, place, &visiting.entry.actor);
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
                None => RecordName::new(&children.kind, &format!("{minted}{number}"))
                    .expect("letters, digits and dashes are a key"),
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
            .map(|key| self.show(visiting.told, children, list, key))
            .collect();
        Ok(Entered { events, revealed })
    }

    /// About whom the second step at a place asks somebody: those whom the frozen register had there, and whom their blind
    /// list lacks. It is shown to whoever entered a list that counts.
    ///
    /// # Errors
    /// `NO_RECORD`, `NO_DRAW`, `DRAW_INVALID`, `NOT_DRAWN`, `WRONG_VISIT`, `STEP_MISSING`, and what the log says.
    pub fn revealed(&self, id: &str, place: &RecordName, actor: &str) -> Result<Vec<Shown>, EngineError> {
        let told = self.told_now(id)?;
        let drawing = self.drawn_of(&told)?;
        let drawn = drawing.record(&told, place)?;
        let Measured::Places { children, .. } = told.measured() else {
            let id = id.to_owned();
            let wanted = "records";
            return Err(SampleError::WrongVisit { id, wanted }.into());
        };
        let asked = self.asked(&told, &drawing, (drawn, actor))?;
        let keys = asked.keys.iter();
        Ok(keys
            .map(|key| self.show(&told, children, &asked.list, key))
            .collect())
    }

    fn asked(
        &self,
        told: &Told,
        drawing: &Drawing,
        (drawn, actor): (&DrawnRecord, &str),
    ) -> Result<Asked, EngineError> {
        let place = &drawn.record;
        let missing = || SampleError::StepMissing { place: place.clone() };
        let Measured::Places { children, rate, .. } = told.measured() else {
            return Err(missing().into());
        };
        let stored = self.citing(told)?;
        let events: Vec<_> = stored.iter().map(StoredEvent::event).collect();
        let (own, course) = self.course_at((told, drawing, drawn), &events);
        let steps = [course.settled, course.recheck].into_iter().flatten();
        let mut lists = steps.filter_map(|step| own.get(step).copied());
        let listed = lists.find(|event| event.actor == actor && event.outcome == Some(Outcome::Present));
        let listed = listed.ok_or_else(missing)?;
        let aliases = self.aliases(told, children, &[(place, listed)], &events);
        let list = self
            .lists(told, drawing, (children, rate))
            .get(place.as_str())
            .cloned();
        let list = list.unwrap_or_default();
        let at = Place {
            told,
            drawn,
            list: &list,
            children,
            aliases: &aliases,
        };
        let (seen, _) = at.seen(Some(listed), &events, &self.read());
        let Roster::Listed(listing) = &seen else {
            return Err(missing().into());
        };
        let keys: Vec<String> = at.shown(listing).map(str::to_owned).collect();
        let is_done = !listing.answers.is_empty() || keys.is_empty();
        Ok(Asked { keys, is_done, list })
    }

    /// The second step.
    pub(super) fn visit_revealed(
        &self,
        visiting: &Visiting<'_>,
        children: &Children,
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
        let asked = self.asked(told, drawing, (drawn, &entry.actor))?;
        if asked.is_done && !is_retry {
            let record = place.clone();
            return Err(SampleError::AlreadyVisited { record }.into());
        }
        if answers.is_empty() {
            return Err(visiting.refuse(place, "answers", "there is no answer: say at least not-seen"));
        }
        let mut commands = Vec::new();
        let kind = told.kind(children);
        let has_left = kind
            .field(LEFT_FIELD)
            .is_some_and(|field| field.field_type == FieldType::Date);
        for (record, answer) in answers {
            let is_asked = record.kind() == children.kind && asked.keys.iter().any(|key| key == record.key());
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
    fn show(&self, told: &Told, children: &Children, list: &PlaceList, key: &str) -> Shown {
        let record = RecordName::new(&children.kind, key)
            .expect("the key was checked when the record's first event was taken");
        let projections = self.read();
        let subjects = &projections.subjects;
        let kind = subjects.names.find(&children.kind);
        let slot = kind.and_then(|kind| subjects.records.find(kind, key));
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
