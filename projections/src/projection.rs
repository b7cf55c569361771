//! The set of projections: folded in step, saved and loaded together at one position.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use sha2::{Digest, Sha256};
use shilu_model::{Campaign, DayFinder, Event, Position, Timestamp};
use thiserror::Error;

use crate::{
    bytes::{Loader, Saver},
    changes::Changes,
    class::{self, Class},
    counts::Counts,
    ids::Ids,
    names::{Name, Names},
    rates::Rates,
    records::{Records, Slot, Wanted},
    settings::Settings,
    times::Times,
};

/// A projection: a pure fold of events that can be saved and loaded.
///
/// `docs/adding-a-projection.md` is the checklist for a new one.
pub trait Projection: Sized {
    /// Its name, which is also its file's.
    const NAME: &'static str;
    /// Raised whenever what is saved, or what it means, changes: then saved ones are rebuilt.
    const VERSION: u32;

    /// Writes it. The same events give the same bytes, however they came in.
    fn save(&self, saver: &mut Saver<'_>) -> io::Result<()>;
    /// Reads what was written.
    fn load(loader: &mut Loader<'_>) -> io::Result<Self>;
}

macro_rules! projection {
    ($($type:ident, $name:literal, $version:literal, |$self:ident| $inner:expr, $make:expr;)+) => {$(
        impl Projection for $type {
            const NAME: &'static str = $name;
            const VERSION: u32 = $version;

            fn save(&self, saver: &mut Saver<'_>) -> io::Result<()> {
                let $self = self;
                $inner.save(saver)
            }

            fn load(loader: &mut Loader<'_>) -> io::Result<Self> {
                $make(loader)
            }
        }
    )+};
}

projection! {
    Names, "names", 1, |it| it, Names::load;
    Records, "records", 1, |it| it, Records::load;
    Ids, "ids", 1, |it| it, Ids::load;
    Times, "times", 1, |it| it, Times::load;
    Settings, "settings", 1, |it| it, Settings::load;
    Changes, "changes", 1, |it| it, Changes::load;
    Counts, "counts", 1, |it| it.0, |loader: &mut Loader<'_>| crate::tally::Tally::load(loader).map(Counts);
    Rates, "rates", 1, |it| it.0, |loader: &mut Loader<'_>| crate::tally::Tally::load(loader).map(Rates);
}

/// All projections of a register at one position: two groups, each folded on its own.
#[derive(Clone, Debug)]
pub struct Projections {
    /// What there is.
    pub subjects: Subjects,
    /// What was done.
    pub trail: Trail,
}

/// What there is: records, and the figures that follow from them.
#[derive(Clone, Debug)]
pub struct Subjects {
    campaign: Arc<Campaign>,
    days: DayFinder,
    end: Position,
    /// Every name that records and figures use.
    pub names: Names,
    /// Every record's events.
    pub records: Records,
    /// How many, per day.
    pub counts: Counts,
    /// Every indicator, per day.
    pub rates: Rates,
}

/// What was done: the events themselves, by what they can be looked up by.
#[derive(Clone, Debug)]
pub struct Trail {
    end: Position,
    last_recorded: Timestamp,
    /// Where an event stands.
    pub ids: Ids,
    /// Which position belongs to an instant.
    pub times: Times,
    /// The register's own fields.
    pub settings: Settings,
    /// Who changed what.
    pub changes: Changes,
}

impl Projections {
    /// The projections of an empty log.
    pub fn new(campaign: Arc<Campaign>) -> Self {
        Projections {
            subjects: Subjects {
                days: DayFinder::new(campaign.zone),
                campaign,
                end: Position::ZERO,
                names: Names::default(),
                records: Records::default(),
                counts: Counts::default(),
                rates: Rates::default(),
            },
            trail: Trail {
                end: Position::ZERO,
                last_recorded: Timestamp::MIN,
                ids: Ids::default(),
                times: Times::default(),
                settings: Settings::default(),
                changes: Changes::default(),
            },
        }
    }

    /// The position of the next event.
    pub fn end(&self) -> Position {
        assert_eq!(
            self.subjects.end, self.trail.end,
            "both groups have folded the same events"
        );
        self.trail.end
    }

    /// The recorded time of the last event.
    pub fn last_recorded(&self) -> Timestamp {
        self.trail.last_recorded
    }

    /// Folds the next event of the log.
    pub fn apply(&mut self, event: &Event<'_>) {
        self.subjects.apply(event);
        self.trail.apply(event);
    }
}

impl Trail {
    /// Folds the next event of the log.
    pub fn apply(&mut self, event: &Event<'_>) {
        assert_eq!(
            event.position, self.end,
            "events are folded in the order of the log, each once"
        );
        self.end = self.end.next();
        self.last_recorded = event.recorded;
        self.ids.apply(event.id, event.position);
        self.times.apply(event.position, event.recorded);
        self.settings.apply(event);
        self.changes.apply(event);
    }
}

impl Subjects {
    /// Folds the next event of the log.
    pub fn apply(&mut self, event: &Event<'_>) {
        assert_eq!(
            event.position, self.end,
            "events are folded in the order of the log, each once"
        );
        self.end = self.end.next();
        let Some(slot) = self.records.apply(event, &mut self.names) else {
            return;
        };
        let (kind, _) = self.records.name(slot);
        let campaign = Arc::clone(&self.campaign);
        let area_field = area_field(&campaign, event.kind);
        let mut days = self.days.clone();
        let entries = self.class_entries(slot, Position::new(u64::MAX), area_field);
        let step = class::step(&entries, event.recorded, area_field, &self.names, &mut days);
        self.days = days;
        if let Some(step) = step {
            self.counts.apply(kind, &step);
            self.rates.apply(kind, &step);
        }
    }

    /// The class of a record at one (effective, recorded) pair.
    pub fn class_at(&self, slot: Slot, effective: Timestamp, known_end: Position) -> Class {
        let (kind, _) = self.records.name(slot);
        let area_field = area_field(&self.campaign, self.names.text(kind));
        let entries = self.class_entries(slot, known_end, area_field);
        class::class_at(&entries, effective, area_field, &self.names)
    }

    fn class_entries(
        &self,
        slot: Slot,
        end: Position,
        area_field: Option<&str>,
    ) -> Vec<shilu_model::Entry<'_>> {
        let wanted: Option<Name> = area_field.and_then(|field| self.names.find(field));
        self.records.entries(slot, end, Wanted::Only(wanted), &self.names)
    }
}

impl Projections {
    /// Puts everything into the order in which it is saved.
    pub fn settle(&mut self) {
        if !self.subjects.records.is_sorted() {
            self.subjects.records.sort();
        }
    }

