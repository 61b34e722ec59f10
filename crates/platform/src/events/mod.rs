//! Events: written to the outbox with the change, announced by NOTIFY at commit, handed to whoever listens.
//!
//! Announcements come in the order of the commits and carry the oldest transaction that was under way when they were written: every
//! transaction below it had ended, so its announcement came earlier. That is the low-water mark of [`Position`].

mod bus;
mod changes;
mod position;
mod store;

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use kernel::TenantId;
use serde::Serialize;
use serde_json::Value;

pub use bus::{Announcement, Bus, Signal};
pub(crate) use bus::{CHANNEL, announced_kinds};
pub use changes::{Change, Changes, Mark};
pub use position::{NotAPosition, Position};

use crate::Result;
use crate::database::Database;

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
#[derive(Clone, Debug)]
pub struct Occurrence {
    pub tenant: TenantId,
    pub seq: i64,
    pub kind: String,
    /// The transaction that wrote it; unknown for rows from before it was noted.
    txid: Option<u64>,
    /// What clients get: an object of `seq`, `at`, `kind`, `entity_id`, `payload`. Made once, for however many listen.
    pub json: String,
}

#[derive(Serialize)]
struct Shown<'a> {
    seq: i64,
    at: DateTime<Utc>,
    kind: &'a str,
    entity_id: &'a str,
    payload: &'a Value,
}

impl Occurrence {
    fn new(
        tenant: TenantId,
        txid: Option<u64>,
        (seq, at): (i64, DateTime<Utc>),
        kind: String,
        entity_id: String,
        payload: Value,
    ) -> Self {
        let shown = Shown { seq, at, kind: &kind, entity_id: &entity_id, payload: &payload };
        let json = serde_json::to_string(&shown).expect("an occurrence is plain data");
        Self { tenant, seq, kind, txid, json }
    }

    /// Whether every position with this mark has it behind.
    fn is_below(&self, low: u64) -> bool {
        self.txid.is_some_and(|txid| txid < low)
    }
}

/// Events that one replay holds at most; who missed more loads everything anew.
pub const REPLAY_MAX: usize = 1000;

/// What somebody who comes back is told first, one by one.
#[derive(Debug)]
pub struct Replay {
    /// Where they stand now.
    pub position: Position,
    missed: VecDeque<Occurrence>,
    /// The mark to raise the position to once all are told.
    low: Option<u64>,
    /// More was missed than is replayed, or the position is unknown: everything must be loaded anew.
    pub is_cut: bool,
}

impl Replay {
    /// For somebody who stands at `after`, or begins now.
    pub async fn since(db: &Database, tenant: &TenantId, after: After) -> Result<Self> {
        let After::Position(mut position) = after else {
            let is_cut = after == After::Unknown;
            return Ok(Self { position: store::now(db, tenant).await?, missed: VecDeque::new(), low: None, is_cut });
        };
        let found = store::missed(db, tenant, &position).await?;
        if found.occurrences.len() > REPLAY_MAX {
            return Ok(Self { position: store::now(db, tenant).await?, missed: VecDeque::new(), low: None, is_cut: true });
        }
        position.bound(found.high);
        let mut replay = Self { position, missed: found.occurrences.into(), low: Some(found.low), is_cut: false };
        replay.finish();
        Ok(replay)
    }

    /// Raises the mark when all that was missed is told.
    fn finish(&mut self) {
        if self.missed.is_empty()
            && let Some(low) = self.low.take()
        {
            self.position.raise(low);
        }
    }
}

impl Iterator for Replay {
    type Item = Occurrence;

    /// The next missed one; the position has it behind.
    fn next(&mut self) -> Option<Occurrence> {
        let occurrence = self.missed.pop_front()?;
        self.position.tell(occurrence.seq, occurrence.txid);
        self.finish();
        Some(occurrence)
    }
}

/// Where a listener says that it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum After {
    /// Nowhere yet.
    #[default]
    Now,
    Position(Position),
    /// It says something that we never said.
    Unknown,
}

impl After {
    pub fn parse(text: Option<&str>) -> Self {
        match text.map(str::parse) {
            None => Self::Now,
            Some(Ok(position)) => Self::Position(position),
            Some(Err(NotAPosition)) => Self::Unknown,
        }
    }
}

impl Position {
    /// Whether the live event was told already, or happened before this listener began.
    pub fn has_behind(&self, occurrence: &Occurrence) -> bool {
        self.low().is_some_and(|low| occurrence.is_below(low)) || self.was_told(occurrence.seq)
    }

    /// A live event is told; every transaction below `low` was told before.
    pub fn advance(&mut self, occurrence: &Occurrence, low: u64) {
        self.tell(occurrence.seq, occurrence.txid);
        if low > 0 {
            self.raise(low);
        }
    }
}
