//! What proves the answers: receipts, the checkpoint, tiles (C2SP `tlog-tiles`), and what they need beside them.

use axum::{
    body::Body,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;
use shilu_engine::{EngineError, Publication, PublishedFolder, merkle::Tile};
use shilu_model::Position;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::{blocking, json};
use crate::{app::Shared, limits::PUBLICATION_WAIT_MAX, params::Params, problem::Problem, wire::read};

/// The newest checkpoint is a second old at most; a cache must not make it older by much.
const FRESH: &str = "public, max-age=1";
/// Tiles never change.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Entries are for auditors: no shared cache may keep them.
const IMMUTABLE_PRIVATE: &str = "private, max-age=31536000, immutable";
/// The media type that C2SP asks for.
const NOTE: &str = "text/plain; charset=utf-8";

/// The receipt of an event: its stored bytes, their inclusion proof and the published checkpoint (C2SP tlog-proof).
#[utoipa::path(
    get,
    path = "/api/v1/events/{id}/receipt",
    tag = "evidence",
    params(
        ("id" = String, Path, description = "A UUIDv7"),
        ("wait" = Option<String>, Query, description = "published: wait until a checkpoint covers the event"),
    ),
    responses(
        (status = 200, description = "c2sp.org/tlog-proof@v1; check it with `shilu check-receipt`", body = String, content_type = "text/plain"),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn receipt(
    State(app): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let params = Params::read(query.as_deref(), &["wait"])?;
    let wait = wait_wanted(&params)?;
    let Path(id) = id.map_err(|error| {
        Problem::malformed("BAD_ID", error.body_text()).hint("write the event's id as it was given")
    })?;
    let id = read::event_id("id", &id)?;
    let position = blocking({
        let app = app.clone();
        move || Ok(app.engine.event(id)?.event().position)
    })
    .await?;
    if wait {
        published(&app, position).await;
    }
    let receipt = blocking(move || Ok(app.engine.receipt_at(position)?.to_string())).await?;
    Ok(answer(NOTE, IMMUTABLE_PRIVATE, receipt.into_bytes()))
}

/// Whether `wait=published` was asked for.
pub(crate) fn wait_wanted(params: &Params) -> Result<bool, Problem> {
    match params.get("wait") {
        None => Ok(false),
        Some("published") => Ok(true),
        Some(other) => {
            let detail = format!("wait: {other:?} is nothing to wait for");
            Err(Problem::malformed("BAD_QUERY", detail)
                .field("wait")
                .hint("write wait=published, or leave it out"))
        }
    }
}

/// Waits until a checkpoint covers a position, within limits. Whether it does is for the caller to see.
pub(crate) async fn published(app: &Shared, position: Position) {
    let mut publication = app.engine.publication();
    let covers = |publication: &Publication| publication.size() > position.get();
    // Both a time limit and an engine that stops show in the receipt that is missing.
    let _ = timeout(PUBLICATION_WAIT_MAX, publication.wait_for(covers)).await;
}

/// The receipt of an event that was just taken; none where no checkpoint covers it in time.
pub(crate) async fn receipt_of(app: &Shared, position: Position) -> Result<Option<String>, Problem> {
    let app = app.clone();
    blocking(move || match app.engine.receipt_at(position) {
        Ok(receipt) => Ok(Some(receipt.to_string())),
        Err(EngineError::NotPublished { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    })
    .await
}

/// The newest published checkpoint: size and root, signed, with the witnesses' cosignatures (C2SP tlog-checkpoint).
#[utoipa::path(
    get,
    path = "/checkpoint",
    tag = "evidence",
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn checkpoint(State(app): State<Shared>) -> Result<Response, Problem> {
    let publication = app.engine.publication().borrow().clone();
    let Some(checkpoint) = publication.checkpoint else {
        let position = Position::ZERO;
        return Err(publication
            .trouble
            .unwrap_or(EngineError::NotPublished { position })
            .into());
    };
    Ok(answer(NOTE, FRESH, checkpoint.to_string().into_bytes()))
}

/// `GET /tile/<L>/<N>[.p/<W>]` and `/tile/entries/<N>[.p/<W>]`.
pub(crate) async fn tile(
    State(app): State<Shared>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let name = name.map(|Path(name)| format!("tile/{name}")).unwrap_or_default();
    let tile = Tile::parse(&name).map_err(|error| {
        Problem::malformed(error.code(), error.to_string())
            .hint("write tile/0/x001/234 or tile/entries/000.p/17")
    })?;
    let entries = matches!(tile.kind, shilu_engine::merkle::TileKind::Entries);
    let bytes = blocking(move || Ok(app.engine.tile(&tile)?)).await?;
    let caching = if entries { IMMUTABLE_PRIVATE } else { IMMUTABLE };
    found(&name, bytes, "application/octet-stream", caching)
}

/// `GET /attachments/{sha256}`: a campaign file that the log names.
pub(crate) async fn attachment(
    State(app): State<Shared>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    file(
        app,
        PublishedFolder::Attachments,
        name,
        "application/octet-stream",
    )
    .await
}

/// `GET /rotation/{position}`: the checkpoint that both keys signed after the change of the key at this position.
pub(crate) async fn rotation(
    State(app): State<Shared>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    file(app, PublishedFolder::Rotations, name, NOTE).await
}

async fn file(
    app: Shared,
    folder: PublishedFolder,
    name: Result<Path<String>, PathRejection>,
    content_type: &'static str,
) -> Result<Response, Problem> {
    let name = name.map(|Path(name)| name).unwrap_or_default();
    let asked = name.clone();
    let bytes = blocking(move || Ok(app.engine.published_file(folder, &asked)?)).await?;
    found(&name, bytes, content_type, IMMUTABLE)
}

fn found(
    name: &str,
    bytes: Option<Vec<u8>>,
    content_type: &'static str,
    caching: &'static str,
) -> Result<Response, Problem> {
    match bytes {
        Some(bytes) => Ok(answer(content_type, caching, bytes)),
        None => Err(Problem::new(
            StatusCode::NOT_FOUND,
            "NO_TILE",
            format!("nothing is published as {name}"),
        )
        .hint(
            "ask only for what the checkpoint's size requires; a partial tile that is gone has become full",
        )),
    }
}

fn answer(content_type: &'static str, caching: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

/// How far publishing has come, and who is missing.
#[derive(Serialize, ToSchema)]
#[schema(as = Publication)]
pub(crate) struct PublicationJson {
    /// How many events the published checkpoint covers.
    size: u64,
    /// How many durable events it does not cover yet.
    unpublished: u64,
    /// How many witnesses must cosign.
    quorum: usize,
    /// Each witness, in the campaign's order.
    witnesses: Vec<WitnessJson>,
    /// The code of what stands in the way; null when nothing does.
    code: Option<&'static str>,
    /// The same in words.
    detail: Option<String>,
    /// What to do next.
    hint: Option<String>,
}

/// A witness as it was when it was asked last.
#[derive(Serialize, ToSchema)]
#[schema(as = Witness)]
pub(crate) struct WitnessJson {
    /// Its name.
    name: String,
    /// Whether it cosigned then.
    cosigned: bool,
    /// What was wrong, in words.
    problem: Option<String>,
}

/// How far publishing has come, and which witnesses are missing.
#[utoipa::path(
    get,
    path = "/api/v1/publication",
    tag = "evidence",
    responses((status = 200, body = PublicationJson))
)]
pub(crate) async fn publication(State(app): State<Shared>) -> Result<Response, Problem> {
    let publication = app.engine.publication().borrow().clone();
    let size = publication.size();
    let trouble = publication.trouble.as_ref();
    let shown = PublicationJson {
        size,
        unpublished: app.engine.end().get().saturating_sub(size),
        quorum: publication.quorum,
        code: trouble.map(EngineError::code),
        detail: trouble.map(ToString::to_string),
        hint: trouble.map(EngineError::hint),
        witnesses: publication
            .witnesses
            .into_iter()
            .map(|witness| WitnessJson {
                name: witness.name,
                cosigned: witness.problem.is_none(),
                problem: witness.problem,
            })
            .collect(),
    };
    json(StatusCode::OK, &shown)
}
