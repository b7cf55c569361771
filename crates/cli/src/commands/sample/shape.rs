//! Samples as the service shows them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::wire::Object;

/// An announcement that was taken.
#[derive(Debug, Deserialize)]
pub struct Announced {
    /// How many are drawn of each stratum.
    pub size: u64,
    /// Records in scope, by stratum.
    pub population: BTreeMap<String, u64>,
    /// The least size of the checkpoint that holds it.
    pub held_from_size: u64,
}

/// A sample.
#[derive(Debug, Deserialize)]
pub struct Sample {
    /// Its id.
    pub id: String,
    /// Its indicator.
    pub indicator: String,
    /// Its area.
    pub area: Option<String>,
    /// How far it is.
    pub state: String,
    /// Which one it is of its indicator and area.
    pub number: u64,
    /// How many there are.
    pub of: u64,
    /// When it is drawn.
    pub draw_at: String,
    /// The outside entropy.
    pub entropy: String,
    /// What must be known of it.
    pub label: Option<String>,
    /// What else must be known of it.
    #[serde(default)]
    pub notices: Vec<String>,
    /// Where it was announced.
    pub position: u64,
    /// When.
    pub announced: String,
    /// Records in scope.
    pub population: u64,
    /// How many are drawn.
    pub drawn: u64,
    /// How many visits are settled.
    pub settled: u64,
    /// What they give.
    pub estimate: Option<Estimate>,
    /// The draw.
    #[serde(default)]
    pub draw: Option<Draw>,
}

/// What visits give.
#[derive(Debug, Deserialize)]
pub struct Estimate {
    /// Right ones.
    pub numerator: u64,
    /// Right and wrong ones.
    pub denominator: u64,
    /// Unknown ones.
    pub unknown: u64,
    /// The rate.
    pub value: Option<f64>,
    /// Lower end of the interval.
    pub lower: Option<f64>,
    /// Upper end of the interval.
    pub upper: Option<f64>,
}

impl Estimate {
    /// For a person.
    pub fn shown(&self) -> String {
        let counts = format!("{}/{}", self.numerator, self.denominator);
        match (self.value, self.lower, self.upper) {
            (Some(value), Some(lower), Some(upper)) => format!(
                "{counts} = {:.2} % ({:.2}–{:.2} %)",
                value * 100.0,
                lower * 100.0,
                upper * 100.0
            ),
            _ => counts,
        }
    }
}

/// A draw.
#[derive(Debug, Deserialize)]
pub struct Draw {
    /// Why it does not hold.
    pub problem: Option<String>,
    /// The seed.
    pub seed: String,
    /// The checkpoint's root.
    pub root: String,
    /// The checkpoint's size.
    pub size: u64,
    /// Who cosigned it.
    pub witnesses: Vec<String>,
    /// What was revealed.
    pub revealed: Option<String>,
    /// The drawn records.
    pub records: Vec<Drawn>,
}

/// A drawn record.
#[derive(Debug, Deserialize)]
pub struct Drawn {
    /// Its place in its stratum.
    pub rank: u64,
    /// The record.
    pub record: String,
    /// Its area.
    pub area: String,
    /// Who goes there.
    pub verifier: Option<String>,
    /// Who checks that again.
    pub recheck: Option<String>,
    /// Times nobody was met.
    pub attempts: u64,
    /// What was found.
    pub outcome: Option<String>,
    /// What it counts as.
    pub finding: Option<String>,
    /// Whether nothing more is to be done.
    pub settled: bool,
    /// Whether the second step is missing.
    pub answers_missing: bool,
    /// Whether the third person says the same.
    #[serde(default)]
    pub recheck_agrees: Option<bool>,
}

/// Who visits what.
#[derive(Debug, Deserialize)]
pub struct Assigned {
    /// By record.
    pub visits: Vec<AssignedVisit>,
    /// What the crew does not allow.
    pub notices: Vec<String>,
}

/// One visit.
#[derive(Debug, Deserialize)]
pub struct AssignedVisit {
    /// The record.
    pub record: String,
    /// Its area.
    pub area: String,
    /// Who goes there.
    pub verifier: String,
    /// Who checks that again.
    pub recheck: Option<String>,
}

/// A visit that was taken.
#[derive(Debug, Deserialize)]
pub struct Entered {
    /// Its events.
    pub events: Vec<Value>,
    /// About whom the second step asks.
    pub revealed: Vec<Shown>,
}

/// Somebody who was not found.
#[derive(Debug, Deserialize)]
pub struct Shown {
    /// The record.
    pub record: String,
    /// Registered there, or deregistered from there.
    pub registered: bool,
    /// What they are known by.
    pub fields: Object,
}
