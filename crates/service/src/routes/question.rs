//! What the questions have in common: their pair (effective, recorded), their cursor, waiting, and their JSON.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;
use shilu_engine::{AsOf, At, EngineError};
use shilu_model::{Position, RecordName};
use tokio::{task::spawn_blocking, time::timeout};

use crate::{
    app::{App, Shared},
    cursor::{self, After, Cursor},
    limits::FOLD_WAIT_MAX,
    params::Params,
    problem::{Problem, shorten},
    time,
};

/// A question that is answered page by page.
pub(crate) struct Question {
    /// The pair.
    pub(crate) at: At,
    /// The other pair, of a diff; else the same.
    pub(crate) from: At,
    after: Option<After>,
    filters: u64,
    times: u64,
}

impl Question {
    /// Reads the cursor, or else resolves the pairs (from, at).
    ///
    /// A cursor must come with the filters of its first page. The times may be left out then, but not changed.
    pub(crate) fn read(
        app: &App,
        params: &Params,
        of: &str,
        filters: &[&str],
        times: &[&str],
        resolve: impl FnOnce() -> Result<(At, At), Problem>,
    ) -> Result<Self, Problem> {
        let filters = params.fingerprint(of, filters);
        let times_given = times.iter().any(|name| params.get(name).is_some());
        let times = params.fingerprint(of, times);
        let Some(text) = params.get("cursor") else {
            let (from, at) = resolve()?;
            return Ok(Question {
                at,
                from,
                after: None,
                filters,
                times,
            });
        };
        let cursor = Cursor::read(text, app.engine.end())?;
        if cursor.filters != filters {
            return Err(cursor::bad("it belongs to a question with other filters"));
        }
        if times_given && cursor.times != times {
            return Err(cursor::bad("it belongs to a question about other times"));
        }
        if let After::Record(name) = &cursor.after
            && app.engine.campaign().kind(name.kind()).is_none()
        {
            return Err(cursor::bad("the campaign has no such kind"));
        }
        Ok(Question {
            at: cursor.at,
            from: cursor.from,
            after: Some(cursor.after),
            filters,
            times: cursor.times,
        })
    }

    /// The record that the last page ended with.
    pub(crate) fn after_record(&self) -> Result<Option<RecordName>, Problem> {
        match &self.after {
            None => Ok(None),
            Some(After::Record(name)) => Ok(Some(name.clone())),
            Some(After::Position(_)) => Err(cursor::bad("it belongs to another question")),
        }
    }

    /// The position to go on from.
    pub(crate) fn position(&self) -> Result<Option<Position>, Problem> {
        match &self.after {
            None => Ok(None),
            Some(After::Position(position)) => Ok(Some(*position)),
            Some(After::Record(_)) => Err(cursor::bad("it belongs to another question")),
        }
    }

    /// The cursor of the next page.
    pub(crate) fn cursor(&self, after: After) -> String {
        let cursor = Cursor {
            filters: self.filters,
            times: self.times,
            at: self.at,
            from: self.from,
            after,
        };
        cursor.write()
    }
}

/// Resolves `as_of` and `effective`.
pub(crate) fn at(app: &App, params: &Params) -> Result<At, Problem> {
    let zone = app.engine.campaign().zone;
    let as_of = params
        .get("as_of")
        .map_or(Ok(AsOf::Now), |text| time::as_of(text, zone))?;
    let effective = params.get("effective");
    let effective = effective
        .map(|text| time::asked("effective", text, zone))
        .transpose()?;
    Ok(app.engine.at(as_of, effective)?)
}

/// An area that a campaign of the register declares, or ever did. Without declared areas it is any.
pub(crate) fn area(app: &App, params: &Params) -> Result<Option<String>, Problem> {
    match params.text("area") {
        Some(area) if !app.engine.has_had_area(&area) => {
            let detail = format!("area: the campaign has no area {:?}", shorten(area));
            Err(Problem::malformed("BAD_QUERY", detail)
                .field("area")
                .hint("use the id of an area of the campaign; `shilu campaign` shows them"))
        }
        area => Ok(area),
    }
}

/// Reads `kind`: one that the campaign declares.
pub(crate) fn kind(app: &App, params: &Params) -> Result<Option<String>, Problem> {
    match params.text("kind") {
        Some(kind) if app.engine.campaign().kind(&kind).is_none() => Err(EngineError::NoKind { kind }.into()),
        kind => Ok(kind),
    }
}

/// The last position that a pair takes into account; `None` before the first event.
pub(crate) fn last(at: At) -> Option<u64> {
    at.known_end.get().checked_sub(1)
}

/// Waits until the projections have folded `min_position`, if it is asked for.
pub(crate) async fn ready(app: &App, params: &Params) -> Result<(), Problem> {
    let Some(text) = params.get("min_position") else {
        return Ok(());
    };
    let wanted = time::position("min_position", text)?;
    let mut folded = app.engine.folded();
    match timeout(FOLD_WAIT_MAX, folded.wait_for(|folded| *folded > wanted)).await {
        Ok(Ok(_)) => Ok(()),
        _ => {
            let detail = format!(
                "position {wanted} was not folded within {} s",
                FOLD_WAIT_MAX.as_secs()
            );
            Err(
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "NOT_YET_FOLDED", detail)
                    .field("min_position")
                    .hint("ask again; check that the position is one that a write answered with"),
            )
        }
    }
}

/// Runs a question that may read the log on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let span = tracing::Span::current();
    match spawn_blocking(move || span.in_scope(ask)).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(%error, "a question panicked");
            Err(Problem::internal(
                "the service made a mistake and could not finish",
            ))
        }
    }
}

/// The same for a question that may pass over the whole log: only so many run at once.
pub(crate) async fn heavy<T: Send + 'static>(
    app: &Shared,
    ask: impl FnOnce(&App) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let permit = Arc::clone(&app.heavy).acquire_owned().await;
    let app = Arc::clone(app);
    blocking(move || {
        // Held until the answer is there, even if the client has gone.
        let _permit = permit;
        ask(&app)
    })
    .await
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, answer: &impl Serialize) -> Result<Response, Problem> {
    let bytes = serde_json::to_vec(answer);
    let bytes = bytes.map_err(|error| Problem::internal(format!("the answer cannot be written: {error}")))?;
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
