//! The one writer thread: takes submissions from the bounded queue, judges each command, encodes the events and hands
//! each list to the log's group commit. What it decides on is the fold plus what is still in flight.

use std::{
    collections::VecDeque,
    sync::{
        Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender},
    },
};

use rustc_hash::FxHashMap;
use shilu_log::{Events, Log, Writer, WriterError};
use shilu_merkle::VerifierKey;
use shilu_model::{
    Action, ActivePlates, Announced, Because, Campaign, Change, CodecError, Command, Entry, Event, EventId,
    Known, LIST_COMMANDS_MAX, Moment, PLATE_KIND, PlateMove, Position, RecordName, Rejection, Standing,
    State, Timestamp, Value, active_on, check_admission, decide, decode, encode,
    setting::{self, CAMPAIGN, CLOCK_ACCEPTED},
    signed_form,
};
use shilu_projections::{Projections, Wanted};
use tracing::debug_span;

use crate::{
    campaigns::{Attached, Campaigns, hash_of},
    clock::{BEHIND_MICROS_MAX, Clock},
    error::EngineError,
    folding::News,
    plates::{Move, Plates},
    reply::{Accepted, Answer, Place, Reply},
};

/// What the queue holds.
pub(crate) enum Job {
    /// Lists, each atomic.
    Lists(Vec<Vec<Command>>, Arc<Reply>),
    /// A change of a setting of the register.
    Configure(Configure, Arc<Reply>),
    /// Nothing more is written; lists are judged all the same.
    Rehearse,
    /// No more will come.
    Stop,
}

/// A change of a setting of the register.
pub(crate) struct Configure {
    pub setting: Setting,
    pub actor: String,
    pub reason: String,
    /// Where the event will stand, once it was taken.
    pub taken: Arc<OnceLock<Position>>,
}

/// Which setting, and what it becomes.
pub(crate) enum Setting {
    /// The operator accepts that the clock is behind the last event.
    ClockAccepted,
    /// Another campaign is in force from the next event on. Its file is there already.
    Campaign(Attached),
    /// Any other, by its name; `None` removes it.
    To(String, Option<String>),
}

/// The state of the writer thread.
pub(crate) struct Writing {
    /// The campaign by which the next command is judged.
    pub campaign: Arc<Campaign>,
    pub campaigns: Arc<Campaigns>,
    pub clock: Clock,
    pub log: Log,
    pub projections: Arc<RwLock<Projections>>,
    pub writer: Writer<Place>,
    pub tell: SyncSender<News>,
    pub in_flight: InFlight,
    pub plates: Plates,
    pub queued: Arc<AtomicUsize>,
    pub fresh_id: Box<dyn FnMut() -> EventId + Send>,
    /// Whether lists are judged and nothing is written any more.
    pub rehearsing: bool,
}

/// Events that were decided and are not folded yet.
pub(crate) struct InFlight {
    /// The position of the next event.
    next: Position,
    /// The recorded time of the last event, and whether an operator accepted a clock behind it.
    last_recorded: Timestamp,
    accepted: Option<Timestamp>,
    events: VecDeque<Flying>,
    /// The newest event in flight of each record.
    by_record: FxHashMap<RecordName, Position>,
    by_id: FxHashMap<EventId, Position>,
    /// The newest event on the register itself, in flight or not: most of the time there is none to look for.
    newest_setting: Option<Position>,
}

/// One event in flight.
struct Flying {
    bytes: Box<[u8]>,
    id: EventId,
    /// Its record; none for an event on the register itself.
    record: Option<RecordName>,
    /// The event in flight of the same record before it.
    previous: Option<Position>,
}

impl InFlight {
    pub fn new(projections: &Projections) -> Self {
        let accepted = projections
            .trail()
            .settings
            .text(CLOCK_ACCEPTED)
            .and_then(|time| Timestamp::parse(time).ok());
        InFlight {
            next: projections.end(),
            last_recorded: projections.last_recorded(),
            accepted,
            events: VecDeque::new(),
            by_record: FxHashMap::default(),
            by_id: FxHashMap::default(),
            newest_setting: None,
        }
    }

