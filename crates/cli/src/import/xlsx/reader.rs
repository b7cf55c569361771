//! The rows of a sheet, read by a thread of its own while those before are planned and become durable.
//!
//! The thread hands batches over a short queue, so that memory does not grow with the sheet.

use std::{
    fs::File,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use calamine::{DataRef, Xlsx, XlsxCellReader};

use super::{
    SheetCell,
    container::{Bytes, bad},
    place::{Place, letters},
    scan::{Merge, Scan},
    sheet::open,
};
use crate::import::error::ImportError;

/// Longest row in bytes of text, as for a row of CSV.
const ROW_BYTES_MAX: usize = 1 << 20;
/// Rows handed over together: often enough to keep both threads busy.
const BATCH_ROWS: usize = 256;
/// Bytes of text handed over together.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// Batches that may wait.
const BATCHES_WAITING: usize = 4;

/// One row that is not blank.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SheetRow {
    /// Its number on the sheet, from 1.
    pub number: u32,
    /// Its cells that are not empty, by column.
    pub cells: Vec<(u32, SheetCell)>,
    /// The ranges of columns where merged cells touch it, ends included.
    pub merged: Vec<(u32, u32)>,
}

impl SheetRow {
    /// A cell.
    pub fn cell(&self, column: u32) -> Option<&SheetCell> {
        let index = self
            .cells
            .binary_search_by_key(&column, |(column, _)| *column)
            .ok()?;
        self.cells.get(index).map(|(_, cell)| cell)
    }

    /// Whether merged cells touch a column of it.
    pub fn is_merged(&self, column: u32) -> bool {
        self.merged
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&column))
    }

    /// Its cells as text, for so many columns from the first.
    pub fn texts(&self, width: u32) -> Vec<String> {
        let text = |column| self.cell(column).map(SheetCell::shown).unwrap_or_default();
        (0..width).map(text).collect()
    }
}

type Batch = Result<Vec<SheetRow>, ImportError>;

/// The rows of one pass.
pub struct SheetRows {
    batches: Receiver<Batch>,
    batch: std::vec::IntoIter<SheetRow>,
}

impl SheetRows {
    /// Begins a pass.
    pub fn start(file: Arc<File>, sheet: String, scan: Arc<Scan>) -> Result<Self, ImportError> {
        let (sender, batches) = sync_channel(BATCHES_WAITING);
        let failed = |error: std::io::Error| bad(format!("its reader cannot start: {error}"));
        thread::Builder::new()
            .name("sheet-reader".to_owned())
            .spawn(move || {
                if let Err(error) = send_rows(&file, &sheet, &scan, &sender) {
                    // Nobody listens any more where this fails: then nobody needs the error either.
                    let _ = sender.send(Err(error));
                }
            })
            .map_err(failed)?;
        Ok(SheetRows {
            batches,
            batch: Vec::new().into_iter(),
        })
    }

    /// The next row; `None` at the end.
    pub fn next(&mut self) -> Result<Option<SheetRow>, ImportError> {
        loop {
            if let Some(row) = self.batch.next() {
                return Ok(Some(row));
            }
            // An empty batch marks the end: a thread that died sends none, and must not pass for one that finished.
            match self.batches.recv() {
                Ok(batch) => {
                    let batch = batch?;
                    if batch.is_empty() {
                        return Ok(None);
                    }
                    self.batch = batch.into_iter();
                }
                Err(_) => return Err(bad("the sheet cannot be read: its reader stopped")),
            }
        }
    }

    /// The texts of a sheet's first row that is not blank; `None` for an empty sheet.
    pub fn header_of(file: &Arc<File>, sheet: &str) -> Result<Option<Vec<String>>, ImportError> {
        let mut workbook = open(file)?;
        let mut assembler = Assembler::new(&mut workbook, sheet, Arc::new(Scan::default()))?;
        let row = assembler.next()?;
        Ok(row.map(|row| {
            let width = row.cells.last().map_or(0, |(column, _)| column + 1);
            row.texts(width)
        }))
    }
}

fn send_rows(
    file: &Arc<File>,
    sheet: &str,
    scan: &Arc<Scan>,
    sender: &SyncSender<Batch>,
) -> Result<(), ImportError> {
    let mut workbook = open(file)?;
    let mut assembler = Assembler::new(&mut workbook, sheet, Arc::clone(scan))?;
    let (mut batch, mut bytes) = (Vec::with_capacity(BATCH_ROWS), 0);
    while let Some(row) = assembler.next()? {
        bytes += row.cells.iter().map(|(_, cell)| cell.len()).sum::<usize>();
        batch.push(row);
        if batch.len() >= BATCH_ROWS || bytes >= BATCH_BYTES_MAX {
            bytes = 0;
            if sender.send(Ok(std::mem::take(&mut batch))).is_err() {
                return Ok(());
            }
        }
    }
    assembler.check_count()?;
    if !batch.is_empty() && sender.send(Ok(batch)).is_err() {
        return Ok(());
    }
    let _ = sender.send(Ok(Vec::new()));
    Ok(())
}

/// Puts cells together to rows.
struct Assembler<'w> {
    reader: XlsxCellReader<'w, Bytes>,
    is_1904: bool,
    padded: Vec<bool>,
    scan: Arc<Scan>,
    formula: usize,
    merge: usize,
    active: Vec<Merge>,
    ahead: Option<(Place, Option<SheetCell>)>,
    cells: u64,
    is_over: bool,
}

