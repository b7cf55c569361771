//! `shilu check-receipt`: what a receipt proves, and what it does not. Needs no register and no network.

mod proof;
#[cfg(test)]
mod tests;
mod words;

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use shilu_engine::bounded;
use shilu_merkle::{RECEIPT_BYTES_MAX, Receipt};

use self::proof::{Proof, Trust};
use super::trusted::{self, Witnesses};
use crate::{
    Done,
    args::SummaryFormat,
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
};

/// `check-receipt`
#[derive(Debug, Args)]
#[command(after_help = "\
Says what the receipt (回执) proves, and what it does not. Exit status 0: proved. 1: refused. 2: it cannot be read.
Take the keys from where they are published, never from whoever hands you the receipt. Without a witness (见证人) the
operator could show somebody else another history.

Examples:
  shilu check-receipt event.tlog-proof --key example.org/village+9f3c2a10+AQ…
  shilu check-receipt - --key VKEY --witness audit.example/w1+1f2e3d4c+BA… --format json < event.tlog-proof")]
pub struct CheckReceiptArgs {
    /// The receipt; - for stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The vkey of the log
    #[arg(long, value_name = "VKEY")]
    pub key: String,
    /// The vkey of a witness; once per witness
    #[arg(long = "witness", value_name = "VKEY")]
    pub witnesses: Vec<String>,
    /// How many of the witnesses must have cosigned; all by default
    #[arg(long, value_name = "N", requires = "witnesses")]
    pub quorum: Option<usize>,
    /// The vkey of the actor: checks the actor's own signature too
    #[arg(long, value_name = "VKEY")]
    pub actor_key: Option<String>,
    /// How to write the answer
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: SummaryFormat,
}

/// Runs it.
pub fn run(args: &CheckReceiptArgs, language: Language) -> Done {
    let trust = trust(args)?;
    let receipt = Receipt::parse(&read(&args.file)?)?;
    let proof = Proof::of(&receipt, &trust)?;
    let mut output = Output::stdout();
    match args.format {
        SummaryFormat::Json => output.line(proof.json())?,
        SummaryFormat::Table => {
            for line in words::lines(&proof, language) {
                output.line(line)?;
            }
        }
    }
    output.flush()?;
    if proof.simulated {
        say(format!(
            "{}: {}",
            language.say(Text::Note),
            language.say(Text::Simulated)
        ));
    }
    Ok(())
}

/// What the caller believes.
fn trust(args: &CheckReceiptArgs) -> Result<Trust, CliError> {
    let Witnesses { keys, quorum } = Witnesses::read(&args.witnesses, args.quorum)?;
    Ok(Trust {
        log: trusted::key(&args.key)?,
        witnesses: keys,
        quorum,
        actor: args.actor_key.as_deref().map(trusted::key).transpose()?,
    })
}

/// Reads a file, and no more of it than a receipt may have.
fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let bytes = match path.as_os_str() == "-" {
        true => bounded::read_from(io::stdin(), RECEIPT_BYTES_MAX),
        false => bounded::read(path, RECEIPT_BYTES_MAX),
    };
    bytes.map_err(|error| CliError::io("read", path, error))
}
