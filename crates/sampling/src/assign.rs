//! Who visits what: verifiers of another area and another team, by the seed, and a third person for one visit in ten.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use shilu_model::RecordName;
use thiserror::Error;

use crate::{number::count, seed::Seed};

/// One visit in so many is checked by a third person.
pub const RECHECK_ONE_IN: u64 = 10;

/// Somebody who works in an area, in a team. Who works in several has a line for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member<'a> {
    /// Who.
    pub actor: &'a str,
    /// Where they work.
    pub area: &'a str,
    /// With whom.
    pub team: &'a str,
}

/// Everybody who works in the areas. A record's teams are those of all of them who work in its area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crew<'a> {
    /// Those who may be sent.
    pub verifiers: &'a [Member<'a>],
    /// The others; a verifier may be named here too.
    pub staff: &'a [Member<'a>],
}

/// A drawn record and its area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case<'a> {
    /// The record.
    pub record: &'a RecordName,
    /// Its area at the freeze.
    pub area: &'a str,
}

/// A visit to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit<'a> {
    /// The record.
    pub record: &'a RecordName,
    /// Its area.
    pub area: &'a str,
    /// Who goes there.
    pub verifier: &'a str,
    /// Who goes there again.
    pub recheck: Option<&'a str>,
}

/// Who visits what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment<'a> {
    /// One visit of each record, in the order of their names.
    pub visits: Vec<Visit<'a>>,
    /// What could not be had.
    pub notices: Vec<Notice<'a>>,
}

/// Something that the crew does not allow. The visits are valid without it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Notice<'a> {
    /// Two teams check each other: what one finds, the other can return.
    #[error("the teams {one:?} and {other:?} check each other: there are too few teams")]
    Reciprocal {
        /// One team.
        one: &'a str,
        /// The other.
        other: &'a str,
    },
    /// Some have more to do than others.
    #[error("some verifiers have {least} visits, others {most}: too few are free for some areas")]
    Unbalanced {
        /// The fewest visits of a verifier.
        least: u64,
        /// The most.
        most: u64,
    },
    /// For some visits there is no third person.
    #[error(
        "{wanted} visits should be checked again, {possible} can be: no third person is free of the areas of the others"
    )]
    FewerRechecks {
        /// One in ten.
        wanted: u64,
        /// How many were assigned.
        possible: u64,
    },
}

/// Records that nobody may visit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no verifier of another area and another team for {}", areas.join(", "))]
pub struct AssignmentError {
    /// The areas of those records.
    pub areas: Vec<String>,
}

impl AssignmentError {
    /// What to do next.
    pub const fn hint(&self) -> &'static str {
        "appoint a verifier who works in another area, in a team that does not work there"
    }
}

/// Assigns visits by the seed.
///
/// - A verifier visits no record of an area in which they, or anybody of a team of theirs, work.
/// - Teams stand in a ring, in an order that the seed gives; each checks the half that follows it, so no two check each
///   other. Where that leaves nobody for an area, anybody of another area and team may come, and pairs of teams that then
///   check each other are named.
/// - Under these rules the visits are spread as evenly as can be.
/// - One visit in ten, rounded up, is checked again by somebody else who is free of the record's area and its teams too:
///   of another team than the first verifier where there is one.
///
/// Which visits, and who among equals, follows from the seed: SHA-256(seed ‖ 0 ‖ purpose ‖ 0 ‖ name), least first, the
/// purposes being `team`, `verifier`, `visit` and `recheck`. The order of the input does not matter.
///
/// # Errors
/// [`AssignmentError`] names every area of a record for which there is nobody.
///
/// ```
/// use shilu_model::RecordName;
/// use shilu_sampling::{Case, Crew, Member, Seed, assign};
/// let verifiers = [("li", "A", "1"), ("wang", "B", "2"), ("chen", "C", "3")]
///     .map(|(actor, area, team)| Member { actor, area, team });
/// let records = ["unit/1", "unit/2", "unit/3"].map(|name| RecordName::parse(name).unwrap());
/// let cases: Vec<_> = records.iter().zip(["A", "B", "C"]).map(|(record, area)| Case { record, area }).collect();
/// let crew = Crew { verifiers: &verifiers, staff: &[] };
/// let assignment = assign(&Seed::from_bytes([5; 32]), &cases, &crew)?;
/// let rechecked = assignment.visits.iter().filter(|visit| visit.recheck.is_some()).count();
/// assert_eq!((assignment.visits.len(), rechecked, assignment.notices.len()), (3, 1, 0));
/// # Ok::<(), shilu_sampling::AssignmentError>(())
/// ```
pub fn assign<'a>(
    seed: &Seed,
    cases: &[Case<'a>],
    crew: &Crew<'a>,
) -> Result<Assignment<'a>, AssignmentError> {
    let cases: BTreeMap<_, _> = cases.iter().map(|case| (case.record.as_str(), *case)).collect();
    let people = People::new(seed, crew);
    let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
    cases
        .values()
        .for_each(|case| *sizes.entry(case.area).or_default() += 1);
    let mut spread = Spread::new(&people, &sizes)?;
    spread.even_out();
    let mut visits = spread.visits(seed, &people, cases.values());
    let mut notices = reciprocal(&visits, &people);
    let (least, most) = spread.extremes();
    if most - least > 1 {
        notices.push(Notice::Unbalanced { least, most });
    }
    notices.extend(recheck(seed, &people, &mut visits));
    Ok(Assignment { visits, notices })
}

