use axum::extract::State;
use chrono::{DateTime, Utc};
use platform::auth::Actor;
use platform::http::{Access, Api, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::dto::{AgeingDto, AgeingTotalDto, BalanceAsOfDto, FefoDto, SeriesDto, StockAsOfDto, TurnoverDto};
use super::model::Axis;
use super::service::{self, AsOfFilter, Period};
use crate::model::QualityStatus;
use crate::service::STOCK_READ;

pub fn api() -> Api {
    Api::new()
        .route(Access::Needs(STOCK_READ), routes!(stock_as_of))
        .route(Access::Needs(STOCK_READ), routes!(balances_as_of))
        .route(Access::Needs(STOCK_READ), routes!(stock_over_time))
        .route(Access::Needs(STOCK_READ), routes!(stock_ageing))
        .route(Access::Needs(STOCK_READ), routes!(stock_ageing_total))
        .route(Access::Needs(STOCK_READ), routes!(stock_turnover))
        .route(Access::Needs(STOCK_READ), routes!(fefo))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct StockAsOfParams {
    /// The moment, RFC 3339; now when absent.
    at: Option<DateTime<Utc>>,
    /// Which clock decides: effective_at (what was really there, the default) or recorded_at (what the books said then).
    #[serde(default)]
    #[param(inline)]
    by: Axis,
    /// Id or code.
    item: Option<String>,
    /// Id or code.
    facility: Option<String>,
}

/// Stock of each item as of any moment
///
/// Ordered by item. A page may hold fewer than asked for, or nothing, and still name the next one.
#[utoipa::path(get, path = "/api/v1/inventory/stock-as-of", tag = "inventory", params(StockAsOfParams, Paging), responses(
    (status = 200, body = PageDto<StockAsOfDto>),
    (status = 404, description = "The item or facility to narrow by does not exist", body = Problem),
))]
async fn stock_as_of(
    State(app): State<App>,
    actor: Actor,
    Query(params): Query<StockAsOfParams>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<StockAsOfDto>>> {
    let StockAsOfParams { at, by, item, facility } = params;
    let filter = AsOfFilter { at, by, item, facility, ..AsOfFilter::default() };
    let page = paging.into();
    let read = async |connection: &mut _| service::stock_as_of(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct BalancesAsOfParams {
    /// The moment, RFC 3339; now when absent.
    at: Option<DateTime<Utc>>,
    /// Which clock decides: effective_at (what was really there, the default) or recorded_at (what the books said then).
    #[serde(default)]
    #[param(inline)]
    by: Axis,
    /// Id or code.
    item: Option<String>,
    /// Id or code.
    facility: Option<String>,
    /// Id, `FACILITY/CODE` or an unambiguous code.
    location: Option<String>,
    /// Id or number.
    lot: Option<String>,
    #[param(inline)]
    quality_status: Option<QualityStatus>,
}

/// What was where as of any moment
///
/// Per item, place, lot and quality status; the rows of one item stand together. A page may hold fewer than asked for and still
/// name the next one.
#[utoipa::path(get, path = "/api/v1/inventory/balances-as-of", tag = "inventory", params(BalancesAsOfParams, Paging), responses(
    (status = 200, body = PageDto<BalanceAsOfDto>),
    (status = 404, description = "The item, location or facility to narrow by does not exist", body = Problem),
))]
async fn balances_as_of(
    State(app): State<App>,
    actor: Actor,
    Query(params): Query<BalancesAsOfParams>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<BalanceAsOfDto>>> {
    let BalancesAsOfParams { at, by, item, facility, location, lot, quality_status } = params;
    let filter = AsOfFilter { at, by, item, facility, location, lot, quality: quality_status };
    let page = paging.into();
    let read = async |connection: &mut _| service::balances_as_of(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SeriesParams {
    /// Beginning; 90 days before the end when absent.
    from: Option<DateTime<Utc>>,
    /// End; now when absent.
    to: Option<DateTime<Utc>>,
    /// Which clock decides: effective_at or recorded_at.
    #[serde(default)]
    #[param(inline)]
    by: Axis,
    /// Moments of equal distance, 2 to 400; 60 when absent.
    points: Option<u32>,
}

/// An item's stock over time
#[utoipa::path(get, path = "/api/v1/inventory/items/{item}/stock-over-time", tag = "inventory",
    params(("item" = String, Path, description = "Id or code"), SeriesParams), responses(
        (status = 200, body = SeriesDto),
        (status = 404, body = Problem),
        (status = 422, body = Problem),
    ))]
async fn stock_over_time(
    State(app): State<App>,
    actor: Actor,
    Path(item): Path<String>,
    Query(params): Query<SeriesParams>,
) -> Result<axum::Json<SeriesDto>> {
    let SeriesParams { from, to, by, points } = params;
    let period = Period { from, to };
    let read = async |connection: &mut _| service::stock_over_time(connection, &actor, (&item, by), period, points).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AgeingParams {
    /// Id or code.
    item: Option<String>,
}

/// How long present stock has lain, per item
///
/// By FIFO: what is there is what came in last. Ordered by item.
#[utoipa::path(get, path = "/api/v1/inventory/stock-ageing", tag = "inventory", params(AgeingParams, Paging), responses(
    (status = 200, body = PageDto<AgeingDto>),
    (status = 404, description = "The item to narrow by does not exist", body = Problem),
))]
async fn stock_ageing(
    State(app): State<App>,
    actor: Actor,
    Query(params): Query<AgeingParams>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<AgeingDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::ageing(connection, &actor, &params.item, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// How long present stock has lain, all items together
#[utoipa::path(get, path = "/api/v1/inventory/stock-ageing/total", tag = "inventory", responses(
    (status = 200, body = AgeingTotalDto),
))]
async fn stock_ageing_total(State(app): State<App>, actor: Actor) -> Result<axum::Json<AgeingTotalDto>> {
    let read = async |connection: &mut _| service::ageing_in_all(connection, &actor).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TurnoverParams {
    /// Beginning; 90 days before the end when absent.
    from: Option<DateTime<Utc>>,
    /// End; now when absent.
    to: Option<DateTime<Utc>>,
}

/// How fast an item turns over
///
/// Issues of the period over the mean stock, and how many days the closing stock lasts at that rate.
#[utoipa::path(get, path = "/api/v1/inventory/items/{item}/turnover", tag = "inventory",
    params(("item" = String, Path, description = "Id or code"), TurnoverParams), responses(
        (status = 200, body = TurnoverDto),
        (status = 404, body = Problem),
        (status = 422, body = Problem),
    ))]
async fn stock_turnover(
    State(app): State<App>,
    actor: Actor,
    Path(item): Path<String>,
    Query(TurnoverParams { from, to }): Query<TurnoverParams>,
) -> Result<axum::Json<TurnoverDto>> {
    let read = async |connection: &mut _| service::turnover(connection, &actor, &item, Period { from, to }).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// An item's stock in the order of use
///
/// First expired, first out: by best-before day, then by receipt. What is expired, not released or all reserved stands last and
/// is not offered.
#[utoipa::path(get, path = "/api/v1/inventory/items/{item}/fefo", tag = "inventory",
    params(("item" = String, Path, description = "Id or code"), Paging), responses(
        (status = 200, body = PageDto<FefoDto>),
        (status = 404, body = Problem),
    ))]
async fn fefo(
    State(app): State<App>,
    actor: Actor,
    Path(item): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<FefoDto>>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::fefo(connection, &actor, &item, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}