    /// The files of a saved set: their names without folder.
    pub fn files() -> [String; 8] {
        [
            file_name::<Names>(),
            file_name::<Records>(),
            file_name::<Ids>(),
            file_name::<Times>(),
            file_name::<Settings>(),
            file_name::<Changes>(),
            file_name::<Counts>(),
            file_name::<Rates>(),
        ]
    }

    /// Writes one file of the set; call [`Projections::settle`] before.
    pub fn save(&self, file: &str, log_hash: [u8; 32], out: &mut dyn Write) -> io::Result<()> {
        let stamp = Stamp {
            end: self.end(),
            last_recorded: self.last_recorded(),
            log_hash,
        };
        match file.split('.').next() {
            Some(Names::NAME) => save_file(&self.subjects.names, stamp, out),
            Some(Records::NAME) => save_file(&self.subjects.records, stamp, out),
            Some(Ids::NAME) => save_file(&self.trail.ids, stamp, out),
            Some(Times::NAME) => save_file(&self.trail.times, stamp, out),
            Some(Settings::NAME) => save_file(&self.trail.settings, stamp, out),
            Some(Changes::NAME) => save_file(&self.trail.changes, stamp, out),
            Some(Counts::NAME) => save_file(&self.subjects.counts, stamp, out),
            Some(Rates::NAME) => save_file(&self.subjects.rates, stamp, out),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such projection")),
        }
    }
}

fn area_field<'a>(campaign: &'a Campaign, kind: &str) -> Option<&'a str> {
    campaign.kind(kind).and_then(|kind| kind.area.as_deref())
}

/// Where in which log a saved projection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The position of the next event.
    pub end: Position,
    /// The recorded time of the last event.
    pub last_recorded: Timestamp,
    /// The hash of the chunk that ends there.
    pub log_hash: [u8; 32],
}

