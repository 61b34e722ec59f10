use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{ComplexObject, Context, InputObject, Object, Result, SimpleObject};
use catalog::{AbcClass, SecurityZone};
use chrono::{DateTime, Utc};
use inventory::BalanceDto;
use kernel::{FacilityId, LocationId, PageRequest, TenantId};
use platform::graphql::{caller, key_of};
use platform::http::mutate;
use platform::{App, Error};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::load::Load;
use super::model::{Block, Location, LocationFilter, NewLocation};
use super::service;
use crate::facility::{FacilityLoader, FacilityObject};
use crate::measure::degrees;
use crate::own;
use crate::words::{ErgonomicZone, LocationType, MixingPolicy};

/// A place inside a facility.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "Location", complex)]
pub(crate) struct LocationObject {
    location_id: Uuid,
    facility_id: Uuid,
    facility_code: String,
    code: String,
    /// `FACILITY/CODE`.
    reference: String,
    #[graphql(name = "type")]
    kind: LocationType,
    zone: String,
    aisle: String,
    rack: String,
    shelf: String,
    position: String,
    length_mm: Option<i32>,
    width_mm: Option<i32>,
    height_mm: Option<i32>,
    volume_cm3: i64,
    max_weight_g: i64,
    abc_class: AbcClass,
    pick_sequence: Option<i32>,
    x_mm: Option<i32>,
    y_mm: Option<i32>,
    z_mm: Option<i32>,
    security_zone: SecurityZone,
    /// Degrees Celsius.
    temperature_min: Option<Decimal>,
    temperature_max: Option<Decimal>,
    ergonomic_zone: ErgonomicZone,
    mixing_policy: MixingPolicy,
    is_active: bool,
    is_available: bool,
    blocked_reason: String,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Location> for LocationObject {
    fn from(location: Location) -> Self {
        let reference = location.reference();
        let fields = location.fields;
        let [x_mm, y_mm, z_mm] = fields.position_mm;
        Self {
            location_id: location.location_id.0,
            facility_id: location.facility_id.0,
            facility_code: location.facility_code,
            code: fields.code,
            reference,
            kind: fields.kind,
            zone: fields.zone,
            aisle: fields.aisle,
            rack: fields.rack,
            shelf: fields.shelf,
            position: fields.position,
            length_mm: fields.dimensions_mm.map(|sides| sides[0]),
            width_mm: fields.dimensions_mm.map(|sides| sides[1]),
            height_mm: fields.dimensions_mm.map(|sides| sides[2]),
            volume_cm3: fields.volume_cm3,
            max_weight_g: fields.max_weight_g,
            abc_class: fields.abc_class,
            pick_sequence: fields.pick_sequence,
            x_mm,
            y_mm,
            z_mm,
            security_zone: fields.security_zone,
            temperature_min: fields.temperature_dc.map(|(min, _)| degrees(min)),
            temperature_max: fields.temperature_dc.map(|(_, max)| degrees(max)),
            ergonomic_zone: fields.ergonomic_zone,
            mixing_policy: fields.mixing_policy,
            is_active: location.is_active,
            is_available: location.is_available,
            blocked_reason: location.blocked_reason,
            version: location.version,
            created_at: location.created_at,
            updated_at: location.updated_at,
        }
    }
}

/// What a location holds now, computed from the ledger.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "LocationLoad")]
struct LoadObject {
    used_volume_cm3: i64,
    used_weight_g: i64,
    /// Kept free for open putaway recommendations.
    held_volume_cm3: i64,
    held_weight_g: i64,
    /// Stock in percent of the volume.
    fill_percent: f64,
    open_recommendations: u32,
    /// Different items in stock there.
    items: u32,
    /// Some item there lacks its size or weight, so that the figures are too low.
    is_unmeasured: bool,
}

#[ComplexObject]
impl LocationObject {
    async fn facility(&self, context: &Context<'_>) -> Result<Option<FacilityObject>> {
        let loader = context.data::<DataLoader<FacilityLoader>>()?;
        Ok(loader.load_one(FacilityId(self.facility_id)).await.map_err(own)?.map(FacilityObject::from))
    }

    /// What lies there, by item, lot and quality status.
    async fn balances(&self, context: &Context<'_>) -> Result<Vec<BalanceDto>> {
        inventory::balances_at(context, LocationId(self.location_id)).await
    }

