//! The command: what an actor asks for, checked against the campaign's types but not yet against the record.

use std::sync::Arc;

use crate::{
    campaign::Kind,
    event::{Because, Change, Event, Observed, Outcome, Source, Stated, Verdict, Visit},
    id::{EventId, RecordName},
    rejection::Rejection,
    time::Timestamp,
    value::{Input, OwnedValue, Value},
};

/// Most commands of an atomic list: what one screen or one visit can produce, several times over.
pub const LIST_COMMANDS_MAX: usize = 1_000;
/// Longest reason in bytes of UTF-8.
pub const REASON_BYTES_MAX: usize = 1_000;
/// Longest name of an actor, device, area or file in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 128;

/// One command; accepted, it becomes one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The event's id, if the client chose one.
    pub id: Option<EventId>,
    /// The record.
    pub record: RecordName,
    /// What to do.
    pub deed: Deed,
    /// Who acts.
    pub actor: String,
    /// Since when the fact holds.
    pub effective: Since,
    /// With which device.
    pub device: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// How the fact came in.
    pub source: Origin,
    /// The circumstances of a field visit.
    pub visit: Option<Visit>,
    /// The version that the record must have.
    pub expected_version: Option<u32>,
    /// The event that led to this one.
    pub cause: Option<EventId>,
    /// The actor's signature over the signed form; a signed command states its id and its effective time.
    pub signature: Option<CommandSignature>,
}

/// An actor's Ed25519 signature over the signed form of a command ([`crate::signed_form`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandSignature {
    /// The short id of the key, which an earlier `configure` event gave to the actor.
    pub key_id: u32,
    /// The signature.
    pub bytes: [u8; 64],
}

/// What to do with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// 采集. The key field is left out.
    Collect(Vec<(String, Option<OwnedValue>)>),
    /// 纠错.
    Correct(Vec<Correction>),
    /// 登记.
    Register,
    /// 注销.
    Deregister(Reason),
    /// 核查.
    Verify(Check),
}

/// One field put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The field's id.
    pub field: String,
    /// What the actor takes the field to hold, if stated.
    pub before: Option<Option<OwnedValue>>,
    /// What it should hold.
    pub after: Option<OwnedValue>,
}

/// Why a registration is closed; owns what [`Because`] borrows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Any reason that names no other record.
    Plain(Because<'static>),
    /// See [`Because::DuplicateOf`].
    DuplicateOf(RecordName),
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The verdict on the record.
    pub outcome: Outcome,
    /// What was seen.
    pub observed: Vec<(String, Option<OwnedValue>)>,
    /// What could not be seen.
    pub not_seen: Vec<String>,
    /// The area, for a record that is absent.
    pub area: Option<String>,
}

/// Since when a fact holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Since it was recorded.
    Recorded,
    /// Since a stated time.
    At(Timestamp),
    /// Since the corrected value took effect: it was never true.
    Origin,
}

/// How a fact came in; owns what [`Source`] borrows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A visit, entered by hand.
    Field,
    /// A row of a file.
    Import {
        /// SHA-256 of the file's bytes.
        sha256: [u8; 32],
        /// The file's name, without folders.
        file: Arc<str>,
        /// The row; the header is row 1.
        row: u64,
    },
}

impl Kind {
    /// Reads an input as a value of one of the kind's fields.
    pub fn read(&self, field: &str, input: Input<'_>) -> Result<Option<OwnedValue>, Rejection> {
        let Some(known) = self.field(field) else {
            return Err(Rejection::UnknownField {
                kind: self.id.clone(),
                field: field.to_owned(),
            });
        };
        known
            .field_type
            .read(input)
            .map_err(|problem| Rejection::BadValue {
                field: field.to_owned(),
                problem,
            })
    }
}

impl Reason {
    /// The borrowed form.
    pub fn borrow(&self) -> Because<'_> {
        match self {
            Reason::Plain(because) => *because,
            Reason::DuplicateOf(name) => Because::DuplicateOf(name.as_str()),
        }
    }
}

impl Origin {
    /// The borrowed form.
    pub fn borrow(&self) -> Source<'_> {
        match self {
            Origin::Field => Source::Field,
            Origin::Import { sha256, file, row } => Source::Import {
                sha256: *sha256,
                file,
                row: *row,
            },
        }
    }
}

