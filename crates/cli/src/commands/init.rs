//! `shilu init`: makes a register.

use std::fs;

use shilu_engine::{Engine, Init, Options};

use crate::{
    Done,
    args::InitArgs,
    messages::{Language, Text},
    output::say,
};

/// Runs it.
pub fn run(args: &InitArgs, language: Language) -> Done {
    let campaign = super::campaign::read(&args.campaign)?;
    let actor = args.actor.clone().unwrap_or_else(system_user);
    let init = Init {
        campaign: &campaign,
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
