//! `shilu backup` and `shilu restore`: a register as plain files, and back.

use serde_json::json;
use shilu_engine::merkle::VerifierKey;

use crate::{
    Done,
    args::{BackupArgs, RestoreArgs, SummaryFormat},
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
    progress,
};

/// Copies what is published; the register may be open meanwhile.
pub fn backup(args: &BackupArgs, language: Language) -> Done {
    let bar = progress::items(language.say(Text::BackingUp), 0);
    let copied = shilu_engine::backup(&args.data, &args.to, |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let copied = copied?;
    let mut output = Output::stdout();
    match args.format {
        SummaryFormat::Json => output.line(json!({ "events": copied.size, "copied": copied.copied }))?,
        SummaryFormat::Table => {
            output.line(format!("{}: {}", language.say(Text::Events), copied.size))?;
            output.line(format!("{}: {}", language.say(Text::FilesCopied), copied.copied))?;
        }
    }
    output.flush()?;
    say(language.say(Text::BackupHasNoKey));
    Ok(())
}

/// Makes a register from what was published.
pub fn restore(args: &RestoreArgs, language: Language) -> Done {
    let key = args
        .key
        .as_deref()
        .map(VerifierKey::parse)
        .transpose()
        .map_err(CliError::Evidence)?;
    let bar = progress::items(language.say(Text::Restoring), 0);
    let restored = shilu_engine::restore(&args.from, &args.dir, key.as_ref(), |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let restored = restored?;
    let said = restored.checkpoint.unchecked();
    let mut output = Output::stdout();
    match args.format {
        SummaryFormat::Json => {
            let beyond = restored
                .beyond
                .iter()
                .map(|one| json!({ "position": one.position, "what": one.what }));
            output.line(json!({
                "events": said.size,
                "root": said.root.to_string(),
                "key_given": restored.pinned,
                "not_restored": beyond.collect::<Vec<_>>(),
                "acknowledged": restored.acknowledged,
                "signing_key": restored.has_key,
            }))?;
        }
        SummaryFormat::Table => {
            output.line(format!("{}: {}", language.say(Text::Events), said.size))?;
            for one in &restored.beyond {
                let (word, position) = (language.say(Text::NotRestored), one.position);
                output.line(format!(
                    "{word}: @{position} {}",
                    crate::error::printable(&one.what)
                ))?;
            }
        }
    }
    output.flush()?;
    if let Some(end) = restored.acknowledged.filter(|end| *end > said.size) {
        say(format!(
            "{} {}..{}",
            language.say(Text::LostPositions),
            said.size,
            end - 1
        ));
    }
    if !restored.pinned {
        say(language.say(Text::KeyNotPinned));
    }
    if !restored.has_key {
        say(language.say(Text::RestoredWithoutKey));
    }
    Ok(())
}
