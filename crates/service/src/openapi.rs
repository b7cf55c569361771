//! The routes with their OpenAPI description, from one list.

use std::sync::OnceLock;

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::Shared, live, problem::ProblemJson, routes as r, stream};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "shilu",
        description = "An audit-first register of records: every action is one immutable event; every answer is exact for a pair of times, effective (since when it holds) and recorded (since when it is known)."
    ),
    tags(
        (name = "commands", description = "Act on records"),
        (name = "records", description = "What records are, and were"),
        (name = "changes", description = "Who changed what, when, why"),
        (name = "figures", description = "Counts and rates"),
        (name = "samples", description = "Samples nobody can steer: announced, drawn, visited"),
        (name = "evidence", description = "What proves the answers; tiles are at /tile/<L>/<N>[.p/<W>] and /tile/entries/<N>[.p/<W>], campaign files at /attachments/<sha256>, checkpoints signed by two keys at /rotation/<position>"),
        (name = "operation", description = "For those who operate the service"),
    ),
    components(schemas(ProblemJson, crate::wire::command::WireChange))
)]
struct Description;

/// Every route that is described.
pub(crate) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(r::commands::take))
        .routes(routes!(stream::take))
        .routes(routes!(r::records::list))
        .routes(routes!(r::record::show))
        .routes(routes!(r::record::history))
        .routes(routes!(r::record::blame))
        .routes(routes!(r::changes::list))
        .routes(routes!(r::diff::list))
        .routes(routes!(r::figures::counts))
        .routes(routes!(r::figures::rates))
        .routes(routes!(r::behind::evidence))
        .routes(routes!(r::behind::reconciled))
        .routes(routes!(r::rankings::list))
        .routes(routes!(r::samples::list, r::samples::announce))
        .routes(routes!(r::samples::show))
        .routes(routes!(r::samples::draw))
        .routes(routes!(r::samples::verifiers))
        .routes(routes!(r::samples::visit))
        .routes(routes!(r::samples::revealed))
        .routes(routes!(r::event::show))
        .routes(routes!(r::evidence::receipt))
        .routes(routes!(r::evidence::checkpoint))
        .routes(routes!(r::evidence::publication))
        .routes(routes!(live::follow))
        .routes(routes!(r::operation::campaign))
        .routes(routes!(r::operation::healthz))
        .routes(routes!(r::operation::readyz))
        .routes(routes!(r::operation::metrics))
}

/// The OpenAPI description of the service, as JSON. Checked in as `openapi.json` beside this crate.
pub fn openapi() -> String {
    let (_, description) = routes().split_for_parts();
    let json = description.to_pretty_json();
    json.expect("the description is made of texts alone, which are always JSON")
}

/// `GET /openapi.json`
pub(crate) async fn answer() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let mut response = Response::new(Body::from(TEXT.get_or_init(openapi).as_str()));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
