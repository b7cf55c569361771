//! Parts: what one case contributes to an indicator, as numbers that are added up.

use shilu_model::{Frame, Measure};

use crate::names::Name;

/// A number that an indicator adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The cases that count.
    Numerator,
    /// All cases, without the unknown ones.
    Denominator,
    /// Cases of which nobody can say.
    Unknown,
    /// The cases that count, on the first frame.
    FirstNumerator,
    /// All cases, on the first frame.
    FirstDenominator,
    /// Records that were in scope on an earlier day.
    Left,
    /// Clusters with a denominator above 0, of a quotient of sums.
    Clusters,
    /// Numerators squared, numerators by denominators, denominators squared, cluster by cluster.
    NumeratorSquared,
    Product,
    DenominatorSquared,
}

pub(crate) const PARTS: usize = 10;

impl Part {
    pub const ALL: [Part; PARTS] = [
        Part::Numerator,
        Part::Denominator,
        Part::Unknown,
        Part::FirstNumerator,
        Part::FirstDenominator,
        Part::Left,
        Part::Clusters,
        Part::NumeratorSquared,
        Part::Product,
        Part::DenominatorSquared,
    ];

    /// Those that a measure has.
    pub const fn of(measure: &Measure) -> &'static [Part] {
        use Part::{
            Clusters, Denominator, DenominatorSquared, FirstDenominator, FirstNumerator, Left, Numerator,
            NumeratorSquared, Product, Unknown,
        };
        match measure {
            Measure::Collected {
                frame: Frame::Count { .. },
                ..
            } => &[Numerator, Denominator, FirstDenominator, Left],
            Measure::Collected {
                frame: Frame::List(_),
                ..
            }
            | Measure::Share { list: Some(_), .. } => {
                &[Numerator, Denominator, Unknown, FirstNumerator, FirstDenominator]
            }
            Measure::Share { list: None, .. } => &[Numerator, Denominator, Unknown, Left],
            Measure::Sum { .. } => &[
                Numerator,
                Denominator,
                Unknown,
                Left,
                Clusters,
                NumeratorSquared,
                Product,
                DenominatorSquared,
            ],
            Measure::Agree { .. } => &[Numerator, Denominator],
            Measure::Accuracy { .. } | Measure::Roster { .. } => &[],
        }
    }

    const fn place(self) -> usize {
        match self {
            Part::Numerator => 0,
            Part::Denominator => 1,
            Part::Unknown => 2,
            Part::FirstNumerator => 3,
            Part::FirstDenominator => 4,
            Part::Left => 5,
            Part::Clusters => 6,
            Part::NumeratorSquared => 7,
            Part::Product => 8,
            Part::DenominatorSquared => 9,
        }
    }

    /// Its number among the measures of an indicator. Saved: never renumber without a new version of the projection.
    pub fn number(self) -> u32 {
        u32::try_from(self.place()).unwrap_or(u32::MAX)
    }
}

/// What one case contributes at one pair of times, and under which area and actor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contribution {
    pub area: Name,
    pub actor: Name,
    pub parts: Sums,
}

/// A number for each part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums([i64; PARTS]);

impl Sums {
    pub fn get(&self, part: Part) -> i64 {
        self.0.get(part.place()).copied().unwrap_or(0)
    }

    pub fn add(&mut self, part: Part, cases: i64) {
        if let Some(sum) = self.0.get_mut(part.place()) {
            *sum = sum.saturating_add(cases);
        }
    }

    pub fn plus(mut self, other: &Sums) -> Self {
        Part::ALL
            .into_iter()
            .for_each(|part| self.add(part, other.get(part)));
        self
    }
}

impl Contribution {
    /// One more case in a part.
    pub fn with(mut self, part: Part, cases: i64) -> Self {
        self.parts.add(part, cases);
        self
    }

    /// Nothing, whatever its area and actor were.
    pub fn or_none(self) -> Self {
        if self.parts == Sums::default() {
            Contribution::default()
        } else {
            self
        }
    }
}