/// Why a saved projection cannot be used. It is rebuilt.
#[derive(Debug, Error)]
pub enum LoadError {
    /// It is of another make.
    #[error("it is not a saved projection of this version")]
    OtherMake,
    /// Its checksum is wrong.
    #[error("its checksum is wrong")]
    Checksum,
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[from] io::Error),
}

/// Before the body: what it is, where it stands; after it: SHA-256 of all before.
const MAGIC: &[u8; 8] = b"shilu-p1";

/// The name of a projection's file.
pub fn file_name<P: Projection>() -> String {
    format!("{}.{}", P::NAME, P::VERSION)
}

/// The position at which a file says that it stands; `None` if it is no saved projection.
pub fn saved_end(file: &[u8]) -> Option<Position> {
    let (_version, rest) = file.strip_prefix(MAGIC)?.split_first_chunk::<4>()?;
    rest.first_chunk()
        .map(|end| Position::new(u64::from_le_bytes(*end)))
}

fn save_file<P: Projection>(projection: &P, stamp: Stamp, out: &mut dyn Write) -> io::Result<()> {
    let mut hashed = Hashed {
        inner: &mut *out,
        digest: Sha256::new(),
    };
    hashed.write_all(MAGIC)?;
    hashed.write_all(&P::VERSION.to_le_bytes())?;
    hashed.write_all(&stamp.end.get().to_le_bytes())?;
    hashed.write_all(&stamp.last_recorded.micros().to_le_bytes())?;
    hashed.write_all(&stamp.log_hash)?;
    let mut saver = Saver::new(&mut hashed);
    projection.save(&mut saver)?;
    saver.finish()?;
    let digest = hashed.digest.finalize();
    out.write_all(&digest)
}

/// Reads a saved projection whose file is `length` bytes long.
pub fn load_file<P: Projection>(input: &mut dyn Read, length: u64) -> Result<(P, Stamp), LoadError> {
    const DIGEST_BYTES: u64 = 32;
    let body = length.checked_sub(DIGEST_BYTES).ok_or(LoadError::OtherMake)?;
    let mut hashed = Hashed {
        inner: Read::take(&mut *input, body),
        digest: Sha256::new(),
    };
    let (mut magic, mut version, mut end) = ([0; 8], [0; 4], [0; 8]);
    let (mut recorded, mut log_hash) = ([0; 8], [0; 32]);
    hashed.read_exact(&mut magic)?;
    hashed.read_exact(&mut version)?;
    if &magic != MAGIC || u32::from_le_bytes(version) != P::VERSION {
        return Err(LoadError::OtherMake);
    }
    hashed.read_exact(&mut end)?;
    hashed.read_exact(&mut recorded)?;
    hashed.read_exact(&mut log_hash)?;
    let mut loader = Loader::new(&mut hashed);
    let projection = P::load(&mut loader)?;
    loader.finish()?;
    let digest = hashed.digest.finalize();
    let mut stored = [0; 32];
    input.read_exact(&mut stored)?;
    if digest.as_slice() != stored {
        return Err(LoadError::Checksum);
    }
    let stamp = Stamp {
        end: Position::new(u64::from_le_bytes(end)),
        last_recorded: Timestamp::from_micros(i64::from_le_bytes(recorded)),
        log_hash,
    };
    Ok((projection, stamp))
}

impl Subjects {
    /// The group made of parts that were loaded with the same stamp.
    pub fn of_parts(
        campaign: Arc<Campaign>,
        stamp: Stamp,
        (names, records, counts, rates): (Names, Records, Counts, Rates),
    ) -> Self {
        Subjects {
            days: DayFinder::new(campaign.zone),
            campaign,
            end: stamp.end,
            names,
            records,
            counts,
            rates,
        }
    }
}

impl Trail {
    /// The group made of parts that were loaded with the same stamp.
    pub fn of_parts(stamp: Stamp, (ids, times, settings, changes): (Ids, Times, Settings, Changes)) -> Self {
        Trail {
            end: stamp.end,
            last_recorded: stamp.last_recorded,
            ids,
            times,
            settings,
            changes,
        }
    }
}

/// Hashes what passes through.
struct Hashed<T> {
    inner: T,
    digest: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digest.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
