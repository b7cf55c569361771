//! Visits to what was drawn. A visit is entered blind: nothing that the register holds is shown before. It becomes
//! events that cite the announcement, and the log compares them with the register as it was frozen.

use sha2::{Digest, Sha256};
use shilu_model::{
    Check, Command, Day, Deed, Event, EventId, Kind, Origin, Outcome, OwnedValue, RecordName, Rejection,
    Role, Since, Visit,
};

use super::{
    course::{Course, Duty, course},
    drawing::{Drawing, DrawnRecord},
    error::SampleError,
    matching::FoundChild,
    told::{Measured, Told},
};
use crate::{Accepted, engine::Engine, error::EngineError, query::StoredEvent};

/// A visit as it is entered.
#[derive(Clone, Debug)]
pub struct VisitEntry {
    /// The id of its first event, if the client chose one; those of the others follow from it. The same entry with the
    /// same id again is answered as the first time.
    pub id: Option<EventId>,
    /// Who went there.
    pub actor: String,
    /// A remark.
    pub reason: Option<String>,
    /// With which device.
    pub device: Option<String>,
    /// When it was seen; without it, when it is recorded.
    pub effective: Since,
    /// The circumstances.
    pub visit: Option<Visit>,
    /// What was seen.
    pub what: Visited,
}

/// What was seen on a visit.
#[derive(Clone, Debug)]
pub enum Visited {
    /// A drawn record.
    Record {
        /// The record.
        record: RecordName,
        /// What was found.
        outcome: Outcome,
        /// The fields that were seen.
        observed: Vec<(String, Option<OwnedValue>)>,
        /// The fields that could not be seen.
        not_seen: Vec<String>,
    },
    /// A drawn place, first step: who is there.
    Blind {
        /// The place.
        place: RecordName,
        /// `present`, `no-contact` or `refused`.
        outcome: Outcome,
        /// Who or what was found.
        found: Vec<FoundChild>,
    },
    /// A drawn place, second step: where those are whom the first step has shown.
    Revealed {
        /// The place.
        place: RecordName,
        /// An answer for each of them.
        answers: Vec<(RecordName, RosterAnswer)>,
    },
}

/// Where somebody is who was registered at a place and not found there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RosterAnswer {
    /// Left on this day.
    Gone(Day),
    /// Nobody ever knew them here.
    UnknownHere,
    /// Could not be learned.
    NotSeen,
}

/// A visit that was taken.
#[derive(Clone, Debug)]
pub struct Entered {
    /// Its events.
    pub events: Vec<Accepted>,
    /// After the first step at a place: those about whom the second step asks.
    pub revealed: Vec<Shown>,
}

/// Somebody who is shown after the blind list was entered.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The record.
    pub record: RecordName,
    /// Registered there at the freeze; else deregistered from there not long before.
    pub registered: bool,
    /// What they are known by: the essential fields as frozen.
    pub fields: Vec<(String, OwnedValue)>,
}

impl Visited {
    const fn target(&self) -> &RecordName {
        match self {
            Visited::Record { record, .. } => record,
            Visited::Blind { place, .. } | Visited::Revealed { place, .. } => place,
        }
    }
}

impl Engine {
    /// Takes a visit to a drawn record, or one step of a visit to a drawn place.
    ///
    /// # Errors
    /// `NO_DRAW`, `DRAW_INVALID`, `NOT_DRAWN`, `WRONG_VISIT`, `NOT_ASSIGNED`, `ALREADY_VISITED`, `STEP_MISSING`,
    /// `NOT_ASKED`, `OWN_WORK`, and what [`Engine::submit`] says.
    pub fn visit(&self, id: &str, entry: &VisitEntry) -> Result<Entered, EngineError> {
        let told = self.told_now(id)?;
        let drawing = self.drawn_of(&told)?;
        let wrong = |wanted| SampleError::WrongVisit {
            id: id.to_owned(),
            wanted,
        };
        let target = entry.what.target();
        let drawn = drawing.record(&told, target)?;
        let visiting = Visiting {
            told: &told,
            drawing: &drawing,
            drawn,
            entry,
            is_retry: entry.id.is_some_and(|id| self.event(id).is_ok()),
        };
        if self.campaign().signed_roles.contains(&Role::Verifier) {
            return Err(SampleError::SignVisit {
                announcement: told.event,
            }
            .into());
        }
        if let Since::At(seen) = entry.effective
            && seen < told.draw_at
        {
            return Err(visiting.refuse(
                target,
                "effective",
                "it is before the draw: a visit comes after it",
            ));
        }
        match (told.measured(), &entry.what) {
            (Measured::Records { .. }, Visited::Record { .. }) => self.visit_record(&visiting),
            (Measured::Records { .. }, _) => Err(wrong("records").into()),
            (Measured::Places { children, rate, .. }, Visited::Blind { outcome, found, .. }) => {
                self.visit_blind(&visiting, (children, rate), *outcome, found)
            }
            (Measured::Places { children, .. }, Visited::Revealed { answers, .. }) => {
                self.visit_revealed(&visiting, children, answers)
            }
            (Measured::Places { .. }, Visited::Record { .. }) => Err(wrong("places").into()),
        }
    }

    /// The kind of who or what is listed at the places that a sample draws; none for a draw of records.
    ///
    /// # Errors
    /// `NO_RECORD`, and what the log says.
    pub fn listed_kind(&self, id: &str) -> Result<Option<Kind>, EngineError> {
        let told = self.told_now(id)?;
        Ok(match told.measured() {
            Measured::Records { .. } => None,
            Measured::Places { children, .. } => Some(told.kind(children).clone()),
        })
    }

