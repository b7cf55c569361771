//! Backups and registers restored from them.

use super::*;
use crate::{backup, restore};

fn save(from: &Path, to: &Path) -> crate::BackedUp {
    backup(from, to, |done, all| assert!(done <= all)).unwrap()
}

fn refused_restore(from: &Path, to: &Path, key: Option<&VerifierKey>) -> EngineError {
    let error = restore(from, to, key, |_, _| ()).unwrap_err();
    assert!(
        !to.exists() || fs::read_dir(to).unwrap().next().is_none(),
        "{error}: something is left"
    );
    error
}

#[test]
fn a_backup_grows_with_its_register_and_restores_it() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (to, back) = (other.path().join("backup"), other.path().join("restored"));
    let engine = fresh(dir.path());
    grow_to(&engine, 600);
    published(&engine);
    let all = save(dir.path(), &to);
    assert_eq!(all.size, 600);
    // Two of each full tile, a partial one of each, the one above, the campaign, register.toml.
    assert_eq!(all.copied, 4 + 2 + 1 + 2);
    assert_eq!(save(dir.path(), &to).copied, 0);
    grow_to(&engine, 601);
    published(&engine);
    assert_eq!(save(dir.path(), &to).copied, 2);
    let busy = engine.clone();
    let load = std::thread::spawn(move || grow_to(&busy, 3_000));
    while !load.is_finished() {
        save(dir.path(), &to);
    }
    load.join().unwrap();
    engine.rotate_key(WHY, false).unwrap();
    let checkpoint = published(&engine);
    let (events, key) = (entries(&engine), vkey(&engine));
    save(dir.path(), &to);
    assert_published(&to, &events, &checkpoint);

    let restored = restore(&to, &back, Some(&key), |_, _| ()).unwrap();
    assert!(restored.pinned && !restored.has_key && restored.beyond.is_empty());
    assert_eq!(restored.acknowledged, None);
    let copy = reopen(&back).unwrap();
    assert_eq!(entries(&copy), events);
    assert_eq!(copy.campaign_text(), engine.campaign_text());
    trouble(&copy, "NO_SIGNING_KEY");
    let new = copy.rotate_key(WHY, true).unwrap().key;
    assert!(published(&copy).check(&new).is_ok());
    shut(copy);
    assert_eq!(refused_again(&to, &back), "NOT_EMPTY");

    // The copy went on without the key: the backup of the other history is not touched by it.
    let held = fs::read(to.join("public/checkpoint")).unwrap();
    save(&back, &other.path().join("second"));
    grow_to(&engine, 3_010);
    published(&engine);
    let torn = backup(dir.path(), &other.path().join("second"), |_, _| ()).unwrap_err();
    assert_eq!(torn.code(), "NOT_CONSISTENT");
    assert_eq!(fs::read(to.join("public/checkpoint")).unwrap(), held);
    shut(engine);

    // From the register's own folder the key comes along.
    let own = other.path().join("own");
    let restored = restore(dir.path(), &own, None, |_, _| ()).unwrap();
    assert!(restored.has_key && !restored.pinned);
    assert_eq!(restored.acknowledged, Some(3_010));
    let copy = reopen(&own).unwrap();
    grow_to(&copy, 3_020);
    assert_published(&own, &entries(&copy), &published(&copy));
    shut(copy);
}

fn refused_again(from: &Path, to: &Path) -> &'static str {
    restore(from, to, None, |_, _| ()).unwrap_err().code()
}

