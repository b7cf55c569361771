//! The rows of a file, CSV, JSONL or XLSX alike: which field of the kind each cell belongs to.

use std::{
    fs::File,
    io::{Seek, SeekFrom},
};

use shilu_model::{Field, Input, Kind};

use super::{
    csv_reader::{Cells, CsvReader},
    encoding::{About, Decoder},
    error::ImportError,
    jsonl_reader::{Cell, JsonlReader},
    plan::Refusal,
    xlsx::Sheet,
    xlsx_rows::XlsxRows,
};

/// How a file holds its rows.
#[derive(Clone, Copy, Debug)]
pub enum Layout<'f> {
    /// Comma-separated values.
    Csv,
    /// One JSON object per line.
    Jsonl,
    /// A sheet of a workbook.
    Xlsx(&'f Sheet),
}

/// Whose columns a file has.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'k> {
    /// The kind, each of whose fields may have one.
    pub kind: &'k Kind,
    /// The field whose column may stand in for the key's.
    pub stand_in: Option<usize>,
}

impl<'k> From<&'k Kind> for Columns<'k> {
    fn from(kind: &'k Kind) -> Self {
        Columns { kind, stand_in: None }
    }
}

/// The rows of one pass over a file.
pub struct Rows<'f> {
    kind: &'f Kind,
    source: Source<'f>,
}

enum Source<'f> {
    Csv {
        reader: CsvReader<Decoder<&'f File>>,
        cells: Cells,
        header: Vec<String>,
        column_of: Vec<Option<usize>>,
    },
    Jsonl {
        reader: JsonlReader<Decoder<&'f File>>,
        cells: Vec<Option<Cell>>,
    },
    Xlsx(Box<XlsxRows<'f>>),
}

/// One row.
#[derive(Clone, Copy)]
pub struct Row<'r> {
    kind: &'r Kind,
    source: &'r Source<'r>,
}

impl<'f> Rows<'f> {
    /// Begins a pass: from the file's first byte, header included.
    pub fn new(
        columns: impl Into<Columns<'f>>,
        file: &'f File,
        about: About,
        layout: Layout<'f>,
    ) -> Result<Self, ImportError> {
        let columns = columns.into();
        let kind = columns.kind;
        if let Layout::Xlsx(sheet) = layout {
            let source = Source::Xlsx(Box::new(XlsxRows::new(columns, sheet)?));
            return Ok(Rows { kind, source });
        }
        let mut handle = file;
        handle
            .seek(SeekFrom::Start(0))
            .map_err(|source| ImportError::Read {
                path: about.path.clone(),
                source,
            })?;
        let text = Decoder::new(file, about.encoding);
        if matches!(layout, Layout::Jsonl) {
            let reader = JsonlReader::new(text, about);
            return Ok(Rows {
                kind,
                source: Source::Jsonl {
                    reader,
                    cells: Vec::new(),
                },
            });
        }
        let mut reader = CsvReader::new(text, about);
        let mut cells = Cells::default();
        if !reader.read(&mut cells)? {
            return Err(ImportError::BadCsv {
                line: 1,
                column: 1,
                problem: "it has no header".to_owned(),
            });
        }
        let header: Vec<String> = cells.iter().map(str::to_owned).collect();
        let named = header.iter().map(String::as_str).enumerate();
        let column_of = columns.find(named, cells.line)?;
        Ok(Rows {
            kind,
            source: Source::Csv {
                reader,
                cells,
                header,
                column_of,
            },
        })
    }

