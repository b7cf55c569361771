//! `POST /api/v1/commands/stream`: one command, or one atomic list, per line in; one answer or problem per line out, in
//! order.
//!
//! ```text
//! body ─► lines ─► batch: parse, submit ─► bounded channel ─► await the batch ─► lines ─► response
//! ```
//!
//! While one batch is made durable the next is read. A client that does not read its answers holds its own stream up:
//! it has to read while it sends, or send no more at once than the sockets hold.

mod lines;

use std::{collections::VecDeque, convert::Infallible, sync::Arc};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use futures_util::stream;
use http_body_util::BodyExt;
use lines::{Line, Lines};
use serde::Serialize;
use shilu_engine::{Answer, EngineError, Pending};
use shilu_model::Command;
use tokio::sync::mpsc;
use tracing::Instrument;

use crate::{
    app::Shared,
    limits::{LINE_BYTES_MAX, STREAM_BATCH_LINES, STREAM_BATCHES_MAX},
    problem::Problem,
    request_id::RequestId,
    routes::{blocking, commands::refused},
    wire::{
        answer::AcceptedJson,
        command::WireCommand,
        read::{self, Body as Read},
    },
};

/// Take commands as they come, one per line.
///
/// NDJSON in, NDJSON out: per line, in order, what `/api/v1/commands` would have answered, or a problem with `line`.
/// A line may be an atomic list, a bare array; its answer is one too. Each line stands for itself. Read the answers while
/// you send.
#[utoipa::path(
    post,
    path = "/api/v1/commands/stream",
    tag = "commands",
    request_body(content = WireCommand, description = "One command, or an array of at most 1,000, per line", content_type = "application/x-ndjson"),
    responses(
        (status = 200, description = "Per line, an answer like this (for a list, an array of them), or a Problem", body = AcceptedJson, content_type = "application/x-ndjson"),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn take(
    State(app): State<Shared>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Result<Response, Problem> {
    let (sender, receiver) = mpsc::channel(STREAM_BATCHES_MAX);
    let reader = Reader {
        app,
        sender,
        batch: Batch::default(),
        lists: Vec::new(),
        line: 0,
    };
    // Its log lines carry the request's id too.
    tokio::spawn(reader.run(request.into_body()).in_current_span());
    let answers = stream::unfold((receiver, id), |(mut receiver, id)| async move {
        let batch = receiver.recv().await?;
        let text = batch.answer(&id).await;
        Some((Ok::<_, Infallible>(text), (receiver, id)))
    });
    let mut response = Response::new(Body::from_stream(answers));
    let ndjson = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, ndjson);
    Ok(response)
}

/// Reads lines and submits them in batches.
struct Reader {
    app: Shared,
    sender: mpsc::Sender<Batch>,
    batch: Batch,
    lists: Vec<Vec<Command>>,
    /// Lines read so far.
    line: u64,
}

/// Lines that were submitted together.
#[derive(Default)]
struct Batch {
    lines: Vec<(u64, Outcome)>,
    pending: Option<Pending>,
}

/// What became of a line when it was read.
enum Outcome {
    /// It is the next of the batch's lists, or a command on its own.
    Submitted { is_list: bool },
    /// It is neither.
    Refused(Problem),
}

/// The client has gone: nobody waits for answers.
struct Gone;

impl Reader {
    async fn run(mut self, mut body: Body) {
        let mut lines = Lines::new(LINE_BYTES_MAX);
        let mut stopping = self.app.stopping.clone();
        loop {
            let frame = tokio::select! {
                frame = body.frame() => frame,
                () = stopping.asked() => {
                    let _ = self.end(EngineError::Stopping.into()).await;
                    return;
                }
            };
            let done = match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.read(&mut lines, &data).await,
                    // Trailers say nothing here.
                    Err(_) => Ok(()),
                },
                Some(Err(error)) => {
                    let problem =
                        Problem::malformed("BODY_INCOMPLETE", format!("the body broke off: {error}"));
                    let _ = self
                        .end(problem.hint("send what has no answer again; with ids, that is safe"))
                        .await;
                    return;
                }
                None => {
                    if let Some(last) = lines.last() {
                        self.take(last);
                    }
                    let _ = self.flush().await;
                    return;
                }
            };
            if done.is_err() {
                return;
            }
        }
    }

    /// Takes what has arrived. Submits even a small batch: whoever sent it waits for its answer.
    async fn read(&mut self, lines: &mut Lines, data: &[u8]) -> Result<(), Gone> {
        lines.push(data);
        while let Some(line) = lines.next() {
            self.take(line);
            if self.batch.lines.len() >= STREAM_BATCH_LINES {
                self.flush().await?;
            }
        }
        self.flush().await
    }

    fn take(&mut self, line: Line<'_>) {
        self.line += 1;
        let outcome = match line {
            Line::Text(text) if text.iter().all(u8::is_ascii_whitespace) => return,
            Line::Text(text) => match read::body(text, &self.app.engine.campaign()) {
                Ok(Read { commands, is_list }) => {
                    self.lists.push(commands);
                    Outcome::Submitted { is_list }
                }
                Err(problem) => Outcome::Refused(problem.line(self.line)),
            },
            Line::TooLong => {
                let detail = format!("the line has more than {LINE_BYTES_MAX} bytes");
                let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "LINE_TOO_LONG", detail);
                Outcome::Refused(
                    problem
                        .line(self.line)
                        .hint("one line is one command, or one list: split it"),
                )
            }
        };
        self.batch.lines.push((self.line, outcome));
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        if self.batch.lines.is_empty() {
            return Ok(());
        }
        let mut batch = std::mem::take(&mut self.batch);
        if !self.lists.is_empty() {
            let lists = std::mem::take(&mut self.lists);
            let app = Arc::clone(&self.app);
            // Waiting for a place in the queue may block; it is what holds a fast client back.
            match blocking(move || Ok(app.engine.submit(lists)?)).await {
                Ok(pending) => batch.pending = Some(pending),
                Err(problem) => batch.refuse(&problem),
            }
        }
        self.sender.send(batch).await.map_err(|_| Gone)
    }

    /// Submits what was read, and answers the line that will not be read with a problem.
    async fn end(mut self, problem: Problem) -> Result<(), Gone> {
        self.flush().await?;
        let line = self.line + 1;
        self.batch
            .lines
            .push((line, Outcome::Refused(problem.line(line))));
        self.flush().await
    }
}

