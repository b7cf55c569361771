//! The way back: the command that an event says it was, so that `decide` can judge it again.

use std::sync::Arc;

use super::{Check, Command, CommandSignature, Correction, Deed, Origin, Reason, Since};
use crate::{
    event::{Action, Because, Event, Observed, Source, Stated, Verdict},
    id::RecordName,
    value::Value,
};

impl Command {
    /// The command behind an event: decided again at the event's position and recorded time, on the events before it
    /// and with the event's id as the fresh one, it gives the same event. `None` for an event on the register itself,
    /// and where no command could have become this event.
    pub fn behind(event: &Event<'_>) -> Option<Command> {
        let stated = |bits| event.stated.has(bits);
        let effective = match (stated(Stated::EFFECTIVE), stated(Stated::ORIGIN)) {
            (true, true) => return None,
            (true, false) => Since::At(event.effective),
            (false, true) => Since::Origin,
            (false, false) => Since::Recorded,
        };
        let signature = match event.signature {
            None => None,
            Some(signature) => Some(CommandSignature {
                key_id: signature.key_id,
                bytes: signature.bytes.try_into().ok()?,
            }),
        };
        Some(Command {
            id: stated(Stated::ID).then_some(event.id),
            record: RecordName::new(event.kind, event.key).ok()?,
            deed: deed(event)?,
            actor: event.actor.to_owned(),
            effective,
            device: event.device.map(str::to_owned),
            reason: event.reason.map(str::to_owned),
            source: match event.source {
                Source::Field => Origin::Field,
                Source::Import { sha256, file, row } => Origin::Import {
                    sha256,
                    file: Arc::from(file),
                    row,
                },
                Source::System => return None,
            },
            visit: event.visit,
            expected_version: stated(Stated::EXPECTED_VERSION).then(|| event.version.saturating_sub(1)),
            cause: event.cause,
            signature,
        })
    }
}

fn deed(event: &Event<'_>) -> Option<Deed> {
    let owned = |value: Option<Value<'_>>| value.map(Value::to_owned);
    Some(match event.action {
        Action::Collect => {
            let fields = event
                .changes
                .iter()
                .map(|change| (change.field.to_owned(), owned(change.after)));
            Deed::Collect(fields.collect())
        }
        Action::Correct => {
            let corrections = event.changes.iter().map(|change| Correction {
                field: change.field.to_owned(),
                before: change.before_stated.then(|| owned(change.before)),
                after: owned(change.after),
            });
            Deed::Correct(corrections.collect())
        }
        Action::Register => Deed::Register,
        Action::Deregister => Deed::Deregister(match event.because? {
            Because::DuplicateOf(target) => Reason::DuplicateOf(RecordName::parse(target).ok()?),
            because => Reason::Plain(Because::parse(because.word(), None)?),
        }),
        Action::Verify => {
            let (not_seen, seen): (Vec<Observed<'_>>, Vec<_>) = event
                .observed
                .iter()
                .copied()
                .partition(|observed| observed.verdict == Verdict::NotSeen);
            Deed::Verify(Check {
                outcome: event.outcome?,
                observed: seen
                    .iter()
                    .map(|seen| (seen.field.to_owned(), owned(seen.value)))
                    .collect(),
                not_seen: not_seen.iter().map(|unseen| unseen.field.to_owned()).collect(),
                area: event.stated.has(Stated::AREA).then(|| event.area.to_owned()),
            })
        }
        Action::Configure | Action::Appoint | Action::Dismiss | Action::Erase => return None,
    })
}

#[cfg(test)]
mod tests;
