//! All projections from the log.

use std::{path::Path, time::Instant};

use shilu_engine::{Engine, Options, log::Log, model::Position};

use super::figure::{Figure, Figures, per_second, round, rss_mib};
use crate::Done;

/// Measures folding alone, and the bare scan as its limit.
pub fn run(register: &Path, figures: &mut Figures) -> Done {
    let limit = scan(register)?;
    let started = Instant::now();
    let mut folded = None;
    let rebuilt = Engine::rebuild(register, &Options::default(), |done, all| {
        if done == all {
            folded.get_or_insert_with(|| per_second(all, started));
        }
    })?;
    if rebuilt.first_wrong().is_some() {
        return Err(super::usage("what was saved differs from what was rebuilt"));
    }
    let figure = Figure {
        name: "rebuild",
        value: round(folded.unwrap_or(0.0)),
        unit: "events/s",
        rss_mib: rss_mib(),
        events: Some(rebuilt.events),
        ..Figure::default()
    };
    figures.print(&figure.of_limit(limit, "scan of the log without decoding, one thread"))
}

fn scan(register: &Path) -> Result<f64, shilu_engine::EngineError> {
    let log = Log::open(register, shilu_engine::log::Options::default())?;
    let started = Instant::now();
    for chunk in log.scan(Position::ZERO, log.end()) {
        chunk?;
    }
    Ok(per_second(log.end().get(), started))
}
