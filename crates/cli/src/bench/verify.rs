//! Auditing: everything from bytes, receipts, and what publishing costs the append path.

use std::{path::Path, time::Instant};

use shilu_engine::{
    Engine, EngineError, Options,
    log::{Log, Position},
    merkle::{Hash, Tree},
};
use shilu_simulator::Random;
use shilu_verify::{Entries, audit};

use super::{
    append,
    figure::{Figure, Figures, float, per_second, round, rss_mib},
    load::{self, LoadClock},
};
use crate::{
    Done,
    commands::verify::{Batches, Folder},
    error::CliError,
};

/// How many receipts are made and checked.
const RECEIPTS: u64 = 10_000;

/// Pairs of registers that are filled with and without publishing.
const PAIRS: usize = 3;

/// Measures the audit of a register, and receipts from it.
pub fn run(register: &Path, figures: &mut Figures) -> Done {
    receipts(register, figures)?;
    let log = Log::open(register, shilu_engine::log::Options::default()).map_err(EngineError::from)?;
    let limit = hash(&log)?;
    let options = shilu_verify::Options {
        key: None,
        witnesses: Vec::new(),
        quorum: 0,
        since: None,
        tiles: true,
    };
    let files = Folder::of(register, None)?;
    for (name, entries) in [
        ("verify-log", Entries::Log(Box::new(Batches::of(&log)))),
        ("verify-published", Entries::Bundles),
    ] {
        let started = Instant::now();
        let report = audit(&files, entries, &options, &mut |_, _| ())?;
        let figure = Figure {
            name,
            value: round(per_second(report.events, started)),
            unit: "events/s",
            rss_mib: rss_mib(),
            events: Some(report.events),
            ..Figure::default()
        };
        figures.print(&figure.of_limit(limit, "reading the log and hashing it to its root, one thread"))?;
    }
    Ok(())
}

/// Hashing alone, in events per second.
fn hash(log: &Log) -> Result<f64, CliError> {
    let started = Instant::now();
    let mut tree = Tree::default();
    for chunk in log.scan(Position::ZERO, log.end()) {
        let chunk = chunk.map_err(EngineError::from)?;
        chunk.iter().for_each(|(_, entry)| tree.push(Hash::leaf(entry)));
    }
    Ok(per_second(tree.size(), started))
}

fn receipts(register: &Path, figures: &mut Figures) -> Done {
    let engine = Engine::open(register, Options::default())?;
    let mut published = engine.publication();
    let size = published.borrow_and_update().size();
    let mut random = Random::new(11, 0);
    let mut times = Vec::new();
    for _ in 0..RECEIPTS {
        let position = Position::new(random.below(size));
        let started = Instant::now();
        engine.receipt_at(position)?;
        times.push(started.elapsed());
    }
    let mean = times.iter().sum::<std::time::Duration>().as_secs_f64() * 1e3 / float(RECEIPTS);
    let figure = Figure {
        name: "receipt",
        value: round(mean),
        unit: "ms",
        events: Some(engine.end().get()),
        ..Figure::default()
    };
    figures.print(&figure.of_times(&mut times))?;
    Ok(engine.close()?)
}

/// Fills pairs of registers, one publishing and one not, in turn; the limit is the one that does not.
pub fn publishing(folder: &Path, events: u64, figures: &mut Figures) -> Done {
    let mut rates = [Vec::new(), Vec::new()];
    for pair in 0..PAIRS {
        for (unpublished, rates) in [true, false].into_iter().zip(&mut rates) {
            let register = folder.join(format!("publishing-{pair}-{unpublished}"));
            let clock = LoadClock::new();
            load::init(&register, &clock)?.close()?;
            let options = Options {
                unpublished,
                ..clock.options()
            };
            let engine = Engine::open(&register, options)?;
            rates.push(append::fill(&engine, &clock, events)?);
            engine.close()?;
            std::fs::remove_dir_all(&register).map_err(|error| CliError::io("remove", &register, error))?;
        }
    }
    let [without, with] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates.get(PAIRS / 2).copied().unwrap_or(0.0)
    });
    let figure = Figure {
        name: "append-published",
        value: round(with),
        unit: "events/s",
        events: Some(events),
        ..Figure::default()
    };
    figures.print(&figure.of_limit(
        without,
        "the same load, nothing published; medians of three in turn",
    ))
}
