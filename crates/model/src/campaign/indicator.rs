//! Indicators, compiled: what each one measures, with every kind, field, set and action resolved.
//!
//! Fields are named by id rather than by number, because a path over a reference may lead to several kinds, in which the
//! same field has different numbers. A projection interns the ids once, when it begins.

use super::{kinds::Title, targets::Target};
use crate::{event::Action, normal::Normal, value::OwnedValue};

/// The kind whose records are count frames, and its fields.
pub const FRAME_KIND: &str = "frame";
/// What a count frame counts.
pub const FRAME_WHAT: &str = "what";
/// How many it expects.
pub const FRAME_EXPECTED: &str = "expected";
/// The kind whose records are rows of other systems, and its fields.
pub const EXTRACT_KIND: &str = "extract";
/// Which system a row is from.
pub const EXTRACT_SYSTEM: &str = "system";
/// That system's own id of what the row is about.
pub const EXTRACT_THEIRS: &str = "theirs";

/// An indicator of the campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indicator {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: Title,
    /// What it measures.
    pub measure: Measure,
    /// What should be reached by when, earliest first.
    pub targets: Vec<Target>,
}

/// Records in scope: live ones of a kind for which every condition is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Population {
    /// The kind.
    pub kind: String,
    /// The conditions, in the file's order.
    pub conditions: Vec<Condition>,
}

/// How an indicator is evaluated. The rules are in `docs/campaign.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// How much of a frame was collected.
    Collected {
        /// The records in scope.
        of: Population,
        /// What ought to be there.
        frame: Frame,
    },
    /// How many records have a property.
    Share {
        /// The records in scope.
        of: Population,
        /// The denominator, where it is not the records themselves.
        list: Option<ListFrame>,
        /// What they must have; at least one part is there.
        property: Property,
    },
    /// The quotient of two sums.
    Sum {
        /// The records in scope.
        of: Population,
        /// The integer field that is summed above the line.
        numerator: String,
        /// The integer field that is summed below it.
        denominator: String,
        /// Which records alone count.
        latest: Option<Latest>,
    },
    /// How many keys two extracts agree on.
    Agree {
        /// One side; its area counts.
        left: Side,
        /// The other side; its area counts where the left has no such key.
        right: Side,
    },
    /// How many drawn records are right.
    Accuracy {
        /// The records in scope.
        of: Population,
        /// The fields that decide.
        essential: Vec<String>,
        /// Where a record counts that was found gone.
        gone: Gone,
    },
    /// What visits to drawn places find.
    Roster {
        /// The places in scope.
        of: Population,
        /// Who or what is listed there.
        children: Children,
        /// Which rate of it.
        rate: RosterRate,
    },
}

impl Measure {
    /// The word for it in a campaign.
    pub const fn word(&self) -> &'static str {
        match self {
            Measure::Collected { .. } => "collected",
            Measure::Share { .. } => "share",
            Measure::Sum { .. } => "sum",
            Measure::Agree { .. } => "agree",
            Measure::Accuracy { .. } => "accuracy",
            Measure::Roster { .. } => "roster",
        }
    }

    /// The records in scope; of two extracts there is no one population.
    pub const fn population(&self) -> Option<&Population> {
        match self {
            Measure::Collected { of, .. }
            | Measure::Share { of, .. }
            | Measure::Sum { of, .. }
            | Measure::Accuracy { of, .. }
            | Measure::Roster { of, .. } => Some(of),
            Measure::Agree { .. } => None,
        }
    }
}

/// A condition on a record. A missing value makes it false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What is looked at.
    pub path: Path,
    /// What must be so.
    pub test: Test,
}

/// Where a value is read: on the record itself, or on a live record that it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The reference that is followed.
    pub via: Option<Hop>,
    /// The part of the record at the end.
    pub part: Part,
}

/// A reference that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The reference field.
    pub field: String,
    /// The kinds that it may lead to.
    pub kinds: Vec<String>,
}

