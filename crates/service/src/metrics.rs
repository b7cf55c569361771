//! What the service measures, for `/metrics`.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::http::{Method, StatusCode};
use metrics::{Histogram, Unit, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use shilu_engine::Engine;

use crate::app::Prometheus;

const REQUEST_SECONDS: &str = "shilu_http_request_seconds";
const QUEUE_DEPTH: &str = "shilu_queue_depth";
const LAG: &str = "shilu_projection_lag_events";

/// Bounds in seconds: from a look-up in memory to a pass over the whole log.
const SECONDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Bounds of a commit's events.
const EVENTS: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0,
];
/// Bounds of a commit's bytes; a commit has at most 256 KiB.
const BYTES: &[f64] = &[256.0, 1024.0, 4096.0, 16384.0, 65536.0, 131_072.0, 262_144.0];

/// Installs the recorder, once per process; `None` where another one is installed already.
pub(crate) fn install() -> Option<Arc<Prometheus>> {
    static INSTALLED: OnceLock<Option<Arc<Prometheus>>> = OnceLock::new();
    INSTALLED
        .get_or_init(|| match build() {
            Ok(prometheus) => Some(Arc::new(prometheus)),
            Err(error) => {
                tracing::warn!(%error, "no metrics");
                None
            }
        })
        .clone()
}

