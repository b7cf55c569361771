//! The pure core of shilu: what a record, an event and a campaign are, and the two functions that rule them,
//! [`decide`] and [`State::fold`].
//!
//! Invariants: no I/O, no clock, no randomness, no async, no global. Whatever is of a type here is valid.

mod campaign;
mod codec;
mod command;
mod decide;
mod event;
mod field_type;
mod fold;
mod id;
mod position;
mod rejection;
pub mod setting;
mod signed_form;
#[cfg(test)]
mod testing;
mod time;
mod value;

pub use campaign::{CAMPAIGN_BYTES_MAX, Campaign, CampaignError, Field, Kind, Role, Title, Witness};
pub use codec::{CodecError, FORMAT, decode, decode_canonical, encode};
pub use command::{
    Check, Command, CommandSignature, Correction, Deed, LIST_COMMANDS_MAX, NAME_BYTES_MAX, Origin,
    REASON_BYTES_MAX, Reason, Since,
};
pub use decide::{Known, Moment, decide};
pub use event::{
    Action, Because, Change, Event, Observed, Outcome, Place, Signature, Source, Stated, Verdict, Visit,
};
pub use field_type::{DECIMAL_DIGITS_MAX, FieldType, INTEGER_MAX, TEXT_BYTES_MAX};
pub use fold::{Check as CheckEntry, Entry, Held, State, Status};
pub use id::{EventId, EventIdError, RecordName, RecordNameError};
pub use position::Position;
pub use rejection::{Class, Rejection};
pub use signed_form::signed_form;
pub use time::{Day, DayFinder, TimeError, Timestamp, Zone};
pub use value::{Input, OwnedValue, Value};
