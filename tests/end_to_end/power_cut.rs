//! A machine that loses power at any moment: the trace of a real writer is replayed up to there, and of what was not
//! synced any part is lost. SIGKILL cannot show a missing sync; this can, and tests show that it does.
//!
//! Held to after each cut: what was acknowledged; that whatever checkpoint lies there has all its tiles and bundles,
//! before anybody opens the folder; and that every checkpoint that was ever renamed into place is a prefix of what
//! the register goes on with.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use shilu_merkle::SignedCheckpoint;
use shilu_tests::{
    audit::Finding,
    disk::{Disk, Loss},
    random::Random,
    trace::{Kind, Step},
    workload::Acknowledged,
};

use crate::process::{crash_writer, disk_recorder, in_parallel, judge, seed, unanswered};

/// Power cuts per trace.
const CUTS: usize = 240;
/// Power cuts of a disk that lies.
const CUTS_OF_A_LIAR: usize = 60;
const THREADS: u8 = 4;
/// Lives of a writer that only write some lists and close.
const SHORT_LIVES: usize = 4;

/// A trace and the folder that it led to.
struct Recording {
    home: tempfile::TempDir,
    trace: Vec<u8>,
}

impl Recording {
    /// Makes a register, writes in some lives, of which the first and the last end without closing.
    fn make(seed: u64, lists: u32, lose: Option<&str>) -> Recording {
        let home = tempfile::tempdir().unwrap();
        let trace = home.path().join("trace");
        let run = |words: &[&str]| {
            let mut command = crash_writer();
            let root = home.path().join("disk");
            command.env("LD_PRELOAD", disk_recorder());
            command
                .env("SHILU_RECORD_ROOT", &root)
                .env("SHILU_RECORD_TRACE", &trace);
            if let Some(lost) = lose {
                command.env("SHILU_RECORD_LOSE", lost);
            }
            let (register, acks) = (root.join("register"), root.join("acks"));
            command
                .args([words[0], register.to_str().unwrap(), acks.to_str().unwrap()])
                .args(&words[1..]);
            assert!(command.status().unwrap().success(), "{words:?}");
        };
        fs::create_dir(home.path().join("disk")).unwrap();
        run(&["init"]);
        // Short lives, for each publishes when it begins and when it ends. The last one is long enough for `head` to
        // be written while it goes on.
        let short = [("close", 4); SHORT_LIVES];
        let lives = [
            &[("abandon", lists), ("close", lists)],
            &short[..],
            &[("abandon", 3 * lists)],
        ]
        .concat();
        for (round, (end, lists)) in lives.into_iter().enumerate() {
            let (seed, round) = (seed.to_string(), round.to_string());
            run(&[
                "write",
                &seed,
                &round,
                &THREADS.to_string(),
                &lists.to_string(),
                end,
            ]);
        }
        let trace = fs::read(trace).unwrap();
        Recording { home, trace }
    }

    /// With `SHILU_KEEP`, leaves the trace and the folders that went wrong for a closer look.
    fn keep_if_asked(mut self, well: bool) {
        if !well && std::env::var_os("SHILU_KEEP").is_some() {
            self.home.disable_cleanup(true);
            eprintln!("kept: {}", self.home.path().display());
        }
    }

    fn root(&self) -> PathBuf {
        self.home.path().join("disk")
    }

    fn steps(&self) -> Vec<Step<'_>> {
        let mut steps = Vec::new();
        let mut rest = &self.trace[..];
        while let Some((step, after)) = Step::decode(rest) {
            steps.push(step);
            rest = after;
        }
        assert!(rest.is_empty(), "the trace ends in the middle");
        steps
    }
}

/// A power cut.
struct Cut {
    number: usize,
    /// How many steps were made before it.
    steps: usize,
    loss: Loss,
    random: Random,
}

/// Where the power goes.
#[derive(Clone, Copy)]
enum Where {
    /// Anywhere, next to a sync or a change of names, while a register opens, and around a new checkpoint.
    Everywhere,
    /// Right after a checkpoint was renamed into place.
    Published,
}

