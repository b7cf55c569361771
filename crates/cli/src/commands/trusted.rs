//! Whom the caller believes: vkeys from the command line, each of its kind.

use shilu_merkle::{Algorithm, VerifierKey};

use crate::error::CliError;

/// The witnesses, and how many of them must have cosigned: all unless fewer are asked for.
pub struct Witnesses {
    /// Their keys.
    pub keys: Vec<VerifierKey>,
    /// How many.
    pub quorum: usize,
}

impl Witnesses {
    /// Reads them.
    pub fn read(vkeys: &[String], quorum: Option<usize>) -> Result<Witnesses, CliError> {
        let mut keys: Vec<VerifierKey> = Vec::new();
        for vkey in vkeys {
            let witness = VerifierKey::parse_as(vkey, Algorithm::Cosignature)?;
            // The signature does not cover the name: one key under two names is one witness.
            if keys.iter().any(|other| other.bytes() == witness.bytes()) {
                return Err(CliError::Usage {
                    problem: format!(
                        "{} is named twice, or has the key of another witness",
                        witness.name()
                    ),
                    hint: "name each witness once",
                });
            }
            keys.push(witness);
        }
        let quorum = quorum.unwrap_or(keys.len());
        if quorum > keys.len() {
            return Err(CliError::Usage {
                problem: format!(
                    "--quorum {quorum} asks for more than the {} witnesses named",
                    keys.len()
                ),
                hint: "name more witnesses with --witness, or ask for fewer",
            });
        }
        Ok(Witnesses { keys, quorum })
    }
}

/// The key of a log or of an actor.
pub fn key(vkey: &str) -> Result<VerifierKey, CliError> {
    Ok(VerifierKey::parse_as(vkey, Algorithm::Ed25519)?)
}