/// One verifier, with all their lines.
struct Verifier<'a> {
    actor: &'a str,
    areas: BTreeSet<&'a str>,
    teams: BTreeSet<&'a str>,
}

struct People<'a> {
    /// In the order of the seed.
    verifiers: Vec<Verifier<'a>>,
    /// The teams that work in each area.
    teams_of: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// The place in the ring of each team that has verifiers.
    ring: BTreeMap<&'a str, usize>,
}

impl<'a> People<'a> {
    fn new(seed: &Seed, crew: &Crew<'a>) -> Self {
        let mut by_actor: BTreeMap<&str, Verifier<'a>> = BTreeMap::new();
        let none = |actor| Verifier {
            actor,
            areas: BTreeSet::new(),
            teams: BTreeSet::new(),
        };
        for Member { actor, .. } in crew.verifiers {
            by_actor.entry(actor).or_insert_with(|| none(actor));
        }
        let mut teams_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for Member { actor, area, team } in crew.verifiers.iter().chain(crew.staff) {
            teams_of.entry(area).or_default().insert(team);
            if let Some(verifier) = by_actor.get_mut(actor) {
                verifier.areas.insert(area);
                verifier.teams.insert(team);
            }
        }
        let mut verifiers: Vec<_> = by_actor.into_values().collect();
        verifiers.sort_by_cached_key(|verifier| (seed.order("verifier", verifier.actor), verifier.actor));
        let teams: BTreeSet<_> = verifiers
            .iter()
            .flat_map(|verifier| verifier.teams.iter().copied())
            .collect();
        let mut teams: Vec<_> = teams.into_iter().collect();
        teams.sort_by_cached_key(|team| (seed.order("team", team), *team));
        let ring = teams.into_iter().zip(0..).collect();
        People {
            verifiers,
            teams_of,
            ring,
        }
    }

    fn teams_of(&self, area: &str) -> impl Iterator<Item = &'a str> {
        self.teams_of.get(area).into_iter().flatten().copied()
    }

    /// Neither they nor anybody of their teams work there.
    fn is_free(&self, verifier: &Verifier<'_>, area: &str) -> bool {
        !verifier.areas.contains(area) && !self.teams_of(area).any(|team| verifier.teams.contains(team))
    }

    /// And all their teams come before those that work there.
    fn follows_the_ring(&self, verifier: &Verifier<'_>, area: &str) -> bool {
        self.is_free(verifier, area)
            && verifier
                .teams
                .iter()
                .all(|team| self.teams_of(area).all(|checked| self.checks(team, checked)))
    }

    /// A tournament: of two teams of the ring exactly one checks the other. A team without verifiers checks nobody, so
    /// everybody may check it.
    fn checks(&self, team: &str, checked: &str) -> bool {
        let (Some(from), Some(to)) = (self.ring.get(team), self.ring.get(checked)) else {
            return true;
        };
        let all = self.ring.len();
        let ahead = (to + all - from) % all;
        // Of an even number, the two that stand opposite: the one with the lower place checks.
        2 * ahead < all || (2 * ahead == all && from < to)
    }
}

