//! One pass over a sheet's XML for what the cell reader does not tell: formulas, merged cells, hidden rows and columns,
//! and whether the cells are in order and each piece of XML is of a sane size.

use std::io::{self, BufRead, BufReader, Read};

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use zip::ZipArchive;

use super::{
    container::{Bytes, bad},
    parts::{attribute, part},
    place::{Place, ROWS_MAX},
};
use crate::import::error::ImportError;

/// Longest piece of XML (a tag, a text) in bytes: a cell holds 32,767 characters, escaped a fifth of this.
const TOKEN_BYTES_MAX: usize = 1 << 20;
/// Most merged ranges: each one that a row touches is looked at.
const MERGES_MAX: usize = 65_536;

/// A range of merged cells, its ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merge {
    /// Its first cell.
    pub first: Place,
    /// Its last cell.
    pub last: Place,
}

/// What a scan tells.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// The cells with a formula, in order.
    pub formulas: Vec<Place>,
    /// The merged ranges, by their first row.
    pub merges: Vec<Merge>,
    /// How many rows with cells are hidden.
    pub hidden_rows: u64,
    /// How many columns with cells are hidden.
    pub hidden_columns: u64,
    /// How many cells there are: the cell reader must find as many.
    pub cells: u64,
    /// The last row, from 1.
    pub last_row: u32,
}

/// Scans a sheet.
pub fn scan(archive: &mut ZipArchive<Bytes>, path: &str) -> Result<Scan, ImportError> {
    let part = part(archive, path)?;
    let guarded = Guarded {
        inner: BufReader::new(part),
        since_event: 0,
    };
    let mut xml = Reader::from_reader(guarded);
    xml.config_mut().expand_empty_elements = true;
    let mut state = State::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        xml.get_mut().since_event = 0;
        match xml.read_event_into(&mut buffer) {
            Ok(Event::Start(element)) => state.start(&element)?,
            Ok(Event::End(element)) => state.end(element.local_name().as_ref()),
            Ok(Event::DocType(_)) => {
                return Err(bad(
                    "its XML declares entities, which no spreadsheet program writes",
                ));
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => return Err(bad(format!("the sheet's XML is damaged: {error}"))),
        }
    }
    state.finish()
}

/// Refuses a piece of XML that never ends, before it fills the memory.
struct Guarded<R> {
    inner: R,
    since_event: usize,
}

impl<R: BufRead> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Guarded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.since_event > TOKEN_BYTES_MAX {
            let problem = format!("a tag or text of more than {TOKEN_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.since_event += amount;
        self.inner.consume(amount);
    }
}

#[derive(Default)]
struct State {
    scan: Scan,
    at: Place,
    last: Option<Place>,
    in_cell: bool,
    row_is_hidden: bool,
    row_has_cells: bool,
    /// Hidden columns as ranges, from 0, ends included.
    hidden: Vec<(u32, u32)>,
    /// One past the last column with a cell.
    width: u32,
    is_whole: bool,
}

impl State {
    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), ImportError> {
        match element.local_name().as_ref() {
            "row" => {
                if let Some(number) = attribute(element, "r")? {
                    let number = number
                        .parse()
                        .ok()
                        .filter(|number| (1..=ROWS_MAX).contains(number));
                    self.at.row = number.ok_or_else(|| bad("a row has no proper number"))? - 1;
                }
                self.row_is_hidden = is_on(element, "hidden")?;
                self.row_has_cells = false;
            }
            "c" if !self.is_whole => self.cell(element)?,
            "f" if self.in_cell => self.scan.formulas.push(self.at),
            "col" if is_on(element, "hidden")? => {
                let number = |name| {
                    let value = attribute(element, name)?.and_then(|value| value.parse::<u32>().ok());
                    Ok::<_, ImportError>(value.and_then(|number| number.checked_sub(1)))
                };
                if let (Some(first), Some(last)) = (number("min")?, number("max")?) {
                    self.hidden.push((first, last));
                }
            }
            "mergeCell" => self.merge(element)?,
            _ => {}
        }
        Ok(())
    }

    fn cell(&mut self, element: &BytesStart<'_>) -> Result<(), ImportError> {
        if let Some(name) = attribute(element, "r")? {
            let place = Place::parse(&name).ok_or_else(|| bad(format!("a cell claims to be at {name:?}")))?;
            self.at = place;
        }
        if self.last.is_some_and(|last| last >= self.at) {
            return Err(bad(format!("its cells are out of order at {}", self.at)));
        }
        self.last = Some(self.at);
        self.in_cell = true;
        self.row_has_cells = true;
        self.scan.cells += 1;
        self.scan.last_row = self.at.row + 1;
        self.width = self.width.max(self.at.column + 1);
        Ok(())
    }

    fn merge(&mut self, element: &BytesStart<'_>) -> Result<(), ImportError> {
        let text = attribute(element, "ref")?.unwrap_or_default();
        let (first, last) = text.split_once(':').unwrap_or((&text, &text));
        let (Some(first), Some(last)) = (Place::parse(first), Place::parse(last)) else {
            return Err(bad(format!("it merges the cells {text:?}, which is no range")));
        };
        if self.scan.merges.len() >= MERGES_MAX {
            let problem = format!("its sheet has more than {MERGES_MAX} merged ranges");
            return Err(ImportError::WorkbookTooLarge { problem });
        }
        self.scan.merges.push(Merge { first, last });
        Ok(())
    }

    fn end(&mut self, name: &str) {
        match name {
            "c" => {
                self.in_cell = false;
                self.at.column += 1;
            }
            "row" => {
                self.scan.hidden_rows += u64::from(self.row_is_hidden && self.row_has_cells);
                self.at.row += 1;
                self.at.column = 0;
            }
            "sheetData" => self.is_whole = true,
            _ => {}
        }
    }

    fn finish(mut self) -> Result<Scan, ImportError> {
        if !self.is_whole {
            return Err(bad("the sheet has no table of cells, or it breaks off"));
        }
        self.scan.merges.sort_by_key(|merge| merge.first);
        let seen = |column: &u32| {
            self.hidden
                .iter()
                .any(|(first, last)| (*first..=*last).contains(column))
        };
        self.scan.hidden_columns = u64::try_from((0..self.width).filter(seen).count()).unwrap_or(0);
        Ok(self.scan)
    }
}

fn is_on(element: &BytesStart<'_>, name: &str) -> Result<bool, ImportError> {
    Ok(attribute(element, name)?.is_some_and(|value| value == "1" || value == "true"))
}
