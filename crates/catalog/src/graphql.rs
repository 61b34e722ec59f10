//! Items in GraphQL: the services of REST, with a loader for items that other things refer to.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, InputObject, MaybeUndefined, Object, Request, SimpleObject};
use chrono::{DateTime, Utc};
use kernel::{Cursor, ItemId, PageRequest, Quantity, TenantId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::graphql::{caller, key_of};
use platform::http::mutate;
use platform::{App, Error};
use serde::Serialize;
use uuid::Uuid;

use crate::guard::Guard;
use crate::model::{AbcClass, Item, ItemChanges, ItemFilter, ItemUnit, Measure, NewBarcode, SecurityZone, Size};
use crate::service;

type GqlResult<T> = async_graphql::Result<T>;

/// Loads the items that a request refers to, all in one statement.
pub struct ItemLoader {
    app: App,
    tenant: TenantId,
}

impl Loader<ItemId> for ItemLoader {
    type Value = GqlItem;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[ItemId]) -> Result<HashMap<ItemId, GqlItem>, Arc<Error>> {
        let found =
            self.app.db.read(&self.tenant, async |connection| service::items_by_ids(connection, &self.tenant, keys).await).await;
        Ok(found.map_err(Arc::new)?.into_iter().map(|(id, item)| (id, GqlItem(item))).collect())
    }
}

/// Attaches a fresh [`DataLoader`] of [`ItemLoader`] to a request.
pub fn loaders(app: &App, actor: &Actor, request: Request) -> Request {
    let loader = ItemLoader { app: app.clone(), tenant: actor.tenant().clone() };
    request.data(DataLoader::new(loader, tokio::spawn))
}

/// A kind of goods.
#[derive(Clone)]
pub struct GqlItem(pub Item);

#[Object(name = "Item")]
impl GqlItem {
    async fn id(&self) -> Uuid {
        self.0.item_id.0
    }

    async fn code(&self) -> &str {
        &self.0.code
    }

    async fn name(&self) -> &str {
        &self.0.name
    }

    async fn description(&self) -> &str {
        &self.0.description
    }

    async fn category(&self) -> &str {
        &self.0.category
    }

    /// Stock is counted in it.
    async fn base_unit(&self) -> &str {
        &self.0.base_unit
    }

    async fn length_mm(&self) -> Option<i32> {
        self.0.dimensions.map(|size| size.length_mm)
    }

    async fn width_mm(&self) -> Option<i32> {
        self.0.dimensions.map(|size| size.width_mm)
    }

    async fn height_mm(&self) -> Option<i32> {
        self.0.dimensions.map(|size| size.height_mm)
    }

    /// Of one base unit, as given where the dimensions are not known.
    async fn volume_cm3(&self) -> Option<i64> {
        self.0.volume_cm3
    }

    /// Of one base unit, from the dimensions or the volume.
    async fn unit_volume_mm3(&self) -> Option<i64> {
        self.0.unit_volume_mm3()
    }

    /// Of one base unit.
    async fn weight_g(&self) -> Option<i64> {
        self.0.weight_g
    }

    async fn abc_class(&self) -> AbcClass {
        self.0.abc_class
    }

    async fn picks_per_day(&self) -> String {
        self.0.picks_per_day.to_string()
    }

    /// What one base unit is worth, without a currency; null where nobody said.
    async fn unit_value(&self) -> Option<String> {
        self.0.unit_value.map(|value| value.to_string())
    }

    async fn shelf_life_days(&self) -> Option<i32> {
        self.0.shelf_life_days
    }

    async fn lot_tracked(&self) -> bool {
        self.0.lot_tracked
    }

    /// Each piece has a number of its own.
    async fn serial_tracked(&self) -> bool {
        self.0.serial_tracked
    }

    /// Coldest storage, degrees Celsius.
    async fn temperature_min_c(&self) -> Option<f64> {
        self.0.temperature_min_dc.map(|tenths| f64::from(tenths) / 10.0)
    }

    /// Warmest storage, degrees Celsius.
    async fn temperature_max_c(&self) -> Option<f64> {
        self.0.temperature_max_dc.map(|tenths| f64::from(tenths) / 10.0)
    }

    async fn hazard_class(&self) -> Option<&str> {
        self.0.hazard_class.as_deref()
    }

    async fn security_zone(&self) -> SecurityZone {
        self.0.security_zone
    }

    async fn max_stack(&self) -> Option<i32> {
        self.0.max_stack
    }

    async fn is_active(&self) -> bool {
        self.0.is_active
    }

