//! What the auditor is told, and what it says of a register in which nothing is wrong.

use shilu_merkle::{Checkpoint, Cosigned, SignedCheckpoint, VerifierKey};
use shilu_model::Timestamp;

/// What the auditor brings along, from elsewhere than the register.
#[derive(Clone, Debug)]
pub struct Options {
    /// The log's key as the auditor knows it; perhaps one that was rotated since. `None`: the key of the log's first
    /// event is taken on the register's own word.
    pub key: Option<VerifierKey>,
    /// The witnesses that the auditor trusts.
    pub witnesses: Vec<VerifierKey>,
    /// How many of them must have cosigned the checkpoint.
    pub quorum: usize,
    /// A checkpoint of this log that the auditor holds: from its last audit, a receipt or a witness.
    pub since: Option<SignedCheckpoint>,
    /// Whether hash tiles are compared too, and with a log its bundles. Then changed entries are found by position.
    pub tiles: bool,
}

/// What was checked, and how much of it. Everything in it was recomputed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Events, with those beyond the checkpoint.
    pub events: u64,
    /// Events beyond the checkpoint: judged by the rules, and vouched for by nobody yet.
    pub unpublished: u64,
    /// Records.
    pub records: u64,
    /// Events whose actor's signature was checked.
    pub signed: u64,
    /// Hash tiles that were compared.
    pub tiles: u64,
    /// Entry bundles that were read, or compared with the log.
    pub bundles: u64,
    /// The checkpoint, whose root is that of the events.
    pub checkpoint: Checkpoint,
    /// The trusted witnesses that cosigned it.
    pub cosigned: Vec<Cosigned>,
    /// The size of the earlier checkpoint that this one continues.
    pub since: Option<u64>,
    /// The key that signed the checkpoint.
    pub key: VerifierKey,
    /// Whether the auditor brought a key; else who signed is the register's own word.
    pub pinned: bool,
    /// How often the log's key was changed up to the checkpoint.
    pub rotations: usize,
    /// Every admission and withdrawal of an actor's key, in order. Whose they are is the register's word alone.
    pub actor_keys: Vec<ActorKeyChange>,
    /// How many campaigns were in force, one after the other.
    pub campaigns: usize,
    /// When the first event was recorded.
    pub first_recorded: Timestamp,
    /// When the last event was recorded.
    pub last_recorded: Timestamp,
    /// Whether the register's clock is simulated: then nothing in it is about the world.
    pub simulated: bool,
}

/// An actor's key that the register admitted or withdrew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorKeyChange {
    /// The position of the event.
    pub position: u64,
    /// The key, whose name is the actor's.
    pub key: VerifierKey,
    /// Whether it was admitted, or else withdrawn.
    pub admitted: bool,
    /// Who did it.
    pub by: String,
    /// When it was recorded.
    pub recorded: Timestamp,
}
