//! The command line: round trips, exit codes, and `--server` against `--data`.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use shilu_tests::{random::Random, workload::CAMPAIGN};

use crate::{
    process::{Running, seed, spin},
    shilu::{Register, command, shilu},
};

const ROWS: &str = "code,area,rooms,note\n1,north,3,\n2,north,4,红砖\n3,south,,\"a, \"\"b\"\"\"\n";

fn import<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let words = [
        "import", file, "--kind", "dwelling", "--as", "ann", "--reason", "a test", "--format", "json",
    ];
    [&words[..], more].concat()
}

/// Three dwellings, in as a snapshot of 2020.
fn filled() -> Register {
    let register = Register::new(CAMPAIGN);
    let file = register.file("rows.csv", ROWS);
    let done = register
        .run(&import(&file, &["--snapshot", "--effective", "2020-01-01"]))
        .json();
    assert_eq!(
        done,
        json!({"collected": 3, "corrected": 0, "registered": 3, "deregistered": 0, "unchanged": 0, "rejected": 0,
               "first_position": 1, "last_position": 6})
    );
    register
}

fn export(register: &Register, more: &[&str]) -> String {
    register
        .run(&[&["export", "--kind", "dwelling", "--format", "csv"], more].concat())
        .well()
}

#[test]
fn what_is_imported_is_exported_and_a_repeat_adds_nothing() {
    let register = filled();
    assert_eq!(export(&register, &[]), ROWS);
    for more in [&["--snapshot", "--effective", "2020-01-01"][..], &[]] {
        let file = register.file("again.csv", ROWS);
        let done = register.run(&import(&file, more)).json();
        assert_eq!(
            (&done["unchanged"], &done["first_position"]),
            (&json!(3), &Value::Null),
            "{done}"
        );
    }
    assert_eq!(register.events(), 7);
    let jsonl = "{\"code\":\"1\",\"area\":\"north\",\"rooms\":3}\n{\"code\":\"2\",\"area\":\"north\",\"rooms\":4,\"note\":\"红砖\"}\n\
                 {\"code\":\"3\",\"area\":\"south\",\"note\":\"a, \\\"b\\\"\"}\n";
    let other = Register::new(CAMPAIGN);
    let file = other.file("rows.jsonl", jsonl);
    other.run(&import(&file, &["--snapshot"])).json();
    assert_eq!(export(&other, &[]), ROWS);
    let gb18030 =
        b"code,area,rooms,note\n1,north,3,\n2,north,4,\xba\xec\xd7\xa9\n3,south,,\"a, \"\"b\"\"\"\n";
    let other = Register::new(CAMPAIGN);
    let file = other.file("rows.csv", gb18030);
    other.run(&import(&file, &["--snapshot"])).json();
    assert_eq!(export(&other, &[]), ROWS, "GB18030");
}

#[test]
fn a_snapshot_corrects_deregisters_and_remembers() {
    let register = filled();
    let file = register.file(
        "next.csv",
        "code,area,rooms\n1,north,5\n2,north,4\n3,south,\n4,south,1\n",
    );
    let more = ["--snapshot", "--effective", "2021-01-01"];
    let plan = register.run(&[&import(&file, &more)[..], &["--dry-run"]].concat());
    assert_eq!((plan.exit, register.events()), (0, 7), "{plan:?}");
    let done = register.run(&import(&file, &more)).json();
    assert_eq!(
        (&done["corrected"], &done["collected"], &done["unchanged"]),
        (&json!(1), &json!(1), &json!(2))
    );
    assert!(
        export(&register, &[]).contains("2,north,4,红砖"),
        "a missing column leaves its field alone"
    );
    assert_eq!(export(&register, &["--effective", "2020-06-01"]), ROWS);
    assert_eq!(
        export(&register, &["--as-of", "@6", "--effective", "2021-06-01"]),
        ROWS
    );

    let half = register.file("half.csv", "code,area,rooms,note\n1,north,5,\n");
    let end = register.events();
    register
        .run(&import(&half, &["--snapshot", "--effective", "2022-01-01"]))
        .refused(1, "--allow-mass-deregister");
    assert_eq!(register.events(), end);
    let allowed = [
        "--snapshot",
        "--effective",
        "2022-01-01",
        "--allow-mass-deregister",
    ];
    assert_eq!(register.run(&import(&half, &allowed)).json()["deregistered"], 3);
    assert_eq!(export(&register, &[]), "code,area,rooms,note\n1,north,5,\n");
    assert_eq!(
        export(&register, &["--status", "deregistered"]).lines().count(),
        4
    );
    assert_eq!(export(&register, &["--status", "all"]).lines().count(), 5);
}

