//! Small registers in memory, and short words for commands. What a register writes it decides as the engine does; what
//! it publishes it publishes honestly, whatever its log holds: a test changes one or the other.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use shilu_merkle::{
    Algorithm, Bundle, Checkpoint, Hash, SignedCheckpoint, SignerKey, TILE_HASHES, Tile, TileKind, Tiling,
    VerifierKey,
};
use shilu_model::{
    Action, Announced, Because, Campaign, Change, Check, Command, CommandSignature, Correction, Deed, Entry,
    Event, EventId, Known, Moment, Origin, Outcome, OwnedValue, Position, Reason, RecordName, Rejection,
    Since, Source, Standing, State, Stated, Timestamp, Value, active_on, decide, decode, encode, setting,
    signed_form,
};

use crate::{Batch, Entries, Finding, Options, Published, Report, Unreadable, audit};

pub const CAMPAIGN: &str = r#"
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
    name = { type = "text", required = true, essential = true }
    area = { type = "text" }
    rooms = { type = "integer" }
    built = { type = "date" }
    size = { type = "decimal" }
    beside = { type = "reference", kind = "dwelling" }
    [[kinds]]
    id = "resident"
    key = "id"
    [kinds.fields]
    id = { type = "text", required = true }
    home = { type = "reference", kind = "dwelling" }
    [[kinds]]
    id = "plate"
    key = "number"
    [kinds.fields]
    number = { type = "text", required = true }
    on = { type = "reference", kind = "dwelling" }
    state = { type = "choice", values = ["printed", "active", "retired"], required = true }
    [[indicators]]
    id = "right"
    of = "dwelling"
    measure = "accuracy"
"#;

/// The campaign with one field more.
pub fn with_kept() -> String {
    CAMPAIGN.replace("built =", "kept = { type = \"text\" }\n    built =")
}

pub fn day(number: i64) -> Timestamp {
    Timestamp::parse("2000-01-01T00:00:00Z")
        .unwrap()
        .plus_micros(number * 86_400_000_000)
}

pub fn event_id(number: u64) -> EventId {
    let mut bytes = [0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 0];
    bytes[8..].copy_from_slice(&(number | 1 << 63).to_be_bytes());
    EventId::from_bytes(bytes)
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

pub type Given<'a> = (&'a str, Option<OwnedValue>);

pub fn command(record: &str, deed: Deed) -> Command {
    Command {
        id: None,
        record: name(record),
        deed,
        actor: "anna".to_owned(),
        effective: Since::Recorded,
        device: None,
        reason: Some("seen on site".to_owned()),
        source: Origin::Field,
        visit: None,
        expected_version: None,
        cause: None,
        signature: None,
    }
}

