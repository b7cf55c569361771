//! Why a command is refused: a stable code, what happened, and what to do next.

use thiserror::Error;

use crate::{campaign::SAMPLE_DRAW_AT, id::EventId, plate::PLATE_ON, time::Timestamp};

/// A command that was refused. Nothing was written.
///
/// The sentence does not name the record: whoever reports it knows which command it was.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// `NO_KIND`
    #[error("the campaign has no kind {kind:?}")]
    NoKind {
        /// The kind that was named.
        kind: String,
    },
    /// `NO_RECORD`
    #[error("there is no such record at {effective}")]
    NoRecord {
        /// The effective time at which the command was judged.
        effective: Timestamp,
    },
    /// `NO_CAUSE`
    #[error("the cause {cause} is not in the log")]
    NoCause {
        /// The event id that was named.
        cause: EventId,
    },
    /// `UNKNOWN_FIELD`
    #[error("the kind {kind:?} has no field {field:?}")]
    UnknownField {
        /// The kind.
        kind: String,
        /// The field that was named.
        field: String,
    },
    /// `BAD_VALUE`
    #[error("{field}: {problem}")]
    BadValue {
        /// The field, or the part of the command.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// `FIELD_MISSING`
    #[error("the field {field:?} must have a value")]
    FieldMissing {
        /// The required field.
        field: String,
    },
    /// `KEY_CHANGES`
    #[error("the key field {field:?} never changes")]
    KeyChanges {
        /// The key field.
        field: String,
    },
    /// `VALUE_DIFFERS`
    #[error("the field {field:?} already holds {held:?}, and {given:?} was collected")]
    ValueDiffers {
        /// The field.
        field: String,
        /// What the register holds at the command's effective time.
        held: String,
        /// What the command says.
        given: String,
    },
    /// `STALE_BEFORE`
    #[error("the field {field:?} holds {held:?}, not {given:?} as the correction supposes")]
    StaleBefore {
        /// The field.
        field: String,
        /// What the register holds at the command's effective time.
        held: String,
        /// What the command supposes.
        given: String,
    },
    /// `NOTHING_CHANGES`
    #[error("the correction changes nothing")]
    NothingChanges,
    /// `REASON_MISSING`
    #[error("a reason is missing")]
    ReasonMissing,
    /// `ORIGIN_DIFFERS`
    #[error("the corrected values took effect at different times: {field:?} at {effective}")]
    OriginDiffers {
        /// The first field that took effect at another time.
        field: String,
        /// That time.
        effective: Timestamp,
    },
    /// `EFFECTIVE_IN_FUTURE`
    #[error("the effective time {effective} is after the recorded time {recorded}")]
    EffectiveInFuture {
        /// What the command says.
        effective: Timestamp,
        /// When it was taken.
        recorded: Timestamp,
    },
    /// `EFFECTIVE_TOO_EARLY`
    #[error("the effective time {effective} is before the campaign's earliest, {earliest}")]
    EffectiveTooEarly {
        /// What the command says.
        effective: Timestamp,
        /// The campaign's limit.
        earliest: Timestamp,
    },
    /// `BEFORE_COLLECTED`
    #[error("{effective} is before the record's first collect, {collected}")]
    BeforeCollected {
        /// What the command says.
        effective: Timestamp,
        /// The effective time of the first collect.
        collected: Timestamp,
    },
    /// `NOT_COLLECTED`
    #[error("the record was only found by a check; nobody has collected it")]
    NotCollected,
    /// `NOT_REGISTERED`
    #[error("the record is {status} at {effective}, not registered")]
    NotRegistered {
        /// Its status then.
        status: &'static str,
        /// The effective time at which the command was judged.
        effective: Timestamp,
    },
    /// `ALREADY_REGISTERED`
    #[error("the record is registered at {effective}")]
    AlreadyRegistered {
        /// The effective time at which the command was judged.
        effective: Timestamp,
    },
    /// `RECORD_VOID`
    #[error("the record is void: it was never true")]
    RecordVoid,
    /// `BAD_DUPLICATE`
    #[error("a record cannot be a duplicate of {target:?}: {problem}")]
    BadDuplicate {
        /// The other record.
        target: String,
        /// Why not.
        problem: &'static str,
    },
    /// `NO_SUCH_REFERENCE`
    #[error("{field}: {target:?} is no record that was collected and is not void")]
    NoSuchReference {
        /// The reference field.
        field: String,
        /// The record that it names.
        target: String,
    },
    /// `REFERENCE_CYCLE`
    #[error("{field}: {target:?} leads back to this record, or on over more than {max} records")]
    ReferenceCycle {
        /// The reference field.
        field: String,
        /// The record that it names.
        target: String,
        /// How many records are followed.
        max: usize,
    },
    /// `PLATE_TAKEN`
    #[error("the plate {plate:?} is active on {thing:?}")]
    PlateTaken {
        /// What both plates are on.
        thing: String,
        /// The plate that is active there already.
        plate: String,
    },
    /// `SEED_KNOWABLE`
    #[error("the draw at {draw_at} is not after its announcement at {recorded}: its seed could be known")]
    SeedKnowable {
        /// When it should be drawn.
        draw_at: Timestamp,
        /// When the announcement was taken.
        recorded: Timestamp,
    },
    /// `SAMPLE_BACKDATED`
    #[error("what concerns a sample holds when it is taken, {recorded}, not at {effective}")]
    SampleBackdated {
        /// What the command says.
        effective: Timestamp,
        /// When it was taken.
        recorded: Timestamp,
    },
    /// `SAMPLE_FIXED`
    #[error("a sample stays as it was announced, and what was added to it stays: {part}")]
    SampleFixed {
        /// The action that no sample takes, or the field that would change.
        part: String,
    },
    /// `DRAW_NOT_DUE`
    #[error("{field}: the draw is announced for {draw_at}, and it is {recorded}")]
    DrawNotDue {
        /// The field that is added at the draw.
        field: String,
        /// When it is drawn.
        draw_at: Timestamp,
        /// When the command was taken.
        recorded: Timestamp,
    },
    /// `OWN_WORK`
    #[error("{actor:?} has worked on this record and cannot verify it")]
    OwnWork {
        /// The actor.
        actor: String,
    },
    /// `VERSION_CONFLICT`
    #[error("the record has version {found}, not {expected}")]
    VersionConflict {
        /// What the command expects.
        expected: u32,
        /// What the record has.
        found: u32,
    },
    /// `ID_REUSED`
    #[error("the id {id} belongs to an event with other content")]
    IdReused {
        /// The id.
        id: EventId,
    },
    /// `SIGNATURE_MISSING`
    #[error("the campaign requires that a {role} signs")]
    SignatureMissing {
        /// The role in which the actor acts.
        role: &'static str,
    },
    /// `SIGNATURE_INCOMPLETE`
    #[error("a signed command must state its id and its effective time")]
    SignatureIncomplete,
    /// `UNKNOWN_KEY`
    #[error("{actor:?} has no key {key_id:08x} in this register")]
    UnknownKey {
        /// Who acts.
        actor: String,
        /// The short id of the key.
        key_id: u32,
    },
    /// `BAD_SIGNATURE`
    #[error("the signature is not one by the key {key_id:08x} of {actor:?} over {signed}")]
    BadSignature {
        /// Who acts.
        actor: String,
        /// The short id of the key.
        key_id: u32,
        /// The text that has to be signed.
        signed: String,
    },
    /// `EVENT_TOO_LARGE`
    #[error("the event takes {bytes} bytes, more than {max}")]
    EventTooLarge {
        /// Its encoded length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
}

/// What kind of "no" a code is; edges turn it into an HTTP status or an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It cannot be parsed.
    Malformed,
    /// There is no such thing.
    NotFound,
    /// Somebody was first.
    Conflict,
    /// It is larger than a limit.
    TooLarge,
    /// It is against the rules.
    Rule,
    /// It may work later.
    TryAgain,
    /// The register is damaged, or in use.
    Broken,
}

