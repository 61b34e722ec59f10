use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{ComplexObject, Context, InputObject, Object, Result, SimpleObject};
use catalog::{GqlItem, ItemLoader};
use chrono::{DateTime, NaiveDate, Utc};
use inventory::QualityStatus;
use kernel::{FacilityId, ItemId, PageRequest, Quantity, ReceiptId, ReceiptLineId};
use platform::auth::Actor;
use platform::graphql::{caller, key_of};
use platform::http::mutate;
use platform::{App, Error};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::model::{Arrived, NewReceipt, NewReceiptLine, Receipt, ReceiptFilter, ReceiptLine, Receive, ReceiveLine};
use super::service;
use crate::check::Checks;
use crate::facility::{FacilityLoader, FacilityObject};
use crate::own;
use crate::words::{ReceiptKind, ReceiptState};

/// A delivery.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "Receipt", complex)]
pub(crate) struct ReceiptObject {
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
}

impl From<Receipt> for ReceiptObject {
    fn from(receipt: Receipt) -> Self {
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
        }
    }
}

/// One item of a delivery; quantities are in the item's base unit.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "ReceiptLine", complex)]
pub(crate) struct ReceiptLineObject {
    line_id: Uuid,
    line_no: i32,
    item_id: Uuid,
    item_code: String,
    item_name: String,
    base_unit: String,
    lot_number: String,
    expires_on: Option<NaiveDate>,
    expected: Decimal,
    received: Decimal,
    /// Received minus expected.
    difference: Decimal,
}

impl From<ReceiptLine> for ReceiptLineObject {
    fn from(line: ReceiptLine) -> Self {
        Self {
            line_id: line.receipt_line_id.0,
            line_no: line.line_no,
            item_id: line.item_id.0,
            difference: line.difference().decimal(),
            item_code: line.item_code,
            item_name: line.item_name,
            base_unit: line.base_unit,
            lot_number: line.lot_number,
            expires_on: line.expires_on,
            expected: line.expected.decimal(),
            received: line.received.decimal(),
        }
    }
}

#[ComplexObject]
impl ReceiptLineObject {
    async fn item(&self, context: &Context<'_>) -> Result<Option<GqlItem>> {
        let loader = context.data::<DataLoader<ItemLoader>>()?;
        Ok(loader.load_one(ItemId(self.item_id)).await.map_err(own)?)
    }
}

#[ComplexObject]
impl ReceiptObject {
    /// By number.
    async fn lines(&self, context: &Context<'_>) -> Result<Vec<ReceiptLineObject>> {
        let loader = context.data::<DataLoader<ReceiptLinesLoader>>()?;
        let lines = loader.load_one(ReceiptId(self.receipt_id)).await.map_err(own)?.unwrap_or_default();
        Ok(lines.into_iter().map(ReceiptLineObject::from).collect())
    }

    async fn facility(&self, context: &Context<'_>) -> Result<Option<FacilityObject>> {
        let loader = context.data::<DataLoader<FacilityLoader>>()?;
        Ok(loader.load_one(FacilityId(self.facility_id)).await.map_err(own)?.map(FacilityObject::from))
    }
}

/// Loads the lines of all deliveries that one request shows.
pub(crate) struct ReceiptLinesLoader {
    pub app: App,
    pub actor: Actor,
}

impl Loader<ReceiptId> for ReceiptLinesLoader {
    type Value = Vec<ReceiptLine>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[ReceiptId]) -> Result<HashMap<ReceiptId, Vec<ReceiptLine>>, Arc<Error>> {
        let read = async |connection: &mut sqlx::PgConnection| service::lines(connection, &self.actor, keys).await;
        self.app.db.read(self.actor.tenant(), read).await.map_err(Arc::new)
    }
}

#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ReceiptPage {
    items: Vec<ReceiptObject>,
    next_cursor: Option<String>,
}

/// What one call of receive brought into stock.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ReceiveResult {
    receipt: ReceiptObject,
    arrived: Vec<ArrivedObject>,
}

/// Goods that stand in the RECEIVING location now.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "Arrived")]
struct ArrivedObject {
    movement_id: Uuid,
    line_id: Uuid,
    line_no: i32,
    item_id: Uuid,
    lot_number: String,
    quality_status: QualityStatus,
    quantity: Decimal,
    location_id: Uuid,
    location_code: String,
}

impl From<Arrived> for ArrivedObject {
    fn from(arrived: Arrived) -> Self {
        Self {
            movement_id: arrived.movement_id.0,
            line_id: arrived.receipt_line_id.0,
            line_no: arrived.line_no,
            item_id: arrived.item_id.0,
            lot_number: arrived.lot_number,
            quality_status: arrived.quality_status,
            quantity: arrived.quantity.decimal(),
            location_id: arrived.location_id.0,
            location_code: arrived.location_code,
        }
    }
}

#[derive(Debug, Serialize, InputObject)]
pub(crate) struct NewReceiptInput {
    /// Id or code of the facility.
    facility: String,
    /// Unique; made up when absent.
    code: Option<String>,
    supplier: Option<String>,
    expected_at: Option<DateTime<Utc>>,
    /// None for a blind delivery.
    #[graphql(default)]
    lines: Vec<NewReceiptLineInput>,
}

#[derive(Debug, Serialize, InputObject)]
struct NewReceiptLineInput {
    /// Id or code of the item.
    item: String,
    lot_number: Option<String>,
    expires_on: Option<NaiveDate>,
    expected: Decimal,
    /// The item's base unit when absent.
    unit: Option<String>,
}

