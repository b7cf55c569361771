//! Samples nobody can steer, end to end: announced, drawn, checked, assigned, visited, counted.
//!
//! ```text
//! announce ─► event, in a checkpoint ─► draw: the first checkpoint at or after the announced time ─► seed ─► records
//! ─► assign ─► visits: events that cite the announcement ─► what is drawn gives a rate
//! ```
//!
//! Invariants: nothing here is stored but events; a draw and what it counts are computed from the log, so whoever holds
//! the log gets the same. The announcement freezes the population and the values that are compared: no later event on a
//! drawn record changes its verdict, except that a record that was voided later counts as wrong.

mod announce;
mod assigning;
mod cache;
mod check;
mod claimed;
mod course;
mod draw;
mod drawing;
mod error;
mod evidence;
mod figures;
mod listing;
mod matching;
mod places;
mod results;
mod seen;
mod told;
mod visit;
mod visit_roster;

pub use announce::{Announced, Announcement, SampleSize};
pub use assigning::{Assigned, AssignedVisit};
pub(crate) use cache::Cache;
pub use check::{SampleCheck, check_published};
pub(crate) use claimed::{Claimed, slot_of};
pub use drawing::DrawnRecord;
pub use error::SampleError;
pub use figures::DrawnFigure;
pub use listing::{DrawnVisit, Sample, SampleDraw, SampleNotice, SampleState, SampleStratum};
pub use matching::FoundChild;
pub(crate) use told::Measured;
pub use told::Strata;
pub use visit::{Entered, RosterAnswer, Shown, VisitEntry, Visited};
