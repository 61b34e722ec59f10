use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::{ErrorCode, ItemId, TenantId};
use platform::{Error, Result};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::model::{Dimensions, Item, ItemBarcode, ItemFilter, ItemUnit};
use crate::service::{ItemLabel, ItemSize, UnmeasuredItem};

/// One row of catalog.items with its units and barcodes, as the database gives it.
struct ItemRow {
    item_id: Uuid,
    code: String,
    name: String,
    description: String,
    category: String,
    base_unit: String,
    length_mm: Option<i32>,
    width_mm: Option<i32>,
    height_mm: Option<i32>,
    volume_cm3: Option<i64>,
    weight_g: Option<i64>,
    abc_class: String,
    picks_per_day: Decimal,
    unit_value: Option<Decimal>,
    shelf_life_days: Option<i32>,
    lot_tracked: bool,
    serial_tracked: bool,
    temperature_min_dc: Option<i32>,
    temperature_max_dc: Option<i32>,
    hazard_class: Option<String>,
    security_zone: String,
    max_stack: Option<i32>,
    is_active: bool,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    units: Option<Json<Vec<ItemUnit>>>,
    barcodes: Option<Json<Vec<ItemBarcode>>>,
}

/// The macro keeps the one list of columns for every way to find items.
macro_rules! select_items {
    ($rest:tt, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            ItemRow,
            r#"SELECT i.item_id AS "item_id!", i.code AS "code!", i.name AS "name!", i.description AS "description!",
                      i.category AS "category!", i.base_unit AS "base_unit!", i.length_mm, i.width_mm, i.height_mm, i.volume_cm3,
                      i.weight_g, i.abc_class AS "abc_class!", i.picks_per_day AS "picks_per_day!", i.unit_value, i.shelf_life_days,
                      i.lot_tracked AS "lot_tracked!", i.serial_tracked AS "serial_tracked!", i.temperature_min_dc, i.temperature_max_dc, i.hazard_class,
                      i.security_zone AS "security_zone!", i.max_stack, i.is_active AS "is_active!", i.version AS "version!",
                      i.created_at AS "created_at!", i.updated_at AS "updated_at!",
                      (SELECT jsonb_agg(jsonb_build_object('unit', u.unit, 'factor', u.factor::text) ORDER BY u.unit)
                       FROM catalog.item_units u WHERE u.tenant_id = $1 AND u.item_id = i.item_id) AS "units: Json<Vec<ItemUnit>>",
                      (SELECT jsonb_agg(jsonb_build_object('barcode', b.barcode, 'unit', b.unit) ORDER BY b.barcode)
                       FROM catalog.item_barcodes b WHERE b.tenant_id = $1 AND b.item_id = i.item_id) AS "barcodes: Json<Vec<ItemBarcode>>"
               FROM "# + $rest,
            $($argument),+
        )
    };
}

impl TryFrom<ItemRow> for Item {
    type Error = Error;

    fn try_from(row: ItemRow) -> Result<Self> {
        let dimensions = match (row.length_mm, row.width_mm, row.height_mm) {
            (Some(length_mm), Some(width_mm), Some(height_mm)) => Some(Dimensions { length_mm, width_mm, height_mm }),
            _ => None,
        };
        Ok(Self {
            item_id: ItemId(row.item_id),
            code: row.code,
            name: row.name,
            description: row.description,
            category: row.category,
            base_unit: row.base_unit,
            dimensions,
            volume_cm3: row.volume_cm3,
            weight_g: row.weight_g,
            abc_class: row.abc_class.parse().map_err(Error::internal)?,
            picks_per_day: row.picks_per_day.normalize(),
            unit_value: row.unit_value.map(|value| value.normalize()),
            shelf_life_days: row.shelf_life_days,
            lot_tracked: row.lot_tracked,
            serial_tracked: row.serial_tracked,
            temperature_min_dc: row.temperature_min_dc,
            temperature_max_dc: row.temperature_max_dc,
            hazard_class: row.hazard_class,
            security_zone: row.security_zone.parse().map_err(Error::internal)?,
            max_stack: row.max_stack,
            is_active: row.is_active,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            units: row.units.map(|Json(units)| units).unwrap_or_default(),
            barcodes: row.barcodes.map(|Json(barcodes)| barcodes).unwrap_or_default(),
        })
    }
}

