use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, ID, InputObject, Object, Request, SimpleObject};
use catalog::ItemLabel;
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{Cursor, ErrorCode, ItemId, LocationId, LotId, MovementId, PageRequest};
use platform::auth::Actor;
use platform::graphql::{caller, key_of};
use platform::http::mutate;
use platform::{App, Error};
use serde::Serialize;
use uuid::Uuid;

use crate::dto::{BalanceDto, LotDto, LotStockDto, MovementDto};
use crate::model::{BalanceRow, Labelled, MovementKind, QualityStatus};
use crate::request::{MovementRequest, NumberText};
use crate::service::{self, BalanceFilter, LotFilter, MovementBatch, MovementFilter, Recorded, STOCK_READ};

/// Attaches the loaders of this context to one request.
pub fn loaders(app: &App, actor: &Actor, request: Request) -> Request {
    let stock = StockLoader { app: app.clone(), actor: actor.clone() };
    request.data(DataLoader::new(stock, tokio::spawn))
}

/// The balances of many places or items in one query each; other contexts ask through [`balances_at`] and [`balances_of`].
pub struct StockLoader {
    app: App,
    actor: Actor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct At(LocationId);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Of(ItemId);

impl StockLoader {
    async fn label(&self, rows: Vec<BalanceRow>) -> Result<Vec<BalanceDto>, Error> {
        let mut ids: Vec<ItemId> = rows.iter().map(|row| row.item_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let tenant = self.actor.tenant();
        let read = async |connection: &mut _| catalog::service::items_by_ids(connection, tenant, &ids).await;
        let items = self.app.db.read(tenant, read).await?;
        let label = |row: &BalanceRow| {
            let item = items.get(&row.item_id);
            item.map_or_else(ItemLabel::default, |item| ItemLabel {
                code: item.code.clone(),
                name: item.name.clone(),
                base_unit: item.base_unit.clone(),
            })
        };
        Ok(rows.into_iter().map(|row| BalanceDto::from(Labelled { item: label(&row), row })).collect())
    }
}

impl Loader<At> for StockLoader {
    type Value = Vec<BalanceDto>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[At]) -> Result<HashMap<At, Vec<BalanceDto>>, Arc<Error>> {
        self.actor.require(STOCK_READ).map_err(Arc::new)?;
        let ids: Vec<LocationId> = keys.iter().map(|key| key.0).collect();
        let tenant = self.actor.tenant();
        let read = async |connection: &mut _| service::stock_at(connection, tenant, &ids).await;
        let rows = self.app.db.read(tenant, read).await?;
        let mut found: HashMap<At, Vec<BalanceDto>> = HashMap::new();
        for balance in self.label(rows).await? {
            found.entry(At(LocationId(balance.location_id))).or_default().push(balance);
        }
        Ok(found)
    }
}

impl Loader<Of> for StockLoader {
    type Value = Vec<BalanceDto>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[Of]) -> Result<HashMap<Of, Vec<BalanceDto>>, Arc<Error>> {
        self.actor.require(STOCK_READ).map_err(Arc::new)?;
        let ids: Vec<ItemId> = keys.iter().map(|key| key.0).collect();
        let tenant = self.actor.tenant();
        let read = async |connection: &mut _| service::stock_of(connection, tenant, &ids).await;
        let rows = self.app.db.read(tenant, read).await?;
        let mut found: HashMap<Of, Vec<BalanceDto>> = HashMap::new();
        for balance in self.label(rows).await? {
            found.entry(Of(ItemId(balance.item_id))).or_default().push(balance);
        }
        Ok(found)
    }
}

/// For resolvers of other contexts: what lies in the place; many such calls become one query.
pub async fn balances_at(context: &Context<'_>, location: LocationId) -> async_graphql::Result<Vec<BalanceDto>> {
    let loader = context.data::<DataLoader<StockLoader>>()?;
    Ok(loader.load_one(At(location)).await.map_err(own)?.unwrap_or_default())
}

/// For resolvers of other contexts: where the item lies; many such calls become one query.
pub async fn balances_of(context: &Context<'_>, item: ItemId) -> async_graphql::Result<Vec<BalanceDto>> {
    let loader = context.data::<DataLoader<StockLoader>>()?;
    Ok(loader.load_one(Of(item)).await.map_err(own)?.unwrap_or_default())
}

