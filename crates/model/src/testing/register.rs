//! A register in memory and short words for commands, so that a case reads as the rule it tests.

use std::{collections::BTreeSet, sync::LazyLock};

use crate::{
    campaign::Campaign,
    codec::{decode, encode},
    command::{Check, Command, Correction, Deed, Origin, Reason, Since},
    decide::{Announced, Known, Moment, Standing, decide},
    event::{Because, Event, Outcome},
    fold::{Entry, State},
    id::{EventId, RecordName},
    plate::active_on,
    position::Position,
    rejection::Rejection,
    time::Timestamp,
    value::{OwnedValue, Value},
};

/// The campaign of all cases. Day 0 is its earliest.
pub static VILLAGE: LazyLock<Campaign> = LazyLock::new(|| {
    let text = r#"
        name = "Village"
        origin = "example.org/village"
        timezone = "UTC"
        earliest = 2000-01-01
        [[kinds]]
        id = "dwelling"
        key = "code"
        area = "area"
        [kinds.fields]
        code = { type = "text", required = true }
        name = { type = "text", required = true }
        area = { type = "text" }
        rooms = { type = "integer" }
        built = { type = "date" }
        [[kinds]]
        id = "resident"
        key = "id"
        [kinds.fields]
        id = { type = "text", required = true }
    "#;
    Campaign::parse(text).unwrap()
});

/// The record that a command names unless it says otherwise.
pub const MILL: &str = "dwelling/1";

pub fn day(number: i64) -> Timestamp {
    VILLAGE.earliest.plus_micros(number * 86_400_000_000)
}

pub fn event_id(number: u8) -> EventId {
    EventId::from_bytes([1, 0x9a, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, number])
}

pub fn name(text: &str) -> RecordName {
    RecordName::parse(text).unwrap()
}

pub fn text(text: &str) -> Option<OwnedValue> {
    Some(OwnedValue::Text(text.to_owned()))
}

pub fn int(number: i64) -> Option<OwnedValue> {
    Some(OwnedValue::Integer(number))
}

/// A field and a value for it.
pub type Given<'a> = (&'a str, Option<OwnedValue>);

