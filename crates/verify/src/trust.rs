//! Whose word the checkpoint is: the log's key, as the auditor knows it or as the log itself names it; rotations of
//! that key; and witnesses.

use shilu_merkle::{Checkpoint, Cosigned, EvidenceError, Hash, SignedCheckpoint, VerifierKey};

use crate::{
    damage::Damage,
    published::Published,
    report::Options,
    settings::{LogKey, Settings},
};

/// The name of the checkpoint's file.
const CHECKPOINT: &str = "checkpoint";

/// What the auditor's own one is called.
const SINCE: &str = "the earlier checkpoint";

/// Reads the published checkpoint. It is not believed yet, but refused at once where it pretends to be signed by the
/// key that is trusted.
pub(crate) fn read_checkpoint(
    published: &dyn Published,
    options: &Options,
) -> Result<SignedCheckpoint, Damage> {
    let bytes = published.read(CHECKPOINT)?.ok_or(Damage::CheckpointMissing)?;
    let checkpoint = SignedCheckpoint::parse(&bytes).map_err(|source| evidence(CHECKPOINT, source))?;
    match options.key.as_ref().map(|key| checkpoint.check(key)) {
        // Signed by another key: perhaps there was a rotation.
        None | Some(Ok(_) | Err(EvidenceError::NotSigned { .. })) => Ok(checkpoint),
        Some(Err(source)) => Err(evidence(CHECKPOINT, source)),
    }
}

/// The checkpoint that the auditor holds is of the same log.
pub(crate) fn check_since_origin(
    since: &SignedCheckpoint,
    checkpoint: &SignedCheckpoint,
) -> Result<(), Damage> {
    let (since, checkpoint) = (since.unchecked(), checkpoint.unchecked());
    if since.origin != checkpoint.origin {
        let source = EvidenceError::OtherLog {
            expected: since.origin.clone(),
            found: checkpoint.origin.clone(),
        };
        return Err(evidence(CHECKPOINT, source));
    }
    Ok(())
}

/// The checkpoint that the auditor holds accuses nobody unless the log signed it: by the key that it had at that size,
/// or by the one that the auditor trusts.
pub(crate) fn check_since_signer(
    since: &SignedCheckpoint,
    trusted: Option<&VerifierKey>,
    settings: &Settings,
) -> Result<(), Damage> {
    let named = settings.keys_at(since.unchecked().size).next_back();
    let keys = named.map(|named| &named.key).into_iter().chain(trusted);
    let mut checked = Err(EvidenceError::NotSigned {
        name: since.unchecked().origin.clone(),
    });
    for key in keys {
        match since.check(key) {
            Ok(_) => return Ok(()),
            // That a line pretends to be a trusted key's says more than that another key has none.
            Err(forged @ EvidenceError::ForgedSignature { .. }) => checked = Err(forged),
            Err(_) => {}
        }
    }
    checked.map_err(|source| evidence(SINCE, source))
}

/// It is continued: neither is the published one older, nor of another history.
pub(crate) fn check_continues(
    since: &Checkpoint,
    size: u64,
    root: impl Fn(u64) -> Option<Hash>,
) -> Result<(), Damage> {
    if size < since.size {
        let since = since.size;
        return Err(Damage::CheckpointOlder { size, since });
    }
    // Of an empty log every log is a continuation.
    if since.size > 0 && root(since.size) != Some(since.root) {
        return Err(Damage::HistoryRewritten { size: since.size });
    }
    Ok(())
}

/// Whom the log itself names as its key at the checkpoint's size, who must have signed it.
pub(crate) fn check_signer(
    checkpoint: &SignedCheckpoint,
    settings: &Settings,
) -> Result<VerifierKey, Damage> {
    let size = checkpoint.unchecked().size;
    let newest = settings.keys_at(size).next_back().ok_or(Damage::BadFirstEvent {
        problem: "it names no key",
    })?;
    checkpoint
        .check(&newest.key)
        .map_err(|source| evidence(CHECKPOINT, source))?;
    Ok(newest.key.clone())
}

/// A way leads from the key that the auditor trusts to the newest: each rotation since was signed by the key before it
/// and by the new one, in a checkpoint of this very log. Returns how many rotations there were in all.
pub(crate) fn check_rotations(
    trusted: Option<&VerifierKey>,
    settings: &Settings,
    size: u64,
    root: impl Fn(u64) -> Option<Hash>,
) -> Result<usize, Damage> {
    let keys: Vec<&LogKey> = settings.keys_at(size).collect();
    let start = match trusted {
        None => Some(0),
        Some(trusted) => keys.iter().rposition(|known| known.key == *trusted),
    };
    let problem = "the log never names the key that is trusted";
    let start = start.ok_or(Damage::KeyNotVouched { problem })?;
    let steps = keys.iter().zip(keys.iter().skip(1)).skip(start);
    for (old, new) in steps {
        check_note(old, new, size, &root)?;
    }
    Ok(keys.len().saturating_sub(1))
}

fn check_note(
    old: &LogKey,
    new: &LogKey,
    size: u64,
    root: impl Fn(u64) -> Option<Hash>,
) -> Result<(), Damage> {
    let not_vouched = |problem| Err(Damage::KeyNotVouched { problem });
    let note = match &new.note {
        Some(Ok(note)) => note,
        _ => return not_vouched("the first checkpoint after a rotation is not published, or is none"),
    };
    let said = note.unchecked();
    if said.size <= new.set_at || said.size > size {
        return not_vouched("the checkpoint that both keys should have signed is not one after the rotation");
    }
    if note.check(&old.key).is_err() {
        return not_vouched("the key before a rotation did not sign the checkpoint after it");
    }
    if note.check(&new.key).is_err() {
        return not_vouched("the key after a rotation did not sign the checkpoint after it");
    }
    if root(said.size) != Some(said.root) {
        return not_vouched("the checkpoint that both keys signed is of another history");
    }
    Ok(())
}

/// Who of the trusted witnesses cosigned the checkpoint: at least as many as the auditor demands.
pub(crate) fn check_witnesses(
    checkpoint: &SignedCheckpoint,
    options: &Options,
) -> Result<Vec<Cosigned>, Damage> {
    if let Some(since) = &options.since {
        // Its times were believed.
        let cosigned = since.cosigned(&options.witnesses);
        cosigned.map_err(|source| evidence(SINCE, source))?;
    }
    let cosigned = checkpoint
        .cosigned(&options.witnesses)
        .map_err(|source| evidence(CHECKPOINT, source))?;
    let (found, quorum) = (cosigned.len(), options.quorum);
    if found < quorum {
        return Err(Damage::QuorumMissing { found, quorum });
    }
    Ok(cosigned)
}

fn evidence(file: &str, source: EvidenceError) -> Damage {
    Damage::Evidence {
        file: file.to_owned(),
        source,
    }
}
