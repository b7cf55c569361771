//! The accept loop: connections in, and a graceful end.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use shilu_engine::Engine;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{interval, sleep, timeout},
};

use crate::{
    app::{RouterOptions, Stopping, router},
    limits::{CONNECTIONS_MAX, DRAIN_MAX, HEADER_READ_MAX, METRICS_UPKEEP},
    loopback::check_loopback,
    metrics,
};

/// How long to wait after a failed accept: the usual cause is that all file handles are in use, and some will be freed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves a register until `shutdown` ends: then accepts no more, ends live streams, and lets requests under way end
/// within [`DRAIN_MAX`]. The register stays open: close it afterwards.
///
/// # Errors
/// Where the listener has no address, or one that other machines can reach.
pub async fn serve(
    engine: Engine,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    check_loopback(&address).map_err(|error| io::Error::new(io::ErrorKind::PermissionDenied, error))?;
    let prometheus = metrics::install();
    let upkeep = prometheus.clone().map(|prometheus| {
        tokio::spawn(async move {
            let mut ticks = interval(METRICS_UPKEEP);
            loop {
                ticks.tick().await;
                prometheus.upkeep();
            }
        })
    });
    let (stop, stopping) = watch::channel(false);
    let options = RouterOptions {
        stopping: Stopping::when(stopping),
        prometheus,
    };
    let router = router(engine, options);
    serve_router(listener, &router, shutdown, || {
        // Nobody listens where there is neither a live stream nor a stream of commands.
        let _ = stop.send(true);
    })
    .await;
    if let Some(upkeep) = upkeep {
        upkeep.abort();
    }
    Ok(())
}

/// Answers on a listener until `shutdown` ends; then accepts no more, tells `stopping`, and lets requests under way end
/// within [`DRAIN_MAX`].
pub(crate) async fn serve_router(
    listener: TcpListener,
    router: &Router,
    shutdown: impl Future<Output = ()>,
    stopping: impl FnOnce(),
) {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening");
    }
    let connections = GracefulShutdown::new();
    accept(listener, router, &connections, shutdown).await;
    tracing::info!(
        connections = connections.count(),
        "stopping: no more connections, those open may end"
    );
    stopping();
    if timeout(DRAIN_MAX, connections.shutdown()).await.is_err() {
        tracing::warn!(
            seconds = DRAIN_MAX.as_secs(),
            "some requests did not end in time and are cut off"
        );
    }
}

/// Accepts connections until the shutdown; dropping the listener at the end refuses further ones.
async fn accept(
    listener: TcpListener,
    router: &Router,
    connections: &GracefulShutdown,
    shutdown: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut shutdown = pin!(shutdown);
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = &mut shutdown => return,
        };
        let Ok(place) = place else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                tokio::spawn(connection(
                    stream,
                    peer,
                    router.clone(),
                    connections.watcher(),
                    place,
                ));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    watcher: Watcher,
    _place: OwnedSemaphorePermit,
) {
    // An answer is one small write; waiting to fill a packet would only delay it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "without TCP_NODELAY");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%peer, %error, "a connection broke");
    }
}
