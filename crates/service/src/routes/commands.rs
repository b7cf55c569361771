//! `POST /api/v1/commands`: one command, or an atomic list. The busiest route.

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};

use shilu_engine::EngineError;

use super::{evidence, json};
use crate::{
    app::Shared,
    body,
    params::Params,
    problem::Problem,
    wire::{
        answer::AcceptedJson,
        command::WireCommand,
        read::{self, Body},
    },
};

/// Take a command, or an atomic list of them (a bare array).
///
/// Answered once it is durable. A list is answered with a bare array, and taken whole or not at all.
#[utoipa::path(
    post,
    path = "/api/v1/commands",
    tag = "commands",
    params(
        ("wait" = Option<String>, Query, description = "published: answer once a checkpoint covers the events, with their receipts"),
    ),
    request_body(content = WireCommand, description = "One command, or an array of at most 1,000", content_type = "application/json"),
    responses(
        (status = 201, description = "Taken; for a list, an array of these", body = AcceptedJson),
        (status = 200, description = "A safe retry: taken before", body = AcceptedJson),
        (status = "default", description = "Refused; nothing was written", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn take(State(app): State<Shared>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let wait = evidence::wait_wanted(&Params::read(parts.uri.query(), &["wait"])?)?;
    let bytes = body::read(&parts.headers, body).await?;
    let Body { commands, is_list } = read::body(&bytes, &app.engine.campaign())?;
    drop(bytes);
    let answers = app.engine.try_submit(vec![commands])?.await;
    let accepted = one(answers)?.map_err(|error| refused(error, is_list))?;
    let status = if accepted.iter().all(|accepted| accepted.repeated) {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let mut answers: Vec<_> = accepted.iter().map(AcceptedJson::of).collect();
    if wait && let Some(last) = accepted.last() {
        evidence::published(&app, last.position).await;
        let mut with = Vec::with_capacity(answers.len());
        for (answer, accepted) in answers.into_iter().zip(&accepted) {
            with.push(answer.with_receipt(evidence::receipt_of(&app, accepted.position).await?));
        }
        answers = with;
    }
    if is_list {
        json(status, &answers)
    } else {
        json(status, &one(answers)?)
    }
}

/// Why a command or a list is refused.
pub(crate) fn refused(error: EngineError, is_list: bool) -> Problem {
    // The engine does not know a list of one from a command on its own.
    let index = match (&error, is_list) {
        (_, false) => None,
        (EngineError::Rejected { .. }, true) => error.index().or(Some(0)),
        (_, true) => error.index(),
    };
    Problem::from(error).index(index)
}

/// The engine answers as many times as it was asked.
fn one<T>(answers: Vec<T>) -> Result<T, Problem> {
    let mut answers = answers.into_iter();
    match (answers.next(), answers.next()) {
        (Some(answer), None) => Ok(answer),
        _ => Err(Problem::internal(
            "the engine gave another number of answers than commands",
        )),
    }
}
