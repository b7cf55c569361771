//! Records: every record's events in compact form, so that its state at any (E, K) is a short fold in memory.
//! Shared with the writer's `decide`.
//!
//! A record costs its key, about 13 bytes per event, 8 for a place, and its values; nothing is ever removed.

use std::{cmp::Ordering, hash::BuildHasher, io};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use shilu_model::{
    Action, Because, CheckEntry, Day, Entry, Event, Outcome, Position, Source, Timestamp, Value,
};

use crate::{
    bytes::{Cursor, Loader, Saver, malformed, put_bytes, put_signed, put_varint},
    names::{Name, Names, index},
};

/// The compact store of all records.
#[derive(Clone, Debug, Default)]
pub struct Records {
    slots: Vec<Record>,
    index: HashTable<u32>,
    /// Slots in the order of (kind, key), as far as they have been sorted.
    sorted: Vec<u32>,
}

/// A record's place in the store; it holds until the store is saved and loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub(crate) u32);

/// One record: kind, key and its events, as bytes.
///
/// Layout: kind (varint), key (length, bytes), the first event's position and effective time, then per event a head
/// byte, position and effective time as differences from the first, the actor unless it is the first event's, and
/// what the head byte announces.
#[derive(Clone, Debug)]
struct Record {
    bytes: Vec<u8>,
}

/// The fields that a fold needs; the others are skipped without being copied.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// All of them.
    All,
    /// Only this one, or none.
    Only(Option<Name>),
    /// Only these.
    These(&'a [Name]),
}

/// Where a field visit took place, known well enough to tell one house from the next but one; WGS 84.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Latitude in units of 10⁻⁷ degrees.
    pub lat_e7: i32,
    /// Longitude in units of 10⁻⁷ degrees.
    pub lon_e7: i32,
}

impl Site {
    /// Places that are less exact say nothing of where the actor stood.
    const ACCURACY_M_MAX: u32 = 100;

    /// The site of an event: a field visit with a place of at most 100 m accuracy.
    pub fn of(event: &Event<'_>) -> Option<Self> {
        let place = event.visit.and_then(|visit| visit.place)?;
        let exact = event.source == Source::Field && place.accuracy_m <= Site::ACCURACY_M_MAX;
        exact.then_some(Site {
            lat_e7: place.lat_e7,
            lon_e7: place.lon_e7,
        })
    }
}

// The head byte: the action in the low three bits (those on records have the first codes), then what follows.
const HEAD_ACTION: u8 = 0x07;
const HEAD_SITE: u8 = 0x08;
const HEAD_SAME_ACTOR: u8 = 0x10;
const HEAD_SETS: u8 = 0x20;
const HEAD_CHECK: u8 = 0x40;
const HEAD_VOID: u8 = 0x80;

// What a value is; texts that are names of the log (areas, kinds, …) are kept as their number.
const VALUE_NONE: u8 = 0;
const VALUE_TEXT: u8 = 1;
const VALUE_NAME: u8 = 2;
const VALUE_INTEGER: u8 = 3;
const VALUE_DECIMAL: u8 = 4;
const VALUE_TRUE: u8 = 5;
const VALUE_FALSE: u8 = 6;
const VALUE_DATE: u8 = 7;
const VALUE_REFERENCE: u8 = 8;
const VALUE_SEALED: u8 = 9;

impl Records {
    /// Adds an event to its record. Events on the register itself are not for this projection.
    pub fn apply(&mut self, event: &Event<'_>, names: &mut Names) -> Option<Slot> {
        let entry = Entry::of(event)?;
        let kind = names.intern(event.kind);
        // Classes go by area; and a value that is an area is then kept as its number.
        names.intern(event.area);
        let slot = match self.find(kind, event.key) {
            Some(slot) => slot,
            None => self.create(kind, event.key, &entry),
        };
        let record = self
            .slots
            .get_mut(index(slot.0))
            .expect("a slot that was found or made");
        record.push(&entry, Site::of(event), names);
        Some(slot)
    }

