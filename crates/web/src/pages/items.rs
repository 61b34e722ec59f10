//! Items: what they are, what there is of them and where.

use std::collections::HashSet;

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use catalog::{ITEMS_READ, ITEMS_WRITE, Item, ItemChanges, Measure, NewBarcode, Size};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use inventory::reservation::service::STOCK_RESERVE;
use inventory::service::{BalanceFilter, MovementFilter, Totals};
use inventory::{BalanceRow, STOCK_MOVE, STOCK_READ};
use kernel::{ItemId, MAX_PAGE_SIZE, PageRequest, Quantity};
use platform::http::{Access, Api, Paging, Path, Query};
use platform::{Error, Result};
use rust_decimal::Decimal;
use serde::Deserialize;
use uuid::Uuid;
use warehouse::{TransitFilter, transfers};

use super::locations;
use super::movements::{self, About};
use super::reservations;
use super::typed::{Typed, for_form, renamed, wanted};
use super::visitor::{Form, Visitor, done, redirect, refuse, segment, show};
use crate::view::{
    Barcode, BarcodeInput, Errors, FlashKind, ItemFilter, ItemForm, ItemInput, ItemList, ItemPage, ItemPromise, ItemRow,
    ItemUnit, MovementRow, StockRow, UnitInput,
};

/// A lot that expires within so many days is marked.
const EXPIRY_WARNING_DAYS: i64 = 30;
/// Movements that the page of one item or location shows.
pub(super) const HISTORY: u32 = 12;

/// What the catalogue calls the inputs of the form.
const NAMES: [(&str, &str); 7] = [
    ("dimensions", "length"),
    ("dimensions.length", "length"),
    ("dimensions.width", "width"),
    ("dimensions.height", "height"),
    ("dimensions.unit", "length_unit"),
    ("temperature_min_c", "temperature_min"),
    ("temperature_max_c", "temperature_max"),
];

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/items", Access::Needs(ITEMS_READ), get(list))
        .page(Method::POST, "/items", Access::Needs(ITEMS_WRITE), post(create))
        .page(Method::GET, "/items/new", Access::Needs(ITEMS_WRITE), get(new))
        .page(Method::GET, "/items/{item}", Access::Needs(ITEMS_READ), get(one))
        .page(Method::POST, "/items/{item}", Access::Needs(ITEMS_WRITE), post(edit))
        .page(Method::GET, "/items/{item}/edit", Access::Needs(ITEMS_WRITE), get(edit_form))
        .page(Method::POST, "/items/{item}/activate", Access::Needs(ITEMS_WRITE), post(activate))
        .page(Method::POST, "/items/{item}/deactivate", Access::Needs(ITEMS_WRITE), post(deactivate))
}

/// Where the item is shown. A code that stands for another page, or that browsers resolve as a folder, gives way to the id.
pub fn href(id: ItemId, code: &str) -> String {
    match code {
        "new" | "." | ".." => format!("/items/{id}"),
        _ => format!("/items/{}", segment(code)),
    }
}

/// Within the warning time, or past.
pub fn expires_soon(expires_on: Option<NaiveDate>, now: DateTime<Utc>) -> bool {
    expires_on.is_some_and(|day| day <= (now + TimeDelta::days(EXPIRY_WARNING_DAYS)).date_naive())
}

pub fn largest_page() -> PageRequest {
    PageRequest { limit: Some(MAX_PAGE_SIZE), cursor: None }
}

pub fn history_page() -> PageRequest {
    PageRequest { limit: Some(HISTORY), cursor: None }
}

async fn list(visitor: Visitor, Query(filter): Query<ItemFilter>, Query(paging): Query<Paging>) -> Result<Response> {
    let narrowed = catalog::ItemFilter {
        q: wanted(&filter.q),
        abc_class: filter.abc_class.parse().ok(),
        category: wanted(&filter.category),
        is_active: match filter.active.as_str() {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        },
    };
    let (actor, request) = (&visitor.actor, paging.into());
    let (found, totals, categories) = visitor
        .app
        .db
        .read(actor.tenant(), async |connection| {
            actor.require(STOCK_READ)?;
            let found = catalog::service::list(connection, actor, &narrowed, &request).await?;
            let ids: Vec<ItemId> = found.items.iter().map(|item| item.item_id).collect();
            let totals = inventory::service::totals_of(connection, actor.tenant(), &ids).await?;
            Ok((found, totals, catalog::service::categories(connection, actor).await?))
        })
        .await?;
    show(&ItemList {
        page: visitor.page("Items"),
        filter,
        categories,
        pager: visitor.pager(found.next_cursor.as_ref()),
        items: found.items.into_iter().map(|item| row(totals.get(&item.item_id).copied().unwrap_or_default(), item)).collect(),
        can_write: visitor.may(ITEMS_WRITE),
    })
}

