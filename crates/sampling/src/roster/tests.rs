use shilu_model::Percent;

use super::*;
use crate::state::{Goal, State};

/// The freeze of every example.
fn rule() -> RosterRule {
    RosterRule {
        freeze: day("2015-06-01"),
        grace_days: 3,
    }
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

const EQUAL: Option<Verdict> = Some(Verdict::Equal);
const DIFFERS: Option<Verdict> = Some(Verdict::Differs);
const NOT_SEEN: Option<Verdict> = Some(Verdict::NotSeen);

fn found<'a>(key: &'a str, standing: Standing, arrived: &str, essential: &[Option<Verdict>]) -> Found<'a> {
    Found {
        key,
        standing,
        arrived: Day::parse(arrived).ok(),
        essential: essential.to_vec(),
    }
}

fn here(key: &str) -> Found<'_> {
    found(key, Standing::Registered, "2014-01-01", &[EQUAL, EQUAL])
}

fn count_of(listing: Listing<'_>) -> RosterCounts {
    roster(&Roster::Listed(listing), rule())
}

fn counts(right: u64, wrong: u64, unknown: u64) -> Counts {
    Counts {
        right,
        wrong,
        unknown,
    }
}

const REGISTRATION: RosterRate = RosterRate::Registration { grace_days: 3 };
const DEREGISTRATION: RosterRate = RosterRate::Deregistration {
    grace_days: 3,
    window_days: 30,
};
const CONSISTENCY: RosterRate = RosterRate::Consistency { grace_days: 3 };

/// Two are registered here, one elsewhere; one was only collected, one wrongly deregistered, one never known; one came
/// exactly three days before the freeze, one on its day, one the day after; of one nobody knows since when.
/// a = 3, c = 3, unknown = 1.
#[test]
fn registration_by_hand() {
    let all = count_of(Listing {
        registered: vec!["li", "wang"],
        found: vec![
            here("li"),
            here("wang"),
            found("zhao", Standing::Registered, "2015-05-31", &[]),
            found("qian", Standing::Collected, "2015-05-28", &[]),
            found("sun", Standing::Deregistered, "2015-01-01", &[]),
            found("zhou", Standing::Never, "2015-05-28", &[]),
            found("wu", Standing::Never, "2015-05-29", &[]),
            found("zheng", Standing::Never, "2015-06-01", &[]),
            found("feng", Standing::Never, "2015-06-02", &[]),
            found("chen", Standing::Never, "", &[]),
        ],
        ..Listing::default()
    });
    assert_eq!(all.rate(REGISTRATION), counts(3, 3, 1));
    let no_grace = RosterRule {
        grace_days: 0,
        ..rule()
    };
    let wu = Roster::Listed(Listing {
        found: vec![
            found("wu", Standing::Never, "2015-05-31", &[]),
            found("x", Standing::Never, "2015-06-01", &[]),
        ],
        ..Listing::default()
    });
    assert_eq!(roster(&wu, no_grace).rate(REGISTRATION), counts(0, 1, 0));
}

/// Gone and still registered: one left four days before the freeze (b), one three days before, one after it (neither);
/// one nobody ever knew (b); one not seen. Deregistered: lag 3 (d), lag 4 (late), before leaving (d), not seen, never here.
#[test]
fn deregistration_by_hand() {
    let all = count_of(Listing {
        registered: vec![
            "stayed",
            "left4",
            "left3",
            "later",
            "nobody",
            "unseen",
            "unanswered",
        ],
        departures: ["lag3", "lag4", "early", "maybe", "never", "found"]
            .map(|key| Departure {
                key,
                deregistered: day("2015-05-20"),
            })
            .into(),
        found: vec![
            here("stayed"),
            found("found", Standing::Deregistered, "2014-01-01", &[]),
        ],
        answers: vec![
            ("left4", Answer::Gone(day("2015-05-28"))),
            ("left3", Answer::Gone(day("2015-05-29"))),
            ("later", Answer::Gone(day("2015-06-03"))),
            ("nobody", Answer::UnknownHere),
            ("unseen", Answer::NotSeen),
            ("lag3", Answer::Gone(day("2015-05-17"))),
            ("lag4", Answer::Gone(day("2015-05-16"))),
            ("early", Answer::Gone(day("2015-05-25"))),
            ("maybe", Answer::NotSeen),
            ("never", Answer::UnknownHere),
        ],
    });
    assert_eq!((all.in_time, all.late, all.stale), (2, 1, 2));
    // Unknown: maybe, unseen, unanswered.
    assert_eq!(all.rate(DEREGISTRATION), counts(2, 3, 3));
    // The one who was found though deregistered is not registered.
    assert_eq!(all.rate(REGISTRATION), counts(1, 1, 0));
}

