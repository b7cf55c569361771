//! Projections: pure folds of the log that answer questions. Everything here can be deleted and rebuilt.
//!
//! Invariants: no I/O beyond the readers and writers that are handed in, no clock, no randomness. The same events give
//! the same bytes.

mod bytes;
mod calendar;
pub mod campaigns;
mod changes;
mod class;
mod counts;
mod ids;
mod indicators;
mod names;
mod projection;
mod rates;
mod records;
mod samples;
mod series;
mod settings;
mod tally;
#[cfg(test)]
mod tests;
mod times;

pub use bytes::{Loader, Saver};
pub use changes::{Changes, Dimension, hexadecimal};
pub use class::{Checked, Class};
pub use counts::Counts;
pub use ids::Ids;
pub use indicators::{
    Clusters, Evidence, FrameVersion, Indicators, Input, Reckoned, Reconciled, Said, Split,
    Times as FigureTimes, Wanted as FigureWanted,
};
pub use names::{Name, Names};
pub use projection::{
    Figures, LoadError, Projection, Projections, Stamp, Subjects, Trail, file_name, load_file, saved_end,
};
pub use rates::{BuiltIn, Figure, Rates};
pub use records::{Records, Site, Slot, Wanted};
pub use samples::{AnnouncedSample, Samples};
pub use series::Series;
pub use settings::Settings;
pub use tally::{Axis, Scope};
pub use times::Times;