fn row(totals: Totals, item: Item) -> ItemRow {
    ItemRow {
        href: href(item.item_id, &item.code),
        code: item.code,
        name: item.name,
        category: item.category,
        abc_class: item.abc_class.to_string(),
        base_unit: item.base_unit,
        on_hand: totals.on_hand.decimal(),
        location_count: totals.locations,
        is_active: item.is_active,
    }
}

async fn one(visitor: Visitor, Path(reference): Path<String>) -> Result<Response> {
    let actor = &visitor.actor;
    let (item, totals, promise, stock, history, in_transit) = visitor
        .app
        .db
        .read(actor.tenant(), async |connection| {
            let item = catalog::service::get(connection, actor, &reference).await?;
            let id = Some(item.item_id.to_string());
            let totals = inventory::service::totals_of(connection, actor.tenant(), &[item.item_id]).await?;
            let promise = warehouse::promises::availability(connection, actor, &item.item_id.to_string(), None, None).await?;
            let filter = BalanceFilter { item: id.clone(), ..BalanceFilter::default() };
            let stock = inventory::service::balances(connection, actor, &filter, &largest_page()).await?;
            let filter = MovementFilter { item: id, ..MovementFilter::default() };
            let history = movements::read(connection, actor, &filter, &history_page(), About::Item).await?;
            let filter = TransitFilter { item: Some(item.item_id.to_string()), facility: None };
            let in_transit = transfers::in_transit(connection, actor, &filter, &largest_page()).await?.items;
            Ok((item, totals, reservations::promise_of(&promise), stock, history, in_transit))
        })
        .await?;
    let totals = totals.get(&item.item_id).copied().unwrap_or_default();
    let transit: HashSet<Uuid> = in_transit.iter().map(|goods| goods.location_id).collect();
    let row = |balance: BalanceRow| {
        let is_transit = transit.contains(&balance.location_id.0);
        let shown = stock_row(balance, actor.env.now());
        if is_transit { StockRow { location_href: "/transfers".into(), ..shown } } else { shown }
    };
    let mut stock: Vec<StockRow> = stock.items.into_iter().map(|balance| row(balance.row)).collect();
    stock.sort_by(|a, b| (&a.facility, &a.location, a.expires_on, &a.lot).cmp(&(&b.facility, &b.location, b.expires_on, &b.lot)));
    let mut page = page(&visitor, item, totals, stock, history.items);
    page.promise = promise;
    page.in_transit = in_transit;
    show(&page)
}

fn stock_row(balance: BalanceRow, now: DateTime<Utc>) -> StockRow {
    StockRow {
        location_href: locations::href(&balance.facility_code, &balance.location_code),
        facility: balance.facility_code,
        location: balance.location_code,
        lot: balance.lot_number,
        expires_on: balance.expires_on,
        expires_soon: expires_soon(balance.expires_on, now),
        quality_status: balance.quality_status.to_string(),
        on_hand: balance.on_hand.decimal(),
        reserved: balance.reserved.decimal(),
    }
}

fn page(visitor: &Visitor, item: Item, totals: Totals, stock: Vec<StockRow>, movements: Vec<MovementRow>) -> ItemPage {
    let sides = item.dims_mm();
    ItemPage {
        page: visitor.page(&item.name),
        href: href(item.item_id, &item.code),
        movements_href: format!("/movements?item={}", segment(&item.code)),
        serials_href: format!("/serials?item={}", segment(&item.code)),
        length_mm: sides.map(|[length, _, _]| length),
        width_mm: sides.map(|[_, width, _]| width),
        height_mm: sides.map(|[_, _, height]| height),
        volume_cm3: item.unit_volume_mm3().map(|volume| volume / 1_000),
        code: item.code,
        name: item.name,
        description: item.description,
        category: item.category,
        abc_class: item.abc_class.to_string(),
        base_unit: item.base_unit,
        weight_g: item.weight_g,
        picks_per_day: item.picks_per_day,
        unit_value: item.unit_value,
        shelf_life_days: item.shelf_life_days.map(i64::from),
        is_lot_tracked: item.lot_tracked,
        is_serial_tracked: item.serial_tracked,
        temperature_min_c: item.temperature_min_dc.map(warehouse::degrees),
        temperature_max_c: item.temperature_max_dc.map(warehouse::degrees),
        hazard_class: item.hazard_class,
        security_zone: item.security_zone.to_string(),
        max_stack: item.max_stack.map(i64::from),
        is_active: item.is_active,
        version: item.version,
        updated_at: item.updated_at,
        units: item.units.into_iter().map(|unit| ItemUnit { unit: unit.unit, factor: unit.factor.decimal() }).collect(),
        barcodes: item.barcodes.into_iter().map(|code| Barcode { barcode: code.barcode, unit: code.unit }).collect(),
        on_hand: totals.on_hand.decimal(),
        reserved: totals.reserved.decimal(),
        available: totals.available.decimal(),
        not_released: totals.not_released.decimal(),
        in_transit_quantity: totals.in_transit.decimal(),
        in_transit: Vec::new(),
        promise: ItemPromise::default(),
        stock,
        movements,
        can_write: visitor.may(ITEMS_WRITE),
        can_move: visitor.may(STOCK_MOVE),
        can_reserve: visitor.may(STOCK_RESERVE),
    }
}

