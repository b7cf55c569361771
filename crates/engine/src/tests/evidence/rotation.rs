//! The signing key: its file, its loss, and its change with a crash at every step.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::{named_key, prepare_key};

fn key_lines(dir: &Path) -> usize {
    fs::read_to_string(dir.join("key")).unwrap().lines().count()
}

fn signed_by(checkpoint: &SignedCheckpoint, key: &VerifierKey) -> bool {
    checkpoint.check(key).is_ok()
}

fn note(dir: &Path, position: u64) -> SignedCheckpoint {
    let path = dir.join("public/rotation").join(position.to_string());
    SignedCheckpoint::parse(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_key_that_is_missing_or_another_is_told_and_can_be_put_back() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = fresh(dir.path());
    let path = dir.path().join("key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    shut(engine);
    shut(fresh(other.path()));
    let good = fs::read(&path).unwrap();
    let foreign = fs::read(other.path().join("key")).unwrap();
    let cases = [
        (None, "NO_SIGNING_KEY"),
        (Some(&foreign[..]), "OTHER_SIGNING_KEY"),
        (Some(b"x"), "BAD_KEY"),
    ];
    for ((content, code), n) in cases.into_iter().zip(10..) {
        fs::remove_file(&path).unwrap();
        if let Some(content) = content {
            fs::write(&path, content).unwrap();
        }
        let engine = reopen(dir.path()).unwrap();
        trouble(&engine, code);
        submit(&engine, vec![collect(&format!("dwelling/{n}"), "north", 1)]).unwrap();
        trouble(&engine, code);
        assert_eq!(engine.rotate_key(WHY, false).unwrap_err().code(), code);
        assert!(engine.publication().borrow().size() < engine.end().get());
        fs::write(&path, &good).unwrap();
        assert_published(dir.path(), &entries(&engine), &published(&engine));
        shut(engine);
    }
}

#[test]
fn a_rotation_hands_over_once() {
    let dir = tempfile::tempdir().unwrap();
    let engine = fresh(dir.path());
    grow_to(&engine, 5);
    published(&engine);
    let old = vkey(&engine);
    let new = engine.rotate_key(WHY, false).unwrap().key;
    assert_eq!((vkey(&engine), engine.end().get()), (new.clone(), 6));
    let first = published(&engine);
    assert!(signed_by(&first, &old) && signed_by(&first, &new));
    super::super::until(|| key_lines(dir.path()) == 1);
    assert_eq!(note(dir.path(), 5), first);
    for file in ["register.toml", "mirror/register.toml"] {
        assert!(
            fs::read_to_string(dir.path().join(file))
                .unwrap()
                .contains(&new.to_string())
        );
    }
    grow_to(&engine, 8);
    let later = published(&engine);
    assert!(!signed_by(&later, &old) && signed_by(&later, &new));
    shut(engine);
    // A lost checkpoint does not take the old key's word with it.
    fs::remove_file(dir.path().join("public/checkpoint")).unwrap();
    let engine = reopen(dir.path()).unwrap();
    published(&engine);
    assert_eq!(note(dir.path(), 5), first);
    assert_eq!(
        engine
            .rotate_key(WHY, false)
            .map(|rotated| rotated.key.name().to_owned())
            .unwrap(),
        old.name()
    );
    shut(engine);
}

#[test]
fn a_rotation_under_load_is_always_covered_by_its_note() {
    let dir = tempfile::tempdir().unwrap();
    let engine = fresh(dir.path());
    let mut old = vkey(&engine);
    for round in 0..4u64 {
        let busy = engine.clone();
        let load = std::thread::spawn(move || {
            for n in 0..40 {
                submit(&busy, vec![collect(&format!("dwelling/{round}-{n}"), "north", 1)]).unwrap();
            }
        });
        let new = engine.rotate_key(WHY, false).unwrap().key;
        let position = position_of_key(&engine);
        load.join().unwrap();
        published(&engine);
        let note = note(dir.path(), position);
        assert!(note.unchecked().size > position, "round {round}");
        assert!(signed_by(&note, &old) && signed_by(&note, &new));
        super::super::until(|| key_lines(dir.path()) == 1);
        old = new;
    }
    shut(engine);
}

fn position_of_key(engine: &Engine) -> u64 {
    let events = entries(engine);
    let sets_key = |bytes: &Vec<u8>| {
        let event = shilu_model::decode(bytes).unwrap();
        event.changes.iter().any(|change| change.field == "key")
    };
    u64::try_from(events.iter().rposition(sets_key).unwrap()).unwrap()
}

#[test]
fn a_crash_at_any_step_of_a_rotation_ends_well() {
    let dir = tempfile::tempdir().unwrap();
    let engine = fresh(dir.path());
    grow_to(&engine, 4);
    published(&engine);
    shut(engine);
    let before = tempfile::tempdir().unwrap();
    copy(dir.path(), before.path());
    let (_, mut options) = settable(START);
    options.unpublished = true;
    let engine = Engine::open(dir.path(), options).unwrap();
    let old = vkey(&engine);
    let new = engine.rotate_key(WHY, false).unwrap().key;
    assert_eq!(
        engine.rotate_key(WHY, false).unwrap_err().code(),
        "ROTATION_PENDING"
    );
    assert_eq!(
        engine.rotate_key(WHY, true).unwrap_err().code(),
        "ROTATION_PENDING"
    );
    shut(engine);
    let both = fs::read(dir.path().join("key")).unwrap();
    assert_eq!(key_lines(dir.path()), 2);

    // The file is written, and the event is not.
    fs::write(before.path().join("key"), &both).unwrap();
    let engine = reopen(before.path()).unwrap();
    grow_to(&engine, 6);
    let checkpoint = published(&engine);
    assert!(signed_by(&checkpoint, &old) && !signed_by(&checkpoint, &new));
    engine.rotate_key(WHY, false).unwrap();
    published(&engine);
    shut(engine);

    // The event is there, `register.toml` is not renewed, and nothing is published.
    let register = fs::read_to_string(dir.path().join("register.toml")).unwrap();
    fs::write(
        dir.path().join("register.toml"),
        register.replace(&new.to_string(), &old.to_string()),
    )
    .unwrap();
    let engine = reopen(dir.path()).unwrap();
    let checkpoint = published(&engine);
    assert!(signed_by(&checkpoint, &old) && signed_by(&checkpoint, &new));
    assert_eq!(note(dir.path(), 4), checkpoint);
    super::super::until(|| key_lines(dir.path()) == 1);
    assert_eq!(
        fs::read_to_string(dir.path().join("register.toml")).unwrap(),
        register
    );
    shut(engine);

    // It is published, and the file still has both keys.
    fs::write(dir.path().join("key"), &both).unwrap();
    let engine = reopen(dir.path()).unwrap();
    assert_eq!(key_lines(dir.path()), 1);
    grow_to(&engine, 7);
    let later = published(&engine);
    assert!(!signed_by(&later, &old) && signed_by(&later, &new));
    engine.rotate_key(WHY, false).unwrap();
    shut(engine);
}

#[test]
fn a_lost_key_is_replaced_and_a_key_lost_again() {
    let dir = tempfile::tempdir().unwrap();
    let engine = fresh(dir.path());
    let old = vkey(&engine);
    shut(engine);
    fs::remove_file(dir.path().join("key")).unwrap();
    let (_, mut options) = settable(START);
    options.unpublished = true;
    let engine = Engine::open(dir.path(), options).unwrap();
    assert_eq!(
        engine.rotate_key(WHY, false).unwrap_err().code(),
        "NO_SIGNING_KEY"
    );
    engine.rotate_key(WHY, true).unwrap();
    // Not before it is published, or else its note would be skipped.
    assert_eq!(
        engine.rotate_key(WHY, false).unwrap_err().code(),
        "ROTATION_PENDING"
    );
    shut(engine);
    fs::remove_file(dir.path().join("key")).unwrap();
    let engine = reopen(dir.path()).unwrap();
    let new = engine.rotate_key(WHY, true).unwrap().key;
    let checkpoint = published(&engine);
    assert!(!signed_by(&checkpoint, &old) && signed_by(&checkpoint, &new));
    assert_eq!(
        (note(dir.path(), 1), note(dir.path(), 2)),
        (checkpoint.clone(), checkpoint)
    );
    shut(engine);
}

#[test]
fn a_prepared_key_takes_over_once() {
    let dir = tempfile::tempdir().unwrap();
    let engine = fresh(dir.path());
    let path = dir.path().join("key.next");
    // It may be open meanwhile, and asking twice makes one.
    let next = prepare_key(dir.path()).unwrap();
    assert_eq!(prepare_key(dir.path()).unwrap(), next);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_ne!(vkey(&engine), next, "nothing has changed yet");
    let prepared = fs::read(&path).unwrap();
    let rotated = engine.rotate_key(WHY, false).unwrap();
    assert_eq!((&rotated.key, rotated.prepared), (&next, true));
    assert!(signed_by(&published(&engine), &next) && !path.exists());
    super::super::until(|| key_lines(dir.path()) == 1);
    // A crash left the file behind: neither is it used again, nor shown as the next one.
    fs::write(&path, &prepared).unwrap();
    let rotated = engine.rotate_key(WHY, false).unwrap();
    assert!(rotated.key != next && !rotated.prepared);
    published(&engine);
    super::super::until(|| key_lines(dir.path()) == 1);
    // One that cannot be read, or is another log's, ends nothing but the rotation.
    let stranger = crate::fresh_key("example.org/town", shilu_merkle::Algorithm::Ed25519).unwrap();
    for text in ["x".to_owned(), stranger.secret_text()] {
        fs::write(&path, text).unwrap();
        assert_eq!(prepare_key(dir.path()).unwrap_err().code(), "BAD_KEY");
        assert_eq!(engine.rotate_key(WHY, false).unwrap_err().code(), "BAD_KEY");
        fs::remove_file(&path).unwrap();
    }
    engine.rotate_key(WHY, false).unwrap();
    shut(engine);
}

#[test]
fn the_key_that_is_shown_is_one_that_the_log_names() {
    let dir = tempfile::tempdir().unwrap();
    let engine = fresh(dir.path());
    grow_to(&engine, 300);
    engine.rotate_key(WHY, false).unwrap();
    grow_to(&engine, 310);
    published(&engine);
    let key = vkey(&engine);
    assert_eq!(named_key(dir.path()).unwrap(), key);
    // Somebody wrote another key into the file.
    let path = dir.path().join("register.toml");
    let honest = fs::read_to_string(&path).unwrap();
    let stranger = crate::fresh_key(key.name(), shilu_merkle::Algorithm::Ed25519).unwrap();
    let forged = honest.replace(&key.to_string(), &stranger.verifier().to_string());
    fs::write(&path, &forged).unwrap();
    assert_eq!(named_key(dir.path()).unwrap_err().code(), "REGISTER_IN_USE");
    shut(engine);
    assert_eq!(named_key(dir.path()).unwrap(), key);
    // And signed with it.
    let checkpoint = dir.path().join("public/checkpoint");
    let said = SignedCheckpoint::parse(&fs::read(&checkpoint).unwrap()).unwrap();
    fs::write(checkpoint, said.unchecked().sign([&stranger]).to_string()).unwrap();
    assert_eq!(named_key(dir.path()).unwrap(), key);
}
