//! The body of a request, whole and bounded.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use crate::{
    limits::{BODY_BYTES_MAX, BODY_READ_MAX},
    problem::Problem,
};

/// How long a body may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// The most bytes.
    pub(crate) bytes: usize,
    /// What to do with a longer one.
    pub(crate) hint: &'static str,
}

const COMMANDS: Limit = Limit {
    bytes: BODY_BYTES_MAX,
    hint: "split the list, or use /api/v1/commands/stream",
};

/// Reads a body of at most [`BODY_BYTES_MAX`].
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    read_at_most(headers, body, COMMANDS).await
}

/// Reads a body of limited length.
pub(crate) async fn read_at_most(headers: &HeaderMap, body: Body, limit: Limit) -> Result<Bytes, Problem> {
    let stated = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    if stated
        .and_then(|length| length.parse::<usize>().ok())
        .is_some_and(|length| length > limit.bytes)
    {
        return Err(too_large(limit));
    }
    match timeout(BODY_READ_MAX, Limited::new(body, limit.bytes).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Ok(Err(error)) => Err(
            Problem::malformed("BODY_INCOMPLETE", format!("the body broke off: {error}"))
                .hint("send it again; with an id, that is safe"),
        ),
        Err(_) => {
            let detail = format!("the body did not arrive within {} s", BODY_READ_MAX.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "BODY_TOO_SLOW", detail)
                .hint("send it again; with an id, that is safe"))
        }
    }
}

fn too_large(limit: Limit) -> Problem {
    let detail = format!("the body has more than {} bytes", limit.bytes);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", detail).hint(limit.hint)
}
