//! `shilu demo`: the simulated campaign in a temporary register, served.

use clap::Args;
use shilu_simulator::{Options, Scale, Simulation};

use crate::{
    Done,
    commands::serve,
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
    progress, simulate,
};

/// What can be said to `demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shilu demo
  shilu demo --listen 127.0.0.1:0 --seed 7

As `shilu simulate` at scale 1: a campaign with its samples and some 3,300 visits, in a temporary folder that goes when the demonstration stops.
Everybody and everything in it is invented, and its clock is simulated.")]
pub struct DemoArgs {
    /// Where to listen; port 0 takes any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// Seed of everything invented
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// Runs it.
pub fn run(args: &DemoArgs, language: Language) -> Done {
    // First what can be refused at once: the campaign takes seconds.
    let listener = serve::loopback(&args.listen)?;
    let folder = tempfile::Builder::new()
        .prefix("shilu-demo-")
        .tempdir()
        .map_err(|source| CliError::io("make a folder in", std::env::temp_dir(), source))?;
    let dir = folder.path().join("register");
    let options = Options {
        seed: args.seed,
        scale: Scale::ONE,
    };
    let simulation = Simulation::new(options);
    let bar = progress::items(language.say(Text::Simulating), simulation.progress().1);
    let written = simulate::write(&dir, simulation, &bar)?;
    bar.finish_and_clear();
    let (demonstration, events) = (language.say(Text::Demonstration), language.say(Text::Events));
    say(format!(
        "{demonstration}: {} ({events}: {})",
        dir.display(),
        written.events
    ));
    say(format!(
        "{}: {}",
        language.say(Text::Note),
        language.say(Text::Simulated)
    ));
    let dwelling = written.eventful.unwrap_or_default();
    serve::open_and_serve(&dir, listener, |address, output: &mut Output| {
        output.line("try:")?;
        output.line(format!(
            "  curl 'http://{address}/api/v1/records/dwelling/{dwelling}/history'"
        ))?;
        output.line(format!(
            "  curl 'http://{address}/api/v1/changes?action=correct&field=use&limit=5'"
        ))?;
        output.line(format!(
            "  curl 'http://{address}/api/v1/rates?as_of=2015-06-30&area=330604006215'"
        ))?;
        output.flush()
    })
}