/// A part of a record: its key, which is in its name and not among its values, or a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The key.
    Key,
    /// The value of a field.
    Field(String),
}

/// What a condition asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// The value is one of these; there is at least one. A key is compared as a text.
    AnyOf(Vec<OwnedValue>),
    /// The value names a live record of one of these kinds.
    Live {
        /// The kinds that the reference may lead to.
        kinds: Vec<String>,
    },
}

/// What ought to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Numbers per area: live records of [`FRAME_KIND`] whose [`FRAME_WHAT`] is this.
    Count {
        /// What is counted.
        what: String,
    },
    /// The rows of another system.
    List(ListFrame),
}

/// Rows of another system: live records of [`EXTRACT_KIND`] whose [`EXTRACT_SYSTEM`] is this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListFrame {
    /// The system.
    pub system: String,
    /// What of a record in scope is equal to the row's [`EXTRACT_THEIRS`].
    pub by: Part,
}

/// What a record must have to count in a share: all parts that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Property {
    /// Conditions, in the file's order.
    pub having: Vec<Condition>,
    /// Records that refer to it.
    pub referred: Option<Referred>,
    /// An event on it, not long ago.
    pub touched: Option<Touched>,
    /// These fields have a value; empty where it is not asked.
    pub complete: Vec<String>,
}

/// Live records that refer to the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referred {
    /// Their kind.
    pub kind: String,
    /// Their reference field.
    pub field: String,
    /// What must be so of each that is counted; no path.
    pub conditions: Vec<Condition>,
    /// How many there must be.
    pub needed: Needed,
    /// How each that is counted must have been touched.
    pub touched: Option<Touched>,
}

/// How many records must refer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needed {
    /// So many, no more.
    Exactly(Number),
    /// So many, or more.
    AtLeast(Number),
}

/// A number, or where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Number {
    /// This number.
    Fixed(u32),
    /// The value of an integer field of the record that is referred to; without one the record is unknown.
    Field(String),
}

/// An event of one of these actions, effective on day t, on a day d with t ≤ d < t + days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// For how many days it counts, from 1.
    pub days: u32,
    /// Which actions count; at least one.
    pub actions: Vec<Action>,
    /// Whether it must have happened where the thing is.
    pub on_site: bool,
}

/// Only the last record per reference counts, by effective time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latest {
    /// The reference field.
    pub per: String,
    /// For how many days it counts, from 1.
    pub days: u32,
}

/// One side of an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Its records.
    pub of: Population,
    /// What tells which record of the other side is the same.
    pub key: Path,
    /// What should be equal.
    pub value: Path,
    /// In which form; the same on both sides.
    pub normal: Normal,
}

/// Where a record counts that was found gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Among the wrong ones.
    Wrong,
    /// In a column of its own.
    Aside,
}

/// Who or what is listed on a visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Children {
    /// Their kind.
    pub kind: String,
    /// Their reference to the place.
    pub field: String,
    /// What they are matched by first.
    pub citizen: Option<String>,
    /// The date field `arrived`.
    pub arrived: Option<String>,
    /// The essential fields: what they are matched by else, and what is compared.
    pub essential: Vec<String>,
}

/// A rate of a roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RosterRate {
    /// 登记率: found and registered / found.
    Registration {
        /// Days after arriving in which nobody need be registered.
        grace_days: u32,
    },
    /// 注销率: gone and deregistered in time / gone.
    Deregistration {
        /// Days after leaving in which a deregistration is in time.
        grace_days: u32,
        /// Days before the freeze whose deregistrations are asked about.
        window_days: u32,
    },
    /// 人户一致率: found where registered / those, and registered and not found.
    Consistency {
        /// Days after leaving in which nobody need be deregistered.
        grace_days: u32,
    },
    /// 准确率: found where registered with every essential field equal.
    Accuracy,
    /// Found and live / found.
    Coverage,
}
