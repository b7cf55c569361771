//! One open register: its threads, its clock, and the way in for commands. Questions are in `ask.rs`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
};

use shilu_log::Log;
use shilu_merkle::{Hash, SignedCheckpoint, Tree, VerifierKey};
use shilu_model::{Campaign, Class, Command, Event, Position, Timestamp, decode, setting};
use shilu_projections::Projections;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::{
    campaigns::Campaigns,
    clock::{self, Clock},
    error::EngineError,
    evidence::{Because, Files, Keys, Publication, Publisher, Publishing, Signal, Witnesses},
    folder::{self, ClockKind, Init},
    folding::{Folding, News},
    intervals::Intervals,
    plates::Plates,
    randomness::{Randomness, fresh_id},
    reading::Reading,
    reply::{Pending, Reply},
    samples::Cache,
    saved,
    writing::{Configure, InFlight, Job, Setting, Writing},
};

/// A handle on an open register; cheap to clone, safe to share. Only one process at a time has a register open.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub campaigns: Arc<Campaigns>,
    pub log: Log,
    pub projections: Arc<RwLock<Projections>>,
    pub folded: watch::Receiver<Position>,
    pub clock: Clock,
    pub dir: PathBuf,
    pub publication: watch::Receiver<Publication>,
    pub keys: Arc<Mutex<Option<Keys>>>,
    pub rotated: Arc<Mutex<Vec<Position>>>,
    pub signal: Arc<Signal>,
    pub info: Info,
    pub samples: Cache,
    pub intervals: Intervals,
    queue: SyncSender<Job>,
    queued: Arc<AtomicUsize>,
    trouble: Trouble,
    threads: Mutex<Option<Threads>>,
    stopping: Arc<AtomicBool>,
}

/// Why nothing more is written: damage that the background check found, or a commit that failed.
pub(crate) type Trouble = Arc<Mutex<Option<EngineError>>>;

impl Drop for Shared {
    /// A register that nobody holds any more is not published for ever, nor kept from being opened again.
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.signal.stop();
    }
}

struct Threads {
    writing: JoinHandle<Result<(), EngineError>>,
    folding: JoinHandle<Result<(), EngineError>>,
    publishing: Option<JoinHandle<()>>,
}

/// How a register is opened.
#[derive(Clone, Default)]
pub struct Options {
    /// The clock. Without it the system's; on a simulated register one that goes on from the last event.
    pub clock: Option<Clock>,
    /// Where ids come from, and the key that `init` makes; without it, and for every register with a real clock, the
    /// system's randomness.
    pub random: Option<Randomness>,
    /// How the log is opened.
    pub log: shilu_log::Options,
    /// Whether a thread reads and checks the whole log in the background: for registers that stay open.
    pub scrub: bool,
    /// Publishes nothing, for measuring what publishing costs.
    pub unpublished: bool,
}

/// What a register is.
#[derive(Clone, Debug)]
pub struct Info {
    /// The log's name; ends in `/simulated` on a simulated clock.
    pub origin: String,
    /// Whether its clock is simulated.
    pub simulated: bool,
}

/// Submissions that may wait. A full queue pushes back: 64 connections with one each stay far below it, and a
/// thousand short lists are decided in milliseconds.
const QUEUE_MAX: usize = 1_024;

/// Commits that may wait to be folded, so that a slow fold holds the writer back instead of filling the memory.
const UNFOLDED_COMMITS_MAX: usize = 16;

impl Engine {
    /// Makes a register in a folder that is empty or not there yet.
    ///
    /// # Errors
    /// `BAD_VALUE` of the actor, `BAD_CAMPAIGN`, `PERSONAL_NOT_PROTECTED`, `NOT_EMPTY`, `IO`, and what the log says.
    pub fn init(dir: &Path, init: &Init<'_>, options: &Options) -> Result<(), EngineError> {
        let clock = options.clock.clone().unwrap_or_else(clock::system);
        let random = options.random.as_ref().filter(|_| init.simulated);
        let now = clock();
        folder::create(
            dir,
            init,
            (now, fresh_id(random, now)),
            random,
            options.log.clone(),
        )
    }

