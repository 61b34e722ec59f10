use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use inventory::QualityStatus;
use kernel::Quantity;
use platform::auth::Actor;
use platform::http::{Access, Api, Command, PageDto, Paging, Path, Problem, Query};
use platform::{App, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::model::{Arrived, Delivered, NewReceipt, Receipt, ReceiptFilter, ReceiptLine, ReceiptSummary, Receive};
use super::service;
use crate::words::{ReceiptKind, ReceiptState};
use crate::{RECEIVE, WAREHOUSE_READ};

pub(crate) fn api() -> Api {
    Api::new()
        .route(Access::Needs(WAREHOUSE_READ), routes!(list_receipts))
        .route(Access::Needs(RECEIVE), routes!(create_receipt))
        .route(Access::Needs(WAREHOUSE_READ), routes!(get_receipt))
        .route(Access::Needs(RECEIVE), routes!(receive))
        .route(Access::Needs(RECEIVE), routes!(close_receipt))
        .route(Access::Needs(RECEIVE), routes!(cancel_receipt))
}

/// A delivery.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Receipt)]
struct ReceiptDto {
    receipt_id: Uuid,
    facility_id: Uuid,
    facility_code: String,
    code: String,
    kind: ReceiptKind,
    state: ReceiptState,
    supplier: String,
    expected_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    lines_total: i64,
    /// Lines of which everything expected, or more, has arrived.
    lines_complete: i64,
    /// By number; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<ReceiptLineDto>>,
}

/// One item of a delivery; quantities are in the item's base unit.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ReceiptLine)]
struct ReceiptLineDto {
    line_id: Uuid,
    line_no: i32,
    item_id: Uuid,
    item_code: String,
    item_name: String,
    base_unit: String,
    lot_number: String,
    expires_on: Option<NaiveDate>,
    #[schema(value_type = String)]
    expected: Quantity,
    #[schema(value_type = String)]
    received: Quantity,
    #[schema(value_type = String)]
    remaining: Quantity,
    /// Received minus expected.
    #[schema(value_type = String)]
    difference: Quantity,
}

impl From<ReceiptLine> for ReceiptLineDto {
    fn from(line: ReceiptLine) -> Self {
        Self {
            line_id: line.receipt_line_id.0,
            line_no: line.line_no,
            item_id: line.item_id.0,
            remaining: line.remaining(),
            difference: line.difference(),
            item_code: line.item_code,
            item_name: line.item_name,
            base_unit: line.base_unit,
            lot_number: line.lot_number,
            expires_on: line.expires_on,
            expected: line.expected,
            received: line.received,
        }
    }
}

impl From<ReceiptSummary> for ReceiptDto {
    fn from(ReceiptSummary { receipt, lines_total, lines_complete }: ReceiptSummary) -> Self {
        Self {
            receipt_id: receipt.receipt_id.0,
            facility_id: receipt.facility_id.0,
            facility_code: receipt.facility_code,
            code: receipt.code,
            kind: receipt.kind,
            state: receipt.state,
            supplier: receipt.supplier,
            expected_at: receipt.expected_at,
            closed_at: receipt.closed_at,
            version: receipt.version,
            created_at: receipt.created_at,
            updated_at: receipt.updated_at,
            lines_total,
            lines_complete,
            lines: None,
        }
    }
}

impl From<Receipt> for ReceiptDto {
    fn from(mut receipt: Receipt) -> Self {
        let lines = std::mem::take(&mut receipt.lines);
        let lines_complete = lines.iter().filter(|line| line.remaining().is_zero() && !line.received.is_zero()).count() as i64;
        let summary = ReceiptSummary { receipt, lines_total: lines.len() as i64, lines_complete };
        Self { lines: Some(lines.into_iter().map(ReceiptLineDto::from).collect()), ..summary.into() }
    }
}

/// What one call of receive brought into stock.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Delivered)]
struct DeliveredDto {
    receipt: ReceiptDto,
    arrived: Vec<ArrivedDto>,
}

/// Goods that stand in the RECEIVING location now.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Arrived)]
struct ArrivedDto {
    movement_id: Uuid,
    line_id: Uuid,
    line_no: i32,
    item_id: Uuid,
    lot_id: Option<Uuid>,
    lot_number: String,
    quality_status: QualityStatus,
    #[schema(value_type = String)]
    quantity: Quantity,
    location_id: Uuid,
    location_code: String,
}

impl From<Arrived> for ArrivedDto {
    fn from(arrived: Arrived) -> Self {
        Self {
            movement_id: arrived.movement_id.0,
            line_id: arrived.receipt_line_id.0,
            line_no: arrived.line_no,
            item_id: arrived.item_id.0,
            lot_id: arrived.lot_id.map(|lot| lot.0),
            lot_number: arrived.lot_number,
            quality_status: arrived.quality_status,
            quantity: arrived.quantity,
            location_id: arrived.location_id.0,
            location_code: arrived.location_code,
        }
    }
}

impl From<Delivered> for DeliveredDto {
    fn from(Delivered { receipt, arrived }: Delivered) -> Self {
        Self { receipt: receipt.into(), arrived: arrived.into_iter().map(ArrivedDto::from).collect() }
    }
}

/// Deliveries, newest first, without their lines.
#[utoipa::path(get, path = "/api/v1/receipts", tag = "receiving", params(ReceiptFilter, Paging),
    responses((status = 200, body = PageDto<ReceiptDto>), (status = 400, body = Problem)))]
