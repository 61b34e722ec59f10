//! Use cases of counting. Every change locks its count first, then lots, then balances.

use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;
use kernel::{CountId, CountLineId, ItemId, Page, PageRequest, TenantId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result};
use rust_decimal::Decimal;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::dto::{AccuracyDto, CountDto, CountLineDto, CountLocationDto};
use super::input::{CountFilter, LineFilter};
use super::model::{Count, CountLine, CountPlace, Entered, LineView};
use super::store::{LineCursor, LineQuery, entries, scope};
use super::{COUNTS_READ, store};
use crate::check::Invariant;
use crate::model::ItemLabel;
use crate::service::cursor;

pub use super::approve::{approve, cancel, reject};
pub use super::enter::{finish, start, submit};
pub use super::plan::create;

/// Days that the figure of a facility looks back when nobody says.
const ACCURACY_DAYS: u32 = 90;
const ACCURACY_DAYS_MAX: u32 = 3_660;

/// `reference` is an id or a code.
pub async fn get(connection: &mut PgConnection, actor: &Actor, reference: &str) -> Result<CountDto> {
    actor.require(COUNTS_READ)?;
    let count = find(connection, actor.tenant(), reference).await?;
    Ok(CountDto::of(actor, count))
}

/// Newest first.
pub async fn list(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &CountFilter,
    page: &PageRequest,
) -> Result<Page<CountDto>> {
    actor.require(COUNTS_READ)?;
    let before: Option<Uuid> = cursor(page)?;
    let facility = facility_of(connection, actor.tenant(), filter.facility.as_deref()).await?;
    let prefix = filter.q.as_deref().map(str::trim).filter(|q| !q.is_empty());
    let narrow = store::CountQuery { facility, state: filter.state, prefix, unfinished: filter.unfinished == Some(true) };
    let rows = store::list(connection, actor.tenant(), &narrow, before, page).await?;
    Ok(Page::cut(rows, page, |count| count.count_id).map(|count| CountDto::of(actor, count)))
}

async fn facility_of(connection: &mut PgConnection, tenant: &TenantId, reference: Option<&str>) -> Result<Option<Uuid>> {
    let Some(reference) = reference.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let found = scope::facility(connection, tenant, Uuid::parse_str(reference).ok(), reference).await?;
    let unknown = || Error::not_found(format_args!("facility {reference:?}"));
    Ok(Some(found.ok_or_else(unknown)?.0.0))
}

/// The places of a count in the order of walking.
pub async fn places(
    connection: &mut PgConnection,
    actor: &Actor,
    reference: &str,
    page: &PageRequest,
) -> Result<Page<CountLocationDto>> {
    actor.require(COUNTS_READ)?;
    let after: Option<i32> = cursor(page)?;
    let count = find(connection, actor.tenant(), reference).await?;
    let rows = store::places(connection, actor.tenant(), count.count_id, None, after, page.fetch()).await?;
    Ok(Page::cut(rows, page, |place| place.sequence).map(CountLocationDto::from))
}

/// The lines of a count, in the order of walking or by variance.
pub async fn lines(
    connection: &mut PgConnection,
    actor: &Actor,
    reference: &str,
    filter: &LineFilter,
    page: &PageRequest,
) -> Result<Page<CountLineDto>> {
    actor.require(COUNTS_READ)?;
    let after: Option<LineCursor> = cursor(page)?;
    let tenant = actor.tenant();
    let count = find(connection, tenant, reference).await?;
    if filter.by_variance && !count.shows_book_to(actor) {
        return Err(Error::field("by_variance", "is not for those who count blind"));
    }
    let locations = match filter.location.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        Some(location) => Some(vec![place_of(connection, tenant, &count, location).await?.location_id.0]),
        None => None,
    };
    let by_variance = filter.by_variance;
    let query = LineQuery { ids: None, locations, state: filter.state, by_variance };
    let rows = store::lines(connection, tenant, count.count_id, &query, after, Some(page.fetch())).await?;
    let rank = |line: &CountLine| match line.variance.filter(|_| by_variance) {
        Some(variance) => -variance.decimal().abs(),
        None => Decimal::ZERO,
    };
    let cut = Page::cut(rows, page, |line| (rank(line), line.sequence, line.line_no, line.count_line_id.0));
    let items = view(connection, tenant, cut.items).await?;
    Ok(Page {
        items: items.into_iter().map(|line| CountLineDto::of(actor, &count, line)).collect(),
        next_cursor: cut.next_cursor,
    })
}

