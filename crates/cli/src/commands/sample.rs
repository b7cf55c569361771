//! `shilu sample`: samples nobody can steer, from the announcement to the result.

mod announce;
mod assign;
mod check;
mod draw;
mod list;
mod shape;
mod shown;
mod visit;

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::{
    Done,
    args::{Format, FormatArg, SourceArgs},
    error::CliError,
    messages::Language,
    output::Output,
    register::{Register, segment},
};

/// `sample`
#[derive(Debug, Args)]
#[command(after_help = "\
Announce, publish, draw, visit, count. The announcement freezes what is drawn from and what is compared; the seed is known
to nobody before the announced time; whoever has the published files draws the same records.

Examples:
  shilu sample announce 2015-06-rooms --indicator core-unit-accuracy --size 30 --draw-at 2015-06-02T09:00:00+08:00 \\
      --entropy \"public:3D lottery 2015093\" --data reg --as zhang
  shilu sample draw 2015-06-rooms --revealed 471 --data reg --as zhang
  shilu sample assign 2015-06-rooms --verifiers crew.csv --data reg --as zhang
  shilu sample visit 2015-06-rooms unit/0012 --outcome present --saw name=利民 --saw trade=shop --data reg --as wen
  shilu sample result 2015-06-rooms --data reg
  shilu sample check 2015-06-rooms --published copy --key VKEY")]
pub struct SampleArgs {
    /// What to do
    #[command(subcommand)]
    pub command: SampleCommand,
}

/// What can be done with samples.
#[derive(Debug, Subcommand)]
pub enum SampleCommand {
    /// Announce a sample (公布抽查)
    Announce(announce::AnnounceArgs),
    /// Draw it at its time or later (抽取)
    Draw(draw::DrawArgs),
    /// Draw it again from the log, or from published files alone (复算)
    Check(check::CheckArgs),
    /// Say who may visit; the seed says who visits what (分派)
    Assign(assign::AssignArgs),
    /// Enter a visit, blind (走访)
    Visit(visit::VisitArgs),
    /// What was drawn and what the visits give (结果)
    Result(shown::ResultArgs),
    /// Every sample that was announced (列表)
    List(list::ListArgs),
}

/// Who acts, and why.
#[derive(Debug, Args)]
pub struct ActorArgs {
    /// Who acts
    #[arg(long = "as", value_name = "ACTOR")]
    pub actor: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Runs it.
pub fn run(args: &SampleArgs, language: Language) -> Done {
    match &args.command {
        SampleCommand::Announce(args) => announce::run(args, language),
        SampleCommand::Draw(args) => draw::run(args, language),
        SampleCommand::Check(args) => check::run(args, language),
        SampleCommand::Assign(args) => assign::run(args, language),
        SampleCommand::Visit(args) => visit::run(args, language),
        SampleCommand::Result(args) => shown::run(args, language),
        SampleCommand::List(args) => list::run(args, language),
    }
}

/// The address of a sample, or of something below it.
fn path(id: &str, below: &str) -> String {
    format!("/api/v1/samples/{}{below}", segment(id))
}

/// Posts to a register, and hands the answer on.
fn post(
    source: &SourceArgs,
    language: Language,
    (path, body): (&str, &Value),
    show: impl FnOnce(&Register, &[u8]) -> Done,
) -> Done {
    super::ask(source, language, |register| {
        let answer = register.post(path, body)?;
        show(register, &answer)
    })
}

/// Writes an answer as it came, if a machine's format was asked for. True if it was.
fn raw(format: FormatArg, answer: &[u8]) -> Result<bool, CliError> {
    match format.format {
        Format::Table => Ok(false),
        Format::Json | Format::Jsonl => {
            let mut output = Output::stdout();
            output.bytes(answer)?;
            output.line("")?;
            output.flush()?;
            Ok(true)
        }
        Format::Csv => Err(CliError::Usage {
            problem: "this answer is no list".to_owned(),
            hint: "use --format table or --format json",
        }),
    }
}
