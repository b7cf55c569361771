//! The program as people run it, and its server.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output, Stdio},
    sync::OnceLock,
    time::Duration,
};

use serde_json::Value;

use crate::process::{Running, built};

/// The binary: `SHILU_BIN`, or built as cargo would.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("SHILU_BIN") {
        Some(binary) => binary.into(),
        None => built(&["-p", "shilu", "--bin", "shilu"], "/shilu"),
    })
}

/// The program, with nothing of our own environment that it reads.
pub fn command() -> Command {
    let mut command = Command::new(binary());
    for name in [
        "SHILU_DATA",
        "SHILU_SERVER",
        "SHILU_TOKEN",
        "SHILU_LOG",
        "RUST_LOG",
    ] {
        command.env_remove(name);
    }
    command.env("SHILU_LANG", "en").stdin(Stdio::null());
    command
}

/// What a run of the program did.
#[derive(Debug)]
pub struct Done {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    fn of(output: Output) -> Done {
        Done {
            exit: output.status.code().unwrap_or_else(|| panic!("{output:?}")),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts that it went well, and gives its stdout.
    pub fn well(self) -> String {
        assert_eq!(self.exit, 0, "{self:?}");
        self.stdout
    }

    /// Asserts that it was refused with this exit code and these words, and a hint.
    pub fn refused(self, exit: i32, words: &str) -> Done {
        assert!(
            self.exit == exit && self.stderr.contains(words),
            "{exit} {words} expected: {self:?}"
        );
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self
    }

    /// Its stdout as JSON: the last line.
    pub fn json(self) -> Value {
        let stdout = self.well();
        serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
    }
}

/// Runs the program.
pub fn shilu(words: &[&str]) -> Done {
    Done::of(command().args(words).output().unwrap())
}

/// A register in a folder of its own.
pub struct Register {
    pub home: tempfile::TempDir,
}

impl Register {
    /// Makes one with a campaign.
    pub fn new(campaign: &str) -> Register {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("campaign.toml");
        std::fs::write(&file, campaign).unwrap();
        let register = Register { home };
        shilu(&[
            "init",
            register.dir(),
            "--campaign",
            file.to_str().unwrap(),
            "--as",
            "mayor",
        ])
        .well();
        register
    }

    /// Makes one with the campaign that comes with the program, on a simulated clock.
    pub fn three_reals() -> Register {
        let register = Register {
            home: tempfile::tempdir().unwrap(),
        };
        let words = ["--campaign", "three-reals", "--as", "mayor", "--simulated"];
        shilu(&[&["init", register.dir()], &words[..]].concat()).well();
        register
    }

    /// Its folder.
    pub fn dir(&self) -> &str {
        // Kept as text, since it goes into command lines.
        self.home
            .path()
            .to_str()
            .map(|home| Box::leak(format!("{home}/register").into_boxed_str()))
            .unwrap()
    }

    /// A file beside it.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs the program on it.
    pub fn run(&self, words: &[&str]) -> Done {
        shilu(&[words, &["--data", self.dir()]].concat())
    }

    /// How many events it has.
    pub fn events(&self) -> u64 {
        let newest = self.run(&["changes", "--limit", "1", "--format", "jsonl"]).json();
        newest["position"].as_u64().unwrap() + 1
    }

    /// Serves it.
    pub fn serve(&self) -> Server {
        serve(Path::new(self.dir()))
    }
}

/// Serves a register's folder. Its log lines go to the file beside it that ends in `.log`.
pub fn serve(dir: &Path) -> Server {
    let mut command = command();
    let log = std::fs::File::create(dir.with_extension("log")).unwrap();
    command
        .args([
            "serve",
            "--data",
            dir.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
        ])
        .stderr(log);
    let (running, url) = listening(command);
    // A stream that should have brought something and does not is a failure, not a wait.
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build();
    Server {
        running,
        url,
        agent: config.into(),
    }
}

/// Starts what says first where it listens.
fn listening(command: Command) -> (Running, String) {
    let mut running = Running::start(command);
    let line = running.line().expect("it says where it listens");
    let url = line.strip_prefix("listening on ").unwrap().to_owned();
    (running, url)
}

/// A witness in a folder of its own, which outlives its process.
pub struct Witness {
    folder: tempfile::TempDir,
    /// Its vkey.
    pub key: String,
    running: Option<Running>,
}

impl Witness {
    /// Makes its folder and key; it does not run yet.
    pub fn new(name: &str) -> Witness {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("witness");
        let key = shilu(&["witness", dir.to_str().unwrap(), "--name", name, "--print-key"]).well();
        Witness {
            folder,
            key: key.trim_end().to_owned(),
            running: None,
        }
    }

    /// Starts its process for the log of this vkey; gives its URL.
    pub fn start(&mut self, log: &str) -> String {
        let mut command = command();
        let dir = self.folder.path().join("witness");
        command
            .args(["witness", dir.to_str().unwrap(), "--log", log])
            .stderr(Stdio::null());
        let (running, url) = listening(command);
        self.running = Some(running);
        url
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        drop(self.running.take());
    }
}

/// A running server; killed when the test is done with it.
pub struct Server {
    running: Running,
    pub url: String,
    pub agent: ureq::Agent,
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub body: String,
}

impl Answer {
    pub fn of(mut response: ureq::http::Response<ureq::Body>) -> Answer {
        let header = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let content_type = header("content-type").unwrap_or_default();
        let status = response.status().as_u16();
        let body = response.body_mut().read_to_string().unwrap();
        Answer {
            status,
            content_type,
            body,
        }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts a status, and gives the body as JSON.
    pub fn with(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }

    /// Asserts a problem as RFC 9457 and the design have it.
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(
            (self.status, self.content_type.as_str()),
            (status, "application/problem+json"),
            "{code}: {self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["code"], code, "{self:?}");
        assert_eq!(problem["status"], status, "{self:?}");
        for part in ["type", "title", "detail", "hint"] {
            assert!(
                problem[part].as_str().is_some_and(|text| !text.is_empty()),
                "no {part}: {self:?}"
            );
        }
        problem
    }
}

impl Server {
    pub fn get(&self, path: &str) -> Answer {
        Answer::of(self.agent.get(format!("{}{path}", self.url)).call().unwrap())
    }

    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        let request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/json");
        Answer::of(request.send(body.as_ref()).unwrap())
    }

    /// Posts a command or a list.
    pub fn command(&self, command: &Value) -> Answer {
        self.post("/api/v1/commands", command.to_string())
    }

    /// The position of the next event.
    pub fn end(&self) -> u64 {
        self.get("/api/v1/changes?limit=1").with(200)["items"][0]["position"]
            .as_u64()
            .unwrap()
            + 1
    }

    /// SIGTERM; gives how it ended.
    pub fn terminate(mut self) -> ExitStatus {
        self.running.terminate();
        self.running.wait()
    }

    /// SIGTERM only.
    pub fn ask_to_stop(&self) {
        self.running.terminate();
    }

    /// Waits for its end.
    pub fn wait(mut self) -> ExitStatus {
        self.running.wait()
    }
}
