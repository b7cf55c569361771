//! What the log says of a sample: its announcement, and what was added to it, as known at a position.

use std::sync::Arc;

use shilu_merkle::Hash;
use shilu_model::{
    Campaign, Change, Children, Day, Entropy, Event, EventId, Gone, Kind, Measure, Population, Position,
    RecordName, RosterRate, SAMPLE_AREA, SAMPLE_CHECKPOINT, SAMPLE_DRAW_AT, SAMPLE_ENTROPY, SAMPLE_INDICATOR,
    SAMPLE_KIND, SAMPLE_REVEALED, SAMPLE_SIZE, SAMPLE_STRATA, SAMPLE_VERIFIERS, SAMPLE_WITNESSED,
    STRATA_AREA, STRATA_NONE, Timestamp, Value,
};
use shilu_projections::AnnouncedSample;

use crate::{engine::Engine, error::EngineError, figures::counts_in};

/// How a sample is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strata {
    /// The same number is drawn of each area.
    Area,
    /// There is one stratum.
    None,
}

impl Strata {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Strata::Area => STRATA_AREA,
            Strata::None => STRATA_NONE,
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Strata::Area, Strata::None]
            .into_iter()
            .find(|strata| strata.word() == word)
    }

    /// The stratum of a record of an area.
    pub(super) fn of(self, area: &str) -> &str {
        match self {
            Strata::Area => area,
            Strata::None => "",
        }
    }
}

/// A sample as announced, with what was added to it before some position.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub id: String,
    pub event: EventId,
    pub position: Position,
    pub recorded: Timestamp,
    pub actor: String,
    pub reason: Option<String>,
    pub leaf: Hash,
    pub campaign: Arc<Campaign>,
    pub indicator: String,
    pub area: Option<String>,
    pub size: u64,
    pub strata: Strata,
    pub draw_at: Timestamp,
    pub entropy: String,
    /// The note that seeds it, and the position of the event that says so.
    pub checkpoint: Option<(String, Position)>,
    /// The outside entropy, and the position of the event that says so.
    pub revealed: Option<(String, Position)>,
    /// The note that shows that witnesses knew the announcement, and the position of the event that says so.
    pub witnessed: Option<(String, Position)>,
    pub verifiers: Option<(String, Position)>,
    /// The events that cite the announcement.
    pub citing: Vec<Position>,
    /// How many events on the sample itself are known.
    pub added: usize,
    /// How many records had been voided.
    pub voids: usize,
}

/// What is drawn, by the indicator.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Measured<'a> {
    Records {
        of: &'a Population,
        essential: &'a [String],
        gone: Gone,
    },
    Places {
        of: &'a Population,
        children: &'a Children,
        rate: RosterRate,
    },
}

impl<'a> Measured<'a> {
    pub fn of(measure: &'a Measure) -> Option<Self> {
        match measure {
            Measure::Accuracy { of, essential, gone } => Some(Measured::Records {
                of,
                essential,
                gone: *gone,
            }),
            Measure::Roster { of, children, rate } => Some(Measured::Places {
                of,
                children,
                rate: *rate,
            }),
            _ => None,
        }
    }

    pub const fn population(self) -> &'a Population {
        match self {
            Measured::Records { of, .. } | Measured::Places { of, .. } => of,
        }
    }
}