    async fn load(&self, context: &Context<'_>) -> Result<LoadObject> {
        let loader = context.data::<DataLoader<LocationLoader>>()?;
        let HeldNow(load) = loader.load_one(LoadKey(LocationId(self.location_id))).await.map_err(own)?.unwrap_or_default();
        Ok(LoadObject {
            used_volume_cm3: load.stock_volume_mm3 / 1_000,
            used_weight_g: load.stock_weight_g,
            held_volume_cm3: load.held_volume_mm3 / 1_000,
            held_weight_g: load.held_weight_g,
            fill_percent: load.fill_percent(self.volume_cm3),
            open_recommendations: load.open_recommendations,
            items: load.items,
            is_unmeasured: load.is_unmeasured,
        })
    }
}

#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct LocationPage {
    items: Vec<LocationObject>,
    next_cursor: Option<String>,
}

/// Loads the locations, and what they hold, that one request names together.
pub(crate) struct LocationLoader {
    pub app: App,
    pub actor: platform::auth::Actor,
}

impl LocationLoader {
    fn tenant(&self) -> &TenantId {
        self.actor.tenant()
    }
}

impl Loader<LocationId> for LocationLoader {
    type Value = Location;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[LocationId]) -> Result<HashMap<LocationId, Location>, Arc<Error>> {
        let tenant = self.tenant();
        self.app.db.read(tenant, async |connection| service::by_ids(connection, tenant, keys).await).await.map_err(Arc::new)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct LoadKey(LocationId);

#[derive(Clone, Default)]
struct HeldNow(Load);

impl Loader<LoadKey> for LocationLoader {
    type Value = HeldNow;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[LoadKey]) -> Result<HashMap<LoadKey, HeldNow>, Arc<Error>> {
        let ids: Vec<LocationId> = keys.iter().map(|key| key.0).collect();
        let loads =
            self.app.db.read(self.tenant(), async |connection| service::loads_of(connection, &self.actor, &ids).await).await;
        Ok(loads.map_err(Arc::new)?.into_iter().map(|(id, load)| (LoadKey(id), HeldNow(load))).collect())
    }
}

/// What to look for; absent fields do not narrow.
#[derive(Debug, Default, InputObject)]
pub(crate) struct LocationFilterInput {
    /// Id or code.
    facility: Option<String>,
    #[graphql(name = "type")]
    kind: Option<LocationType>,
    zone: Option<String>,
    aisle: Option<String>,
    /// Beginning of the code.
    q: Option<String>,
    class: Option<AbcClass>,
    active: Option<bool>,
    available: Option<bool>,
    /// Percent of the volume; needs `facility`.
    fill_min: Option<f64>,
    fill_max: Option<f64>,
}

impl From<LocationFilterInput> for LocationFilter {
    fn from(input: LocationFilterInput) -> Self {
        let LocationFilterInput { facility, kind, zone, aisle, q, class, active, available, fill_min, fill_max } = input;
        Self { facility, kind, zone, aisle, q, class, active, available, fill_min, fill_max }
    }
}

#[derive(Default)]
pub struct LocationQuery;

#[Object]
impl LocationQuery {
    /// Locations by code.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn locations(
        &self,
        context: &Context<'_>,
        filter: Option<LocationFilterInput>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<LocationPage> {
        let (app, actor) = caller(context)?;
        let page = PageRequest { limit: first, cursor: after.map(kernel::Cursor) };
        let filter = filter.unwrap_or_default().into();
        let found =
            app.db.read(actor.tenant(), async |connection| service::list(connection, actor, &filter, &page).await).await?;
        let found = found.map(LocationObject::from);
        Ok(LocationPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// One location by id, by `FACILITY/CODE`, or by the code when only one facility has it.
    async fn location(&self, context: &Context<'_>, location: String) -> Result<LocationObject> {
        let (app, actor) = caller(context)?;
        let found = app.db.read(actor.tenant(), async |connection| service::get(connection, actor, &location).await).await?;
        Ok(found.into())
    }
}

#[derive(Default)]
pub struct LocationMutation;

#[Object]
impl LocationMutation {
    async fn create_location(&self, context: &Context<'_>, input: NewLocation) -> Result<LocationObject> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &input);
        let made = mutate(app, actor, key.as_ref(), async |tx| service::create(tx, actor, &input).await).await?;
        Ok(made.into())
    }

    /// Lets nothing be put there for the time being.
    async fn block_location(&self, context: &Context<'_>, location: String, reason: String) -> Result<LocationObject> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&location, &reason));
        let input = Block { reason };
        let blocked = mutate(app, actor, key.as_ref(), async |tx| service::block(tx, actor, &location, &input).await).await?;
        Ok(blocked.into())
    }

    async fn unblock_location(&self, context: &Context<'_>, location: String) -> Result<LocationObject> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &location);
        let unblocked = mutate(app, actor, key.as_ref(), async |tx| service::unblock(tx, actor, &location).await).await?;
        Ok(unblocked.into())
    }
}
