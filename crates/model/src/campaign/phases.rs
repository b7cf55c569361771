//! `[[phases]]`: the campaign's calendar.

use super::{
    check::{Checked, day, unique, wrong},
    file::PhaseFile,
};
use crate::time::Day;

/// Most phases of a campaign.
const PHASES_MAX: usize = 64;

/// A stretch of the campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Its id.
    pub id: String,
    /// Its first day.
    pub from: Day,
    /// Its last day, not before the first. The next phase may begin on it.
    pub until: Day,
}

pub(super) fn check(files: &[PhaseFile]) -> Checked<Vec<Phase>> {
    unique(files.iter().map(|phase| &phase.id), "phase", PHASES_MAX)?;
    let mut phases: Vec<Phase> = Vec::with_capacity(files.len());
    for file in files {
        let (from, until) = (day(&file.from)?, day(&file.until)?);
        if until < from {
            return wrong(&file.until, "a phase does not end before it begins");
        }
        if let Some(before) = phases.last().filter(|before| from < before.until) {
            let problem = format!(
                "the phase {:?} lasts until {}; phases are in order and share at most that day",
                before.id, before.until
            );
            return wrong(&file.from, problem);
        }
        phases.push(Phase {
            id: file.id.get_ref().clone(),
            from,
            until,
        });
    }
    Ok(phases)
}
