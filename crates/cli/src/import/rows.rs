//! The rows of a file, CSV or JSONL alike: which field of the kind each cell belongs to.

use std::{
    fs::File,
    io::{Seek, SeekFrom},
};

use shilu_model::{Input, Kind};

use super::{
    csv_reader::{Cells, CsvReader},
    encoding::{About, Decoder},
    error::ImportError,
    jsonl_reader::{Cell, JsonlReader},
};

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
}

/// One row.
#[derive(Clone, Copy)]
pub struct Row<'r> {
    source: &'r Source<'r>,
}

impl<'f> Rows<'f> {
    /// Begins a pass: from the file's first byte, header included.
    pub fn new(kind: &'f Kind, file: &'f File, about: About, is_jsonl: bool) -> Result<Self, ImportError> {
        let mut handle = file;
        handle
            .seek(SeekFrom::Start(0))
            .map_err(|source| ImportError::Read {
                path: about.path.clone(),
                source,
            })?;
        let text = Decoder::new(file, about.encoding);
        if is_jsonl {
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
        let column_of = columns(kind, &header, cells.line)?;
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
        }
        Ok(Some(Row { source: &self.source }))
    }

    /// How many of the file's bytes have been read.
    pub fn bytes_read(&self) -> u64 {
        match &self.source {
            Source::Csv { reader, .. } => reader.text().bytes_read(),
            Source::Jsonl { reader, .. } => reader.text().bytes_read(),
        }
    }

    /// The header of the file, as written; for JSONL a word for its lines.
    pub fn header(&self) -> Vec<String> {
        match &self.source {
            Source::Csv { header, .. } => header.clone(),
            Source::Jsonl { .. } => vec!["original".to_owned()],
        }
    }

    /// What the file calls a field: its column's name.
    pub fn column(&self, field: usize) -> String {
        match &self.source {
            Source::Csv {
                header, column_of, ..
            } => {
                let column = column_of.get(field).copied().flatten();
                column.and_then(|column| header.get(column)).cloned()
            }
            Source::Jsonl { .. } => None,
        }
        .or_else(|| self.kind.fields.get(field).map(|field| field.id.clone()))
        .unwrap_or_default()
    }
}

impl<'r> Row<'r> {
    /// The line where it begins, from 1.
    pub fn line(self) -> u64 {
        match self.source {
            Source::Csv { cells, .. } => cells.line,
            Source::Jsonl { reader, .. } => reader.line,
        }
    }

    /// The row, as events name it.
    pub fn number(self) -> u64 {
        match self.source {
            Source::Csv { cells, .. } => cells.number,
            Source::Jsonl { reader, .. } => reader.line,
        }
    }

    /// What it says of a field; `None` where it says nothing.
    pub fn input(self, field: usize) -> Option<Input<'r>> {
        match self.source {
            Source::Csv { cells, column_of, .. } => {
                let column = column_of.get(field).copied().flatten()?;
                cells.get(column).map(Input::Cell)
            }
            Source::Jsonl { cells, .. } => cells.get(field)?.as_ref().map(Cell::input),
        }
    }

    /// Its cells as they are in the file; for JSONL the line.
    pub fn original(self) -> Vec<String> {
        match self.source {
            Source::Csv { cells, .. } => cells.iter().map(str::to_owned).collect(),
            Source::Jsonl { reader, .. } => {
                vec![String::from_utf8_lossy(reader.raw.trim_ascii_end()).into_owned()]
            }
        }
    }
}

/// Per field its column.
fn columns(kind: &Kind, header: &[String], line: u64) -> Result<Vec<Option<usize>>, ImportError> {
    let mut column_of = vec![None; kind.fields.len()];
    for (column, name) in header.iter().enumerate() {
        let field = field(kind, name).ok_or_else(|| unknown(kind, name, line))?;
        let slot: Option<&mut Option<usize>> = column_of.get_mut(field).filter(|slot| slot.is_none());
        *slot.ok_or_else(|| ImportError::DuplicateColumn {
            field: name.clone(),
            line,
        })? = Some(column);
    }
    let has_key = kind
        .fields
        .iter()
        .zip(&column_of)
        .any(|(field, column)| field.id == kind.key && column.is_some());
    if has_key {
        Ok(column_of)
    } else {
        Err(ImportError::KeyColumnMissing {
            field: kind.key.clone(),
        })
    }
}

/// The field that a column's name means: an id, or else a title that only one field has.
fn field(kind: &Kind, name: &str) -> Option<usize> {
    let name = name.trim();
    if let Some(index) = kind.fields.iter().position(|field| field.id == name) {
        return Some(index);
    }
    let titled = |title: &Option<String>| title.as_deref() == Some(name);
    let mut fields = kind.fields.iter().enumerate();
    let found = fields
        .find(|(_, field)| titled(&field.title.zh) || titled(&field.title.en))?
        .0;
    fields
        .all(|(_, field)| !titled(&field.title.zh) && !titled(&field.title.en))
        .then_some(found)
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
        other = { type = "integer", title = { en = "Name" } }
    "#;

    /// Reads every row of a file, and what each says of every field.
    fn read(bytes: &[u8], is_jsonl: bool) -> Result<Vec<String>, ImportError> {
        let kind = Campaign::parse(CAMPAIGN).unwrap().kinds[0].clone();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let mut rows = Rows::new(&kind, &file, About::default(), is_jsonl)?;
        let mut read = Vec::new();
        while let Some(row) = rows.next()? {
            let says = |field| {
                row.input(field)
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
    fn columns_are_named_by_id_or_by_a_title_that_only_one_field_has() {
        assert_eq!(
            read("名称,代码\nA,1\n".as_bytes(), false).unwrap(),
            ["2 2: Cell(\"1\"), Cell(\"A\"), untouched"]
        );
        assert_eq!(
            read(b"{\"code\":\"1\",\"other\":3}\n", true).unwrap(),
            ["1 1: Text(\"1\"), untouched, Integer(3)"]
        );
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
