//! `POST /api/v1/commands/stream`.

use std::convert::Infallible;

use axum::{
    body::{Body, Bytes},
    http::Request,
};
use futures_util::stream;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower::ServiceExt;

use super::Register;
use crate::limits::LINE_BYTES_MAX;

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn collect(key: usize) -> String {
    json!({"action": "collect", "record": format!("dwelling/{key}"), "fields": {"rooms": 1}, "actor": "ann"})
        .to_string()
}

#[tokio::test]
async fn each_line_has_its_answer_in_order() {
    let register = Register::new();
    let long = "x".repeat(LINE_BYTES_MAX + 1);
    let mut body = format!("{}\n\n{{\n{long}\n{}\r\n", collect(1), collect(2)).into_bytes();
    body.extend(b"\xff\xfe\n");
    body.extend(
        json!({"action": "register", "record": "dwelling/9", "actor": "ann"})
            .to_string()
            .into_bytes(),
    );
    let request = Request::post("/api/v1/commands/stream")
        .body(Body::from(body))
        .unwrap();
    let got = register.send(request).await;
    assert_eq!(got.headers["content-type"], "application/x-ndjson");
    let answers = lines(&got.text);
    let shown: Vec<_> = answers
        .iter()
        .map(|answer| {
            (
                answer["line"].as_u64(),
                answer["code"].as_str(),
                answer["position"].as_u64(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (None, None, Some(1)),
            (Some(3), Some("BAD_JSON"), None),
            (Some(4), Some("LINE_TOO_LONG"), None),
            (None, None, Some(2)),
            (Some(6), Some("BAD_JSON"), None),
            (Some(7), Some("NO_RECORD"), None),
        ]
    );
    assert_eq!(answers[5]["record"], "dwelling/9");
    assert_eq!(answers[5].get("index"), None);
    assert_eq!(
        answers[5]["request_id"],
        got.headers["x-request-id"].to_str().unwrap()
    );
}

#[tokio::test]
async fn a_line_may_be_an_atomic_list() {
    let register = Register::new();
    let registers =
        |key: usize| json!({"action": "register", "record": format!("dwelling/{key}"), "actor": "ann"});
    // The second list asks for what only the first one makes.
    let body = format!(
        "[{},{}]\n[{},{}]\n{}\n[]\n",
        collect(1),
        collect(2),
        registers(2),
        registers(9),
        collect(3)
    );
    let request = Request::post("/api/v1/commands/stream")
        .body(Body::from(body))
        .unwrap();
    let answers = lines(&register.send(request).await.text);
    assert_eq!(answers.len(), 4);
    assert_eq!(
        (&answers[0][0]["position"], &answers[0][1]["position"]),
        (&json!(1), &json!(2))
    );
    let told = |answer: &Value| {
        [
            answer["code"].clone(),
            answer["line"].clone(),
            answer["index"].clone(),
        ]
    };
    assert_eq!(told(&answers[1]), [json!("NO_RECORD"), json!(2), json!(1)]);
    assert_eq!(answers[2]["position"], 3, "of the refused list nothing was taken");
    assert_eq!(told(&answers[3]), [json!("BAD_JSON"), json!(4), json!(null)]);
}

#[tokio::test]
async fn many_lines_are_all_answered() {
    let register = Register::new();
    let body: String = (0..5_000).map(|key| collect(key) + "\n").collect();
    // In pieces that cut lines.
    let pieces: Vec<_> = body
        .as_bytes()
        .chunks(1_000)
        .map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece)))
        .collect();
    let request = Request::post("/api/v1/commands/stream")
        .body(Body::from_stream(stream::iter(pieces)))
        .unwrap();
    let answers = lines(&register.send(request).await.text);
    assert_eq!(answers.len(), 5_000);
    for (index, answer) in answers.iter().enumerate() {
        assert_eq!(answer["position"], index + 1);
        assert_eq!(answer["record"], format!("dwelling/{index}"));
    }
}

#[tokio::test]
async fn an_answer_does_not_wait_for_the_next_line() {
    let register = Register::new();
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((Ok::<_, Infallible>(piece), receiver))
    });
    let request = Request::post("/api/v1/commands/stream")
        .body(Body::from_stream(pieces))
        .unwrap();
    let mut response = register.router.clone().oneshot(request).await.unwrap();
    for key in 1..4 {
        sender.send(Bytes::from(collect(key) + "\n")).await.unwrap();
        let frame = response
            .body_mut()
            .frame()
            .await
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap();
        let answers = lines(std::str::from_utf8(&frame).unwrap());
        assert_eq!((answers.len(), &answers[0]["position"]), (1, &json!(key)));
    }
    drop(sender);
    assert!(response.body_mut().frame().await.is_none());
}
