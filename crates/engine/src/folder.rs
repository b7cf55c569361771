//! A register's folder: what lies where, and what `init` fixes for ever.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use shilu_log::{Events, Log, Outcome};
use shilu_merkle::{Algorithm, SignedCheckpoint, SignerKey, VerifierKey};
use shilu_model::{
    Campaign, CampaignError, Change, Event, EventId, Position, Timestamp, Value, check_name, encode,
    setting::{CAMPAIGN, CLOCK, KEY, ORIGIN},
};

use crate::{
    bounded,
    campaigns::{self, Attached},
    durable,
    error::EngineError,
    evidence::{Files, Keys, Publisher, fresh_key, key_of, witness_key},
    randomness::Randomness,
};

/// The format of registers that this version makes and opens.
pub(crate) const FORMAT: u32 = 1;

/// `register.toml`: for people and for whoever copies a register. The log's first event says the same, and counts.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterFile {
    pub origin: String,
    pub format: u32,
    pub clock: ClockKind,
    /// The vkey that signs checkpoints.
    pub public_key: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClockKind {
    Real,
    Simulated,
}

/// Bytes of `register.toml` beyond which it is not looked at: four short lines, and room.
pub(crate) const REGISTER_FILE_BYTES_MAX: usize = 64 * 1024;

impl RegisterFile {
    /// What is written of it.
    pub fn text(&self, dir: &Path) -> Result<String, EngineError> {
        toml::to_string(self)
            .map_err(|error| EngineError::io("write", dir.join("register.toml"), io::Error::other(error)))
    }

    /// A checkpoint must be of this register.
    pub fn check_origin(&self, dir: &Path, checkpoint: &SignedCheckpoint) -> Result<(), EngineError> {
        let found = &checkpoint.unchecked().origin;
        if *found == self.origin {
            return Ok(());
        }
        Err(EngineError::NotARegister {
            path: dir.to_owned(),
            problem: format!(
                "its register.toml is of {}, its checkpoint of {found}",
                self.origin
            ),
        })
    }
}

impl ClockKind {
    const fn word(self) -> &'static str {
        match self {
            ClockKind::Real => "real",
            ClockKind::Simulated => "simulated",
        }
    }
}

/// What `init` fixes for ever.
#[derive(Clone, Copy, Debug)]
pub struct Init<'a> {
    /// The campaign file's text.
    pub campaign: &'a str,
    /// Who makes the register.
    pub actor: &'a str,
    /// Whether its clock is simulated.
    pub simulated: bool,
}

/// The folder of saved projections.
pub(crate) fn projections(dir: &Path) -> PathBuf {
    dir.join("projections")
}

/// Makes a register in a folder that is empty or not there yet. `register.toml` comes last: without it a folder is
/// not a register.
pub(crate) fn create(
    dir: &Path,
    init: &Init<'_>,
    first: (Timestamp, EventId),
    random: Option<&Randomness>,
    options: shilu_log::Options,
) -> Result<(), EngineError> {
    check_name("actor", init.actor).map_err(EngineError::BadAccount)?;
    let campaign = parse_campaign(init.campaign, init.simulated)?;
    Campaign::parse_new(init.campaign).map_err(EngineError::BadCampaign)?;
    make_empty(dir)?;
    let made = fill(dir, (init, campaign), first, random, options);
    if made.is_err() {
        clear(dir);
    }
    made
}

/// Reads a campaign that a register is to have, and checks what only a register can tell of it.
///
/// # Errors
/// `BAD_CAMPAIGN`, `PERSONAL_NOT_PROTECTED`.
pub(crate) fn parse_campaign(text: &str, simulated: bool) -> Result<Campaign, EngineError> {
    let campaign = Campaign::parse(text).map_err(EngineError::BadCampaign)?;
    if let Some((kind, field)) = campaign.personal_field().filter(|_| !simulated) {
        return Err(EngineError::PersonalNotProtected {
            kind: kind.to_owned(),
            field: field.to_owned(),
        });
    }
    check_witnesses(&campaign, text)?;
    Ok(campaign)
}

/// Makes a folder, or takes one that is empty.
pub(crate) fn make_empty(dir: &Path) -> Result<(), EngineError> {
    make_folder(dir).map_err(|error| EngineError::io("make", dir, error))?;
    let mut entries = fs::read_dir(dir).map_err(|error| EngineError::io("read", dir, error))?;
    match entries.next() {
        Some(_) => Err(EngineError::NotEmpty { path: dir.to_owned() }),
        None => Ok(()),
    }
}

