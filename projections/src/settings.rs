//! Settings: what the events on the register itself have set, such as its clock and its campaign.

use std::{collections::BTreeMap, io};

use shilu_model::{Event, Value};

use crate::bytes::{Loader, Saver, malformed};

/// The register's own fields.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    texts: BTreeMap<String, String>,
    /// How many events on the register itself there were.
    version: u32,
}

impl Settings {
    /// Adds an event; only those on the register itself count.
    pub fn apply(&mut self, event: &Event<'_>) {
        if !event.is_administrative() {
            return;
        }
        self.version = event.version;
        for change in &event.changes {
            match change.after {
                Some(Value::Text(text)) => self.texts.insert(change.field.to_owned(), text.to_owned()),
                _ => self.texts.remove(change.field),
            };
        }
    }

    /// The value of a setting.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.texts.get(field).map(String::as_str)
    }

    /// How many events on the register itself there were.
    pub fn version(&self) -> u32 {
        self.version
    }

    pub(crate) fn save(&self, saver: &mut Saver<'_>) -> io::Result<()> {
        saver.number(u64::from(self.version))?;
        saver.count(self.texts.len())?;
        self.texts.iter().try_for_each(|(field, text)| {
            saver.bytes(field.as_bytes())?;
            saver.bytes(text.as_bytes())
        })
    }

    pub(crate) fn load(loader: &mut Loader<'_>) -> io::Result<Self> {
        let mut settings = Settings {
            version: loader.number_u32()?,
            ..Settings::default()
        };
        let text = |loader: &mut Loader<'_>| String::from_utf8(loader.bytes()?).map_err(|_| malformed());
        for _ in 0..loader.count()? {
            settings.texts.insert(text(loader)?, text(loader)?);
        }
        Ok(settings)
    }
}
