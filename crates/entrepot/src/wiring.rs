//! Puts the contexts together: one router, one GraphQL root, one clockwork.

use std::sync::Arc;

use axum::{Extension, Router};
use identity::Identity;
use kernel::{Env, TenantId};
use operations::{BuildInfo, Health};
use platform::app::{Lifecycle, Parts};
use platform::auth::{Actor, Role};
use platform::config::Config;
use platform::database::{Database, Tx};
use platform::events::Bus;
use platform::http::{Api, Listener, RouteInfo};
use platform::imports::Registry;
use platform::jobs::Jobs;
use platform::telemetry::Collector;
use platform::{App, Result};
use utoipa::openapi::OpenApi;

use crate::connect::Connected;
use crate::graphql;

pub const BUILD: BuildInfo =
    BuildInfo { version: platform::VERSION, git_commit: env!("BUILD_GIT_COMMIT"), build_time: env!("BUILD_TIME") };

/// The application on an open connection, and the identity that must watch the bus while it serves.
pub fn app(config: Config, connected: &Connected) -> Result<(App, Identity)> {
    let db = Database::new(connected.runtime(), config.pool_size, "app")?;
    let env = Env::system();
    let identity = Identity::new(db.clone(), env.clone(), &config)?;
    let metrics = platform::telemetry::metrics();
    warehouse::describe_metrics();
    let app = App::new(Parts {
        env,
        config: Arc::new(config),
        db,
        bus: Bus::default(),
        authenticator: Arc::new(identity.clone()),
        metrics,
        lifecycle: Lifecycle::default(),
    });
    Ok((app, identity))
}

/// What can be imported from files.
pub fn importers() -> Registry {
    Arc::new([
        Arc::new(catalog::ItemImporter(inventory::stock_guard())),
        Arc::new(warehouse::LocationImporter),
        Arc::new(inventory::StockImporter),
        Arc::new(inventory::MovementImporter),
        Arc::new(warehouse::OrderImporter),
    ])
}

/// Every route with who may call it.
pub fn api() -> Api {
    Api::new()
        .merge(operations::api())
        .merge(identity::api())
        .merge(catalog::api())
        .merge(inventory::api())
        .merge(warehouse::api())
        .merge(platform::imports::api(importers()))
        .merge(platform::jobs::api())
        .merge(platform::http::event_stream())
        .merge(graphql::api())
        .merge(crate::openapi::api())
        .merge(web::api())
}

pub fn jobs() -> Jobs {
    let imports = platform::imports::jobs(importers());
    platform::jobs::housekeeping().merge(identity::jobs()).merge(inventory::jobs()).merge(warehouse::jobs()).merge(imports)
}

/// The router of one listener.
pub fn router(app: &App, health: &Health, listener: Listener) -> Router {
    let mut routes = api().split();
    let schema = graphql::schema();
    routes.router = routes.router.layer(Extension(health.clone())).layer(Extension(importers()));
    routes.router = routes.router.layer(Extension(graphql::probe(&schema))).layer(Extension(schema));
    routes.router = routes.router.layer(Extension(Collector(Arc::new(|app| Box::pin(warehouse::health::collect(app))))));
    routes.router = routes.router.layer(Extension(inventory::stock_guard()));
    platform::http::finish(routes, web::dress, app.clone(), listener)
}

/// What the OpenAPI document and the tests of the route table need.
pub fn description() -> (OpenApi, Vec<RouteInfo>) {
    let routes = api().split();
    (routes.openapi, routes.table)
}

/// A tenant with open books; nothing happens when it exists.
pub async fn ensure_tenant(tx: &mut Tx, actor: &Actor, tenant: &TenantId, name: &str) -> Result<()> {
    if !identity::service::tenant_exists(tx, tenant).await? {
        let new = identity::NewTenant { tenant_id: tenant.clone(), name: name.to_owned() };
        inventory::service::found_tenant(tx, actor, &new).await?;
    }
    Ok(())
}

/// A token of a machine user that cannot sign in with a password.
pub async fn machine_token(tx: &mut Tx, actor: &Actor, role: Role, name: &str) -> Result<String> {
    identity::service::create_machine_token(tx, actor, role, name).await
}
