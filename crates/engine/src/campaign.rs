//! Changing the campaign, as an event; and which text was in force when.

use std::sync::Arc;

use shilu_model::{Campaign, Position};

use crate::{
    campaigns::{Attached, attach},
    engine::Engine,
    error::EngineError,
    evidence::Because,
    folder::parse_campaign,
    query::At,
    writing::Setting,
};

impl Engine {
    /// The text of the campaign in force, as it was given.
    pub fn campaign_text(&self) -> Arc<str> {
        self.shared.campaigns.at(*self.shared.folded.borrow()).text
    }

    /// The text of the campaign that was in force as known at a pair of times.
    pub fn campaign_text_at(&self, at: At) -> Arc<str> {
        self.shared.campaigns.at(at.known_end).text
    }

    /// Whether an area is one that a campaign declares, or ever did; any is, where a campaign declared none.
    pub fn has_had_area(&self, id: &str) -> bool {
        let campaigns = self.shared.campaigns.all();
        campaigns
            .iter()
            .any(|campaign| campaign.areas.is_empty() || campaign.areas.get(id).is_some())
    }

    /// Reads a campaign, and checks whether it can follow the one in force. Changes nothing.
    ///
    /// # Errors
    /// `BAD_CAMPAIGN`, `PERSONAL_NOT_PROTECTED`, `CAMPAIGN_CHANGE`.
    pub fn check_campaign(&self, text: &str) -> Result<Campaign, EngineError> {
        let new = parse_campaign(text, self.shared.info.simulated)?;
        // One that came into force before more was asked may go on as it is.
        if Campaign::parse_new(&self.campaign_text()).is_ok() {
            Campaign::parse_new(text).map_err(EngineError::BadCampaign)?;
        }
        new.check_change(&self.campaign())
            .map_err(EngineError::CampaignChange)?;
        Ok(new)
    }

    /// Changes the campaign, as an event; returns its position. What is taken from the next position on is judged, and
    /// what is known from there on is counted, by the new one; the past keeps the campaign that it had.
    ///
    /// # Errors
    /// `BAD_VALUE` of actor or reason; what [`Engine::check_campaign`] says; `SETTING_UNCHANGED` where it is in force already; and what
    /// [`Engine::submit`] says. Nothing is changed then.
    pub fn change_campaign(&self, text: &str, because: Because<'_>) -> Result<Position, EngineError> {
        because.check()?;
        let campaign = Arc::new(self.check_campaign(text)?);
        // Not into a folder that another process has open by now.
        self.writable()?;
        attach(&self.shared.dir, text)?;
        let text = text.into();
        self.set(Setting::Campaign(Attached { campaign, text }), because)
    }
}
