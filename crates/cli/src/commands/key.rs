//! `shilu key`: keys, and what is signed with them.

mod normal_form;
mod register;
mod sign;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use shilu_merkle::Algorithm;

use crate::{
    Done,
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
};

/// `key`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Without a command it shows the register's public key (vkey): write it down outside the register.\n\nExamples:\n  shilu key --data reg\n  shilu key rotate --data reg --as zhang --reason \"the laptop was stolen\"\n  shilu key new --actor wang\n  shilu key admit wang+9f3c2a10+AQ… --data reg --as zhang --reason \"her tablet\""
)]
pub struct KeyArgs {
    /// What to do
    #[command(subcommand)]
    pub command: Option<KeyCommand>,
    /// The register's folder
    #[arg(long, value_name = "DIR", env = "SHILU_DATA")]
    pub data: Option<PathBuf>,
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make the key of an actor's device (签名密钥)
    New(NewArgs),
    /// Sign commands as an actor (签名)
    Sign(sign::SignArgs),
    /// Replace the register's signing key, as an event (更换)
    Rotate(register::RotateArgs),
    /// Admit an actor's public key, as an event
    Admit(register::ActorKeyArgs),
    /// Withdraw an actor's public key, as an event
    Withdraw(register::ActorKeyArgs),
}

/// `key new`
#[derive(Debug, Args)]
#[command(
    after_help = "The file is for its owner alone (mode 0600) and never overwritten. stdout has the vkey, which may be known to all:\nwhoever keeps the register gives it to the actor there.\n\nExample:\n  shilu key new --actor zhang --out zhang.key"
)]
pub struct NewArgs {
    /// The actor (人员) who signs with it
    #[arg(long, value_name = "NAME")]
    pub actor: String,
    /// The key's file; NAME.key by default
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: &KeyArgs, language: Language) -> Done {
    match (&args.command, &args.data) {
        (Some(KeyCommand::New(args)), _) => new(args, language),
        (Some(KeyCommand::Sign(args)), _) => sign::run(args, language),
        (Some(KeyCommand::Rotate(args)), _) => register::rotate(args, language),
        (Some(KeyCommand::Admit(args)), _) => register::admit(args, language),
        (Some(KeyCommand::Withdraw(args)), _) => register::withdraw(args, language),
        (None, Some(data)) => register::show(data),
        (None, None) => Err(CliError::Usage {
            problem: "no register is named, and no command".to_owned(),
            hint: "show a register's key with --data DIR, or see `shilu key --help`",
        }),
    }
}

fn new(args: &NewArgs, language: Language) -> Done {
    let path = match &args.out {
        Some(path) => path.clone(),
        None if args.actor.contains('/') || args.actor.starts_with('.') => {
            return Err(CliError::Usage {
                problem: format!("{} is no name of a file", args.actor),
                hint: "name the key's file with --out",
            });
        }
        None => PathBuf::from(format!("{}.key", args.actor)),
    };
    let key = shilu_service::fresh_key(&args.actor, Algorithm::Ed25519)?;
    shilu_service::create_key_file(&path, &key)?;
    say(format!("{}: {}", language.say(Text::KeyMade), path.display()));
    let mut output = Output::stdout();
    output.line(key.verifier())?;
    output.flush()
}