    /// Opens a register: recovers the log, loads the saved projections, folds what they lack, starts the threads.
    ///
    /// # Errors
    /// `NOT_A_REGISTER`, `REGISTER_IN_USE`, `LOG_DAMAGED`, `IO`.
    pub fn open(dir: &Path, options: Options) -> Result<Engine, EngineError> {
        let Opened {
            file,
            log,
            campaigns,
            mut projections,
        } = open_log(dir, &options, true)?;
        let saved_end = projections.end();
        saved::catch_up(&mut projections, (dir, &campaigns), &log, log.end(), |_| ())?;
        let simulated = file.clock == ClockKind::Simulated;
        let clock = options.clock.unwrap_or_else(|| match simulated {
            true => clock::simulated(projections.last_recorded()),
            false => clock::system(),
        });
        info!(
            events = log.end().get(),
            origin = file.origin,
            "opened the register"
        );

        let (folded_sender, folded) = watch::channel(projections.end());
        let in_flight = InFlight::new(&projections);
        let evidence = start_evidence(dir, &log, &campaigns, &projections, &file, options.unpublished)?;
        let projections = Arc::new(RwLock::new(projections));
        let (tell, news) = sync_channel(UNFOLDED_COMMITS_MAX);
        let outcomes_in = tell.clone();
        let writer = log.writer(move |outcome| {
            // The fold thread ends only after the writer.
            let _ = outcomes_in.send(News::Outcome(outcome));
        })?;
        let trouble = Trouble::default();
        let folding = Folding {
            trouble: Arc::clone(&trouble),
            dir: dir.to_owned(),
            log: log.clone(),
            campaigns: Arc::clone(&campaigns),
            projections: Arc::clone(&projections),
            folded: folded_sender,
            saved: saved_end,
            repeated: Vec::new(),
        };
        let (queue, jobs) = sync_channel(QUEUE_MAX);
        let queued = Arc::new(AtomicUsize::new(0));
        let writing = Writing {
            campaign: campaigns.at(log.end()).campaign,
            campaigns: Arc::clone(&campaigns),
            clock: Arc::clone(&clock),
            log: log.clone(),
            projections: Arc::clone(&projections),
            writer,
            tell,
            in_flight,
            plates: Plates::default(),
            queued: Arc::clone(&queued),
            fresh_id: {
                let random = options.random.filter(|_| simulated);
                let clock = Arc::clone(&clock);
                Box::new(move || fresh_id(random.as_ref(), clock()))
            },
            rehearsing: false,
        };
        let threads = Threads {
            writing: spawn("shilu-writer", move || writing.run(&jobs))?,
            folding: spawn(
                "shilu-fold",
                guarded(Arc::clone(&trouble), move || folding.run(&news)),
            )?,
            publishing: evidence.thread,
        };
        let stopping = Arc::new(AtomicBool::new(false));
        if options.scrub {
            scrub(
                log.clone(),
                evidence.signed,
                Arc::clone(&trouble),
                Arc::clone(&stopping),
            )?;
        }
        let info = Info {
            origin: file.origin,
            simulated,
        };
        let threads = Mutex::new(Some(threads));
        let shared = Shared {
            campaigns,
            log,
            projections,
            folded,
            clock,
            dir: dir.to_owned(),
            publication: evidence.publication,
            keys: evidence.keys,
            rotated: evidence.rotated,
            signal: evidence.signal,
            info,
            samples: Cache::default(),
            intervals: Intervals::default(),
            queue,
            queued,
            trouble,
            threads,
            stopping,
        };
        Ok(Engine {
            shared: Arc::new(shared),
        })
    }

    /// Takes no more commands, commits and folds what was taken, saves the projections. Later calls do nothing.
    ///
    /// # Errors
    /// What the log said last, or `IO` where the projections could not be saved; nothing is lost by the latter.
    pub fn close(&self) -> Result<(), EngineError> {
        let threads = self
            .shared
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(threads) = threads else { return Ok(()) };
        self.shared.stopping.store(true, Ordering::Relaxed);
        // A writer thread that has gone away cannot be told; joining it tells why.
        let _ = self.shared.queue.send(Job::Stop);
        let join = |thread: JoinHandle<Result<(), EngineError>>| match thread.join() {
            Ok(result) => result,
            Err(_) => Err(EngineError::Stopping),
        };
        let written = join(threads.writing);
        let folded = join(threads.folding);
        self.shared.signal.stop();
        let published = threads
            .publishing
            .map_or(Ok(()), |thread| thread.join().map_err(|_| EngineError::Stopping));
        written.and(folded).and(published)
    }

