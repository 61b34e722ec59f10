use std::collections::{BTreeSet, HashMap};

use kernel::{FacilityId, ItemId, Page, PageRequest, ReservationId, TenantId};
use platform::auth::Actor;
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::ItemLabel;
use crate::reservation::model::{Allocation, Reservation, ReservationState, ReservationView};
use crate::reservation::promise::{self, Availability, Incoming};
use crate::reservation::store::{self, ReservationQuery};
use crate::service::{STOCK_READ, cursor, facility_of, item_of};

/// Which reservations; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct ReservationFilter {
    /// Id or code.
    pub item: Option<String>,
    pub state: Option<ReservationState>,
    /// Exactly as given.
    pub reference: Option<String>,
    /// Id or code: made for it, or binding goods there.
    pub facility: Option<String>,
    /// Only those of which something is open, or nothing.
    pub open: Option<bool>,
}

/// One page, the newest first. What is overdue shows as EXPIRED.
pub async fn reservations(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &ReservationFilter,
    page: &PageRequest,
) -> Result<Page<ReservationView>> {
    actor.require(STOCK_READ)?;
    let before: Option<Uuid> = cursor(page)?;
    let reference = filter.reference.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if reference.is_some_and(|text| text.contains('\0')) {
        return Err(Error::field("reference", "must not contain control characters"));
    }
    let query = ReservationQuery {
        item: item_of(connection, actor, &filter.item).await?,
        facility: facility_of(connection, actor, &filter.facility).await?,
        state: filter.state.map(ReservationState::as_str),
        reference: reference.map(str::to_owned),
        open: filter.open,
    };
    let rows = store::list(connection, actor.tenant(), &query, actor.env.now(), before, page).await?;
    let page = Page::cut(rows, page, |row| row.reservation_id);
    let items = views(connection, actor, page.items).await?;
    Ok(Page { items, next_cursor: page.next_cursor })
}

pub async fn reservation(connection: &mut PgConnection, actor: &Actor, id: ReservationId) -> Result<ReservationView> {
    actor.require(STOCK_READ)?;
    let found = store::find(connection, actor.tenant(), id).await?;
    view(connection, actor, found.ok_or_else(|| Error::not_found(format_args!("reservation {id}")))?).await
}

pub(super) async fn view(connection: &mut PgConnection, actor: &Actor, reservation: Reservation) -> Result<ReservationView> {
    let found = views(connection, actor, vec![reservation]).await?.pop();
    Ok(found.expect("one reservation has one view"))
}

async fn views(connection: &mut PgConnection, actor: &Actor, rows: Vec<Reservation>) -> Result<Vec<ReservationView>> {
    let (tenant, now) = (actor.tenant(), actor.env.now());
    let rows: Vec<Reservation> = rows.into_iter().map(|row| row.as_of(now)).collect();
    let bound: Vec<Uuid> = rows.iter().filter(|row| !row.allocated().is_zero()).map(|row| row.reservation_id.0).collect();
    let mut allocations: HashMap<ReservationId, Vec<Allocation>> = HashMap::new();
    if !bound.is_empty() {
        for one in store::allocations(connection, tenant, &bound).await? {
            allocations.entry(one.reservation_id).or_default().push(one);
        }
    }
    let ids: Vec<ItemId> = rows.iter().map(|row| row.item_id).collect::<BTreeSet<_>>().into_iter().collect();
    let labels = labels(connection, tenant, &ids).await?;
    let facilities: Vec<Uuid> =
        rows.iter().filter_map(|row| row.facility_id).map(|id| id.0).collect::<BTreeSet<_>>().into_iter().collect();
    let codes: HashMap<FacilityId, String> = store::facility_codes(connection, tenant, &facilities).await?.into_iter().collect();
    let view = |row: Reservation| ReservationView {
        item: labels.get(&row.item_id).cloned().unwrap_or_default(),
        facility_code: row.facility_id.and_then(|id| codes.get(&id).cloned()),
        allocations: allocations.remove(&row.reservation_id).unwrap_or_default(),
        reservation: row,
    };
    Ok(rows.into_iter().map(view).collect())
}

async fn labels(connection: &mut PgConnection, tenant: &TenantId, ids: &[ItemId]) -> Result<HashMap<ItemId, ItemLabel>> {
    let items = catalog::service::items_by_ids(connection, tenant, ids).await?;
    let label = |item: catalog::Item| ItemLabel { code: item.code, name: item.name, base_unit: item.base_unit };
    Ok(items.into_iter().map(|(id, item)| (id, label(item))).collect())
}

/// What there is of an item and what may be promised of it. `incoming` is what is on its way to the facility, or to all of them.
pub async fn availability(
    connection: &mut PgConnection,
    actor: &Actor,
    item: &catalog::Item,
    facility: Option<(FacilityId, String)>,
    incoming: &[Incoming],
) -> Result<Availability> {
    actor.require(STOCK_READ)?;
    let now = actor.env.now();
    let supply = store::supply(connection, actor.tenant(), item.item_id, facility.as_ref().map(|(id, _)| *id), now).await?;
    let (promise_now, timeline) = promise::timeline(now.date_naive(), supply.available, incoming, &supply.commitments);
    let label = ItemLabel { code: item.code.clone(), name: item.name.clone(), base_unit: item.base_unit.clone() };
    Ok(Availability { item_id: item.item_id, item: label, facility, as_of: now, supply, promise_now, timeline })
}
