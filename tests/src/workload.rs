//! The workload: lists of commands known from (seed, round, thread, number), so that a register can be judged by a
//! process that did not write it.

use shilu_engine::model::{
    Because, Command, Correction, Deed, EventId, Origin, OwnedValue, Reason, RecordName, Since,
};

use crate::random::Random;

/// The campaign of the workload's register.
pub const CAMPAIGN: &str = r#"
name = "Village"
origin = "example.org/village"
timezone = "Asia/Shanghai"
earliest = 2000-01-01
[[kinds]]
id = "dwelling"
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true }
area = { type = "text", required = true }
rooms = { type = "integer" }
note = { type = "text" }
"#;

/// The name of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListName {
    /// The life of the writer that sends it.
    pub round: u8,
    /// The writer's thread.
    pub thread: u8,
    /// The how-manieth of that thread.
    pub number: u32,
}

/// A place in a list, as an event's id tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The list.
    pub list: ListName,
    /// The place in it.
    pub index: u8,
    /// How many commands it has.
    pub length: u8,
}

impl Member {
    fn id(self, seed: u64) -> EventId {
        let ListName {
            round,
            thread,
            number,
        } = self.list;
        let parts = [
            seed,
            round.into(),
            thread.into(),
            number.into(),
            self.index.into(),
        ];
        let scattered = Random::of(&parts).next().to_be_bytes();
        let number = number.to_be_bytes();
        let seed = seed.to_be_bytes();
        let mut id = [0; 16];
        id[..6].copy_from_slice(&scattered[..6]);
        id[6] = 0x70;
        id[7] = round;
        id[8] = 0x80 | thread;
        id[9..12].copy_from_slice(&number[1..]);
        id[12] = self.index;
        id[13] = self.length;
        id[14..].copy_from_slice(&seed[6..]);
        EventId::from_bytes(id)
    }

    /// The place that an id tells; none for the ids that the engine makes.
    pub fn of(id: EventId, seed: u64) -> Option<Member> {
        let bytes = id.bytes();
        let number = u32::from_be_bytes([0, bytes[9], bytes[10], bytes[11]]);
        let list = ListName {
            round: bytes[7],
            thread: bytes[8] & 0x3f,
            number,
        };
        let member = Member {
            list,
            index: bytes[12],
            length: bytes[13],
        };
        (member.id(seed) == id).then_some(member)
    }
}

impl ListName {
    /// The list: mostly a few commands, now and then enough for a commit of many chunks.
    pub fn commands(self, seed: u64) -> Vec<Command> {
        let ListName {
            round,
            thread,
            number,
        } = self;
        let mut random = Random::of(&[seed, round.into(), thread.into(), number.into()]);
        let records = match random.below(60) {
            0 => 40,
            1..=4 => 8,
            _ => 1 + random.below(2),
        };
        let mut deeds = Vec::new();
        if let Some(earlier) = number.checked_sub(1) {
            // Acknowledged before this one is sent.
            let rooms = i64::from(number) + 1_000;
            deeds.push((key(round, thread, earlier, 0), correct(rooms)));
        }
        for record in 0..records {
            let key = key(round, thread, number, record);
            deeds.push((key.clone(), collect(&mut random)));
            if random.percent(50) {
                deeds.push((key.clone(), Deed::Register));
                if record > 0 && random.percent(30) {
                    deeds.push((key.clone(), Deed::Deregister(Reason::Plain(Because::MovedOut))));
                }
            }
            if random.percent(30) {
                deeds.push((key, correct(500)));
            }
        }
        let length = u8::try_from(deeds.len()).expect("at most 1 + 40 × 4 commands");
        let command = |(index, (key, deed)): (usize, (String, Deed))| {
            let member = Member {
                list: self,
                index: index as u8,
                length,
            };
            Command {
                id: Some(member.id(seed)),
                record: RecordName::new("dwelling", &key).unwrap(),
                deed,
                actor: format!("officer-{thread}"),
                effective: Since::Recorded,
                device: Some(format!("tablet-{round}")),
                reason: Some("door to door".to_owned()),
                source: Origin::Field,
                visit: None,
                expected_version: None,
                cause: None,
                signature: None,
            }
        };
        deeds.into_iter().enumerate().map(command).collect()
    }
}

fn key(round: u8, thread: u8, number: u32, record: u64) -> String {
    format!("{round}-{thread}-{number}-{record}")
}

fn collect(random: &mut Random) -> Deed {
    let note = "门牌".repeat(random.index(40));
    let text =
        |text: String| Some(OwnedValue::Text(text)).filter(|value| *value != OwnedValue::Text(String::new()));
    Deed::Collect(vec![
        ("area".to_owned(), text(format!("area-{}", random.below(5)))),
        (
            "rooms".to_owned(),
            Some(OwnedValue::Integer(random.below(9) as i64)),
        ),
        ("note".to_owned(), text(note)),
    ])
}

fn correct(rooms: i64) -> Deed {
    Deed::Correct(vec![Correction {
        field: "rooms".to_owned(),
        before: None,
        after: Some(OwnedValue::Integer(rooms)),
    }])
}

/// What a writer was told of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// The list.
    pub list: ListName,
    /// The position of its first event; the others follow it.
    pub first: u64,
    /// When it was recorded, in microseconds.
    pub recorded: i64,
}

impl Acknowledged {
    /// One line, written in one piece.
    pub fn line(&self) -> String {
        let ListName {
            round,
            thread,
            number,
        } = self.list;
        format!("ack {round} {thread} {number} {} {}\n", self.first, self.recorded)
    }

    /// Reads such a line.
    pub fn parse(line: &str) -> Option<Acknowledged> {
        let mut words = line.strip_prefix("ack ")?.split(' ');
        let list = ListName {
            round: words.next()?.parse().ok()?,
            thread: words.next()?.parse().ok()?,
            number: words.next()?.parse().ok()?,
        };
        let (first, recorded) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Acknowledged {
            list,
            first,
            recorded,
        })
    }
}