/// A loader shares one error among many fields; each field answers with its own copy.
fn own(shared: Arc<Error>) -> Error {
    Error { fields: shared.fields.clone(), retry_after: shared.retry_after, ..Error::new(shared.code, shared.detail.clone()) }
}

/// Which balances; absent fields do not narrow.
#[derive(Debug, Default, InputObject)]
struct BalanceFilterInput {
    /// Id or code.
    item: Option<String>,
    /// Id, `FACILITY/CODE` or an unambiguous code.
    location: Option<String>,
    /// Id or code.
    facility: Option<String>,
    /// Id or number.
    lot: Option<String>,
    quality_status: Option<QualityStatus>,
    /// Also balances that hold nothing any more.
    #[graphql(default)]
    include_empty: bool,
}

/// Which movements; absent fields do not narrow.
#[derive(Debug, Default, InputObject)]
struct MovementFilterInput {
    /// Id or code.
    item: Option<String>,
    /// Either side.
    location: Option<String>,
    /// Id or number.
    lot: Option<String>,
    kind: Option<MovementKind>,
    reference: Option<String>,
    /// Effective at or after.
    from: Option<DateTime<Utc>>,
    /// Effective before.
    to: Option<DateTime<Utc>>,
}

/// Which lots; absent fields do not narrow.
#[derive(Debug, Default, InputObject)]
struct LotFilterInput {
    /// Id or code.
    item: Option<String>,
    /// The number's beginning.
    number: Option<String>,
    quality_status: Option<QualityStatus>,
    expires_within_days: Option<u32>,
    #[graphql(default)]
    in_stock: bool,
}

/// One movement to record; the virtual side is completed.
#[derive(Debug, InputObject)]
struct MovementInput {
    kind: MovementKind,
    /// Id or code.
    item: String,
    /// Number of the lot; required exactly when the item is lot-tracked.
    lot: Option<String>,
    /// A decimal number as a string; as many as the serial numbers when absent.
    quantity: Option<String>,
    /// The base unit when absent.
    unit: Option<String>,
    from: Option<String>,
    to: Option<String>,
    quality_status: Option<QualityStatus>,
    from_status: Option<QualityStatus>,
    to_status: Option<QualityStatus>,
    reason: Option<String>,
    reference: Option<String>,
    effective_at: Option<DateTime<Utc>>,
    expires_on: Option<NaiveDate>,
    manufactured_on: Option<NaiveDate>,
    /// Serial numbers of all pieces that move; required exactly when the item is serial-tracked.
    serials: Option<Vec<String>>,
}

impl From<MovementInput> for MovementRequest {
    fn from(input: MovementInput) -> Self {
        let status = |status: Option<QualityStatus>| status.map(|status| status.as_str().to_owned());
        Self {
            kind: input.kind.as_str().to_owned(),
            item: input.item,
            lot: input.lot,
            quantity: NumberText(input.quantity.unwrap_or_default()),
            unit: input.unit,
            from: input.from,
            to: input.to,
            quality_status: status(input.quality_status),
            from_status: status(input.from_status),
            to_status: status(input.to_status),
            reason: input.reason,
            reference: input.reference,
            effective_at: input.effective_at.map(|at| at.to_rfc3339()),
            expires_on: input.expires_on.map(|day| day.to_string()),
            manufactured_on: input.manufactured_on.map(|day| day.to_string()),
            serials: input.serials,
        }
    }
}

#[derive(Debug, InputObject)]
struct PostMovementsInput {
    /// Whether one refused movement refuses all.
    #[graphql(default = true)]
    atomic: bool,
    /// 1 to 10,000, decided in this order.
    movements: Vec<MovementInput>,
}

