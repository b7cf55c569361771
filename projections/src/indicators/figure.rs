//! Figures: what an indicator says of a part of the register at one pair of times, from sums that are kept or passed.

use std::collections::BTreeMap;

use shilu_model::{Campaign, Day, Frame, Indicator, Measure, Position, Timestamp};

use super::{
    Case, Contribution, FrameVersion, Input, Part, Said, Sums, evaluation::Evaluation, plan::Planned,
    reader::Moment,
};
use crate::{
    names::{Name, Names},
    projection::{Figures, Subjects},
    tally::Axis,
};

/// How figures are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Not at all.
    Whole,
    /// By area: every declared one with all areas below it; without declared areas, each that a record names.
    Area,
    /// By the first collector of the records that are the cases.
    Actor,
}

/// At which pair of times figures are wanted, and of what.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// E.
    pub times: Times,
    /// K: the first position that is left out. The campaign is the one in force there.
    pub end: Position,
    /// How they are split.
    pub split: Split,
    /// Only what counts in this area.
    pub area: Option<&'a str>,
}

/// Where a pair of times lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// On a kept axis: a look-up.
    Kept(Axis, Day),
    /// Anywhere: one pass over the records.
    Passed(Timestamp),
}

/// What an indicator says of one part of the register.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reckoned {
    /// The area, if split by area or asked for one.
    pub area: Option<String>,
    /// The actor, if split by actor.
    pub actor: Option<String>,
    /// The cases that count, or the sum above the line. At most what is expected, area by area.
    pub numerator: u64,
    /// All cases but the unknown ones, what is expected, or the sum below the line.
    pub denominator: u64,
    /// Cases of which nobody can say.
    pub unknown: u64,
    /// Cases beyond what is expected, area by area: they count nowhere.
    pub excess: u64,
    /// Numerator and denominator on the first frame.
    pub first: Option<(u64, u64)>,
    /// Records that were in scope on an earlier day and are no more.
    pub left: u64,
    /// Of a quotient of sums, what its interval needs.
    pub clusters: Option<Clusters>,
    /// The frame behind the denominator.
    pub frame: Option<FrameVersion>,
}

/// Sums over clusters, each with a numerator n and a denominator d.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clusters {
    /// How many clusters have a denominator above 0.
    pub count: u64,
    /// Σ n².
    pub numerator_squared: u64,
    /// Σ n·d.
    pub product: u64,
    /// Σ d².
    pub denominator_squared: u64,
}

/// One case behind a figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The record that is the case, or the name or key that it is about.
    pub case: String,
    /// Where it counts.
    pub area: String,
    /// Who collected it first, where that is asked.
    pub actor: String,
    /// What it adds to the numerator.
    pub numerator: u64,
    /// What it adds to the denominator.
    pub denominator: u64,
    /// Whether nobody can say.
    pub unknown: bool,
    /// The records that decide it, with their events.
    pub inputs: Vec<Input>,
}

/// A key of two extracts with what each says of it; at least one has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// The key.
    pub key: String,
    /// Where it counts.
    pub area: String,
    /// What the one side says.
    pub left: Option<Said>,
    /// What the other says.
    pub right: Option<Said>,
}

impl Reconciled {
    /// Whether both have it with equal normal forms.
    pub fn agrees(&self) -> bool {
        let normal = |said: &Option<Said>| said.as_ref().and_then(|said| said.normal.clone());
        normal(&self.left).is_some() && normal(&self.left) == normal(&self.right)
    }
}

/// Whose sums: an area, and perhaps an actor.
type Buckets = BTreeMap<(Name, Name), Sums>;

impl Figures {
    /// What an indicator of the campaign says; nothing for one that follows from draws.
    pub fn reckon(&self, subjects: &Subjects, indicator: &Indicator, wanted: &Wanted<'_>) -> Vec<Reckoned> {
        let mut told = self.reckon_each(subjects, indicator, std::slice::from_ref(wanted));
        told.pop().unwrap_or_default()
    }