impl Batch {
    fn refuse(&mut self, problem: &Problem) {
        for (line, outcome) in &mut self.lines {
            if matches!(outcome, Outcome::Submitted { .. }) {
                *outcome = Outcome::Refused(problem.clone().line(*line));
            }
        }
    }

    async fn answer(self, id: &RequestId) -> Bytes {
        let mut answers: VecDeque<Answer> = match self.pending {
            Some(pending) => pending.await.into(),
            None => VecDeque::new(),
        };
        let mut text = Vec::with_capacity(self.lines.len() * 160);
        for (line, outcome) in self.lines {
            let problem = match outcome {
                Outcome::Refused(problem) => problem,
                Outcome::Submitted { is_list } => {
                    match answers.pop_front().unwrap_or(Err(EngineError::Stopping)) {
                        Ok(accepted) => {
                            let accepted = accepted.iter().map(AcceptedJson::of);
                            if is_list {
                                write(&mut text, &accepted.collect::<Vec<_>>());
                            } else {
                                accepted.for_each(|accepted| write(&mut text, &accepted));
                            }
                            continue;
                        }
                        Err(error) => refused(error, is_list).line(line),
                    }
                }
            };
            write(&mut text, &problem.json(&id.0));
        }
        text.into()
    }
}

fn write(text: &mut Vec<u8>, answer: &impl Serialize) {
    serde_json::to_writer(&mut *text, answer).expect("writing plain structures to memory cannot fail");
    text.push(b'\n');
}
