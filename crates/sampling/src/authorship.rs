//! Whose errors a draw of records shows: what a drawn record is found to be for each person who has a part in it, and
//! what the drawn ones of a person say of all of theirs.
//!
//! A record is a person's if a value of theirs was in force in an essential field at the freeze. Each is judged by what
//! they set: one record may be right for the one and wrong for the other.

use std::collections::BTreeMap;

use shilu_model::{Gone, Outcome, Verdict};

use crate::{
    estimate::Estimate,
    interval::Interval,
    number::float,
    record_draw::{Finding, Tally, accuracy, finding},
    state::Basis,
};

/// Who stands behind a record at the freeze.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authors {
    /// Who made it: the actor of its first collect.
    pub maker: String,
    /// For each essential field who set, or cleared, what was in force; `None` where nobody ever had.
    pub setters: Vec<Option<String>>,
}

impl Authors {
    /// Whether it is a record of a person.
    pub fn has(&self, person: &str) -> bool {
        self.persons().any(|setter| setter == person)
    }

    /// Whose it is; a person comes once for each field of theirs.
    pub fn persons(&self) -> impl Iterator<Item = &str> {
        self.setters.iter().flatten().map(String::as_str)
    }
}

/// What was seen of a drawn record.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// What the visit found; `None` before it.
    pub outcome: Option<Outcome>,
    /// The verdict on each essential field.
    pub verdicts: &'a [Option<Verdict>],
    /// Whether the record was voided after the announcement.
    pub void: bool,
}

/// What a drawn record is found to be for each person who has a part in it.
///
/// A field that differs is an error of whoever set it, or of the record's maker where nobody did. Where the record itself
/// is wrong (nobody ever knew it, it was voided since, or it is gone where that is wrong), the error is its maker's, and for
/// the others it is [`Finding::Gone`]: their values can no longer be judged. Of the rest each person's record is right if
/// every field of theirs is equal, and unknown if one was not seen. Who made a record and has no value left in it has a
/// part in it only where the error is theirs.
///
/// ```
/// use shilu_model::{Gone, Outcome, Verdict};
/// use shilu_sampling::{Authors, Finding, Sight, findings_of};
/// let authors = Authors { maker: "li".into(), setters: vec![Some("li".into()), Some("wang".into())] };
/// let verdicts = [Some(Verdict::Equal), Some(Verdict::Differs)];
/// let seen = Sight { outcome: Some(Outcome::Present), verdicts: &verdicts, void: false };
/// let found = findings_of(&authors, &seen, Gone::Wrong);
/// assert_eq!((found["li"], found["wang"]), (Finding::Right, Finding::Wrong));
/// ```
pub fn findings_of<'a>(authors: &'a Authors, seen: &Sight<'_>, gone: Gone) -> BTreeMap<&'a str, Finding> {
    let fields = || authors.setters.iter().zip(seen.verdicts);
    let own = |person: &str| -> Vec<Option<Verdict>> {
        let own = fields().filter(|(setter, _)| setter.as_deref() == Some(person));
        own.map(|(_, verdict)| *verdict).collect()
    };
    let there = matches!(seen.outcome, Some(Outcome::Present | Outcome::Unregistered));
    let differs = |verdict: &Option<Verdict>| there && *verdict == Some(Verdict::Differs);
    let itself_wrong = seen.void
        || seen.outcome == Some(Outcome::UnknownHere)
        || (seen.outcome == Some(Outcome::Gone) && gone == Gone::Wrong);
    let mut found = BTreeMap::new();
    for person in authors.persons() {
        let own = own(person);
        let judged = match finding(seen.outcome, &own) {
            Finding::Wrong if own.iter().any(differs) => Finding::Wrong,
            _ if itself_wrong => Finding::Gone,
            judged => judged,
        };
        found.insert(person, judged);
    }
    let nobodys = fields().any(|(setter, verdict)| setter.is_none() && differs(verdict));
    if itself_wrong || nobodys {
        found.insert(&authors.maker, Finding::Wrong);
    }
    found
}

