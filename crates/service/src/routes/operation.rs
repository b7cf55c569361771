//! `/healthz`, `/readyz` and `/metrics`: for those who operate the service.

use axum::{
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{at, blocking, json, ready};
use crate::{app::Shared, limits::READY_LAG_EVENTS_MAX, metrics::lag, params::Params, problem::Problem};

/// That all is well.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// ok
    status: &'static str,
}

/// Whether the process answers at all.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, body = Health)))]
pub(crate) async fn healthz() -> Result<Response, Problem> {
    json(StatusCode::OK, &Health { status: "ok" })
}

/// The campaign file in force, or the one that was in force as known then.
#[utoipa::path(
    get,
    path = "/api/v1/campaign",
    tag = "operation",
    params(
        ("as_of" = Option<String>, Query, description = "As known when: a date (its end), RFC 3339, or @position"),
        ("min_position" = Option<u64>, Query, description = "Wait until this position is folded"),
    ),
    responses(
        (status = 200, body = String, content_type = "application/toml"),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn campaign(
    State(app): State<Shared>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let params = Params::read(query.as_deref(), &["as_of", "min_position"])?;
    ready(&app, &params).await?;
    let found = blocking(move || Ok(app.engine.campaign_text_at(at(&app, &params)?))).await?;
    Ok(text("application/toml", found.to_string()))
}

/// The page to which the `type` of every problem points.
pub(crate) async fn errors() -> Response {
    text(
        "text/markdown; charset=utf-8",
        include_str!("../../../../docs/errors.md").to_owned(),
    )
}

fn text(content_type: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Whether commands are taken and questions answered up to date.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    responses(
        (status = 200, body = Health),
        (status = 503, body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn readyz(State(app): State<Shared>) -> Result<Response, Problem> {
    let not = |code, detail: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
    if let Err(error) = app.engine.writable() {
        return Err(not(error.code(), Problem::from(error.clone()).detail().to_owned()).hint(error.hint()));
    }
    let lag = lag(&app.engine);
    if lag > READY_LAG_EVENTS_MAX {
        let detail = format!("the projections are {lag} events behind the log");
        return Err(not("NOT_YET_FOLDED", detail).hint("wait: they catch up"));
    }
    json(StatusCode::OK, &Health { status: "ok" })
}

/// What is measured, as Prometheus reads it.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    responses((status = 200, body = String, content_type = "text/plain"))
)]
pub(crate) async fn metrics(State(app): State<Shared>) -> Result<Response, Problem> {
    let Some(prometheus) = &app.prometheus else {
        let detail = "this process records no metrics: only a served register does";
        return Err(
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "NO_METRICS", detail)
                .hint("ask the process that runs `shilu serve`"),
        );
    };
    let mut response = Response::new(Body::from(prometheus.render(&app.engine)));
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    Ok(response)
}
