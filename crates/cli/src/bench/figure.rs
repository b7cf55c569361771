//! Figures: one JSON line each, with the machine and the commit.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{Done, error::CliError, output::Output};

/// One figure. Fields that do not apply are left out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: &'static str,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
    /// What this machine could do at best, in the same run and unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// What the limit is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_what: Option<&'static str>,
    /// The value by the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// Half of all cases took at most this long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// 99 of 100 cases took at most this long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
    /// Resident memory of the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rss_mib: Option<f64>,
    /// Events in the register.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    figure: &'a Figure,
    machine: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'a str>,
}

impl Figure {
    /// With what the machine could do at best.
    pub fn of_limit(self, limit: f64, limit_what: &'static str) -> Self {
        let ratio = Some(round(self.value / limit));
        Figure {
            limit: Some(round(limit)),
            limit_what: Some(limit_what),
            ratio,
            ..self
        }
    }

    /// With how long the cases took.
    pub fn of_times(self, times: &mut [Duration]) -> Self {
        times.sort_unstable();
        let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
        let ms = |time: Option<&Duration>| time.map(|time| round(time.as_secs_f64() * 1e3));
        Figure {
            p50_ms: ms(at(50)),
            p99_ms: ms(at(99)),
            ..self
        }
    }
}

/// Prints figures.
pub struct Figures {
    machine: String,
    commit: Option<String>,
}

impl Figures {
    /// Finds out about machine and commit.
    pub fn new() -> Self {
        let commit = Command::new("git")
            .args(["rev-parse", "--short=12", "HEAD"])
            .output()
            .ok();
        let commit = commit.filter(|output| output.status.success());
        let commit = commit.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        Figures {
            machine: machine(),
            commit,
        }
    }

    /// Prints one.
    pub fn print(&mut self, figure: &Figure) -> Done {
        let line = Line {
            figure,
            machine: &self.machine,
            commit: self.commit.as_deref(),
        };
        let text = serde_json::to_string(&line)
            .map_err(|error| CliError::output(std::io::Error::other(error.to_string())))?;
        let mut output = Output::stdout();
        output.line(text)?;
        output.flush()
    }
}

fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("?", |(_, it)| it);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    });
    let gib: u64 = kib.unwrap_or(0_u64) / (1 << 20);
    format!("{cores} × {}, {gib} GiB", model.trim())
}

/// Three significant digits or so: more would be noise.
pub fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10_f64.powf(3.0 - value.abs().log10().floor());
    (value * scale).round() / scale
}

/// How often per second.
pub fn per_second(count: u64, since: Instant) -> f64 {
    float(count) / since.elapsed().as_secs_f64()
}

/// A count as a float; exact below 2^32, which every bench stays below.
pub fn float(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// Resident memory of this process in MiB.
pub fn rss_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib: u32 = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    })?;
    Some(round(f64::from(kib) / 1024.0))
}
