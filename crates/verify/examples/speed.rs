//! How fast an audit is: makes a register in memory, with all its tiles, and audits its log.
//!
//! `cargo run --release -p shilu-verify --example speed -- 10000000`

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "a measurement, not a part of the auditor"
)]

use std::{collections::HashMap, time::Instant};

use sha2::{Digest, Sha256};
use shilu_merkle::{Algorithm, Checkpoint, Hash, SignerKey, Tile, TileKind, Tiling};
use shilu_model::{
    Action, Campaign, Change, Check, Command, Correction, Deed, Entry, Event, EventId, Known, Moment, Origin,
    Outcome, OwnedValue, Position, RecordName, Since, Source, Stated, Timestamp, Value, decide, decode,
    encode, setting,
};
use shilu_verify::{Batch, Entries, Options, Published, Unreadable, audit};

const CAMPAIGN: &str = r#"
name = "Town"
origin = "example.org/town"
timezone = "UTC"
earliest = 2000-01-01
[[kinds]]
id = "dwelling"
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true }
address = { type = "text", required = true }
area = { type = "area" }
rooms = { type = "integer" }
use = { type = "choice", values = ["residence", "shop"] }
"#;

struct Files(HashMap<String, Vec<u8>>);

impl Published for Files {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        Ok(self.0.get(name).cloned())
    }
}

struct Nothing;

impl Known for Nothing {
    fn has_event(&self, _: EventId) -> bool {
        true
    }
    fn is_collected(&self, _: &str) -> bool {
        true
    }
    fn duplicate_of(&self, _: &str) -> Option<String> {
        None
    }
}

/// The command of a round on a record: collect, register, verify, correct.
fn command(record: u64, round: u64) -> Command {
    let text = |text: String| Some(OwnedValue::Text(text));
    let field = |name: &str, value| (name.to_owned(), value);
    let deed = match round {
        0 => Deed::Collect(vec![
            field(
                "address",
                text(format!("Donghua Road {}, Building {}", record % 900, record % 40)),
            ),
            field("area", text(format!("330604{:06}", record / 300))),
            field("rooms", Some(OwnedValue::Integer(3))),
            field("use", text("residence".to_owned())),
        ]),
        1 => Deed::Register,
        2 => Deed::Verify(Check {
            outcome: Outcome::Present,
            observed: vec![
                field("rooms", Some(OwnedValue::Integer(3))),
                field("use", text("shop".to_owned())),
            ],
            not_seen: Vec::new(),
            area: None,
        }),
        _ => Deed::Correct(vec![Correction {
            field: "use".to_owned(),
            before: None,
            after: text("shop".to_owned()),
        }]),
    };
    Command {
        id: None,
        record: RecordName::new("dwelling", &format!("330604006215-{record:08}")).unwrap(),
        deed,
        actor: format!("officer-{:03}", (record + round / 2) % 400),
        effective: Since::Recorded,
        device: Some("tablet-0123".to_owned()),
        reason: Some("round of the quarter".to_owned()),
        source: Origin::Import {
            sha256: [7; 32],
            file: "dwellings-2024.csv".into(),
            row: record + 2,
        },
        visit: None,
        expected_version: None,
        cause: None,
        signature: None,
    }
}

fn moment(position: u64) -> Moment {
    let recorded = Timestamp::from_micros(1_700_000_000_000_000 + position as i64 / 40 * 1_000);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(position << 16).to_be_bytes());
    id[8..].copy_from_slice(&position.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    id[6] = 0x70;
    Moment {
        position: Position::new(position),
        recorded,
        fresh_id: EventId::from_bytes(id),
    }
}