    fn first(&self) -> Position {
        let count = u64::try_from(self.events.len()).unwrap_or(u64::MAX);
        Position::new(self.next.get().saturating_sub(count))
    }

    fn get(&self, position: Position) -> Option<&Flying> {
        let place = position.get().checked_sub(self.first().get())?;
        self.events.get(usize::try_from(place).ok()?)
    }

    fn push(&mut self, id: EventId, record: Option<RecordName>, bytes: &[u8]) {
        let previous = record
            .as_ref()
            .and_then(|record| self.by_record.insert(record.clone(), self.next));
        if record.is_none() {
            self.newest_setting = Some(self.next);
        }
        self.by_id.insert(id, self.next);
        self.events.push_back(Flying {
            bytes: bytes.into(),
            id,
            record,
            previous,
        });
        self.next = self.next.next();
    }

    /// The events in flight of a record from a position on, oldest first.
    fn of_record(&self, record: &RecordName, from: Position) -> Vec<&Flying> {
        let newest = self.by_record.get(record).copied();
        let chain = std::iter::successors(newest, |position| self.get(*position)?.previous);
        let mut events: Vec<_> = chain
            .take_while(|position| *position >= from)
            .filter_map(|position| self.get(position))
            .collect();
        events.reverse();
        events
    }

    /// The events in flight on the register itself, oldest first.
    fn settings(&self) -> impl Iterator<Item = Event<'_>> {
        let any = self.newest_setting.is_some_and(|newest| newest >= self.first());
        let events = any.then_some(&self.events).into_iter().flatten();
        events
            .filter(|flying| flying.record.is_none())
            .map(|flying| decode(&flying.bytes).expect("it was encoded here"))
    }

    /// Forgets what has been folded.
    fn forget_before(&mut self, folded: Position) {
        while self.first() < folded {
            let position = self.first();
            let Some(Flying { id, record, .. }) = self.events.pop_front() else {
                return;
            };
            self.by_id.remove(&id);
            if let Some(record) = record
                && self.by_record.get(&record) == Some(&position)
            {
                self.by_record.remove(&record);
            }
        }
    }

    /// Takes back a list that was not submitted after all.
    fn take_back(&mut self, from: Position) {
        while self.next > from {
            let Some(Flying {
                id, record, previous, ..
            }) = self.events.pop_back()
            else {
                return;
            };
            self.next = Position::new(self.next.get() - 1);
            self.by_id.remove(&id);
            if let Some(record) = record {
                match previous.filter(|previous| *previous >= self.first()) {
                    Some(previous) => self.by_record.insert(record, previous),
                    None => self.by_record.remove(&record),
                };
            }
        }
    }
}

/// The register as `decide` sees it: the fold, then what is in flight.
struct View<'a> {
    folded: &'a Projections,
    in_flight: &'a InFlight,
    log: &'a Log,
    /// Known where the command is on a plate.
    plates: Option<&'a ActivePlates>,
}

