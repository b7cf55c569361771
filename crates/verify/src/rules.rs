//! The third stage, record by record: each event must be exactly what `decide` gives for the command behind it, on
//! the events before it. Records do not ask about one another here, so that threads can share them out; what an event
//! says of other records is settled by `across` and `claims`.

use std::collections::HashMap;

use shilu_model::{
    Action, Announced, Change, Command, Entry, Event, EventId, Known, Moment, Observed, Position, Source,
    Standing, Stated, Timestamp, Value, Verdict, decide, decode, encode, signed_form,
};

use crate::{
    claims::Duplicate,
    damage::{Damage, Finding},
    form::{check_form, check_id},
    hashing::Stored,
    published::count,
    settings::Settings,
};

/// A share of the records, with all that earlier events said of them.
///
/// Of each event is kept what the rules may still ask (about 100 bytes), encoded; it is decoded again when the record's
/// next event comes. So a record with n events costs n²/2 decodings: nothing for the 1 to 30 that records have.
#[derive(Default)]
pub(crate) struct Share {
    /// The newest event of each record, by `kind/key`. The standard library's hashing: the names are the register's,
    /// and must not be able to slow an audit down.
    newest: HashMap<Box<str>, u64>,
    memory: Memory,
    buffer: Vec<u8>,
    /// What events said of other records.
    pub duplicates: Vec<Duplicate>,
    /// Events whose signature was checked.
    pub signed: u64,
}

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
        count(self.newest.len())
    }

    /// Judges the next event on a record of this share.
    pub fn judge(&mut self, stored: &Stored<'_>, settings: &Settings) -> Result<(), Finding> {
        let position = stored.event.position.get();
        self.take(stored, settings).map_err(|damage| damage.at(position))
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
        let newest = self.newest.get(command.record.as_str()).copied();
        let entries = self.memory.entries(newest);
        let known = Believed {
            settings,
            position: event.position,
        };
        let given = decide(campaign, &command, &entries, &known, moment).map_err(Damage::AgainstTheRules)?;
        self.buffer.clear();
        let encoded = encode(&given, &mut self.buffer);
        if encoded.is_err() || self.buffer != stored.bytes {
            return Err(match differing_part(event, &given) {
                Some(part) => Damage::NotWhatTheRulesGive { part },
                None => Damage::NotCanonical,
            });
        }
        if check_signature(event, settings)? {
            self.signed += 1;
        }
        self.duplicates.extend(Duplicate::claimed_by(event));
        let newest = self.memory.keep(event, newest);
        match self.newest.get_mut(command.record.as_str()) {
            Some(place) => *place = newest,
            None => {
                self.newest.insert(command.record.as_str().into(), newest);
            }
        }
        Ok(())
    }

    /// What is kept of a record's events before a position, oldest first.
    pub fn entries_before(&self, record: &str, position: Position) -> Vec<Entry<'_>> {
        let newest = self.newest.get(record).copied();
        let mut entries = self.memory.entries(newest);
        entries.retain(|entry| entry.position < position);
        entries
    }

    /// The position of a record's first collect.
    pub fn first_collect(&self, record: &str) -> Option<u64> {
        let newest = self.newest.get(record).copied()?;
        let entries = self.memory.entries(Some(newest));
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

/// Bytes of a page of memory.
const PAGE_BYTES: usize = 4 << 20;

/// What is kept of events: in pages, each event after a pointer to the one before it on the same record.
#[derive(Default)]
struct Memory {
    pages: Vec<Vec<u8>>,
}

impl Memory {
    /// Keeps what the rules may ask of an event, and says where.
    fn keep(&mut self, event: &Event<'_>, before: Option<u64>) -> u64 {
        let has_room = |page: &&mut Vec<u8>| page.len() + 2 * Event::BYTES_MAX < PAGE_BYTES;
        if self.pages.last_mut().as_ref().is_none_or(|page| !has_room(page)) {
            self.pages.push(Vec::with_capacity(PAGE_BYTES));
        }
        let page_number = count(self.pages.len()) - 1;
        let Some(page) = self.pages.last_mut() else {
            return 0;
        };
        let start = count(page.len());
        // An address is never 0 for nothing: 0 says that there is none, and so all are one too large.
        page.extend_from_slice(&before.map_or(0, |before| before + 1).to_le_bytes());
        let length_at = page.len();
        page.extend_from_slice(&[0; 2]);
        let length =
            encode(&remembered(event), page).expect("it is smaller than the event, which was encoded");
        let length = u16::try_from(length).expect("an event is at most 6 KiB");
        if let Some(place) = page.get_mut(length_at..length_at + 2) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        page_number * count(PAGE_BYTES) + start
    }

    /// The entries of a record, oldest first, from the place of its newest event.
    fn entries(&self, newest: Option<u64>) -> Vec<Entry<'_>> {
        let mut entries = Vec::new();
        let mut next = newest;
        while let Some((before, bytes)) = next.and_then(|place| self.read(place)) {
            let event = decode(bytes).expect("it was encoded here");
            entries.extend(Entry::of(&event));
            next = before;
        }
        entries.reverse();
        entries
    }

    fn read(&self, place: u64) -> Option<(Option<u64>, &[u8])> {
        let page = usize::try_from(place / count(PAGE_BYTES)).ok()?;
        let start = usize::try_from(place % count(PAGE_BYTES)).ok()?;
        let rest = self.pages.get(page)?.get(start..)?;
        let (before, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let bytes = rest.get(..usize::from(u16::from_le_bytes(*length)))?;
        Some((u64::from_le_bytes(*before).checked_sub(1), bytes))
    }
}

/// An event without what [`Entry::of`] does not look at: half as long, and decoded in half the time.
fn remembered<'a>(event: &Event<'a>) -> Event<'a> {
    let differs = |observed: &&Observed<'_>| observed.verdict == Verdict::Differs;
    let sets = event.changes.iter().filter(|change| change.sets());
    Event {
        position: event.position,
        id: EventId::from_bytes([0; 16]),
        recorded: Timestamp::from_micros(0),
        effective: event.effective,
        action: event.action,
        // Not empty: an event without a kind has no entry.
        kind: "-",
        key: "",
        version: 0,
        area: event.area,
        actor: event.actor,
        device: None,
        source: Source::Field,
        reason: None,
        // Any two values that differ say that the field was set.
        changes: sets
            .map(|change| Change {
                before: change.after.is_none().then_some(Value::Boolean(true)),
                ..*change
            })
            .collect(),
        outcome: event.outcome,
        observed: event.observed.iter().find(differs).copied().into_iter().collect(),
        because: event.because.filter(|because| because.voids()),
        cause: None,
        stated: Stated::default(),
        visit: None,
        signature: None,
    }
}
