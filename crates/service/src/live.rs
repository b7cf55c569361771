//! `GET /api/v1/live`: every event as it is folded, as server-sent events.
//!
//! One batch of events is held per client; a client that does not read holds its own stream up, nothing else.

use std::{collections::VecDeque, convert::Infallible, sync::Arc};

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{self, KeepAlive, Sse},
    },
};
use futures_util::{Stream, stream};
use shilu_engine::EngineError;
use shilu_model::Position;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tracing::{Instrument, Span};

use crate::{
    app::{Shared, Stopping},
    limits::{LIVE_BATCH_EVENTS, LIVE_CLIENTS_MAX, LIVE_KEEP_ALIVE},
    params::Params,
    problem::Problem,
    routes::blocking,
    time,
    wire::event::EventJson,
};

const LAST_EVENT_ID: &str = "last-event-id";

/// Follow the log: every event as it comes, as server-sent events.
///
/// Each has its position as id, the name `event`, and the event as data. A client that comes back with
/// `Last-Event-ID` misses nothing. Otherwise the stream begins at `from`, or with the next event.
#[utoipa::path(
    get,
    path = "/api/v1/live",
    tag = "changes",
    params(
        ("from" = Option<u64>, Query, description = "Begin with the event at this position"),
        ("Last-Event-ID" = Option<u64>, Header, description = "Begin after this position"),
    ),
    responses(
        (status = 200, body = EventJson, content_type = "text/event-stream"),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn follow(
    State(app): State<Shared>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let params = Params::read(query.as_deref(), &["from"])?;
    let folded = app.engine.folded();
    let end = *folded.borrow();
    let next = match (headers.get(LAST_EVENT_ID), params.get("from")) {
        (Some(last), _) => time::position("Last-Event-ID", last.to_str().unwrap_or("?"))?.next(),
        (None, Some(from)) => time::position("from", from)?,
        (None, None) => end,
    };
    if next > end {
        // A position that was never given out: another register's, or one from before a restore.
        return Err(EngineError::NoPosition { position: next }.into());
    }
    let Ok(permit) = Arc::clone(&app.live).try_acquire_owned() else {
        let detail = format!("{LIVE_CLIENTS_MAX} clients follow already");
        return Err(
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "TOO_MANY_FOLLOWERS", detail)
                .hint("follow through one of them, or poll /api/v1/changes"),
        );
    };
    let follower = Follower {
        stopping: app.stopping.clone(),
        app,
        folded,
        next,
        ready: VecDeque::new(),
        span: Span::current(),
        _permit: permit,
    };
    let keep_alive = KeepAlive::new().interval(LIVE_KEEP_ALIVE);
    Ok(Sse::new(events(follower)).keep_alive(keep_alive).into_response())
}

struct Follower {
    app: Shared,
    stopping: Stopping,
    folded: watch::Receiver<Position>,
    /// The position to read next.
    next: Position,
    ready: VecDeque<sse::Event>,
    /// The request's, so that a log line carries its id.
    span: Span,
    _permit: OwnedSemaphorePermit,
}

fn events(follower: Follower) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    stream::unfold(follower, |mut follower| async move {
        while follower.ready.is_empty() {
            let next = follower.next;
            tokio::select! {
                () = follower.stopping.asked() => return None,
                folded = follower.folded.wait_for(|folded| *folded > next) => {
                    // The engine has gone.
                    folded.ok()?;
                }
            }
            let span = follower.span.clone();
            follower.fetch().instrument(span).await?;
        }
        let event = follower.ready.pop_front()?;
        Some((Ok(event), follower))
    })
}

impl Follower {
    /// Reads a batch; `None` where the log cannot be read, which ends the stream.
    async fn fetch(&mut self) -> Option<()> {
        let (app, from) = (Arc::clone(&self.app), self.next);
        let batch = blocking(move || {
            let stored = app.engine.events(from, LIVE_BATCH_EVENTS)?;
            let mut events = VecDeque::with_capacity(stored.len());
            for stored in &stored {
                let event = EventJson::of(&stored.event());
                let data = serde_json::to_string(&event);
                let data = data.map_err(|error| Problem::internal(error.to_string()))?;
                events.push_back(
                    sse::Event::default()
                        .id(event.position.to_string())
                        .event("event")
                        .data(data),
                );
            }
            Ok(events)
        });
        match batch.await {
            Ok(events) => {
                self.next = self.next.plus(u64::try_from(events.len()).unwrap_or(0));
                self.ready = events;
                Some(())
            }
            Err(problem) => {
                tracing::error!(
                    code = problem.code(),
                    detail = problem.detail(),
                    "a live stream ends"
                );
                None
            }
        }
    }
}
