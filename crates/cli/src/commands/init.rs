//! `shilu init`: makes a register.

use std::{fs, path::Path};

use shilu_engine::{Engine, Init, Options};

use crate::{
    Done,
    args::InitArgs,
    error::CliError,
    messages::{Language, Text},
    output::say,
};

/// Runs it.
pub fn run(args: &InitArgs, language: Language) -> Done {
    let bytes = match (fs::read(&args.campaign), shipped(&args.campaign)) {
        (Ok(bytes), _) => bytes,
        (Err(_), Some(text)) => text.as_bytes().to_vec(),
        (Err(error), None) => return Err(CliError::io("read", &args.campaign, error)),
    };
    let campaign = String::from_utf8(bytes).map_err(|error| {
        let before = error
            .as_bytes()
            .get(..error.utf8_error().valid_up_to())
            .unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        shilu_engine::EngineError::BadCampaign(shilu_model::CampaignError {
            line,
            column: 1,
            problem: "the file is not UTF-8".to_owned(),
        })
    })?;
    let campaign = campaign.strip_prefix('\u{feff}').unwrap_or(&campaign);
    let actor = args.actor.clone().unwrap_or_else(system_user);
    let init = Init {
        campaign,
        actor: &actor,
        simulated: args.simulated,
    };
    Engine::init(&args.dir, &init, &Options::default())?;
    say(format!("{}: {}", language.say(Text::Made), args.dir.display()));
    if args.simulated {
        say(format!(
            "{}: {}",
            language.say(Text::Note),
            language.say(Text::Simulated)
        ));
    }
    Ok(())
}

/// A campaign that comes with the program, by its name; a file of that name goes before it.
fn shipped(campaign: &Path) -> Option<&'static str> {
    shilu_engine::projections::campaigns::named(campaign.to_str()?)
}

/// The system's user: $USER, else the name of this process's uid, else the uid.
fn system_user() -> String {
    let named = std::env::var("USER").ok().filter(|name| !name.trim().is_empty());
    named.unwrap_or_else(|| {
        let uid = rustix::process::getuid().as_raw().to_string();
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let name = passwd.lines().find_map(|line| {
            let mut parts = line.split(':');
            let name = parts.next()?;
            (parts.nth(1)? == uid).then(|| name.to_owned())
        });
        name.unwrap_or_else(|| format!("uid-{uid}"))
    })
}
