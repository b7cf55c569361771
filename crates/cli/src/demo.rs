//! `shilu demo`: a village's field work in a temporary register, served. All of it is invented, and its clock is
//! simulated, so it can never pass for real.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use clap::Args;
use shilu_engine::{Clock, Engine, Init, Options};
use shilu_model::{
    Because, Check, Command, Correction, Deed, Origin, Outcome, OwnedValue, Reason, RecordName, Since,
    Timestamp,
};

use crate::{
    Done,
    bench::Random,
    commands::serve,
    error::CliError,
    output::{Output, say},
};

/// What can be said to `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Where to listen; port 0 takes any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// Seed of the invented field work
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

const CAMPAIGN: &str = r#"name = "Demonstration village 示例村"
origin = "example.org/demo"
timezone = "Asia/Shanghai"
earliest = 2015-01-01

[[kinds]]
id = "dwelling"
title = { en = "Dwelling", zh = "房屋" }
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true, title = { en = "Code", zh = "编码" } }
area = { type = "text", required = true, title = { en = "Area", zh = "片区" } }
address = { type = "text", required = true, title = { en = "Address", zh = "地址" } }
use = { type = "choice", values = ["own", "rental", "empty"], required = true, title = { en = "Use", zh = "用途" } }
rooms = { type = "integer", title = { en = "Rooms", zh = "间数" } }

[[kinds]]
id = "unit"
title = { en = "Unit", zh = "单位" }
key = "id"
area = "area"
[kinds.fields]
id = { type = "text", required = true }
area = { type = "text", required = true }
name = { type = "text", required = true, title = { en = "Name", zh = "名称" } }
dwelling = { type = "reference", kinds = ["dwelling"] }
"#;

const AREAS: [&str; 3] = ["示例村-东", "示例村-西", "示例村-南"];
const OFFICERS: [&str; 3] = ["officer-001", "officer-002", "officer-003"];
const VERIFIER: &str = "verifier-009";
const DWELLINGS: u64 = 90;
const UNITS: u64 = 12;
const HOUR: i64 = 3_600_000_000;

/// Runs it.
pub fn run(args: &DemoArgs) -> Done {
    let folder = tempfile::Builder::new()
        .prefix("shilu-demo-")
        .tempdir()
        .map_err(|source| CliError::io("make a folder in", std::env::temp_dir(), source))?;
    let dir = folder.path().join("register");
    let events = write(&dir, args.seed)?;
    say(format!(
        "demonstration: {events} invented events of April 2015 in {}",
        dir.display()
    ));
    serve::open_and_serve(&dir, &args.listen, |address, output: &mut Output| {
        output.line("try:")?;
        output.line(format!(
            "  curl 'http://{address}/api/v1/records/dwelling/D-007/history'"
        ))?;
        output.line(format!(
            "  curl 'http://{address}/api/v1/rates?as_of=2015-04-15&by=area'"
        ))?;
        output.line(format!(
            "  curl 'http://{address}/api/v1/changes?action=correct&field=rooms&limit=5'"
        ))?;
        output.flush()
    })
}

/// Writes the village's April.
fn write(dir: &Path, seed: u64) -> Result<u64, CliError> {
    let start = Timestamp::parse("2015-04-01T00:00:00Z").expect("a time");
    let micros = Arc::new(AtomicI64::new(start.micros()));
    let own = Arc::clone(&micros);
    let clock: Clock = Arc::new(move || Timestamp::from_micros(own.load(Ordering::Relaxed)));
    let options = Options {
        clock: Some(clock),
        ..Options::default()
    };
    Engine::init(
        dir,
        &Init {
            campaign: CAMPAIGN,
            actor: "demo",
            simulated: true,
        },
        &options,
    )?;
    let engine = Engine::open(dir, options)?;
    let mut village = Village {
        random: Random(seed),
        micros: &micros,
    };
    for list in village.april() {
        micros.store(list.0, Ordering::Relaxed);
        for answer in engine.submit(vec![list.1])?.wait() {
            answer?;
        }
    }
    let events = engine.end().get();
    engine.close()?;
    Ok(events)
}

struct Village<'a> {
    random: Random,
    micros: &'a AtomicI64,
}

