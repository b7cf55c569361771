//! Copies and what they are worth: a backup taken while the register is served, what is restored from it, receipts that
//! need no register, and a key that was changed.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use serde_json::{Value, json};
use shilu_tests::workload::CAMPAIGN;

use crate::{
    operator::copy,
    shilu::{Register, command, shilu},
};

const ROWS: usize = 400;

fn collect(key: &str) -> Value {
    json!({"action": "collect", "record": format!("dwelling/{key}"), "actor": "ann", "fields": {"area": "north"}})
}

/// A register with more than a tile of events, and its vkey.
fn filled() -> (Register, String) {
    let register = Register::new(CAMPAIGN);
    let row = |number: usize| format!("{number},area-{},{}\n", number % 5, number % 9);
    let rows = "code,area,rooms\n".to_owned() + &(0..ROWS).map(row).collect::<String>();
    let file = register.file("rows.csv", rows);
    let words = [
        "import",
        &file,
        "--kind",
        "dwelling",
        "--as",
        "ann",
        "--reason",
        "door to door",
    ];
    register.run(&words).well();
    let key = register.run(&["key"]).well().trim_end().to_owned();
    (register, key)
}

fn beside(register: &Register, name: &str) -> String {
    register.home.path().join(name).to_str().unwrap().to_owned()
}

fn export(dir: &str, more: &[&str]) -> String {
    let words = [
        "export", "--data", dir, "--kind", "dwelling", "--status", "all", "--format", "csv",
    ];
    shilu(&[&words[..], more].concat()).well()
}

fn verify(dir: &str, key: &str) -> Value {
    shilu(&["verify", "--data", dir, "--key", key, "--format", "json"]).json()
}

#[test]
fn a_backup_taken_while_served_is_restored_to_the_same_register() {
    let (register, key) = filled();
    let server = register.serve();
    let to = beside(&register, "backup");
    let done = AtomicBool::new(false);
    let backup = || shilu(&["backup", &to, "--data", register.dir(), "--format", "json"]).json();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = 0;
            while !done.load(Ordering::SeqCst) {
                let list: Vec<_> = (0..40)
                    .map(|place| collect(&format!("w{written}-{place}")))
                    .collect();
                server.command(&json!(list)).with(201);
                written += 1;
            }
            written
        });
        // Each continues the one before, and each is whole in itself.
        let mut events = 0;
        for _ in 0..6 {
            let copied = backup();
            let verified = verify(&to, &key);
            assert_eq!(
                (&verified["size"], &verified["unpublished"]),
                (&copied["events"], &json!(0))
            );
            assert!(copied["events"].as_u64().unwrap() >= events, "{copied}");
            events = copied["events"].as_u64().unwrap();
        }
        done.store(true, Ordering::SeqCst);
        assert!(writer.join().unwrap() > 0 && events > 0);
        let restored = beside(&register, "restored-then");
        shilu(&["restore", &to, &restored, "--key", &key]).well();
        let then = ["--as-of", &format!("@{}", events - 1)];
        let words = [
            "export",
            "--server",
            &server.url,
            "--kind",
            "dwelling",
            "--status",
            "all",
            "--format",
            "csv",
        ];
        let words = [&words[..], &then].concat();
        assert_eq!(export(&restored, &then), shilu(&words).well(), "at {events}");
    });
    assert!(server.terminate().success());
    let copied = backup();
    assert_eq!(copied["events"], register.events());
    assert_eq!(backup()["copied"], 0, "a second time there is nothing new");
    let restored = beside(&register, "restored");
    let done = shilu(&["restore", &to, &restored, "--key", &key, "--format", "json"]).json();
    assert_eq!(
        (&done["events"], &done["key_given"], &done["signing_key"]),
        (&copied["events"], &json!(true), &json!(false))
    );
    assert_eq!(export(&restored, &[]), export(register.dir(), &[]));
    let (verified, original) = (verify(&restored, &key), verify(register.dir(), &key));
    for part in ["events", "root", "records", "first_recorded", "last_recorded"] {
        assert_eq!(verified[part], original[part], "{part}");
    }
    // It has no key: it takes events and publishes nothing, until the key is put back.
    let file = register.file("later.csv", "code,area\nlater,north\n");
    let import = [
        "import", &file, "--kind", "dwelling", "--as", "ann", "--reason", "later", "--data", &restored,
    ];
    shilu(&import).well();
    assert_eq!(verify(&restored, &key)["unpublished"], 1);
    fs::copy(
        Path::new(register.dir()).join("key"),
        Path::new(&restored).join("key"),
    )
    .unwrap();
    shilu(&["show", "dwelling/later", "--data", &restored]).well();
    assert_eq!(verify(&restored, &key)["unpublished"], 0);
    // And the backup does not take a register that went another way.
    let file = register.file("other.csv", "code,area\nother,south\nmore,south\n");
    let import = [
        "import", &file, "--kind", "dwelling", "--as", "ann", "--reason", "later",
    ];
    register.run(&import).well();
    register.run(&["backup", &to]).well();
    shilu(&["backup", &to, "--data", &restored]).refused(1, "NOT_CONSISTENT");
    verify(&to, &key);
}

