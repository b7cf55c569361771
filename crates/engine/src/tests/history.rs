//! Random histories: a register under a clock that jumps, with everything that makes truth come late.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use shilu_model::{
    Because, Check, Command, Correction, Day, Deed, EventId, Origin, Outcome, OwnedValue, Position, Reason,
    RecordName, Since, Timestamp, Zone,
};

use super::{MINUTE, command, open, settable};
use crate::{Accepted, Engine, Options};

/// Small random numbers from a seed (SplitMix64, Steele and others 2014): the same seed gives the same history.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % end
    }

    pub fn range(&mut self, from: i64, end: i64) -> i64 {
        from + i64::try_from(self.below(usize::try_from(end - from).unwrap())).unwrap()
    }

    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

pub const DAY: i64 = 24 * 60 * MINUTE;

/// One worker is called like an area, one area like a field: names must not run into one another.
pub const WORKERS: [&str; 4] = ["anna", "bo", "north", "chen"];
pub const CHECKERS: [&str; 2] = ["vera", "wei"];
pub const AREAS: [&str; 3] = ["north", "south", "rooms"];
pub const FIELDS: [&str; 9] = [
    "area", "rooms", "owner", "price", "rented", "built", "beside", "name", "code",
];
pub const DEVICES: [&str; 2] = ["tablet-1", "north"];

/// A register with a random history in the making.
pub struct Annals {
    pub dir: tempfile::TempDir,
    pub clock: Arc<AtomicI64>,
    pub options: Options,
    engine: Option<Engine>,
    /// Lists that were taken, with their answers.
    pub taken: Vec<(Vec<Command>, Vec<Accepted>)>,
    /// The codes of those that were not.
    pub refused: Vec<&'static str>,
    pub reopened: usize,
    dice: Dice,
    ids: u64,
    zone: Zone,
}

impl Annals {
    /// A register with a history of so many commands.
    pub fn told(seed: u64, commands: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (clock, options) = settable("2026-03-05T09:00:00Z");
        let engine = open(dir.path(), &options);
        let zone = engine.campaign().zone;
        let mut annals = Annals {
            dir,
            clock,
            options,
            engine: Some(engine),
            taken: Vec::new(),
            refused: Vec::new(),
            reopened: 0,
            dice: Dice::new(seed),
            ids: 0,
            zone,
        };
        annals.go_on(commands);
        annals
    }

    /// Tells so many commands more.
    pub fn go_on(&mut self, commands: usize) {
        let mut told = 0;
        while told < commands {
            self.pass_time();
            if self.dice.percent(6) {
                self.reopen();
            }
            let lists: Vec<_> = (0..1 + self.dice.below(6)).map(|_| self.list()).collect();
            told += lists.iter().map(Vec::len).sum::<usize>();
            // Some lists are sent twice at once: the second answer must be the first, though it is in flight.
            let twice = self.dice.percent(20);
            let first = self.engine().submit(lists.clone()).unwrap();
            let second = twice.then(|| self.engine().submit(lists.clone()).unwrap());
            let answers = first.wait();
            assert_eq!(answers.len(), lists.len());
            if let Some(second) = second {
                for ((list, first), second) in lists.iter().zip(&answers).zip(second.wait()) {
                    if let (true, Ok(first)) = (list.iter().all(|command| command.id.is_some()), first) {
                        assert_eq!(second.unwrap(), repeated(first));
                    } else if let Ok(second) = second {
                        self.taken.push((list.clone(), second));
                    }
                }
            }
            for (list, answer) in lists.into_iter().zip(answers) {
                match answer {
                    Ok(accepted) => self.taken.push((list, accepted)),
                    Err(error) => self.refused.push(error.code()),
                }
            }
            if self.dice.percent(10) {
                self.retry();
            }
        }
    }

    pub fn reopen(&mut self) {
        self.shut();
        self.engine = Some(open(self.dir.path(), &self.options));
        self.reopened += 1;
    }

