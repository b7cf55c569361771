//! Cursors: where the next page starts, and at which pair (effective, recorded) it goes on.
//!
//! Opaque to clients: hexadecimal of version, fingerprint of the filters, fingerprint of the times as they were
//! asked, one or two pairs, and what the last page ended with. It is no secret and no evidence: a forged one yields
//! another page, never more than a query could have asked.

use shilu_engine::At;
use shilu_model::{Position, RecordName, Timestamp};

use crate::{
    problem::Problem,
    wire::hex::{from_hex, to_hex},
};

const VERSION: u8 = 1;

/// What a cursor holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Which question it belongs to: see [`crate::params::Params::fingerprint`].
    pub(crate) filters: u64,
    /// Which times were asked; on a later page they may be left out.
    pub(crate) times: u64,
    /// The pair of the first page.
    pub(crate) at: At,
    /// The other pair, of a diff.
    pub(crate) from: At,
    /// What comes after.
    pub(crate) after: After,
}

/// Where the last page ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// The position to go on from.
    Position(Position),
    /// The last record.
    Record(RecordName),
}

impl Cursor {
    pub(crate) fn write(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.filters.to_be_bytes());
        bytes.extend(self.times.to_be_bytes());
        for at in [self.at, self.from] {
            bytes.extend(at.effective.micros().to_be_bytes());
            bytes.extend(at.known.micros().to_be_bytes());
            bytes.extend(at.known_end.get().to_be_bytes());
        }
        match &self.after {
            After::Position(position) => {
                bytes.push(0);
                bytes.extend(position.get().to_be_bytes());
            }
            After::Record(name) => {
                bytes.push(1);
                bytes.extend(name.as_str().as_bytes());
            }
        }
        to_hex(&bytes)
    }

    /// Reads a cursor; `end` is the position that the log has reached.
    pub(crate) fn read(text: &str, end: Position) -> Result<Self, Problem> {
        Self::parse(text)
            .filter(|cursor| {
                let positions = [cursor.at.known_end, cursor.from.known_end];
                let after = match cursor.after {
                    After::Position(position) => position,
                    After::Record(_) => Position::ZERO,
                };
                after <= end && positions.iter().all(|position| *position <= end)
            })
            .ok_or_else(|| bad("it is none that this register gave out"))
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = from_hex(text)?;
        let mut rest = bytes.as_slice();
        let [version] = take(&mut rest)?;
        if version != VERSION {
            return None;
        }
        let filters = u64::from_be_bytes(take(&mut rest)?);
        let times = u64::from_be_bytes(take(&mut rest)?);
        let at = take_at(&mut rest)?;
        let from = take_at(&mut rest)?;
        let after = match take(&mut rest)? {
            [0] => After::Position(Position::new(u64::from_be_bytes(rest.try_into().ok()?))),
            [1] => After::Record(RecordName::parse(std::str::from_utf8(rest).ok()?).ok()?),
            _ => return None,
        };
        Some(Cursor {
            filters,
            times,
            at,
            from,
            after,
        })
    }
}

/// `BAD_CURSOR`
pub(crate) fn bad(problem: &str) -> Problem {
    Problem::malformed("BAD_CURSOR", format!("the cursor does not fit: {problem}"))
        .field("cursor")
        .hint("pass \"next\" of the page before, with the same filters; or begin again without a cursor")
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

fn take_at(rest: &mut &[u8]) -> Option<At> {
    Some(At {
        effective: Timestamp::from_micros(i64::from_be_bytes(take(rest)?)),
        known: Timestamp::from_micros(i64::from_be_bytes(take(rest)?)),
        known_end: Position::new(u64::from_be_bytes(take(rest)?)),
        now: false,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at() -> impl Strategy<Value = At> {
        (any::<i64>(), any::<i64>(), 0..100u64).prop_map(|(effective, known, end)| At {
            effective: Timestamp::from_micros(effective),
            known: Timestamp::from_micros(known),
            known_end: Position::new(end),
            now: false,
        })
    }

    proptest! {
        #[test]
        fn a_cursor_survives_being_written(filters: u64, times: u64, at in at(), from in at(), position in 0..100u64, key in "[a-z0-9]{1,20}", record: bool) {
            let after = if record {
                After::Record(RecordName::new("dwelling", &key).unwrap())
            } else {
                After::Position(Position::new(position))
            };
            let cursor = Cursor { filters, times, at, from, after };
            prop_assert_eq!(Cursor::read(&cursor.write(), Position::new(100)).unwrap(), cursor);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,200}", hex in "[0-9a-f]{0,300}") {
            for text in [text, format!("01{hex}"), hex] {
                if let Err(problem) = Cursor::read(&text, Position::new(100)) {
                    prop_assert_eq!(problem.code(), "BAD_CURSOR");
                }
            }
        }
    }
}
