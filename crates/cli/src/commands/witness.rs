//! `shilu witness`: cosigns the checkpoints of other registers, until SIGTERM or Ctrl-C.

use std::path::{Path, PathBuf};

use clap::Args;
use shilu_merkle::VerifierKey;
use shilu_service::{KnownLog, Witness, WitnessError, check_witness_address, serve_witness};

use super::serve::{bind, log_to_stderr, until_stopped};
use crate::{
    Done,
    args::LogFormat,
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
};

/// `witness`
#[derive(Debug, Args)]
#[command(after_help = "\
A witness (见证人) remembers the last checkpoint of each log and cosigns only what continues it, so that nobody can
rewrite a log, or show two people two histories, unseen. The first run makes DIR and its key; the name is for ever.
Never restore DIR from a copy: a witness that forgot is none.

Examples:
  shilu witness w1 --name audit.example/w1 --print-key
  shilu witness w1 --log example.org/village+9f3c2a10+AQ… --listen 127.0.0.1:7500
  shilu witness w1 --print-logs

The first line on stdout is `listening on http://ADDR`; port 0 takes a free one.")]
pub struct WitnessArgs {
    /// The witness's folder
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The witness's name, on its first run
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The vkey of a log to cosign from now on; once per key
    #[arg(long = "log", value_name = "VKEY")]
    pub logs: Vec<String>,
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: String,
    /// Print the witness's own vkey and end
    #[arg(long, conflicts_with_all = ["print_logs", "listen"])]
    pub print_key: bool,
    /// Print the logs that it knows, with the size cosigned last, and end
    #[arg(long, conflicts_with_all = ["name", "logs", "listen"])]
    pub print_logs: bool,
    /// How log lines are written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// Runs it.
pub fn run(args: &WitnessArgs, verbose: u8, language: Language) -> Done {
    log_to_stderr(args.log_format, verbose, "info");
    let logs = args
        .logs
        .iter()
        .map(|vkey| super::trusted::key(vkey))
        .collect::<Result<Vec<_>, _>>()?;
    if args.print_key {
        return print_key(&args.dir, args.name.as_deref(), &logs);
    }
    if args.print_logs {
        return print_logs(&args.dir);
    }
    // First what can be refused without making a folder.
    let listener = bind(&args.listen, |address| {
        check_witness_address(address).map_err(CliError::from)
    })?;
    let witness = Witness::open(&args.dir, args.name.as_deref(), &logs)?;
    introduce(&witness, language);
    until_stopped(
        &args.dir,
        listener,
        |_, _| Ok(()),
        |listener, shutdown| serve_witness(witness, listener, shutdown),
    )
}

fn introduce(witness: &Witness, language: Language) {
    say(format!("{}: {}", language.say(Text::Witness), witness.key()));
    let logs = witness.logs();
    for log in &logs {
        match &log.last {
            Ok(_) => say(format!("{}: {}", language.say(Text::Log), shown(log))),
            Err(problem) => tracing::error!(
                problem,
                "what was cosigned last is not known: nothing is cosigned for {}",
                shown(log)
            ),
        }
    }
    if logs.is_empty() {
        say(format!(
            "{}: {}",
            language.say(Text::Note),
            language.say(Text::NoLogs)
        ));
    }
}

/// A log on one line: its keys, and the size cosigned last.
fn shown(log: &KnownLog) -> String {
    let keys: Vec<_> = log.keys.iter().map(ToString::to_string).collect();
    let size = match &log.last {
        Ok(last) => last.as_ref().map_or(0, |last| last.size).to_string(),
        Err(_) => "?".to_owned(),
    };
    format!("{} {size}", keys.join(" "))
}

fn print_key(dir: &Path, name: Option<&str>, logs: &[VerifierKey]) -> Done {
    // A witness that runs has its folder to itself; its key can be read all the same.
    let known = if name.is_none() && logs.is_empty() {
        shilu_service::witness_key(dir)?
    } else {
        None
    };
    let key = match known {
        Some(key) => key,
        None => Witness::open(dir, name, logs)?.key().clone(),
    };
    let mut output = Output::stdout();
    output.line(key)?;
    output.flush()
}

fn print_logs(dir: &Path) -> Done {
    if shilu_service::witness_key(dir)?.is_none() {
        let (dir, problem) = (dir.to_owned(), "it has no key");
        return Err(WitnessError::NotAWitness { dir, problem }.into());
    }
    let mut output = Output::stdout();
    for log in shilu_service::witness_logs(dir)? {
        output.line(shown(&log))?;
    }
    output.flush()
}