async fn form_for(visitor: &Visitor, item: Option<&Item>, input: ItemInput) -> Result<ItemForm> {
    let actor = &visitor.actor;
    let categories =
        visitor.app.db.read(actor.tenant(), async |connection| catalog::service::categories(connection, actor).await).await?;
    Ok(ItemForm {
        page: visitor.page(item.map_or_else(|| "New item".to_owned(), |item| format!("Edit {}", item.code))),
        href: item.map(|item| href(item.item_id, &item.code)),
        categories,
        input,
        errors: Errors::none(),
    })
}

async fn new(visitor: Visitor) -> Result<Response> {
    show(&form_for(&visitor, None, ItemInput::default()).await?)
}

async fn create(visitor: Visitor, form: Form<ItemInput>) -> Result<Response> {
    let input = without_empty_rows(form.input);
    let made = async {
        let mut blank = Item::new(ItemId(Uuid::nil()), String::new(), visitor.app.env.now());
        let changes = ItemChanges { version: None, ..read(&input, &mut blank)? };
        visitor.change(form.key.as_ref(), async |tx| catalog::service::create(tx, &visitor.actor, &changes).await).await
    };
    match made.await {
        Ok(item) => Ok(done(&href(item.item_id, &item.code), &format!("Created {}.", item.code))),
        Err(error) => {
            let view = form_for(&visitor, None, input).await?;
            refuse(for_form(error, &NAMES), |errors| ItemForm { errors, ..view })
        }
    }
}

async fn load(visitor: &Visitor, reference: &str) -> Result<Item> {
    let actor = &visitor.actor;
    visitor.app.db.read(actor.tenant(), async |connection| catalog::service::get(connection, actor, reference).await).await
}

async fn edit_form(visitor: Visitor, Path(reference): Path<String>) -> Result<Response> {
    let item = load(&visitor, &reference).await?;
    show(&form_for(&visitor, Some(&item), input_of(&item)).await?)
}

async fn edit(visitor: Visitor, Path(reference): Path<String>, form: Form<ItemInput>) -> Result<Response> {
    let item = load(&visitor, &reference).await?;
    let input = without_empty_rows(form.input);
    let id = item.item_id.to_string();
    let changed = async {
        let changes = read(&input, &mut item.clone())?;
        visitor
            .change(form.key.as_ref(), async |tx| {
                catalog::service::update(tx, &visitor.actor, &inventory::Stocked, &id, &changes).await
            })
            .await
    };
    match changed.await {
        Ok(item) => Ok(done(&href(item.item_id, &item.code), &format!("Saved {}.", item.code))),
        Err(error) => {
            let view = form_for(&visitor, Some(&item), input).await?;
            refuse(for_form(error, &NAMES), |errors| ItemForm { errors, ..view })
        }
    }
}

/// The empty rows that the form offers are not meant; without them the numbers in the errors are those of the rows shown.
fn without_empty_rows(mut input: ItemInput) -> ItemInput {
    input.units.retain(|row| !row.unit.trim().is_empty() || !row.factor.trim().is_empty());
    input.barcodes.retain(|row| !row.barcode.trim().is_empty());
    input
}

