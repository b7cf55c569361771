//! The codec of a chunk, the value that the store keeps: up to 2 KiB of consecutive events of one commit.
//! Pure; `docs/log-format.md` gives the same layout for readers in other languages.
//!
//! All integers are little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format, 1 |
//! | 8 | position of the first event |
//! | 2 | number of events, at least 1 |
//! | 8, 8 | first and last position of the commit that the chunk belongs to |
//! | 32 | SHA-256 of the previous chunk's stored bytes; zeros in the first chunk |
//! | | per event: 2 bytes of length, then the event |
//! | 4 | CRC32C of everything before |

use std::ops::Range;

use sha2::{Digest, Sha256};
use shilu_model::Position;

use crate::events::Events;
use crate::limits::{CHUNK_BYTES, EVENT_BYTES_MAX, VALUE_BYTES_MAX};

/// The SHA-256 of a chunk's stored bytes.
pub type Hash = [u8; 32];

/// What stands for the hash of the chunk before the first one.
pub const NO_HASH: Hash = [0; 32];

const FORMAT: u8 = 1;
const HEADER_BYTES: usize = 1 + 8 + 2 + 8 + 8 + 32;
const LENGTH_BYTES: usize = 2;
const CRC_BYTES: usize = 4;
const FRAME_BYTES: usize = HEADER_BYTES + CRC_BYTES;

const _: () = assert!(FRAME_BYTES + LENGTH_BYTES + EVENT_BYTES_MAX <= VALUE_BYTES_MAX);

/// The first and last positions of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitSpan {
    /// The position of its first event.
    pub first: Position,
    /// The position of its last event.
    pub last: Position,
}

/// What a chunk says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub first: Position,
    pub count: u16,
    pub commit: CommitSpan,
    pub previous: Hash,
}

impl Header {
    /// The position after the chunk's last event.
    pub fn end(&self) -> Position {
        self.first.plus(u64::from(self.count))
    }
}

/// Why bytes are not a chunk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkFault {
    /// Shorter than any chunk, or longer than [`VALUE_BYTES_MAX`].
    #[error("{bytes} bytes cannot be a chunk")]
    Length {
        /// The number of bytes.
        bytes: usize,
    },
    /// A format that this program does not know.
    #[error("its format is {format}, which this program does not know")]
    Format {
        /// The stated format.
        format: u8,
    },
    /// The bytes changed since they were written.
    #[error("its checksum is {computed:08x} but {stored:08x} is stored")]
    Checksum {
        /// The checksum in the chunk.
        stored: u32,
        /// The checksum of its bytes.
        computed: u32,
    },
    /// No events, positions out of range, or a commit that does not hold the chunk.
    #[error("its positions contradict each other")]
    Positions,
    /// The events do not fill the chunk exactly, or one is longer than an event may be.
    #[error("its events' lengths do not add up")]
    Events,
}

/// Tells where chunks close. Sizing a commit and cutting it use the same rule, so they cannot differ.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layout {
    /// Bytes of all chunks, the last one included.
    pub bytes: usize,
    /// Bytes of the last chunk; 0 when there is none.
    last: usize,
}

impl Layout {
    /// Adds an event; says whether it begins a new chunk.
    fn add(&mut self, event_bytes: usize) -> bool {
        let entry = LENGTH_BYTES + event_bytes;
        let begins = self.last == 0 || self.last + entry > CHUNK_BYTES;
        let (cost, last) = if begins {
            (FRAME_BYTES + entry, 0)
        } else {
            (entry, self.last)
        };
        self.bytes += cost;
        self.last = last + cost;
        begins
    }

    /// The layout after these events too.
    pub fn with(mut self, events: &Events) -> Layout {
        for event in events.iter() {
            self.add(event.len());
        }
        self
    }
}

/// Cuts a commit's events into chunks: the indices of each chunk's events.
fn cut(events: &Events) -> impl Iterator<Item = Range<usize>> {
    let mut layout = Layout::default();
    let mut starts: Vec<usize> = Vec::new();
    for (index, event) in events.iter().enumerate() {
        if layout.add(event.len()) {
            starts.push(index);
        }
    }
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([events.len()]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| start..end)
}

/// Encodes a commit's chunks, in order, and gives each with its first position to `each`. Returns the hash of
/// the last one.
pub(crate) fn encode_commit(
    first: Position,
    events: &Events,
    mut previous: Hash,
    mut each: impl FnMut(Position, &[u8]),
) -> Hash {
    let end = events.end_from(first);
    let commit = CommitSpan {
        first,
        last: Position::new(end.get() - 1),
    };
    let mut position = first;
    let mut bytes = Vec::with_capacity(VALUE_BYTES_MAX);
    for indices in cut(events) {
        let count =
            u16::try_from(indices.len()).expect("2 bytes per event and 2 KiB per chunk bound the count");
        let header = Header {
            first: position,
            count,
            commit,
            previous,
        };
        bytes.clear();
        encode(&header, events.slice(indices), &mut bytes);
        each(position, &bytes);
        previous = hash(&bytes);
        position = header.end();
    }
    assert_eq!(position, end, "every event is in a chunk");
    previous
}

