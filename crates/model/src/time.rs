//! Instants, days and the campaign's time zone. Pure: nothing here reads a clock.

use std::fmt;

use bincode::{Decode, Encode};
use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, SecondsFormat, TimeZone};
use thiserror::Error;

/// An instant: microseconds since 1970-01-01T00:00:00Z.
///
/// Range: the years 1 to 9999. Written as RFC 3339 in UTC.
///
/// ```
/// use shilu_model::Timestamp;
/// let noon = Timestamp::parse("2015-04-07T12:00:00+08:00")?;
/// assert_eq!(noon.to_string(), "2015-04-07T04:00:00Z");
/// # Ok::<(), shilu_model::TimeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Timestamp(i64);

/// A calendar day: days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Day(i32);

/// A text that is no time, day or time zone.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not {expected}")]
pub struct TimeError {
    /// What was given.
    pub text: String,
    /// What it should have been.
    pub expected: &'static str,
}

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

impl Timestamp {
    /// Earlier than everything that can be recorded.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// Later than everything that can be recorded.
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Timestamp(micros)
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This instant and `micros` more, held at the ends of the range.
    pub const fn plus_micros(self, micros: i64) -> Self {
        Timestamp(self.0.saturating_add(micros))
    }

    /// Reads RFC 3339 with an offset. Fractions beyond the microsecond are refused, not rounded.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError {
            text: shorten(text),
            expected: "an RFC 3339 time such as 2015-04-07T09:30:00+08:00",
        };
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| wrong())?;
        // A leap second has no place in a count of microseconds.
        let nanos = time.timestamp_subsec_nanos();
        if nanos % 1_000 != 0 || nanos >= 1_000_000_000 || !(1..=9999).contains(&time.year()) {
            return Err(wrong());
        }
        Ok(Timestamp(time.timestamp_micros()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp_micros(self.0) {
            Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => write!(f, "{} µs", self.0),
        }
    }
}

impl Day {
    /// From days since the epoch.
    pub const fn from_number(days: i32) -> Self {
        Day(days)
    }

    /// Days since the epoch.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Reads `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError {
            text: shorten(text),
            expected: "a date such as 2015-04-07",
        };
        let [a, b, c, d, b'-', e, f, b'-', g, h] = text.as_bytes() else {
            return Err(wrong());
        };
        let digits = |digits: &[&u8]| {
            let value =
                |sum: u32, byte: &&u8| byte.is_ascii_digit().then(|| sum * 10 + u32::from(**byte - b'0'));
            digits.iter().try_fold(0, value).ok_or_else(wrong)
        };
        let (year, month, day) = (digits(&[a, b, c, d])?, digits(&[e, f])?, digits(&[g, h])?);
        let date = i32::try_from(year).ok().filter(|year| *year >= 1);
        let date = date.and_then(|year| NaiveDate::from_ymd_opt(year, month, day));
        date.map(|date| Day(date.to_epoch_days())).ok_or_else(wrong)
    }

    /// Whether [`Self::parse`] reads what is shown of it: it lies in the years 1 to 9999.
    pub(crate) fn is_writable(self) -> bool {
        const FIRST: i32 = -719_162;
        const LAST: i32 = 2_932_896;
        (FIRST..=LAST).contains(&self.0)
    }

    fn date(self) -> Option<NaiveDate> {
        NaiveDate::from_epoch_days(self.0)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date() {
            Some(date) => date.format("%Y-%m-%d").fmt(f),
            None => write!(f, "day {}", self.0),
        }
    }
}

/// The campaign's time zone: it decides which day an instant belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(chrono_tz::Tz);

impl Zone {
    /// Reads an IANA name such as `Asia/Shanghai`.
    pub fn parse(name: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError {
            text: shorten(name),
            expected: "an IANA time zone such as Asia/Shanghai",
        };
        name.parse().map(Zone).map_err(|_| wrong())
    }

    /// The day that holds an instant.
    pub fn day_of(self, time: Timestamp) -> Day {
        self.span_of(time).0
    }

