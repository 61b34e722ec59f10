use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::TenantId;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::{broadcast, mpsc};

use super::{Event, Occurrence, REPLAY_MAX, store};
use crate::Result;
use crate::app::Lifecycle;
use crate::database::Database;

pub(crate) const CHANNEL: &str = "entrepot_events";
/// A listener that falls further behind is told to reload instead of being fed from memory.
const BACKLOG: usize = 1024;
/// Announcements that wait while others are loaded; beyond, they wait in the connection.
const WAITING: usize = 4096;
/// Announcements whose events are loaded at once.
const AT_ONCE: usize = 256;
/// More kinds in one transaction are announced as "any".
const KINDS_MAX: usize = 20;
const ANY_KIND: &str = "*";

/// What a commit says of its events: `TENANT FIRST LAST TXID LOW KINDS`. Releases before the low-water mark say the first three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    pub tenant: TenantId,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) txid: Option<u64>,
    /// The oldest transaction that was under way when this was written.
    low: Option<u64>,
    kinds: String,
}

impl Announcement {
    fn parse(payload: &str) -> Option<Self> {
        let mut words = payload.split(' ');
        Some(Self {
            tenant: words.next()?.parse().ok()?,
            first: words.next()?.parse().ok()?,
            last: words.next()?.parse().ok()?,
            txid: words.next().and_then(|word| word.parse().ok()),
            low: words.next().and_then(|word| word.parse().ok()),
            kinds: words.next().unwrap_or(ANY_KIND).to_owned(),
        })
    }

    /// Whether an event of the kind may be among them.
    pub fn may_hold(&self, kind: &str) -> bool {
        self.kinds.split(',').any(|one| one == kind || one == ANY_KIND)
    }
}

/// The last word of an announcement: the kinds of its events, each once.
pub(crate) fn announced_kinds<'a>(events: impl Iterator<Item = &'a Event>) -> String {
    let mut kinds: Vec<&str> = Vec::new();
    for event in events {
        if !kinds.contains(&event.kind) {
            kinds.push(event.kind);
        }
        if kinds.len() > KINDS_MAX {
            return ANY_KIND.to_owned();
        }
    }
    kinds.join(",")
}

/// What a listener of one tenant hears.
#[derive(Clone, Debug)]
pub enum Signal {
    /// `low`: see [`super::Position`].
    Event { occurrence: Arc<Occurrence>, low: u64 },
    /// Events happened that are not told one by one: load everything anew.
    Gap,
}

/// Where everybody in this process hears of events, also of those that other processes committed.
#[derive(Clone)]
pub struct Bus {
    announcements: broadcast::Sender<Arc<Announcement>>,
    tenants: Arc<Mutex<HashMap<TenantId, broadcast::Sender<Signal>>>>,
}

impl Default for Bus {
    fn default() -> Self {
        Self { announcements: broadcast::channel(BACKLOG).0, tenants: Arc::default() }
    }
}

impl Bus {
    /// That something happened, in any tenant, without what it was: costs nothing but memory.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Announcement>> {
        self.announcements.subscribe()
    }

    /// What happens in one tenant. While nobody listens, a tenant's events are not even loaded.
    pub fn listen(&self, tenant: &TenantId) -> broadcast::Receiver<Signal> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = tenants.get(tenant) {
            return sender.subscribe();
        }
        tenants.retain(|_, sender| sender.receiver_count() > 0);
        let (sender, receiver) = broadcast::channel(BACKLOG);
        tenants.insert(tenant.clone(), sender);
        receiver
    }

    fn listeners(&self, tenant: &TenantId) -> Option<broadcast::Sender<Signal>> {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.get(tenant).filter(|sender| sender.receiver_count() > 0).cloned()
    }

    /// Listens until shutdown; a lost connection is made again, and everybody who listens is told that something may be missing.
    pub async fn run(&self, db: Database, lifecycle: Lifecycle) {
        while !lifecycle.shutdown.is_cancelled() {
            tokio::select! {
                () = lifecycle.shutdown.cancelled() => return,
                result = self.connect(&db) => {
                    if let Err(error) = result {
                        tracing::warn!(%error, "the event listener lost its database connection; listening again");
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn connect(&self, db: &Database) -> Result<()> {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(db.options().clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.ignore_pool_close_event(true);
        listener.listen(CHANNEL).await?;
        self.tell_gap();
        let (sender, mut waiting) = mpsc::channel(WAITING);
        let read = async move {
            while let Some(notification) = listener.try_recv().await? {
                let Some(announcement) = Announcement::parse(notification.payload()) else { continue };
                if sender.send(Arc::new(announcement)).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        let hand_on = async {
            let mut low = 0;
            let mut batch = Vec::with_capacity(AT_ONCE);
            while waiting.recv_many(&mut batch, AT_ONCE).await > 0 {
                self.hand_on(db, &batch, &mut low).await?;
                batch.clear();
            }
            Ok(())
        };
        tokio::select! {
            result = read => result,
            result = hand_on => result,
        }
    }

    fn tell_gap(&self) {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in tenants.values() {
            // Nobody listening any more is no failure.
            let _ = sender.send(Signal::Gap);
        }
    }

    /// Tells everybody in the order of the announcements, with one look-up per tenant.
    async fn hand_on(&self, db: &Database, batch: &[Arc<Announcement>], low: &mut u64) -> Result<()> {
        let mut by_tenant: HashMap<&TenantId, Vec<(&Announcement, u64)>> = HashMap::new();
        for announcement in batch {
            *low = announcement.low.map_or(*low, |one| one.max(*low));
            by_tenant.entry(&announcement.tenant).or_default().push((announcement, *low));
            let _ = self.announcements.send(announcement.clone());
        }
        for (tenant, announcements) in by_tenant {
            let Some(listeners) = self.listeners(tenant) else { continue };
            let (named, lows): (Vec<&Announcement>, Vec<u64>) = announcements.into_iter().unzip();
            let found = store::announced(db, tenant, &named).await?;
            if found.len() > REPLAY_MAX {
                let _ = listeners.send(Signal::Gap);
                continue;
            }
            for (place, occurrence) in found {
                let _ = listeners.send(Signal::Event { occurrence: Arc::new(occurrence), low: lows[place] });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_announcement_is_read_whatever_release_wrote_it() {
        let new = Announcement::parse("acme 5 7 900 890 a.b.c,d.e.f").unwrap();
        assert_eq!((new.first, new.last, new.txid, new.low), (5, 7, Some(900), Some(890)));
        assert!(new.may_hold("d.e.f") && !new.may_hold("d.e"));
        let old = Announcement::parse("acme 5 7").unwrap();
        assert_eq!((old.txid, old.low), (None, None));
        assert!(old.may_hold("anything"));
        for bad in ["", "acme", "acme x 7", "A'B 1 2"] {
            assert_eq!(Announcement::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn each_kind_is_announced_once_and_many_as_any() {
        let event = |kind| Event::new(kind, 1, json!({}));
        assert_eq!(announced_kinds([event("a"), event("b"), event("a")].iter()), "a,b");
        let many: Vec<Event> = (0..=KINDS_MAX).map(|n| event(Box::leak(format!("k{n}").into_boxed_str()))).collect();
        assert_eq!(announced_kinds(many.iter()), ANY_KIND);
    }
}
