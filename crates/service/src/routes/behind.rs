//! `GET /api/v1/rates/{indicator}/evidence` and `/reconciled`: what is behind a rate.

use axum::{
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::StatusCode,
    response::Response,
};
use serde::Serialize;
use shilu_engine::{CasesQuery, Engine, EngineError, Page};
use shilu_model::Position;

use super::{Question, area, at, heavy, json, last, ready};
use crate::{
    app::Shared,
    cursor::After,
    params::Params,
    problem::Problem,
    wire::{
        behind::{EvidenceJson, ReconciledJson},
        page::PageJson,
    },
};

const FILTERS: [&str; 1] = ["area"];
const TIMES: [&str; 2] = ["as_of", "effective"];
const KNOWN: [&str; 6] = ["as_of", "effective", "area", "limit", "cursor", "min_position"];

/// The cases behind a rate, each with the records and events that decide it.
#[utoipa::path(
    get,
    path = "/api/v1/rates/{indicator}/evidence",
    tag = "figures",
    params(
        ("indicator" = String, Path, description = "The indicator's id"),
        ("as_of" = Option<String>, Query, description = "As known when: a date (its end), RFC 3339, or @position"),
        ("effective" = Option<String>, Query, description = "As it was when: a date (its end) or RFC 3339"),
        ("area" = Option<String>, Query, description = "Only what counts in this area"),
        ("limit" = Option<usize>, Query, description = "Items of the page, 1 to 1,000; 100 if nothing is said"),
        ("cursor" = Option<String>, Query, description = "\"next\" of the page before"),
        ("min_position" = Option<u64>, Query, description = "Wait until this position is folded"),
    ),
    responses(
        (status = 200, body = PageJson<EvidenceJson>),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn evidence(
    State(app): State<Shared>,
    indicator: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    behind(app, "evidence", indicator, query, |engine, query| {
        let page = engine.rate_evidence(query)?;
        Ok(Page {
            items: page.items.iter().map(EvidenceJson::of).collect(),
            next: page.next,
        })
    })
    .await
}

/// Two systems side by side, key by key: what an indicator of the measure agree compares.
#[utoipa::path(
    get,
    path = "/api/v1/rates/{indicator}/reconciled",
    tag = "figures",
    params(
        ("indicator" = String, Path, description = "The indicator's id; its measure is agree"),
        ("as_of" = Option<String>, Query, description = "As known when: a date (its end), RFC 3339, or @position"),
        ("effective" = Option<String>, Query, description = "As it was when: a date (its end) or RFC 3339"),
        ("area" = Option<String>, Query, description = "Only what counts in this area"),
        ("limit" = Option<usize>, Query, description = "Items of the page, 1 to 1,000; 100 if nothing is said"),
        ("cursor" = Option<String>, Query, description = "\"next\" of the page before"),
        ("min_position" = Option<u64>, Query, description = "Wait until this position is folded"),
    ),
    responses(
        (status = 200, body = PageJson<ReconciledJson>),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reconciled(
    State(app): State<Shared>,
    indicator: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    behind(app, "reconciled", indicator, query, |engine, query| {
        let page = engine.reconcile(query)?;
        Ok(Page {
            items: page.items.iter().map(ReconciledJson::of).collect(),
            next: page.next,
        })
    })
    .await
}

/// How a page of items as they go out is asked for.
type Ask<T> = fn(&Engine, &CasesQuery) -> Result<Page<T, u64>, EngineError>;

/// Answers page by page what is behind an indicator.
async fn behind<T: Serialize + Send + 'static>(
    app: Shared,
    of: &'static str,
    indicator: Result<Path<String>, PathRejection>,
    query: Option<String>,
    ask: Ask<T>,
) -> Result<Response, Problem> {
    let params = Params::read(query.as_deref(), &KNOWN)?;
    let Path(indicator) = indicator.map_err(|error| {
        Problem::malformed("BAD_QUERY", error.body_text())
            .hint("write the indicator's id, percent-encoded in UTF-8")
    })?;
    ready(&app, &params).await?;
    heavy(&app, move |app| {
        let of = format!("{of} {indicator}");
        let question = Question::read(app, &params, &of, &FILTERS, &TIMES, || {
            let at = at(app, &params)?;
            Ok((at, at))
        })?;
        let page = ask(
            &app.engine,
            &CasesQuery {
                indicator,
                at: question.at,
                area: area(app, &params)?,
                from: question.position()?.map_or(0, Position::get),
                limit: params.limit()?,
            },
        )?;
        let next = |place| question.cursor(After::Position(Position::new(place)));
        let answer = PageJson {
            record: None,
            items: page.items,
            next: page.next.map(next),
            as_of: last(question.at),
            simulated: app.simulated.then_some(true),
        };
        json(StatusCode::OK, &answer)
    })
    .await
}
