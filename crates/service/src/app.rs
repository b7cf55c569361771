//! What every request shares, and the router made of it.

use std::sync::Arc;

use axum::{Router, middleware, routing};
use metrics_exporter_prometheus::PrometheusHandle;
use shilu_engine::Engine;
use tokio::sync::{Semaphore, watch};

use crate::{
    edge,
    limits::{HEAVY_QUERIES_MAX, LIVE_CLIENTS_MAX},
    metrics::RouteMetrics,
    openapi,
    request_id::RequestIds,
    routes,
};

/// How a router is made.
#[derive(Clone, Debug, Default)]
pub struct RouterOptions {
    pub(crate) stopping: Stopping,
    pub(crate) prometheus: Option<Arc<Prometheus>>,
}

/// The recorder's output, behind a name of its own since it knows no `Debug`.
pub(crate) struct Prometheus(pub(crate) PrometheusHandle);

impl std::fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Prometheus")
    }
}

/// Whether the service is asked to stop; never, for a router that is called in process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stopping(Option<watch::Receiver<bool>>);

impl Stopping {
    pub(crate) fn when(receiver: watch::Receiver<bool>) -> Self {
        Stopping(Some(receiver))
    }

    /// Ends once the service is asked to stop.
    pub(crate) async fn asked(&mut self) {
        let Some(receiver) = &mut self.0 else {
            return std::future::pending().await;
        };
        // A sender that went away has stopped too.
        let _ = receiver.wait_for(|stop| *stop).await;
    }
}

/// What every request shares.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) simulated: bool,
    pub(crate) stopping: Stopping,
    pub(crate) prometheus: Option<Arc<Prometheus>>,
    pub(crate) routes: RouteMetrics,
    pub(crate) request_ids: RequestIds,
    pub(crate) heavy: Arc<Semaphore>,
    pub(crate) live: Arc<Semaphore>,
}

/// A handle on it.
pub(crate) type Shared = Arc<App>;

/// Every route of one register. It needs no listener: `tower::ServiceExt::oneshot` answers a request in process.
pub fn router(engine: Engine, options: RouterOptions) -> Router {
    let app = Arc::new(App {
        simulated: engine.info().simulated,
        engine,
        stopping: options.stopping,
        prometheus: options.prometheus,
        routes: RouteMetrics::new(),
        request_ids: RequestIds::new(),
        heavy: Arc::new(Semaphore::new(HEAVY_QUERIES_MAX)),
        live: Arc::new(Semaphore::new(LIVE_CLIENTS_MAX)),
    });
    let (described, _) = openapi::routes().split_for_parts();
    described
        .route("/openapi.json", routing::get(openapi::answer))
        .route("/tile/{*name}", routing::get(routes::evidence::tile))
        .route(
            "/attachments/{sha256}",
            routing::get(routes::evidence::attachment),
        )
        .route("/rotation/{position}", routing::get(routes::evidence::rotation))
        .route("/docs/errors", routing::get(routes::operation::errors))
        .fallback(edge::no_route)
        .method_not_allowed_fallback(edge::no_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), edge::around))
        .with_state(app)
}
