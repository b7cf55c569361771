//! stdout, locked and buffered: data. A reader that goes away (`| head`) ends the program quietly.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use crate::error::CliError;

/// The data channel.
pub struct Output {
    writer: BufWriter<StdoutLock<'static>>,
}

impl Output {
    /// Locks stdout.
    pub fn stdout() -> Self {
        Output {
            writer: BufWriter::with_capacity(1 << 16, io::stdout().lock()),
        }
    }

    /// Writes text and ends the line.
    pub fn line(&mut self, text: impl std::fmt::Display) -> Result<(), CliError> {
        writeln!(self.writer, "{text}").map_err(CliError::output)
    }

    /// Writes bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        self.writer.write_all(bytes).map_err(CliError::output)
    }

    /// Hands over what is buffered.
    pub fn flush(&mut self) -> Result<(), CliError> {
        self.writer.flush().map_err(CliError::output)
    }

    /// Whether a person reads it.
    pub fn is_terminal() -> bool {
        io::stdout().is_terminal()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A line on stderr, for a person. Nothing can be done where stderr is gone.
pub fn say(text: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
