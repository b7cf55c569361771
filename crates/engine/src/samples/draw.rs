//! Drawing: the first published checkpoint at or after the announced time is stored with the sample, once. The draw
//! itself follows from it and is stored nowhere.

use std::{
    thread,
    time::{Duration, Instant},
};

use shilu_merkle::SignedCheckpoint;
use shilu_model::{
    Command, Deed, Origin, OwnedValue, Position, Rejection, SAMPLE_CHECKPOINT, SAMPLE_REVEALED, Since,
};

use super::{
    drawing::{cosigned_after, entropy},
    error::SampleError,
    listing::Sample,
    told::{Told, record_of},
};
use crate::{engine::Engine, error::EngineError, evidence::Because};

/// How long a draw waits for a checkpoint: publishing takes a second, a slow witness two.
const CHECKPOINT_WAIT_MAX: Duration = Duration::from_secs(10);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Engine {
    /// Draws a sample, at its announced time or later. One that is drawn is given as it is.
    ///
    /// The seed comes from the published checkpoint, which must cover an event that was recorded at the announced time or
    /// later; where there is none yet, a confirmation of the announcement is such an event. Where the campaign has
    /// witnesses, enough of them must have cosigned at that time or later.
    ///
    /// # Errors
    /// `NO_RECORD`, `DRAW_NOT_DUE`, `REVEAL_MISSING`, `REVEAL_WRONG`, `NOT_PUBLISHED`, and what [`Engine::submit`] says.
    pub fn draw(
        &self,
        id: &str,
        revealed: Option<&str>,
        because: Because<'_>,
    ) -> Result<Sample, EngineError> {
        let told = self.told(id, self.read().end())?;
        if told.checkpoint.is_some() {
            return self.sample(id);
        }
        let record = record_of(id)?;
        let now = self.now();
        if now < told.draw_at {
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
        entropy(id, &told.entropy, revealed)?;
        let note = self.first_checkpoint(&told, because)?;
        let text = |field: &str, text: &str| (field.to_owned(), Some(OwnedValue::Text(text.to_owned())));
        let mut fields = vec![text(SAMPLE_CHECKPOINT, &note.to_string())];
        fields.extend(revealed.map(|revealed| text(SAMPLE_REVEALED, revealed)));
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
        match sample.draw.as_ref().map(|draw| draw.problem.clone()) {
            None => Err(SampleError::NoDraw { id: id.to_owned() }.into()),
            Some(Some(problem)) => {
                let id = id.to_owned();
                Err(SampleError::DrawInvalid { id, problem }.into())
            }
            Some(None) => Ok(sample),
        }
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
