//! What the third stage keeps of records: all that the rules may still ask of their events, by record, in few bytes.
//!
//! Millions of records fit no cache, so that looking at one costs as much as judging its event. Therefore all of a
//! record is one piece of memory, found in one step and brought near before it is needed.

use std::hash::BuildHasher;

use bincode::{BorrowDecode, Encode, config};
use hashbrown::{DefaultHashBuilder, HashTable};
use shilu_model::{Action, Because, CheckEntry, Entry, Event, Outcome, Position, Timestamp, Value, Verdict};

/// How names are hashed: with a random key, so that no list of names, made beforehand, collides.
pub(crate) type Hasher = DefaultHashBuilder;

/// The hash of a record's name.
pub(crate) fn hash_of(hasher: &Hasher, kind: &str, key: &str) -> u64 {
    hasher.hash_one((kind, key))
}

/// The hash of a record's name, `kind/key`.
pub(crate) fn hash_of_name(hasher: &Hasher, name: &str) -> u64 {
    let (kind, key) = name.split_once('/').unwrap_or((name, ""));
    hash_of(hasher, kind, key)
}

/// Records, and their events.
#[derive(Default)]
pub(crate) struct Memory {
    records: HashTable<Record>,
    names: Names,
    /// What is being encoded.
    buffer: Vec<u8>,
}

struct Record {
    hash: u64,
    /// The length of its name, its name, and its events from the oldest on: each a [`Kept`] and what it sets.
    told: Vec<u8>,
}

/// What the rules may ask of an event: the parts of an [`Entry`] but for what it sets.
#[derive(Encode, BorrowDecode)]
struct Kept<'a> {
    position: Position,
    effective: Timestamp,
    action: Action,
    actor: u32,
    area: u32,
    check: Option<(Outcome, bool)>,
    void: Option<Because<'a>>,
    /// How many fields it sets. Each follows: the number of its name, and the value.
    sets: u32,
}

type Set<'a> = (u32, Option<Value<'a>>);

impl Memory {
    /// How many records there are.
    pub fn records(&self) -> usize {
        self.records.len()
    }

    /// Brings a record near, if there is one of this hash. What is returned means nothing.
    pub fn touch(&self, hash: u64) -> Option<u8> {
        let record = self.records.find(hash, |record| record.hash == hash)?;
        Some(record.told.first()? ^ record.told.last()?)
    }

    /// The entries of a record, oldest first.
    pub fn entries(&self, hash: u64, name: &str) -> Vec<Entry<'_>> {
        let record = self.records.find(hash, |record| record.is(hash, name));
        let Some((_, mut rest)) = record.and_then(Record::parts) else {
            return Vec::new();
        };
        let mut entries = Vec::with_capacity(8);
        while !rest.is_empty() {
            entries.push(self.names.entry(&mut rest));
        }
        entries
    }

    /// Keeps an event.
    pub fn keep(&mut self, hash: u64, name: &str, event: &Event<'_>) {
        self.buffer.clear();
        let found = self.records.find_mut(hash, |record| record.is(hash, name));
        if let Some(record) = found {
            self.names.encode(event, &mut self.buffer);
            record.told.reserve_exact(self.buffer.len());
            record.told.extend_from_slice(&self.buffer);
        } else {
            encode(&name, &mut self.buffer);
            self.names.encode(event, &mut self.buffer);
            let told = self.buffer.as_slice().into();
            let record = Record { hash, told };
            self.records.insert_unique(hash, record, |record| record.hash);
        }
    }
}

impl Record {
    fn is(&self, hash: u64, name: &str) -> bool {
        self.hash == hash && self.parts().is_some_and(|(own, _)| own == name.as_bytes())
    }

    /// Its name and its events.
    fn parts(&self) -> Option<(&[u8], &[u8])> {
        let mut rest = self.told.as_slice();
        let name = decode(&mut rest);
        Some((name, rest))
    }
}

/// Names of actors, areas and fields, by number: there are few of them, and each is told of again and again.
#[derive(Default)]
struct Names {
    texts: Vec<Box<str>>,
    numbers: HashTable<u32>,
    hasher: Hasher,
}

impl Names {
    fn number(&mut self, text: &str) -> u32 {
        let (texts, hasher) = (&mut self.texts, &self.hasher);
        let hash = hasher.hash_one(text);
        if let Some(number) = self.numbers.find(hash, |number| at(texts, *number) == text) {
            return *number;
        }
        let number = u32::try_from(texts.len()).expect("no machine remembers so many names");
        texts.push(text.into());
        let rehash = |number: &u32| hasher.hash_one(at(texts, *number));
        self.numbers.insert_unique(hash, number, rehash);
        number
    }

    fn encode(&mut self, event: &Event<'_>, buffer: &mut Vec<u8>) {
        let sets = event.changes.iter().filter(|change| change.sets());
        let kept = Kept {
            position: event.position,
            effective: event.effective,
            action: event.action,
            actor: self.number(event.actor),
            area: self.number(event.area),
            check: event.outcome.map(|outcome| {
                let mut verdicts = event.observed.iter().map(|observed| observed.verdict);
                (outcome, verdicts.any(|verdict| verdict == Verdict::Differs))
            }),
            void: event.because.filter(|because| because.voids()),
            sets: u32::try_from(sets.clone().count()).expect("an event is at most 6 KiB"),
        };
        encode(&kept, buffer);
        for change in sets {
            encode(&(self.number(change.field), change.after), buffer);
        }
    }

    /// Takes the next entry from what was encoded.
    fn entry<'a>(&'a self, rest: &mut &'a [u8]) -> Entry<'a> {
        let kept: Kept<'_> = decode(rest);
        let sets = (0..kept.sets).map(|_| {
            let (field, value): Set<'_> = decode(rest);
            (at(&self.texts, field), value)
        });
        Entry {
            sets: sets.collect(),
            position: kept.position,
            effective: kept.effective,
            action: kept.action,
            actor: at(&self.texts, kept.actor),
            area: at(&self.texts, kept.area),
            check: kept
                .check
                .map(|(outcome, differs)| CheckEntry { outcome, differs }),
            void: kept.void,
        }
    }
}

fn at(texts: &[Box<str>], number: u32) -> &str {
    let text = usize::try_from(number).ok().and_then(|place| texts.get(place));
    text.expect("numbers are of texts")
}

fn encode(value: &impl Encode, buffer: &mut Vec<u8>) {
    bincode::encode_into_std_write(value, buffer, config::standard()).expect("memory takes all bytes");
}

fn decode<'a, T: BorrowDecode<'a, ()>>(rest: &mut &'a [u8]) -> T {
    let (value, read) =
        bincode::borrow_decode_from_slice(rest, config::standard()).expect("it was encoded here");
    *rest = rest.get(read..).unwrap_or_default();
    value
}
