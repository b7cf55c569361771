//! Links: which records ever had a value in a field that an indicator looks up backwards, so that an event on one record
//! finds the others whose contribution it may move.
//!
//! A link is kept for ever and under 64 bits of its value: whoever follows it compares again, so that links of the past
//! and coincidences cost time and change nothing.

use std::{hash::BuildHasher, io};

use roaring::RoaringBitmap;
use rustc_hash::{FxBuildHasher, FxHashMap};
use shilu_model::Value;

use crate::{
    bytes::{Loader, Saver, malformed},
    names::{Name, index},
    records::Slot,
};

/// Field values, backwards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links(FxHashMap<u64, Vec<u32>>);

/// A field of a kind that is looked up backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Link {
    pub kind: Name,
    pub field: Name,
}

impl Links {
    /// Notes that a record has a value.
    pub fn note(&mut self, link: Link, value: Value<'_>, slot: Slot) {
        let slots = self.0.entry(hash(link, &text_of(value))).or_default();
        // A record that says the same again mostly said it last.
        if slots.last() != Some(&slot.0) && !slots.contains(&slot.0) {
            slots.push(slot.0);
        }
    }

    /// Records that ever had a value, and perhaps some others.
    pub fn of(&self, link: Link, value: &str) -> impl Iterator<Item = Slot> + use<'_> {
        let slots = self.0.get(&hash(link, value));
        slots.into_iter().flatten().map(|slot| Slot(*slot))
    }

    pub fn save(&self, ranks: &[u32], saver: &mut Saver<'_>) -> io::Result<()> {
        let mut links: Vec<_> = self.0.iter().collect();
        links.sort_unstable_by_key(|(hash, _)| **hash);
        saver.count(links.len())?;
        for (hash, slots) in links {
            saver.number(*hash)?;
            save_slots(slots.iter().copied(), ranks, saver)?;
        }
        Ok(())
    }

    pub fn load(loader: &mut Loader<'_>) -> io::Result<Self> {
        let mut links = FxHashMap::default();
        for _ in 0..loader.count()? {
            links.insert(loader.number()?, load_slots(loader)?);
        }
        Ok(Links(links))
    }
}

/// Writes slots as they will be numbered once the records are loaded again.
pub(crate) fn save_slots(
    slots: impl Iterator<Item = u32>,
    ranks: &[u32],
    saver: &mut Saver<'_>,
) -> io::Result<()> {
    let mut slots: Vec<u32> = slots
        .map(|slot| ranks.get(index(slot)).copied().unwrap_or(slot))
        .collect();
    slots.sort_unstable();
    saver.count(slots.len())?;
    slots
        .into_iter()
        .try_for_each(|slot| saver.number(u64::from(slot)))
}

pub(crate) fn load_slots(loader: &mut Loader<'_>) -> io::Result<Vec<u32>> {
    let mut slots = Vec::new();
    for _ in 0..loader.count()? {
        slots.push(loader.number_u32()?);
    }
    if slots.is_sorted_by(|a, b| a < b) {
        Ok(slots)
    } else {
        Err(malformed())
    }
}

/// Writes a set of records.
pub(crate) fn save_set(set: &RoaringBitmap, ranks: &[u32], saver: &mut Saver<'_>) -> io::Result<()> {
    save_slots(set.iter(), ranks, saver)
}

/// The text by which a value is looked up.
pub(crate) fn text_of(value: Value<'_>) -> std::borrow::Cow<'_, str> {
    match value {
        Value::Text(text) | Value::Reference(text) => text.into(),
        other => other.to_string().into(),
    }
}

fn hash(link: Link, value: &str) -> u64 {
    FxBuildHasher.hash_one((link.kind.0, link.field.0, value))
}
