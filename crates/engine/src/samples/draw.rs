//! Drawing: a published checkpoint that covers the announced time is stored with the sample, once, and what was revealed,
//! then or later. The draw itself follows from them and from the log, and is stored nowhere.

use std::{
    thread,
    time::{Duration, Instant},
};

use shilu_merkle::SignedCheckpoint;
use shilu_model::{
    Command, Deed, Origin, OwnedValue, Position, Rejection, SAMPLE_CHECKPOINT, SAMPLE_REVEALED,
    SAMPLE_WITNESSED, Since,
};

use super::{
    drawing::{cosigned_after, cosigned_before, entropy},
    error::SampleError,
    listing::Sample,
    told::{Told, record_of},
};
use crate::{engine::Engine, error::EngineError, evidence::Because};

/// How long a draw waits for a checkpoint: publishing takes a second, a slow witness two.
pub(super) const CHECKPOINT_WAIT_MAX: Duration = Duration::from_secs(10);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Engine {
    /// Draws a sample, at its announced time or later. One that is drawn is given as it is.
    ///
    /// The seed comes from the first checkpoint at or after the announced time: it ends with the first event that was
    /// recorded then; where there is none yet, a confirmation of the announcement is such an event. A published checkpoint
    /// that covers it is held with the sample. Where the campaign has witnesses, enough of them must have cosigned that at
    /// the announced time or later, and one with the announcement before.
    ///
    /// Without what the announcement names, the checkpoint alone is held: so it is there before anybody knows the rest. The
    /// sample then waits, and is drawn once that is revealed.
    ///
    /// # Errors
    /// `NO_RECORD`, `DRAW_NOT_DUE`, `REVEAL_WRONG`, `NOT_WITNESSED`, `NOT_PUBLISHED`, and what [`Engine::submit`] says.
    pub fn draw(
        &self,
        id: &str,
        revealed: Option<&str>,
        because: Because<'_>,
    ) -> Result<Sample, EngineError> {
        let told = self.told_now(id)?;
        if told.checkpoint.is_some() && !told.is_waiting() {
            return self.sample(id);
        }
        let record = record_of(id)?;
        let now = self.now();
        if now < told.draw_at {
            self.witness(&told, because, Duration::ZERO)?;
            let rejection = Rejection::DrawNotDue {
                field: SAMPLE_CHECKPOINT.to_owned(),
                draw_at: told.draw_at,
                recorded: now,
            };
            let index = None;
            return Err(EngineError::Rejected {
                index,
                record,
                rejection,
            });
        }
        let revealed = revealed.map(str::trim).filter(|text| !text.is_empty());
        if revealed.is_some() || told.is_steerable() {
            entropy(id, &told.entropy, revealed)?;
        }
        let text = |field: &str, text: &str| (field.to_owned(), Some(OwnedValue::Text(text.to_owned())));
        let mut fields = Vec::new();
        if told.checkpoint.is_none() {
            if let Err(problem) = self.witnessed(&told)? {
                let id = id.to_owned();
                return Err(SampleError::NotWitnessed { id, problem }.into());
            }
            let note = self.first_checkpoint(&told, because)?;
            fields.push(text(SAMPLE_CHECKPOINT, &note.to_string()));
        }
        fields.extend(revealed.map(|revealed| text(SAMPLE_REVEALED, revealed)));
        if fields.is_empty() {
            return self.sample(id);
        }
        match self.one(on_sample(&told, fields, because)?) {
            Err(EngineError::Rejected {
                rejection: Rejection::SampleFixed { .. },
                ..
            }) => {
                // Somebody else was quicker: theirs is the draw.
            }
            answer => drop(answer?),
        }
        let sample = self.sample(id)?;
        match sample.draw.as_ref().and_then(|draw| draw.problem.clone()) {
            Some(problem) => {
                let id = id.to_owned();
                Err(SampleError::DrawInvalid { id, problem }.into())
            }
            None => Ok(sample),
        }
    }

    /// Holds with a sample that enough witnesses know its announcement, as soon as a checkpoint that they cosigned is
    /// published. It must be before the time of the draw; nothing is done twice.
    pub(super) fn witness(
        &self,
        told: &Told,
        because: Because<'_>,
        patience: Duration,
    ) -> Result<(), EngineError> {
        if told.campaign.quorum == 0 || told.witnessed.is_some() {
            return Ok(());
        }
        let begun = Instant::now();
        while self.now() < told.draw_at {
            let published = self.shared.publication.borrow().checkpoint.clone();
            let covers = |note: &SignedCheckpoint| note.unchecked().size > told.position.get();
            if let Some(note) = published.filter(|note| covers(note)) {
                if cosigned_before(told, &note).is_err() {
                    // Those that come now are cosigned later still.
                    break;
                }
                let note = OwnedValue::Text(note.to_string());
                let field = (SAMPLE_WITNESSED.to_owned(), Some(note));
                return match self.one(on_sample(told, vec![field], because)?) {
                    Err(EngineError::Rejected {
                        rejection: Rejection::SampleFixed { .. },
                        ..
                    }) => Ok(()),
                    answer => answer.map(drop),
                };
            }
            if begun.elapsed() >= patience {
                break;
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// The published checkpoint, once it covers an event of the announced time or later.
    fn first_checkpoint(&self, told: &Told, because: Because<'_>) -> Result<SignedCheckpoint, EngineError> {
        let last = Position::new(self.end().get().saturating_sub(1));
        if self.stored(last)?.event().recorded < told.draw_at {
            self.one(on_sample(told, Vec::new(), because)?)?;
        }
        self.shared.signal.ask(self.end());
        let begun = Instant::now();
        loop {
            let published = self.shared.publication.borrow().checkpoint.clone();
            if let Some(checkpoint) = published {
                let size = checkpoint.unchecked().size;
                let last = Position::new(size.saturating_sub(1));
                if size > told.position.get()
                    && self.stored(last)?.event().recorded >= told.draw_at
                    && cosigned_after(told, &checkpoint).is_ok()
                {
                    return Ok((*checkpoint).clone());
                }
            }
            if begun.elapsed() > CHECKPOINT_WAIT_MAX {
                let trouble = self.shared.publication.borrow().trouble.clone();
                let position = told.position;
                return Err(trouble.unwrap_or(EngineError::NotPublished { position }));
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

/// A command that adds to a sample.
pub(super) fn on_sample(
    told: &Told,
    fields: Vec<(String, Option<OwnedValue>)>,
    because: Because<'_>,
) -> Result<Command, EngineError> {
    Ok(Command {
        id: None,
        record: record_of(&told.id)?,
        deed: Deed::Collect(fields),
        actor: because.actor.to_owned(),
        effective: Since::Recorded,
        device: None,
        reason: Some(because.reason.to_owned()).filter(|reason| !reason.is_empty()),
        source: Origin::Field,
        visit: None,
        expected_version: None,
        cause: None,
        signature: None,
    })
}