/// How well the ledger agreed with what was counted, in one facility or all, over the last `days` (90 when absent).
pub async fn accuracy(
    connection: &mut PgConnection,
    actor: &Actor,
    facility: Option<&str>,
    days: Option<u32>,
) -> Result<AccuracyDto> {
    actor.require(COUNTS_READ)?;
    let days = days.unwrap_or(ACCURACY_DAYS);
    if !(1..=ACCURACY_DAYS_MAX).contains(&days) {
        return Err(Error::field("days", format!("must be 1 to {ACCURACY_DAYS_MAX}")));
    }
    let facility = facility_of(connection, actor.tenant(), facility).await?.map(kernel::FacilityId);
    let since = actor.env.now() - TimeDelta::days(i64::from(days));
    let (figures, counts) = entries::accuracy(connection, actor.tenant(), facility, since).await?;
    Ok(AccuracyDto { counts: Some(counts), ..AccuracyDto::from(figures) })
}

/// For `entrepot check`: across all tenants when none is given.
pub async fn check(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Invariant> {
    entries::check(connection, tenant).await
}

pub(super) async fn find(connection: &mut PgConnection, tenant: &TenantId, reference: &str) -> Result<Count> {
    let text = reference.trim();
    let found = store::find(connection, tenant, Uuid::parse_str(text).ok(), text).await?;
    found.ok_or_else(|| Error::not_found(format_args!("count {reference:?}")))
}

/// Locked, and not over.
pub(super) async fn find_open(tx: &mut Tx, tenant: &TenantId, reference: &str) -> Result<Count> {
    let text = reference.trim();
    let id = store::lock(tx, tenant, Uuid::parse_str(text).ok(), text).await?;
    let id = id.ok_or_else(|| Error::not_found(format_args!("count {reference:?}")))?;
    let count = by_id(tx, tenant, id).await?;
    if count.state.is_over() {
        return Err(Error::conflict(format!("count {:?} is {} already", count.code, count.state)));
    }
    Ok(count)
}

pub(super) async fn by_id(connection: &mut PgConnection, tenant: &TenantId, id: CountId) -> Result<Count> {
    find(connection, tenant, &id.to_string()).await
}

/// A place of the count by id, code or `FACILITY/CODE`.
pub(super) async fn place_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    count: &Count,
    reference: &str,
) -> Result<CountPlace> {
    let text = bare(count, reference);
    let ids: Vec<Uuid> = Uuid::parse_str(text).into_iter().collect();
    let found = store::place_ids(connection, tenant, count.count_id, &ids, &[text.to_owned()]).await?.into_iter().next();
    let unknown = || Error::not_found(format_args!("location {reference:?} of count {:?}", count.code));
    let (id, _, _) = found.ok_or_else(unknown)?;
    store::places(connection, tenant, count.count_id, Some(id), None, 1).await?.pop().ok_or_else(unknown)
}

/// Without the facility in front.
pub(super) fn bare<'a>(count: &Count, reference: &'a str) -> &'a str {
    let text = reference.trim();
    text.strip_prefix(&count.facility_code).and_then(|rest| rest.strip_prefix('/')).unwrap_or(text)
}

/// With the names of the items and what was counted so far.
pub(super) async fn view(connection: &mut PgConnection, tenant: &TenantId, lines: Vec<CountLine>) -> Result<Vec<LineView>> {
    let items: Vec<ItemId> = lines.iter().map(|line| line.item_id).collect::<BTreeSet<_>>().into_iter().collect();
    let items = catalog::service::items_by_ids(connection, tenant, &items).await?;
    let ids: Vec<CountLineId> = lines.iter().map(|line| line.count_line_id).collect();
    let mut entered: HashMap<CountLineId, Vec<Entered>> = HashMap::new();
    for entry in entries::of_lines(connection, tenant, &ids).await? {
        entered.entry(entry.count_line_id).or_default().push(entry);
    }
    let label = |id: &ItemId| {
        let item = items.get(id);
        item.map_or_else(ItemLabel::default, |item| ItemLabel {
            code: item.code.clone(),
            name: item.name.clone(),
            base_unit: item.base_unit.clone(),
        })
    };
    let view = |line: CountLine| LineView {
        item: label(&line.item_id),
        entries: entered.remove(&line.count_line_id).unwrap_or_default(),
        line,
    };
    Ok(lines.into_iter().map(view).collect())
}

/// Brings the state of the count up to date and tells of the change. Figures are not told: the count may be blind.
pub(super) async fn touch(tx: &mut Tx, actor: &Actor, count: CountId) -> Result<Count> {
    let count = by_id(tx, actor.tenant(), count).await?;
    store::update_state(tx, actor.tenant(), count.count_id, count.progress.state(), actor.env.now()).await?;
    let count = by_id(tx, actor.tenant(), count.count_id).await?;
    announce(tx, actor, &count);
    Ok(count)
}

pub(super) fn announce(tx: &mut Tx, actor: &Actor, count: &Count) {
    let payload = json!({ "code": count.code, "state": count.state, "facility_id": count.facility_id });
    tx.publish(actor, Event::new("inventory.count.changed", count.count_id, payload));
}
