//! Proves the ledger's invariants on what is stored, trusting neither the code above nor the constraints below.

use std::collections::BTreeMap;

use kernel::{ItemId, TenantId};
use platform::Result;
use serde::Serialize;
use sqlx::{Executor as _, PgConnection};

use crate::store::checks::{self, Finding};

/// Items asked of the catalogue at once.
const CHUNK: usize = 1_000;

/// One promise and how it fared.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Invariant {
    pub name: &'static str,
    pub description: &'static str,
    /// How many balances, items or movements were looked at.
    pub checked: i64,
    pub violations: i64,
    /// The first five violations, in words.
    pub examples: Vec<String>,
}

pub(crate) fn named(name: &'static str, description: &'static str, found: Finding) -> Invariant {
    Invariant { name, description, checked: found.checked, violations: found.violations, examples: found.examples }
}

/// Runs every check across all tenants, as of one moment. The connection must be the owner's, which row-level security does
/// not narrow, and outside a transaction.
pub async fn check(connection: &mut PgConnection) -> Result<Vec<Invariant>> {
    prove(connection, None).await
}

/// As [`check`] for one tenant; the runtime's connection will do.
pub async fn check_tenant(connection: &mut PgConnection, tenant: &TenantId) -> Result<Vec<Invariant>> {
    prove(connection, Some(tenant.as_str())).await
}

/// The checks are several statements; one snapshot keeps stock that moves meanwhile from looking like a violation.
async fn prove(connection: &mut PgConnection, one: Option<&str>) -> Result<Vec<Invariant>> {
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let proved = prove_now(connection, one).await;
    connection.execute("ROLLBACK").await?;
    proved
}

async fn prove_now(connection: &mut PgConnection, one: Option<&str>) -> Result<Vec<Invariant>> {
    let mut proved = vec![
        named(
            "ledger_equals_balances",
            "for every item, place, lot and status the movements add up to the stored balance",
            checks::sums_equal_balances(connection, one).await?,
        ),
        named("no_negative_balance", "no place holds less than nothing", checks::no_negative_balance(connection, one).await?),
        named(
            "reserved_within_on_hand",
            "no more is reserved than is on hand",
            checks::reserved_within_on_hand(connection, one).await?,
        ),
        named(
            "books_close",
            "for every item physical balances and virtual places cancel out",
            checks::books_close(connection, one).await?,
        ),
        named("references_exist", "every movement's lot and places exist", checks::references_exist(connection, one).await?),
        named("items_exist", "every item that moved stands in the catalogue", items_exist(connection, one).await?),
        named(
            "lots_match_items",
            "no movement or balance uses a lot of another item",
            checks::lots_match_items(connection, one).await?,
        ),
        named(
            "kinds_fit_places",
            "every movement stands between places that its kind allows, and adjustments have a reason",
            checks::kinds_fit_places(connection, one).await?,
        ),
        crate::counting::service::check(connection, one).await?,
        named(
            "serials_equal_on_hand",
            "of every serial-tracked item as many serial numbers lie in a place as are on hand there",
            crate::serial::pieces_equal_on_hand(connection, one).await?,
        ),
    ];
    proved.extend(crate::reservation::checks::prove(connection, one).await?);
    Ok(proved)
}

async fn items_exist(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Finding> {
    let mut by_tenant: BTreeMap<TenantId, Vec<ItemId>> = BTreeMap::new();
    for (tenant, item) in checks::moved_items(connection, tenant).await? {
        by_tenant.entry(tenant.parse()?).or_default().push(ItemId(item));
    }
    let mut finding = Finding::default();
    for (tenant, items) in &by_tenant {
        for chunk in items.chunks(CHUNK) {
            let known = catalog::service::items_by_ids(connection, tenant, chunk).await?;
            finding.checked += i64::try_from(chunk.len()).unwrap_or(i64::MAX);
            for missing in chunk.iter().filter(|item| !known.contains_key(item)) {
                finding.violations += 1;
                if finding.examples.len() < 5 {
                    finding.examples.push(format!("{tenant}: item {missing} moved but does not exist"));
                }
            }
        }
    }
    Ok(finding)
}
