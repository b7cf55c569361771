//! Where an export goes: stdout, or a file that appears whole or not at all.

use std::{
    fs::Permissions,
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::{Done, error::CliError, output::Output};

/// The bytes' way out.
pub enum Out {
    /// To stdout.
    Stdout(Output),
    /// To a file: written beside it under another name first.
    File {
        /// What is being written.
        part: Box<BufWriter<NamedTempFile>>,
        /// What it becomes.
        path: PathBuf,
    },
}

impl Out {
    /// To the file, or to stdout without one.
    pub fn new(path: Option<&Path>) -> Result<Self, CliError> {
        let Some(path) = path else {
            return Ok(Out::Stdout(Output::stdout()));
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // What the system's mask leaves of this, as for any file that a program makes.
        let part = tempfile::Builder::new()
            .prefix(".shilu-export-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .map_err(|error| CliError::io("write beside", path, error))?;
        Ok(Out::File {
            part: Box::new(BufWriter::new(part)),
            path: path.to_owned(),
        })
    }

    /// To stdout or a file, for bytes that no terminal can show.
    pub fn binary(path: Option<&Path>, what: &str) -> Result<Self, CliError> {
        if path.is_none() && Output::is_terminal() {
            return Err(CliError::Usage {
                problem: format!("{what} is not for a terminal"),
                hint: "name a file with --out FILE, or send stdout to one",
            });
        }
        Out::new(path)
    }

    /// All is written: the file gets its name.
    pub fn finish(self) -> Done {
        match self {
            Out::Stdout(mut output) => output.flush(),
            Out::File { part, path } => {
                let failed = |error| CliError::io("write", &path, error);
                let part = part.into_inner().map_err(|error| failed(error.into_error()))?;
                part.as_file().sync_all().map_err(failed)?;
                part.persist(&path).map_err(|error| failed(error.error))?;
                Ok(())
            }
        }
    }

    /// A failure to write, told as what it is.
    pub fn failed(&self, error: io::Error) -> CliError {
        match self {
            Out::Stdout(_) => CliError::output(error),
            Out::File { path, .. } => CliError::io("write", path, error),
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Out::Stdout(output) => output.write(bytes),
            Out::File { part, .. } => part.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Out::Stdout(output) => Write::flush(output),
            Out::File { part, .. } => part.flush(),
        }
    }
}
