//! What a campaign may become while its register goes on. The past is judged, and counted, by the campaign that it had;
//! but a record keeps its kind, its fields and its area for ever, so a later campaign must still know them.

use thiserror::Error;

use super::{Campaign, Field, Kind};
use crate::field_type::FieldType;

/// Why a campaign cannot follow another one: `CAMPAIGN_CHANGE`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CampaignChangeError {
    /// The log's name is fixed by its first event.
    #[error("the origin would become {new:?}, and the log is named {old:?} for ever")]
    Origin {
        /// What it is.
        old: String,
        /// What it would be.
        new: String,
    },
    /// What is kept by day would be of other days.
    #[error("the timezone would become {new}; every figure is kept by the days of {old}")]
    Timezone {
        /// What it is.
        old: String,
        /// What it would be.
        new: String,
    },
    /// Its records would be of no kind.
    #[error("the kind {kind:?} would be gone")]
    KindGone {
        /// Its id.
        kind: String,
    },
    /// Its records would have other names.
    #[error("the key of the kind {kind:?} would no longer be {old:?}")]
    KeyField {
        /// Its id.
        kind: String,
        /// The field that is the key.
        old: String,
    },
    /// Its records would always have been elsewhere.
    #[error("the area of the kind {kind:?} would no longer be {}", old.as_deref().map_or("none".to_owned(), |old| format!("{old:?}")))]
    AreaField {
        /// Its id.
        kind: String,
        /// The field that holds the area, if one does.
        old: Option<String>,
    },
    /// Its values would be of no field.
    #[error("the field {kind}.{field} would be gone")]
    FieldGone {
        /// The kind.
        kind: String,
        /// The field.
        field: String,
    },
    /// Its values would be of another type.
    #[error("the field {kind}.{field} would be of the type {new:?} instead of {old:?}")]
    FieldType {
        /// The kind.
        kind: String,
        /// The field.
        field: String,
        /// The type that it has.
        old: &'static str,
        /// The type that it would have.
        new: &'static str,
    },
    /// A value of the past could no longer be held, or named in a condition.
    #[error("the field {kind}.{field} would no longer take {value:?}")]
    ValueGone {
        /// The kind.
        kind: String,
        /// The field.
        field: String,
        /// The choice, or the kind that a reference may name.
        value: String,
    },
    /// What was promised to be sealed, or was written in the open, stays so.
    #[error("the field {kind}.{field} would {} personal", if *.old { "no longer be" } else { "become" })]
    Personal {
        /// The kind.
        kind: String,
        /// The field.
        field: String,
        /// Whether it is personal.
        old: bool,
    },
    /// Its records would be counted nowhere.
    #[error("the area {area:?} would be gone")]
    AreaGone {
        /// Its id.
        area: String,
    },
}

impl Campaign {
    /// Whether this campaign can follow `old` in a register that goes on. All that is not named by an error may change:
    /// kinds, fields, values and areas may be added; titles, rules for later commands (`required`, `at_most`, `earliest`,
    /// `signed_roles`), areas' days and parents, phases, indicators, targets, the ranking and the witnesses may change.
    ///
    /// # Errors
    /// The first thing that the past cannot bear.
    ///
    /// ```
    /// use shilu_model::Campaign;
    /// let text = "name = \"Village\"\norigin = \"example.org/village\"\ntimezone = \"UTC\"\nearliest = 2000-01-01\n\
    ///     [[kinds]]\nid = \"dwelling\"\nkey = \"code\"\n[kinds.fields]\ncode = { type = \"text\", required = true }\n";
    /// let old = Campaign::parse(text).unwrap();
    /// let more = Campaign::parse(&format!("{text}rooms = {{ type = \"integer\" }}\n")).unwrap();
    /// assert!(more.check_change(&old).is_ok());
    /// assert_eq!(old.check_change(&more).unwrap_err().to_string(), "the field dwelling.rooms would be gone");
    /// ```
    pub fn check_change(&self, old: &Campaign) -> Result<(), CampaignChangeError> {
        if self.origin != old.origin {
            let (old, new) = (old.origin.clone(), self.origin.clone());
            return Err(CampaignChangeError::Origin { old, new });
        }
        if self.zone != old.zone {
            let (old, new) = (old.zone.to_string(), self.zone.to_string());
            return Err(CampaignChangeError::Timezone { old, new });
        }
        for kind in &old.kinds {
            let new = self.kinds.iter().find(|new| new.id == kind.id);
            let gone = || CampaignChangeError::KindGone {
                kind: kind.id.clone(),
            };
            new.ok_or_else(gone)?.check_change(kind)?;
        }
        match old.areas.iter().find(|area| self.areas.get(&area.id).is_none()) {
            Some(area) => Err(CampaignChangeError::AreaGone {
                area: area.id.clone(),
            }),
            None => Ok(()),
        }
    }
}

impl Kind {
    fn check_change(&self, old: &Kind) -> Result<(), CampaignChangeError> {
        let kind = || self.id.clone();
        if self.key != old.key {
            let (kind, old) = (kind(), old.key.clone());
            return Err(CampaignChangeError::KeyField { kind, old });
        }
        if self.area != old.area {
            let (kind, old) = (kind(), old.area.clone());
            return Err(CampaignChangeError::AreaField { kind, old });
        }
        old.fields
            .iter()
            .try_for_each(|field| match self.field(&field.id) {
                Some(new) => new.check_change(field, &self.id),
                None => Err(CampaignChangeError::FieldGone {
                    kind: kind(),
                    field: field.id.clone(),
                }),
            })
    }
}

