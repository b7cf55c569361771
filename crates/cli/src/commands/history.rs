//! `shilu history`: every event of a record, oldest first.

use super::{ask, record_path};
use crate::{
    Done,
    args::HistoryArgs,
    format::{Question, list},
    messages::Language,
    register::{Paging, Query},
    wire::Event,
};

/// Runs it.
pub fn run(args: &HistoryArgs, language: Language) -> Done {
    let path = format!("{}/history", record_path(&args.record)?);
    ask(&args.source, language, |register| {
        let question = Question {
            path: &path,
            query: Query::default(),
            paging: Paging::limit(args.limit),
        };
        list::<Event>(register, question, args.format, language)
    })
}
