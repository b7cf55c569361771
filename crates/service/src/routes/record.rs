//! `GET /api/v1/records/{kind}/{key}`, its history and its blame.

use axum::{
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::StatusCode,
    response::Response,
};
use shilu_model::{Position, RecordName};

use super::{Question, at, blocking, json, last, ready};
use crate::{
    app::{App, Shared},
    cursor::After,
    params::Params,
    problem::Problem,
    wire::{
        event::EventJson,
        page::PageJson,
        record::{BlameJson, RecordJson},
    },
};

type Names = Result<Path<(String, String)>, PathRejection>;

/// One record, as of any pair (effective, recorded).
#[utoipa::path(
    get,
    path = "/api/v1/records/{kind}/{key}",
    tag = "records",
    params(
        ("kind" = String, Path, description = "The kind"),
        ("key" = String, Path, description = "The key, percent-encoded"),
        ("as_of" = Option<String>, Query, description = "As known when: a date (its end), RFC 3339, or @position"),
        ("effective" = Option<String>, Query, description = "As it was when: a date (its end) or RFC 3339"),
        ("min_position" = Option<u64>, Query, description = "Wait until this position is folded"),
    ),
    responses(
        (status = 200, body = RecordJson),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(app): State<Shared>,
    names: Names,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let params = Params::read(query.as_deref(), &["as_of", "effective", "min_position"])?;
    let name = name(names)?;
    ready(&app, &params).await?;
    if params.get("as_of").is_none() {
        // The current state is in memory: quicker than another thread.
        return answer(&app, &params, &name);
    }
    blocking(move || answer(&app, &params, &name)).await
}

fn answer(app: &App, params: &Params, name: &RecordName) -> Result<Response, Problem> {
    let at = at(app, params)?;
    let view = app.engine.record(name, at)?;
    let mut record = RecordJson::of(&view, at);
    record.simulated = app.simulated.then_some(true);
    json(StatusCode::OK, &record)
}

/// Every event of a record, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/records/{kind}/{key}/history",
    tag = "records",
    params(
        ("kind" = String, Path, description = "The kind"),
        ("key" = String, Path, description = "The key, percent-encoded"),
        ("limit" = Option<usize>, Query, description = "Items of the page, 1 to 1,000; 100 if nothing is said"),
        ("cursor" = Option<String>, Query, description = "\"next\" of the page before"),
        ("min_position" = Option<u64>, Query, description = "Wait until this position is folded"),
    ),
    responses(
        (status = 200, body = PageJson<EventJson>),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn history(
    State(app): State<Shared>,
    names: Names,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let params = Params::read(query.as_deref(), &["limit", "cursor", "min_position"])?;
    let name = name(names)?;
    ready(&app, &params).await?;
    blocking(move || {
        let of = format!("history of {name}");
        let question = Question::read(&app, &params, &of, &[], &[], || {
            let at = at(&app, &params)?;
            Ok((at, at))
        })?;
        let end = question.at.known_end;
        let from = question.position()?.unwrap_or(Position::ZERO);
        let page = app.engine.history(&name, from, params.limit()?)?;
        let events = page.items.iter().map(|stored| stored.event());
        let known = events.filter(|event| event.position < end);
        let next = page.next.filter(|next| *next < end);
        let answer = PageJson {
            record: None,
            items: known.map(|event| EventJson::of(&event)).collect(),
            next: next.map(|next| question.cursor(After::Position(next))),
            as_of: last(question.at),
            simulated: app.simulated.then_some(true),
        };
        json(StatusCode::OK, &answer)
    })
    .await
}

/// Per field of a record: its value, and the event that set it.
#[utoipa::path(
    get,
    path = "/api/v1/records/{kind}/{key}/blame",
    tag = "records",
    params(
        ("kind" = String, Path, description = "The kind"),
        ("key" = String, Path, description = "The key, percent-encoded"),
        ("as_of" = Option<String>, Query, description = "As known when: a date (its end), RFC 3339, or @position"),
        ("effective" = Option<String>, Query, description = "As it was when: a date (its end) or RFC 3339"),
        ("min_position" = Option<u64>, Query, description = "Wait until this position is folded"),
    ),
    responses(
        (status = 200, description = "A page, and \"record\"", body = PageJson<BlameJson>),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn blame(
    State(app): State<Shared>,
    names: Names,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let params = Params::read(query.as_deref(), &["as_of", "effective", "min_position"])?;
    let name = name(names)?;
    ready(&app, &params).await?;
    blocking(move || {
        let at = at(&app, &params)?;
        let blames = app.engine.blame(&name, at)?;
        let items = blames
            .iter()
            .map(|blame| BlameJson::of(blame, &blame.event.event()));
        let answer = PageJson {
            record: Some(name.to_string()),
            items: items.collect(),
            next: None,
            as_of: last(at),
            simulated: app.simulated.then_some(true),
        };
        json(StatusCode::OK, &answer)
    })
    .await
}

fn name(names: Names) -> Result<RecordName, Problem> {
    let bad = |detail: String| {
        Problem::malformed("BAD_RECORD", detail)
            .hint("write kind/key, the key percent-encoded in UTF-8, with 1 to 128 bytes, no slash, no control character")
    };
    let Path((kind, key)) = names.map_err(|error| bad(error.body_text()))?;
    RecordName::new(&kind, &key).map_err(|error| bad(error.to_string()).record(format!("{kind}/{key}")))
}
