//! `shilu verify`: the auditor. What it checks is in the crate `shilu-verify`; here are the ways in, and for a
//! register's own folder the chunks of its log and its saved projections.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use indicatif::ProgressBar;
use serde_json::json;
use shilu_engine::{
    Engine, EngineError,
    log::{Chunk, Log, LogError, Position},
    merkle::{SignedCheckpoint, VerifierKey},
};
use shilu_verify::{Batch, Entries, Finding, Options, Published, Report, Unreadable, audit};

use crate::{
    Done,
    args::{SummaryFormat, VerifyArgs},
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
    progress,
    register::Server,
    table::Table,
};

/// Runs it. What is wrong is the answer, with exit status 1.
pub fn run(args: &VerifyArgs, language: Language) -> Done {
    let options = options(args)?;
    let bar = progress::items(language.say(Text::Verifying), 0);
    let checked = check(args, &options, language, &bar);
    bar.finish_and_clear();
    let checked = match checked {
        Ok(checked) => checked,
        Err(CliError::Finding(finding)) if args.format == SummaryFormat::Json => {
            return refused(&finding);
        }
        Err(error) => return Err(error),
    };
    let mut output = Output::stdout();
    match args.format {
        SummaryFormat::Json => output.line(in_json(&checked))?,
        SummaryFormat::Table => {
            for line in in_words(&checked, &options, language).lines(None) {
                output.line(line)?;
            }
        }
    }
    output.flush()?;
    say_limits(&checked.report, &options, language);
    Ok(())
}

/// What was checked.
struct Checked {
    report: Report,
    /// Saved projections that were compared with rebuilt ones; none where there is no folder of a register.
    projections: Option<usize>,
}

fn options(args: &VerifyArgs) -> Result<Options, CliError> {
    let key = |text: &String| VerifierKey::parse(text).map_err(CliError::Evidence);
    let witnesses = args.witnesses.iter().map(key).collect::<Result<Vec<_>, _>>()?;
    let since = args.since.as_ref().map(|path| {
        let bytes = fs::read(path).map_err(|error| CliError::io("read", path, error))?;
        SignedCheckpoint::parse(&bytes).map_err(CliError::Evidence)
    });
    let quorum = args.quorum.unwrap_or(witnesses.len());
    if quorum > witnesses.len() {
        return Err(CliError::Usage {
            problem: format!("a quorum of {quorum} among {} witnesses", witnesses.len()),
            hint: "name as many witnesses with --witness",
        });
    }
    Ok(Options {
        key: args.key.as_ref().map(key).transpose()?,
        quorum,
        witnesses,
        since: since.transpose()?,
        tiles: true,
    })
}

fn check(
    args: &VerifyArgs,
    options: &Options,
    language: Language,
    bar: &ProgressBar,
) -> Result<Checked, CliError> {
    let mut progress = |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let Some(dir) = &args.data else {
        let server = Server::new(
            args.server.as_deref().unwrap_or_default(),
            args.token.clone(),
            language,
        )?;
        let report = audit(&server, Entries::Bundles, options, &mut progress)?;
        return Ok(Checked {
            report,
            projections: None,
        });
    };
    let files = Folder::of(dir, args.mirror.as_deref())?;
    if args.published || args.mirror.is_some() || !dir.join("log").exists() {
        let report = audit(&files, Entries::Bundles, options, &mut progress)?;
        return Ok(Checked {
            report,
            projections: None,
        });
    }
    let log = Log::open(dir, shilu_engine::log::Options::default()).map_err(EngineError::from)?;
    let report = audit(
        &files,
        Entries::Log(Box::new(Batches::of(&log))),
        options,
        &mut progress,
    )?;
    drop(log);
    bar.set_message(language.say(Text::Rebuilding));
    let compared = Engine::compare_saved(dir, &shilu_engine::Options::default(), progress)?;
    match compared.files.iter().find(|(_, same)| *same == Some(false)) {
        Some((name, _)) => Err(CliError::Refused {
            code: "PROJECTION_DIFFERS",
            problem: format!("the saved projection {name} is not what the log gives"),
            hint: "the log is right and the answers may have been wrong: `shilu rebuild` mends it; ask who had access",
        }),
        None => Ok(Checked {
            report,
            projections: Some(compared.files.iter().filter(|(_, same)| same.is_some()).count()),
        }),
    }
}

/// `public/` and `mirror/`.
pub struct Folder {
    public: PathBuf,
    mirror: PathBuf,
}

impl Folder {
    /// Of a register, a backup, or two folders apart.
    pub fn of(dir: &Path, mirror: Option<&Path>) -> Result<Folder, CliError> {
        let beside = dir.join("public");
        let public = if beside.is_dir() { beside } else { dir.to_owned() };
        let mirror = mirror.map_or_else(|| dir.join("mirror"), Path::to_owned);
        if !public.join("checkpoint").is_file() && !dir.join("log").is_dir() {
            let problem = "there is neither a checkpoint nor a log in it".to_owned();
            let path = dir.to_owned();
            return Err(EngineError::NotARegister { path, problem }.into());
        }
        Ok(Folder { public, mirror })
    }
}

