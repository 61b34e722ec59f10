use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures::stream::{self, Stream, StreamExt as _};
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use tokio_stream::wrappers::{BroadcastStream, WatchStream};

use super::route::{Access, Api};
use crate::auth::Actor;
use crate::events::{self, Occurrence};
use crate::{App, Result};

const LONGEST: Duration = Duration::from_secs(300);

/// `GET /events`: what happens in the caller's tenant, as server-sent events. `Last-Event-ID` replays what was missed.
pub fn event_stream() -> Api {
    Api::new().endpoint(Method::GET, "/events", Access::SignedIn, get(listen))
}

async fn listen(
    State(app): State<App>,
    actor: Actor,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    // Subscribed before the replay is read, so that nothing falls between; what comes twice is dropped by its number. A number
    // is given before the commit: a lower one than the last replayed may still come, and is new.
    let live = BroadcastStream::new(app.bus.subscribe());
    let last_seen = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse::<i64>().ok());
    let missed = match last_seen {
        Some(seq) => events::since(&app.db, actor.tenant(), seq).await?,
        None => Vec::new(),
    };
    let is_cut = missed.len() >= events::REPLAY_MAX;
    let replayed: HashSet<i64> = missed.iter().map(|occurrence| occurrence.seq).collect();
    let gaps = WatchStream::from_changes(app.bus.gaps()).map(|_| Ok(reload()));
    let tenant = actor.tenant().clone();
    let live = live.filter_map(move |received| {
        let event = match received {
            Ok(occurrence) if occurrence.tenant == tenant && !replayed.contains(&occurrence.seq) => Some(render(&occurrence)),
            Ok(_) => None,
            Err(BroadcastStreamRecvError::Lagged(_)) => Some(reload()),
        };
        std::future::ready(event.map(Ok))
    });
    let hello = stream::once(std::future::ready(Ok(Event::default().event("hello").data("{}"))));
    let replay = stream::iter(missed.into_iter().map(|occurrence| Ok(render(&Arc::new(occurrence)))));
    let replay = replay.chain(stream::iter(is_cut.then(|| Ok(reload()))));
    let shutdown = app.lifecycle.shutdown.clone().cancelled_owned();
    // The browser connects again by itself and is authenticated anew: a revoked session hears nothing for longer than this.
    let end = async move {
        tokio::select! {
            () = shutdown => {}
            () = tokio::time::sleep(LONGEST) => {}
        }
    };
    let all = hello.chain(replay).chain(stream::select(live, gaps)).take_until(Box::pin(end));
    Ok(Sse::new(all).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

/// Events were missed that nobody will send again: load everything anew.
fn reload() -> Event {
    Event::default().event("reload").data("{}")
}

fn render(occurrence: &Arc<Occurrence>) -> Event {
    let data = serde_json::to_string(occurrence.as_ref()).expect("an occurrence is plain data");
    Event::default().id(occurrence.seq.to_string()).event(occurrence.kind.clone()).data(data)
}
