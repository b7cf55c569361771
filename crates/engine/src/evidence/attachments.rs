//! What is published beside tiles and bundles: campaign files by their SHA-256, and `register.toml`. A register has its
//! own of each; the mirror's are copies, and made anew from them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use shilu_model::CAMPAIGN_BYTES_MAX;
use shilu_projections::hexadecimal;

use super::{
    files::Files,
    named::{Named, is_sha256},
};
use crate::{bounded, error::EngineError, folder, folder::write_synced};

impl Files {
    /// Whether the mirror has what the register has of these files, by their names alone.
    pub fn has_attachments(&self) -> bool {
        let there = |copy: PathBuf| copy.is_file();
        (there(self.mirror().join("register.toml")) || !self.register().join("register.toml").is_file())
            && names_in(&self.register().join("attachments"))
                .is_ok_and(|names| names.into_iter().all(|name| there(self.mirrored(&name))))
    }

    /// Makes the mirror's copies what the register's own files are.
    ///
    /// # Errors
    /// `IO`.
    pub fn copy_attachments(&self) -> Result<(), EngineError> {
        copy_attachments(
            &self.register().join("attachments"),
            &self.mirror().join("attachments"),
        )?;
        let own = self.register().join("register.toml");
        match bounded::read(&own, folder::REGISTER_FILE_BYTES_MAX) {
            Ok(bytes) => replace(&self.mirror().join("register.toml"), &bytes).map(drop),
            // It comes last when a register is made.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(EngineError::io("read", own, error)),
        }
    }

    /// Checks that the mirror has each campaign that a log names.
    ///
    /// # Errors
    /// `CAMPAIGN_MISSING`, `CAMPAIGN_CHANGED`, `IO`.
    pub fn check_campaigns(&self, named: &Named) -> Result<(), EngineError> {
        for hash in &named.campaigns {
            let path = self.mirrored(hash);
            match bounded::read(&path, CAMPAIGN_BYTES_MAX) {
                Ok(bytes) if sha256(&bytes) == *hash => {}
                Ok(_) => return Err(EngineError::CampaignChanged { path }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(EngineError::CampaignMissing { path });
                }
                Err(error) => return Err(EngineError::io("read", path, error)),
            }
        }
        Ok(())
    }

    fn mirrored(&self, name: &str) -> PathBuf {
        self.mirror().join("attachments").join(name)
    }
}

/// Copies the files that are what their names say, where they are not there yet; returns how many were new.
pub(crate) fn copy_attachments(from: &Path, to: &Path) -> Result<u64, EngineError> {
    let mut copied = 0;
    for name in names_in(from)? {
        let path = from.join(&name);
        let bytes = bounded::read(&path, CAMPAIGN_BYTES_MAX)
            .map_err(|error| EngineError::io("read", &path, error))?;
        if sha256(&bytes) == name {
            copied += replace(&to.join(&name), &bytes)?;
        }
    }
    Ok(copied)
}

/// Puts bytes in a file's place unless they are there; returns how many files were written.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<u64, EngineError> {
    if bounded::read(path, bytes.len()).is_ok_and(|held| held == bytes) {
        return Ok(0);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| EngineError::io("make", folder, error))?;
    }
    write_synced(path, bytes)?;
    Ok(1)
}

/// The names of a folder's files that may be attachments, in order; none without the folder.
fn names_in(folder: &Path) -> Result<Vec<String>, EngineError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(EngineError::io("read", folder, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| EngineError::io("read", folder, error))?;
        names.extend(
            entry
                .file_name()
                .into_string()
                .ok()
                .filter(|name| is_sha256(name)),
        );
    }
    names.sort();
    Ok(names)
}

fn sha256(bytes: &[u8]) -> String {
    let sha256: [u8; 32] = Sha256::digest(bytes).into();
    hexadecimal(&sha256)
}
