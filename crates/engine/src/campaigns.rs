//! The campaigns of a register, each in force from a position on. The writer names the next one when it takes its event;
//! whoever folds, publishes or answers chooses by position, so that no lock has to be held across threads.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use sha2::{Digest, Sha256};
use shilu_log::Log;
use shilu_model::{Action, CAMPAIGN_BYTES_MAX, Campaign, Event, Position, decode, setting};
use shilu_projections::{Dimension, Projections, hexadecimal};

use crate::{bounded, error::EngineError, evidence::Files, folder::write_synced};

/// A campaign with the text that it was compiled from.
#[derive(Clone, Debug)]
pub(crate) struct Attached {
    pub campaign: Arc<Campaign>,
    pub text: Arc<str>,
}

/// The campaigns, each with the first position that is judged by it; the first of them from the beginning.
#[derive(Debug)]
pub(crate) struct Campaigns(RwLock<Vec<(Position, Attached)>>);

impl Campaigns {
    pub fn new(first: Attached) -> Self {
        Campaigns(RwLock::new(vec![(Position::ZERO, first)]))
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<(Position, Attached)>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The campaign by which the event at a position is judged.
    pub fn at(&self, position: Position) -> Attached {
        let campaigns = self.read();
        let begun = campaigns.partition_point(|(from, _)| *from <= position);
        let last = begun.checked_sub(1).and_then(|last| campaigns.get(last));
        let (_, attached) = last.expect("the first campaign is in force from the first position");
        attached.clone()
    }

    /// All campaigns that there ever were, the oldest first.
    pub fn all(&self) -> Vec<Arc<Campaign>> {
        let campaigns = self.read();
        let campaigns = campaigns.iter();
        campaigns
            .map(|(_, attached)| Arc::clone(&attached.campaign))
            .collect()
    }

    /// Another campaign is in force from a position on, which comes after all that begun before.
    pub fn begin(&self, from: Position, attached: Attached) {
        let mut campaigns = self.0.write().unwrap_or_else(PoisonError::into_inner);
        campaigns.push((from, attached));
    }

    /// The event that would have begun a campaign at a position was not taken after all.
    pub fn take_back(&self, from: Position) {
        let mut campaigns = self.0.write().unwrap_or_else(PoisonError::into_inner);
        campaigns.pop_if(|(begun, _)| *begun == from);
    }

    /// Begins the campaigns of a set that was loaded, which has passed the events that named them.
    pub fn recall(&self, dir: &Path, log: &Log, projections: &mut Projections) -> Result<(), EngineError> {
        let filters = [
            (Dimension::Field, vec![setting::CAMPAIGN]),
            (Dimension::Action, vec![Action::Configure.word()]),
        ];
        let first = Position::ZERO.next();
        let end = projections.end();
        let mut positions = projections
            .trail()
            .changes
            .newest(&filters, first, end, usize::MAX);
        positions.reverse();
        for position in positions {
            let bytes = log.read(position)?.ok_or(EngineError::NoPosition { position })?;
            let event = decode(&bytes).map_err(|error| EngineError::Undecodable {
                position,
                problem: error.to_string(),
            })?;
            if let Some(hash) = named_by(&event) {
                let attached = read(dir, hash)?;
                let campaign = Arc::clone(&attached.campaign);
                projections.subjects.begin_era(position.next(), campaign);
                self.begin(position.next(), attached);
            }
        }
        Ok(())
    }
}

/// The SHA-256 of the campaign that an event puts in the place of another one. The first event replaces none.
pub(crate) fn named_by<'e>(event: &Event<'e>) -> Option<&'e str> {
    let later = event.is_administrative() && event.position > Position::ZERO;
    later.then(|| setting::set_by(event, setting::CAMPAIGN))??
}

/// The SHA-256 by which the log names a campaign.
pub(crate) fn hash_of(text: &str) -> String {
    let sha256: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    hexadecimal(&sha256)
}

/// Writes a campaign's text where the register reads it and where auditors do, durably, before its event is written: a
/// crash in between leaves a file that nobody names.
pub(crate) fn attach(dir: &Path, text: &str) -> Result<(), EngineError> {
    let hash = hash_of(text);
    let mirrored = Files::new(dir).mirror().join("attachments");
    for folder in [dir.join("attachments"), mirrored] {
        let path = folder.join(&hash);
        // One that is there may be read at this moment, and is needed for ever.
        if !fs::read(&path).is_ok_and(|held| held == text.as_bytes()) {
            write_synced(&path, text.as_bytes())?;
        }
    }
    Ok(())
}

/// Reads the campaign that the log names by its SHA-256.
///
/// # Errors
/// `CAMPAIGN_MISSING`, `CAMPAIGN_CHANGED`, `IO`; `BAD_CAMPAIGN` where only another version of shilu understands it.
pub(crate) fn read(dir: &Path, hash: &str) -> Result<Attached, EngineError> {
    let path = dir.join("attachments").join(hash);
    let bytes = match bounded::read(&path, CAMPAIGN_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(EngineError::CampaignMissing { path });
        }
        Err(error) => return Err(EngineError::io("read the campaign", &path, error)),
    };
    let sha256: [u8; 32] = Sha256::digest(&bytes).into();
    if hexadecimal(&sha256) != hash || bytes.len() > CAMPAIGN_BYTES_MAX {
        return Err(EngineError::CampaignChanged { path });
    }
    let text = String::from_utf8(bytes).map_err(|_| EngineError::CampaignChanged { path })?;
    let campaign = Campaign::parse(&text).map_err(EngineError::BadCampaign)?;
    Ok(Attached {
        campaign: Arc::new(campaign),
        text: text.into(),
    })
}