fn items(rows: Vec<ItemRow>) -> Result<Vec<Item>> {
    rows.into_iter().map(Item::try_from).collect()
}

// Every id or code is looked up by itself (LATERAL, which OFFSET 0 keeps the planner from undoing): compared with the whole list,
// all rows of a tenant would be read whenever the planner thinks them few.

pub async fn by_ids(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<Item>> {
    let rows = select_items!(
        "(SELECT DISTINCT unnest($2::uuid[]) AS item_id) asked
         CROSS JOIN LATERAL (SELECT * FROM catalog.items c WHERE c.tenant_id = $1 AND c.item_id = asked.item_id OFFSET 0) i",
        tenant.as_str(),
        ids
    )
    .fetch_all(connection)
    .await?;
    items(rows)
}

/// Labels without the rest of the items.
pub async fn labels(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<HashMap<ItemId, ItemLabel>> {
    let rows = sqlx::query!(
        "SELECT i.item_id, i.code, i.name, i.base_unit FROM (SELECT DISTINCT unnest($2::uuid[]) AS item_id) asked
         CROSS JOIN LATERAL (SELECT * FROM catalog.items c WHERE c.tenant_id = $1 AND c.item_id = asked.item_id OFFSET 0) i",
        tenant.as_str(),
        ids,
    )
    .fetch_all(connection)
    .await?;
    let label = |code, name, base_unit| ItemLabel { code, name, base_unit };
    Ok(rows.into_iter().map(|row| (ItemId(row.item_id), label(row.code, row.name, row.base_unit))).collect())
}

/// Sizes without the rest of the items.
pub async fn sizes(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<HashMap<ItemId, ItemSize>> {
    let rows = sqlx::query!(
        r#"SELECT item_id, coalesce(length_mm::bigint * width_mm * height_mm, volume_cm3 * 1000) AS volume_mm3, weight_g, hazard_class
           FROM catalog.items WHERE tenant_id = $1 AND item_id = ANY ($2)"#,
        tenant.as_str(),
        ids,
    )
    .fetch_all(connection)
    .await?;
    let size = |volume_mm3, weight_g, hazard_class| ItemSize { volume_mm3, weight_g, hazard_class };
    Ok(rows.into_iter().map(|row| (ItemId(row.item_id), size(row.volume_mm3, row.weight_g, row.hazard_class))).collect())
}

/// Whose id is in `ids`, or whose code is in `codes`; one that is asked for in both ways comes twice.
/// Active items that lack a size or a weight, by code.
pub async fn unmeasured(
    connection: &mut PgConnection,
    tenant: &TenantId,
    after: Option<&str>,
    most: i64,
) -> Result<Vec<UnmeasuredItem>> {
    let rows = sqlx::query!(
        r#"SELECT item_id, code, name, (length_mm IS NULL AND volume_cm3 IS NULL) AS "lacks_size!", weight_g IS NULL AS "lacks_weight!"
           FROM catalog.items
           WHERE tenant_id = $1 AND is_active AND (weight_g IS NULL OR (length_mm IS NULL AND volume_cm3 IS NULL))
             AND ($2::text IS NULL OR code > $2)
           ORDER BY code LIMIT $3"#,
        tenant.as_str(),
        after,
        most,
    );
    let item = |item_id, code, name, lacks_size, lacks_weight| UnmeasuredItem { item_id, code, name, lacks_size, lacks_weight };
    let rows = rows.fetch_all(connection).await?.into_iter();
    Ok(rows.map(|row| item(ItemId(row.item_id), row.code, row.name, row.lacks_size, row.lacks_weight)).collect())
}

/// Active items, and those of them that [`unmeasured`] lists.
pub async fn count_active(connection: &mut PgConnection, tenant: &TenantId) -> Result<(i64, i64)> {
    let counts = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM catalog.items WHERE tenant_id = $1 AND is_active) AS "active!",
                  (SELECT count(*) FROM catalog.items WHERE tenant_id = $1 AND is_active
                       AND (weight_g IS NULL OR (length_mm IS NULL AND volume_cm3 IS NULL))) AS "unmeasured!""#,
        tenant.as_str(),
    );
    let row = counts.fetch_one(connection).await?;
    Ok((row.active, row.unmeasured))
}

pub async fn by_ids_or_codes(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[Uuid],
    codes: &[String],
) -> Result<Vec<Item>> {
    let rows = select_items!(
        "(SELECT found.* FROM (SELECT DISTINCT unnest($2::uuid[]) AS item_id) asked
          CROSS JOIN LATERAL (SELECT * FROM catalog.items c WHERE c.tenant_id = $1 AND c.item_id = asked.item_id OFFSET 0) found
          UNION ALL
          SELECT found.* FROM (SELECT DISTINCT unnest($3::text[]) AS code) asked
          CROSS JOIN LATERAL (SELECT * FROM catalog.items c WHERE c.tenant_id = $1 AND c.code = asked.code OFFSET 0) found) i",
        tenant.as_str(),
        ids,
        codes
    )
    .fetch_all(connection)
    .await?;
    items(rows)
}

