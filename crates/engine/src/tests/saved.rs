//! Saved projections: the same bytes as rebuilt ones, and never a reason to answer anything else than the log says.

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use shilu_model::Position;
use shilu_projections::Projections;

use super::{
    axes::agrees,
    collect,
    history::{Annals, Dice},
    now, open, settable, submit,
};
use crate::{Compared, Engine, Options, Rebuilt};

fn rebuild(dir: &Path, options: &Options) -> Rebuilt {
    Engine::rebuild(dir, options, |done, all| assert!(done <= all)).unwrap()
}

fn assert_same(dir: &Path, options: &Options) {
    let rebuilt = rebuild(dir, options);
    let at = Some(Position::new(rebuilt.events));
    let expected: Vec<_> = Projections::files()
        .into_iter()
        .map(|name| Compared {
            name,
            at,
            same: Some(true),
        })
        .collect();
    assert_eq!(rebuilt.files, expected);
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
        prop_assert!(files.iter().all(|file| file.same.is_none()));
        prop_assert_eq!(&read(annals.dir.path()), &saved);
        // One wrong byte in each file is found, and put right.
        let mut dice = Dice::new(seed);
        let mut wrong = saved.clone();
        for bytes in wrong.values_mut() {
            // Behind the header: what a file stands at tells where it is compared.
            let place = 60 + dice.below(bytes.len() - 60);
            bytes[place] ^= 1 << dice.below(8);
        }
        write(annals.dir.path(), &wrong);
        let files = rebuild(annals.dir.path(), &annals.options).files;
        prop_assert!(files.iter().all(|file| file.same == Some(false)));
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
    // A set of an earlier position is compared there, for it is what the next start would take up.
    write(annals.dir.path(), &older);
    let rebuilt = rebuild(annals.dir.path(), &annals.options);
    let right = |file: &Compared| file.same == Some(true) && file.at.unwrap().get() < rebuilt.events;
    assert!(rebuilt.files.iter().all(right), "{rebuilt:?}");
    assert_eq!(read(annals.dir.path()), saved);
    assert_same(annals.dir.path(), &annals.options);
}

/// What a saved file says of the log: the position, the time and the chunk's hash, and a checksum over all.
fn forge(file: &[u8], stamp: &[u8]) -> Vec<u8> {
    let mut forged = file[..file.len() - 32].to_vec();
    forged[12..60].copy_from_slice(&stamp[12..60]);
    let digest = Sha256::digest(&forged);
    forged.extend_from_slice(&digest);
    forged
}

/// Whoever can write the folder makes a set with other contents that claims to be of this log, at any of its positions.
#[test]
fn a_forged_set_is_found_wherever_it_claims_to_stand() {
    let (_, options) = settable("2026-01-05T00:00:00Z");
    let told = |area: &str, more: bool| {
        let dir = tempfile::tempdir().unwrap();
        let engine = open(dir.path(), &options);
        submit(&engine, vec![collect("dwelling/1", area, 1)]).unwrap();
        engine.close().unwrap();
        drop(engine);
        let early = read(dir.path());
        if more {
            let engine = open(dir.path(), &options);
            submit(&engine, vec![collect("dwelling/2", "north", 1)]).unwrap();
            engine.close().unwrap();
        }
        (dir, early)
    };
    let (dir, early) = told("north", true);
    let (_elsewhere, foreign) = told("south", false);
    let forged = foreign
        .iter()
        .map(|(file, bytes)| (file.clone(), forge(bytes, &early[file])));
    let forged: BTreeMap<_, _> = forged.collect();
    let saved = read(dir.path());
    write(dir.path(), &forged);
    // It is taken up: only the comparison can tell.
    let engine = open(dir.path(), &options);
    assert_eq!(now(&engine, "dwelling/1").unwrap().area, "south");
    engine.close().unwrap();
    drop(engine);
    write(dir.path(), &forged);
    let compared = Engine::compare_saved(dir.path(), &options, |done, all| assert!(done <= all)).unwrap();
    let wrong = compared.first_wrong().unwrap();
    assert_eq!(
        (wrong.name.as_str(), wrong.at),
        ("names.2", Some(Position::new(2)))
    );
    assert_eq!(read(dir.path()), forged, "whoever audits changes nothing");
    // One file of it among honest ones of that position, too.
    let mut mixed = early;
    mixed.insert("names.2".to_owned(), forged["names.2"].clone());
    write(dir.path(), &mixed);
    let files = rebuild(dir.path(), &options).files;
    let wrong: Vec<_> = files.iter().filter(|file| file.same == Some(false)).collect();
    assert_eq!(wrong.len(), 1, "{files:?}");
    assert_eq!(wrong[0].name, "names.2");
    assert_eq!(read(dir.path()), saved);
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