/// The accuracy of a person: what the drawn ones of their records say of all of them. `strata` are the strata of the draws,
/// `population` the person's records in each at the freeze.
///
/// Of a draw without replacement, those that are a person's are themselves such a draw of all of theirs, for however many
/// they happen to be. So the interval is that of [`accuracy`] with the person's own numbers: exact within one stratum.
/// Strata in which none of theirs could be judged count as wrong at the lower end and as right at the upper, by their
/// share of the person's records.
///
/// ```
/// use shilu_sampling::{Tally, person_accuracy};
/// let seen = Tally { population: 90, right: 20, ..Tally::default() };
/// let unseen = Tally { population: 10, ..Tally::default() };
/// let found = person_accuracy(&[seen, unseen]);
/// let alone = person_accuracy(&[seen]);
/// assert_eq!((found.value, alone.value), (Some(1.0), Some(1.0)));
/// assert_eq!(found.cautious().unwrap().lower, 0.9 * alone.cautious().unwrap().lower);
/// ```
pub fn person_accuracy(strata: &[Tally]) -> Estimate {
    let judged = |tally: &&Tally| tally.drawn() > tally.gone;
    let (drawn, rest): (Vec<&Tally>, Vec<&Tally>) = strata.iter().partition(judged);
    let there = |tallies: &[&Tally]| -> u64 {
        let there = tallies
            .iter()
            .map(|tally| tally.population.saturating_sub(tally.gone));
        there.sum()
    };
    let (judged, unjudged) = (there(&drawn), there(&rest));
    let drawn: Vec<Tally> = drawn.into_iter().copied().collect();
    let mut estimate = accuracy(&drawn, Gone::Aside);
    estimate.aside += rest.iter().map(|tally| tally.gone).sum::<u64>();
    if unjudged == 0 {
        return estimate;
    }
    let known = float(judged) / float(judged + unjudged);
    let widened = |interval: Interval| Interval {
        lower: interval.lower * known,
        upper: interval.upper * known + (1.0 - known),
    };
    estimate.interval = estimate.interval.map(widened);
    estimate.basis = match estimate.cautious() {
        Some(cautious) => Basis::Sample {
            counts: estimate.counts,
            cautious: widened(cautious),
        },
        None => Basis::Undrawn,
    };
    estimate
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{interval::Stratum, interval::hypergeometric, record_draw::Unknown, testing::SplitMix64};

    const EQUAL: Option<Verdict> = Some(Verdict::Equal);
    const DIFFERS: Option<Verdict> = Some(Verdict::Differs);

    /// Made by li; li, wang and nobody set its three fields.
    fn shared() -> Authors {
        let of = |person: &str| Some(person.to_owned());
        Authors {
            maker: "li".to_owned(),
            setters: vec![of("li"), of("wang"), None],
        }
    }

    fn found(authors: &Authors, seen: Sight<'_>, gone: Gone) -> Vec<(String, Finding)> {
        let found = findings_of(authors, &seen, gone).into_iter();
        found
            .map(|(person, finding)| (person.to_owned(), finding))
            .collect()
    }

    #[test]
    fn an_error_belongs_to_whoever_set_the_value() {
        let unseen = Finding::Unknown(Unknown::NotSeen);
        for (verdicts, li, wang) in [
            ([EQUAL, EQUAL, EQUAL], Finding::Right, Finding::Right),
            ([EQUAL, DIFFERS, EQUAL], Finding::Right, Finding::Wrong),
            ([DIFFERS, EQUAL, EQUAL], Finding::Wrong, Finding::Right),
            // Nobody set it: it was left out by whoever made the record.
            ([EQUAL, EQUAL, DIFFERS], Finding::Wrong, Finding::Right),
            // What one does not know of the other's is no reason to doubt theirs, and no proof of it either.
            ([EQUAL, None, EQUAL], Finding::Right, unseen),
            ([None, DIFFERS, EQUAL], unseen, Finding::Wrong),
        ] {
            let seen = Sight {
                outcome: Some(Outcome::Present),
                verdicts: &verdicts,
                void: false,
            };
            let expected = [("li".to_owned(), li), ("wang".to_owned(), wang)];
            assert_eq!(found(&shared(), seen, Gone::Wrong), expected, "{verdicts:?}");
        }
    }

    #[test]
    fn an_error_of_the_record_itself_is_its_makers() {
        let (aside, wrong) = (Finding::Gone, Finding::Wrong);
        let nobody = Finding::Unknown(Unknown::NoContact);
        for (outcome, void, gone, li, wang) in [
            (Outcome::UnknownHere, false, Gone::Aside, wrong, aside),
            (Outcome::Gone, false, Gone::Wrong, wrong, aside),
            (Outcome::Gone, false, Gone::Aside, aside, aside),
            (Outcome::NoContact, false, Gone::Wrong, nobody, nobody),
            (Outcome::NoContact, true, Gone::Wrong, wrong, aside),
            (Outcome::Present, true, Gone::Wrong, wrong, aside),
        ] {
            let verdicts = if outcome == Outcome::Present {
                [EQUAL; 3]
            } else {
                [None; 3]
            };
            let seen = Sight {
                outcome: Some(outcome),
                verdicts: &verdicts,
                void,
            };
            let expected = [("li".to_owned(), li), ("wang".to_owned(), wang)];
            assert_eq!(
                found(&shared(), seen, gone),
                expected,
                "{outcome:?} {void} {gone:?}"
            );
        }
        // Voided, and a value in it was wrong besides.
        let seen = Sight {
            outcome: Some(Outcome::Present),
            verdicts: &[EQUAL, DIFFERS, EQUAL],
            void: true,
        };
        assert!(
            found(&shared(), seen, Gone::Wrong)
                .iter()
                .all(|(_, found)| *found == wrong)
        );
    }

    /// The table of `docs/rates.md`: two fields, use and rooms.
    #[test]
    fn the_worked_example_counts_what_the_documentation_says() {
        let by = |rooms: &str| Authors {
            maker: "li".to_owned(),
            setters: vec![Some("li".to_owned()), Some(rooms.to_owned())],
        };
        let (there, never) = (Outcome::Present, Outcome::UnknownHere);
        let mut findings: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
        for (rooms, outcome, verdicts) in [
            ("li", there, [EQUAL, EQUAL]),
            ("wang", there, [EQUAL, DIFFERS]),
            ("wang", there, [DIFFERS, EQUAL]),
            ("wang", there, [Some(Verdict::NotSeen), EQUAL]),
            ("wang", never, [None, None]),
        ] {
            let seen = Sight {
                outcome: Some(outcome),
                verdicts: &verdicts,
                void: false,
            };
            for (person, finding) in found(&by(rooms), seen, Gone::Wrong) {
                findings.entry(person).or_default().push(finding);
            }
        }
        let of = |person: &str| {
            let tally = Tally::of(5, findings[person].iter().copied());
            (tally.right, tally.wrong, tally.unknown.total(), tally.gone)
        };
        assert_eq!((of("li"), of("wang")), ((2, 2, 1, 0), (2, 1, 0, 1)));
    }

    #[test]
    fn a_maker_without_a_value_has_a_part_in_errors_alone() {
        let authors = Authors {
            maker: "zhao".to_owned(),
            ..shared()
        };
        let seen = |outcome| Sight {
            outcome: Some(outcome),
            verdicts: &[EQUAL; 3],
            void: false,
        };
        assert!(!authors.has("zhao") && authors.has("wang"));
        let right = found(&authors, seen(Outcome::Present), Gone::Wrong);
        assert!(right.iter().all(|(person, _)| person != "zhao"), "{right:?}");
        let never = found(&authors, seen(Outcome::UnknownHere), Gone::Wrong);
        assert!(never.contains(&("zhao".to_owned(), Finding::Wrong)), "{never:?}");
    }

    fn tally(population: u64, right: u64, wrong: u64, gone: u64) -> Tally {
        Tally {
            population,
            right,
            wrong,
            gone,
            ..Tally::default()
        }
    }

    #[test]
    fn within_one_stratum_it_is_the_exact_interval_of_their_own() {
        let found = person_accuracy(&[tally(60, 17, 3, 0)]);
        let own = Stratum {
            population: 60,
            sampled: 20,
            right: 17,
        };
        assert_eq!((found.numerator(), found.denominator()), (17, 20));
        assert_eq!(found.cautious(), hypergeometric(&own));
    }

    #[test]
    fn what_nobody_judged_is_left_open() {
        let found = person_accuracy(&[tally(40, 40, 0, 0), tally(10, 0, 0, 2), tally(2, 0, 0, 0)]);
        assert_eq!((found.numerator(), found.aside), (40, 2));
        // 40 of theirs are all right; of 8 and 2 nothing is known.
        assert_eq!(
            found.cautious(),
            Some(Interval {
                lower: 0.8,
                upper: 1.0
            })
        );
        let none = person_accuracy(&[tally(10, 0, 0, 0)]);
        assert_eq!((none.basis, none.value), (Basis::Undrawn, None));
    }

    /// An area's records, how many of them are drawn, how many are the person's, and how many of those are right.
    type Area = (u64, u64, u64, u64);

    /// How many of 1,000 draws have an interval that holds the truth.
    fn coverage(areas: &[Area]) -> u32 {
        let mut random = SplitMix64(20150630);
        let total: u64 = areas.iter().map(|(_, _, own, _)| own).sum();
        let truth = float(areas.iter().map(|(_, _, _, right)| right).sum()) / float(total);
        let mut held = 0;
        for _ in 0..1_000 {
            let strata: Vec<Tally> = areas
                .iter()
                .map(|(population, drawn, own, right)| {
                    let sampled = random.hypergeometric(*population, *drawn, *own);
                    let hits = random.hypergeometric(*own, sampled, *right);
                    tally(*own, hits, sampled - hits, 0)
                })
                .collect();
            let interval = person_accuracy(&strata).cautious();
            held += u32::from(interval.is_none_or(|interval| interval.contains(truth)));
        }
        held
    }

    #[test]
    fn covers_persons_in_every_setting() {
        let settings: [(&str, Vec<Area>); 7] = [
            ("60 of 400 in one area, 80 drawn", vec![(400, 80, 60, 54)]),
            ("20 of 400 in one area, 20 drawn", vec![(400, 20, 20, 15)]),
            (
                "60 in each of two areas",
                vec![(400, 40, 60, 57), (200, 40, 60, 48)],
            ),
            (
                "90 in one area, 3 elsewhere",
                vec![(400, 60, 90, 81), (400, 60, 3, 0)],
            ),
            ("10 in each of eight areas", vec![(200, 30, 10, 9); 8]),
            (
                "2 in each of 16 areas",
                (0..16).map(|i| (200, 20, 2, u64::from(i > 3) * 2)).collect(),
            ),
            ("one error in 100", vec![(400, 60, 50, 50), (300, 60, 50, 49)]),
        ];
        for (name, areas) in settings {
            let held = coverage(&areas);
            println!("{name:34} {held}");
            assert!(held >= 930, "{name}: {held} of 1000");
        }
    }
}
