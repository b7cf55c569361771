//! Rates: every indicator by area and first collector, for every day on both axes, kept by contribution.

use shilu_model::{Day, Status};

use crate::{
    class::{Checked, Class, Step, Transition},
    names::Name,
    tally::{Axis, Move, Scope, Tally},
};

/// The rates of all indicators.
#[derive(Clone, Debug, Default)]
pub struct Rates(pub(crate) Tally);

/// The indicators that every kind has, without targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuiltIn {
    /// registered / (registered + collected but not registered)
    RegisterShare,
    /// deregistered / (deregistered + last verified gone and still registered)
    DeregisterShare,
    /// live records whose checked fields were all confirmed at the last check / live records with a check
    Accuracy,
}

/// What an indicator counts at one pair of times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figure {
    /// The cases that count.
    pub numerator: u64,
    /// All cases.
    pub denominator: u64,
    /// Cases of which nobody can say.
    pub unknown: u64,
}

/// Where a record counts for an indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Numerator,
    Denominator,
    Unknown,
}

const PARTS: [Part; 3] = [Part::Numerator, Part::Denominator, Part::Unknown];

impl BuiltIn {
    /// All of them.
    pub const ALL: [BuiltIn; 3] = [
        BuiltIn::RegisterShare,
        BuiltIn::DeregisterShare,
        BuiltIn::Accuracy,
    ];

    /// The second half of the indicator's id.
    pub const fn id(self) -> &'static str {
        match self {
            BuiltIn::RegisterShare => "register-share",
            BuiltIn::DeregisterShare => "deregister-share",
            BuiltIn::Accuracy => "accuracy",
        }
    }

    /// Whether the rate rests on checks, and so has an interval.
    pub const fn rests_on_checks(self) -> bool {
        matches!(self, BuiltIn::Accuracy)
    }

    /// What one record contributes.
    pub fn of(self, class: &Class) -> Figure {
        let Class { status, checked, .. } = *class;
        let figure = |numerator: bool, denominator: bool, unknown: bool| Figure {
            numerator: u64::from(numerator),
            denominator: u64::from(denominator),
            unknown: u64::from(unknown),
        };
        match self {
            BuiltIn::RegisterShare => figure(status == Status::Registered, status.is_live(), false),
            BuiltIn::DeregisterShare => {
                let overdue = status == Status::Registered && checked == Checked::Gone;
                figure(
                    status == Status::Deregistered,
                    status == Status::Deregistered || overdue,
                    false,
                )
            }
            BuiltIn::Accuracy => {
                let judged = matches!(checked, Checked::Right | Checked::Wrong | Checked::Gone);
                figure(
                    status.is_live() && checked == Checked::Right,
                    status.is_live() && judged,
                    status.is_live() && checked == Checked::Tried,
                )
            }
        }
    }
}

impl Figure {
    fn part(&self, part: Part) -> i64 {
        let cases = match part {
            Part::Numerator => self.numerator,
            Part::Denominator => self.denominator,
            Part::Unknown => self.unknown,
        };
        i64::try_from(cases).unwrap_or(i64::MAX)
    }

    /// The sum of two figures.
    pub fn plus(self, other: Figure) -> Figure {
        Figure {
            numerator: self.numerator + other.numerator,
            denominator: self.denominator + other.denominator,
            unknown: self.unknown + other.unknown,
        }
    }

    /// Numerator by denominator; `None` for a denominator of 0.
    pub fn value(self) -> Option<f64> {
        (self.denominator > 0).then(|| float(self.numerator) / float(self.denominator))
    }

    /// Wilson's two-sided 95 % interval for a proportion (Wilson 1927, J. Am. Stat. Assoc. 22:209–212);
    /// `None` for a denominator of 0.
    ///
    /// ```
    /// use shilu_projections::Figure;
    /// let (lower, upper) = Figure { numerator: 9, denominator: 10, unknown: 0 }.wilson().unwrap();
    /// assert_eq!((format!("{lower:.4}"), format!("{upper:.4}")), ("0.5958".into(), "0.9821".into()));
    /// ```
    pub fn wilson(self) -> Option<(f64, f64)> {
        /// The 97.5 % quantile of the normal distribution.
        const Z: f64 = 1.959_963_984_540_054;
        let (p, n) = (self.value()?, float(self.denominator));
        let centre = p + Z * Z / (2.0 * n);
        let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        Some((
            ((centre - spread) / scale).max(0.0).min(p),
            ((centre + spread) / scale).min(1.0).max(p),
        ))
    }
}

/// Exact: a log has fewer than 2^32 records.
fn float(cases: u64) -> f64 {
    u32::try_from(cases).map_or(f64::INFINITY, f64::from)
}

impl Rates {
    /// Moves one record of a kind.
    pub fn apply(&mut self, kind: Name, step: &Step) {
        self.transition(kind, Axis::Known, &step.known, 1);
        step.withdrawn
            .iter()
            .for_each(|transition| self.transition(kind, Axis::Effective, transition, -1));
        step.stated
            .iter()
            .for_each(|transition| self.transition(kind, Axis::Effective, transition, 1));
    }

    fn transition(&mut self, kind: Name, axis: Axis, transition: &Transition, sign: i64) {
        let Transition { day, from, to } = transition;
        if from == to {
            return;
        }
        let moved = (from.area, from.actor) != (to.area, to.actor);
        for indicator in BuiltIn::ALL {
            let (before, after) = (indicator.of(from), indicator.of(to));
            for part in PARTS {
                let (less, more) = (before.part(part), after.part(part));
                if less == more && !moved {
                    continue;
                }
                let measure = measure(kind, indicator, part);
                for (class, cases) in [(from, -less * sign), (to, more * sign)] {
                    if cases != 0 {
                        let at = Move {
                            measure,
                            area: class.area,
                            actor: Some(class.actor),
                            axis,
                            day: *day,
                        };
                        self.0.add(at, cases);
                    }
                }
            }
        }
    }

    /// One indicator of a kind, at the end of a day.
    pub fn at(&self, kind: Name, indicator: BuiltIn, scope: Scope, axis: Axis, day: Day) -> Figure {
        let part = |part| self.0.at(measure(kind, indicator, part), scope, axis, day);
        Figure {
            numerator: part(Part::Numerator),
            denominator: part(Part::Denominator),
            unknown: part(Part::Unknown),
        }
    }

    /// Every area in which an indicator ever had a case.
    pub fn areas(&self, kind: Name, indicator: BuiltIn) -> Vec<Name> {
        let parts = PARTS
            .into_iter()
            .flat_map(|part| self.0.areas(measure(kind, indicator, part)));
        sorted(parts.collect())
    }

    /// Every actor for whom an indicator ever had a case.
    pub fn actors(&self, kind: Name, indicator: BuiltIn) -> Vec<Name> {
        let parts = PARTS
            .into_iter()
            .flat_map(|part| self.0.actors(measure(kind, indicator, part)));
        sorted(parts.collect())
    }
}

fn sorted(mut names: Vec<Name>) -> Vec<Name> {
    names.sort_unstable();
    names.dedup();
    names
}

/// Saved: never renumber without a new version of the projection.
fn measure(kind: Name, indicator: BuiltIn, part: Part) -> u32 {
    let indicator = match indicator {
        BuiltIn::RegisterShare => 0,
        BuiltIn::DeregisterShare => 1,
        BuiltIn::Accuracy => 2,
    };
    let part = match part {
        Part::Numerator => 0,
        Part::Denominator => 1,
        Part::Unknown => 2,
    };
    kind.0 * 16 + indicator * 4 + part
}