/// The changes to `item` (without a code while it is new) that the form says; all that is wrong with it is told together.
fn read(input: &ItemInput, item: &mut Item) -> Result<ItemChanges> {
    let mut typed = Typed::default();
    let sides = typed.together([("length", &input.length), ("width", &input.width), ("height", &input.height)]);
    let units = input.units.iter().enumerate().map(|(index, row)| catalog::ItemUnit {
        unit: row.unit.clone(),
        factor: typed.needed_number(&format!("units[{index}].factor"), &row.factor).unwrap_or(Quantity::from(1)),
    });
    let units = units.collect();
    let is_new = item.code.is_empty();
    let base_unit = if is_new { input.base_unit.clone() } else { item.base_unit.clone() };
    if base_unit.trim() != input.base_unit.trim() {
        typed.refuse("base_unit", format!("must stay {base_unit}, because stock is counted in it; make another item instead"));
    }
    let changes = ItemChanges {
        version: typed.whole("version", &input.version),
        code: Some(input.code.clone()),
        name: Some(input.name.clone()),
        description: Some(input.description.clone()),
        category: Some(input.category.clone()),
        base_unit: Some(base_unit),
        dimensions: Some(sides.map(|[length, width, height]| Size { length, width, height, unit: input.length_unit.clone() })),
        volume: None,
        weight: Some(typed.number("weight", &input.weight).map(|value| Measure { value, unit: input.weight_unit.clone() })),
        abc_class: typed.word("abc_class", &input.abc_class),
        picks_per_day: Some(typed.number("picks_per_day", &input.picks_per_day).unwrap_or_default()),
        unit_value: Some(typed.number("unit_value", &input.unit_value)),
        shelf_life_days: Some(typed.whole("shelf_life_days", &input.shelf_life_days)),
        lot_tracked: Some(input.lot_tracked),
        serial_tracked: Some(input.serial_tracked),
        temperature_min_c: Some(typed.number("temperature_min", &input.temperature_min)),
        temperature_max_c: Some(typed.number("temperature_max", &input.temperature_max)),
        hazard_class: Some(wanted(&input.hazard_class)),
        security_zone: typed.word("security_zone", &input.security_zone),
        max_stack: Some(typed.whole("max_stack", &input.max_stack)),
        is_active: None,
        units: Some(units),
        barcodes: Some(
            input.barcodes.iter().map(|row| NewBarcode { barcode: row.barcode.clone(), unit: wanted(&row.unit) }).collect(),
        ),
    };
    typed.done(renamed(changes.apply(item), &NAMES))?;
    Ok(changes)
}

fn input_of(item: &Item) -> ItemInput {
    fn text(value: Option<impl ToString>) -> String {
        value.map_or_else(String::new, |value| value.to_string())
    }
    let celsius = |tenths: Option<i32>| text(tenths.map(warehouse::degrees));
    let [length, width, height] = item.dims_mm().map_or_else(Default::default, |sides| sides.map(|side| side.to_string()));
    let unit = |unit: &catalog::ItemUnit| UnitInput { unit: unit.unit.clone(), factor: unit.factor.to_string() };
    let barcode = |code: &catalog::ItemBarcode| BarcodeInput { barcode: code.barcode.clone(), unit: code.unit.clone() };
    ItemInput {
        version: item.version.to_string(),
        code: item.code.clone(),
        name: item.name.clone(),
        description: item.description.clone(),
        category: item.category.clone(),
        base_unit: item.base_unit.clone(),
        abc_class: item.abc_class.to_string(),
        picks_per_day: text(Some(item.picks_per_day).filter(|picks: &Decimal| !picks.is_zero())),
        unit_value: text(item.unit_value),
        length,
        width,
        height,
        weight: text(item.weight_g),
        shelf_life_days: text(item.shelf_life_days),
        lot_tracked: item.lot_tracked,
        serial_tracked: item.serial_tracked,
        temperature_min: celsius(item.temperature_min_dc),
        temperature_max: celsius(item.temperature_max_dc),
        hazard_class: item.hazard_class.clone().unwrap_or_default(),
        security_zone: item.security_zone.to_string(),
        max_stack: text(item.max_stack),
        units: item.units.iter().map(unit).collect(),
        barcodes: item.barcodes.iter().map(barcode).collect(),
        ..ItemInput::default()
    }
}

/// The version that the page with the button showed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Shown {
    version: String,
}

async fn activate(visitor: Visitor, Path(reference): Path<String>, form: Form<Shown>) -> Result<Response> {
    set_active(&visitor, &reference, &form, true).await
}

async fn deactivate(visitor: Visitor, Path(reference): Path<String>, form: Form<Shown>) -> Result<Response> {
    set_active(&visitor, &reference, &form, false).await
}

