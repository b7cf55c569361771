//! Targets: which value an indicator should have reached by which day.

use std::fmt;

use toml::Spanned;

use super::{
    check::{Checked, day, wrong},
    file::{TargetFile, TestFile},
};
use crate::time::Day;

/// Most targets of an indicator.
const TARGETS_MAX: usize = 64;

/// What should be reached by when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The deadline: the end of this day in the campaign's zone.
    pub by: Day,
    /// The value to be reached.
    pub value: Percent,
    /// A wish: missing it is never `short`.
    pub stretch: bool,
    /// Whether the campaign's own document states it. Only shown.
    pub stated: bool,
}

/// A share from 0 to 100 %, in hundredths of a per cent, so that it is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u16);

impl Percent {
    /// Everything.
    pub const ALL: Percent = Percent(10_000);

    /// Hundredths of a per cent, 0 to 10,000.
    pub const fn hundredths(self) -> u16 {
        self.0
    }

    /// As a fraction, 0 to 1.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// Reads a decimal number of per cent with at most two decimals, such as `97.5`.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let fraction = fraction.trim_end_matches('0');
        if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 2 {
            return None;
        }
        let hundredths: u16 = format!("{fraction:0<2}").parse().ok()?;
        let value = whole
            .parse::<u16>()
            .ok()?
            .checked_mul(100)?
            .checked_add(hundredths)?;
        (value <= Self::ALL.0).then_some(Percent(value))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole} %"),
            (whole, rest) if rest % 10 == 0 => write!(f, "{whole}.{} %", rest / 10),
            (whole, rest) => write!(f, "{whole}.{rest:02} %"),
        }
    }
}

pub(super) fn check(files: &[TargetFile]) -> Checked<Vec<Target>> {
    let mut targets: Vec<Target> = Vec::with_capacity(files.len());
    for file in files {
        let by = day(&file.by)?;
        if targets.last().is_some_and(|last| last.by >= by) {
            return wrong(&file.by, "targets are in the order of their days, one for each");
        }
        if targets.len() == TARGETS_MAX {
            return wrong(
                &file.by,
                format!("an indicator has at most {TARGETS_MAX} targets"),
            );
        }
        targets.push(Target {
            by,
            value: percent(&file.value)?,
            stretch: file.stretch,
            stated: file.stated,
        });
    }
    Ok(targets)
}

fn percent(value: &Spanned<TestFile>) -> Checked<Percent> {
    let read = match value.get_ref() {
        TestFile::Integer(number) => Percent::parse(&number.to_string()),
        // A float is shown as its shortest decimal form, which is what the file says.
        TestFile::Float(number) => Percent::parse(&number.to_string()),
        _ => None,
    };
    match read {
        Some(percent) => Ok(percent),
        None => wrong(
            value,
            "a target is a number from 0 to 100, in per cent, with at most two decimals",
        ),
    }
}
