//! The keys that a register's log names: its own, and those of actors' devices. Each change is an event.

use std::path::Path;

use clap::Args;
use shilu_engine::{Because, Engine, EngineError, Options};

use crate::{
    Done,
    args::WhoArgs,
    messages::{Language, Text},
    output::{Output, say},
};

/// `key rotate`
#[derive(Debug, Args)]
#[command(
    after_help = "The next checkpoint carries both keys' signatures, so that whoever trusts the old key can follow.\n\nExample:\n  shilu key rotate --data reg --as zhang --reason \"the laptop was stolen\""
)]
pub struct RotateArgs {
    /// In whose name
    #[command(flatten)]
    pub who: WhoArgs,
    /// The old key is lost for good: nobody vouches for the new one, and whoever trusts the old one is told
    #[arg(long)]
    pub lost: bool,
}

/// `key admit` and `key withdraw`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  shilu key admit wang+9f3c2a10+AQ… --data reg --as zhang --reason \"her new tablet\""
)]
pub struct ActorKeyArgs {
    /// The actor's public key, as `shilu key new` printed it
    #[arg(value_name = "VKEY")]
    pub key: String,
    /// In whose name
    #[command(flatten)]
    pub who: WhoArgs,
}

/// Shows the key in force, also while the register is open elsewhere.
pub fn show(data: &Path) -> Done {
    let mut output = Output::stdout();
    output.line(shilu_engine::public_key(data)?)?;
    output.flush()
}

/// Replaces the register's key; shows the new one.
pub fn rotate(args: &RotateArgs, language: Language) -> Done {
    let key = with(&args.who, |engine, because| engine.rotate_key(because, args.lost))?;
    say(language.say(if args.lost {
        Text::KeyLost
    } else {
        Text::KeyRotated
    }));
    let mut output = Output::stdout();
    output.line(key)?;
    output.flush()
}

/// Admits an actor's key.
pub fn admit(args: &ActorKeyArgs, language: Language) -> Done {
    let position = with(&args.who, |engine, because| engine.admit_key(&args.key, because))?;
    say(format!("{}: @{position}", language.say(Text::KeyAdmitted)));
    Ok(())
}

/// Withdraws an actor's key.
pub fn withdraw(args: &ActorKeyArgs, language: Language) -> Done {
    let position = with(&args.who, |engine, because| {
        engine.withdraw_key(&args.key, because)
    })?;
    say(format!("{}: @{position}", language.say(Text::KeyWithdrawn)));
    Ok(())
}

fn with<T>(
    who: &WhoArgs,
    act: impl FnOnce(&Engine, Because<'_>) -> Result<T, EngineError>,
) -> Result<T, crate::error::CliError> {
    let engine = Engine::open(&who.data, Options::default())?;
    let because = Because {
        actor: &who.actor,
        reason: &who.reason,
    };
    let acted = act(&engine, because);
    let closed = engine.close();
    let acted = acted?;
    closed?;
    Ok(acted)
}
