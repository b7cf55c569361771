//! The audit of a register against what was acknowledged, by every way that the engine and the log offer.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    path::Path,
};

use shilu_engine::{Engine, EngineError, Options, StoredEvent, model::Position};
use shilu_log::Log;
use shilu_merkle::SignedCheckpoint;

use crate::{
    evidence,
    workload::{Acknowledged, ListName, Member},
};

/// What a register turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It was refused with this code.
    Refused(String),
    /// It has so many events, and everything acknowledged is among them.
    Whole(u64),
    /// A promise is broken.
    Broken(String),
}

impl Finding {
    /// One line.
    pub fn line(&self) -> String {
        match self {
            Finding::Refused(code) => format!("refused {code}"),
            Finding::Whole(events) => format!("whole {events}"),
            Finding::Broken(why) => format!("broken {}", why.replace('\n', " / ")),
        }
    }

    /// Reads such a line.
    pub fn parse(line: &str) -> Option<Finding> {
        let (word, rest) = line.split_once(' ')?;
        match word {
            "refused" => Some(Finding::Refused(rest.to_owned())),
            "whole" => rest.parse().ok().map(Finding::Whole),
            "broken" => Some(Finding::Broken(rest.to_owned())),
            _ => None,
        }
    }
}

/// What is known of a register from outside.
pub struct Known<'a> {
    /// The workload's seed.
    pub seed: u64,
    /// What was acknowledged.
    pub acknowledged: &'a [Acknowledged],
    /// What was sent and not answered: there whole or not at all, and a retry is taken.
    pub unanswered: &'a [ListName],
    /// Checkpoints that were seen before: the register goes on from each of them.
    pub checkpoints: &'a [SignedCheckpoint],
}

/// Opens a register, compares it with what is known of it, retries, closes and rebuilds.
pub fn audit(dir: &Path, known: &Known<'_>) -> Finding {
    let engine = match Engine::open(dir, Options::default()) {
        Ok(engine) => engine,
        Err(error) => return refused(&error),
    };
    let outcome = examine(&engine, known).and_then(|()| retry(&engine, known));
    let closed = engine.close().map_err(|error| format!("close: {error}"));
    let end = engine.end().get();
    drop(engine);
    match outcome
        .and(closed)
        .and_then(|()| afterwards(dir, end, known.checkpoints))
    {
        Ok(()) => Finding::Whole(end),
        Err(why) => Finding::Broken(why),
    }
}

fn refused(error: &EngineError) -> Finding {
    eprintln!("{error:?}");
    Finding::Refused(error.code().to_owned())
}

/// Opens a register and only looks at it; then the independent auditor does.
pub fn look(dir: &Path, known: &Known<'_>) -> Finding {
    let engine = match Engine::open(dir, Options::default()) {
        Ok(engine) => engine,
        Err(error) => return refused(&error),
    };
    let end = engine.end().get();
    let outcome = examine(&engine, known);
    let closed = engine.close().map_err(|error| format!("close: {error}"));
    drop(engine);
    let evidence = || {
        let log = open_log(dir)?;
        evidence::holds(dir, &log, known.checkpoints)
    };
    match outcome.and(closed).and_then(|()| evidence()) {
        Ok(()) => Finding::Whole(end),
        Err(why) => Finding::Broken(why),
    }
}

macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err(format!($($words)+));
        }
    };
}

/// Everything acknowledged is there once and where it was said to be; every list is whole; positions have no gap.
fn examine(engine: &Engine, known: &Known<'_>) -> Result<(), String> {
    let end = engine.end();
    let events = engine
        .events(Position::ZERO, usize::MAX)
        .map_err(|error| format!("reading: {} {error:?}", error.code()))?;
    ensure!(
        events.len() as u64 == end.get(),
        "{} events read of {end}",
        events.len()
    );
    let mut ids = BTreeSet::new();
    let mut last = None;
    let mut lists: BTreeMap<ListName, Vec<(u64, Member)>> = BTreeMap::new();
    for (place, stored) in events.iter().enumerate() {
        let event = stored.event();
        ensure!(
            event.position.get() == place as u64,
            "position {} at {place}",
            event.position
        );
        ensure!(ids.insert(event.id), "id {} twice, again at {place}", event.id);
        ensure!(last <= Some(event.recorded), "recorded time goes back at {place}");
        last = Some(event.recorded);
        match Member::of(event.id, known.seed) {
            Some(member) => lists
                .entry(member.list)
                .or_default()
                .push((event.position.get(), member)),
            None => ensure!(place == 0, "a foreign event {} at {place}", event.id),
        }
    }
    for (list, members) in &lists {
        in_one_piece(*list, members, &events, known.seed)?;
    }
    for acknowledged in known.acknowledged {
        let Acknowledged {
            list,
            first,
            recorded,
        } = *acknowledged;
        let members = lists
            .get(&list)
            .ok_or_else(|| format!("acknowledged, and lost: {acknowledged:?}"))?;
        ensure!(
            members[0].0 == first,
            "{list:?} stands at {}, not at {first}",
            members[0].0
        );
        let found = events[first as usize].event().recorded.micros();
        ensure!(
            found == recorded,
            "{list:?} was recorded at {found}, not at {recorded}"
        );
    }
    Ok(())
}

