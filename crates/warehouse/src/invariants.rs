//! Proves what this context promises on what is stored, for `entrepot check`.

use std::collections::HashMap;

use inventory::Invariant;
use kernel::{Quantity, TenantId};
use platform::Result;
use sqlx::{Executor as _, PgConnection};
use uuid::Uuid;

use crate::picking::store as picking;
use crate::transfer::store;

/// Violations that are told in words.
const EXAMPLES: usize = 5;

/// Across all tenants, as of one moment. The connection must be the owner's, and outside a transaction.
pub async fn check(connection: &mut PgConnection) -> Result<Vec<Invariant>> {
    prove(connection, None).await
}

/// As [`check`] for one tenant; the runtime's connection will do.
pub async fn check_tenant(connection: &mut PgConnection, tenant: &TenantId) -> Result<Vec<Invariant>> {
    prove(connection, Some(tenant)).await
}

/// One snapshot: goods that are shipped meanwhile must not look like a violation.
async fn prove(connection: &mut PgConnection, one: Option<&TenantId>) -> Result<Vec<Invariant>> {
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let proved = prove_now(connection, one).await;
    connection.execute("ROLLBACK").await?;
    proved
}

async fn prove_now(connection: &mut PgConnection, one: Option<&TenantId>) -> Result<Vec<Invariant>> {
    let (checked, violations, examples) = store::wrong_figures(connection, one.map(TenantId::as_str)).await?;
    let (lines, wrong_lines, told) = picking::wrong_figures(connection, one.map(TenantId::as_str)).await?;
    Ok(vec![
        transit_equals_balances(connection, one).await?,
        Invariant {
            name: "orders_add_up",
            description: "what each order line has picked and waits for is the sum of its picks and its open pick lines",
            checked: lines,
            violations: wrong_lines,
            examples: told,
        },
        Invariant {
            name: "transfers_add_up",
            description: "what each transfer line shipped, received, lost and returned is the sum of its movements",
            checked,
            violations,
            examples,
        },
    ])
}

async fn transit_equals_balances(connection: &mut PgConnection, one: Option<&TenantId>) -> Result<Invariant> {
    type Goods = (String, Uuid, Uuid, Option<Uuid>);
    let mut goods: HashMap<Goods, (Quantity, Quantity)> = HashMap::new();
    for (tenant, place, item, lot, quantity) in store::expected_in_transit(connection, one.map(TenantId::as_str)).await? {
        goods.entry((tenant, place, item, lot)).or_default().0 += quantity;
    }
    for held in inventory::service::in_transit(connection, one).await? {
        let key = (held.tenant, held.location.0, held.item.0, held.lot.map(|lot| lot.0));
        goods.entry(key).or_default().1 += held.on_hand;
    }
    let mut wrong: Vec<_> = goods.iter().filter(|(_, (shipped, held))| shipped != held).collect();
    wrong.sort_unstable_by_key(|(key, _)| *key);
    let told = wrong.iter().take(EXAMPLES).map(|((tenant, place, item, _), (shipped, held))| {
        format!("{tenant}: item {item} in transit place {place}: transfers say {shipped}, the balance says {held}")
    });
    Ok(Invariant {
        name: "transit_equals_balances",
        description: "what transfers have shipped and not settled is what the places in transit hold",
        checked: i64::try_from(goods.len()).unwrap_or(i64::MAX),
        violations: i64::try_from(wrong.len()).unwrap_or(i64::MAX),
        examples: told.collect(),
    })
}