    /// Closes the register, so that its folder can be looked at.
    pub fn shut(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.close().unwrap();
        }
    }

    pub fn engine(&self) -> &Engine {
        self.engine.as_ref().expect("it is open")
    }

    /// Sends an earlier list once more.
    fn retry(&mut self) {
        let with_ids =
            |(list, _): &&(Vec<Command>, Vec<Accepted>)| list.iter().all(|command| command.id.is_some());
        let known: Vec<_> = self.taken.iter().filter(with_ids).cloned().collect();
        if known.is_empty() {
            return;
        }
        let (mut list, first) = self.dice.pick(&known);
        let answer = |list: &Vec<Command>| self.engine().submit(vec![list.clone()]).unwrap().wait().remove(0);
        assert_eq!(answer(&list).unwrap(), repeated(&first));
        list[0].reason = Some("another".to_owned());
        assert_eq!(answer(&list).unwrap_err().code(), "ID_REUSED");
    }

    fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    /// From nothing to weeks; sometimes to the very last instant of a day, or the first.
    fn pass_time(&mut self) {
        let now = self.now();
        let day = self.zone.day_of(Timestamp::from_micros(now));
        let next = match self.dice.below(100) {
            0..30 => now,
            30..60 => now + self.dice.range(1, 90) * MINUTE,
            60..85 => now + self.dice.range(1, 40) * 60 * MINUTE,
            85..90 => self.zone.end_of(day).micros(),
            90..94 => self.zone.end_of(day).micros() + 1,
            94..98 => now + self.dice.range(1, 5) * DAY,
            // A little back: recorded time must stay.
            98 => now - 30_000_000,
            _ => now + self.dice.range(7, 22) * DAY,
        };
        self.clock.store(next, Ordering::SeqCst);
    }

    fn list(&mut self) -> Vec<Command> {
        let length = if self.dice.percent(75) {
            1
        } else {
            2 + self.dice.below(3)
        };
        let name = self.name();
        let together = self.dice.percent(70);
        let named = self.dice.percent(60);
        let list = (0..length).map(|place| {
            let name = if together { name.clone() } else { self.name() };
            let mut command = self.command(&name, place);
            if named {
                command.id = Some(self.id());
            }
            command
        });
        list.collect()
    }

    pub fn id(&mut self) -> EventId {
        self.ids += 1;
        event_id(self.ids.wrapping_mul(1 + self.dice.next() % 3), self.ids)
    }

    fn name(&mut self) -> RecordName {
        let kind = if self.dice.percent(70) { "dwelling" } else { "shop" };
        RecordName::new(kind, self.dice.pick(&["1", "10", "2", "rooms", "东", "9"])).unwrap()
    }

    /// Mostly now; else minutes to weeks back, often at the very ends of days.
    fn since(&mut self) -> Since {
        let now = self.now();
        let back = now - self.dice.range(0, 20) * DAY / 2;
        let day = self.zone.day_of(Timestamp::from_micros(back));
        let near = Day::from_number(day.number() - 1);
        Since::At(match self.dice.below(100) {
            0..50 => return Since::Recorded,
            50..60 => Timestamp::from_micros(now - self.dice.range(0, 600) * MINUTE),
            60..75 => Timestamp::from_micros(back),
            75..85 => self.zone.end_of(near),
            85..93 => self.zone.start_of(day),
            93..97 => Timestamp::from_micros(now - self.dice.range(0, 90) * DAY),
            97..99 => Timestamp::from_micros(now + self.dice.range(1, 100) * MINUTE),
            _ => Timestamp::parse("1999-12-31T00:00:00Z").unwrap(),
        })
    }

    fn command(&mut self, name: &RecordName, place: usize) -> Command {
        let mut actor = self.dice.pick(&WORKERS);
        let mut since = self.since();
        let fresh = place == 0 && self.engine().history(name, Position::ZERO, 1).is_err();
        let deed = match (self.dice.below(100) + 15 * usize::from(place > 0)).min(99) {
            die if die < 26 || fresh && self.dice.percent(70) => Deed::Collect(self.fields(name)),
            26..44 => {
                if self.dice.percent(35) {
                    since = Since::Origin;
                }
                let fields = self.fields(name);
                let some = 1 + self.dice.below(2);
                let corrections = fields
                    .into_iter()
                    .rev()
                    .take(some)
                    .map(|(field, after)| Correction {
                        before: None,
                        after: if self.dice.percent(15) { None } else { after },
                        field,
                    });
                Deed::Correct(corrections.collect())
            }
            44..62 => Deed::Register,
            62..75 => {
                let because = [Because::MovedOut, Because::Demolished, Because::AbsentFromExtract];
                Deed::Deregister(Reason::Plain(self.dice.pick(&because)))
            }
            75 => Deed::Deregister(Reason::Plain(Because::Erroneous)),
            76 => Deed::Deregister(Reason::DuplicateOf(self.name())),
            _ => {
                if self.dice.percent(95) {
                    actor = self.dice.pick(&CHECKERS);
                }
                self.check(name)
            }
        };
        let mut command = command(name.as_str(), actor, deed);
        command.effective = since;
        if self.dice.percent(30) {
            command.device = Some(self.dice.pick(&DEVICES).to_owned());
        }
        if self.dice.percent(30) {
            command.source = Origin::Import {
                sha256: [u8::try_from(self.dice.below(2)).unwrap(); 32],
                file: "extract.csv".into(),
                row: self.dice.next() % 9 + 2,
            };
        }
        if self.dice.percent(3) {
            command.expected_version = Some(u32::try_from(self.dice.below(4)).unwrap());
        }
        if self.dice.percent(5)
            && let Some((_, accepted)) = self.taken.last()
        {
            command.cause = Some(accepted[0].id);
        }
        command
    }

    fn check(&mut self, name: &RecordName) -> Deed {
        let outcome = self.dice.pick(Outcome::ALL);
        let observed: Vec<_> = if self.dice.percent(60) {
            self.fields(name).into_iter().skip(1).collect()
        } else {
            Vec::new()
        };
        let not_seen = if observed.is_empty() && self.dice.percent(40) {
            vec!["code".to_owned()]
        } else {
            Vec::new()
        };
        Deed::Verify(Check {
            outcome,
            observed,
            not_seen,
            area: self.dice.percent(20).then(|| self.dice.pick(&AREAS).to_owned()),
        })
    }

    /// Some fields with values, few enough to coincide now and then; the required ones first.
    fn fields(&mut self, name: &RecordName) -> Vec<(String, Option<OwnedValue>)> {
        let text = |text: &str| OwnedValue::Text(text.to_owned());
        let mut fields = Vec::new();
        let mut add = |field: &str, value| fields.push((field.to_owned(), Some(value)));
        let dice = &mut self.dice;
        if name.kind() == "shop" {
            add("name", text(if dice.percent(80) { "tea" } else { "anna" }));
            if dice.percent(50) {
                add("rooms", OwnedValue::Integer(dice.range(-1, 1)));
            }
            return fields;
        }
        let usual = AREAS[name.key().len() % AREAS.len()];
        add(
            "area",
            text(if dice.percent(80) {
                usual
            } else {
                dice.pick(&AREAS)
            }),
        );
        match dice.below(7) {
            0 | 1 => add("rooms", OwnedValue::Integer(dice.range(-1, 1) << 40)),
            2 => add("owner", text(dice.pick(&["anna", "Zoë", "区"]))),
            3 => add(
                "price",
                OwnedValue::Decimal(dice.pick(&["-0.5", "12"]).to_owned()),
            ),
            4 => add("rented", OwnedValue::Boolean(dice.percent(50))),
            5 => add(
                "built",
                OwnedValue::Date(Day::from_number(i32::try_from(dice.range(-9, 9)).unwrap())),
            ),
            _ => add("beside", OwnedValue::Reference("dwelling/1".to_owned())),
        }
        fields
    }
}

/// The same answer, as a safe retry gets it.
pub fn repeated(first: &[Accepted]) -> Vec<Accepted> {
    let repeat = |one: &Accepted| Accepted {
        repeated: true,
        ..one.clone()
    };
    first.iter().map(repeat).collect()
}

/// A version 7 id from its milliseconds and its random part.
pub fn event_id(millis: u64, random: u64) -> EventId {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    bytes[8..].copy_from_slice(&random.to_be_bytes());
    bytes[6] = 0x70;
    bytes[8] = 0x80 | bytes[8] & 0x3f;
    EventId::from_bytes(bytes)
}
