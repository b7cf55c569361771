//! The folders `public/` and `mirror/`: tiles, bundles and checkpoints as plain files.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use shilu_merkle::{Bundle, Hash, NOTE_BYTES_MAX, SignedCheckpoint, TILE_HASHES, Tile, TileKind};
use shilu_model::Event;

use crate::{bounded, error::EngineError, folder::replace_synced};

/// Bytes of a bundle beyond which it is not looked at: 256 of the largest events with their lengths.
pub(crate) const BUNDLE_BYTES_MAX: usize = TILE_HASHES * (Event::BYTES_MAX + 2);

/// Bytes of a full tile of hashes.
const TILE_BYTES: usize = TILE_HASHES * Hash::BYTES;

/// Where a register keeps what it publishes.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    register: PathBuf,
}

impl Files {
    pub fn new(register: &Path) -> Files {
        Files {
            register: register.to_owned(),
        }
    }

    /// The register's own folder.
    pub fn register(&self) -> PathBuf {
        self.register.clone()
    }

    /// Makes the folders.
    pub fn create(&self) -> Result<(), EngineError> {
        for folder in [self.public().join("tile"), self.mirror().join("tile")] {
            fs::create_dir_all(&folder).map_err(|error| EngineError::io("make", &folder, error))?;
        }
        Ok(())
    }

    /// Hash tiles and checkpoints: for everybody.
    pub fn public(&self) -> PathBuf {
        self.register.join("public")
    }

    /// Entry bundles, attachments and `register.toml`: for auditors and backups.
    pub fn mirror(&self) -> PathBuf {
        self.register.join("mirror")
    }

    fn path(&self, tile: &Tile) -> PathBuf {
        let folder = match tile.kind {
            TileKind::Hashes(_) => self.public(),
            TileKind::Entries => self.mirror(),
        };
        folder.join(tile.to_string())
    }

    /// Writes a tile or bundle. It is durable after [`Files::sync`].
    pub fn write(&self, tile: &Tile, bytes: &[u8]) -> Result<(), EngineError> {
        let path = self.path(tile);
        let write = || File::create(&path)?.write_all(bytes);
        let written = write().or_else(|error| match (error.kind(), path.parent()) {
            (io::ErrorKind::NotFound, Some(folder)) => fs::create_dir_all(folder).and_then(|()| write()),
            _ => Err(error),
        });
        written.map_err(|error| EngineError::io("write", path, error))
    }

    /// The bytes of a tile or bundle. A partial one that was removed because it has become full is cut from the full
    /// one. `None` when there is neither.
    pub fn read(&self, tile: &Tile) -> Result<Option<Vec<u8>>, EngineError> {
        let path = self.path(tile);
        let most = match tile.kind {
            TileKind::Hashes(_) => TILE_BYTES,
            TileKind::Entries => BUNDLE_BYTES_MAX,
        };
        match bounded::read(&path, most) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && tile.is_full() => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let full = self.read(&Tile::full(tile.kind, tile.index))?;
                Ok(full.and_then(|bytes| narrowed(tile, &bytes)))
            }
            Err(error) => Err(EngineError::io("read", path, error)),
        }
    }

    /// As [`Files::read`], where the tile must be there.
    pub fn required(&self, tile: &Tile) -> Result<Vec<u8>, EngineError> {
        self.read(tile)?.ok_or_else(|| EngineError::TileMissing {
            name: tile.to_string(),
        })
    }

    /// Whether the file of a tile or bundle is there.
    pub fn exists(&self, tile: &Tile) -> bool {
        self.path(tile).is_file()
    }

    /// The hashes of a tile; `None` when it is missing or damaged.
    pub fn hashes(&self, tile: &Tile) -> Result<Option<Vec<Hash>>, EngineError> {
        Ok(self.read(tile)?.and_then(|bytes| tile.hashes(&bytes).ok()))
    }

    /// Removes the partial forms of a tile that has become full.
    pub fn remove_partial(&self, kind: TileKind, index: u64) {
        let mut folder = self.path(&Tile::full(kind, index)).into_os_string();
        folder.push(".p");
        // What stays behind is right, only superfluous.
        let _ = fs::remove_dir_all(folder);
    }

    /// Makes durable all that was written, in one call: an fsync for each file would take most of the time.
    pub fn sync(&self) -> Result<(), EngineError> {
        let sync = || rustix::fs::syncfs(&File::open(&self.register)?).map_err(io::Error::from);
        sync().map_err(|error| EngineError::io("sync", &self.register, error))
    }

    /// The file of the last checkpoint that was signed for the witnesses, whether or not it was published.
    pub fn signed(&self) -> PathBuf {
        self.register.join("signed")
    }

    /// The file of the published checkpoint.
    pub fn checkpoint(&self) -> PathBuf {
        self.public().join("checkpoint")
    }

    /// The file of the first checkpoint after a rotation of the key, which both keys signed.
    pub fn rotation(&self, position: u64) -> PathBuf {
        self.public().join("rotation").join(position.to_string())
    }

    /// Writes a checkpoint durably.
    pub fn write_checkpoint(&self, path: &Path, checkpoint: &SignedCheckpoint) -> Result<(), EngineError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| EngineError::io("make", folder, error))?;
        }
        replace_synced(path, |file| write!(file, "{checkpoint}"))
    }
}

/// Reads a checkpoint; `None` when there is none.
pub(crate) fn read_checkpoint(path: &Path) -> Result<Option<SignedCheckpoint>, EngineError> {
    let bytes = match bounded::read(path, NOTE_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(EngineError::io("read", path, error)),
    };
    let checkpoint = SignedCheckpoint::parse(&bytes);
    checkpoint
        .map(Some)
        .map_err(|source| EngineError::CheckpointDamaged {
            path: path.to_owned(),
            source,
        })
}

fn narrowed(tile: &Tile, full: &[u8]) -> Option<Vec<u8>> {
    match tile.kind {
        TileKind::Hashes(_) => full.get(..tile.width * Hash::BYTES).map(<[u8]>::to_vec),
        TileKind::Entries => {
            let mut bytes = Vec::with_capacity(full.len());
            for entry in Bundle::entries(full, TILE_HASHES)
                .ok()?
                .into_iter()
                .take(tile.width)
            {
                Bundle::push(&mut bytes, entry).then_some(())?;
            }
            Some(bytes)
        }
    }
}
