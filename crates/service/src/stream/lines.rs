//! Lines out of a stream of bytes, each at most so long.

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// Its bytes.
    Text(&'a [u8]),
    /// It was longer than allowed, and has been skipped.
    TooLong,
}

/// Splits bytes at `\n`. Holds one piece of the stream and at most one started line.
pub(crate) struct Lines {
    buffer: Vec<u8>,
    /// Where the next line starts.
    start: usize,
    bytes_max: usize,
    /// Inside a line that is too long already.
    skipping: bool,
}

impl Lines {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Lines {
            buffer: Vec::new(),
            start: 0,
            bytes_max,
            skipping: false,
        }
    }

    /// Adds a piece of the stream. Take every line with [`Lines::next`] before the next piece.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line.
    pub(crate) fn next(&mut self) -> Option<Line<'_>> {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            if rest.len() > self.bytes_max || self.skipping {
                self.skipping = true;
                self.start = self.buffer.len();
            }
            return None;
        };
        let line = self.start..self.start + length;
        self.start += length + 1;
        if std::mem::take(&mut self.skipping) || length > self.bytes_max {
            return Some(Line::TooLong);
        }
        self.buffer.get(line).map(Line::Text)
    }

    /// What is left at the stream's end: a last line without its end.
    pub(crate) fn last(&mut self) -> Option<Line<'_>> {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        if self.skipping || rest.len() > self.bytes_max {
            Some(Line::TooLong)
        } else if rest.is_empty() {
            None
        } else {
            Some(Line::Text(rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 8;

    fn split(pieces: &[Vec<u8>]) -> (Vec<Option<Vec<u8>>>, usize) {
        let (mut lines, mut found, mut held) = (Lines::new(MAX), Vec::new(), 0);
        let own = |line: Line<'_>| match line {
            Line::Text(text) => Some(text.to_vec()),
            Line::TooLong => None,
        };
        for piece in pieces {
            lines.push(piece);
            while let Some(line) = lines.next() {
                found.push(own(line));
            }
            held = held.max(lines.buffer.len() - lines.start);
        }
        found.extend(lines.last().map(own));
        (found, held)
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_lines_are_the_same(pieces in prop::collection::vec(prop::collection::vec(prop::sample::select(b"ab\n".to_vec()), 0..12), 0..12)) {
            let whole = pieces.concat();
            let mut expected: Vec<_> = whole.split(|byte| *byte == b'\n').collect();
            if expected.last().is_some_and(|last| last.is_empty()) {
                expected.pop();
            }
            let expected: Vec<_> = expected.into_iter().map(|line| (line.len() <= MAX).then(|| line.to_vec())).collect();
            let (found, held) = split(&pieces);
            prop_assert_eq!(found, expected);
            prop_assert!(held <= MAX);
        }
    }
}
