//! The thread that publishes: at once when the register was idle, then at a steady pace.

use std::{
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use shilu_log::Log;
use shilu_merkle::SignedCheckpoint;
use shilu_model::Position;
use tokio::sync::watch;
use tracing::{debug_span, error, info, warn};

use super::{files::Files, keys::Keys, publisher::Publisher, witnesses::Witnesses};
use crate::{campaigns::Campaigns, error::EngineError};

/// The pause between two checkpoints: with the work itself, one is out at most a second after an event is durable.
const PACE: Duration = Duration::from_millis(500);

/// Events in one round: the bound on how far a checkpoint may be behind while a load comes in at full speed.
const ROUND_EVENTS_MAX: u64 = 1_000_000;

/// What is published, and what stands in the way of more.
#[derive(Clone, Debug, Default)]
pub struct Publication {
    /// The published checkpoint.
    pub checkpoint: Option<Arc<SignedCheckpoint>>,
    /// The witnesses that were asked last, in the campaign's order.
    pub witnesses: Vec<WitnessState>,
    /// How many of them must cosign.
    pub quorum: usize,
    /// Why nothing newer is published.
    pub trouble: Option<EngineError>,
}

impl Publication {
    /// How many events the published checkpoint covers.
    pub fn size(&self) -> u64 {
        self.checkpoint
            .as_ref()
            .map_or(0, |checkpoint| checkpoint.unchecked().size)
    }
}

/// A witness as it was when it was asked last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessState {
    /// Its name.
    pub name: String,
    /// What was wrong; `None` when it cosigned.
    pub problem: Option<String>,
}

/// How the publishing thread is woken.
#[derive(Default)]
pub(crate) struct Signal {
    state: Mutex<Wanted>,
    woken: Condvar,
}

#[derive(Clone, Copy, Default)]
struct Wanted {
    end: Position,
    /// Up to here somebody waits.
    asked: Position,
    stop: bool,
}

impl Signal {
    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There are events up to here.
    pub fn durable(&self, end: Position) {
        self.lock().end = end;
        self.woken.notify_all();
    }

    /// Somebody waits for what is durable up to here: the pace does not count.
    pub fn ask(&self, end: Position) {
        self.lock().asked = end;
        self.woken.notify_all();
    }

    /// The last round is due.
    pub fn stop(&self) {
        self.lock().stop = true;
        self.woken.notify_all();
    }

