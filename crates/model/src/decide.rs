//! `decide`: a command and what is known of its record give one event, or a rejection. Pure.

use crate::{
    account::{check_name, check_reason},
    campaign::{Campaign, Field, Kind, Role, SAMPLE_KIND},
    command::{self, Check, Command, Correction, Deed, Origin, Reason, Since},
    event::{Action, Change, Event, Observed, Outcome, Signature, Verdict, Visit},
    field_type::INTEGER_MAX,
    fold::{Entry, State, Status},
    id::{EventId, RecordName},
    position::Position,
    rejection::Rejection,
    time::Timestamp,
    value::{Input, OwnedValue, Value},
};

pub use self::references::judge_references;

/// How other records stand, as of now: what references are judged by.
pub trait Standing {
    /// Whether somebody collected a record of this name, and nobody voided it.
    fn stands(&self, name: &str) -> bool;
    /// The record that a reference field of a record names at the latest effective time.
    fn reference(&self, name: &str, field: &str) -> Option<String>;
}

/// What `decide` may ask about the rest of the register, as of now.
pub trait Known: Standing {
    /// Whether an event with this id is in the log.
    fn has_event(&self, id: EventId) -> bool;
    /// Whether somebody collected a record of this name.
    fn is_collected(&self, name: &str) -> bool;
    /// The record that another was voided as a duplicate of.
    fn duplicate_of(&self, name: &str) -> Option<String>;
    /// A live plate that is active on a thing now.
    fn active_plate(&self, thing: &str) -> Option<String>;
    /// The announcement of a sample with this id, if it is in the log ([`Event::is_announcement`]).
    fn announced(&self, id: EventId) -> Option<Announced>;
}

/// Where and when a sample was announced. What a visit for it saw is compared with the record as it stood then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The announcement's position: the entries before it are what was known.
    pub position: Position,
    /// The announcement's recorded time: as of it, effective time too.
    pub recorded: Timestamp,
}

impl Announced {
    /// By an event, if it announces a sample.
    pub fn by(event: &Event<'_>) -> Option<Self> {
        event.is_announcement().then_some(Announced {
            position: event.position,
            recorded: event.recorded,
        })
    }

    /// A record as it stood: later events, and those that took effect later, change no verdict.
    fn freeze<'a>(self, entries: &[Entry<'a>]) -> State<'a> {
        let known = entries.partition_point(|entry| entry.position < self.position);
        State::fold(entries.get(..known).unwrap_or_default(), self.recorded)
    }
}

/// Where and when the event will stand in the log, and its name if the command does not state one.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The position it gets.
    pub position: Position,
    /// The recorded time it gets.
    pub recorded: Timestamp,
    /// The id for a command without one.
    pub fresh_id: EventId,
}

/// Judges a command at (its effective time, now).
///
/// `entries` are all entries of the command's record as known now, in the order of arrival, those of the earlier
/// commands of its list included. That the id is new has been checked before. `campaign` and `known` are as of now.
pub fn decide<'a>(
    campaign: &'a Campaign,
    command: &'a Command,
    entries: &[Entry<'a>],
    known: &dyn Known,
    moment: Moment,
) -> Result<Event<'a>, Rejection> {
    let kind_id = command.record.kind();
    let kind = campaign.kind(kind_id).ok_or_else(|| Rejection::NoKind {
        kind: kind_id.to_owned(),
    })?;
    let case = Case {
        kind,
        command,
        entries,
        moment,
    };
    case.check_texts()?;
    case.check_numbers()?;
    case.check_once()?;
    case.check_key()?;
    case.check_signature(campaign)?;
    let version = case.check_version()?;
    if let Some(cause) = command.cause.filter(|cause| !known.has_event(*cause)) {
        return Err(Rejection::NoCause { cause });
    }
    let effective = case.effective(campaign)?;
    if kind_id == SAMPLE_KIND {
        sample::check(campaign, &case, effective)?;
    }
    let state = State::fold(entries, effective);
    let mut event = Event {
        position: moment.position,
        id: command.id.unwrap_or(moment.fresh_id),
        recorded: moment.recorded,
        effective,
        action: command.deed.action(),
        kind: kind_id,
        key: command.record.key(),
        version: version.saturating_add(1),
        area: state.area(kind.area.as_deref()),
        actor: &command.actor,
        device: command.device.as_deref(),
        source: command.source.borrow(),
        reason: command.reason.as_deref(),
        changes: Vec::new(),
        outcome: None,
        observed: Vec::new(),
        because: None,
        cause: command.cause,
        stated: command.stated(),
        // A visit of which nothing is said is none.
        visit: command.visit.filter(|visit| *visit != Visit::default()),
        signature: command.signature.as_ref().map(|signature| Signature {
            key_id: signature.key_id,
            bytes: &signature.bytes,
        }),
    };
    match &command.deed {
        Deed::Collect(fields) => {
            event.changes = case.collect(fields, &state)?;
            if state.status == Status::Found {
                // Collected, the record has the area of its field; what a check said counts no more.
                event.area = "";
            }
        }
        Deed::Correct(corrections) => event.changes = case.correct(corrections, &state, effective)?,
        Deed::Register => {
            case.needs_collected(&state, effective)?;
            if state.status == Status::Registered {
                return Err(Rejection::AlreadyRegistered { effective });
            }
        }
        Deed::Deregister(reason) => {
            case.deregister(reason, &state, effective, known)?;
            event.because = Some(reason.borrow());
        }
        Deed::Verify(check) => {
            let announced = command.cause.and_then(|cause| known.announced(cause));
            let frozen = announced.map(|announced| announced.freeze(entries));
            event.observed = case.verify(check, &state, frozen.as_ref(), effective)?;
            event.outcome = Some(check.outcome);
            if let (Status::Absent | Status::Found, Some(area)) = (state.status, &check.area) {
                event.area = area;
            }
        }
    }
    values::check(campaign, &case, &event, &state)?;
    judge_references(&event, known)?;
    let area_change = event
        .changes
        .iter()
        .find(|change| Some(change.field) == kind.area.as_deref());
    if let Some(change) = area_change {
        event.area = match change.after {
            Some(Value::Text(area)) => area,
            _ => "",
        };
    }
    if kind.is_plate() {
        plates::check(&event, entries, known)?;
    }
    Ok(event)
}

