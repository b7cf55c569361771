//! The campaign's days and hours, in its time zone (Asia/Shanghai: eight hours ahead, no summer time in 2015).

use shilu_model::{Day, Timestamp};

/// 1 April 2015, on which the campaign begins.
pub const FIRST: Day = Day::from_number(16_526);
/// The end of "addresses and virtual dwellings".
pub const ADDRESSES_BY: Day = plus(FIRST, 19);
/// The end of "units and those who work there".
pub const UNITS_BY: Day = plus(FIRST, 49);
/// The end of "rentals and residents".
pub const HOUSEHOLDS_BY: Day = plus(FIRST, 80);
/// 30 June 2015, on which it ends.
pub const LAST: Day = plus(FIRST, 90);

/// A second in microseconds.
pub const SECOND: i64 = 1_000_000;
/// An hour in seconds.
pub const HOUR: i64 = 3_600;
const DAY_SECONDS: i64 = 86_400;
const ZONE_SECONDS: i64 = 8 * HOUR;

/// So many days later.
pub const fn plus(day: Day, days: i32) -> Day {
    Day::from_number(day.number() + days)
}

/// The time that is so many seconds after a day's midnight.
pub fn at(day: Day, seconds: i64) -> Timestamp {
    let since = i64::from(day.number()) * DAY_SECONDS - ZONE_SECONDS + seconds;
    Timestamp::from_micros(since * SECOND)
}

/// The day that holds a time.
pub fn day_of(time: Timestamp) -> Day {
    let day = (time.micros() / SECOND + ZONE_SECONDS).div_euclid(DAY_SECONDS);
    Day::from_number(i32::try_from(day).unwrap_or(i32::MAX))
}

/// The seconds from a day's midnight to a time.
pub fn seconds_into(day: Day, time: Timestamp) -> i64 {
    (time.micros() - at(day, 0).micros()) / SECOND
}

/// 0 for Sunday to 6 for Saturday.
pub fn weekday(day: Day) -> i32 {
    (day.number() + 4).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use shilu_model::Zone;

    use super::*;

    #[test]
    fn days_are_those_of_the_campaign() {
        let zone = Zone::parse("Asia/Shanghai").unwrap();
        let days = [FIRST, ADDRESSES_BY, UNITS_BY, HOUSEHOLDS_BY, LAST].map(|day| day.to_string());
        assert_eq!(
            days,
            [
                "2015-04-01",
                "2015-04-20",
                "2015-05-20",
                "2015-06-20",
                "2015-06-30"
            ]
        );
        for day in [FIRST, plus(FIRST, -400), LAST] {
            assert_eq!(at(day, 0), zone.start_of(day));
            assert_eq!((day_of(at(day, 0)), day_of(at(day, 86_399))), (day, day));
            assert_eq!(seconds_into(day, at(day, 34_567)), 34_567);
        }
        assert_eq!(weekday(FIRST), 3, "a Wednesday");
    }
}