#[test]
fn a_damaged_register_is_restored_from_its_own_folder() {
    let (register, key) = filled();
    let before = export(register.dir(), &[]);
    let dir = Path::new(register.dir());
    fs::remove_dir_all(dir.join("log")).unwrap();
    register.run(&["show", "dwelling/1"]).refused(1, "LOG_DAMAGED");
    let restored = beside(&register, "restored");
    let done = shilu(&[
        "restore",
        register.dir(),
        &restored,
        "--key",
        &key,
        "--format",
        "json",
    ])
    .json();
    assert_eq!(
        (&done["signing_key"], &done["acknowledged"]),
        (&json!(true), &done["events"]),
        "{done}"
    );
    assert_eq!(export(&restored, &[]), before);
    assert_eq!(verify(&restored, &key)["unpublished"], 0);
    // A bundle that was changed gives no register, and leaves no folder that looks like one.
    let spoilt = beside(&register, "spoilt");
    copy(dir, Path::new(&spoilt));
    let bundle = Path::new(&spoilt).join("mirror/tile/entries/000");
    let mut bytes = fs::read(&bundle).unwrap();
    bytes[1_000] ^= 1;
    fs::write(&bundle, bytes).unwrap();
    let nothing = beside(&register, "nothing");
    let refused = shilu(&["restore", &spoilt, &nothing, "--key", &key]).refused(1, "BAD_BUNDLE");
    assert!(
        refused.stderr.contains("tile/entries/000") && refused.stderr.contains("position"),
        "{refused:?}"
    );
    assert_eq!(fs::read_dir(&nothing).unwrap().count(), 0);
}

