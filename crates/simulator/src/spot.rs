//! Where things are: metres from the middle of the township, and what a device says of that.

use shilu_model::Place;

use crate::random::Random;

/// 30.12 N 120.79 E, in units of 10⁻⁷ degrees (WGS 84).
const MIDDLE: (i32, i32) = (301_200_000, 1_207_900_000);
/// A metre north, and a metre east at this latitude, in units of 10⁻⁷ degrees.
const METRE: (i32, i32) = (90, 104);

/// A place in metres from the middle of the township.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// To the north.
    pub north_m: i32,
    /// To the east.
    pub east_m: i32,
}

impl Spot {
    /// How far one walks to another.
    pub fn walk_m(self, other: Spot) -> i64 {
        let north = i64::from(self.north_m) - i64::from(other.north_m);
        let east = i64::from(self.east_m) - i64::from(other.east_m);
        north.abs() + east.abs()
    }

    /// So many metres further.
    pub fn plus(self, north_m: i32, east_m: i32) -> Spot {
        Spot {
            north_m: self.north_m + north_m,
            east_m: self.east_m + east_m,
        }
    }

    /// What a device there says: mostly good to some metres, now and then to hundreds (indoors), now and then nothing.
    pub fn measured(self, random: &mut Random) -> Option<Place> {
        let accuracy_m = match random.below(1_000) {
            0..45 => return None,
            45..58 => random.small(120, 450),
            58..160 => random.small(16, 30),
            _ => random.small(3, 15),
        };
        // Mostly within half the radius that the device gives.
        let half = i64::from(accuracy_m) / 2;
        let mut off = || i32::try_from(random.between(-half, half)).unwrap_or(0);
        let there = self.plus(off(), off());
        Some(Place {
            lat_e7: MIDDLE.0 + there.north_m * METRE.0,
            lon_e7: MIDDLE.1 + there.east_m * METRE.1,
            accuracy_m: accuracy_m.into(),
        })
    }
}