fn first(key: &SignerKey, hash: &str) -> Vec<u8> {
    let moment = moment(0);
    let vkey = key.verifier().to_string();
    let set = |field, value| Change {
        field,
        before: None,
        after: Some(Value::Text(value)),
        before_stated: false,
    };
    let event = Event {
        position: moment.position,
        id: moment.fresh_id,
        recorded: moment.recorded,
        effective: moment.recorded,
        action: Action::Configure,
        kind: "",
        key: "",
        version: 1,
        area: "",
        actor: "root",
        device: None,
        source: Source::System,
        reason: Some("init"),
        changes: vec![
            set(setting::CLOCK, "real"),
            set(setting::ORIGIN, "example.org/town"),
            set(setting::KEY, &vkey),
            set(setting::CAMPAIGN, hash),
        ],
        outcome: None,
        observed: Vec::new(),
        because: None,
        cause: None,
        stated: Stated::default(),
        visit: None,
        signature: None,
    };
    let mut bytes = Vec::new();
    encode(&event, &mut bytes).unwrap();
    bytes
}

fn main() {
    let events: u64 = std::env::args()
        .nth(1)
        .map_or(1_000_000, |number| number.parse().unwrap());
    let records = events * 3 / 10;
    let campaign = Campaign::parse(CAMPAIGN).unwrap();
    let key = SignerKey::from_seed("example.org/town", Algorithm::Ed25519, &[1; 32]).unwrap();
    let hash: String = Sha256::digest(CAMPAIGN)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut files = Files(HashMap::from([(format!("attachments/{hash}"), CAMPAIGN.into())]));
    let mut tiling = Tiling::default();
    let (mut batches, mut total) = (vec![Batch::new(0)], 0);
    let mut past: Vec<Vec<u8>> = Vec::new();
    for position in 0..events {
        let bytes = if position == 0 {
            first(&key, &hash)
        } else {
            // Round by round over all records, as a township works.
            let (round, record) = ((position - 1) / records, (position - 1) % records);
            past.clear();
            for earlier in 0..=round {
                let decoded: Vec<_> = past.iter().map(|bytes| decode(bytes).unwrap()).collect();
                let entries: Vec<_> = decoded.iter().filter_map(Entry::of).collect();
                let moment = moment(earlier * records + record + 1);
                let command = command(record, earlier);
                let event = decide(&campaign, &command, &entries, &Nothing, moment).unwrap();
                let mut bytes = Vec::new();
                encode(&event, &mut bytes).unwrap();
                drop(entries);
                past.push(bytes);
            }
            past.pop().unwrap()
        };
        if batches.last().unwrap().len() == 1_000 {
            batches.push(Batch::new(position));
        }
        batches.last_mut().unwrap().push(&bytes);
        total += bytes.len();
        tiling.push(Hash::leaf(&bytes), |full| {
            let (kind, index) = (TileKind::Hashes(full.level), full.index);
            let tile = Tile {
                kind,
                index,
                width: full.hashes.len(),
            };
            files.0.insert(tile.to_string(), Tile::bytes(&full.hashes));
        });
    }
    for (level, index, hashes) in tiling.partial() {
        let tile = Tile {
            kind: TileKind::Hashes(level),
            index,
            width: hashes.len(),
        };
        files.0.insert(tile.to_string(), Tile::bytes(hashes));
    }
    let checkpoint = Checkpoint {
        origin: "example.org/town".to_owned(),
        size: events,
        root: tiling.root(),
    };
    files.0.insert(
        "checkpoint".to_owned(),
        checkpoint.sign([&key]).to_string().into(),
    );
    println!(
        "{events} events of {} bytes on {records} records",
        total as u64 / events
    );
    let options = Options {
        key: Some(key.verifier().clone()),
        witnesses: Vec::new(),
        quorum: 0,
        since: None,
        tiles: true,
    };
    let (before, worked) = (memory(), processor_seconds());
    let start = Instant::now();
    let entries = Entries::Log(Box::new(batches.into_iter().map(Ok)));
    let report = audit(&files, entries, &options, &mut |_, _| {}).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{seconds:.2} s, {:.0} events/s, {} tiles",
        report.events as f64 / seconds,
        report.tiles
    );
    // What two processors make of it when nobody else uses them.
    let worked = processor_seconds() - worked;
    println!(
        "{worked:.2} s of processors: {:.0} events/s on two",
        report.events as f64 / worked * 2.0
    );
    println!("memory before {before} MiB, peak {} MiB", memory());
}

/// The peak of resident memory so far, in MiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}

/// The time that processors have worked for this process, in seconds.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}
