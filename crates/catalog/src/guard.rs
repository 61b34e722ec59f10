use std::collections::HashSet;
use std::sync::Arc;

use futures::future::BoxFuture;
use kernel::{ItemId, TenantId};
use platform::Result;
use sqlx::PgConnection;

/// What the catalogue must know of stock and cannot: the context that counts stock depends on this one and answers here.
pub trait StockGuard: Send + Sync + 'static {
    /// Those of the items of which something is on hand anywhere. The rows of the items are locked, so that none can come
    /// into stock before the caller's transaction ends.
    fn in_stock<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        tenant: &'a TenantId,
        items: &'a [ItemId],
    ) -> BoxFuture<'a, Result<HashSet<ItemId>>>;
}

pub type Guard = Arc<dyn StockGuard>;
