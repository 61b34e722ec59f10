use std::collections::{BTreeSet, HashMap};

use catalog::ItemLabel;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::future::BoxFuture;
use kernel::{ErrorCode, FacilityId, ItemId, LocationId, MovementId, Page, PageRequest, Quantity, TenantId};
use platform::auth::Actor;
use platform::coalesce::{Coalescer, Work};
use platform::{App, Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{STOCK_READ, cursor, place};
use crate::model::{BalanceRow, Labelled, LocationKind, LotStock, MovementKind, MovementRow, QualityStatus};
use crate::store;
use crate::store::balances::BalanceQuery;
use crate::store::lots::{LotQuery, NEVER};
use crate::store::movements::MovementQuery;

/// Days ahead that a list of expiring lots may look.
const MAX_EXPIRY_DAYS: u32 = 36_500;

/// Which balances; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct BalanceFilter {
    /// Id or code.
    pub item: Option<String>,
    /// Id, `FACILITY/CODE` or an unambiguous code.
    pub location: Option<String>,
    /// Id or code.
    pub facility: Option<String>,
    /// Id or number.
    pub lot: Option<String>,
    pub quality: Option<QualityStatus>,
    /// Also balances that hold nothing any more.
    pub include_empty: bool,
}

/// Which movements; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct MovementFilter {
    /// Id or code.
    pub item: Option<String>,
    /// Either side: id, `FACILITY/CODE`, an unambiguous code or a virtual place.
    pub location: Option<String>,
    /// Id or number.
    pub lot: Option<String>,
    pub kind: Option<MovementKind>,
    /// Exactly as recorded.
    pub reference: Option<String>,
    /// Effective at or after.
    pub from: Option<DateTime<Utc>>,
    /// Effective before.
    pub to: Option<DateTime<Utc>>,
}

/// Which lots; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct LotFilter {
    /// Id or code.
    pub item: Option<String>,
    /// The number's beginning.
    pub number: Option<String>,
    pub quality: Option<QualityStatus>,
    /// Only lots that expire within so many days from today, or have expired.
    pub expires_within_days: Option<u32>,
    /// Only lots of which something is on hand.
    pub in_stock: bool,
}

pub(crate) fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// One page of balances, those of one item together.
pub async fn balances(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &BalanceFilter,
    page: &PageRequest,
) -> Result<Page<Labelled<BalanceRow>>> {
    actor.require(STOCK_READ)?;
    let after: Option<(Uuid, Uuid, Uuid)> = cursor(page)?;
    let location = location_of(connection, actor, &filter.location).await?;
    if location.is_some_and(|id| LocationKind::of_virtual(LocationId(id)).is_some()) {
        return Err(Error::field("location", "virtual places hold no balance; list their movements instead"));
    }
    let (lot, lot_number) = lot_of(&filter.lot);
    let query = BalanceQuery {
        items: item_of(connection, actor, &filter.item).await?.map(|id| vec![id]),
        locations: location.map(|id| vec![id]),
        facility: facility_of(connection, actor, &filter.facility).await?,
        lot,
        lot_number,
        quality: filter.quality,
        include_empty: filter.include_empty,
    };
    let rows = store::balances::page(connection, actor.tenant(), &query, after, page).await?;
    let page = Page::cut(rows, page, |row| (row.item_id, row.location_id, row.balance_id));
    label_page(connection, actor.tenant(), page, |row| row.item_id).await
}

/// One balance; those who ask at the same time are answered by the same statements.
pub async fn balance(app: &App, actor: &Actor, id: Uuid) -> Result<Labelled<BalanceRow>> {
    actor.require(STOCK_READ)?;
    let found = app.the::<Coalescer<BalancesById>>().call(app, actor.tenant(), id).await?;
    found.ok_or_else(|| Error::not_found(format_args!("balance {id}")))
}

#[derive(Default)]
struct BalancesById;

impl Work for BalancesById {
    type Call = Uuid;
    type Answer = Option<Labelled<BalanceRow>>;

    const NAME: &'static str = "balances";
    const MOST: usize = 256;
    const LANES: usize = 8;
    const LANES_OF_TENANT: usize = 2;