/// The item that carries one of these barcodes; the first of them wins.
pub async fn by_barcode(connection: &mut PgConnection, tenant: &TenantId, spellings: &[String]) -> Result<Option<Item>> {
    let row = select_items!(
        "catalog.items i WHERE i.tenant_id = $1 AND i.item_id = (
             SELECT item_id FROM catalog.item_barcodes WHERE tenant_id = $1 AND barcode = ANY ($2)
             ORDER BY array_position($2, barcode) LIMIT 1)",
        tenant.as_str(),
        spellings
    )
    .fetch_optional(connection)
    .await?;
    row.map(Item::try_from).transpose()
}

/// Ordered by code, after the code `after`.
pub async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    filter: &ItemFilter,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Item>> {
    let rows = select_items!(
        "catalog.items i WHERE i.tenant_id = $1
           AND ($2::text IS NULL OR starts_with(lower(i.code), lower($2)) OR strpos(lower(i.name), lower($2)) > 0
                OR i.item_id IN (SELECT item_id FROM catalog.item_barcodes WHERE tenant_id = $1 AND barcode = $2))
           AND ($3::text IS NULL OR i.abc_class = $3)
           AND ($4::text IS NULL OR i.category = $4)
           AND ($5::boolean IS NULL OR i.is_active = $5)
           AND ($6::text IS NULL OR i.code > $6)
         ORDER BY i.code LIMIT $7",
        tenant.as_str(),
        filter.q,
        filter.abc_class.map(|class| class.as_str()),
        filter.category,
        filter.is_active,
        after,
        limit
    )
    .fetch_all(connection)
    .await?;
    items(rows)
}

/// Jumps from one category to the next in the index instead of reading every item.
pub async fn categories(connection: &mut PgConnection, tenant: &TenantId, limit: i64) -> Result<Vec<String>> {
    let rows = sqlx::query_scalar!(
        r#"WITH RECURSIVE known (category) AS (
               (SELECT i.category FROM catalog.items i WHERE i.tenant_id = $1 AND i.category > '' ORDER BY i.category LIMIT 1)
               UNION ALL
               SELECT (SELECT i.category FROM catalog.items i WHERE i.tenant_id = $1 AND i.category > k.category
                       ORDER BY i.category LIMIT 1)
               FROM known k WHERE k.category IS NOT NULL)
           SELECT category AS "category!" FROM known WHERE category IS NOT NULL LIMIT $2"#,
        tenant.as_str(),
        limit
    );
    Ok(rows.fetch_all(connection).await?)
}

/// Who has each of these barcodes: (barcode, id of its item, code of its item).
pub async fn barcode_owners(
    connection: &mut PgConnection,
    tenant: &TenantId,
    barcodes: &[String],
) -> Result<Vec<(String, ItemId, String)>> {
    let rows = sqlx::query!(
        "SELECT b.barcode, b.item_id, i.code FROM catalog.item_barcodes b
         JOIN catalog.items i ON i.tenant_id = b.tenant_id AND i.item_id = b.item_id
         WHERE b.tenant_id = $1 AND b.barcode IN (SELECT unnest($2::text[]))",
        tenant.as_str(),
        barcodes,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.barcode, ItemId(row.item_id), row.code)).collect())
}