fn owned(given: &[Given<'_>]) -> Vec<(String, Option<OwnedValue>)> {
    given
        .iter()
        .map(|(field, value)| ((*field).to_owned(), value.clone()))
        .collect()
}

pub fn collect(record: &str, fields: &[Given<'_>]) -> Command {
    command(record, Deed::Collect(owned(fields)))
}

pub fn correct(record: &str, fields: &[Given<'_>]) -> Command {
    let corrections = owned(fields).into_iter().map(|(field, after)| Correction {
        field,
        before: None,
        after,
    });
    command(record, Deed::Correct(corrections.collect()))
}

pub fn register(record: &str) -> Command {
    command(record, Deed::Register)
}

pub fn deregister(record: &str, because: Because<'static>) -> Command {
    command(record, Deed::Deregister(Reason::Plain(because)))
}

pub fn duplicate(record: &str, target: &str) -> Command {
    command(record, Deed::Deregister(Reason::DuplicateOf(name(target))))
}

pub fn verify(record: &str, outcome: Outcome, observed: &[Given<'_>]) -> Command {
    let check = Check {
        outcome,
        observed: owned(observed),
        not_seen: Vec::new(),
        area: None,
    };
    let deed = Deed::Verify(check);
    Command {
        actor: "bob".to_owned(),
        ..command(record, deed)
    }
}

/// A key that signs for a name, by its number.
pub fn key(name: &str, number: u8) -> SignerKey {
    SignerKey::from_seed(name, Algorithm::Ed25519, &[number; 32]).unwrap()
}

pub fn witness(number: u8) -> SignerKey {
    SignerKey::from_seed("witness.example", Algorithm::Cosignature, &[number; 32]).unwrap()
}

/// The key of a fresh register.
pub fn first_key() -> SignerKey {
    key("example.org/village", 1)
}

/// What is published, by name.
#[derive(Clone, Default)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Published for Files {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        Ok(self.0.get(name).cloned())
    }
}

impl Files {
    pub fn checkpoint(&self) -> SignedCheckpoint {
        SignedCheckpoint::parse(&self.0["checkpoint"]).unwrap()
    }

    pub fn cosign(&mut self, by: &SignerKey) {
        self.cosign_at(by, Timestamp::from_micros(1_700_000_000_000_000));
    }

    /// Has a witness cosign the checkpoint at a time by its own clock.
    pub fn cosign_at(&mut self, by: &SignerKey, time: Timestamp) {
        let mut checkpoint = self.checkpoint();
        let seconds = u64::try_from(time.micros() / 1_000_000).unwrap();
        let line = by.sign_note(&checkpoint.note().text, seconds);
        checkpoint.add([line]);
        self.0
            .insert("checkpoint".to_owned(), checkpoint.to_string().into());
    }

    /// Changes one published file.
    pub fn with(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Files {
        let mut files = self.clone();
        change(files.0.get_mut(name).unwrap());
        files
    }

    pub fn without(&self, name: &str) -> Files {
        let mut files = self.clone();
        files.0.remove(name).unwrap();
        files
    }
}

/// A register: its log, and what it keeps besides.
#[derive(Clone)]
pub struct Register {
    pub log: Vec<Vec<u8>>,
    pub now: Timestamp,
    pub key: SignerKey,
    /// Campaigns and rotations.
    pub files: Files,
    campaign: Campaign,
    settings: BTreeMap<String, String>,
    version: u32,
    /// The key before, and where it was rotated, until that is published.
    old: Option<(u64, SignerKey)>,
}

impl Register {
    pub fn new() -> Register {
        Register::with_clock(false)
    }

    pub fn with_clock(simulated: bool) -> Register {
        let (clock, end) = if simulated {
            ("simulated", "/simulated")
        } else {
            ("real", "")
        };
        let origin = format!("example.org/village{end}");
        let mut register = Register {
            log: Vec::new(),
            now: day(100),
            key: key(&origin, 1),
            files: Files::default(),
            campaign: Campaign::parse(CAMPAIGN).unwrap(),
            settings: BTreeMap::new(),
            version: 0,
            old: None,
        };
        let hash = register.attach(CAMPAIGN);
        let vkey = register.key.verifier().to_string();
        register.configure(&[
            (setting::CLOCK, Some(clock)),
            (setting::ORIGIN, Some(&origin)),
            (setting::KEY, Some(&vkey)),
            (setting::CAMPAIGN, Some(&hash)),
        ]);
        register
    }

    /// Keeps a campaign, and gives its hash.
    pub fn attach(&mut self, campaign: &str) -> String {
        let hash: String = Sha256::digest(campaign)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.files
            .0
            .insert(format!("attachments/{hash}"), campaign.into());
        hash
    }

    pub fn size(&self) -> u64 {
        u64::try_from(self.log.len()).unwrap()
    }

    pub fn events(&self) -> Vec<Event<'_>> {
        self.log.iter().map(|bytes| decode(bytes).unwrap()).collect()
    }

    pub fn configure(&mut self, settings: &[(&str, Option<&str>)]) {
        self.version += 1;
        let change = |(field, after): &(&'static str, Option<&'static str>)| Change {
            field,
            before: self.settings.get(*field).map(|text| Value::Text(text)),
            after: after.map(Value::Text),
            before_stated: false,
        };
        // Leaked, so that the event may borrow both from here and from the settings: a test lives not long.
        let settings: Vec<(&'static str, Option<&'static str>)> = settings
            .iter()
            .map(|(field, after)| {
                (
                    &*field.to_string().leak(),
                    after.map(|text| &*text.to_owned().leak()),
                )
            })
            .collect();
        let event = configure_event(
            self.size(),
            self.now,
            self.version,
            settings.iter().map(change).collect(),
        );
        let mut bytes = Vec::new();
        encode(&event, &mut bytes).unwrap();
        self.log.push(bytes);
        for (field, after) in settings {
            match after {
                Some(after) => self.settings.insert(field.to_owned(), after.to_owned()),
                None => self.settings.remove(field),
            };
        }
    }

    pub fn accept_clock(&mut self) {
        let last = self.events().last().unwrap().recorded.to_string();
        self.configure(&[(setting::CLOCK_ACCEPTED, Some(&last))]);
    }

    pub fn change_campaign(&mut self, campaign: &str) {
        let hash = self.attach(campaign);
        self.campaign = Campaign::parse(campaign).unwrap();
        self.configure(&[(setting::CAMPAIGN, Some(&hash))]);
    }

    /// From now on commands are taken that another campaign allows than the one that the log names.
    pub fn judged_by(&mut self, campaign: &str) {
        self.campaign = Campaign::parse(campaign).unwrap();
    }

    pub fn rotate(&mut self, number: u8) {
        let new = key(self.key.verifier().name(), number);
        self.old = Some((self.size(), self.key.clone()));
        self.configure(&[(setting::KEY, Some(&new.verifier().to_string()))]);
        self.key = new;
    }

    pub fn admit(&mut self, key: &VerifierKey) {
        let field = setting::actor_key(key.name(), key.id());
        self.configure(&[(&field, Some(&key.to_string()))]);
    }

    pub fn withdraw(&mut self, key: &VerifierKey) {
        self.configure(&[(&setting::actor_key(key.name(), key.id()), None)]);
    }

    /// Decides, and stores what was accepted.
    pub fn offer(&mut self, command: &Command) -> Result<EventId, Rejection> {
        let events = self.events();
        let own = |event: &&Event<'_>| name_of(event) == command.record.as_str();
        let entries: Vec<_> = events.iter().filter(own).filter_map(Entry::of).collect();
        let moment = Moment {
            position: Position::new(self.size()),
            recorded: self.now,
            fresh_id: event_id(self.size()),
        };
        let event = decide(&self.campaign, command, &entries, &View(&events), moment)?;
        let mut bytes = Vec::new();
        encode(&event, &mut bytes).unwrap();
        let id = event.id;
        self.log.push(bytes);
        Ok(id)
    }

    #[track_caller]
    pub fn takes(&mut self, command: &Command) -> EventId {
        match self.offer(command) {
            Ok(id) => id,
            Err(rejection) => panic!("{rejection}: {command:?}"),
        }
    }

    /// Signs a command by a key of its actor, whoever that key says it belongs to.
    pub fn signed(&self, command: &Command, by: &SignerKey) -> Command {
        let mut command = command.clone();
        command.id = Some(event_id(self.size()));
        command.effective = Since::At(self.now);
        command.signature = Some(CommandSignature {
            key_id: by.verifier().id(),
            bytes: [0; 64],
        });
        let mut sandbox = self.clone();
        sandbox.takes(&command);
        let form = signed_form(&decode(sandbox.log.last().unwrap()).unwrap()).unwrap();
        command.signature = Some(CommandSignature {
            key_id: by.verifier().id(),
            bytes: by.sign(form.as_bytes()),
        });
        command
    }

    /// Changes a stored event, and stores what came of it in the one form that it has.
    pub fn edit(&mut self, index: usize, edit: impl FnOnce(&mut Event<'_>)) {
        let stored = self.log[index].clone();
        let mut event = decode(&stored).unwrap();
        edit(&mut event);
        self.log[index].clear();
        encode(&event, &mut self.log[index]).unwrap();
    }

    /// Makes positions run on again, as whoever rewrites a log would.
    pub fn renumber(&mut self) {
        for index in 0..self.log.len() {
            self.edit(index, |event| {
                event.position = Position::new(u64::try_from(index).unwrap())
            });
        }
    }

    /// Publishes the log as it stands.
    pub fn publish(&mut self) -> Files {
        let mut files = self.files.clone();
        let (root, size) = (self.tiles(&mut files), self.size());
        let origin = self.key.verifier().name().to_owned();
        let checkpoint = Checkpoint { origin, size, root };
        let old = self.old.take();
        let signed = checkpoint.sign(old.iter().map(|(_, key)| key).chain([&self.key]));
        if let Some((position, _)) = old {
            let note: Vec<u8> = signed.to_string().into();
            self.files.0.insert(format!("rotation/{position}"), note.clone());
            files.0.insert(format!("rotation/{position}"), note);
        }
        files.0.insert("checkpoint".to_owned(), signed.to_string().into());
        files
    }

    fn tiles(&self, files: &mut Files) -> Hash {
        let mut tiling = Tiling::default();
        let put = |files: &mut Files, level, index, hashes: &[Hash]| {
            let tile = Tile {
                kind: TileKind::Hashes(level),
                index,
                width: hashes.len(),
            };
            files.0.insert(tile.to_string(), Tile::bytes(hashes));
        };
        for entry in &self.log {
            tiling.push(Hash::leaf(entry), |full| {
                put(files, full.level, full.index, &full.hashes)
            });
        }
        for (level, index, hashes) in tiling.partial() {
            put(files, level, index, hashes);
        }
        for (tile, entries) in Tile::all(TileKind::Entries, self.size()).zip(self.log.chunks(TILE_HASHES)) {
            let mut bundle = Vec::new();
            assert!(entries.iter().all(|entry| Bundle::push(&mut bundle, entry)));
            files.0.insert(tile.to_string(), bundle);
        }
        tiling.root()
    }
}

/// An event on the register itself, as the engine makes it.
fn configure_event<'a>(
    position: u64,
    recorded: Timestamp,
    version: u32,
    changes: Vec<Change<'a>>,
) -> Event<'a> {
    Event {
        position: Position::new(position),
        id: event_id(position),
        recorded,
        effective: recorded,
        action: Action::Configure,
        kind: "",
        key: "",
        version,
        area: "",
        actor: "root",
        device: None,
        source: Source::System,
        reason: Some("init"),
        changes,
        outcome: None,
        observed: Vec::new(),
        because: None,
        cause: None,
        stated: Stated::default(),
        visit: None,
        signature: None,
    }
}

/// What the rest of the register says, looked up in its events.
struct View<'a>(&'a [Event<'a>]);

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
        let collects = |event: &Event<'_>| event.action == Action::Collect && name_of(event) == name;
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

/// An auditor who trusts the first key, and compares tiles.
pub fn pinned() -> Options {
    Options {
        key: Some(first_key().verifier().clone()),
        ..unpinned()
    }
}

pub fn unpinned() -> Options {
    Options {
        key: None,
        witnesses: Vec::new(),
        quorum: 0,
        since: None,
        tiles: true,
    }
}

pub fn by_bundles(files: &Files, options: &Options) -> Result<Report, Finding> {
    audit(files, Entries::Bundles, options, &mut |_, _| {})
}

/// Audits a log of its own beside what is published, in batches of a few entries.
pub fn by_log(log: &[Vec<u8>], files: &Files, options: &Options) -> Result<Report, Finding> {
    let batches = log.chunks(7).zip((0..).step_by(7)).map(|(entries, first)| {
        let mut batch = Batch::new(first);
        entries.iter().for_each(|entry| batch.push(entry));
        Ok(batch)
    });
    audit(files, Entries::Log(Box::new(batches)), options, &mut |_, _| {})
}

/// The damage must be this, at this position.
#[track_caller]
pub fn expect(result: Result<Report, Finding>, code: &str, position: Option<u64>) -> Finding {
    match result {
        Ok(report) => panic!("{code} at {position:?} was not found: {report:?}"),
        Err(finding) => {
            assert_eq!(
                (finding.code(), finding.position),
                (code, position),
                "{finding:?}"
            );
            finding
        }
    }
}

/// A register in which everything that is allowed happened once, and its keys rotated twice.
pub fn village() -> Register {
    let mut register = Register::new();
    let mill = "dwelling/1";
    let first = register.takes(&collect(
        mill,
        &[("name", text("Mill")), ("area", text("north")), ("rooms", int(3))],
    ));
    register.now = day(110);
    register.takes(&collect("dwelling/2", &[("name", text("Barn"))]));
    register.takes(&collect("dwelling/3", &[("name", text("Shed"))]));
    register.takes(&super::register::register(mill));
    let anna = key("anna", 7);
    register.admit(anna.verifier());
    register.takes(&register.signed(&correct(mill, &[("rooms", int(4)), ("area", None)]), &anna));
    register.publish();
    register.rotate(2);
    register.takes(&Command {
        effective: Since::Origin,
        cause: Some(first),
        ..correct(mill, &[("rooms", int(5))])
    });
    register.publish();
    register.takes(&Command {
        effective: Since::At(day(105)),
        expected_version: Some(1),
        ..collect(
            "dwelling/2",
            &[
                ("size", Some(OwnedValue::Decimal("1.5".into()))),
                ("name", text("Barn")),
            ],
        )
    });
    register.takes(&verify(
        mill,
        Outcome::Present,
        &[("rooms", int(5)), ("name", text("Hall"))],
    ));
    register.takes(&duplicate("dwelling/2", "dwelling/3"));
    register.takes(&deregister("dwelling/3", Because::Erroneous));
    register.accept_clock();
    register.withdraw(anna.verifier());
    register.rotate(3);
    register.change_campaign(&with_kept());
    register.now = day(120);
    register.takes(&correct(mill, &[("kept", text("well"))]));
    register.takes(&deregister(mill, Because::Demolished));
    register.takes(&collect(
        "resident/7",
        &[("home", Some(OwnedValue::Reference("dwelling/1".into())))],
    ));
    register
}

/// A register with 600 more collects: full tiles, and one of level 1.
pub fn town() -> Register {
    let mut register = Register::new();
    let mut bytes = Vec::new();
    for number in 1..=600 {
        let position = register.size();
        let command = collect(&format!("dwelling/{number}"), &[("name", text("House"))]);
        let moment = Moment {
            position: Position::new(position),
            recorded: register.now,
            fresh_id: event_id(position),
        };
        let event = decide(&register.campaign, &command, &[], &View(&[]), moment).unwrap();
        bytes.clear();
        encode(&event, &mut bytes).unwrap();
        register.log.push(bytes.clone());
    }
    register
}
