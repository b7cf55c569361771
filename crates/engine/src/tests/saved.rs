//! Saved projections: the same bytes as rebuilt ones, and never a reason to answer anything else than the log says.

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;
use shilu_projections::Projections;

use super::{
    axes::agrees,
    collect,
    history::{Annals, Dice},
    now, open, settable, submit,
};
use crate::{Engine, Options, Rebuilt};

fn rebuild(dir: &Path, options: &Options) -> Rebuilt {
    Engine::rebuild(dir, options, |done, all| assert!(done <= all)).unwrap()
}

fn assert_same(dir: &Path, options: &Options) {
    let files = rebuild(dir, options).files;
    let expected: Vec<_> = Projections::files()
        .into_iter()
        .map(|file| (file, Some(true)))
        .collect();
    assert_eq!(files, expected);
}

/// The saved files as they are.
fn read(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = Projections::files().into_iter();
    files
        .map(|file| {
            (
                file.clone(),
                fs::read(dir.join("projections").join(file)).unwrap(),
            )
        })
        .collect()
}

fn write(dir: &Path, files: &BTreeMap<String, Vec<u8>>) {
    for (file, bytes) in files {
        fs::write(dir.join("projections").join(file), bytes).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn saved_is_rebuilt(seed: u64, commands in 1usize..200) {
        let mut annals = Annals::told(seed, commands);
        annals.shut();
        assert_same(annals.dir.path(), &annals.options);
        let saved = read(annals.dir.path());
        fs::remove_dir_all(annals.dir.path().join("projections")).unwrap();
        let files = rebuild(annals.dir.path(), &annals.options).files;
        prop_assert!(files.iter().all(|(_, same)| same.is_none()));
        prop_assert_eq!(&read(annals.dir.path()), &saved);
        // One wrong byte in each file is found, and put right.
        let mut dice = Dice::new(seed);
        let mut wrong = saved.clone();
        for bytes in wrong.values_mut() {
            // Behind the header: what a file stands at tells whether it is compared at all.
            let place = 60 + dice.below(bytes.len() - 60);
            bytes[place] ^= 1 << dice.below(8);
        }
        write(annals.dir.path(), &wrong);
        let files = rebuild(annals.dir.path(), &annals.options).files;
        prop_assert!(files.iter().all(|(_, same)| *same == Some(false)));
        prop_assert_eq!(&read(annals.dir.path()), &saved);
    }
}

/// How a saved file can be of no use.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Missing,
    Empty,
    Truncated,
    Longer,
    Flipped,
    OtherVersion,
    OtherRegister,
    Older,
}

const HARMS: [Harm; 8] = [
    Harm::Missing,
    Harm::Empty,
    Harm::Truncated,
    Harm::Longer,
    Harm::Flipped,
    Harm::OtherVersion,
    Harm::OtherRegister,
    Harm::Older,
];

#[test]
fn a_saved_file_of_no_use_changes_no_answer() {
    let mut annals = Annals::told(11, 60);
    annals.shut();
    let older = read(annals.dir.path());
    annals.reopen();
    annals.go_on(60);
    annals.shut();
    let saved = read(annals.dir.path());
    let mut other = Annals::told(12, 40);
    other.shut();
    let foreign = read(other.dir.path());
    let mut dice = Dice::new(13);
    for (turn, file) in Projections::files().into_iter().cycle().take(24).enumerate() {
        let harm = HARMS[(turn + turn / 8) % HARMS.len()];
        write(annals.dir.path(), &saved);
        let path = annals.dir.path().join("projections").join(&file);
        let mut bytes = saved[&file].clone();
        match harm {
            Harm::Missing => fs::remove_file(&path).unwrap(),
            Harm::Empty => fs::write(&path, []).unwrap(),
            Harm::Truncated => fs::write(&path, &bytes[..dice.below(bytes.len())]).unwrap(),
            Harm::Longer => fs::write(&path, [&bytes[..], &[0]].concat()).unwrap(),
            Harm::Flipped => {
                for _ in 0..1 + dice.below(3) {
                    let place = dice.below(bytes.len());
                    bytes[place] ^= 1 << dice.below(8);
                }
                fs::write(&path, bytes).unwrap();
            }
            Harm::OtherVersion => {
                bytes[8] += 1;
                fs::write(&path, bytes).unwrap();
            }
            Harm::OtherRegister => fs::write(&path, &foreign[&file]).unwrap(),
            Harm::Older => fs::write(&path, &older[&file]).unwrap(),
        }
        annals.reopen();
        if turn % 4 == 0 {
            agrees(annals.engine(), &mut dice, 12);
        }
        annals.shut();
        assert_same(annals.dir.path(), &annals.options);
        assert_eq!(read(annals.dir.path()), saved, "{harm:?} {file}");
    }
}

/// As after a crash, or when somebody mixes up backups.
#[test]
fn whole_sets_of_another_time_or_register_change_no_answer() {
    let mut annals = Annals::told(21, 50);
    annals.shut();
    let older = read(annals.dir.path());
    annals.reopen();
    annals.go_on(50);
    annals.shut();
    let saved = read(annals.dir.path());
    let mut other = Annals::told(22, 400);
    other.shut();
    for set in [read(other.dir.path()), older.clone()] {
        write(annals.dir.path(), &set);
        annals.reopen();
        agrees(annals.engine(), &mut Dice::new(23), 12);
        annals.shut();
        assert_eq!(read(annals.dir.path()), saved);
    }
    // A set of an earlier position is not wrong: there is nothing to compare.
    write(annals.dir.path(), &older);
    let files = rebuild(annals.dir.path(), &annals.options).files;
    assert!(files.iter().all(|(_, same)| same.is_none()), "{files:?}");
    assert_same(annals.dir.path(), &annals.options);
}

/// Two registers that stand at the same position, and differ in a single event.
#[test]
fn a_set_of_a_twin_is_not_taken_for_ones_own() {
    let (_, options) = settable("2026-01-05T00:00:00Z");
    let twins = ["dwelling/1", "dwelling/2"].map(|record| {
        let dir = tempfile::tempdir().unwrap();
        let engine = open(dir.path(), &options);
        submit(&engine, vec![collect(record, "north", 1)]).unwrap();
        engine.close().unwrap();
        dir
    });
    write(twins[0].path(), &read(twins[1].path()));
    let engine = open(twins[0].path(), &options);
    assert!(now(&engine, "dwelling/1").is_ok() && now(&engine, "dwelling/2").is_err());
    agrees(&engine, &mut Dice::new(1), 12);
    engine.close().unwrap();
}

/// Files that do not belong there go when the set is saved.
#[test]
fn files_of_other_versions_are_removed_at_the_next_save() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable("2026-01-05T00:00:00Z");
    let engine = open(dir.path(), &options);
    for stranger in ["records.0", "rates.tmp", "notes"] {
        fs::write(dir.path().join("projections").join(stranger), "x").unwrap();
    }
    submit(&engine, vec![collect("dwelling/1", "north", 1)]).unwrap();
    engine.close().unwrap();
    drop(engine);
    let names = fs::read_dir(dir.path().join("projections")).unwrap();
    let mut names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut files = Projections::files().to_vec();
    names.sort();
    files.sort();
    assert_eq!(names, files);
    let engine = open(dir.path(), &options);
    assert!(now(&engine, "dwelling/1").is_ok());
    engine.close().unwrap();
}