    /// The next row; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Row<'_>>, ImportError> {
        match &mut self.source {
            Source::Csv { reader, cells, .. } => {
                if !reader.read(cells)? {
                    return Ok(None);
                }
            }
            Source::Jsonl { reader, cells } => {
                let Some(members) = reader.read()? else {
                    return Ok(None);
                };
                cells.clear();
                cells.resize(self.kind.fields.len(), None);
                let line = reader.line;
                for (name, cell) in members.0 {
                    let field = field(self.kind, &name).ok_or_else(|| unknown(self.kind, &name, line))?;
                    let slot = cells.get_mut(field).filter(|slot| slot.is_none());
                    *slot.ok_or(ImportError::DuplicateColumn { field: name, line })? = Some(cell);
                }
            }
            Source::Xlsx(rows) => {
                if !rows.read()? {
                    return Ok(None);
                }
            }
        }
        Ok(Some(Row {
            kind: self.kind,
            source: &self.source,
        }))
    }

    /// How many of the file's bytes have been read, of so many; of a workbook, about how many.
    pub fn bytes_read(&self, all: u64) -> u64 {
        match &self.source {
            Source::Csv { reader, .. } => reader.text().bytes_read(),
            Source::Jsonl { reader, .. } => reader.text().bytes_read(),
            Source::Xlsx(rows) => rows.bytes_read(all),
        }
    }

    /// The row where a template's example was passed over.
    pub fn example_row(&self) -> Option<u32> {
        match &self.source {
            Source::Xlsx(rows) => rows.example_row(),
            Source::Csv { .. } | Source::Jsonl { .. } => None,
        }
    }

    /// The header of the file, as written; for JSONL a word for its lines.
    pub fn header(&self) -> Vec<String> {
        match &self.source {
            Source::Csv { header, .. } => header.clone(),
            Source::Xlsx(rows) => rows.header().to_vec(),
            Source::Jsonl { .. } => vec!["original".to_owned()],
        }
    }

    /// What the file calls a field: its column's name, or on a sheet its letters.
    pub fn column(&self, field: usize) -> String {
        match &self.source {
            Source::Csv {
                header, column_of, ..
            } => {
                let column = column_of.get(field).copied().flatten();
                column.and_then(|column| header.get(column)).cloned()
            }
            Source::Xlsx(rows) => rows.letters(field),
            Source::Jsonl { .. } => None,
        }
        .or_else(|| self.kind.fields.get(field).map(|field| field.id.clone()))
        .unwrap_or_default()
    }
}

/// The codes of cells that a workbook's row is refused for before any type is asked.
const MARKS: [&str; 5] = [
    "CELL_NOT_TEXT",
    "CELL_ERROR",
    "CELL_FORMULA",
    "CELL_MERGED",
    "EXAMPLE_ROW",
];

/// The text of a cell that could not be taken, marked so that it is refused again until somebody has put it right.
pub fn mark(code: &str, text: &str) -> String {
    let code = MARKS.into_iter().find(|other| *other == code);
    format!("#{} {text}", code.unwrap_or("CELL_NOT_TEXT"))
        .trim_end()
        .to_owned()
}

/// The code that a cell is marked with.
fn marked(text: &str) -> Option<&'static str> {
    let (word, _) = text
        .strip_prefix('#')?
        .split_once(' ')
        .unwrap_or((text.strip_prefix('#')?, ""));
    MARKS.into_iter().find(|code| *code == word)
}

impl<'r> Row<'r> {
    /// The line where it begins, from 1.
    pub fn line(self) -> u64 {
        match self.source {
            Source::Csv { cells, .. } => cells.line,
            Source::Jsonl { reader, .. } => reader.line,
            Source::Xlsx(rows) => rows.number(),
        }
    }

    /// The row, as events name it.
    pub fn number(self) -> u64 {
        match self.source {
            Source::Csv { cells, .. } => cells.number,
            Source::Jsonl { reader, .. } => reader.line,
            Source::Xlsx(rows) => rows.number(),
        }
    }

