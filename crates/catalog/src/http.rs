use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use kernel::Quantity;
use platform::auth::Actor;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Error, Result};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa_axum::routes;
use uuid::Uuid;

use crate::guard::Guard;
use crate::model::{AbcClass, Item, ItemBarcode, ItemChanges, ItemFilter, ItemUnit, Measure, SecurityZone, Size};
use crate::service::{self, ITEMS_READ, ITEMS_WRITE};

pub fn api() -> Api {
    Api::new()
        .route(Access::Needs(ITEMS_READ), routes!(list_items))
        .route(Access::Needs(ITEMS_WRITE), routes!(create_item))
        .route(Access::Needs(ITEMS_READ), routes!(lookup_item))
        .route(Access::Needs(ITEMS_READ), routes!(get_item))
        .route(Access::Needs(ITEMS_WRITE), routes!(update_item))
}

/// An item as the API shows it. Sizes have the shape in which they may be sent, always in mm, g and cm³.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ItemDto {
    pub item_id: Uuid,
    pub code: String,
    pub name: String,
    pub description: String,
    pub category: String,
    /// Stock is counted in it.
    pub base_unit: String,
    /// Outer size of one base unit, in mm.
    pub dimensions: Option<Size>,
    /// Weight of one base unit, in g.
    pub weight: Option<Measure>,
    /// Volume of one base unit in cm³, as given where the dimensions are not known.
    pub volume: Option<Measure>,
    /// Volume of one base unit in mm³, from the dimensions or the volume; null when neither is known.
    pub unit_volume_mm3: Option<i64>,
    pub abc_class: AbcClass,
    #[schema(value_type = String, example = "12.5")]
    pub picks_per_day: Decimal,
    /// What one base unit is worth, without a currency; null where nobody said.
    #[schema(value_type = Option<String>, example = "4.9")]
    pub unit_value: Option<Decimal>,
    pub shelf_life_days: Option<i32>,
    pub lot_tracked: bool,
    /// Each piece has a number of its own.
    pub serial_tracked: bool,
    /// Coldest storage, degrees Celsius.
    #[schema(value_type = Option<String>, example = "2")]
    pub temperature_min_c: Option<Decimal>,
    /// Warmest storage, degrees Celsius.
    #[schema(value_type = Option<String>, example = "8")]
    pub temperature_max_c: Option<Decimal>,
    pub hazard_class: Option<String>,
    pub security_zone: SecurityZone,
    pub max_stack: Option<i32>,
    pub is_active: bool,
    /// Send it back with a change.
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub units: Vec<ItemUnit>,
    pub barcodes: Vec<ItemBarcode>,
}

impl From<Item> for ItemDto {
    fn from(item: Item) -> Self {
        let whole = |base: i64| Quantity::from_db(Decimal::from(base));
        let celsius = |tenths: i32| Decimal::new(tenths.into(), 1).normalize();
        Self {
            unit_volume_mm3: item.unit_volume_mm3(),
            dimensions: item.dims_mm().map(|[length, width, height]| Size {
                length: whole(length),
                width: whole(width),
                height: whole(height),
                unit: "mm".into(),
            }),
            weight: item.weight_g.map(|grams| Measure { value: whole(grams), unit: "g".into() }),
            volume: item.volume_cm3.map(|volume| Measure { value: whole(volume), unit: "cm3".into() }),
            item_id: item.item_id.0,
            code: item.code,
            name: item.name,
            description: item.description,
            category: item.category,
            base_unit: item.base_unit,
            abc_class: item.abc_class,
            picks_per_day: item.picks_per_day,
            unit_value: item.unit_value,
            shelf_life_days: item.shelf_life_days,
            lot_tracked: item.lot_tracked,
            serial_tracked: item.serial_tracked,
            temperature_min_c: item.temperature_min_dc.map(celsius),
            temperature_max_c: item.temperature_max_dc.map(celsius),
            hazard_class: item.hazard_class,
            security_zone: item.security_zone,
            max_stack: item.max_stack,
            is_active: item.is_active,
            version: item.version,
            created_at: item.created_at,
            updated_at: item.updated_at,
            units: item.units,
            barcodes: item.barcodes,
        }
    }
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ItemQuery {
    /// The beginning of the code, a part of the name, or a whole barcode; upper or lower case.
    q: Option<String>,
    /// A, B or C.
    abc_class: Option<AbcClass>,
    category: Option<String>,
    /// `true` for active items only, `false` for the others only.
    is_active: Option<bool>,
    /// Rows at most, 1 to 500; 50 when absent.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List items, ordered by code
#[utoipa::path(
    get, path = "/api/v1/inventory/items", tag = "items", params(ItemQuery),
    responses((status = 200, body = PageDto<ItemDto>), (status = 400, body = Problem), (status = 422, body = Problem))
)]
async fn list_items(
    State(app): State<App>,
    actor: Actor,
    Query(query): Query<ItemQuery>,
) -> Result<axum::Json<PageDto<ItemDto>>> {
    let page = Paging { limit: query.limit, cursor: query.cursor }.into();
    let filter = ItemFilter { q: query.q, abc_class: query.abc_class, category: query.category, is_active: query.is_active };
    let page = app.db.read(actor.tenant(), async |connection| service::list(connection, &actor, &filter, &page).await).await?;
    Ok(axum::Json(page.into()))
}

