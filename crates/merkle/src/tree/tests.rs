//! Roots against published ones and somebody else's, and the two trees of this crate against each other.

use proptest::prelude::*;

use super::*;
use crate::{Tile, testing::*};

/// The eight leaves of the Certificate Transparency test vectors, and the roots over the first 1 to 8 of them.
const CT: [(&[u8], &str); 8] = [
    (
        b"",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    ),
    (
        b"\x00",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    ),
    (
        b"\x10",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    ),
    (
        b"\x20\x21",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (
        b"\x30\x31",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    ),
    (
        b"\x40\x41\x42\x43",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    ),
    (
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    ),
    (
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ),
];

fn hex(hash: Hash) -> String {
    hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_published_roots_are_ours() {
    let (mut tree, mut tiling) = (Tree::default(), Tiling::default());
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(
        (hex(tree.root()), hex(tiling.root())),
        (empty.to_owned(), empty.to_owned())
    );
    for (leaf, root) in CT {
        tree.push(Hash::leaf(leaf));
        tiling.push(Hash::leaf(leaf), |_| panic!("no tile is full"));
        assert_eq!(
            (hex(tree.root()).as_str(), hex(tiling.root()).as_str()),
            (root, root)
        );
    }
}

#[test]
fn both_trees_have_the_oracle_s_root() {
    let (mut tree, mut tiling, mut oracle) = (Tree::default(), Tiling::default(), Oracle::new());
    let mut seeded = Seeded(1);
    for size in 0..=70_000 {
        let compared =
            size <= 600 || size % 256 < 2 || size > 65_530 && size < 65_545 || seeded.below(200) == 0;
        if compared {
            assert_eq!((tree.size(), tiling.size()), (size, size));
            assert_eq!(tree.root(), tiling.root(), "{size}");
            assert_eq!(tree.root().0[..], oracle.root().as_bytes()[..], "{size}");
        }
        let entry = entry(size);
        tree.push(Hash::leaf(&entry));
        tiling.push(Hash::leaf(&entry), |_| {});
        oracle.push(entry);
    }
}

#[test]
fn the_tiles_of_70_000_are_those_of_the_standard() {
    let log = Log::of(70_000);
    let tiles = log.tiles();
    let level = |level: &str| tiles.keys().filter(|name| name.starts_with(level)).count();
    assert_eq!(
        (level("tile/0/"), level("tile/1/"), level("tile/2/"), tiles.len()),
        (274, 2, 1, 277)
    );
    for (name, bytes) in [
        ("tile/0/273.p/112", 112),
        ("tile/1/000", 256),
        ("tile/1/001.p/17", 17),
        ("tile/2/000.p/1", 1),
    ] {
        assert_eq!(tiles[name].len(), bytes * Hash::BYTES, "{name}");
    }
    // Each hash of a higher tile is the root over the tile below.
    let below = Tile::parse("tile/0/255")
        .unwrap()
        .hashes(&tiles["tile/0/255"])
        .unwrap();
    assert_eq!(tiles["tile/1/000"][255 * 32..], root_over(&below).0);
    let named: Vec<_> = (0..3)
        .flat_map(|level| Tile::all(crate::TileKind::Hashes(level), 70_000))
        .collect();
    assert_eq!(named.len(), tiles.len());
    assert!(
        named
            .iter()
            .all(|tile| tiles[&tile.to_string()].len() == tile.width * Hash::BYTES)
    );
}

#[test]
fn a_tree_is_taken_up_from_its_partial_tiles() {
    for size in [0, 1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_792] {
        let mut log = Log::of(size);
        let kept = levels_of(&log.tiling);
        let mut resumed = Tiling::resume(size, kept).unwrap();
        assert_eq!(resumed, log.tiling);
        for index in size..size + 600 {
            let (mut expected, mut found) = (Vec::new(), Vec::new());
            log.tiling
                .push(Hash::leaf(&entry(index)), |tile| expected.push(tile));
            resumed.push(Hash::leaf(&entry(index)), |tile| found.push(tile));
            assert_eq!(found, expected);
        }
        assert_eq!(resumed.root(), log.tiling.root());
    }
}

/// The partial tiles, level 0 first, the empty ones too.
fn levels_of(tiling: &Tiling) -> Vec<Vec<Hash>> {
    let mut levels = vec![Vec::new(); Tiling::widths(tiling.size()).count()];
    tiling
        .partial()
        .for_each(|(level, _, hashes)| levels[usize::from(level)] = hashes.to_vec());
    levels
}

#[test]
fn partial_tiles_of_another_size_are_not_taken_up() {
    let levels = levels_of(&Log::of(600).tiling);
    assert!(Tiling::resume(600, levels.clone()).is_some());
    for size in [0, 87, 88, 599, 601, 856, 600 + 65_536] {
        assert_eq!(Tiling::resume(size, levels.clone()), None, "{size}");
    }
    let mut deeper = levels.clone();
    deeper.push(vec![Hash::empty()]);
    assert_eq!(Tiling::resume(600, deeper), None);
}

#[test]
fn the_largest_sizes_neither_overflow_nor_panic() {
    let widths = |size| -> Vec<Vec<Hash>> {
        Tiling::widths(size)
            .map(|width| vec![Hash::empty(); width])
            .collect()
    };
    assert_eq!(Tiling::resume(u64::MAX, widths(u64::MAX)), None);
    for size in [(1 << 56) + 255, 1 << 63, (1 << 63) - 1] {
        let mut tiling = Tiling::resume(size, widths(size)).unwrap();
        assert!(
            tiling
                .partial()
                .all(|(level, index, _)| index == size.checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0))
        );
        tiling.push(Hash::leaf(b"one more"), |tile| assert!(tile.index < 1 << 56));
        assert_eq!(tiling.size(), size + 1);
        tiling.root();
    }
}

proptest! {
    #[test]
    fn a_leaf_more_or_another_leaf_is_another_root(size in 1..700_u64, at in any::<prop::sample::Index>()) {
        let log = Log::of(size);
        let changed = u64::try_from(at.index(usize::try_from(size).unwrap())).unwrap();
        let mut other = Log::default();
        (0..size).for_each(|index| other.push(&entry(if index == changed { index + 1_000 } else { index })));
        prop_assert_ne!(log.tiling.root(), other.tiling.root());
        prop_assert_ne!(log.tiling.root(), Log::of(size + 1).tiling.root());
    }
}