/// One command before its record.
struct Case<'a, 'b> {
    kind: &'a Kind,
    command: &'a Command,
    entries: &'b [Entry<'a>],
    moment: Moment,
}

impl<'a> Case<'a, '_> {
    fn check_texts(&self) -> Result<(), Rejection> {
        let command = self.command;
        let area = match &command.deed {
            Deed::Verify(check) => check.area.as_deref(),
            _ => None,
        };
        let device = command.device.as_deref();
        check_name("actor", &command.actor)?;
        device.map_or(Ok(()), |device| check_name("device", device))?;
        area.map_or(Ok(()), |area| check_name("area", area))?;
        command.reason.as_deref().map_or(Ok(()), check_reason)?;
        let needs_reason = matches!(command.deed, Deed::Correct(_) | Deed::Deregister(_));
        if needs_reason && command.reason.is_none() {
            Err(Rejection::ReasonMissing)
        } else {
            Ok(())
        }
    }

    /// The key is a value of the key field's type. A record that is there was checked when it came.
    fn check_key(&self) -> Result<(), Rejection> {
        if !self.entries.is_empty() {
            return Ok(());
        }
        let key = self.command.record.key();
        match self.kind.read(&self.kind.key, Input::Text(key))? {
            Some(OwnedValue::Text(read)) if read == key => plates::check_number(self.kind, key),
            _ => {
                let problem = "the key is no value of this field".to_owned();
                Err(Rejection::BadValue {
                    field: self.kind.key.clone(),
                    problem,
                })
            }
        }
    }

    /// Numbers stay within what JSON keeps exact: two different ones must not sign alike.
    fn check_numbers(&self) -> Result<(), Rejection> {
        let max = INTEGER_MAX.unsigned_abs();
        let seq = self.command.visit.and_then(|visit| visit.seq);
        let row = match self.command.source {
            Origin::Import { row, .. } => Some(row),
            Origin::Field => None,
        };
        for (part, number) in [("seq", seq), ("row", row)] {
            if number.is_some_and(|number| number > max) {
                let problem = format!("it is more than {max}");
                let field = part.to_owned();
                return Err(Rejection::BadValue { field, problem });
            }
        }
        Ok(())
    }

    /// A command states each field once: of two statements, a signature would cover only one.
    fn check_once(&self) -> Result<(), Rejection> {
        let twice = match &self.command.deed {
            Deed::Collect(fields) => repeated(fields, |(field, _)| field),
            Deed::Correct(corrections) => repeated(corrections, |correction| &correction.field),
            Deed::Verify(check) => {
                repeated(&check.observed, |(field, _)| field).or(repeated(&check.not_seen, |field| field))
            }
            Deed::Register | Deed::Deregister(_) => None,
        };
        match twice {
            None => Ok(()),
            Some(field) => Err(Rejection::BadValue {
                field: field.to_owned(),
                problem: "it is stated twice".to_owned(),
            }),
        }
    }

    /// What can be said of a signature without the actor's key.
    fn check_signature(&self, campaign: &Campaign) -> Result<(), Rejection> {
        let Command {
            id,
            effective,
            signature,
            ..
        } = self.command;
        match signature {
            None => match Role::of(self.command.deed.action()) {
                Some(role) if campaign.signed_roles.contains(&role) => {
                    Err(Rejection::SignatureMissing { role: role.word() })
                }
                _ => Ok(()),
            },
            // Else the log would choose for the actor what was signed.
            Some(_) if id.is_none() || *effective == Since::Recorded => Err(Rejection::SignatureIncomplete),
            Some(_) => Ok(()),
        }
    }

    fn check_version(&self) -> Result<u32, Rejection> {
        let found = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        match self.command.expected_version {
            Some(expected) if expected != found => Err(Rejection::VersionConflict { expected, found }),
            _ => Ok(found),
        }
    }

    fn effective(&self, campaign: &Campaign) -> Result<Timestamp, Rejection> {
        let recorded = self.moment.recorded;
        let effective = match (self.command.effective, &self.command.deed) {
            (Since::Recorded, _) => recorded,
            (Since::At(time), _) => time,
            (Since::Origin, Deed::Correct(corrections)) => self.origin(corrections)?,
            (Since::Origin, _) => {
                let problem = "\"origin\" is for corrections; give a time".to_owned();
                return Err(Rejection::BadValue {
                    field: "effective".to_owned(),
                    problem,
                });
            }
        };
        if effective > recorded {
            Err(Rejection::EffectiveInFuture { effective, recorded })
        } else if effective < campaign.earliest {
            Err(Rejection::EffectiveTooEarly {
                effective,
                earliest: campaign.earliest,
            })
        } else {
            Ok(effective)
        }
    }

    /// When the corrected values, as they hold now, took effect. A field without a value has had none since the
    /// first collect.
    fn origin(&self, corrections: &[Correction]) -> Result<Timestamp, Rejection> {
        let state = State::fold(self.entries, self.moment.recorded);
        let first = self.first_collect().unwrap_or(self.moment.recorded);
        let since = |field: &str| state.held(field).map_or(first, |held| held.effective);
        let Some(origin) = corrections.first().map(|correction| since(&correction.field)) else {
            return Err(Rejection::NothingChanges);
        };
        match corrections
            .iter()
            .find(|correction| since(&correction.field) != origin)
        {
            Some(other) => Err(Rejection::OriginDiffers {
                field: other.field.clone(),
                effective: since(&other.field),
            }),
            None => Ok(origin),
        }
    }

    fn first_collect(&self) -> Option<Timestamp> {
        let collects = self
            .entries
            .iter()
            .filter(|entry| entry.action == Action::Collect);
        collects.map(|entry| entry.effective).min()
    }

    fn collect(
        &self,
        fields: &'a [(String, Option<OwnedValue>)],
        state: &State<'a>,
    ) -> Result<Vec<Change<'a>>, Rejection> {
        if self.is_void() {
            return Err(Rejection::RecordVoid);
        }
        if matches!(state.status, Status::Absent | Status::Found) {
            let given = |field: &Field| {
                fields
                    .iter()
                    .any(|(id, value)| *id == field.id && value.is_some())
            };
            let mut required = self
                .kind
                .fields
                .iter()
                .filter(|field| field.required && field.id != self.kind.key);
            if let Some(missing) = required.find(|field| !given(field)) {
                return Err(Rejection::FieldMissing {
                    field: missing.id.clone(),
                });
            }
        }
        let mut changes = Vec::with_capacity(fields.len());
        for (field, value) in fields {
            let held = state.value(field);
            let given = command::borrow(value);
            if held.is_some() && held != given {
                return Err(Rejection::ValueDiffers {
                    field: field.clone(),
                    held: show(held),
                    given: show(given),
                });
            }
            changes.push(command::change(field, held, value, false));
        }
        Ok(changes)
    }

    fn correct(
        &self,
        corrections: &'a [Correction],
        state: &State<'a>,
        effective: Timestamp,
    ) -> Result<Vec<Change<'a>>, Rejection> {
        self.needs_collected(state, effective)?;
        let mut changes = Vec::with_capacity(corrections.len());
        for Correction { field, before, after } in corrections {
            if *field == self.kind.key {
                return Err(Rejection::KeyChanges { field: field.clone() });
            }
            let held = state.value(field);
            if let Some(before) = before
                && command::borrow(before) != held
            {
                let given = show(command::borrow(before));
                return Err(Rejection::StaleBefore {
                    field: field.clone(),
                    held: show(held),
                    given,
                });
            }
            let required = self.kind.field(field).is_some_and(|field| field.required);
            if after.is_none() && required {
                return Err(Rejection::FieldMissing { field: field.clone() });
            }
            changes.push(command::change(field, held, after, before.is_some()));
        }
        if changes.iter().any(Change::sets) {
            Ok(changes)
        } else {
            Err(Rejection::NothingChanges)
        }
    }

    fn deregister(
        &self,
        reason: &Reason,
        state: &State<'_>,
        effective: Timestamp,
        known: &dyn Known,
    ) -> Result<(), Rejection> {
        self.needs_collected(state, effective)?;
        if state.status != Status::Registered && !reason.borrow().voids() {
            return Err(Rejection::NotRegistered {
                status: state.status.word(),
                effective,
            });
        }
        match reason {
            Reason::Plain(_) => Ok(()),
            Reason::DuplicateOf(target) => self.check_duplicate(target, known),
        }
    }

    fn check_duplicate(&self, target: &RecordName, known: &dyn Known) -> Result<(), Rejection> {
        let record = &self.command.record;
        let bad = |problem| {
            Err(Rejection::BadDuplicate {
                target: target.to_string(),
                problem,
            })
        };
        if target.kind() != record.kind() {
            return bad("it is of another kind");
        }
        if target == record {
            return bad("it is the record itself");
        }
        if !known.is_collected(target.as_str()) {
            return bad("nobody has collected it");
        }
        // A chain ends: it had no cycle before, and this event adds its last link.
        let mut next = known.duplicate_of(target.as_str());
        while let Some(name) = next {
            if name == record.as_str() {
                return bad("it is itself a duplicate of this record");
            }
            next = known.duplicate_of(&name);
        }
        Ok(())
    }

    fn verify(
        &self,
        check: &'a Check,
        state: &State<'a>,
        frozen: Option<&State<'a>>,
        effective: Timestamp,
    ) -> Result<Vec<Observed<'a>>, Rejection> {
        let own = |entry: &Entry<'_>| entry.action != Action::Verify && entry.actor == self.command.actor;
        if self.entries.iter().any(own) {
            return Err(Rejection::OwnWork {
                actor: self.command.actor.clone(),
            });
        }
        match (state.status, check.outcome) {
            (Status::Registered, Outcome::Unregistered) => {
                return Err(Rejection::AlreadyRegistered { effective });
            }
            (Status::Absent, outcome) if outcome != Outcome::Unregistered => {
                return Err(Rejection::NoRecord { effective });
            }
            _ => {}
        }
        let finds =
            matches!(state.status, Status::Absent | Status::Found) && check.outcome == Outcome::Unregistered;
        if let Some(area) = &check.area
            && !finds
            && area != state.area(self.kind.area.as_deref())
        {
            let problem =
                "only a check that finds a record unregistered, and not collected, gives it an area";
            let problem = problem.to_owned();
            return Err(Rejection::BadValue {
                field: "area".to_owned(),
                problem,
            });
        }
        if let Some((field, _)) = check
            .observed
            .iter()
            .find(|(field, _)| check.not_seen.contains(field))
        {
            let problem = "it is both observed and not seen".to_owned();
            return Err(Rejection::BadValue {
                field: field.clone(),
                problem,
            });
        }
        let compared = frozen.unwrap_or(state);
        let seen = check.observed.iter().map(|(field, value)| {
            let held = if *field == self.kind.key {
                Some(Value::Text(self.command.record.key()))
            } else {
                compared.value(field)
            };
            let value = command::borrow(value);
            let verdict = if held == value {
                Verdict::Equal
            } else {
                Verdict::Differs
            };
            Observed {
                field,
                value,
                verdict,
            }
        });
        let not_seen = check.not_seen.iter().map(|field| Observed {
            field,
            value: None,
            verdict: Verdict::NotSeen,
        });
        Ok(seen.chain(not_seen).collect())
    }

    /// The record is collected at the effective time, and not void.
    fn needs_collected(&self, state: &State<'_>, effective: Timestamp) -> Result<(), Rejection> {
        if self.is_void() {
            return Err(Rejection::RecordVoid);
        }
        if !matches!(state.status, Status::Absent | Status::Found) {
            return Ok(());
        }
        match self.first_collect() {
            Some(collected) => Err(Rejection::BeforeCollected { effective, collected }),
            None if self.entries.is_empty() => Err(Rejection::NoRecord { effective }),
            None => Err(Rejection::NotCollected),
        }
    }

    fn is_void(&self) -> bool {
        self.entries.iter().any(|entry| entry.void.is_some())
    }
}

/// The first field that is stated again later.
fn repeated<T>(stated: &[T], field: impl Fn(&T) -> &str) -> Option<&str> {
    let later = |place: usize| stated.iter().skip(place + 1);
    let found = stated
        .iter()
        .enumerate()
        .find(|(place, one)| later(*place).any(|other| field(other) == field(one)));
    found.map(|(_, one)| field(one))
}

fn show(value: Option<Value<'_>>) -> String {
    value.map_or_else(|| "no value".to_owned(), |value| value.to_string())
}

mod plates;
mod references;
mod sample;
mod values;

#[cfg(test)]
mod tests;