#[test]
fn a_receipt_is_checked_with_no_register_at_hand() {
    let (register, key) = filled();
    let server = register.serve();
    let list = json!([collect("a"), collect("b")]);
    let answer = server
        .post("/api/v1/commands?wait=published", list.to_string())
        .with(201);
    let elsewhere = tempfile::tempdir().unwrap();
    let check = |receipt: &str, key: &str| {
        fs::write(elsewhere.path().join("event.tlog-proof"), receipt).unwrap();
        let output = command()
            .current_dir(elsewhere.path())
            .args([
                "check-receipt",
                "event.tlog-proof",
                "--key",
                key,
                "--format",
                "json",
            ])
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let mut receipts = Vec::new();
    for accepted in answer.as_array().unwrap() {
        receipts.push((accepted.clone(), accepted["receipt"].as_str().unwrap().to_owned()));
        // Anybody may ask later, by the command line too.
        let id = accepted["id"].as_str().unwrap();
        let later = shilu(&["receipt", id, "--server", &server.url]).well();
        receipts.push((accepted.clone(), later));
    }
    let imported = server.get("/api/v1/changes?record=dwelling/7").with(200)["items"][0].clone();
    assert!(server.terminate().success());
    receipts.push((
        imported.clone(),
        register
            .run(&["receipt", imported["id"].as_str().unwrap()])
            .well(),
    ));
    drop(register);
    for (event, receipt) in &receipts {
        let (exit, said) = check(receipt, &key);
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(exit, Some(0), "{said}");
        assert_eq!(
            (&said["position"], &said["event"]["id"], &said["event"]["record"]),
            (&event["position"], &event["id"], &event["record"])
        );
    }
    let other = Register::new(CAMPAIGN).run(&["key"]).well();
    let (exit, _) = check(&receipts[0].1, other.trim_end());
    assert_eq!(exit, Some(1), "by another key it proves nothing");
}

#[test]
fn a_changed_key_is_followed_from_the_old_one_and_from_the_new() {
    let (register, old) = filled();
    let early = register.file(
        "early",
        fs::read(Path::new(register.dir()).join("public/checkpoint")).unwrap(),
    );
    let event = register
        .run(&["history", "dwelling/7", "--format", "json"])
        .json();
    let id = event["items"][0]["id"]
        .as_str()
        .or(event[0]["id"].as_str())
        .unwrap()
        .to_owned();
    let receipt = |name: &str| register.file(name, register.run(&["receipt", &id]).well());
    let before = receipt("before.tlog-proof");
    let why = ["--as", "mayor", "--reason", "the laptop was stolen"];
    let new = register.run(&[&["key", "rotate"], &why[..]].concat()).well();
    let new = new.trim_end().to_owned();
    assert_ne!(old, new);
    assert_eq!(register.run(&["key"]).well().trim_end(), new);
    let after = receipt("after.tlog-proof");
    let to = beside(&register, "backup");
    register.run(&["backup", &to]).well();
    let everywhere = |key: &str| {
        for dir in [register.dir(), &to] {
            let words = [
                "verify", "--data", dir, "--key", key, "--since", &early, "--format", "json",
            ];
            let done = shilu(&words).json();
            assert_eq!(
                (&done["key"], &done["rotations"]),
                (&json!(new), &json!(1)),
                "{dir}"
            );
        }
        let server = register.serve();
        shilu(&["verify", "--server", &server.url, "--key", key, "--since", &early]).well();
        assert!(server.terminate().success());
    };
    everywhere(&old);
    everywhere(&new);
    // What the old key signed, it signed; what comes after, the new one does.
    for (receipt, key, exit) in [(&before, &old, 0), (&before, &new, 1), (&after, &new, 0)] {
        let done = shilu(&["check-receipt", receipt, "--key", key]);
        assert_eq!(done.exit, exit, "{receipt}: {done:?}");
    }
    // A restored register goes on under the new key.
    let restored = beside(&register, "restored");
    shilu(&["restore", &to, &restored, "--key", &new]).well();
    fs::copy(
        Path::new(register.dir()).join("key"),
        Path::new(&restored).join("key"),
    )
    .unwrap();
    verify(&restored, &old);
    // A key that is lost vouches for nobody, and whoever trusts it is told.
    fs::remove_file(Path::new(register.dir()).join("key")).unwrap();
    let rotate = [&["key", "rotate"], &why[..]].concat();
    register.run(&rotate).refused(1, "NO_SIGNING_KEY");
    let third = register.run(&[&rotate[..], &["--lost"]].concat()).well();
    verify(register.dir(), third.trim_end());
    for key in [&old, &new] {
        let done = register.run(&["verify", "--key", key, "--format", "json"]);
        assert!(
            done.exit == 1 && done.stdout.contains("KEY_NOT_VOUCHED"),
            "{done:?}"
        );
    }
}

#[test]
fn a_backup_that_would_not_be_good_is_not_made() {
    let (register, key) = filled();
    let dir = Path::new(register.dir());
    let to = beside(&register, "backup");
    register.run(&["backup", &to]).well();
    let good = verify(&to, &key);
    // Signed by somebody else, and a campaign that is gone: neither gets into a backup, new or old.
    let checkpoint = fs::read(dir.join("public/checkpoint")).unwrap();
    let stranger =
        shilu_merkle::SignerKey::from_seed("example.org/village", shilu_merkle::Algorithm::Ed25519, &[7; 32])
            .unwrap();
    let said = shilu_merkle::SignedCheckpoint::parse(&checkpoint).unwrap();
    let forged = said.unchecked().sign([&stranger]).to_string();
    fs::write(dir.join("public/checkpoint"), forged).unwrap();
    let other = beside(&register, "other");
    for to in [&to, &other] {
        register.run(&["backup", to]).refused(1, "CHECKPOINT_DAMAGED");
    }
    fs::write(dir.join("public/checkpoint"), checkpoint).unwrap();
    let attachments = dir.join("mirror/attachments");
    let campaign = fs::read_dir(&attachments)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .file_name();
    fs::remove_file(attachments.join(&campaign)).unwrap();
    for to in [&to, &other] {
        let refused = register.run(&["backup", to]).refused(1, "CAMPAIGN_MISSING");
        assert!(refused.stderr.contains(campaign.to_str().unwrap()), "{refused:?}");
    }
    assert!(!Path::new(&other).exists());
    assert_eq!(verify(&to, &key), good);
    // The register puts it right when it is opened.
    register.run(&["show", "dwelling/7"]).well();
    register.run(&["backup", &other]).well();
    verify(&other, &key);
    // A backup that lacks a file says which.
    for (file, code) in [
        (Path::new("public/checkpoint").to_owned(), "CHECKPOINT_MISSING"),
        (
            Path::new("mirror/attachments").join(&campaign),
            "CAMPAIGN_MISSING",
        ),
    ] {
        let aside = Path::new(&other).join("aside");
        fs::rename(Path::new(&other).join(&file), &aside).unwrap();
        let nothing = beside(&register, "nothing");
        let refused = shilu(&["restore", &other, &nothing, "--key", &key]).refused(1, code);
        assert!(refused.stderr.contains(file.to_str().unwrap()), "{refused:?}");
        fs::rename(&aside, Path::new(&other).join(&file)).unwrap();
    }
}
