//! `shilu sample draw`

use clap::Args;
use serde_json::json;

use super::{ActorArgs, path, post, shown::show};
use crate::{
    Done,
    args::{FormatArg, SourceArgs},
    messages::Language,
};

/// `sample draw`
#[derive(Debug, Args)]
#[command(after_help = "\
It takes the published checkpoint that covers the announced time, once; drawn again, it shows the same.

Examples:
  shilu sample draw rooms-1 --revealed 471 --data reg --as zhang
  shilu sample draw rooms-3 --revealed \"$(cat secrets.txt)\" --server http://127.0.0.1:8080 --as zhang")]
pub struct DrawArgs {
    /// The sample's id
    #[arg(value_name = "ID")]
    pub id: String,
    /// What the announcement named: the lottery's numbers, or one secret on each line in the order of the commitments
    #[arg(long, value_name = "TEXT")]
    pub revealed: Option<String>,
    /// Who, and why
    #[command(flatten)]
    pub actor: ActorArgs,
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// How
    #[command(flatten)]
    pub format: FormatArg,
}

/// Runs it.
pub fn run(args: &DrawArgs, language: Language) -> Done {
    let body = json!({
        "actor": args.actor.actor, "reason": args.actor.reason, "revealed": args.revealed,
    });
    post(
        &args.source,
        language,
        (&path(&args.id, "/draw"), &body),
        |register, answer| show(Some(register), answer, args.format, language),
    )
}
