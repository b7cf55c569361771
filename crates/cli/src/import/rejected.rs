//! `FILE.rejected.csv`: the rows that were not taken, each with its line, column, code and reason, as they were.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
};

use super::{plan::Refusal, rows::Rows};
use crate::{error::CliError, output::say};

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

    /// Writes the file in one more pass; removes one of an earlier import where there is nothing to write.
    pub fn write(&self, file: &Path, rows: Option<Rows<'_>>) -> Result<(), CliError> {
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
        let mut writer = csv::WriterBuilder::new()
            .flexible(true)
            .from_writer(BufWriter::new(created));
        let header = ["line", "column", "code", "reason"].map(str::to_owned);
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
    pub fn tell(&self) {
        for (line, (column, refusal)) in self.0.iter().take(SHOWN) {
            let place = if column.is_empty() {
                String::new()
            } else {
                format!(", {column}")
            };
            say(crate::error::printable(&format!(
                "  line {line}{place}: [{}] {}",
                refusal.code, refusal.reason
            )));
        }
        if self.0.len() > SHOWN {
            say(format!("  … and {} more", self.0.len() - SHOWN));
        }
    }
}

/// Where they go.
pub fn path(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".rejected.csv");
    PathBuf::from(name)
}
