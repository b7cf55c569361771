use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

fn names(count: usize) -> Vec<RecordName> {
    (0..count)
        .map(|number| RecordName::new("unit", &number.to_string()).unwrap())
        .collect()
}

const AREAS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];
const TEAMS: [&str; 5] = ["1", "2", "3", "4", "5"];
const ACTORS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

fn member() -> impl Strategy<Value = Member<'static>> {
    (0..12_usize, 0..6_usize, 0..5_usize).prop_map(|(actor, area, team)| Member {
        actor: ACTORS[actor],
        area: AREAS[area],
        team: TEAMS[team],
    })
}

fn shuffle<T>(items: &mut [T], swaps: &[(Index, Index)]) {
    for (one, other) in swaps.iter().filter(|_| !items.is_empty()).collect::<Vec<_>>() {
        items.swap(one.index(items.len()), other.index(items.len()));
    }
}

/// Straight from the rule: somebody of the area itself, or of a team of it.
fn is_bound(crew: &Crew<'_>, actor: &str, area: &str) -> bool {
    let all: Vec<_> = crew.verifiers.iter().chain(crew.staff).collect();
    let of: Vec<_> = all.iter().filter(|member| member.actor == actor).collect();
    let there: Vec<_> = all.iter().filter(|member| member.area == area).collect();
    of.iter()
        .any(|one| one.area == area || there.iter().any(|other| other.team == one.team))
}

/// The pairs (team of the verifier, team of the area) of all visits.
fn checks<'a>(crew: &Crew<'a>, visits: &[Visit<'a>]) -> BTreeSet<(&'a str, &'a str)> {
    let all: Vec<_> = crew.verifiers.iter().chain(crew.staff).collect();
    let mut pairs = BTreeSet::new();
    for visit in visits {
        for one in all.iter().filter(|member| member.actor == visit.verifier) {
            pairs.extend(
                all.iter()
                    .filter(|member| member.area == visit.area)
                    .map(|other| (one.team, other.team)),
            );
        }
    }
    pairs
}

proptest! {
    #[test]
    fn keeps_its_rules_and_names_what_it_cannot(
        verifiers in vec(member(), 0..16),
        staff in vec(member(), 0..6),
        areas in vec(0..6_usize, 0..60),
        seed: [u8; 32],
        swaps in vec(any::<(Index, Index)>(), 0..40),
    ) {
        let crew = Crew { verifiers: &verifiers, staff: &staff };
        let names = names(areas.len());
        let cases: Vec<_> = names.iter().zip(&areas).map(|(record, area)| Case { record, area: AREAS[*area] }).collect();
        let seed = Seed::from_bytes(seed);
        let found = assign(&seed, &cases, &crew);

        let (mut other_cases, mut other_verifiers, mut other_staff) = (cases.clone(), verifiers.clone(), staff.clone());
        shuffle(&mut other_cases, &swaps);
        shuffle(&mut other_verifiers, &swaps);
        shuffle(&mut other_staff, &swaps);
        let other = Crew { verifiers: &other_verifiers, staff: &other_staff };
        prop_assert_eq!(&assign(&seed, &other_cases, &other), &found);

        let free = |area: &str| verifiers.iter().any(|member| !is_bound(&crew, member.actor, area));
        let assignment = match found {
            Err(error) => {
                let expected: BTreeSet<_> = cases.iter().map(|case| case.area).filter(|area| !free(area)).collect();
                prop_assert_eq!(error.areas, expected.into_iter().collect::<Vec<_>>());
                return Ok(());
            }
            Ok(assignment) => assignment,
        };
        prop_assert_eq!(assignment.visits.len(), cases.len());
        for (visit, record) in assignment.visits.iter().zip(names.iter().collect::<BTreeSet<_>>()) {
            prop_assert_eq!(visit.record, record);
            let case = Case { record, area: visit.area };
            prop_assert!(cases.contains(&case), "another case");
            for actor in [Some(visit.verifier), visit.recheck].into_iter().flatten() {
                prop_assert!(verifiers.iter().any(|member| member.actor == actor));
                prop_assert!(!is_bound(&crew, actor, visit.area));
            }
            prop_assert_ne!(visit.recheck, Some(visit.verifier));
        }
        let rechecks = count(assignment.visits.iter().filter(|visit| visit.recheck.is_some()).count());
        let wanted = count(cases.len()).div_ceil(10);
        let fewer = Notice::FewerRechecks { wanted, possible: rechecks };
        prop_assert_eq!(assignment.notices.contains(&fewer), rechecks < wanted);
        let pairs = checks(&crew, &assignment.visits);
        for (one, other) in &pairs {
            let back = pairs.contains(&(*other, *one));
            let notice = Notice::Reciprocal { one: one.min(other), other: one.max(other) };
            prop_assert_eq!(assignment.notices.contains(&notice), back);
        }
    }

    /// As in a campaign: each area its team, and the same draw in each.
    #[test]
    fn areas_alike_are_checked_evenly_and_never_in_return(
        areas in 3..7_usize, verifiers in 1..4_usize, each in 1..30_usize, seed: [u8; 32],
    ) {
        let actors: Vec<_> = (0..areas * verifiers).map(|number| format!("actor{number}")).collect();
        let members: Vec<_> = actors.iter().zip((0..areas).cycle()).map(|(actor, area)| Member {
            actor, area: AREAS[area], team: AREAS[area],
        }).collect();
        let names = names(areas * each);
        let cases: Vec<_> = names.iter().zip((0..areas).cycle()).map(|(record, area)| Case { record, area: AREAS[area] }).collect();
        let crew = Crew { verifiers: &members, staff: &[] };
        let assignment = assign(&Seed::from_bytes(seed), &cases, &crew).unwrap();
        let unwanted = |notice: &Notice<'_>| !matches!(notice, Notice::Unbalanced { .. });
        prop_assert!(!assignment.notices.iter().any(unwanted), "{:?}", assignment.notices);
        let mut loads: BTreeMap<_, u64> = actors.iter().map(|actor| (actor.as_str(), 0)).collect();
        assignment.visits.iter().for_each(|visit| *loads.get_mut(visit.verifier).unwrap() += 1);
        let (least, most) = (loads.values().min().unwrap(), loads.values().max().unwrap());
        prop_assert!(most - least <= 1, "{loads:?}");
    }
}