#[test]
fn a_damaged_file_leaves_the_register_as_it_was() {
    let register = filled();
    let cases: [(&str, &[u8]); 6] = [
        (
            "breaks off in a quote",
            b"code,area,rooms,note\n1,north,3,\n5,north,3,\"abc",
        ),
        (
            "a row that is too short",
            b"code,area,rooms,note\n5,north,3,\n6,north\n",
        ),
        ("a row that is too long", b"code,area,rooms,note\n5,north,3,,,\n"),
        ("no key", b"area,rooms\nnorth,3\n"),
        ("an unknown column", b"code,area,colour\n5,north,red\n"),
        ("empty", b""),
    ];
    for (what, bytes) in cases {
        let file = register.file("bad.csv", bytes);
        for more in [&["--snapshot"][..], &[]] {
            let done = register.run(&import(&file, more));
            assert!(
                matches!(done.exit, 1 | 2) && done.stderr.contains("hint"),
                "{what}: {done:?}"
            );
            assert_eq!(register.events(), 7, "{what}");
        }
    }
    assert_eq!(export(&register, &[]), ROWS);
}

#[test]
fn rows_that_cannot_be_taken_are_told_and_the_others_taken() {
    let register = filled();
    let rows = "code,area,rooms,note\n1,north,many,\n2,north,4,红砖\n3,south,,\"a, \"\"b\"\"\"\n5,east,1,\n5,east,2,\n6,,1,\n";
    let file = register.file("some.csv", rows);
    let done = register.run(&import(&file, &["--snapshot"]));
    let summary: Value = serde_json::from_str(done.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&summary["deregistered"], &summary["unchanged"]),
        (&json!(0), &json!(2)),
        "{done:?}"
    );
    assert!(summary["rejected"].as_u64().unwrap() >= 3, "{summary}");
    let rejected = fs::read_to_string(format!("{file}.rejected.csv")).unwrap();
    for words in ["many", "BAD_VALUE", "FIELD_MISSING", "rooms"] {
        assert!(rejected.contains(words), "{words}: {rejected}");
    }
}

#[test]
fn a_server_and_a_folder_answer_alike() {
    let register = filled();
    let file = register.file(
        "next.csv",
        "code,area,rooms,note\n1,north,5,\n2,north,4,红砖\n3,south,,\"a, \"\"b\"\"\"\n",
    );
    register
        .run(&import(&file, &["--snapshot", "--effective", "2021-01-01"]))
        .json();
    let mut questions: Vec<Vec<&str>> = vec![
        vec!["export", "--kind", "dwelling", "--as-of", "@7", "--format", "csv"],
        vec![
            "export", "--kind", "dwelling", "--as-of", "@7", "--status", "all", "--format", "jsonl",
        ],
    ];
    for format in ["table", "json", "jsonl", "csv"] {
        for question in [
            &["show", "dwelling/1", "--as-of", "@7"][..],
            &["history", "dwelling/1"],
            &["blame", "dwelling/1", "--as-of", "@7"],
            &["changes", "--actor", "ann", "--limit", "0"],
            &["changes", "--field", "rooms", "--action", "correct"],
            &[
                "diff",
                "--axis",
                "effective",
                "--from",
                "2020-06-01",
                "--to",
                "2021-06-01",
                "--as-of",
                "@7",
            ],
            &["diff", "--axis", "recorded", "--from", "@1", "--to", "@7"],
            &["counts", "--as-of", "@7", "--by", "area"],
            &["rates", "--as-of", "@7"],
        ] {
            questions.push([question, &["--format", format]].concat());
        }
    }
    let local: Vec<_> = questions.iter().map(|question| register.run(question)).collect();
    let server = register.serve();
    for (question, local) in questions.iter().zip(local) {
        let more = ["--server", server.url.as_str()];
        let remote = shilu(&[&question[..], &more].concat());
        assert_eq!(
            (remote.exit, &remote.stdout),
            (local.exit, &local.stdout),
            "{question:?}"
        );
        assert!(
            local.exit == 0 && !local.stdout.is_empty(),
            "{question:?}: {local:?}"
        );
    }
    let missing = shilu(&["show", "dwelling/9", "--server", &server.url]);
    missing.refused(1, "NO_RECORD");
    let end = server.end();
    let words = import(&file, &["--snapshot", "--effective", "2021-01-01", "--server"]);
    let done = shilu(&[&words[..], &[&server.url]].concat());
    assert!(
        done.exit == 0 && server.end() == end || done.exit == 2,
        "{done:?}"
    );
}

