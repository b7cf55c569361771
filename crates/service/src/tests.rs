//! Tests of the whole service, through its router and through a socket.

mod bad_input;
mod commands;
mod description;
mod live;
mod questions;
mod rankings;
mod samples;
mod served;
mod stream;
mod worked_examples;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use shilu_engine::{Engine, Init, Options};
use shilu_model::Timestamp;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::{RouterOptions, router};

const CAMPAIGN: &str = r#"
name = "Village"
origin = "example.org/village"
timezone = "Asia/Shanghai"
earliest = 2000-01-01
[[kinds]]
id = "dwelling"
title = { en = "Dwelling", zh = "房屋" }
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true }
area = { type = "text" }
rooms = { type = "integer" }
rent = { type = "decimal" }
built = { type = "date" }
rented = { type = "boolean" }
beside = { type = "reference", kind = "dwelling" }
[[kinds]]
id = "street"
title = { en = "Street", zh = "街道" }
key = "code"
[kinds.fields]
code = { type = "text", required = true }
name = { type = "text", required = true }
"#;

/// A register on a clock that the test sets.
struct Register {
    engine: Engine,
    router: Router,
    clock: Arc<AtomicI64>,
    _dir: TempDir,
}

struct Got {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Register {
    fn new() -> Self {
        Self::of(false)
    }

    fn of(simulated: bool) -> Self {
        Self::with(CAMPAIGN, simulated, "2020-01-01T00:00:00Z")
    }

    /// A register of a campaign, made at a time.
    fn with(campaign: &str, simulated: bool, start: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let start = Timestamp::parse(start).unwrap();
        let clock = Arc::new(AtomicI64::new(start.micros()));
        let reading = Arc::clone(&clock);
        let options = Options {
            clock: Some(Arc::new(move || {
                Timestamp::from_micros(reading.load(Ordering::Relaxed))
            })),
            ..Options::default()
        };
        let init = Init {
            campaign,
            actor: "founder",
            simulated,
        };
        let path = dir.path().join("register");
        Engine::init(&path, &init, &options).unwrap();
        let engine = Engine::open(&path, options).unwrap();
        Register {
            router: router(engine.clone(), RouterOptions::default()),
            engine,
            clock,
            _dir: dir,
        }
    }

    fn set_clock(&self, time: &str) {
        let time = Timestamp::parse(time).unwrap();
        self.clock.store(time.micros(), Ordering::Relaxed);
    }

    async fn send(&self, request: Request<Body>) -> Got {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(headers.contains_key("x-request-id"));
        if status.is_client_error() || status.is_server_error() {
            assert_eq!(
                headers[header::CONTENT_TYPE],
                "application/problem+json",
                "{text}"
            );
            let problem: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(problem["status"], status.as_u16());
            assert_eq!(problem["request_id"], headers["x-request-id"].to_str().unwrap());
            for key in ["type", "title", "code", "detail"] {
                assert!(
                    problem[key].as_str().is_some_and(|text| !text.is_empty()),
                    "{key}: {text}"
                );
            }
        }
        Got {
            status,
            headers,
            text,
        }
    }

    async fn get(&self, uri: &str) -> Got {
        self.send(Request::get(uri).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, body: impl Into<Body>) -> Got {
        self.send(Request::post("/api/v1/commands").body(body.into()).unwrap())
            .await
    }

    /// Sends a command that must be taken.
    async fn take(&self, command: Value) -> Value {
        let got = self.post(command.to_string()).await;
        assert_eq!(got.status, StatusCode::CREATED, "{}", got.text);
        got.json()
    }

    /// Collects and registers a dwelling.
    async fn settle(&self, key: &str, rooms: i64) {
        let record = format!("dwelling/{key}");
        self.take(json!([
            {"action": "collect", "record": record, "fields": {"rooms": rooms, "area": "east"}, "actor": "ann"},
            {"action": "register", "record": record, "actor": "ann"},
        ]))
        .await;
    }
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    #[track_caller]
    fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()
    }

    #[track_caller]
    fn refused(self, status: u16, code: &str) -> Value {
        let json = self.json();
        assert_eq!(
            (self.status.as_u16(), json["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.text
        );
        json
    }
}
