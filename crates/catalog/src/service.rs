//! Use cases of the catalogue, and the look-ups that other contexts make inside their own transactions.

use std::collections::{HashMap, HashSet};

use kernel::{ErrorCode, FieldError, ItemId, Page, PageRequest, TenantId};
use platform::auth::{Actor, Permission, roles};
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result, audit};
use rust_decimal::Decimal;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::guard::StockGuard;
use crate::model::{AbcClass, Item, ItemChanges, ItemFilter, barcode_spellings};
use crate::store;

pub const ITEMS_READ: Permission = Permission::new("items:read", roles::EVERYBODY);
pub const ITEMS_WRITE: Permission = Permission::new("items:write", roles::STAFF);

const MAX_SEARCH_CHARS: usize = 300;
pub const MAX_CATEGORIES: i64 = 500;

/// A new item; `code` and `name` are needed.
pub async fn create(tx: &mut Tx, actor: &Actor, input: &ItemChanges) -> Result<Item> {
    actor.require(ITEMS_WRITE)?;
    let mut item = Item::new(ItemId(actor.env.new_id()), String::new(), actor.env.now());
    let mut faults = Vec::new();
    for (field, given) in [("code", &input.code), ("name", &input.name)] {
        if given.is_none() {
            faults.push(FieldError::new(field, "is needed for a new item"));
        }
    }
    if input.version.is_some() {
        faults.push(FieldError::new("version", "must be absent; a new item has none yet"));
    }
    faults.extend(input.apply(&mut item));
    if !faults.is_empty() {
        return Err(Error::invalid(faults));
    }
    let tenant = actor.tenant();
    store::insert(tx, tenant, std::slice::from_ref(&item)).await?;
    store::insert_details(tx, tenant, &[&item]).await?;
    tx.audit(actor, audit::Entry::new("item.create", "item", item.item_id).after(&item));
    announce(tx, actor, &item, "created");
    Ok(item)
}

/// Changes an item, named by id or code. `version` is needed: 409 when somebody else changed the item since. What is as it
/// was already is not written.
pub async fn update(tx: &mut Tx, actor: &Actor, guard: &dyn StockGuard, reference: &str, input: &ItemChanges) -> Result<Item> {
    actor.require(ITEMS_WRITE)?;
    let old = find(tx, actor.tenant(), reference).await?;
    let mut item = old.clone();
    let mut faults = Vec::new();
    if input.version.is_none() {
        faults.push(FieldError::new("version", "is needed: the version of the item that the change is based on"));
    }
    faults.extend(input.apply(&mut item));
    if item.base_unit != old.base_unit {
        let message = format!("must stay {}, because stock is counted in it; make another item instead", old.base_unit);
        faults.push(FieldError::new("base_unit", message));
    }
    if !faults.is_empty() {
        return Err(Error::invalid(faults));
    }
    if input.version != Some(old.version) {
        return Err(changed_meanwhile(&old));
    }
    if item == old {
        return Ok(old);
    }
    if item.serial_tracked != old.serial_tracked && !locked_in_stock(tx, actor.tenant(), guard, &[item.item_id]).await?.is_empty()
    {
        return Err(Error::field("serial_tracked", IN_STOCK));
    }
    item.version += 1;
    item.updated_at = actor.env.now();
    if store::update(tx, actor.tenant(), std::slice::from_ref(&item)).await? == 0 {
        return Err(changed_meanwhile(&old));
    }
    if item.units != old.units || item.barcodes != old.barcodes {
        store::replace_details(tx, actor.tenant(), &[&item]).await?;
    }
    let (action, change) = match (old.is_active, item.is_active) {
        (true, false) => ("item.deactivate", "deactivated"),
        (false, true) => ("item.activate", "activated"),
        _ => ("item.update", "updated"),
    };
    tx.audit(actor, audit::Entry::new(action, "item", item.item_id).before(&old).after(&item));
    announce(tx, actor, &item, change);
    Ok(item)
}

