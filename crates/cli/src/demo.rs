//! `shilu demo`: a simulated campaign, served.

use clap::Args;

use crate::{Done, error::CliError};

/// What can be said to `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// Seed of the simulation.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// Runs it.
pub fn run(_args: DemoArgs) -> Done {
    Err(CliError::NotBuilt { what: "demo".to_owned() })
}
