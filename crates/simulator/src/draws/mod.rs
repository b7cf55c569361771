//! Samples of the simulated campaign: what the office announces, who goes where and when, and what they find. The draw
//! itself, and with it whom a visit is to, is the register's: it follows from its log.

mod finds;
mod plan;
#[cfg(test)]
mod tests;
mod visits;

pub use finds::{Child, PlaceSeen, Whereabouts};
pub use plan::{Draw, DrawSize};
pub use visits::{PlannedVisit, Visitors};
