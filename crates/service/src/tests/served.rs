//! Over a socket: metrics, readiness, and a graceful end.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::timeout,
};

use super::Register;
use crate::serve;

/// Longer than anything here should take; it ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(20);

async fn ask(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text))
        .await
        .unwrap()
        .unwrap();
    text
}

#[tokio::test]
async fn it_serves_measures_and_ends() {
    let register = Register::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(register.engine.clone(), listener, async {
        let _ = stopped.await;
    }));
    let body = json!({"action": "collect", "record": "dwelling/1", "fields": {}, "actor": "ann"}).to_string();
    let post = format!(
        "POST /api/v1/commands HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = ask(address, &post).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(
        ask(address, &get("/healthz"))
            .await
            .contains(r#"{"status":"ok"}"#)
    );
    assert!(ask(address, &get("/readyz")).await.starts_with("HTTP/1.1 200"));
    let metrics = ask(address, &get("/metrics")).await;
    for expected in [
        "shilu_queue_depth 0",
        "shilu_projection_lag_events 0",
        r#"shilu_http_request_seconds_count{route="/api/v1/commands",method="POST",status="201"} 1"#,
        "shilu_commit_events_count",
        "shilu_commit_bytes_sum",
        "shilu_sync_seconds_bucket",
    ] {
        assert!(metrics.contains(expected), "{expected}: {metrics}");
    }

    // A live stream and an idle connection do not hold the end up.
    let _idle = TcpStream::connect(address).await.unwrap();
    let mut live = TcpStream::connect(address).await.unwrap();
    live.write_all(b"GET /api/v1/live?from=0 HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 16];
    live.read_exact(&mut first).await.unwrap();
    stop.send(()).unwrap();
    timeout(PATIENCE, serving).await.unwrap().unwrap().unwrap();
    let mut rest = String::new();
    timeout(PATIENCE, live.read_to_string(&mut rest))
        .await
        .unwrap()
        .unwrap();
    assert!(
        rest.ends_with("0\r\n\r\n"),
        "the stream ended in good order: {rest}"
    );
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn it_does_not_serve_other_machines() {
    let register = Register::new();
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let error = serve(register.engine.clone(), listener, std::future::pending())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("authentication"), "{error}");
}
