//! Durable events in process: decide, encode, chain, sync and fold included.

use std::{collections::VecDeque, fs::File, io::Write, path::Path, time::Instant};

use shilu_engine::Engine;

use super::{
    figure::{Figure, Figures, per_second, round, rss_mib},
    load::{self, Load, LoadClock},
};
use crate::{Done, error::CliError};

/// Commands that are submitted together.
const LISTS: u64 = 512;
/// Submissions under way: enough to keep decider, disk and fold busy.
const UNDER_WAY: usize = 8;

/// Fills a register, and measures that.
pub fn run(register: &Path, events: u64, figures: &mut Figures) -> Done {
    let clock = LoadClock::new();
    let engine = load::init(register, &clock)?;
    let limit = raw(register)?;
    let value = fill(&engine, &clock, events)?;
    let figure = Figure {
        name: "append",
        value: round(value),
        unit: "events/s",
        rss_mib: rss_mib(),
        events: Some(engine.end().get()),
        ..Figure::default()
    };
    figures.print(&figure.of_limit(
        limit,
        "raw file: one write and fdatasync per 512 events of 150 bytes",
    ))?;
    Ok(engine.close()?)
}

/// Fills a register with the load; returns the events per second.
pub fn fill(engine: &Engine, clock: &LoadClock, events: u64) -> Result<f64, CliError> {
    let mut load = Load::new(1, events, clock.clone());
    let mut under_way = VecDeque::new();
    let mut refused = 0_u64;
    let mut take = |answers: Vec<shilu_engine::Answer>| {
        refused += u64::try_from(answers.iter().filter(|answer| answer.is_err()).count()).unwrap_or(0);
    };
    let started = Instant::now();
    let mut submitted = 0;
    while submitted < events {
        let count = LISTS.min(events - submitted);
        under_way.push_back(engine.submit(load.lists(usize::try_from(count).unwrap_or(usize::MAX)))?);
        submitted += count;
        if under_way.len() > UNDER_WAY
            && let Some(pending) = under_way.pop_front()
        {
            take(pending.wait());
        }
    }
    under_way.into_iter().for_each(|pending| take(pending.wait()));
    let value = per_second(events, started);
    if refused > events / 100 {
        return Err(super::usage(&format!("the load was refused {refused} times")));
    }
    Ok(value)
}

/// What the disk can do: one write and one fdatasync per 512 events.
fn raw(register: &Path) -> Result<f64, CliError> {
    const COMMITS: u64 = 2_000;
    const EVENT_BYTES: usize = 150;
    let path = register.join("raw");
    let write = || -> std::io::Result<f64> {
        let mut file = File::create(&path)?;
        let commit = vec![0x5a; 512 * EVENT_BYTES];
        let started = Instant::now();
        for _ in 0..COMMITS {
            file.write_all(&commit)?;
            file.sync_data()?;
        }
        let value = per_second(COMMITS * 512, started);
        std::fs::remove_file(&path)?;
        Ok(value)
    };
    write().map_err(|error| CliError::io("write", &path, error))
}
