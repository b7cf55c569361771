//! `shilu sample assign`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{ActorArgs, path, post, raw, shape::Assigned};
use crate::{
    Done,
    args::{FormatArg, SourceArgs},
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
    table::{Table, terminal_width},
    wire,
};

/// `sample assign`
#[derive(Debug, Args)]
#[command(after_help = "\
The file has one actor,area,team on each line; the first line may say so. Nobody visits an area in which they, or anybody
of their team, work. One visit in ten is checked again by a third person. Given once, the file stays as it is.

Example:
  shilu sample assign rooms-1 --verifiers crew.csv --data reg --as zhang")]
pub struct AssignArgs {
    /// The sample's id
    #[arg(value_name = "ID")]
    pub id: String,
    /// Who may visit, as CSV: actor,area,team
    #[arg(long, value_name = "FILE")]
    pub verifiers: PathBuf,
    /// Who, and why
    #[command(flatten)]
    pub actor: ActorArgs,
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// How
    #[command(flatten)]
    pub format: FormatArg,
}

/// Runs it.
pub fn run(args: &AssignArgs, language: Language) -> Done {
    let verifiers = std::fs::read_to_string(&args.verifiers)
        .map_err(|error| CliError::io("read", &args.verifiers, error))?;
    let verifiers = verifiers.trim_start_matches('\u{feff}');
    let body = json!({
        "actor": args.actor.actor, "reason": args.actor.reason, "verifiers": verifiers,
    });
    post(
        &args.source,
        language,
        (&path(&args.id, "/verifiers"), &body),
        |register, answer| {
            if raw(args.format, answer)? {
                return Ok(());
            }
            let assigned: Assigned = wire::read(answer, register.from())?;
            let columns = [Text::Verifier, Text::Record, Text::Area, Text::Recheck];
            let mut table = Table::new(columns.map(|text| language.say(text)));
            let mut visits = assigned.visits;
            visits.sort_by(|a, b| (&a.verifier, &a.record).cmp(&(&b.verifier, &b.record)));
            for visit in visits {
                table.push([
                    visit.verifier,
                    visit.record,
                    visit.area,
                    visit.recheck.unwrap_or_default(),
                ]);
            }
            let mut output = Output::stdout();
            for line in table.lines(terminal_width()) {
                output.line(line)?;
            }
            for notice in &assigned.notices {
                say(format!("{}: {notice}", language.say(Text::Note)));
            }
            output.flush()
        },
    )
}