impl Published for Folder {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        let mirrored = name.starts_with("tile/entries/") || name.starts_with("attachments/");
        let path = if mirrored { &self.mirror } else { &self.public }.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(Unreadable {
                name: path.display().to_string(),
                problem: error.to_string(),
            }),
        }
    }
}

impl Published for Server {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        match self.call(&format!("/{name}"), None) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(CliError::Problem { problem }) if problem.status == 404 => Ok(None),
            Err(error) => Err(Unreadable {
                name: name.to_owned(),
                problem: error.to_string(),
            }),
        }
    }
}

/// A register's log as the auditor reads it; the chain of its chunks is checked on the way.
pub struct Batches {
    chunks: Box<dyn Iterator<Item = Result<Chunk, LogError>> + Send>,
}

/// Entries of a batch: a few chunks at a time keep the threads busy without a queue of their own.
const BATCH_ENTRIES: usize = 1_024;

impl Batches {
    /// All that is durable.
    pub fn of(log: &Log) -> Batches {
        Batches {
            chunks: Box::new(log.scan_verified(Position::ZERO, log.end())),
        }
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = None;
        for chunk in self.chunks.by_ref() {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => {
                    let problem = error.to_string();
                    let name = "the log".to_owned();
                    return Some(Err(Unreadable { name, problem }));
                }
            };
            let batch = batch.get_or_insert_with(|| Batch::new(chunk.first().get()));
            chunk.iter().for_each(|(_, entry)| batch.push(entry));
            if batch.len() >= BATCH_ENTRIES {
                break;
            }
        }
        batch.map(Ok)
    }
}

fn in_words(checked: &Checked, options: &Options, language: Language) -> Table {
    let report = &checked.report;
    let mut table = Table::new([language.say(Text::Checked), ""]);
    let mut row = |text, value: String| table.push([language.say(text).to_owned(), value]);
    row(Text::Log, report.checkpoint.origin.clone());
    row(Text::Events, report.events.to_string());
    row(Text::Unpublished, report.unpublished.to_string());
    row(Text::Records, report.records.to_string());
    row(Text::ActorSignatures, report.signed.to_string());
    row(Text::Tiles, report.tiles.to_string());
    row(Text::CheckpointSize, report.checkpoint.size.to_string());
    row(Text::CheckpointRoot, report.checkpoint.root.to_string());
    row(Text::SignedBy, report.key.to_string());
    row(Text::KeyChanges, report.rotations.to_string());
    row(Text::Campaigns, report.campaigns.to_string());
    for witness in &options.witnesses {
        let cosigned = report.cosigned.iter().find(|one| one.witness == witness.name());
        let when = cosigned.and_then(|one| i64::try_from(one.seconds).ok());
        let when = when.map(|seconds| shilu_model::Timestamp::from_micros(seconds.saturating_mul(1_000_000)));
        let said = when.map_or_else(|| language.say(Text::No).to_owned(), |time| time.to_string());
        row(Text::CosignedBy, format!("{}: {said}", witness.name()));
    }
    if let Some(size) = report.since {
        row(Text::Continues, size.to_string());
    }
    if let Some(count) = checked.projections {
        row(Text::ProjectionsSame, count.to_string());
    }
    row(Text::FirstRecorded, report.first_recorded.to_string());
    row(Text::LastRecorded, report.last_recorded.to_string());
    table
}

fn in_json(checked: &Checked) -> serde_json::Value {
    let report = &checked.report;
    let cosigned = report
        .cosigned
        .iter()
        .map(|one| json!({ "witness": one.witness, "seconds": one.seconds }));
    json!({
        "ok": true,
        "origin": report.checkpoint.origin,
        "events": report.events,
        "unpublished": report.unpublished,
        "records": report.records,
        "actor_signatures": report.signed,
        "tiles": report.tiles,
        "size": report.checkpoint.size,
        "root": report.checkpoint.root.to_string(),
        "key": report.key.to_string(),
        "key_given": report.pinned,
        "rotations": report.rotations,
        "campaigns": report.campaigns,
        "cosigned": cosigned.collect::<Vec<_>>(),
        "since": report.since,
        "projections": checked.projections,
        "first_recorded": report.first_recorded.to_string(),
        "last_recorded": report.last_recorded.to_string(),
        "simulated": report.simulated,
    })
}

/// What is wrong, for machines: on stdout, since it is the answer.
fn refused(finding: &Finding) -> Done {
    let mut output = Output::stdout();
    output.line(json!({
        "ok": false,
        "code": finding.code(),
        "position": finding.position,
        "detail": finding.to_string(),
    }))?;
    output.flush()?;
    Err(CliError::Said)
}

/// What nobody should read into it.
fn say_limits(report: &Report, options: &Options, language: Language) {
    if report.simulated {
        say(language.say(Text::Simulated));
    }
    if !report.pinned {
        say(language.say(Text::KeyNotPinned));
    }
    if options.witnesses.is_empty() && options.since.is_none() {
        say(language.say(Text::NobodyElse));
    }
}
