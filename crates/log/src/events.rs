//! A list of encoded events in one buffer: what a producer submits and what a commit holds.

use std::ops::Range;

use shilu_model::Position;

/// Encoded events in one contiguous buffer. The log never looks into them.
///
/// ```
/// let mut events = shilu_log::Events::new();
/// events.push(b"first");
/// events.push(b"second");
/// assert_eq!(events.iter().collect::<Vec<_>>(), [&b"first"[..], b"second"]);
/// assert_eq!((events.len(), events.bytes_len()), (2, 11));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events {
    bytes: Vec<u8>,
    /// Where each event ends in `bytes`.
    ends: Vec<usize>,
}

impl Events {
    /// An empty list.
    pub fn new() -> Events {
        Events::default()
    }

    /// Adds one event. [`Writer::submit`](crate::Writer::submit) refuses a list with an event longer than
    /// [`EVENT_BYTES_MAX`](crate::EVENT_BYTES_MAX).
    pub fn push(&mut self, event: &[u8]) {
        self.bytes.extend_from_slice(event);
        self.ends.push(self.bytes.len());
    }

    /// The number of events.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of all events together, without what storing adds.
    pub fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// The events, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.slice(0..self.len())
    }

    /// The events with these indices.
    pub(crate) fn slice(&self, indices: Range<usize>) -> impl ExactSizeIterator<Item = &[u8]> {
        let mut start = match indices.start.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(self.bytes.len()),
            None => 0,
        };
        self.ends
            .get(indices)
            .unwrap_or_default()
            .iter()
            .map(move |&end| {
                let event = self.bytes.get(start..end).expect("ends ascend within the buffer");
                start = end;
                event
            })
    }

    /// The position after the last event when the first one is at `first`.
    pub(crate) fn end_from(&self, first: Position) -> Position {
        first.plus(u64::try_from(self.len()).expect("a count in memory fits 64 bits"))
    }

    /// Moves another list's events to the end of this one.
    pub(crate) fn append(&mut self, other: Events) {
        if self.is_empty() {
            *self = other;
            return;
        }
        let shift = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| end + shift));
    }
}

impl<'a> FromIterator<&'a [u8]> for Events {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(list: I) -> Events {
        let mut events = Events::new();
        for event in list {
            events.push(event);
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appended_lists_read_like_one() {
        let mut events = Events::from_iter([&b"a"[..], b"", b"bcd"]);
        events.append(Events::from_iter([&b"ef"[..], b"g"]));
        assert_eq!(
            events.iter().collect::<Vec<_>>(),
            [&b"a"[..], b"", b"bcd", b"ef", b"g"]
        );
        assert_eq!(events.slice(1..4).collect::<Vec<_>>(), [&b""[..], b"bcd", b"ef"]);
        assert_eq!(events.end_from(Position::new(7)), Position::new(12));
    }
}
