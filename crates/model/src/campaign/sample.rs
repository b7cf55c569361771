//! The built-in kind `sample`: the announcement of a draw, and what is added to it later. It is no kind of the campaign
//! file, so that no count, rate or list of the campaign's own kinds changes by it; its rules are in `decide/sample.rs`.

use super::kinds::{Field, Kind, Title};
use crate::{field_type::FieldType, normal::Normal};

/// The kind whose records are samples, and its fields. The key is `id`.
pub const SAMPLE_KIND: &str = "sample";
/// The id of the indicator that is measured by it.
pub const SAMPLE_INDICATOR: &str = "indicator";
/// The area from which it is drawn; none for all of them.
pub const SAMPLE_AREA: &str = "area";
/// How many are drawn from each stratum.
pub const SAMPLE_SIZE: &str = "size";
/// [`STRATA_AREA`] or [`STRATA_NONE`].
pub const SAMPLE_STRATA: &str = "strata";
/// When it is drawn, as an RFC 3339 time.
pub const SAMPLE_DRAW_AT: &str = "draw_at";
/// What outside entropy seeds the draw: what [`Entropy::parse`] reads.
pub const SAMPLE_ENTROPY: &str = "entropy";
/// Added at the draw: the signed checkpoint, as a note, whose root seeds it.
pub const SAMPLE_CHECKPOINT: &str = "checkpoint";
/// Added at the draw: the outside entropy.
pub const SAMPLE_REVEALED: &str = "revealed";
/// Added before the draw: a checkpoint, as a note, that holds the announcement and that witnesses have cosigned.
pub const SAMPLE_WITNESSED: &str = "witnessed";
/// Added later: who may visit, one `actor,area,team` on each line.
pub const SAMPLE_VERIFIERS: &str = "verifiers";

/// A stratum is a leaf area.
pub const STRATA_AREA: &str = "area";
/// There is one stratum.
pub const STRATA_NONE: &str = "none";

/// The fields that are added to an announced sample, each once.
pub(crate) const SAMPLE_LATER: [&str; 4] = [
    SAMPLE_WITNESSED,
    SAMPLE_CHECKPOINT,
    SAMPLE_REVEALED,
    SAMPLE_VERIFIERS,
];

/// Most commitments of a draw: as many as a campaign has witnesses.
pub const COMMITMENTS_MAX: usize = 16;

/// The outside entropy that an announcement names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entropy<'a> {
    /// `none`: whoever publishes the checkpoint could steer the draw.
    None,
    /// `public:…`: a numbered draw of a public lottery, or a round of drand, in words.
    Public(&'a str),
    /// `commitments:…`: SHA-256 of what auditors reveal at the draw, in the order of the announcement.
    Commitments(Vec<[u8; 32]>),
}

