//! Announcing a sample: what is drawn, how many, when, and from which outside entropy. The log's own rules decide
//! whether the seed could be known.

use std::{collections::BTreeMap, sync::Arc};

use shilu_model::{
    Command, Deed, Origin, OwnedValue, Rejection, SAMPLE_AREA, SAMPLE_DRAW_AT, SAMPLE_ENTROPY,
    SAMPLE_INDICATOR, SAMPLE_SIZE, SAMPLE_STRATA, Since, Timestamp,
};
use shilu_sampling::{Plan, sample_size_of};

use super::{
    draw::CHECKPOINT_WAIT_MAX,
    error::SampleError,
    told::{Measured, Strata, record_of},
};
use crate::{Accepted, engine::Engine, error::EngineError, evidence::Because, figures::counts_in};

/// What is announced.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// The sample's id, its record's key.
    pub id: String,
    /// The indicator that it measures.
    pub indicator: String,
    /// The area from which it is drawn; none for all.
    pub area: Option<String>,
    /// How many are drawn of each stratum.
    pub size: SampleSize,
    /// How it is divided.
    pub strata: Strata,
    /// When it is drawn.
    pub draw_at: Timestamp,
    /// The outside entropy: `none`, `public:…` or `commitments:…`.
    pub entropy: String,
    /// Who announces it.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
}

/// How many are drawn of each stratum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SampleSize {
    /// So many.
    Of(u64),
    /// As many as each stratum needs to show a target on its own, if the rate is what was planned for.
    For(Plan),
}

/// An announcement that was taken.
#[derive(Clone, Debug)]
pub struct Announced {
    /// The event.
    pub event: Accepted,
    /// How many are drawn of each stratum.
    pub size: u64,
    /// Records in scope per stratum, as frozen by it.
    pub population: Arc<BTreeMap<String, u64>>,
    /// The published checkpoint that holds it must have at least this size.
    pub held_from_size: u64,
    /// Whether one is published already.
    pub published: bool,
}

impl Engine {
    /// Announces a sample. Where the campaign has witnesses, it waits for their cosignatures, if they come soon.
    ///
    /// # Errors
    /// `SEED_KNOWABLE` where it would be drawn at once; `BAD_VALUE`, `NOTHING_TO_DRAW`, `BAD_PLAN`, `SAMPLE_FIXED` where
    /// the id is taken, and what [`Engine::submit`] says.
    pub fn announce(&self, announcement: &Announcement) -> Result<Announced, EngineError> {
        let record = record_of(&announcement.id)?;
        let (end, known) = {
            let projections = self.read();
            let taken = projections.trail().samples.find(&announcement.id).is_some();
            (projections.end(), taken)
        };
        if known {
            return Err(EngineError::Rejected {
                index: None,
                record,
                rejection: Rejection::SampleFixed {
                    part: "id".to_owned(),
                },
            });
        }
        let size = match self.size_for(announcement) {
            Ok(size) => size,
            Err(Refused::Value(problem)) => {
                let field = SAMPLE_INDICATOR.to_owned();
                let rejection = Rejection::BadValue { field, problem };
                let index = None;
                return Err(EngineError::Rejected {
                    index,
                    record,
                    rejection,
                });
            }
            Err(Refused::Sample(error)) => return Err(error.into()),
        };
        let text = |field: &str, text: &str| (field.to_owned(), Some(OwnedValue::Text(text.to_owned())));
        let number = OwnedValue::Integer(i64::try_from(size).unwrap_or(i64::MAX));
        let mut fields = vec![
            text(SAMPLE_INDICATOR, &announcement.indicator),
            (SAMPLE_SIZE.to_owned(), Some(number)),
            text(SAMPLE_STRATA, announcement.strata.word()),
            text(SAMPLE_DRAW_AT, &announcement.draw_at.to_string()),
            text(SAMPLE_ENTROPY, &announcement.entropy),
        ];
        fields.extend(announcement.area.as_ref().map(|area| text(SAMPLE_AREA, area)));
        let event = self.one(Command {
            id: None,
            record,
            deed: Deed::Collect(fields),
            actor: announcement.actor.clone(),
            effective: Since::Recorded,
            device: None,
            reason: announcement.reason.clone(),
            source: Origin::Field,
            visit: None,
            expected_version: Some(0),
            cause: None,
            signature: None,
        })?;
        debug_assert!(event.position >= end, "it comes after what was known before");
        let told = self.told(&announcement.id, event.position.next())?;
        let because = Because {
            actor: &announcement.actor,
            reason: "",
        };
        self.witness(&told, because, CHECKPOINT_WAIT_MAX)?;
        let held_from_size = event.position.next().get();
        Ok(Announced {
            size,
            population: self.sizes(&told),
            held_from_size,
            published: self.shared.publication.borrow().size() >= held_from_size,
            event,
        })
    }

    /// The size, from what is in scope now.
    fn size_for(&self, announcement: &Announcement) -> Result<u64, Refused> {
        let projections = self.read();
        let end = projections.end();
        let campaign = Arc::clone(projections.subjects.campaign(end));
        let id = &announcement.indicator;
        let indicator = campaign
            .indicator(id)
            .ok_or_else(|| Refused::Value(format!("the campaign has no indicator {id:?}")))?;
        let measured = Measured::of(&indicator.measure).ok_or_else(|| {
            let word = indicator.measure.word();
            Refused::Value(format!("{id:?} is measured as {word}, without a sample"))
        })?;
        let now = (self.shared.clock)().max(projections.last_recorded());
        let scope = projections.subjects.population(measured.population(), (now, end));
        drop(projections);
        let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
        for (_, area) in &scope {
            let own = announcement.area.as_deref();
            if own.is_none_or(|own| counts_in(&campaign.areas, area, own)) {
                *sizes.entry(announcement.strata.of(area)).or_default() += 1;
            }
        }
        if sizes.is_empty() {
            return Err(Refused::Sample(SampleError::NothingToDraw {
                indicator: id.clone(),
                area: announcement.area.clone(),
            }));
        }
        match announcement.size {
            SampleSize::Of(size) => Ok(size),
            SampleSize::For(plan) => {
                let each = sizes
                    .values()
                    .map(|population| sample_size_of(&plan, *population));
                let each: Result<Vec<_>, _> = each.collect();
                let each = each.map_err(|error| Refused::Sample(SampleError::BadPlan(error)))?;
                Ok(each.into_iter().max().unwrap_or(1).max(1))
            }
        }
    }

    /// Submits one command, and waits for its answer.
    pub(super) fn one(&self, command: Command) -> Result<Accepted, EngineError> {
        let mut accepted = self.list(vec![command])?;
        accepted.pop().ok_or(EngineError::Stopping)
    }

    /// Submits an atomic list, and waits for its answer.
    pub(super) fn list(&self, commands: Vec<Command>) -> Result<Vec<Accepted>, EngineError> {
        let mut answers = self.submit(vec![commands])?.wait();
        answers.pop().unwrap_or(Err(EngineError::Stopping))
    }
}

enum Refused {
    Value(String),
    Sample(SampleError),
}