/// The columns of many items, as UNNEST wants them.
struct Columns {
    item_id: Vec<Uuid>,
    code: Vec<String>,
    name: Vec<String>,
    description: Vec<String>,
    category: Vec<String>,
    base_unit: Vec<String>,
    length_mm: Vec<Option<i32>>,
    width_mm: Vec<Option<i32>>,
    height_mm: Vec<Option<i32>>,
    volume_cm3: Vec<Option<i64>>,
    weight_g: Vec<Option<i64>>,
    abc_class: Vec<String>,
    picks_per_day: Vec<Decimal>,
    unit_value: Vec<Option<Decimal>>,
    shelf_life_days: Vec<Option<i32>>,
    lot_tracked: Vec<bool>,
    serial_tracked: Vec<bool>,
    temperature_min_dc: Vec<Option<i32>>,
    temperature_max_dc: Vec<Option<i32>>,
    hazard_class: Vec<Option<String>>,
    security_zone: Vec<String>,
    max_stack: Vec<Option<i32>>,
    is_active: Vec<bool>,
    version: Vec<i32>,
    created_at: Vec<DateTime<Utc>>,
    updated_at: Vec<DateTime<Utc>>,
}

impl Columns {
    fn of(items: &[Item]) -> Self {
        fn each<T>(items: &[Item], field: impl Fn(&Item) -> T) -> Vec<T> {
            items.iter().map(field).collect()
        }
        Self {
            item_id: each(items, |item| item.item_id.0),
            code: each(items, |item| item.code.clone()),
            name: each(items, |item| item.name.clone()),
            description: each(items, |item| item.description.clone()),
            category: each(items, |item| item.category.clone()),
            base_unit: each(items, |item| item.base_unit.clone()),
            length_mm: each(items, |item| item.dimensions.map(|size| size.length_mm)),
            width_mm: each(items, |item| item.dimensions.map(|size| size.width_mm)),
            height_mm: each(items, |item| item.dimensions.map(|size| size.height_mm)),
            volume_cm3: each(items, |item| item.volume_cm3),
            weight_g: each(items, |item| item.weight_g),
            abc_class: each(items, |item| item.abc_class.to_string()),
            picks_per_day: each(items, |item| item.picks_per_day),
            unit_value: each(items, |item| item.unit_value),
            shelf_life_days: each(items, |item| item.shelf_life_days),
            lot_tracked: each(items, |item| item.lot_tracked),
            serial_tracked: each(items, |item| item.serial_tracked),
            temperature_min_dc: each(items, |item| item.temperature_min_dc),
            temperature_max_dc: each(items, |item| item.temperature_max_dc),
            hazard_class: each(items, |item| item.hazard_class.clone()),
            security_zone: each(items, |item| item.security_zone.to_string()),
            max_stack: each(items, |item| item.max_stack),
            is_active: each(items, |item| item.is_active),
            version: each(items, |item| item.version),
            created_at: each(items, |item| item.created_at),
            updated_at: each(items, |item| item.updated_at),
        }
    }
}

pub async fn insert(connection: &mut PgConnection, tenant: &TenantId, items: &[Item]) -> Result<()> {
    let new = Columns::of(items);
    sqlx::query!(
        "INSERT INTO catalog.items (tenant_id, item_id, code, name, description, category, base_unit, length_mm, width_mm, height_mm,
             volume_cm3, weight_g, abc_class, picks_per_day, shelf_life_days, lot_tracked, temperature_min_dc, temperature_max_dc,
             hazard_class, security_zone, max_stack, is_active, version, created_at, updated_at, serial_tracked, unit_value)
         SELECT $1, * FROM UNNEST($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::int[],
             $10::int[], $11::bigint[], $12::bigint[], $13::text[], $14::numeric[], $15::int[], $16::boolean[], $17::int[],
             $18::int[], $19::text[], $20::text[], $21::int[], $22::boolean[], $23::int[], $24::timestamptz[], $25::timestamptz[],
             $26::boolean[], $27::numeric[])",
        tenant.as_str(),
        &new.item_id,
        &new.code,
        &new.name,
        &new.description,
        &new.category,
        &new.base_unit,
        &new.length_mm as &[Option<i32>],
        &new.width_mm as &[Option<i32>],
        &new.height_mm as &[Option<i32>],
        &new.volume_cm3 as &[Option<i64>],
        &new.weight_g as &[Option<i64>],
        &new.abc_class,
        &new.picks_per_day,
        &new.shelf_life_days as &[Option<i32>],
        &new.lot_tracked,
        &new.temperature_min_dc as &[Option<i32>],
        &new.temperature_max_dc as &[Option<i32>],
        &new.hazard_class as &[Option<String>],
        &new.security_zone,
        &new.max_stack as &[Option<i32>],
        &new.is_active,
        &new.version,
        &new.created_at,
        &new.updated_at,
        &new.serial_tracked,
        &new.unit_value as &[Option<Decimal>],
    )
    .execute(connection)
    .await
    .map_err(meaning)?;
    Ok(())
}

