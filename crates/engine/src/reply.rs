//! Replies: the answers to a submission, gathered as its lists become durable.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use shilu_model::{EventId, Position, RecordName, Timestamp};
use tokio::sync::oneshot;

use crate::error::EngineError;

/// A command that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Where its event stands.
    pub position: Position,
    /// The event's id.
    pub id: EventId,
    /// The record.
    pub record: RecordName,
    /// How many events the record has with this one.
    pub version: u32,
    /// When it was recorded.
    pub recorded: Timestamp,
    /// Whether it had been taken before, and this was a safe retry.
    pub repeated: bool,
}

/// The answer to one list.
pub type Answer = Result<Vec<Accepted>, EngineError>;

/// The answers to a submission, one per list and in their order, once all are durable and folded: whoever has an
/// answer sees it in every query.
#[derive(Debug)]
pub struct Pending {
    answers: oneshot::Receiver<Vec<Answer>>,
    lists: usize,
}

impl Pending {
    /// Blocks until the answers are there. Not for async code, which awaits instead.
    pub fn wait(self) -> Vec<Answer> {
        self.answers
            .blocking_recv()
            .unwrap_or_else(|_| vec![Err(EngineError::Stopping); self.lists])
    }
}

impl Future for Pending {
    type Output = Vec<Answer>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answers = Pin::new(&mut self.answers).poll(context);
        answers.map(|answers| answers.unwrap_or_else(|_| vec![Err(EngineError::Stopping); self.lists]))
    }
}

/// Where the answers of one submission are gathered.
pub(crate) struct Reply {
    answers: Mutex<Vec<Option<Answer>>>,
    missing: AtomicUsize,
    sender: Mutex<Option<oneshot::Sender<Vec<Answer>>>>,
}

/// One list's place in the reply.
pub(crate) struct Place {
    pub reply: Arc<Reply>,
    pub index: usize,
    pub accepted: Vec<Accepted>,
}

impl Reply {
    pub fn new(lists: usize) -> (Arc<Self>, Pending) {
        let (sender, answers) = oneshot::channel();
        let reply = Reply {
            answers: Mutex::new(vec![None; lists]),
            missing: AtomicUsize::new(lists),
            sender: Mutex::new(Some(sender)),
        };
        (Arc::new(reply), Pending { answers, lists })
    }

    /// Gives one list's answer; the last one sends them all.
    pub fn give(&self, index: usize, answer: Answer) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = answers.get_mut(index) {
            *place = Some(answer);
        }
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            let all = std::mem::take(&mut *answers);
            let all = all
                .into_iter()
                .map(|answer| answer.unwrap_or(Err(EngineError::Stopping)))
                .collect();
            if let Some(sender) = self.sender.lock().unwrap_or_else(PoisonError::into_inner).take() {
                // Whoever asked may have gone away; the events are durable all the same.
                let _ = sender.send(all);
            }
        }
    }
}