fn build() -> Result<Prometheus, metrics_exporter_prometheus::BuildError> {
    let full = |name: &str| Matcher::Full(name.to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(full(REQUEST_SECONDS), SECONDS)?
        .set_buckets_for_metric(full("shilu_sync_seconds"), SECONDS)?
        .set_buckets_for_metric(full("shilu_commit_events"), EVENTS)?
        .set_buckets_for_metric(full("shilu_commit_bytes"), BYTES)?
        .install_recorder()?;
    describe_histogram!(
        REQUEST_SECONDS,
        Unit::Seconds,
        "Time to answer, by route, method and status"
    );
    describe_gauge!(
        QUEUE_DEPTH,
        Unit::Count,
        "Lists of commands that wait for the writer"
    );
    describe_gauge!(
        LAG,
        Unit::Count,
        "Durable events that the projections have not folded yet"
    );
    describe_histogram!("shilu_commit_events", Unit::Count, "Events per commit");
    describe_histogram!("shilu_commit_bytes", Unit::Bytes, "Bytes of events per commit");
    describe_histogram!(
        "shilu_sync_seconds",
        Unit::Seconds,
        "Time to make a commit durable"
    );
    describe_gauge!(
        "shilu_witnesses_missing",
        Unit::Count,
        "Witnesses that did not cosign when they were asked last"
    );
    describe_gauge!(
        "shilu_unpublished_events",
        Unit::Count,
        "Durable events that no published checkpoint covers, when it was tried last"
    );
    Ok(Prometheus(handle))
}

impl Prometheus {
    /// The text that Prometheus reads.
    pub(crate) fn render(&self, engine: &Engine) -> String {
        gauge!(QUEUE_DEPTH).set(float(engine.queue_depth().try_into().unwrap_or(u64::MAX)));
        gauge!(LAG).set(float(lag(engine)));
        self.0.render()
    }

    /// Moves measured values into their histograms.
    pub(crate) fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// How many durable events the projections have not folded yet.
pub(crate) fn lag(engine: &Engine) -> u64 {
    let folded = engine.folded().borrow().get();
    engine.end().get().saturating_sub(folded)
}

/// Every integer below 2^53 is an exact float, and a count beyond is a mistake anyway.
fn float(count: u64) -> f64 {
    let count = count.min((1 << 53) - 1);
    let high = u32::try_from(count >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(count & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

/// The latency histograms, made when first used and then found without a lock or an allocation.
pub(crate) struct RouteMetrics(Vec<Slot>);

struct Slot {
    method: Method,
    route: &'static str,
    /// One per status of [`STATUSES`].
    histograms: [OnceLock<Histogram>; STATUSES.len()],
}

/// The statuses that the service gives; any other counts as the last.
const STATUSES: [u16; 13] = [200, 201, 400, 403, 404, 405, 408, 409, 413, 422, 503, 504, 500];

/// The routes, the busiest first; `none` is a path that is no route.
const ROUTES: [(Method, &str); 36] = [
    (Method::POST, "/api/v1/commands"),
    (Method::GET, "/api/v1/records/{kind}/{key}"),
    (Method::GET, "/api/v1/records"),
    (Method::GET, "/api/v1/changes"),
    (Method::GET, "/api/v1/records/{kind}/{key}/history"),
    (Method::GET, "/api/v1/records/{kind}/{key}/blame"),
    (Method::GET, "/api/v1/diff"),
    (Method::GET, "/api/v1/counts"),
    (Method::GET, "/api/v1/rates"),
    (Method::GET, "/api/v1/rates/{indicator}/evidence"),
    (Method::GET, "/api/v1/rates/{indicator}/reconciled"),
    (Method::GET, "/api/v1/rankings"),
    (Method::GET, "/api/v1/samples"),
    (Method::POST, "/api/v1/samples"),
    (Method::GET, "/api/v1/samples/{id}"),
    (Method::POST, "/api/v1/samples/{id}/draw"),
    (Method::POST, "/api/v1/samples/{id}/verifiers"),
    (Method::POST, "/api/v1/samples/{id}/visits"),
    (Method::GET, "/api/v1/samples/{id}/revealed"),
    (Method::GET, "/api/v1/events/{id}"),
    (Method::GET, "/api/v1/events/{id}/receipt"),
    (Method::GET, "/checkpoint"),
    (Method::GET, "/tile/{*name}"),
    (Method::GET, "/attachments/{sha256}"),
    (Method::GET, "/rotation/{position}"),
    (Method::GET, "/api/v1/publication"),
    (Method::GET, "/api/v1/live"),
    (Method::POST, "/api/v1/commands/stream"),
    (Method::GET, "/api/v1/campaign"),
    (Method::GET, "/docs/errors"),
    (Method::GET, "/healthz"),
    (Method::GET, "/readyz"),
    (Method::GET, "/metrics"),
    (Method::GET, "/openapi.json"),
    (Method::GET, "none"),
    // Methods that no route takes, and routes that this list does not know yet.
    (Method::OPTIONS, "other"),
];

impl RouteMetrics {
    pub(crate) fn new() -> Self {
        let slot = |(method, route)| Slot {
            method,
            route,
            histograms: Default::default(),
        };
        RouteMetrics(ROUTES.into_iter().map(slot).collect())
    }

    pub(crate) fn record(&self, method: &Method, route: &str, status: StatusCode, elapsed: Duration) {
        let fits = |slot: &&Slot| slot.route == route && slot.method == *method;
        let Some(slot) = self.0.iter().find(fits).or(self.0.last()) else {
            return;
        };
        let known = STATUSES.iter().position(|known| *known == status.as_u16());
        let Some(histogram) = slot.histograms.get(known.unwrap_or(STATUSES.len() - 1)) else {
            return;
        };
        histogram.get_or_init(|| slot.histogram(status)).record(elapsed);
    }
}

impl Slot {
    fn histogram(&self, status: StatusCode) -> Histogram {
        let method = if self.route == "other" {
            "other"
        } else {
            self.method.as_str()
        };
        histogram!(
            REQUEST_SECONDS,
            "route" => self.route,
            "method" => method.to_owned(),
            "status" => status.as_str().to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_become_exact_floats() {
        for count in [0, 1, 4_294_967_296, (1 << 53) - 1] {
            assert_eq!(format!("{:.0}", float(count)), count.to_string());
        }
    }

    #[test]
    fn measuring_works_without_a_recorder() {
        let routes = RouteMetrics::new();
        routes.record(&Method::GET, "/healthz", StatusCode::OK, Duration::from_millis(1));
        routes.record(
            &Method::TRACE,
            "somewhere",
            StatusCode::IM_A_TEAPOT,
            Duration::ZERO,
        );
    }
}
