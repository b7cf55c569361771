//! The measure `accuracy`: what each drawn record is found to be, and the rate over all of them.

use shilu_model::{Gone, Outcome, Verdict};

use crate::{
    estimate::Estimate,
    interval::{Interval, Stratum, stratified},
    state::{Basis, Counts},
};

/// What a drawn record is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finding {
    /// It is there, and every essential field is equal.
    Right,
    /// A field differs, or nobody ever knew it.
    Wrong,
    /// It was there and is no more. Wrong, or in a column of its own: the indicator decides.
    Gone,
    /// Nobody could tell. Never replaced by another record.
    Unknown(Unknown),
}

/// Why nobody could tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unknown {
    /// An essential field could not be seen, or was not looked at.
    NotSeen,
    /// Nobody answered.
    NoContact,
    /// The check was refused.
    Refused,
    /// Nobody has gone there yet.
    NotVisited,
}

/// What a visit finds a drawn record to be: by its outcome, `None` before a visit, and the verdict on each essential
/// field, `None` for one that was not looked at. A field that differs makes it wrong even if another was not seen.
///
/// ```
/// use shilu_model::{Outcome, Verdict};
/// use shilu_sampling::{Finding, Unknown, finding};
/// let present = |verdicts: &[Option<Verdict>]| finding(Some(Outcome::Present), verdicts);
/// assert_eq!(present(&[Some(Verdict::Equal), Some(Verdict::Equal)]), Finding::Right);
/// assert_eq!(present(&[Some(Verdict::Equal), None]), Finding::Unknown(Unknown::NotSeen));
/// assert_eq!(present(&[Some(Verdict::Differs), None]), Finding::Wrong);
/// ```
pub fn finding(outcome: Option<Outcome>, essential: &[Option<Verdict>]) -> Finding {
    match outcome {
        None => Finding::Unknown(Unknown::NotVisited),
        Some(Outcome::NoContact) => Finding::Unknown(Unknown::NoContact),
        Some(Outcome::Refused) => Finding::Unknown(Unknown::Refused),
        Some(Outcome::Gone) => Finding::Gone,
        Some(Outcome::UnknownHere) => Finding::Wrong,
        Some(Outcome::Present | Outcome::Unregistered) => {
            if essential.contains(&Some(Verdict::Differs)) {
                Finding::Wrong
            } else if essential.iter().all(|verdict| *verdict == Some(Verdict::Equal)) {
                Finding::Right
            } else {
                Finding::Unknown(Unknown::NotSeen)
            }
        }
    }
}

/// Unknown records by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unknowns {
    /// An essential field was not seen.
    pub not_seen: u64,
    /// Nobody answered.
    pub no_contact: u64,
    /// The check was refused.
    pub refused: u64,
    /// Not visited yet.
    pub not_visited: u64,
}

impl Unknowns {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.not_seen + self.no_contact + self.refused + self.not_visited
    }
}

/// The drawn records of one stratum, by what they were found to be.
///
/// ```
/// use shilu_sampling::{Finding, Tally, Unknown};
/// let found = [Finding::Right, Finding::Right, Finding::Gone, Finding::Unknown(Unknown::Refused)];
/// let tally = Tally::of(20, found);
/// assert_eq!((tally.right, tally.gone, tally.unknown.refused, tally.drawn()), (2, 1, 1, 4));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records in scope at the freeze.
    pub population: u64,
    /// Right ones.
    pub right: u64,
    /// Wrong ones, without those that are gone.
    pub wrong: u64,
    /// Gone ones.
    pub gone: u64,
    /// Unknown ones.
    pub unknown: Unknowns,
}

impl Tally {
    /// Counts every drawn record of a stratum.
    pub fn of(population: u64, findings: impl IntoIterator<Item = Finding>) -> Self {
        let mut tally = Tally {
            population,
            ..Tally::default()
        };
        for finding in findings {
            *match finding {
                Finding::Right => &mut tally.right,
                Finding::Wrong => &mut tally.wrong,
                Finding::Gone => &mut tally.gone,
                Finding::Unknown(Unknown::NotSeen) => &mut tally.unknown.not_seen,
                Finding::Unknown(Unknown::NoContact) => &mut tally.unknown.no_contact,
                Finding::Unknown(Unknown::Refused) => &mut tally.unknown.refused,
                Finding::Unknown(Unknown::NotVisited) => &mut tally.unknown.not_visited,
            } += 1;
        }
        tally
    }

    /// All drawn ones.
    pub const fn drawn(&self) -> u64 {
        self.right + self.wrong + self.gone + self.unknown.total()
    }

