//! What an audit can find wrong. Each kind has a stable code; a register with any of them is not what it claims.

use std::{error::Error, fmt};

use shilu_merkle::EvidenceError;
use shilu_model::{CampaignChangeError, CodecError, EventId, Rejection, Timestamp};
use thiserror::Error;

use crate::published::Unreadable;

/// The first thing that is wrong with a register.
#[derive(Debug)]
pub struct Finding {
    /// The first bad position, where the damage has one; of a file, the first position from which it is needed.
    pub position: Option<u64>,
    /// What is wrong there.
    pub damage: Damage,
}

/// What is wrong.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Damage {
    /// `NOT_AN_EVENT`
    #[error("this is not an event")]
    NotAnEvent(#[source] CodecError),
    /// `NOT_CANONICAL`
    #[error("the event's bytes are not the one form that it has")]
    NotCanonical,
    /// `OUT_OF_PLACE`: something before it was dropped, repeated or moved.
    #[error("the event here says that it stands at {found}")]
    OutOfPlace {
        /// The position that it states.
        found: u64,
    },
    /// `LOG_TOO_LONG`
    #[error("no log has so many events")]
    LogTooLong,
    /// `TIME_WENT_BACK`
    #[error("the event was recorded at {recorded}, and the one before it at {before}")]
    TimeWentBack {
        /// Its recorded time.
        recorded: Timestamp,
        /// The recorded time of the event before it.
        before: Timestamp,
    },
    /// `POST_DATED`
    #[error(
        "the event was recorded at {recorded}, and a witness cosigned at {cosigned} the checkpoint of {size} events that it is among"
    )]
    PostDated {
        /// Its recorded time.
        recorded: Timestamp,
        /// The checkpoint's size.
        size: u64,
        /// When it was cosigned, by the witness's clock.
        cosigned: Timestamp,
    },
    /// `BACK_DATED`
    #[error(
        "the event was recorded at {recorded}, and is not among the {size} events of the checkpoint that a witness cosigned at {cosigned}"
    )]
    BackDated {
        /// Its recorded time.
        recorded: Timestamp,
        /// The checkpoint's size.
        size: u64,
        /// When it was cosigned, by the witness's clock.
        cosigned: Timestamp,
    },
    /// `ID_REPEATED`
    #[error("an earlier event has the id {id} already")]
    IdRepeated {
        /// The id.
        id: EventId,
    },
    /// `NO_CAUSE`
    #[error("the cause {cause} is no earlier event")]
    NoCause {
        /// The event id that it names.
        cause: EventId,
    },
    /// `AGAINST_THE_RULES`
    #[error("the event is against the rules: {}", .0.code())]
    AgainstTheRules(#[source] Rejection),
    /// `NOT_WHAT_THE_RULES_GIVE`
    #[error("the event's {part} is not what the rules give")]
    NotWhatTheRulesGive {
        /// The first part that differs.
        part: &'static str,
    },
    /// `BAD_FIRST_EVENT`
    #[error("no register begins like this: {problem}")]
    BadFirstEvent {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// `BAD_SETTING`
    #[error("the setting {setting:?} cannot be changed like this: {problem}")]
    BadSetting {
        /// The setting.
        setting: String,
        /// What is wrong with the change.
        problem: &'static str,
    },
    /// `CAMPAIGN_CHANGE`
    #[error("the campaign that the event names cannot follow the one before it")]
    CampaignChange(#[source] CampaignChangeError),
    /// `CAMPAIGN_MISSING`
    #[error("the campaign that is in force from here on, {file}, is missing")]
    CampaignMissing {
        /// The file.
        file: String,
    },
    /// `CAMPAIGN_CHANGED`
    #[error("{file} is not the campaign that the event names: {problem}")]
    CampaignChanged {
        /// The file.
        file: String,
        /// How that is known.
        problem: &'static str,
    },
    /// `BAD_ACTOR_SIGNATURE`
    #[error("the signature is not one of {actor:?}: {problem}")]
    BadActorSignature {
        /// Who is said to have signed.
        actor: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// `ENTRY_NOT_IN_TILE`: the entry was changed after its tile was published.
    #[error("the event is not the one whose hash was published in {tile}")]
    EntryNotInTile {
        /// The tile of level 0.
        tile: String,
    },
    /// `TILE_WRONG`
    #[error("{tile} is not what the events give, and they are those of the checkpoint")]
    TileWrong {
        /// The tile.
        tile: String,
    },
    /// `TILE_MISSING`
    #[error("{tile} is missing")]
    TileMissing {
        /// The tile.
        tile: String,
    },
    /// `BUNDLE_MISSING`
    #[error("{bundle} is missing")]
    BundleMissing {
        /// The bundle.
        bundle: String,
    },
    /// `BUNDLE_WRONG`: the log itself is right.
    #[error("{bundle} is not what the log holds, which is what was signed")]
    BundleWrong {
        /// The bundle.
        bundle: String,
    },
    /// `CHECKPOINT_MISSING`
    #[error("there is no checkpoint")]
    CheckpointMissing,
    /// `LOG_TRUNCATED`
    #[error("the log ends here, and its checkpoint is of {size} events")]
    LogTruncated {
        /// The checkpoint's size.
        size: u64,
    },
    /// `WRONG_ROOT`
    #[error("the {size} events do not give the checkpoint's root")]
    WrongRoot {
        /// The checkpoint's size.
        size: u64,
    },
    /// `HISTORY_REWRITTEN`
    #[error("the first {size} events are not those of the earlier checkpoint")]
    HistoryRewritten {
        /// The earlier checkpoint's size.
        size: u64,
    },
    /// `CHECKPOINT_OLDER`: the log's end was cut off, or an old state is shown again.
    #[error("the checkpoint is of {size} events, and an earlier one was of {since}")]
    CheckpointOlder {
        /// The published checkpoint's size.
        size: u64,
        /// The earlier checkpoint's size.
        since: u64,
    },
    /// `KEY_NOT_VOUCHED`
    #[error("nothing leads from the key that is trusted to the key that signs: {problem}")]
    KeyNotVouched {
        /// What is missing.
        problem: &'static str,
    },
    /// `QUORUM_MISSING`
    #[error("{found} of the witnesses cosigned the checkpoint, and {quorum} are needed")]
    QuorumMissing {
        /// How many did.
        found: usize,
        /// How many must have.
        quorum: usize,
    },
    /// The evidence's own code.
    #[error("{file} is not what it claims")]
    Evidence {
        /// The file.
        file: String,
        /// What is wrong with it.
        source: EvidenceError,
    },
    /// `UNREADABLE`: nothing is known; try again.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl Damage {
    /// This damage, noticed at a position.
    pub(crate) const fn at(self, position: u64) -> Finding {
        Finding {
            position: Some(position),
            damage: self,
        }
    }

    /// Whether an event and a tile or bundle disagree: which of them is wrong, only the root can tell.
    pub(crate) const fn is_of_tile(&self) -> bool {
        matches!(
            self,
            Damage::EntryNotInTile { .. } | Damage::TileWrong { .. } | Damage::BundleWrong { .. }
        )
    }

    /// This damage, of the register as a whole.
    pub(crate) const fn of_all(self) -> Finding {
        Finding {
            position: None,
            damage: self,
        }
    }

    /// The stable code, a section of `docs/errors.md`.
    pub const fn code(&self) -> &'static str {
        match self {
            Damage::NotAnEvent(_) => "NOT_AN_EVENT",
            Damage::NotCanonical => "NOT_CANONICAL",
            Damage::OutOfPlace { .. } => "OUT_OF_PLACE",
            Damage::LogTooLong => "LOG_TOO_LONG",
            Damage::TimeWentBack { .. } => "TIME_WENT_BACK",
            Damage::PostDated { .. } => "POST_DATED",
            Damage::BackDated { .. } => "BACK_DATED",
            Damage::IdRepeated { .. } => "ID_REPEATED",
            Damage::NoCause { .. } => "NO_CAUSE",
            Damage::AgainstTheRules(_) => "AGAINST_THE_RULES",
            Damage::NotWhatTheRulesGive { .. } => "NOT_WHAT_THE_RULES_GIVE",
            Damage::BadFirstEvent { .. } => "BAD_FIRST_EVENT",
            Damage::BadSetting { .. } => "BAD_SETTING",
            Damage::CampaignChange(_) => "CAMPAIGN_CHANGE",
            Damage::CampaignMissing { .. } => "CAMPAIGN_MISSING",
            Damage::CampaignChanged { .. } => "CAMPAIGN_CHANGED",
            Damage::BadActorSignature { .. } => "BAD_ACTOR_SIGNATURE",
            Damage::EntryNotInTile { .. } => "ENTRY_NOT_IN_TILE",
            Damage::TileWrong { .. } => "TILE_WRONG",
            Damage::TileMissing { .. } => "TILE_MISSING",
            Damage::BundleMissing { .. } => "BUNDLE_MISSING",
            Damage::BundleWrong { .. } => "BUNDLE_WRONG",
            Damage::CheckpointMissing => "CHECKPOINT_MISSING",
            Damage::LogTruncated { .. } => "LOG_TRUNCATED",
            Damage::WrongRoot { .. } => "WRONG_ROOT",
            Damage::HistoryRewritten { .. } => "HISTORY_REWRITTEN",
            Damage::CheckpointOlder { .. } => "CHECKPOINT_OLDER",
            Damage::KeyNotVouched { .. } => "KEY_NOT_VOUCHED",
            Damage::QuorumMissing { .. } => "QUORUM_MISSING",
            Damage::Evidence { source, .. } => source.code(),
            Damage::Unreadable(_) => "UNREADABLE",
        }
    }
}

impl Damage {
    /// What to do next.
    pub const fn hint(&self) -> &'static str {
        match self {
            Damage::NotAnEvent(_)
            | Damage::NotCanonical
            | Damage::OutOfPlace { .. }
            | Damage::LogTooLong
            | Damage::EntryNotInTile { .. } => {
                "keep everything as it is, and your own checkpoint; compare with a backup from this position on"
            }
            Damage::TimeWentBack { .. }
            | Damage::IdRepeated { .. }
            | Damage::NoCause { .. }
            | Damage::AgainstTheRules(_)
            | Damage::NotWhatTheRulesGive { .. }
            | Damage::BadFirstEvent { .. }
            | Damage::BadSetting { .. }
            | Damage::CampaignChange(_)
            | Damage::BadActorSignature { .. } => {
                "keep everything as it is: the program would have refused this event, so somebody wrote it with another one"
            }
            Damage::PostDated { .. } | Damage::BackDated { .. } => {
                "ask whether the register's clock was wrong then; if it was right, the event got a false time"
            }
            Damage::CampaignMissing { .. } | Damage::CampaignChanged { .. } => {
                "get the file from another copy: its name is its SHA-256, so any copy will do"
            }
            Damage::TileWrong { .. } | Damage::TileMissing { .. } => {
                "the events are right: move `public/tile` away and open the register, which makes the tiles anew"
            }
            Damage::BundleMissing { .. } | Damage::BundleWrong { .. } => {
                "with the register's log: move `mirror/tile` away and open the register; without it, take another copy"
            }
            Damage::CheckpointMissing => {
                "check the folder; a register that waits for its witnesses has published nothing yet"
            }
            Damage::LogTruncated { .. } => {
                "do not go on with this log: restore the register from `public/` and `mirror/`, which may hold its end"
            }
            Damage::WrongRoot { .. } => {
                "keep everything as it is: what was signed and what is stored differ; compare with a backup or a receipt"
            }
            Damage::HistoryRewritten { .. } => {
                "keep your checkpoint and a copy of everything: together they prove that the past was rewritten"
            }
            Damage::CheckpointOlder { .. } => {
                "ask for the newest checkpoint; if this is it, the log's end was cut off, and your checkpoint proves it"
            }
            Damage::KeyNotVouched { .. } => {
                "ask the register's owner, and not the register, for the key that is in force, and why it changed"
            }
            Damage::QuorumMissing { .. } => {
                "ask the witnesses what they know of the log; a new checkpoint may lack them for some seconds"
            }
            Damage::Evidence { source, .. } => source.hint(),
            Damage::Unreadable(_) => "nothing is known yet: mend that, and audit again",
        }
    }
}

impl Finding {
    /// The stable code of its damage.
    pub const fn code(&self) -> &'static str {
        self.damage.code()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "position {position}: {}", self.damage),
            None => self.damage.fmt(f),
        }
    }
}

impl Error for Finding {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.damage.source()
    }
}