    /// A record by its kind and key.
    pub fn find(&self, kind: Name, key: &str) -> Option<Slot> {
        let same = |slot: &u32| {
            self.slots
                .get(index(*slot))
                .and_then(Record::name)
                .is_some_and(|name| name == (kind, key))
        };
        self.index.find(hash(kind, key), same).map(|slot| Slot(*slot))
    }

    /// Every slot, oldest record first.
    pub fn slots(&self, from: usize) -> impl Iterator<Item = Slot> {
        (from..self.slots.len())
            .filter_map(|slot| u32::try_from(slot).ok())
            .map(Slot)
    }

    /// The kind and the key of a record.
    pub fn name(&self, slot: Slot) -> (Name, &str) {
        self.slots
            .get(index(slot.0))
            .and_then(Record::name)
            .expect("a slot of this store")
    }

    /// The entries of a record before a position, in the order of the log.
    pub fn entries<'a>(
        &'a self,
        slot: Slot,
        end: Position,
        wanted: Wanted<'_>,
        names: &'a Names,
    ) -> Vec<Entry<'a>> {
        let mut entries = Vec::with_capacity(4);
        self.read(slot, end, wanted, names, |entry, _| entries.push(entry));
        entries
    }

    /// Shows the entries of a record before a position with the site of each, in the order of the log.
    pub fn read<'a>(
        &'a self,
        slot: Slot,
        end: Position,
        wanted: Wanted<'_>,
        names: &'a Names,
        show: impl FnMut(Entry<'a>, Option<Site>),
    ) {
        if let Some(record) = self.slots.get(index(slot.0)) {
            record.read(end, wanted, names, show);
        }
    }

    /// The place of each record in the order of kind and key, which is its slot once the store is saved and loaded.
    /// The store must be sorted.
    pub(crate) fn ranks(&self) -> Vec<u32> {
        let mut ranks = vec![0; self.slots.len()];
        for (rank, slot) in (0u32..).zip(&self.sorted) {
            if let Some(place) = ranks.get_mut(index(*slot)) {
                *place = rank;
            }
        }
        ranks
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The positions of a record's events, oldest first.
    pub fn positions(&self, slot: Slot, names: &Names) -> Vec<Position> {
        let entries = self.entries(slot, Position::new(u64::MAX), Wanted::Only(None), names);
        entries.into_iter().map(|entry| entry.position).collect()
    }

    /// Whether [`Records::after`] sees every record.
    pub fn is_sorted(&self) -> bool {
        self.sorted.len() == self.slots.len()
    }

    /// Puts the records that came since the last call into the order of (kind, key): one move of 4 bytes per record
    /// of the register, and a search for each new one.
    pub fn sort(&mut self) {
        let known = self.sorted.len();
        // Sorting by keys that lie side by side spares two cache misses per comparison.
        let mut fresh: Vec<((Name, &str), u32)> =
            self.slots(known).map(|slot| (self.name(slot), slot.0)).collect();
        fresh.sort_unstable();
        let mut merged = Vec::with_capacity(self.slots.len());
        let mut rest = self.sorted.as_slice();
        for (_, slot) in fresh {
            let before = rest.partition_point(|other| self.compare(*other, slot) == Ordering::Less);
            let (smaller, larger) = rest.split_at(before);
            merged.extend_from_slice(smaller);
            merged.push(slot);
            rest = larger;
        }
        merged.extend_from_slice(rest);
        self.sorted = merged;
    }

    /// The sorted records of a kind after a key.
    pub fn after<'a>(&'a self, kind: Name, key: Option<&str>) -> impl Iterator<Item = Slot> + use<'a> {
        let from = self.sorted.partition_point(|slot| {
            let (other_kind, other_key) = self.name(Slot(*slot));
            (other_kind, Some(other_key)) <= (kind, key) && (other_kind != kind || key.is_some())
        });
        let rest = self.sorted.get(from..).unwrap_or_default();
        rest.iter()
            .map(|slot| Slot(*slot))
            .take_while(move |slot| self.name(*slot).0 == kind)
    }

    fn compare(&self, a: u32, b: u32) -> Ordering {
        self.name(Slot(a)).cmp(&self.name(Slot(b)))
    }

    fn create(&mut self, kind: Name, key: &str, first: &Entry<'_>) -> Slot {
        let slot =
            u32::try_from(self.slots.len()).expect("a log of fewer than 2^32 events has fewer records");
        self.slots.push(Record::new(kind, key, first));
        self.index_slot(slot, hash(kind, key));
        Slot(slot)
    }

    fn index_slot(&mut self, slot: u32, hash: u64) {
        let slots = &self.slots;
        self.index.insert_unique(hash, slot, |slot| {
            slots
                .get(index(*slot))
                .and_then(Record::name)
                .map_or(0, |(kind, key)| self::hash(kind, key))
        });
    }

    pub(crate) fn save(&self, saver: &mut Saver<'_>) -> io::Result<()> {
        debug_assert!(self.is_sorted(), "sorted by whoever saves");
        saver.count(self.sorted.len())?;
        let records = self.sorted.iter().filter_map(|slot| self.slots.get(index(*slot)));
        records
            .into_iter()
            .try_for_each(|record| saver.bytes(&record.bytes))
    }

    pub(crate) fn load(loader: &mut Loader<'_>) -> io::Result<Self> {
        let count = loader.number_u32()?;
        let mut records = Records::default();
        // Nothing is reserved: the checksum comes last, and a forged count must not take memory.
        for slot in 0..count {
            let record = Record {
                bytes: loader.bytes()?,
            };
            record.name().ok_or_else(malformed)?;
            records.slots.push(record);
            records.sorted.push(slot);
        }
        records.slots.shrink_to_fit();
        records.sorted.shrink_to_fit();
        records.index.reserve(index(count), |_| 0);
        for slot in 0..count {
            let (kind, key) = records.name(Slot(slot));
            records.index_slot(slot, hash(kind, key));
        }
        if records
            .sorted
            .is_sorted_by(|a, b| records.compare(*a, *b) == Ordering::Less)
        {
            Ok(records)
        } else {
            Err(malformed())
        }
    }
}

