//! `[ranking]`: of which months areas and persons are ranked, and who is too small for it.

use std::fmt;

use super::{
    check::{Checked, whole, wrong},
    file::RankingFile,
};
use crate::time::Day;

/// Most months: fifty years of them.
const MONTHS_MAX: usize = 600;
/// Largest population that a campaign may ask for.
const POPULATION_MAX: u32 = 1_000_000;

/// How areas and persons are ranked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// The months, each later than the one before.
    pub months: Vec<Month>,
    /// Areas with fewer live records, or fewer expected by the frame, are left out.
    pub min_population: u32,
}

/// A calendar month, written `2015-04`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    /// Its first day.
    pub first: Day,
    /// Its last day.
    pub last: Day,
}

impl Month {
    /// Reads `YYYY-MM`.
    pub fn parse(text: &str) -> Option<Self> {
        let first = Day::parse(&format!("{text}-01")).ok()?;
        let lengths = (28..=31).rev();
        let last = lengths
            .map(|length| Day::parse(&format!("{text}-{length}")))
            .find_map(Result::ok)?;
        Some(Month { first, last })
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.first.to_string();
        f.write_str(first.strip_suffix("-01").unwrap_or(&first))
    }
}

impl Ranking {
    pub(super) fn check(file: &RankingFile) -> Checked<Self> {
        let mut months: Vec<Month> = Vec::new();
        for text in file.months.get_ref() {
            let Some(month) = Month::parse(text.get_ref()) else {
                return wrong(text, "a month is written as \"2015-04\"");
            };
            if months.last().is_some_and(|last| *last >= month) {
                return wrong(text, "months are in order, each once");
            }
            months.push(month);
        }
        if months.is_empty() || months.len() > MONTHS_MAX {
            return wrong(&file.months, format!("a ranking has 1 to {MONTHS_MAX} months"));
        }
        let min_population = whole(&file.min_population, 0..=POPULATION_MAX, "min_population")?;
        Ok(Ranking {
            months,
            min_population,
        })
    }
}
