//! Around every request: its id, its span, its latency; a panic becomes an answer, and a [`Problem`] is written out.

use std::{panic::AssertUnwindSafe, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use tracing::{Instrument, Span};

use crate::{
    app::Shared,
    origin,
    problem::Problem,
    request_id::{self, RequestId},
};

/// Says on every answer that the register's clock is simulated.
const CLOCK: HeaderName = HeaderName::from_static("shilu-clock");

/// The route on which a microsecond counts.
const HOT_ROUTE: &str = "/api/v1/commands";

pub(crate) async fn around(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = app.request_ids.of(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let span = span(&id, &method, route);
    let mut response = guard(&id, span, request, next).await;
    let (status, elapsed) = (response.status(), started.elapsed());
    tracing::debug!(
        request_id = id.as_str(),
        %method,
        route,
        status = status.as_u16(),
        elapsed_us = elapsed.as_micros(),
        "answered"
    );
    let headers = response.headers_mut();
    if app.simulated {
        headers.insert(CLOCK, HeaderValue::from_static("simulated"));
    }
    headers.insert(request_id::HEADER, id.0);
    app.routes.record(&method, route, status, elapsed);
    response
}

/// Answers a request: one that a page from elsewhere sent is refused, a panic becomes an answer, a problem is written
/// out.
pub(crate) async fn guard(id: &RequestId, span: Span, mut request: Request, next: Next) -> Response {
    let response = match origin::check(request.headers()) {
        Err(problem) => problem.into_response(),
        Ok(()) => {
            request.extensions_mut().insert(id.clone());
            let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
            match answer.instrument(span).await {
                Ok(response) => response,
                Err(panic) => panicked(&*panic, id).into_response(),
            }
        }
    };
    write_problem(response, id)
}

/// The span that gives every line below it the request's id.
///
/// Writing out a span costs a quarter of a command's whole time, and below a command nothing is logged at `info` or
/// above; so commands have theirs only where somebody listens at `debug`.
fn span(id: &RequestId, method: &Method, route: &str) -> Span {
    if route == HOT_ROUTE {
        tracing::debug_span!("request", request_id = id.as_str(), %method, route)
    } else {
        tracing::info_span!("request", request_id = id.as_str(), %method, route)
    }
}

fn write_problem(mut response: Response, id: &RequestId) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    let (request_id, code, detail) = (id.as_str(), problem.code(), problem.detail());
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(request_id, code, detail, "cannot answer");
    } else {
        tracing::debug!(request_id, code, detail, "refused");
    }
    let mut written = problem.response(&id.0);
    // The router has said which methods a route takes.
    if let Some(allow) = response.headers_mut().remove(header::ALLOW) {
        written.headers_mut().insert(header::ALLOW, allow);
    }
    written
}

fn panicked(panic: &(dyn std::any::Any + Send), id: &RequestId) -> Problem {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let message = message.unwrap_or("without a message");
    tracing::error!(request_id = id.as_str(), message, "a handler panicked");
    Problem::internal("the service made a mistake and could not finish")
}

pub(crate) async fn no_route(uri: Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "NO_ROUTE",
        format!("there is nothing at {}", uri.path()),
    )
    .hint("see /openapi.json for what there is")
}

pub(crate) async fn no_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail)
        .hint("use a method that the header Allow names")
}
