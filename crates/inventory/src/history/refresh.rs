//! The chore that makes checkpoints of what is committed.
//!
//! A movement takes its number before it commits, so "all numbers up to S" may still have gaps that fill later. S is safe once
//! every transaction that could hold such a number has ended: whoever has a number up to S took it before S was seen, and had
//! locked a balance before (which gives a transaction its id), so its id is below the next one that is given after S was seen.
//! When the oldest running transaction is not below that, all of them have ended.

use std::time::Duration;

use chrono::TimeDelta;
use kernel::{ItemId, TenantId};
use platform::auth::Actor;
use platform::database::{PgConnection, Tx};
use platform::jobs::NewJob;
use platform::{App, Result};
use serde_json::json;

use super::JOB;
use super::model::{Axis, Checkpoint, Cutter, Folder, INTERVAL, Moved, Standing};
use super::store::refresh as store;

/// How long one run waits for transactions that are on their way; an import may take longer, the next run tries again.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Numbers counted in one statement.
const COUNTED_AT_ONCE: i64 = 2_000_000;
/// Movements of one item taken in one transaction.
const SLICE: i64 = 50_000;
/// Items looked up at once.
const ITEMS: i64 = 1_000;
/// Checkpoints read and written at once.
const PAGE: usize = 500;
/// No checkpoint is made of the last minutes: movements that happen at once are recorded in any order, and would all be late.
const SETTLING: TimeDelta = TimeDelta::minutes(2);

/// Leaves word that checkpoints are wanted soon, as after an import.
pub fn refresh_later(tx: &mut Tx, actor: &Actor) {
    tx.enqueue(actor, NewJob { kind: JOB, payload: json!({}), dedup_key: Some("all".into()) });
}

/// All tenants that have moved; the outcome in words.
pub async fn refresh_all(app: &App) -> Result<String> {
    let tenants = app.db.without_tenant(store::tenants).await?;
    let (mut items, mut failed) = (0, 0);
    for tenant in &tenants {
        match refresh(app, tenant).await {
            Ok(refreshed) => items += refreshed,
            Err(error) => {
                failed += 1;
                tracing::warn!(%tenant, %error, "the checkpoints of a tenant could not be made; the next run tries again");
            }
        }
    }
    Ok(format!("{items} items of {} tenants, {failed} failed", tenants.len()))
}

/// Brings the tenant's checkpoints up to date with what is committed now; answers how many items had enough news.
pub async fn refresh(app: &App, tenant: &TenantId) -> Result<u64> {
    if let Some(safe) = safe_number(app, tenant).await? {
        while count_some(app, tenant, safe).await? {}
    }
    let mut items = 0;
    loop {
        let least = INTERVAL as i64;
        let due = app.db.read(tenant, async |connection| store::due(connection, tenant, least, ITEMS).await).await?;
        if due.is_empty() {
            return Ok(items);
        }
        for item in due {
            items += 1;
            while cover_some(app, tenant, item).await? {}
        }
    }
}