    /// The same with the gone ones where the indicator has them. Those aside leave the population too; how many more of
    /// it are gone is not known, so the rest counts as there: the interval is rather too wide than too narrow.
    fn settled(&self, gone: Gone) -> Tally {
        match gone {
            Gone::Wrong => Tally {
                wrong: self.wrong + self.gone,
                gone: 0,
                ..*self
            },
            Gone::Aside => Tally {
                population: self.population.saturating_sub(self.gone),
                ..*self
            },
        }
    }
}

/// The rate of a record draw, right / (right + wrong), weighted by stratum where there are several. Its interval is
/// exact for one stratum. A stratum with records but without a draw leaves the whole unverified.
///
/// ```
/// use shilu_model::Gone;
/// use shilu_sampling::{Tally, Unknowns, accuracy};
/// let unknown = Unknowns { no_contact: 2, ..Unknowns::default() };
/// let found = accuracy(&[Tally { population: 50, right: 27, wrong: 1, gone: 2, unknown }], Gone::Aside);
/// assert_eq!((found.numerator(), found.denominator(), found.counts.unknown, found.aside), (27, 28, 2, 2));
/// assert_eq!(found.value, Some(27.0 / 28.0));
/// ```
pub fn accuracy(strata: &[Tally], gone: Gone) -> Estimate {
    let settled: Vec<_> = strata.iter().map(|tally| tally.settled(gone)).collect();
    let sum = |of: fn(&Tally) -> u64| settled.iter().map(of).sum::<u64>();
    let counts = Counts {
        right: sum(|tally| tally.right),
        wrong: sum(|tally| tally.wrong),
        unknown: sum(|tally| tally.unknown.total()),
    };
    let share = |right: fn(&Tally) -> u64, sampled: fn(&Tally) -> u64| {
        let stratum = |tally: &Tally| Stratum {
            population: tally.population,
            sampled: sampled(tally),
            right: right(tally),
        };
        stratified(&settled.iter().map(stratum).collect::<Vec<_>>())
    };
    let known = share(|tally| tally.right, |tally| tally.right + tally.wrong);
    let all = |tally: &Tally| tally.right + tally.wrong + tally.unknown.total();
    let lowest = share(|tally| tally.right, all);
    let highest = share(|tally| tally.right + tally.unknown.total(), all);
    let basis = if settled.iter().all(|tally| all(tally) == tally.population) {
        Basis::Full(counts)
    } else if let (Some(lowest), Some(highest)) = (lowest, highest) {
        let cautious = Interval {
            lower: lowest.interval.lower,
            upper: highest.interval.upper,
        };
        Basis::Sample { counts, cautious }
    } else {
        Basis::Undrawn
    };
    Estimate {
        counts,
        aside: sum(|tally| tally.gone),
        value: known.map(|share| share.value),
        interval: known.map(|share| share.interval),
        basis,
    }
}

#[cfg(test)]
mod tests {
    use shilu_model::Percent;

    use super::*;
    use crate::{
        interval::hypergeometric,
        state::{Goal, State},
    };

    fn tally(population: u64, right: u64, wrong: u64, gone: u64, not_seen: u64) -> Tally {
        let unknown = Unknowns {
            not_seen,
            ..Unknowns::default()
        };
        Tally {
            population,
            right,
            wrong,
            gone,
            unknown,
        }
    }

    fn goal(value: &str) -> Goal {
        Goal {
            value: Percent::parse(value).unwrap(),
            stretch: false,
        }
    }

    #[test]
    fn every_outcome_has_its_finding() {
        let (equal, differs, not_seen) = (
            Some(Verdict::Equal),
            Some(Verdict::Differs),
            Some(Verdict::NotSeen),
        );
        for (outcome, verdicts, expected) in [
            (None, vec![], Finding::Unknown(Unknown::NotVisited)),
            (
                Some(Outcome::NoContact),
                vec![],
                Finding::Unknown(Unknown::NoContact),
            ),
            (Some(Outcome::Refused), vec![], Finding::Unknown(Unknown::Refused)),
            (Some(Outcome::Gone), vec![], Finding::Gone),
            (Some(Outcome::UnknownHere), vec![], Finding::Wrong),
            (Some(Outcome::Present), vec![equal, equal], Finding::Right),
            (Some(Outcome::Unregistered), vec![equal, equal], Finding::Right),
            (
                Some(Outcome::Present),
                vec![equal, not_seen],
                Finding::Unknown(Unknown::NotSeen),
            ),
            (
                Some(Outcome::Present),
                vec![equal, None],
                Finding::Unknown(Unknown::NotSeen),
            ),
            (Some(Outcome::Present), vec![not_seen, differs], Finding::Wrong),
            (Some(Outcome::Present), vec![differs, equal], Finding::Wrong),
        ] {
            assert_eq!(finding(outcome, &verdicts), expected, "{outcome:?} {verdicts:?}");
        }
    }

