//! The folder of a register: what `init` refuses to make, and what `open` refuses to touch.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use shilu_model::Class;

use super::{CAMPAIGN, collect, now, open, settable, submit};
use crate::{Engine, EngineError, Init, Options};

const START: &str = "2026-01-05T00:00:00Z";

/// Every file below a folder with its bytes, and every folder; sled's own files aside, which it may write when it
/// opens them.
fn tree(dir: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut tree = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                tree.insert(path.clone(), None);
                folders.extend((!path.ends_with("log")).then_some(path));
            } else {
                tree.insert(path.clone(), Some(fs::read(path).unwrap()));
            }
        }
    }
    tree
}

fn init(dir: &Path, campaign: &str, simulated: bool) -> Result<(), EngineError> {
    let (_, options) = settable(START);
    Engine::init(
        dir,
        &Init {
            campaign,
            actor: "mayor",
            simulated,
        },
        &options,
    )
}

fn personal() -> String {
    CAMPAIGN.replace(
        "owner = { type = \"text\" }",
        "owner = { type = \"text\", personal = true }",
    )
}

#[test]
fn init_refuses_and_touches_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |path: &Path, campaign: &str, simulated| {
        let before = tree(dir.path());
        let error = init(path, campaign, simulated).unwrap_err();
        assert_eq!(tree(dir.path()), before);
        (error.code(), error.class())
    };
    let fresh = dir.path().join("fresh");
    assert_eq!(
        refused(&fresh, "name = 1", false),
        ("BAD_CAMPAIGN", Class::Malformed)
    );
    assert_eq!(refused(&fresh, "", true), ("BAD_CAMPAIGN", Class::Malformed));
    assert_eq!(
        refused(&fresh, &personal(), false),
        ("PERSONAL_NOT_PROTECTED", Class::Rule)
    );
    let full = dir.path().join("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join(".hidden"), "").unwrap();
    assert_eq!(refused(&full, CAMPAIGN, false), ("NOT_EMPTY", Class::Broken));
    assert_eq!(
        refused(&full.join(".hidden"), CAMPAIGN, false),
        ("IO", Class::Broken)
    );
    init(&fresh, CAMPAIGN, false).unwrap();
    assert_eq!(refused(&fresh, CAMPAIGN, false), ("NOT_EMPTY", Class::Broken));
}

#[test]
fn init_makes_a_register_in_new_and_in_empty_folders() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable(START);
    for (path, simulated) in [
        (dir.path().join("a/new/one"), false),
        (dir.path().join("empty"), true),
    ] {
        if simulated {
            fs::create_dir(&path).unwrap();
        }
        let campaign = if simulated {
            personal()
        } else {
            CAMPAIGN.to_owned()
        };
        init(&path, &campaign, simulated).unwrap();
        let engine = Engine::open(&path, options.clone()).unwrap();
        assert_eq!(engine.info().simulated, simulated);
        assert_eq!(engine.info().origin.ends_with("/simulated"), simulated);
        let first = engine.events(crate::model::Position::ZERO, 9).unwrap();
        assert_eq!((first.len(), first[0].event().actor), (1, "mayor"));
        engine.close().unwrap();
    }
}

#[test]
fn a_simulated_register_goes_on_from_its_last_event() {
    let dir = tempfile::tempdir().unwrap();
    init(dir.path(), CAMPAIGN, true).unwrap();
    let engine = Engine::open(dir.path(), Options::default()).unwrap();
    let accepted = submit(&engine, vec![collect("dwelling/1", "north", 1)]).unwrap();
    let (_, start) = settable(START);
    let since = accepted[0].recorded.micros() - (start.clock.unwrap())().micros();
    assert!((0..super::MINUTE).contains(&since), "{since}");
    engine.close().unwrap();
}

#[test]
fn open_refuses_what_is_no_register_and_leaves_it_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable(START);
    let check = |path: &Path, code: &str| {
        let before = tree(dir.path());
        for _ in 0..2 {
            let Err(error) = Engine::open(path, options.clone()) else {
                panic!("{code}: it was opened")
            };
            assert_eq!(error.code(), code, "{error} {path:?}");
        }
        assert_eq!(tree(dir.path()), before, "{code}");
    };
    check(&dir.path().join("nowhere"), "NOT_A_REGISTER");
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    check(&empty, "NOT_A_REGISTER");
    fs::write(empty.join("file"), "").unwrap();
    check(&empty.join("file"), "NOT_A_REGISTER");

    let good = dir.path().join("good");
    let engine = open(&good, &options);
    submit(&engine, vec![collect("dwelling/1", "north", 1)]).unwrap();
    engine.close().unwrap();
    drop(engine);
    let register = good.join("register.toml");
    let text = fs::read_to_string(&register).unwrap();
    let mangled = [
        String::new(),
        "origin = ".to_owned(),
        text.replace("format = 1", "format = 2"),
        text.replace("real", "simulated"),
        text.replace("example.org/village", "example.org/city"),
        format!("{text}\nextra = 1\n"),
    ];
    for other in mangled {
        assert_ne!(other, text);
        fs::write(&register, other).unwrap();
        check(&good, "NOT_A_REGISTER");
    }
    fs::write(&register, [0xff, 0xfe]).unwrap();
    check(&good, "NOT_A_REGISTER");
    fs::remove_file(&register).unwrap();
    check(&good, "NOT_A_REGISTER");
    fs::write(&register, &text).unwrap();

    let attachment = fs::read_dir(good.join("attachments"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let campaign = fs::read(&attachment).unwrap();
    fs::write(&attachment, CAMPAIGN.replace("rooms", "Rooms")).unwrap();
    check(&good, "CAMPAIGN_CHANGED");
    fs::write(&attachment, &campaign[..campaign.len() - 1]).unwrap();
    check(&good, "CAMPAIGN_CHANGED");
    fs::remove_file(&attachment).unwrap();
    check(&good, "CAMPAIGN_MISSING");
    fs::write(&attachment, &campaign).unwrap();

    let head = fs::read(good.join("head")).unwrap();
    fs::remove_file(good.join("head")).unwrap();
    check(&good, "LOG_DAMAGED");
    fs::write(good.join("head"), &head).unwrap();
    fs::rename(good.join("log"), good.join("gol")).unwrap();
    check(&good, "LOG_DAMAGED");
    fs::rename(good.join("gol"), good.join("log")).unwrap();

    // Nothing of all this has harmed it.
    let engine = open(&good, &options);
    assert!(now(&engine, "dwelling/1").is_ok());
    check(&good, "REGISTER_IN_USE");
    assert!(
        matches!(Engine::rebuild(&good, &options, |_, _| ()), Err(error) if error.code() == "REGISTER_IN_USE")
    );
    submit(&engine, vec![collect("dwelling/2", "north", 1)]).unwrap();
    engine.close().unwrap();
}