/// Create an item
#[utoipa::path(
    post, path = "/api/v1/inventory/items", tag = "items", request_body = ItemChanges,
    responses(
        (status = 201, body = ItemDto),
        (status = 409, body = Problem, description = "the code or a barcode belongs to another item"),
        (status = 422, body = Problem, description = "every unacceptable field is named"),
    )
)]
async fn create_item(State(app): State<App>, command: Command<ItemChanges>) -> Result<(StatusCode, axum::Json<ItemDto>)> {
    let item = command.run(&app, async |tx| service::create(tx, &command.actor, &command.input).await).await?;
    Ok((StatusCode::CREATED, axum::Json(item.into())))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct LookupQuery {
    /// As scanned; a GTIN is found with any number of leading zeros.
    barcode: String,
}

/// Find the item that carries a barcode
#[utoipa::path(
    get, path = "/api/v1/inventory/items/lookup", tag = "items", params(LookupQuery),
    responses((status = 200, body = ItemDto), (status = 404, body = Problem))
)]
async fn lookup_item(State(app): State<App>, actor: Actor, Query(query): Query<LookupQuery>) -> Result<axum::Json<ItemDto>> {
    if query.barcode.trim().is_empty() || query.barcode.chars().count() > 80 || query.barcode.contains('\0') {
        return Err(Error::field("barcode", "must be 1 to 80 characters"));
    }
    let item = app.db.read(actor.tenant(), async |connection| service::lookup(connection, &actor, &query.barcode).await).await?;
    Ok(axum::Json(item.into()))
}

/// One item by id or code
#[utoipa::path(
    get, path = "/api/v1/inventory/items/{item}", tag = "items", params(("item" = String, Path, description = "id or code")),
    responses((status = 200, body = ItemDto), (status = 404, body = Problem))
)]
async fn get_item(State(app): State<App>, actor: Actor, Path(item): Path<String>) -> Result<axum::Json<ItemDto>> {
    let item = app.db.read(actor.tenant(), async |connection| service::get(connection, &actor, &item).await).await?;
    Ok(axum::Json(item.into()))
}

/// Change an item; `is_active: false` deactivates it
#[utoipa::path(
    patch, path = "/api/v1/inventory/items/{item}", tag = "items", request_body = ItemChanges,
    params(("item" = String, Path, description = "id or code")),
    responses(
        (status = 200, body = ItemDto),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "somebody changed it meanwhile, or the code or a barcode belongs to another item"),
        (status = 422, body = Problem, description = "every unacceptable field is named"),
    )
)]
async fn update_item(
    State(app): State<App>,
    Extension(guard): Extension<Guard>,
    Path(item): Path<String>,
    command: Command<ItemChanges>,
) -> Result<axum::Json<ItemDto>> {
    let item = command.run(&app, async |tx| service::update(tx, &command.actor, &*guard, &item, &command.input).await).await?;
    Ok(axum::Json(item.into()))
}
