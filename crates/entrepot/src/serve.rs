//! The server: listeners, background work, and a shutdown that loses nothing.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use operations::Health;
use platform::App;
use platform::config::Config;
use platform::http::Listener;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::connect::Connected;
use crate::connections::{self, Limits};
use crate::{demo, wiring};

/// Requests under way get this long to end after a signal.
const DRAIN: Duration = Duration::from_secs(20);

pub async fn run(config: Config, is_demo: bool) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let open_files = connections::raise_open_files();
    // Bound before anything slow: a port in use is told at once, not after a minute of preparation.
    let listeners = bind(&config).await?;
    let connected = Connected::serve(&config).await?;
    let outcome = serve(config, &connected, listeners, is_demo, (started, open_files)).await;
    connected.close().await;
    tracing::info!("stopped");
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn bind(config: &Config) -> anyhow::Result<Vec<(TcpListener, Listener)>> {
    let public = config.listen.iter().map(|address| (address, Listener::Public));
    let ops = config.listen_ops.iter().map(|address| (address, Listener::Ops));
    let mut listeners = Vec::new();
    for (address, kind) in public.chain(ops) {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}; choose another with --listen or --listen-ops"))?;
        listeners.push((listener, kind));
    }
    Ok(listeners)
}

async fn serve(
    config: Config,
    connected: &Connected,
    listeners: Vec<(TcpListener, Listener)>,
    is_demo: bool,
    (started, open_files): (Instant, u64),
) -> anyhow::Result<()> {
    let applied = connected.migrations().up().await?;
    if applied > 0 {
        tracing::info!(applied, "schema migrated");
    }
    let (app, identity) = wiring::app(config, connected)?;
    let address = listeners.first().map(|(listener, _)| listener.local_addr()).transpose()?;
    let address = address.map_or_else(String::new, |address| format!("http://{address}"));
    if is_demo {
        demo::prepare(&app, &address).await?;
    } else {
        invite_first_user(&app, &address).await?;
    }
    let health = Health::new(wiring::BUILD);
    let mut tasks = JoinSet::new();
    tasks.spawn({
        let (bus, db, lifecycle) = (app.bus.clone(), app.db.clone(), app.lifecycle.clone());
        async move { bus.run(db, lifecycle).await }
    });
    tasks.spawn(identity.watch(app.bus.clone(), app.lifecycle.clone()));
    tasks.spawn(wiring::jobs().run(app.clone()));
    tasks.spawn({
        let (streams, shutdown) = (app.streams().clone(), app.lifecycle.shutdown.clone());
        // A WebSocket has left its listener: it is waited for here until it has said goodbye.
        async move {
            shutdown.cancelled().await;
            streams.closed().await;
        }
    });
    if app.config.database_url.is_none() {
        tasks.spawn(app.db.storage().clone().watch(app.config.data_dir.clone(), app.lifecycle.shutdown.clone()));
    }
    let (public, ops) = (Limits::public(&app.config, open_files), Limits::ops(&app.config));
    for (listener, kind) in listeners {
        let limits = if kind == Listener::Ops { ops.clone() } else { public.clone() };
        let router = wiring::router(&app, &health, kind);
        tasks.spawn(connections::serve(listener, router, limits, app.lifecycle.shutdown.clone()));
    }
    tracing::info!(address, took_ms = started.elapsed().as_millis() as u64, version = wiring::BUILD.version, "serving");
    wait_for_signal().await?;
    stop(&app, tasks).await;
    Ok(())
}

async fn invite_first_user(app: &App, address: &str) -> anyhow::Result<()> {
    if identity::service::any_user(&app.db).await? {
        return Ok(());
    }
    let code = web::open_setup(&app.env);
    eprintln!(
        "\n  Nobody can sign in yet. Make the first organisation and its administrator here, once:\n\n    {address}/setup?code={code}\n"
    );
    Ok(())
}

async fn wait_for_signal() -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Readiness turns off, then listeners stop accepting and finish what they have, then the pool closes.
async fn stop(app: &App, mut tasks: JoinSet<()>) {
    tracing::info!("draining");
    app.lifecycle.drain();
    tokio::time::sleep(Duration::from_millis(200)).await;
    app.lifecycle.shutdown.cancel();
    let drained = tokio::time::timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!("some requests did not end in time and were cut");
        tasks.shutdown().await;
    }
    app.db.close();
}