    /// What it says of a field; `None` where it says nothing. Refused where a workbook's cell cannot be taken, and where
    /// the mark of one is still there.
    pub fn input(self, field: usize) -> Result<Option<Input<'r>>, Refusal> {
        let input = self.cell(field)?;
        let code = match input {
            Some(Input::Cell(text)) => marked(text),
            _ => None,
        };
        match (code, self.kind.fields.get(field)) {
            (Some(code), Some(field)) => {
                let reason = format!(
                    "{}: the cell could not be taken, and is still marked so",
                    field.id
                );
                Err(Refusal::of(&field.id, code, reason))
            }
            _ => Ok(input),
        }
    }

    fn cell(self, field: usize) -> Result<Option<Input<'r>>, Refusal> {
        match self.source {
            Source::Csv { cells, column_of, .. } => {
                let column = column_of.get(field).copied().flatten();
                Ok(column.and_then(|column| cells.get(column)).map(Input::Cell))
            }
            Source::Jsonl { cells, .. } => {
                let cell = cells.get(field).and_then(Option::as_ref);
                Ok(cell.map(Cell::input))
            }
            Source::Xlsx(rows) => rows.input(field),
        }
    }

    /// Refused where a workbook's row holds something in no field's column.
    pub fn check_outside(self) -> Result<(), Refusal> {
        match self.source {
            Source::Xlsx(rows) => rows.check_outside(),
            Source::Csv { .. } | Source::Jsonl { .. } => Ok(()),
        }
    }

    /// Its cells as they are in the file; for JSONL the line.
    pub fn original(self) -> Vec<String> {
        match self.source {
            Source::Csv { cells, .. } => cells.iter().map(str::to_owned).collect(),
            Source::Jsonl { reader, .. } => {
                vec![String::from_utf8_lossy(reader.raw.trim_ascii_end()).into_owned()]
            }
            Source::Xlsx(rows) => rows.original(),
        }
    }
}

impl Columns<'_> {
    /// Per field its column on a sheet. Columns without a header are none; the star of a required field is no part of
    /// it.
    pub fn on_sheet(self, header: &[String], line: u64) -> Result<Vec<Option<usize>>, ImportError> {
        let named = header
            .iter()
            .enumerate()
            .filter(|(_, name)| !name.trim().is_empty());
        let plain = named.map(|(column, name)| match field(self.kind, name) {
            Some(_) => (column, name.as_str()),
            None => (column, name.trim().trim_end_matches('*').trim_end()),
        });
        self.find(plain, line)
    }

    /// Per field its column.
    fn find<'h>(
        self,
        header: impl Iterator<Item = (usize, &'h str)>,
        line: u64,
    ) -> Result<Vec<Option<usize>>, ImportError> {
        let kind = self.kind;
        let mut column_of = vec![None; kind.fields.len()];
        for (column, name) in header {
            let field = field(kind, name).ok_or_else(|| unknown(kind, name, line))?;
            let slot: Option<&mut Option<usize>> = column_of.get_mut(field).filter(|slot| slot.is_none());
            *slot.ok_or_else(|| ImportError::DuplicateColumn {
                field: name.to_owned(),
                line,
            })? = Some(column);
        }
        let stand_in = self.stand_in.and_then(|field| kind.fields.get(field));
        let mut columns = kind.fields.iter().zip(&column_of);
        let has_key = columns.any(|(field, column)| {
            column.is_some() && (field.id == kind.key || stand_in.is_some_and(|other| other.id == field.id))
        });
        if has_key {
            Ok(column_of)
        } else {
            let field = stand_in.map_or(&kind.key, |field| &field.id).clone();
            Err(ImportError::KeyColumnMissing { field })
        }
    }
}

/// The field that a column's name means: an id, or else a header that only one field has.
pub fn field(kind: &Kind, name: &str) -> Option<usize> {
    let name = name.trim();
    if let Some(index) = kind.fields.iter().position(|field| field.id == name) {
        return Some(index);
    }
    let mut fields = kind.fields.iter().enumerate();
    let found = fields
        .find(|(_, field)| headers(field).any(|header| header == name))?
        .0;
    fields
        .all(|(_, field)| headers(field).all(|header| header != name))
        .then_some(found)
}

