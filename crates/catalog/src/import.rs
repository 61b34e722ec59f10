//! Items from files.

use std::collections::{HashMap, HashSet};
use std::str::FromStr as _;

use futures::future::BoxFuture;
use kernel::{Code, FieldError, Invalid, ItemId, Quantity};
use platform::auth::{Actor, Permission};
use platform::database::Tx;
use platform::imports::{Counts, Importer, Options};
use platform::tabular::{Column, MeasureKind, Row};
use platform::{Error, Result};

use crate::guard::{Guard, StockGuard};
use crate::model::{
    AbcClass, Item, ItemChanges, ItemUnit, MAX_LENGTH_MM, MAX_VOLUME_CM3, MAX_WEIGHT_G, Measure, NewBarcode, SecurityZone, Size,
};
use crate::{ITEMS_WRITE, service, store};

const COLUMNS: &[Column] = &[
    Column::text("code", "your own code of the item, 1 to 64 characters").required().key(),
    Column::text("name", "1 to 300 characters; a new item without a name is called by its code"),
    Column::text("description", "at most 4,000 characters"),
    Column::text("category", "at most 100 characters"),
    Column::text("base_unit", "the unit that stock is counted in, EA when empty; an existing item keeps its own"),
    Column::measure("length", MeasureKind::Length, "length of one base unit; all three dimensions or none"),
    Column::measure("width", MeasureKind::Length, "width of one base unit"),
    Column::measure("height", MeasureKind::Length, "height of one base unit"),
    Column::measure("volume", MeasureKind::Volume, "volume of one base unit; used only where the dimensions are not known"),
    Column::measure("weight", MeasureKind::Weight, "weight of one base unit"),
    Column::text("abc_class", "A, B or C; C when empty"),
    Column::text("picks_per_day", "how often it is picked, such as 12.5"),
    Column::text("unit_value", "what one base unit is worth, 0 or more, such as 4.90"),
    Column::text("shelf_life_days", "1 to 36500"),
    Column::text("lot_tracked", "yes or no; no when empty"),
    Column::text("serial_tracked", "yes or no; no when empty; changes only while nothing is in stock"),
    Column::text("temperature_min", "coldest storage in degrees Celsius"),
    Column::text("temperature_max", "warmest storage in degrees Celsius"),
    Column::text("hazard_class", "at most 16 characters"),
    Column::text("security_zone", "STANDARD, RESTRICTED, HIGH_SECURITY or VAULT; STANDARD when empty"),
    Column::text("max_stack", "how many may stand on one another, 1 to 1000"),
    Column::text("active", "yes or no; yes when empty"),
    Column::text("units", "other units with their factor: CTN=12 PAL=480; added to those the item has"),
    Column::text("barcode", "a barcode of the base unit; added to those the item has"),
];

/// Creates and updates items by their code.
pub struct ItemImporter(pub Guard);

impl Importer for ItemImporter {
    fn kind(&self) -> &'static str {
        "items"
    }

    fn permission(&self) -> Permission {
        ITEMS_WRITE
    }

    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn event(&self) -> &'static str {
        "catalog.items.imported"
    }

    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        actor: &'a Actor,
        _: &'a Options,
        rows: &'a mut [Row],
    ) -> BoxFuture<'a, Result<Counts>> {
        Box::pin(apply(tx, actor, &*self.0, rows))
    }
}

/// What a row wants: the item as it is to be, and as it was if it exists.
struct Wanted {
    row: usize,
    item: Item,
    old: Option<Item>,
}

async fn apply(tx: &mut Tx, actor: &Actor, guard: &dyn StockGuard, rows: &mut [Row]) -> Result<Counts> {
    let codes: Vec<String> =
        rows.iter().filter(|row| !row.is_bad()).filter_map(|row| row.text("code")).map(str::to_owned).collect();
    let stored = store::by_ids_or_codes(tx, actor.tenant(), &[], &codes).await?;
    let mut stored: HashMap<String, Item> = stored.into_iter().map(|item| (item.code.clone(), item)).collect();
    let mut wanted = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter_mut().enumerate().filter(|(_, row)| !row.is_bad()) {
        let code = row.text("code").and_then(|code| Code::parse(code).ok());
        let old = code.and_then(|code| stored.remove(code.as_str()));
        if let Some(item) = read(row, actor, old.as_ref()) {
            wanted.push(Wanted { row: index, item, old });
        }
    }
    refuse_taken_barcodes(tx, actor, rows, &mut wanted).await?;
    refuse_while_in_stock(tx, actor, guard, rows, &mut wanted).await?;
    write(tx, actor, wanted).await
}

