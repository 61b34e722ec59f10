use axum::extract::State;
use platform::auth::Actor;
use platform::http::{Access, Api, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::Deserialize;
use utoipa_axum::routes;

use super::dto::{BinUtilizationDto, CachePage, UtilizationSummaryDto};
use super::service;
use crate::WAREHOUSE_READ;

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(WAREHOUSE_READ), routes!(cached_bin_utilization))
        .route(Access::Needs(WAREHOUSE_READ), routes!(bin_utilization))
        .route(Access::Needs(WAREHOUSE_READ), routes!(warehouse_utilization))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OfFacility {
    /// Id or code of the facility.
    facility: String,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OfZone {
    /// Id or code of the facility.
    facility: String,
    zone: Option<String>,
}

/// Fill of a facility's locations from the cache that is renewed every ten minutes, by code.
#[utoipa::path(get, path = "/api/wms/optimization/bin-utilization-cache", tag = "utilization", params(OfFacility, Paging),
    responses((status = 200, body = CachePage), (status = 404, body = Problem)))]
async fn cached_bin_utilization(
    State(app): State<App>,
    actor: Actor,
    Query(of): Query<OfFacility>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<CachePage>> {
    let page = paging.into();
    let read = async |connection: &mut _| service::cached(connection, &actor, &of.facility, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Fill of one location now, with the space that open recommendations hold.
#[utoipa::path(get, path = "/api/wms/optimization/bin-utilization/{location}", tag = "utilization",
    params(("location", description = "id, or code when only one facility has it")),
    responses((status = 200, body = BinUtilizationDto), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn bin_utilization(
    State(app): State<App>,
    actor: Actor,
    Path(location): Path<String>,
) -> Result<axum::Json<BinUtilizationDto>> {
    let read = async |connection: &mut _| service::bin(connection, &actor, &location).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}

/// Fill of a facility, or of one zone, now: by status, zone and type, with the fullest and the emptiest locations in use.
#[utoipa::path(get, path = "/api/wms/optimization/warehouse-utilization", tag = "utilization", params(OfZone),
    responses((status = 200, body = UtilizationSummaryDto), (status = 404, body = Problem)))]
async fn warehouse_utilization(
    State(app): State<App>,
    actor: Actor,
    Query(of): Query<OfZone>,
) -> Result<axum::Json<UtilizationSummaryDto>> {
    let read = async |connection: &mut _| service::warehouse(connection, &actor, &of.facility, of.zone.as_deref()).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?))
}
