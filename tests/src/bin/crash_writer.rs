//! A process to be killed: makes a register, writes to it, or audits it.
//!
//! ```text
//! crash_writer init DIR ACKS                      makes a register
//! crash_writer write DIR ACKS SEED ROUND THREADS LISTS END  writes so many lists per thread, 0 for ever; then
//!                                                 ends: `close`, or `abandon` without closing
//! crash_writer audit|look DIR SEED ACKS           judges a register; ACKS holds `ack`, `sent` and `seen` lines
//! crash_writer published+audit|look DIR SEED ACKS the same, after a look at what it publishes before anybody opens it
//! ```
//!
//! Each acknowledgement is one line in the file ACKS, `-` for stdout, written in one piece as soon as it is there.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a helper of tests that speaks on stdout"
)]

use std::{
    fs::OpenOptions,
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use shilu_engine::{Engine, Init, Options};
use shilu_tests::{
    audit::{Finding, Known, audit, look},
    evidence,
    workload::{Acknowledged, CAMPAIGN, ListName},
};

type Told = Arc<Mutex<Box<dyn Write + Send>>>;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["init", dir, acks] => init(Path::new(dir), &told(acks)),
        ["write", dir, acks, seed, round, threads, lists, end] => {
            let (engine, acks) = (
                Engine::open(Path::new(dir), Options::default()).unwrap(),
                told(acks),
            );
            let life = Life {
                seed: seed.parse().unwrap(),
                round: round.parse().unwrap(),
                threads: threads.parse().unwrap(),
                lists: lists.parse().unwrap(),
            };
            write(&engine, &acks, life);
            if end == "abandon" {
                std::process::exit(0);
            }
            tell(&acks, "closing\n");
            engine.close().unwrap();
            tell(&acks, "closed\n");
        }
        [how, dir, seed, acks] => {
            let (dir, seed) = (Path::new(dir), seed.parse().unwrap());
            let finding = match how.strip_prefix("published+") {
                None => judge(how, dir, seed, acks),
                Some(how) => match evidence::published(dir) {
                    Ok(()) => judge(how, dir, seed, acks),
                    Err(why) => Finding::Broken(why),
                },
            };
            println!("{}", finding.line());
        }
        _ => panic!("see the head of this file"),
    }
}

fn told(acks: &str) -> Told {
    let out: Box<dyn Write + Send> = match acks {
        "-" => Box::new(std::io::stdout()),
        path => Box::new(OpenOptions::new().create(true).append(true).open(path).unwrap()),
    };
    Arc::new(Mutex::new(out))
}

fn tell(told: &Told, line: &str) {
    let mut out = told.lock().unwrap();
    out.write_all(line.as_bytes()).unwrap();
    out.flush().unwrap();
}

fn init(dir: &Path, acks: &Told) {
    tell(acks, "begin\n");
    let init = Init {
        campaign: CAMPAIGN,
        actor: "mayor",
        simulated: false,
    };
    Engine::init(dir, &init, &Options::default()).unwrap();
    tell(acks, "made\n");
}

/// One life of the writer.
#[derive(Clone, Copy)]
struct Life {
    seed: u64,
    round: u8,
    threads: u8,
    lists: u32,
}

fn write(engine: &Engine, acks: &Told, life: Life) {
    tell(acks, "open\n");
    let start = |thread| {
        let (engine, acks) = (engine.clone(), acks.clone());
        thread::spawn(move || write_lists(&engine, &acks, life, thread))
    };
    let writers: Vec<_> = (0..life.threads).map(start).collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
}

fn write_lists(engine: &Engine, acks: &Told, life: Life, thread: u8) {
    let Life {
        seed, round, lists, ..
    } = life;
    let all = if lists == 0 { u32::MAX } else { lists };
    for number in 0..all {
        let list = ListName {
            round,
            thread,
            number,
        };
        let answer = engine
            .submit(vec![list.commands(seed)])
            .unwrap()
            .wait()
            .pop()
            .unwrap();
        let accepted = answer.unwrap_or_else(|error| panic!("{list:?}: {} {error:?}", error.code()));
        let (first, recorded) = (accepted[0].position.get(), accepted[0].recorded.micros());
        let in_order = accepted
            .iter()
            .zip(first..)
            .all(|(one, position)| one.position.get() == position);
        assert!(in_order, "{accepted:?}");
        tell(
            acks,
            &Acknowledged {
                list,
                first,
                recorded,
            }
            .line(),
        );
    }
}

fn judge(how: &str, dir: &Path, seed: u64, acks: &str) -> Finding {
    let text = std::fs::read_to_string(acks).unwrap();
    let acknowledged: Vec<Acknowledged> = text.lines().filter_map(Acknowledged::parse).collect();
    let sent = text.lines().filter_map(|line| line.strip_prefix("sent "));
    let unanswered: Vec<ListName> = sent
        .map(|words| Acknowledged::parse(&format!("ack {words} 0 0")).unwrap().list)
        .collect();
    let checkpoints: Vec<_> = text.lines().filter_map(evidence::parse_line).collect();
    let known = Known {
        seed,
        acknowledged: &acknowledged,
        unanswered: &unanswered,
        checkpoints: &checkpoints,
    };
    match how {
        "audit" => audit(dir, &known),
        "look" => look(dir, &known),
        _ => panic!("see the head of this file"),
    }
}