    /// The same at several pairs of times. Those off the kept axes are answered by one pass over the records, as far as
    /// the same campaign is in force at them.
    pub fn reckon_each(
        &self,
        subjects: &Subjects,
        indicator: &Indicator,
        wanted: &[Wanted<'_>],
    ) -> Vec<Vec<Reckoned>> {
        let Some(name) = subjects.names.find(&indicator.id) else {
            return vec![Vec::new(); wanted.len()];
        };
        let reckonings = wanted.iter().map(|wanted| Reckoning {
            figures: self,
            subjects,
            campaign: subjects.campaign(wanted.end),
            indicator,
            name,
            wanted,
        });
        let reckonings: Vec<Reckoning<'_>> = reckonings.collect();
        let passed = reckonings
            .iter()
            .filter(|one| one.is_answered() && one.passes_at().is_some());
        let passed: Vec<&Reckoning<'_>> = passed.collect();
        let same = |a: &&Reckoning<'_>, b: &&Reckoning<'_>| std::ptr::eq(a.campaign, b.campaign);
        let mut passed = passed.chunk_by(same).flat_map(Reckoning::pass);
        let told = reckonings.iter().map(|one| match one.passes_at() {
            _ if !one.is_answered() => Vec::new(),
            None => one.kept(),
            Some(_) => passed.next().unwrap_or_default(),
        });
        told.collect()
    }

    /// The cases behind an indicator at a pair of times, in a fixed order, each with the records that decide it.
    pub fn evidence(
        &self,
        subjects: &Subjects,
        indicator: &str,
        (effective, end): (Timestamp, Position),
        mut show: impl FnMut(Evidence),
    ) {
        let names = &subjects.names;
        let Some(name) = names.find(indicator) else { return };
        let measure = subjects.campaign(end).indicator(indicator).map(|of| &of.measure);
        let of_counts = matches!(
            measure,
            Some(Measure::Collected {
                frame: Frame::Count { .. },
                ..
            })
        );
        let pairs = [(effective, end)];
        let campaign = (&**subjects.campaign(end), subjects.plan(end));
        let kept = (&subjects.names, &subjects.records);
        let indicators = &self.indicators;
        indicators.with_cases(
            name,
            campaign,
            kept,
            &pairs,
            |evaluation, planned, case, moments| {
                let Some(moment) = moments.first() else { return };
                let told = evaluation.contribution(planned, case, *moment);
                let case_name = match case {
                    Case::Record(slot) => {
                        let (kind, key) = subjects.records.name(*slot);
                        format!("{}/{key}", names.text(kind))
                    }
                    Case::Value(value) => value.clone(),
                };
                let number = |part| unsigned(told.parts.get(part));
                let (numerator, mut denominator) = (number(Part::Numerator), number(Part::Denominator));
                let campaign = subjects.campaign(end);
                // What is expected of an area with others in it is expected of those.
                if of_counts && campaign.areas.is_divided_on(names.text(told.area), moment.day) {
                    denominator = 0;
                }
                let unknown = number(Part::Unknown) > 0;
                if numerator > 0 || denominator > 0 || unknown {
                    show(Evidence {
                        case: case_name,
                        area: names.text(told.area).to_owned(),
                        actor: names.text(told.actor).to_owned(),
                        numerator,
                        denominator,
                        unknown,
                        inputs: evaluation.inputs_of(planned, case, *moment),
                    });
                }
            },
        );
    }

    /// Every key of an agreement at a pair of times, in the order of keys.
    pub fn reconcile(
        &self,
        subjects: &Subjects,
        indicator: &Indicator,
        (effective, end): (Timestamp, Position),
        mut show: impl FnMut(Reconciled),
    ) {
        let Measure::Agree { left, right } = &indicator.measure else {
            return;
        };
        let names = &subjects.names;
        let Some(name) = names.find(&indicator.id) else {
            return;
        };
        let campaign = subjects.campaign(end);
        let area_of = |kind: &str| campaign.kind(kind).and_then(|kind| kind.area.as_deref());
        let plan = subjects.plan(end);
        let kept = (names, &subjects.records);
        self.indicators.with_cases(
            name,
            (campaign, plan),
            kept,
            &[(effective, end)],
            |evaluation, _, case, moments| {
                let (Case::Value(key), Some(moment)) = (case, moments.first().copied()) else {
                    return;
                };
                let reader = evaluation.reader;
                let left = reader.said(left, key, area_of(&left.of.kind), moment);
                let right = reader.said(right, key, area_of(&right.of.kind), moment);
                if let Some(said) = left.as_ref().or(right.as_ref()) {
                    show(Reconciled {
                        key: key.clone(),
                        area: names.text(said.area).to_owned(),
                        left,
                        right,
                    });
                }
            },
        );
    }
}

struct Reckoning<'a> {
    figures: &'a Figures,
    subjects: &'a Subjects,
    campaign: &'a Campaign,
    indicator: &'a Indicator,
    name: Name,
    wanted: &'a Wanted<'a>,
}