pub(crate) fn encode<'a>(header: &Header, events: impl Iterator<Item = &'a [u8]>, into: &mut Vec<u8>) {
    into.push(FORMAT);
    into.extend_from_slice(&header.first.get().to_le_bytes());
    into.extend_from_slice(&header.count.to_le_bytes());
    into.extend_from_slice(&header.commit.first.get().to_le_bytes());
    into.extend_from_slice(&header.commit.last.get().to_le_bytes());
    into.extend_from_slice(&header.previous);
    for event in events {
        let length = u16::try_from(event.len()).expect("an event is at most 6 KiB");
        into.extend_from_slice(&length.to_le_bytes());
        into.extend_from_slice(event);
    }
    let crc = crc32c::crc32c(into);
    into.extend_from_slice(&crc.to_le_bytes());
}

/// Checks all of a chunk but its place in the chain, and reads its header.
pub(crate) fn decode(bytes: &[u8]) -> Result<Header, ChunkFault> {
    let length = ChunkFault::Length { bytes: bytes.len() };
    if bytes.len() > VALUE_BYTES_MAX {
        return Err(length);
    }
    match bytes.first() {
        None => return Err(length),
        Some(&FORMAT) => {}
        Some(&format) => return Err(ChunkFault::Format { format }),
    }
    let Some((body, crc)) = bytes.split_last_chunk() else {
        return Err(length);
    };
    let (stored, computed) = (u32::from_le_bytes(*crc), crc32c::crc32c(body));
    if stored != computed {
        return Err(ChunkFault::Checksum { stored, computed });
    }
    let Some((header, events)) = header(body) else {
        return Err(length);
    };
    let Header {
        first, count, commit, ..
    } = header;
    let in_range = first < Position::LIMIT && commit.last < Position::LIMIT;
    if count == 0 || !in_range || commit.first > first || commit.last.next() < header.end() {
        return Err(ChunkFault::Positions);
    }
    let mut entries = Entries {
        position: first,
        rest: events,
    };
    let alone_or_small = count == 1 || bytes.len() <= CHUNK_BYTES;
    let fit = entries.by_ref().all(|(_, event)| event.len() <= EVENT_BYTES_MAX);
    if !alone_or_small || !fit || !entries.rest.is_empty() || entries.position != header.end() {
        return Err(ChunkFault::Events);
    }
    Ok(header)
}

/// The header of a chunk without its checksum, and the bytes after it.
fn header(body: &[u8]) -> Option<(Header, &[u8])> {
    let (_format, rest) = body.split_first()?;
    let (first, rest) = rest.split_first_chunk()?;
    let (count, rest) = rest.split_first_chunk()?;
    let (commit_first, rest) = rest.split_first_chunk()?;
    let (commit_last, rest) = rest.split_first_chunk()?;
    let (previous, rest) = rest.split_first_chunk()?;
    let commit = CommitSpan {
        first: Position::new(u64::from_le_bytes(*commit_first)),
        last: Position::new(u64::from_le_bytes(*commit_last)),
    };
    let first = Position::new(u64::from_le_bytes(*first));
    Some((
        Header {
            first,
            count: u16::from_le_bytes(*count),
            commit,
            previous: *previous,
        },
        rest,
    ))
}

/// The hash that the next chunk cites.
pub(crate) fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// The events of a chunk that [`decode`] has accepted.
pub(crate) fn entries(bytes: &[u8], first: Position) -> Entries<'_> {
    let events = bytes
        .get(HEADER_BYTES..bytes.len() - CRC_BYTES)
        .expect("a decoded chunk has a header");
    Entries {
        position: first,
        rest: events,
    }
}