/// How many records of each area each verifier visits. Verifiers are numbered in the order of the seed.
struct Spread<'a> {
    /// Who may visit an area's records.
    able: BTreeMap<&'a str, BTreeSet<usize>>,
    shares: BTreeMap<(&'a str, usize), u64>,
    loads: BTreeMap<usize, u64>,
}

impl<'a> Spread<'a> {
    /// Each area's records in turn to whoever has the least to do.
    fn new(people: &People<'a>, sizes: &BTreeMap<&'a str, u64>) -> Result<Self, AssignmentError> {
        let choose = |area: &str, rule: fn(&People<'a>, &Verifier<'_>, &str) -> bool| -> BTreeSet<usize> {
            let numbered = people.verifiers.iter().enumerate();
            numbered
                .filter(|(_, verifier)| rule(people, verifier, area))
                .map(|(number, _)| number)
                .collect()
        };
        let mut able = BTreeMap::new();
        for area in sizes.keys() {
            let mut chosen = choose(area, People::follows_the_ring);
            if chosen.is_empty() {
                chosen = choose(area, People::is_free);
            }
            able.insert(*area, chosen);
        }
        let nobody = able.iter().filter(|(_, able)| able.is_empty());
        let areas: Vec<_> = nobody.map(|(area, _)| (*area).to_owned()).collect();
        if !areas.is_empty() {
            return Err(AssignmentError { areas });
        }
        let loads = (0..people.verifiers.len()).map(|number| (number, 0)).collect();
        let mut spread = Spread {
            able,
            shares: BTreeMap::new(),
            loads,
        };
        for (area, size) in sizes {
            for _ in 0..*size {
                let able = spread.able.get(area).into_iter().flatten();
                if let Some(least) = able.copied().min_by_key(|number| (spread.load(*number), *number)) {
                    spread.give(area, least);
                }
            }
        }
        Ok(spread)
    }

    fn load(&self, number: usize) -> u64 {
        self.loads.get(&number).copied().unwrap_or(0)
    }

    fn give(&mut self, area: &'a str, number: usize) {
        *self.shares.entry((area, number)).or_default() += 1;
        *self.loads.entry(number).or_default() += 1;
    }

    fn take(&mut self, area: &'a str, number: usize) {
        let (share, load) = (self.shares.get_mut(&(area, number)), self.loads.get_mut(&number));
        if let (Some(share), Some(load)) = (share, load) {
            *share = share.checked_sub(1).expect("only what was given is taken");
            *load = load.checked_sub(1).expect("a load is the sum of its shares");
        }
    }

    /// Moves visits along chains of verifiers until no chain leads from one to another with two fewer: then no other
    /// spread is more even (N. J. A. Harvey et al., "Semi-matchings", J. Algorithms 59 (2006) 53–78).
    fn even_out(&mut self) {
        let numbers: Vec<_> = self.loads.keys().copied().collect();
        while let Some(chain) = numbers.iter().find_map(|from| self.chain(*from)) {
            for (area, from, to) in chain {
                self.take(area, from);
                self.give(area, to);
            }
        }
    }

