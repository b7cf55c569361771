//! `shilu bench`: every figure with its ratio to a limit measured in the same run.

mod append;
mod figure;
mod http;
mod import;
mod load;
mod open;
mod query;
mod rebuild;
mod referrers;
mod verify;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::{Done, error::CliError, output::say};
use figure::Figures;

/// What can be said to `bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  shilu bench append --events 1000000")]
pub struct BenchArgs {
    /// What to measure; all of it without it
    #[arg(value_name = "WHAT")]
    pub what: Option<What>,
    /// How many events
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub events: u64,
    /// Where to work: the disk that is measured. Removed afterwards
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// A register that `bench append --keep` has left, instead of a new one
    #[arg(long, value_name = "DIR")]
    pub register: Option<PathBuf>,
    /// Leave the register there, and say where
    #[arg(long)]
    pub keep: bool,
    /// Only open the register: for measuring it in a process of its own
    #[arg(long, hide = true)]
    pub inner: bool,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Durable events in process
    Append,
    /// Commands over HTTP, 64 connections
    Http,
    /// A CSV file and a workbook to durable, folded events
    Import,
    /// All projections from the log
    Rebuild,
    /// Opening a register, with memory
    Open,
    /// Rates, changes and single records
    Query,
    /// A unit with 2,000 workers whose trade changes
    Referrers,
    /// Auditing everything, receipts, and what publishing costs the append path
    Verify,
}

/// Runs it.
pub fn run(args: &BenchArgs) -> Done {
    let mut figures = Figures::new();
    if args.inner {
        return match &args.register {
            Some(register) => open::inner(register, &mut figures),
            None => Err(usage("--inner needs --register")),
        };
    }
    let wants = |what| args.what.is_none_or(|asked| asked == what);
    let folder = tempfile::Builder::new()
        .prefix("shilu-bench-")
        .tempdir_in(&args.dir);
    let folder = folder.map_err(|error| CliError::io("make a folder in", &args.dir, error))?;
    if wants(What::Http) {
        http::run(
            &folder.path().join("http"),
            args.events.min(400_000),
            &mut figures,
        )?;
    }
    if wants(What::Import) {
        import::run(folder.path(), args.events, &mut figures)?;
    }
    if wants(What::Referrers) {
        referrers::run(&folder.path().join("referrers"), &mut figures)?;
    }
    if [What::Append, What::Rebuild, What::Open, What::Query, What::Verify]
        .into_iter()
        .any(wants)
    {
        let register = match &args.register {
            Some(register) => register.clone(),
            None => {
                let register = folder.path().join("append");
                append::run(&register, args.events, &mut figures)?;
                register
            }
        };
        measure(&register, wants, &mut figures)?;
    }
    if wants(What::Verify) {
        verify::publishing(folder.path(), args.events.min(2_000_000), &mut figures)?;
    }
    if args.keep {
        say(format!("left in {}", folder.keep().display()));
    }
    Ok(())
}

/// What is measured on a register that is there.
fn measure(register: &Path, wants: impl Fn(What) -> bool, figures: &mut Figures) -> Done {
    if wants(What::Open) {
        open::run(register)?;
    }
    if wants(What::Query) {
        query::run(register, figures)?;
    }
    if wants(What::Rebuild) {
        rebuild::run(register, figures)?;
    }
    if wants(What::Verify) {
        verify::run(register, figures)?;
    }
    Ok(())
}

fn usage(problem: &str) -> CliError {
    CliError::Usage {
        problem: problem.to_owned(),
        hint: "see `shilu bench --help`",
    }
}