/// The events of a chunk with their positions.
#[derive(Clone, Debug)]
pub(crate) struct Entries<'a> {
    position: Position,
    rest: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = (Position, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (length, rest) = self.rest.split_first_chunk()?;
        let (event, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        let position = self.position;
        self.position = position.next();
        self.rest = rest;
        Some((position, event))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn lists() -> impl Strategy<Value = Events> {
        let event = prop_oneof![8 => vec(any::<u8>(), 0..300), 1 => vec(any::<u8>(), 0..=EVENT_BYTES_MAX)];
        vec(event, 1..60).prop_map(|list| list.iter().map(Vec::as_slice).collect())
    }

    fn chunks(first: Position, events: &Events) -> (Vec<Vec<u8>>, Hash) {
        let mut chunks = Vec::new();
        let hash = encode_commit(first, events, NO_HASH, |_, bytes| chunks.push(bytes.to_vec()));
        (chunks, hash)
    }

    /// A chunk with a right checksum around any content.
    fn sealed(mut body: Vec<u8>) -> Vec<u8> {
        let crc = crc32c::crc32c(&body);
        body.extend_from_slice(&crc.to_le_bytes());
        body
    }

    /// Decoding never panics, and what it accepts encodes to the same bytes: no chunk has two forms.
    fn decode_is_exact(bytes: &[u8]) {
        if let Ok(header) = decode(bytes) {
            let mut again = Vec::new();
            encode(
                &header,
                entries(bytes, header.first).map(|(_, event)| event),
                &mut again,
            );
            assert_eq!(again, bytes);
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(events in lists(), first in 0..u64::from(u32::MAX / 2)) {
            let first = Position::new(first);
            let (chunks, last_hash) = chunks(first, &events);
            let (mut expected, mut previous) = (first, NO_HASH);
            let mut decoded = Events::new();
            for bytes in &chunks {
                let header = decode(bytes).unwrap();
                prop_assert_eq!(header.first, expected);
                prop_assert_eq!(header.previous, previous);
                prop_assert_eq!(header.commit.first, first);
                prop_assert_eq!(header.commit.last.next(), events.end_from(first));
                prop_assert!(bytes.len() <= CHUNK_BYTES || header.count == 1);
                prop_assert!(bytes.len() <= VALUE_BYTES_MAX);
                for (position, event) in entries(bytes, header.first) {
                    prop_assert_eq!(position, expected);
                    decoded.push(event);
                    expected = expected.next();
                }
                previous = hash(bytes);
            }
            prop_assert_eq!(previous, last_hash);
            prop_assert_eq!(&decoded, &events);
            let layout = Layout::default().with(&events);
            prop_assert_eq!(layout.bytes, chunks.iter().map(Vec::len).sum::<usize>());
        }

        #[test]
        fn a_flipped_bit_is_rejected(events in lists(), chunk: prop::sample::Index, bit: prop::sample::Index) {
            let (mut chunks, _) = chunks(Position::new(5), &events);
            let chunk = chunk.index(chunks.len());
            let bit = bit.index(chunks[chunk].len() * 8);
            chunks[chunk][bit / 8] ^= 1 << (bit % 8);
            prop_assert!(decode(&chunks[chunk]).is_err());
        }

        #[test]
        fn a_shortened_or_lengthened_chunk_is_rejected(events in lists(), cut: prop::sample::Index) {
            let (chunks, _) = chunks(Position::new(5), &events);
            prop_assert!(decode(&chunks[0][..cut.index(chunks[0].len())]).is_err());
            prop_assert!(decode(&[&chunks[0][..], &[0]].concat()).is_err());
        }

        #[test]
        fn any_bytes_decode_exactly_or_not_at_all(bytes in vec(any::<u8>(), 0..300)) {
            decode_is_exact(&bytes);
            decode_is_exact(&sealed([&[FORMAT], &bytes[..]].concat()));
        }

        #[test]
        fn forged_chunks_decode_exactly_or_not_at_all(
            events in lists(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index,
        ) {
            let (chunks, _) = chunks(Position::new(5), &events);
            let mut body = chunks[0][..chunks[0].len() - CRC_BYTES].to_vec();
            decode_is_exact(&sealed(body[..cut.index(body.len())].to_vec()));
            let at = at.index(body.len());
            body[at] = byte;
            decode_is_exact(&sealed(body));
        }
    }

    #[test]
    fn contradictory_positions_are_rejected() {
        let span = |first, last| CommitSpan {
            first: Position::new(first),
            last: Position::new(last),
        };
        let limit = Position::LIMIT.get();
        for (first, count, commit, fault) in [
            (5, 1, span(5, 5), None),
            (5, 0, span(5, 5), Some(ChunkFault::Positions)),
            (5, 1, span(6, 9), Some(ChunkFault::Positions)),
            (5, 1, span(0, 4), Some(ChunkFault::Positions)),
            (5, 2, span(5, 6), Some(ChunkFault::Events)),
            (limit - 1, 1, span(0, limit - 1), None),
            (limit, 1, span(0, limit), Some(ChunkFault::Positions)),
            (u64::MAX, 1, span(0, u64::MAX), Some(ChunkFault::Positions)),
        ] {
            let header = Header {
                first: Position::new(first),
                count,
                commit,
                previous: NO_HASH,
            };
            let mut bytes = Vec::new();
            encode(&header, [&b"e"[..]].into_iter(), &mut bytes);
            assert_eq!(
                decode(&bytes).err(),
                fault,
                "first {first}, count {count}, {commit:?}"
            );
        }
    }

    /// The bytes of format 1, for ever.
    #[test]
    fn format_1_is_fixed() {
        let events = Events::from_iter([&b"collect"[..], b""]);
        let mut stored = Vec::new();
        encode_commit(Position::new(258), &events, [0xab; 32], |_, bytes| {
            stored.extend_from_slice(bytes)
        });
        let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        let parts = [
            "01",
            "0201000000000000",
            "0200",
            "0201000000000000",
            "0301000000000000",
            &"ab".repeat(32),
            "0700636f6c6c656374",
            "0000",
            "675075bb",
        ];
        assert_eq!(hex, parts.concat());
    }

    #[test]
    fn a_large_event_stands_alone() {
        let events = Events::from_iter([&[1; 100][..], &[2; EVENT_BYTES_MAX], &[3; 100], &[4; 100]]);
        let counts: Vec<u16> = chunks(Position::ZERO, &events)
            .0
            .iter()
            .map(|bytes| decode(bytes).unwrap().count)
            .collect();
        assert_eq!(counts, [1, 1, 2]);
    }
}
