//! Tiles, checkpoints and receipts as the log grows, over restarts, and when files are harmed.

use super::*;

#[test]
fn what_is_published_is_complete_at_every_size() {
    let dir = tempfile::tempdir().unwrap();
    let engine = fresh(dir.path());
    let mut seen = vec![published(&engine)];
    for size in [2, 255, 256, 257, 511, 512, 513, 1_500] {
        grow_to(&engine, size);
        let checkpoint = published(&engine);
        let events = entries(&engine);
        assert_published(dir.path(), &events, &checkpoint);
        for old in &seen {
            assert_consistent(dir.path(), old, &checkpoint);
        }
        for position in (0..size).step_by(97).chain([size - 1]) {
            let receipt = engine.receipt_at(Position::new(position)).unwrap();
            let read = shilu_merkle::Receipt::parse(receipt.to_string().as_bytes()).unwrap();
            assert_eq!(read.check(&vkey(&engine), &[]).unwrap().checkpoint.size, size);
            assert_eq!(read.entry, events[usize::try_from(position).unwrap()]);
        }
        seen.push(checkpoint);
    }
    assert_eq!(engine.receipt_at(engine.end()).unwrap_err().code(), "NO_POSITION");
    for full in [
        "public/tile/0/000.p",
        "mirror/tile/entries/000.p",
        "public/tile/0/004.p",
    ] {
        super::super::until(|| !dir.path().join(full).exists());
    }
    shut(engine);
}

#[test]
fn sixty_five_thousand_events_have_a_third_level() {
    let dir = tempfile::tempdir().unwrap();
    let (_, mut options) = settable(START);
    init(dir.path(), CAMPAIGN, &options);
    options.unpublished = true;
    let engine = Engine::open(dir.path(), options).unwrap();
    grow_to(&engine, 65_536);
    shut(engine);
    let engine = reopen(dir.path()).unwrap();
    grow_to(&engine, 65_537);
    assert_published(dir.path(), &entries(&engine), &published(&engine));
    assert!(dir.path().join("public/tile/2/000.p/1").exists());
    shut(engine);
    let before = fs::read(dir.path().join("public/tile/1/000")).unwrap();
    fs::remove_dir_all(dir.path().join("public/tile")).unwrap();
    let engine = reopen(dir.path()).unwrap();
    assert_eq!(fs::read(dir.path().join("public/tile/1/000")).unwrap(), before);
    shut(engine);
}

#[test]
fn harmed_tiles_are_made_anew_at_the_next_start() {
    for size in [2u64, 256, 300, 512] {
        let dir = tempfile::tempdir().unwrap();
        let engine = fresh(dir.path());
        grow_to(&engine, size);
        let checkpoint = published(&engine);
        let events = entries(&engine);
        shut(engine);
        let at = |kind| Tile::at(kind, (size - 1) / 256, size).unwrap();
        let newest = path_of(dir.path(), &at(TileKind::Hashes(0)));
        let bundle = path_of(dir.path(), &at(TileKind::Entries));
        type Harm<'a> = Box<dyn Fn() + 'a>;
        let harms: [Harm<'_>; 6] = [
            Box::new(|| fs::remove_dir_all(dir.path().join("public/tile")).unwrap()),
            Box::new(|| fs::remove_dir_all(dir.path().join("mirror/tile")).unwrap()),
            Box::new(|| flip(&newest, 40)),
            Box::new(|| fs::write(&newest, "").unwrap()),
            Box::new(|| flip(&bundle, 40)),
            Box::new(|| fs::remove_file(&bundle).unwrap()),
        ];
        for harm in harms {
            harm();
            let engine = reopen(dir.path()).unwrap();
            assert_published(dir.path(), &events, &checkpoint);
            assert_eq!(published(&engine), checkpoint);
            shut(engine);
        }
        // Without a checkpoint the log is signed anew: Ed25519 is deterministic.
        fs::remove_file(dir.path().join("public/checkpoint")).unwrap();
        let engine = reopen(dir.path()).unwrap();
        assert_eq!(published(&engine), checkpoint);
        shut(engine);
        let engine = reopen(dir.path()).unwrap();
        grow_to(&engine, size + 260);
        assert_published(dir.path(), &entries(&engine), &published(&engine));
        shut(engine);
    }
}

#[test]
fn leftovers_of_a_crash_before_the_checkpoint_are_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let engine = fresh(dir.path());
    grow_to(&engine, 250);
    published(&engine);
    shut(engine);
    for torn in [
        "public/tile/0/000",
        "public/tile/0/001.p/44",
        "public/tile/1/000.p/1",
        "mirror/tile/entries/000",
        "mirror/tile/entries/001.p/44",
    ] {
        let path = dir.path().join(torn);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "torn").unwrap();
    }
    let engine = reopen(dir.path()).unwrap();
    grow_to(&engine, 300);
    assert_published(dir.path(), &entries(&engine), &published(&engine));
    shut(engine);
}

