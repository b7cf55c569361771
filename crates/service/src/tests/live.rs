//! `GET /api/v1/live`.

use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::Register;

/// Reads whole messages until there are so many, as (id, data).
async fn follow(register: &Register, request: Request<Body>, messages: usize) -> Vec<(u64, Value)> {
    let mut response = register.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while text.matches("\n\n").count() < messages {
        let frame = response
            .body_mut()
            .frame()
            .await
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap();
        text.push_str(std::str::from_utf8(&frame).unwrap());
    }
    let message = |message: &str| {
        let line = |name: &str| {
            message
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap()
                .trim()
                .to_owned()
        };
        assert_eq!(line("event:"), "event");
        (
            line("id:").parse().unwrap(),
            serde_json::from_str(&line("data:")).unwrap(),
        )
    };
    text.split_terminator("\n\n").map(message).collect()
}

#[tokio::test]
async fn a_client_that_comes_back_misses_nothing() {
    let register = Register::new();
    for key in 0..300 {
        register.settle(&key.to_string(), 1).await;
    }
    let request = Request::get("/api/v1/live")
        .header("last-event-id", "1")
        .body(Body::empty())
        .unwrap();
    let events = follow(&register, request, 599).await;
    let positions: Vec<_> = events.iter().map(|(id, _)| *id).collect();
    assert_eq!(positions, (2..=600).collect::<Vec<_>>());
    let history = register.get("/api/v1/records/dwelling/0/history").await.ok();
    assert_eq!(events[0].1, history["items"][1]);
    let request = Request::get("/api/v1/live?from=600").body(Body::empty()).unwrap();
    assert_eq!(follow(&register, request, 1).await[0].0, 600);
}

#[tokio::test]
async fn without_a_position_it_begins_now() {
    let register = Register::new();
    register.settle("1", 1).await;
    let request = Request::get("/api/v1/live").body(Body::empty()).unwrap();
    let following = follow(&register, request, 1);
    let acting = async {
        tokio::task::yield_now().await;
        register.settle("2", 1).await;
    };
    let (events, ()) = tokio::join!(following, acting);
    assert_eq!((events[0].0, &events[0].1["record"]), (3, &json!("dwelling/2")));
}