fn crew(lines: &[(&'static str, &'static str, &'static str)]) -> Vec<Member<'static>> {
    lines
        .iter()
        .map(|(actor, area, team)| Member { actor, area, team })
        .collect()
}

fn cases<'a>(names: &'a [RecordName], areas: &[&'static str]) -> Vec<Case<'a>> {
    names
        .iter()
        .zip(areas.iter().cycle())
        .map(|(record, area)| Case { record, area })
        .collect()
}

#[test]
fn two_teams_must_check_each_other_and_are_named() {
    let verifiers = crew(&[("a", "A", "1"), ("b", "B", "2")]);
    let names = names(20);
    let crew = Crew {
        verifiers: &verifiers,
        staff: &[],
    };
    let assignment = assign(&Seed::from_bytes([3; 32]), &cases(&names, &["A", "B"]), &crew).unwrap();
    assert_eq!(
        assignment.notices,
        [
            Notice::Reciprocal { one: "1", other: "2" },
            Notice::FewerRechecks {
                wanted: 2,
                possible: 0
            }
        ]
    );
}

#[test]
fn an_area_without_anybody_free_is_named() {
    let verifiers = crew(&[("a", "A", "1"), ("b", "B", "1"), ("c", "C", "2")]);
    let staff = crew(&[("d", "A", "2")]);
    let names = names(3);
    let all = Crew {
        verifiers: &verifiers,
        staff: &staff,
    };
    let error = assign(&Seed::from_bytes([3; 32]), &cases(&names, &["A", "B", "C"]), &all).unwrap_err();
    // Team 2 works in A through d, team 1 through a.
    assert_eq!(error.areas, ["A"]);
    assert_eq!(
        error.to_string(),
        "there is no verifier of another area and another team for A"
    );
    let without = Crew { staff: &[], ..all };
    assert!(
        assign(
            &Seed::from_bytes([3; 32]),
            &cases(&names, &["A", "B", "C"]),
            &without
        )
        .is_ok()
    );
}

#[test]
fn uneven_areas_are_named() {
    let verifiers = crew(&[("a", "A", "1"), ("b", "B", "2"), ("c", "C", "3")]);
    let names = names(30);
    let crew = Crew {
        verifiers: &verifiers,
        staff: &[],
    };
    let assignment = assign(&Seed::from_bytes([3; 32]), &cases(&names, &["A"]), &crew).unwrap();
    assert_eq!(assignment.notices, [Notice::Unbalanced { least: 0, most: 30 }]);
}

/// `d` alone can visit E; the others are relieved of the rest along a chain.
#[test]
fn visits_move_along_chains_until_they_are_even() {
    let able = |numbers: &[usize]| numbers.iter().copied().collect::<BTreeSet<_>>();
    let mut spread = Spread {
        able: [("x", able(&[0, 1])), ("y", able(&[1, 2])), ("z", able(&[2, 3]))].into(),
        shares: [
            (("x", 0), 0),
            (("x", 1), 4),
            (("y", 1), 2),
            (("z", 2), 1),
            (("y", 2), 5),
        ]
        .into(),
        loads: [(0, 0), (1, 6), (2, 6), (3, 0)].into(),
    };
    spread.even_out();
    assert_eq!(spread.loads.values().sum::<u64>(), 12);
    // z has one record only, so verifier 3 can have no more; eleven are left for three.
    assert_eq!(spread.loads[&3], 1);
    let (_, most) = spread.extremes();
    assert_eq!(most, 4);
    let load = |number| {
        spread
            .shares
            .iter()
            .filter(|((_, of), _)| *of == number)
            .map(|(_, share)| share)
            .sum::<u64>()
    };
    assert!((0..4).all(|number| load(number) == spread.loads[&number]));
}

#[test]
fn nothing_drawn_is_nothing_to_visit() {
    let none = Crew {
        verifiers: &[],
        staff: &[],
    };
    let assignment = assign(&Seed::from_bytes([0; 32]), &[], &none).unwrap();
    assert_eq!(
        assignment,
        Assignment {
            visits: vec![],
            notices: vec![]
        }
    );
}
