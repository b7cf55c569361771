//! The commands, one file each.

mod accept_clock;
mod backup;
mod behind;
mod blame;
mod campaign;
mod changes;
pub mod check_receipt;
mod completions;
mod diff;
mod event_rows;
mod figures;
mod history;
mod init;
pub mod key;
pub mod plates;
mod rankings;
mod rebuild;
mod receipt;
pub mod sample;
pub mod serve;
mod show;
#[cfg(test)]
mod testing;
mod trusted;
pub mod verify;
pub mod witness;

use crate::{
    Done,
    args::{Args, AtArgs, Command, SourceArgs},
    bench, demo, export, import,
    messages::Language,
    register::{Query, Register},
    simulate, template,
};

/// Runs what the command line asks for.
pub fn run(args: Args, language: Language) -> Done {
    let verbose = args.verbose;
    match args.command {
        Command::Serve(args) => serve::run(&args, verbose),
        Command::Witness(args) => witness::run(&args, verbose, language),
        command => {
            serve::log_to_stderr(crate::args::LogFormat::Text, verbose, "warn");
            match command {
                Command::Init(args) => init::run(&args, language),
                Command::Campaign(args) => campaign::run(&args, language),
                Command::Serve(args) => serve::run(&args, verbose),
                Command::Witness(args) => witness::run(&args, verbose, language),
                Command::Key(args) => key::run(&args, language),
                Command::CheckReceipt(args) => check_receipt::run(&args, language),
                Command::Import(args) => import::run(&args, language),
                Command::Export(args) => export::run(&args, language),
                Command::Template(args) => template::run(&args, language),
                Command::Plates(args) => plates::run(&args, language),
                Command::Show(args) => show::run(&args, language),
                Command::History(args) => history::run(&args, language),
                Command::Blame(args) => blame::run(&args, language),
                Command::Changes(args) => changes::run(&args, language),
                Command::Diff(args) => diff::run(&args, language),
                Command::Counts(args) => figures::counts(&args, language),
                Command::Rates(args) => figures::rates(&args, language),
                Command::Evidence(args) => behind::evidence(&args, language),
                Command::Reconcile(args) => behind::reconcile(&args, language),
                Command::Rankings(args) => rankings::run(&args, language),
                Command::Sample(args) => sample::run(&args, language),
                Command::Rebuild(args) => rebuild::run(&args, language),
                Command::Verify(args) => verify::run(&args, language),
                Command::Receipt(args) => receipt::run(&args, language),
                Command::Backup(args) => backup::backup(&args, language),
                Command::Restore(args) => backup::restore(&args, language),
                Command::AcceptClock(args) => accept_clock::run(&args, language),
                Command::Bench(args) => bench::run(&args),
                Command::Demo(args) => demo::run(&args, language),
                Command::Simulate(args) => simulate::run(&args, language),
                Command::Completions { shell } => completions::run(shell),
            }
        }
    }
}

/// Opens the register, asks it, closes it.
fn ask(source: &SourceArgs, language: Language, question: impl FnOnce(&Register) -> Done) -> Done {
    let register = Register::open(source, language)?;
    let result = question(&register);
    let closed = register.close();
    result.and(closed)
}

/// The two times as query parameters.
fn at(args: &AtArgs) -> Query {
    Query::default()
        .with("as_of", args.as_of.clone())
        .with("effective", args.effective.clone())
}

/// The address of a record.
fn record_path(record: &str) -> Result<String, crate::error::CliError> {
    let name = shilu_model::RecordName::parse(record).map_err(|error| crate::error::CliError::Usage {
        problem: error.to_string(),
        hint: "write KIND/KEY, such as street/110101001",
    })?;
    let segment = crate::register::segment;
    Ok(format!(
        "/api/v1/records/{}/{}",
        segment(name.kind()),
        segment(name.key())
    ))
}