#[test]
fn a_harmed_backup_names_the_place_and_leaves_nothing() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (to, back) = (other.path().join("backup"), other.path().join("restored"));
    let engine = fresh(dir.path());
    grow_to(&engine, 600);
    let checkpoint = published(&engine);
    let events = entries(&engine);
    shut(engine);
    save(dir.path(), &to);
    let bundle = to.join("mirror/tile/entries/001");
    let good = fs::read(&bundle).unwrap();
    // Within the fourth event of the bundle: its length, its first byte, and after it the end of the file.
    let before: usize = events[256..259].iter().map(|event| event.len() + 2).sum();
    for place in [before, before + 1, before + 2] {
        flip(&bundle, place);
        let error = refused_restore(&to, &back, None);
        assert!(
            matches!(&error, EngineError::BundleDamaged { bundle, position } if bundle == "tile/entries/001" && position.get() == 259),
            "{place}: {error}"
        );
        fs::write(&bundle, &good).unwrap();
    }
    for length in [before, before + 1, before + 5] {
        fs::write(&bundle, &good[..length]).unwrap();
        let error = refused_restore(&to, &back, None);
        assert!(
            matches!(&error, EngineError::BundleDamaged { bundle, position } if bundle == "tile/entries/001" && position.get() == 259),
            "{length}: {error}"
        );
    }
    fs::remove_file(&bundle).unwrap();
    let error = refused_restore(&to, &back, None);
    assert!(matches!(error, EngineError::TileMissing { name } if name == "tile/entries/001"));
    fs::write(&bundle, &good).unwrap();
    let stranger = crate::fresh_key("example.org/village", shilu_merkle::Algorithm::Ed25519).unwrap();
    let error = refused_restore(&to, &back, Some(stranger.verifier()));
    assert_eq!(error.code(), "NOT_SIGNED");
    let register = to.join("mirror/register.toml");
    let text = fs::read_to_string(&register).unwrap();
    fs::write(&register, text.replace("real", "simulated")).unwrap();
    assert_eq!(refused_restore(&to, &back, None).code(), "NOT_A_REGISTER");
    fs::write(&register, &text).unwrap();
    let attachments = to.join("mirror/attachments");
    fs::rename(&attachments, other.path().join("aside")).unwrap();
    let campaign = attachments.join(attachment(&other.path().join("aside")));
    let missing =
        |error: EngineError| matches!(error, EngineError::CampaignMissing { path } if path == campaign);
    assert!(missing(refused_restore(&to, &back, None)));
    fs::create_dir(&attachments).unwrap();
    assert!(missing(refused_restore(&to, &back, None)));
    fs::remove_dir(&attachments).unwrap();
    fs::rename(other.path().join("aside"), &attachments).unwrap();
    flip(&campaign, 7);
    assert_eq!(refused_restore(&to, &back, None).code(), "CAMPAIGN_CHANGED");
    flip(&campaign, 7);
    let checkpoint_file = to.join("public/checkpoint");
    let signed = fs::read(&checkpoint_file).unwrap();
    fs::remove_file(&checkpoint_file).unwrap();
    let error = refused_restore(&to, &back, None);
    assert!(matches!(error, EngineError::CheckpointMissing { path } if path == checkpoint_file));
    // What never ends is not read to its end.
    std::os::unix::fs::symlink("/dev/zero", &checkpoint_file).unwrap();
    assert_eq!(refused_restore(&to, &back, None).code(), "CHECKPOINT_DAMAGED");
    fs::remove_file(&checkpoint_file).unwrap();
    fs::write(&checkpoint_file, signed).unwrap();
    fs::rename(&bundle, other.path().join("bundle")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &bundle).unwrap();
    assert_eq!(refused_restore(&to, &back, None).code(), "BAD_BUNDLE");
    fs::remove_file(&bundle).unwrap();
    fs::rename(other.path().join("bundle"), &bundle).unwrap();
    // A tile that is damaged or missing is no loss: the root decides, and tiles are made anew.
    flip(&to.join("public/tile/0/001"), 3);
    fs::remove_file(to.join("public/tile/0/000")).unwrap();
    restore(&to, &back, None, |_, _| ()).unwrap();
    assert_published(&back, &events, &checkpoint);
}