async fn set_active(visitor: &Visitor, reference: &str, form: &Form<Shown>, is_active: bool) -> Result<Response> {
    let back = format!("/items/{}", segment(reference));
    let changes = ItemChanges { version: form.input.version.parse().ok(), is_active: Some(is_active), ..ItemChanges::default() };
    let changed = visitor.change(form.key.as_ref(), async |tx| {
        catalog::service::update(tx, &visitor.actor, &inventory::Stocked, reference, &changes).await
    });
    Ok(match changed.await {
        Ok(_) => done(&back, if is_active { "Active again." } else { "Deactivated: it keeps its history and its stock." }),
        Err(error) => not_changed(&back, error),
    })
}

/// Back to the page whose button was pressed; the button has no input that a fault could stand beside.
pub fn not_changed(back: &str, error: Error) -> Response {
    redirect(back, FlashKind::Failed, &format!("Not changed: {}.", for_form(error, &[]).detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blank() -> Item {
        Item::new(ItemId(Uuid::nil()), String::new(), DateTime::UNIX_EPOCH)
    }

    fn filled() -> ItemInput {
        ItemInput {
            version: "3".into(),
            code: "MUG".into(),
            name: "Mug".into(),
            length: "12".into(),
            width: "9".into(),
            height: "10".into(),
            length_unit: "cm".into(),
            weight: "0.31".into(),
            weight_unit: "kg".into(),
            unit_value: "4.90".into(),
            temperature_min: "-18.5".into(),
            units: vec![UnitInput { unit: "CASE".into(), factor: "12".into() }, UnitInput::default()],
            barcodes: vec![
                BarcodeInput { barcode: "X-1".into(), unit: "CASE".into() },
                BarcodeInput { unit: "EA".into(), ..Default::default() },
            ],
            ..ItemInput::default()
        }
    }

    #[test]
    fn a_filled_form_is_read_and_shown_again_as_it_is_kept() {
        let mut item = blank();
        let changes = read(&without_empty_rows(filled()), &mut item).unwrap();
        assert_eq!(changes.version, Some(3));
        assert_eq!((item.dims_mm(), item.weight_g), (Some([120, 90, 100]), Some(310)));
        assert_eq!(item.unit_value, Some(Decimal::new(49, 1)));
        let shown = input_of(&item);
        assert_eq!((shown.length.as_str(), shown.weight.as_str(), shown.temperature_min.as_str()), ("120", "310", "-18.5"));
        assert_eq!((shown.units.len(), shown.barcodes.len()), (1, 1));
        let mut again = item.clone();
        read(&shown, &mut again).unwrap();
        assert_eq!(again, item);
    }

    #[test]
    fn everything_wrong_is_told_beside_its_input() {
        let input = ItemInput {
            code: " ".into(),
            width: String::new(),
            weight: "heavy".into(),
            shelf_life_days: "soon".into(),
            temperature_max: "-20".into(),
            units: vec![
                UnitInput { unit: "CASE".into(), factor: "x".into() },
                UnitInput { unit: String::new(), factor: "2".into() },
            ],
            ..filled()
        };
        let error = read(&without_empty_rows(input), &mut blank()).unwrap_err();
        let mut fields: Vec<_> = error.fields.into_iter().map(|fault| fault.field).collect();
        fields.sort();
        assert_eq!(fields, ["code", "shelf_life_days", "temperature_min", "units[0].factor", "units[1].unit", "weight", "width"]);
    }

    #[test]
    fn only_a_new_item_chooses_its_base_unit() {
        let input = without_empty_rows(ItemInput { base_unit: "KG".into(), ..filled() });
        assert_eq!(read(&input, &mut blank()).unwrap().base_unit.as_deref(), Some("KG"));
        let mut kept = blank();
        read(&without_empty_rows(filled()), &mut kept).unwrap();
        let error = read(&input, &mut kept).unwrap_err();
        assert_eq!(error.fields.into_iter().map(|fault| fault.field).collect::<Vec<_>>(), ["base_unit"]);
    }

    #[test]
    fn a_code_that_is_another_page_gives_way_to_the_id() {
        let id = ItemId(Uuid::from_u128(7));
        assert_eq!(href(id, "A/B"), "/items/A%2FB");
        assert_eq!(href(id, "new"), format!("/items/{id}"));
        assert_eq!(href(id, ".."), format!("/items/{id}"));
    }

    #[test]
    fn a_lot_is_marked_when_its_day_is_near_or_past() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let in_days = |days: i64| Some((now + TimeDelta::days(days)).date_naive());
        assert!(expires_soon(in_days(-3), now) && expires_soon(in_days(30), now));
        assert!(!expires_soon(in_days(31), now) && !expires_soon(None, now));
    }
}