impl Field {
    fn check_change(&self, old: &Field, kind: &str) -> Result<(), CampaignChangeError> {
        let (kind, field) = (kind.to_owned(), self.id.clone());
        let lost = match (&old.field_type, &self.field_type) {
            (FieldType::Choice(old), FieldType::Choice(new))
            | (FieldType::Reference(old), FieldType::Reference(new)) => {
                old.iter().find(|value| !new.contains(value))
            }
            (old, new) if old == new => None,
            (old, new) => {
                return Err(CampaignChangeError::FieldType {
                    kind,
                    field,
                    old: old.word(),
                    new: new.word(),
                });
            }
        };
        if let Some(value) = lost.cloned() {
            return Err(CampaignChangeError::ValueGone { kind, field, value });
        }
        if self.personal != old.personal {
            let old = old.personal;
            return Err(CampaignChangeError::Personal { kind, field, old });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"name = "Village"
origin = "example.org/village"
timezone = "UTC"
earliest = 2000-01-01
[[areas]]
id = "parish"
from = 2000-01-01
[[areas]]
id = "north"
parent = "parish"
from = 2000-01-01
[[kinds]]
id = "dwelling"
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true }
area = { type = "area" }
spare = { type = "area" }
use = { type = "choice", values = ["own", "rental"] }
beside = { type = "reference", kinds = ["dwelling", "shop"] }
rooms = { type = "integer" }
owner = { type = "text", personal = true }
[[kinds]]
id = "shop"
key = "code"
[kinds.fields]
code = { type = "text", required = true }
sign = { type = "text", required = true }
[[kinds]]
id = "mill"
key = "code"
[kinds.fields]
code = { type = "text", required = true }
"#;

    fn changed(from: &str, to: &str) -> Result<(), CampaignChangeError> {
        assert!(OLD.contains(from), "{from}");
        let new = Campaign::parse(&OLD.replacen(from, to, 1)).unwrap();
        new.check_change(&Campaign::parse(OLD).unwrap())
    }

    #[track_caller]
    fn refused(from: &str, to: &str, words: &str) {
        assert_eq!(changed(from, to).unwrap_err().to_string(), words);
    }

    #[test]
    fn what_the_past_cannot_bear_is_refused() {
        refused(
            "example.org/village",
            "example.org/town",
            "the origin would become \"example.org/town\", and the log is named \"example.org/village\" for ever",
        );
        refused(
            "\"UTC\"",
            "\"Europe/Berlin\"",
            "the timezone would become Europe/Berlin; every figure is kept by the days of UTC",
        );
        refused(
            "id = \"mill\"",
            "id = \"mills\"",
            "the kind \"mill\" would be gone",
        );
        refused(
            "key = \"code\"\n[kinds.fields]",
            "key = \"sign\"\n[kinds.fields]",
            "the key of the kind \"shop\" would no longer be \"code\"",
        );
        let area = "the area of the kind \"dwelling\" would no longer be \"area\"";
        refused("area = \"area\"\n", "area = \"spare\"\n", area);
        refused("area = \"area\"\n", "", area);
        refused(
            "key = \"code\"\n[kinds.fields]",
            "key = \"code\"\narea = \"place\"\n[kinds.fields]\nplace = { type = \"area\" }",
            "the area of the kind \"shop\" would no longer be none",
        );
        refused(
            "rooms = { type = \"integer\" }\n",
            "",
            "the field dwelling.rooms would be gone",
        );
        refused(
            "\"integer\"",
            "\"decimal\"",
            "the field dwelling.rooms would be of the type \"decimal\" instead of \"integer\"",
        );
        refused(
            "\"own\", \"rental\"",
            "\"own\"",
            "the field dwelling.use would no longer take \"rental\"",
        );
        refused(
            "\"dwelling\", \"shop\"",
            "\"dwelling\"",
            "the field dwelling.beside would no longer take \"shop\"",
        );
        refused(
            ", personal = true",
            "",
            "the field dwelling.owner would no longer be personal",
        );
        refused(
            "rooms = { type = \"integer\"",
            "rooms = { type = \"integer\", personal = true",
            "the field dwelling.rooms would become personal",
        );
        refused(
            "id = \"north\"",
            "id = \"nord\"",
            "the area \"north\" would be gone",
        );
    }

    #[test]
    fn what_is_added_or_rules_the_future_may_change() {
        for (from, to) in [
            ("\"Village\"", "\"Our village\""),
            (
                "2000-01-01\n[[areas]]",
                "2015-04-01\nsigned_roles = [\"verifier\"]\n[[areas]]",
            ),
            ("2000-01-01\n[[areas]]", "1990-01-01\n[[areas]]"),
            (
                "parent = \"parish\"\nfrom = 2000-01-01",
                "parent = \"parish\"\nfrom = 2001-01-01\nuntil = 2020-01-01\n[[areas]]\nid = \"south\"\nparent = \"parish\"\nfrom = 2020-01-01",
            ),
            ("\"own\", \"rental\"", "\"rental\", \"lodging\", \"own\""),
            ("\"dwelling\", \"shop\"", "\"shop\", \"dwelling\""),
            (
                "rooms = { type = \"integer\" }",
                "rooms = { type = \"integer\", required = true, title = { en = \"Rooms\" } }\nbeds = { type = \"integer\", at_most = \"rooms\" }",
            ),
            (
                "[[kinds]]\nid = \"shop\"",
                "[[kinds]]\nid = \"inn\"\nkey = \"id\"\n[kinds.fields]\nid = { type = \"text\", required = true }\n[[kinds]]\nid = \"shop\"",
            ),
        ] {
            assert_eq!(changed(from, to), Ok(()), "{to}");
        }
    }
}