impl Village<'_> {
    /// Lists of commands, each with the time at which it is sent.
    fn april(&mut self) -> Vec<(i64, Vec<Command>)> {
        let start = self.micros.load(Ordering::Relaxed);
        let mut lists = Vec::new();
        for number in 0..DWELLINGS {
            let sent = start + HOUR * 4 * i64::try_from(number).unwrap_or(0);
            let (record, officer) = (name("dwelling", &format!("D-{number:03}")), self.officer());
            let rooms = self.number(1, 6);
            lists.push((
                sent,
                vec![command(&record, officer, self.dwelling(number, rooms))],
            ));
            match number % 9 {
                // Most are registered on the spot …
                0..=5 => lists.push((sent + HOUR, vec![command(&record, officer, Deed::Register)])),
                // … some are miscounted, and put right since they were collected …
                6 => {
                    let after = Some(OwnedValue::Integer(rooms + 1));
                    let change = Correction {
                        field: "rooms".into(),
                        before: None,
                        after,
                    };
                    let mut correction = command(&record, officer, Deed::Correct(vec![change]));
                    correction.effective = Since::Origin;
                    correction.reason = Some("数错了 miscounted".into());
                    lists.push((sent + 5 * HOUR, vec![command(&record, officer, Deed::Register)]));
                    lists.push((sent + 30 * HOUR, vec![correction]));
                }
                // … some turn out to be empty, and that is entered late …
                7 => {
                    let mut leaving = command(
                        &record,
                        officer,
                        Deed::Deregister(Reason::Plain(Because::MovedOut)),
                    );
                    leaving.effective = Since::At(Timestamp::from_micros(sent + 40 * HOUR));
                    leaving.reason = Some("已搬走 moved out".into());
                    lists.push((sent + HOUR, vec![command(&record, officer, Deed::Register)]));
                    lists.push((sent + 90 * HOUR, vec![leaving]));
                }
                _ => {}
            }
            // Every fourth is checked by somebody else.
            if number % 4 == 0 {
                let seen = rooms + i64::from(number % 12 == 0);
                let observed = vec![("rooms".to_owned(), Some(OwnedValue::Integer(seen)))];
                let check = Check {
                    outcome: Outcome::Present,
                    observed,
                    not_seen: Vec::new(),
                    area: None,
                };
                lists.push((
                    sent + 100 * HOUR,
                    vec![command(&record, VERIFIER, Deed::Verify(check))],
                ));
            }
        }
        for number in 0..UNITS {
            let sent = start + HOUR * 20 * i64::try_from(number).unwrap_or(0) + 200 * HOUR;
            let record = name("unit", &format!("U-{number:02}"));
            let officer = self.officer();
            let text = |text: String| Some(OwnedValue::Text(text));
            let fields = vec![
                ("area".to_owned(), text(self.area(number).to_owned())),
                ("name".to_owned(), text(format!("示例商店{number}"))),
                (
                    "dwelling".to_owned(),
                    Some(OwnedValue::Reference(format!("dwelling/D-{number:03}"))),
                ),
            ];
            let both = [Deed::Collect(fields), Deed::Register].map(|deed| command(&record, officer, deed));
            lists.push((sent, both.to_vec()));
        }
        lists.sort_by_key(|(sent, _)| *sent);
        lists
    }

    fn dwelling(&mut self, number: u64, rooms: i64) -> Deed {
        let text = |text: &str| Some(OwnedValue::Text(text.to_owned()));
        let uses = ["own", "rental", "own", "empty"];
        let used = pick(&uses, self.random.next());
        Deed::Collect(vec![
            ("area".to_owned(), text(self.area(number))),
            ("address".to_owned(), text(&format!("示例路{}号", number + 1))),
            ("use".to_owned(), text(used)),
            ("rooms".to_owned(), Some(OwnedValue::Integer(rooms))),
        ])
    }

    fn area(&self, number: u64) -> &'static str {
        pick(&AREAS, number)
    }

    fn officer(&mut self) -> &'static str {
        pick(&OFFICERS, self.random.next())
    }

    fn number(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.random.below(u64::try_from(to - from + 1).unwrap_or(1))).unwrap_or(0)
    }
}

fn pick<'a>(from: &[&'a str], number: u64) -> &'a str {
    let count = u64::try_from(from.len()).unwrap_or(1);
    let place = usize::try_from(number % count).unwrap_or(0);
    from.get(place).copied().unwrap_or_default()
}

fn name(kind: &str, key: &str) -> RecordName {
    RecordName::new(kind, key).expect("letters and digits are a key")
}

fn command(record: &RecordName, actor: &str, deed: Deed) -> Command {
    Command {
        id: None,
        record: record.clone(),
        deed,
        actor: actor.to_owned(),
        effective: Since::Recorded,
        device: Some("tablet-1".to_owned()),
        reason: None,
        source: Origin::Field,
        visit: None,
        expected_version: None,
        cause: None,
        signature: None,
    }
}
