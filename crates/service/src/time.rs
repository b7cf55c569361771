//! Times and positions as clients write them in a query.

use shilu_engine::{AsOf, EngineError};
use shilu_model::{Position, Timestamp, Zone};

use crate::problem::Problem;

/// Reads `as_of`: a date, an RFC 3339 time, or `@position`.
pub(crate) fn as_of(text: &str, zone: Zone) -> Result<AsOf, Problem> {
    match text.strip_prefix('@') {
        Some(number) => position("as_of", number).map(AsOf::Position),
        None => asked("as_of", text, zone).map(AsOf::Time),
    }
}

/// Reads a time that is asked about; a bare date means its end.
pub(crate) fn asked(name: &str, text: &str, zone: Zone) -> Result<Timestamp, Problem> {
    zone.asked(&repair(text))
        .map_err(|error| Problem::bad_time(name, &error))
}

/// Reads the first instant of a span; a bare date means its start.
pub(crate) fn first(name: &str, text: &str, zone: Zone) -> Result<Timestamp, Problem> {
    zone.fact(&repair(text))
        .map_err(|error| Problem::bad_time(name, &error))
}

/// Reads a position: plain digits.
pub(crate) fn position(name: &str, text: &str) -> Result<Position, Problem> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(
            Problem::malformed("BAD_QUERY", format!("{name}: {text:?} is not a position"))
                .field(name)
                .hint("write a position as a plain number, from 0"),
        );
    }
    let position = text.parse().map_or(Position::LIMIT, Position::new);
    if position < Position::LIMIT {
        Ok(position)
    } else {
        Err(EngineError::NoPosition {
            position: Position::LIMIT,
        }
        .into())
    }
}

/// A `+` that was not escaped in a query arrives as a space; only an offset can follow a space in a time.
fn repair(text: &str) -> String {
    match text.rsplit_once(' ') {
        Some((time, offset)) if offset.len() == 5 && time.contains(':') => format!("{time}+{offset}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_that_became_a_space_is_repaired() {
        let zone = Zone::parse("Asia/Shanghai").unwrap();
        let right = asked("as_of", "2015-04-07T09:30:00+08:00", zone).unwrap();
        assert_eq!(asked("as_of", "2015-04-07T09:30:00 08:00", zone).unwrap(), right);
        assert_eq!(asked("as_of", "yesterday", zone).unwrap_err().code(), "BAD_TIME");
    }

    #[test]
    fn positions_are_plain_numbers() {
        let zone = Zone::parse("UTC").unwrap();
        assert_eq!(as_of("@7", zone).unwrap(), AsOf::Position(Position::new(7)));
        for bad in ["@", "@-1", "@+1", "@1.0", "@x"] {
            assert_eq!(as_of(bad, zone).unwrap_err().code(), "BAD_QUERY", "{bad}");
        }
        for far in [
            "@4294967295",
            "@18446744073709551615",
            "@99999999999999999999999999",
        ] {
            assert_eq!(as_of(far, zone).unwrap_err().code(), "NO_POSITION", "{far}");
        }
    }
}