/// The item that a row describes; `None` when the row is bad.
fn read(row: &mut Row, actor: &Actor, old: Option<&Item>) -> Option<Item> {
    let mut item = old.cloned().unwrap_or_else(|| Item::new(ItemId(actor.env.new_id()), String::new(), actor.env.now()));
    let changes = changes(row, &item, old.is_some());
    let faults = changes.apply(&mut item);
    if item.name.is_empty() {
        item.name.clone_from(&item.code);
    }
    for fault in &faults {
        row.refuse(column_of(fault), fault.message.as_str());
    }
    if old.is_some_and(|old| old.base_unit != item.base_unit) {
        row.refuse("base_unit", format!("must stay {}, because stock is counted in it", old.map_or("", |old| &old.base_unit)));
    }
    (!row.is_bad()).then_some(item)
}

fn changes(row: &mut Row, item: &Item, exists: bool) -> ItemChanges {
    let owned = |row: &Row, column: &str| row.text(column).map(str::to_owned);
    let small = |row: &mut Row, column: &str, most: i64| row.integer(column, 1, most).and_then(|value| i32::try_from(value).ok());
    let dimensions = dimensions(row);
    let has_dimensions = dimensions.is_some() || item.dimensions.is_some();
    let volume = row.measure("volume", MAX_VOLUME_CM3).filter(|_| !has_dimensions);
    ItemChanges {
        code: owned(row, "code").filter(|_| !exists),
        name: owned(row, "name"),
        description: owned(row, "description"),
        category: owned(row, "category"),
        base_unit: owned(row, "base_unit"),
        dimensions: dimensions.map(Some),
        volume: volume.map(|volume| Some(Measure { value: whole(volume), unit: "cm3".into() })),
        weight: row.measure("weight", MAX_WEIGHT_G).map(|weight| Some(Measure { value: whole(weight), unit: "g".into() })),
        abc_class: row.parse("abc_class", AbcClass::from_str),
        picks_per_day: row.quantity("picks_per_day"),
        unit_value: row.quantity("unit_value").map(Some),
        shelf_life_days: small(row, "shelf_life_days", 36_500).map(Some),
        lot_tracked: row.flag("lot_tracked"),
        serial_tracked: row.flag("serial_tracked"),
        temperature_min_c: row.quantity("temperature_min").map(Some),
        temperature_max_c: row.quantity("temperature_max").map(Some),
        hazard_class: owned(row, "hazard_class").map(Some),
        security_zone: row.parse("security_zone", SecurityZone::from_str),
        max_stack: small(row, "max_stack", 1_000).map(Some),
        is_active: row.flag("active"),
        units: row.parse("units", |text| units(text, &item.units)),
        barcodes: owned(row, "barcode").map(|barcode| barcodes(barcode, item)),
        version: None,
    }
}

fn whole(base: i64) -> Quantity {
    Quantity::from_db(base.into())
}

/// All three or none; a size that is partly known is of no use and most likely a slip.
fn dimensions(row: &mut Row) -> Option<Size> {
    let names = ["length", "width", "height"];
    let sides = names.map(|name| row.measure(name, MAX_LENGTH_MM));
    if let [Some(length), Some(width), Some(height)] = sides {
        return Some(Size { length: whole(length), width: whole(width), height: whole(height), unit: "mm".into() });
    }
    if sides.iter().any(Option::is_some) && !row.is_bad() {
        for (name, _) in names.iter().zip(sides).filter(|(_, side)| side.is_none()) {
            row.refuse_with(name, "is missing while another dimension is given", "give all three dimensions, or none");
        }
    }
    None
}

/// `CTN=12 PAL=480`, over the units that the item has.
fn units(text: &str, known: &[ItemUnit]) -> Result<Vec<ItemUnit>, Invalid> {
    let mut units = known.to_vec();
    for pair in text.split_whitespace() {
        let (name, factor) = pair.split_once('=').ok_or_else(|| Invalid("must be pairs such as CTN=12 PAL=480".into()))?;
        let factor = factor.parse().map_err(|Invalid(reason)| Invalid(format!("the factor of {name} {reason}")))?;
        match units.iter_mut().find(|unit| unit.unit == name) {
            Some(unit) => unit.factor = factor,
            None => units.push(ItemUnit { unit: name.to_owned(), factor }),
        }
    }
    Ok(units)
}