/// Locks the items against everything that refers to them, in the order given.
pub async fn lock(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "SELECT i.item_id
         FROM (SELECT * FROM UNNEST($2::uuid[]) WITH ORDINALITY AS u (item_id, ordinal) ORDER BY u.ordinal) k
         CROSS JOIN LATERAL (
             SELECT o.item_id FROM catalog.items o WHERE o.tenant_id = $1 AND o.item_id = k.item_id OFFSET 0 FOR UPDATE) i",
        tenant.as_str(),
        ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// Those of the items that are serial-tracked; all of them are locked in the order given against [`lock`].
pub async fn serial_tracked(connection: &mut PgConnection, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    let rows = sqlx::query!(
        "SELECT i.item_id, i.serial_tracked
         FROM (SELECT * FROM UNNEST($2::uuid[]) WITH ORDINALITY AS u (item_id, ordinal) ORDER BY u.ordinal) k
         CROSS JOIN LATERAL (
             SELECT o.item_id, o.serial_tracked FROM catalog.items o
             WHERE o.tenant_id = $1 AND o.item_id = k.item_id OFFSET 0 FOR KEY SHARE) i",
        tenant.as_str(),
        ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().filter(|row| row.serial_tracked).map(|row| row.item_id).collect())
}

/// Across all tenants when none is given, which only the owner's connection sees.
pub async fn every_serial_tracked(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Vec<(String, ItemId)>> {
    let rows = sqlx::query!(
        "SELECT tenant_id, item_id FROM catalog.items WHERE serial_tracked AND ($1::text IS NULL OR tenant_id = $1)",
        tenant,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.tenant_id, ItemId(row.item_id))).collect())
}

/// Writes each item over the version before its own; how many were still at that version.
pub async fn update(connection: &mut PgConnection, tenant: &TenantId, items: &[Item]) -> Result<u64> {
    let new = Columns::of(items);
    let done = sqlx::query!(
        "UPDATE catalog.items i
         SET code = n.code, name = n.name, description = n.description, category = n.category, length_mm = n.length_mm,
             width_mm = n.width_mm, height_mm = n.height_mm, volume_cm3 = n.volume_cm3, weight_g = n.weight_g,
             abc_class = n.abc_class, picks_per_day = n.picks_per_day, shelf_life_days = n.shelf_life_days,
             lot_tracked = n.lot_tracked, temperature_min_dc = n.temperature_min_dc, temperature_max_dc = n.temperature_max_dc,
             hazard_class = n.hazard_class, security_zone = n.security_zone, max_stack = n.max_stack, is_active = n.is_active,
             version = n.version, updated_at = n.updated_at, serial_tracked = n.serial_tracked,
             unit_value = n.unit_value
         FROM UNNEST($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::int[], $9::int[], $10::bigint[],
             $11::bigint[], $12::text[], $13::numeric[], $14::int[], $15::boolean[], $16::int[], $17::int[], $18::text[],
             $19::text[], $20::int[], $21::boolean[], $22::int[], $23::timestamptz[], $24::boolean[], $25::numeric[])
             AS n(item_id, code, name, description, category, length_mm, width_mm, height_mm, volume_cm3, weight_g, abc_class,
                  picks_per_day, shelf_life_days, lot_tracked, temperature_min_dc, temperature_max_dc, hazard_class, security_zone,
                  max_stack, is_active, version, updated_at, serial_tracked, unit_value)
         WHERE i.tenant_id = $1 AND i.item_id = n.item_id AND i.item_id = ANY ($2::uuid[]) AND i.version = n.version - 1",
        tenant.as_str(),
        &new.item_id,
        &new.code,
        &new.name,
        &new.description,
        &new.category,
        &new.length_mm as &[Option<i32>],
        &new.width_mm as &[Option<i32>],
        &new.height_mm as &[Option<i32>],
        &new.volume_cm3 as &[Option<i64>],
        &new.weight_g as &[Option<i64>],
        &new.abc_class,
        &new.picks_per_day,
        &new.shelf_life_days as &[Option<i32>],
        &new.lot_tracked,
        &new.temperature_min_dc as &[Option<i32>],
        &new.temperature_max_dc as &[Option<i32>],
        &new.hazard_class as &[Option<String>],
        &new.security_zone,
        &new.max_stack as &[Option<i32>],
        &new.is_active,
        &new.version,
        &new.updated_at,
        &new.serial_tracked,
        &new.unit_value as &[Option<Decimal>],
    )
    .execute(connection)
    .await
    .map_err(meaning)?;
    Ok(done.rows_affected())
}

