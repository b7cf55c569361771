//! Keys as an operator handles them: the register's own key, and the keys of actors' devices. Each change is an event.

use std::sync::PoisonError;

use shilu_merkle::{Algorithm, VerifierKey};
use shilu_model::{Position, check_name, check_reason, setting};
use tracing::warn;

use super::keys::{Keys, Prepared, fresh_key};
use crate::{engine::Engine, error::EngineError};

/// Who changes a setting, and why.
#[derive(Clone, Copy, Debug)]
pub struct Because<'a> {
    /// The administrator.
    pub actor: &'a str,
    /// The reason, in words.
    pub reason: &'a str,
}

impl Because<'_> {
    /// Checks both texts, before anything is done.
    ///
    /// # Errors
    /// `BAD_VALUE`.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        check_name("actor", self.actor)
            .and_then(|()| check_reason(self.reason))
            .map_err(EngineError::BadAccount)
    }
}

/// A change of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The new key.
    pub key: VerifierKey,
    /// Whether it was prepared, so that witnesses may know it.
    pub prepared: bool,
}

impl Engine {
    /// The vkey that signs this register's checkpoints.
    pub fn key(&self) -> Option<String> {
        self.read().trail().settings.text(setting::KEY).map(str::to_owned)
    }

    /// Replaces the signing key by the one that was prepared, or else by a new one. The next checkpoint carries both signatures. With `lost`, the old key is
    /// gone: the next checkpoint carries the new one's alone, and whoever trusts the old key sees that nobody vouched.
    ///
    /// # Errors
    /// `NO_SIGNING_KEY` and `OTHER_SIGNING_KEY` unless `lost`; `ROTATION_PENDING` while the last change is not
    /// published; and what [`Engine::submit`] says.
    pub fn rotate_key(&self, because: Because<'_>, lost: bool) -> Result<Rotated, EngineError> {
        because.check()?;
        let origin = &self.shared.info.origin;
        let prepared = Prepared::read(&self.shared.dir, origin)?;
        // One that is in force already was left by a crash.
        let in_force = self.key().unwrap_or_default();
        let prepared = prepared.filter(|key| key.verifier().to_string() != in_force);
        let was_prepared = prepared.is_some();
        let new = match prepared {
            Some(key) => key,
            None => fresh_key(origin, Algorithm::Ed25519)?,
        };
        // A second try after a commit of unknown fate must not overwrite the key that the log may name by now.
        self.writable()?;
        // No checkpoint may be signed between the event and the change of keys.
        let mut keys = self.shared.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.is_none() {
            match Keys::read(&self.shared.dir, &self.key().unwrap_or_default()) {
                Ok(found) => *keys = Some(found),
                Err(_) if lost => {}
                Err(error) => return Err(error),
            }
        }
        let mut rotated = self.shared.rotated.lock().unwrap_or_else(PoisonError::into_inner);
        let old = match keys.take() {
            Some(Keys { current, old: None }) if rotated.is_empty() => Some(current),
            None => None,
            pending => {
                *keys = pending;
                return Err(EngineError::RotationPending);
            }
        };
        let dir = &self.shared.dir;
        let restore = old.clone();
        let committed = Keys::write(dir, old.iter().chain([&new]))
            .and_then(|()| self.configure(setting::KEY, Some(new.verifier().to_string()), because));
        let position = match committed {
            Ok(position) => position,
            Err(error) => {
                *keys = restore.map(|current| Keys { current, old: None });
                return Err(error);
            }
        };
        let verifier = new.verifier().clone();
        rotated.push(position);
        *keys = Some(Keys { current: new, old });
        drop((keys, rotated));
        Prepared::remove(dir);
        self.shared.signal.durable(self.end());
        // The key is replaced all the same, and the next start renews the file.
        if let Err(error) = crate::folder::renew_register_file(dir, &verifier) {
            warn!(%error, "register.toml still names the old key");
        }
        Ok(Rotated {
            key: verifier,
            prepared: was_prepared,
        })
    }

    /// Admits an actor's public key: from now on commands may carry signatures by it.
    ///
    /// # Errors
    /// `BAD_KEY`, and what [`Engine::submit`] says.
    pub fn admit_key(&self, vkey: &str, because: Because<'_>) -> Result<Position, EngineError> {
        let key = actor_key(vkey)?;
        let field = setting::actor_key(key.name(), key.id());
        self.configure(&field, Some(key.to_string()), because)
    }

    /// Withdraws an actor's public key: what it signed stays signed, nothing more is taken.
    ///
    /// # Errors
    /// `BAD_KEY`, `SETTING_UNCHANGED` where it is not admitted, and what [`Engine::submit`] says.
    pub fn withdraw_key(&self, vkey: &str, because: Because<'_>) -> Result<Position, EngineError> {
        let key = actor_key(vkey)?;
        let field = setting::actor_key(key.name(), key.id());
        self.configure(&field, None, because)
    }
}

fn actor_key(vkey: &str) -> Result<VerifierKey, EngineError> {
    VerifierKey::parse_as(vkey, Algorithm::Ed25519).map_err(EngineError::Evidence)
}