/// For other contexts, which have authorised already: what is known by now of how fast items move, each a class (none where it
/// stays as it is) and picks per day.
/// Items of which both were so already, or that are gone, are not written; the answer is how many were.
pub async fn reclassify(tx: &mut Tx, actor: &Actor, known: &[(ItemId, Option<AbcClass>, Decimal)]) -> Result<usize> {
    let ids: Vec<ItemId> = known.iter().map(|(id, ..)| *id).collect();
    let mut items = items_by_ids(tx, actor.tenant(), &ids).await?;
    let mut changed = Vec::new();
    for (id, class, picks_per_day) in known {
        let Some(old) = items.remove(id) else { continue };
        let class = class.unwrap_or(old.abc_class);
        if old.abc_class == class && old.picks_per_day == *picks_per_day {
            continue;
        }
        let new = Item {
            abc_class: class,
            picks_per_day: *picks_per_day,
            version: old.version + 1,
            updated_at: actor.env.now(),
            ..old.clone()
        };
        let figures = |item: &Item| json!({ "abc_class": item.abc_class, "picks_per_day": item.picks_per_day });
        tx.audit(actor, audit::Entry::new("item.reclassify", "item", *id).before(&figures(&old)).after(&figures(&new)));
        announce(tx, actor, &new, "updated");
        changed.push(new);
    }
    if !changed.is_empty() && store::update(tx, actor.tenant(), &changed).await? < changed.len() as u64 {
        return Err(Error::new(ErrorCode::VersionConflict, "an item was changed meanwhile; try again"));
    }
    Ok(changed.len())
}

/// Why the way of counting an item cannot change now.
pub(crate) const IN_STOCK: &str = "can change only while nothing of the item is in stock, because its pieces are known by number or not; issue, scrap or adjust it first";

/// Those of the items that are in stock. All of them are locked first: a movement that brings goods in checks its items last,
/// under a lock that waits for this one.
pub(crate) async fn locked_in_stock(
    tx: &mut Tx,
    tenant: &TenantId,
    guard: &dyn StockGuard,
    items: &[ItemId],
) -> Result<HashSet<ItemId>> {
    if items.is_empty() {
        return Ok(HashSet::new());
    }
    let mut ids: Vec<Uuid> = items.iter().map(|id| id.0).collect();
    ids.sort_unstable();
    store::lock(tx, tenant, &ids).await?;
    guard.in_stock(tx, tenant, items).await
}

/// For the context that counts stock: which of the items are serial-tracked, read under a lock that keeps that so until the
/// caller's transaction ends. One round trip; unknown ids are absent.
pub async fn serial_tracked(connection: &mut PgConnection, tenant: &TenantId, ids: &[ItemId]) -> Result<HashSet<ItemId>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let mut ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(store::serial_tracked(connection, tenant, &ids).await?.into_iter().map(ItemId).collect())
}

/// For the proof of the stock's invariants, which may look across tenants: every serial-tracked item.
pub async fn every_serial_tracked(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Vec<(String, ItemId)>> {
    store::every_serial_tracked(connection, tenant).await
}

fn changed_meanwhile(old: &Item) -> Error {
    let detail = format!("item {:?} is at version {} by now", old.code, old.version);
    Error::new(ErrorCode::VersionConflict, detail).at("version")
}

fn announce(tx: &mut Tx, actor: &Actor, item: &Item, change: &str) {
    let payload = json!({ "code": item.code, "change": change, "version": item.version });
    tx.publish(actor, Event::new("catalog.item.changed", item.item_id, payload));
}

/// One item by id or code.
pub async fn get(connection: &mut PgConnection, actor: &Actor, reference: &str) -> Result<Item> {
    actor.require(ITEMS_READ)?;
    find(connection, actor.tenant(), reference).await
}

/// The item that carries a barcode; a GTIN is found with any number of leading zeros. Which unit the barcode stands on is among
/// the item's barcodes.
pub async fn lookup(connection: &mut PgConnection, actor: &Actor, barcode: &str) -> Result<Item> {
    actor.require(ITEMS_READ)?;
    let found = store::by_barcode(connection, actor.tenant(), &barcode_spellings(barcode)).await?;
    found.ok_or_else(|| Error::not_found(format_args!("an item with the barcode {:?}", barcode.trim())))
}

/// Ordered by code.
pub async fn list(connection: &mut PgConnection, actor: &Actor, filter: &ItemFilter, page: &PageRequest) -> Result<Page<Item>> {
    actor.require(ITEMS_READ)?;
    let after: Option<String> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let filter = narrowed(filter)?;
    let items = store::list(connection, actor.tenant(), &filter, after.as_deref(), page.fetch()).await?;
    Ok(Page::cut(items, page, |item| item.code.clone()))
}

/// The categories that items have, in alphabetical order; the first [`MAX_CATEGORIES`].
pub async fn categories(connection: &mut PgConnection, actor: &Actor) -> Result<Vec<String>> {
    actor.require(ITEMS_READ)?;
    store::categories(connection, actor.tenant(), MAX_CATEGORIES).await
}

fn narrowed(filter: &ItemFilter) -> Result<ItemFilter> {
    let mut faults = Vec::new();
    let mut given = |field: &str, text: &Option<String>| {
        let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
        if text.chars().count() > MAX_SEARCH_CHARS || text.contains('\0') {
            faults.push(FieldError::new(field, format!("must be at most {MAX_SEARCH_CHARS} characters without NUL")));
        }
        Some(text.to_owned())
    };
    let filter = ItemFilter { q: given("q", &filter.q), category: given("category", &filter.category), ..filter.clone() };
    if faults.is_empty() { Ok(filter) } else { Err(Error::invalid(faults)) }
}

async fn find(connection: &mut PgConnection, tenant: &TenantId, reference: &str) -> Result<Item> {
    let reference = reference.to_owned();
    let found = resolve(connection, tenant, std::slice::from_ref(&reference)).await?;
    found.into_values().next().ok_or_else(|| Error::not_found(format_args!("item {reference:?}")))
}

/// For other contexts, which have authorised already: the items with these ids, inactive ones too; unknown ids are
/// absent. One round trip; duplicates in `ids` are allowed.
pub async fn items_by_ids(connection: &mut PgConnection, tenant: &TenantId, ids: &[ItemId]) -> Result<HashMap<ItemId, Item>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let items = store::by_ids(connection, tenant, &ids).await?;
    Ok(items.into_iter().map(|item| (item.item_id, item)).collect())
}