impl NewReceiptInput {
    fn to_input(&self) -> Result<NewReceipt, Error> {
        let mut checks = Checks::default();
        let mut lines = Vec::with_capacity(self.lines.len());
        for (n, line) in self.lines.iter().enumerate() {
            let expected = checks.take(format_args!("lines[{n}].expected"), Quantity::new(line.expected)).unwrap_or_default();
            let (item, lot_number, unit) = (line.item.clone(), line.lot_number.clone(), line.unit.clone());
            lines.push(NewReceiptLine { item, lot_number, expires_on: line.expires_on, expected, unit });
        }
        checks.done()?;
        let (facility, code, supplier) = (self.facility.clone(), self.code.clone(), self.supplier.clone().unwrap_or_default());
        Ok(NewReceipt { facility, code, supplier, expected_at: self.expected_at, lines })
    }
}

#[derive(Debug, Serialize, InputObject)]
pub(crate) struct ReceiveInput {
    /// A RECEIVING location; the facility's first one by code when absent.
    location: Option<String>,
    #[graphql(default)]
    allow_over: bool,
    /// Everything still expected has arrived as announced.
    #[graphql(default)]
    receive_all: bool,
    #[graphql(default)]
    lines: Vec<ReceiveLineInput>,
}

/// Exactly one of lineId, lineNo and item names the item.
#[derive(Debug, Serialize, InputObject)]
struct ReceiveLineInput {
    line_id: Option<Uuid>,
    line_no: Option<i32>,
    item: Option<String>,
    lot_number: Option<String>,
    expires_on: Option<NaiveDate>,
    manufactured_on: Option<NaiveDate>,
    /// As many as the serial numbers when absent.
    quantity: Option<Decimal>,
    unit: Option<String>,
    quality_status: Option<QualityStatus>,
    /// Serial numbers of all pieces; required exactly when the item is serial-tracked.
    #[graphql(default)]
    serials: Vec<String>,
}

impl ReceiveInput {
    fn to_input(&self) -> Result<Receive, Error> {
        let mut checks = Checks::default();
        let mut lines = Vec::with_capacity(self.lines.len());
        for (n, line) in self.lines.iter().enumerate() {
            let quantity = Quantity::new(line.quantity.unwrap_or_default());
            let quantity = checks.take(format_args!("lines[{n}].quantity"), quantity).unwrap_or_default();
            lines.push(ReceiveLine {
                line_id: line.line_id.map(ReceiptLineId),
                line_no: line.line_no,
                item: line.item.clone(),
                lot_number: line.lot_number.clone(),
                expires_on: line.expires_on,
                manufactured_on: line.manufactured_on,
                quantity,
                unit: line.unit.clone(),
                quality_status: line.quality_status,
                serials: line.serials.clone(),
            });
        }
        checks.done()?;
        Ok(Receive { location: self.location.clone(), allow_over: self.allow_over, receive_all: self.receive_all, lines })
    }
}

#[derive(Default)]
pub struct ReceiptQuery;

#[Object]
impl ReceiptQuery {
    /// Deliveries, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a field are its filter")]
    async fn receipts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility: Option<String>,
        state: Option<ReceiptState>,
        kind: Option<ReceiptKind>,
        #[graphql(desc = "beginning of the code, or part of the supplier")] q: Option<String>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<ReceiptPage> {
        let (app, actor) = caller(context)?;
        let page = PageRequest { limit: first, cursor: after.map(kernel::Cursor) };
        let filter = ReceiptFilter { facility, state, kind, q, unfinished: None };
        let found =
            app.db.read(actor.tenant(), async |connection| service::list(connection, actor, &filter, &page).await).await?;
        let found = found.map(|summary| ReceiptObject::from(summary.receipt));
        Ok(ReceiptPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// One delivery by id or code.
    async fn receipt(&self, context: &Context<'_>, receipt: String) -> Result<ReceiptObject> {
        let (app, actor) = caller(context)?;
        let found = app.db.read(actor.tenant(), async |connection| service::get(connection, actor, &receipt).await).await?;
        Ok(found.into())
    }
}

#[derive(Default)]
pub struct ReceiptMutation;

#[Object]
impl ReceiptMutation {
    /// Announces a delivery (with lines), or opens a blind one (without).
    async fn create_receipt(&self, context: &Context<'_>, input: NewReceiptInput) -> Result<ReceiptObject> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &input);
        let input = input.to_input()?;
        let made = mutate(app, actor, key.as_ref(), async |tx| service::create(tx, actor, &input).await).await?;
        Ok(made.into())
    }

    /// Brings counted goods into a RECEIVING location, all or nothing.
    async fn receive_goods(&self, context: &Context<'_>, receipt: String, input: ReceiveInput) -> Result<ReceiveResult> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&receipt, &input));
        let input = input.to_input()?;
        let delivered = mutate(app, actor, key.as_ref(), async |tx| service::receive(tx, actor, &receipt, &input).await).await?;
        let arrived = delivered.arrived.into_iter().map(ArrivedObject::from).collect();
        Ok(ReceiveResult { receipt: delivered.receipt.into(), arrived })
    }

    /// Ends a delivery; its lines show what was short or over.
    async fn close_receipt(&self, context: &Context<'_>, receipt: String) -> Result<ReceiptObject> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &receipt);
        let closed = mutate(app, actor, key.as_ref(), async |tx| service::close(tx, actor, &receipt).await).await?;
        Ok(closed.into())
    }

    /// Ends a delivery of which nothing arrived.
    async fn cancel_receipt(&self, context: &Context<'_>, receipt: String) -> Result<ReceiptObject> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &receipt);
        let cancelled = mutate(app, actor, key.as_ref(), async |tx| service::cancel(tx, actor, &receipt).await).await?;
        Ok(cancelled.into())
    }
}
