//! `shilu completions`: completions for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{Done, args::Args, output::Output};

/// Runs it.
pub fn run(shell: Shell) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "shilu", &mut script);
    let mut output = Output::stdout();
    output.bytes(&script)?;
    output.flush()
}
