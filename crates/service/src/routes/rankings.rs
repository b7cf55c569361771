//! `GET /api/v1/rankings`: areas and persons, month by month.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use shilu_engine::Ranks;
use shilu_model::Month;

use super::{heavy, json, last, ready};
use crate::{
    app::Shared,
    params::Params,
    problem::Problem,
    wire::ranking::{RankedJson, RankingJson},
};

/// Areas, or persons, by the rates that are due, as known at the end of a month.
#[utoipa::path(
    get,
    path = "/api/v1/rankings",
    tag = "figures",
    params(
        ("month" = Option<String>, Query, description = "A month of the campaign's ranking, such as 2015-04; the last one that has begun if nothing is said"),
        ("by" = Option<String>, Query, description = "area, or actor: persons by the accuracy of what they entered; area if nothing is said"),
        ("min_position" = Option<u64>, Query, description = "Wait until this position is folded"),
    ),
    responses(
        (status = 200, body = RankingJson),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(State(app): State<Shared>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let params = Params::read(query.as_deref(), &["month", "by", "min_position"])?;
    let month = params.word("month", Month::parse, "a month such as 2015-04")?;
    let by = |word: &str| match word {
        "area" => Some(Ranks::Areas),
        "actor" => Some(Ranks::Actors),
        _ => None,
    };
    let of = params.word("by", by, "area, actor")?.unwrap_or_default();
    ready(&app, &params).await?;
    heavy(&app, move |app| {
        let ranking = app.engine.ranking(month, of)?;
        let answer = RankingJson {
            month: ranking.month.to_string(),
            by: match of {
                Ranks::Areas => "area",
                Ranks::Actors => "actor",
            },
            items: ranking
                .items
                .iter()
                .map(|item| RankedJson::of(item, of))
                .collect(),
            next: None,
            as_of: last(ranking.at),
            simulated: app.simulated.then_some(true),
        };
        json(StatusCode::OK, &answer)
    })
    .await
}
