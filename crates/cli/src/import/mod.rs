//! `shilu import`: a file's rows become commands, and the commands become durable events.
//!
//! bytes ─► [`encoding`] ─► [`csv_reader`] / [`jsonl_reader`] / [`xlsx`] ─► [`rows`] ─► [`plan`] ─► [`target`]; [`run`]
//! drives it. [`extract`] is what the rows of another system's extract share.

mod csv_reader;
mod dry_run;
mod encoding;
mod error;
mod extract;
mod jsonl_reader;
mod plan;
mod rejected;
mod rows;
mod run;
mod summary;
mod target;
mod xlsx;
mod xlsx_rows;

pub use error::ImportError;
pub use rows::field as field_of_column;
pub use run::run;
pub use target::value_json;
pub use xlsx::{DIGITS_KEPT, ROWS_MAX, letters};

#[cfg(test)]
pub mod testing;
