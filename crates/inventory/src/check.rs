//! Proves the ledger's invariants on what is stored, trusting neither the code above nor the constraints below.

mod proof;

use kernel::{ItemId, TenantId};
use platform::Result;
use serde::Serialize;
use sqlx::{Executor as _, PgConnection};

use self::proof::Proof;
use crate::store::checks::{self, Finding};

/// Items asked of the catalogue at once.
const CHUNK: usize = 1_000;
/// Parts in which the movements are read, after each of which progress is told; small tables are read in fewer.
const PARTS: i64 = 40;
const LEAST_PAGES: i64 = 2_000;

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckProgress {
    /// Movements read so far.
    pub movements: i64,
    /// Of all that is to be read, 0 to 100.
    pub percent: f64,
}

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
    check_telling(connection, &mut |_| {}).await
}

/// As [`check`], telling now and then how far it is: it reads every movement once.
pub async fn check_telling(
    connection: &mut PgConnection,
    tell: &mut (dyn FnMut(CheckProgress) + Send),
) -> Result<Vec<Invariant>> {
    prove(connection, None, tell).await
}

/// As [`check`] for one tenant; the runtime's connection will do.
pub async fn check_tenant(connection: &mut PgConnection, tenant: &TenantId) -> Result<Vec<Invariant>> {
    prove(connection, Some(tenant.as_str()), &mut |_| {}).await
}

/// The checks are several statements; one snapshot keeps stock that moves meanwhile from looking like a violation.
async fn prove(
    connection: &mut PgConnection,
    one: Option<&str>,
    tell: &mut (dyn FnMut(CheckProgress) + Send),
) -> Result<Vec<Invariant>> {
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    // The planner cannot know how few groups there are and would sort every movement.
    connection.execute(sqlx::raw_sql("SET LOCAL enable_sort = off; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off")).await?;
    let proved = prove_now(connection, one, tell).await;
    connection.execute("ROLLBACK").await?;
    proved
}

async fn gather(connection: &mut PgConnection, one: Option<&str>, tell: &mut (dyn FnMut(CheckProgress) + Send)) -> Result<Proof> {
    let mut proof = Proof::default();
    let pages = checks::pages(connection).await?;
    let step = (pages / PARTS).max(LEAST_PAGES);
    let mut from = 0;
    while from <= pages {
        // The table may grow meanwhile; what our snapshot sees has its place by now, so the last part has an open end.
        let to = if from + step > pages { i64::from(u32::MAX) } else { from + step };
        checks::movements(connection, one, (from, to), |group| proof.movements(group)).await?;
        from += step;
        let percent = (from.min(pages) as f64 * 100.0 / pages.max(1) as f64).min(100.0);
        tell(CheckProgress { movements: proof.references.checked, percent });
    }
    checks::balances(connection, one, |balance| proof.balance(balance)).await?;
    proof.without_balance();
    Ok(proof)
}

async fn prove_now(
    connection: &mut PgConnection,
    one: Option<&str>,
    tell: &mut (dyn FnMut(CheckProgress) + Send),
) -> Result<Vec<Invariant>> {
    let proof = gather(connection, one, tell).await?;
    let items = items_exist(connection, &proof).await?;
    let books = proof.books_close();
    let mut proved = vec![
        named(
            "ledger_equals_balances",
            "for every item, place, lot and status the movements add up to the stored balance",
            proof.ledger,
        ),
        named("no_negative_balance", "no place holds less than nothing", proof.negative),
        named("reserved_within_on_hand", "no more is reserved than is on hand", proof.reserved),
        named("books_close", "for every item physical balances and virtual places cancel out", books),
        named("references_exist", "every movement's lot and places exist", proof.references),
        named("items_exist", "every item that moved stands in the catalogue", items),
        named("lots_match_items", "no movement or balance uses a lot of another item", proof.lots),
        named(
            "kinds_fit_places",
            "every movement stands between places that its kind allows, and adjustments have a reason",
            proof.kinds,
        ),
        crate::counting::service::check(connection, one).await?,
        named(
            "serials_equal_on_hand",
            "of every serial-tracked item as many serial numbers lie in a place as are on hand there",
            crate::serial::pieces_equal_on_hand(connection, one).await?,
        ),
    ];
    proved.extend(crate::reservation::store::checks::prove(connection, one).await?);
    Ok(proved)
}

async fn items_exist(connection: &mut PgConnection, proof: &Proof) -> Result<Finding> {
    let mut finding = Finding::default();
    for (tenant, items) in proof.items() {
        let (tenant, items): (TenantId, Vec<ItemId>) = (tenant.parse()?, items.into_iter().map(ItemId).collect());
        for chunk in items.chunks(CHUNK) {
            let known = catalog::service::items_by_ids(connection, &tenant, chunk).await?;
            finding.checked += chunk.len() as i64;
            for missing in chunk.iter().filter(|item| !known.contains_key(item)) {
                finding.wrong(1, || format!("{tenant}: item {missing} moved but does not exist"));
            }
        }
    }
    Ok(finding)
}
