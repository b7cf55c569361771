//! The third stage, record by record: each event must be exactly what `decide` gives for the command behind it, on
//! the events before it. Records do not ask about one another here, so that threads can share them out; what an event
//! says of other records is settled by `across` and `claims`.

use std::hint::black_box;

use shilu_model::{
    Action, Announced, Command, Entry, Event, EventId, Known, Moment, Position, Standing, decide, encodes_to,
    signed_form,
};

use crate::{
    claims::Duplicate,
    damage::{Damage, Finding},
    form::{check_form, check_id},
    hashing::Stored,
    memory::Memory,
    published::count,
    settings::Settings,
};

/// A share of the records, with all that earlier events said of them.
///
/// What is kept of a record is read again when its next event comes. So a record with n events costs n²/2 decodings:
/// nothing for the 1 to 30 that records have.
#[derive(Default)]
pub(crate) struct Share {
    memory: Memory,
    /// What events said of other records.
    pub duplicates: Vec<Duplicate>,
    /// Events whose signature was checked.
    pub signed: u64,
}

/// Events whose records are brought near together: more than a processor waits for at once, and few enough that the
/// first is still near when the last has come.
const AHEAD: usize = 32;

/// What `decide` would ask about other records: here it believes the event, and `across` and `claims` look again. Only of
/// samples it is told, since verdicts come of it.
struct Believed<'a> {
    settings: &'a Settings,
    position: Position,
}

impl Standing for Believed<'_> {
    fn stands(&self, _: &str) -> bool {
        true
    }

    fn reference(&self, _: &str, _: &str) -> Option<String> {
        None
    }
}

impl Known for Believed<'_> {
    fn has_event(&self, _: EventId) -> bool {
        true
    }

    fn is_collected(&self, _: &str) -> bool {
        true
    }

    fn duplicate_of(&self, _: &str) -> Option<String> {
        None
    }

    fn active_plate(&self, _: &str) -> Option<String> {
        None
    }

    fn announced(&self, id: EventId) -> Option<Announced> {
        let announced = self.settings.announced(id)?;
        (announced.position < self.position).then_some(announced)
    }
}

impl Share {
    /// How many records there are.
    pub fn records(&self) -> u64 {
        count(self.memory.records())
    }

    /// Judges the next events on records of this share, up to the first bad one.
    pub fn judge(&mut self, events: &[&Stored<'_>], settings: &Settings) -> Result<(), Finding> {
        for ahead in events.chunks(AHEAD) {
            for stored in ahead {
                black_box(self.memory.touch(stored.record_hash));
            }
            for stored in ahead {
                let position = stored.event.position.get();
                self.take(stored, settings)
                    .map_err(|damage| damage.at(position))?;
            }
        }
        Ok(())
    }

    fn take(&mut self, stored: &Stored<'_>, settings: &Settings) -> Result<(), Damage> {
        let event = &stored.event;
        let campaign = settings.campaign_at(event.position.get());
        let no_campaign = Damage::BadFirstEvent {
            problem: "it names no campaign",
        };
        let campaign = campaign.ok_or(no_campaign)?;
        check_id(event)?;
        if let Some(kind) = campaign.kind(event.kind) {
            check_form(kind, event)?;
        }
        let command = Command::behind(event).ok_or(Damage::NotWhatTheRulesGive { part: "form" })?;
        let moment = Moment {
            position: event.position,
            recorded: event.recorded,
            fresh_id: event.id,
        };
        let name = command.record.as_str();
        let entries = self.memory.entries(stored.record_hash, name);
        let known = Believed {
            settings,
            position: event.position,
        };
        let given = decide(campaign, &command, &entries, &known, moment).map_err(Damage::AgainstTheRules)?;
        if !encodes_to(&given, stored.bytes) {
            return Err(match differing_part(event, &given) {
                Some(part) => Damage::NotWhatTheRulesGive { part },
                None => Damage::NotCanonical,
            });
        }
        if check_signature(event, settings)? {
            self.signed += 1;
        }
        self.duplicates.extend(Duplicate::claimed_by(event));
        self.memory.keep(stored.record_hash, name, event);
        Ok(())
    }

    /// What is kept of a record's events before a position, oldest first; by its name and the hash of that.
    pub fn entries_before(&self, hash: u64, record: &str, position: Position) -> Vec<Entry<'_>> {
        let mut entries = self.memory.entries(hash, record);
        entries.retain(|entry| entry.position < position);
        entries
    }

    /// The position of the first collect of a record, by its name and the hash of that.
    pub fn first_collect(&self, hash: u64, record: &str) -> Option<u64> {
        let entries = self.memory.entries(hash, record);
        let collect = entries.iter().find(|entry| entry.action == Action::Collect);
        collect.map(|entry| entry.position.get())
    }
}

/// Checks an actor's signature by the key that was in force. False where there is none.
fn check_signature(event: &Event<'_>, settings: &Settings) -> Result<bool, Damage> {
    let Some(signature) = event.signature else {
        return Ok(false);
    };
    let bad = |problem| {
        let actor = event.actor.to_owned();
        Err(Damage::BadActorSignature { actor, problem })
    };
    let Some(key) = settings.actor_key_at(event.actor, signature.key_id, event.position.get()) else {
        return bad("no such key of theirs was in force");
    };
    let text = signed_form(event).unwrap_or_default();
    if key.verifies(text.as_bytes(), signature.bytes) {
        Ok(true)
    } else {
        bad("it is not over what the event says")
    }
}

/// The first part in which two events differ.
pub(crate) fn differing_part(one: &Event<'_>, other: &Event<'_>) -> Option<&'static str> {
    let parts = [
        ("position", one.position != other.position),
        ("id", one.id != other.id),
        ("recorded time", one.recorded != other.recorded),
        ("effective time", one.effective != other.effective),
        ("action", one.action != other.action),
        ("record", (one.kind, one.key) != (other.kind, other.key)),
        ("version", one.version != other.version),
        ("area", one.area != other.area),
        ("actor", one.actor != other.actor),
        ("device", one.device != other.device),
        ("source", one.source != other.source),
        ("reason", one.reason != other.reason),
        ("changes", one.changes != other.changes),
        ("outcome", one.outcome != other.outcome),
        ("observed fields", one.observed != other.observed),
        ("reason code", one.because != other.because),
        ("cause", one.cause != other.cause),
        ("stated parts", one.stated != other.stated),
        ("visit", one.visit != other.visit),
        ("signature", one.signature != other.signature),
    ];
    parts
        .into_iter()
        .find_map(|(part, differs)| differs.then_some(part))
}