impl<'a> View<'a> {
    fn entries(&self, name: &RecordName) -> Vec<Entry<'a>> {
        self.entries_with(name, Wanted::All)
    }

    /// The entries of a record; of those that are folded, only the fields that are wanted.
    fn entries_with(&self, name: &RecordName, wanted: Wanted) -> Vec<Entry<'a>> {
        let slot = self
            .folded
            .subjects
            .names
            .find(name.kind())
            .and_then(|kind| self.folded.subjects.records.find(kind, name.key()));
        let mut entries = slot.map_or_else(Vec::new, |slot| {
            self.folded.subjects.records.entries(
                slot,
                self.folded.subjects.end(),
                wanted,
                &self.folded.subjects.names,
            )
        });
        let unfolded = self.in_flight.of_record(name, self.folded.subjects.end());
        entries.extend(
            unfolded
                .into_iter()
                .filter_map(|flying| Entry::of(&decode(&flying.bytes).expect("it was encoded here"))),
        );
        entries
    }

    /// The entries of a record that is named in a command or an event.
    fn entries_named(&self, name: &str, wanted: Wanted) -> Vec<Entry<'a>> {
        RecordName::parse(name).map_or_else(|_| Vec::new(), |name| self.entries_with(&name, wanted))
    }

    /// Where every live plate is active now: one pass over the names of all records, and a fold of each plate.
    fn active_plates(&self) -> ActivePlates {
        let (names, records) = (&self.folded.subjects.names, &self.folded.subjects.records);
        let kind = names.find(PLATE_KIND);
        let folded = records.slots(0).map(|slot| records.name(slot));
        let folded = folded.filter(|(other, _)| Some(*other) == kind);
        let folded = folded.filter_map(|(_, key)| RecordName::new(PLATE_KIND, key).ok());
        let is_new = |plate: &&RecordName| {
            plate.kind() == PLATE_KIND && kind.is_none_or(|kind| records.find(kind, plate.key()).is_none())
        };
        let new = self.in_flight.by_record.keys().filter(is_new).cloned();
        let mut active = ActivePlates::default();
        for plate in folded.chain(new) {
            let entries = self.entries(&plate);
            let to = active_on(&entries);
            active.moves(plate.as_str(), PlateMove { from: None, to });
        }
        active
    }

    /// The stored event with an id, wherever it is.
    fn event(&self, id: EventId) -> Result<Option<Vec<u8>>, EngineError> {
        if let Some(flying) = self
            .in_flight
            .by_id
            .get(&id)
            .and_then(|position| self.in_flight.get(*position))
        {
            return Ok(Some(flying.bytes.to_vec()));
        }
        for position in self.folded.trail().ids.candidates(id) {
            if let Some(bytes) = self.log.read(position)?
                && decode(&bytes).is_ok_and(|event| event.id == id)
            {
                return Ok(Some(bytes.to_vec()));
            }
        }
        Ok(None)
    }
}

impl Standing for View<'_> {
    fn stands(&self, name: &str) -> bool {
        let entries = self.entries_named(name, Wanted::Only(None));
        let collected = entries.iter().any(|entry| entry.action == Action::Collect);
        collected && entries.iter().all(|entry| entry.void.is_none())
    }

    fn reference(&self, name: &str, field: &str) -> Option<String> {
        let wanted = Wanted::Only(self.folded.subjects.names.find(field));
        match State::latest(&self.entries_named(name, wanted)).value(field) {
            Some(Value::Reference(target)) => Some(target.to_owned()),
            _ => None,
        }
    }
}

impl Known for View<'_> {
    fn has_event(&self, id: EventId) -> bool {
        // A log that cannot be read has already made itself known; the cause then counts as missing.
        matches!(self.event(id), Ok(Some(_)))
    }

    fn is_collected(&self, name: &str) -> bool {
        let entries = self.entries_named(name, Wanted::Only(None));
        entries.iter().any(|entry| entry.action == Action::Collect)
    }

    fn duplicate_of(&self, name: &str) -> Option<String> {
        self.entries_named(name, Wanted::Only(None))
            .iter()
            .find_map(|entry| match entry.void {
                Some(Because::DuplicateOf(target)) => Some(target.to_owned()),
                _ => None,
            })
    }

    fn active_plate(&self, thing: &str) -> Option<String> {
        self.plates?.on(thing).map(str::to_owned)
    }

    fn announced(&self, id: EventId) -> Option<Announced> {
        let bytes = self.event(id).ok().flatten()?;
        Announced::by(&decode(&bytes).ok()?)
    }
}

fn read(projections: &RwLock<Projections>) -> RwLockReadGuard<'_, Projections> {
    projections.read().unwrap_or_else(PoisonError::into_inner)
}

impl Writing {
    /// Runs until the queue closes, then lets the log commit what is left.
    pub fn run(mut self, queue: &Receiver<Job>) -> Result<(), EngineError> {
        while let Ok(job) = queue.recv() {
            match job {
                Job::Stop => break,
                Job::Rehearse => self.rehearsing = true,
                Job::Lists(lists, reply) => {
                    let folded = read(&self.projections).end();
                    self.in_flight.forget_before(folded);
                    for (index, list) in lists.iter().enumerate() {
                        if let Some(answer) = self.take(list, &reply, index) {
                            reply.give(index, answer);
                        }
                    }
                }
                Job::Configure(configure, reply) => {
                    if let Some(answer) = self.configure(&configure, &reply) {
                        reply.give(0, answer);
                    }
                }
            }
            self.queued.fetch_sub(1, Ordering::Relaxed);
        }
        // Whoever was still in the queue learns it from the closed reply.
        self.writer.close().map_err(EngineError::from)
    }

