//! The campaign: which kinds of records there are and which fields they have, which areas, and what is measured. A TOML
//! file, compiled when it is loaded: whoever holds a [`Campaign`] need not look at its text again.

mod areas;
mod change;
mod check;
mod conditions;
mod differences;
mod file;
mod frames;
mod indicator;
mod kinds;
mod measures;
#[cfg(test)]
mod mistakes;
mod outline;
mod phases;
mod ranking;
mod roles;
mod sample;
mod sets;
mod targets;
mod tidy;
mod witnesses;

use std::{collections::BTreeSet, ops::Range};

use thiserror::Error;

use self::file::CampaignFile;
pub(crate) use self::sample::SAMPLE_LATER;
pub use self::{
    areas::{Area, Areas},
    change::CampaignChangeError,
    indicator::{
        Children, Condition, EXTRACT_KIND, EXTRACT_SYSTEM, EXTRACT_THEIRS, FRAME_EXPECTED, FRAME_KIND,
        FRAME_WHAT, Frame, Gone, Hop, Indicator, Latest, ListFrame, Measure, Needed, Number, Part, Path,
        Population, Property, Referred, RosterRate, Side, Test, Touched,
    },
    kinds::{Field, Kind, Title},
    phases::Phase,
    ranking::{Month, Ranking},
    roles::Role,
    sample::{
        COMMITMENTS_MAX, Entropy, SAMPLE_AREA, SAMPLE_CHECKPOINT, SAMPLE_DRAW_AT, SAMPLE_ENTROPY,
        SAMPLE_INDICATOR, SAMPLE_KIND, SAMPLE_REVEALED, SAMPLE_SIZE, SAMPLE_STRATA, SAMPLE_VERIFIERS,
        SAMPLE_WITNESSED, STRATA_AREA, STRATA_NONE,
    },
    targets::{Percent, Target},
    witnesses::Witness,
};
use crate::time::{Timestamp, Zone};

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
    /// The kinds, in the file's order. The built-in kind is not among them.
    pub kinds: Vec<Kind>,
    /// The built-in kind.
    sample: Kind,
    /// The areas; none means that any is taken.
    pub areas: Areas,
    /// The phases, in the order of time.
    pub phases: Vec<Phase>,
    /// The indicators, in the file's order. The built-in ones are not among them.
    pub indicators: Vec<Indicator>,
    /// How areas and persons are ranked, if they are.
    pub ranking: Option<Ranking>,
    /// In which roles an actor must sign.
    pub signed_roles: BTreeSet<Role>,
    /// Who is asked to cosign checkpoints.
    pub witnesses: Vec<Witness>,
    /// How many of them must have cosigned a checkpoint before it is published.
    pub quorum: usize,
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
        let file: CampaignFile =
            toml::from_str(text).map_err(|error| CampaignError::of_toml(text, &error))?;
        file.check()
            .map_err(|(span, problem)| CampaignError::at(text, span, problem))
    }

    /// A kind by its id, the built-in [`SAMPLE_KIND`] included.
    pub fn kind(&self, id: &str) -> Option<&Kind> {
        let mut kinds = self.kinds.iter().chain([&self.sample]);
        kinds.find(|kind| kind.id == id)
    }

    /// An indicator by its id.
    pub fn indicator(&self, id: &str) -> Option<&Indicator> {
        self.indicators.iter().find(|indicator| indicator.id == id)
    }

    /// The first personal field, as (kind, field).
    pub fn personal_field(&self) -> Option<(&str, &str)> {
        self.kinds.iter().find_map(|kind| {
            let field = kind.fields.iter().find(|field| field.personal)?;
            Some((kind.id.as_str(), field.id.as_str()))
        })
    }
}

impl CampaignError {
    /// What the reader of TOML says, without the words of its implementation.
    fn of_toml(text: &str, error: &toml::de::Error) -> Self {
        let message = error
            .message()
            .replace("i64", "a whole number")
            .replace("usize", "a whole number");
        let problem = match message.split_once("struct ") {
            // The name of a structure of ours follows.
            Some((before, name)) => {
                let rest = name.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
                format!("{before}a table{rest}")
            }
            None => message,
        };
        CampaignError::at(text, error.span().unwrap_or(0..0), problem)
    }

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

    use super::{witnesses::WITNESSES_MAX, *};

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
        check("id = \"dwelling\"", "id = \"sample\"", 7, 6, "reserved");
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
