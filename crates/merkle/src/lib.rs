//! The evidence as mathematics: the Merkle tree of RFC 9162 over the stored bytes of events, its proofs, tiles and
//! entry bundles, and the signed notes by which an outsider can hold a register to its word.
//!
//! Invariants: no I/O, no clock, no randomness; whatever comes from outside (a note, a proof, a tile, a key) is
//! refused with a code or has been checked. Formats are those of C2SP (c2sp.org): `signed-note`, `tlog-checkpoint`,
//! `tlog-tiles`, `tlog-proof`, `tlog-cosignature`, `tlog-witness`.

mod bundle;
mod checkpoint;
mod error;
mod hash;
mod key;
mod note;
mod proof;
mod receipt;
#[cfg(test)]
mod testing;
mod tile;
mod tree;
mod witness;

pub use bundle::Bundle;
pub use checkpoint::{Checkpoint, Cosigned, ORIGIN_BYTES_MAX, SignedCheckpoint};
pub use error::EvidenceError;
pub use hash::Hash;
pub use key::{Algorithm, SignerKey, VerifierKey};
pub use note::{NOTE_BYTES_MAX, Note, NoteSignature};
pub use proof::{PROOF_HASHES_MAX, Prover, check_consistency, check_inclusion};
pub use receipt::{Checked, RECEIPT_BYTES_MAX, Receipt};
pub use tile::{TILE_HASHES, TILE_WIDTH, Tile, TileKind};
pub use tree::{FullTile, Tiling, Tree};
pub use witness::{Addition, Judgement, REQUEST_BYTES_MAX, Refusal, judge};
