//! `shilu accept-clock`: the operator accepts, as an event, that the clock is behind the last event.

use shilu_engine::{Engine, Options};

use crate::{
    Done,
    args::AcceptClockArgs,
    messages::{Language, Text},
    output::say,
};

/// Runs it.
pub fn run(args: &AcceptClockArgs, language: Language) -> Done {
    let who = &args.who;
    let engine = Engine::open(&who.data, Options::default())?;
    let accepted = engine.accept_clock(&who.actor, &who.reason);
    let closed = engine.close();
    accepted?;
    closed?;
    say(language.say(Text::ClockAccepted));
    Ok(())
}
