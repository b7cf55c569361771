//! A page of an answer.

use serde::Serialize;
use utoipa::ToSchema;

/// A page.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Page)]
pub(crate) struct PageJson<T> {
    /// The record that a blame is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub(crate) record: Option<String>,
    /// What was asked for.
    pub(crate) items: Vec<T>,
    /// The cursor of the next page; null on the last.
    pub(crate) next: Option<String>,
    /// The last position that the answer takes into account; null before the first event.
    pub(crate) as_of: Option<u64>,
    /// Set on a register whose clock is simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) simulated: Option<bool>,
}
