//! Everything that can go wrong between a command or a question and its answer.

use std::{io, path::PathBuf, sync::Arc};

use shilu_log::{LogError, WriterError};
use shilu_merkle::EvidenceError;
use shilu_model::{
    CampaignChangeError, CampaignError, Class, EventId, Position, RecordName, Rejection, Timestamp,
};
use thiserror::Error;

use crate::samples::SampleError;

/// What went wrong; each variant has a stable code, a class and a hint.
#[derive(Clone, Debug, Error)]
pub enum EngineError {
    /// A command was refused by the rules.
    #[error("{rejection}")]
    Rejected {
        /// The command's place in its list; `None` for a command on its own.
        index: Option<usize>,
        /// Its record.
        record: RecordName,
        /// Why.
        rejection: Rejection,
    },
    /// The account of a change of the register itself is none: who, or why.
    #[error("{0}")]
    BadAccount(Rejection),
    /// A list repeats some events and not others.
    #[error("the list repeats part of what was sent before: a retry repeats the whole list")]
    PartialRetry {
        /// The first command that is new.
        index: usize,
        /// The id of a command that is not.
        id: EventId,
    },
    /// `LIST_TOO_LONG`
    #[error("the list has {commands} commands, more than {max}")]
    ListTooLong {
        /// How many it has.
        commands: usize,
        /// The limit.
        max: usize,
    },
    /// `QUEUE_FULL`
    #[error("the queue of commands is full")]
    QueueFull,
    /// `STOPPING`
    #[error("the register is being closed")]
    Stopping,
    /// `CLOCK_BEHIND`
    #[error("the clock says {clock}, more than a minute before the last event, {last}")]
    ClockBehind {
        /// The clock.
        clock: Timestamp,
        /// The last recorded time.
        last: Timestamp,
    },
    /// `NO_RECORD`
    #[error("there is no record {name}")]
    NoRecord {
        /// Its name.
        name: RecordName,
    },
    /// `NO_KIND`
    #[error("the campaign has no kind {kind:?}")]
    NoKind {
        /// The kind.
        kind: String,
    },
    /// `NO_INDICATOR`
    #[error("{indicator:?} {problem}")]
    NoIndicator {
        /// What was asked for.
        indicator: String,
        /// Why there is no such answer.
        problem: &'static str,
    },
    /// `NO_RANKING`
    #[error("{problem}")]
    NoRanking {
        /// Why there is none.
        problem: String,
    },
    /// `NO_EVENT`
    #[error("there is no event {id}")]
    NoEvent {
        /// Its id.
        id: String,
    },
    /// `NO_POSITION`
    #[error("the log ends before position {position}")]
    NoPosition {
        /// The position.
        position: Position,
    },
    /// `NOT_EMPTY`
    #[error("{} is not an empty folder", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// `NOT_A_REGISTER`
    #[error("{} is not a register: {problem}", path.display())]
    NotARegister {
        /// The folder.
        path: PathBuf,
        /// What is missing or wrong.
        problem: String,
    },
    /// `BAD_CAMPAIGN`
    #[error("the campaign makes no sense: {0}")]
    BadCampaign(#[source] CampaignError),
    /// `CAMPAIGN_CHANGE`
    #[error("the campaign cannot be changed like this")]
    CampaignChange(#[source] CampaignChangeError),
    /// `PERSONAL_NOT_PROTECTED`
    #[error("the field {kind}.{field} is personal, and this version cannot seal personal fields yet")]
    PersonalNotProtected {
        /// The kind.
        kind: String,
        /// The field.
        field: String,
    },
    /// Anything the log says.
    #[error("the log refuses")]
    Log(#[source] Arc<LogError>),
    /// Anything the log's writer says.
    #[error("the log does not take the command")]
    Writer(#[source] Arc<WriterError>),
    /// `LOG_DAMAGED`: an event whose chunk is whole cannot be read.
    #[error("the event at position {position} cannot be read: {problem}")]
    Undecodable {
        /// Where it stands.
        position: Position,
        /// Why not.
        problem: String,
    },
    /// `FOLD_FAILED`
    #[error("the thread that folds has failed")]
    FoldFailed,
    /// `CLOCK_NOT_BEHIND`
    #[error("the clock is not behind the last event")]
    ClockNotBehind,
    /// Anything that is wrong with a key, a note or a proof.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// `NO_SIGNING_KEY`
    #[error("there is no signing key, {}: nothing can be published", path.display())]
    NoSigningKey {
        /// Where it should be.
        path: PathBuf,
    },
    /// `OTHER_SIGNING_KEY`
    #[error("{} is {found}, which is not the key that the log names", path.display())]
    OtherSigningKey {
        /// The file.
        path: PathBuf,
        /// The public key of what it holds.
        found: String,
    },
    /// `BAD_KEY`: the signing key cannot be read.
    #[error("the signing key {} cannot be read", path.display())]
    SigningKeyDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: EvidenceError,
    },
    /// `BAD_KEY`: the key that was prepared cannot be read.
    #[error("the prepared key {} cannot be used", path.display())]
    PreparedKeyDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: EvidenceError,
    },
    /// `ROTATION_PENDING`
    #[error("the last change of the key is not published yet")]
    RotationPending,
    /// `SETTING_UNCHANGED`
    #[error("the setting {name:?} already holds that")]
    SettingUnchanged {
        /// The setting.
        name: String,
    },
    /// `CHECKPOINT_DAMAGED`
    #[error("the checkpoint {} cannot be relied on", path.display())]
    CheckpointDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: EvidenceError,
    },
    /// `LOG_DAMAGED`: events that were signed for are missing.
    #[error(
        "the log ends at position {end}, and a checkpoint of {signed} events was signed: its end is missing"
    )]
    LogTruncated {
        /// The signed size.
        signed: u64,
        /// Where the log ends.
        end: Position,
    },
    /// `LOG_DAMAGED`: the log is not the one that was signed.
    #[error("the log is not what was signed at size {size}{}", position.map_or_else(String::new, |position| format!(": it differs from position {position} on")))]
    NotAsSigned {
        /// The first position that differs, where it is known.
        position: Option<Position>,
        /// The signed size.
        size: u64,
    },
    /// `QUORUM_MISSING`
    #[error("the checkpoint of {size} events lacks the cosignatures of {}: {quorum} are needed", missing.join(", "))]
    QuorumMissing {
        /// The size of the checkpoint.
        size: u64,
        /// How many witnesses must cosign.
        quorum: usize,
        /// Who did not.
        missing: Vec<String>,
    },
    /// `NOT_PUBLISHED`
    #[error("no published checkpoint covers position {position} yet")]
    NotPublished {
        /// The position.
        position: Position,
    },
    /// `TILE_MISSING`
    #[error("the published file {name} is missing")]
    TileMissing {
        /// Its name.
        name: String,
    },
    /// `TILE_MISSING`: tiles are there, and do not prove what was signed.
    #[error(
        "the published tiles and bundles do not lead from position {position} to the checkpoint: one of them is damaged"
    )]
    TilesDamaged {
        /// The first position that they do not prove.
        position: Position,
    },
    /// `BAD_BUNDLE`
    #[error("{bundle} is not what was signed: position {position} is the first that differs")]
    BundleDamaged {
        /// The bundle.
        bundle: String,
        /// The first position that it gives wrong.
        position: Position,
    },
    /// `CHECKPOINT_MISSING`
    #[error("{} is missing: without a checkpoint nothing vouches for the events", path.display())]
    CheckpointMissing {
        /// The file.
        path: PathBuf,
    },
    /// `CAMPAIGN_MISSING`
    #[error("{} is missing, a campaign that the log names", path.display())]
    CampaignMissing {
        /// The file.
        path: PathBuf,
    },
    /// `CAMPAIGN_CHANGED`
    #[error("{} is not the campaign that the log names: it has another SHA-256", path.display())]
    CampaignChanged {
        /// The file.
        path: PathBuf,
    },
    /// Anything that is wrong with a sample, a draw or a visit.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// `IO`
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Arc<io::Error>,
    },
}

