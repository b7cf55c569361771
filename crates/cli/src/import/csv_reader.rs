//! CSV as RFC 4180 writes it, read strictly: what a lenient reader would guess at is damage here.
//!
//! One reader for every pass over a file, so that the pass that checks and the pass that writes cannot disagree.

use std::io::BufRead;

use super::{encoding::About, error::ImportError};

/// Longest row in bytes: an event takes 6 KiB, so a longer row is a quote that nobody closed.
const ROW_BYTES_MAX: usize = 1 << 20;

/// One row's cells; reused from row to row.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    text: Vec<u8>,
    ends: Vec<usize>,
    /// The line where the row begins, from 1.
    pub line: u64,
    /// The row, counted as a spreadsheet does: the header is row 1.
    pub number: u64,
}

impl Cells {
    /// A cell.
    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(previous) => *self.ends.get(previous)?,
            None => 0,
        };
        // The decoder gives UTF-8 only, and cells end at ASCII bytes.
        std::str::from_utf8(self.text.get(start..end)?).ok()
    }

    /// Every cell.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index).unwrap_or_default())
    }

    /// How many cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    fn end_cell(&mut self) {
        self.ends.push(self.text.len());
    }
}

/// Reads rows of cells.
pub struct CsvReader<R> {
    text: R,
    about: About,
    line: u64,
    column: u64,
    row: u64,
    cells_wanted: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before a cell.
    Start,
    /// In a cell without quotes.
    Plain,
    /// In a quoted cell.
    Quoted,
    /// After a quote in a quoted cell: its end, or half of an escaped quote.
    Quote,
    /// After a carriage return that must end the line.
    Return,
}

impl<R: BufRead> CsvReader<R> {
    /// Reads decoded text; `about` is for errors.
    pub fn new(text: R, about: About) -> Self {
        CsvReader {
            text,
            about,
            line: 1,
            column: 1,
            row: 0,
            cells_wanted: None,
        }
    }

    /// The text it reads.
    pub fn text(&self) -> &R {
        &self.text
    }

    /// Reads the next row; false at the end of the file. Blank lines count as rows, but are none.
    pub fn read(&mut self, cells: &mut Cells) -> Result<bool, ImportError> {
        loop {
            cells.clear();
            self.row += 1;
            cells.line = self.line;
            cells.number = self.row;
            let blank = match self.read_row(cells)? {
                Row::End => return Ok(false),
                Row::Blank => true,
                Row::Cells => false,
            };
            if !blank {
                break;
            }
        }
        match self.cells_wanted {
            None => self.cells_wanted = Some(cells.len()),
            Some(wanted) if wanted != cells.len() => {
                let problem = format!("the row has {} cells, the header has {wanted}", cells.len());
                return Err(ImportError::BadCsv {
                    line: cells.line,
                    column: 1,
                    problem,
                });
            }
            Some(_) => {}
        }
        Ok(true)
    }

    fn read_row(&mut self, cells: &mut Cells) -> Result<Row, ImportError> {
        let mut at = At::Start;
        let mut opened = (self.line, self.column);
        let mut any = false;
        let mut quoted = false;
        loop {
            let chunk = match self.text.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) => return Err(self.about.unreadable(error, self.line, self.column)),
            };
            if chunk.is_empty() {
                return self.end(at, any, opened, cells);
            }
            let mut place = Place {
                line: self.line,
                column: self.column,
            };
            let mut used = 0;
            let mut outcome = None;
            for byte in chunk {
                let before = place;
                used += 1;
                place.pass(*byte);
                any = true;
                let next = match (at, byte) {
                    (At::Start, b'"') => {
                        opened = (before.line, before.column);
                        quoted = true;
                        At::Quoted
                    }
                    (At::Start | At::Plain | At::Quote, b',') => {
                        cells.end_cell();
                        At::Start
                    }
                    (At::Start | At::Plain | At::Quote, b'\r') => At::Return,
                    (At::Start | At::Plain | At::Quote | At::Return, b'\n') => {
                        cells.end_cell();
                        outcome = Some(Ok(()));
                        break;
                    }
                    (At::Quoted, b'"') => At::Quote,
                    (At::Quote, b'"') => {
                        cells.text.push(b'"');
                        At::Quoted
                    }
                    (At::Plain, b'"') => {
                        outcome = Some(Err(
                            before.bad("a quote within a cell that does not begin with one")
                        ));
                        break;
                    }
                    (At::Quote, _) => {
                        outcome = Some(Err(before.bad("text after the quote that ends a cell")));
                        break;
                    }
                    (At::Return, _) => {
                        outcome = Some(Err(before.bad("a carriage return that ends no line")));
                        break;
                    }
                    (At::Quoted, byte) => {
                        cells.text.push(*byte);
                        At::Quoted
                    }
                    (At::Start | At::Plain, byte) => {
                        cells.text.push(*byte);
                        At::Plain
                    }
                };
                at = next;
            }
            self.text.consume(used);
            (self.line, self.column) = (place.line, place.column);
            match outcome {
                Some(Ok(())) => {
                    let blank = cells.len() == 1 && cells.text.is_empty() && !quoted;
                    return Ok(if blank { Row::Blank } else { Row::Cells });
                }
                Some(Err(error)) => return Err(error),
                None if cells.text.len() > ROW_BYTES_MAX => {
                    let (line, column) = if at == At::Quoted { opened } else { (cells.line, 1) };
                    let problem =
                        format!("a row of more than {ROW_BYTES_MAX} bytes: a quote is probably not closed");
                    return Err(ImportError::BadCsv {
                        line,
                        column,
                        problem,
                    });
                }
                None => {}
            }
        }
    }

    /// The file ends: that is fine where a row could end.
    fn end(&self, at: At, any: bool, opened: (u64, u64), cells: &mut Cells) -> Result<Row, ImportError> {
        match at {
            At::Start if !any => Ok(Row::End),
            At::Start | At::Plain | At::Quote => {
                cells.end_cell();
                Ok(Row::Cells)
            }
            At::Quoted => {
                let (line, column) = opened;
                let problem = "the file breaks off: the quote opened here is never closed".to_owned();
                Err(ImportError::BadCsv {
                    line,
                    column,
                    problem,
                })
            }
            At::Return => Err(Place {
                line: self.line,
                column: self.column,
            }
            .bad("the file breaks off within a line end")),
        }
    }
}

