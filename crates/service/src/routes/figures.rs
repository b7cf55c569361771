//! `GET /api/v1/counts` and `/api/v1/rates`.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use shilu_engine::{At, By, FigureQuery};

use super::{area, at, diff::Axis, heavy, json, last, ready};
use crate::{
    app::{App, Shared},
    params::Params,
    problem::Problem,
    time,
    wire::{
        figure::{CountJson, Language, RateJson},
        page::PageJson,
    },
};

const KNOWN: [&str; 5] = ["as_of", "effective", "by", "area", "min_position"];
const KNOWN_TO_RATES: [&str; 7] = ["as_of", "effective", "by", "area", "min_position", "from", "axis"];

/// How many records there are, by kind and status.
#[utoipa::path(
    get,
    path = "/api/v1/counts",
    tag = "figures",
    params(
        ("as_of" = Option<String>, Query, description = "As known when: a date (its end), RFC 3339, or @position"),
        ("effective" = Option<String>, Query, description = "As it was when: a date (its end) or RFC 3339"),
        ("by" = Option<String>, Query, description = "area, or actor: who first collected the record"),
        ("area" = Option<String>, Query, description = "Only this area"),
        ("min_position" = Option<u64>, Query, description = "Wait until this position is folded"),
    ),
    responses(
        (status = 200, body = PageJson<CountJson>),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn counts(
    State(app): State<Shared>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let params = Params::read(query.as_deref(), &KNOWN)?;
    ready(&app, &params).await?;
    heavy(&app, move |app| {
        let figures = app.engine.counts(&figure_query(app, &params)?)?;
        page(app, figures.at, figures.items.iter().map(CountJson::of).collect())
    })
    .await
}

/// Every indicator.
#[utoipa::path(
    get,
    path = "/api/v1/rates",
    tag = "figures",
    params(
        ("as_of" = Option<String>, Query, description = "As known when: a date (its end), RFC 3339, or @position"),
        ("effective" = Option<String>, Query, description = "As it was when: a date (its end) or RFC 3339"),
        ("by" = Option<String>, Query, description = "area, or actor: who first collected the record"),
        ("area" = Option<String>, Query, description = "Only this area"),
        ("from" = Option<String>, Query, description = "Beside it the same at another time: a date (its end), RFC 3339, or on the recorded axis @position"),
        ("axis" = Option<String>, Query, description = "What from is: effective (if nothing is said), as it was then and as known at as_of; or recorded, as known then, at the same effective time if one is asked for"),
        ("min_position" = Option<u64>, Query, description = "Wait until this position is folded"),
        ("Accept-Language" = Option<String>, Header, description = "Titles are Chinese if it begins with zh"),
    ),
    responses(
        (status = 200, body = PageJson<RateJson>),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn rates(
    State(app): State<Shared>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let params = Params::read(query.as_deref(), &KNOWN_TO_RATES)?;
    let accepted = headers.get(header::ACCEPT_LANGUAGE);
    let language = Language::of(accepted.and_then(|header| header.to_str().ok()));
    ready(&app, &params).await?;
    heavy(&app, move |app| {
        let query = figure_query(app, &params)?;
        let Some(from) = from(app, &params, query.at)? else {
            let figures = app.engine.rates(&query)?;
            let items = figures.items.iter().map(|rate| RateJson::of(rate, language));
            return page(app, figures.at, items.collect());
        };
        let figures = app.engine.compared_rates(&query, from)?;
        let items = figures
            .items
            .iter()
            .map(|rate| RateJson::compared(rate, language));
        page(app, figures.at, items.collect())
    })
    .await
}

/// The other pair of times, beside which a rate is shown.
fn from(app: &App, params: &Params, at: At) -> Result<Option<At>, Problem> {
    let zone = app.engine.campaign().zone;
    let axis = params.word("axis", Axis::of, "effective, recorded")?;
    match (params.get("from"), axis.unwrap_or_default()) {
        (Some(text), Axis::Effective) => Ok(Some(At {
            effective: time::asked("from", text, zone)?,
            now: false,
            ..at
        })),
        (Some(text), Axis::Recorded) => {
            let known = time::as_of(text, zone).map_err(|problem| problem.field("from"))?;
            // A day that is asked for is the same for both.
            let effective = params.get("effective").map(|_| at.effective);
            Ok(Some(app.engine.at(known, effective)?))
        }
        (None, _) if axis.is_some() => Err(Problem::malformed("BAD_QUERY", "axis: there is no from")
            .field("axis")
            .hint("say from when, or leave it out")),
        (None, _) => Ok(None),
    }
}

fn figure_query(app: &App, params: &Params) -> Result<FigureQuery, Problem> {
    let by = |word: &str| match word {
        "area" => Some(By::Area),
        "actor" => Some(By::Actor),
        _ => None,
    };
    Ok(FigureQuery {
        at: at(app, params)?,
        by: params.word("by", by, "area, actor")?.unwrap_or_default(),
        area: area(app, params)?,
    })
}

fn page<T: serde::Serialize>(app: &App, at: At, items: Vec<T>) -> Result<Response, Problem> {
    let answer = PageJson {
        record: None,
        items,
        next: None,
        as_of: last(at),
        simulated: app.simulated.then_some(true),
    };
    json(StatusCode::OK, &answer)
}