/// The same seven registered: one here, two of b, two not seen; who left within the grace or after the freeze is neither.
#[test]
fn consistency_by_hand() {
    let all = count_of(Listing {
        registered: vec![
            "stayed",
            "left4",
            "left3",
            "later",
            "nobody",
            "unseen",
            "unanswered",
        ],
        found: vec![
            here("stayed"),
            found("moved", Standing::Registered, "2015-01-01", &[EQUAL]),
        ],
        answers: vec![
            ("left4", Answer::Gone(day("2015-05-28"))),
            ("left3", Answer::Gone(day("2015-05-29"))),
            ("later", Answer::Gone(day("2015-06-03"))),
            ("nobody", Answer::UnknownHere),
            ("unseen", Answer::NotSeen),
        ],
        ..Listing::default()
    });
    assert_eq!(all.rate(CONSISTENCY), counts(1, 2, 2));
}

/// Here: two equal, one differs, two not fully seen (of one a field differs too); two nobody ever knew; one gone, which
/// consistency judges; one registered elsewhere, whose fields count where it is registered.
#[test]
fn accuracy_by_hand() {
    let of = |key, verdicts: &[Option<Verdict>]| found(key, Standing::Registered, "2014-01-01", verdicts);
    let all = count_of(Listing {
        registered: vec![
            "equal", "same", "differs", "unseen", "both", "nobody", "never", "gone",
        ],
        found: vec![
            of("equal", &[EQUAL, EQUAL]),
            of("same", &[EQUAL, EQUAL]),
            of("differs", &[EQUAL, DIFFERS]),
            of("unseen", &[EQUAL, NOT_SEEN]),
            of("both", &[DIFFERS, None]),
            of("elsewhere", &[DIFFERS, DIFFERS]),
        ],
        answers: vec![
            ("nobody", Answer::UnknownHere),
            ("never", Answer::UnknownHere),
            ("gone", Answer::Gone(day("2015-01-01"))),
        ],
        ..Listing::default()
    });
    assert_eq!(all.rate(RosterRate::Accuracy), counts(2, 3, 2));
}

/// Found: registered, collected, deregistered, never known, and one who came after the freeze. m = 2, n₂ = 4.
#[test]
fn coverage_by_hand() {
    let all = count_of(Listing {
        found: vec![
            found("li", Standing::Registered, "2014-01-01", &[]),
            found("wang", Standing::Collected, "", &[]),
            found("zhao", Standing::Deregistered, "2014-01-01", &[]),
            found("qian", Standing::Never, "2015-06-01", &[]),
            found("sun", Standing::Never, "2015-06-02", &[]),
        ],
        ..Listing::default()
    });
    assert_eq!(all.rate(RosterRate::Coverage), counts(2, 2, 0));
}

/// The table in `docs/sampling.md`.
#[test]
fn worked_example_of_the_documentation() {
    let came = |key, standing, arrived| found(key, standing, arrived, &[EQUAL]);
    let departure = |key| Departure {
        key,
        deregistered: day("2015-05-20"),
    };
    let all = count_of(Listing {
        registered: vec!["li", "wang", "left28", "nobody", "left29", "left3"],
        departures: vec![departure("gone17"), departure("gone16")],
        found: vec![
            here("li"),
            here("wang"),
            came("zhao", Standing::Registered, "2014-01-01"),
            came("qian", Standing::Collected, "2014-01-01"),
            came("sun", Standing::Deregistered, "2014-01-01"),
            came("zhou", Standing::Never, "2015-05-28"),
            came("wu", Standing::Never, "2015-05-29"),
            came("feng", Standing::Never, "2015-06-02"),
            came("chen", Standing::Never, "unknown"),
        ],
        answers: vec![
            ("left28", Answer::Gone(day("2015-05-28"))),
            ("nobody", Answer::UnknownHere),
            ("left29", Answer::Gone(day("2015-05-29"))),
            ("left3", Answer::Gone(day("2015-06-03"))),
            ("gone17", Answer::Gone(day("2015-05-17"))),
            ("gone16", Answer::Gone(day("2015-05-16"))),
        ],
    });
    for (rate, grace_days, expected) in [
        (REGISTRATION, 3, counts(3, 3, 1)),
        (DEREGISTRATION, 3, counts(1, 3, 0)),
        (CONSISTENCY, 3, counts(2, 2, 0)),
        (RosterRate::Coverage, 0, counts(4, 4, 0)),
    ] {
        assert_eq!(RosterRule::of(rule().freeze, rate).grace_days, grace_days);
        assert_eq!(all.rate(rate), expected, "{rate:?}");
    }
}