/// A number up to which all movements of the tenant are committed or will never be; none while a transaction stays open.
async fn safe_number(app: &App, tenant: &TenantId) -> Result<Option<i64>> {
    let seen = async |connection: &mut PgConnection| {
        let Some(newest) = store::newest(connection, tenant).await? else { return Ok(None) };
        // A statement of its own, after the number was seen.
        Ok(Some((newest, store::running(connection).await?.1)))
    };
    let Some((newest, next)) = app.db.read(tenant, seen).await? else { return Ok(None) };
    let rounds = PATIENCE.as_millis() / LOOK_AGAIN.as_millis();
    for _ in 0..rounds {
        let (oldest, _) = app.db.read(tenant, async |connection| store::running(connection).await).await?;
        if oldest >= next {
            return Ok(Some(newest));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    tracing::info!(%tenant, "a long transaction keeps new checkpoints waiting");
    Ok(None)
}

/// Whether more is left to count.
async fn count_some(app: &App, tenant: &TenantId, safe: i64) -> Result<bool> {
    let mut tx = app.db.begin(tenant).await?;
    let mark = store::lock_mark(&mut tx, tenant).await?;
    if mark >= safe {
        return Ok(false);
    }
    let to = safe.min(mark + COUNTED_AT_ONCE);
    store::count(&mut tx, tenant, mark, to).await?;
    tx.commit().await?;
    Ok(to < safe)
}

/// Takes the next movements of an item into its checkpoints, along both axes in one transaction. Whether more are left.
async fn cover_some(app: &App, tenant: &TenantId, item: ItemId) -> Result<bool> {
    let mut tx = app.db.begin(tenant).await?;
    let mark = store::lock_mark(&mut tx, tenant).await?;
    let (covered, waiting) = store::covered(&mut tx, tenant, item).await?;
    if waiting == 0 {
        return Ok(false);
    }
    let news = store::by_number(&mut tx, tenant, item, (covered, mark), SLICE).await?;
    let is_all = (news.len() as i64) < SLICE;
    let to = if is_all { mark } else { news.last().map_or(mark, |moved| moved.seq) };
    let horizon = app.env.now() - SETTLING;
    for axis in Axis::ALL {
        let keeper = Keeper { tenant, of: (item, axis), to };
        let last = store::last(&mut tx, tenant, keeper.of, None).await?;
        let is_late = |moved: &&Moved| last.as_ref().is_some_and(|last| moved.at(axis) <= last.at);
        let late: Vec<Moved> = news.iter().filter(is_late).cloned().collect();
        keeper.fold(&mut tx, late).await?;
        keeper.append(&mut tx, horizon).await?;
    }
    let left = if is_all { 0 } else { (waiting - news.len() as i64).max(1) };
    store::cover(&mut tx, tenant, item, to, left).await?;
    tx.commit().await?;
    Ok(!is_all)
}

/// Keeps the checkpoints of one item along one axis, with the movements numbered up to `to`.
struct Keeper<'a> {
    tenant: &'a TenantId,
    of: (ItemId, Axis),
    to: i64,
}

impl Keeper<'_> {
    /// Adds late movements to every checkpoint at or after their time.
    async fn fold(&self, tx: &mut Tx, late: Vec<Moved>) -> Result<()> {
        let mut folder = Folder::new(self.of.1, late);
        let Some(first) = folder.first() else { return Ok(()) };
        let mut before = store::last(tx, self.tenant, self.of, Some(first)).await?;
        let mut from = (first, true);
        loop {
            let mut page = store::following(tx, self.tenant, self.of, from, PAGE as i64).await?;
            let Some(end) = page.last().map(|one| one.at) else { return Ok(()) };
            page.iter_mut().for_each(|checkpoint| folder.fold(checkpoint));
            let mut all = Vec::with_capacity(page.len());
            for mut checkpoint in page {
                let limit = 2 * INTERVAL.max(checkpoint.standing.balances.len()) as i64;
                if checkpoint.row_count > limit {
                    let (between, behind) = self.between(tx, before.as_ref(), &checkpoint).await?;
                    checkpoint.row_count = behind;
                    all.extend(between);
                }
                before = Some(checkpoint.clone());
                all.push(checkpoint);
            }
            for some in all.chunks(PAGE) {
                store::write(tx, self.tenant, self.of, some).await?;
            }
            from = (end, false);
        }
    }

    /// Checkpoints inside a stretch that late movements made too long, and how many movements are left behind the last.
    async fn between(&self, tx: &mut Tx, before: Option<&Checkpoint>, end: &Checkpoint) -> Result<(Vec<Checkpoint>, i64)> {
        let stretch = (before.map(|one| one.at), Some(end.at));
        let moves = store::by_time(tx, self.tenant, self.of, self.to, stretch).await?;
        let from = before.map_or_else(Standing::default, |one| one.standing.clone());
        let mut cutter = Cutter::new(self.of.1, from, end.at);
        moves.iter().for_each(|moved| cutter.feed(moved));
        let (made, behind) = cutter.finish();
        Ok((made, behind as i64))
    }

    /// Makes checkpoints of what lies after the last one.
    async fn append(&self, tx: &mut Tx, horizon: chrono::DateTime<chrono::Utc>) -> Result<()> {
        let last = store::last(tx, self.tenant, self.of, None).await?;
        let after = last.as_ref().map(|one| one.at);
        let moves = store::by_time(tx, self.tenant, self.of, self.to, (after, None)).await?;
        let mut cutter = Cutter::new(self.of.1, last.map_or_else(Standing::default, |one| one.standing), horizon);
        moves.iter().for_each(|moved| cutter.feed(moved));
        for some in cutter.finish().0.chunks(PAGE) {
            store::write(tx, self.tenant, self.of, some).await?;
        }
        Ok(())
    }
}
