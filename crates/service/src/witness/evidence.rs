//! What a witness keeps of a log that shows two histories: the checkpoint that it refused, and the one that it had
//! cosigned. Both are signed by the log, so whoever reads them needs to trust neither the witness nor the log.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use shilu_engine::durable;
use shilu_merkle::SignedCheckpoint;

use super::last;

/// Most cases of a kind that are kept: one is enough to convict a log, and a disk must not fill.
const CASES_MAX: usize = 1_000;

/// Why a checkpoint is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// Two roots for one size, both signed by the log: proof of two histories.
    TwoRoots,
    /// It did not continue the last one by the proof that came with it: a rewritten history, or somebody who sent a
    /// true checkpoint with a false proof. Counted apart, so that such a joker leaves room for proofs.
    NotConsistent,
}

impl Case {
    /// What the refused checkpoint and the last one show.
    const fn shows(self) -> &'static str {
        match self {
            Case::TwoRoots => "a log shows two histories",
            Case::NotConsistent => {
                "a checkpoint came whose proof does not lead there from the last one: its log was rewritten, or whoever sent it made the proof up"
            }
        }
    }

    const fn folder(self) -> &'static str {
        match self {
            Case::TwoRoots => "two-roots",
            Case::NotConsistent => "not-consistent",
        }
    }
}

/// The folder `evidence`.
#[derive(Debug)]
pub(crate) struct Evidence {
    dir: PathBuf,
    /// One writer at a time.
    writing: Mutex<()>,
}

impl Evidence {
    pub(crate) fn open(dir: PathBuf) -> io::Result<Evidence> {
        for case in [Case::TwoRoots, Case::NotConsistent] {
            fs::create_dir_all(dir.join(case.folder()))?;
        }
        Ok(Evidence {
            dir,
            writing: Mutex::new(()),
        })
    }

    /// Keeps a case, once per text of the refused checkpoint, and logs it.
    pub(crate) fn keep(&self, case: Case, refused: &SignedCheckpoint, cosigned: &SignedCheckpoint) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let said = refused.unchecked();
        let (origin, size, case_is) = (said.origin.as_str(), said.size, case.folder());
        match self.write(case, refused, cosigned) {
            Ok(Kept::New(path)) => {
                tracing::error!(origin, size, case = case_is, path = %path.display(), "{}; the evidence is kept", case.shows());
            }
            // Somebody repeats it: the log must not fill with that.
            Ok(Kept::Known) => tracing::debug!(origin, size, case = case_is, "again"),
            Ok(Kept::Full) => {
                tracing::error!(origin, size, case = case_is, root = %said.root, "{}; there is no room for more evidence", case.shows())
            }
            Err(error) => {
                tracing::error!(origin, size, case = case_is, root = %said.root, %error, "{}; the evidence cannot be written", case.shows())
            }
        }
    }

    fn write(&self, case: Case, refused: &SignedCheckpoint, cosigned: &SignedCheckpoint) -> io::Result<Kept> {
        let folder = self.dir.join(case.folder());
        let pair = last::name(refused.note().text.as_bytes());
        let path = folder.join(&pair).with_extension("refused");
        if fs::exists(&path)? {
            return Ok(Kept::Known);
        }
        if cases(&folder)? >= CASES_MAX {
            return Ok(Kept::Full);
        }
        // The one without the other proves nothing; the refused one comes last and makes the pair whole.
        durable::write(&path.with_extension("cosigned"), cosigned.to_string().as_bytes())?;
        durable::write(&path, refused.to_string().as_bytes())?;
        Ok(Kept::New(path))
    }
}

enum Kept {
    New(PathBuf),
    Known,
    Full,
}

fn cases(folder: &Path) -> io::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        count += usize::from(entry?.path().extension().is_some_and(|kind| kind == "refused"));
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use shilu_merkle::{Algorithm, Checkpoint, Hash, SignerKey};

    use super::*;

    #[test]
    fn only_two_roots_are_called_two_histories() {
        assert!(Case::TwoRoots.shows().contains("two histories"));
        assert!(!Case::NotConsistent.shows().contains("two histories"));
    }

    #[test]
    fn evidence_is_bounded_and_a_joker_leaves_room_for_proofs() {
        let dir = tempfile::TempDir::new().unwrap();
        let evidence = Evidence::open(dir.path().to_owned()).unwrap();
        let key = SignerKey::from_seed("example.org/log", Algorithm::Ed25519, &[7; 32]).unwrap();
        let checkpoint = |size: u64| {
            let (origin, root) = ("example.org/log".to_owned(), Hash::leaf(&size.to_be_bytes()));
            Checkpoint { origin, size, root }.sign([&key])
        };
        let folder = dir.path().join("not-consistent");
        for case in 0..CASES_MAX {
            fs::write(folder.join(format!("{case}.refused")), "").unwrap();
        }
        evidence.keep(Case::NotConsistent, &checkpoint(2), &checkpoint(1));
        assert_eq!(cases(&folder).unwrap(), CASES_MAX);
        for _ in 0..2 {
            evidence.keep(Case::TwoRoots, &checkpoint(2), &checkpoint(1));
        }
        let two = dir.path().join("two-roots");
        assert_eq!(
            (cases(&two).unwrap(), fs::read_dir(&two).unwrap().count()),
            (1, 2)
        );
    }
}
