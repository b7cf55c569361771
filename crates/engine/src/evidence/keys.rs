//! The register's signing key: the file `key`, mode 0600, never copied anywhere.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use shilu_merkle::{Algorithm, EvidenceError, SignerKey};

use crate::{durable, error::EngineError};

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
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => EngineError::NoSigningKey { path: path.clone() },
            _ => EngineError::io("read", &path, error),
        })?;
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

/// A new key, from the system's randomness.
pub(crate) fn fresh_key(name: &str) -> Result<SignerKey, EngineError> {
    let seed = random_seed().map_err(|error| EngineError::io("draw a key from", RANDOMNESS, error))?;
    SignerKey::from_seed(name, Algorithm::Ed25519, &seed).map_err(EngineError::Evidence)
}

/// Where a seed comes from, as an error names it.
pub const RANDOMNESS: &str = "/dev/urandom";

/// The seed of a new key, from the system's randomness.
///
/// # Errors
/// When the system has none.
pub fn random_seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    Ok(seed)
}