impl Rejection {
    /// The stable code; each has a section in `docs/errors.md`.
    pub const fn code(&self) -> &'static str {
        match self {
            Rejection::NoKind { .. } => "NO_KIND",
            Rejection::NoRecord { .. } => "NO_RECORD",
            Rejection::NoCause { .. } => "NO_CAUSE",
            Rejection::UnknownField { .. } => "UNKNOWN_FIELD",
            Rejection::BadValue { .. } => "BAD_VALUE",
            Rejection::FieldMissing { .. } => "FIELD_MISSING",
            Rejection::KeyChanges { .. } => "KEY_CHANGES",
            Rejection::ValueDiffers { .. } => "VALUE_DIFFERS",
            Rejection::StaleBefore { .. } => "STALE_BEFORE",
            Rejection::NothingChanges => "NOTHING_CHANGES",
            Rejection::ReasonMissing => "REASON_MISSING",
            Rejection::OriginDiffers { .. } => "ORIGIN_DIFFERS",
            Rejection::EffectiveInFuture { .. } => "EFFECTIVE_IN_FUTURE",
            Rejection::EffectiveTooEarly { .. } => "EFFECTIVE_TOO_EARLY",
            Rejection::BeforeCollected { .. } => "BEFORE_COLLECTED",
            Rejection::NotCollected => "NOT_COLLECTED",
            Rejection::NotRegistered { .. } => "NOT_REGISTERED",
            Rejection::AlreadyRegistered { .. } => "ALREADY_REGISTERED",
            Rejection::RecordVoid => "RECORD_VOID",
            Rejection::BadDuplicate { .. } => "BAD_DUPLICATE",
            Rejection::NoSuchReference { .. } => "NO_SUCH_REFERENCE",
            Rejection::ReferenceCycle { .. } => "REFERENCE_CYCLE",
            Rejection::PlateTaken { .. } => "PLATE_TAKEN",
            Rejection::SeedKnowable { .. } => "SEED_KNOWABLE",
            Rejection::SampleBackdated { .. } => "SAMPLE_BACKDATED",
            Rejection::SampleFixed { .. } => "SAMPLE_FIXED",
            Rejection::DrawNotDue { .. } => "DRAW_NOT_DUE",
            Rejection::OwnWork { .. } => "OWN_WORK",
            Rejection::VersionConflict { .. } => "VERSION_CONFLICT",
            Rejection::IdReused { .. } => "ID_REUSED",
            Rejection::SignatureMissing { .. } => "SIGNATURE_MISSING",
            Rejection::SignatureIncomplete => "SIGNATURE_INCOMPLETE",
            Rejection::UnknownKey { .. } => "UNKNOWN_KEY",
            Rejection::BadSignature { .. } => "BAD_SIGNATURE",
            Rejection::EventTooLarge { .. } => "EVENT_TOO_LARGE",
        }
    }

    /// What kind of "no" it is.
    pub const fn class(&self) -> Class {
        match self {
            Rejection::NoKind { .. } | Rejection::NoRecord { .. } => Class::NotFound,
            Rejection::VersionConflict { .. }
            | Rejection::IdReused { .. }
            | Rejection::StaleBefore { .. } => Class::Conflict,
            Rejection::EventTooLarge { .. } => Class::TooLarge,
            _ => Class::Rule,
        }
    }

    /// The field it is about.
    pub fn field(&self) -> Option<&str> {
        match self {
            Rejection::UnknownField { field, .. }
            | Rejection::BadValue { field, .. }
            | Rejection::FieldMissing { field }
            | Rejection::KeyChanges { field }
            | Rejection::ValueDiffers { field, .. }
            | Rejection::StaleBefore { field, .. }
            | Rejection::OriginDiffers { field, .. }
            | Rejection::NoSuchReference { field, .. }
            | Rejection::ReferenceCycle { field, .. }
            | Rejection::DrawNotDue { field, .. } => Some(field),
            Rejection::PlateTaken { .. } => Some(PLATE_ON),
            Rejection::SeedKnowable { .. } => Some(SAMPLE_DRAW_AT),
            _ => None,
        }
    }

    /// What to do next.
    pub const fn hint(&self) -> &'static str {
        match self {
            Rejection::NoKind { .. } => "use a kind that the campaign declares",
            Rejection::NoRecord { .. } => {
                "collect the record first, or check its name and the effective time; a check may report it as unregistered"
            }
            Rejection::NoCause { .. } => "cite an event of this log, or leave the cause out",
            Rejection::UnknownField { .. } => "use a field that the campaign declares for this kind",
            Rejection::BadValue { .. } => "put the value right and send it again",
            Rejection::FieldMissing { .. } => "give the field a value",
            Rejection::KeyChanges { .. } => {
                "void this record as erroneous or as a duplicate, and collect the right one under its own key"
            }
            Rejection::ValueDiffers { .. } => {
                "if the world changed, correct it from the day it changed; if the value was never true, correct it with \"effective\": \"origin\""
            }
            Rejection::StaleBefore { .. } => {
                "read the record again at the same effective time, and decide anew"
            }
            Rejection::NothingChanges => "leave it: the register already says so",
            Rejection::ReasonMissing => "say why, in \"reason\"",
            Rejection::OriginDiffers { .. } => "send one correction per field",
            Rejection::EffectiveInFuture { .. } => {
                "a register holds what has happened: send it when it has, or check the clock"
            }
            Rejection::EffectiveTooEarly { .. } => "check the year",
            Rejection::BeforeCollected { .. } => {
                "use a later effective time, or first collect the record as of the earlier one"
            }
            Rejection::NotCollected => "collect it first",
            Rejection::NotRegistered { .. } => "register it first, or use a later effective time",
            Rejection::AlreadyRegistered { .. } => "nothing needs to be done, or use another effective time",
            Rejection::RecordVoid => "collect what is really there under a key of its own",
            Rejection::BadDuplicate { .. } => "name the collected record that stays, of the same kind",
            Rejection::NoSuchReference { .. } => {
                "collect the record that it names first, or name another one"
            }
            Rejection::ReferenceCycle { .. } => "name the record above this one, not one below it",
            Rejection::PlateTaken { .. } => "retire the other plate first, or deregister it",
            Rejection::SeedKnowable { .. } => {
                "name a later time for the draw: late enough that a checkpoint with the announcement is witnessed before"
            }
            Rejection::SampleBackdated { .. } => {
                "leave the effective time out; a signed command states one at most ten minutes before it is sent"
            }
            Rejection::SampleFixed { .. } => "announce another sample; all of them are listed",
            Rejection::DrawNotDue { .. } => "add it at the announced time of the draw, or later",
            Rejection::OwnWork { .. } => {
                "somebody else has to verify it; put your own work right with a correction"
            }
            Rejection::VersionConflict { .. } => "read the record again, and decide anew",
            Rejection::IdReused { .. } => "use a new id for a new command",
            Rejection::SignatureMissing { .. } => {
                "sign the command with the actor's key: `shilu key new --actor NAME`, `shilu key admit`, `shilu key sign`"
            }
            Rejection::SignatureIncomplete => "state \"id\" and \"effective\", and sign again",
            Rejection::UnknownKey { .. } => "an administrator admits the key with `shilu key admit`",
            Rejection::BadSignature { .. } => {
                "sign exactly the text that is named, which is the command in its RFC 8785 form"
            }
            Rejection::EventTooLarge { .. } => "shorten the reason or the texts, or split the command",
        }
    }
}