/// Takes away what a failed `init` made in a folder that was empty, so that it can be tried again.
pub(crate) fn clear(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        // What cannot be removed stays, and the next try names the folder as not empty.
        let _ = if path.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        };
    }
}

fn fill(
    dir: &Path,
    (init, campaign): (&Init<'_>, Campaign),
    (recorded, id): (Timestamp, EventId),
    random: Option<&Randomness>,
    options: shilu_log::Options,
) -> Result<(), EngineError> {
    let fail = |doing| move |path: &Path, error| EngineError::io(doing, path, error);
    for folder in ["attachments", "projections"] {
        let folder = dir.join(folder);
        fs::create_dir(&folder).map_err(|error| fail("make")(&folder, error))?;
    }
    let files = Files::new(dir);
    files.create()?;
    let mirrored = files.mirror().join("attachments");
    fs::create_dir(&mirrored).map_err(|error| fail("make")(&mirrored, error))?;
    campaigns::attach(dir, init.campaign)?;
    let hash = campaigns::hash_of(init.campaign);

    let clock = if init.simulated {
        ClockKind::Simulated
    } else {
        ClockKind::Real
    };
    let origin = if init.simulated {
        format!("{}/simulated", campaign.origin)
    } else {
        campaign.origin
    };
    let set = |field, value| Change {
        field,
        before: None,
        after: Some(Value::Text(value)),
        before_stated: false,
    };
    let key = match random {
        Some(random) => key_of(&origin, Algorithm::Ed25519, &random())?,
        None => fresh_key(&origin, Algorithm::Ed25519)?,
    };
    let public_key = key.verifier().to_string();
    let changes = vec![
        set(CLOCK, clock.word()),
        set(ORIGIN, &origin),
        set(KEY, &public_key),
        set(CAMPAIGN, &hash),
    ];
    let first = Event::on_register(Position::ZERO, id, recorded, 1, init.actor, Some("init"), changes);
    let mut bytes = Vec::new();
    encode(&first, &mut bytes).map_err(|error| EngineError::NotARegister {
        path: dir.to_owned(),
        problem: format!("its first event cannot be stored: {error}"),
    })?;
    Keys::write(dir, [&key])?;
    let log = append_one(dir, &bytes, options)?;
    publish_first(dir, &log, &key, campaign.quorum)?;
    drop(log);

    write_register_file(
        dir,
        &RegisterFile {
            origin,
            format: FORMAT,
            clock,
            public_key,
        },
    )
}

/// The first checkpoint, where no witness is needed for it: a register has one from its first event on.
fn publish_first(dir: &Path, log: &Log, key: &SignerKey, quorum: usize) -> Result<(), EngineError> {
    let verifier = key.verifier();
    let (mut publisher, rotations) = Publisher::open(dir, log, verifier.name(), &[&verifier.to_string()])?;
    publisher.advance(log.end())?;
    if quorum > 0 {
        return Ok(());
    }
    let keys = Keys {
        current: key.clone(),
        old: None,
    };
    let checkpoint = publisher.sign(&keys, false)?;
    publisher.publish(&checkpoint, &rotations)
}

/// Writes `register.toml`, and its copy for auditors.
pub(crate) fn write_register_file(dir: &Path, file: &RegisterFile) -> Result<(), EngineError> {
    let path = dir.join("register.toml");
    let text = file.text(dir)?;
    write_synced(&Files::new(dir).mirror().join("register.toml"), text.as_bytes())?;
    write_synced(&path, text.as_bytes())
}

/// Puts the key in force into `register.toml`.
pub(crate) fn renew_register_file(dir: &Path, key: &VerifierKey) -> Result<(), EngineError> {
    let mut file = read_register_file(dir)?;
    file.public_key = key.to_string();
    write_register_file(dir, &file)
}

/// A campaign's witnesses must have keys of witnesses, each its own.
fn check_witnesses(campaign: &Campaign, text: &str) -> Result<(), EngineError> {
    let mut keys: Vec<[u8; 32]> = Vec::new();
    for witness in &campaign.witnesses {
        let bad = |problem: String| {
            let start = text.find(&witness.key).unwrap_or(0);
            EngineError::BadCampaign(CampaignError::at(text, start..start, problem))
        };
        let key = witness_key(&witness.key).map_err(|error| bad(error.to_string()))?;
        if keys.contains(&key.bytes()) {
            return Err(bad("two witnesses have the same key".to_owned()));
        }
        keys.push(key.bytes());
    }
    Ok(())
}

/// Makes a folder, and what is missing above it, so that a power failure cannot take it with all that is in it.
fn make_folder(dir: &Path) -> io::Result<()> {
    let missing = dir.ancestors().skip(1).take_while(|folder| !folder.exists());
    // The folder itself may have been made by hand a moment ago.
    let names: Vec<&Path> = std::iter::once(dir).chain(missing).collect();
    fs::create_dir_all(dir)?;
    names.iter().try_for_each(|name| match name.parent() {
        Some(above) if above.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(above) => File::open(above)?.sync_all(),
        None => Ok(()),
    })
}

fn append_one(dir: &Path, event: &[u8], options: shilu_log::Options) -> Result<Log, EngineError> {
    let log = Log::create(dir, options)?;
    let (told, outcome) = std::sync::mpsc::channel();
    let writer = log.writer(move |outcome: Outcome<()>| {
        let result = match outcome {
            Outcome::Durable(_) => Ok(()),
            Outcome::Failed { error, .. } => Err(EngineError::Log(error)),
        };
        // The receiver waits below until it is told.
        let _ = told.send(result);
    })?;
    let mut events = Events::new();
    events.push(event);
    writer
        .submit(Position::ZERO, events, ())
        .map_err(|((), error)| error)?;
    let result = outcome.recv().unwrap_or(Err(EngineError::Stopping));
    writer.close()?;
    result.map(|()| log)
}

/// What is read of a folder before its log is opened.
pub(crate) fn read_register_file(dir: &Path) -> Result<RegisterFile, EngineError> {
    let not = |problem: String| EngineError::NotARegister {
        path: dir.to_owned(),
        problem,
    };
    let path = dir.join("register.toml");
    let text = match bounded::read(&path, REGISTER_FILE_BYTES_MAX) {
        Ok(bytes) if bytes.len() > REGISTER_FILE_BYTES_MAX => {
            return Err(not("its register.toml is larger than any".to_owned()));
        }
        Ok(bytes) => {
            String::from_utf8(bytes).map_err(|_| not("its register.toml is not a text".to_owned()))?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(not("it has no register.toml".to_owned()));
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(not("it is a file".to_owned()));
        }
        Err(error) => return Err(EngineError::io("read", path, error)),
    };
    let file: RegisterFile = toml::from_str(&text)
        .map_err(|error| not(format!("its register.toml makes no sense: {}", error.message())))?;
    if file.format != FORMAT {
        return Err(not(format!(
            "its format is {}, and this version knows {FORMAT}",
            file.format
        )));
    }
    Ok(file)
}

/// Checks what `register.toml` says against the first event, and loads the campaign that the event names.
pub(crate) fn load_campaign(
    dir: &Path,
    file: &RegisterFile,
    first: &Event<'_>,
) -> Result<Attached, EngineError> {
    let not = |problem: String| EngineError::NotARegister {
        path: dir.to_owned(),
        problem,
    };
    let setting = |field: &str| {
        let change = first.changes.iter().find(|change| change.field == field);
        match change.and_then(|change| change.after) {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(not(format!("its first event does not set {field:?}"))),
        }
    };
    for (field, said) in [(CLOCK, file.clock.word()), (ORIGIN, file.origin.as_str())] {
        let fixed = setting(field)?;
        if fixed != said {
            return Err(not(format!(
                "register.toml says {field} = {said:?}, its first event {fixed:?}"
            )));
        }
    }
    campaigns::read(dir, setting(CAMPAIGN)?)
}

/// The vkey that signs a register's checkpoints, by its `register.toml`; the register may be open elsewhere.
///
/// # Errors
/// `NOT_A_REGISTER`, `IO`.
pub fn public_key(dir: &Path) -> Result<String, EngineError> {
    read_register_file(dir).map(|file| file.public_key)
}

/// Writes a new file so that a crash leaves it whole or not at all.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    durable::write(path, bytes).map_err(|error| EngineError::io("write", path, error))
}

/// Replaces a file durably.
pub(crate) fn replace_synced(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), EngineError> {
    durable::replace(path, write).map_err(|error| EngineError::io("write", path, error))
}
