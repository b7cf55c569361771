//! The HTTP service: commands in, answers out, and the numbers that operate it.
//!
//! Boundary crate. What comes in is parsed here once, into the valid types of `shilu-model`; what goes out is made
//! here from the engine's answers. Wire types exist nowhere else but in the command line.
//!
//! Invariants: no input makes it panic; each refusal is an RFC 9457 problem with a stable code, and leaves the
//! register as it was; memory per request is bounded by the limits in [`limits`].

mod app;
mod body;
mod cursor;
mod edge;
mod key_file;
pub mod limits;
mod live;
mod loopback;
mod metrics;
mod openapi;
mod origin;
mod params;
mod problem;
mod request_id;
mod routes;
mod serve;
mod stream;
#[cfg(test)]
mod tests;
mod time;
mod wire;
mod witness;

pub use app::{RouterOptions, router};
pub use key_file::{KeyFileError, create_key_file, fresh_key, read_key_file};
pub use loopback::{ServeError, check_loopback};
pub use openapi::openapi;
pub use serve::serve;
pub use wire::event::event_json;
pub use wire::sample::sample_json;
pub use witness::{
    KnownLog, LOG_KEYS_MAX, Witness, WitnessError, check_witness_address, serve_witness, witness_key,
    witness_logs,
};