#[test]
fn damage_does_not_reach_a_good_backup() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let to = other.path().join("backup");
    let engine = fresh(dir.path());
    grow_to(&engine, 600);
    published(&engine);
    save(dir.path(), &to);
    for file in [
        "public/tile/0/000",
        "mirror/tile/entries/000",
        "public/tile/1/000.p/2",
    ] {
        let good = fs::read(to.join(file)).unwrap();
        flip(&dir.path().join(file), 33);
        assert_eq!(
            backup(dir.path(), &to, |_, _| ()).unwrap_err().code(),
            "TILE_MISSING",
            "{file}"
        );
        assert_eq!(fs::read(to.join(file)).unwrap(), good);
        fs::write(dir.path().join(file), good).unwrap();
    }
    shut(engine);
}

#[test]
fn events_beyond_the_checkpoint_are_named_and_not_restored() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = fresh(dir.path());
    grow_to(&engine, 250);
    let checkpoint = published(&engine);
    let saved = fs::read(dir.path().join("public/checkpoint")).unwrap();
    grow_to(&engine, 260);
    published(&engine);
    // Bundles for 260 events, and the checkpoint of 250; what was written last is torn.
    fs::write(dir.path().join("public/checkpoint"), &saved).unwrap();
    fs::write(dir.path().join("mirror/tile/entries/001.p/9"), "torn").unwrap();
    let back = other.path().join("restored");
    let restored = restore(dir.path(), &back, None, |_, _| ()).unwrap();
    let beyond: Vec<_> = restored.beyond.iter().map(|one| one.position).collect();
    assert_eq!(beyond, (250..260).collect::<Vec<_>>());
    assert!(
        restored.beyond[0]
            .what
            .starts_with("anna: collect dwelling/250 (")
    );
    assert_eq!(restored.checkpoint, checkpoint);
    let copy = reopen(&back).unwrap();
    assert_eq!(copy.end().get(), 250);
    shut(copy);
    shut(engine);
}

#[test]
fn a_backup_made_during_a_rotation_can_be_restored() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = fresh(dir.path());
    grow_to(&engine, 4);
    published(&engine);
    let old = vkey(&engine);
    shut(engine);
    let (_, mut options) = settable(START);
    options.unpublished = true;
    let engine = Engine::open(dir.path(), options).unwrap();
    engine.rotate_key(WHY, false).unwrap();
    save(dir.path(), &other.path().join("backup"));
    shut(engine);
    for (key, name) in [(None, "one"), (Some(&old), "two")] {
        let back = other.path().join(name);
        restore(&other.path().join("backup"), &back, key, |_, _| ()).unwrap();
        let copy = reopen(&back).unwrap();
        assert_eq!((copy.end().get(), vkey(&copy)), (4, old.clone()));
        shut(copy);
    }
}

/// The one campaign's file in a folder.
fn attachment(folder: &Path) -> String {
    let entry = fs::read_dir(folder).unwrap().next().unwrap().unwrap();
    entry.file_name().into_string().unwrap()
}

/// Every file of a folder, by its path.
fn everything(dir: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut files = std::collections::BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true => files.extend(everything(&entry)),
            false => drop(files.insert(entry.clone(), fs::read(&entry).unwrap())),
        }
    }
    files
}

