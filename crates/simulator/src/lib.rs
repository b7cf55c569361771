//! The simulator: the three-reals campaign of April to June 2015 in fifteen villages, all of it invented from a seed.
//!
//! First a township is founded: what is really there, from day to day. Then, day by day, a staff goes round
//! and writes down what it finds ([`Simulation`]): honest people who mishear names, meet nobody at home, upload late,
//! hurry before deadlines and put right what they notice. What comes out are commands with the times at which a register
//! takes them; what is really so stays aside ([`Truth`]).
//!
//! Pure: no I/O, no clock. The same options give the same commands, byte for byte. Nothing here is about ethnicity,
//! belief, health, petitions or criminal records, and nobody in it exists: see [`numbers`].

mod book;
mod calendar;
mod draws;
mod links;
pub mod numbers;
mod options;
mod random;
mod simulation;
mod spot;
mod staff;
mod table;
#[cfg(test)]
mod tests;
mod town;
mod truth;
mod villages;
mod words;
mod work;

pub use draws::{Child, Draw, DrawSize, PlaceSeen, PlannedVisit, Visitors, Whereabouts};
pub use options::{Options, Scale, ScaleError};
pub use random::Random;
pub use simulation::{Batch, Simulation};
pub use truth::{Occupant, Seen, Truth, TruthRow};
