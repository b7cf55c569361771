//! Samples through the program: announced, drawn, visited, and drawn again by somebody who has the published files alone.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use shilu_model::Timestamp;

use crate::shilu::{Register, shilu};

const CAMPAIGN: &str = r#"
name = "Village"
origin = "example.org/village"
timezone = "Asia/Shanghai"
earliest = 2015-01-01
[[kinds]]
id = "dwelling"
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true }
area = { type = "text", required = true }
rooms = { type = "integer", essential = true }
[[indicators]]
id = "rooms"
of = "dwelling"
measure = "accuracy"
"#;

fn soon(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(seconds);
    Timestamp::from_micros(i64::try_from(now.as_micros()).unwrap()).to_string()
}

fn records(sample: &Value) -> Vec<String> {
    let records = sample["draw"]["records"].as_array().unwrap();
    records
        .iter()
        .map(|one| one["record"].as_str().unwrap().to_owned())
        .collect()
}

/// Copies what a register publishes, and nothing else.
fn published(register: &Path, to: &Path) {
    for folder in ["public", "mirror"] {
        copy(&register.join(folder), &to.join(folder));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn two_people_with_the_published_files_draw_the_same() {
    let register = Register::new(CAMPAIGN);
    let rows: String = (0..60)
        .map(|number| format!("{number:03},a{},3\n", number % 3))
        .collect();
    let file = register.file("rows.csv", format!("code,area,rooms\n{rows}"));
    let import = [
        "import", &file, "--kind", "dwelling", "--as", "ann", "--reason", "a test",
    ];
    register.run(&import).well();
    let announce = |id: &str, draw_at: &str| {
        register.run(&[
            "sample",
            "announce",
            id,
            "--indicator",
            "rooms",
            "--size",
            "4",
            "--draw-at",
            draw_at,
            "--entropy",
            "none",
            "--as",
            "zhang",
            "--format",
            "json",
        ])
    };
    announce("a", "2015-06-01T09:00:00+08:00").refused(1, "SEED_KNOWABLE");
    let announced = announce("a", &soon(3)).json();
    assert_eq!(announced["population"]["a1"], 20);
    announce("a", &soon(3)).refused(1, "SAMPLE_FIXED");

    let draw = ["sample", "draw", "a", "--as", "zhang", "--format", "json"];
    let begun = Instant::now();
    let drawn = loop {
        let done = register.run(&draw);
        if done.exit == 0 {
            break done.json();
        }
        done.refused(1, "DRAW_NOT_DUE");
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "its time does not come"
        );
    };
    assert_eq!(
        (drawn["state"].as_str(), drawn["drawn"].as_u64()),
        (Some("drawn"), Some(12))
    );
    assert_eq!(drawn["label"], "the operator could steer this");
    assert_eq!(register.run(&draw).json()["draw"]["seed"], drawn["draw"]["seed"]);
    let chinese = register.run(&["--lang", "zh", "sample", "result", "a"]).well();
    assert!(
        chinese.contains("登记册的保管者可以左右这次抽取") && chinese.contains("未走访"),
        "{chinese}"
    );

    let first = records(&drawn).remove(0);
    let visit = |actor: &str| {
        let words = [
            "sample",
            "visit",
            "a",
            &first,
            "--outcome",
            "present",
            "--saw",
            "rooms=2",
            "--as",
            actor,
        ];
        register.run(&words)
    };
    visit("ann").refused(1, "OWN_WORK");
    visit("vera").well();
    visit("wen").refused(1, "ALREADY_VISITED");

    // Two people take what is published, and nothing else.
    let key = register.run(&["key"]).well();
    let people = [1, 2].map(|person| {
        let home = register.home.path().join(format!("person-{person}"));
        published(Path::new(register.dir()), &home);
        let home = home.to_str().unwrap().to_owned();
        let check = [
            "sample",
            "check",
            "a",
            "--published",
            &home,
            "--key",
            key.trim(),
            "--format",
            "json",
        ];
        shilu(&check).json()
    });
    for theirs in &people {
        assert_eq!(records(&theirs["sample"]), records(&drawn));
        assert_eq!(theirs["sample"]["draw"]["seed"], drawn["draw"]["seed"]);
        assert_eq!(theirs["strays"].as_array().map(Vec::len), Some(0));
    }
    assert_eq!(people[0], people[1]);
    let other = Register::new(CAMPAIGN).run(&["key"]).well();
    let home = register.home.path().join("person-1");
    shilu(&[
        "sample",
        "check",
        "a",
        "--published",
        home.to_str().unwrap(),
        "--key",
        other.trim(),
    ])
    .refused(1, "NOT_SIGNED");

    let list = register.run(&["sample", "list", "--format", "csv"]).well();
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(list.contains("rooms,,a,1,1,drawn,"), "{list}");
}

#[test]
fn what_makes_no_sense_on_the_command_line_is_refused() {
    let register = Register::new(CAMPAIGN);
    let row = register.file("row.csv", "code,area,rooms\n1,north,3\n");
    let import = [
        "import", &row, "--kind", "dwelling", "--as", "ann", "--reason", "a test",
    ];
    register.run(&import).well();
    let crew = register.file("crew.csv", "actor,area,team\nnora,south\n");
    let broken = register.file("broken.json", "[{");
    let soon = soon(3_600);
    let announce = |words: &[&'static str]| {
        let base = ["sample", "announce", "a", "--draw-at", &soon, "--as", "zhang"];
        register.run(&[&base, words].concat())
    };
    let rooms = ["--indicator", "rooms", "--entropy", "none"];
    let with = |words: &[&'static str]| announce(&[&rooms, words].concat());
    for (words, exit, said) in [
        (&[][..], 2, "--size"),
        (&["--size", "many"], 2, "--size"),
        (&["--size", "0"], 1, "BAD_VALUE"),
        (&["--size", "1", "--target", "95"], 2, "--target"),
        (&["--target", "95"], 2, "--planned"),
        (&["--target", "x", "--planned", "98"], 1, "BAD_VALUE"),
        (&["--target", "95", "--planned", "95"], 1, "BAD_PLAN"),
        (
            &["--target", "95", "--planned", "98", "--power", "1.5"],
            1,
            "BAD_PLAN",
        ),
        (&["--size", "1", "--strata", "street"], 1, "BAD_VALUE"),
        (&["--size", "1", "--area", "south"], 1, "NOTHING_TO_DRAW"),
    ] {
        with(words).refused(exit, said);
    }
    announce(&["--size", "1", "--entropy", "none", "--indicator", "x"]).refused(1, "BAD_VALUE");
    announce(&["--size", "1", "--entropy", "dice", "--indicator", "rooms"]).refused(1, "BAD_VALUE");
    with(&["--size", "1"]).well();

    let visit = ["sample", "visit", "a", "dwelling/1", "--as", "vera"];
    let step = ["--step", "blind", "--outcome", "present"];
    for (words, exit, said) in [
        (&["sample", "draw", "b", "--as", "z"][..], 1, "NO_RECORD"),
        (&["sample", "draw", "a"], 2, "--as"),
        (&["sample", "draw", "a", "--as", "z"], 1, "DRAW_NOT_DUE"),
        (&["sample", "assign", "a", "--as", "z"], 2, "--verifiers"),
        (
            &["sample", "assign", "a", "--as", "z", "--verifiers", &crew],
            1,
            "BAD_VALUE",
        ),
        (
            &["sample", "assign", "a", "--as", "z", "--verifiers", "nowhere"],
            1,
            "IO",
        ),
        (&visit, 2, "--outcome"),
        (&[&visit[..], &["--outcome", "present"]].concat(), 1, "NO_DRAW"),
        (
            &[&visit[..], &["--outcome", "present", "--saw", "rooms"]].concat(),
            2,
            "FIELD=VALUE",
        ),
        (&[&visit[..], &["--step", "third"]].concat(), 2, "third"),
        (
            &[&visit[..], &step, &["--list", &broken]].concat(),
            2,
            "broken.json",
        ),
        (
            &[&visit[..], &["--outcome", "present", "--entry", "7"]].concat(),
            2,
            "BAD_ID",
        ),
        (&["sample", "result", "b"], 1, "NO_RECORD"),
        (&["sample", "check", "b"], 1, "NO_RECORD"),
        (&["sample", "check", "a"], 1, "NO_DRAW"),
        (&["sample", "list", "--indicator"], 2, "--indicator"),
        (&["sample", "steer"], 2, "steer"),
    ] {
        register.run(words).refused(exit, said);
    }
    shilu(&["sample", "check", "a"]).refused(2, "--published");
}
