//! `shilu serve`: a register over HTTP, until SIGTERM or Ctrl-C.

use std::{
    io::{self, IsTerminal},
    net::{SocketAddr, ToSocketAddrs},
    path::Path,
    pin::Pin,
};

use shilu_engine::{Engine, Options};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::EnvFilter;

use crate::{
    Done,
    args::{LogFormat, ServeArgs},
    error::CliError,
    output::Output,
};

/// Runs it.
pub fn run(args: &ServeArgs, verbose: u8) -> Done {
    log_to_stderr(args.log_format, verbose, "info");
    // First what can be refused at once: opening a large register takes seconds.
    let listener = loopback(&args.listen)?;
    open_and_serve(&args.data, listener, |_, _| Ok(()))
}

/// Serves a register; the first line on stdout is `listening on http://ADDR`, and `more` may add to it.
pub fn open_and_serve(
    dir: &Path,
    listener: std::net::TcpListener,
    more: impl FnOnce(SocketAddr, &mut Output) -> Done,
) -> Done {
    let options = Options {
        scrub: true,
        ..Options::default()
    };
    let engine = Engine::open(dir, options)?;
    let served = until_stopped(dir, listener, more, |listener, shutdown| {
        shilu_service::serve(engine.clone(), listener, shutdown)
    });
    let closed = engine.close();
    served?;
    Ok(closed?)
}

/// Serves something until SIGTERM or Ctrl-C, and says on stdout where.
pub fn until_stopped<S: Future<Output = io::Result<()>>>(
    dir: &Path,
    listener: std::net::TcpListener,
    more: impl FnOnce(SocketAddr, &mut Output) -> Done,
    serve: impl FnOnce(TcpListener, Pin<Box<dyn Future<Output = ()> + Send>>) -> S,
) -> Done {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::io("start the runtime for", dir, error))?;
    runtime.block_on(announce_and_serve(dir, listener, more, serve))
}

/// Takes an address of this machine alone.
pub fn loopback(listen: &str) -> Result<std::net::TcpListener, CliError> {
    bind(listen, |address| {
        shilu_service::check_loopback(address).map_err(|error| CliError::Refused {
            code: error.code(),
            problem: error.to_string(),
            hint: error.hint(),
        })
    })
}

/// Takes the address, if it is one and only this machine can reach it.
pub fn bind(
    listen: &str,
    check: impl Fn(&SocketAddr) -> Result<(), CliError>,
) -> Result<std::net::TcpListener, CliError> {
    let addresses = listen.to_socket_addrs().map_err(|error| CliError::Usage {
        problem: format!("--listen {listen}: {error}"),
        hint: "write HOST:PORT, such as 127.0.0.1:8080; port 0 takes any free port",
    })?;
    for address in addresses.clone() {
        check(&address)?;
    }
    let addresses: Vec<_> = addresses.collect();
    let bound = std::net::TcpListener::bind(&*addresses).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|error| CliError::Refused {
        code: "CANNOT_LISTEN",
        problem: format!("cannot listen on {listen}: {error}"),
        hint: "take another port, or port 0 for any free one",
    })
}

async fn announce_and_serve<S: Future<Output = io::Result<()>>>(
    dir: &Path,
    listener: std::net::TcpListener,
    more: impl FnOnce(SocketAddr, &mut Output) -> Done,
    serve: impl FnOnce(TcpListener, Pin<Box<dyn Future<Output = ()> + Send>>) -> S,
) -> Done {
    let listen = |error| CliError::io("listen for", dir, error);
    let listener = TcpListener::from_std(listener).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(listen)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(listen)?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    };
    let mut output = Output::stdout();
    output.line(format!("listening on http://{address}"))?;
    more(address, &mut output)?;
    output.flush()?;
    drop(output);
    serve(listener, Box::pin(shutdown))
        .await
        .map_err(|error| CliError::io("serve", dir, error))
}

/// Logs to stderr: what SHILU_LOG or RUST_LOG says, else by `-v`, else `default`.
pub fn log_to_stderr(format: LogFormat, verbose: u8, default: &str) {
    let asked = std::env::var("SHILU_LOG").or_else(|_| std::env::var("RUST_LOG"));
    let level = match verbose {
        0 => default,
        1 => "debug",
        _ => "trace",
    };
    let filter = asked
        .ok()
        .and_then(|filter| EnvFilter::try_new(filter).ok())
        .unwrap_or_else(|| EnvFilter::new(level));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    // A second subscriber is refused; then the first one stays.
    let _ = match format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
}
