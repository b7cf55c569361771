//! The processes that the tests start, and the seed of what they choose.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use shilu_merkle::SignedCheckpoint;
use shilu_tests::{
    audit::Finding,
    evidence,
    workload::{Acknowledged, ListName},
};

/// The seed of a test: `SHILU_SEED`, or a new one; printed with what repeats it.
pub fn seed(test: &str) -> u64 {
    let given = std::env::var("SHILU_SEED").ok().map(|seed| seed.parse().unwrap());
    let seed = given.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::from(now.subsec_nanos()) ^ now.as_secs()
    });
    eprintln!("seed {seed}; again: SHILU_SEED={seed} cargo test -p shilu-tests {test}");
    seed
}

/// Waits so long by looking at the clock: a moment for a kill, finer than a sleep.
pub fn spin(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// The helper process.
pub fn crash_writer() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crash_writer"));
    command.stdin(Stdio::null());
    command
}

/// A process whose lines are read one by one, and that is killed when the test is done with it.
pub struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    /// The lines read so far.
    pub seen: Vec<String>,
}

impl Running {
    pub fn start(mut command: Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// The next line; none when the process has closed its stdout.
    pub fn line(&mut self) -> Option<String> {
        let line = self.lines.next()?.unwrap();
        self.seen.push(line.clone());
        Some(line)
    }

    /// Reads until a line that is wanted.
    pub fn until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let line = self
                .line()
                .unwrap_or_else(|| panic!("it ended before that: {:?}", self.seen.last()));
            if wanted(&line) {
                return line;
            }
        }
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// SIGKILL, then what it had still written.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        while self.line().is_some() {}
        self.child.wait().unwrap();
        std::mem::take(&mut self.seen)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What lines acknowledge.
pub fn acknowledged(lines: &[String]) -> Vec<Acknowledged> {
    lines
        .iter()
        .filter_map(|line| Acknowledged::parse(line))
        .collect()
}

/// Per thread the list that came after the last one acknowledged.
pub fn unanswered(round: u8, threads: u8, acknowledged: &[Acknowledged]) -> Vec<ListName> {
    let next = |thread| {
        let own = acknowledged
            .iter()
            .filter(|one| (one.list.round, one.list.thread) == (round, thread));
        let number = own.map(|one| one.list.number + 1).max().unwrap_or(0);
        ListName {
            round,
            thread,
            number,
        }
    };
    (0..threads).map(next).collect()
}

/// Judges a register in a process of its own, so that an abort is seen and is not ours.
pub fn judge(
    how: &str,
    register: &Path,
    seed: u64,
    acknowledged: &[Acknowledged],
    unanswered: &[ListName],
    seen: &[SignedCheckpoint],
) -> Finding {
    let mut known: String = acknowledged.iter().map(Acknowledged::line).collect();
    known.extend(seen.iter().map(evidence::line));
    for ListName {
        round,
        thread,
        number,
    } in unanswered
    {
        known += &format!("sent {round} {thread} {number}\n");
    }
    let acks = register.with_extension("known");
    fs::write(&acks, known).unwrap();
    let output = crash_writer()
        .args([
            how,
            register.to_str().unwrap(),
            &seed.to_string(),
            acks.to_str().unwrap(),
        ])
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    match stdout.lines().last().and_then(Finding::parse) {
        Some(finding) if output.status.success() => finding,
        _ => Finding::Broken(format!(
            "the auditor ended with {}: {stdout} {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

/// Does something with each item, as many at a time as there are processors. The results are in the items' order.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(usize, &T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::SeqCst);
            let Some(item) = items.get(index) else { return done };
            done.push((index, work(index, item)));
        }
    };
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Builds something of the workspace as cargo would, once, and returns the file that ends so.
pub fn built(arguments: &[&str], ending: &str) -> PathBuf {
    // Cargo locks the folder; the lock here only keeps its messages in order.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _one = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = cargo();
    command.arg("build").args(arguments).arg("--message-format=json");
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "cargo build {arguments:?} failed");
    let files = |message: serde_json::Value| {
        let files = message["filenames"].as_array().cloned().unwrap_or_default();
        files
            .into_iter()
            .filter_map(|file| file.as_str().map(PathBuf::from))
            .collect::<Vec<_>>()
    };
    let messages = output.stdout.split(|byte| *byte == b'\n');
    messages
        .filter_map(|line| serde_json::from_slice(line).ok())
        .flat_map(files)
        .find(|file| file.to_string_lossy().ends_with(ending))
        .unwrap_or_else(|| panic!("cargo built no {ending}"))
}

/// Cargo, in the workspace.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    command
}

/// The workspace's folder.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The library that records what a process does to its folder: as `cargo test` has built it, or built now where only
/// this test binary was asked for.
pub fn disk_recorder() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let profile = Path::new(env!("CARGO_BIN_EXE_crash_writer")).parent().unwrap();
        let there = profile.join("examples/libdisk_recorder.so");
        let sources = ["examples/disk_recorder.rs", "src/trace.rs"];
        let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        match sources
            .iter()
            .all(|source| modified(&there) > modified(&tests.join(source)))
        {
            true => there,
            false => built(
                &["-p", "shilu-tests", "--example", "disk_recorder"],
                "libdisk_recorder.so",
            ),
        }
    })
}
