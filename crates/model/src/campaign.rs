//! The campaign: which kinds of records there are and which fields they have. A TOML file, checked when loaded.

use std::{collections::BTreeSet, fmt, ops::Range};

use serde::{Deserialize, Deserializer, de::MapAccess};
use thiserror::Error;
use toml::Spanned;

use crate::{
    event::Action,
    field_type::FieldType,
    time::{Day, Timestamp, Zone},
};

/// A campaign, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// What people call it.
    pub name: String,
    /// The log's name in checkpoints, such as `example.org/divisions`.
    pub origin: String,
    /// The zone that decides what a day is.
    pub zone: Zone,
    /// No fact may take effect earlier.
    pub earliest: Timestamp,
    /// The kinds, in the file's order.
    pub kinds: Vec<Kind>,
    /// In which roles an actor must sign.
    pub signed_roles: BTreeSet<Role>,
    /// Who is asked to cosign checkpoints.
    pub witnesses: Vec<Witness>,
    /// How many of them must have cosigned a checkpoint before it is published.
    pub quorum: usize,
}

/// A witness that the register asks to cosign its checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Its public key as a vkey of cosignatures. Only its form is checked here.
    pub key: String,
    /// Where it listens: the submission prefix of C2SP `tlog-witness`.
    pub url: String,
}

/// In which capacity somebody acts; an action belongs to one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Collects and corrects.
    Collector,
    /// Registers and deregisters.
    Registrar,
    /// Verifies.
    Verifier,
}

impl Role {
    const ALL: [Role; 3] = [Role::Collector, Role::Registrar, Role::Verifier];

    /// The role that an action on a record belongs to.
    pub const fn of(action: Action) -> Option<Role> {
        match action {
            Action::Collect | Action::Correct => Some(Role::Collector),
            Action::Register | Action::Deregister => Some(Role::Registrar),
            Action::Verify => Some(Role::Verifier),
            Action::Configure | Action::Appoint | Action::Dismiss | Action::Erase => None,
        }
    }

    /// The word for it in a campaign.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Collector => "collector",
            Role::Registrar => "registrar",
            Role::Verifier => "verifier",
        }
    }
}

/// A kind of record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its id, the first part of a record's name.
    pub id: String,
    /// Its title.
    pub title: Title,
    /// The field that is the record's key.
    pub key: String,
    /// The field that holds the record's area.
    pub area: Option<String>,
    /// The fields, in the file's order.
    pub fields: Vec<Field>,
}

/// A field of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its id.
    pub id: String,
    /// What it may hold.
    pub field_type: FieldType,
    /// Whether a record must always have a value.
    pub required: bool,
    /// Whether it is sealed under the record's own key.
    pub personal: bool,
    /// Its title.
    pub title: Title,
}

/// A title in both languages; either may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// English.
    pub en: Option<String>,
    /// 中文.
    pub zh: Option<String>,
}

/// A campaign file that makes no sense: `BAD_CAMPAIGN`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct CampaignError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
}

/// Largest campaign file in bytes: fifty times the largest we know.
pub const CAMPAIGN_BYTES_MAX: usize = 1 << 20;
/// Most kinds of a campaign, and most fields of a kind: a form that nobody could fill is a mistake.
pub const KINDS_MAX: usize = 256;
/// See [`KINDS_MAX`].
pub const FIELDS_MAX: usize = 256;
/// Most witnesses of a campaign: each is asked at every checkpoint.
pub const WITNESSES_MAX: usize = 16;
/// Longest id of a kind or field in bytes.
pub const ID_BYTES_MAX: usize = 64;

impl Campaign {
    /// Reads and checks a campaign file.
    ///
    /// ```
    /// use shilu_model::Campaign;
    /// let error = Campaign::parse("name = \"Divisions\"\norigins = \"example.org\"\n").unwrap_err();
    /// assert_eq!((error.line, error.column), (2, 1));
    /// ```
    pub fn parse(text: &str) -> Result<Self, CampaignError> {
        if text.len() > CAMPAIGN_BYTES_MAX {
            return Err(CampaignError::at(
                text,
                0..0,
                format!("the file is larger than {CAMPAIGN_BYTES_MAX} bytes"),
            ));
        }
        let file: CampaignFile = toml::from_str(text).map_err(|error| {
            CampaignError::at(text, error.span().unwrap_or(0..0), error.message().to_owned())
        })?;
        file.check()
            .map_err(|(span, problem)| CampaignError::at(text, span, problem))
    }