/// A page of balances.
#[derive(SimpleObject)]
struct BalancePage {
    items: Vec<BalanceDto>,
    /// Pass it as `after` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// A page of movements.
#[derive(SimpleObject)]
struct MovementPage {
    items: Vec<MovementDto>,
    next_cursor: Option<String>,
}

/// A page of lots.
#[derive(SimpleObject)]
struct LotPage {
    items: Vec<LotStockDto>,
    next_cursor: Option<String>,
}

fn page(first: Option<u32>, after: Option<String>) -> PageRequest {
    PageRequest { limit: first, cursor: after.map(Cursor) }
}

fn id(given: &ID, what: &str) -> Result<Uuid, Error> {
    Uuid::parse_str(given).map_err(|_| Error::new(ErrorCode::NotFound, format!("{what} {:?} does not exist", given.as_str())))
}

#[derive(Default)]
pub struct LedgerQuery;

#[Object]
impl LedgerQuery {
    /// What is where, the balances of one item together.
    #[graphql(complexity = "1 + first.unwrap_or(50).min(500) as usize * child_complexity")]
    async fn balances(
        &self,
        context: &Context<'_>,
        filter: Option<BalanceFilterInput>,
        first: Option<u32>,
        after: Option<String>,
    ) -> async_graphql::Result<BalancePage> {
        let (app, actor) = caller(context)?;
        let filter = filter.unwrap_or_default();
        let filter = BalanceFilter {
            item: filter.item,
            location: filter.location,
            facility: filter.facility,
            lot: filter.lot,
            quality: filter.quality_status,
            include_empty: filter.include_empty,
        };
        let page = page(first, after);
        let read = async |connection: &mut _| service::balances(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?.map(BalanceDto::from);
        Ok(BalancePage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// The ledger, newest first.
    #[graphql(complexity = "1 + first.unwrap_or(50).min(500) as usize * child_complexity")]
    async fn movements(
        &self,
        context: &Context<'_>,
        filter: Option<MovementFilterInput>,
        first: Option<u32>,
        after: Option<String>,
    ) -> async_graphql::Result<MovementPage> {
        let (app, actor) = caller(context)?;
        let MovementFilterInput { item, location, lot, kind, reference, from, to } = filter.unwrap_or_default();
        let filter = MovementFilter { item, location, lot, kind, reference, from, to };
        let page = page(first, after);
        let read = async |connection: &mut _| service::movements(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?.map(<MovementDto as From<_>>::from);
        Ok(MovementPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    async fn movement(&self, context: &Context<'_>, id: ID) -> async_graphql::Result<MovementDto> {
        let (app, actor) = caller(context)?;
        let wanted = MovementId(self::id(&id, "movement")?);
        let read = async |connection: &mut _| service::movement(connection, actor, wanted).await;
        Ok(app.db.read(actor.tenant(), read).await?.into())
    }

    /// Lots, the soonest to expire first.
    #[graphql(complexity = "1 + first.unwrap_or(50).min(500) as usize * child_complexity")]
    async fn lots(
        &self,
        context: &Context<'_>,
        filter: Option<LotFilterInput>,
        first: Option<u32>,
        after: Option<String>,
    ) -> async_graphql::Result<LotPage> {
        let (app, actor) = caller(context)?;
        let LotFilterInput { item, number, quality_status, expires_within_days, in_stock } = filter.unwrap_or_default();
        let filter = LotFilter { item, number, quality: quality_status, expires_within_days, in_stock };
        let page = page(first, after);
        let read = async |connection: &mut _| service::lots(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?.map(LotStockDto::from);
        Ok(LotPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }
}

#[derive(Default)]
pub struct LedgerMutation;

#[derive(Serialize)]
struct QualityArguments<'a> {
    lot: Uuid,
    quality_status: QualityStatus,
    reason: &'a str,
}

#[Object]
impl LedgerMutation {
    /// Records movements in one transaction. Atomic: a refusal is an error and nothing is recorded.
    async fn post_movements(&self, context: &Context<'_>, input: PostMovementsInput) -> async_graphql::Result<Recorded> {
        let (app, actor) = caller(context)?;
        let movements = input.movements.into_iter().map(MovementRequest::from).collect();
        let batch = MovementBatch { atomic: input.atomic, movements };
        let key = key_of(context, &batch);
        Ok(service::submit(app, actor, key.as_ref(), &batch).await?)
    }

    /// Gives a lot a new quality status and moves all its stock into it.
    async fn change_lot_quality(
        &self,
        context: &Context<'_>,
        lot: ID,
        quality_status: QualityStatus,
        reason: String,
    ) -> async_graphql::Result<LotDto> {
        let (app, actor) = caller(context)?;
        let arguments = QualityArguments { lot: id(&lot, "lot")?, quality_status, reason: &reason };
        let key = key_of(context, &arguments);
        let change = async |tx: &mut platform::database::Tx| {
            let changed = service::change_lot_quality(tx, actor, LotId(arguments.lot), quality_status, &reason).await?;
            Ok(LotDto::from(changed))
        };
        Ok(mutate(app, actor, key.as_ref(), change).await?)
    }
}