async fn list_receipts(
    State(app): State<App>,
    actor: Actor,
    Query(filter): Query<ReceiptFilter>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<PageDto<ReceiptDto>>> {
    let page = paging.into();
    let found = app.db.read(actor.tenant(), async |connection| service::list(connection, &actor, &filter, &page).await).await?;
    Ok(axum::Json(found.into()))
}

/// Announces a delivery (with lines), or opens a blind one (without).
#[utoipa::path(post, path = "/api/v1/receipts", tag = "receiving", request_body = NewReceipt,
    responses((status = 201, body = ReceiptDto), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create_receipt(State(app): State<App>, command: Command<NewReceipt>) -> Result<(StatusCode, axum::Json<ReceiptDto>)> {
    let made =
        command.run(&app, async |tx| service::create(tx, &command.actor, &command.input).await.map(ReceiptDto::from)).await?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// One delivery with its lines.
#[utoipa::path(get, path = "/api/v1/receipts/{receipt}", tag = "receiving", params(("receipt", description = "id or code")),
    responses((status = 200, body = ReceiptDto), (status = 404, body = Problem)))]
async fn get_receipt(State(app): State<App>, actor: Actor, Path(receipt): Path<String>) -> Result<axum::Json<ReceiptDto>> {
    let found = app.db.read(actor.tenant(), async |connection| service::get(connection, &actor, &receipt).await).await?;
    Ok(axum::Json(found.into()))
}

/// Brings counted goods into a RECEIVING location, all or nothing.
#[utoipa::path(post, path = "/api/v1/receipts/{receipt}/receive", tag = "receiving", params(("receipt", description = "id or code")),
    request_body = Receive,
    responses((status = 200, body = DeliveredDto), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
async fn receive(
    State(app): State<App>,
    Path(receipt): Path<String>,
    command: Command<Receive>,
) -> Result<axum::Json<DeliveredDto>> {
    let delivered = command
        .run(&app, async |tx| service::receive(tx, &command.actor, &receipt, &command.input).await.map(DeliveredDto::from))
        .await?;
    Ok(axum::Json(delivered))
}

/// Nothing is needed in the body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Ends a delivery; its lines show what was short or over.
#[utoipa::path(post, path = "/api/v1/receipts/{receipt}/close", tag = "receiving", params(("receipt", description = "id or code")),
    responses((status = 200, body = ReceiptDto), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn close_receipt(
    State(app): State<App>,
    Path(receipt): Path<String>,
    command: Command<Nothing>,
) -> Result<axum::Json<ReceiptDto>> {
    let closed = command.run(&app, async |tx| service::close(tx, &command.actor, &receipt).await.map(ReceiptDto::from)).await?;
    Ok(axum::Json(closed))
}

/// Ends a delivery of which nothing arrived.
#[utoipa::path(post, path = "/api/v1/receipts/{receipt}/cancel", tag = "receiving", params(("receipt", description = "id or code")),
    responses((status = 200, body = ReceiptDto), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn cancel_receipt(
    State(app): State<App>,
    Path(receipt): Path<String>,
    command: Command<Nothing>,
) -> Result<axum::Json<ReceiptDto>> {
    let cancelled =
        command.run(&app, async |tx| service::cancel(tx, &command.actor, &receipt).await.map(ReceiptDto::from)).await?;
    Ok(axum::Json(cancelled))
}