    #[test]
    fn each_finding_is_counted_in_its_own_column() {
        let why = [
            Unknown::NotSeen,
            Unknown::NoContact,
            Unknown::Refused,
            Unknown::NotVisited,
        ];
        let mut findings = vec![Finding::Right; 5];
        findings.extend([Finding::Wrong, Finding::Wrong, Finding::Gone]);
        findings.extend(why.map(Finding::Unknown));
        let tally = Tally::of(30, findings);
        let unknown = Unknowns {
            not_seen: 1,
            no_contact: 1,
            refused: 1,
            not_visited: 1,
        };
        assert_eq!(
            tally,
            Tally {
                population: 30,
                right: 5,
                wrong: 2,
                gone: 1,
                unknown
            }
        );
        assert_eq!(tally.drawn(), 12);
    }

    #[test]
    fn gone_is_wrong_or_aside() {
        let strata = [tally(100, 45, 2, 3, 0)];
        let wrong = accuracy(&strata, Gone::Wrong);
        assert_eq!((wrong.numerator(), wrong.denominator(), wrong.aside), (45, 50, 0));
        let aside = accuracy(&strata, Gone::Aside);
        assert_eq!((aside.numerator(), aside.denominator(), aside.aside), (45, 47, 3));
        let rest = Stratum {
            population: 97,
            sampled: 47,
            right: 45,
        };
        assert_eq!(aside.interval, hypergeometric(&rest));
    }

    #[test]
    fn unknowns_are_wrong_below_and_right_above() {
        let found = accuracy(&[tally(100, 45, 2, 0, 3)], Gone::Wrong);
        let of = |right| {
            hypergeometric(&Stratum {
                population: 100,
                sampled: 50,
                right,
            })
            .unwrap()
        };
        let cautious = Interval {
            lower: of(45).lower,
            upper: of(48).upper,
        };
        assert_eq!(found.cautious(), Some(cautious));
        assert_eq!(found.value, Some(45.0 / 47.0));
    }

    #[test]
    fn a_draw_of_everything_is_full() {
        let found = accuracy(&[tally(40, 40, 0, 0, 0), tally(0, 0, 0, 0, 0)], Gone::Wrong);
        assert_eq!(found.judge(goal("100")), State::Met);
        let gone = accuracy(&[tally(40, 38, 0, 2, 0)], Gone::Aside);
        assert_eq!(gone.judge(goal("100")), State::Met);
        assert_eq!(
            accuracy(&[tally(40, 38, 0, 2, 0)], Gone::Wrong).judge(goal("100")),
            State::Short
        );
        assert_eq!(
            accuracy(&[tally(41, 40, 0, 0, 0)], Gone::Wrong).judge(goal("100")),
            State::NoErrorFound
        );
    }

    #[test]
    fn without_a_draw_unverified_without_records_no_data() {
        let undrawn = accuracy(&[tally(40, 40, 0, 0, 0), tally(9, 0, 0, 0, 0)], Gone::Wrong);
        assert_eq!(
            (undrawn.judge(goal("95")), undrawn.value),
            (State::Unverified, None)
        );
        assert_eq!(accuracy(&[], Gone::Wrong).judge(goal("95")), State::NoData);
        // All that were drawn are gone, and so in no rate; what is left was not drawn.
        assert_eq!(
            accuracy(&[tally(40, 0, 0, 5, 0)], Gone::Aside).judge(goal("95")),
            State::Unverified
        );
        assert_eq!(
            accuracy(&[tally(40, 0, 0, 0, 9)], Gone::Wrong).judge(goal("95")),
            State::Undecided
        );
    }

    /// What was planned for: 312 of very many, 304 right; 303 would not do.
    #[test]
    fn worked_example() {
        let of = |right, wrong| accuracy(&[tally(100_000, right, wrong, 0, 0)], Gone::Wrong);
        assert_eq!(of(304, 8).judge(goal("95")), State::Met);
        assert_eq!(of(303, 9).judge(goal("95")), State::Undecided);
        assert_eq!(of(280, 32).judge(goal("95")), State::Short);
    }
}
