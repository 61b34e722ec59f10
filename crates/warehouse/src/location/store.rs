use chrono::{DateTime, Utc};
use kernel::{FacilityId, LocationId, PageRequest, TenantId};
use platform::{Error, Result};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Fields, Location, LocationFilter};
use crate::words::{ErgonomicZone, LocationType, MixingPolicy};

/// A row as it is read, and as it is written through `jsonb_to_recordset`.
#[derive(Serialize)]
struct Row {
    location_id: Uuid,
    facility_id: Uuid,
    #[serde(skip)]
    facility_code: String,
    code: String,
    #[serde(rename = "type")]
    kind: LocationType,
    zone: String,
    aisle: String,
    rack: String,
    shelf: String,
    position: String,
    length_mm: Option<i32>,
    width_mm: Option<i32>,
    height_mm: Option<i32>,
    volume_cm3: i64,
    max_weight_g: i64,
    abc_class: String,
    pick_sequence: Option<i32>,
    x_mm: Option<i32>,
    y_mm: Option<i32>,
    z_mm: Option<i32>,
    security_zone: String,
    temperature_min_dc: Option<i32>,
    temperature_max_dc: Option<i32>,
    ergonomic_zone: ErgonomicZone,
    mixing_policy: MixingPolicy,
    is_active: bool,
    is_available: bool,
    blocked_reason: String,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// The macro keeps the one list of columns for every way to find locations.
macro_rules! select_locations {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"SELECT l.location_id, l.facility_id, f.code AS facility_code, l.code, l.type AS "kind: LocationType", l.zone, l.aisle,
                      l.rack, l.shelf, l.position, l.length_mm, l.width_mm, l.height_mm, l.volume_cm3, l.max_weight_g, l.abc_class,
                      l.pick_sequence, l.x_mm, l.y_mm, l.z_mm, l.security_zone, l.temperature_min_dc, l.temperature_max_dc,
                      l.ergonomic_zone AS "ergonomic_zone: ErgonomicZone", l.mixing_policy AS "mixing_policy: MixingPolicy",
                      l.is_active, l.is_available, l.blocked_reason, l.version, l.created_at, l.updated_at
               FROM warehouse.locations l
               JOIN warehouse.facilities f ON f.tenant_id = l.tenant_id AND f.facility_id = l.facility_id
               WHERE l.tenant_id = $1 "# + $rest,
            $($argument),+
        )
    };
}

