//! What is behind a rate, as it goes out.

use serde::Serialize;
use shilu_engine::{
    CaseRecord, RateCase,
    projections::{Reconciled, Said},
};
use utoipa::ToSchema;

/// One case behind a rate.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub(crate) struct EvidenceJson {
    /// The record that is the case, or the key or name that it is about.
    case: String,
    /// Where it counts.
    area: String,
    /// Who collected it first, where that is asked.
    actor: String,
    /// What it adds to the numerator.
    numerator: u64,
    /// What it adds to the denominator.
    denominator: u64,
    /// What it adds to those of whom nobody can say: 0 or 1, or the people of a place.
    unknown: u64,
    /// Found gone, where they have a column of their own; left out if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    aside: Option<u64>,
    /// The sample that drew it; left out of what is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<String>,
    /// What a drawn record was found to be: right, wrong, gone, not-seen, no-contact, refused or not-visited.
    #[serde(skip_serializing_if = "Option::is_none")]
    finding: Option<&'static str>,
    /// The records that decide it. Of a draw: the sample, the drawn record, and whoever was found or registered there.
    records: Vec<EvidenceRecordJson>,
}

/// A record that decides a case.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvidenceRecord)]
pub(crate) struct EvidenceRecordJson {
    /// Its name.
    record: String,
    /// The positions of its events up to the pair of times, oldest first. Of a draw: those up to the freeze, and its checks
    /// for the sample.
    events: Vec<u64>,
    /// What the visit found of it, of a draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
}

/// A key of two systems.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reconciled)]
pub(crate) struct ReconciledJson {
    /// The key.
    key: String,
    /// Where it counts.
    area: String,
    /// match, differs, left-only or right-only.
    outcome: &'static str,
    /// What the one side says.
    left: Option<SaidJson>,
    /// What the other says.
    right: Option<SaidJson>,
}

/// What one system says of a key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Said)]
pub(crate) struct SaidJson {
    /// The records that say it.
    records: Vec<String>,
    /// The value as written; null where there is none, or where two records differ.
    value: Option<String>,
    /// The form in which it is compared.
    normal: Option<String>,
}

impl EvidenceJson {
    pub(crate) fn of(case: &RateCase) -> Self {
        EvidenceJson {
            case: case.case.clone(),
            area: case.area.clone(),
            actor: case.actor.clone(),
            numerator: case.numerator,
            denominator: case.denominator,
            unknown: case.unknown,
            aside: Some(case.aside).filter(|aside| *aside > 0),
            sample: case.sample.clone(),
            finding: case.finding,
            records: case.records.iter().map(EvidenceRecordJson::of).collect(),
        }
    }
}

impl EvidenceRecordJson {
    fn of(record: &CaseRecord) -> Self {
        EvidenceRecordJson {
            record: record.record.clone(),
            events: record.events.iter().map(|position| position.get()).collect(),
            outcome: record.outcome,
        }
    }
}

impl ReconciledJson {
    pub(crate) fn of(key: &Reconciled) -> Self {
        let outcome = match (&key.left, &key.right) {
            (Some(_), None) => "left-only",
            (None, Some(_)) => "right-only",
            _ if key.agrees() => "match",
            _ => "differs",
        };
        ReconciledJson {
            key: key.key.clone(),
            area: key.area.clone(),
            outcome,
            left: key.left.as_ref().map(SaidJson::of),
            right: key.right.as_ref().map(SaidJson::of),
        }
    }
}

impl SaidJson {
    fn of(said: &Said) -> Self {
        SaidJson {
            records: said.records.clone(),
            value: said.value.clone(),
            normal: said.normal.clone(),
        }
    }
}
