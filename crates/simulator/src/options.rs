//! What a simulation is made from.

use std::{fmt, str::FromStr};

/// How large, in thousandths of the township of the notice: 20,000 dwellings, 45,000 residents, 1,500 units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale(u32);

/// A text that is no scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScaleError;

impl Scale {
    /// The township as it is.
    pub const ONE: Scale = Scale(1_000);
    /// The smallest, in thousandths: a dozen dwellings per village.
    pub const MIN: u32 = 10;
    /// The largest, in thousandths: two million dwellings, some thirty million events.
    pub const MAX: u32 = 100_000;

    /// So many of what is `count` at scale 1.
    pub fn of(self, count: u64) -> u64 {
        count * u64::from(self.0) / 1_000
    }
}

/// A decimal number with at most three places.
impl FromStr for Scale {
    type Err = ScaleError;

    fn from_str(text: &str) -> Result<Self, ScaleError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 3 || whole.len() > 4 {
            return Err(ScaleError);
        }
        let thousandths: u32 = format!("{whole}{fraction:0<3}").parse().map_err(|_| ScaleError)?;
        if (Scale::MIN..=Scale::MAX).contains(&thousandths) {
            Ok(Scale(thousandths))
        } else {
            Err(ScaleError)
        }
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03}", self.0 / 1_000, self.0 % 1_000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl fmt::Display for ScaleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scale is a number from 0.01 to 100 with at most three decimals, such as 0.1 or 2.5")
    }
}

impl std::error::Error for ScaleError {}

/// What a simulation is made from: the same gives the same, byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The seed of everything invented.
    pub seed: u64,
    /// How large.
    pub scale: Scale,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_read_and_written() {
        for (text, written) in [
            ("1", "1"),
            ("0.1", "0.1"),
            ("2.50", "2.5"),
            ("0.015", "0.015"),
            ("100", "100"),
        ] {
            assert_eq!(text.parse::<Scale>().unwrap().to_string(), written);
        }
        for bad in [
            "",
            ".",
            "0",
            "0.001",
            "0.0155",
            "-1",
            "1e3",
            "101",
            "1,5",
            " 1",
            "99999999999",
        ] {
            assert_eq!(bad.parse::<Scale>(), Err(ScaleError), "{bad:?}");
        }
        assert_eq!("0.1".parse::<Scale>().unwrap().of(20_000), 2_000);
    }
}