impl Command {
    /// Which parts are stated, for the event.
    pub(crate) fn stated(&self) -> Stated {
        let area = matches!(&self.deed, Deed::Verify(check) if check.area.is_some());
        Stated::default()
            .with(Stated::ID, self.id.is_some())
            .with(Stated::EFFECTIVE, matches!(self.effective, Since::At(_)))
            .with(Stated::ORIGIN, self.effective == Since::Origin)
            .with(Stated::EXPECTED_VERSION, self.expected_version.is_some())
            .with(Stated::AREA, area)
    }

    /// Whether an event states the same content as this command: then the command is a retry of it.
    ///
    /// `expected_version` is a precondition, not content: a client that lost an answer may have read the record again.
    pub fn is_retry_of(&self, event: &Event<'_>) -> bool {
        let effective = match self.effective {
            Since::At(time) => event.stated.has(Stated::EFFECTIVE) && event.effective == time,
            Since::Origin => event.stated.has(Stated::ORIGIN),
            Since::Recorded => !event.stated.has(Stated::EFFECTIVE) && !event.stated.has(Stated::ORIGIN),
        };
        effective
            && self.record.kind() == event.kind
            && self.record.key() == event.key
            && self.deed.action() == event.action
            && self.actor == event.actor
            && self.device.as_deref() == event.device
            && self.reason.as_deref() == event.reason
            && self.source.borrow() == event.source
            && self.visit.unwrap_or_default() == event.visit.unwrap_or_default()
            && self.cause == event.cause
            && self.deed.states(event)
    }
}

impl Deed {
    /// The action it becomes.
    pub const fn action(&self) -> crate::event::Action {
        use crate::event::Action;
        match self {
            Deed::Collect(_) => Action::Collect,
            Deed::Correct(_) => Action::Correct,
            Deed::Register => Action::Register,
            Deed::Deregister(_) => Action::Deregister,
            Deed::Verify(_) => Action::Verify,
        }
    }

    fn states(&self, event: &Event<'_>) -> bool {
        match self {
            Deed::Register => true,
            Deed::Deregister(reason) => Some(reason.borrow()) == event.because,
            Deed::Collect(fields) => same_set(fields, &event.changes, |(field, value), change| {
                field == change.field && borrow(value) == change.after
            }),
            Deed::Correct(corrections) => same_set(corrections, &event.changes, |correction, change| {
                let before = match &correction.before {
                    Some(before) => change.before_stated && borrow(before) == change.before,
                    None => !change.before_stated,
                };
                before && correction.field == change.field && borrow(&correction.after) == change.after
            }),
            Deed::Verify(check) => {
                let (not_seen, seen): (Vec<_>, Vec<_>) = event
                    .observed
                    .iter()
                    .copied()
                    .partition(|observed| observed.verdict == Verdict::NotSeen);
                let area = match &check.area {
                    Some(area) => event.stated.has(Stated::AREA) && area == event.area,
                    None => !event.stated.has(Stated::AREA),
                };
                area && Some(check.outcome) == event.outcome
                    && same_set(&check.not_seen, &not_seen, |field, observed: &Observed<'_>| {
                        field == observed.field
                    })
                    && same_set(&check.observed, &seen, |(field, value), observed| {
                        field == observed.field && borrow(value) == observed.value
                    })
            }
        }
    }
}

/// Whether two lists, each without repeats, pair up in any order.
fn same_set<A, B>(left: &[A], right: &[B], same: impl Fn(&A, &B) -> bool) -> bool {
    left.len() == right.len() && left.iter().all(|a| right.iter().any(|b| same(a, b)))
}

pub(crate) fn borrow(value: &Option<OwnedValue>) -> Option<Value<'_>> {
    value.as_ref().map(OwnedValue::borrow)
}

/// The change that a field of a command makes.
pub(crate) fn change<'a>(
    field: &'a str,
    before: Option<Value<'a>>,
    after: &'a Option<OwnedValue>,
    before_stated: bool,
) -> Change<'a> {
    Change {
        field,
        before,
        after: borrow(after),
        before_stated,
    }
}

mod replay;
#[cfg(test)]
mod tests;
