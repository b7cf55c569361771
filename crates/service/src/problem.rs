//! Refusals as RFC 9457 problems.
//!
//! A handler returns a [`Problem`]; the edge writes it out, since only the edge knows the request's id.

use std::{borrow::Cow, error::Error};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shilu_engine::EngineError;
use shilu_model::{Class, Rejection, TimeError};
use utoipa::ToSchema;

use crate::limits::PROBLEM_CHARS_MAX;

/// What went wrong, to which record, field, command or line, and what to do next.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<Facts>);

#[derive(Clone, Debug)]
struct Facts {
    status: StatusCode,
    code: &'static str,
    detail: String,
    record: Option<String>,
    field: Option<String>,
    index: Option<usize>,
    line: Option<u64>,
    hint: Option<String>,
}

/// A refusal (RFC 9457). Nothing was written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemJson<'a> {
    /// A page about the code, relative to the service.
    #[serde(rename = "type")]
    kind: String,
    /// What kind of "no" it is.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The stable code.
    #[schema(example = "VALUE_DIFFERS")]
    code: &'static str,
    /// What happened, in words.
    detail: &'a str,
    /// The record it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a str>,
    /// The field or part of the command it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// The command's place in its list, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    /// The line of the stream, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    /// The request, as the service's log names it.
    request_id: Cow<'a, str>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Problem(Box::new(Facts {
            status,
            code,
            detail: shorten(detail.into()),
            record: None,
            field: None,
            index: None,
            line: None,
            hint: None,
        }))
    }

    /// 400: it cannot be parsed.
    pub(crate) fn malformed(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 422: it is against the rules.
    pub(crate) fn rule(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 500: a mistake of ours.
    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", detail)
            .hint("report it, with the request_id; the register is as it was, or tells with the command's id")
    }

    pub(crate) fn bad_time(field: impl Into<String>, error: &TimeError) -> Self {
        let field = field.into();
        Self::malformed("BAD_TIME", format!("{field}: {error}"))
            .field(field)
            .hint("write RFC 3339 with an offset, such as 2015-04-07T09:30:00+08:00, or a date where one is taken")
    }

    pub(crate) fn rejection(rejection: &Rejection) -> Self {
        let problem = Self::new(status(rejection.class()), rejection.code(), rejection.to_string());
        let problem = problem.hint(rejection.hint());
        match rejection.field() {
            Some(field) => problem.field(field),
            None => problem,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(crate) fn record(mut self, record: impl Into<String>) -> Self {
        self.0.record = Some(shorten(record.into()));
        self
    }

    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(shorten(field.into()));
        self
    }

    pub(crate) fn index(mut self, index: Option<usize>) -> Self {
        self.0.index = index;
        self
    }

    pub(crate) fn line(mut self, line: u64) -> Self {
        self.0.line = Some(line);
        self
    }

    pub(crate) fn code(&self) -> &'static str {
        self.0.code
    }

    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    pub(crate) fn json<'a>(&'a self, request_id: &'a HeaderValue) -> ProblemJson<'a> {
        let facts = &*self.0;
        ProblemJson {
            kind: format!("/docs/errors#{}", facts.code.to_ascii_lowercase()),
            title: title(facts.status),
            status: facts.status.as_u16(),
            code: facts.code,
            detail: &facts.detail,
            record: facts.record.as_deref(),
            field: facts.field.as_deref(),
            index: facts.index,
            line: facts.line,
            hint: facts.hint.as_deref(),
            request_id: String::from_utf8_lossy(request_id.as_bytes()),
        }
    }

    /// The whole response; for the edge.
    pub(crate) fn response(&self, request_id: &HeaderValue) -> Response {
        let json = serde_json::to_vec(&self.json(request_id)).unwrap_or_default();
        let mut response = Response::new(Body::from(json));
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.0.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// Left for the edge to write out.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let mut detail = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            detail.push_str(": ");
            detail.push_str(&cause.to_string());
            source = cause.source();
        }
        let mut problem = Self::new(status(error.class()), error.code(), detail)
            .hint(error.hint())
            .index(error.index());
        problem.0.record = error.record().map(|record| record.to_string());
        problem.0.field = error.field().map(|field| shorten(field.to_owned()));
        problem
    }
}

fn status(class: Class) -> StatusCode {
    match class {
        Class::Malformed => StatusCode::BAD_REQUEST,
        Class::NotFound => StatusCode::NOT_FOUND,
        Class::Conflict => StatusCode::CONFLICT,
        Class::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Class::Rule => StatusCode::UNPROCESSABLE_ENTITY,
        Class::TryAgain => StatusCode::SERVICE_UNAVAILABLE,
        Class::Broken => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "It cannot be parsed",
        403 => "It is not allowed",
        404 => "There is no such thing",
        405 => "The method does not fit",
        408 => "It took too long",
        409 => "Somebody was first",
        413 => "It is too large",
        422 => "It is against the rules",
        503 => "Try again",
        _ => "The service cannot answer",
    }
}

/// The first characters of a text, so that a refusal stays readable.
pub(crate) fn shorten(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(PROBLEM_CHARS_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
}
