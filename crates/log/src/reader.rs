//! Reading what is durable: one event, the chunk around it, or a range of chunks in order.

use std::cmp::Ordering;
use std::iter::FusedIterator;
use std::ops::Deref;

use shilu_model::Position;

use crate::chunk::{self, CommitSpan, Entries, Hash, Header, NO_HASH};
use crate::error::{Fault, LogError};
use crate::head::Head;
use crate::log::Log;
use crate::store::{Range, Store, Value};

/// A stored chunk that was decoded and has passed its checksum, seen through a range of positions.
#[derive(Clone, Debug)]
pub struct Chunk {
    bytes: Value,
    header: Header,
    from: Position,
    to: Position,
}

impl Chunk {
    pub(crate) fn decode(key: Position, bytes: Value) -> Result<Chunk, LogError> {
        let header = chunk::decode(&bytes).map_err(|source| Fault::from(source).at(key))?;
        if header.first != key {
            return Err(Fault::Key.at(key));
        }
        Ok(Chunk {
            bytes,
            header,
            from: header.first,
            to: header.end(),
        })
    }

    /// Its events with their positions, in order, as far as the scan that gave the chunk asked for them.
    pub fn iter(&self) -> ChunkIter<'_> {
        let mut entries = chunk::entries(&self.bytes, self.header.first);
        for _ in self.header.first.get()..self.from.get() {
            entries.next();
        }
        ChunkIter { entries, to: self.to }
    }

    /// The position of its first stored event.
    pub fn first(&self) -> Position {
        self.header.first
    }

    /// The position after its last stored event.
    pub fn end(&self) -> Position {
        self.header.end()
    }

    /// The commit it belongs to.
    pub fn commit(&self) -> CommitSpan {
        self.header.commit
    }

    /// The hash of the chunk before it, as stored; zeros in the first one.
    pub fn previous(&self) -> Hash {
        self.header.previous
    }

    /// The SHA-256 of its stored bytes.
    pub fn hash(&self) -> Hash {
        chunk::hash(&self.bytes)
    }
}

impl<'a> IntoIterator for &'a Chunk {
    type Item = (Position, &'a [u8]);
    type IntoIter = ChunkIter<'a>;

    fn into_iter(self) -> ChunkIter<'a> {
        self.iter()
    }
}

/// The events of a [`Chunk`].
#[derive(Clone, Debug)]
pub struct ChunkIter<'a> {
    entries: Entries<'a>,
    to: Position,
}

impl<'a> Iterator for ChunkIter<'a> {
    type Item = (Position, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.next().filter(|(position, _)| *position < self.to)
    }
}

/// One stored event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBytes(Value);

impl Deref for EventBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// The stored chunk that holds `position`, which must be durable.
pub(crate) fn chunk_at(store: &Store, position: Position) -> Result<Chunk, LogError> {
    let (key, bytes) = store
        .floor(position)?
        .ok_or_else(|| Fault::Missing.at(position))?;
    let chunk = Chunk::decode(key, bytes)?;
    if chunk.end() <= position {
        return Err(Fault::Missing.at(position));
    }
    Ok(chunk)
}

/// The hash of the stored chunk that ends at `end`, which must be durable; none when `end` is within a chunk.
pub(crate) fn hash_at(store: &Store, end: Position) -> Result<Option<Hash>, LogError> {
    let Some(last) = end.get().checked_sub(1) else {
        return Ok(Some(NO_HASH));
    };
    let chunk = chunk_at(store, Position::new(last))?;
    Ok((chunk.end() == end).then(|| chunk.hash()))
}

/// The event at `position`, which must be durable.
pub(crate) fn read(store: &Store, position: Position) -> Result<EventBytes, LogError> {
    let chunk = chunk_at(store, position)?;
    let (_, event) = chunk
        .iter()
        .find(|(at, _)| *at == position)
        .expect("the chunk holds the position");
    Ok(EventBytes(Value::from(event)))
}

