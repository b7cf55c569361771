//! The fold thread: takes durable commits in order, folds them, answers those who wait, and saves now and then.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, mpsc::Receiver},
};

use shilu_log::{Committed, Log, LogError, Outcome};
use shilu_model::{Event, Position, decode};
use shilu_projections::Projections;
use tokio::sync::watch;
use tracing::{debug_span, error, trace};

use crate::{
    campaigns::{Campaigns, named_by},
    engine::Trouble,
    error::EngineError,
    reply::Place,
    saved,
};

/// Events between two saves: after a crash at most so many are folded again, which takes some seconds.
const SAVE_EVERY_EVENTS: u64 = 5_000_000;

/// What the fold thread is told.
pub(crate) enum News {
    /// What became of lists.
    Outcome(Outcome<Place>),
    /// A list that repeats events up to this position: it is answered when they are folded.
    Repeated(Place, Position),
}

/// The state of the fold thread.
pub(crate) struct Folding {
    pub dir: PathBuf,
    pub log: Log,
    pub campaigns: Arc<Campaigns>,
    pub projections: Arc<RwLock<Projections>>,
    pub folded: watch::Sender<Position>,
    pub saved: Position,
    pub repeated: Vec<(Place, Position)>,
    pub trouble: Trouble,
}

impl Folding {
    /// Runs until the log's writer has ended; then saves what is not saved yet.
    pub fn run(mut self, news: &Receiver<News>) -> Result<(), EngineError> {
        let mut failed = None;
        while let Ok(news) = news.recv() {
            match news {
                News::Outcome(Outcome::Durable(commit)) => self.fold(commit),
                News::Outcome(Outcome::Failed { payloads, error }) => {
                    let poisoned = EngineError::from(LogError::Poisoned { cause: error });
                    *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(poisoned.clone());
                    for place in payloads {
                        place.reply.give(place.index, Err(poisoned.clone()));
                    }
                    failed = Some(poisoned);
                }
                News::Repeated(place, last) => self.repeated.push((place, last)),
            }
            self.answer_repeated(failed.as_ref());
        }
        self.save()
    }

    fn answer_repeated(&mut self, failed: Option<&EngineError>) {
        let end = *self.folded.borrow();
        let answered = |(_, last): &mut (Place, Position)| *last < end || failed.is_some();
        for (place, last) in self.repeated.extract_if(.., answered) {
            let answer = match failed {
                Some(failed) if last >= end => Err(failed.clone()),
                _ => Ok(place.accepted),
            };
            place.reply.give(place.index, answer);
        }
    }

    fn fold(&mut self, commit: Committed<Place>) {
        let Committed {
            first,
            events,
            payloads,
            bytes,
            sync_time,
        } = commit;
        let _span = debug_span!("fold", first = first.get(), events = events.len()).entered();
        metrics::histogram!("shilu_commit_events")
            .record(f64::from(u32::try_from(events.len()).unwrap_or(u32::MAX)));
        metrics::histogram!("shilu_commit_bytes").record(f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)));
        metrics::histogram!("shilu_sync_seconds").record(sync_time.as_secs_f64());
        trace!(bytes, ?sync_time, "committed");
        let decoded: Vec<_> = events
            .iter()
            .map(|event| decode(event).expect("the writer thread encoded it"))
            .collect();
        // What a change of the campaign moves is reckoned with the records as they are then.
        for events in decoded.split_inclusive(|event| named_by(event).is_some()) {
            self.fold_era(events);
        }
        let end = first.plus(u64::try_from(decoded.len()).unwrap_or(u64::MAX));
        self.folded.send_replace(end);
        for Place {
            reply,
            index,
            accepted,
        } in payloads
        {
            reply.give(index, Ok(accepted));
        }
        if end.get() - self.saved.get() >= SAVE_EVERY_EVENTS
            && let Err(error) = self.save()
        {
            // Nothing is lost: what is not saved is folded again at the next start.
            error!(%error, "cannot save the projections");
            self.saved = end;
        }
    }

    /// Folds events of which at most the last changes the campaign.
    fn fold_era(&self, events: &[Event<'_>]) {
        let slots: Vec<_> = {
            let mut projections = self.projections.write().unwrap_or_else(PoisonError::into_inner);
            let subjects = &mut projections.subjects;
            let slots = events.iter().map(|event| subjects.apply(event)).collect();
            if let Some(event) = events.last().filter(|event| named_by(event).is_some()) {
                let from = event.position.next();
                subjects.begin_era(from, self.campaigns.at(from).campaign);
            }
            slots
        };
        // From here on the writer thread may read the records again.
        let projections = self.projections.read().unwrap_or_else(PoisonError::into_inner);
        projections.follow(events, &slots);
    }

    fn save(&mut self) -> Result<(), EngineError> {
        self.projections
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .settle();
        let projections = self.projections.read().unwrap_or_else(PoisonError::into_inner);
        if projections.end() > self.saved {
            saved::save(&self.dir, &projections, &self.log)?;
            self.saved = projections.end();
        }
        Ok(())
    }
}
