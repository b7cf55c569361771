//! The first stage: brings the entries together in waves, a little ahead of whoever checks them.

use std::sync::mpsc::{Receiver, SyncSender};

use shilu_merkle::{TILE_HASHES, Tile, TileKind};
use shilu_model::Position;

use crate::{
    damage::{Damage, Finding},
    published::{Batch, Entries, Published, Unreadable, read_bundle},
};

/// Entries of a wave: a whole number of tiles; enough that sharing a wave out among threads costs next to nothing,
/// and few enough (1 MB, and 4 MB decoded) that the caches hold much of it.
pub(crate) const WAVE_ENTRIES: usize = 32 * TILE_HASHES;

/// Waves that may wait to be checked.
pub(crate) const WAVES_AHEAD: usize = 2;

/// What is sent on: a wave, or why there are no more. Waves follow each other without a gap, the first from 0, and
/// none but the last is short.
pub(crate) type Wave = Result<Batch, Finding>;

/// Reads all entries. Of bundles there are as many as the checkpoint says. Spent waves are filled again: fresh memory
/// costs more than what is written to it.
pub(crate) fn read(
    published: &dyn Published,
    entries: Entries<'_>,
    size: u64,
    waves: SyncSender<Wave>,
    spent: Receiver<Batch>,
) {
    let mut filling = Filling {
        wave: Batch::default(),
        waves,
        spent,
    };
    let read = match entries {
        Entries::Bundles => filling.bundles(published, size),
        Entries::Log(batches) => filling.log(batches),
    };
    if let Err(Stop::Unheard) = read {
        return;
    }
    // What came before a finding is checked first: it may hold an earlier one.
    let flushed = filling.flush();
    if let (Err(Stop::Found(finding)), Ok(())) = (read, flushed) {
        // Nobody listens if that one was found.
        let _ = filling.waves.send(Err(finding));
    }
}

/// Why reading ends early.
enum Stop {
    /// Something is wrong.
    Found(Finding),
    /// Nobody waits for more.
    Unheard,
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Stop {
        Stop::Found(finding)
    }
}

struct Filling {
    wave: Batch,
    waves: SyncSender<Wave>,
    spent: Receiver<Batch>,
}

impl Filling {
    fn bundles(&mut self, published: &dyn Published, size: u64) -> Result<(), Stop> {
        for bundle in Tile::all(TileKind::Entries, size) {
            let first = self.room()?;
            read_bundle(published, bundle, &mut self.wave).map_err(|damage| damage.at(first))?;
        }
        Ok(())
    }

    fn log(&mut self, batches: impl Iterator<Item = Result<Batch, Unreadable>>) -> Result<(), Stop> {
        for batch in batches {
            let here = self.wave.end();
            let batch = batch.map_err(|unreadable| Damage::from(unreadable).at(here))?;
            if batch.first() != here {
                let found = batch.first();
                return Err(Damage::OutOfPlace { found }.at(here).into());
            }
            for entry in batch.iter() {
                self.room()?;
                self.wave.push(entry);
            }
        }
        Ok(())
    }

    /// Makes room for a bundle or an entry, and says at which position it will stand.
    fn room(&mut self) -> Result<u64, Stop> {
        if self.wave.len() >= WAVE_ENTRIES {
            self.flush()?;
        }
        let position = self.wave.end();
        if position >= Position::LIMIT.get() {
            return Err(Damage::LogTooLong.at(position).into());
        }
        Ok(position)
    }

    fn flush(&mut self) -> Result<(), Stop> {
        let next = self.spent.try_recv().unwrap_or_default();
        let next = self.wave.next(next);
        let wave = std::mem::replace(&mut self.wave, next);
        self.waves.send(Ok(wave)).map_err(|_| Stop::Unheard)
    }
}
