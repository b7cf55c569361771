//! End to end: the whole stack, through the processes that people run. One binary, one module per theme.
//!
//! Tests that choose at random print their seed first; `SHILU_SEED=N` in the environment repeats it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stderr,
    reason = "a test that meets what it does not expect must stop there"
)]

mod api;
mod backup;
mod campaign;
mod cli;
mod crash;
mod damage;
mod extracts;
mod gaming;
mod imports;
mod layout;
mod operator;
mod plates;
mod power_cut;
mod process;
mod real_data;
mod red_team;
mod samples;
mod script;
mod sheets;
mod shilu;
mod simulate;
mod witnesses;
