use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::{ItemId, LocationId, LotId, Quantity, TenantId};
use platform::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::{MovementKind, Posting, QualityStatus};
use crate::store::known;

/// What a movement that stands in the ledger says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub kind: MovementKind,
    pub quantity: Quantity,
    pub effective_at: DateTime<Utc>,
    item: ItemId,
    lot: Option<LotId>,
    from: (LocationId, QualityStatus),
    to: (LocationId, QualityStatus),
}

impl Recorded {
    /// Whether the posting, had it been recorded then, would be this movement; texts are not compared.
    pub fn says(&self, posting: &Posting) -> bool {
        self.kind == posting.kind
            && self.quantity == posting.quantity
            && self.item == posting.item
            && self.lot == posting.lot
            && self.from == (posting.from, posting.from_status)
            && self.to == (posting.to, posting.to_status)
            && posting.effective_at.is_none_or(|at| at == self.effective_at)
    }
}

pub async fn by_ids(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<HashMap<Uuid, Recorded>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        "SELECT movement_id, kind, quantity, effective_at, item_id, lot_id, from_location_id, from_status, to_location_id, to_status
         FROM inventory.movements WHERE tenant_id = $1 AND movement_id = ANY ($2)",
        tenant.as_str(),
        ids,
    );
    let found = rows.fetch_all(connection).await?.into_iter().map(|row| {
        let recorded = Recorded {
            kind: known(&row.kind),
            quantity: Quantity::from_db(row.quantity),
            effective_at: row.effective_at,
            item: ItemId(row.item_id),
            lot: row.lot_id.map(LotId),
            from: (LocationId(row.from_location_id), known(&row.from_status)),
            to: (LocationId(row.to_location_id), known(&row.to_status)),
        };
        (row.movement_id, recorded)
    });
    Ok(found.collect())
}

/// Which of the postings bring goods to a place that has movements of the same item, lot and status; their indexes.
pub async fn moved_before(connection: &mut PgConnection, tenant: &TenantId, postings: &[&Posting]) -> Result<Vec<usize>> {
    let items: Vec<Uuid> = postings.iter().map(|one| one.item.0).collect();
    let places: Vec<Uuid> = postings.iter().map(|one| one.to.0).collect();
    let lots: Vec<Option<Uuid>> = postings.iter().map(|one| one.lot.map(|lot| lot.0)).collect();
    let statuses: Vec<String> = postings.iter().map(|one| one.to_status.as_str().to_owned()).collect();
    let moved = sqlx::query_scalar!(
        r#"SELECT k.ordinal AS "ordinal!"
           FROM UNNEST($2::uuid[], $3::uuid[], $4::uuid[], $5::text[]) WITH ORDINALITY
                AS k (item_id, location_id, lot_id, quality_status, ordinal)
           CROSS JOIN LATERAL (
               SELECT o.on_hand FROM inventory.balances o
               WHERE o.tenant_id = $1 AND o.item_id = k.item_id AND o.location_id = k.location_id
                 AND o.lot_id IS NOT DISTINCT FROM k.lot_id AND o.quality_status = k.quality_status OFFSET 0) b
           WHERE b.on_hand > 0 OR EXISTS (
               SELECT FROM inventory.movements m
               WHERE m.tenant_id = $1 AND m.item_id = k.item_id AND m.lot_id IS NOT DISTINCT FROM k.lot_id
                 AND (m.to_location_id = k.location_id AND m.to_status = k.quality_status
                      OR m.from_location_id = k.location_id AND m.from_status = k.quality_status))"#,
        tenant.as_str(),
        &items,
        &places,
        &lots as &[Option<Uuid>],
        &statuses,
    );
    let moved = moved.fetch_all(connection).await?;
    Ok(moved.into_iter().filter_map(|ordinal| usize::try_from(ordinal - 1).ok()).collect())
}
