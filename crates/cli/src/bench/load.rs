//! The load: made-up field work, the same for the same seed. Three records in ten events, six fields each, a tenth of
//! all events late, over a year and a half of recorded time.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use shilu_engine::{Clock, Engine, EngineError, Init, Options};
use shilu_model::{
    Check, Command, Correction, Deed, Origin, Outcome, OwnedValue, Reason, RecordName, Since, Timestamp,
};
use shilu_simulator::Random;

/// The campaign of the load.
pub const CAMPAIGN: &str = r#"
name = "Bench"
origin = "example.org/bench"
timezone = "Asia/Shanghai"
earliest = 2000-01-01
[[kinds]]
id = "dwelling"
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true }
area = { type = "text", required = true }
address = { type = "text", required = true }
use = { type = "choice", values = ["own", "rental", "lodging", "empty"], required = true }
rooms = { type = "integer" }
built = { type = "date" }
"#;

const AREAS: u64 = 15;
const ACTORS: u64 = 60;
const START: i64 = 1_735_689_600_000_000; // 2025-01-01
const SPAN_MICROS: i64 = 540 * DAY_MICROS;
const DAY_MICROS: i64 = 86_400_000_000;

/// A clock that the load sets, so that a year and a half of events is written in seconds.
#[derive(Clone)]
pub struct LoadClock(Arc<AtomicI64>);

impl LoadClock {
    /// A clock at the start of the load.
    pub fn new() -> Self {
        LoadClock(Arc::new(AtomicI64::new(START)))
    }

    /// Sets it to where `done` of `all` events are.
    pub fn set(&self, done: u64, all: u64) {
        let part = i128::from(SPAN_MICROS) * i128::from(done) / i128::from(all.max(1));
        self.0.store(
            START + i64::try_from(part).unwrap_or(SPAN_MICROS),
            Ordering::Relaxed,
        );
    }

    /// How a register is opened on this clock.
    pub fn options(&self) -> Options {
        let micros = Arc::clone(&self.0);
        let clock: Clock = Arc::new(move || Timestamp::from_micros(micros.load(Ordering::Relaxed)));
        Options {
            clock: Some(clock),
            ..Options::default()
        }
    }

    fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Makes a register for the load.
pub fn init(dir: &Path, clock: &LoadClock) -> Result<Engine, EngineError> {
    let options = clock.options();
    Engine::init(
        dir,
        &Init {
            campaign: CAMPAIGN,
            actor: "bench",
            simulated: true,
        },
        &options,
    )?;
    Engine::open(dir, options)
}

/// Makes commands that the rules accept, without asking the register.
pub struct Load {
    random: Random,
    clock: LoadClock,
    made: u64,
    all: u64,
    /// Per record: when it was collected, its rooms, and whether it is registered.
    records: Vec<(i64, i32, bool)>,
}

impl Load {
    /// A load of so many events.
    pub fn new(seed: u64, all: u64, clock: LoadClock) -> Self {
        Load {
            random: Random::new(seed, 0),
            clock,
            made: 0,
            all,
            records: Vec::new(),
        }
    }

    /// Lists of one command each; the clock goes on with them.
    pub fn lists(&mut self, count: usize) -> Vec<Vec<Command>> {
        self.clock.set(self.made, self.all);
        (0..count).map(|_| vec![self.command()]).collect()
    }

    fn command(&mut self) -> Command {
        let number = self.made;
        self.made += 1;
        let now = self.clock.now();
        if number % 10 < 3 || self.records.is_empty() {
            return self.collect(now);
        }
        let count = u64::try_from(self.records.len()).unwrap_or(u64::MAX);
        let index = self.random.below(count);
        let late = number % 10 == 9;
        let actor = self.random.below(ACTORS);
        let place = usize::try_from(index).unwrap_or(0);
        let Some((collected, rooms, registered)) = self.records.get_mut(place) else {
            return self.collect(now);
        };
        let age = now - *collected;
        let back = i64::try_from(self.random.below(30)).unwrap_or(0) * DAY_MICROS;
        // The clock goes on between here and the decision, by less than two days even in a small load.
        let effective = if late && age > back + 2 * DAY_MICROS {
            Since::At(Timestamp::from_micros(now - back))
        } else {
            Since::Recorded
        };
        let record = key(index);
        let deed = if late || number % 10 >= 6 {
            // Late truth may meet a later value: then it is stated at its time all the same.
            let after = if *rooms >= 1_000_000 { 1 } else { *rooms + 1 };
            *rooms = after;
            let change = Correction {
                field: "rooms".into(),
                before: None,
                after: Some(OwnedValue::Integer(after.into())),
            };
            Deed::Correct(vec![change])
        } else if number % 10 == 5 {
            let observed = vec![("rooms".to_owned(), Some(OwnedValue::Integer((*rooms).into())))];
            Deed::Verify(Check {
                outcome: Outcome::Present,
                observed,
                not_seen: Vec::new(),
                area: None,
            })
        } else if *registered {
            *registered = false;
            Deed::Deregister(Reason::Plain(shilu_model::Because::MovedOut))
        } else {
            *registered = true;
            Deed::Register
        };
        let verifier = matches!(deed, Deed::Verify(_));
        let actor = if verifier {
            format!("verifier-{actor:02}")
        } else {
            format!("officer-{actor:02}")
        };
        command(record, deed, actor, effective)
    }

    fn collect(&mut self, now: i64) -> Command {
        let index = u64::try_from(self.records.len()).unwrap_or(u64::MAX);
        let rooms = i32::try_from(self.random.below(8)).unwrap_or(0) + 1;
        self.records.push((now, rooms, false));
        let area = self.random.below(AREAS);
        let text = |text: String| Some(OwnedValue::Text(text));
        let uses = ["own", "rental", "lodging", "empty"];
        let used = uses
            .get(usize::try_from(self.random.below(4)).unwrap_or(0))
            .copied()
            .unwrap_or("own");
        let built = i32::try_from(self.random.below(20_000)).unwrap_or(0);
        let fields = vec![
            ("area".to_owned(), text(format!("330604006{area:03}"))),
            (
                "address".to_owned(),
                text(format!("{}号{}室", index / 12, index % 12)),
            ),
            ("use".to_owned(), text(used.to_owned())),
            ("rooms".to_owned(), Some(OwnedValue::Integer(rooms.into()))),
            (
                "built".to_owned(),
                Some(OwnedValue::Date(shilu_model::Day::from_number(built))),
            ),
        ];
        let actor = self.random.below(ACTORS);
        command(
            key(index),
            Deed::Collect(fields),
            format!("officer-{actor:02}"),
            Since::Recorded,
        )
    }
}

/// The name of a record of the load.
pub fn key(index: u64) -> RecordName {
    // Spread like house numbers, not like a counter.
    let spread = (index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) % 1_000_000_007;
    RecordName::new("dwelling", &format!("{spread:09}-{index:07}")).expect("digits and a hyphen are a key")
}

fn command(record: RecordName, deed: Deed, actor: String, effective: Since) -> Command {
    Command {
        id: None,
        record,
        deed,
        actor,
        effective,
        device: None,
        reason: Some("field visit".to_owned()),
        source: Origin::Field,
        visit: None,
        expected_version: None,
        cause: None,
        signature: None,
    }
}
