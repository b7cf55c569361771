//! Who visits what: the verifiers are stored with the sample, the assignment follows from them and the seed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use shilu_model::{Action, OwnedValue, Position, RecordName, SAMPLE_VERIFIERS};
use shilu_projections::Wanted;
use shilu_sampling::{AssignmentError, Case, Crew, Member, assign};

use super::{
    course::Duty,
    draw::on_sample,
    drawing::Drawing,
    error::SampleError,
    places::PlaceList,
    told::{Measured, Told},
};
use crate::{engine::Engine, error::EngineError, evidence::Because};

/// The header that a file of verifiers may have.
const HEADER: &str = "actor,area,team";

/// Who visits what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assigned {
    /// By record; empty before the draw.
    pub visits: Vec<AssignedVisit>,
    /// What the crew does not allow, in words.
    pub notices: Vec<String>,
}

/// One visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignedVisit {
    /// The drawn record.
    pub record: RecordName,
    /// Its area at the freeze.
    pub area: String,
    /// Who goes there.
    pub verifier: String,
    /// Who checks that again, for one visit in ten.
    pub recheck: Option<String>,
}

impl Engine {
    /// Stores who may visit, one `actor,area,team` on each line, and says who visits what once it is drawn. The same
    /// verifiers again change nothing.
    ///
    /// # Errors
    /// `NO_RECORD`, `BAD_VALUE`, `SAMPLE_FIXED` for other verifiers than before, `NO_VERIFIER` for an area that nobody of
    /// them may visit, `DRAW_INVALID`, and what [`Engine::submit`] says.
    pub fn assign(&self, id: &str, verifiers: &str, because: Because<'_>) -> Result<Assigned, EngineError> {
        let mut told = self.told_now(id)?;
        self.witness(&told, because, Duration::ZERO)?;
        let lines = verifiers.lines().map(|line| {
            let parts: Vec<&str> = line.split(',').map(str::trim).collect();
            parts.join(",")
        });
        let lines = lines.filter(|line| !line.is_empty() && line != HEADER);
        let text = lines.collect::<Vec<_>>().join("\n");
        // What is no list of verifiers is refused by the log, line by line.
        let is_list = text.lines().all(|line| line.split(',').count() == 3);
        if is_list && told.checkpoint.is_some() && !told.is_waiting() {
            let drawing = self.drawn_of(&told)?;
            told.verifiers = Some((text.clone(), Position::ZERO));
            self.assigned(&told, &drawing).map_err(SampleError::NoVerifier)?;
        }
        let stored = told
            .verifiers
            .as_ref()
            .is_some_and(|(held, at)| *held == text && *at > Position::ZERO);
        if !stored {
            let field = (SAMPLE_VERIFIERS.to_owned(), Some(OwnedValue::Text(text)));
            self.one(on_sample(&told, vec![field], because)?)?;
        }
        self.assignment(id)
    }

    /// Who visits what.
    ///
    /// # Errors
    /// `NO_RECORD`, `DRAW_INVALID`, `NO_VERIFIER`, and what the log says.
    pub fn assignment(&self, id: &str) -> Result<Assigned, EngineError> {
        let told = self.told_now(id)?;
        if told.checkpoint.is_none() || told.is_waiting() {
            return Ok(Assigned::default());
        }
        let drawing = self.drawn_of(&told)?;
        let assigned = self.assigned(&told, &drawing);
        Ok(assigned.map_err(SampleError::NoVerifier)?)
    }

    /// The assignment: pure, from the seed, the verifiers, and who had worked on what when it was frozen.
    pub(super) fn assigned(&self, told: &Told, drawing: &Drawing) -> Result<Assigned, AssignmentError> {
        let Some((text, _)) = &told.verifiers else {
            return Ok(Assigned::default());
        };
        let lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let members = lines.filter_map(|parts| match parts.as_slice() {
            [actor, area, team] => Some(Member { actor, area, team }),
            _ => None,
        });
        let verifiers: Vec<Member<'_>> = members.collect();
        let worked = self.worked(told, drawing);
        let staff = worked.iter().filter_map(|(actor, area)| {
            let own = verifiers.iter().find(|member| member.actor == *actor)?;
            Some(Member {
                actor: own.actor,
                area,
                team: own.team,
            })
        });
        let staff: Vec<Member<'_>> = staff.collect();
        let cases = drawing.drawn.iter().map(|drawn| Case {
            record: &drawn.record,
            area: &drawn.area,
        });
        let crew = Crew {
            verifiers: &verifiers,
            staff: &staff,
        };
        let assignment = assign(&drawing.seeding.seed, &cases.collect::<Vec<_>>(), &crew)?;
        let visits = assignment.visits.iter().map(|visit| AssignedVisit {
            record: visit.record.clone(),
            area: visit.area.to_owned(),
            verifier: visit.verifier.to_owned(),
            recheck: visit.recheck.map(str::to_owned),
        });
        Ok(Assigned {
            visits: visits.collect(),
            notices: assignment.notices.iter().map(ToString::to_string).collect(),
        })
    }

    /// Who had made, corrected or registered drawn records of which areas before the announcement, or who is listed there.
    fn worked(&self, told: &Told, drawing: &Drawing) -> BTreeSet<(String, String)> {
        let drawn = drawing.drawn.iter();
        let drawn = drawn.map(|drawn| (drawn.record.kind(), drawn.record.key(), drawn.area.as_str()));
        let mut records: Vec<_> = drawn.collect();
        let lists = match told.measured() {
            Measured::Places { children, rate, .. } => {
                Some((children, self.lists(told, drawing, (children, rate))))
            }
            Measured::Records { .. } => None,
        };
        if let Some((children, lists)) = &lists {
            for drawn in &drawing.drawn {
                let list = lists.get(drawn.record.as_str());
                let keys = list.into_iter().flat_map(PlaceList::keys);
                records.extend(keys.map(|key| (children.kind.as_str(), key, drawn.area.as_str())));
            }
        }
        let projections = self.read();
        let subjects = &projections.subjects;
        let mut worked = BTreeSet::new();
        for (kind, key, area) in records {
            let kind = subjects.names.find(kind);
            let Some(slot) = kind.and_then(|kind| subjects.records.find(kind, key)) else {
                continue;
            };
            let wanted = Wanted::Only(None);
            let entries = subjects
                .records
                .entries(slot, told.position, wanted, &subjects.names);
            let own = entries.iter().filter(|entry| entry.action != Action::Verify);
            worked.extend(own.map(|entry| (entry.actor.to_owned(), area.to_owned())));
        }
        worked
    }

    /// Who is to go where. Verifiers of whom nobody may go somewhere bind nobody.
    pub(super) fn duties(&self, told: &Told, drawing: &Drawing) -> Arc<BTreeMap<RecordName, Duty>> {
        let kept = self.shared.samples.lock();
        let known = kept
            .get(&told.position)
            .and_then(|kept| kept.duties.get(&told.added));
        drop(kept);
        if let Some(duties) = known {
            return duties;
        }
        let since = told.verifiers.as_ref().map_or(Position::ZERO, |(_, at)| *at);
        let assigned = self.assigned(told, drawing).unwrap_or_default();
        let duties = assigned.visits.into_iter().map(|visit| {
            let duty = Duty {
                since,
                verifier: visit.verifier,
                recheck: visit.recheck,
            };
            (visit.record, duty)
        });
        let duties = Arc::new(duties.collect());
        let mut kept = self.shared.samples.lock();
        let kept = kept.entry(told.position).or_default();
        kept.duties.keep(told.added, Arc::clone(&duties));
        duties
    }
}