fn hash(kind: Name, key: &str) -> u64 {
    FxBuildHasher.hash_one((kind.0, key))
}

impl Record {
    fn new(kind: Name, key: &str, first: &Entry<'_>) -> Self {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, u64::from(kind.0));
        put_bytes(&mut bytes, key.as_bytes());
        put_varint(&mut bytes, first.position.get());
        put_signed(&mut bytes, first.effective.micros());
        Record { bytes }
    }

    fn name(&self) -> Option<(Name, &str)> {
        let mut cursor = Cursor(&self.bytes);
        Some((Name(cursor.varint_u32()?), cursor.text()?))
    }

    /// Splits off what stands before the entries.
    fn first(&self) -> Option<(Position, Timestamp, Cursor<'_>)> {
        let mut cursor = Cursor(&self.bytes);
        cursor.varint()?;
        cursor.bytes()?;
        Some((
            Position::new(cursor.varint()?),
            Timestamp::from_micros(cursor.signed()?),
            cursor,
        ))
    }

    /// The actor of the first event.
    fn first_actor(&self) -> Option<Name> {
        let (_, _, mut cursor) = self.first()?;
        cursor.byte()?;
        cursor.varint()?;
        cursor.signed()?;
        cursor.varint_u32().map(Name)
    }

    fn push(&mut self, entry: &Entry<'_>, site: Option<Site>, names: &mut Names) {
        let (position, effective, _) = self.first().expect("a record begins with its first event");
        let actor = names.intern(entry.actor);
        let same_actor = self.first_actor() == Some(actor);
        let mut out = Vec::with_capacity(64);
        let flag = |bit: u8, set: bool| if set { bit } else { 0 };
        out.push(
            action_code(entry.action)
                | flag(HEAD_SAME_ACTOR, same_actor)
                | flag(HEAD_SITE, site.is_some())
                | flag(HEAD_SETS, !entry.sets.is_empty())
                | flag(HEAD_CHECK, entry.check.is_some())
                | flag(HEAD_VOID, entry.void.is_some()),
        );
        put_varint(&mut out, entry.position.get().wrapping_sub(position.get()));
        put_signed(
            &mut out,
            entry.effective.micros().wrapping_sub(effective.micros()),
        );
        if !same_actor {
            put_varint(&mut out, u64::from(actor.0));
        }
        if let Some(site) = site {
            out.extend_from_slice(&site.lat_e7.to_le_bytes());
            out.extend_from_slice(&site.lon_e7.to_le_bytes());
        }
        if let Some(check) = entry.check {
            out.push(outcome_code(check.outcome) | flag(0x80, check.differs));
            put_varint(&mut out, u64::from(names.intern(entry.area).0));
        }
        if let Some(void) = entry.void {
            put_bytes(
                &mut out,
                if let Because::DuplicateOf(name) = void {
                    name.as_bytes()
                } else {
                    b""
                },
            );
        }
        if !entry.sets.is_empty() {
            put_varint(&mut out, crate::bytes::len_u64(entry.sets.len()));
            for (field, value) in &entry.sets {
                put_varint(&mut out, u64::from(names.intern(field).0));
                put_value(&mut out, *value, names);
            }
        }
        // Doubling would waste a third of the memory on records that rarely grow; a much corrected one may.
        const GROWS_EXACTLY_BYTES: usize = 1_024;
        if self.bytes.len() < GROWS_EXACTLY_BYTES {
            self.bytes.reserve_exact(out.len());
        }
        self.bytes.extend_from_slice(&out);
    }