    /// Judges a list and submits its events. The answer, if it is known at once; else it comes when they are durable.
    fn take(&mut self, list: &[Command], reply: &Arc<Reply>, index: usize) -> Option<Answer> {
        let start = self.in_flight.next;
        let _span = debug_span!("decide", first = start.get(), commands = list.len()).entered();
        self.plates.begin_list();
        let decided = self.decide_list(list);
        let place = |accepted| Place {
            reply: Arc::clone(reply),
            index,
            accepted,
        };
        match decided {
            // It stays in flight for ever, so that later lists are judged by it.
            Ok(Decided::Fresh(_, accepted)) if self.rehearsing => Some(Ok(accepted)),
            Ok(Decided::Fresh(events, accepted)) => self.submit(start, events, place(accepted)),
            Ok(Decided::Repeated(accepted)) => self.confirm(place(accepted)),
            Err(error) => {
                self.take_back(start);
                // What is in flight then never happened: nothing may be judged by it.
                let poisoned = self
                    .writer
                    .poisoned()
                    .map(|cause| WriterError::Poisoned { cause }.into());
                Some(Err(poisoned.unwrap_or(error)))
            }
        }
    }

    fn submit(&mut self, start: Position, events: Events, place: Place) -> Option<Answer> {
        match self.writer.submit(start, events, place) {
            Ok(()) => None,
            Err((_, error)) => {
                self.take_back(start);
                Some(Err(error.into()))
            }
        }
    }

    /// Takes back a list that was not submitted after all.
    fn take_back(&mut self, start: Position) {
        self.in_flight.take_back(start);
        self.plates.take_back();
    }

    /// A retry is confirmed only once the first try is durable and folded.
    fn confirm(&self, place: Place) -> Option<Answer> {
        match place.accepted.last().map(|accepted| accepted.position) {
            Some(last) => {
                let told = self.tell.send(News::Repeated(place, last));
                told.err().map(|_| Err(EngineError::Stopping))
            }
            None => Some(Ok(Vec::new())),
        }
    }

    fn decide_list(&mut self, list: &[Command]) -> Result<Decided, EngineError> {
        if list.len() > LIST_COMMANDS_MAX {
            return Err(EngineError::ListTooLong {
                commands: list.len(),
                max: LIST_COMMANDS_MAX,
            });
        }
        if list.is_empty() {
            return Ok(Decided::Repeated(Vec::new()));
        }
        if let Some(accepted) = self.repeated(list)? {
            return Ok(Decided::Repeated(accepted));
        }
        let recorded = self.recorded()?;
        let projections = Arc::clone(&self.projections);
        let folded = read(&projections);
        let mut events = Events::new();
        let mut accepted = Vec::with_capacity(list.len());
        let mut bytes = Vec::with_capacity(256);
        for (place, command) in list.iter().enumerate() {
            let index = (list.len() > 1).then_some(place);
            let rejected = |rejection| EngineError::Rejected {
                index,
                record: command.record.clone(),
                rejection,
            };
            if let Some(id) = command.id.filter(|id| self.in_flight.by_id.contains_key(id)) {
                return Err(rejected(Rejection::IdReused { id }));
            }
            let moment = Moment {
                position: self.in_flight.next,
                recorded,
                fresh_id: (self.fresh_id)(),
            };
            bytes.clear();
            let mut view = View {
                folded: &folded,
                in_flight: &self.in_flight,
                log: &self.log,
                plates: None,
            };
            if command.record.kind() == PLATE_KIND {
                self.plates.search(|| view.active_plates());
                view.plates = self.plates.active();
            }
            let entries = view.entries(&command.record);
            let event = decide(&self.campaign, command, &entries, &view, moment).map_err(rejected)?;
            if let Some(kind) = self.campaign.kind(event.kind) {
                check_admission(kind, &event, entries.is_empty()).map_err(rejected)?;
            }
            self.check_signature(&event, &folded).map_err(rejected)?;
            encode(&event, &mut bytes).map_err(|error| match error {
                CodecError::TooLarge { bytes, max } => rejected(Rejection::EventTooLarge { bytes, max }),
                other => EngineError::Undecodable {
                    position: event.position,
                    problem: other.to_string(),
                },
            })?;
            debug_assert_eq!(
                decode(&bytes).ok().as_ref(),
                Some(&event),
                "what is stored is what was decided"
            );
            events.push(&bytes);
            accepted.push(Accepted {
                position: event.position,
                id: event.id,
                record: command.record.clone(),
                version: event.version,
                recorded,
                repeated: false,
            });
            let id = event.id;
            let moved = PlateMove::by(&event, &entries).map(|moved| Move::of(&command.record, moved));
            if let Some(moved) = moved {
                self.plates.moves(moved);
            }
            self.in_flight.push(id, Some(command.record.clone()), &bytes);
        }
        self.in_flight.last_recorded = recorded;
        Ok(Decided::Fresh(events, accepted))
    }

