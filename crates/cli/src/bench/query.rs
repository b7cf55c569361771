//! Questions: rates and counts of past days, who changed what, one record at any date; in process, and rates over HTTP.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use shilu_engine::{AsOf, By, ChangesQuery, Engine, EngineError, FigureQuery, Options};
use shilu_model::{Action, Timestamp};
use shilu_simulator::Random;

use super::{
    figure::{Figure, Figures, float},
    http::Server,
    load,
};
use crate::Done;

/// How often each question is asked.
const TIMES: u64 = 2_000;

/// Measures each question.
pub fn run(register: &Path, figures: &mut Figures) -> Done {
    let engine = Engine::open(register, Options::default())?;
    let events = engine.end().get();
    let span = span(&engine)?;
    let mut random = Random::new(7, 0);
    let print = |name, times: &mut Vec<Duration>, figures: &mut Figures| {
        let mean = times.iter().sum::<Duration>().as_secs_f64() * 1e3 / float(TIMES);
        let figure = Figure {
            name,
            value: super::figure::round(mean),
            unit: "ms",
            events: Some(events),
            ..Figure::default()
        };
        figures.print(&figure.of_times(times))
    };

    let zone = engine.campaign().zone;
    let mut past_day = |known: bool, by| -> Result<FigureQuery, EngineError> {
        let end = zone.end_of(zone.day_of(span.any(&mut random)));
        let as_of = if known { AsOf::Time(end) } else { AsOf::Now };
        Ok(FigureQuery {
            at: engine.at(as_of, Some(end))?,
            by,
            area: None,
        })
    };
    for (name, known, by) in [
        ("rates-past-day-as-known-now", false, By::Whole),
        ("rates-past-day-as-known-then", true, By::Whole),
        ("rates-past-day-by-area", false, By::Area),
        ("rates-past-day-by-actor", false, By::Actor),
    ] {
        let mut times = timed(|| engine.rates(&past_day(known, by)?).map(drop))?;
        print(name, &mut times, figures)?;
    }

    let mut random = Random::new(8, 0);
    let mut times = timed(|| {
        let query = ChangesQuery {
            actor: Some(format!("officer-{:02}", random.below(60))),
            area: Some(format!("330604006{:03}", random.below(15))),
            action: Some(Action::Correct),
            limit: 100,
            ..ChangesQuery::default()
        };
        engine.changes(&query).map(drop)
    })?;
    print("changes-three-filters-first-100", &mut times, figures)?;

    let mut random = Random::new(9, 0);
    let records = events * 3 / 10;
    let mut times = timed(|| {
        let name = load::key(random.below(records));
        let (known, effective) = (span.any(&mut random), span.any(&mut random));
        let at = engine.at(AsOf::Time(known), Some(effective.min(known)))?;
        match engine.record(&name, at) {
            Ok(_) | Err(EngineError::NoRecord { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    })?;
    print("record-any-date", &mut times, figures)?;

    let server = Server::start(engine.clone())?;
    let mut client = server.connect()?;
    let mut random = Random::new(10, 0);
    let mut times = timed(|| {
        let day = zone.day_of(span.any(&mut random));
        client
            .get(&format!("/api/v1/rates?effective={day}"))
            .map_err(|error| EngineError::io("ask", "the server", error))
    })?;
    print("rates-past-day-http", &mut times, figures)?;
    drop(client);
    server.stop();
    Ok(engine.close()?)
}

/// The recorded times of the register.
struct Span(Timestamp, Timestamp);

impl Span {
    fn any(&self, random: &mut Random) -> Timestamp {
        let width = u64::try_from(self.1.micros() - self.0.micros()).unwrap_or(0);
        self.0
            .plus_micros(i64::try_from(random.below(width)).unwrap_or(0))
    }
}

fn span(engine: &Engine) -> Result<Span, EngineError> {
    let first = engine.at(AsOf::Position(shilu_model::Position::new(1)), None)?;
    let last = engine.at(
        AsOf::Position(shilu_model::Position::new(engine.end().get() - 1)),
        None,
    )?;
    Ok(Span(first.known, last.known))
}

fn timed(mut ask: impl FnMut() -> Result<(), EngineError>) -> Result<Vec<Duration>, EngineError> {
    (0..TIMES)
        .map(|_| {
            let started = Instant::now();
            ask().map(|()| started.elapsed())
        })
        .collect()
}
