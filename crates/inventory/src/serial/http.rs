use axum::extract::State;
use kernel::SerialId;
use platform::auth::Actor;
use platform::http::{Access, Api, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;
use uuid::Uuid;

use super::dto::{SerialDto, SerialHistoryDto};
use super::reads::{self, SerialFilter};
use crate::model::QualityStatus;
use crate::service::STOCK_READ;

pub(crate) fn api() -> Api {
    Api::new().route(Access::Needs(STOCK_READ), routes!(list_serials)).route(Access::Needs(STOCK_READ), routes!(get_serial))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SerialParams {
    /// Id or code.
    item: Option<String>,
    /// The number's beginning, upper and lower case as it stands; at most 64 characters.
    number: Option<String>,
    /// Id, `FACILITY/CODE`, an unambiguous code, or SUPPLIER, CUSTOMER, ADJUSTMENT, SCRAP, PRODUCTION.
    location: Option<String>,
    /// Only the pieces that this movement moved.
    movement: Option<Uuid>,
    #[param(inline)]
    quality_status: Option<QualityStatus>,
    /// `true`: only what is in stock; `false`: only what left.
    in_stock: Option<bool>,
}

/// List serial numbers, ordered by number
#[utoipa::path(get, path = "/api/v1/inventory/serials", tag = "inventory", params(SerialParams, Paging), responses(
    (status = 200, body = PageDto<SerialDto>),
    (status = 404, description = "The item or location to narrow by does not exist", body = Problem),
    (status = 422, body = Problem),
))]
async fn list_serials(
    State(app): State<App>,
    actor: Actor,
    Query(params): Query<SerialParams>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<SerialDto>>> {
    let SerialParams { item, number, location, movement, quality_status, in_stock } = params;
    let filter = SerialFilter { item, number, location, movement, quality: quality_status, in_stock };
    let page = paging.into();
    let read = async |connection: &mut _| reads::list(connection, &actor, &filter, &page).await;
    Ok(axum::Json(app.db.read(actor.tenant(), read).await?.into()))
}

/// One serial number with its movements, newest first
#[utoipa::path(get, path = "/api/v1/inventory/serials/{id}", tag = "inventory", params(("id" = Uuid, Path), Paging), responses(
    (status = 200, body = SerialHistoryDto),
    (status = 404, body = Problem),
))]
async fn get_serial(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<Uuid>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<SerialHistoryDto>> {
    let (id, page) = (SerialId(id), paging.into());
    let found = app.db.read(actor.tenant(), async |connection| {
        let serial = reads::one(connection, &actor, id).await?;
        Ok((serial, reads::history(connection, &actor, id, &page).await?))
    });
    let (serial, history) = found.await?;
    Ok(axum::Json(SerialHistoryDto {
        serial: serial.into(),
        movements: history.items.into_iter().map(|movement| movement.into()).collect(),
        next_cursor: history.next_cursor.map(|cursor| cursor.0),
    }))
}