fn barcodes(barcode: String, item: &Item) -> Vec<NewBarcode> {
    let known = item.barcodes.iter().map(|known| NewBarcode { barcode: known.barcode.clone(), unit: Some(known.unit.clone()) });
    let is_new = !item.barcodes.iter().any(|known| known.barcode == barcode);
    known.chain(is_new.then_some(NewBarcode { barcode, unit: None })).collect()
}

/// Where the file says what the rule names.
fn column_of(fault: &FieldError) -> &str {
    match fault.field.as_str() {
        "temperature_min_c" => "temperature_min",
        "temperature_max_c" => "temperature_max",
        "is_active" => "active",
        field if field.starts_with("units") => "units",
        field if field.starts_with("barcodes") => "barcode",
        field => field.strip_prefix("dimensions.").unwrap_or(field),
    }
}

/// A barcode names one item: neither one that is stored nor another of this file may have it.
async fn refuse_taken_barcodes(tx: &mut Tx, actor: &Actor, rows: &mut [Row], wanted: &mut Vec<Wanted>) -> Result<()> {
    let asked: Vec<String> = wanted.iter().filter_map(|one| rows[one.row].text("barcode")).map(str::to_owned).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let owners = store::barcode_owners(tx, actor.tenant(), &asked).await?;
    let mut owners: HashMap<String, (ItemId, String)> =
        owners.into_iter().map(|(barcode, id, code)| (barcode, (id, code))).collect();
    let mut refused = HashSet::new();
    for one in wanted.iter() {
        let row = &mut rows[one.row];
        let Some(barcode) = row.text("barcode").map(str::to_owned) else { continue };
        let (owner, code) = owners.entry(barcode).or_insert_with(|| (one.item.item_id, one.item.code.clone()));
        if *owner != one.item.item_id {
            row.refuse_with(
                "barcode",
                format!("is the barcode of item {code:?}"),
                "correct it, or take it away from that item first",
            );
            refused.insert(one.row);
        }
    }
    wanted.retain(|one| !refused.contains(&one.row));
    Ok(())
}

/// Whether serial numbers are tracked changes only while nothing is in stock.
async fn refuse_while_in_stock(
    tx: &mut Tx,
    actor: &Actor,
    guard: &dyn StockGuard,
    rows: &mut [Row],
    wanted: &mut Vec<Wanted>,
) -> Result<()> {
    let changes = |one: &Wanted| one.old.as_ref().is_some_and(|old| old.serial_tracked != one.item.serial_tracked);
    let items: Vec<ItemId> = wanted.iter().filter(|one| changes(one)).map(|one| one.item.item_id).collect();
    let stocked = service::locked_in_stock(tx, actor.tenant(), guard, &items).await?;
    wanted.retain(|one| {
        let is_free = !stocked.contains(&one.item.item_id);
        if !is_free {
            rows[one.row].refuse("serial_tracked", service::IN_STOCK);
        }
        is_free
    });
    Ok(())
}

async fn write(tx: &mut Tx, actor: &Actor, wanted: Vec<Wanted>) -> Result<Counts> {
    let mut counts = Counts::default();
    let (mut created, mut updated, mut redetailed) = (Vec::new(), Vec::new(), Vec::new());
    for Wanted { mut item, old, .. } in wanted {
        match old {
            None => created.push(item),
            Some(old) if old == item => counts.unchanged += 1,
            Some(old) => {
                item.version += 1;
                item.updated_at = actor.env.now();
                if item.units != old.units || item.barcodes != old.barcodes {
                    redetailed.push(item.item_id);
                }
                updated.push(item);
            }
        }
    }
    counts.created = created.len() as u64;
    counts.updated = updated.len() as u64;
    let tenant = actor.tenant();
    if !created.is_empty() {
        store::insert(tx, tenant, &created).await?;
        store::insert_details(tx, tenant, &created.iter().collect::<Vec<_>>()).await?;
    }
    if !updated.is_empty() {
        if store::update(tx, tenant, &updated).await? < counts.updated {
            return Err(Error::conflict("somebody changed one of these items meanwhile; import the file again"));
        }
        let redetailed: Vec<&Item> = updated.iter().filter(|item| redetailed.contains(&item.item_id)).collect();
        store::replace_details(tx, tenant, &redetailed).await?;
    }
    Ok(counts)
}