/// What a column of a field may be called beside its id.
fn headers(field: &Field) -> impl Iterator<Item = &str> {
    let titles = [&field.title.zh, &field.title.en]
        .into_iter()
        .filter_map(Option::as_deref);
    titles.chain(field.columns.iter().map(String::as_str))
}

fn unknown(kind: &Kind, column: &str, line: u64) -> ImportError {
    let fields: Vec<&str> = kind.fields.iter().map(|field| field.id.as_str()).collect();
    ImportError::UnknownColumn {
        column: column.to_owned(),
        kind: kind.id.clone(),
        line,
        fields: fields.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;
    use shilu_model::Campaign;

    use super::*;

    const CAMPAIGN: &str = r#"
        name = "t"
        origin = "example.org/t"
        timezone = "UTC"
        earliest = 2000-01-01
        [[kinds]]
        id = "street"
        key = "code"
        [kinds.fields]
        code = { type = "text", required = true, title = { en = "Code", zh = "代码" } }
        name = { type = "text", title = { en = "Name", zh = "名称" } }
        other = { type = "integer", title = { en = "Name" }, columns = ["楼层", "floor no."] }
    "#;

    /// Reads every row of a file, and what each says of every field.
    fn read(bytes: &[u8], is_jsonl: bool) -> Result<Vec<String>, ImportError> {
        let kind = Campaign::parse(CAMPAIGN).unwrap().kinds[0].clone();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let layout = if is_jsonl { Layout::Jsonl } else { Layout::Csv };
        let mut rows = Rows::new(&kind, &file, About::default(), layout)?;
        let mut read = Vec::new();
        while let Some(row) = rows.next()? {
            let says = |field| {
                row.input(field)
                    .unwrap()
                    .map_or("untouched".to_owned(), |input| format!("{input:?}"))
            };
            let says: Vec<String> = (0..kind.fields.len()).map(says).collect();
            read.push(format!("{} {}: {}", row.line(), row.number(), says.join(", ")));
            assert!(!row.original().is_empty());
        }
        Ok(read)
    }

    fn code(bytes: &str, is_jsonl: bool) -> &'static str {
        read(bytes.as_bytes(), is_jsonl).unwrap_err().code()
    }

    #[test]
    fn columns_are_named_by_id_by_column_or_by_a_title_that_only_one_field_has() {
        assert_eq!(
            read("名称,代码\nA,1\n".as_bytes(), false).unwrap(),
            ["2 2: Cell(\"1\"), Cell(\"A\"), untouched"]
        );
        assert_eq!(
            read(b"{\"code\":\"1\",\"other\":3}\n", true).unwrap(),
            ["1 1: Text(\"1\"), untouched, Integer(3)"]
        );
        assert_eq!(
            read("code, 楼层 \n1,3\n".as_bytes(), false).unwrap(),
            ["2 2: Cell(\"1\"), untouched, Cell(\"3\")"]
        );
        assert_eq!(code("code,other,楼层\n", false), "DUPLICATE_COLUMN");
        assert_eq!(code("code,Name\n", false), "UNKNOWN_COLUMN");
        assert_eq!(code("code,x\n", false), "UNKNOWN_COLUMN");
        assert_eq!(code("code,代码\n", false), "DUPLICATE_COLUMN");
        assert_eq!(code("name\n", false), "KEY_COLUMN_MISSING");
        assert_eq!(code("{\"x\":1}", true), "UNKNOWN_COLUMN");
        assert_eq!(code("{\"code\":\"1\",\"代码\":\"1\"}", true), "DUPLICATE_COLUMN");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), head in prop::sample::select(vec!["", "code,name\n", "code\n"])) {
            let file = [head.as_bytes(), bytes.as_slice()].concat();
            let _ = read(&file, false);
            let _ = read(&bytes, true);
        }
    }
}
