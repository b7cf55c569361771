//! The keys that a register's log names: its own, and those of actors' devices. Each change is an event.

use std::path::{Path, PathBuf};

use clap::Args;
use shilu_engine::{Because, Engine, EngineError, Options, Rotated};
use shilu_merkle::VerifierKey;

use crate::{
    Done,
    args::WhoArgs,
    messages::{Language, Text},
    output::{Output, say},
};

/// `key rotate`
#[derive(Debug, Args)]
#[command(
    after_help = "The next checkpoint carries both keys' signatures, so that whoever trusts the old key can follow. A register with\nwitnesses prepares the key first and gives it to them: they cosign nothing by a key that they do not know.\n\nExamples:\n  shilu key rotate --data reg --prepare\n  shilu key rotate --data reg --as zhang --reason \"every year\""
)]
pub struct RotateArgs {
    /// The register's folder
    #[arg(long, value_name = "DIR", env = "SHILU_DATA")]
    pub data: PathBuf,
    /// Make the next key and show it, without changing anything: also while the register is served
    #[arg(long, conflicts_with_all = ["actor", "reason", "lost"])]
    pub prepare: bool,
    /// Who does it
    #[arg(long = "as", value_name = "ACTOR", required_unless_present = "prepare")]
    pub actor: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", required_unless_present = "prepare")]
    pub reason: Option<String>,
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
    output.line(shilu_engine::named_key(data)?)?;
    output.flush()
}

/// Replaces the register's key; shows the new one.
pub fn rotate(args: &RotateArgs, language: Language) -> Done {
    if args.prepare {
        let key = shilu_engine::prepare_key(&args.data)?;
        say(language.say(Text::KeyPrepared));
        let mut output = Output::stdout();
        output.line(key)?;
        return output.flush();
    }
    let who = WhoArgs {
        data: args.data.clone(),
        actor: args.actor.clone().unwrap_or_default(),
        reason: args.reason.clone().unwrap_or_default(),
    };
    let (Rotated { key, prepared }, witnesses) = with(&who, |engine, because| {
        let rotated = engine.rotate_key(because, args.lost)?;
        Ok((rotated, witnesses(engine)))
    })?;
    say(language.say(if args.lost {
        Text::KeyLost
    } else {
        Text::KeyRotated
    }));
    if !witnesses.is_empty() {
        let words = language.say(match prepared {
            true => Text::KnowPrepared,
            false => Text::TellWitnesses,
        });
        say(format!("{words}: {}", witnesses.join(", ")));
    }
    let mut output = Output::stdout();
    output.line(key)?;
    output.flush()
}

/// The names of the witnesses that the campaign asks.
fn witnesses(engine: &Engine) -> Vec<String> {
    let campaign = engine.campaign();
    let names = campaign.witnesses.iter().map(|witness| {
        let key = VerifierKey::parse(&witness.key);
        key.map_or_else(|_| witness.key.clone(), |key| key.name().to_owned())
    });
    names.collect()
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
