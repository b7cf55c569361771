//! The draw: which of the frozen records are checked.

use std::collections::{BTreeMap, btree_map::Entry};

use shilu_model::RecordName;

use crate::{number::count, seed::Seed};

/// A record in scope at the freeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate<'a> {
    /// The record.
    pub record: &'a RecordName,
    /// Its stratum: the same number is drawn of each. One and the same text for all where there are none.
    pub stratum: &'a str,
}

/// A record that was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn<'a> {
    /// The record.
    pub record: &'a RecordName,
    /// Its stratum.
    pub stratum: &'a str,
    /// Its place in its stratum, from 1.
    pub rank: u64,
}

/// Draws the first so many of each stratum, ranked by SHA-256(seed ‖ name of the record, `kind/key`, in UTF-8), least
/// first; of a smaller stratum, all. Anyone with the seed and the frozen records draws the same, in whatever order the
/// records are handed in, and a larger draw continues a smaller one. A record that is handed in twice counts once, in the
/// stratum whose name is least.
///
/// The answer goes by stratum, in the order of their names, and in each by rank.
///
/// ```
/// use shilu_model::RecordName;
/// use shilu_sampling::{Candidate, Seed, draw};
/// let names = ["unit/1", "unit/2", "unit/3", "unit/4"].map(|name| RecordName::parse(name).unwrap());
/// let candidates: Vec<_> = names.iter().map(|record| Candidate { record, stratum: "" }).collect();
/// let drawn = draw(&Seed::from_bytes([0; 32]), &candidates, 2);
/// assert_eq!(drawn.iter().map(|drawn| drawn.rank).collect::<Vec<_>>(), [1, 2]);
/// assert_eq!(draw(&Seed::from_bytes([0; 32]), &candidates, 3)[..2], drawn);
/// ```
pub fn draw<'a>(seed: &Seed, candidates: &[Candidate<'a>], of_each_stratum: u64) -> Vec<Drawn<'a>> {
    let mut stratum_of = BTreeMap::new();
    for candidate in candidates {
        match stratum_of.entry(candidate.record.as_str()) {
            Entry::Vacant(entry) => {
                entry.insert(*candidate);
            }
            Entry::Occupied(mut entry) => {
                let least = candidate.min(entry.get());
                entry.insert(*least);
            }
        }
    }
    let mut strata: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for (name, candidate) in stratum_of {
        let ranked = (seed.rank(name.as_bytes()), name, candidate.record);
        strata.entry(candidate.stratum).or_default().push(ranked);
    }
    let first = |(stratum, mut ranked): (&'a str, Vec<_>)| {
        ranked.sort_unstable();
        let numbered = (1..=of_each_stratum).zip(ranked);
        numbered.map(move |(rank, (_, _, record))| Drawn {
            record,
            stratum,
            rank,
        })
    };
    let drawn: Vec<_> = strata.into_iter().flat_map(first).collect();
    assert!(
        count(drawn.len()) <= count(candidates.len()),
        "more was drawn than there is"
    );
    drawn
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn names(keys: &BTreeSet<u16>) -> Vec<(RecordName, &'static str)> {
        let strata = ["north", "south", "west"];
        let name = |key: &u16| {
            let name = RecordName::new("dwelling", &key.to_string()).unwrap();
            (name, strata[usize::from(*key % 7) % 3])
        };
        keys.iter().map(name).collect()
    }

    fn candidates<'a>(names: &'a [(RecordName, &'static str)]) -> Vec<Candidate<'a>> {
        names
            .iter()
            .map(|(record, stratum)| Candidate { record, stratum })
            .collect()
    }

    /// The ranking as it is specified, for one stratum.
    fn expected<'a>(seed: &Seed, candidates: &[Candidate<'a>], stratum: &str) -> Vec<&'a RecordName> {
        use sha2::{Digest, Sha256};
        let mut of_it: Vec<_> = candidates
            .iter()
            .filter(|candidate| candidate.stratum == stratum)
            .collect();
        of_it.sort_by_key(|candidate| {
            let mut bytes = seed.bytes().to_vec();
            bytes.extend(candidate.record.to_string().as_bytes());
            Sha256::digest(&bytes).to_vec()
        });
        of_it.into_iter().map(|candidate| candidate.record).collect()
    }

    proptest! {
        #[test]
        fn takes_the_first_of_each_stratum(keys: BTreeSet<u16>, seed: [u8; 32], size in 0..20_u64) {
            let names = names(&keys);
            let (candidates, seed) = (candidates(&names), Seed::from_bytes(seed));
            let drawn = draw(&seed, &candidates, size);
            for stratum in ["north", "south", "west"] {
                let mut first = expected(&seed, &candidates, stratum);
                first.truncate(usize::try_from(size).unwrap());
                let found: Vec<_> = drawn.iter().filter(|drawn| drawn.stratum == stratum).collect();
                prop_assert_eq!(found.iter().map(|drawn| drawn.record).collect::<Vec<_>>(), first);
                prop_assert!(found.iter().zip(1..).all(|(drawn, rank)| drawn.rank == rank));
            }
        }

        #[test]
        fn does_not_depend_on_the_order(keys: BTreeSet<u16>, seed: [u8; 32], size in 0..20_u64, swaps in vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..50)) {
            let names = names(&keys);
            let (candidates, seed) = (candidates(&names), Seed::from_bytes(seed));
            let mut shuffled = candidates.clone();
            for (one, other) in swaps.iter().filter(|_| !candidates.is_empty()) {
                shuffled.swap(one.index(candidates.len()), other.index(candidates.len()));
            }
            prop_assert_eq!(draw(&seed, &shuffled, size), draw(&seed, &candidates, size));
        }

        #[test]
        fn a_larger_draw_continues_a_smaller_one(keys: BTreeSet<u16>, seed: [u8; 32], size in 0..20_u64) {
            let names = names(&keys);
            let (candidates, seed) = (candidates(&names), Seed::from_bytes(seed));
            let mut larger = draw(&seed, &candidates, size + 1);
            larger.retain(|drawn| drawn.rank <= size);
            prop_assert_eq!(larger, draw(&seed, &candidates, size));
        }
    }

    #[test]
    fn another_seed_draws_others() {
        let keys = (0..500).collect();
        let names = names(&keys);
        let candidates = candidates(&names);
        let of = |seed| -> BTreeSet<_> {
            let drawn = draw(&Seed::from_bytes([seed; 32]), &candidates, 20);
            drawn.into_iter().map(|drawn| drawn.record).collect()
        };
        let (one, two) = (of(1), of(2));
        assert_eq!((one.len(), two.len()), (60, 60));
        assert!(one.intersection(&two).count() < 30);
    }

    #[test]
    fn a_record_that_comes_twice_counts_once() {
        let record = RecordName::parse("unit/1").unwrap();
        let [south, north] = ["south", "north"].map(|stratum| Candidate {
            record: &record,
            stratum,
        });
        for order in [[south, north, south], [north, south, north]] {
            let drawn = draw(&Seed::from_bytes([0; 32]), &order, 5);
            assert_eq!(
                drawn,
                [Drawn {
                    record: &record,
                    stratum: "north",
                    rank: 1
                }]
            );
        }
    }
}
