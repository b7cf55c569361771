//! What an export is: of which register, of when, and what it leaves out.

use std::collections::BTreeMap;

use shilu_model::Status;

/// What is known of an export when it ends.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The register's name.
    pub origin: String,
    /// The kind.
    pub kind: String,
    /// K as a position: the first one that is left out.
    pub as_of_position: String,
    /// K as an instant.
    pub as_of: String,
    /// E.
    pub effective: String,
    /// The status that was asked for, or `all`.
    pub status: &'static str,
    /// Whether the register's clock is simulated.
    pub simulated: bool,
    /// How many records are in it.
    pub count: u64,
    /// How many of each other status are not.
    pub left_out: BTreeMap<Status, u64>,
}

impl About {
    /// What is left out, in words.
    pub fn left_out(&self, word: impl Fn(Status) -> String) -> String {
        let left_out = self.left_out.iter().filter(|(_, count)| **count > 0);
        let words: Vec<String> = left_out
            .map(|(status, count)| format!("{count} {}", word(*status)))
            .collect();
        words.join(", ")
    }
}
