//! Counts and rates, as they go out.

use serde::Serialize;
use shilu_engine::{ComparedRate, Count, Rate, Share, sampling::State};
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
    /// In this area and all below it, if split by area or asked for one.
    area: Option<&'a str>,
    /// First collected by this actor, if split by actor.
    actor: Option<&'a str>,
    #[serde(flatten)]
    share: ShareJson,
    /// What should be reached, as a share: the last target that is due or, before any is, the next.
    target: Option<f64>,
    /// The day at whose end it should be reached.
    deadline: Option<String>,
    /// Whether that has passed at the effective time; null without a target.
    due: Option<bool>,
    /// How the value stands to the target: met, short, undecided, no-error-found or unverified; no-data where there is
    /// nothing to count; null without a target.
    state: Option<&'static str>,
    /// Whether the target is a wish: missing it is never short.
    #[serde(skip_serializing_if = "Option::is_none")]
    stretch: Option<bool>,
    /// Whether the document behind the campaign states the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    stated: Option<bool>,
    /// The frame behind the denominator, if there is one.
    frame: Option<FrameJson<'a>>,
    /// Records that were in scope on an earlier day and are no more, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_scope: Option<u64>,
    /// The same at the deadline as known then, by the campaign known then; left out before.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_deadline: Option<AtDeadlineJson>,
    /// The sample behind it, where it rests on one.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<BehindJson<'a>>,
    /// The same at the time that from says, if it was asked; null where nothing was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Option<ShareJson>>,
}

/// The sample behind a rate.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RateSample)]
pub(crate) struct BehindJson<'a> {
    /// The newest one that counts; null while none does.
    id: Option<&'a str>,
    /// How many were announced for the indicator that concern the area, drawn or not.
    draws: usize,
    /// Whether it was announced before the deadline and completed in time.
    in_time: bool,
    /// Whether whoever keeps the register could have steered it.
    steerable: bool,
    /// Records found gone, where they have a column of their own.
    aside: u64,
    /// Of the coverage, as information: how many there are at the drawn places, by the dual-system estimate (Chapman).
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated: Option<EstimatedJson>,
}

/// An estimate of how many there are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EstimatedTotal)]
pub(crate) struct EstimatedJson {
    /// So many.
    value: f64,
    /// Its standard error.
    standard_error: f64,
}

/// A numerator and a denominator.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Share)]
pub(crate) struct ShareJson {
    /// The cases that count.
    numerator: u64,
    /// All cases but the unknown ones.
    denominator: u64,
    /// Cases of which nobody can say.
    unknown: u64,
    /// Numerator by denominator; null for a denominator of 0.
    value: Option<f64>,
    /// Lower end of the two-sided 95 % interval, where the rate rests on a sample or on checks.
    lower: Option<f64>,
    /// Upper end of it.
    upper: Option<f64>,
}

/// Who said what ought to be there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Frame)]
pub(crate) struct FrameJson<'a> {
    /// How many events have made it.
    version: u64,
    /// The position of the last of them.
    position: u64,
    /// Who made the last of them.
    author: &'a str,
    /// Cases beyond what it expects, area by area: they count nowhere.
    excess: u64,
    /// The rate on the first frame.
    first: Option<ShareJson>,
}

/// A rate as it was known at a deadline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AtDeadline)]
pub(crate) struct AtDeadlineJson {
    #[serde(flatten)]
    share: ShareJson,
    /// The target that the campaign known then had.
    target: Option<f64>,
    /// How the one stood to the other.
    state: Option<&'static str>,
}

impl ShareJson {
    fn of(share: &Share) -> Self {
        ShareJson {
            numerator: share.numerator,
            denominator: share.denominator,
            unknown: share.unknown,
            value: share.value,
            lower: share.interval.map(|(lower, _)| lower),
            upper: share.interval.map(|(_, upper)| upper),
        }
    }
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
            share: ShareJson::of(&rate.share),
            target: rate.target.as_ref().map(|target| target.value.fraction()),
            deadline: rate.target.as_ref().map(|target| target.by.to_string()),
            due: rate.target.as_ref().map(|_| rate.due),
            state: rate.state.map(State::word),
            stretch: rate.target.as_ref().map(|target| target.stretch),
            stated: rate.target.as_ref().map(|target| target.stated),
            frame: rate.frame.as_ref().map(|frame| FrameJson {
                version: frame.version,
                position: frame.position.get(),
                author: &frame.author,
                excess: rate.excess,
                first: rate.first_frame.as_ref().map(ShareJson::of),
            }),
            left_scope: Some(rate.left_scope).filter(|left| *left > 0),
            at_deadline: rate.at_deadline.as_ref().map(|then| AtDeadlineJson {
                share: ShareJson::of(&then.share),
                target: then.target.as_ref().map(|target| target.value.fraction()),
                state: then.state.map(State::word),
            }),
            sample: rate.sample.as_ref().map(|sample| BehindJson {
                id: sample.id.as_deref(),
                draws: sample.draws,
                in_time: sample.in_time,
                steerable: sample.steerable,
                aside: sample.aside,
                estimated: sample.total.map(|total| EstimatedJson {
                    value: total.value,
                    standard_error: total.standard_error,
                }),
            }),
            from: None,
        }
    }

    pub(crate) fn compared(compared: &'a ComparedRate, language: Language) -> Self {
        RateJson {
            from: Some(compared.from.as_ref().map(ShareJson::of)),
            ..RateJson::of(&compared.rate, language)
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