/// What a person calls an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemLabel {
    pub code: String,
    pub name: String,
    pub base_unit: String,
}

/// For other contexts, which have authorised already: as [`items_by_ids`], but only what a row about an item shows of it.
pub async fn labels_by_ids(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[ItemId],
) -> Result<HashMap<ItemId, ItemLabel>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    store::labels(connection, tenant, &ids).await
}

/// What one base unit of an item measures and weighs, for sums over many items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemSize {
    pub volume_mm3: Option<i64>,
    pub weight_g: Option<i64>,
    pub hazard_class: Option<String>,
}

/// For other contexts, which have authorised already: as [`items_by_ids`], but only what sums over whole buildings need;
/// several times faster for thousands of items.
pub async fn sizes_by_ids(connection: &mut PgConnection, tenant: &TenantId, ids: &[ItemId]) -> Result<HashMap<ItemId, ItemSize>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    store::sizes(connection, tenant, &ids).await
}

/// An active item that no capacity can be checked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmeasuredItem {
    pub item_id: ItemId,
    pub code: String,
    pub name: String,
    /// Neither dimensions nor volume are known.
    pub lacks_size: bool,
    pub lacks_weight: bool,
}

/// Active items whose size or weight nobody has entered, by code.
pub async fn unmeasured(connection: &mut PgConnection, actor: &Actor, page: &PageRequest) -> Result<Page<UnmeasuredItem>> {
    actor.require(ITEMS_READ)?;
    let after: Option<String> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let items = store::unmeasured(connection, actor.tenant(), after.as_deref(), page.fetch()).await?;
    Ok(Page::cut(items, page, |item| item.code.clone()))
}

/// For other contexts, which have authorised already: how many items are active, and how many of them lack a size or a weight.
pub async fn count_active(connection: &mut PgConnection, tenant: &TenantId) -> Result<(i64, i64)> {
    store::count_active(connection, tenant).await
}

/// For other contexts, which have authorised already: the items that `references` name, each by id or by code (an id wins).
/// The keys of the answer are the references exactly as given; unknown ones are absent, inactive items are present. One round trip.
pub async fn resolve(connection: &mut PgConnection, tenant: &TenantId, references: &[String]) -> Result<HashMap<String, Item>> {
    // PostgreSQL cannot store NUL, so nothing is called so, and it would refuse to be asked.
    let references: Vec<&String> = references.iter().filter(|text| !text.contains('\0')).collect();
    if references.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = references.iter().filter_map(|text| as_id(text)).collect();
    let codes: Vec<String> = references.iter().map(|text| text.trim().to_owned()).collect();
    let items = store::by_ids_or_codes(connection, tenant, &ids, &codes).await?;
    let by_id: HashMap<Uuid, &Item> = items.iter().map(|item| (item.item_id.0, item)).collect();
    let by_code: HashMap<&str, &Item> = items.iter().map(|item| (item.code.as_str(), item)).collect();
    let found = references.into_iter().filter_map(|reference| {
        let item = as_id(reference).and_then(|id| by_id.get(&id)).or_else(|| by_code.get(reference.trim()))?;
        Some((reference.clone(), (*item).clone()))
    });
    Ok(found.collect())
}

fn as_id(reference: &str) -> Option<Uuid> {
    Uuid::parse_str(reference.trim()).ok()
}
