//! What the end-to-end tests and their helper processes share: a workload known from its seed, the audit of a register
//! against what was acknowledged, and a disk that loses power.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stderr,
    reason = "a test that meets what it does not expect must stop there; nothing here is shipped"
)]

pub mod audit;
pub mod disk;
pub mod evidence;
pub mod random;
pub mod trace;
pub mod workload;
