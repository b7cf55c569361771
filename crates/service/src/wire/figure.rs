//! Counts and rates, as they go out.

use serde::Serialize;
use shilu_engine::{Count, Rate};
use utoipa::ToSchema;

/// How many records there are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Count)]
pub(crate) struct CountJson<'a> {
    /// Of this kind.
    kind: &'a str,
    /// With this status.
    status: &'static str,
    /// In this area, if split by area or asked for one.
    area: Option<&'a str>,
    /// First collected by this actor, if split by actor.
    actor: Option<&'a str>,
    /// So many.
    count: u64,
}

impl<'a> CountJson<'a> {
    pub(crate) fn of(count: &'a Count) -> Self {
        CountJson {
            kind: &count.kind,
            status: count.status.word(),
            area: count.area.as_deref(),
            actor: count.actor.as_deref(),
            count: count.count,
        }
    }
}

/// One indicator.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rate)]
pub(crate) struct RateJson<'a> {
    /// Its id.
    #[schema(example = "street.register-share")]
    indicator: &'a str,
    /// Its title, in Chinese if the header Accept-Language begins with zh, else in English.
    title: &'a str,
    /// In this area, if split by area or asked for one.
    area: Option<&'a str>,
    /// First collected by this actor, if split by actor.
    actor: Option<&'a str>,
    /// The cases that count.
    numerator: u64,
    /// All cases.
    denominator: u64,
    /// Cases of which nobody can say.
    unknown: u64,
    /// Numerator by denominator; null for a denominator of 0.
    value: Option<f64>,
    /// Lower end of the two-sided 95 % interval, where the rate rests on checks.
    lower: Option<f64>,
    /// Upper end of it.
    upper: Option<f64>,
    /// What was to be reached.
    target: Option<f64>,
    /// Until when.
    deadline: Option<&'a str>,
    /// What was to be reached by now.
    due: Option<f64>,
    /// How the value stands to the target; no-data for a denominator of 0, null without a target.
    state: Option<&'static str>,
    /// Where the denominator comes from.
    frame: Option<&'a str>,
}

/// In which language a title is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// English.
    En,
    /// 中文.
    Zh,
}

impl Language {
    /// Reads the header `Accept-Language`: its first language decides.
    pub(crate) fn of(header: Option<&str>) -> Self {
        let zh = header.and_then(|header| header.trim_start().get(..2));
        if zh.is_some_and(|start| start.eq_ignore_ascii_case("zh")) {
            Language::Zh
        } else {
            Language::En
        }
    }
}

impl<'a> RateJson<'a> {
    pub(crate) fn of(rate: &'a Rate, language: Language) -> Self {
        RateJson {
            indicator: &rate.indicator,
            title: match language {
                Language::En => &rate.title.0,
                Language::Zh => &rate.title.1,
            },
            area: rate.area.as_deref(),
            actor: rate.actor.as_deref(),
            numerator: rate.numerator,
            denominator: rate.denominator,
            unknown: rate.unknown,
            value: rate.value,
            lower: rate.interval.map(|(lower, _)| lower),
            upper: rate.interval.map(|(_, upper)| upper),
            target: None,
            deadline: None,
            due: None,
            state: (rate.denominator == 0).then_some("no-data"),
            frame: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_decides() {
        for (header, language) in [
            (None, Language::En),
            (Some("zh-CN,zh;q=0.9,en;q=0.8"), Language::Zh),
            (Some("ZH"), Language::Zh),
            (Some("en, zh"), Language::En),
            (Some("中"), Language::En),
            (Some(""), Language::En),
        ] {
            assert_eq!(Language::of(header), language, "{header:?}");
        }
    }
}