/// Cuts, in order.
fn cuts(seed: u64, count: usize, steps: &[Step<'_>], place: Where) -> Vec<Cut> {
    let rare: Vec<usize> = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| !matches!(step.kind, Kind::Written | Kind::Opened))
        .map(|(index, _)| index)
        .collect();
    let opening = openings(steps);
    let published: Vec<usize> = (0..steps.len())
        .filter(|index| is_published(&steps[*index]).is_some())
        .collect();
    assert!(published.len() > 10, "{} checkpoints", published.len());
    let mut random = Random::of(&[seed, 1]);
    let mut cuts: Vec<Cut> = (0..count)
        .map(|number| {
            let rename = published[random.index(published.len())];
            let steps = match (place, random.below(4)) {
                // The folder is synced two steps later.
                (Where::Published, _) => rename + 1 + random.index(3),
                (_, 0) => random.index(steps.len() + 1),
                (_, 1) => rare[random.index(rare.len())] + random.index(2),
                (_, 2) => opening[random.index(opening.len())],
                _ => (rename + random.index(24)).saturating_sub(12),
            }
            .min(steps.len());
            let loss = match random.below(10) {
                0 => Loss::Nothing,
                1 | 2 => Loss::All,
                _ => Loss::Some {
                    kept: 5 + random.below(91),
                },
            };
            Cut {
                number,
                steps,
                loss,
                random: Random::of(&[seed, 2, number as u64]),
            }
        })
        .collect();
    cuts.sort_by_key(|cut| cut.steps);
    cuts
}

/// The name under which a step puts a checkpoint into place.
fn is_published<'a>(step: &Step<'a>) -> Option<&'a Path> {
    let zero = step.data.iter().position(|byte| *byte == 0)?;
    let to = Path::new(OsStr::from_bytes(&step.data[zero + 1..]));
    (step.kind == Kind::Renamed && to.ends_with("public/checkpoint")).then_some(to)
}

/// The steps between the last line of one life and the word `open` of the next.
fn openings(steps: &[Step<'_>]) -> Vec<usize> {
    let mut opening = Vec::new();
    let mut since = 0;
    for (index, step) in steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.kind == Kind::Written)
    {
        if step.data == b"open\n" {
            opening.extend(since + 1..=index);
        }
        if [&b"open"[..], b"ack ", b"made", b"clos"]
            .iter()
            .any(|word| step.data.starts_with(word))
        {
            since = index;
        }
    }
    assert!(opening.len() > 30, "{} steps of opening", opening.len());
    opening
}

/// What was known when the power went.
#[derive(Default, Clone)]
struct Known {
    made: bool,
    round: u8,
    acknowledged: Vec<Acknowledged>,
    /// Checkpoints that anybody could have seen.
    seen: Vec<SignedCheckpoint>,
}

impl Known {
    fn hear(&mut self, line: &str) {
        self.made |= line == "made";
        if let Some(acknowledged) = Acknowledged::parse(line) {
            self.round = acknowledged.list.round;
            self.acknowledged.push(acknowledged);
        }
    }
}

/// Makes every cut, and gives for each what the register then turns out to be.
fn findings(recording: &Recording, seed: u64, count: usize, place: Where) -> Vec<(String, Known, Finding)> {
    let steps = recording.steps();
    let root = recording.root();
    let mut disk = Disk::default();
    disk.know_folder(&root);
    let mut known = Known::default();
    let mut acks = None;
    let mut done = 0;
    let cuts = cuts(seed, count, &steps, place);
    let mut images = Vec::new();
    for mut cut in cuts {
        for step in &steps[done..cut.steps] {
            disk.step(step);
            if let Some(name) = is_published(step) {
                let note = disk.bytes(name).unwrap();
                known.seen.push(SignedCheckpoint::parse(&note).unwrap());
            }
            match step.kind {
                Kind::Created if step.data.ends_with(b"/acks") => acks = Some(step.inode),
                Kind::Written if Some(step.inode) == acks => {
                    std::str::from_utf8(step.data)
                        .unwrap()
                        .lines()
                        .for_each(|line| known.hear(line));
                }
                _ => {}
            }
        }
        done = cut.steps;
        let image = recording.home.path().join(format!("cut-{}", cut.number));
        fs::create_dir(&image).unwrap();
        disk.cut(&root, &image, cut.loss, &mut cut.random);
        let name = format!(
            "cut {} after step {} of {}, {:?}",
            cut.number,
            cut.steps,
            steps.len(),
            cut.loss
        );
        images.push((name, known.clone(), image));
    }
    judge_all(seed, images)
}

