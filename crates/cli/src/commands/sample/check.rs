//! `shilu sample check`: the draw made again, from a register's folder or from published files alone.

use std::path::PathBuf;

use clap::Args;
use serde_json::value::RawValue;
use shilu_engine::{Engine, Options, check_published};
use shilu_merkle::VerifierKey;

use super::shown::show;
use crate::{
    Done,
    args::{Format, FormatArg},
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
};

/// `sample check`
#[derive(Debug, Args)]
#[command(after_help = "\
Anyone with public/ and mirror/ can do this, without the register: it is restored from them for the moment of the check,
every event is compared with the signed checkpoint, and the draw is made anew. Exit 1 if it does not hold.

Examples:
  shilu sample check rooms-1 --published copy --key example.org/village+1f2e3d4c+AX…
  shilu sample check rooms-1 --data reg --format json")]
pub struct CheckArgs {
    /// The sample's id
    #[arg(value_name = "ID")]
    pub id: String,
    /// A folder with the published public/ and mirror/
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "data",
        conflicts_with = "data"
    )]
    pub published: Option<PathBuf>,
    /// The register's public key that you know; without it, the one that the events name
    #[arg(long, value_name = "VKEY", requires = "published")]
    pub key: Option<String>,
    /// The register's folder
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How
    #[command(flatten)]
    pub format: FormatArg,
}

/// Runs it.
pub fn run(args: &CheckArgs, language: Language) -> Done {
    let checked = match (&args.published, &args.data) {
        (Some(from), _) => {
            let key = args.key.as_deref().map(VerifierKey::parse).transpose()?;
            if key.is_none() {
                say(format!(
                    "{}: {}",
                    language.say(Text::Note),
                    language.say(Text::KeyNotPinned)
                ));
            }
            check_published(from, key.as_ref(), &args.id)?
        }
        (None, Some(dir)) => {
            let engine = Engine::open(dir, Options::default())?;
            let checked = engine.check_sample(&args.id);
            engine.close()?;
            checked?
        }
        (None, None) => {
            return Err(CliError::Usage {
                problem: "no published files and no register are named".to_owned(),
                hint: "add --published DIR or --data DIR",
            });
        }
    };
    let sample = shilu_service::sample_json(&checked.sample, language == Language::Zh);
    if matches!(args.format.format, Format::Json | Format::Jsonl) {
        let sample = RawValue::from_string(sample).map_err(|error| CliError::Server {
            url: "this program".to_owned(),
            problem: error.to_string(),
        })?;
        let strays: Vec<&str> = checked.strays.iter().map(|stray| stray.as_str()).collect();
        let answer = serde_json::json!({ "strays": strays, "events": checked.events });
        let rest = answer.to_string();
        let mut output = Output::stdout();
        // The sample keeps the order of its members.
        output.line(format!(
            "{{\"sample\":{},{}",
            sample.get(),
            rest.trim_start_matches('{')
        ))?;
        return output.flush();
    }
    show(None, sample.as_bytes(), args.format, language)?;
    for stray in &checked.strays {
        say(format!("{}: {stray}", language.say(Text::SampleStray)));
    }
    say(format!("{}: {}", language.say(Text::SampleSame), checked.events));
    Ok(())
}
