//! `GET /api/v1/events/{id}`: one event.

use axum::{
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::StatusCode,
    response::Response,
};

use super::{blocking, json, ready};
use crate::{
    app::Shared,
    params::Params,
    problem::Problem,
    wire::{event::EventJson, read},
};

/// One event, by its id.
#[utoipa::path(
    get,
    path = "/api/v1/events/{id}",
    tag = "changes",
    params(
        ("id" = String, Path, description = "A UUIDv7"),
        ("min_position" = Option<u64>, Query, description = "Wait until this position is folded"),
    ),
    responses(
        (status = 200, body = EventJson),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(app): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let params = Params::read(query.as_deref(), &["min_position"])?;
    let Path(id) = id.map_err(|error| {
        Problem::malformed("BAD_ID", error.body_text()).hint("write the event's id as it was given")
    })?;
    let id = read::event_id("id", &id)?;
    ready(&app, &params).await?;
    blocking(move || {
        let stored = app.engine.event(id)?;
        json(StatusCode::OK, &EventJson::of(&stored.event()))
    })
    .await
}