#[test]
fn a_backup_is_good_or_is_not_made() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let to = other.path().join("backup");
    let engine = fresh(dir.path());
    grow_to(&engine, 300);
    published(&engine);
    let old = vkey(&engine);
    engine.rotate_key(WHY, false).unwrap();
    published(&engine);
    super::super::until(|| {
        fs::read_to_string(dir.path().join("key"))
            .unwrap()
            .lines()
            .count()
            == 1
    });
    shut(engine);
    save(dir.path(), &to);
    let good = everything(&to);
    let campaign = format!(
        "mirror/attachments/{}",
        attachment(&dir.path().join("mirror/attachments"))
    );
    let usurper = |name: &str| {
        let key = crate::fresh_key(name, shilu_merkle::Algorithm::Ed25519).unwrap();
        let path = dir.path().join("public/checkpoint");
        let honest = SignedCheckpoint::parse(&fs::read(path).unwrap()).unwrap();
        honest.unchecked().sign([&key]).to_string().into_bytes()
    };
    let stale = fs::read(dir.path().join("public/rotation/300")).unwrap();
    let flipped = |file: &str| {
        let mut bytes = fs::read(dir.path().join(file)).unwrap();
        let last = bytes.len() - 9;
        bytes[last] ^= 1;
        Some(bytes)
    };
    let harms = [
        (
            "public/checkpoint",
            Some(usurper(old.name())),
            "CHECKPOINT_DAMAGED",
        ),
        (
            "public/checkpoint",
            flipped("public/checkpoint"),
            "CHECKPOINT_DAMAGED",
        ),
        (
            "public/rotation/300",
            Some(usurper(old.name())),
            "CHECKPOINT_DAMAGED",
        ),
        ("public/rotation/300", Some(b"x".to_vec()), "CHECKPOINT_DAMAGED"),
        (&campaign, None, "CAMPAIGN_MISSING"),
        (&campaign, flipped(&campaign), "CAMPAIGN_CHANGED"),
        ("mirror/tile/entries/000", Some(b"torn".to_vec()), "BAD_BUNDLE"),
        ("mirror/tile/entries/000", None, "TILE_MISSING"),
    ];
    for (file, bytes, code) in harms {
        let path = dir.path().join(file);
        let held = fs::read(&path).unwrap();
        match bytes {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let elsewhere = other.path().join("nothing");
        for target in [&to, &elsewhere] {
            let error = backup(dir.path(), target, |_, _| ()).unwrap_err();
            assert_eq!(error.code(), code, "{file}: {error}");
        }
        assert_eq!(everything(&to), good, "{file}");
        assert!(!elsewhere.exists(), "{file}");
        fs::write(&path, held).unwrap();
    }
    // A note that the backup has keeps the old key's word, whatever the register has in its place.
    let path = dir.path().join("public/rotation/300");
    let note = SignedCheckpoint::parse(&stale).unwrap();
    let text = note.to_string();
    let alone = text
        .lines()
        .filter(|line| !line.contains(&signature_of(&note, &old)))
        .collect::<Vec<_>>()
        .join("\n")
        + "\n";
    fs::write(&path, alone).unwrap();
    save(dir.path(), &to);
    assert_eq!(fs::read(to.join("public/rotation/300")).unwrap(), stale);
    fs::write(&path, &stale).unwrap();
    assert_eq!(save(dir.path(), &to).copied, 0);
}

/// A line's end by which a key's signature is known.
fn signature_of(note: &SignedCheckpoint, key: &VerifierKey) -> String {
    let mut lines = note.note().signatures.iter();
    lines.find(|line| line.id == key.id()).unwrap().to_string()
}

#[test]
fn what_the_mirror_lost_beside_bundles_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let engine = fresh(dir.path());
    grow_to(&engine, 3);
    published(&engine);
    shut(engine);
    let good = everything(dir.path());
    let attachments = dir.path().join("mirror/attachments");
    let campaign = attachments.join(attachment(&attachments));
    let register = dir.path().join("mirror/register.toml");
    let is_whole = || {
        [&campaign, &register]
            .iter()
            .all(|path| fs::read(path).ok().as_ref() == good.get(*path))
    };
    // At the start, also where the bytes are wrong.
    fs::remove_dir_all(&attachments).unwrap();
    fs::write(&register, "x").unwrap();
    let engine = reopen(dir.path()).unwrap();
    assert!(is_whole());
    // And before the next checkpoint is published.
    for gone in [&campaign, &register] {
        fs::remove_file(gone).unwrap();
        grow_to(&engine, engine.end().get() + 1);
        published(&engine);
        assert!(is_whole(), "{}", gone.display());
    }
    shut(engine);
    flip(&campaign, 5);
    shut(reopen(dir.path()).unwrap());
    assert!(is_whole());
}