    /// The campaign in force.
    pub fn campaign(&self) -> Arc<Campaign> {
        self.campaign_at(*self.shared.folded.borrow())
    }

    /// The campaign in force as known at a position: the one by which the event there is judged.
    pub(crate) fn campaign_at(&self, known_end: Position) -> Arc<Campaign> {
        self.shared.campaigns.at(known_end).campaign
    }

    /// What the register is.
    pub fn info(&self) -> &Info {
        &self.shared.info
    }

    /// The time by the register's clock, and never before its last event.
    pub fn now(&self) -> Timestamp {
        (self.shared.clock)().max(self.read().last_recorded())
    }

    /// The position after the last durable event.
    pub fn end(&self) -> Position {
        self.shared.log.end()
    }

    /// The position up to which the projections have come; changes are signalled.
    pub fn folded(&self) -> watch::Receiver<Position> {
        self.shared.folded.clone()
    }

    /// How many submissions wait in the queue.
    pub fn queue_depth(&self) -> usize {
        self.shared.queued.load(Ordering::Relaxed)
    }

    /// Whether a command could be taken now, as far as can be told without one.
    ///
    /// # Errors
    /// `LOG_DAMAGED`, `WRITER_POISONED`, `CLOCK_BEHIND`, `STOPPING`.
    pub fn writable(&self) -> Result<(), EngineError> {
        if let Some(trouble) = self.trouble() {
            return Err(trouble);
        }
        if self
            .shared
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
        {
            return Err(EngineError::Stopping);
        }
        let projections = self.read();
        let (clock, last) = ((self.shared.clock)(), projections.last_recorded());
        let accepted = projections
            .trail()
            .settings
            .text(setting::CLOCK_ACCEPTED)
            .and_then(|text| Timestamp::parse(text).ok());
        if clock.plus_micros(clock::BEHIND_MICROS_MAX) < last && accepted != Some(last) {
            return Err(EngineError::ClockBehind { clock, last });
        }
        Ok(())
    }

    /// Submits lists; each is atomic and independent of the others. Blocks while the queue is full.
    ///
    /// # Errors
    /// `STOPPING`, `LOG_DAMAGED`. What becomes of each list is in the answers.
    pub fn submit(&self, lists: Vec<Vec<Command>>) -> Result<Pending, EngineError> {
        let (reply, pending) = self.reply(lists.len())?;
        self.enqueue(Job::Lists(lists, reply)).map(|()| pending)
    }

    /// From now on nothing is written: lists are judged, each after those before it, and answered as if they had been
    /// taken; queries know nothing of them. There is no way back but to open the register again.
    ///
    /// # Errors
    /// `STOPPING`, `LOG_DAMAGED`.
    pub fn rehearse(&self) -> Result<(), EngineError> {
        self.enqueue(Job::Rehearse)
    }

    /// As [`Engine::submit`], but `QUEUE_FULL` instead of blocking.
    ///
    /// # Errors
    /// `QUEUE_FULL`, `STOPPING`, `LOG_DAMAGED`.
    pub fn try_submit(&self, lists: Vec<Vec<Command>>) -> Result<Pending, EngineError> {
        let (reply, pending) = self.reply(lists.len())?;
        self.shared.queued.fetch_add(1, Ordering::Relaxed);
        let refused = match self.shared.queue.try_send(Job::Lists(lists, reply)) {
            Ok(()) => return Ok(pending),
            Err(TrySendError::Full(_)) => EngineError::QueueFull,
            Err(TrySendError::Disconnected(_)) => EngineError::Stopping,
        };
        self.shared.queued.fetch_sub(1, Ordering::Relaxed);
        Err(refused)
    }

    /// Accepts, as an event, that the clock is behind the last event: writing goes on, with that event's recorded
    /// time until the clock has caught up.
    ///
    /// # Errors
    /// `CLOCK_NOT_BEHIND`, and what [`Engine::submit`] says.
    pub fn accept_clock(&self, actor: &str, reason: &str) -> Result<(), EngineError> {
        self.set(Setting::ClockAccepted, Because { actor, reason })
            .map(drop)
    }

