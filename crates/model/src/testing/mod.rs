//! What the tests of this crate share: a small register in memory, and arbitrary events.

pub mod any;
pub mod register;