    fn read<'a>(
        &'a self,
        end: Position,
        wanted: Wanted<'_>,
        names: &'a Names,
        mut show: impl FnMut(Entry<'a>, Option<Site>),
    ) {
        let Some((first_position, first_effective, mut cursor)) = self.first() else {
            return;
        };
        let mut first_actor = Name::NONE;
        while !cursor.0.is_empty() {
            let (entry, site) = read_entry(
                &mut cursor,
                first_position,
                first_effective,
                &mut first_actor,
                wanted,
                names,
            )
            .expect("this module wrote the bytes, and a loaded file's checksum was right");
            if entry.position >= end {
                break;
            }
            show(entry, site);
        }
    }
}

fn read_entry<'a>(
    cursor: &mut Cursor<'a>,
    first_position: Position,
    first_effective: Timestamp,
    first_actor: &mut Name,
    wanted: Wanted<'_>,
    names: &'a Names,
) -> Option<(Entry<'a>, Option<Site>)> {
    let head = cursor.byte()?;
    let position = Position::new(first_position.get().wrapping_add(cursor.varint()?));
    let effective = Timestamp::from_micros(first_effective.micros().wrapping_add(cursor.signed()?));
    let actor = if head & HEAD_SAME_ACTOR == 0 {
        Name(cursor.varint_u32()?)
    } else {
        *first_actor
    };
    if position == first_position {
        *first_actor = actor;
    }
    let site = if head & HEAD_SITE == 0 {
        None
    } else {
        let mut degrees = || cursor.array().map(i32::from_le_bytes);
        Some(Site {
            lat_e7: degrees()?,
            lon_e7: degrees()?,
        })
    };
    let (check, area) = if head & HEAD_CHECK == 0 {
        (None, "")
    } else {
        let code = cursor.byte()?;
        let check = CheckEntry {
            outcome: outcome_of(code & 0x7f)?,
            differs: code & 0x80 != 0,
        };
        (Some(check), names.text(Name(cursor.varint_u32()?)))
    };
    let void = if head & HEAD_VOID == 0 {
        None
    } else {
        let name = cursor.text()?;
        Some(if name.is_empty() {
            Because::Erroneous
        } else {
            Because::DuplicateOf(name)
        })
    };
    let mut sets = Vec::new();
    if head & HEAD_SETS != 0 {
        for _ in 0..cursor.varint()? {
            let field = Name(cursor.varint_u32()?);
            let value = read_value(cursor, names)?;
            let keep = match wanted {
                Wanted::All => true,
                Wanted::Only(name) => name == Some(field),
                Wanted::These(names) => names.contains(&field),
            };
            if keep {
                sets.push((names.text(field), value));
            }
        }
    }
    let action = action_of(head & HEAD_ACTION)?;
    let entry = Entry {
        position,
        effective,
        action,
        actor: names.text(actor),
        area,
        sets,
        check,
        void,
    };
    Some((entry, site))
}