    /// Changes a setting, as an event; returns its position once it is durable and folded.
    pub(crate) fn configure(
        &self,
        name: &str,
        after: Option<String>,
        because: Because<'_>,
    ) -> Result<Position, EngineError> {
        self.set(Setting::To(name.to_owned(), after), because)
    }

    pub(crate) fn set(&self, setting: Setting, because: Because<'_>) -> Result<Position, EngineError> {
        because.check()?;
        let (reply, pending) = self.reply(1)?;
        let taken = Arc::new(OnceLock::new());
        let configure = Configure {
            setting,
            actor: because.actor.to_owned(),
            reason: because.reason.to_owned(),
            taken: Arc::clone(&taken),
        };
        self.enqueue(Job::Configure(configure, reply))?;
        pending
            .wait()
            .into_iter()
            .try_for_each(|answer| answer.map(drop))?;
        taken.get().copied().ok_or(EngineError::Stopping)
    }

    fn trouble(&self) -> Option<EngineError> {
        self.shared
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn reply(&self, lists: usize) -> Result<(Arc<Reply>, Pending), EngineError> {
        // A writer that failed refuses for itself; damage elsewhere in the log is news to it.
        match self.trouble().filter(|trouble| trouble.class() == Class::Broken) {
            Some(trouble) => Err(trouble),
            None => Ok(Reply::new(lists)),
        }
    }

    fn enqueue(&self, job: Job) -> Result<(), EngineError> {
        self.shared.queued.fetch_add(1, Ordering::Relaxed);
        self.shared.queue.send(job).map_err(|_| {
            self.shared.queued.fetch_sub(1, Ordering::Relaxed);
            EngineError::Stopping
        })
    }

    /// The projections, for a moment. Never twice at a time in one thread: between the two the fold may ask to write, and
    /// then neither goes on.
    pub(crate) fn read(&self) -> Reading<'_> {
        Reading::of(&self.shared.projections)
    }
}

pub(crate) struct Opened {
    file: folder::RegisterFile,
    pub log: Log,
    pub campaigns: Arc<Campaigns>,
    pub projections: Projections,
}

pub(crate) fn open_log(dir: &Path, options: &Options, load: bool) -> Result<Opened, EngineError> {
    let file = folder::read_register_file(dir)?;
    let log = Log::open(dir, options.log.clone())?;
    let first = log
        .read(Position::ZERO)?
        .ok_or_else(|| EngineError::NotARegister {
            path: dir.to_owned(),
            problem: "its log is empty".to_owned(),
        })?;
    let first: Event<'_> = decode(&first).map_err(|error| EngineError::Undecodable {
        position: Position::ZERO,
        problem: error.to_string(),
    })?;
    let attached = folder::load_campaign(dir, &file, &first)?;
    let campaign = Arc::clone(&attached.campaign);
    let campaigns = Arc::new(Campaigns::new(attached));
    let saved = if load {
        saved::load(dir, &campaign, &log)
    } else {
        None
    };
    let mut projections = saved.unwrap_or_else(|| Projections::new(campaign));
    campaigns.recall(dir, &log, &mut projections)?;
    Ok(Opened {
        file,
        log,
        campaigns,
        projections,
    })
}

fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, EngineError> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder
        .spawn(run)
        .map_err(|error| EngineError::io("start the thread", name, error))
}

/// Reads and checks the whole log in the background, and that it is what was signed; damage stops writing.
fn scrub(
    log: Log,
    signed: Option<SignedCheckpoint>,
    trouble: Trouble,
    stopping: Arc<AtomicBool>,
) -> Result<(), EngineError> {
    let check = move || {
        let mut tree = Tree::default();
        let mut events = 0u64;
        let mut signed = signed
            .as_ref()
            .map(|signed| signed.unchecked())
            .filter(|signed| signed.size > 0);
        for chunk in log.scan_verified(Position::ZERO, log.end()) {
            if stopping.load(Ordering::Relaxed) {
                return Ok(None);
            }
            for (_, bytes) in chunk?.iter() {
                events += 1;
                let Some(said) = signed else { continue };
                tree.push(Hash::leaf(bytes));
                if tree.size() == said.size {
                    signed = None;
                    if tree.root() != said.root {
                        let (position, size) = (None, said.size);
                        return Err(EngineError::NotAsSigned { position, size });
                    }
                }
            }
        }
        Ok(Some(events))
    };
    spawn("shilu-scrub", move || match check() {
        Ok(None) => {}
        Ok(Some(events)) => info!(events, "checked the log"),
        Err(found) => {
            error!(error = %found, code = found.code(), "the log is damaged: writing stops");
            *trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        }
    })
    .map(drop)
}

