//! The pure core of shilu: what a record, an event and a campaign are, and the two functions that rule them,
//! [`decide`] and [`State::fold`].
//!
//! Invariants: no I/O, no clock, no randomness, no async, no global. Whatever is of a type here is valid.

mod account;
mod admission;
mod campaign;
mod codec;
mod command;
mod decide;
mod event;
mod field_type;
mod fold;
mod id;
mod normal;
mod plate;
mod position;
mod rejection;
pub mod setting;
mod signed_form;
#[cfg(test)]
mod testing;
mod time;
mod value;

pub use account::{check_name, check_reason};
pub use admission::{check_admission, check_key};
pub use campaign::{
    Area, Areas, CAMPAIGN_BYTES_MAX, COMMITMENTS_MAX, Campaign, CampaignChangeError, CampaignError, Children,
    Condition, EXTRACT_KIND, EXTRACT_SYSTEM, EXTRACT_THEIRS, Entropy, FRAME_EXPECTED, FRAME_KIND, FRAME_WHAT,
    Field, Frame, Gone, Hop, Indicator, Kind, Latest, ListFrame, Measure, Month, Needed, Number, Part, Path,
    Percent, Phase, Population, Property, Ranking, Referred, Role, RosterRate, SAMPLE_AREA,
    SAMPLE_CHECKPOINT, SAMPLE_DRAW_AT, SAMPLE_ENTROPY, SAMPLE_INDICATOR, SAMPLE_KIND, SAMPLE_REVEALED,
    SAMPLE_SIZE, SAMPLE_STRATA, SAMPLE_VERIFIERS, SAMPLE_WITNESSED, STRATA_AREA, STRATA_NONE, Side, Target,
    Test, Title, Touched, Witness,
};
pub use codec::{CodecError, FORMAT, decode, decode_canonical, encode, encodes_to};
pub use command::{
    Check, Command, CommandSignature, Correction, Deed, LIST_COMMANDS_MAX, NAME_BYTES_MAX, Origin,
    REASON_BYTES_MAX, Reason, Since,
};
pub use decide::{Announced, Known, Moment, Standing, decide, judge_references};
pub use event::{
    Action, Because, Change, Event, Observed, Outcome, Place, Signature, Source, Stated, Verdict, Visit,
};
pub use field_type::{DECIMAL_DIGITS_MAX, FieldType, INTEGER_MAX, LONG_TEXT_BYTES_MAX, TEXT_BYTES_MAX};
pub use fold::{Check as CheckEntry, Entry, Held, State, Status};
pub use id::{EventId, EventIdError, RecordName, RecordNameError};
pub use normal::{Normal, fold_address, fold_width};
pub use plate::{
    ActivePlates, PLATE_ACTIVE, PLATE_KIND, PLATE_ON, PLATE_STATE, PlateMove, PlateNumber, PlateNumberError,
    active_on,
};
pub use position::Position;
pub use rejection::{Class, Rejection};
pub use signed_form::signed_form;
pub use time::{Day, DayFinder, TimeError, Timestamp, Zone};
pub use value::{Input, OwnedValue, Value};
