//! The register's signing key: the file `key`, mode 0600, never copied anywhere.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use shilu_merkle::{Algorithm, EvidenceError, SignerKey, VerifierKey};
use thiserror::Error;
use tracing::warn;

use crate::{bounded, durable, error::EngineError, folder};

/// The file's name.
const FILE: &str = "key";

/// Who may sign.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// The key in force.
    pub current: SignerKey,
    /// The key before it, until the first checkpoint after the rotation is published.
    pub old: Option<SignerKey>,
}

impl Keys {
    /// Reads the file `key`, of which `in_force` is the public key that the log names.
    pub fn read(dir: &Path, in_force: &str) -> Result<Keys, EngineError> {
        let path = dir.join(FILE);
        let bytes = bounded::read(&path, Prepared::BYTES_MAX).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => EngineError::NoSigningKey { path: path.clone() },
            _ => EngineError::io("read", &path, error),
        })?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        let keys = text.lines().map(SignerKey::parse).collect::<Result<Vec<_>, _>>();
        let bad = |source| EngineError::SigningKeyDamaged {
            path: path.clone(),
            source,
        };
        let keys = keys.map_err(bad)?;
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or_else(|| {
            bad(EvidenceError::BadKey {
                problem: "it is empty",
            })
        })?;
        let is_in_force = |key: &SignerKey| key.verifier().to_string() == in_force;
        if is_in_force(&first) {
            // A key after it is one whose rotation was never recorded.
            return Ok(Keys {
                current: first,
                old: None,
            });
        }
        match keys.next().filter(is_in_force) {
            Some(current) => Ok(Keys {
                current,
                old: Some(first),
            }),
            None => Err(EngineError::OtherSigningKey {
                path,
                found: first.verifier().to_string(),
            }),
        }
    }

    /// Writes the file `key`: the old key first, so that the log alone decides which is in force.
    pub fn write<'a>(dir: &Path, keys: impl IntoIterator<Item = &'a SignerKey>) -> Result<(), EngineError> {
        let path = dir.join(FILE);
        let text: String = keys.into_iter().map(|key| key.secret_text() + "\n").collect();
        let written = durable::replace_as(&path, 0o600, |file| file.write_all(text.as_bytes()));
        written.map_err(|error| EngineError::io("write", &path, error))
    }
}

/// The next key of a register, made before it takes over so that witnesses can be told of it: the file `key.next`.
pub(crate) struct Prepared;

impl Prepared {
    /// The file's name.
    const FILE: &str = "key.next";

    /// Bytes of it beyond which it is not looked at.
    const BYTES_MAX: usize = 4 * 1024;

    /// The key that was prepared for the log of this name, if one was.
    pub fn read(dir: &Path, origin: &str) -> Result<Option<SignerKey>, EngineError> {
        let path = dir.join(Self::FILE);
        let bytes = match bounded::read(&path, Self::BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(EngineError::io("read", path, error)),
        };
        let text = String::from_utf8(bytes).unwrap_or_default();
        let key = SignerKey::parse(text.trim_end()).and_then(|key| {
            let problem = "it is not one of this log";
            let fits = key.verifier().name() == origin && key.verifier().algorithm() == Algorithm::Ed25519;
            fits.then_some(key).ok_or(EvidenceError::BadKey { problem })
        });
        key.map(Some)
            .map_err(|source| EngineError::PreparedKeyDamaged { path, source })
    }

    /// It has taken over.
    pub fn remove(dir: &Path) {
        let path = dir.join(Self::FILE);
        match fs::remove_file(&path).and_then(|()| durable::sync_parent(&path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                warn!(%error, "a prepared key that has taken over cannot be removed");
            }
            _ => {}
        }
    }
}

/// Makes the next key of a register and keeps it beside the one in force; or gives the one that is there. The register
/// may be open meanwhile. [`crate::Engine::rotate_key`] then uses it.
///
/// # Errors
/// `NOT_A_REGISTER`; `BAD_KEY` when the one that is there cannot be read; `IO`.
pub fn prepare_key(dir: &Path) -> Result<VerifierKey, EngineError> {
    let file = folder::read_register_file(dir)?;
    let held = Prepared::read(dir, &file.origin)?;
    if let Some(key) = held.filter(|key| key.verifier().to_string() != file.public_key) {
        return Ok(key.verifier().clone());
    }
    let path = dir.join(Prepared::FILE);
    let key = fresh_key(&file.origin, Algorithm::Ed25519)?;
    let text = key.secret_text() + "\n";
    durable::replace_as(&path, 0o600, |file| file.write_all(text.as_bytes()))
        .map_err(|error| EngineError::io("write", &path, error))?;
    // What is told to witnesses is what is on disk, whoever else prepares one at this moment.
    let kept = Prepared::read(dir, &file.origin)?;
    Ok(kept.unwrap_or(key).verifier().clone())
}

/// A new key, from the system's randomness.
///
/// # Errors
/// [`NoKey`].
pub fn fresh_key(name: &str, algorithm: Algorithm) -> Result<SignerKey, NoKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| NoKey::NoRandomness(io::Error::other(error)))?;
    key_of(name, algorithm, &seed)
}

/// A key of given bytes.
///
/// # Errors
/// The name is not one of a key.
pub(crate) fn key_of(name: &str, algorithm: Algorithm, seed: &[u8; 32]) -> Result<SignerKey, NoKey> {
    SignerKey::from_seed(name, algorithm, seed).map_err(NoKey::BadName)
}

/// Why no key was made.
#[derive(Debug, Error)]
pub enum NoKey {
    /// The system has no randomness.
    #[error("the system gives no randomness to make a key of")]
    NoRandomness(#[source] io::Error),
    /// The name is not one of a key.
    #[error(transparent)]
    BadName(EvidenceError),
}

impl From<NoKey> for EngineError {
    fn from(error: NoKey) -> Self {
        match error {
            NoKey::NoRandomness(error) => {
                EngineError::io("make a key from", "the system's randomness", error)
            }
            NoKey::BadName(error) => EngineError::Evidence(error),
        }
    }
}
