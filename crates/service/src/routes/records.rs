//! `GET /api/v1/records`: the records as of any pair (effective, recorded).

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use shilu_engine::ListQuery;
use shilu_model::Status;

use super::{Question, area, at, heavy, json, kind, last, ready};
use crate::{
    app::Shared,
    cursor::After,
    params::Params,
    problem::Problem,
    wire::{page::PageJson, record::RecordJson},
};

const FILTERS: [&str; 4] = ["kind", "area", "status", "q"];
const KNOWN: [&str; 9] = [
    "kind",
    "area",
    "status",
    "q",
    "as_of",
    "effective",
    "limit",
    "cursor",
    "min_position",
];

/// List records, in the campaign's order of kinds, then by key.
#[utoipa::path(
    get,
    path = "/api/v1/records",
    tag = "records",
    params(
        ("kind" = Option<String>, Query, description = "Only this kind"),
        ("area" = Option<String>, Query, description = "Only this area and those below it"),
        ("status" = Option<String>, Query, description = "found, collected, registered, deregistered, void, or all; without it, all but found"),
        ("q" = Option<String>, Query, description = "Only records whose key or a text value contains this"),
        ("as_of" = Option<String>, Query, description = "As known when: a date (its end), RFC 3339, or @position"),
        ("effective" = Option<String>, Query, description = "As it was when: a date (its end) or RFC 3339"),
        ("limit" = Option<usize>, Query, description = "Items of the page, 1 to 1,000; 100 if nothing is said"),
        ("cursor" = Option<String>, Query, description = "\"next\" of the page before"),
        ("min_position" = Option<u64>, Query, description = "Wait until this position is folded"),
    ),
    responses(
        (status = 200, body = PageJson<RecordJson>),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(State(app): State<Shared>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let params = Params::read(query.as_deref(), &KNOWN)?;
    ready(&app, &params).await?;
    heavy(&app, move |app| {
        let question = Question::read(app, &params, "records", &FILTERS, &["as_of", "effective"], || {
            let at = at(app, &params)?;
            Ok((at, at))
        })?;
        let kind = kind(app, &params)?;
        let words = "found, collected, registered, deregistered, void, all";
        let wanted = params.word("status", Wanted::parse, words)?;
        let page = app.engine.records(&ListQuery {
            kind,
            area: area(app, &params)?,
            status: wanted.and_then(Wanted::status),
            found_too: matches!(wanted, Some(Wanted::All)),
            text: params.text("q"),
            at: question.at,
            after: question.after_record()?,
            limit: params.limit()?,
        })?;
        let answer = PageJson {
            record: None,
            items: page
                .items
                .iter()
                .map(|view| RecordJson::of(view, question.at))
                .collect(),
            next: page.next.map(|name| question.cursor(After::Record(name))),
            as_of: last(question.at),
            simulated: app.simulated.then_some(true),
        };
        json(StatusCode::OK, &answer)
    })
    .await
}

#[derive(Clone, Copy)]
enum Wanted {
    All,
    One(Status),
}

impl Wanted {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "all" => Some(Wanted::All),
            _ => Status::parse(word).map(Wanted::One),
        }
    }

    fn status(self) -> Option<Status> {
        match self {
            Wanted::All => None,
            Wanted::One(status) => Some(status),
        }
    }
}
