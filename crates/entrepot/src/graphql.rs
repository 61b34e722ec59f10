//! The GraphQL root: the contexts' queries and mutations merged, with limits on depth and complexity.

use std::sync::Arc;

use async_graphql::{EmptySubscription, MergedObject, Request, Response, Schema};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Extension, Json as Plain};
use kernel::ErrorCode;
use platform::auth::Actor;
use platform::graphql::{Probe, RequestKey, explain};
use platform::http::{Access, Api, Json};
use platform::{App, Error, Result};

/// The introspection that tools send is 15 deep.
const MAX_DEPTH: usize = 16;
const MAX_COMPLEXITY: usize = 1_000;

#[derive(MergedObject, Default)]
pub struct Query(
    identity::IdentityQuery,
    catalog::CatalogQuery,
    inventory::InventoryQuery,
    inventory::history::HistoryQuery,
    warehouse::WarehouseQuery,
);

#[derive(MergedObject, Default)]
pub struct Mutation(catalog::CatalogMutation, inventory::InventoryMutation, warehouse::WarehouseMutation);

pub type Root = Schema<Query, Mutation, EmptySubscription>;

pub fn schema() -> Root {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .data(inventory::stock_guard())
        .limit_depth(MAX_DEPTH)
        .limit_complexity(MAX_COMPLEXITY)
        .limit_recursive_depth(32)
        .finish()
}

/// Asks this endpoint what an anonymous caller may ask.
pub fn probe(schema: &Root) -> Probe {
    let schema = schema.clone();
    Probe(Arc::new(move || {
        let schema = schema.clone();
        Box::pin(async move { schema.execute("{__typename}").await.is_ok() })
    }))
}

pub fn api() -> Api {
    Api::new().endpoint(Method::POST, "/graphql", Access::Optional, post(execute))
}

/// Anonymous callers may ask whether the endpoint lives (`{__typename}`), and nothing else.
async fn execute(
    State(app): State<App>,
    Extension(schema): Extension<Root>,
    actor: Option<Extension<Actor>>,
    headers: HeaderMap,
    Json(request): Json<Request>,
) -> Result<impl IntoResponse> {
    let Some(Extension(actor)) = actor else {
        let probe: String = request.query.chars().filter(|c| !c.is_whitespace()).collect();
        if matches!(probe.as_str(), "{__typename}" | "query{__typename}") {
            return Ok((StatusCode::OK, Plain(schema.execute(request).await)));
        }
        return Err(Error::new(ErrorCode::SignInRequired, "graphql needs a token, except for the probe {__typename}"));
    };
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let request = request.data(app.clone()).data(actor.clone()).data(RequestKey(key)).data(probe(&schema));
    let request = warehouse::loaders(&app, &actor, inventory::loaders(&app, &actor, catalog::loaders(&app, &actor, request)));
    let response: Response = schema.execute(request).await;
    Ok((StatusCode::OK, Plain(explain(response))))
}
