//! What `check` reads: every movement once, in stretches of the table so that progress can be told, and every balance once.
//! The statements run as the owner, across all tenants when none is given.

use futures::TryStreamExt as _;
use platform::Result;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

/// What was found about one promise.
#[derive(Clone, Debug, Default)]
pub struct Finding {
    pub checked: i64,
    pub violations: i64,
    pub examples: Vec<String>,
}

/// Violations that are told in words; all are counted.
const EXAMPLES: usize = 5;

impl Finding {
    pub fn wrong(&mut self, count: i64, words: impl FnOnce() -> String) {
        self.violations += count;
        if self.examples.len() < EXAMPLES {
            self.examples.push(words());
        }
    }
}

/// Movements that differ in nothing but quantity and time, with what stands beside them in other tables.
#[derive(Clone, Debug)]
pub struct Group {
    pub tenant_id: String,
    pub kind: String,
    pub item_id: Uuid,
    pub lot_id: Option<Uuid>,
    pub from_location_id: Uuid,
    pub from_status: String,
    pub to_location_id: Uuid,
    pub to_status: String,
    pub has_reason: bool,
    pub quantity: Decimal,
    pub movements: i64,
    /// The number of the first of them.
    pub seq: i64,
    /// None when the place does not exist; so with the others.
    pub from_kind: Option<String>,
    pub to_kind: Option<String>,
    pub lot_item_id: Option<Uuid>,
}

/// Pages of the table of movements on disk.
pub async fn pages(connection: &mut PgConnection) -> Result<i64> {
    let pages = sqlx::query_scalar!(
        r#"SELECT pg_relation_size('inventory.movements') / current_setting('block_size')::bigint AS "pages!""#
    );
    Ok(pages.fetch_one(connection).await?)
}

/// Hands over the movements that lie in pages `from` (included) to `to` (excluded), grouped.
pub async fn movements(
    connection: &mut PgConnection,
    tenant: Option<&str>,
    (from, to): (i64, i64),
    mut each: impl FnMut(Group),
) -> Result<()> {
    let mut rows = sqlx::query_as!(
        Group,
        r#"SELECT g.tenant_id AS "tenant_id!", g.kind AS "kind!", g.item_id AS "item_id!", g.lot_id AS "lot_id?",
                  g.from_location_id AS "from_location_id!", g.from_status AS "from_status!", g.to_location_id AS "to_location_id!",
                  g.to_status AS "to_status!",
                  g.has_reason AS "has_reason!", g.quantity AS "quantity!", g.movements AS "movements!", g.seq AS "seq!",
                  f.kind AS "from_kind?", t.kind AS "to_kind?", l.item_id AS "lot_item_id?"
           FROM (
               SELECT tenant_id, kind, item_id, lot_id, from_location_id, from_status, to_location_id, to_status, reason <> '' AS has_reason,
                      sum(quantity) AS quantity, count(*) AS movements, min(seq) AS seq
               FROM inventory.movements
               WHERE ctid >= format('(%s,0)', $2::bigint)::tid AND ctid < format('(%s,0)', $3::bigint)::tid
                 AND ($1::text IS NULL OR tenant_id = $1)
               GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
           ) g
           LEFT JOIN inventory.stock_locations f ON f.tenant_id = g.tenant_id AND f.location_id = g.from_location_id
           LEFT JOIN inventory.stock_locations t ON t.tenant_id = g.tenant_id AND t.location_id = g.to_location_id
           LEFT JOIN inventory.lots l ON l.tenant_id = g.tenant_id AND l.lot_id = g.lot_id"#,
        tenant,
        from,
        to,
    )
    .fetch(connection);
    while let Some(group) = rows.try_next().await? {
        each(group);
    }
    Ok(())
}

/// A stored balance with the item of its lot.
#[derive(Clone, Debug)]
pub struct StoredBalance {
    pub tenant_id: String,
    pub balance_id: Uuid,
    pub item_id: Uuid,
    pub location_id: Uuid,
    pub lot_id: Option<Uuid>,
    pub quality_status: String,
    pub on_hand: Decimal,
    pub reserved: Decimal,
    pub lot_item_id: Option<Uuid>,
}

pub async fn balances(connection: &mut PgConnection, tenant: Option<&str>, mut each: impl FnMut(StoredBalance)) -> Result<()> {
    let mut rows = sqlx::query_as!(
        StoredBalance,
        r#"SELECT b.tenant_id AS "tenant_id!", b.balance_id AS "balance_id!", b.item_id AS "item_id!", b.location_id AS "location_id!",
                  b.lot_id AS "lot_id?", b.quality_status AS "quality_status!", b.on_hand AS "on_hand!", b.reserved AS "reserved!",
                  l.item_id AS "lot_item_id?"
           FROM inventory.balances b
           LEFT JOIN inventory.lots l ON l.tenant_id = b.tenant_id AND l.lot_id = b.lot_id
           WHERE $1::text IS NULL OR b.tenant_id = $1"#,
        tenant,
    )
    .fetch(connection);
    while let Some(balance) = rows.try_next().await? {
        each(balance);
    }
    Ok(())
}
