//! A unit with very many workers changes its trade: each of them counts elsewhere from then on.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use shilu_engine::{Engine, Init, projections::campaigns};
use shilu_model::{Command, Correction, Deed, Origin, OwnedValue, RecordName, Since};

use super::{
    figure::{Figure, Figures, float, rss_mib},
    load::LoadClock,
};
use crate::{Done, error::CliError};

/// Workers of each unit: more than any of a township has.
const WORKERS: u64 = 2_000;
const UNITS: u64 = 20;
/// How often each unit's trade changes.
const CHANGES: u64 = 10;
/// Commands that are submitted together.
const LISTS: usize = 500;

/// Makes a register of such units and of as many without workers, and measures how long it takes from a command to the
/// figures that follow from it, with the commit that is between. The limit is the same for the units without workers.
pub fn run(register: &Path, figures: &mut Figures) -> Done {
    let clock = LoadClock::new();
    let engine = init(register, &clock)?;
    submit(&engine, (0..2 * UNITS).map(unit))?;
    let workers = (0..UNITS).flat_map(|unit| (0..WORKERS).map(move |number| worker(unit, number)));
    submit(&engine, workers)?;
    let (mut times, mut bare) = (Vec::new(), Vec::new());
    for change in 1..=CHANGES {
        for unit in 0..UNITS {
            // Each on a time of its own, some days between two changes of a unit.
            clock.set(change * UNITS + unit, (CHANGES + 2) * UNITS);
            // Half of the trades are core ones, the others not.
            let trade = if change % 2 == 0 { "hotel" } else { "shop" };
            times.push(time(&engine, unit, trade)?);
            bare.push(time(&engine, UNITS + unit, trade)?);
        }
    }
    let limit = mean_ms(&bare);
    let figure = Figure {
        name: "trade-of-2000-workers-changes",
        value: super::figure::round(mean_ms(&times)),
        unit: "ms",
        rss_mib: rss_mib(),
        events: Some(engine.end().get()),
        ..Figure::default()
    };
    figures.print(
        &figure
            .of_times(&mut times)
            .of_limit(limit, "the same change of a unit without workers, in ms"),
    )?;
    Ok(engine.close()?)
}

fn init(register: &Path, clock: &LoadClock) -> Result<Engine, CliError> {
    let options = clock.options();
    let campaign = campaigns::named("three-reals").expect("three-reals comes with the program");
    let init = Init {
        campaign,
        actor: "bench",
        simulated: true,
    };
    Engine::init(register, &init, &options)?;
    Ok(Engine::open(register, options)?)
}

/// How long it takes until a change is answered, and so folded.
fn time(engine: &Engine, unit: u64, trade: &str) -> Result<Duration, CliError> {
    let change = Correction {
        field: "trade".into(),
        before: None,
        after: text(trade),
    };
    let command = command("unit", &unit.to_string(), Deed::Correct(vec![change]));
    let started = Instant::now();
    take(engine.submit(vec![vec![command]])?.wait())?;
    Ok(started.elapsed())
}

fn submit(engine: &Engine, commands: impl Iterator<Item = Command>) -> Done {
    let commands: Vec<_> = commands.map(|command| vec![command]).collect();
    for lists in commands.chunks(LISTS) {
        take(engine.submit(lists.to_vec())?.wait())?;
    }
    Ok(())
}

fn take(answers: Vec<shilu_engine::Answer>) -> Done {
    answers.into_iter().try_for_each(|answer| answer.map(drop))?;
    Ok(())
}

fn unit(number: u64) -> Command {
    let fields = [("name", format!("单位{number}")), ("trade", "hotel".to_owned())];
    collect("unit", &number.to_string(), fields)
}

fn worker(unit: u64, number: u64) -> Command {
    let refers = OwnedValue::Reference(format!("unit/{unit}"));
    let mut command = collect("worker", &format!("{unit}-{number}"), []);
    if let Deed::Collect(fields) = &mut command.deed {
        fields.push(("unit".to_owned(), Some(refers)));
    }
    command
}

fn collect<const N: usize>(kind: &str, key: &str, fields: [(&str, String); N]) -> Command {
    let area = ("area", "330604006200".to_owned());
    let fields = [area].into_iter().chain(fields);
    let fields = fields.map(|(field, value)| (field.to_owned(), text(&value)));
    command(kind, key, Deed::Collect(fields.collect()))
}

fn text(text: &str) -> Option<OwnedValue> {
    Some(OwnedValue::Text(text.to_owned()))
}

fn command(kind: &str, key: &str, deed: Deed) -> Command {
    Command {
        id: None,
        record: RecordName::new(kind, key).expect("a kind of the campaign, and a key of digits"),
        deed,
        actor: "officer-01".to_owned(),
        effective: Since::Recorded,
        device: None,
        reason: Some("field visit".to_owned()),
        source: Origin::Field,
        visit: None,
        expected_version: None,
        cause: None,
        signature: None,
    }
}

fn mean_ms(times: &[Duration]) -> f64 {
    let count = u64::try_from(times.len()).unwrap_or(u64::MAX).max(1);
    times.iter().sum::<Duration>().as_secs_f64() * 1e3 / float(count)
}
