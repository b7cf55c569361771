//! `GET /api/v1/diff`: how records differ between two pairs (effective, recorded).

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use shilu_engine::{AsOf, At, DiffQuery};

use super::{Question, area, heavy, json, kind, last, ready};
use crate::{
    app::{App, Shared},
    cursor::After,
    params::Params,
    problem::Problem,
    time,
    wire::{page::PageJson, record::DiffJson},
};

const FILTERS: [&str; 3] = ["axis", "area", "kind"];
const TIMES: [&str; 3] = ["from", "to", "as_of"];
const KNOWN: [&str; 9] = [
    "from",
    "to",
    "axis",
    "area",
    "kind",
    "as_of",
    "limit",
    "cursor",
    "min_position",
];

/// Along which time two states are compared.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Axis {
    /// What took effect between two times, as known at `as_of`.
    #[default]
    Effective,
    /// What became known between two times.
    Recorded,
}

impl Axis {
    pub(crate) fn of(word: &str) -> Option<Self> {
        match word {
            "effective" => Some(Axis::Effective),
            "recorded" => Some(Axis::Recorded),
            _ => None,
        }
    }
}

/// List the records that differ between two times.
#[utoipa::path(
    get,
    path = "/api/v1/diff",
    tag = "changes",
    params(
        ("from" = String, Query, description = "The earlier time: a date (its end), RFC 3339, or on the recorded axis @position"),
        ("to" = Option<String>, Query, description = "The later time, in the same forms; now if nothing is said"),
        ("axis" = Option<String>, Query, description = "effective (if nothing is said): what took effect between the times, as known at as_of; recorded: what became known between them"),
        ("area" = Option<String>, Query, description = "Only this area and those below it, before or after"),
        ("kind" = Option<String>, Query, description = "Only this kind"),
        ("as_of" = Option<String>, Query, description = "On the effective axis, as known when: a date (its end), RFC 3339, or @position"),
        ("limit" = Option<usize>, Query, description = "Items of the page, 1 to 1,000; 100 if nothing is said"),
        ("cursor" = Option<String>, Query, description = "\"next\" of the page before"),
        ("min_position" = Option<u64>, Query, description = "Wait until this position is folded"),
    ),
    responses(
        (status = 200, body = PageJson<DiffJson>),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(State(app): State<Shared>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let params = Params::read(query.as_deref(), &KNOWN)?;
    ready(&app, &params).await?;
    heavy(&app, move |app| {
        let question = Question::read(app, &params, "diff", &FILTERS, &TIMES, || pairs(app, &params))?;
        let page = app.engine.diff(&DiffQuery {
            from: question.from,
            to: question.at,
            area: area(app, &params)?,
            kind: kind(app, &params)?,
            after: question.after_record()?,
            limit: params.limit()?,
        })?;
        let answer = PageJson {
            record: None,
            items: page.items.iter().map(DiffJson::of).collect(),
            next: page.next.map(|name| question.cursor(After::Record(name))),
            as_of: last(question.at),
            simulated: app.simulated.then_some(true),
        };
        json(StatusCode::OK, &answer)
    })
    .await
}

fn pairs(app: &App, params: &Params) -> Result<(At, At), Problem> {
    let zone = app.engine.campaign().zone;
    let (from, to) = (params.required("from")?, params.get("to"));
    let as_of = params.get("as_of");
    if params.word("axis", Axis::of, "effective, recorded")? == Some(Axis::Recorded) {
        if as_of.is_some() {
            let detail = "as_of: on the recorded axis, from and to say as known when";
            return Err(Problem::malformed("BAD_QUERY", detail)
                .field("as_of")
                .hint("leave it out"));
        }
        let at = |name: &str, text: &str| {
            known(name, text, zone).and_then(|as_of| Ok(app.engine.at(as_of, None)?))
        };
        let to = match to {
            Some(text) => at("to", text)?,
            None => app.engine.at(AsOf::Now, None)?,
        };
        return Ok((at("from", from)?, to));
    }
    let known = as_of.map_or(Ok(AsOf::Now), |text| known("as_of", text, zone))?;
    let known = app.engine.at(known, None)?;
    let pair = |effective| At {
        effective,
        now: false,
        ..known
    };
    let from = time::asked("from", from, zone)?;
    let to = to.map(|text| time::asked("to", text, zone)).transpose()?;
    Ok((pair(from), pair(to.unwrap_or(known.effective))))
}

fn known(name: &str, text: &str, zone: shilu_model::Zone) -> Result<AsOf, Problem> {
    time::as_of(text, zone).map_err(|problem| problem.field(name))
}
