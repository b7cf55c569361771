//! The engine: wires the data path of one register, and answers questions across its projections.
//!
//! ```text
//! submit ─► bounded queue ─► writer thread: decide, encode ─► log: group commit ─► fold thread: fold, answer, save
//! ```
//!
//! Invariants: one thread decides; nothing is answered before it is durable and folded; a query never sees an event
//! that is not durable. Clock and ids come in here and nowhere below.

mod ask;
mod behind;
pub mod bounded;
mod campaign;
mod campaigns;
mod clock;
pub mod durable;
mod engine;
mod error;
mod evidence;
mod figures;
mod folder;
mod folding;
mod intervals;
mod plates;
mod query;
mod randomness;
mod rankings;
mod rates;
mod reading;
mod rebuilding;
mod reply;
mod samples;
mod saved;
#[cfg(test)]
mod tests;
mod writing;

pub use behind::{CaseRecord, CasesQuery, RateCase};
pub use clock::Clock;
pub use engine::{Engine, Info, Options};
pub use error::EngineError;
pub use evidence::{
    BackedUp, Because, Beyond, NoKey, Publication, PublishedFolder, Restored, Rotated, WitnessState, backup,
    fresh_key, named_key, prepare_key, restore,
};
pub use folder::{Init, public_key};
pub use query::{
    AsOf, At, AtDeadline, Behind, Blame, By, ChangesQuery, ComparedRate, Count, DiffItem, DiffQuery,
    FigureQuery, Figures, ListQuery, Page, Rate, RecordView, Share, StoredEvent,
};
pub use randomness::Randomness;
pub use rankings::{IndicatorResult, Ranking, RankingItem, Ranks};
pub use rebuilding::{Compared, Rebuilt};
pub use reply::{Accepted, Answer, Pending};
pub use samples::{
    Announced, Announcement, Assigned, AssignedVisit, DrawnFigure, DrawnRecord, DrawnVisit, Entered,
    FoundChild, RosterAnswer, Sample, SampleCheck, SampleDraw, SampleError, SampleNotice, SampleSize,
    SampleState, SampleStratum, Shown, Strata, VisitEntry, Visited, check_published,
};
pub use shilu_log as log;
pub use shilu_merkle as merkle;
pub use shilu_model as model;
pub use shilu_projections as projections;
pub use shilu_sampling as sampling;