    /// The first instant of a day.
    pub fn start_of(self, day: Day) -> Timestamp {
        day.date()
            .and_then(|date| self.first_instant(date))
            .unwrap_or(if day.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }

    /// The last instant of a day.
    pub fn end_of(self, day: Day) -> Timestamp {
        self.start_of(Day(day.0.saturating_add(1))).plus_micros(-1)
    }

    /// A time that is asked about: RFC 3339, or a bare date, which means the end of that day.
    pub fn asked(self, text: &str) -> Result<Timestamp, TimeError> {
        self.either(text, Self::end_of)
    }

    /// When a fact takes effect: RFC 3339, or a bare date, which means the start of that day.
    pub fn fact(self, text: &str) -> Result<Timestamp, TimeError> {
        self.either(text, Self::start_of)
    }

    /// An instant as people of this zone read it, to the second.
    pub fn local(self, time: Timestamp) -> String {
        DateTime::from_timestamp_micros(time.0).map_or_else(
            || time.to_string(),
            |utc| utc.with_timezone(&self.0).format("%Y-%m-%d %H:%M:%S").to_string(),
        )
    }

    fn either(self, text: &str, of_day: fn(Self, Day) -> Timestamp) -> Result<Timestamp, TimeError> {
        if let Ok(day) = Day::parse(text) {
            return Ok(of_day(self, day));
        }
        Timestamp::parse(text).map_err(|error| TimeError {
            expected: "a date such as 2015-04-07 or an RFC 3339 time such as 2015-04-07T09:30:00+08:00",
            ..error
        })
    }

    /// Midnight, or the end of the gap where a clock change swallowed it.
    fn first_instant(self, date: NaiveDate) -> Option<Timestamp> {
        let midnight: NaiveDateTime = date.and_hms_opt(0, 0, 0)?;
        (0..=4).find_map(|half_hours| {
            let local = midnight + chrono::TimeDelta::minutes(30 * half_hours);
            match self.0.from_local_datetime(&local) {
                LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => {
                    Some(Timestamp(time.timestamp_micros()))
                }
                LocalResult::None => None,
            }
        })
    }

    /// The day of an instant, with its first and last instants.
    fn span_of(self, time: Timestamp) -> (Day, Timestamp, Timestamp) {
        let date = DateTime::from_timestamp_micros(time.0).map(|utc| utc.with_timezone(&self.0).date_naive());
        let outside = i32::try_from(time.0 / MICROS_PER_SECOND / SECONDS_PER_DAY).unwrap_or(i32::MAX);
        let day = Day(date.map_or(outside, |date| date.to_epoch_days()));
        let first = date.and_then(|date| self.first_instant(date)).unwrap_or(time);
        let next = date.and_then(|date| date.checked_add_days(Days::new(1)));
        let last = next
            .and_then(|next| self.first_instant(next))
            .map_or(time, |next| next.plus_micros(-1));
        (day, first, last)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// Remembers the day of the last instant, since neighbours in a log mostly share one.
#[derive(Clone, Debug)]
pub struct DayFinder {
    zone: Zone,
    day: Day,
    first: Timestamp,
    last: Timestamp,
}

impl DayFinder {
    /// A finder for a zone.
    pub fn new(zone: Zone) -> Self {
        DayFinder {
            zone,
            day: Day(0),
            first: Timestamp::MAX,
            last: Timestamp::MIN,
        }
    }

    /// The day that holds an instant: [`Zone::day_of`], remembered.
    pub fn day_of(&mut self, time: Timestamp) -> Day {
        if time < self.first || time > self.last {
            (self.day, self.first, self.last) = self.zone.span_of(time);
        }
        self.day
    }
}

/// At most 40 characters of what was given, so that an error stays readable.
pub(crate) fn shorten(text: &str) -> String {
    const SHOWN_CHARS: usize = 40;
    let mut short: String = text.chars().take(SHOWN_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bare_date_is_the_end_when_asked_and_the_start_as_a_fact() {
        let zone = Zone::parse("Asia/Shanghai").unwrap();
        assert_eq!(
            zone.fact("2015-04-07").unwrap().to_string(),
            "2015-04-06T16:00:00Z"
        );
        assert_eq!(
            zone.asked("2015-04-07").unwrap().to_string(),
            "2015-04-07T15:59:59.999999Z"
        );
        assert_eq!(
            zone.asked("2015-04-07T00:00:00+08:00").unwrap().to_string(),
            "2015-04-06T16:00:00Z"
        );
    }

    #[test]
    fn a_midnight_that_a_clock_change_swallowed_still_starts_its_day() {
        let zone = Zone::parse("Asia/Beirut").unwrap();
        let day = Day::parse("2022-03-27").unwrap();
        assert_eq!(zone.day_of(zone.start_of(day)), day);
        assert_eq!(zone.day_of(zone.start_of(day).plus_micros(-1)), Day(day.0 - 1));
    }

    #[test]
    fn texts_that_are_no_times_are_refused() {
        for text in [
            "",
            "2015-04-07T09:30:00",
            "2015-4-7",
            "2015-02-30",
            "tomorrow",
            "2015-04-07T09:30:00.1234567Z",
        ] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
        for text in ["2015-4-7", "+2015-04-7", "2015-13-01", "0000-01-01", ""] {
            assert!(Day::parse(text).is_err(), "{text}");
        }
        assert!(Zone::parse("Asia/Xiaoyue").is_err());
    }

    proptest! {
        #[test]
        fn a_day_holds_its_own_ends(number in -100_000i32..100_000, name in prop::sample::select(vec!["Asia/Shanghai", "America/Sao_Paulo", "UTC", "Pacific/Apia"])) {
            let (zone, day) = (Zone::parse(name).unwrap(), Day(number));
            let mut finder = DayFinder::new(zone);
            // Apia skipped 2011-12-30 altogether: that day has no instants.
            prop_assume!(zone.start_of(day) <= zone.end_of(day));
            prop_assume!(!(name == "Pacific/Apia" && number == 15_338));
            prop_assert_eq!(finder.day_of(zone.start_of(day)), day);
            prop_assert_eq!(finder.day_of(zone.end_of(day)), day);
        }

        #[test]
        fn times_survive_being_written(micros in -60_000_000_000_000_000i64..200_000_000_000_000_000) {
            let time = Timestamp::from_micros(micros);
            prop_assert_eq!(Timestamp::parse(&time.to_string()).unwrap(), time);
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = Timestamp::parse(&text);
            let _ = Day::parse(&text);
            let _ = Zone::parse(&text);
        }
    }
}