#[test]
fn a_checkpoint_of_no_use_is_named_and_nothing_is_opened() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for one in [&dir, &other] {
        let engine = fresh(one.path());
        grow_to(&engine, 3);
        published(&engine);
        shut(engine);
    }
    let path = dir.path().join("public/checkpoint");
    let good = fs::read(&path).unwrap();
    let foreign = fs::read(other.path().join("public/checkpoint")).unwrap();
    for bad in [&b"garbage"[..], b"", &foreign] {
        fs::write(&path, bad).unwrap();
        assert_eq!(refused(dir.path()).code(), "CHECKPOINT_DAMAGED");
        fs::write(&path, &good).unwrap();
        fs::write(dir.path().join("signed"), bad).unwrap();
        let error = refused(dir.path());
        assert_eq!(error.code(), "CHECKPOINT_DAMAGED");
        assert!(
            error.to_string().ends_with("signed cannot be relied on"),
            "{error}"
        );
        fs::remove_file(dir.path().join("signed")).unwrap();
    }
    shut(reopen(dir.path()).unwrap());
}

#[test]
fn a_log_that_is_not_what_was_signed_is_refused() {
    let (dir, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = fresh(dir.path());
    grow_to(&engine, 100);
    published(&engine);
    shut(engine);
    copy(dir.path(), old.path());
    let engine = reopen(dir.path()).unwrap();
    grow_to(&engine, 400);
    published(&engine);
    engine.rotate_key(WHY, false).unwrap();
    published(&engine);
    shut(engine);
    let saved = tempfile::tempdir().unwrap();
    copy(dir.path(), saved.path());
    replace_log(dir.path(), old.path());
    let error = refused(dir.path());
    assert!(
        matches!(error, EngineError::LogTruncated { signed: 401, end } if end.get() == 100),
        "{error}"
    );

    // The older copy went its own way, by the same key.
    let engine = reopen(old.path()).unwrap();
    let other = (100..402).map(|n| collect(&format!("dwelling/{n}"), "south", 1));
    submit(&engine, other.collect()).unwrap();
    shut(engine);
    replace_log(dir.path(), old.path());
    let error = refused(dir.path());
    assert!(
        matches!(error, EngineError::NotAsSigned { position: Some(position), size: 401 } if position.get() == 100),
        "{error}"
    );
    // Tiles that are not what was signed tell nothing.
    flip(&dir.path().join("public/tile/0/000"), 0);
    let error = refused(dir.path());
    assert!(
        matches!(error, EngineError::NotAsSigned { position: None, .. }),
        "{error}"
    );
}

#[test]
fn the_scrub_finds_an_early_difference_and_stops_writing() {
    let (dir, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = fresh(dir.path());
    shut(engine);
    copy(dir.path(), old.path());
    // Two histories that differ in one early event alone.
    for (one, area) in [(&dir, "north"), (&old, "south")] {
        let engine = reopen(one.path()).unwrap();
        let mut early = collect("dwelling/early", area, 1);
        early.id = Some(super::super::history::event_id(1, 1));
        submit(&engine, vec![early]).unwrap();
        let list = (0..600u64).map(|n| {
            let mut one = collect(&format!("dwelling/{n}"), "north", 1);
            one.id = Some(super::super::history::event_id(n + 2, n + 2));
            one
        });
        submit(&engine, list.collect()).unwrap();
        published(&engine);
        shut(engine);
    }
    replace_log(dir.path(), old.path());
    let (_, mut options) = settable(START);
    options.scrub = true;
    let engine = Engine::open(dir.path(), options).unwrap();
    super::super::until(|| engine.writable().is_err());
    assert_eq!(engine.writable().unwrap_err().code(), "LOG_DAMAGED");
    let refused = submit(&engine, vec![collect("dwelling/late", "north", 1)]).unwrap_err();
    assert_eq!(refused.code(), "LOG_DAMAGED");
    shut(engine);
}

#[test]
fn trouble_with_the_folders_is_told_and_passes() {
    let dir = tempfile::tempdir().unwrap();
    let engine = fresh(dir.path());
    grow_to(&engine, 300);
    published(&engine);
    let (tiles, aside) = (dir.path().join("public/tile"), dir.path().join("aside"));
    fs::rename(&tiles, &aside).unwrap();
    fs::write(&tiles, "in the way").unwrap();
    grow_to(&engine, 310);
    trouble(&engine, "IO");
    assert!(super::super::now(&engine, "dwelling/305").is_ok());
    let checkpoint = fs::read(dir.path().join("public/checkpoint")).unwrap();
    assert_eq!(
        SignedCheckpoint::parse(&checkpoint).unwrap().unchecked().size,
        300
    );
    fs::remove_file(&tiles).unwrap();
    fs::rename(&aside, &tiles).unwrap();
    assert_published(dir.path(), &entries(&engine), &published(&engine));
    assert!(engine.publication().borrow().trouble.is_none());
    // What was taken away altogether is made anew before anything more is signed.
    for gone in ["public", "public/tile", "mirror/tile"] {
        fs::remove_dir_all(dir.path().join(gone)).unwrap();
        grow_to(&engine, engine.end().get() + 1);
        assert_published(dir.path(), &entries(&engine), &published(&engine));
    }
    flip(&dir.path().join("public/tile/0/000"), 70);
    assert_eq!(
        engine.receipt_at(Position::new(7)).unwrap_err().code(),
        "TILE_MISSING"
    );
    shut(engine);
}

#[test]
fn a_register_that_nobody_holds_can_be_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    drop(fresh(dir.path()));
    super::super::until(|| reopen(dir.path()).is_ok());
}
