//! `GET /api/v1/changes`: who changed what, when, why; newest first.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use shilu_engine::ChangesQuery;
use shilu_model::Action;

use super::{Question, area, at, heavy, json, kind, last, ready};
use crate::{
    app::Shared,
    cursor::After,
    params::Params,
    problem::Problem,
    time,
    wire::{event::EventJson, page::PageJson},
};

const FILTERS: [&str; 10] = [
    "actor", "action", "kind", "area", "field", "record", "device", "source", "from", "to",
];
const KNOWN: [&str; 13] = [
    "actor",
    "action",
    "kind",
    "area",
    "field",
    "record",
    "device",
    "source",
    "from",
    "to",
    "limit",
    "cursor",
    "min_position",
];

/// List events, newest first. Every filter that is given must hold.
#[utoipa::path(
    get,
    path = "/api/v1/changes",
    tag = "changes",
    params(
        ("actor" = Option<String>, Query, description = "Who acted"),
        ("action" = Option<String>, Query, description = "What was done"),
        ("kind" = Option<String>, Query, description = "On records of this kind"),
        ("area" = Option<String>, Query, description = "In this area or one below it"),
        ("field" = Option<String>, Query, description = "That state this field"),
        ("record" = Option<String>, Query, description = "On this record, kind/key"),
        ("device" = Option<String>, Query, description = "With this device"),
        ("source" = Option<String>, Query, description = "field, system, import, or a file by its SHA-256"),
        ("from" = Option<String>, Query, description = "Recorded then or later: a date (its start) or RFC 3339"),
        ("to" = Option<String>, Query, description = "Recorded then or earlier: a date (its end) or RFC 3339"),
        ("limit" = Option<usize>, Query, description = "Items of the page, 1 to 1,000; 100 if nothing is said"),
        ("cursor" = Option<String>, Query, description = "\"next\" of the page before"),
        ("min_position" = Option<u64>, Query, description = "Wait until this position is folded"),
    ),
    responses(
        (status = 200, body = PageJson<EventJson>),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(State(app): State<Shared>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let params = Params::read(query.as_deref(), &KNOWN)?;
    ready(&app, &params).await?;
    heavy(&app, move |app| {
        let question = Question::read(app, &params, "changes", &FILTERS, &[], || {
            let at = at(app, &params)?;
            Ok((at, at))
        })?;
        let zone = app.engine.campaign().zone;
        let from = params.get("from");
        let to = params.get("to");
        let words = "collect, correct, register, deregister, verify, configure, appoint, dismiss, erase";
        let query = ChangesQuery {
            actor: params.text("actor"),
            action: params.word("action", Action::parse, words)?,
            kind: kind(app, &params)?,
            area: area(app, &params)?,
            field: params.text("field"),
            record: params.record("record")?,
            device: params.text("device"),
            source: params.text("source"),
            from: from.map(|text| time::first("from", text, zone)).transpose()?,
            to: to.map(|text| time::asked("to", text, zone)).transpose()?,
            before: Some(question.position()?.unwrap_or(question.at.known_end)),
            limit: params.limit()?,
        };
        let page = app.engine.changes(&query)?;
        let answer = PageJson {
            record: None,
            items: page
                .items
                .iter()
                .map(|stored| EventJson::of(&stored.event()))
                .collect(),
            next: page.next.map(|next| question.cursor(After::Position(next))),
            as_of: last(question.at),
            simulated: app.simulated.then_some(true),
        };
        json(StatusCode::OK, &answer)
    })
    .await
}
