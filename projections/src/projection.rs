//! The set of projections: folded in step, saved and loaded together at one position.

use std::{
    io::{self, Read, Write},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use sha2::{Digest, Sha256};
use shilu_model::{Campaign, DayFinder, Entry, Event, Position, Timestamp};
use thiserror::Error;

use crate::{
    bytes::{Loader, Saver},
    changes::Changes,
    class::{self, Class},
    counts::Counts,
    ids::Ids,
    indicators::{Indicators, Plan},
    names::{Name, Names},
    rates::Rates,
    records::{Records, Slot, Wanted},
    samples::Samples,
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

    /// Writes it. The same events give the same bytes, however they came in: whoever names records does so by their
    /// places in `records`, which are sorted.
    fn save(&self, records: &Records, saver: &mut Saver<'_>) -> io::Result<()>;
    /// Reads what was written.
    fn load(loader: &mut Loader<'_>) -> io::Result<Self>;
}

macro_rules! projection {
    ($($type:ident, $name:literal, $version:literal, |$self:ident| $inner:expr, $make:expr;)+) => {$(
        impl Projection for $type {
            const NAME: &'static str = $name;
            const VERSION: u32 = $version;

            fn save(&self, _: &Records, saver: &mut Saver<'_>) -> io::Result<()> {
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
    Names, "names", 2, |it| it, Names::load;
    Records, "records", 2, |it| it, Records::load;
    Ids, "ids", 1, |it| it, Ids::load;
    Times, "times", 1, |it| it, Times::load;
    Settings, "settings", 1, |it| it, Settings::load;
    Samples, "samples", 1, |it| it, Samples::load;
    Changes, "changes", 1, |it| it, Changes::load;
    Counts, "counts", 2, |it| it.0, |loader: &mut Loader<'_>| crate::tally::Tally::load(loader).map(Counts);
    Rates, "rates", 2, |it| it.0, |loader: &mut Loader<'_>| crate::tally::Tally::load(loader).map(Rates);
}

impl Projection for Indicators {
    const NAME: &'static str = "indicators";
    const VERSION: u32 = 3;

    fn save(&self, records: &Records, saver: &mut Saver<'_>) -> io::Result<()> {
        Indicators::save(self, &records.ranks(), saver)
    }

    fn load(loader: &mut Loader<'_>) -> io::Result<Self> {
        Indicators::load(loader)
    }
}

/// All projections of a register: three groups, so that the writer, who needs the records alone, need not wait while
/// the others are folded. Behind one lock for the records, figures and trail have their own.
#[derive(Debug)]
pub struct Projections {
    /// What there is.
    pub subjects: Subjects,
    figures: RwLock<Figures>,
    trail: RwLock<Trail>,
}

/// What there is: every record's events.
#[derive(Clone, Debug)]
pub struct Subjects {
    /// The campaigns, each in force from a position on; the first from the beginning.
    eras: Vec<Era>,
    end: Position,
    /// Every name that records and figures use.
    pub names: Names,
    /// Every record's events.
    pub records: Records,
}

/// A campaign while it is in force.
#[derive(Clone, Debug)]
struct Era {
    /// The first position that is judged by it.
    from: Position,
    campaign: Arc<Campaign>,
    plan: Arc<Plan>,
}

/// How many there are: the figures that follow from the records.
#[derive(Clone, Debug)]
pub struct Figures {
    days: DayFinder,
    end: Position,
    last_recorded: Timestamp,
    /// How many, per day.
    pub counts: Counts,
    /// The indicators that every kind has, per day.
    pub rates: Rates,
    /// The campaign's indicators, per day.
    pub indicators: Indicators,
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
    /// Which samples were announced, and what cites them.
    pub samples: Samples,
}

impl Projections {
    /// The projections of an empty log.
    pub fn new(campaign: Arc<Campaign>) -> Self {
        let days = DayFinder::new(campaign.zone);
        Projections {
            subjects: Subjects::new(campaign),
            figures: RwLock::new(Figures {
                days,
                end: Position::ZERO,
                last_recorded: Timestamp::MIN,
                counts: Counts::default(),
                rates: Rates::default(),
                indicators: Indicators::default(),
            }),
            trail: RwLock::new(Trail {
                end: Position::ZERO,
                last_recorded: Timestamp::MIN,
                ids: Ids::default(),
                times: Times::default(),
                settings: Settings::default(),
                changes: Changes::default(),
                samples: Samples::default(),
            }),
        }
    }

    /// The set made of groups that were loaded with the same stamp.
    pub fn of_groups(subjects: Subjects, figures: Figures, trail: Trail) -> Self {
        Projections {
            subjects,
            figures: RwLock::new(figures),
            trail: RwLock::new(trail),
        }
    }

    /// The position of the next event that no group has folded yet. The trail comes last.
    pub fn end(&self) -> Position {
        self.trail().end
    }

    /// The recorded time of the last event.
    pub fn last_recorded(&self) -> Timestamp {
        self.trail().last_recorded
    }

    /// The figures, to be read.
    pub fn figures(&self) -> RwLockReadGuard<'_, Figures> {
        self.figures.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The trail, to be read.
    pub fn trail(&self) -> RwLockReadGuard<'_, Trail> {
        self.trail.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Folds figures and trail up to where [`Subjects::apply`] has brought the records; `slots` is what that gave.
    pub fn follow(&self, events: &[Event<'_>], slots: &[Option<Slot>]) {
        let mut figures = self.figures.write().unwrap_or_else(PoisonError::into_inner);
        for (event, slot) in events.iter().zip(slots) {
            figures.apply(event, *slot, &self.subjects);
        }
        figures.settle(&self.subjects);
        drop(figures);
        let mut trail = self.trail.write().unwrap_or_else(PoisonError::into_inner);
        events.iter().for_each(|event| trail.apply(event));
    }

    /// The groups, to be folded side by side: records with their figures, and the trail.
    pub fn groups(&mut self) -> (&mut Subjects, &mut Figures, &mut Trail) {
        let figures = self.figures.get_mut().unwrap_or_else(PoisonError::into_inner);
        let trail = self.trail.get_mut().unwrap_or_else(PoisonError::into_inner);
        (&mut self.subjects, figures, trail)
    }
}

impl Trail {
    /// Folds the next event of the log.
    pub fn apply(&mut self, event: &Event<'_>) {
        next(&mut self.end, event);
        self.last_recorded = event.recorded;
        self.ids.apply(event.id, event.position);
        self.times.apply(event.position, event.recorded);
        self.settings.apply(event);
        self.changes.apply(event);
        self.samples.apply(event);
    }

    /// The position of the next event.
    pub fn end(&self) -> Position {
        self.end
    }

    /// The recorded time of the last event.
    pub fn last_recorded(&self) -> Timestamp {
        self.last_recorded
    }
}

impl Figures {
    /// Folds the next event of the log, which `subjects` have folded and put into `slot`.
    pub fn apply(&mut self, event: &Event<'_>, slot: Option<Slot>, subjects: &Subjects) {
        next(&mut self.end, event);
        self.last_recorded = event.recorded;
        let kept = (&subjects.names, &subjects.records);
        let era = subjects.era(event.position);
        let Some(slot) = slot else {
            let next = subjects.era(event.position.next());
            if next.from > event.position {
                let (old, new) = ((&*era.campaign, &*era.plan), (&*next.campaign, &*next.plan));
                self.indicators.change_campaign(event, old, new, kept);
            }
            return;
        };
        self.indicators
            .apply(event, slot, (&era.campaign, &era.plan), kept);
        let (kind, _) = subjects.records.name(slot);
        let area_field = subjects.area_field(event.kind);
        let entries = subjects.class_entries(slot, event.position.next(), area_field);
        if let Some(step) = class::step(
            &entries,
            event.recorded,
            area_field,
            &subjects.names,
            &mut self.days,
        ) {
            self.counts.apply(kind, &step);
            self.rates.apply(kind, &step);
        }
    }

    /// Brings the figures up to the last event that was folded. To be called before anything is asked.
    pub fn settle(&mut self, subjects: &Subjects) {
        self.counts.0.settle();
        self.rates.0.settle();
        let era = subjects.era(self.end);
        let kept = (&subjects.names, &subjects.records);
        self.indicators.settle((&era.campaign, &era.plan), kept, self.end);
    }

    /// The position of the next event.
    pub fn end(&self) -> Position {
        self.end
    }

    /// The recorded time of the last event.
    pub fn last_recorded(&self) -> Timestamp {
        self.last_recorded
    }
}

impl Subjects {
    fn new(campaign: Arc<Campaign>) -> Self {
        let mut subjects = Subjects {
            eras: Vec::new(),
            end: Position::ZERO,
            names: Names::default(),
            records: Records::default(),
        };
        subjects.begin_era(Position::ZERO, campaign);
        subjects
    }

    /// Another campaign is in force from a position on, which must be the next one, or one that a loaded set has passed.
    pub fn begin_era(&mut self, from: Position, campaign: Arc<Campaign>) {
        let plan = Arc::new(Plan::new(&campaign, &mut self.names));
        self.eras.push(Era { from, campaign, plan });
    }

    fn era(&self, position: Position) -> &Era {
        let begun = self.eras.partition_point(|era| era.from <= position);
        let last = begun.checked_sub(1).and_then(|last| self.eras.get(last));
        last.expect("the first era begins at the first position")
    }

    /// The campaign by which the event at a position is judged.
    pub fn campaign(&self, position: Position) -> &Arc<Campaign> {
        &self.era(position).campaign
    }

    /// From which position on that campaign is in force.
    pub fn campaign_since(&self, position: Position) -> Position {
        self.era(position).from
    }

    /// Whether the campaign was never changed.
    pub fn has_one_campaign(&self) -> bool {
        self.eras.len() == 1
    }

    pub(crate) fn plan(&self, position: Position) -> &Plan {
        &self.era(position).plan
    }

    /// Folds the next event of the log; gives its record's place, if it is about one.
    pub fn apply(&mut self, event: &Event<'_>) -> Option<Slot> {
        next(&mut self.end, event);
        self.records.apply(event, &mut self.names)
    }

    /// The position of the next event.
    pub fn end(&self) -> Position {
        self.end
    }

    /// The class of a record at one (effective, recorded) pair.
    pub fn class_at(&self, slot: Slot, effective: Timestamp, known_end: Position) -> Class {
        let (kind, _) = self.records.name(slot);
        let area_field = self.area_field(self.names.text(kind));
        let entries = self.class_entries(slot, known_end, area_field);
        class::class_at(&entries, effective, area_field, &self.names)
    }

    fn class_entries(&self, slot: Slot, end: Position, area_field: Option<&str>) -> Vec<Entry<'_>> {
        let wanted: Option<Name> = area_field.and_then(|field| self.names.find(field));
        self.records.entries(slot, end, Wanted::Only(wanted), &self.names)
    }

    fn area_field(&self, kind: &str) -> Option<&str> {
        let campaign = &self.era(self.end).campaign;
        campaign.kind(kind).and_then(|kind| kind.area.as_deref())
    }
}

fn next(end: &mut Position, event: &Event<'_>) {
    assert_eq!(
        event.position, *end,
        "events are folded in the order of the log, each once"
    );
    *end = end.next();
}

impl Projections {
    /// Puts everything into the order in which it is saved.
    pub fn settle(&mut self) {
        let (subjects, figures, _) = self.groups();
        figures.settle(subjects);
        if !self.subjects.records.is_sorted() {
            self.subjects.records.sort();
        }
    }

    /// The files of a saved set: their names without folder.
    pub fn files() -> [String; 10] {
        [
            file_name::<Names>(),
            file_name::<Records>(),
            file_name::<Ids>(),
            file_name::<Times>(),
            file_name::<Settings>(),
            file_name::<Changes>(),
            file_name::<Samples>(),
            file_name::<Counts>(),
            file_name::<Rates>(),
            file_name::<Indicators>(),
        ]
    }

    /// Writes one file of the set; call [`Projections::settle`] before, and fold nothing meanwhile.
    pub fn save(&self, file: &str, log_hash: [u8; 32], out: &mut dyn Write) -> io::Result<()> {
        let stamp = Stamp {
            end: self.end(),
            last_recorded: self.last_recorded(),
            log_hash,
        };
        let records = &self.subjects.records;
        match file.split('.').next() {
            Some(Names::NAME) => save_file(&self.subjects.names, records, stamp, out),
            Some(Records::NAME) => save_file(records, records, stamp, out),
            Some(Ids::NAME) => save_file(&self.trail().ids, records, stamp, out),
            Some(Times::NAME) => save_file(&self.trail().times, records, stamp, out),
            Some(Settings::NAME) => save_file(&self.trail().settings, records, stamp, out),
            Some(Changes::NAME) => save_file(&self.trail().changes, records, stamp, out),
            Some(Samples::NAME) => save_file(&self.trail().samples, records, stamp, out),
            Some(Counts::NAME) => save_file(&self.figures().counts, records, stamp, out),
            Some(Rates::NAME) => save_file(&self.figures().rates, records, stamp, out),
            Some(Indicators::NAME) => save_file(&self.figures().indicators, records, stamp, out),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such projection")),
        }
    }
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

fn save_file<P: Projection>(
    projection: &P,
    records: &Records,
    stamp: Stamp,
    out: &mut dyn Write,
) -> io::Result<()> {
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
    projection.save(records, &mut saver)?;
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
    pub fn of_parts(campaign: Arc<Campaign>, stamp: Stamp, (names, records): (Names, Records)) -> Self {
        let mut subjects = Subjects {
            eras: Vec::new(),
            end: stamp.end,
            names,
            records,
        };
        subjects.begin_era(Position::ZERO, campaign);
        subjects
    }
}

impl Figures {
    /// The group made of parts that were loaded with the same stamp.
    pub fn of_parts(
        campaign: &Campaign,
        stamp: Stamp,
        (counts, rates, indicators): (Counts, Rates, Indicators),
    ) -> Self {
        let days = DayFinder::new(campaign.zone);
        Figures {
            days,
            end: stamp.end,
            last_recorded: stamp.last_recorded,
            counts,
            rates,
            indicators,
        }
    }
}

impl Trail {
    /// The group made of parts that were loaded with the same stamp.
    pub fn of_parts(
        stamp: Stamp,
        (ids, times, settings, changes, samples): (Ids, Times, Settings, Changes, Samples),
    ) -> Self {
        Trail {
            end: stamp.end,
            last_recorded: stamp.last_recorded,
            ids,
            times,
            settings,
            changes,
            samples,
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
