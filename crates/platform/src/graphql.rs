//! What GraphQL resolvers of every context share: the caller of the request and errors from the one table.

use std::sync::Arc;

use async_graphql::{Context, Response};
use futures::future::BoxFuture;

use crate::auth::Actor;
use crate::http::IdempotencyKey;
use crate::{App, Error};

/// Gives every error of an answer its code, status and fields; `?` in a resolver keeps ours as the source.
pub fn explain(mut response: Response) -> Response {
    for shown in &mut response.errors {
        let Some(error) = shown.source.as_ref().and_then(|source| source.downcast_ref::<Error>()) else { continue };
        if error.code.status() >= 500 {
            tracing::error!(%error, source = ?error.source, "a graphql field failed");
        }
        shown.message.clone_from(&error.detail);
        let extensions = shown.extensions.get_or_insert_default();
        extensions.set("code", error.code.name());
        extensions.set("status", error.code.status());
        extensions.set("mend", error.code.mend());
        if !error.fields.is_empty() {
            let fields = error.fields.iter().map(|field| format!("{}: {}", field.field, field.message)).collect::<Vec<_>>();
            extensions.set("fields", fields);
        }
    }
    response
}

/// The application and the caller, which the endpoint put into the request's data.
pub fn caller<'a>(context: &Context<'a>) -> async_graphql::Result<(&'a App, &'a Actor)> {
    Ok((context.data::<App>()?, context.data::<Actor>()?))
}

/// The key of one mutation field: the request's Idempotency-Key with the field's response name, because one request may hold several.
pub fn key_of(context: &Context<'_>, arguments: &impl serde::Serialize) -> Option<IdempotencyKey> {
    let header = context.data_opt::<RequestKey>()?.0.as_ref()?;
    let path = context.path_node.map_or_else(String::new, |node| node.to_string_vec().join("."));
    Some(IdempotencyKey::new(&format!("{header}/{path}"), &path, &serde_json::to_vec(arguments).unwrap_or_default()))
}

/// Asks the endpoint of this process whether it answers (`{__typename}`); for those who report on it.
#[derive(Clone)]
pub struct Probe(pub Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>);

/// The Idempotency-Key header of the whole request.
#[derive(Clone, Debug)]
pub struct RequestKey(pub Option<String>);
