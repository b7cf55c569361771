//! What the tests of this crate share: a small register in memory, random commands for it, and arbitrary events.

pub mod any;
pub mod commands;
pub mod register;
