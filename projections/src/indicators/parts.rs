//! Parts: what one case contributes to an indicator, as numbers that are added up.

use shilu_model::{Frame, Measure};

use crate::names::Name;

/// A number that an indicator adds up. Saved: never renumber without a new version of the projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Part {
    /// The cases that count.
    Numerator = 0,
    /// All cases, without the unknown ones.
    Denominator = 1,
    /// Cases of which nobody can say.
    Unknown = 2,
    /// The cases that count, on the first frame.
    FirstNumerator = 3,
    /// All cases, on the first frame.
    FirstDenominator = 4,
    /// Records that were in scope on an earlier day.
    Left = 5,
    /// Clusters with a denominator above 0, of a quotient of sums.
    Clusters = 6,
    /// Numerators squared, numerators by denominators, denominators squared, cluster by cluster.
    NumeratorSquared = 7,
    Product = 8,
    DenominatorSquared = 9,
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

    pub const fn place(self) -> usize {
        self as usize
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