    fn wait(&self, until: Option<Instant>, enough: impl Fn(&Wanted) -> bool) -> Wanted {
        let mut state = self.lock();
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if enough(&state) || left.is_some_and(|left| left.is_zero()) {
                return *state;
            }
            state = match left {
                None => self.woken.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    let waited = self.woken.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

/// The state of the publishing thread.
pub(crate) struct Publishing {
    pub dir: PathBuf,
    pub log: Log,
    pub publisher: Publisher,
    /// Held during a round; whoever rotates the key waits for its end.
    pub keys: Arc<Mutex<Option<Keys>>>,
    pub witnesses: Witnesses,
    /// A checkpoint is for the witnesses of the campaign in force at its end.
    pub campaigns: Arc<Campaigns>,
    pub told: watch::Sender<Publication>,
    pub signal: Arc<Signal>,
    /// The changes of the key that no published checkpoint covers yet.
    pub rotated: Arc<Mutex<Vec<Position>>>,
    /// Events that were there before a round could come to them, at the start or while rounds failed. A witness is asked
    /// only once they are covered: else the time of its cosignature would be later than that of events after it, and
    /// those would look as if somebody had dated them back.
    pub backlog: Position,
    /// The key that the log named at the start, for when the file `key` was missing then.
    pub in_force: String,
}

/// What a round that published left to do.
enum Left {
    Nothing,
    More,
}

impl Publishing {
    /// Runs until it is stopped; the last round covers all that is durable then.
    pub fn run(mut self) {
        loop {
            let covered = self.publisher.published().map_or(0, |one| one.unchecked().size);
            // With something left over from a round that failed, the pace alone decides.
            let due = self.log.end().get() > covered;
            let wanted = self
                .signal
                .wait(None, |wanted| wanted.stop || due || wanted.end.get() > covered);
            let tried = self.log.end();
            if tried.get() > covered {
                self.round();
            }
            if wanted.stop {
                return;
            }
            // What was asked for and could not be published waits for the pace like everything else.
            self.signal.wait(Some(Instant::now() + PACE), |wanted| {
                wanted.stop || wanted.asked > tried
            });
        }
    }

    /// One round: all that is durable now is published, or the reason why not is told.
    pub fn round(&mut self) {
        loop {
            let _span = debug_span!("publish", from = self.publisher.size()).entered();
            let published = self.publish();
            let trouble = published.as_ref().err().cloned();
            if trouble.is_some() {
                self.backlog = self.log.end();
            }
            self.tell(trouble);
            if !matches!(published, Ok(Left::More)) {
                return;
            }
        }
    }

    fn publish(&mut self) -> Result<Left, EngineError> {
        let keys = Arc::clone(&self.keys);
        let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: else a key could be replaced in between, and the last checkpoint before the change
        // would pass for the first one after it.
        let end = self.log.end();
        let most = self.publisher.size().saturating_add(ROUND_EVENTS_MAX);
        self.publisher.advance(end.min(Position::new(most)))?;
        let campaign = self.campaigns.at(Position::new(self.publisher.size())).campaign;
        self.witnesses.follow(&campaign)?;
        if !self.witnesses.is_empty() && self.publisher.size() < self.backlog.get() {
            return Ok(Left::More);
        }
        let keys = match &mut *keys {
            Some(keys) => keys,
            // It may have been put back.
            missing => missing.insert(Keys::read(&self.dir, &self.in_force)?),
        };
        let mut checkpoint = self.publisher.sign(keys, !self.witnesses.is_empty())?;
        if !self.witnesses.is_empty() {
            self.witnesses.cosign(&Files::new(&self.dir), &mut checkpoint);
        }
        let size = checkpoint.unchecked().size;
        self.witnesses.check_quorum(&checkpoint)?;
        let mut rotated = self.rotated.lock().unwrap_or_else(PoisonError::into_inner);
        self.publisher.publish(&checkpoint, &rotated)?;
        rotated.retain(|position| position.get() >= size);
        if rotated.is_empty() && keys.old.is_some() {
            Keys::write(&self.dir, [&keys.current])?;
            keys.old = None;
            info!(key = %keys.current.verifier(), "the new key has taken over");
        }
        Ok(if size < end.get() {
            Left::More
        } else {
            Left::Nothing
        })
    }

    /// Tells the world, and the operator where something has changed.
    fn tell(&self, trouble: Option<EngineError>) {
        let witnesses = self.witnesses.states().map(|(name, problem)| WitnessState {
            name: name.to_owned(),
            problem: problem.map(str::to_owned),
        });
        let publication = Publication {
            checkpoint: self.publisher.published().cloned().map(Arc::new),
            witnesses: witnesses.collect(),
            quorum: self.witnesses.quorum(),
            trouble,
        };
        let before = self.told.borrow().clone();
        let code = |one: &Publication| one.trouble.as_ref().map(EngineError::code);
        if let Some(trouble) = publication
            .trouble
            .as_ref()
            .filter(|_| code(&before) != code(&publication))
        {
            error!(error = %trouble, code = trouble.code(), "nothing is published");
        }
        for witness in &publication.witnesses {
            let known = before.witnesses.contains(witness);
            if let Some(problem) = witness.problem.as_ref().filter(|_| !known) {
                warn!(witness = witness.name, problem, "a witness is missing");
            }
        }
        let missing = publication
            .witnesses
            .iter()
            .filter(|witness| witness.problem.is_some())
            .count();
        let number = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        metrics::gauge!("shilu_witnesses_missing").set(number(u64::try_from(missing).unwrap_or(u64::MAX)));
        let behind = self.log.end().get().saturating_sub(publication.size());
        metrics::gauge!("shilu_unpublished_events").set(number(behind));
        self.told.send_replace(publication);
    }
}