fn judge_all(seed: u64, images: Vec<(String, Known, PathBuf)>) -> Vec<(String, Known, Finding)> {
    in_parallel(&images, |index, (name, known, image)| {
        let unanswered = match known.made {
            true => unanswered(known.round, THREADS, &known.acknowledged),
            false => Vec::new(),
        };
        // The whole audit takes three times as long as a look.
        let how = if index % 3 == 0 {
            "published+audit"
        } else {
            "published+look"
        };
        let finding = judge(
            how,
            &image.join("register"),
            seed,
            &known.acknowledged,
            &unanswered,
            &known.seen,
        );
        if allowed(known, &finding) {
            fs::remove_dir_all(image).unwrap();
        }
        (name.clone(), known.clone(), finding)
    })
}

fn allowed(known: &Known, finding: &Finding) -> bool {
    match finding {
        Finding::Whole(_) => true,
        Finding::Refused(code) => !known.made && code == "NOT_A_REGISTER",
        Finding::Broken(_) => false,
    }
}

fn assert_same(left: &Path, right: &Path) {
    let names = |folder: &Path| {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(left), names(right), "{}", left.display());
    for name in names(left) {
        let (left, right) = (left.join(&name), right.join(&name));
        if left.is_dir() {
            assert_same(&left, &right);
        } else {
            assert!(
                fs::read(&left).unwrap() == fs::read(&right).unwrap(),
                "{} differs",
                left.display()
            );
        }
    }
}

#[test]
fn what_was_acknowledged_survives_a_power_cut_at_any_moment() {
    let seed = seed("survives_a_power_cut");
    let recording = Recording::make(seed, 60, None);
    // The recorder misses nothing: its trace leads to the same bytes.
    let mut disk = Disk::default();
    disk.know_folder(&recording.root());
    let steps = recording.steps();
    steps.iter().for_each(|step| disk.step(step));
    let copy = recording.home.path().join("copy");
    fs::create_dir(&copy).unwrap();
    disk.cut(&recording.root(), &copy, Loss::Nothing, &mut Random::new(0));
    assert_same(&recording.root(), &copy);

    let findings = findings(&recording, seed, CUTS, Where::Everywhere);
    let bad: Vec<_> = findings
        .iter()
        .filter(|(_, known, finding)| !allowed(known, finding))
        .collect();
    for (name, known, finding) in &bad {
        eprintln!(
            "{name}, made: {}, {} lists: {finding:?}",
            known.made,
            known.acknowledged.len()
        );
    }
    recording.keep_if_asked(bad.is_empty());
    assert!(
        bad.is_empty(),
        "{} of {} power cuts broke a promise",
        bad.len(),
        findings.len()
    );
    let whole = findings
        .iter()
        .filter(|(_, _, finding)| matches!(finding, Finding::Whole(_)))
        .count();
    assert!(
        whole >= 200,
        "only {whole} power cuts left a register: they tell too little"
    );
}

/// How many power cuts on a disk that loses this kind of sync are found out, and by what words.
fn found_out(test: &str, lost: &str, place: Where) -> Vec<String> {
    let seed = seed(test);
    let recording = Recording::make(seed, 30, Some(lost));
    let findings = findings(&recording, seed, CUTS_OF_A_LIAR, place);
    let bad = findings
        .into_iter()
        .filter(|(_, known, finding)| !known.acknowledged.is_empty() && !allowed(known, finding));
    bad.map(|(_, _, finding)| finding.line()).collect()
}

#[test]
fn a_disk_that_does_not_sync_is_found_out() {
    let lost = found_out("a_disk_that_does_not_sync", "fdatasync", Where::Everywhere);
    assert!(
        !lost.is_empty(),
        "without fdatasync nothing was lost: these tests see nothing"
    );
}

#[test]
fn tiles_that_were_not_synced_before_their_checkpoint_are_found_out() {
    let lost = found_out("tiles_that_were_not_synced", "syncfs", Where::Published);
    let tiles = lost.iter().filter(|line| line.starts_with("broken published: "));
    assert!(
        tiles.count() > 10,
        "without syncfs every checkpoint had its tiles: these tests see nothing: {lost:?}"
    );
}

#[test]
fn a_checkpoint_that_was_not_synced_before_its_name_is_found_out() {
    let lost = found_out("a_checkpoint_that_was_not_synced", "checkpoint", Where::Published);
    let torn = lost
        .iter()
        .filter(|line| line.starts_with("broken published: BAD_"));
    assert!(
        torn.count() > 5,
        "without its fsync every checkpoint was whole: these tests see nothing: {lost:?}"
    );
}