    fn run(app: App, tenant: TenantId, ids: Vec<Uuid>) -> BoxFuture<'static, Vec<Result<Self::Answer>>> {
        Box::pin(async move {
            let read = async |connection: &mut PgConnection| {
                let rows = balance_rows(connection, &tenant, &ids).await?;
                let labels = labels(connection, &tenant, rows.iter().map(|row| row.item_id)).await?;
                let label = |row: BalanceRow| {
                    (row.balance_id, Labelled { item: labels.get(&row.item_id).cloned().unwrap_or_default(), row })
                };
                Ok(rows.into_iter().map(label).collect::<HashMap<_, _>>())
            };
            match app.db.read_by_keys(&tenant, read).await {
                Ok(rows) => ids.iter().map(|id| Ok(rows.get(id).cloned())).collect(),
                Err(error) => ids.iter().map(|_| Err(error.again())).collect(),
            }
        })
    }
}

/// For other contexts, which have authorised: the balances with these ids, empty ones too.
pub async fn balance_rows(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<BalanceRow>> {
    store::balances::by_ids(connection, tenant, ids).await
}

/// For other contexts, which have authorised: all that lies in these places.
pub async fn stock_at(connection: &mut PgConnection, tenant: &TenantId, locations: &[LocationId]) -> Result<Vec<BalanceRow>> {
    let locations = Some(locations.iter().map(|id| id.0).collect());
    store::balances::select(connection, tenant, &BalanceQuery { locations, ..BalanceQuery::default() }, None, None).await
}

/// For other contexts, which have authorised: all stock of these items, wherever it lies.
pub async fn stock_of(connection: &mut PgConnection, tenant: &TenantId, items: &[ItemId]) -> Result<Vec<BalanceRow>> {
    let items = Some(items.iter().map(|id| id.0).collect());
    store::balances::select(connection, tenant, &BalanceQuery { items, ..BalanceQuery::default() }, None, None).await
}

/// For other contexts, which have authorised: all that lies in the facility, in one query.
pub async fn stock_in_facility(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
) -> Result<Vec<BalanceRow>> {
    let query = BalanceQuery { facility: Some(facility.0), ..BalanceQuery::default() };
    store::balances::select(connection, tenant, &query, None, None).await
}

/// What a virtual place gained less what it gave of an item, summed from the movements; negative for the supplier.
pub async fn balance_of_virtual(
    connection: &mut PgConnection,
    actor: &Actor,
    kind: LocationKind,
    item: ItemId,
) -> Result<Quantity> {
    actor.require(STOCK_READ)?;
    let place = kind.virtual_id().ok_or_else(|| Error::field("kind", "must be a virtual place"))?;
    Ok(Quantity::from_db(store::movements::net(connection, actor.tenant(), place, item).await?))
}

/// One page of the ledger, newest first.
pub async fn movements(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &MovementFilter,
    page: &PageRequest,
) -> Result<Page<Labelled<MovementRow>>> {
    actor.require(STOCK_READ)?;
    let before: Option<i64> = cursor(page)?;
    let (lot, lot_number) = lot_of(&filter.lot);
    let query = MovementQuery {
        id: None,
        item: item_of(connection, actor, &filter.item).await?,
        location: location_of(connection, actor, &filter.location).await?,
        lot,
        lot_number,
        kind: filter.kind,
        reference: given(&filter.reference).map(str::to_owned),
        from: filter.from,
        to: filter.to,
    };
    let rows = store::movements::select(connection, actor.tenant(), &query, before, page).await?;
    let page = Page::cut(rows, page, |row| row.seq);
    label_page(connection, actor.tenant(), page, |row| row.item_id).await
}

pub async fn movement(connection: &mut PgConnection, actor: &Actor, id: MovementId) -> Result<Labelled<MovementRow>> {
    actor.require(STOCK_READ)?;
    let query = MovementQuery { id: Some(id.0), ..MovementQuery::default() };
    let row = store::movements::select(connection, actor.tenant(), &query, None, &PageRequest::default()).await?.pop();
    let row = row.ok_or_else(|| Error::not_found(format_args!("movement {id}")))?;
    label_one(connection, actor.tenant(), row, |row| row.item_id).await
}

/// One page of lots, the soonest to expire first.
pub async fn lots(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &LotFilter,
    page: &PageRequest,
) -> Result<Page<Labelled<LotStock>>> {
    actor.require(STOCK_READ)?;
    let after: Option<(NaiveDate, Uuid)> = cursor(page)?;
    let today = actor.env.now().date_naive();
    let days = filter.expires_within_days.map(|days| TimeDelta::days(i64::from(days.min(MAX_EXPIRY_DAYS))));
    let query = LotQuery {
        item: item_of(connection, actor, &filter.item).await?,
        number_prefix: given(&filter.number).map(str::to_owned),
        quality: filter.quality,
        expires_until: days.map(|days| today + days),
        in_stock: filter.in_stock,
    };
    let rows = store::lots::list(connection, actor.tenant(), &query, after, page).await?;
    let rows = rows.into_iter().map(|(lot, on_hand)| LotStock { lot, on_hand }).collect();
    let page = Page::cut(rows, page, |row: &LotStock| (row.lot.expires_on.unwrap_or(NEVER), row.lot.lot_id));
    label_page(connection, actor.tenant(), page, |row| row.lot.item_id).await
}

pub(crate) async fn item_of(connection: &mut PgConnection, actor: &Actor, reference: &Option<String>) -> Result<Option<Uuid>> {
    let Some(reference) = given(reference) else { return Ok(None) };
    let found = catalog::service::resolve(connection, actor.tenant(), &[reference.to_owned()]).await?;
    let item = found.get(reference).ok_or_else(|| Error::not_found(format_args!("item {reference:?}")))?;
    Ok(Some(item.item_id.0))
}

pub(crate) async fn location_of(
    connection: &mut PgConnection,
    actor: &Actor,
    reference: &Option<String>,
) -> Result<Option<Uuid>> {
    let Some(reference) = given(reference) else { return Ok(None) };
    Ok(Some(place(connection, actor.tenant(), reference).await?.id.0))
}

pub(crate) async fn facility_of(
    connection: &mut PgConnection,
    actor: &Actor,
    reference: &Option<String>,
) -> Result<Option<Uuid>> {
    let Some(reference) = given(reference) else { return Ok(None) };
    let id = Uuid::parse_str(reference).ok();
    let found = store::places::facility(connection, actor.tenant(), id, reference).await?;
    let unknown = || Error::new(ErrorCode::NotFound, format!("facility {reference:?} does not exist or has no locations"));
    Ok(Some(found.ok_or_else(unknown)?.0))
}

/// A lot is named by its id, else by its number, which several items may share.
pub(crate) fn lot_of(reference: &Option<String>) -> (Option<Uuid>, Option<String>) {
    match given(reference) {
        None => (None, None),
        Some(text) => match Uuid::parse_str(text) {
            Ok(id) => (Some(id), None),
            Err(_) => (None, Some(text.to_owned())),
        },
    }
}

pub(crate) async fn labels(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: impl Iterator<Item = ItemId>,
) -> Result<HashMap<ItemId, ItemLabel>> {
    let ids: Vec<ItemId> = ids.collect::<BTreeSet<_>>().into_iter().collect();
    catalog::service::labels_by_ids(connection, tenant, &ids).await
}

pub(crate) async fn label_page<T>(
    connection: &mut PgConnection,
    tenant: &TenantId,
    page: Page<T>,
    item: fn(&T) -> ItemId,
) -> Result<Page<Labelled<T>>> {
    let labels = labels(connection, tenant, page.items.iter().map(item)).await?;
    Ok(page.map(|row| Labelled { item: labels.get(&item(&row)).cloned().unwrap_or_default(), row }))
}

pub(crate) async fn label_one<T>(
    connection: &mut PgConnection,
    tenant: &TenantId,
    row: T,
    item: fn(&T) -> ItemId,
) -> Result<Labelled<T>> {
    let mut labels = labels(connection, tenant, std::iter::once(item(&row))).await?;
    Ok(Labelled { item: labels.remove(&item(&row)).unwrap_or_default(), row })
}
