//! `shilu check-receipt`: what a receipt proves, and what it does not. Needs no register and no network.

mod proof;
#[cfg(test)]
mod tests;
mod words;

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use shilu_merkle::{Algorithm, EvidenceError, RECEIPT_BYTES_MAX, Receipt, VerifierKey};

use self::proof::{Proof, Trust};
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

/// What the caller believes: the keys, each of its kind, and how many witnesses are enough.
fn trust(args: &CheckReceiptArgs) -> Result<Trust, CliError> {
    let mut witnesses: Vec<VerifierKey> = Vec::new();
    for vkey in &args.witnesses {
        let witness = key(
            vkey,
            Algorithm::Cosignature,
            "it is not a witness's key, which --witness takes",
        )?;
        // The signature does not cover the name: one key under two names is one witness.
        if witnesses.iter().any(|other| other.bytes() == witness.bytes()) {
            return Err(CliError::Usage {
                problem: format!(
                    "{} is named twice, or has the key of another witness",
                    witness.name()
                ),
                hint: "name each witness once",
            });
        }
        witnesses.push(witness);
    }
    let quorum = args.quorum.unwrap_or(witnesses.len());
    if quorum > witnesses.len() {
        return Err(CliError::Usage {
            problem: format!(
                "--quorum {quorum} asks for more than the {} witnesses named",
                witnesses.len()
            ),
            hint: "name more witnesses with --witness, or ask for fewer",
        });
    }
    let actor = args.actor_key.as_deref();
    Ok(Trust {
        log: key(
            &args.key,
            Algorithm::Ed25519,
            "it is a witness's key, and --key takes the log's",
        )?,
        witnesses,
        quorum,
        actor: actor
            .map(|vkey| {
                key(
                    vkey,
                    Algorithm::Ed25519,
                    "it is a witness's key, and --actor-key takes an actor's",
                )
            })
            .transpose()?,
    })
}

fn key(vkey: &str, algorithm: Algorithm, problem: &'static str) -> Result<VerifierKey, CliError> {
    let key = VerifierKey::parse(vkey)?;
    if key.algorithm() == algorithm {
        Ok(key)
    } else {
        Err(EvidenceError::BadKey { problem }.into())
    }
}

/// Reads a file, and no more of it than a receipt may have.
fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let failed = |error| CliError::io("read", path, error);
    let from: &mut dyn Read = if path.as_os_str() == "-" {
        &mut io::stdin()
    } else {
        &mut File::open(path).map_err(failed)?
    };
    let mut bytes = Vec::new();
    let room = u64::try_from(RECEIPT_BYTES_MAX).unwrap_or(u64::MAX);
    from.take(room.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}
