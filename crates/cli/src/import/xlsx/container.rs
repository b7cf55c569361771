//! The file around a workbook: is it one, is it whole, and does it stay within limits once it is unpacked.
//!
//! Every part is unpacked once and thrown away. So a file that breaks off, or one that unpacks to terabytes, is refused
//! before anything is read from it or kept in memory.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    sync::Arc,
};

use zip::{ZipArchive, result::ZipError};

use crate::import::error::ImportError;

/// Most bytes that all parts together may unpack to: a full sheet of 1,048,576 rows and twenty columns.
pub const BYTES_MAX: u64 = 2 << 30;
/// Most bytes of a part that is kept in memory (texts, styles, the list of sheets): a few million different texts.
pub const HELD_BYTES_MAX: u64 = 256 << 20;
/// Most parts: each sheet, picture and comment is one; more are made by no spreadsheet program.
pub const PARTS_MAX: usize = 10_000;

/// How a zip archive begins.
const ZIP: &[u8] = b"PK\x03\x04";
/// How an OLE compound file begins: an encrypted workbook, or an old .xls.
const OLE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
/// Bytes read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// A file with a cursor of its own, so that passes over the same open file do not move each other's.
#[derive(Clone, Debug)]
pub struct Cursor {
    file: Arc<File>,
    at: u64,
}

impl Cursor {
    /// At the file's start.
    pub fn new(file: &Arc<File>) -> Self {
        Cursor {
            file: Arc::clone(file),
            at: 0,
        }
    }
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += u64::try_from(read).unwrap_or(0);
        Ok(read)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let wanted = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.at = wanted.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

/// A workbook's bytes, as the zip and XML readers take them.
pub type Bytes = BufReader<Cursor>;

/// Whether a file begins as a zip archive does.
pub fn is_workbook(file: &File) -> bool {
    let mut start = [0; 4];
    file.read_exact_at(&mut start, 0).is_ok() && start == ZIP
}

/// Opens the archive, and unpacks every part once to see that it is whole and within limits.
pub fn check(file: &Arc<File>) -> Result<ZipArchive<Bytes>, ImportError> {
    refuse_other_kinds(file)?;
    let mut archive = ZipArchive::new(BufReader::new(Cursor::new(file))).map_err(damaged)?;
    if archive.len() > PARTS_MAX {
        return Err(too_large(format!(
            "it has {} parts, more than {PARTS_MAX}",
            archive.len()
        )));
    }
    let mut left = BYTES_MAX;
    let mut chunk = vec![0; CHUNK_BYTES];
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(damaged)?;
        let name = part.name().map_err(damaged)?.into_owned();
        let streamed = !(name.ends_with(".xml") || name.ends_with(".rels")) || name.contains("worksheets/");
        let may = if streamed { left } else { left.min(HELD_BYTES_MAX) };
        let mut unpacked = 0u64;
        loop {
            let read = part.read(&mut chunk).map_err(|error| broken(&name, &error))?;
            if read == 0 {
                break;
            }
            unpacked += u64::try_from(read).unwrap_or(u64::MAX);
            if unpacked > may {
                return Err(too_large(format!(
                    "its part {name:?} unpacks to more than {may} bytes"
                )));
            }
        }
        left -= unpacked;
    }
    Ok(archive)
}

/// What is no zip archive is named for what it is.
fn refuse_other_kinds(file: &Arc<File>) -> Result<(), ImportError> {
    let mut start = [0; 8];
    let read = file.read_at(&mut start, 0).unwrap_or(0);
    let start = start.get(..read).unwrap_or_default();
    if start.starts_with(ZIP) {
        return Ok(());
    }
    if start.starts_with(OLE) {
        return Err(if mentions_encryption(file) {
            ImportError::Encrypted
        } else {
            bad("it is an old .xls workbook, whatever its name says")
        });
    }
    Err(bad(if read == 0 {
        "it is empty"
    } else if std::str::from_utf8(start).is_ok_and(|text| !text.contains('\0')) {
        "it is no workbook but looks like text: a CSV file that was renamed?"
    } else {
        "it is no workbook: its first bytes are not those of an XLSX file"
    }))
}

/// Whether a compound file has the stream that an encrypted workbook is kept in (MS-OFFCRYPTO 2.3.4).
fn mentions_encryption(file: &Arc<File>) -> bool {
    let name: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let mut reader = BufReader::new(Cursor::new(file));
    let mut window = Vec::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(read @ 1..) = reader.read(&mut chunk) {
        window.extend_from_slice(chunk.get(..read).unwrap_or_default());
        if window.windows(name.len()).any(|part| part == name) {
            return true;
        }
        // A name may begin in one chunk and end in the next.
        window.drain(..window.len().saturating_sub(name.len()));
    }
    false
}

/// A refusal for damage.
pub fn bad(problem: impl Into<String>) -> ImportError {
    ImportError::BadWorkbook {
        problem: problem.into(),
    }
}

fn too_large(problem: String) -> ImportError {
    ImportError::WorkbookTooLarge { problem }
}

fn broken(part: &str, error: &io::Error) -> ImportError {
    bad(format!("its part {part:?} is damaged: {error}"))
}

fn damaged(error: ZipError) -> ImportError {
    match error {
        ZipError::UnsupportedArchive(text) if text == ZipError::PASSWORD_REQUIRED => ImportError::Encrypted,
        error => bad(format!("it is damaged or breaks off: {error}")),
    }
}
