//! `shilu bench`: every figure with its ratio to a limit measured in the same run.

use clap::Args;

use crate::{Done, error::CliError};

/// What can be said to `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// append, http, import, rebuild, open, query or verify; all of them without it.
    #[arg(value_name = "WHAT")]
    pub what: Option<String>,
    /// How many events.
    #[arg(long, value_name = "N")]
    pub events: Option<u64>,
}

/// Runs it.
pub fn run(_args: BenchArgs) -> Done {
    Err(CliError::NotBuilt { what: "bench".to_owned() })
}
