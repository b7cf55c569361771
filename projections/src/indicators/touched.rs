//! Touched: whether something was done to a record not long ago, and whether it was done where the thing is.

use shilu_model::{Position, Timestamp, Touched};

use super::reader::{Moment, Reader, Subject};
use crate::records::Site;

/// An event farther from the thing was not on site: beyond the noise of receivers between houses.
const SITE_M_MAX: f64 = 200.0;

impl<'a> Reader<'a> {
    /// Whether a record was touched: an event of the actions, effective on a day t with t ≤ d < t + days. On site it
    /// must have been within 200 m of `thing`, which is the record itself or what it refers to.
    pub fn is_touched(
        &self,
        touched: &Touched,
        subject: &Subject<'a>,
        thing: &Subject<'a>,
        moment: Moment,
    ) -> bool {
        let known = subject.known(moment.end).iter().zip(&subject.sites);
        known
            .filter(|(entry, _)| {
                entry.effective <= moment.effective && touched.actions.contains(&entry.action)
            })
            .filter(|(entry, _)| {
                let since = i64::from(moment.day.number()) - i64::from(self.day_of(entry.effective).number());
                (0..i64::from(touched.days)).contains(&since)
            })
            .any(|(entry, site)| {
                !touched.on_site
                    || site.is_some_and(|site| {
                        let before = (entry.effective, entry.position);
                        let there = thing
                            .median_site(before, moment.end)
                            .or_else(|| subject.median_site(before, moment.end));
                        there.is_none_or(|there| metres(site, there) <= SITE_M_MAX)
                    })
            })
    }
}

impl Subject<'_> {
    /// The middle of the places of all events before one, by latitude and by longitude.
    fn median_site(&self, before: (Timestamp, Position), end: Position) -> Option<Site> {
        let known = self.known(end).iter().zip(&self.sites);
        let sites: Vec<Site> = known
            .filter(|(entry, _)| (entry.effective, entry.position) < before)
            .filter_map(|(_, site)| *site)
            .collect();
        let lat_e7 = median(sites.iter().map(|site| site.lat_e7))?;
        let lon_e7 = median(sites.iter().map(|site| site.lon_e7))?;
        Some(Site { lat_e7, lon_e7 })
    }
}

/// The middle one; of two in the middle, the lower.
fn median(numbers: impl Iterator<Item = i32>) -> Option<i32> {
    let mut numbers: Vec<i32> = numbers.collect();
    let middle = numbers.len().checked_sub(1)? / 2;
    let (_, median, _) = numbers.select_nth_unstable(middle);
    Some(*median)
}

/// The distance between two places that are near each other, on a sphere; right to a metre at 200 m.
fn metres(a: Site, b: Site) -> f64 {
    const EARTH_M: f64 = 6_371_009.0;
    let radians = |e7: i64| f64::from(i32::try_from(e7).unwrap_or(i32::MAX)) * 1e-7_f64.to_radians();
    let turn = 3_600_000_000_i64;
    let apart = (i64::from(a.lon_e7) - i64::from(b.lon_e7)).rem_euclid(turn);
    let east = radians(apart.min(turn - apart));
    let north = radians(i64::from(a.lat_e7) - i64::from(b.lat_e7));
    let shrunk = east * radians(i64::from(a.lat_e7)).cos();
    EARTH_M * shrunk.hypot(north)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_a_sphere() {
        let site = |lat_e7, lon_e7| Site { lat_e7, lon_e7 };
        let near = |a, b, expected: f64| {
            let found = metres(a, b);
            assert!((found - expected).abs() < 0.5, "{found}");
        };
        // A minute of latitude is a nautical mile, nearly; at 60° a minute of longitude is half of it.
        near(
            site(301_200_000, 1_207_900_000),
            site(301_200_000 + 166_667, 1_207_900_000),
            1_853.3,
        );
        near(site(600_000_000, 0), site(600_000_000, 166_667), 926.6);
        near(site(0, 1_799_999_000), site(0, -1_799_999_000), 22.2);
    }

    #[test]
    fn the_middle_of_two_is_the_lower() {
        assert_eq!(median([3, 1, 2].into_iter()), Some(2));
        assert_eq!(median([9, -4].into_iter()), Some(-4));
        assert_eq!(median([].into_iter()), None);
    }
}
