use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::Instant;

use super::open::Seat;
use crate::auth::Actor;
use crate::events::{After, Occurrence, Replay, Signal};
use crate::{App, Result};

/// A stream asks this often whether its secret still holds: a revoked one hears nothing after this and what the authenticator
/// remembers.
const CHECKED_EVERY: Duration = Duration::from_secs(5);

/// What a stream is told, in this order; `id` is the position after it.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// From here on nothing is lost.
    Hello {
        id: String,
    },
    Event {
        occurrence: Arc<Occurrence>,
        id: String,
    },
    /// Events were missed that nobody will send one by one: load everything anew.
    Reload {
        id: String,
    },
    /// The last item.
    End(End),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The process stops; another one goes on.
    Shutdown,
    /// The sign-in that the stream was opened with has ended.
    SignedOut,
}

/// The one source of what `/events` and `/ws` tell.
pub(super) struct Source {
    app: App,
    actor: Actor,
    secret: String,
    live: broadcast::Receiver<Signal>,
    replay: Replay,
    is_greeted: bool,
    is_over: bool,
    next_check: Instant,
    _seat: Seat,
}

impl Source {
    /// `secret` is what the caller proved who they are with. Errors: `TOO_MANY_REQUESTS` when too many streams are open.
    pub(super) async fn open(app: App, actor: Actor, secret: String, after: After) -> Result<Self> {
        let seat = app.streams().take(&actor.principal)?;
        // Subscribed before the replay is read, so that nothing falls between; what comes twice is known by the position.
        let live = app.bus.listen(actor.tenant());
        let replay = Replay::since(&app.db, actor.tenant(), after).await?;
        let next_check = Instant::now() + CHECKED_EVERY;
        Ok(Self { app, actor, secret, live, replay, is_greeted: false, is_over: false, next_check, _seat: seat })
    }

    /// Begins anew after another position; the next item is a greeting.
    pub(super) async fn rewind(&mut self, after: After) -> Result<()> {
        let live = self.app.bus.listen(self.actor.tenant());
        self.replay = Replay::since(&self.app.db, self.actor.tenant(), after).await?;
        self.live = live;
        self.is_greeted = false;
        Ok(())
    }

    pub(super) fn app(&self) -> &App {
        &self.app
    }

    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The position after everything that was taken.
    pub(super) fn id(&self) -> String {
        self.replay.position.to_string()
    }

    /// The next item; `None` after the end. Dropped before it is ready, it takes nothing.
    pub(super) async fn next(&mut self) -> Option<Item> {
        loop {
            if self.is_over {
                return None;
            }
            let shutdown = self.app.lifecycle.shutdown.clone();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Some(self.end(End::Shutdown)),
                () = tokio::time::sleep_until(self.next_check) => {
                    if !self.is_signed_in().await {
                        return Some(self.end(End::SignedOut));
                    }
                    self.next_check = Instant::now() + CHECKED_EVERY;
                }
                item = next_of(&mut self.live, &mut self.replay, &mut self.is_greeted) => match item {
                    Some(item) => return Some(item),
                    None => return Some(self.end(End::Shutdown)),
                },
            }
        }
    }

    fn end(&mut self, why: End) -> Item {
        self.is_over = true;
        Item::End(why)
    }

    /// A database that does not answer for a moment ends nothing: the next check will tell.
    async fn is_signed_in(&self) -> bool {
        match self.app.authenticator.authenticate(&self.secret).await {
            Ok(principal) => principal.is_some_and(|principal| principal.user == self.actor.principal.user),
            // An access token that has expired or whose session has ended is an error that says so.
            Err(error) if error.code.status() == 401 => false,
            Err(error) => {
                tracing::debug!(%error, "a stream could not be authenticated again");
                true
            }
        }
    }
}

async fn next_of(live: &mut broadcast::Receiver<Signal>, replay: &mut Replay, is_greeted: &mut bool) -> Option<Item> {
    if !std::mem::replace(is_greeted, true) {
        return Some(Item::Hello { id: replay.position.to_string() });
    }
    if std::mem::take(&mut replay.is_cut) {
        return Some(Item::Reload { id: replay.position.to_string() });
    }
    if let Some(occurrence) = replay.next() {
        return Some(Item::Event { occurrence: Arc::new(occurrence), id: replay.position.to_string() });
    }
    loop {
        match live.recv().await {
            Ok(Signal::Event { occurrence, low }) => {
                if replay.position.has_behind(&occurrence) {
                    continue;
                }
                replay.position.advance(&occurrence, low);
                return Some(Item::Event { occurrence, id: replay.position.to_string() });
            }
            Ok(Signal::Gap) | Err(RecvError::Lagged(_)) => {
                return Some(Item::Reload { id: replay.position.to_string() });
            }
            Err(RecvError::Closed) => return None,
        }
    }
}
