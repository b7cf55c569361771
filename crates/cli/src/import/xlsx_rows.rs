//! The rows of a sheet as the rows of a kind: per field what its cell says, or why it cannot be taken.

use shilu_model::{Input, Kind};

use super::{
    error::ImportError,
    plan::Refusal,
    rows::{Columns, mark},
    xlsx::{Sheet, SheetCell, SheetRow, SheetRows, letters},
};
use crate::template::{EXAMPLE_KEY, example};

/// The rows of one pass over a sheet.
pub struct XlsxRows<'f> {
    kind: &'f Kind,
    rows: SheetRows,
    row: SheetRow,
    header: Vec<String>,
    column_of: Vec<Option<u32>>,
    said: Vec<Option<Result<String, Refusal>>>,
    last_row: u32,
    example_row: Option<u32>,
}

impl<'f> XlsxRows<'f> {
    /// Begins a pass: reads the header, the first row that is not blank.
    pub fn new(columns: Columns<'f>, sheet: &Sheet) -> Result<Self, ImportError> {
        let mut rows = sheet.rows()?;
        let bad = |problem: String| ImportError::BadWorkbook { problem };
        let Some(row) = rows.next()? else {
            return Err(bad(format!("its sheet {:?} is empty", sheet.name)));
        };
        let formula = row
            .cells
            .iter()
            .find(|(_, cell)| matches!(cell, SheetCell::Formula(_)));
        if let Some((column, _)) = formula {
            let place = format!("{}{}", letters(*column), row.number);
            return Err(bad(format!("the header at {place} is a formula")));
        }
        let width = row.cells.last().map_or(0, |(column, _)| column + 1);
        let header = row.texts(width);
        let column_of = columns.on_sheet(&header, u64::from(row.number))?;
        let column_of = column_of.into_iter().map(|column| u32::try_from(column?).ok());
        Ok(XlsxRows {
            kind: columns.kind,
            rows,
            row,
            header,
            column_of: column_of.collect(),
            said: Vec::new(),
            last_row: sheet.scan.last_row,
            example_row: None,
        })
    }

    /// Reads the next row; false at the end.
    pub fn read(&mut self) -> Result<bool, ImportError> {
        loop {
            let Some(row) = self.rows.next()? else {
                return Ok(false);
            };
            self.row = row;
            self.said.clear();
            let fields = self.kind.fields.iter().zip(&self.column_of);
            let row = &self.row;
            self.said.extend(fields.map(|(field, column)| {
                let column = (*column)?;
                let place = || format!("{}{}", letters(column), row.number);
                if row.is_merged(column) {
                    let reason = format!(
                        "{} is part of merged cells, so nobody can say whose value it is; unmerge them and fill each cell",
                        place()
                    );
                    return Some(Err(Refusal::of(&field.id, "CELL_MERGED", reason)));
                }
                match row.cell(column) {
                    None => Some(Ok(String::new())),
                    Some(SheetCell::Text(text)) if field.field_type == shilu_model::FieldType::Text => {
                        Some(Ok(text.clone()))
                    }
                    Some(cell) => Some(cell.read(field, &place())),
                }
            }));
            match self.example() {
                Example::No => return Ok(true),
                Example::Unchanged => self.example_row = Some(self.row.number),
                Example::Changed(field) => {
                    let reason = format!(
                        "row {} still has the key of the template's example; put your own key there, or delete the row",
                        self.row.number
                    );
                    if let (Some(said), Some(key)) = (self.said.get_mut(field), self.kind.fields.get(field)) {
                        *said = Some(Err(Refusal::of(&key.id, "EXAMPLE_ROW", reason)));
                    }
                    return Ok(true);
                }
            }
        }
    }

    /// Whether the row is the example of a template.
    fn example(&self) -> Example {
        let key = self
            .kind
            .fields
            .iter()
            .position(|field| field.id == self.kind.key);
        let text = |index: usize| self.said.get(index).and_then(Option::as_ref);
        let Some(key) = key.filter(|key| matches!(text(*key), Some(Ok(text)) if text == EXAMPLE_KEY)) else {
            return Example::No;
        };
        let same = self
            .kind
            .fields
            .iter()
            .enumerate()
            .all(|(index, field)| match text(index) {
                None => true,
                Some(Ok(text)) => *text == example(self.kind, field),
                Some(Err(_)) => false,
            });
        if same {
            Example::Unchanged
        } else {
            Example::Changed(key)
        }
    }

    /// The row's number on the sheet.
    pub fn number(&self) -> u64 {
        u64::from(self.row.number)
    }

    /// What the row says of a field.
    pub fn input(&self, field: usize) -> Result<Option<Input<'_>>, Refusal> {
        match self.said.get(field) {
            Some(Some(Ok(text))) => Ok(Some(Input::Cell(text))),
            Some(Some(Err(refusal))) => Err(refusal.clone()),
            Some(None) | None => Ok(None),
        }
    }

    /// Refused where a cell stands in no field's column.
    pub fn check_outside(&self) -> Result<(), Refusal> {
        let mut cells = self.row.cells.iter();
        match cells.find(|(column, _)| !self.column_of.contains(&Some(*column))) {
            None => Ok(()),
            Some((column, _)) => {
                let letters = letters(*column);
                let reason = format!(
                    "{letters}{} holds something, but its column has no header; name the column or empty the cell",
                    self.row.number
                );
                Err(Refusal::of(&letters, "CELL_OUTSIDE", reason))
            }
        }
    }

    /// The row's cells as text, one per column of the header. A cell that cannot be taken as it stands has a mark before
    /// its text: what a formula or a number too long has become is not to be imported by mistake.
    pub fn original(&self) -> Vec<String> {
        let mut texts = self
            .row
            .texts(u32::try_from(self.header.len()).unwrap_or(u32::MAX));
        for (said, column) in self.said.iter().zip(&self.column_of) {
            let (Some(Err(refusal)), Some(column)) = (said, column) else {
                continue;
            };
            let column = usize::try_from(*column).unwrap_or(usize::MAX);
            if let Some(text) = texts.get_mut(column) {
                *text = mark(&refusal.code, text);
            }
        }
        texts
    }

    /// The header's texts.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The letters of a field's column.
    pub fn letters(&self, field: usize) -> Option<String> {
        self.column_of.get(field).copied().flatten().map(letters)
    }

    /// About how many of the file's bytes have been read.
    pub fn bytes_read(&self, all: u64) -> u64 {
        let (row, last) = (u64::from(self.row.number), u64::from(self.last_row.max(1)));
        all.saturating_mul(row) / last
    }

    /// Where a template's example was passed over.
    pub fn example_row(&self) -> Option<u32> {
        self.example_row
    }
}

enum Example {
    No,
    Unchanged,
    Changed(usize),
}