/// The durable chunks of a range of positions, in order; made by [`Log::scan`] and [`Log::scan_verified`].
///
/// Every chunk passes its checksum and begins where the one before it ended. After an error there is nothing
/// more. Memory does not grow with the length of the range, beyond sled's own cache.
pub struct Scan {
    log: Log,
    /// None until the first chunk is looked up.
    chunks: Option<Range>,
    from: Position,
    to: Position,
    /// Where the next chunk begins.
    expected: Position,
    chain: Option<Chain>,
}

/// What a verified scan compares hashes with.
struct Chain {
    /// The hash of the chunk before the next one.
    previous: Hash,
    /// The log's end when the scan was made.
    durable: Head,
}

impl Scan {
    pub(crate) fn new(log: Log, from: Position, to: Position, durable: Head, verified: bool) -> Scan {
        let to = to.min(durable.end);
        let chain = verified.then_some(Chain {
            previous: NO_HASH,
            durable,
        });
        Scan {
            log,
            chunks: None,
            from,
            to,
            expected: from,
            chain,
        }
    }

    fn begin(&mut self) -> Result<Range, LogError> {
        let store = self.log.store();
        let first = chunk_at(store, self.from)?.first();
        if let Some(chain) = &mut self.chain {
            chain.previous = hash_at(store, first)?.ok_or_else(|| Fault::Overlap.at(first))?;
        }
        self.expected = first;
        Ok(store.range(first))
    }

    fn step(&mut self) -> Result<Chunk, LogError> {
        let mut chunks = match self.chunks.take() {
            Some(chunks) => chunks,
            None => self.begin()?,
        };
        let (key, bytes) = chunks
            .next()
            .unwrap_or_else(|| Err(Fault::Missing.at(self.expected)))?;
        let mut chunk = Chunk::decode(key, bytes)?;
        match key.cmp(&self.expected) {
            Ordering::Less => return Err(Fault::Overlap.at(key)),
            Ordering::Equal => {}
            Ordering::Greater => return Err(Fault::Missing.at(self.expected)),
        }
        if let Some(chain) = &mut self.chain {
            if chunk.previous() != chain.previous {
                return Err(Fault::Chain.at(key));
            }
            chain.previous = chunk.hash();
            if chunk.end() == chain.durable.end && chain.previous != chain.durable.hash {
                return Err(Fault::Chain.at(key));
            }
        }
        self.chunks = Some(chunks);
        self.expected = chunk.end();
        chunk.from = chunk.from.max(self.from);
        chunk.to = chunk.to.min(self.to);
        Ok(chunk)
    }
}

impl Iterator for Scan {
    type Item = Result<Chunk, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.expected >= self.to {
            return None;
        }
        let chunk = self.step();
        if chunk.is_err() {
            self.to = Position::ZERO;
        }
        Some(chunk)
    }
}

