//! The auditor's script, `docs/check_register.py`: a second implementation, by the published standards alone, agrees
//! with ours on what is right and on what is not.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use shilu_tests::workload::CAMPAIGN;

use crate::{
    operator::{copy, edit, rewrite, sign},
    process::workspace,
    shilu::{Register, shilu},
};

/// Runs the script: its exit status, and what it said.
fn script(words: &[&str]) -> (i32, String) {
    let output = Command::new("python3")
        .arg(workspace().join("docs/check_register.py"))
        .args(words)
        .output()
        .unwrap_or_else(|error| panic!("this test needs python3, which cannot be started: {error}"));
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!said.contains("Traceback"), "{words:?}: {said}");
    (output.status.code().unwrap(), said)
}

#[track_caller]
fn right(words: &[&str]) -> String {
    let (exit, said) = script(words);
    assert_eq!(exit, 0, "{words:?}: {said}");
    said
}

#[track_caller]
fn wrong(words: &[&str], why: &str) {
    let (exit, said) = script(words);
    assert!(
        exit == 1 && said.contains("wrong: ") && said.contains(why),
        "{why}: {exit} {said}"
    );
}

/// A register with full tiles, and what is known of it: its vkey, an older checkpoint, a receipt.
struct Known {
    register: Register,
    key: String,
    early: String,
    receipt: String,
}

fn known() -> Known {
    let register = Register::new(CAMPAIGN);
    let key = register.run(&["key"]).well().trim_end().to_owned();
    let mut early = String::new();
    for part in 0..2 {
        let row = |number: usize| format!("{part}-{number},area-{},{}\n", number % 5, number % 9);
        let rows = "code,area,rooms\n".to_owned() + &(0..300).map(row).collect::<String>();
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
        if part == 0 {
            early = register.file("early", fs::read(published(&register)).unwrap());
        }
    }
    let server = register.serve();
    let command =
        json!({"action": "collect", "record": "dwelling/x", "actor": "ann", "fields": {"area": "north"}});
    let answer = server
        .post("/api/v1/commands?wait=published", command.to_string())
        .with(201);
    let receipt = register.file("receipt", answer["receipt"].as_str().unwrap());
    assert!(server.terminate().success());
    Known {
        register,
        key,
        early,
        receipt,
    }
}

fn published(register: &Register) -> PathBuf {
    Path::new(register.dir()).join("public/checkpoint")
}

#[test]
fn the_script_agrees_with_a_register_a_backup_and_a_receipt() {
    let known = known();
    let backup = known
        .register
        .home
        .path()
        .join("backup")
        .to_str()
        .unwrap()
        .to_owned();
    known.register.run(&["backup", &backup]).well();
    let late = published(&known.register).to_str().unwrap().to_owned();
    for dir in [known.register.dir(), &backup] {
        let said = right(&[dir, "--key", &known.key, "--since", &known.early]);
        assert!(
            said.contains("602 entries") && said.contains("continues the checkpoint of size 301"),
            "{said}"
        );
        right(&[dir, "--since", &late]);
        right(&[dir]);
    }
    right(&["--receipt", &known.receipt, "--key", &known.key]);
    let (usage, _) = script(&["--receipt", &known.receipt]);
    assert_eq!(usage, 2);
}

#[test]
fn the_script_finds_what_was_damaged() {
    let known = known();
    let home = known.register.home.path();
    let flip = |number: usize, name: &str, at: usize, why: &str| {
        let dir = copy(
            Path::new(known.register.dir()),
            &home.join(format!("copy-{number}")),
        );
        let mut bytes = fs::read(dir.join(name)).unwrap();
        bytes[at] ^= 1;
        fs::write(dir.join(name), bytes).unwrap();
        let words = [dir.to_str().unwrap(), "--key", &known.key];
        wrong(&words, why);
        // And so does the program.
        let done = shilu(&["verify", "--published", "--key", &known.key, "--data", words[0]]);
        assert_eq!(done.exit, 1, "{name}: {done:?}");
    };
    flip(0, "mirror/tile/entries/000", 1_000, "position");
    flip(1, "mirror/tile/entries/000", 0, "whole entries");
    flip(2, "mirror/tile/entries/002.p/90", 40, "position 512");
    flip(3, "public/tile/0/001", 32 * 7, "position 263");
    flip(4, "public/tile/1/000.p/2", 33, "position 256");
    let checkpoint = fs::read(published(&known.register)).unwrap();
    let size = checkpoint.iter().position(|byte| *byte == b'\n').unwrap() + 2;
    flip(5, "public/checkpoint", 0, "");
    flip(6, "public/checkpoint", size, "forged");
    flip(7, "public/checkpoint", checkpoint.len() - 10, "");
    let gone = copy(Path::new(known.register.dir()), &home.join("gone"));
    fs::remove_file(gone.join("public/tile/0/000")).unwrap();
    wrong(&[gone.to_str().unwrap()], "missing");

    // The receipt of another event, and one under another log's key.
    let receipt = fs::read_to_string(&known.receipt).unwrap();
    let moved = receipt.replace("index 601", "index 600");
    assert_ne!(receipt, moved);
    let moved = known.register.file("moved", moved);
    wrong(&["--receipt", &moved, "--key", &known.key], "not at position 600");
    // Numbers have one form, which Python's own reading of them does not ask for.
    for number in ["-1", "-5", "+601", "+6_01", "6_01", " 601", "0601", "\u{0666}01"] {
        let spelt = receipt.replace("index 601", &format!("index {number}"));
        let spelt = known.register.file("spelt", spelt);
        wrong(&["--receipt", &spelt, "--key", &known.key], "is not a number");
    }
    let note = fs::read_to_string(published(&known.register)).unwrap();
    for number in ["-5", "+602", "6_02"] {
        let since = known
            .register
            .file("since", note.replacen("\n602\n", &format!("\n{number}\n"), 1));
        wrong(&[known.register.dir(), "--since", &since], "is not a number");
    }
    // What cannot be read is said in words.
    let folder = home.to_str().unwrap();
    wrong(&["--receipt", folder, "--key", &known.key], "cannot be read");
    let other = Register::new(CAMPAIGN).run(&["key"]).well();
    wrong(
        &["--receipt", &known.receipt, "--key", other.trim_end()],
        "not signed",
    );
}

#[test]
fn the_script_finds_a_history_that_was_rewritten() {
    let known = known();
    let home = known.register.home.path();
    let late = known
        .register
        .file("late", fs::read(published(&known.register)).unwrap());
    let forged = rewrite(Path::new(known.register.dir()), &home.join("forged"), |entries| {
        edit(&mut entries[20], |event| event.actor = "eve");
    });
    let forged = forged.to_str().unwrap();
    right(&[forged, "--key", &known.key]);
    for since in [&known.early, &late] {
        wrong(
            &[forged, "--key", &known.key, "--since", since],
            "history was rewritten",
        );
    }
    let cut = rewrite(Path::new(known.register.dir()), &home.join("cut"), |entries| {
        entries.truncate(400)
    });
    let cut = cut.to_str().unwrap();
    right(&[cut, "--key", &known.key, "--since", &known.early]);
    wrong(&[cut, "--key", &known.key, "--since", &late], "cut off");
    let dir = copy(Path::new(known.register.dir()), &home.join("wrong-root"));
    sign(&dir, |said| said.root = shilu_merkle::Hash::leaf(b"another"));
    wrong(
        &[dir.to_str().unwrap(), "--key", &known.key],
        "do not give the root",
    );
}
