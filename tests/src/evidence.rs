//! What a register publishes, judged by the independent auditor, and compared with every checkpoint that anybody saw.

use std::{fs, io, path::Path};

use shilu_engine::model::Position;
use shilu_log::Log;
use shilu_merkle::{Hash, SignedCheckpoint, Tree, VerifierKey};
use shilu_verify::{Batch, Entries, Finding, Options, Published, Unreadable, audit};

/// `public/` and `mirror/` of a register's folder.
struct Folder<'a>(&'a Path);

impl Published for Folder<'_> {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        let mirrored = name.starts_with("tile/entries/") || name.starts_with("attachments/");
        let beside = if mirrored { "mirror" } else { "public" };
        match fs::read(self.0.join(beside).join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Unreadable {
                name: name.to_owned(),
                problem: error.to_string(),
            }),
        }
    }
}

/// The checkpoint that a folder publishes now, if it publishes one.
pub fn checkpoint(dir: &Path) -> Option<SignedCheckpoint> {
    let bytes = fs::read(dir.join("public/checkpoint")).ok()?;
    Some(SignedCheckpoint::parse(&bytes).unwrap_or_else(|error| panic!("{}: {error}", dir.display())))
}

/// Whatever checkpoint lies in a folder that nobody has opened since its fault: all its tiles and bundles are there
/// and right, and it is signed. None is right too.
pub fn published(dir: &Path) -> Result<(), String> {
    if !dir.join("public/checkpoint").exists() {
        return Ok(());
    }
    let key = match dir.join("register.toml").exists() {
        true => Some(key(dir)?),
        false => None,
    };
    let audited = audit(
        &Folder(dir),
        Entries::Bundles,
        &options(key, None),
        &mut |_, _| {},
    );
    audited.map(drop).map_err(|finding| said("published", &finding))
}

/// A closed register: the auditor finds nothing, in the log or in the bundles; all is published; and every checkpoint
/// that was seen before is a prefix of it.
pub fn holds(dir: &Path, log: &Log, seen: &[SignedCheckpoint]) -> Result<(), String> {
    let since = seen.iter().max_by_key(|one| one.unchecked().size).cloned();
    let options = options(Some(key(dir)?), since);
    let chunks = log.scan_verified(Position::ZERO, log.end());
    let batches = chunks.map(|chunk| {
        let chunk = chunk.map_err(|error| Unreadable {
            name: "the log".to_owned(),
            problem: error.to_string(),
        })?;
        let mut batch = Batch::new(chunk.first().get());
        chunk.iter().for_each(|(_, entry)| batch.push(entry));
        Ok(batch)
    });
    let by_log = audit(
        &Folder(dir),
        Entries::Log(Box::new(batches)),
        &options,
        &mut |_, _| {},
    )
    .map_err(|finding| said("evidence", &finding))?;
    let by_bundles = audit(&Folder(dir), Entries::Bundles, &options, &mut |_, _| {})
        .map_err(|finding| said("evidence", &finding))?;
    if by_log.unpublished > 0 {
        return Err(format!(
            "evidence: {} events are not published",
            by_log.unpublished
        ));
    }
    if by_log != by_bundles || by_log.events != log.end().get() {
        return Err(format!(
            "evidence: the log gives {by_log:?}, the bundles {by_bundles:?}"
        ));
    }
    prefixes(log, seen)
}

/// Every checkpoint that was seen has the root of the log at its size.
fn prefixes(log: &Log, seen: &[SignedCheckpoint]) -> Result<(), String> {
    let mut tree = Tree::default();
    let mut roots: Vec<Hash> = vec![tree.root()];
    for chunk in log.scan(Position::ZERO, log.end()) {
        for (_, entry) in chunk.map_err(|error| error.to_string())?.iter() {
            tree.push(Hash::leaf(entry));
            roots.push(tree.root());
        }
    }
    for said in seen.iter().map(SignedCheckpoint::unchecked) {
        if roots.get(said.size as usize) != Some(&said.root) {
            return Err(format!(
                "evidence: FORKED: a checkpoint of {} was seen, and is no prefix",
                said.size
            ));
        }
    }
    Ok(())
}

fn key(dir: &Path) -> Result<VerifierKey, String> {
    let vkey = shilu_engine::public_key(dir).map_err(|error| error.to_string())?;
    VerifierKey::parse(&vkey).map_err(|error| error.to_string())
}

const fn options(key: Option<VerifierKey>, since: Option<SignedCheckpoint>) -> Options {
    Options {
        key,
        witnesses: Vec::new(),
        quorum: 0,
        since,
        tiles: true,
    }
}

fn said(what: &str, finding: &Finding) -> String {
    format!("{what}: {} {finding}", finding.code())
}

/// A checkpoint on one line, for another process.
pub fn line(checkpoint: &SignedCheckpoint) -> String {
    let hexadecimal = |byte: u8| format!("{byte:02x}");
    let note: String = checkpoint.to_string().bytes().map(hexadecimal).collect();
    format!("seen {note}\n")
}

/// Reads such a line.
pub fn parse_line(line: &str) -> Option<SignedCheckpoint> {
    let note = line.strip_prefix("seen ")?;
    let byte = |place| u8::from_str_radix(note.get(place..place + 2)?, 16).ok();
    let note: Option<Vec<u8>> = (0..note.len()).step_by(2).map(byte).collect();
    SignedCheckpoint::parse(&note?).ok()
}
