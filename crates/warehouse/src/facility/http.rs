use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use platform::auth::Actor;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::model::{Facility, FacilityFilter, FacilityPatch, NewFacility};
use super::service;
use crate::{LOCATIONS_WRITE, WAREHOUSE_READ};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_facilities))
        .route(Access::Needs(LOCATIONS_WRITE), routes!(create_facility))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_facility))
        .route(Access::Needs(LOCATIONS_WRITE), routes!(edit_facility))
}

/// A building or site.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Facility)]
pub(crate) struct FacilityDto {
    facility_id: Uuid,
    code: String,
    name: String,
    is_active: bool,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Facility> for FacilityDto {
    fn from(facility: Facility) -> Self {
        let Facility { facility_id, code, name, is_active, version, created_at, updated_at } = facility;
        Self { facility_id: facility_id.0, code, name, is_active, version, created_at, updated_at }
    }
}

/// Facilities by code.
#[utoipa::path(get, path = "/api/v1/facilities", tag = "locations", params(FacilityFilter, Paging),
    responses((status = 200, body = PageDto<FacilityDto>), (status = 400, body = Problem)))]
async fn list_facilities(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<FacilityFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<FacilityDto>>> {
    let page = paging.into();
    let found = app.db.read(actor.tenant(), async |connection| service::list(connection, &actor, &filter, &page).await).await?;
    Ok(axum::Json(found.into()))
}

/// Makes a facility.
#[utoipa::path(post, path = "/api/v1/facilities", tag = "locations", request_body = NewFacility,
    responses((status = 201, body = FacilityDto), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create_facility(State(app): State<App>, command: Command<NewFacility>) -> Result<(StatusCode, axum::Json<FacilityDto>)> {
    let made =
        command.run(&app, async |tx| service::create(tx, &command.actor, &command.input).await.map(FacilityDto::from)).await?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// One facility.
#[utoipa::path(get, path = "/api/v1/facilities/{facility}", tag = "locations", params(("facility", description = "id or code")),
    responses((status = 200, body = FacilityDto), (status = 404, body = Problem)))]
async fn get_facility(State(app): State<App>, actor: Actor, Path(facility): Path<String>) -> Result<axum::Json<FacilityDto>> {
    let found = app.db.read(actor.tenant(), async |connection| service::get(connection, &actor, &facility).await).await?;
    Ok(axum::Json(found.into()))
}

/// Changes the name, or makes it active or inactive.
#[utoipa::path(patch, path = "/api/v1/facilities/{facility}", tag = "locations", params(("facility", description = "id or code")),
    request_body = FacilityPatch,
    responses((status = 200, body = FacilityDto), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
async fn edit_facility(
    State(app): State<App>,
    Path(facility): Path<String>,
    command: Command<FacilityPatch>,
) -> Result<axum::Json<FacilityDto>> {
    let edited = command
        .run(&app, async |tx| service::edit(tx, &command.actor, &facility, &command.input).await.map(FacilityDto::from))
        .await?;
    Ok(axum::Json(edited))
}