impl Told {
    /// What is drawn. The announcement was judged by the same campaign.
    pub fn measured(&self) -> Measured<'_> {
        let indicator = self.campaign.indicator(&self.indicator);
        indicator
            .and_then(|indicator| Measured::of(&indicator.measure))
            .expect("an announcement names an indicator of the campaign that is measured by a sample")
    }

    /// The kind of who or what is listed at a place.
    pub fn kind<'a>(&'a self, children: &Children) -> &'a Kind {
        let kind = self.campaign.kind(&children.kind);
        kind.expect("the campaign was checked to have the kind of a roster")
    }

    pub fn freeze_day(&self) -> Day {
        self.campaign.zone.day_of(self.recorded)
    }

    /// Whether it draws what is in an area.
    pub fn covers(&self, area: &str) -> bool {
        let own = self.area.as_deref();
        own.is_none_or(|own| counts_in(&self.campaign.areas, area, own))
    }

    /// Whether whoever keeps the register could have steered it.
    pub fn is_steerable(&self) -> bool {
        matches!(Entropy::parse(&self.entropy), Ok(Entropy::None) | Err(_))
    }

    /// Whether it waits for what its announcement named: its checkpoint is held, and nothing has been revealed.
    pub fn is_waiting(&self) -> bool {
        self.checkpoint.is_some() && self.revealed.is_none() && !self.is_steerable()
    }

    /// The event that made the draw: visits come after it. Nobody can have gone where the seed sends them before.
    pub fn drawn_by(&self) -> Position {
        let held = self.checkpoint.as_ref().map_or(Position::ZERO, |(_, at)| *at);
        self.revealed.as_ref().map_or(held, |(_, at)| held.max(*at))
    }

    /// Whether an event can be a visit to what was drawn: it was entered, and seen, after the draw.
    pub fn is_visit(&self, event: &Event<'_>) -> bool {
        event.outcome.is_some() && event.position > self.drawn_by() && event.effective >= self.draw_at
    }

    fn announced(campaign: Arc<Campaign>, event: &Event<'_>, leaf: Hash, sample: &AnnouncedSample) -> Told {
        let value = |field: &str| {
            let changes = event.changes.iter();
            changes
                .filter(|change| change.field == field)
                .find_map(|change| change.after)
        };
        let text = |field: &str| match value(field) {
            Some(Value::Text(text)) => Some(text.to_owned()),
            _ => None,
        };
        let size = match value(SAMPLE_SIZE) {
            Some(Value::Integer(size)) => u64::try_from(size).unwrap_or(0),
            _ => 0,
        };
        let draw_at = text(SAMPLE_DRAW_AT).and_then(|text| Timestamp::parse(&text).ok());
        Told {
            id: sample.key.clone(),
            event: event.id,
            position: event.position,
            recorded: event.recorded,
            actor: event.actor.to_owned(),
            reason: event.reason.map(str::to_owned),
            leaf,
            campaign,
            indicator: text(SAMPLE_INDICATOR).unwrap_or_default(),
            area: text(SAMPLE_AREA),
            size,
            strata: text(SAMPLE_STRATA)
                .and_then(|word| Strata::parse(&word))
                .unwrap_or(Strata::None),
            draw_at: draw_at.unwrap_or(event.recorded),
            entropy: text(SAMPLE_ENTROPY).unwrap_or_default(),
            checkpoint: None,
            revealed: None,
            witnessed: None,
            verifiers: None,
            citing: Vec::new(),
            added: 0,
            voids: 0,
        }
    }

    /// Takes up a later event on the sample: what is added first stays.
    fn add(&mut self, event: &Event<'_>) {
        self.added += 1;
        for Change { field, after, .. } in &event.changes {
            let Some(Value::Text(text)) = after else { continue };
            let text = (*text).to_owned();
            match *field {
                SAMPLE_CHECKPOINT if self.checkpoint.is_none() => {
                    self.checkpoint = Some((text, event.position));
                }
                SAMPLE_REVEALED if self.revealed.is_none() => {
                    self.revealed = Some((text, event.position));
                }
                SAMPLE_WITNESSED if self.witnessed.is_none() => {
                    self.witnessed = Some((text, event.position));
                }
                SAMPLE_VERIFIERS if self.verifiers.is_none() => self.verifiers = Some((text, event.position)),
                _ => {}
            }
        }
    }
}

/// The name of a sample's record.
///
/// # Errors
/// `BAD_KEY` of the command's own kind: the id is no key.
pub(crate) fn record_of(id: &str) -> Result<RecordName, EngineError> {
    RecordName::new(SAMPLE_KIND, id).map_err(|error| {
        let name = RecordName::new(SAMPLE_KIND, "?").expect("a kind and a plain key are a name");
        EngineError::Rejected {
            index: None,
            record: name,
            rejection: shilu_model::Rejection::BadValue {
                field: "id".to_owned(),
                problem: error.to_string(),
            },
        }
    })
}

impl Engine {
    /// A sample as known before a position.
    ///
    /// # Errors
    /// `NO_RECORD`, and what the log says.
    pub(crate) fn told(&self, id: &str, end: Position) -> Result<Told, EngineError> {
        let found = {
            let projections = self.read();
            let trail = projections.trail();
            let sample = trail.samples.find(id).filter(|sample| sample.position < end);
            sample.cloned().map(|sample| {
                let campaign = Arc::clone(projections.subjects.campaign(sample.position));
                (sample, campaign, trail.samples.voids_before(end))
            })
        };
        let Some((sample, campaign, voids)) = found else {
            let name = record_of(id)?;
            return Err(EngineError::NoRecord { name });
        };
        let added = sample.added.partition_point(|position| *position < end);
        let kept = self.shared.samples.lock();
        let known = kept.get(&sample.position).and_then(|kept| kept.told.get(&added));
        drop(kept);
        let mut told = match known {
            Some(told) => (*told).clone(),
            None => {
                let stored = self.stored(sample.position)?;
                let leaf = Hash::leaf(stored.bytes());
                let mut told = Told::announced(campaign, &stored.event(), leaf, &sample);
                for position in sample.added.iter().take(added) {
                    told.add(&self.stored(*position)?.event());
                }
                let mut kept = self.shared.samples.lock();
                let kept = kept.entry(told.position).or_default();
                kept.told.keep(added, Arc::new(told.clone()));
                told
            }
        };
        told.citing = sample.citing;
        told.citing.retain(|position| *position < end);
        told.voids = voids;
        Ok(told)
    }

    /// What the log says of a sample now.
    pub(crate) fn told_now(&self, id: &str) -> Result<Told, EngineError> {
        let end = self.read().end();
        self.told(id, end)
    }

    /// The ids of all samples before a position, or of those of one indicator, newest first.
    pub(crate) fn sample_ids(&self, indicator: Option<&str>, end: Position) -> Vec<String> {
        let projections = self.read();
        let trail = projections.trail();
        let known = trail.samples.iter().rev();
        let wanted = |of: &str| indicator.is_none_or(|indicator| indicator == of);
        known
            .filter(|sample| sample.position < end && wanted(&sample.indicator))
            .map(|sample| sample.key.clone())
            .collect()
    }
}
