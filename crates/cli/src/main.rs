//! `shilu`: the command line. Asks a register in a folder or a running server, alike; imports and exports files.
//!
//! stdout is data, stderr is progress and hints. Exit 0, 1 (refused) or 2 (usage, or it cannot be parsed).

mod args;
mod bench;
mod commands;
mod demo;
mod error;
mod export;
mod format;
mod import;
mod messages;
mod output;
mod progress;
mod register;
mod simulate;
mod table;
mod template;
mod wire;

use std::process::ExitCode;

use clap::Parser;

/// Commands are made in one thread, judged in a second and answered in a third.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use crate::{args::Args, error::CliError, messages::Language};

fn main() -> ExitCode {
    let args = Args::parse();
    let language = Language::choose(args.lang);
    match commands::run(args, language) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.report(language);
            ExitCode::from(error.exit())
        }
    }
}

/// What every command gives back.
type Done = Result<(), CliError>;
