//! What an audit says: in words, as JSON, and what nobody should read into it.

use serde_json::{Value, json};
use shilu_engine::model::Timestamp;
use shilu_verify::{ActorKeyChange, Options, Report};

use super::Checked;
use crate::{
    error::{CliError, printable},
    messages::{Language, Text},
    output::say,
    table::Table,
};

/// The report for a person, line by line.
pub fn in_words(checked: &Checked, options: &Options, language: Language) -> Vec<String> {
    let report = &checked.report;
    let mut table = Table::new([language.say(Text::Checked), ""]);
    let mut row = |text, value: String| table.push([language.say(text).to_owned(), value]);
    row(Text::Log, report.checkpoint.origin.clone());
    row(Text::Events, report.events.to_string());
    row(Text::Unpublished, report.unpublished.to_string());
    row(Text::Records, report.records.to_string());
    row(Text::ActorSignatures, report.signed.to_string());
    row(Text::Tiles, report.tiles.to_string());
    row(Text::Bundles, report.bundles.to_string());
    row(Text::CheckpointSize, report.checkpoint.size.to_string());
    row(Text::CheckpointRoot, report.checkpoint.root.to_string());
    row(Text::SignedBy, report.key.to_string());
    row(Text::KeyChanges, report.rotations.to_string());
    row(Text::Campaigns, report.campaigns.to_string());
    for witness in &options.witnesses {
        let cosigned = report.cosigned.iter().find(|one| one.witness == witness.name());
        let when = cosigned.and_then(|one| i64::try_from(one.seconds).ok());
        let when = when.map(|seconds| Timestamp::from_micros(seconds.saturating_mul(1_000_000)));
        let said = when.map_or_else(|| language.say(Text::No).to_owned(), |time| time.to_string());
        row(Text::CosignedBy, format!("{}: {said}", witness.name()));
    }
    if let Some(size) = report.since {
        row(Text::Continues, size.to_string());
    }
    if let Some(projections) = &checked.projections {
        let early = projections.at.filter(|at| at.get() != report.events);
        let at = early.map_or_else(String::new, |at| format!(" (@{at})"));
        row(Text::ProjectionsSame, format!("{}{at}", projections.count));
    }
    row(Text::FirstRecorded, report.first_recorded.to_string());
    row(Text::LastRecorded, report.last_recorded.to_string());
    let mut lines = table.lines(None);
    if !report.actor_keys.is_empty() {
        lines.push(String::new());
        lines.push(language.say(Text::ActorKeys).to_owned());
        // Every name is somebody else's text.
        lines.extend(
            report
                .actor_keys
                .iter()
                .map(|change| printable(&actor_key(change, language))),
        );
    }
    lines
}

fn actor_key(change: &ActorKeyChange, language: Language) -> String {
    let (key, position, by) = (&change.key, change.position, &change.by);
    let deed = language.say(match change.admitted {
        true => Text::KeyAdmitted,
        false => Text::KeyWithdrawn,
    });
    match language {
        Language::En => format!("  @{position} {} {deed} by {by}: {key}", change.recorded),
        Language::Zh => format!("  @{position} {} {by}{deed}：{key}", change.recorded),
    }
}

/// The report for machines.
pub fn in_json(checked: &Checked) -> Value {
    let report = &checked.report;
    let cosigned = report
        .cosigned
        .iter()
        .map(|one| json!({ "witness": one.witness, "seconds": one.seconds }));
    let actor_keys = report.actor_keys.iter().map(|change| {
        json!({
            "position": change.position,
            "recorded": change.recorded.to_string(),
            "actor": change.key.name(),
            "key": change.key.to_string(),
            "admitted": change.admitted,
            "by": change.by,
        })
    });
    let projections = checked.projections.as_ref();
    json!({
        "ok": true,
        "origin": report.checkpoint.origin,
        "events": report.events,
        "unpublished": report.unpublished,
        "records": report.records,
        "actor_signatures": report.signed,
        "actor_keys": actor_keys.collect::<Vec<_>>(),
        "tiles": report.tiles,
        "bundles": report.bundles,
        "size": report.checkpoint.size,
        "root": report.checkpoint.root.to_string(),
        "key": report.key.to_string(),
        "key_given": report.pinned,
        "rotations": report.rotations,
        "campaigns": report.campaigns,
        "cosigned": cosigned.collect::<Vec<_>>(),
        "since": report.since,
        "projections": projections.map(|projections| projections.count),
        "projections_at": projections.and_then(|projections| projections.at).map(|at| at.get()),
        "first_recorded": report.first_recorded.to_string(),
        "last_recorded": report.last_recorded.to_string(),
        "simulated": report.simulated,
    })
}

/// What is wrong, for machines.
pub fn refused(error: &CliError) -> Value {
    let position = match error {
        CliError::Finding(finding) => finding.position,
        _ => None,
    };
    json!({
        "ok": false,
        "code": error.code(),
        "position": position,
        "detail": error.to_string(),
        "hint": error.hint(),
    })
}

/// What nobody should read into it.
pub fn say_limits(report: &Report, options: &Options, language: Language) {
    let note = |text| say(language.say(text));
    if report.simulated {
        note(Text::Simulated);
    }
    if report.simulated && !options.witnesses.is_empty() {
        note(Text::ClocksNotCompared);
    }
    if !report.pinned {
        note(Text::KeyNotPinned);
    }
    if report.unpublished > 0 {
        let (words, from, to) = (
            language.say(Text::BeyondCheckpoint),
            report.checkpoint.size,
            report.events,
        );
        say(format!("{words} @{from}..@{}", to.saturating_sub(1)));
    }
    if options.witnesses.is_empty() && options.since.is_none() {
        note(Text::NobodyElse);
    }
}
