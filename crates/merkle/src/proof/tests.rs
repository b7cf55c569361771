//! Proofs against somebody else's: made here and checked there, made there and checked here, and equal as bytes.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::*;
use sha2::Sha256;

use super::*;
use crate::testing::*;

type Root = RootHash<Sha256>;

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    let (hashes, rest) = bytes.as_chunks();
    assert!(rest.is_empty());
    hashes.iter().map(|hash| Hash(*hash)).collect()
}

fn theirs(root: Hash, size: u64) -> Root {
    RootHash::new(root.0.into(), size)
}

/// A log, the oracle's, and the oracle's root at every size.
struct Both {
    log: Log,
    oracle: Oracle,
    roots: Vec<Hash>,
}

impl Both {
    fn empty() -> Both {
        Both {
            log: Log::default(),
            oracle: Oracle::new(),
            roots: vec![Hash::empty()],
        }
    }

    fn grow(&mut self, size: u64) {
        for index in self.log.size()..size {
            self.log.push(&entry(index));
            self.oracle.push(entry(index));
            self.roots.push(hashes(self.oracle.root().as_bytes())[0]);
        }
    }

    fn check_inclusion_of(&self, indexes: impl IntoIterator<Item = u64>) {
        let (size, mut prover) = (self.log.size(), self.log.prover());
        let root = *self.roots.last().unwrap();
        assert_eq!(prover.root(size), Ok(root));
        for index in indexes {
            let ours = prover.inclusion(index).unwrap();
            let their = self.oracle.prove_inclusion(usize::try_from(index).unwrap());
            assert_eq!(hashes(their.as_bytes()), ours, "{index} of {size}");
            check_inclusion(Hash::leaf(&entry(index)), index, size, &ours, root).unwrap();
            let ours = InclusionProof::from_bytes(Tile::bytes(&ours));
            theirs(root, size)
                .verify_inclusion(&entry(index), index, &ours)
                .unwrap();
        }
    }

    fn check_consistency_with(&self, olds: impl IntoIterator<Item = u64>) {
        let (size, mut prover) = (self.log.size(), self.log.prover());
        let root = *self.roots.last().unwrap();
        for old in olds {
            let old_root = self.roots[usize::try_from(old).unwrap()];
            let ours = prover.consistency(old).unwrap();
            assert_eq!(prover.root(old), Ok(old_root));
            check_consistency((old, old_root), (size, root), &ours).unwrap();
            if old == 0 {
                // The oracle knows no proof from the empty tree; the standard says that it is empty.
                assert_eq!(ours, []);
                continue;
            }
            let their = self
                .oracle
                .prove_consistency(usize::try_from(size - old).unwrap());
            assert_eq!(hashes(their.as_bytes()), ours, "{old} to {size}");
            let ours = ConsistencyProof::try_from_bytes(Tile::bytes(&ours)).unwrap();
            theirs(root, size)
                .verify_consistency(&theirs(old_root, old), &ours)
                .unwrap();
        }
    }
}

#[test]
fn every_inclusion_proof_to_300_is_the_oracle_s() {
    let mut both = Both::empty();
    for size in 1..=300 {
        both.grow(size);
        both.check_inclusion_of(0..size);
    }
}

#[test]
fn every_consistency_proof_to_300_is_the_oracle_s() {
    let mut both = Both::empty();
    for size in 1..=300 {
        both.grow(size);
        both.check_consistency_with(0..=size);
    }
}

#[test]
fn random_proofs_to_100_000_are_the_oracle_s() {
    let mut seeded = Seeded(7);
    let mut sizes: Vec<u64> = (0..40).map(|_| 1 + seeded.below(100_000)).collect();
    sizes.extend([65_535, 65_536, 65_537, 65_792, 100_000]);
    sizes.sort_unstable();
    let mut both = Both::empty();
    for size in sizes {
        both.grow(size);
        let indexes: Vec<u64> = (0..12).map(|_| seeded.below(size)).chain([0, size - 1]).collect();
        both.check_inclusion_of(indexes.iter().copied());
        both.check_consistency_with(indexes);
    }
}

#[test]
fn a_prover_answers_within_its_size() {
    let log = Log::of(300);
    let mut prover = log.prover();
    let beyond =
        |result: Result<Vec<Hash>, EvidenceError>| assert_eq!(result.unwrap_err().code(), "BAD_PROOF");
    beyond(prover.inclusion(300));
    beyond(prover.inclusion(u64::MAX));
    beyond(prover.consistency(301));
    assert_eq!(prover.root(301).unwrap_err().code(), "BAD_PROOF");
    assert_eq!(
        (prover.root(0), prover.consistency(300)),
        (Ok(Hash::empty()), Ok(vec![]))
    );
    assert_eq!(
        Log::default().prover().inclusion(0).unwrap_err().code(),
        "BAD_PROOF"
    );
}

#[test]
fn a_prover_reads_each_tile_once_and_needs_its_whole_width() {
    let tiles = Log::of(70_000).tiles();
    let mut read = Vec::new();
    let mut prover = Prover::new(70_000, |tile| {
        read.push(tile);
        Ok::<_, EvidenceError>(tiles[&tile.to_string()].clone())
    });
    for index in 0..40 {
        prover.inclusion(index * 7).unwrap();
    }
    let mut once = read.clone();
    once.sort();
    once.dedup();
    assert_eq!(read.len(), once.len());
    let short = |tile: Tile| Ok::<_, EvidenceError>(tiles[&tile.to_string()][32..].to_vec());
    assert_eq!(
        Prover::new(70_000, short).inclusion(5).unwrap_err().code(),
        "BAD_TILE"
    );
}

