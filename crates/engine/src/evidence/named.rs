//! What a log names: its keys and campaigns, each from the event that sets it.

use shilu_log::Log;
use shilu_model::{Event, Position, decode, setting};

use crate::error::EngineError;

/// The keys and campaigns that a log names, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// Each with its position.
    pub keys: Vec<(u64, String)>,
    /// The SHA-256 of each campaign in hexadecimal, as far as it is one.
    pub campaigns: Vec<String>,
}

impl Named {
    /// What a whole log names.
    pub fn by(log: &Log) -> Result<Named, EngineError> {
        let mut named = Named::default();
        for chunk in log.scan(Position::ZERO, log.end()) {
            for (_, bytes) in chunk?.iter() {
                named.note(bytes);
            }
        }
        Ok(named)
    }

    /// Takes up the next stored event. One that cannot be read names nothing: whoever judges events refuses it.
    pub fn note(&mut self, entry: &[u8]) {
        let Ok(event) = decode(entry) else { return };
        if !event.is_administrative() {
            return;
        }
        if let Some(Some(key)) = setting::set_by(&event, setting::KEY) {
            self.keys.push((event.position.get(), key.to_owned()));
        }
        if let Some(hash) = campaign(&event) {
            self.campaigns.push(hash.to_owned());
        }
    }

    /// The key that was named last.
    pub fn key(&self) -> &str {
        self.keys.last().map_or("", |(_, key)| key)
    }
}

fn campaign<'a>(event: &Event<'a>) -> Option<&'a str> {
    let hash = setting::set_by(event, setting::CAMPAIGN)??;
    is_sha256(hash).then_some(hash)
}

/// Whether a name is a SHA-256 in hexadecimal, and so leads nowhere else.
pub(crate) fn is_sha256(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