    /// Send it back with a change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    async fn units(&self) -> Vec<GqlItemUnit> {
        self.0.units.iter().map(|unit| GqlItemUnit { unit: unit.unit.clone(), factor: unit.factor.to_string() }).collect()
    }

    async fn barcodes(&self) -> Vec<GqlItemBarcode> {
        let barcodes = self.0.barcodes.iter();
        barcodes.map(|barcode| GqlItemBarcode { barcode: barcode.barcode.clone(), unit: barcode.unit.clone() }).collect()
    }
}

/// Another unit of an item: 1 unit = factor base units.
#[derive(SimpleObject)]
#[graphql(name = "ItemUnit")]
struct GqlItemUnit {
    unit: String,
    factor: String,
}

#[derive(SimpleObject)]
#[graphql(name = "ItemBarcode")]
struct GqlItemBarcode {
    barcode: String,
    unit: String,
}

#[derive(SimpleObject)]
struct ItemPage {
    items: Vec<GqlItem>,
    /// Pass it as `after` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// What is absent does not narrow.
#[derive(InputObject, Default)]
#[graphql(name = "ItemFilter")]
struct GqlItemFilter {
    /// The beginning of the code, a part of the name, or a whole barcode.
    q: Option<String>,
    abc_class: Option<AbcClass>,
    category: Option<String>,
    is_active: Option<bool>,
}

#[derive(Default)]
pub struct CatalogQuery;

#[Object]
impl CatalogQuery {
    /// Items ordered by code.
    #[graphql(complexity = "first.unwrap_or(50).clamp(1, 500) as usize * child_complexity")]
    async fn items(
        &self,
        context: &Context<'_>,
        filter: Option<GqlItemFilter>,
        first: Option<i32>,
        after: Option<String>,
    ) -> GqlResult<ItemPage> {
        let (app, actor) = caller(context)?;
        let filter = filter.unwrap_or_default();
        let filter =
            ItemFilter { q: filter.q, abc_class: filter.abc_class, category: filter.category, is_active: filter.is_active };
        let request = PageRequest { limit: first.map(|first| first.try_into().unwrap_or(1)), cursor: after.map(Cursor) };
        let page =
            app.db.read(actor.tenant(), async |connection| service::list(connection, actor, &filter, &request).await).await?;
        let next_cursor = page.next_cursor.map(|cursor| cursor.0);
        Ok(ItemPage { items: page.items.into_iter().map(GqlItem).collect(), next_cursor })
    }

