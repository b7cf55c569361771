//! Writing a simulated campaign through an open register: its clock is set to what comes next, a list or a step of a draw.

use std::{
    collections::{BTreeSet, VecDeque},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering, fence},
    },
};

use indicatif::ProgressBar;
use shilu_engine::{Answer, Clock, Engine, Init, Options, Pending, Randomness, projections::campaigns};
use shilu_model::{Command, Deed, Timestamp};
use shilu_simulator::{Batch, Random, Simulation};

use super::{Written, draws::Draws};
use crate::{Done, error::CliError};

/// Lists that are under way at once: enough to keep decider, disk and fold busy; far fewer than the queue holds.
const UNDER_WAY_MAX: usize = 256;
/// Lists of one submission: its answers wait for each other.
const SUBMISSION_LISTS_MAX: usize = 512;

/// The stream of the seed that the register's ids and key come from; those below are the simulation's own.
const REGISTER_STREAM: u64 = 100;

/// Makes a register and writes a campaign into it.
pub fn write(dir: &Path, simulation: Simulation, bar: &ProgressBar) -> Result<Written, CliError> {
    let time = Arc::new(AtomicI64::new(simulation.begins().micros()));
    let own = Arc::clone(&time);
    let clock: Clock = Arc::new(move || Timestamp::from_micros(own.load(Ordering::Acquire)));
    let options = Options {
        clock: Some(clock),
        random: Some(randomness(simulation.seed())),
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
            ..Written::default()
        },
        most: 0,
        corrected: BTreeSet::new(),
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
pub(super) struct Writing<'a> {
    pub engine: &'a Engine,
    time: &'a AtomicI64,
    under_way: VecDeque<Pending>,
    pub written: Written,
    /// How many events the most eventful dwelling has.
    most: u32,
    /// Dwellings of which something was corrected: their history tells most.
    corrected: BTreeSet<String>,
}

impl Writing<'_> {
    fn fill(&mut self, mut simulation: Simulation, bar: &ProgressBar) -> Done {
        let mut lists = Vec::new();
        let mut recorded = simulation.begins();
        let mut draws = Draws::of(&simulation);
        while let Some(Batch { recorded: next, list }) = simulation.next() {
            // What is due between two lists comes between them.
            while draws.next_at().is_some_and(|due| due <= next) {
                self.submit(recorded, std::mem::take(&mut lists))?;
                draws.step(self, &mut simulation)?;
            }
            if next != recorded || lists.len() == SUBMISSION_LISTS_MAX {
                self.submit(recorded, std::mem::take(&mut lists))?;
                recorded = next;
                bar.set_position(simulation.progress().0);
            }
            lists.push(list);
        }
        self.submit(recorded, lists)?;
        while draws.next_at().is_some() {
            draws.step(self, &mut simulation)?;
        }
        self.settle()
    }

    /// Waits until everything that was submitted is durable and folded.
    pub fn settle(&mut self) -> Done {
        while let Some(pending) = self.under_way.pop_front() {
            self.take(pending.wait())?;
        }
        Ok(())
    }

    /// Submits lists that the register takes at one time.
    fn submit(&mut self, recorded: Timestamp, lists: Vec<Vec<Command>>) -> Done {
        if lists.is_empty() {
            return Ok(());
        }
        let corrected = lists.iter().flatten().filter(|command| {
            matches!(command.deed, Deed::Correct(_)) && command.record.kind() == "dwelling"
        });
        self.corrected
            .extend(corrected.map(|command| command.record.key().to_owned()));
        self.set_clock(recorded);
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

    /// The register's time is this one from now on.
    pub fn set_clock(&self, now: Timestamp) {
        // The writer reads the clock for each list: until it has judged what was submitted before, the clock stands.
        // It counts a submission out after the last reading, so nothing else need be waited for; least of all the disk.
        if self.time.load(Ordering::Relaxed) != now.micros() {
            while self.engine.queue_depth() > 0 {
                std::thread::yield_now();
            }
            fence(Ordering::Acquire);
            self.time.store(now.micros(), Ordering::Release);
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
                let told = kind == "dwelling" && accepted.version > self.most;
                if told && self.corrected.contains(accepted.record.key()) {
                    self.most = accepted.version;
                    self.written.eventful = Some(accepted.record.key().to_owned());
                }
            }
        }
        Ok(())
    }
}

/// The register's ids and its key, from the seed: the same seed makes the same log.
fn randomness(seed: u64) -> Randomness {
    let random = Mutex::new(Random::new(seed, REGISTER_STREAM));
    Arc::new(move || {
        let mut random = random.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = [0; 32];
        for part in bytes.chunks_exact_mut(8) {
            part.copy_from_slice(&random.next().to_le_bytes());
        }
        bytes
    })
}
