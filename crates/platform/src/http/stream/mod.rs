//! What happens in the caller's tenant, live: `/events` as server-sent events, `/ws` over WebSocket, from one source.

mod open;
mod socket;
mod source;

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures::stream::{self, Stream};
use serde::Deserialize;

pub use open::Streams;
use source::{Item, Source};

use super::extract::Query;
use super::route::{Access, Api, presented};
use crate::auth::Actor;
use crate::events::After;
use crate::{App, Error, Result};

/// `GET /events`: server-sent events. `Last-Event-ID`, or `?after=`, replays what was missed. `GET /ws`: the same as JSON messages.
pub fn event_stream() -> Api {
    Api::new().endpoint(Method::GET, "/events", Access::SignedIn, get(listen)).endpoint(
        Method::GET,
        "/ws",
        Access::SignedIn,
        get(socket::upgrade),
    )
}

#[derive(Default, Deserialize)]
struct Since {
    /// For clients that cannot send the header; the header wins, because a browser that connects again sends it.
    after: Option<String>,
}

impl Since {
    fn after(&self, headers: &HeaderMap) -> After {
        let header = headers.get("last-event-id").map(|value| value.to_str().unwrap_or_default());
        After::parse(header.or(self.after.as_deref()))
    }
}

/// The secret that the guard has just accepted.
fn secret(headers: &HeaderMap) -> Result<String> {
    presented(headers).map(str::to_owned).ok_or_else(|| Error::internal("a stream was admitted without a secret"))
}

async fn listen(
    State(app): State<App>,
    actor: Actor,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    let source = Source::open(app, actor, secret(&headers)?, since.after(&headers)).await?;
    let events = stream::unfold(source, |mut source| async move {
        let item = source.next().await?;
        Some((Ok(render(&item)?), source))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

/// The end has no event: the connection ends, and the browser connects again by itself.
fn render(item: &Item) -> Option<Event> {
    match item {
        Item::Hello { id } => Some(Event::default().id(id).event("hello").data("{}")),
        Item::Event { occurrence, id } => Some(Event::default().id(id).event(&occurrence.kind).data(&occurrence.json)),
        Item::Reload { id } => Some(Event::default().id(id).event("reload").data("{}")),
        Item::End(_) => None,
    }
}