    fn visit_record(&self, visiting: &Visiting<'_>) -> Result<Entered, EngineError> {
        let Visited::Record {
            record,
            outcome,
            observed,
            not_seen,
        } = &visiting.entry.what
        else {
            return Ok(Entered {
                events: Vec::new(),
                revealed: Vec::new(),
            });
        };
        self.may_visit(visiting)?;
        let check = Check {
            outcome: *outcome,
            observed: observed.clone(),
            not_seen: not_seen.clone(),
            area: None,
        };
        let events = self.enter(visiting, vec![visiting.command(record.clone(), check)])?;
        Ok(Entered {
            events,
            revealed: Vec::new(),
        })
    }

    /// Submits the events of an entry as one list. If they were taken before, the first answer is given.
    pub(super) fn enter(
        &self,
        visiting: &Visiting<'_>,
        mut commands: Vec<Command>,
    ) -> Result<Vec<Accepted>, EngineError> {
        let Some(id) = visiting.entry.id else {
            return self.list(commands);
        };
        let fresh = commands.len();
        for (number, command) in (0..).zip(&mut commands) {
            command.id = Some(numbered(id, number));
        }
        let known = (0..).take_while(|number| self.event(numbered(id, *number)).is_ok());
        // A list that is longer or shorter than the first one says something else.
        if visiting.is_retry && known.count() != fresh {
            return Err(EngineError::Rejected {
                index: None,
                record: visiting.drawn.record.clone(),
                rejection: Rejection::IdReused { id },
            });
        }
        self.list(commands)
    }

    /// Whether the actor may go there now: whom the assignment names, and nobody twice.
    pub(super) fn may_visit(&self, visiting: &Visiting<'_>) -> Result<(), EngineError> {
        let Visiting {
            told,
            drawing,
            drawn,
            entry,
            is_retry,
        } = visiting;
        if *is_retry {
            return Ok(());
        }
        let stored = self.citing(told)?;
        let events: Vec<_> = stored.iter().map(StoredEvent::event).collect();
        let (_, course) = self.course_at((told, drawing, drawn), &events);
        let duties = self.duties(told, drawing);
        let duty = duties.get(&drawn.record);
        let record = drawn.record.clone();
        let third = |duty: &&Duty| duty.recheck.as_ref() == Some(&entry.actor);
        if course.settled.is_some() {
            return match duty.filter(third) {
                Some(_) if course.recheck.is_none() => Ok(()),
                _ => Err(SampleError::AlreadyVisited { record }.into()),
            };
        }
        match duty {
            Some(duty) if duty.verifier != entry.actor => {
                let actor = entry.actor.clone();
                Err(SampleError::NotAssigned { record, actor }.into())
            }
            _ => Ok(()),
        }
    }
}

impl Engine {
    /// The visits to one drawn record, and how far they have come.
    pub(super) fn course_at<'a>(
        &self,
        (told, drawing, drawn): (&Told, &Drawing, &DrawnRecord),
        events: &'a [Event<'a>],
    ) -> (Vec<&'a Event<'a>>, Course) {
        let own = events.iter().filter(|event| {
            event.kind == drawn.record.kind() && event.key == drawn.record.key() && told.is_visit(event)
        });
        let own: Vec<_> = own.collect();
        let duties = self.duties(told, drawing);
        let course = course(&own, duties.get(&drawn.record), told.campaign.zone);
        (own, course)
    }
}

/// A visit on its way into the log.
pub(super) struct Visiting<'a> {
    pub told: &'a Told,
    pub drawing: &'a Drawing,
    pub drawn: &'a DrawnRecord,
    pub entry: &'a VisitEntry,
    /// An event with the entry's id is in the log: whether it may be entered was judged then.
    pub is_retry: bool,
}

/// The id of an event of an entry: the entry's own for the first; of each other one the time of that, and a digest.
fn numbered(id: EventId, number: u32) -> EventId {
    if number == 0 {
        return id;
    }
    let own = id.bytes();
    let digest = Sha256::new()
        .chain_update(own)
        .chain_update(number.to_be_bytes())
        .finalize();
    let mut bytes = own;
    // RFC 9562, section 5.7: 48 bits of time, 4 of version, 12 at random, 2 of variant, 62 at random.
    for ((byte, hashed), place) in bytes.iter_mut().zip(digest).zip(0..) {
        *byte = match place {
            0..6 => *byte,
            6 => 0x70 | hashed & 0x0f,
            8 => 0x80 | hashed & 0x3f,
            _ => hashed,
        };
    }
    EventId::from_bytes(bytes)
}

impl Visiting<'_> {
    /// A verification that cites the announcement.
    pub fn command(&self, record: RecordName, check: Check) -> Command {
        Command {
            id: None,
            record,
            deed: Deed::Verify(check),
            actor: self.entry.actor.clone(),
            effective: self.entry.effective,
            device: self.entry.device.clone(),
            reason: self.entry.reason.clone(),
            source: Origin::Field,
            visit: self.entry.visit,
            expected_version: None,
            cause: Some(self.told.event),
            signature: None,
        }
    }

    /// What is wrong with a field of the entry.
    pub fn refuse(&self, record: &RecordName, field: &str, problem: &str) -> EngineError {
        EngineError::Rejected {
            index: None,
            record: record.clone(),
            rejection: Rejection::BadValue {
                field: field.to_owned(),
                problem: problem.to_owned(),
            },
        }
    }
}
