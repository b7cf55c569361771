//! Ids: where an event stands, by its id, as sorted runs of (64 bits of the id, position). The 64 bits narrow the
//! search to almost always one event; the log has the last word.

use std::{collections::BTreeSet, io};

use shilu_model::{EventId, Position};

use crate::bytes::{Loader, Saver, malformed};

/// The index of event ids.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    /// Sorted runs, the oldest and largest first; each is more than twice as long as the next.
    runs: Vec<Run>,
    /// The newest ids, until they are a run.
    recent: BTreeSet<(u64, u32)>,
}

#[derive(Clone, Debug, Default)]
struct Run {
    keys: Vec<u64>,
    positions: Vec<u32>,
}

/// Ids that wait to be a run: few enough to stay in a processor's cache.
const RECENT_MAX: usize = 16_384;

impl Ids {
    /// Adds an event.
    pub fn apply(&mut self, id: EventId, position: Position) {
        self.recent
            .insert((key(id), u32::try_from(position.get()).unwrap_or(u32::MAX)));
        if self.recent.len() >= RECENT_MAX {
            self.settle();
        }
    }

    /// The positions at which an event with this id may stand; mostly none or one.
    pub fn candidates(&self, id: EventId) -> Vec<Position> {
        let key = key(id);
        let mut found: Vec<Position> = self
            .recent
            .range((key, 0)..=(key, u32::MAX))
            .map(|(_, position)| Position::new((*position).into()))
            .collect();
        for run in &self.runs {
            let from = match (run.keys.first(), run.keys.last()) {
                (Some(first), Some(last)) if (*first..=*last).contains(&key) => {
                    run.keys.partition_point(|other| *other < key)
                }
                _ => continue,
            };
            let same = run
                .keys
                .iter()
                .zip(&run.positions)
                .skip(from)
                .take_while(|(other, _)| **other == key);
            found.extend(same.map(|(_, position)| Position::new((*position).into())));
        }
        found
    }

    /// Makes the recent ids a run, and merges runs until each is more than twice as long as the next.
    fn settle(&mut self) {
        let mut run = Run::default();
        for (key, position) in std::mem::take(&mut self.recent) {
            run.push(key, position);
        }
        // Ids mostly rise with time: then the new run continues the largest, and nothing is merged.
        match self.runs.as_mut_slice() {
            [only] if only.keys.last() <= run.keys.first() => {
                only.keys.append(&mut run.keys);
                only.positions.append(&mut run.positions);
                return;
            }
            _ => {}
        }
        while let Some(last) = self.runs.pop_if(|last| last.keys.len() <= 2 * run.keys.len()) {
            run = last.merged(run);
        }
        self.runs.push(run);
    }

    /// Saved as one run, whatever the runs are now.
    pub(crate) fn save(&self, saver: &mut Saver<'_>) -> io::Result<()> {
        let mut all = Run::default();
        for (key, position) in &self.recent {
            all.push(*key, *position);
        }
        for run in self.runs.iter().rev() {
            all = run.clone().merged(all);
        }
        saver.count(all.keys.len())?;
        let mut last = 0;
        for (key, position) in all.keys.iter().zip(&all.positions) {
            saver.number(key.wrapping_sub(last))?;
            saver.number(u64::from(*position))?;
            last = *key;
        }
        Ok(())
    }

    pub(crate) fn load(loader: &mut Loader<'_>) -> io::Result<Self> {
        let mut run = Run::default();
        let mut last: u64 = 0;
        for _ in 0..loader.count()? {
            last = last.checked_add(loader.number()?).ok_or_else(malformed)?;
            run.push(last, loader.number_u32()?);
        }
        let runs = if run.keys.is_empty() {
            Vec::new()
        } else {
            vec![run]
        };
        Ok(Ids {
            runs,
            recent: BTreeSet::new(),
        })
    }
}

impl Run {
    fn push(&mut self, key: u64, position: u32) {
        self.keys.push(key);
        self.positions.push(position);
    }

    fn merged(self, other: Run) -> Run {
        let mut merged = Run::default();
        merged.keys.reserve_exact(self.keys.len() + other.keys.len());
        merged.positions.reserve_exact(self.keys.len() + other.keys.len());
        let pairs = |run: Run| run.keys.into_iter().zip(run.positions).peekable();
        let (mut left, mut right) = (pairs(self), pairs(other));
        while let Some((key, position)) = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) if a <= b => left.next(),
            (_, Some(_)) => right.next(),
            _ => left.next(),
        } {
            merged.push(key, position);
        }
        merged
    }
}

/// The low 40 bits of the id's milliseconds (34 years), then its last 24 bits, which are random: the order is almost
/// that of time, and two events of one millisecond rarely share a key.
fn key(id: EventId) -> u64 {
    let bytes = id.bytes();
    let [_, a, b, c, d, e, ..] = bytes;
    let [.., x, y, z] = bytes;
    u64::from_be_bytes([a, b, c, d, e, x, y, z])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(number: u64) -> EventId {
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&number.to_be_bytes());
        bytes[..6].copy_from_slice(&number.rotate_left(13).to_be_bytes()[2..]);
        EventId::from_bytes(bytes)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn every_id_is_found_before_and_after_saving(numbers in prop::collection::btree_set(0u64..200_000, 1..60_000)) {
            let mut ids = Ids::default();
            let numbers: Vec<u64> = numbers.into_iter().map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
            for (position, number) in (0u64..).zip(&numbers) {
                ids.apply(id(*number), Position::new(position));
            }
            let mut file = Vec::new();
            let mut saver = Saver::new(&mut file);
            ids.save(&mut saver).unwrap();
            saver.finish().unwrap();
            let loaded = Ids::load(&mut Loader::new(&mut &*file)).unwrap();
            for (position, number) in (0u64..).zip(&numbers) {
                prop_assert!(ids.candidates(id(*number)).contains(&Position::new(position)));
                prop_assert!(loaded.candidates(id(*number)).contains(&Position::new(position)));
            }
        }
    }
}
