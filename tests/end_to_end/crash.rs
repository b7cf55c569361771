//! A process killed at any moment: what was acknowledged is there once and whole, what is published holds as it lies
//! there, no checkpoint that anybody saw is contradicted, and life goes on.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use shilu_merkle::SignedCheckpoint;
use shilu_tests::{audit::Finding, evidence, random::Random, workload::Acknowledged};

use crate::process::{Running, acknowledged, crash_writer, judge, seed, spin, unanswered};

/// Kills while writing. Each costs a fifth of a second.
const KILLS_WHILE_WRITING: u8 = 60;
/// Lives of one register, before a new one keeps the audit short.
const LIVES: u8 = 15;
/// Kills while a register is made.
const KILLS_IN_INIT: u64 = 25;
/// Kills while a register is closed.
const KILLS_IN_CLOSE: u8 = 25;

fn init(dir: &Path) -> Command {
    let mut command = crash_writer();
    command.args(["init", dir.to_str().unwrap(), "-"]);
    command
}

fn write(dir: &Path, seed: u64, round: u8, threads: u8, lists: u32) -> Command {
    let mut command = crash_writer();
    command.args(["write", dir.to_str().unwrap(), "-"]);
    let numbers = [seed, round.into(), threads.into(), lists.into()];
    command
        .args(numbers.map(|number| number.to_string()))
        .arg("close")
        .stderr(Stdio::inherit());
    command
}

/// Copies the checkpoint that is published now, as anybody may, unless it is the last one seen.
fn watch(register: &Path, seen: &mut Vec<SignedCheckpoint>) {
    let now = evidence::checkpoint(register);
    if now.is_some() && seen.last() != now.as_ref() {
        seen.extend(now);
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let seed = seed("survives_a_kill");
    let mut random = Random::new(seed);
    let home = tempfile::tempdir().unwrap();
    let mut register = home.path().join("none");
    let mut known: Vec<Acknowledged> = Vec::new();
    let (mut seen, mut watched) = (Vec::new(), 0);
    for round in 0..KILLS_WHILE_WRITING {
        if round % LIVES == 0 {
            register = home.path().join(format!("register-{round}"));
            assert!(init(&register).stdout(Stdio::null()).status().unwrap().success());
            known.clear();
            watched += seen.len();
            seen.clear();
        }
        let threads = 1 + random.below(6) as u8;
        // Every fourth dies before it can acknowledge anything: mostly while it opens and recovers.
        let acknowledgements = if random.percent(25) {
            0
        } else {
            1 + random.index(60)
        };
        let moment = Duration::from_micros(random.below(if acknowledgements == 0 { 40_000 } else { 2_500 }));
        let mut writer = Running::start(write(&register, seed, round, threads, 0));
        for _ in 0..acknowledgements {
            writer.until(|line| line.starts_with("ack "));
            watch(&register, &mut seen);
        }
        spin(moment);
        let lines = writer.kill();
        watch(&register, &mut seen);
        known.extend(acknowledged(&lines));

        let unanswered = unanswered(round, threads, &known);
        let finding = judge("published+audit", &register, seed, &known, &unanswered, &seen);
        assert!(
            matches!(finding, Finding::Whole(_)),
            "round {round}, {}: {finding:?}",
            register.display()
        );
    }
    watched += seen.len();
    assert!(
        watched >= usize::from(KILLS_WHILE_WRITING),
        "only {watched} checkpoints were seen: they tell too little"
    );
}

#[test]
fn a_kill_during_init_leaves_a_register_or_none() {
    let seed = seed("a_kill_during_init");
    let mut random = Random::new(seed);
    let home = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    assert!(
        init(&home.path().join("timed"))
            .stdout(Stdio::null())
            .status()
            .unwrap()
            .success()
    );
    let whole = begun.elapsed();
    let mut none = 0;
    for kill in 0..KILLS_IN_INIT {
        let register = home.path().join(format!("register-{kill}"));
        let mut maker = Running::start(init(&register));
        maker.until(|line| line == "begin");
        spin(Duration::from_nanos(random.below(whole.as_nanos() as u64)));
        let made = maker.kill().iter().any(|line| line == "made");
        match judge("published+look", &register, seed, &[], &[], &[]) {
            Finding::Whole(1) => {}
            Finding::Refused(code) if code == "NOT_A_REGISTER" && !made => none += 1,
            other => panic!("kill {kill}, made: {made}, {}: {other:?}", register.display()),
        }
    }
    assert!(none > 0, "no kill came in time");
}

#[test]
fn a_kill_while_closing_loses_nothing() {
    let seed = seed("a_kill_while_closing");
    let mut random = Random::new(seed);
    let home = tempfile::tempdir().unwrap();
    let register = home.path().join("register");
    assert!(init(&register).stdout(Stdio::null()).status().unwrap().success());
    let (mut known, mut seen) = (Vec::new(), Vec::new());
    let mut closing = Duration::from_millis(10);
    let mut interrupted = 0;
    for round in 0..KILLS_IN_CLOSE {
        let mut writer = Running::start(write(&register, seed, round, 3, 8));
        writer.until(|line| line == "closing");
        let begun = Instant::now();
        if round == 0 {
            writer.until(|line| line == "closed");
            closing = begun.elapsed();
        }
        spin(Duration::from_nanos(random.below(closing.as_nanos() as u64)));
        let lines = writer.kill();
        watch(&register, &mut seen);
        interrupted += u32::from(!lines.iter().any(|line| line == "closed"));
        known.extend(acknowledged(&lines));
        assert_eq!(known.len(), (usize::from(round) + 1) * 24);
        let finding = judge("published+audit", &register, seed, &known, &[], &seen);
        assert!(matches!(finding, Finding::Whole(_)), "round {round}: {finding:?}");
    }
    assert!(interrupted > 0, "no kill came in time");
}
