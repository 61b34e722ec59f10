//! What was published since a mark: for what is kept in memory and must follow the database.

use kernel::TenantId;
use serde_json::Value;
use sqlx::PgConnection;

use super::store;
use crate::Result;

/// A transaction number below which every transaction had ended when it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(pub(super) u64);

/// An event, as far as a follower needs it.
#[derive(Clone, Debug)]
pub struct Change {
    pub kind: String,
    pub entity_id: String,
    pub payload: Value,
}

/// What a follower has to catch up with.
#[derive(Clone, Debug)]
pub struct Changes {
    /// To ask from next time. What is read after this was taken, has everything below it.
    pub mark: Mark,
    /// In no order, some of them perhaps known already; none when there is no mark to ask from.
    pub news: Vec<Change>,
    /// There were more.
    pub is_cut: bool,
    /// The asking transaction has written nothing so far: what it sees next was committed, and will not be taken back.
    pub is_committed: bool,
}

impl Changes {
    /// Events of these kinds that were published by transactions from the mark on, `most` of them.
    pub async fn since(
        connection: &mut PgConnection,
        tenant: &TenantId,
        mark: Option<Mark>,
        kinds: &[&str],
        most: usize,
    ) -> Result<Self> {
        let mut changes = store::changes(connection, tenant, mark, kinds, most).await?;
        changes.is_cut = changes.news.len() > most;
        Ok(changes)
    }
}
