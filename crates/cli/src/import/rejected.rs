//! `FILE.rejected.csv`: the rows that were not taken, each with its line, column, code, reason and hint, as they were.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use super::{plan::Refusal, rows::Rows};
use crate::{
    error::CliError,
    messages::{Language, Text},
    output::say,
};

/// Rejected rows shown on stderr.
const SHOWN: usize = 5;

/// The rows that were not taken, by line.
#[derive(Debug, Default)]
pub struct Rejected(BTreeMap<u64, (String, Refusal)>);

impl Rejected {
    /// Notes a row, with what the file calls the column.
    pub fn add(&mut self, line: u64, column: String, refusal: Refusal) {
        self.0.insert(line, (column, refusal));
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Writes the file in one more pass; removes one of an earlier import where there is nothing to write. `ascii`: whether
    /// the rows are.
    pub fn write(
        &self,
        file: &Path,
        rows: Option<Rows<'_>>,
        (ascii, language): (bool, Language),
    ) -> Result<(), CliError> {
        let path = path(file);
        let Some(mut rows) = rows else {
            return match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(CliError::io("remove the old", path, error))
                }
                _ => Ok(()),
            };
        };
        let created = File::create(&path).map_err(|error| CliError::io("write", &path, error))?;
        let failed = |error: csv::Error| CliError::io("write", &path, std::io::Error::other(error));
        let mut file = BufWriter::new(created);
        if !ascii || language == Language::Zh {
            // Else spreadsheet programs in Chinese read UTF-8 as GBK.
            let written = file.write_all("\u{feff}".as_bytes());
            written.map_err(|error| CliError::io("write", &path, error))?;
        }
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
        let header = ["line", "column", "code", "reason", "hint"].map(str::to_owned);
        writer
            .write_record(header.into_iter().chain(rows.header()))
            .map_err(failed)?;
        let mut left = self.0.len();
        while left > 0 {
            let Some(row) = rows.next()? else { break };
            if let Some((column, refusal)) = self.0.get(&row.line()) {
                left -= 1;
                let told = [
                    row.line().to_string(),
                    column.clone(),
                    refusal.code.clone(),
                    refusal.reason.clone(),
                    language.hint(&refusal.code).unwrap_or(&refusal.hint).to_owned(),
                ];
                writer
                    .write_record(told.into_iter().chain(row.original()))
                    .map_err(failed)?;
            }
        }
        writer
            .flush()
            .map_err(|error| CliError::io("write", &path, error))
    }

    /// Tells the first of them.
    pub fn tell(&self, language: Language) {
        for (line, (column, refusal)) in self.0.iter().take(SHOWN) {
            let place = if column.is_empty() {
                String::new()
            } else {
                format!(", {column}")
            };
            say(crate::error::printable(&format!(
                "  {} {line}{place}: [{}] {}",
                language.say(Text::Line),
                refusal.code,
                refusal.reason
            )));
            let hint = language.hint(&refusal.code).unwrap_or(&refusal.hint);
            if !hint.is_empty() {
                let word = language.say(Text::Hint);
                say(crate::error::printable(&format!("    {word}: {hint}")));
            }
        }
        if self.0.len() > SHOWN {
            let more = language.say(Text::MoreRejected);
            say(format!("  … {more}: {}", self.0.len() - SHOWN));
        }
    }
}

/// Where they go.
pub fn path(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".rejected.csv");
    PathBuf::from(name)
}