impl Reckoning<'_> {
    /// Whether the measure can be split as asked. What follows from draws is not reckoned here.
    fn is_answered(&self) -> bool {
        match &self.indicator.measure {
            Measure::Accuracy { .. } | Measure::Roster { .. } => false,
            Measure::Share { list: None, .. } | Measure::Sum { .. } => true,
            _ => self.wanted.split != Split::Actor,
        }
    }

    /// E, if the answer takes a pass over the records. The actors of one area are not kept.
    fn passes_at(&self) -> Option<Timestamp> {
        match self.wanted.times {
            Times::Passed(effective) => Some(effective),
            Times::Kept(_, day) if self.wanted.split == Split::Actor && self.wanted.area.is_some() => {
                Some(self.campaign.zone.end_of(day))
            }
            Times::Kept(..) => None,
        }
    }

    /// Whether what is expected of an area is expected of those in it.
    fn is_divided(&self, area: Name) -> bool {
        let day = match self.wanted.times {
            Times::Kept(_, day) => day,
            Times::Passed(effective) => self.campaign.zone.day_of(effective),
        };
        self.campaign.areas.is_divided_on(self.names().text(area), day)
    }

    fn kept(&self) -> Vec<Reckoned> {
        let Times::Kept(axis, day) = self.wanted.times else {
            return Vec::new();
        };
        let by_actor = self.wanted.split == Split::Actor;
        let indicators = &self.figures.indicators;
        let measure = &self.indicator.measure;
        let sums = indicators.sums(self.name, measure, by_actor, (axis, day));
        match by_actor {
            true => self.by_actor(sums),
            false => self.by_area(&sums),
        }
    }

    /// One pass over the records for some that are about one indicator of one campaign.
    fn pass(group: &[&Self]) -> Vec<Vec<Reckoned>> {
        let Some(first) = group.first() else {
            return Vec::new();
        };
        let pairs = group
            .iter()
            .filter_map(|one| Some((one.passes_at()?, one.wanted.end)));
        let pairs: Vec<(Timestamp, Position)> = pairs.collect();
        let campaign = (first.campaign, first.subjects.plan(first.wanted.end));
        let kept = (&first.subjects.names, &first.subjects.records);
        let mut buckets = vec![Buckets::new(); group.len()];
        let add = |evaluation: &Evaluation<'_, '_>, planned: &Planned, case: &Case, moments: &[Moment]| {
            for ((one, buckets), moment) in group.iter().zip(&mut buckets).zip(moments) {
                let told = evaluation.contribution(planned, case, *moment);
                if told != Contribution::default() {
                    let by_actor = one.wanted.split == Split::Actor;
                    let actor = if by_actor { told.actor } else { Name::NONE };
                    let sums = buckets.entry((told.area, actor)).or_default();
                    *sums = sums.plus(&told.parts);
                }
            }
        };
        let indicators = &first.figures.indicators;
        indicators.with_cases(first.name, campaign, kept, &pairs, add);
        let told = group.iter().zip(buckets);
        told.map(|(one, buckets)| one.passed(buckets)).collect()
    }

    fn passed(&self, buckets: Buckets) -> Vec<Reckoned> {
        if self.wanted.split != Split::Actor {
            let areas = buckets.into_iter().map(|((area, _), sums)| (area, sums));
            return self.by_area(&areas.collect::<Vec<_>>());
        }
        let mut actors: BTreeMap<Name, Sums> = BTreeMap::new();
        for ((area, actor), sums) in buckets {
            if self.is_asked(area) && actor != Name::NONE {
                let all = actors.entry(actor).or_default();
                *all = all.plus(&sums);
            }
        }
        self.by_actor(actors.into_iter().collect())
    }

    /// Whether an area counts in the one that is asked for.
    fn is_asked(&self, area: Name) -> bool {
        let area = self.names().text(area);
        self.wanted.area.is_none_or(|asked| self.counts_in(area, asked))
    }

    fn counts_in(&self, area: &str, other: &str) -> bool {
        area == other || self.campaign.areas.rolls_up_to(area, other)
    }

    fn names(&self) -> &Names {
        &self.subjects.names
    }

    fn by_actor(&self, actors: Vec<(Name, Sums)>) -> Vec<Reckoned> {
        let told = actors.into_iter().map(|(actor, sums)| Reckoned {
            area: self.wanted.area.map(str::to_owned),
            actor: Some(self.names().text(actor).to_owned()),
            ..self.reckoned(&[(Name::NONE, sums)], false)
        });
        let mut told: Vec<_> = told.filter(Reckoned::says_something).collect();
        told.sort_by(|a, b| a.actor.cmp(&b.actor));
        told
    }

    fn by_area(&self, areas: &[(Name, Sums)]) -> Vec<Reckoned> {
        let told = |area: Option<&str>, counted: &[(Name, Sums)]| Reckoned {
            area: area.map(str::to_owned),
            ..self.reckoned(counted, true)
        };
        if (self.wanted.area, self.wanted.split) != (None, Split::Area) {
            let counted = areas.iter().filter(|(area, _)| self.is_asked(*area));
            let counted: Vec<_> = counted.copied().collect();
            return vec![told(self.wanted.area, &counted)];
        }
        let mut within: BTreeMap<&str, Vec<(Name, Sums)>> = BTreeMap::new();
        for (area, sums) in areas {
            let own = self.names().text(*area);
            let above = self.campaign.areas.chain(own).map(|area| &*area.id);
            let above = above.filter(|above| *above != own);
            for area_within in std::iter::once(own).chain(above) {
                within.entry(area_within).or_default().push((*area, *sums));
            }
        }
        let told = within.iter().map(|(area, counted)| told(Some(area), counted));
        told.filter(Reckoned::says_something).collect()
    }

    fn reckoned(&self, buckets: &[(Name, Sums)], framed: bool) -> Reckoned {
        let all = buckets
            .iter()
            .fold(Sums::default(), |all, (_, sums)| all.plus(sums));
        let part = |part| unsigned(all.get(part));
        let mut told = Reckoned {
            numerator: part(Part::Numerator),
            denominator: part(Part::Denominator),
            unknown: part(Part::Unknown),
            left: part(Part::Left),
            ..Reckoned::default()
        };
        match &self.indicator.measure {
            Measure::Collected {
                frame: Frame::Count { .. },
                ..
            } => {
                let leaves: Vec<&Sums> = buckets
                    .iter()
                    .filter(|(area, _)| !self.is_divided(*area))
                    .map(|(_, sums)| sums)
                    .collect();
                let all = |frame| -> u64 { leaves.iter().map(|sums| unsigned(sums.get(frame))).sum() };
                let most = |frame| -> u64 {
                    let found = leaves
                        .iter()
                        .map(|sums| (sums.get(Part::Numerator), sums.get(frame)));
                    found.map(|(found, expected)| unsigned(found.min(expected))).sum()
                };
                let found = told.numerator;
                told.numerator = most(Part::Denominator);
                told.denominator = all(Part::Denominator);
                told.excess = found - told.numerator;
                told.first = Some((most(Part::FirstDenominator), all(Part::FirstDenominator)));
            }
            Measure::Collected {
                frame: Frame::List(_),
                ..
            }
            | Measure::Share { list: Some(_), .. } => {
                told.first = Some((part(Part::FirstNumerator), part(Part::FirstDenominator)));
            }
            Measure::Sum { .. } => {
                told.clusters = Some(Clusters {
                    count: part(Part::Clusters),
                    numerator_squared: part(Part::NumeratorSquared),
                    product: part(Part::Product),
                    denominator_squared: part(Part::DenominatorSquared),
                });
            }
            _ => {}
        }
        if framed {
            let areas: Vec<Name> = buckets.iter().map(|(area, _)| *area).collect();
            let indicators = &self.figures.indicators;
            told.frame = indicators.frame(&self.indicator.measure, &areas, self.wanted.end, self.names());
        }
        told
    }
}

impl Reckoned {
    fn says_something(&self) -> bool {
        self.numerator > 0
            || self.denominator > 0
            || self.unknown > 0
            || self.excess > 0
            || self.left > 0
            || self.first.is_some_and(|(_, expected)| expected > 0)
    }
}

/// A total of cases is never below zero: each case that is taken away was added on an earlier or the same day.
fn unsigned(total: i64) -> u64 {
    u64::try_from(total).unwrap_or(0)
}