fn in_one_piece(
    list: ListName,
    members: &[(u64, Member)],
    events: &[StoredEvent],
    seed: u64,
) -> Result<(), String> {
    let commands = list.commands(seed);
    ensure!(
        members.len() == commands.len(),
        "{list:?} is there in part: {} of {} events",
        members.len(),
        commands.len()
    );
    let first = members[0].0;
    for (index, ((position, member), command)) in members.iter().zip(&commands).enumerate() {
        ensure!(
            *position == first + index as u64 && usize::from(member.index) == index,
            "{list:?} is not in order at {position}"
        );
        let event = events[*position as usize].event();
        ensure!(
            command.is_retry_of(&event),
            "{list:?}: {event:?} is not {command:?}"
        );
    }
    Ok(())
}

/// Retries of what was acknowledged get the first answer; what was not answered is taken, once.
fn retry(engine: &Engine, known: &Known<'_>) -> Result<(), String> {
    let newest = known
        .acknowledged
        .iter()
        .rev()
        .take(8)
        .map(|one| (one.list, Some(*one)));
    let unanswered = known.unanswered.iter().map(|list| (*list, None));
    for (list, acknowledged) in newest
        .chain(unanswered)
        .chain(known.unanswered.iter().map(|list| (*list, None)))
    {
        let before = engine.end().get();
        let pending = engine
            .submit(vec![list.commands(known.seed)])
            .map_err(|error| error.to_string())?;
        let answer = pending.wait().pop().ok_or("no answer")?;
        let accepted = answer.map_err(|error| format!("retry of {list:?}: {} {error:?}", error.code()))?;
        let grown = engine.end().get() - before;
        let first = accepted[0].position.get();
        let repeated = accepted[0].repeated;
        ensure!(
            repeated == (grown == 0),
            "retry of {list:?}: repeated is {repeated}, {grown} new events"
        );
        if let Some(acknowledged) = acknowledged {
            ensure!(
                repeated
                    && first == acknowledged.first
                    && accepted[0].recorded.micros() == acknowledged.recorded,
                "retry of {acknowledged:?} was answered with {first}, repeated: {repeated}"
            );
        } else {
            ensure!(
                repeated || first == before,
                "{list:?} taken at {first}, the end was {before}"
            );
        }
    }
    let twice = known.unanswered.iter().copied().collect::<BTreeSet<_>>().len();
    ensure!(twice == known.unanswered.len(), "the test names a list twice");
    examine(engine, known)
}

/// What a closed register must be like.
fn afterwards(dir: &Path, end: u64, seen: &[SignedCheckpoint]) -> Result<(), String> {
    let rebuilt = Engine::rebuild(dir, &Options::default(), |_, _| ())
        .map_err(|error| format!("rebuild: {} {error:?}", error.code()))?;
    ensure!(rebuilt.events == end, "{} events folded of {end}", rebuilt.events);
    for file in rebuilt.files {
        ensure!(
            file.same == Some(true) && file.at.is_some_and(|at| at.get() == end),
            "the saved projection is the rebuilt one: {file:?}"
        );
    }
    let log = open_log(dir)?;
    let blobs = log.blobs_bytes().map_err(|error| error.to_string())?;
    ensure!(blobs == 0, "{blobs} bytes in blobs");
    let recovery = *log.recovery();
    ensure!(
        recovery.head.get() == end && recovery.dropped_events == 0 && log.end().get() == end,
        "after a clean close: {recovery:?}, the end is {}",
        log.end()
    );
    let checked = log
        .scrub(|_| ControlFlow::Continue(()))
        .map_err(|error| format!("scrub: {error:?}"))?;
    ensure!(checked == end, "{checked} events scrubbed of {end}");
    evidence::holds(dir, &log, seen)
}

fn open_log(dir: &Path) -> Result<Log, String> {
    Log::open(dir, shilu_log::Options::default()).map_err(|error| format!("log: {error:?}"))
}
