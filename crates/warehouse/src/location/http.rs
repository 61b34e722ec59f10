use axum::extract::State;
use axum::http::StatusCode;
use catalog::{AbcClass, SecurityZone};
use chrono::{DateTime, Utc};
use platform::auth::Actor;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::load::Load;
use super::model::{Block, Location, LocationFilter, LocationPatch, NewLocation};
use super::service;
use crate::measure::degrees;
use crate::words::{ErgonomicZone, LocationType, MixingPolicy};
use crate::{LOCATIONS_WRITE, WAREHOUSE_READ};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_locations))
        .route(Access::Needs(LOCATIONS_WRITE), routes!(create_location))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_location))
        .route(Access::Needs(LOCATIONS_WRITE), routes!(edit_location))
        .route(Access::Needs(LOCATIONS_WRITE), routes!(block_location))
        .route(Access::Needs(LOCATIONS_WRITE), routes!(unblock_location))
}

/// A place inside a facility.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Location)]
pub(crate) struct LocationDto {
    location_id: Uuid,
    facility_id: Uuid,
    facility_code: String,
    code: String,
    /// `FACILITY/CODE`, by which every API finds it.
    reference: String,
    r#type: LocationType,
    zone: String,
    aisle: String,
    rack: String,
    shelf: String,
    position: String,
    /// Inner dimensions.
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
    #[schema(value_type = Option<String>)]
    temperature_min: Option<Decimal>,
    #[schema(value_type = Option<String>)]
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

impl From<Location> for LocationDto {
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
            r#type: fields.kind,
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
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LocationLoad)]
struct LoadDto {
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

/// A location with what it holds now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LocationWithLoad)]
struct LocationWithLoadDto {
    #[serde(flatten)]
    location: LocationDto,
    load: LoadDto,
}

impl From<(Location, Load)> for LocationWithLoadDto {
    fn from((location, load): (Location, Load)) -> Self {
        let shown = LoadDto {
            used_volume_cm3: load.stock_volume_mm3 / 1_000,
            used_weight_g: load.stock_weight_g,
            held_volume_cm3: load.held_volume_mm3 / 1_000,
            held_weight_g: load.held_weight_g,
            fill_percent: load.fill_percent(location.fields.volume_cm3),
            open_recommendations: load.open_recommendations,
            items: load.items,
            is_unmeasured: load.is_unmeasured,
        };
        Self { location: location.into(), load: shown }
    }
}

/// Locations by code.
#[utoipa::path(get, path = "/api/v1/locations", tag = "locations", params(LocationFilter, Paging),
    responses((status = 200, body = PageDto<LocationDto>), (status = 400, body = Problem), (status = 422, body = Problem)))]
async fn list_locations(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<LocationFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<LocationDto>>> {
    let page = paging.into();
    let found = app.db.read(actor.tenant(), async |connection| service::list(connection, &actor, &filter, &page).await).await?;
    Ok(axum::Json(found.into()))
}

/// Makes a location, which the stock ledger knows from then on.
#[utoipa::path(post, path = "/api/v1/locations", tag = "locations", request_body = NewLocation,
    responses((status = 201, body = LocationDto), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create_location(State(app): State<App>, command: Command<NewLocation>) -> Result<(StatusCode, axum::Json<LocationDto>)> {
    let made =
        command.run(&app, async |tx| service::create(tx, &command.actor, &command.input).await.map(LocationDto::from)).await?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// One location and how full it is.
#[utoipa::path(get, path = "/api/v1/locations/{location}", tag = "locations",
    params(("location", description = "id, `FACILITY%2FCODE`, or the code when only one facility has it")),
    responses((status = 200, body = LocationWithLoadDto), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn get_location(
    State(app): State<App>,
    actor: Actor,
    Path(location): Path<String>,
) -> Result<axum::Json<LocationWithLoadDto>> {
    let found = app
        .db
        .read(actor.tenant(), async |connection| {
            let location = service::get(connection, &actor, &location).await?;
            let load = service::loads_of(connection, &actor, &[location.location_id]).await?.remove(&location.location_id);
            Ok((location, load.unwrap_or_default()))
        })
        .await?;
    Ok(axum::Json(found.into()))
}

/// Changes a location; absent members stay as they are, `null` clears.
#[utoipa::path(patch, path = "/api/v1/locations/{location}", tag = "locations",
    params(("location", description = "id or `FACILITY%2FCODE`")), request_body = LocationPatch,
    responses((status = 200, body = LocationDto), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
async fn edit_location(
    State(app): State<App>,
    Path(location): Path<String>,
    command: Command<LocationPatch>,
) -> Result<axum::Json<LocationDto>> {
    let edited = command
        .run(&app, async |tx| service::edit(tx, &command.actor, &location, &command.input).await.map(LocationDto::from))
        .await?;
    Ok(axum::Json(edited))
}

/// Lets nothing be put there for the time being.
#[utoipa::path(post, path = "/api/v1/locations/{location}/block", tag = "locations",
    params(("location", description = "id or `FACILITY%2FCODE`")), request_body = Block,
    responses((status = 200, body = LocationDto), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn block_location(
    State(app): State<App>,
    Path(location): Path<String>,
    command: Command<Block>,
) -> Result<axum::Json<LocationDto>> {
    let blocked = command
        .run(&app, async |tx| service::block(tx, &command.actor, &location, &command.input).await.map(LocationDto::from))
        .await?;
    Ok(axum::Json(blocked))
}

/// Nothing is needed in the body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Opens a blocked location again.
#[utoipa::path(post, path = "/api/v1/locations/{location}/unblock", tag = "locations",
    params(("location", description = "id or `FACILITY%2FCODE`")),
    responses((status = 200, body = LocationDto), (status = 404, body = Problem)))]
async fn unblock_location(
    State(app): State<App>,
    Path(location): Path<String>,
    command: Command<Nothing>,
) -> Result<axum::Json<LocationDto>> {
    let unblocked =
        command.run(&app, async |tx| service::unblock(tx, &command.actor, &location).await.map(LocationDto::from)).await?;
    Ok(axum::Json(unblocked))
}