    /// One item by exactly one of id, code and barcode; null when there is none.
    async fn item(
        &self,
        context: &Context<'_>,
        id: Option<Uuid>,
        code: Option<String>,
        barcode: Option<String>,
    ) -> GqlResult<Option<GqlItem>> {
        let (app, actor) = caller(context)?;
        let found = app
            .db
            .read(actor.tenant(), async |connection| match (id, &code, &barcode) {
                (Some(id), None, None) => service::get(connection, actor, &id.to_string()).await,
                (None, Some(code), None) => service::get(connection, actor, code).await,
                (None, None, Some(barcode)) if !barcode.contains('\0') => service::lookup(connection, actor, barcode).await,
                _ => Err(Error::field("item", "must be asked for by exactly one of id, code and barcode")),
            })
            .await;
        match found {
            Ok(item) => Ok(Some(GqlItem(item))),
            Err(error) if error.code == kernel::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[derive(InputObject)]
struct SizeInput {
    /// Decimal numbers as text.
    length: String,
    width: String,
    height: String,
    #[graphql(default_with = "String::from(\"mm\")")]
    unit: String,
}

#[derive(InputObject)]
struct MeasureInput {
    /// A decimal number as text.
    value: String,
    unit: String,
}

#[derive(InputObject)]
struct ItemUnitInput {
    unit: String,
    /// Base units in one of this unit, a decimal number as text.
    factor: String,
}

#[derive(InputObject)]
struct ItemBarcodeInput {
    barcode: String,
    /// The base unit when absent.
    unit: Option<String>,
}

/// For a new item code and name are needed; for a change what is absent stays, and null clears.
#[derive(InputObject)]
struct ItemInput {
    code: Option<String>,
    name: Option<String>,
    description: Option<String>,
    category: Option<String>,
    base_unit: Option<String>,
    dimensions: MaybeUndefined<SizeInput>,
    volume: MaybeUndefined<MeasureInput>,
    weight: MaybeUndefined<MeasureInput>,
    abc_class: Option<AbcClass>,
    picks_per_day: Option<String>,
    /// What one base unit is worth, 0 or more, a decimal number as text.
    unit_value: MaybeUndefined<String>,
    shelf_life_days: MaybeUndefined<i32>,
    lot_tracked: Option<bool>,
    /// Changes only while nothing of the item is in stock.
    serial_tracked: Option<bool>,
    temperature_min_c: MaybeUndefined<String>,
    temperature_max_c: MaybeUndefined<String>,
    hazard_class: MaybeUndefined<String>,
    security_zone: Option<SecurityZone>,
    max_stack: MaybeUndefined<i32>,
    is_active: Option<bool>,
    units: Option<Vec<ItemUnitInput>>,
    barcodes: Option<Vec<ItemBarcodeInput>>,
}

impl ItemInput {
    fn changes(self, version: Option<i32>) -> platform::Result<ItemChanges> {
        let measure = |field: &'static str| {
            move |input: MeasureInput| Ok(Measure { value: quantity(field, &input.value)?, unit: input.unit })
        };
        let size = |input: SizeInput| {
            Ok(Size {
                length: quantity("dimensions.length", &input.length)?,
                width: quantity("dimensions.width", &input.width)?,
                height: quantity("dimensions.height", &input.height)?,
                unit: input.unit,
            })
        };
        let unit = |input: ItemUnitInput| Ok(ItemUnit { factor: quantity("units.factor", &input.factor)?, unit: input.unit });
        Ok(ItemChanges {
            version,
            code: self.code,
            name: self.name,
            description: self.description,
            category: self.category,
            base_unit: self.base_unit,
            dimensions: nullable(self.dimensions, size)?,
            volume: nullable(self.volume, measure("volume"))?,
            weight: nullable(self.weight, measure("weight"))?,
            abc_class: self.abc_class,
            picks_per_day: self.picks_per_day.map(|picks| quantity("picks_per_day", &picks)).transpose()?,
            unit_value: nullable(self.unit_value, |text| quantity("unit_value", &text))?,
            shelf_life_days: nullable(self.shelf_life_days, Ok)?,
            lot_tracked: self.lot_tracked,
            serial_tracked: self.serial_tracked,
            temperature_min_c: nullable(self.temperature_min_c, |text| quantity("temperature_min_c", &text))?,
            temperature_max_c: nullable(self.temperature_max_c, |text| quantity("temperature_max_c", &text))?,
            hazard_class: nullable(self.hazard_class, Ok)?,
            security_zone: self.security_zone,
            max_stack: nullable(self.max_stack, Ok)?,
            is_active: self.is_active,
            units: self.units.map(|units| units.into_iter().map(unit).collect::<platform::Result<_>>()).transpose()?,
            barcodes: self.barcodes.map(|barcodes| {
                barcodes.into_iter().map(|barcode| NewBarcode { barcode: barcode.barcode, unit: barcode.unit }).collect()
            }),
        })
    }
}

fn quantity(field: &str, text: &str) -> platform::Result<Quantity> {
    text.parse().map_err(|invalid: kernel::Invalid| invalid.at(field).into())
}

fn nullable<T, U>(
    given: MaybeUndefined<T>,
    convert: impl FnOnce(T) -> platform::Result<U>,
) -> platform::Result<Option<Option<U>>> {
    match given {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Null => Ok(Some(None)),
        MaybeUndefined::Value(value) => convert(value).map(|value| Some(Some(value))),
    }
}

/// What the idempotency key of an update is bound to.
#[derive(Serialize)]
struct Update<'a> {
    item: &'a str,
    input: &'a ItemChanges,
}

#[derive(Default)]
pub struct CatalogMutation;

#[Object]
impl CatalogMutation {
    async fn create_item(&self, context: &Context<'_>, input: ItemInput) -> GqlResult<GqlItem> {
        let (app, actor) = caller(context)?;
        let input = input.changes(None)?;
        let key = key_of(context, &input);
        let item = mutate(app, actor, key.as_ref(), async |tx| service::create(tx, actor, &input).await).await?;
        Ok(GqlItem(item))
    }

    /// `item` is an id or a code, `version` the one that the change is based on.
    async fn update_item(&self, context: &Context<'_>, item: String, version: i32, input: ItemInput) -> GqlResult<GqlItem> {
        let (app, actor) = caller(context)?;
        let input = input.changes(Some(version))?;
        let key = key_of(context, &Update { item: &item, input: &input });
        let guard = context.data::<Guard>()?;
        let update = async |tx: &mut Tx| service::update(tx, actor, &**guard, &item, &input).await;
        let item = mutate(app, actor, key.as_ref(), update).await?;
        Ok(GqlItem(item))
    }
}
