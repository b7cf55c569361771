//! What tests elsewhere in the crate read of a workbook.

use std::io::{Cursor, Read, Write};

use shilu_model::{Input, Kind};

use super::{
    encoding::About,
    rows::{Layout, Rows},
    xlsx::Sheet,
};

/// Every row's cells, as an import reads them; each must be taken.
pub fn cells(kind: &Kind, bytes: &[u8]) -> Vec<Vec<String>> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let sheet = Sheet::choose(&file, None, kind).unwrap();
    let mut rows = Rows::new(kind, &file, About::default(), Layout::Xlsx(&sheet)).unwrap();
    let mut read = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        row.check_outside().unwrap();
        let says = |index| match row.input(index).unwrap() {
            Some(Input::Cell(text)) => text.to_owned(),
            other => panic!("{other:?}"),
        };
        read.push((0..kind.fields.len()).map(says).collect());
    }
    read
}

/// A part's text.
pub fn part(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}