#[test]
fn an_area_that_no_campaign_declares_is_a_mistake() {
    let register = Register::three_reals();
    for question in [
        &["rates"][..],
        &["counts"],
        &["changes"],
        &["diff", "--axis", "recorded", "--from", "@0", "--to", "@0"],
    ] {
        let asked = |area| register.run(&[question, &["--area", area]].concat());
        asked("33060400621O").refused(2, "BAD_QUERY");
        asked("330604006210").well();
    }
}

#[test]
fn exit_codes_tell_refusals_from_mistakes() {
    let register = filled();
    register.run(&["show", "dwelling/9"]).refused(1, "NO_RECORD");
    register.run(&["show", "castle/9"]).refused(1, "NO_KIND");
    register.run(&["show", "dwelling"]).refused(2, "");
    register
        .run(&["show", "dwelling/1", "--as-of", "someday"])
        .refused(2, "BAD_TIME");
    register.run(&["counts", "--by", "moon"]).refused(2, "moon");
    shilu(&["fly"]).refused(2, "fly");
    shilu(&["show", "dwelling/1"]).refused(2, "--data");
    let nowhere = register.home.path().join("nowhere");
    shilu(&["show", "dwelling/1", "--data", nowhere.to_str().unwrap()]).refused(1, "NOT_A_REGISTER");
    assert!(!nowhere.exists(), "asking made a folder");
    shilu(&[
        "show",
        "dwelling/1",
        "--data",
        register.home.path().to_str().unwrap(),
    ])
    .refused(1, "NOT_A_REGISTER");
    let campaign = register.home.path().join("campaign.toml");
    shilu(&["init", register.dir(), "--campaign", campaign.to_str().unwrap()]).refused(1, "NOT_EMPTY");
    let bad = register.file("bad.toml", "name = 7");
    let new = register.home.path().join("new");
    shilu(&["init", new.to_str().unwrap(), "--campaign", &bad]).refused(2, "BAD_CAMPAIGN");
    let damaged = register.home.path().join("register/head");
    fs::write(damaged, "no head").unwrap();
    register.run(&["show", "dwelling/1"]).refused(1, "LOG_DAMAGED");
}

#[test]
fn a_rebuild_finds_what_was_saved() {
    let register = filled();
    let done = register.run(&["rebuild", "--format", "json"]).well();
    assert!(done.contains("true") && !done.contains("false"), "{done}");
}

#[test]
fn an_import_that_was_killed_is_finished_by_repeating_it() {
    let seed = seed("an_import_that_was_killed");
    let mut random = Random::new(seed);
    let rows: String = (0..4_000)
        .map(|row| format!("{row:05},area-{},{},note {row}\n", row % 7, row % 9))
        .collect();
    let rows = format!("code,area,rooms,note\n{rows}");
    let mut cut_short = 0;
    let mut whole = Duration::ZERO;
    for kill in 0..9 {
        let register = Register::new(CAMPAIGN);
        let file = register.file("rows.csv", &rows);
        let words = import(
            &file,
            &[
                "--snapshot",
                "--effective",
                "2020-01-01",
                "--data",
                register.dir(),
            ],
        );
        if kill == 0 {
            // The first one is timed, not killed.
            let begun = Instant::now();
            shilu(&words).well();
            whole = begun.elapsed();
            continue;
        }
        let mut importing = command();
        importing.args(&words);
        let running = Running::start(importing);
        spin(Duration::from_nanos(random.below(whole.as_nanos() as u64)));
        cut_short += u32::from(running.kill().is_empty());
        // Collecting and registering one record is one list: there is no record in between.
        assert_eq!(
            export(&register, &["--status", "collected"]).lines().count(),
            1,
            "kill {kill}"
        );
        shilu(&words).json();
        assert!(export(&register, &[]) == rows, "kill {kill}");
        assert_eq!(register.events(), 8_001, "kill {kill}");
        let done = register.run(&["rebuild", "--format", "json"]).well();
        assert!(!done.contains("false"), "{done}");
    }
    assert!(cut_short > 0, "no kill came in time");
}