/// What an open register has of its evidence.
struct Evidence {
    thread: Option<JoinHandle<()>>,
    publication: watch::Receiver<Publication>,
    keys: Arc<Mutex<Option<Keys>>>,
    rotated: Arc<Mutex<Vec<Position>>>,
    signal: Arc<Signal>,
    /// What was signed last, published or not.
    signed: Option<SignedCheckpoint>,
}

/// Compares the log with what was signed last, and starts the thread that publishes.
fn start_evidence(
    dir: &Path,
    log: &Log,
    campaigns: &Arc<Campaigns>,
    projections: &Projections,
    file: &folder::RegisterFile,
    unpublished: bool,
) -> Result<Evidence, EngineError> {
    let in_force = projections
        .trail()
        .settings
        .text(setting::KEY)
        .unwrap_or_default()
        .to_owned();
    let named = [in_force.as_str(), &file.public_key];
    let (publisher, rotations) = Publisher::open(dir, log, &file.origin, &named)?;
    let mut keys = Keys::read(dir, &in_force);
    match &mut keys {
        // A crash came between the first checkpoint after a change of the key and the end of the old key.
        Ok(keys) if keys.old.is_some() && rotations.is_empty() => {
            Keys::write(dir, [&keys.current])?;
            keys.old = None;
        }
        Ok(_) => {}
        // Where nothing is published, nothing would be signed.
        Err(_) if unpublished => {}
        Err(error) => error!(%error, code = error.code(), "nothing will be signed"),
    }
    if file.public_key != in_force
        && let Ok(key) = VerifierKey::parse(&in_force)
    {
        folder::renew_register_file(dir, &key)?;
    }
    // What is not put right now is tried again with the next checkpoint, and told then.
    if !unpublished && let Err(error) = Files::new(dir).copy_attachments() {
        warn!(%error, code = error.code(), "the mirror lacks campaigns or register.toml");
    }
    let trouble = keys.as_ref().err().cloned();
    let (keys, rotated) = (Arc::new(Mutex::new(keys.ok())), Arc::new(Mutex::new(rotations)));
    let signed = publisher.signed().cloned();
    let signal = Arc::new(Signal::default());
    let campaign = campaigns.at(log.end()).campaign;
    let (told, publication) = watch::channel(Publication {
        checkpoint: publisher.published().cloned().map(Arc::new),
        quorum: campaign.quorum,
        trouble,
        ..Publication::default()
    });
    let publishing = Publishing {
        dir: dir.to_owned(),
        log: log.clone(),
        publisher,
        keys: Arc::clone(&keys),
        witnesses: Witnesses::of(&campaign)?,
        campaigns: Arc::clone(campaigns),
        told,
        signal: Arc::clone(&signal),
        rotated: Arc::clone(&rotated),
        backlog: log.end(),
        in_force,
    };
    let thread = if unpublished {
        None
    } else {
        let wake = Arc::clone(&signal);
        log.subscribe(Box::new(move |end| wake.durable(end)));
        Some(spawn("shilu-publish", move || publishing.run())?)
    };
    Ok(Evidence {
        thread,
        publication,
        keys,
        rotated,
        signal,
        signed,
    })
}

/// A fold that panics stops writing too: nobody could be answered any more.
fn guarded(
    trouble: Trouble,
    fold: impl FnOnce() -> Result<(), EngineError>,
) -> impl FnOnce() -> Result<(), EngineError> {
    move || {
        catch_unwind(AssertUnwindSafe(fold)).unwrap_or_else(|_| {
            error!("the thread that folds has failed: writing stops");
            *trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(EngineError::FoldFailed);
            Err(EngineError::FoldFailed)
        })
    }
}