    /// Recorded time never decreases; a clock far behind the last event stops writing until that is accepted.
    fn recorded(&self) -> Result<Timestamp, EngineError> {
        let (clock, last) = ((self.clock)(), self.in_flight.last_recorded);
        let behind = clock.plus_micros(BEHIND_MICROS_MAX) < last;
        if behind && self.in_flight.accepted != Some(last) {
            return Err(EngineError::ClockBehind { clock, last });
        }
        Ok(clock.max(last))
    }

    /// The first answer, if every command of the list was taken before with the same content.
    fn repeated(&self, list: &[Command]) -> Result<Option<Vec<Accepted>>, EngineError> {
        if list.iter().all(|command| command.id.is_none()) {
            return Ok(None);
        }
        let folded = read(&self.projections);
        let view = View {
            folded: &folded,
            in_flight: &self.in_flight,
            log: &self.log,
            plates: None,
        };
        let mut earlier = Vec::with_capacity(list.len());
        for command in list {
            earlier.push(match command.id {
                Some(id) => view.event(id)?.map(|bytes| (id, bytes)),
                None => None,
            });
        }
        let Some(known) = earlier.iter().flatten().next() else {
            return Ok(None);
        };
        if let Some(index) = earlier.iter().position(Option::is_none) {
            return Err(EngineError::PartialRetry { index, id: known.0 });
        }
        let mut accepted = Vec::with_capacity(list.len());
        let mut last = None;
        for (place, (command, (id, bytes))) in list.iter().zip(earlier.iter().flatten()).enumerate() {
            let event = decode(bytes).expect("it was encoded here, or read from a chunk that was checked");
            let in_order = last.is_none_or(|last: Position| event.position == last.next());
            last = Some(event.position);
            if !command.is_retry_of(&event) || !in_order {
                let index = (list.len() > 1).then_some(place);
                let rejection = Rejection::IdReused { id: *id };
                return Err(EngineError::Rejected {
                    index,
                    record: command.record.clone(),
                    rejection,
                });
            }
            accepted.push(Accepted {
                position: event.position,
                id: event.id,
                record: command.record.clone(),
                version: event.version,
                recorded: event.recorded,
                repeated: true,
            });
        }
        Ok(Some(accepted))
    }

