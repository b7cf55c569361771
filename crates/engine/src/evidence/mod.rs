//! The evidence beside the log: keys, tiles, checkpoints, witnesses, receipts.
//!
//! ```text
//! durable events ─► leaves ─► tiles and bundles, one syncfs ─► signed checkpoint, fsynced ─► witnesses ─► published
//! ```
//!
//! Invariants: what is signed is durable before anybody else sees it, and nothing is signed that does not continue what
//! was signed before; a published checkpoint has all its tiles on disk. A crash anywhere leaves the checkpoint before
//! it, and the next start publishes what is missing.

mod attachments;
mod backup;
mod examined;
mod files;
mod keys;
mod named;
mod named_key;
mod publisher;
mod publishing;
mod receipt;
mod rotation;
mod witnesses;

pub use backup::{BackedUp, Beyond, Restored, backup, restore};
pub(crate) use files::{Files, read_checkpoint};
pub(crate) use keys::Keys;
pub(crate) use keys::key_of;
pub use keys::{NoKey, fresh_key, prepare_key};
pub use named_key::named_key;
pub(crate) use publisher::Publisher;
pub use publishing::{Publication, WitnessState};
pub(crate) use publishing::{Publishing, Signal};
pub use receipt::PublishedFolder;
pub use rotation::{Because, Rotated};
pub(crate) use witnesses::{Witnesses, witness_key};
