//! Samples that nobody can steer, and what they prove: the seed, the draw, who visits what, what a visit counts as,
//! and the interval and the state of a rate.
//!
//! Data path: an announcement and a checkpoint give a [`Seed`]; [`draw`] ranks the frozen records by it; [`assign`]
//! hands them to verifiers; [`Tally`] and [`Roster`] count what they found, as an [`Estimate`]; [`judge`] compares
//! that with a target.
//!
//! Invariants: no I/O, no clock, no randomness, no async, no global. The same input gives the same answer in whatever
//! order it is handed in. The formulas and what simulation shows of them are in `docs/sampling.md`.

mod assign;
mod authorship;
mod capture;
mod draw;
mod estimate;
mod interval;
mod number;
mod ranking;
mod record_draw;
mod roster;
mod seed;
mod size;
mod state;
#[cfg(test)]
mod testing;

pub use assign::{Assignment, AssignmentError, Case, Crew, Member, Notice, RECHECK_ONE_IN, Visit, assign};
pub use authorship::{Authors, Sight, findings_of, person_accuracy};
pub use capture::{Capture, Total, chapman};
pub use draw::{Candidate, Drawn, draw};
pub use estimate::Estimate;
pub use interval::{
    Cluster, Interval, RatioStratum, RatioSums, Share, Stratum, clean_bound, clopper_pearson, hypergeometric,
    ratio, stratified, wilson,
};
pub use ranking::{Contestant, LeftOut, Ranked, Result as RankingResult, rank};
pub use record_draw::{Finding, Tally, Unknown, Unknowns, accuracy, finding};
pub use roster::{
    Answer, Departure, Found, Listing, Roster, RosterCounts, RosterRule, RosterStratum, Rosters, Standing,
    roster,
};
pub use seed::{
    Commitment, Promise, Reveal, RevealError, SECRET_BYTES_MIN, Seed, SeedParts, SeedTextError, entropy_of,
};
pub use size::{Plan, SAMPLE_MAX, SizeError, sample_size, sample_size_of};
pub use state::{Basis, Counts, Goal, State, judge};
