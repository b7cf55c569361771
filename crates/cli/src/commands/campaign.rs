//! `shilu campaign`: the campaigns that come with the program, any campaign file, and the campaign of a register, which
//! can be changed.

use std::{fs, io::ErrorKind, path::Path};

use shilu_engine::{Because, Engine, EngineError, Options, projections::campaigns};
use shilu_model::{Campaign, CampaignError, Position};

use crate::{
    Done,
    args::{CampaignArgs, CampaignChangeArgs, CampaignCommand, SourceArgs},
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
    register::{Query, Register},
};

/// What is shown where nothing is named.
const SHIPPED: &str = "three-reals";

/// Runs it.
pub fn run(args: &CampaignArgs, language: Language) -> Done {
    if let Some(CampaignCommand::Change(args)) = &args.command {
        return change(args, language);
    }
    let text = match &args.campaign {
        Some(campaign) => read(campaign)?,
        None if args.source.names_one() => of_register(&args.source, args.as_of.clone(), language)?,
        None if args.as_of.is_some() => {
            return Err(CliError::Usage {
                problem: "no register is named".to_owned(),
                hint: "add --data DIR or --server URL",
            });
        }
        None => read(Path::new(SHIPPED))?,
    };
    let mut output = Output::stdout();
    if args.check {
        let campaign = Campaign::parse_new(&text).map_err(EngineError::BadCampaign)?;
        output.bytes(campaign.outline().as_bytes())?;
    } else {
        output.bytes(text.as_bytes())?;
    }
    output.flush()
}

/// The text of the campaign that was in force in a register as known then.
fn of_register(source: &SourceArgs, as_of: Option<String>, language: Language) -> Result<String, CliError> {
    let register = Register::open(source, language)?;
    let bytes = register.get(&Query::default().with("as_of", as_of).on("/api/v1/campaign"));
    let closed = register.close();
    let text = String::from_utf8(bytes?).map_err(|_| CliError::Server {
        url: register.from().to_owned(),
        problem: "its campaign is not UTF-8".to_owned(),
    })?;
    closed?;
    Ok(text)
}

fn change(args: &CampaignChangeArgs, language: Language) -> Done {
    let text = read(&args.campaign)?;
    let engine = Engine::open(&args.who.data, Options::default())?;
    let changed = differences_made(&engine, &text, args);
    let closed = engine.close();
    let (differences, position) = changed?;
    closed?;
    let mut output = Output::stdout();
    for line in &differences {
        output.line(line)?;
    }
    output.flush()?;
    if differences.is_empty() {
        say(language.say(Text::OnlyTheForm));
    }
    match position {
        Some(position) => say(format!("{} @{position}", language.say(Text::CampaignChanged))),
        None => say(language.say(Text::DryRun)),
    }
    Ok(())
}

/// In what the campaigns differ, and where the event stands, if one was made.
fn differences_made(
    engine: &Engine,
    text: &str,
    args: &CampaignChangeArgs,
) -> Result<(Vec<String>, Option<Position>), EngineError> {
    let differences = engine.check_campaign(text)?.differences(&engine.campaign());
    if args.dry_run {
        return Ok((differences, None));
    }
    let because = Because {
        actor: &args.who.actor,
        reason: &args.who.reason,
    };
    let position = engine.change_campaign(text, because)?;
    Ok((differences, Some(position)))
}

/// The text of a campaign: of a file or, where there is none of that name, of one that comes with the program.
pub fn read(campaign: &Path) -> Result<String, CliError> {
    let bytes = match fs::read(campaign) {
        Ok(bytes) => bytes,
        Err(error) => {
            let shipped = campaign.to_str().and_then(campaigns::named);
            return match shipped.filter(|_| error.kind() == ErrorKind::NotFound) {
                Some(text) => Ok(text.to_owned()),
                None if error.kind() == ErrorKind::NotFound => Err(CliError::Refused {
                    code: "IO",
                    problem: format!("there is no file {}", campaign.display()),
                    hint: "name a file, or the campaign that comes with the program: three-reals",
                }),
                None => Err(CliError::io("read", campaign, error)),
            };
        }
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = error
            .as_bytes()
            .get(..error.utf8_error().valid_up_to())
            .unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        EngineError::BadCampaign(CampaignError {
            line,
            column: 1,
            problem: "the file is not UTF-8".to_owned(),
        })
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