#[test]
fn a_tree_of_the_largest_size_is_judged_without_overflow() {
    let (max, hash) = (u64::MAX, Hash::empty());
    let long = [hash; PROOF_HASHES_MAX + 2];
    for length in 0..long.len() {
        let proof = &long[..length];
        for index in [0, 1, max / 2, max - 1, max] {
            assert!(check_inclusion(hash, index, max, proof, Hash::leaf(b"")).is_err());
            assert!(check_consistency((index, Hash::leaf(b"")), (max, hash), proof).is_err());
        }
    }
    let nothing = |_: Tile| Err::<Vec<u8>, _>(EvidenceError::BadTile { problem: "none" });
    let mut prover = Prover::new(max, nothing);
    for place in [0, 1, 1 << 63, max - 1] {
        assert!(prover.inclusion(place).is_err());
        assert!(prover.root(place + 1).is_err());
        assert!(place == 0 || prover.consistency(place).is_err());
    }
}

#[test]
fn the_empty_tree_has_one_root() {
    let (empty, other) = (Hash::empty(), Hash::leaf(b""));
    assert_eq!(check_consistency((0, empty), (0, empty), &[]), Ok(()));
    assert_eq!(check_consistency((0, empty), (7, other), &[]), Ok(()));
    for (old, new) in [
        ((0, other), (0, other)),
        ((0, empty), (0, other)),
        ((0, other), (0, empty)),
        ((0, other), (7, other)),
    ] {
        assert_eq!(
            check_consistency(old, new, &[]).unwrap_err().code(),
            "NOT_CONSISTENT"
        );
    }
    assert_eq!(
        check_consistency((0, empty), (7, other), &[other])
            .unwrap_err()
            .code(),
        "BAD_PROOF"
    );
    assert_eq!(
        check_consistency((7, other), (7, other), &[other])
            .unwrap_err()
            .code(),
        "BAD_PROOF"
    );
    assert_eq!(
        check_consistency((7, other), (7, empty), &[]).unwrap_err().code(),
        "NOT_CONSISTENT"
    );
    assert_eq!(
        check_consistency((8, other), (7, other), &[]).unwrap_err().code(),
        "BAD_PROOF"
    );
}

/// A proof with one hash left out, doubled, put in, changed, or two exchanged.
fn other_proofs(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for place in 0..=proof.len() {
        let mut more = proof.to_vec();
        more.insert(place, Hash::leaf(b"stray"));
        all.push(more);
    }
    for place in 0..proof.len() {
        let mut fewer = proof.to_vec();
        let hash = fewer.remove(place);
        all.push(fewer);
        let mut doubled = proof.to_vec();
        doubled.insert(place, hash);
        all.push(doubled);
        let mut changed = proof.to_vec();
        changed[place].0[31] ^= 1;
        all.push(changed);
        let mut swapped = proof.to_vec();
        swapped.swap(place, 0);
        all.push(swapped);
    }
    all.retain(|other| other != proof);
    all
}

#[test]
fn a_proof_of_every_small_tree_is_of_nothing_else() {
    for size in 1..=24 {
        let log = Log::of(size);
        let (root, mut prover) = (log.tiling.root(), log.prover());
        for index in 0..size {
            let (leaf, proof) = (Hash::leaf(&entry(index)), prover.inclusion(index).unwrap());
            let holds =
                |leaf, index, size, proof: &[Hash]| check_inclusion(leaf, index, size, proof, root).is_ok();
            assert!(holds(leaf, index, size, &proof));
            let longer = [&proof[..], &[leaf]].concat();
            let code = |proof: &[Hash]| {
                check_inclusion(leaf, index, size, proof, root)
                    .unwrap_err()
                    .code()
            };
            assert_eq!(code(&longer), "BAD_PROOF");
            assert!(!holds(Hash::leaf(&entry(index + 1)), index, size, &proof));
            assert!(
                other_proofs(&proof)
                    .iter()
                    .all(|other| !holds(leaf, index, size, other))
            );
            assert!(
                (0..40)
                    .filter(|other| *other != index)
                    .all(|other| !holds(leaf, other, size, &proof))
            );
        }
    }
}

proptest! {
    #[test]
    fn a_consistency_proof_is_of_nothing_else(size in 2..600_u64, old in any::<prop::sample::Index>()) {
        let old = 1 + u64::try_from(old.index(usize::try_from(size - 1).unwrap())).unwrap();
        let log = Log::of(size);
        let (roots, proof) = ((Log::of(old).tiling.root(), log.tiling.root()), log.prover().consistency(old).unwrap());
        let holds = |old, new, proof: &[Hash]| check_consistency(old, new, proof).is_ok();
        prop_assert!(holds((old, roots.0), (size, roots.1), &proof));
        for other in other_proofs(&proof) {
            prop_assert!(!holds((old, roots.0), (size, roots.1), &other));
        }
        let stray = Hash::leaf(b"stray");
        let longer = [&proof[..], &[stray]].concat();
        let refused = check_consistency((old, roots.0), (size, roots.1), &longer);
        prop_assert_eq!(refused.unwrap_err().code(), "BAD_PROOF");
        prop_assert!(!holds((old, stray), (size, roots.1), &proof));
        prop_assert!(!holds((old, roots.0), (size, stray), &proof));
        prop_assert!(!holds((old, roots.1), (size, roots.0), &proof));
    }

    #[test]
    fn arbitrary_proofs_neither_panic_nor_hold(
        size in any::<u64>(), index in any::<u64>(), proof in proptest::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        let proof: Vec<_> = proof.into_iter().map(Hash).collect();
        prop_assert!(check_inclusion(Hash::leaf(b"a"), index, size, &proof, Hash::leaf(b"b")).is_err());
        prop_assume!(index > 0);
        prop_assert!(check_consistency((index, Hash::leaf(b"a")), (size, Hash::leaf(b"b")), &proof).is_err());
    }
}
