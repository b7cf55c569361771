//! `shilu simulate`: an invented campaign, written as a register would have taken it. Its clock is the simulation's, so
//! it can never pass for real.

mod draws;
#[cfg(test)]
mod tests;
mod writing;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use shilu_simulator::{Scale, Simulation, Truth};

pub use writing::write;

use crate::{
    Done,
    args::SummaryFormat,
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
    progress,
    table::Table,
};

/// What can be said to `simulate`.
#[derive(Debug, Args)]
#[command(after_help = "\
The three-reals campaign (一标三实) of April to June 2015 in fifteen villages. Everybody and
everything in it is invented from the seed: the same seed and scale make the same events. The
register's clock is simulated, and says so everywhere. At scale 1 there are about 20,000 dwellings,
45,000 residents and 1,500 units, and 300,000 events. Samples are announced, drawn and visited as
an office would; their sizes do not grow with the scale. The key comes from the seed too.

Examples:
  shilu simulate reg
  shilu simulate reg --scale 0.1 --seed 7 --truth truth.jsonl
  shilu serve --data reg")]
pub struct SimulateArgs {
    /// A new or empty folder
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// How large: 0.01 to 100, at most three decimals
    #[arg(long, value_name = "N", default_value_t = Scale::ONE)]
    pub scale: Scale,
    /// Seed of everything invented
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Write what is really so, as JSON Lines: every address, dwelling, resident, unit and worker, from when until when
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// How to write the summary
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: SummaryFormat,
}

/// What was written.
#[derive(Default)]
pub struct Written {
    /// Events, the one that made the register included.
    pub events: u64,
    /// People who did the work.
    pub actors: usize,
    /// Records by kind.
    pub records: BTreeMap<String, u64>,
    /// Samples that were announced, drawn or not.
    pub samples: usize,
    /// Visits to what was drawn, each attempt counted.
    pub visits: u64,
    /// A dwelling of which there is much to tell: its key.
    pub eventful: Option<String>,
}

/// Runs it.
pub fn run(args: &SimulateArgs, language: Language) -> Done {
    let options = shilu_simulator::Options {
        seed: args.seed,
        scale: args.scale,
    };
    let simulation = Simulation::new(options);
    let truth = simulation.truth();
    let bar = progress::items(language.say(Text::Simulating), simulation.progress().1);
    let written = write(&args.dir, simulation, &bar)?;
    bar.finish_and_clear();
    if let Some(path) = &args.truth {
        write_truth(path, &truth)?;
        say(format!(
            "{}: {}",
            language.say(Text::TruthWritten),
            path.display()
        ));
    }
    say(format!("{}: {}", language.say(Text::Made), args.dir.display()));
    say(format!(
        "{}: {}",
        language.say(Text::Note),
        language.say(Text::Simulated)
    ));
    summarise(args, &written, language)
}

fn write_truth(path: &Path, truth: &Truth) -> Done {
    let fail = |error| CliError::io("write", path, error);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    let mut file = BufWriter::new(File::create(path).map_err(fail)?);
    for row in truth.rows() {
        let line = serde_json::to_string(&row).map_err(|error| fail(error.into()))?;
        writeln!(file, "{line}").map_err(fail)?;
    }
    file.flush().map_err(fail)
}

fn summarise(args: &SimulateArgs, written: &Written, language: Language) -> Done {
    let mut output = Output::stdout();
    match args.format {
        SummaryFormat::Json => {
            output.line(serde_json::json!({
                "events": written.events,
                "seed": args.seed,
                "scale": args.scale.to_string(),
                "actors": written.actors,
                "samples": written.samples,
                "visits": written.visits,
                "records": written.records,
            }))?;
        }
        SummaryFormat::Table => {
            let mut table = Table::new([language.say(Text::Kind), language.say(Text::Records)]);
            for (kind, count) in &written.records {
                table.push([kind.clone(), count.to_string()]);
            }
            for line in table.lines(None) {
                output.line(line)?;
            }
            output.line(format!("{}: {}", language.say(Text::Events), written.events))?;
            output.line(format!("{}: {}", language.say(Text::Staff), written.actors))?;
            output.line(format!("{}: {}", language.say(Text::Samples), written.samples))?;
            output.line(format!("{}: {}", language.say(Text::Visits), written.visits))?;
            output.line(format!("{}: {}", language.say(Text::Seed), args.seed))?;
        }
    }
    output.flush()
}