fn owned(given: &[Given<'_>]) -> Vec<(String, Option<OwnedValue>)> {
    let pair = |(field, value): &Given<'_>| ((*field).to_owned(), value.clone());
    given.iter().map(pair).collect()
}

pub fn collect(fields: &[Given<'_>]) -> Command {
    Command::new(Deed::Collect(owned(fields)))
}

/// A first collect that says only what it must.
pub fn collect_mill() -> Command {
    collect(&[("name", text("Mill"))])
}

pub fn correct(fields: &[Given<'_>]) -> Command {
    let corrections = owned(fields).into_iter().map(|(field, after)| Correction {
        field,
        before: None,
        after,
    });
    Command::new(Deed::Correct(corrections.collect())).because("misread")
}

/// A correction of one field that states what it held.
pub fn correct_from(field: &str, before: Option<OwnedValue>, after: Option<OwnedValue>) -> Command {
    let correction = Correction {
        field: field.to_owned(),
        before: Some(before),
        after,
    };
    Command::new(Deed::Correct(vec![correction])).because("misread")
}

pub fn register() -> Command {
    Command::new(Deed::Register)
}

pub fn deregister(because: Because<'static>) -> Command {
    Command::new(Deed::Deregister(Reason::Plain(because))).because("seen on site")
}

pub fn duplicate_of(target: &str) -> Command {
    Command::new(Deed::Deregister(Reason::DuplicateOf(name(target)))).because("the same house")
}

pub fn verify(outcome: Outcome) -> Command {
    let check = Check {
        outcome,
        observed: Vec::new(),
        not_seen: Vec::new(),
        area: None,
    };
    Command::new(Deed::Verify(check)).by("bob")
}

impl Command {
    pub(crate) fn new(deed: Deed) -> Self {
        Command {
            id: None,
            record: name(MILL),
            deed,
            actor: "anna".to_owned(),
            effective: Since::Recorded,
            device: None,
            reason: None,
            source: Origin::Field,
            visit: None,
            expected_version: None,
            cause: None,
            signature: None,
        }
    }

    pub(crate) fn on(mut self, record: &str) -> Self {
        self.record = name(record);
        self
    }

    pub(crate) fn by(mut self, actor: &str) -> Self {
        self.actor = actor.to_owned();
        self
    }

    pub(crate) fn since(mut self, number: i64) -> Self {
        self.effective = Since::At(day(number));
        self
    }

    pub(crate) fn since_origin(mut self) -> Self {
        self.effective = Since::Origin;
        self
    }

    pub(crate) fn because(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    pub(crate) fn expecting(mut self, version: u32) -> Self {
        self.expected_version = Some(version);
        self
    }

    pub(crate) fn caused_by(mut self, cause: EventId) -> Self {
        self.cause = Some(cause);
        self
    }

    pub(crate) fn check(&mut self) -> &mut Check {
        match &mut self.deed {
            Deed::Verify(check) => check,
            _ => panic!("only a verification has a check"),
        }
    }

    pub(crate) fn seeing(mut self, observed: &[Given<'_>]) -> Self {
        self.check().observed = owned(observed);
        self
    }

    pub(crate) fn not_seeing(mut self, field: &str) -> Self {
        self.check().not_seen.push(field.to_owned());
        self
    }

    pub(crate) fn in_area(mut self, area: &str) -> Self {
        self.check().area = Some(area.to_owned());
        self
    }
}

/// Events as stored, and a clock that stands at day 100 until it is moved.
#[derive(Debug)]
pub struct Register {
    campaign: &'static Campaign,
    log: Vec<Vec<u8>>,
    pub now: Timestamp,
}

impl Register {
    pub fn empty() -> Self {
        Register::of(&VILLAGE)
    }

    /// Under another campaign, whose day 0 is the village's too.
    pub fn of(campaign: &'static Campaign) -> Self {
        Register {
            campaign,
            log: Vec::new(),
            now: day(100),
        }
    }

    /// With [`MILL`] collected since day 10, by anna: name Mill, area north, rooms 3.
    pub fn with_mill() -> Self {
        let mut register = Register::empty();
        let fields = [("name", text("Mill")), ("area", text("north")), ("rooms", int(3))];
        register.takes(collect(&fields).since(10));
        register
    }

    pub fn events(&self) -> Vec<Event<'_>> {
        self.log.iter().map(|bytes| decode(bytes).unwrap()).collect()
    }

    pub fn entries(&self, record: &str) -> Vec<Entry<'_>> {
        let events = self.events();
        let own = events.iter().filter(|event| name_of(event) == record);
        own.filter_map(Entry::of).collect()
    }

    /// The state of [`MILL`] on a day, as known now.
    pub fn on_day(&self, number: i64) -> State<'_> {
        State::fold(&self.entries(MILL), day(number))
    }

    /// Decides, and stores what was accepted.
    pub fn offer(&mut self, command: &Command) -> Result<Event<'_>, Rejection> {
        let number = self.log.len();
        let moment = Moment {
            position: Position::new(u64::try_from(number).unwrap()),
            recorded: self.now,
            fresh_id: event_id(u8::try_from(number).unwrap()),
        };
        let entries = self.entries(command.record.as_str());
        let events = self.events();
        let event = decide(self.campaign, command, &entries, &View(&events), moment)?;
        let mut bytes = Vec::new();
        encode(&event, &mut bytes).unwrap();
        assert_eq!(decode(&bytes).unwrap(), event);
        self.log.push(bytes);
        Ok(decode(&self.log[number]).unwrap())
    }

    #[track_caller]
    pub fn takes(&mut self, command: Command) -> Event<'_> {
        match self.offer(&command) {
            Ok(event) => event,
            Err(rejection) => panic!("{}: {rejection}\n{command:?}", rejection.code()),
        }
    }

    #[track_caller]
    pub fn refuses(&mut self, code: &str, command: Command) -> Rejection {
        match self.offer(&command) {
            Ok(event) => panic!("not refused with {code}: {event:?}"),
            Err(rejection) => {
                assert_eq!(rejection.code(), code, "{rejection}\n{command:?}");
                rejection
            }
        }
    }
}

/// What the rest of the register says, looked up in its events.
pub struct View<'a>(pub &'a [Event<'a>]);

impl Standing for View<'_> {
    fn stands(&self, name: &str) -> bool {
        let own = |event: &&Event<'_>| name_of(event) == name;
        let voids = |event: &Event<'_>| event.because.is_some_and(|because| because.voids());
        self.is_collected(name) && !self.0.iter().filter(own).any(voids)
    }

    fn reference(&self, name: &str, field: &str) -> Option<String> {
        let own = |event: &&Event<'_>| name_of(event) == name;
        let entries: Vec<_> = self.0.iter().filter(own).filter_map(Entry::of).collect();
        match State::latest(&entries).value(field) {
            Some(Value::Reference(target)) => Some(target.to_owned()),
            _ => None,
        }
    }
}

impl Known for View<'_> {
    fn has_event(&self, id: EventId) -> bool {
        self.0.iter().any(|event| event.id == id)
    }

    fn is_collected(&self, name: &str) -> bool {
        let collects = |event: &Event<'_>| event.action.word() == "collect" && name_of(event) == name;
        self.0.iter().any(collects)
    }

    fn duplicate_of(&self, name: &str) -> Option<String> {
        self.0.iter().find_map(|event| match event.because {
            Some(Because::DuplicateOf(target)) if name_of(event) == name => Some(target.to_owned()),
            _ => None,
        })
    }

    fn active_plate(&self, thing: &str) -> Option<String> {
        let names: BTreeSet<_> = self.0.iter().map(name_of).collect();
        names.into_iter().find(|name| {
            let own = |event: &&Event<'_>| name_of(event) == *name;
            let entries: Vec<_> = self.0.iter().filter(own).filter_map(Entry::of).collect();
            name.starts_with("plate/") && active_on(&entries) == Some(thing)
        })
    }

    fn announced(&self, id: EventId) -> Option<Announced> {
        self.0.iter().find(|event| event.id == id).and_then(Announced::by)
    }
}

pub fn name_of(event: &Event<'_>) -> String {
    format!("{}/{}", event.kind, event.key)
}