impl From<LogError> for EngineError {
    fn from(error: LogError) -> Self {
        EngineError::Log(Arc::new(error))
    }
}

impl From<WriterError> for EngineError {
    fn from(error: WriterError) -> Self {
        EngineError::Writer(Arc::new(error))
    }
}

impl EngineError {
    /// An I/O error, with what was being done.
    pub fn io(doing: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        EngineError::Io {
            doing,
            path: path.into(),
            source: Arc::new(source),
        }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            EngineError::Rejected { rejection, .. } => rejection.code(),
            EngineError::BadAccount(rejection) => rejection.code(),
            EngineError::PartialRetry { .. } => "ID_REUSED",
            EngineError::ListTooLong { .. } => "LIST_TOO_LONG",
            EngineError::QueueFull => "QUEUE_FULL",
            EngineError::Stopping => "STOPPING",
            EngineError::ClockBehind { .. } => "CLOCK_BEHIND",
            EngineError::NoRecord { .. } => "NO_RECORD",
            EngineError::NoKind { .. } => "NO_KIND",
            EngineError::NoIndicator { .. } => "NO_INDICATOR",
            EngineError::NoRanking { .. } => "NO_RANKING",
            EngineError::NoEvent { .. } => "NO_EVENT",
            EngineError::NoPosition { .. } => "NO_POSITION",
            EngineError::NotEmpty { .. } => "NOT_EMPTY",
            EngineError::NotARegister { .. } => "NOT_A_REGISTER",
            EngineError::BadCampaign(_) => "BAD_CAMPAIGN",
            EngineError::CampaignChange(_) => "CAMPAIGN_CHANGE",
            EngineError::PersonalNotProtected { .. } => "PERSONAL_NOT_PROTECTED",
            EngineError::Log(error) => error.code(),
            EngineError::Writer(error) => error.code(),
            EngineError::Undecodable { .. } => "LOG_DAMAGED",
            EngineError::FoldFailed => "FOLD_FAILED",
            EngineError::ClockNotBehind => "CLOCK_NOT_BEHIND",
            EngineError::Evidence(error) => error.code(),
            EngineError::NoSigningKey { .. } => "NO_SIGNING_KEY",
            EngineError::OtherSigningKey { .. } => "OTHER_SIGNING_KEY",
            EngineError::SigningKeyDamaged { source, .. }
            | EngineError::PreparedKeyDamaged { source, .. } => source.code(),
            EngineError::RotationPending => "ROTATION_PENDING",
            EngineError::SettingUnchanged { .. } => "SETTING_UNCHANGED",
            EngineError::CheckpointDamaged { .. } => "CHECKPOINT_DAMAGED",
            EngineError::LogTruncated { .. } | EngineError::NotAsSigned { .. } => "LOG_DAMAGED",
            EngineError::QuorumMissing { .. } => "QUORUM_MISSING",
            EngineError::NotPublished { .. } => "NOT_PUBLISHED",
            EngineError::TileMissing { .. } | EngineError::TilesDamaged { .. } => "TILE_MISSING",
            EngineError::BundleDamaged { .. } => "BAD_BUNDLE",
            EngineError::CheckpointMissing { .. } => "CHECKPOINT_MISSING",
            EngineError::CampaignMissing { .. } => "CAMPAIGN_MISSING",
            EngineError::CampaignChanged { .. } => "CAMPAIGN_CHANGED",
            EngineError::Sample(error) => error.code(),
            EngineError::Io { .. } => "IO",
        }
    }

    /// What kind of "no" it is.
    pub fn class(&self) -> Class {
        match self {
            EngineError::Rejected { rejection, .. } => rejection.class(),
            EngineError::BadAccount(rejection) => rejection.class(),
            EngineError::PartialRetry { .. } => Class::Conflict,
            EngineError::ListTooLong { .. } => Class::TooLarge,
            EngineError::QueueFull | EngineError::Stopping | EngineError::ClockBehind { .. } => {
                Class::TryAgain
            }
            EngineError::NoRecord { .. }
            | EngineError::NoKind { .. }
            | EngineError::NoIndicator { .. }
            | EngineError::NoRanking { .. }
            | EngineError::NoEvent { .. }
            | EngineError::NoPosition { .. } => Class::NotFound,
            EngineError::BadCampaign(_) => Class::Malformed,
            EngineError::CampaignChange(_) | EngineError::PersonalNotProtected { .. } => Class::Rule,
            EngineError::Writer(error) => match **error {
                WriterError::EventTooLarge { .. } | WriterError::ListTooLarge { .. } => Class::TooLarge,
                WriterError::LogFull => Class::Broken,
                _ => Class::TryAgain,
            },
            EngineError::ClockNotBehind => Class::Rule,
            EngineError::Log(error) if matches!(**error, LogError::Poisoned { .. }) => Class::TryAgain,
            EngineError::Evidence(error) if error.is_malformed() => Class::Malformed,
            EngineError::Evidence(_) => Class::Rule,
            EngineError::RotationPending
            | EngineError::QuorumMissing { .. }
            | EngineError::NotPublished { .. } => Class::TryAgain,
            EngineError::SettingUnchanged { .. } => Class::Rule,
            EngineError::Sample(error) => error.class(),
            EngineError::NoSigningKey { .. }
            | EngineError::OtherSigningKey { .. }
            | EngineError::SigningKeyDamaged { .. }
            | EngineError::PreparedKeyDamaged { .. }
            | EngineError::CheckpointDamaged { .. }
            | EngineError::LogTruncated { .. }
            | EngineError::NotAsSigned { .. }
            | EngineError::TileMissing { .. }
            | EngineError::TilesDamaged { .. }
            | EngineError::BundleDamaged { .. }
            | EngineError::CheckpointMissing { .. }
            | EngineError::CampaignMissing { .. }
            | EngineError::CampaignChanged { .. } => Class::Broken,
            EngineError::Log(_) | EngineError::Undecodable { .. } | EngineError::FoldFailed => Class::Broken,
            EngineError::NotEmpty { .. } | EngineError::NotARegister { .. } | EngineError::Io { .. } => {
                Class::Broken
            }
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            EngineError::Rejected { rejection, .. } => rejection.hint().to_owned(),
            EngineError::BadAccount(_) => "say who changes the register, and why".to_owned(),
            EngineError::PartialRetry { .. } => {
                "send the whole list as before, or give every command a new id".to_owned()
            }
            EngineError::ListTooLong { .. } => "split the list".to_owned(),
            EngineError::QueueFull => "wait a second and send it again".to_owned(),
            EngineError::Stopping => "send it again when the register is back".to_owned(),
            EngineError::ClockBehind { .. } => {
                "set the clock right; if the earlier clock was wrong, accept that with `shilu accept-clock`"
                    .to_owned()
            }
            EngineError::NoRecord { .. } => "check the name, and the date that was asked about".to_owned(),
            EngineError::NoKind { .. } => "use a kind that the campaign declares".to_owned(),
            EngineError::NoIndicator { .. } => {
                "`shilu rates` and `shilu campaign` list the indicators".to_owned()
            }
            EngineError::NoRanking { .. } => {
                "the months are in the campaign's [ranking], written as 2015-04".to_owned()
            }
            EngineError::NoEvent { .. } => "check the id".to_owned(),
            EngineError::NoPosition { .. } => "ask for an earlier position".to_owned(),
            EngineError::NotEmpty { .. } => {
                "choose a new folder: a register never overwrites anything".to_owned()
            }
            EngineError::NotARegister { .. } => "make one with `shilu init DIR --campaign FILE`".to_owned(),
            EngineError::BadCampaign(_) => "put the campaign file right at that place".to_owned(),
            EngineError::CampaignChange(_) => {
                "keep what the register holds: add kinds, fields, values and areas, and take none away; an area ends with `until`"
                    .to_owned()
            }
            EngineError::PersonalNotProtected { .. } => {
                "leave personal fields out, or try the campaign on a simulated register (--simulated)"
                    .to_owned()
            }
            EngineError::Log(error) => error.hint().to_owned(),
            EngineError::Writer(error) => error.hint().to_owned(),
            EngineError::Undecodable { .. } => {
                "restore the register from a copy, or open it with the version of shilu that wrote it"
                    .to_owned()
            }
            EngineError::FoldFailed => {
                "restart: what was acknowledged is safe, and is folded again; keep the log of the program, this is a mistake in shilu"
                    .to_owned()
            }
            EngineError::ClockNotBehind => "nothing needs to be accepted".to_owned(),
            EngineError::Evidence(error) => error.hint().to_owned(),
            EngineError::NoSigningKey { .. } => {
                "put the key back from its safe place; if it is lost for good: `shilu key rotate --lost`".to_owned()
            }
            EngineError::OtherSigningKey { .. } | EngineError::SigningKeyDamaged { .. } => {
                "put back the key that `register.toml` names; if it is lost for good, move the file away and use `shilu key rotate --lost`"
                    .to_owned()
            }
            EngineError::PreparedKeyDamaged { .. } => {
                "remove the file and prepare another key, of which the witnesses must then be told".to_owned()
            }
            EngineError::RotationPending => "wait until it is published, which needs the witnesses".to_owned(),
            EngineError::SettingUnchanged { .. } => "nothing needs to be done".to_owned(),
            EngineError::CheckpointDamaged { .. } => {
                "put it back from a copy; without one, move it away: the register then signs anew what its log holds"
                    .to_owned()
            }
            EngineError::LogTruncated { .. } | EngineError::NotAsSigned { .. } => {
                "do not go on with this log: restore the register from `public/` and `mirror/` with `shilu restore`"
                    .to_owned()
            }
            EngineError::QuorumMissing { .. } => {
                "see that the witnesses run and can be reached; it is tried again every few seconds".to_owned()
            }
            EngineError::NotPublished { .. } => "wait a second and ask again".to_owned(),
            EngineError::TileMissing { .. } | EngineError::TilesDamaged { .. } => {
                "move `public/tile` and `mirror/tile` away and restart: they are made anew from the log".to_owned()
            }
            EngineError::BundleDamaged { .. } => {
                "take the bundle from another copy; a register makes its own anew once `mirror/tile` is moved away"
                    .to_owned()
            }
            EngineError::CheckpointMissing { .. } => {
                "take the checkpoint from another copy: the register's own folder, a backup, or what a witness holds"
                    .to_owned()
            }
            EngineError::CampaignMissing { .. } | EngineError::CampaignChanged { .. } => {
                "put the file back from another copy, such as `attachments/`, `mirror/attachments` or a backup: its name \
                 is its SHA-256; a register puts its mirror's copy right when it is opened"
                    .to_owned()
            }
            EngineError::Sample(error) => error.hint().to_owned(),
            EngineError::Io { .. } => "check the folder, its rights and the disk".to_owned(),
        }
    }

    /// The record it is about.
    pub fn record(&self) -> Option<&RecordName> {
        match self {
            EngineError::Rejected { record, .. } | EngineError::NoRecord { name: record } => Some(record),
            EngineError::Sample(error) => error.record(),
            _ => None,
        }
    }

    /// The field it is about.
    pub fn field(&self) -> Option<&str> {
        match self {
            EngineError::Rejected { rejection, .. } | EngineError::BadAccount(rejection) => rejection.field(),
            _ => None,
        }
    }

    /// The command's place in its list.
    pub fn index(&self) -> Option<usize> {
        match self {
            EngineError::Rejected { index, .. } => *index,
            EngineError::PartialRetry { index, .. } => Some(*index),
            _ => None,
        }
    }
}
