//! XLSX: a workbook is checked whole, its sheet is scanned, then its rows are read as a stream.
//!
//! bytes ─► [`container`] (kind of file, limits, damage) ─► [`parts`] (which part is which sheet) ─► [`scan`] (formulas,
//! merged and hidden cells) ─► [`reader`] (rows) ─► [`cell`] (what a cell says of a field).

mod cell;
mod container;
mod parts;
mod place;
mod reader;
mod scan;
mod sheet;

pub use cell::{DIGITS_KEPT, SheetCell};
pub use container::is_workbook;
pub use place::{ROWS_MAX, letters};
pub use reader::{SheetRow, SheetRows};
pub use sheet::Sheet;

#[cfg(test)]
mod tests;
