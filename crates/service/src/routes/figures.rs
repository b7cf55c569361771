//! `GET /api/v1/counts` and `/api/v1/rates`.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use shilu_engine::{At, By, FigureQuery};

use super::{area, at, heavy, json, last, ready};
use crate::{
    app::{App, Shared},
    params::Params,
    problem::Problem,
    wire::{
        figure::{CountJson, Language, RateJson},
        page::PageJson,
    },
};

const KNOWN: [&str; 5] = ["as_of", "effective", "by", "area", "min_position"];

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
    let params = Params::read(query.as_deref(), &KNOWN)?;
    let accepted = headers.get(header::ACCEPT_LANGUAGE);
    let language = Language::of(accepted.and_then(|header| header.to_str().ok()));
    ready(&app, &params).await?;
    heavy(&app, move |app| {
        let figures = app.engine.rates(&figure_query(app, &params)?)?;
        let items = figures.items.iter().map(|rate| RateJson::of(rate, language));
        page(app, figures.at, items.collect())
    })
    .await
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
