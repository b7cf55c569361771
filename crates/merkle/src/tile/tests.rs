//! Names of tiles: the standard's example, one name for each tile, and nothing beyond the ends.

use proptest::prelude::*;

use super::*;
use crate::testing::*;

#[test]
fn names_are_those_of_the_standard() {
    for (index, name) in [
        (0, "000"),
        (7, "007"),
        (999, "999"),
        (1_000, "x001/000"),
        (1_234_067, "x001/x234/067"),
        (u64::MAX, "x018/x446/x744/x073/x709/x551/615"),
    ] {
        for (kind, folder) in [
            (TileKind::Hashes(0), "0"),
            (TileKind::Hashes(63), "63"),
            (TileKind::Entries, "entries"),
        ] {
            for (width, end) in [(256, ""), (1, ".p/1"), (255, ".p/255")] {
                let (tile, name) = (Tile { kind, index, width }, format!("tile/{folder}/{name}{end}"));
                assert_eq!((tile.to_string(), Tile::parse(&name)), (name.clone(), Ok(tile)));
            }
        }
    }
}

#[test]
fn a_tile_has_no_second_name() {
    for name in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x001",
        "tile/0/x000/001",
        "tile/0/x000/x001/001",
        "tile/0/001/001",
        "tile/0/x001//001",
        "tile/0/x001/001/",
        "tile/0/X001/001",
        "tile/0/+01",
        "tile/0/00a",
        "tile/0/\u{661}00",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/256/000",
        "tile/Entries/000",
        "tile/data/000",
        "/tile/0/000",
        "tile//000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
        "tile/0/000\n",
        " tile/0/000",
    ] {
        assert_eq!(
            Tile::parse(name).map_err(|error| error.code()),
            Err("BAD_TILE"),
            "{name:?}"
        );
    }
}

#[test]
fn a_tile_is_as_wide_as_the_tree_has_it() {
    let width = |kind, index, size| Tile::at(kind, index, size).map(|tile| tile.width);
    let hashes = TileKind::Hashes;
    assert_eq!(width(hashes(0), 0, 0), None);
    assert_eq!(
        (
            width(hashes(0), 0, 256),
            width(hashes(0), 1, 256),
            width(hashes(1), 0, 256)
        ),
        (Some(256), None, Some(1))
    );
    assert_eq!(
        (width(TileKind::Entries, 1, 257), width(TileKind::Entries, 2, 257)),
        (Some(1), None)
    );
    let max = u64::MAX;
    assert_eq!(
        (
            width(hashes(0), (1 << 56) - 1, max),
            width(hashes(0), 1 << 56, max)
        ),
        (Some(255), None)
    );
    assert_eq!(
        (width(hashes(7), 0, max), width(hashes(7), 1, max)),
        (Some(255), None)
    );
    for level in [8, 63, 255] {
        assert_eq!(
            (width(hashes(level), 0, max), width(hashes(level), max, max)),
            (None, None)
        );
    }
    assert_eq!(width(hashes(0), max, max), None);
}

#[test]
fn a_tile_s_bytes_are_its_width_in_hashes() {
    let tile = Tile::parse("tile/0/000.p/3").unwrap();
    let hashes = [Hash::leaf(b"a"), Hash::leaf(b"b"), Hash::leaf(b"c")];
    let bytes = Tile::bytes(&hashes);
    assert_eq!(tile.hashes(&bytes), Ok(hashes.to_vec()));
    for wrong in [
        &bytes[..95],
        &bytes[..64],
        &[],
        &[&bytes[..], b"x"].concat(),
        &bytes.repeat(2),
    ] {
        assert_eq!(tile.hashes(wrong).map_err(|error| error.code()), Err("BAD_TILE"));
    }
}

#[test]
fn a_spoilt_tile_proves_nothing() {
    let log = Log::of(5);
    let (tiles, root) = (log.tiles(), log.tiling.root());
    for spoilt in spoilt(&tiles["tile/0/000.p/5"]) {
        let mut prover = crate::Prover::new(5, |_| Ok::<_, EvidenceError>(spoilt.clone()));
        assert_ne!(prover.root(5), Ok(root));
    }
}

proptest! {
    #[test]
    fn what_is_read_prints_alike(
        text in prop_oneof![
            Just("tile/0/x001/234.p/17".to_owned()).prop_flat_map(edited),
            Just("tile/entries/x123/x456/789".to_owned()).prop_flat_map(edited),
            "tile/([0-9]{1,3}|entries)/(x[0-9]{3}/){0,3}[0-9]{3}(\\.p/[0-9]{1,3})?",
            ".{0,30}",
        ],
    ) {
        if let Ok(tile) = Tile::parse(&text) {
            prop_assert_eq!(tile.to_string(), text);
        }
    }

    #[test]
    fn what_is_printed_reads_alike(level in 0..64_u8, index in any::<u64>(), width in 1..=256_usize, entries in any::<bool>()) {
        let kind = if entries { TileKind::Entries } else { TileKind::Hashes(level) };
        let tile = Tile { kind, index, width };
        prop_assert_eq!(Tile::parse(&tile.to_string()), Ok(tile));
    }
}
