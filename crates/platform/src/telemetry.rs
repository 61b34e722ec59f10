//! One log line per event, and the metrics registry.

use std::sync::{Arc, OnceLock};

use futures::future::BoxFuture;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};
use crate::{App, Error, Result};

/// Starts logging to standard error. `RUST_LOG`, where set, wins over the configured filter.
pub fn init_logging(config: &Config) -> Result<()> {
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| config.log.clone());
    let filter = EnvFilter::try_new(filter).map_err(|_| Error::field("log", "must be a filter such as info,sqlx=warn"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A line that cannot be written (the log stands on a full disk) would be told on the same standard error, and that panics:
    // it would take the request along.
    let builder = builder.log_internal_errors(false);
    // A second call happens only in tests, where the first subscriber serves everybody.
    let _ = match config.log_format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
    };
    Ok(())
}

/// Brings gauges of the contexts up to date before they are read.
#[derive(Clone)]
pub struct Collector(pub Arc<dyn Fn(App) -> BoxFuture<'static, ()> + Send + Sync>);

/// Upper bounds in seconds; the alerts need 0.3, 0.5 and 2.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0];
/// Upper bounds in milliseconds for what the documents measure in milliseconds.
const MILLIS: [f64; 11] = [1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2000.0];

/// The process-wide recorder; the first call installs it.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
                .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_ms".into()), &MILLIS))
                .expect("the buckets are not empty")
                .install_recorder()
                .expect("no other recorder is installed in this process")
        })
        .clone()
}