fn put_value(out: &mut Vec<u8>, value: Option<Value<'_>>, names: &Names) {
    let mut tagged = |tag: u8, bytes: &[u8]| {
        out.push(tag);
        put_bytes(out, bytes);
    };
    match value {
        None => out.push(VALUE_NONE),
        Some(Value::Text(text)) => match names.find(text) {
            Some(name) => {
                out.push(VALUE_NAME);
                put_varint(out, u64::from(name.0));
            }
            None => tagged(VALUE_TEXT, text.as_bytes()),
        },
        Some(Value::Decimal(text)) => tagged(VALUE_DECIMAL, text.as_bytes()),
        Some(Value::Reference(name)) => tagged(VALUE_REFERENCE, name.as_bytes()),
        Some(Value::Sealed(bytes)) => tagged(VALUE_SEALED, bytes),
        Some(Value::Boolean(truth)) => out.push(if truth { VALUE_TRUE } else { VALUE_FALSE }),
        Some(Value::Integer(number)) => {
            out.push(VALUE_INTEGER);
            put_signed(out, number);
        }
        Some(Value::Date(day)) => {
            out.push(VALUE_DATE);
            put_signed(out, i64::from(day.number()));
        }
    }
}

fn read_value<'a>(cursor: &mut Cursor<'a>, names: &'a Names) -> Option<Option<Value<'a>>> {
    Some(match cursor.byte()? {
        VALUE_NONE => None,
        VALUE_TEXT => Some(Value::Text(cursor.text()?)),
        VALUE_NAME => Some(Value::Text(names.text(Name(cursor.varint_u32()?)))),
        VALUE_INTEGER => Some(Value::Integer(cursor.signed()?)),
        VALUE_DECIMAL => Some(Value::Decimal(cursor.text()?)),
        VALUE_TRUE => Some(Value::Boolean(true)),
        VALUE_FALSE => Some(Value::Boolean(false)),
        VALUE_DATE => Some(Value::Date(Day::from_number(
            i32::try_from(cursor.signed()?).ok()?,
        ))),
        VALUE_REFERENCE => Some(Value::Reference(cursor.text()?)),
        VALUE_SEALED => Some(Value::Sealed(cursor.bytes()?)),
        _ => return None,
    })
}

fn action_code(action: Action) -> u8 {
    code_in(Action::ALL, &action)
}

fn action_of(code: u8) -> Option<Action> {
    Action::ALL.get(usize::from(code)).copied()
}

fn outcome_code(outcome: Outcome) -> u8 {
    code_in(Outcome::ALL, &outcome)
}

fn outcome_of(code: u8) -> Option<Outcome> {
    Outcome::ALL.get(usize::from(code)).copied()
}

fn code_in<T: PartialEq>(all: &[T], wanted: &T) -> u8 {
    let place = all.iter().position(|one| one == wanted).unwrap_or(0);
    u8::try_from(place).unwrap_or(0)
}
