//! Events: written to the outbox with the change, announced by NOTIFY at commit, handed to whoever listens.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use kernel::TenantId;
use serde::Serialize;
use serde_json::Value;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::{broadcast, watch};

use crate::Result;
use crate::app::Lifecycle;
use crate::database::Database;

pub(crate) const CHANNEL: &str = "entrepot_events";
/// A listener that falls further behind is told to reload instead of being fed from memory.
const BACKLOG: usize = 1024;

/// Something that happened, as the contexts publish it.
#[derive(Clone, Debug)]
pub struct Event {
    /// `context.thing.verb`, for instance `inventory.stock.changed`.
    pub kind: &'static str,
    pub entity_id: String,
    pub payload: Value,
}

impl Event {
    pub fn new(kind: &'static str, entity_id: impl ToString, payload: Value) -> Self {
        Self { kind, entity_id: entity_id.to_string(), payload }
    }
}

/// An event as it was written.
#[derive(Clone, Debug, Serialize)]
pub struct Occurrence {
    #[serde(skip)]
    pub tenant: TenantId,
    pub seq: i64,
    pub at: DateTime<Utc>,
    pub kind: String,
    pub entity_id: String,
    pub payload: Value,
}

/// Where everybody in this process hears of events, also of those that other processes committed.
#[derive(Clone)]
pub struct Bus {
    sender: broadcast::Sender<Arc<Occurrence>>,
    gaps: watch::Sender<u64>,
}

impl Default for Bus {
    fn default() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0, gaps: watch::channel(0).0 }
    }
}

impl Bus {
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Occurrence>> {
        self.sender.subscribe()
    }

    /// Changes after events may have been missed, because the connection to the database was lost and is there again.
    pub fn gaps(&self) -> watch::Receiver<u64> {
        self.gaps.subscribe()
    }

    /// Listens until shutdown; a lost connection is made again. Events committed meanwhile are not replayed here:
    /// [`Bus::gaps`] tells that there may have been some.
    pub async fn run(&self, db: Database, lifecycle: Lifecycle) {
        let mut has_listened = false;
        while !lifecycle.shutdown.is_cancelled() {
            let listen = self.listen(&db, &mut has_listened);
            tokio::select! {
                () = lifecycle.shutdown.cancelled() => return,
                result = listen => {
                    if let Err(error) = result {
                        tracing::warn!(%error, "the event listener lost its database connection; listening again");
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn listen(&self, db: &Database, has_listened: &mut bool) -> Result<()> {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(db.options().clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.ignore_pool_close_event(true);
        listener.listen(CHANNEL).await?;
        if std::mem::replace(has_listened, true) {
            self.gaps.send_modify(|gaps| *gaps += 1);
        }
        loop {
            let Some(notification) = listener.try_recv().await? else {
                return Ok(());
            };
            let Some((tenant, first, last)) = parse(notification.payload()) else { continue };
            if self.sender.receiver_count() == 0 {
                continue;
            }
            for occurrence in between(db, &tenant, first - 1, last).await? {
                // Nobody listening any more is no failure.
                let _ = self.sender.send(Arc::new(occurrence));
            }
        }
    }
}

/// `TENANT FIRST LAST`, as [`crate::database::Tx::commit`] sends it.
fn parse(payload: &str) -> Option<(TenantId, i64, i64)> {
    let mut words = payload.split(' ');
    let tenant = words.next()?.parse().ok()?;
    Some((tenant, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// Events that one answer replays at most.
pub const REPLAY_MAX: usize = 1000;

/// Events of a tenant after the number `seq`, at most [`REPLAY_MAX`].
pub async fn since(db: &Database, tenant: &TenantId, seq: i64) -> Result<Vec<Occurrence>> {
    between(db, tenant, seq, i64::MAX).await
}

async fn between(db: &Database, tenant: &TenantId, after: i64, last: i64) -> Result<Vec<Occurrence>> {
    let rows = db
        .read(tenant, async |connection| {
            Ok(sqlx::query!(
                "SELECT seq, at, kind, entity_id, payload FROM platform.outbox
                 WHERE tenant_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT 1000",
                tenant.as_str(),
                after,
                last,
            )
            .fetch_all(connection)
            .await?)
        })
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| Occurrence {
            tenant: tenant.clone(),
            seq: row.seq,
            at: row.at,
            kind: row.kind,
            entity_id: row.entity_id,
            payload: row.payload,
        })
        .collect())
}
