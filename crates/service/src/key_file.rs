//! Files that hold one signing key: of a witness, or of an actor's device. Mode 0600, never overwritten.

use std::{
    io,
    path::{Path, PathBuf},
};

use shilu_engine::{NoKey, bounded, durable};
use shilu_merkle::{Algorithm, EvidenceError, SignerKey};
use thiserror::Error;

/// Bytes of a key's file beyond which it is not looked at: one key takes a few hundred.
const KEY_FILE_BYTES_MAX: usize = 4 * 1024;

/// Why there is no key.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// `KEY_EXISTS`
    #[error("{} exists already, and a key is never overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// `BAD_KEY`
    #[error("{name:?} cannot be the name of a key")]
    BadName {
        /// The name.
        name: String,
        /// What is wrong with it.
        source: EvidenceError,
    },
    /// `BAD_KEY`
    #[error("{} holds no signing key", path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// What is wrong. It never repeats the key.
        source: EvidenceError,
    },
    /// `IO`
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl KeyFileError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            KeyFileError::Exists { .. } => "KEY_EXISTS",
            KeyFileError::BadName { .. } | KeyFileError::Bad { .. } => "BAD_KEY",
            KeyFileError::Io { .. } => "IO",
        }
    }

    /// What to do next.
    pub const fn hint(&self) -> &'static str {
        match self {
            KeyFileError::Exists { .. } => {
                "name another file; take the old one away only if nobody trusts its key"
            }
            KeyFileError::BadName { .. } => {
                "choose a name without spaces and without a plus, such as zhang or audit.example/w1"
            }
            KeyFileError::Bad { .. } => {
                "name the file that holds the key, one line that begins with PRIVATE+KEY+"
            }
            KeyFileError::Io { .. } => "check the path, its rights and the disk",
        }
    }
}

/// A new key, as [`shilu_engine::fresh_key`] makes it.
///
/// # Errors
/// [`KeyFileError::BadName`] when the name is not one of a key; [`KeyFileError::Io`] without randomness.
pub fn fresh_key(name: &str, algorithm: Algorithm) -> Result<SignerKey, KeyFileError> {
    shilu_engine::fresh_key(name, algorithm).map_err(|error| match error {
        NoKey::NoRandomness(source) => KeyFileError::Io {
            doing: "make a key from",
            path: PathBuf::from("the system's randomness"),
            source,
        },
        NoKey::BadName(source) => KeyFileError::BadName {
            name: name.to_owned(),
            source,
        },
    })
}

/// Writes a key to a new file, which is there whole and durable or not at all.
///
/// # Errors
/// [`KeyFileError::Exists`], [`KeyFileError::Io`].
pub fn create_key_file(path: &Path, key: &SignerKey) -> Result<(), KeyFileError> {
    let write = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // A temporary file has mode 0600 from its first byte on.
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        io::Write::write_all(&mut file, format!("{}\n", key.secret_text()).as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        durable::sync_parent(path)
    };
    write().map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists {
            path: path.to_owned(),
        },
        _ => KeyFileError::Io {
            doing: "write",
            path: path.to_owned(),
            source,
        },
    })
}

/// Reads a key.
///
/// # Errors
/// [`KeyFileError::Bad`], [`KeyFileError::Io`].
pub fn read_key_file(path: &Path) -> Result<SignerKey, KeyFileError> {
    let bytes = bounded::read(path, KEY_FILE_BYTES_MAX).map_err(|source| KeyFileError::Io {
        doing: "read",
        path: path.to_owned(),
        source,
    })?;
    let text = String::from_utf8(bytes).unwrap_or_default();
    SignerKey::parse(text.trim_end_matches(['\r', '\n'])).map_err(|source| KeyFileError::Bad {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_key_file_is_for_its_owner_alone_and_never_overwritten() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("key");
        let key = fresh_key("ann", Algorithm::Ed25519).unwrap();
        create_key_file(&path, &key).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_key_file(&path).unwrap().secret_text(), key.secret_text());

        let other = fresh_key("ann", Algorithm::Ed25519).unwrap();
        assert_ne!(other.secret_text(), key.secret_text());
        assert_eq!(create_key_file(&path, &other).unwrap_err().code(), "KEY_EXISTS");
        assert_eq!(read_key_file(&path).unwrap().secret_text(), key.secret_text());
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("key");
        let secret = fresh_key("ann", Algorithm::Ed25519).unwrap().secret_text();
        fs::write(&path, secret.replace("PRIVATE", "PRIVAT")).unwrap();
        let error = read_key_file(&path).unwrap_err();
        assert_eq!(error.code(), "BAD_KEY");
        // PRIVATE, KEY, the name, the id, and the rest, which may have a + in it too.
        let material = secret.splitn(5, '+').nth(4).unwrap();
        assert!(!format!("{error} {error:?}").contains(material), "{error:?}");
        assert_eq!(
            fresh_key("a b", Algorithm::Ed25519).unwrap_err().code(),
            "BAD_KEY"
        );
    }
}