enum Row {
    End,
    Blank,
    Cells,
}

#[derive(Clone, Copy)]
struct Place {
    line: u64,
    column: u64,
}

impl Place {
    fn pass(&mut self, byte: u8) {
        if byte == b'\n' {
            self.line += 1;
            self.column = 1;
        } else if byte & 0b1100_0000 != 0b1000_0000 {
            self.column += 1;
        }
    }

    fn bad(self, problem: &str) -> ImportError {
        ImportError::BadCsv {
            line: self.line,
            column: self.column,
            problem: problem.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(bytes: &[u8]) -> Result<Vec<Vec<String>>, ImportError> {
        let mut reader = CsvReader::new(bytes, About::default());
        let (mut cells, mut rows) = (Cells::default(), Vec::new());
        while reader.read(&mut cells)? {
            rows.push(cells.iter().map(str::to_owned).collect());
        }
        Ok(rows)
    }

    fn refused(text: &str) -> (u64, u64, String) {
        match rows(text.as_bytes()) {
            Err(ImportError::BadCsv {
                line,
                column,
                problem,
            }) => (line, column, problem),
            other => panic!("{text:?} gave {other:?}"),
        }
    }

    #[test]
    fn damage_is_named_with_its_place() {
        insta::assert_debug_snapshot!([
            refused("a,b\n1,\"越城\n2,3\n"),
            refused("a,b\n1,2\n3\n"),
            refused("a,b\n1,2,3\n"),
            refused("a,b\n越\"城,2\n"),
            refused("a,b\n\"1\"x,2\n"),
            refused("a,b\r1,2\r"),
            refused("a,b\r\n1,2\r"),
        ], @r#"
        [
            (
                2,
                3,
                "the file breaks off: the quote opened here is never closed",
            ),
            (
                3,
                1,
                "the row has 1 cells, the header has 2",
            ),
            (
                2,
                1,
                "the row has 3 cells, the header has 2",
            ),
            (
                2,
                2,
                "a quote within a cell that does not begin with one",
            ),
            (
                2,
                4,
                "text after the quote that ends a cell",
            ),
            (
                1,
                5,
                "a carriage return that ends no line",
            ),
            (
                2,
                5,
                "the file breaks off within a line end",
            ),
        ]
        "#);
    }

    #[test]
    fn rows_are_counted_as_a_spreadsheet_does() {
        let mut reader = CsvReader::new("a,b\n\"1\n1\",2\n\n3,4".as_bytes(), About::default());
        let (mut cells, mut places) = (Cells::default(), Vec::new());
        while reader.read(&mut cells).unwrap() {
            places.push((cells.line, cells.number));
        }
        assert_eq!(places, [(1, 1), (2, 2), (5, 4)]);
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_csv_crate(table in (1usize..5).prop_flat_map(|width| prop::collection::vec(prop::collection::vec("[a\",\r\n 越]{0,6}", width), 1..6)), crlf: bool) {
            let mut writer = csv::WriterBuilder::new()
                .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
                .from_writer(Vec::new());
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let bytes = writer.into_inner().unwrap();
            prop_assert_eq!(rows(&bytes).unwrap(), table);
        }

        #[test]
        fn what_it_takes_the_csv_crate_reads_alike(bytes in prop::collection::vec(prop::sample::select(b"ab\",\r\n".to_vec()), 0..40)) {
            if let Ok(rows) = rows(&bytes) {
                let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes.as_slice());
                let theirs: Vec<Vec<String>> = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
                prop_assert_eq!(rows, theirs);
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = crate::import::encoding::Decoder::new(bytes.as_slice(), crate::import::encoding::Encoding::Utf8);
            let mut reader = CsvReader::new(text, About::default());
            let mut cells = Cells::default();
            while let Ok(true) = reader.read(&mut cells) {
                prop_assert_eq!(cells.iter().count(), cells.len());
            }
        }
    }
}