impl FusedIterator for Scan {}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;
    use crate::chunk::encode_commit;
    use crate::store::WriteBatch;
    use crate::testing::{append, assert_holds, create, create_with, event, events, open};
    use crate::{Events, Options, Outcome};

    const END: u64 = 2400;

    /// A scan may run on another thread than what folds its events.
    const _: () = is_send::<Scan>();
    const fn is_send<T: Send>() {}

    fn small_log() -> (TempDir, Log) {
        let (dir, log) = create();
        append(&log, &[1, 700, 3, 1000, 696]);
        (dir, log)
    }

    fn change(log: &Log, change: impl FnOnce(&mut WriteBatch)) {
        let mut batch = WriteBatch::default();
        change(&mut batch);
        log.store().write(batch).unwrap();
    }

    fn chunks(log: &Log) -> Vec<Chunk> {
        log.scan(Position::ZERO, Position::LIMIT)
            .map(Result::unwrap)
            .collect()
    }

    /// The position and kind of the damage that a scan meets.
    fn damage(scan: Scan) -> Option<(u64, Fault)> {
        let mut results = scan.skip_while(Result::is_ok);
        let Err(LogError::Damaged { position, fault }) = results.next()? else {
            panic!("another error")
        };
        assert!(results.next().is_none(), "nothing comes after an error");
        Some((position.get(), fault))
    }

    #[test]
    fn any_range_is_scanned_exactly() {
        let (_dir, log) = small_log();
        proptest!(|(from in 0..END + 10, to in 0..END + 10, verified: bool)| {
            let (first, last) = (Position::new(from), Position::new(to));
            let scan = if verified { log.scan_verified(first, last) } else { log.scan(first, last) };
            let mut expected = from;
            for chunk in scan {
                let chunk = chunk.unwrap();
                prop_assert!(chunk.iter().next().is_some());
                for (position, bytes) in &chunk {
                    prop_assert_eq!(position.get(), expected);
                    prop_assert_eq!(bytes, event(expected));
                    expected += 1;
                }
            }
            prop_assert_eq!(expected, from.max(to.min(END)));
        });
    }

    #[test]
    fn every_event_is_read_and_none_beyond_the_end() {
        let (dir, log) = small_log();
        drop(log);
        let log = open(dir.path()).unwrap();
        for position in 0..END {
            assert_eq!(
                log.read(Position::new(position)).unwrap().as_deref(),
                Some(&event(position)[..])
            );
        }
        for position in [END, END + 1, Position::LIMIT.get(), u64::MAX] {
            assert_eq!(log.read(Position::new(position)).unwrap(), None);
            assert!(log.chunk_at(Position::new(position)).unwrap().is_none());
            assert_eq!(
                log.hash_at(Position::new(position)).unwrap().is_some(),
                position == END
            );
        }
    }

    #[test]
    fn a_log_is_read_backwards_chunk_by_chunk() {
        let (_dir, log) = small_log();
        let mut end = log.end();
        while let Some(last) = end.get().checked_sub(1) {
            let chunk = log.chunk_at(Position::new(last)).unwrap().unwrap();
            assert_eq!(chunk.end(), end);
            assert_eq!(log.hash_at(end).unwrap(), Some(chunk.hash()));
            assert_eq!(log.hash_at(chunk.first()).unwrap(), Some(chunk.previous()));
            for within in chunk.first().get() + 1..end.get() {
                assert_eq!(log.hash_at(Position::new(within)).unwrap(), None);
            }
            end = chunk.first();
        }
        assert_eq!(log.hash_at(Position::ZERO).unwrap(), Some(NO_HASH));
    }

    #[test]
    fn a_missing_chunk_is_named_by_its_first_position() {
        let (_dir, log) = small_log();
        let chunks = chunks(&log);
        for index in [0, 1, chunks.len() / 2, chunks.len() - 1] {
            let (first, end) = (chunks[index].first(), chunks[index].end());
            change(&log, |batch| batch.remove(first));
            for verified in [false, true] {
                let scan = Scan::new(log.clone(), Position::ZERO, log.end(), log.durable(), verified);
                assert!(matches!(damage(scan), Some((at, Fault::Missing)) if at == first.get()));
            }
            assert_eq!(log.read(first).unwrap_err().code(), "LOG_DAMAGED");
            assert!(damage(log.scan(end, Position::LIMIT)).is_none());
            change(&log, |batch| batch.insert(first, &chunks[index].bytes));
        }
        assert_holds(&log, END);
    }

    #[test]
    fn a_forged_chunk_passes_its_checksum_but_breaks_the_chain() {
        let (_dir, log) = small_log();
        let chunks = chunks(&log);
        for index in [0, chunks.len() / 2, chunks.len() - 1] {
            let (original, header) = (&chunks[index], chunks[index].header);
            let mut list = events(header.first.get()..header.end().get());
            list = list
                .iter()
                .map(|event| {
                    if event == list.iter().next().unwrap() {
                        b"forged"
                    } else {
                        event
                    }
                })
                .collect();
            let mut forged = Vec::new();
            chunk::encode(&header, list.iter(), &mut forged);
            change(&log, |batch| batch.insert(header.first, &forged));
            assert!(damage(log.scan(Position::ZERO, log.end())).is_none());
            // The chunk after it cites another hash; the last one is compared with the log's.
            let told = chunks.get(index + 1).unwrap_or(original).first();
            let verified = damage(log.scan_verified(Position::ZERO, log.end()));
            assert!(
                matches!(verified, Some((at, Fault::Chain)) if at == told.get()),
                "{verified:?}"
            );
            let from_there = damage(log.scan_verified(told, log.end()));
            assert!(
                matches!(from_there, Some((at, Fault::Chain)) if at == told.get()),
                "{from_there:?}"
            );
            let scrubbed = log.scrub(|_| ControlFlow::Continue(())).unwrap_err();
            assert!(
                matches!(scrubbed, LogError::Damaged { position, .. } if position == told),
                "{scrubbed:?}"
            );
            change(&log, |batch| batch.insert(header.first, &original.bytes));
        }
        assert_eq!(log.scrub(|_| ControlFlow::Continue(())).unwrap(), END);
    }

    #[test]
    fn overlapping_and_misplaced_chunks_are_damage() {
        let (_dir, log) = small_log();
        let chunks = chunks(&log);
        let middle = &chunks[chunks.len() / 2];
        let within = middle.first().next();
        encode_commit(
            within,
            &events(within.get()..within.get() + 1),
            NO_HASH,
            |at, bytes| {
                change(&log, |batch| batch.insert(at, bytes));
            },
        );
        let found = damage(log.scan(Position::ZERO, log.end()));
        assert!(
            matches!(found, Some((at, Fault::Overlap)) if at == within.get()),
            "{found:?}"
        );
        change(&log, |batch| batch.insert(within, &middle.bytes));
        let found = damage(log.scan(Position::ZERO, log.end()));
        assert!(
            matches!(found, Some((at, Fault::Key)) if at == within.get()),
            "{found:?}"
        );
    }

    #[test]
    fn a_scrub_can_be_broken_off() {
        let (_dir, log) = small_log();
        let first = &chunks(&log)[0];
        let checked = log.scrub(|reached| {
            assert_eq!(reached, first.end());
            ControlFlow::Break(())
        });
        assert_eq!(checked.unwrap(), first.end().get());
    }

    /// Resident memory of this process, in bytes.
    fn resident_bytes() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    #[test]
    fn a_scan_does_not_take_the_logs_size_in_memory() {
        const EVENTS: u64 = 400_000;
        const BYTES: usize = 1000;
        let (dir, log) = create_with(Options {
            cache_bytes: 8 * 1024 * 1024,
            ..Options::default()
        });
        let writer = log.writer(|_: Outcome<()>| {}).unwrap();
        for first in (0..EVENTS).step_by(200) {
            let list: Events = (0..200).map(|_| &[5; BYTES][..]).collect();
            writer.submit(Position::new(first), list, ()).unwrap();
        }
        writer.close().unwrap();
        drop(log);
        let log = Log::open(
            dir.path(),
            Options {
                cache_bytes: 8 * 1024 * 1024,
                ..Options::default()
            },
        )
        .unwrap();
        let before = resident_bytes();
        for _ in 0..2 {
            let read: usize = log
                .scan(Position::ZERO, Position::LIMIT)
                .map(|chunk| chunk.unwrap().iter().map(|(_, event)| event.len()).sum::<usize>())
                .sum();
            assert_eq!(read, usize::try_from(EVENTS).unwrap() * BYTES);
        }
        let grown = resident_bytes().saturating_sub(before);
        assert!(
            grown < 200 * 1024 * 1024,
            "400 MB were scanned, and {} MiB are kept",
            grown >> 20
        );
        assert_eq!(log.blobs_bytes().unwrap(), 0);
    }
}