/// 900 on both lists, 60 only in the register, 40 only in the check: 900/940.
#[test]
fn coverage_of_the_specification() {
    let keys: Vec<_> = (0..960).map(|number| format!("r{number}")).collect();
    let new: Vec<_> = (0..40).map(|number| format!("n{number}")).collect();
    let registered: Vec<_> = keys.iter().map(String::as_str).collect();
    let mut on_list: Vec<_> = registered[..900].iter().map(|key| here(key)).collect();
    on_list.extend(
        new.iter()
            .map(|key| found(key, Standing::Never, "2015-01-01", &[])),
    );
    let answers = registered[900..]
        .iter()
        .map(|key| (*key, Answer::Gone(day("2015-01-01"))))
        .collect();
    let all = count_of(Listing {
        registered,
        found: on_list,
        answers,
        ..Listing::default()
    });
    assert_eq!(all.rate(RosterRate::Coverage), counts(900, 40, 0));
    assert_eq!(all.rate(REGISTRATION), counts(900, 40, 0));
    assert_eq!(all.rate(CONSISTENCY), counts(900, 60, 0));
}

#[test]
fn arrivals_after_the_freeze_are_left_out_of_everything() {
    let all = count_of(Listing {
        registered: vec!["early"],
        found: vec![found("early", Standing::Registered, "2015-06-02", &[EQUAL])],
        ..Listing::default()
    });
    assert_eq!(all, RosterCounts::default());
}

#[test]
fn who_comes_twice_counts_once() {
    let once = count_of(Listing {
        registered: vec!["li"],
        found: vec![here("li")],
        ..Listing::default()
    });
    let twice = count_of(Listing {
        registered: vec!["li", "li"],
        found: vec![here("li"), here("li")],
        ..Listing::default()
    });
    assert_eq!(once, twice);
}

#[test]
fn a_place_that_did_not_open_is_unknown() {
    let closed = |registered| {
        let departures = 2;
        roster(
            &Roster::Closed {
                registered,
                departures,
            },
            rule(),
        )
    };
    let (two, none) = (closed(vec!["li", "wang", "li"]), closed(vec![]));
    for (rate, of_two, of_none) in [
        (REGISTRATION, 2, 1),
        (RosterRate::Coverage, 2, 1),
        (DEREGISTRATION, 4, 2),
        (CONSISTENCY, 2, 0),
        (RosterRate::Accuracy, 2, 0),
    ] {
        assert_eq!(two.rate(rate), counts(0, 0, of_two), "{rate:?}");
        assert_eq!(none.rate(rate), counts(0, 0, of_none), "{rate:?}");
    }
    let mut both = two;
    both.add(&none);
    assert_eq!((both.closed, both.rate(REGISTRATION)), (2, counts(0, 0, 3)));
}

fn places(right: usize, wrong: usize, closed: usize) -> Vec<RosterCounts> {
    let one = |here, stale| RosterCounts {
        here,
        stale,
        ..RosterCounts::default()
    };
    let mut places = vec![one(3, 0); right];
    places.extend(vec![one(0, 3); wrong]);
    places.extend(vec![
        RosterCounts {
            closed: 1,
            closed_people: 3,
            closed_registered: 3,
            ..RosterCounts::default()
        };
        closed
    ]);
    places
}

#[test]
fn a_rate_is_judged_by_places() {
    let goal = |text| Goal {
        value: Percent::parse(text).unwrap(),
        stretch: false,
    };
    let of = |population, places| {
        Rosters {
            strata: vec![RosterStratum { population, places }],
        }
        .estimate(CONSISTENCY)
    };
    let sample = of(1_000, places(57, 3, 0));
    assert_eq!(
        (sample.numerator(), sample.denominator(), sample.value),
        (171, 180, Some(0.95))
    );
    assert_eq!(sample.judge(goal("75")), State::Met);
    assert_eq!(sample.judge(goal("90")), State::Undecided);
    // 171 independent persons of 180 would have met it: their interval begins at 0.907.
    assert!(crate::interval::wilson(0.95, 180.0).lower > 0.90);
    let unknown = of(1_000, places(55, 0, 5));
    let cautious = unknown.cautious().unwrap();
    assert!(cautious.lower < unknown.interval.unwrap().lower && cautious.upper == 1.0);
    assert_eq!(of(1_000, places(50, 0, 7)).judge(goal("75")), State::Undecided);
    assert_eq!(of(60, places(60, 0, 0)).judge(goal("100")), State::Met);
    assert_eq!(of(61, places(60, 0, 0)).judge(goal("100")), State::NoErrorFound);
    assert_eq!(of(61, vec![]).judge(goal("75")), State::Unverified);
    assert_eq!(of(61, places(0, 0, 9)).judge(goal("75")), State::Undecided);
    assert_eq!(
        Rosters::default().estimate(CONSISTENCY).judge(goal("75")),
        State::NoData
    );
    let empty = of(61, vec![RosterCounts::default(); 5]);
    assert_eq!((empty.judge(goal("75")), empty.value), (State::NoData, None));
    let part = Rosters {
        strata: vec![
            RosterStratum {
                population: 100,
                places: places(30, 0, 0),
            },
            RosterStratum {
                population: 1,
                places: vec![],
            },
        ],
    };
    assert_eq!(part.estimate(CONSISTENCY).judge(goal("75")), State::Unverified);
    assert_eq!(part.total().here, 90);
}
