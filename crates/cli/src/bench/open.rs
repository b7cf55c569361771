//! Opening a register that was stopped, in a process of its own, with its memory.

use std::{path::Path, process::Command, time::Instant};

use shilu_engine::{Engine, Options};

use super::figure::{Figure, Figures, round, rss_mib};
use crate::{Done, error::CliError};

/// Runs [`inner`] in a new process, whose memory is only the register's.
pub fn run(register: &Path) -> Done {
    let program = std::env::current_exe().map_err(|error| CliError::io("find", "this program", error))?;
    let status = Command::new(program)
        .args(["bench", "open", "--inner", "--register"])
        .arg(register)
        .status();
    let status = status.map_err(|error| CliError::io("run", "this program", error))?;
    if status.success() {
        Ok(())
    } else {
        Err(super::usage("the inner process failed"))
    }
}

/// Opens the register and prints how long it took, and the memory then.
pub fn inner(register: &Path, figures: &mut Figures) -> Done {
    let started = Instant::now();
    let engine = Engine::open(register, Options::default())?;
    let seconds = started.elapsed().as_secs_f64();
    figures.print(&Figure {
        name: "open",
        value: round(seconds),
        unit: "s",
        rss_mib: rss_mib(),
        events: Some(engine.end().get()),
        ..Figure::default()
    })?;
    Ok(engine.close()?)
}
