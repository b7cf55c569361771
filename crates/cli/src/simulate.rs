//! `shilu simulate`: an invented campaign, written as a register would have taken it. Its clock is the simulation's, so
//! it can never pass for real.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering, fence},
    },
};

use clap::Args;
use indicatif::ProgressBar;
use shilu_engine::{Answer, Clock, Engine, Init, Options, Pending, projections::campaigns};
use shilu_model::Timestamp;
use shilu_simulator::{Batch, Scale, Simulation, Truth};

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
45,000 residents and 1,500 units, and 300,000 events.

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
pub struct Written {
    /// Events, the one that made the register included.
    pub events: u64,
    /// People who did the work.
    pub actors: usize,
    /// Records by kind.
    pub records: BTreeMap<String, u64>,
    /// A dwelling of which there is much to tell: its key.
    pub eventful: Option<String>,
}

/// Lists that are under way at once: enough to keep decider, disk and fold busy; far fewer than the queue holds.
const UNDER_WAY_MAX: usize = 256;
/// Lists of one submission: its answers wait for each other.
const SUBMISSION_LISTS_MAX: usize = 512;

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

/// Makes a register and writes a campaign into it.
pub fn write(dir: &Path, simulation: Simulation, bar: &ProgressBar) -> Result<Written, CliError> {
    let time = Arc::new(AtomicI64::new(simulation.begins().micros()));
    let own = Arc::clone(&time);
    let clock: Clock = Arc::new(move || Timestamp::from_micros(own.load(Ordering::Acquire)));
    let options = Options {
        clock: Some(clock),
        ..Options::default()
    };
    let campaign = campaigns::named("three-reals").expect("three-reals comes with the program");
    let init = Init {
        campaign,
        actor: "simulator",
        simulated: true,
    };
    Engine::init(dir, &init, &options)?;
    let engine = Engine::open(dir, options)?;
    let mut writing = Writing {
        engine: &engine,
        time: &time,
        under_way: VecDeque::new(),
        written: Written {
            events: 0,
            actors: simulation.actors(),
            records: BTreeMap::new(),
            eventful: None,
        },
        most: 0,
    };
    let filled = writing.fill(simulation, bar);
    let mut written = writing.written;
    written.events = engine.end().get();
    let closed = engine.close();
    filled?;
    closed?;
    Ok(written)
}

/// A campaign on its way into a register.
struct Writing<'a> {
    engine: &'a Engine,
    time: &'a AtomicI64,
    under_way: VecDeque<Pending>,
    written: Written,
    /// How many events the most eventful dwelling has.
    most: u32,
}

impl Writing<'_> {
    fn fill(&mut self, mut simulation: Simulation, bar: &ProgressBar) -> Done {
        let mut lists = Vec::new();
        let mut recorded = simulation.begins();
        while let Some(Batch { recorded: next, list }) = simulation.next() {
            if next != recorded || lists.len() == SUBMISSION_LISTS_MAX {
                self.submit(recorded, std::mem::take(&mut lists))?;
                recorded = next;
                bar.set_position(simulation.progress().0);
            }
            lists.push(list);
        }
        self.submit(recorded, lists)?;
        while let Some(pending) = self.under_way.pop_front() {
            self.take(pending.wait())?;
        }
        Ok(())
    }

    /// Submits lists that the register takes at one time.
    fn submit(&mut self, recorded: Timestamp, lists: Vec<Vec<shilu_model::Command>>) -> Done {
        if lists.is_empty() {
            return Ok(());
        }
        // The writer reads the clock for each list: until it has judged what was submitted before, the clock stands.
        // It counts a submission out after the last reading, so nothing else need be waited for; least of all the disk.
        if self.time.load(Ordering::Relaxed) != recorded.micros() {
            while self.engine.queue_depth() > 0 {
                std::thread::yield_now();
            }
            fence(Ordering::Acquire);
            self.time.store(recorded.micros(), Ordering::Release);
        }
        self.under_way.push_back(self.engine.submit(lists)?);
        match self.under_way.pop_front() {
            Some(oldest) if self.under_way.len() >= UNDER_WAY_MAX => self.take(oldest.wait()),
            Some(oldest) => {
                self.under_way.push_front(oldest);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Looks at answers: all lists are allowed, or the simulation is wrong about the rules.
    fn take(&mut self, answers: Vec<Answer>) -> Done {
        for answer in answers {
            for accepted in answer? {
                let kind = accepted.record.kind();
                if accepted.version == 1 {
                    match self.written.records.get_mut(kind) {
                        Some(count) => *count += 1,
                        None => {
                            self.written.records.insert(kind.to_owned(), 1);
                        }
                    }
                }
                if kind == "dwelling" && accepted.version > self.most {
                    self.most = accepted.version;
                    self.written.eventful = Some(accepted.record.key().to_owned());
                }
            }
        }
        Ok(())
    }
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
            output.line(format!("{}: {}", language.say(Text::Seed), args.seed))?;
        }
    }
    output.flush()
}
