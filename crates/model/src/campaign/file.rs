//! The campaign file as written: its shape alone, with the place of everything that a check may complain about.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, value::MapAccessDeserializer},
};
use toml::{Spanned, value::Datetime};

use super::kinds::Title;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CampaignFile {
    pub name: Spanned<String>,
    pub origin: Spanned<String>,
    pub timezone: Spanned<String>,
    pub earliest: Spanned<Datetime>,
    #[serde(default)]
    pub sets: Entries<SetFile>,
    pub ranking: Option<RankingFile>,
    #[serde(default)]
    pub phases: Vec<PhaseFile>,
    #[serde(default)]
    pub areas: Vec<AreaFile>,
    pub kinds: Spanned<Vec<KindFile>>,
    #[serde(default)]
    pub indicators: Vec<IndicatorFile>,
    pub signed_roles: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    pub witnesses: Vec<WitnessFile>,
    pub quorum: Option<Spanned<usize>>,
}

/// The values of a set.
pub(super) type SetFile = Spanned<Vec<Spanned<String>>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WitnessFile {
    pub key: Spanned<String>,
    pub url: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RankingFile {
    pub months: Spanned<Vec<Spanned<String>>>,
    pub min_population: Spanned<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PhaseFile {
    pub id: Spanned<String>,
    pub from: Spanned<Datetime>,
    pub until: Spanned<Datetime>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AreaFile {
    pub id: Spanned<String>,
    #[serde(default)]
    pub title: Title,
    pub parent: Option<Spanned<String>>,
    pub from: Spanned<Datetime>,
    pub until: Option<Spanned<Datetime>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KindFile {
    pub id: Spanned<String>,
    #[serde(default)]
    pub title: Title,
    pub key: Spanned<String>,
    pub area: Option<Spanned<String>>,
    pub fields: Entries<FieldFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldFile {
    #[serde(rename = "type")]
    pub type_name: Spanned<String>,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub essential: bool,
    #[serde(default)]
    pub personal: bool,
    #[serde(default)]
    pub title: Title,
    #[serde(default)]
    pub columns: Vec<Spanned<String>>,
    pub normal: Option<Spanned<String>>,
    pub at_most: Option<Spanned<String>>,
    pub values: Option<SetFile>,
    pub kind: Option<Spanned<String>>,
    pub kinds: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IndicatorFile {
    pub id: Spanned<String>,
    #[serde(default)]
    pub title: Title,
    pub measure: Spanned<String>,
    pub of: Option<Spanned<String>>,
    #[serde(rename = "where")]
    pub conditions: Option<Spanned<TestsFile>>,
    pub count: Option<Spanned<String>>,
    pub list: Option<Spanned<ListFile>>,
    pub having: Option<Spanned<TestsFile>>,
    pub referred: Option<Spanned<ReferredFile>>,
    pub touched: Option<Spanned<TouchedFile>>,
    pub complete: Option<Spanned<bool>>,
    pub numerator: Option<Spanned<String>>,
    pub denominator: Option<Spanned<String>>,
    pub latest: Option<Spanned<LatestFile>>,
    pub left: Option<Spanned<SideFile>>,
    pub right: Option<Spanned<SideFile>>,
    pub gone: Option<Spanned<String>>,
    pub roster: Option<Spanned<RosterFile>>,
    #[serde(default)]
    pub targets: Vec<TargetFile>,
}

/// Fields, or paths to them, and what they are compared with.
pub(super) type TestsFile = Entries<Spanned<TestFile>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListFile {
    pub system: Spanned<String>,
    pub by: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReferredFile {
    pub by: Spanned<String>,
    #[serde(rename = "where", default)]
    pub conditions: TestsFile,
    pub exactly: Option<Spanned<TestFile>>,
    pub at_least: Option<Spanned<TestFile>>,
    pub touched: Option<TouchedFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TouchedFile {
    pub days: Spanned<i64>,
    pub actions: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub on_site: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LatestFile {
    pub per: Spanned<String>,
    pub days: Spanned<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SideFile {
    pub of: Spanned<String>,
    #[serde(rename = "where", default)]
    pub conditions: TestsFile,
    pub key: Spanned<String>,
    pub value: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RosterFile {
    pub of: Spanned<String>,
    pub rate: Spanned<String>,
    pub grace_days: Option<Spanned<i64>>,
    pub window_days: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetFile {
    pub by: Spanned<Datetime>,
    pub value: Spanned<TestFile>,
    #[serde(default)]
    pub stretch: bool,
    #[serde(default = "yes")]
    pub stated: bool,
}

fn yes() -> bool {
    true
}

/// A table with keys of the author's own, in the file's order.
pub(super) struct Entries<T>(pub Vec<(Spanned<String>, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Entries(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Entries<T>, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Visitor(std::marker::PhantomData))
    }
}

/// What a field is compared with: a value, a list of values, or `{ live = true }`.
pub(super) enum TestFile {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Date(Datetime),
    List(Vec<Spanned<TestFile>>),
    Table(toml::Table),
}

impl<'de> Deserialize<'de> for TestFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = TestFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value, a list of values, or { live = true }")
            }

            fn visit_str<E>(self, text: &str) -> Result<TestFile, E> {
                Ok(TestFile::Text(text.to_owned()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<TestFile, E> {
                Ok(TestFile::Integer(number))
            }

            fn visit_f64<E>(self, number: f64) -> Result<TestFile, E> {
                Ok(TestFile::Float(number))
            }

            fn visit_bool<E>(self, truth: bool) -> Result<TestFile, E> {
                Ok(TestFile::Boolean(truth))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<TestFile, S::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    list.push(item);
                }
                Ok(TestFile::List(list))
            }

            // A date arrives as a table too; the library's own value knows how to tell them apart.
            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<TestFile, M::Error> {
                match toml::Value::deserialize(MapAccessDeserializer::new(map))? {
                    toml::Value::Datetime(date) => Ok(TestFile::Date(date)),
                    toml::Value::Table(table) => Ok(TestFile::Table(table)),
                    _ => Err(serde::de::Error::custom("expected a date or a table")),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
