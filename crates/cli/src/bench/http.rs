//! Commands over HTTP: one per request on 64 connections, client and server on the same machine.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use shilu_engine::Engine;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    runtime::Runtime,
    sync::oneshot,
};

use super::{
    figure::{Figure, Figures, per_second, round},
    load::{self, LoadClock},
};
use crate::{Done, error::CliError};

const CONNECTIONS: u64 = 64;

/// A server in this process, on a port of its own.
pub struct Server {
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    address: SocketAddr,
}

impl Server {
    /// Serves a register.
    pub fn start(engine: Engine) -> Result<Self, CliError> {
        Self::with(|listener, stopped| async move {
            let stopped = async { stopped.await.unwrap_or(()) };
            shilu_service::serve(engine, listener, stopped).await
        })
    }

    /// Answers everything alike: what HTTP itself costs.
    fn bare() -> Result<Self, CliError> {
        let answer = || async {
            let body = r#"{"position":1,"id":"019ad09e-9a3c-7000-8000-000000000001","record":"dwelling/1","version":1}"#;
            (
                axum::http::StatusCode::CREATED,
                [("content-type", "application/json")],
                body,
            )
        };
        let take = move |_: axum::Json<serde_json::Value>| answer();
        let router = axum::Router::new().route("/api/v1/commands", axum::routing::post(take));
        Self::with(|listener, stopped| async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(async { stopped.await.unwrap_or(()) })
                .await
        })
    }

    fn with<F>(serve: impl FnOnce(TcpListener, oneshot::Receiver<()>) -> F) -> Result<Self, CliError>
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let fail = |error| CliError::io("serve on", "127.0.0.1", error);
        let runtime = Runtime::new().map_err(fail)?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let (stop, stopped) = oneshot::channel();
        runtime.spawn(serve(listener, stopped));
        Ok(Server {
            runtime,
            stop,
            address,
        })
    }

    /// A connection for questions one after another.
    pub fn connect(&self) -> Result<Client, CliError> {
        let stream = TcpStream::connect(self.address);
        let stream = stream.map_err(|error| CliError::io("connect to", self.address.to_string(), error))?;
        Ok(Client(BufReader::new(stream)))
    }

    /// Stops serving.
    pub fn stop(self) {
        // A server that has already gone away needs no telling.
        let _ = self.stop.send(());
        self.runtime.shutdown_timeout(Duration::from_secs(5));
    }
}

/// A blocking client of one connection.
pub struct Client(BufReader<TcpStream>);

impl Client {
    /// Asks, and reads the whole answer.
    pub fn get(&mut self, path: &str) -> io::Result<()> {
        self.0
            .get_mut()
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes())?;
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            if lower.starts_with("http/1.1") && !lower.starts_with("http/1.1 200") {
                return Err(io::Error::other(line));
            }
            if line == "\r\n" {
                break;
            }
        }
        io::copy(&mut Read::by_ref(&mut self.0).take(length), &mut io::sink()).map(drop)
    }
}

/// Measures the register's server, and a bare one as its limit.
pub fn run(register: &Path, commands: u64, figures: &mut Figures) -> Done {
    let bare = Server::bare()?;
    let (limit, _) = storm(&bare, commands)?;
    bare.stop();

    let engine = load::init(register, &LoadClock::new())?;
    let server = Server::start(engine.clone())?;
    let (value, mut times) = storm(&server, commands)?;
    server.stop();
    let events = Some(engine.end().get());
    engine.close()?;
    let figure = Figure {
        name: "http-64-connections",
        value: round(value),
        unit: "commands/s",
        events,
        ..Figure::default()
    };
    let limit_what = "axum answering each request at once, same client, same machine";
    figures.print(&figure.of_limit(limit, limit_what).of_times(&mut times))
}

/// Sends collects on all connections; gives commands per second and the time that each took.
fn storm(server: &Server, commands: u64) -> Result<(f64, Vec<Duration>), CliError> {
    let address = server.address;
    let fail = |error| CliError::io("ask", address.to_string(), error);
    let clients = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(fail)?;
    let next = std::sync::Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let times = clients.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..CONNECTIONS {
            tasks.spawn(connection(address, std::sync::Arc::clone(&next), commands));
        }
        let mut times = Vec::new();
        while let Some(one) = tasks.join_next().await {
            times.extend(one.map_err(io::Error::other)??);
        }
        Ok(times)
    });
    Ok((per_second(commands, started), times.map_err(fail)?))
}

async fn connection(
    address: SocketAddr,
    next: std::sync::Arc<AtomicU64>,
    commands: u64,
) -> io::Result<Vec<Duration>> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut times = Vec::new();
    let mut answer = Vec::with_capacity(2_048);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= commands {
            return Ok(times);
        }
        let record = load::key(number);
        let body = format!(
            r#"{{"action":"collect","record":"{record}","actor":"officer-{:02}","reason":"field visit","fields":{{"area":"330604006{:03}","address":"{}号","use":"own","rooms":3}}}}"#,
            number % 60,
            number % 15,
            number,
        );
        let request = format!(
            "POST /api/v1/commands HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len(),
        );
        let started = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        read_answer(&mut stream, &mut answer).await?;
        times.push(started.elapsed());
        if !answer.starts_with(b"HTTP/1.1 201") {
            return Err(io::Error::other(String::from_utf8_lossy(&answer).into_owned()));
        }
    }
}

/// Reads one answer with a content-length, whole.
async fn read_answer(stream: &mut tokio::net::TcpStream, answer: &mut Vec<u8>) -> io::Result<()> {
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length:")
                    .and_then(|value| value.trim().parse::<usize>().ok())
            });
            if length.is_some_and(|length| body.len() >= length) {
                return Ok(());
            }
        }
    }
}
