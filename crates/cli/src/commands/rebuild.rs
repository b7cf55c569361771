//! `shilu rebuild`: folds every projection anew from the log, and compares.

use serde_json::json;
use shilu_engine::{Compared, Engine, Options, log::Position};

use crate::{
    Done,
    args::{RebuildArgs, SummaryFormat},
    error::CliError,
    messages::{Language, Text},
    output::Output,
    progress,
    table::Table,
};

/// Runs it. Refused (exit 1) where a saved projection differs from the rebuilt one.
pub fn run(args: &RebuildArgs, language: Language) -> Done {
    let bar = progress::items(language.say(Text::Rebuilding), 0);
    let rebuilt = Engine::rebuild(&args.data, &Options::default(), |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let rebuilt = rebuilt?;
    let mut output = Output::stdout();
    match args.format {
        SummaryFormat::Json => {
            let projections = rebuilt.files.iter().map(|file| {
                let at = file.at.map(Position::get);
                json!({ "name": file.name, "at": at, "same": file.same })
            });
            let projections: Vec<_> = projections.collect();
            output.line(json!({ "events": rebuilt.events, "projections": projections }))?;
        }
        SummaryFormat::Table => {
            let mut table = Table::new([language.say(Text::Projection), language.say(Text::Saved)]);
            for Compared { name, same, .. } in &rebuilt.files {
                let word = match same {
                    Some(true) => Text::Yes,
                    Some(false) => Text::No,
                    None => Text::NoneSaved,
                };
                table.push([name.clone(), language.say(word).to_owned()]);
            }
            for line in table.lines(None) {
                output.line(line)?;
            }
            output.line(format!("{}: {}", language.say(Text::Events), rebuilt.events))?;
        }
    }
    output.flush()?;
    if rebuilt.first_wrong().is_some() {
        Err(CliError::Said)
    } else {
        Ok(())
    }
}
