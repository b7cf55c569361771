//! `shilu verify`: the auditor. What it checks is in the crate `shilu-verify`; here are the ways in, and for a
//! register's own folder the chunks of its log and its saved projections.

mod told;

use std::{
    io,
    path::{Path, PathBuf},
};

use indicatif::ProgressBar;
use shilu_engine::{
    Compared, Engine, EngineError, bounded,
    log::{Chunk, Log, LogError, Position},
    merkle::{Hash, RECEIPT_BYTES_MAX, Receipt, SignedCheckpoint, check_inclusion},
};
use shilu_verify::{Batch, Entries, Options, Published, Report, Unreadable, audit, bytes_max};

use super::trusted::{self, Witnesses};
use crate::{
    Done,
    args::{SummaryFormat, VerifyArgs},
    error::CliError,
    messages::{Language, Text},
    output::Output,
    progress,
    register::{Named, Server},
};

/// How a receipt begins (C2SP `tlog-proof`).
const RECEIPT: &[u8] = b"c2sp.org/tlog-proof";

/// Runs it. What is wrong is the answer, with exit status 1.
pub fn run(args: &VerifyArgs, language: Language) -> Done {
    let verified = verify(args, language);
    if let (Err(error), SummaryFormat::Json) = (&verified, args.format)
        && !matches!(error, CliError::Usage { .. } | CliError::ReaderGone)
    {
        // It is the answer, whatever stands in the way of a better one; stderr has the words.
        let mut output = Output::stdout();
        output.line(told::refused(error))?;
        output.flush()?;
    }
    verified
}

fn verify(args: &VerifyArgs, language: Language) -> Done {
    let named = args.source.named()?;
    let options = options(args)?;
    let bar = progress::items(language.say(Text::Verifying), 0);
    let checked = check(args, named, &options, language, &bar);
    bar.finish_and_clear();
    let checked = checked?;
    let mut output = Output::stdout();
    match args.format {
        SummaryFormat::Json => output.line(told::in_json(&checked))?,
        SummaryFormat::Table => {
            for line in told::in_words(&checked, &options, language) {
                output.line(line)?;
            }
        }
    }
    output.flush()?;
    told::say_limits(&checked.report, &options, language);
    Ok(())
}

/// What was checked.
struct Checked {
    report: Report,
    /// Saved projections that were compared with rebuilt ones; none where there is no folder of a register.
    projections: Option<Projections>,
}

/// Saved projections that are what the log gives.
struct Projections {
    /// How many files.
    count: usize,
    /// The position at which the last of them stands.
    at: Option<Position>,
}

fn options(args: &VerifyArgs) -> Result<Options, CliError> {
    let Witnesses { keys, quorum } = Witnesses::read(&args.witnesses, args.quorum)?;
    Ok(Options {
        key: args.key.as_deref().map(trusted::key).transpose()?,
        quorum,
        witnesses: keys,
        since: args.since.as_deref().map(since).transpose()?,
        tiles: true,
    })
}

/// The checkpoint that somebody holds: by itself, or in a receipt whose event it must then have.
fn since(path: &Path) -> Result<SignedCheckpoint, CliError> {
    let bytes = bounded::read(path, RECEIPT_BYTES_MAX).map_err(|error| CliError::io("read", path, error))?;
    if !bytes.starts_with(RECEIPT) {
        return Ok(SignedCheckpoint::parse(&bytes)?);
    }
    let Receipt {
        entry,
        index,
        proof,
        checkpoint,
    } = Receipt::parse(&bytes)?;
    let said = checkpoint.unchecked();
    check_inclusion(Hash::leaf(&entry), index, said.size, &proof, said.root)?;
    Ok(checkpoint)
}

fn check(
    args: &VerifyArgs,
    named: Named<'_>,
    options: &Options,
    language: Language,
    bar: &ProgressBar,
) -> Result<Checked, CliError> {
    let mut progress = |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let published = |report| Checked {
        report,
        projections: None,
    };
    let dir = match named {
        Named::Folder(dir) => dir,
        Named::Server(_) if args.published || args.mirror.is_some() => {
            return Err(CliError::Usage {
                problem: "--published and --mirror look at a folder, and a server is named".to_owned(),
                hint: "name the folder with --data DIR",
            });
        }
        Named::Server(server) => {
            let server = Server::new(server, args.source.token.clone(), language)?;
            return Ok(published(audit(
                &server,
                Entries::Bundles,
                options,
                &mut progress,
            )?));
        }
    };
    let files = Folder::of(dir, args.mirror.as_deref())?;
    if args.published || args.mirror.is_some() || !dir.join("log").exists() {
        return Ok(published(audit(
            &files,
            Entries::Bundles,
            options,
            &mut progress,
        )?));
    }
    let log = Log::open(dir, shilu_engine::log::Options::default()).map_err(in_use)?;
    let entries = Entries::Log(Box::new(Batches::of(&log)));
    let report = audit(&files, entries, options, &mut progress)?;
    drop(log);
    bar.set_message(language.say(Text::Rebuilding));
    let projections = Some(projections(dir, progress)?);
    Ok(Checked { report, projections })
}

/// Compares the saved projections with what the log gives.
fn projections(dir: &Path, progress: impl FnMut(u64, u64)) -> Result<Projections, CliError> {
    let compared = Engine::compare_saved(dir, &shilu_engine::Options::default(), progress)?;
    if let Some(Compared { name, at, .. }) = compared.first_wrong() {
        let at = at.map_or_else(String::new, |at| format!(" at position {at}"));
        return Err(CliError::Refused {
            code: "PROJECTION_DIFFERS",
            problem: format!("the saved projection {name} is not what the log gives{at}"),
            hint: "the log is right and the answers may have been wrong: `shilu rebuild` mends it; ask who had access",
        });
    }
    let same = compared.files.iter().filter(|file| file.same.is_some());
    Ok(Projections {
        count: same.clone().count(),
        at: same.filter_map(|file| file.at).max(),
    })
}

/// A register that is served can be audited by what it publishes.
fn in_use(error: LogError) -> CliError {
    match &error {
        LogError::InUse { .. } => CliError::Refused {
            code: "REGISTER_IN_USE",
            problem: error.to_string(),
            hint: "audit what it publishes with --published, or ask it with --server URL, or stop it first",
        },
        _ => EngineError::from(error).into(),
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
        match bounded::read(&path, bytes_max(name)) {
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
        match self.call_at_most(&format!("/{name}"), None, bytes_max(name)) {
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
