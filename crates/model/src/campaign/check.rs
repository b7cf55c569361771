//! The checks of a campaign file as a whole, and the words in which every check speaks.

use std::{
    collections::BTreeSet,
    ops::{Range, RangeInclusive},
};

use toml::{Spanned, value::Datetime};

use super::{
    Campaign,
    areas::Areas,
    conditions::Context,
    file::CampaignFile,
    kinds::{FieldContext, Kind},
    phases,
    ranking::Ranking,
    roles,
    sample::{self, SAMPLE_KIND},
    sets::Sets,
    witnesses,
};
use crate::time::{Day, Zone};

/// A result, or what is wrong at which bytes of the file.
pub(super) type Checked<T> = Result<T, (Range<usize>, String)>;

/// Most kinds of a campaign, and most fields of a kind: a form that nobody could fill is a mistake.
pub(super) const KINDS_MAX: usize = 256;
/// See [`KINDS_MAX`].
pub(super) const FIELDS_MAX: usize = 256;
/// Most indicators of a campaign: each is kept by area and day.
const INDICATORS_MAX: usize = 256;
/// Longest id of a kind, field, set, phase or indicator in bytes.
const ID_BYTES_MAX: usize = 64;

pub(super) fn wrong<T, V>(place: &Spanned<V>, problem: impl Into<String>) -> Checked<T> {
    Err((place.span(), problem.into()))
}

impl CampaignFile {
    pub(super) fn check(self) -> Checked<Campaign> {
        self.check_names()?;
        let zone = Zone::parse(self.timezone.get_ref())
            .map_err(|error| (self.timezone.span(), error.to_string()))?;
        let Ok(earliest) = day(&self.earliest) else {
            return wrong(&self.earliest, "earliest must be a date such as 2000-01-01");
        };
        let sets = Sets::check(&self.sets)?;
        let areas = Areas::check(&self.areas)?;
        let kinds = self.check_kinds(&sets, &areas)?;
        let indicators = {
            let context = Context {
                kinds: &kinds,
                sets: &sets,
                areas: &areas,
            };
            unique(
                self.indicators.iter().map(|file| &file.id),
                "indicator",
                INDICATORS_MAX,
            )?;
            let compiled = self.indicators.iter().map(|file| file.compile(&context));
            compiled.collect::<Checked<Vec<_>>>()?
        };
        let phases = phases::check(&self.phases)?;
        let ranking = self.ranking.as_ref().map(Ranking::check).transpose()?;
        let signed_roles = roles::check(self.signed_roles.as_deref().unwrap_or_default())?;
        let (witnesses, quorum) = witnesses::check(&self.witnesses, self.quorum.as_ref())?;
        Ok(Campaign {
            name: self.name.into_inner(),
            origin: self.origin.into_inner(),
            zone,
            earliest: zone.start_of(earliest),
            kinds,
            sample: sample::kind(),
            areas,
            phases,
            indicators,
            ranking,
            signed_roles,
            witnesses,
            quorum,
        })
    }

    fn check_names(&self) -> Checked<()> {
        if self.name.get_ref().trim().is_empty() {
            return wrong(&self.name, "the name is empty");
        }
        let origin = self.origin.get_ref();
        if origin.is_empty() || origin.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+') {
            return wrong(
                &self.origin,
                "the origin must be a name without spaces or +, such as example.org/register",
            );
        }
        if origin.ends_with("/simulated") || origin.ends_with("/access") {
            return wrong(&self.origin, "the endings /simulated and /access are reserved");
        }
        Ok(())
    }

    fn check_kinds(&self, sets: &Sets, areas: &Areas) -> Checked<Vec<Kind>> {
        let files = self.kinds.get_ref();
        if files.is_empty() || files.len() > KINDS_MAX {
            return wrong(&self.kinds, format!("a campaign has 1 to {KINDS_MAX} kinds"));
        }
        unique(files.iter().map(|kind| &kind.id), "kind", KINDS_MAX)?;
        if let Some(kind) = files.iter().find(|kind| kind.id.get_ref() == SAMPLE_KIND) {
            let problem = format!("the kind {SAMPLE_KIND:?} is reserved: every campaign has it");
            return wrong(&kind.id, problem);
        }
        let kinds: BTreeSet<_> = files.iter().map(|kind| kind.id.get_ref().as_str()).collect();
        let context = FieldContext {
            kinds: &kinds,
            sets,
            areas,
        };
        files.iter().map(|kind| kind.check(&context)).collect()
    }
}

/// Checks that ids are ids, that there are not too many, and that each is there once.
pub(super) fn unique<'a>(
    ids: impl Iterator<Item = &'a Spanned<String>>,
    of: &str,
    max: usize,
) -> Checked<()> {
    let mut seen = BTreeSet::new();
    for id in ids {
        check_id(id, of)?;
        if !seen.insert(id.get_ref().as_str()) {
            return wrong(
                id,
                format!("there is already {} {of} {:?}", article(of), id.get_ref()),
            );
        }
        if seen.len() > max {
            return wrong(id, format!("a campaign has at most {max} of the sort {of}"));
        }
    }
    Ok(())
}

pub(super) fn check_id(id: &Spanned<String>, of: &str) -> Checked<()> {
    let text = id.get_ref();
    let good = text.len() <= ID_BYTES_MAX
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if good {
        Ok(())
    } else {
        wrong(
            id,
            format!(
                "the id of {} {of} is a letter, then letters, digits, - and _, at most {ID_BYTES_MAX}",
                article(of)
            ),
        )
    }
}

/// The article before a word.
fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o']) {
        "an"
    } else {
        "a"
    }
}

/// A day, written as a TOML date without a time.
pub(super) fn day(date: &Spanned<Datetime>) -> Checked<Day> {
    match plain_day(date.get_ref()) {
        Some(day) => Ok(day),
        None => wrong(date, "this must be a date such as 2015-04-20, without quotes"),
    }
}

/// See [`day`].
pub(super) fn plain_day(date: &Datetime) -> Option<Day> {
    match (date.date, date.time) {
        (Some(date), None) => Day::parse(&date.to_string()).ok(),
        _ => None,
    }
}

/// A whole number within a range.
pub(super) fn whole(number: &Spanned<i64>, range: RangeInclusive<u32>, what: &str) -> Checked<u32> {
    match u32::try_from(*number.get_ref()) {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => wrong(
            number,
            format!(
                "{what} must be a whole number from {} to {}",
                range.start(),
                range.end()
            ),
        ),
    }
}