/// Makes the units and barcodes of these items what the items say.
pub async fn replace_details(connection: &mut PgConnection, tenant: &TenantId, items: &[&Item]) -> Result<()> {
    let ids: Vec<Uuid> = items.iter().map(|item| item.item_id.0).collect();
    sqlx::query!("DELETE FROM catalog.item_units WHERE tenant_id = $1 AND item_id = ANY ($2)", tenant.as_str(), &ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM catalog.item_barcodes WHERE tenant_id = $1 AND item_id = ANY ($2)", tenant.as_str(), &ids)
        .execute(&mut *connection)
        .await?;
    insert_details(connection, tenant, items).await
}

pub async fn insert_details(connection: &mut PgConnection, tenant: &TenantId, items: &[&Item]) -> Result<()> {
    let units = || items.iter().flat_map(|item| item.units.iter().map(|unit| (item.item_id.0, unit)));
    if units().next().is_some() {
        let owners: Vec<Uuid> = units().map(|(id, _)| id).collect();
        let names: Vec<String> = units().map(|(_, unit)| unit.unit.clone()).collect();
        let factors: Vec<Decimal> = units().map(|(_, unit)| unit.factor.decimal()).collect();
        sqlx::query!(
            "INSERT INTO catalog.item_units (tenant_id, item_id, unit, factor)
             SELECT $1, * FROM UNNEST($2::uuid[], $3::text[], $4::numeric[])",
            tenant.as_str(),
            &owners,
            &names,
            &factors,
        )
        .execute(&mut *connection)
        .await?;
    }
    let barcodes = || items.iter().flat_map(|item| item.barcodes.iter().map(|barcode| (item.item_id.0, barcode)));
    if barcodes().next().is_some() {
        let owners: Vec<Uuid> = barcodes().map(|(id, _)| id).collect();
        let texts: Vec<String> = barcodes().map(|(_, barcode)| barcode.barcode.clone()).collect();
        let names: Vec<String> = barcodes().map(|(_, barcode)| barcode.unit.clone()).collect();
        sqlx::query!(
            "INSERT INTO catalog.item_barcodes (tenant_id, item_id, barcode, unit)
             SELECT $1, * FROM UNNEST($2::uuid[], $3::text[], $4::text[])",
            tenant.as_str(),
            &owners,
            &texts,
            &names,
        )
        .execute(&mut *connection)
        .await
        .map_err(meaning)?;
    }
    Ok(())
}

/// What a constraint that refused the statement means to the caller.
fn meaning(error: sqlx::Error) -> Error {
    let exists = |field: &str, detail: &str| Error::new(ErrorCode::AlreadyExists, detail).at(field);
    Error::from(error)
        .on_constraint("items_code_key", || exists("code", "another item has this code"))
        .on_constraint("item_barcodes_pkey", || exists("barcodes", "another item has one of these barcodes"))
}