impl TryFrom<Row> for Location {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let fields = Fields {
            code: row.code,
            kind: row.kind,
            zone: row.zone,
            aisle: row.aisle,
            rack: row.rack,
            shelf: row.shelf,
            position: row.position,
            dimensions_mm: row
                .length_mm
                .zip(row.width_mm)
                .zip(row.height_mm)
                .map(|((length, width), height)| [length, width, height]),
            volume_cm3: row.volume_cm3,
            max_weight_g: row.max_weight_g,
            abc_class: row.abc_class.parse().map_err(Error::internal)?,
            pick_sequence: row.pick_sequence,
            position_mm: [row.x_mm, row.y_mm, row.z_mm],
            security_zone: row.security_zone.parse().map_err(Error::internal)?,
            temperature_dc: row.temperature_min_dc.zip(row.temperature_max_dc),
            ergonomic_zone: row.ergonomic_zone,
            mixing_policy: row.mixing_policy,
        };
        Ok(Self {
            location_id: LocationId(row.location_id),
            facility_id: FacilityId(row.facility_id),
            facility_code: row.facility_code,
            fields,
            is_active: row.is_active,
            is_available: row.is_available,
            blocked_reason: row.blocked_reason,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl From<&Location> for Row {
    fn from(location: &Location) -> Self {
        let fields = location.fields.clone();
        let side = |axis: usize| fields.dimensions_mm.map(|sides| sides[axis]);
        Self {
            location_id: location.location_id.0,
            facility_id: location.facility_id.0,
            facility_code: String::new(),
            length_mm: side(0),
            width_mm: side(1),
            height_mm: side(2),
            code: fields.code,
            kind: fields.kind,
            zone: fields.zone,
            aisle: fields.aisle,
            rack: fields.rack,
            shelf: fields.shelf,
            position: fields.position,
            volume_cm3: fields.volume_cm3,
            max_weight_g: fields.max_weight_g,
            abc_class: fields.abc_class.to_string(),
            pick_sequence: fields.pick_sequence,
            x_mm: fields.position_mm[0],
            y_mm: fields.position_mm[1],
            z_mm: fields.position_mm[2],
            security_zone: fields.security_zone.to_string(),
            temperature_min_dc: fields.temperature_dc.map(|(min, _)| min),
            temperature_max_dc: fields.temperature_dc.map(|(_, max)| max),
            ergonomic_zone: fields.ergonomic_zone,
            mixing_policy: fields.mixing_policy,
            is_active: location.is_active,
            is_available: location.is_available,
            blocked_reason: location.blocked_reason.clone(),
            version: location.version,
            created_at: location.created_at,
            updated_at: location.updated_at,
        }
    }
}

fn locations(rows: Vec<Row>) -> Result<Vec<Location>> {
    rows.into_iter().map(Location::try_from).collect()
}

fn as_json(locations: &[Location]) -> Result<serde_json::Value> {
    serde_json::to_value(locations.iter().map(Row::from).collect::<Vec<_>>()).map_err(Error::internal)
}

pub(super) async fn insert_all(connection: &mut PgConnection, tenant: &TenantId, locations: &[Location]) -> Result<()> {
    sqlx::query!(
        "INSERT INTO warehouse.locations
             (tenant_id, location_id, facility_id, code, type, zone, aisle, rack, shelf, position, length_mm, width_mm, height_mm,
              volume_cm3, max_weight_g, abc_class, pick_sequence, x_mm, y_mm, z_mm, security_zone, temperature_min_dc,
              temperature_max_dc, ergonomic_zone, mixing_policy, is_active, is_available, blocked_reason, version, created_at, updated_at)
         SELECT $1, r.location_id, r.facility_id, r.code, r.type, r.zone, r.aisle, r.rack, r.shelf, r.position, r.length_mm, r.width_mm,
                r.height_mm, r.volume_cm3, r.max_weight_g, r.abc_class, r.pick_sequence, r.x_mm, r.y_mm, r.z_mm, r.security_zone,
                r.temperature_min_dc, r.temperature_max_dc, r.ergonomic_zone, r.mixing_policy, r.is_active, r.is_available,
                r.blocked_reason, r.version, r.created_at, r.updated_at
         FROM jsonb_to_recordset($2::jsonb) AS r(location_id uuid, facility_id uuid, code text, type text, zone text, aisle text,
              rack text, shelf text, position text, length_mm int, width_mm int, height_mm int, volume_cm3 bigint, max_weight_g bigint,
              abc_class text, pick_sequence int, x_mm int, y_mm int, z_mm int, security_zone text, temperature_min_dc int,
              temperature_max_dc int, ergonomic_zone text, mixing_policy text, is_active boolean, is_available boolean,
              blocked_reason text, version int, created_at timestamptz, updated_at timestamptz)",
        tenant.as_str(),
        as_json(locations)?,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes locations whose stored version is the one before theirs; says how many that were.
pub(super) async fn update_all(connection: &mut PgConnection, tenant: &TenantId, locations: &[Location]) -> Result<u64> {
    let done = sqlx::query!(
        "UPDATE warehouse.locations AS l
         SET type = r.type, zone = r.zone, aisle = r.aisle, rack = r.rack, shelf = r.shelf, position = r.position,
             length_mm = r.length_mm, width_mm = r.width_mm, height_mm = r.height_mm, volume_cm3 = r.volume_cm3,
             max_weight_g = r.max_weight_g, abc_class = r.abc_class, pick_sequence = r.pick_sequence, x_mm = r.x_mm, y_mm = r.y_mm,
             z_mm = r.z_mm, security_zone = r.security_zone, temperature_min_dc = r.temperature_min_dc,
             temperature_max_dc = r.temperature_max_dc, ergonomic_zone = r.ergonomic_zone, mixing_policy = r.mixing_policy,
             is_active = r.is_active, is_available = r.is_available, blocked_reason = r.blocked_reason, version = r.version,
             updated_at = r.updated_at
         FROM jsonb_to_recordset($2::jsonb) AS r(location_id uuid, type text, zone text, aisle text, rack text, shelf text,
              position text, length_mm int, width_mm int, height_mm int, volume_cm3 bigint, max_weight_g bigint, abc_class text,
              pick_sequence int, x_mm int, y_mm int, z_mm int, security_zone text, temperature_min_dc int, temperature_max_dc int,
              ergonomic_zone text, mixing_policy text, is_active boolean, is_available boolean, blocked_reason text, version int,
              updated_at timestamptz)
         WHERE l.tenant_id = $1 AND l.location_id = r.location_id AND l.version = r.version - 1",
        tenant.as_str(),
        as_json(locations)?,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn by_ids(connection: &mut PgConnection, tenant: &TenantId, ids: &[LocationId]) -> Result<Vec<Location>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    locations(select_locations!("AND l.location_id = ANY($2)", tenant.as_str(), &ids).fetch_all(connection).await?)
}

/// Those with this id; else with this facility code and code; at most three, so that the caller can name candidates.
pub(super) async fn matching(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Option<Uuid>,
    facility_code: Option<&str>,
    code: &str,
) -> Result<Vec<Location>> {
    let rows = select_locations!(
        "AND (l.location_id = $2 OR (l.code = $4 AND ($3::text IS NULL OR f.code = $3))) ORDER BY l.location_id = $2 DESC, f.code LIMIT 3",
        tenant.as_str(),
        id,
        facility_code,
        code,
    );
    locations(rows.fetch_all(connection).await?)
}

pub(super) async fn by_codes(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    codes: &[String],
) -> Result<Vec<Location>> {
    let rows = select_locations!("AND l.facility_id = $2 AND l.code = ANY($3)", tenant.as_str(), facility.0, codes);
    locations(rows.fetch_all(connection).await?)
}

/// Unordered: sorting as the database does is dearer than reading.
pub(super) async fn in_facility(connection: &mut PgConnection, tenant: &TenantId, facility: FacilityId) -> Result<Vec<Location>> {
    let rows = select_locations!("AND l.facility_id = $2 LIMIT 50001", tenant.as_str(), facility.0);
    locations(rows.fetch_all(connection).await?)
}

/// Where a delivery is unloaded when nobody says where: the first RECEIVING location by code that takes goods.
pub(super) async fn first_receiving(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
) -> Result<Option<Location>> {
    let row = select_locations!(
        "AND l.facility_id = $2 AND l.type = 'RECEIVING' AND l.is_active AND l.is_available ORDER BY l.code LIMIT 1",
        tenant.as_str(),
        facility.0,
    );
    row.fetch_optional(connection).await?.map(Location::try_from).transpose()
}

/// Keeps a decision about a location from racing with a change of it.
pub(super) async fn lock(connection: &mut PgConnection, tenant: &TenantId, location: LocationId) -> Result<Option<Location>> {
    let row = select_locations!("AND l.location_id = $2 FOR UPDATE OF l", tenant.as_str(), location.0);
    row.fetch_optional(connection).await?.map(Location::try_from).transpose()
}

/// By code and id. `facility` and `only` (when given) come resolved from the service.
pub(super) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    filter: &LocationFilter,
    facility: Option<FacilityId>,
    only: Option<Vec<Uuid>>,
    page: &PageRequest,
) -> Result<Vec<Location>> {
    let after: Option<(String, Uuid)> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let (after_code, after_id) = after.unzip();
    let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let rows = select_locations!(
        "AND ($2::uuid IS NULL OR l.facility_id = $2)
         AND ($3::text IS NULL OR l.type = $3)
         AND ($4::text IS NULL OR l.zone = $4)
         AND ($5::text IS NULL OR l.aisle = $5)
         AND ($6::text IS NULL OR starts_with(lower(l.code), lower($6)))
         AND ($7::text IS NULL OR l.abc_class = $7)
         AND ($8::boolean IS NULL OR l.is_active = $8)
         AND ($9::boolean IS NULL OR l.is_available = $9)
         AND ($10::uuid[] IS NULL OR l.location_id = ANY($10))
         AND ($11::text IS NULL OR (l.code, l.location_id) > ($11, $12::uuid))
         ORDER BY l.code, l.location_id LIMIT $13",
        tenant.as_str(),
        facility.map(|facility| facility.0),
        filter.kind.map(LocationType::as_str),
        given(&filter.zone),
        given(&filter.aisle),
        given(&filter.q),
        filter.class.map(|class| class.as_str()),
        filter.active,
        filter.available,
        only as Option<Vec<Uuid>>,
        after_code,
        after_id,
        page.fetch(),
    );
    locations(rows.fetch_all(connection).await?)
}

pub(super) async fn count_by_zone(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT zone, count(*) AS "count!" FROM warehouse.locations WHERE tenant_id = $1 AND facility_id = $2
           GROUP BY zone ORDER BY zone"#,
        tenant.as_str(),
        facility.0,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.zone, row.count)).collect())
}

/// Locations that are of another type than these, or blocked.
pub(super) async fn others(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    types: &[String],
) -> Result<Vec<Uuid>> {
    let rows = sqlx::query_scalar!(
        "SELECT location_id FROM warehouse.locations
         WHERE tenant_id = $1 AND facility_id = $2 AND (type <> ALL ($3) OR NOT is_available)",
        tenant.as_str(),
        facility.0,
        types,
    );
    Ok(rows.fetch_all(connection).await?)
}
