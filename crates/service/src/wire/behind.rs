//! What is behind a rate, as it goes out.

use serde::Serialize;
use shilu_engine::projections::{Evidence, Reconciled, Said};
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
    /// Whether nobody can say.
    unknown: bool,
    /// The records that decide it.
    records: Vec<EvidenceRecordJson>,
}

/// A record that decides a case.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvidenceRecord)]
pub(crate) struct EvidenceRecordJson {
    /// Its name.
    record: String,
    /// The positions of its events up to the pair of times, oldest first.
    events: Vec<u64>,
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
    pub(crate) fn of(evidence: &Evidence) -> Self {
        let inputs = evidence.inputs.iter();
        EvidenceJson {
            case: evidence.case.clone(),
            area: evidence.area.clone(),
            actor: evidence.actor.clone(),
            numerator: evidence.numerator,
            denominator: evidence.denominator,
            unknown: evidence.unknown,
            records: inputs
                .map(|input| EvidenceRecordJson {
                    record: input.record.clone(),
                    events: input.events.iter().map(|position| position.get()).collect(),
                })
                .collect(),
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
