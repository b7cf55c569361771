//! Why something that concerns a sample is refused.

use shilu_model::{Class, EventId, RecordName};
use shilu_sampling::{AssignmentError, RevealError, SizeError};
use thiserror::Error;

/// What went wrong with a sample; each variant has a stable code, a class and a hint.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SampleError {
    /// `NOTHING_TO_DRAW`
    #[error("no record is in scope of {indicator}{}", area.as_ref().map_or_else(String::new, |area| format!(" in {area}")))]
    NothingToDraw {
        /// The indicator.
        indicator: String,
        /// The area, if one was named.
        area: Option<String>,
    },
    /// `BAD_PLAN`
    #[error("no size follows from the plan")]
    BadPlan(#[source] SizeError),
    /// `REVEAL_MISSING`
    #[error("the draw of {id} needs what its announcement names: {entropy}")]
    RevealMissing {
        /// The sample.
        id: String,
        /// What was named.
        entropy: String,
    },
    /// `REVEAL_WRONG`
    #[error("what was revealed does not fit the announcement")]
    RevealWrong(#[source] RevealError),
    /// `REVEAL_WRONG`
    #[error(
        "what was drawn for {id} is written in digits or lower-case hexadecimal, with nothing between them"
    )]
    RevealSpelling {
        /// The sample.
        id: String,
    },
    /// `REVEAL_WRONG`
    #[error("the announcement of {id} names no outside entropy, so that nothing can be revealed")]
    RevealUnasked {
        /// The sample.
        id: String,
    },
    /// `NOT_WITNESSED`
    #[error("{id} cannot be drawn: {problem}")]
    NotWitnessed {
        /// The sample.
        id: String,
        /// What is missing.
        problem: String,
    },
    /// `NO_DRAW`
    #[error("{id} has not been drawn")]
    NoDraw {
        /// The sample.
        id: String,
    },
    /// `DRAW_INVALID`
    #[error("the draw of {id} does not hold: {problem}")]
    DrawInvalid {
        /// The sample.
        id: String,
        /// Why not.
        problem: String,
    },
    /// `NOT_DRAWN`
    #[error("{record} was not drawn for {id}")]
    NotDrawn {
        /// The sample.
        id: String,
        /// The record.
        record: RecordName,
    },
    /// `NOT_ASSIGNED`
    #[error("{record} is not {actor:?}'s to visit")]
    NotAssigned {
        /// The record.
        record: RecordName,
        /// Who wanted to.
        actor: String,
    },
    /// `ALREADY_VISITED`
    #[error("the visit to {record} is settled")]
    AlreadyVisited {
        /// The record.
        record: RecordName,
    },
    /// `SIGNATURE_MISSING`
    #[error(
        "the campaign asks verifiers to sign: a visit is a list of verify commands with cause {announcement}"
    )]
    SignVisit {
        /// The announcement, which they cite.
        announcement: EventId,
    },
    /// `STEP_MISSING`
    #[error("nobody has listed yet who is at {place}")]
    StepMissing {
        /// The place.
        place: RecordName,
    },
    /// `WRONG_VISIT`
    #[error("{id} is a draw of {wanted}, and this is no visit of that kind")]
    WrongVisit {
        /// The sample.
        id: String,
        /// Records or places.
        wanted: &'static str,
    },
    /// `NOT_ASKED`
    #[error("nobody asked about {record} at {place}")]
    NotAsked {
        /// The record.
        record: RecordName,
        /// The place.
        place: RecordName,
    },
    /// `NO_VERIFIER`
    #[error(transparent)]
    NoVerifier(AssignmentError),
}

impl SampleError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            SampleError::NothingToDraw { .. } => "NOTHING_TO_DRAW",
            SampleError::BadPlan(_) => "BAD_PLAN",
            SampleError::RevealMissing { .. } => "REVEAL_MISSING",
            SampleError::RevealWrong(_)
            | SampleError::RevealSpelling { .. }
            | SampleError::RevealUnasked { .. } => "REVEAL_WRONG",
            SampleError::NotWitnessed { .. } => "NOT_WITNESSED",
            SampleError::NoDraw { .. } => "NO_DRAW",
            SampleError::DrawInvalid { .. } => "DRAW_INVALID",
            SampleError::NotDrawn { .. } => "NOT_DRAWN",
            SampleError::NotAssigned { .. } => "NOT_ASSIGNED",
            SampleError::AlreadyVisited { .. } => "ALREADY_VISITED",
            SampleError::SignVisit { .. } => "SIGNATURE_MISSING",
            SampleError::StepMissing { .. } => "STEP_MISSING",
            SampleError::WrongVisit { .. } => "WRONG_VISIT",
            SampleError::NotAsked { .. } => "NOT_ASKED",
            SampleError::NoVerifier(_) => "NO_VERIFIER",
        }
    }

    /// What kind of "no" it is.
    pub const fn class(&self) -> Class {
        match self {
            SampleError::AlreadyVisited { .. } => Class::Conflict,
            _ => Class::Rule,
        }
    }

    /// What to do next.
    pub const fn hint(&self) -> &'static str {
        match self {
            SampleError::NothingToDraw { .. } => "check the area, and the conditions of the indicator",
            SampleError::BadPlan(_) => {
                "plan for a rate above the target and below 100 %, or state the size itself"
            }
            SampleError::RevealMissing { .. } => {
                "give it with --revealed: the lottery's numbers, or one secret on each line in the order of the announcement"
            }
            SampleError::RevealWrong(error) => error.hint(),
            SampleError::RevealSpelling { .. } => {
                "write the numbers in the order in which they were drawn, each with as many digits as the source prints: 4 7 1 as 471"
            }
            SampleError::RevealUnasked { .. } => "leave it out",
            SampleError::NotWitnessed { .. } => {
                "announce another sample, and leave witnesses time before its draw: its announcement says once they know it"
            }
            SampleError::NoDraw { .. } => "draw it at the announced time or later: `shilu sample draw`",
            SampleError::DrawInvalid { .. } => "announce another sample; this one stays in the list",
            SampleError::NotDrawn { .. } => "visit what was drawn: `shilu sample result` lists it",
            SampleError::NotAssigned { .. } => {
                "whoever the seed has chosen goes there; `shilu sample assign` shows who that is"
            }
            SampleError::AlreadyVisited { .. } => {
                "a verdict of a draw is not taken back; whoever checks it again is named by the assignment"
            }
            SampleError::SignVisit { .. } => {
                "sign each command and send all of a step as one list to POST /api/v1/commands: see Samples, \"Signed visits\""
            }
            SampleError::StepMissing { .. } => {
                "enter the blind list first: what is registered there is shown after it"
            }
            SampleError::WrongVisit { .. } => {
                "a record is visited by its outcome, a place in two steps: first \"blind\", then \"revealed\""
            }
            SampleError::NotAsked { .. } => "answer for those whom the first step has shown",
            SampleError::NoVerifier(error) => error.hint(),
        }
    }

    /// The record that it is about.
    pub const fn record(&self) -> Option<&RecordName> {
        match self {
            SampleError::NotDrawn { record, .. }
            | SampleError::NotAssigned { record, .. }
            | SampleError::AlreadyVisited { record }
            | SampleError::NotAsked { record, .. }
            | SampleError::StepMissing { place: record } => Some(record),
            _ => None,
        }
    }
}
