//! The sheet that an import reads: chosen once, then read as often as there are passes.

use std::{fs::File, sync::Arc};

use calamine::{Reader, Xlsx};

use super::{
    SheetRows,
    container::{Bytes, Cursor, bad, check},
    parts::{self, SheetPart},
    scan::{Scan, scan},
};
use crate::import::{error::ImportError, rows::Columns};

/// A sheet of a workbook that has been checked whole.
#[derive(Clone, Debug)]
pub struct Sheet {
    file: Arc<File>,
    /// Its name.
    pub name: String,
    /// How many sheets the workbook has.
    pub sheets: usize,
    /// What its XML tells beside the cells.
    pub scan: Arc<Scan>,
}

impl Sheet {
    /// Checks the workbook, and chooses the sheet: the one that is asked for, else the first visible one that has the
    /// kind's headers, else the first.
    pub fn choose<'k>(
        file: &File,
        asked: Option<&str>,
        columns: impl Into<Columns<'k>>,
    ) -> Result<Self, ImportError> {
        let file = file.try_clone().map_err(|error| bad(error.to_string()))?;
        let file = Arc::new(file);
        let mut archive = check(&file)?;
        let parts = parts::sheets(&mut archive)?;
        let chosen = match asked {
            Some(asked) => {
                let found = parts.iter().find(|part| part.name == asked);
                found.ok_or_else(|| ImportError::NoSheet {
                    sheet: asked.to_owned(),
                    sheets: names(&parts),
                })?
            }
            None => Self::default_sheet(&file, &parts, columns.into())?,
        };
        let scan = Arc::new(scan(&mut archive, &chosen.path)?);
        Ok(Sheet {
            name: chosen.name.clone(),
            sheets: parts.len(),
            file,
            scan,
        })
    }

    fn default_sheet<'p>(
        file: &Arc<File>,
        parts: &'p [SheetPart],
        columns: Columns<'_>,
    ) -> Result<&'p SheetPart, ImportError> {
        let mut visible: Vec<&SheetPart> = parts.iter().filter(|part| part.visible).collect();
        if visible.is_empty() {
            visible = parts.iter().collect();
        }
        let first = *visible
            .first()
            .ok_or_else(|| bad("it has no sheet with a table"))?;
        if visible.len() == 1 {
            return Ok(first);
        }
        for part in visible {
            let header = SheetRows::header_of(file, &part.name)?;
            if header.is_some_and(|header| columns.on_sheet(&header, 1).is_ok()) {
                return Ok(part);
            }
        }
        Ok(first)
    }

    /// Begins a pass over its rows.
    pub fn rows(&self) -> Result<SheetRows, ImportError> {
        SheetRows::start(Arc::clone(&self.file), self.name.clone(), Arc::clone(&self.scan))
    }
}

/// Opens the workbook for its cells.
pub fn open(file: &Arc<File>) -> Result<Xlsx<Bytes>, ImportError> {
    let bytes = Bytes::new(Cursor::new(file));
    Xlsx::new(bytes).map_err(|error| bad(error.to_string()))
}

fn names(parts: &[SheetPart]) -> String {
    parts
        .iter()
        .map(|part| part.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}
