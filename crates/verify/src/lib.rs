//! The offline auditor: recomputes everything that a register says from the bytes it published, and believes nobody.
//!
//! Read it in this order: `damage` is what can be wrong and `report` what is said when nothing is; `audit` is the way
//! through; `reading` brings the entries, `hashing` makes leaves and events of them, `tree` grows the tree,
//! `settings` follows the register's own events, `rules` judges the events on records by what `memory` keeps of
//! earlier ones, `across` and `claims` settle what one event says of others, `clocks` compares times with those of
//! witnesses, and `trust` says whose word the checkpoint is.
//!
//! Invariants: no I/O but through [`Published`] and [`Entries`], no clock, no randomness but in the keys of hash
//! tables; it writes nothing and knows no private key. Nothing here is shared with the code that wrote the log but the
//! model's rules and the tree itself.
//!
//! Memory: about 40 bytes for each event on a record and about 90 for each record, see `memory`; 24 for each event's
//! id, see `claims`; and some waves of 8,192 events, see `reading`.

mod across;
mod audit;
mod claims;
mod clocks;
mod damage;
mod form;
mod hashing;
mod memory;
mod published;
mod reading;
mod report;
mod rules;
mod settings;
mod tree;
mod trust;

#[cfg(test)]
mod tests;

pub use audit::audit;
pub use damage::{Damage, Finding};
pub use published::{Batch, Entries, Published, Unreadable, bytes_max};
pub use report::{ActorKeyChange, Options, Report};