    /// The moves from a verifier to the nearest one with at least two visits fewer.
    fn chain(&self, from: usize) -> Option<Vec<(&'a str, usize, usize)>> {
        let mut came: BTreeMap<usize, (&'a str, usize)> = BTreeMap::new();
        let mut areas: BTreeSet<&str> = BTreeSet::new();
        let mut queue = VecDeque::from([from]);
        while let Some(number) = queue.pop_front() {
            if self.load(number) + 2 <= self.load(from) {
                return Some(Self::back(&came, from, number));
            }
            for (area, able) in &self.able {
                let has = self.shares.get(&(area, number)).is_some_and(|share| *share > 0);
                if !has || !areas.insert(area) {
                    continue;
                }
                for next in able {
                    if *next != from && !came.contains_key(next) {
                        came.insert(*next, (area, number));
                        queue.push_back(*next);
                    }
                }
            }
        }
        None
    }

    fn back(
        came: &BTreeMap<usize, (&'a str, usize)>,
        from: usize,
        end: usize,
    ) -> Vec<(&'a str, usize, usize)> {
        let mut moves = Vec::new();
        let mut to = end;
        while to != from {
            let Some((area, number)) = came.get(&to) else {
                break;
            };
            moves.push((*area, *number, to));
            to = *number;
        }
        moves
    }

    fn extremes(&self) -> (u64, u64) {
        let least = self.loads.values().min().copied().unwrap_or(0);
        (least, self.loads.values().max().copied().unwrap_or(0))
    }

    /// The records of an area, in the order of the seed, to its verifiers one after the other.
    fn visits<'b>(
        &self,
        seed: &Seed,
        people: &People<'a>,
        cases: impl Iterator<Item = &'b Case<'a>>,
    ) -> Vec<Visit<'a>>
    where
        'a: 'b,
    {
        let mut by_area: BTreeMap<&str, Vec<&Case<'a>>> = BTreeMap::new();
        cases.for_each(|case| by_area.entry(case.area).or_default().push(case));
        let mut visits = Vec::new();
        for (area, mut cases) in by_area {
            cases.sort_by_cached_key(|case| (seed.order("visit", case.record.as_str()), case.record));
            let able = self.able.get(area).into_iter().flatten();
            let shares = able.flat_map(|number| {
                let share = self.shares.get(&(area, *number)).copied().unwrap_or(0);
                (0..share).filter_map(|_| people.verifiers.get(*number))
            });
            visits.extend(cases.into_iter().zip(shares).map(|(case, verifier)| Visit {
                record: case.record,
                area: case.area,
                verifier: verifier.actor,
                recheck: None,
            }));
        }
        visits.sort_unstable_by_key(|visit| visit.record);
        visits
    }
}

/// The pairs of teams of which each checks records of the other.
fn reciprocal<'a>(visits: &[Visit<'a>], people: &People<'a>) -> Vec<Notice<'a>> {
    let teams: BTreeMap<_, _> = people
        .verifiers
        .iter()
        .map(|verifier| (verifier.actor, &verifier.teams))
        .collect();
    let mut checks = BTreeSet::new();
    for visit in visits {
        for team in teams.get(visit.verifier).into_iter().copied().flatten() {
            checks.extend(people.teams_of(visit.area).map(|checked| (*team, checked)));
        }
    }
    let pairs = checks
        .iter()
        .filter(|(one, other)| one < other && checks.contains(&(*other, *one)));
    pairs
        .map(|(one, other)| Notice::Reciprocal { one, other })
        .collect()
}

/// Names a third person for one visit in ten, where there is one.
fn recheck<'a>(seed: &Seed, people: &People<'a>, visits: &mut [Visit<'a>]) -> Option<Notice<'a>> {
    let wanted = count(visits.len()).div_ceil(RECHECK_ONE_IN);
    let mut order: Vec<_> = visits.iter_mut().collect();
    order.sort_by_cached_key(|visit| (seed.order("recheck", visit.record.as_str()), visit.record));
    let mut loads: BTreeMap<&str, u64> = BTreeMap::new();
    let mut possible = 0;
    for visit in order {
        if possible == wanted {
            break;
        }
        let first = people
            .verifiers
            .iter()
            .find(|verifier| verifier.actor == visit.verifier);
        let third = people
            .verifiers
            .iter()
            .enumerate()
            .filter(|(_, verifier)| verifier.actor != visit.verifier && people.is_free(verifier, visit.area))
            .min_by_key(|(number, verifier)| {
                let same_team = first.is_some_and(|first| !first.teams.is_disjoint(&verifier.teams));
                let against_the_ring = !people.follows_the_ring(verifier, visit.area);
                (
                    same_team,
                    against_the_ring,
                    loads.get(verifier.actor).copied().unwrap_or(0),
                    *number,
                )
            });
        if let Some((_, third)) = third {
            visit.recheck = Some(third.actor);
            *loads.entry(third.actor).or_default() += 1;
            possible += 1;
        }
    }
    (possible < wanted).then_some(Notice::FewerRechecks { wanted, possible })
}

#[cfg(test)]
mod tests;