impl<'w> Assembler<'w> {
    fn new(workbook: &'w mut Xlsx<Bytes>, sheet: &str, scan: Arc<Scan>) -> Result<Self, ImportError> {
        let is_1904 = workbook.has_1904_epoch();
        let reader = workbook.worksheet_cells_reader(sheet);
        let reader = reader.map_err(|error| bad(format!("its sheet {sheet:?} cannot be read: {error}")))?;
        let padded = reader.styles().iter().map(|style| {
            let format = style.number_format.as_ref();
            format.is_some_and(|format| shows_leading_zeros(&format.format_code))
        });
        Ok(Assembler {
            padded: padded.collect(),
            reader,
            is_1904,
            scan,
            formula: 0,
            merge: 0,
            active: Vec::new(),
            ahead: None,
            cells: 0,
            is_over: false,
        })
    }

    /// The next row that is not blank.
    fn next(&mut self) -> Result<Option<SheetRow>, ImportError> {
        let mut row = SheetRow::default();
        let (mut at, mut bytes) = (None, 0);
        loop {
            let next = match self.ahead.take() {
                Some(next) => next,
                None => match self.cell()? {
                    Some(next) => next,
                    None => break,
                },
            };
            let (place, cell) = next;
            if at.is_some_and(|row| row != place.row) {
                if !row.cells.is_empty() {
                    self.ahead = Some((place, cell));
                    break;
                }
                bytes = 0;
            }
            at = Some(place.row);
            row.number = place.row + 1;
            if let Some(cell) = cell {
                bytes += cell.len();
                if bytes > ROW_BYTES_MAX {
                    let problem = format!(
                        "its row {} has more than {ROW_BYTES_MAX} bytes of text",
                        row.number
                    );
                    return Err(ImportError::WorkbookTooLarge { problem });
                }
                row.cells.push((place.column, cell));
            }
        }
        if row.cells.is_empty() {
            return Ok(None);
        }
        row.merged = self.merged(row.number - 1);
        Ok(Some(row))
    }

    /// The next cell, `None` for its content where it is empty.
    fn cell(&mut self) -> Result<Option<(Place, Option<SheetCell>)>, ImportError> {
        if self.is_over {
            return Ok(None);
        }
        let next = self.reader.next_cell_with_style_id();
        let next = next.map_err(|error| bad(format!("the sheet is damaged: {error}")))?;
        let Some((cell, style)) = next else {
            // Behind the last cell the reader would run into the end of the file, and take it for damage.
            self.is_over = true;
            return Ok(None);
        };
        self.cells += 1;
        let (row, column) = cell.get_position();
        let place = Place { row, column };
        let padded = self.padded.get(style).copied().unwrap_or(false);
        let value = match cell.get_value() {
            DataRef::SharedString(text) => DataRef::SharedString(text),
            other => other.clone(),
        };
        let mut content = SheetCell::of(value, padded, self.is_1904);
        if self.scan.formulas.get(self.formula) == Some(&place) {
            self.formula += 1;
            let shown = content.map(|cell| cell.shown()).unwrap_or_default();
            content = Some(SheetCell::Formula(shown));
        }
        Ok(Some((place, content)))
    }

    /// Where merged cells touch a row. Rows come in order, so ranges come and go.
    fn merged(&mut self, row: u32) -> Vec<(u32, u32)> {
        while let Some(merge) = self
            .scan
            .merges
            .get(self.merge)
            .filter(|merge| merge.first.row <= row)
        {
            self.active.push(*merge);
            self.merge += 1;
        }
        self.active.retain(|merge| merge.last.row >= row);
        self.active
            .iter()
            .map(|merge| (merge.first.column, merge.last.column))
            .collect()
    }

    /// The scan and the cell reader must have seen the same sheet: else formulas could pass for values.
    fn check_count(&self) -> Result<(), ImportError> {
        let formulas = self.formula == self.scan.formulas.len();
        if formulas && self.cells == self.scan.cells {
            return Ok(());
        }
        let place = self.scan.formulas.get(self.formula);
        let place = place.map_or_else(|| letters(0), ToString::to_string);
        Err(bad(format!("two readings of its sheet differ, near {place}")))
    }
}

/// Whether a number format pads with zeros, such as `000000`: what it shows has digits that the number has not.
fn shows_leading_zeros(format: &str) -> bool {
    let whole = format.split(['.', ';', 'E', 'e']).next().unwrap_or_default();
    whole.matches('0').count() > 1 && !whole.contains(['y', 'm', 'd', 'h', 's', 'Y', 'M', 'D', 'H', 'S'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_pad_are_known() {
        for format in ["000000", "00", "000-0000", "0000\"号\"", "00.00"] {
            assert!(shows_leading_zeros(format), "{format}");
        }
        for format in [
            "General",
            "0",
            "0.00",
            "#,##0",
            "#,##0.00",
            "0%",
            "0.00E+00",
            "yyyy-mm-dd",
            "@",
            "hh:mm:ss.000",
        ] {
            assert!(!shows_leading_zeros(format), "{format}");
        }
    }
}
