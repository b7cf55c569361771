//! Positions: where an event stands in the log.

use std::fmt;

use bincode::{Decode, Encode};

/// The 0-based index of an event in the log.
///
/// Range: below [`Position::LIMIT`]. Written as a plain number.
///
/// ```
/// use shilu_model::Position;
/// assert_eq!(Position::new(41).next(), Position::new(42));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
pub struct Position(u64);

impl Position {
    /// The position of the first event.
    pub const ZERO: Position = Position(0);
    /// The first position that a log refuses. Projections keep positions as `u32`: a township would need
    /// 2,000 years of 2 million events each to get here.
    pub const LIMIT: Position = Position(4_294_967_295);

    /// A position from its number.
    pub const fn new(number: u64) -> Self {
        Position(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position after this one.
    pub const fn next(self) -> Self {
        Position(self.0 + 1)
    }

    /// The position `count` events further on.
    pub const fn plus(self, count: u64) -> Self {
        Position(self.0 + count)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