    fn configure(&mut self, configure: &Configure, reply: &Arc<Reply>) -> Option<Answer> {
        if self.rehearsing {
            // A rehearsal is of commands on records; the register itself stays as it is.
            return Some(Err(EngineError::Stopping));
        }
        self.plates.begin_list();
        let (start, last) = (self.in_flight.next, self.in_flight.last_recorded);
        let behind = self.recorded();
        let (name, after, recorded) = match (&configure.setting, behind) {
            (Setting::ClockAccepted, Ok(_)) => return Some(Err(EngineError::ClockNotBehind)),
            (Setting::ClockAccepted, Err(_)) => (CLOCK_ACCEPTED, Some(last.to_string()), last),
            (Setting::Campaign(_) | Setting::To(..), Err(behind)) => return Some(Err(behind)),
            (Setting::Campaign(new), Ok(recorded)) => (CAMPAIGN, Some(hash_of(&new.text)), recorded),
            (Setting::To(name, after), Ok(recorded)) => (name.as_str(), after.clone(), recorded),
        };
        let (version, before) = self.setting(name);
        if before == after {
            return Some(Err(EngineError::SettingUnchanged {
                name: name.to_owned(),
            }));
        }
        // Another change may have been taken since this one was asked for.
        if let Setting::Campaign(new) = &configure.setting
            && let Err(error) = new.campaign.check_change(&self.campaign)
        {
            return Some(Err(EngineError::CampaignChange(error)));
        }
        let change = Change {
            field: name,
            before: before.as_deref().map(Value::Text),
            after: after.as_deref().map(Value::Text),
            before_stated: false,
        };
        let (actor, reason) = (&configure.actor, Some(configure.reason.as_str()));
        let id = (self.fresh_id)();
        let event = Event::on_register(start, id, recorded, version + 1, actor, reason, vec![change]);
        let mut bytes = Vec::new();
        if let Err(error) = encode(&event, &mut bytes) {
            return Some(Err(EngineError::Undecodable {
                position: start,
                problem: error.to_string(),
            }));
        }
        let mut events = Events::new();
        events.push(&bytes);
        self.in_flight.push(id, None, &bytes);
        let place = Place {
            reply: Arc::clone(reply),
            index: 0,
            accepted: Vec::new(),
        };
        if let Setting::Campaign(new) = &configure.setting {
            // Whoever sees the event must find its campaign.
            self.campaigns.begin(start.next(), new.clone());
        }
        let refused = self.submit(start, events, place);
        if let Setting::Campaign(new) = &configure.setting {
            match refused {
                None => self.campaign = Arc::clone(&new.campaign),
                Some(_) => self.campaigns.take_back(start.next()),
            }
        }
        if refused.is_none() {
            self.in_flight.last_recorded = recorded;
            if matches!(configure.setting, Setting::ClockAccepted) {
                self.in_flight.accepted = Some(last);
            }
            // Nobody else sets it.
            let _ = configure.taken.set(start);
        }
        refused
    }

    /// How many events on the register itself there are, and what a setting holds, those in flight included.
    fn setting(&mut self, name: &str) -> (u32, Option<String>) {
        let folded = read(&self.projections);
        self.in_flight.forget_before(folded.end());
        let settings = &folded.trail().settings;
        let (mut version, mut value) = (settings.version(), settings.text(name).map(str::to_owned));
        for event in self.in_flight.settings() {
            version = event.version;
            value = setting::set_by(&event, name).map_or(value, |set| set.map(str::to_owned));
        }
        (version, value)
    }

    /// Checks an actor's signature against the key that the log names for it.
    fn check_signature(&self, event: &Event<'_>, folded: &Projections) -> Result<(), Rejection> {
        let Some(signature) = event.signature else {
            return Ok(());
        };
        let (actor, key_id) = (event.actor.to_owned(), signature.key_id);
        let name = setting::actor_key(event.actor, key_id);
        // What is in flight comes before this event in the log: a key withdrawn there signs nothing any more.
        let in_flight = self.in_flight.settings();
        let admitted = in_flight
            .filter_map(|event| setting::set_by(&event, &name).map(|key| key.map(str::to_owned)))
            .last()
            .unwrap_or_else(|| folded.trail().settings.text(&name).map(str::to_owned));
        let Some(key) = admitted.and_then(|key| VerifierKey::parse(&key).ok()) else {
            return Err(Rejection::UnknownKey { actor, key_id });
        };
        let signed = signed_form(event).unwrap_or_default();
        if key.verifies(signed.as_bytes(), signature.bytes) {
            Ok(())
        } else {
            Err(Rejection::BadSignature {
                actor,
                key_id,
                signed,
            })
        }
    }
}

enum Decided {
    Fresh(Events, Vec<Accepted>),
    Repeated(Vec<Accepted>),
}
