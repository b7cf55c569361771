//! A witness over HTTP (C2SP `tlog-witness`): logs submit checkpoints, it cosigns those that continue the last ones.
//!
//! Who submits is not asked: the log's signature on the checkpoint is what counts.

mod error;
mod evidence;
mod last;
mod store;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::Response,
    routing,
};
use shilu_merkle::{Addition, EvidenceError, NoteSignature, REQUEST_BYTES_MAX, Refusal};
use tokio::{net::TcpListener, task};

use self::store::Declined;
pub use self::{
    error::WitnessError,
    store::{KnownLog, LOG_KEYS_MAX, Witness, witness_key, witness_logs},
};
use crate::{
    body::{self, Limit},
    edge,
    loopback::check_loopback,
    problem::Problem,
    request_id::{self, RequestIds},
    routes,
    serve::serve_router,
};

/// What a request's body may be.
const LIMIT: Limit = Limit {
    bytes: REQUEST_BYTES_MAX,
    hint: "send one checkpoint, its proof, and no more than a hundred signatures",
};

/// Refuses any address that other machines can reach.
///
/// # Errors
/// [`WitnessError::LoopbackOnly`].
pub fn check_witness_address(address: &SocketAddr) -> Result<(), WitnessError> {
    check_loopback(address).map_err(|_| WitnessError::LoopbackOnly { address: *address })
}

/// Serves a witness until `shutdown` ends, as [`crate::serve`] does a register.
///
/// # Errors
/// Where the listener has no address, or one that other machines can reach.
pub async fn serve_witness(
    witness: Witness,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    check_witness_address(&address)
        .map_err(|error| io::Error::new(io::ErrorKind::PermissionDenied, error))?;
    serve_router(listener, &router(witness), shutdown, || ()).await;
    Ok(())
}

struct Shared {
    witness: Arc<Witness>,
    request_ids: RequestIds,
}

fn router(witness: Witness) -> Router {
    let shared = Arc::new(Shared {
        witness: Arc::new(witness),
        request_ids: RequestIds::new(),
    });
    Router::new()
        .route("/add-checkpoint", routing::post(add_checkpoint))
        .route("/healthz", routing::get(routes::operation::healthz))
        .route("/docs/errors", routing::get(routes::operation::errors))
        .fallback(no_route)
        .method_not_allowed_fallback(edge::no_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), around))
        .with_state(shared)
}

/// Around every request: what [`edge::around`] does, without a register's metrics.
async fn around(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let id = shared.request_ids.of(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = tracing::info_span!("request", request_id = id.as_str(), %method, path);
    let mut response = edge::guard(&id, span, request, next).await;
    tracing::debug!(request_id = id.as_str(), %method, path, status = response.status().as_u16(), "answered");
    response.headers_mut().insert(request_id::HEADER, id.0);
    response
}

async fn no_route(uri: Uri) -> Problem {
    let detail = format!("there is nothing at {}", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "NO_ROUTE", detail)
        .hint("a witness takes POST /add-checkpoint, and GET /healthz")
}

async fn add_checkpoint(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let bytes = body::read_at_most(&headers, body, LIMIT).await?;
    let request = Addition::parse(&bytes).map_err(|error| malformed(&error))?;
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = seconds
        .map_err(|_| Problem::internal("the clock is before 1970"))?
        .as_secs();
    let witness = Arc::clone(&shared.witness);
    let origin = request.checkpoint.unchecked().origin.clone();
    let size = request.checkpoint.unchecked().size;
    // It waits for the disk, and goes on where the client goes away.
    let added = task::spawn_blocking(move || witness.add(&request, seconds)).await;
    match added.map_err(|error| Problem::internal(error.to_string()))? {
        Ok(cosignature) => {
            tracing::info!(origin, size, "cosigned");
            Ok(cosigned(&cosignature))
        }
        Err(declined) => decline(declined),
    }
}

fn cosigned(cosignature: &NoteSignature) -> Response {
    text(
        "text/plain; charset=utf-8",
        StatusCode::OK,
        format!("{cosignature}\n"),
    )
}

fn text(content_type: &'static str, status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

fn malformed(error: &EvidenceError) -> Problem {
    Problem::malformed(error.code(), error.to_string()).hint(
        "send `old SIZE`, the proof's lines, an empty line and the signed checkpoint (C2SP tlog-witness)",
    )
}

fn decline(declined: Declined) -> Result<Response, Problem> {
    match declined {
        Declined::Refused(refusal) => refused(&refusal),
        Declined::TooLong => Err(
            Problem::malformed("BAD_NOTE", "the checkpoint is too long to be kept")
                .hint("send a checkpoint with fewer extension lines"),
        ),
        Declined::Damaged { origin, problem } => {
            // Whoever asks learns which log, and not where its file lies.
            tracing::error!(
                origin,
                problem,
                "what was cosigned last is not known; nothing is cosigned for this log"
            );
            let detail = format!("the witness does not know what it cosigned last for {origin}");
            Err(
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "WITNESS_DAMAGED", detail)
                    .hint("tell who runs the witness: its log names the file"),
            )
        }
        Declined::NotDurable(error) => {
            tracing::error!(%error, "a checkpoint could not be made durable; it is not cosigned");
            let detail = "the witness could not make the checkpoint durable, and so does not cosign it";
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "IO", detail).hint("try again later"))
        }
    }
}

/// What the standard refuses, by its statuses.
fn refused(refusal: &Refusal) -> Result<Response, Problem> {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let (code, detail, hint) = match refusal {
        Refusal::UnknownLog => (
            "UNKNOWN_LOG",
            "the witness does not know a log of this origin".to_owned(),
            "send the log's vkey to whoever runs the witness",
        ),
        Refusal::NotSigned(error) => (
            error.code(),
            error.to_string(),
            "sign with the key that the witness knows, or give it the vkey of the new one",
        ),
        Refusal::OldIsLarger => (
            "OLD_IS_LARGER",
            "the old size is larger than the checkpoint's".to_owned(),
            "prove from the size that the witness cosigned last",
        ),
        Refusal::OldDiffers { last } => return Ok(text("text/x.tlog.size", status, format!("{last}\n"))),
        Refusal::OtherRoot { size } => (
            "OTHER_ROOT",
            format!("the witness cosigned another root of the size {size}: the log shows two histories"),
            "stop the log and find out which history is true; the witness keeps both checkpoints",
        ),
        Refusal::NotConsistent(error) => (
            error.code(),
            error.to_string(),
            "make the proof anew; if that does not help, the log's history was rewritten",
        ),
    };
    Err(Problem::new(status, code, detail).hint(hint))
}
