//! Why an import refuses a file as a whole, before anything is written.

use std::{io, path::PathBuf};

use shilu_model::{Class, Rejection, TimeError};
use thiserror::Error;

/// A refusal of a file as a whole.
#[derive(Debug, Error)]
pub enum ImportError {
    /// `BAD_CSV`
    #[error("the file is damaged: {problem}")]
    BadCsv {
        /// The line, from 1.
        line: u64,
        /// The column in characters, from 1.
        column: u64,
        /// What is wrong there.
        problem: String,
    },
    /// `BAD_JSONL`
    #[error("the file is damaged: {problem}")]
    BadJsonl {
        /// The line, from 1.
        line: u64,
        /// The column, from 1.
        column: u64,
        /// What is wrong there.
        problem: String,
    },
    /// `BAD_XLSX`
    #[error("the workbook cannot be read: {problem}")]
    BadWorkbook {
        /// What is wrong with it.
        problem: String,
    },
    /// `XLSX_ENCRYPTED`
    #[error("the workbook is protected by a password")]
    Encrypted,
    /// `XLSX_TOO_LARGE`
    #[error("the workbook is too large: {problem}")]
    WorkbookTooLarge {
        /// Which limit it exceeds.
        problem: String,
    },
    /// `NO_SHEET`
    #[error("the workbook has no sheet {sheet:?}")]
    NoSheet {
        /// The sheet that was asked for.
        sheet: String,
        /// The sheets there are.
        sheets: String,
    },
    /// `BAD_ENCODING`
    #[error("the file is not {encoding} throughout")]
    BadEncoding {
        /// The line, from 1.
        line: u64,
        /// The column in characters, from 1.
        column: u64,
        /// What it was read as.
        encoding: &'static str,
    },
    /// `BAD_TIME`
    #[error("--effective: {0}")]
    BadTime(TimeError),
    /// `UNKNOWN_COLUMN`
    #[error("the kind {kind:?} has no field {column:?}")]
    UnknownColumn {
        /// The column's name.
        column: String,
        /// The kind.
        kind: String,
        /// The line.
        line: u64,
        /// The fields there are.
        fields: String,
    },
    /// `DUPLICATE_COLUMN`
    #[error("two columns mean the field {field:?}")]
    DuplicateColumn {
        /// The field.
        field: String,
        /// The line.
        line: u64,
    },
    /// `KEY_COLUMN_MISSING`
    #[error("the key {field:?} has no column")]
    KeyColumnMissing {
        /// The key field.
        field: String,
    },
    /// A rule that every row would break.
    #[error("{0}")]
    Rule(Rejection),
    /// `MASS_DEREGISTER`
    #[error("{missing} of {registered} registered records are missing from the file, more than a quarter")]
    MassDeregister {
        /// How many are missing.
        missing: u64,
        /// How many there are.
        registered: u64,
    },
    /// `FILE_CHANGED`
    #[error("{} changed while it was read", path.display())]
    FileChanged {
        /// The file.
        path: PathBuf,
    },
    /// `BAD_FILE`
    #[error("{} cannot be imported: {problem}", path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: &'static str,
    },
    /// `IO`
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl ImportError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            ImportError::Rule(rejection) => rejection.code(),
            ImportError::BadCsv { .. } => "BAD_CSV",
            ImportError::BadJsonl { .. } => "BAD_JSONL",
            ImportError::BadWorkbook { .. } => "BAD_XLSX",
            ImportError::Encrypted => "XLSX_ENCRYPTED",
            ImportError::WorkbookTooLarge { .. } => "XLSX_TOO_LARGE",
            ImportError::NoSheet { .. } => "NO_SHEET",
            ImportError::BadEncoding { .. } => "BAD_ENCODING",
            ImportError::BadTime(_) => "BAD_TIME",
            ImportError::UnknownColumn { .. } => "UNKNOWN_COLUMN",
            ImportError::DuplicateColumn { .. } => "DUPLICATE_COLUMN",
            ImportError::KeyColumnMissing { .. } => "KEY_COLUMN_MISSING",
            ImportError::MassDeregister { .. } => "MASS_DEREGISTER",
            ImportError::FileChanged { .. } => "FILE_CHANGED",
            ImportError::BadFile { .. } => "BAD_FILE",
            ImportError::Read { .. } => "IO",
        }
    }

    /// What kind of "no" it is.
    pub const fn class(&self) -> Class {
        match self {
            ImportError::Rule(rejection) => rejection.class(),
            ImportError::BadCsv { .. }
            | ImportError::BadJsonl { .. }
            | ImportError::BadEncoding { .. }
            | ImportError::BadTime(_)
            | ImportError::BadWorkbook { .. }
            | ImportError::Encrypted
            | ImportError::BadFile { .. } => Class::Malformed,
            ImportError::WorkbookTooLarge { .. } => Class::TooLarge,
            ImportError::NoSheet { .. } => Class::NotFound,
            ImportError::UnknownColumn { .. }
            | ImportError::DuplicateColumn { .. }
            | ImportError::KeyColumnMissing { .. }
            | ImportError::MassDeregister { .. } => Class::Rule,
            ImportError::FileChanged { .. } | ImportError::Read { .. } => Class::Broken,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            ImportError::Rule(rejection) => rejection.hint().to_owned(),
            ImportError::BadCsv { .. } | ImportError::BadJsonl { .. } => {
                "nothing was written; get the file again, or put that place right".to_owned()
            }
            ImportError::BadEncoding { .. } => {
                "nothing was written; get the file again, or name its encoding with --encoding utf-8|gb18030".to_owned()
            }
            ImportError::BadWorkbook { .. } => {
                "nothing was written; open it in a spreadsheet program and save it as .xlsx again, or as CSV in UTF-8".to_owned()
            }
            ImportError::Encrypted => {
                "nothing was written; open it with its password, and save a copy without one".to_owned()
            }
            ImportError::WorkbookTooLarge { .. } => {
                "nothing was written; save the sheet as CSV, or import it in parts".to_owned()
            }
            ImportError::NoSheet { sheets, .. } => format!("nothing was written; the sheets are {sheets}"),
            ImportError::BadTime(_) => "write a date, or RFC 3339 with an offset".to_owned(),
            ImportError::UnknownColumn { fields, .. } => {
                format!("nothing was written; name or drop the column; the fields are {fields}")
            }
            ImportError::DuplicateColumn { .. } => "nothing was written; drop one of the columns".to_owned(),
            ImportError::KeyColumnMissing { .. } => {
                "nothing was written; add the column: rows are matched by it".to_owned()
            }
            ImportError::MassDeregister { .. } => {
                "nothing was written; look at the plan with --dry-run; if the file is complete, add --allow-mass-deregister".to_owned()
            }
            ImportError::FileChanged { .. } => {
                "leave the file alone and import it again: what was taken is not taken twice".to_owned()
            }
            ImportError::BadFile { .. } => "give a CSV, XLSX or JSONL file".to_owned(),
            ImportError::Read { .. } => "check the path and its rights".to_owned(),
        }
    }

    /// Line and column, for a place in the file.
    pub const fn place(&self) -> Option<(u64, u64)> {
        match self {
            ImportError::BadCsv { line, column, .. }
            | ImportError::BadJsonl { line, column, .. }
            | ImportError::BadEncoding { line, column, .. } => Some((*line, *column)),
            _ => None,
        }
    }
}