    /// A kind by its id.
    pub fn kind(&self, id: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.id == id)
    }

    /// The first personal field, as (kind, field).
    pub fn personal_field(&self) -> Option<(&str, &str)> {
        self.kinds.iter().find_map(|kind| {
            let field = kind.fields.iter().find(|field| field.personal)?;
            Some((kind.id.as_str(), field.id.as_str()))
        })
    }
}

impl Kind {
    /// A field by its id.
    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }
}

impl Title {
    /// The title in Chinese or, failing that, in English.
    pub fn zh(&self) -> Option<&str> {
        self.zh.as_deref().or(self.en.as_deref())
    }
}

// ---- the file as written

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CampaignFile {
    name: Spanned<String>,
    origin: Spanned<String>,
    timezone: Spanned<String>,
    earliest: Spanned<toml::value::Datetime>,
    kinds: Spanned<Vec<KindFile>>,
    signed_roles: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    witnesses: Vec<WitnessFile>,
    quorum: Option<Spanned<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WitnessFile {
    key: Spanned<String>,
    url: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindFile {
    id: Spanned<String>,
    #[serde(default)]
    title: Title,
    key: Spanned<String>,
    area: Option<Spanned<String>>,
    fields: FieldsFile,
}

/// The fields, in the file's order.
struct FieldsFile(Vec<(Spanned<String>, FieldFile)>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldFile {
    #[serde(rename = "type")]
    type_name: Spanned<String>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    personal: bool,
    #[serde(default)]
    title: Title,
    values: Option<Spanned<Vec<String>>>,
    kind: Option<Spanned<String>>,
    kinds: Option<Spanned<Vec<String>>>,
}

impl<'de> Deserialize<'de> for FieldsFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = FieldsFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of fields")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<FieldsFile, M::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(FieldsFile(fields))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

// ---- the checks

type Checked<T> = Result<T, (Range<usize>, String)>;

fn wrong<T, V>(place: &Spanned<V>, problem: impl Into<String>) -> Checked<T> {
    Err((place.span(), problem.into()))
}

impl CampaignFile {
    fn check(self) -> Checked<Campaign> {
        if self.name.get_ref().trim().is_empty() {
            return wrong(&self.name, "the name is empty");
        }
        let origin = self.origin.get_ref();
        if origin.is_empty() || origin.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+') {
            return wrong(
                &self.origin,
                "the origin must be a name without spaces or +, such as example.org/register",
            );
        }
        if origin.ends_with("/simulated") || origin.ends_with("/access") {
            return wrong(&self.origin, "the endings /simulated and /access are reserved");
        }
        let zone = Zone::parse(self.timezone.get_ref())
            .map_err(|error| (self.timezone.span(), error.to_string()))?;
        let earliest = self.earliest.get_ref();
        let earliest_day = match (earliest.date, earliest.time) {
            (Some(date), None) => Day::parse(&date.to_string()).ok(),
            _ => None,
        };
        let Some(earliest) = earliest_day else {
            return wrong(&self.earliest, "earliest must be a date such as 2000-01-01");
        };
        let kind_files = self.kinds.get_ref();
        if kind_files.is_empty() || kind_files.len() > KINDS_MAX {
            return wrong(&self.kinds, format!("a campaign has 1 to {KINDS_MAX} kinds"));
        }
        let mut ids = BTreeSet::new();
        for kind in kind_files {
            check_id(&kind.id, "kind")?;
            if !ids.insert(kind.id.get_ref().as_str()) {
                return wrong(
                    &kind.id,
                    format!("there is already a kind {:?}", kind.id.get_ref()),
                );
            }
        }
        let kinds = kind_files
            .iter()
            .map(|kind| kind.check(&ids))
            .collect::<Checked<Vec<_>>>()?;
        let signed_roles = self.check_signed_roles()?;
        let (witnesses, quorum) = self.check_witnesses()?;
        Ok(Campaign {
            name: self.name.into_inner(),
            origin: self.origin.into_inner(),
            zone,
            earliest: zone.start_of(earliest),
            kinds,
            signed_roles,
            witnesses,
            quorum,
        })
    }

    fn check_signed_roles(&self) -> Checked<BTreeSet<Role>> {
        let mut roles = BTreeSet::new();
        for word in self.signed_roles.iter().flatten() {
            let role = Role::ALL.into_iter().find(|role| role.word() == word.get_ref());
            let Some(role) = role else {
                return wrong(word, "the roles are collector, registrar and verifier");
            };
            if !roles.insert(role) {
                return wrong(word, "this role is named twice");
            }
        }
        Ok(roles)
    }

    fn check_witnesses(&self) -> Checked<(Vec<Witness>, usize)> {
        let mut witnesses: Vec<Witness> = Vec::new();
        for witness in &self.witnesses {
            let (key, url) = (witness.key.get_ref(), witness.url.get_ref());
            if !is_vkey(key) {
                return wrong(&witness.key, "a witness's key is written as name+1f2e3d4c+base64");
            }
            if witnesses.iter().any(|other| other.key == *key) {
                return wrong(&witness.key, "this witness is named twice");
            }
            if witnesses.len() == WITNESSES_MAX {
                return wrong(
                    &witness.key,
                    format!("a campaign has at most {WITNESSES_MAX} witnesses"),
                );
            }
            if !url.starts_with("http://") || url.contains(char::is_whitespace) {
                let problem = "a witness's address begins with http://; for https, ask through a local proxy";
                return wrong(&witness.url, problem);
            }
            witnesses.push(Witness {
                key: key.clone(),
                url: url.trim_end_matches('/').to_owned(),
            });
        }
        match &self.quorum {
            None if witnesses.is_empty() => Ok((witnesses, 0)),
            None => {
                let key = self.witnesses.first().map_or(0..0, |witness| witness.key.span());
                Err((
                    key,
                    "witnesses need a quorum: quorum = 2 at the top of the file".to_owned(),
                ))
            }
            Some(quorum) if !(1..=witnesses.len()).contains(quorum.get_ref()) => wrong(
                quorum,
                format!("the quorum is 1 to {}, the number of witnesses", witnesses.len()),
            ),
            Some(quorum) => Ok((witnesses, *quorum.get_ref())),
        }
    }
}

/// Whether a text has the form of a vkey. What its bytes mean is for whoever checks signatures.
fn is_vkey(text: &str) -> bool {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    !name.is_empty()
        && !name.contains(|c: char| c.is_whitespace() || c.is_control())
        && id.len() == 8
        && id.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}

impl KindFile {
    fn check(&self, kinds: &BTreeSet<&str>) -> Checked<Kind> {
        if self.fields.0.len() > FIELDS_MAX {
            return wrong(&self.id, format!("a kind has at most {FIELDS_MAX} fields"));
        }
        let mut fields = Vec::with_capacity(self.fields.0.len());
        for (id, field) in &self.fields.0 {
            check_id(id, "field")?;
            fields.push(field.check(id.get_ref(), kinds)?);
        }
        let find = |id: &str| fields.iter().find(|field| field.id == id);
        let Some(key) = find(self.key.get_ref()) else {
            return wrong(&self.key, format!("there is no field {:?}", self.key.get_ref()));
        };
        let plain = |field: &Field| {
            let text = matches!(
                field.field_type,
                FieldType::Text | FieldType::Area | FieldType::CreditCode | FieldType::DivisionCode
            );
            text && !field.personal
        };
        if !plain(key) || !key.required {
            return wrong(
                &self.key,
                "the key must be a required text field that is not personal",
            );
        }
        if let Some(area) = &self.area {
            match find(area.get_ref()) {
                None => return wrong(area, format!("there is no field {:?}", area.get_ref())),
                Some(field) if !plain(field) => {
                    return wrong(area, "the area must be a text or area field that is not personal");
                }
                Some(_) => {}
            }
        }
        Ok(Kind {
            id: self.id.get_ref().clone(),
            title: self.title.clone(),
            key: self.key.get_ref().clone(),
            area: self.area.as_ref().map(|area| area.get_ref().clone()),
            fields,
        })
    }
}

impl FieldFile {
    fn check(&self, id: &str, all_kinds: &BTreeSet<&str>) -> Checked<Field> {
        let name = self.type_name.get_ref().as_str();
        if let (Some(values), true) = (&self.values, name != "choice") {
            return wrong(values, "only a field of type \"choice\" has values");
        }
        if let (Some(span), true) = (self.kinds_span(), name != "reference") {
            return Err((span, "only a field of type \"reference\" names kinds".to_owned()));
        }
        let field_type = match name {
            "text" => FieldType::Text,
            "integer" => FieldType::Integer,
            "decimal" => FieldType::Decimal,
            "boolean" => FieldType::Boolean,
            "date" => FieldType::Date,
            "area" => FieldType::Area,
            "citizen-id" => FieldType::CitizenId,
            "credit-code" => FieldType::CreditCode,
            "phone" => FieldType::Phone,
            "division-code" => FieldType::DivisionCode,
            "choice" => FieldType::Choice(self.check_values()?),
            "reference" => FieldType::Reference(self.check_kinds(all_kinds)?),
            _ => {
                return wrong(
                    &self.type_name,
                    format!("unknown type {name:?}; the types are {TYPES}"),
                );
            }
        };
        if self.personal && matches!(field_type, FieldType::Reference(_)) {
            return wrong(&self.type_name, "a reference may not be personal");
        }
        Ok(Field {
            id: id.to_owned(),
            field_type,
            required: self.required,
            personal: self.personal,
            title: self.title.clone(),
        })
    }

    fn kinds_span(&self) -> Option<Range<usize>> {
        self.kind
            .as_ref()
            .map(Spanned::span)
            .or_else(|| self.kinds.as_ref().map(Spanned::span))
    }

    fn check_values(&self) -> Checked<Vec<String>> {
        let Some(values) = &self.values else {
            return wrong(&self.type_name, "a choice needs values");
        };
        let different: BTreeSet<_> = values.get_ref().iter().collect();
        if values.get_ref().is_empty()
            || different.len() != values.get_ref().len()
            || different.contains(&String::new())
        {
            return wrong(
                values,
                "the values of a choice must be different texts, at least one",
            );
        }
        Ok(values.get_ref().clone())
    }

    fn check_kinds(&self, all_kinds: &BTreeSet<&str>) -> Checked<Vec<String>> {
        let (span, kinds) = match (&self.kind, &self.kinds) {
            (Some(kind), None) => (kind.span(), vec![kind.get_ref().clone()]),
            (None, Some(kinds)) if !kinds.get_ref().is_empty() => (kinds.span(), kinds.get_ref().clone()),
            _ => return wrong(&self.type_name, "a reference needs kinds = [\"…\"]"),
        };
        match kinds.iter().find(|kind| !all_kinds.contains(kind.as_str())) {
            Some(kind) => Err((span, format!("there is no kind {kind:?}"))),
            None => Ok(kinds),
        }
    }
}

const TYPES: &str = "text, integer, decimal, boolean, date, choice, reference, area, citizen-id, credit-code, phone, \
                     division-code";

fn check_id(id: &Spanned<String>, of: &str) -> Checked<()> {
    let text = id.get_ref();
    let good = text.len() <= ID_BYTES_MAX
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if good {
        Ok(())
    } else {
        wrong(
            id,
            format!("the id of a {of} is a letter, then letters, digits, - and _, at most {ID_BYTES_MAX}"),
        )
    }
}

impl CampaignError {
    /// A problem at a place in the file, given in bytes.
    pub fn at(text: &str, span: Range<usize>, problem: String) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        CampaignError {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = r#"
name = "Village"
origin = "example.org/village"
timezone = "Asia/Shanghai"
earliest = 2000-01-01
[[kinds]]
id = "dwelling"
title = { en = "Dwelling", zh = "房屋" }
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true }
area = { type = "text" }
use = { type = "choice", values = ["own", "rental"] }
beside = { type = "reference", kind = "dwelling" }
"#;

    #[test]
    fn fields_keep_the_order_of_the_file() {
        let campaign = Campaign::parse(GOOD).unwrap();
        let ids: Vec<_> = campaign.kinds[0]
            .fields
            .iter()
            .map(|field| field.id.as_str())
            .collect();
        assert_eq!(ids, ["code", "area", "use", "beside"]);
        assert_eq!(campaign.kinds[0].title.zh(), Some("房屋"));
    }

    #[track_caller]
    fn check(from: &str, to: &str, line: usize, column: usize, problem: &str) {
        assert!(GOOD.contains(from));
        let error = Campaign::parse(&GOOD.replacen(from, to, 1)).unwrap_err();
        assert_eq!((error.line, error.column), (line, column), "{error}");
        assert!(error.problem.contains(problem), "{error}");
    }

    #[test]
    fn mistakes_are_named_with_line_and_column() {
        check("timezone", "time_zone", 4, 1, "unknown field `time_zone`");
        check("Asia/Shanghai", "Asia/Xiaoyue", 4, 12, "IANA");
        check("2000-01-01", "\"2000-01-01\"", 5, 12, "");
        check("2000-01-01", "2000-01-01T00:00:00Z", 5, 12, "must be a date");
        check("key = \"code\"", "key = \"kode\"", 9, 7, "no field \"kode\"");
        check("key = \"code\"", "key = 7", 9, 7, "invalid type");
        check("area = \"area\"", "area = \"use\"", 10, 8, "text or area field");
        check("\"text\", required", "\"txet\", required", 12, 17, "unknown type");
        check("[\"own\", \"rental\"]", "[]", 14, 35, "at least one");
        check(
            "kind = \"dwelling\"",
            "kind = \"house\"",
            15,
            39,
            "no kind \"house\"",
        );
        check("beside =", "code =", 15, 1, "duplicate key");
        check(
            "required = true",
            "require = true",
            12,
            25,
            "unknown field `require`",
        );
        check(
            "example.org/village",
            "example.org village",
            3,
            10,
            "without spaces",
        );
        check("example.org/village", "example.org/simulated", 3, 10, "reserved");
    }

    /// A campaign with everything that concerns evidence. Its key and addresses are read nowhere else.
    const WITNESSED: &str = r#"name = "Village"
origin = "example.org/village"
timezone = "UTC"
earliest = 2000-01-01
signed_roles = ["registrar", "collector"]
quorum = 2
[[witnesses]]
key = "w1.example+1f2e3d4c+BAAB+/z="
url = "http://w1.example/prefix/"
[[witnesses]]
key = "县.example+00000000+BAAC"
url = "http://127.0.0.1:8000"
[[kinds]]
id = "dwelling"
key = "code"
[kinds.fields]
code = { type = "text", required = true }
"#;

    #[test]
    fn a_campaign_names_who_signs_and_who_witnesses() {
        let campaign = Campaign::parse(WITNESSED).unwrap();
        let roles: Vec<_> = campaign.signed_roles.into_iter().collect();
        assert_eq!(roles, [Role::Collector, Role::Registrar]);
        let witnesses = campaign.witnesses.iter();
        let witnesses: Vec<_> = witnesses
            .map(|witness| (witness.key.as_str(), witness.url.as_str()))
            .collect();
        let first = ("w1.example+1f2e3d4c+BAAB+/z=", "http://w1.example/prefix");
        assert_eq!(
            witnesses,
            [first, ("县.example+00000000+BAAC", "http://127.0.0.1:8000")]
        );
        assert_eq!(campaign.quorum, 2);
        let without = Campaign::parse(GOOD).unwrap();
        assert_eq!(
            (
                without.signed_roles.len(),
                without.witnesses.len(),
                without.quorum
            ),
            (0, 0, 0)
        );
    }

    #[track_caller]
    fn check_witnessed(from: &str, to: &str, line: usize, column: usize, problem: &str) {
        assert!(WITNESSED.contains(from));
        let error = Campaign::parse(&WITNESSED.replacen(from, to, 1)).unwrap_err();
        assert_eq!((error.line, error.column), (line, column), "{error}");
        assert!(error.problem.contains(problem), "{error}");
    }

    #[test]
    fn mistakes_about_signing_roles_are_named() {
        check_witnessed("\"collector\"", "\"owner\"", 5, 30, "the roles are");
        check_witnessed("\"collector\"", "\"Collector\"", 5, 30, "the roles are");
        check_witnessed("\"collector\"", "\"registrar\"", 5, 30, "named twice");
        check_witnessed(
            "[\"registrar\", \"collector\"]",
            "\"registrar\"",
            5,
            16,
            "invalid type",
        );
    }

    #[test]
    fn mistakes_about_the_quorum_are_named() {
        check_witnessed("quorum = 2", "quorum = 0", 6, 10, "the quorum is 1 to 2");
        check_witnessed("quorum = 2", "quorum = 3", 6, 10, "the quorum is 1 to 2");
        check_witnessed("quorum = 2", "quorum = -1", 6, 10, "");
        check_witnessed("quorum = 2\n", "", 7, 7, "need a quorum");
        check(
            "earliest = 2000-01-01",
            "earliest = 2000-01-01\nquorum = 1",
            6,
            10,
            "the quorum is",
        );
        assert_eq!(
            Campaign::parse(&WITNESSED.replace("quorum = 2", "quorum = 1"))
                .unwrap()
                .quorum,
            1
        );
    }

    #[test]
    fn mistakes_about_witnesses_are_named() {
        let key = "w1.example+1f2e3d4c+BAAB+/z=";
        for bad in [
            "",
            "w1.example",
            "w1.example+1f2e3d4c",
            "w1.example+1f2e3d4c+",
            "+1f2e3d4c+BAAB",
            "w1.example+1f2e3d4+BAAB",
            "w1.example+1f2e3d4g+BAAB",
            "w1 example+1f2e3d4c+BAAB",
            "w1.example+1f2e3d4c+BA AB",
            "w1.example+1f2e3d4c+BA_B",
            "PRIVATE+KEY+w1.example+1f2e3d4c+BAAB",
        ] {
            check_witnessed(key, bad, 8, 7, "written as name+1f2e3d4c+base64");
        }
        check_witnessed("县.example+00000000+BAAC", key, 11, 7, "named twice");
        for bad in [
            "",
            "w1.example",
            "ftp://w1.example/",
            "HTTP://w1.example/",
            "http://w1.example/a b",
        ] {
            check_witnessed("http://w1.example/prefix/", bad, 9, 7, "begins with http://");
        }
        check_witnessed(
            "url = \"http://w1.example/prefix/\"\n",
            "",
            7,
            1,
            "missing field `url`",
        );
        check_witnessed("url =", "uri =", 9, 1, "unknown field `uri`");
        let more = |count: usize| -> String {
            let witness =
                |number| format!("[[witnesses]]\nkey = \"n{number}+00000000+BAAC\"\nurl = \"http://n\"\n");
            (0..count).map(witness).collect::<String>() + "[[kinds]]"
        };
        let most = WITNESSED.replacen("[[kinds]]", &more(WITNESSES_MAX - 2), 1);
        assert_eq!(Campaign::parse(&most).unwrap().witnesses.len(), WITNESSES_MAX);
        let line = 13 + 3 * (WITNESSES_MAX - 2) + 1;
        check_witnessed("[[kinds]]", &more(WITNESSES_MAX - 1), line, 7, "at most 16");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,200}", cut in 0usize..400, with in "[\\PC]{0,4}") {
            let _ = Campaign::parse(&text);
            let cut = GOOD.floor_char_boundary(cut);
            let _ = Campaign::parse(&format!("{}{with}{}", &GOOD[..cut], &GOOD[cut..]));
            let _ = Campaign::parse(&GOOD[..cut]);
        }
    }
}
