//! `shilu changes`: who changed what, newest first.

use super::ask;
use crate::{
    Done,
    args::ChangesArgs,
    format::{Question, list},
    messages::Language,
    register::{Paging, Query},
    wire::Event,
};

/// Runs it.
pub fn run(args: &ChangesArgs, language: Language) -> Done {
    let query = Query::default()
        .with("actor", args.actor.clone())
        .with("action", args.action.clone())
        .with("kind", args.kind.clone())
        .with("area", args.area.clone())
        .with("field", args.field.clone())
        .with("record", args.record.clone())
        .with("device", args.device.clone())
        .with("source", args.origin.clone())
        .with("from", args.from.clone())
        .with("to", args.to.clone());
    ask(&args.source, language, |register| {
        let question = Question {
            path: "/api/v1/changes",
            query,
            paging: Paging::limit(args.limit),
        };
        list::<Event>(register, question, args.format, language)
    })
}
