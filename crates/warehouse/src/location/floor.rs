use catalog::AbcClass;
use kernel::LocationId;
use platform::Result;
use platform::auth::Actor;
use serde::Serialize;
use sqlx::PgConnection;

use super::load::{Load, Snapshot};
use super::model::Location;
use super::service;
use crate::facility::service as facilities;
use crate::words::LocationType;

/// One location as the floor map draws it.
#[derive(Clone, Debug, Serialize)]
pub struct FloorLocation {
    pub location_id: LocationId,
    pub code: String,
    #[serde(rename = "type")]
    pub kind: LocationType,
    pub zone: String,
    pub aisle: String,
    pub rack: String,
    pub shelf: String,
    pub position: String,
    pub x_mm: Option<i32>,
    pub y_mm: Option<i32>,
    pub z_mm: Option<i32>,
    pub abc_class: AbcClass,
    pub is_active: bool,
    pub is_available: bool,
    pub blocked_reason: String,
    pub volume_cm3: i64,
    pub max_weight_g: i64,
    pub used_volume_cm3: i64,
    pub used_weight_g: i64,
    pub held_volume_cm3: i64,
    pub held_weight_g: i64,
    /// Stock in percent of the volume, one decimal.
    pub fill_percent: f64,
    /// Stock in percent of the permitted weight, one decimal.
    pub weight_percent: f64,
    pub open_recommendations: u32,
    /// Different items in stock there.
    pub items: u32,
    /// Some item there lacks its size or weight, so that the figures are too low.
    pub is_unmeasured: bool,
}

/// All locations of a facility (id or code) with what they hold, by aisle, rack, shelf and position; four round trips.
pub async fn floor(connection: &mut PgConnection, actor: &Actor, facility: &str) -> Result<Vec<FloorLocation>> {
    actor.require(crate::WAREHOUSE_READ)?;
    let facility = facilities::find(connection, actor.tenant(), facility).await?;
    let mut locations = service::in_facility(connection, actor.tenant(), facility.facility_id).await?;
    locations.sort_unstable_by(|a, b| way(a).cmp(&way(b)));
    let snapshot = Snapshot::of_facility(connection, actor.tenant(), facility.facility_id, actor.env.now()).await?;
    let mut loads = snapshot.loads().into_map();
    let drawn = |location: Location| drawn(loads.remove(&location.location_id).unwrap_or_default(), location);
    Ok(locations.into_iter().map(drawn).collect())
}

/// The order in which one walks past.
fn way(location: &Location) -> [&str; 5] {
    let fields = &location.fields;
    [&fields.aisle, &fields.rack, &fields.shelf, &fields.position, &fields.code]
}

fn drawn(load: Load, location: Location) -> FloorLocation {
    let fields = location.fields;
    let [x_mm, y_mm, z_mm] = fields.position_mm;
    FloorLocation {
        location_id: location.location_id,
        kind: fields.kind,
        x_mm,
        y_mm,
        z_mm,
        abc_class: fields.abc_class,
        is_active: location.is_active,
        is_available: location.is_available,
        blocked_reason: location.blocked_reason,
        volume_cm3: fields.volume_cm3,
        max_weight_g: fields.max_weight_g,
        used_volume_cm3: load.stock_volume_mm3 / 1_000,
        used_weight_g: load.stock_weight_g,
        held_volume_cm3: load.held_volume_mm3 / 1_000,
        held_weight_g: load.held_weight_g,
        fill_percent: load.fill_percent(fields.volume_cm3),
        weight_percent: super::load::percent(load.stock_weight_g, fields.max_weight_g),
        open_recommendations: load.open_recommendations,
        items: load.items,
        is_unmeasured: load.is_unmeasured,
        code: fields.code,
        zone: fields.zone,
        aisle: fields.aisle,
        rack: fields.rack,
        shelf: fields.shelf,
        position: fields.position,
    }
}
