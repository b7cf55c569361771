//! The log: where events become durable. Last stop of the data path, and the only truth.
//!
//! It keeps encoded events, which it never looks into, in chunks on sled: [`Writer`] commits lists of them in
//! groups, [`Log`] reads what is durable. `docs/log-format.md` gives the bytes and the reasons.
//!
//! What a crash leaves:
//!
//! | a crash… | leaves |
//! |---|---|
//! | before a commit is synced | an unacknowledged commit: on open it is there whole or dropped whole |
//! | after that, before its outcome reaches the sink | a durable commit that nobody was told of |
//! | before `head` is written | a `head` at most a second behind, from which opening checks the rest |

mod chunk;
mod error;
mod events;
mod head;
mod limits;
mod log;
mod reader;
mod recovery;
mod store;
#[cfg(test)]
mod testing;
mod writer;

pub use shilu_model::Position;

pub use crate::chunk::{ChunkFault, CommitSpan, Hash, NO_HASH};
pub use crate::error::{Fault, LogError, WriterError};
pub use crate::events::Events;
pub use crate::head::acknowledged;
pub use crate::limits::{
    CHUNK_BYTES, COMMIT_BYTES_MAX, COMMIT_EVENTS_MAX, DISK_RESERVE_BYTES, EVENT_BYTES_MAX, VALUE_BYTES_MAX,
};
pub use crate::log::Log;
pub use crate::reader::{Chunk, ChunkIter, EventBytes, Scan};
pub use crate::recovery::Recovery;
pub use crate::store::{Fallible, Faults, Options};
pub use crate::writer::{Committed, Outcome, Writer};