impl<'a> Entropy<'a> {
    /// Reads `none`, `public:` with words behind it, or `commitments:` with 1 to [`COMMITMENTS_MAX`] different SHA-256
    /// in lower-case hexadecimal, separated by commas.
    ///
    /// # Errors
    /// What is wrong with the text.
    ///
    /// ```
    /// use shilu_model::Entropy;
    /// assert_eq!(Entropy::parse("none"), Ok(Entropy::None));
    /// assert_eq!(Entropy::parse("public:drand round 4711"), Ok(Entropy::Public("drand round 4711")));
    /// assert!(Entropy::parse("commitments:").is_err());
    /// ```
    pub fn parse(text: &'a str) -> Result<Self, &'static str> {
        if text == "none" {
            return Ok(Entropy::None);
        }
        if let Some(words) = text.strip_prefix("public:") {
            let words = words.trim();
            return if words.is_empty() {
                Err("public: names no lottery and no round")
            } else {
                Ok(Entropy::Public(words))
            };
        }
        let Some(list) = text.strip_prefix("commitments:") else {
            return Err("it is none, public:… or commitments:…");
        };
        let mut commitments: Vec<[u8; 32]> = Vec::new();
        for hash in list.split(',') {
            let hash = sha256(hash).ok_or("a commitment is a SHA-256 in 64 lower-case hexadecimal digits")?;
            if commitments.contains(&hash) {
                return Err("a commitment stands there twice");
            }
            if commitments.len() == COMMITMENTS_MAX {
                return Err("there are more than 16 commitments");
            }
            commitments.push(hash);
        }
        Ok(Entropy::Commitments(commitments))
    }
}

fn sha256(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks_exact(2);
    let bytes = pairs.map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
    (text.len() == 64).then_some(())?;
    bytes.try_into().ok()
}

/// The kind, as a campaign file would declare it.
pub(super) fn kind() -> Kind {
    let strata = FieldType::Choice([STRATA_AREA, STRATA_NONE].map(str::to_owned).to_vec());
    Kind {
        id: SAMPLE_KIND.to_owned(),
        title: title("Sample", "抽查"),
        key: "id".to_owned(),
        area: Some(SAMPLE_AREA.to_owned()),
        fields: vec![
            field("id", FieldType::Text, true, title("Id", "编号")),
            field(
                SAMPLE_INDICATOR,
                FieldType::Text,
                true,
                title("Indicator", "指标"),
            ),
            field(SAMPLE_AREA, FieldType::Area, false, title("Area", "区域")),
            field(
                SAMPLE_SIZE,
                FieldType::Integer,
                true,
                title("Size per stratum", "每层样本数"),
            ),
            field(SAMPLE_STRATA, strata, true, title("Strata", "分层")),
            field(
                SAMPLE_DRAW_AT,
                FieldType::Text,
                true,
                title("Time of the draw", "抽取时间"),
            ),
            field(
                SAMPLE_ENTROPY,
                FieldType::LongText,
                true,
                title("Outside entropy", "外部随机源"),
            ),
            field(
                SAMPLE_WITNESSED,
                FieldType::LongText,
                false,
                title("Witnessed announcement", "公告的见证检查点"),
            ),
            field(
                SAMPLE_CHECKPOINT,
                FieldType::LongText,
                false,
                title("Checkpoint", "检查点"),
            ),
            field(
                SAMPLE_REVEALED,
                FieldType::LongText,
                false,
                title("Revealed entropy", "公布的随机数"),
            ),
            field(
                SAMPLE_VERIFIERS,
                FieldType::LongText,
                false,
                title("Verifiers", "核查人员"),
            ),
        ],
    }
}

fn field(id: &str, field_type: FieldType, required: bool, title: Title) -> Field {
    Field {
        id: id.to_owned(),
        field_type,
        required,
        essential: false,
        personal: false,
        normal: Normal::AsWritten,
        at_most: None,
        columns: Vec::new(),
        title,
    }
}

fn title(en: &str, zh: &str) -> Title {
    Title {
        en: Some(en.to_owned()),
        zh: Some(zh.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_none_public_or_committed_to() {
        let hash = "0123456789abcdef".repeat(4);
        let many = |count: usize| {
            let hashes: Vec<_> = (0..count).map(|number| format!("{number:064x}")).collect();
            format!("commitments:{}", hashes.join(","))
        };
        let one = format!("commitments:{hash}");
        let Ok(Entropy::Commitments(read)) = Entropy::parse(&one) else {
            panic!("no commitment");
        };
        assert_eq!((read.len(), read[0][0], read[0][31]), (1, 0x01, 0xef));
        let most = many(COMMITMENTS_MAX);
        assert!(
            matches!(Entropy::parse(&most), Ok(Entropy::Commitments(all)) if all.len() == COMMITMENTS_MAX)
        );
        for bad in [
            "",
            "None",
            "drand",
            "public:",
            "public: ",
            "commitments:",
            &format!("commitments:{hash},"),
            &format!("commitments:{hash},{hash}"),
            &format!("commitments:{}", hash.to_uppercase()),
            &format!("commitments:{hash}0"),
            &format!("commitments:{hash}00"),
            &format!("commitments: {hash}"),
            &many(COMMITMENTS_MAX + 1),
        ] {
            assert!(Entropy::parse(bad).is_err(), "{bad}");
        }
    }
}
