use std::collections::BTreeMap;

use kernel::{Page, PageRequest};
use platform::auth::Actor;
use platform::{App, Error, Result};
use sqlx::PgConnection;

use super::dto::{BinUtilizationDto, CachePage, GroupDto, UtilizationSummaryDto};
use super::store;
use crate::WAREHOUSE_READ;
use crate::facility::service as facilities;
use crate::location::load::{Load, Snapshot, percent};
use crate::location::{Location, service as locations};
use crate::words::{LocationType, UtilizationStatus};

const STORES: [LocationType; 4] = [LocationType::Putaway, LocationType::PickFace, LocationType::Reserve, LocationType::Bulk];
const EXTREMES: usize = 10;

/// Renews the cache and the other copies that dashboards read.
pub async fn refresh(app: &App) -> Result<String> {
    let done = app.db.without_tenant(async |connection| store::refresh(connection).await).await?;
    Ok(if done { "refreshed".into() } else { "somebody else is refreshing it".into() })
}

/// Fill of a facility's locations as the cache has it, by code. `facility` is an id or a code.
pub async fn cached(connection: &mut PgConnection, actor: &Actor, facility: &str, page: &PageRequest) -> Result<CachePage> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facilities::find(connection, actor.tenant(), facility).await.map_err(|error| error.at("facility"))?;
    let after: Option<String> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let tenant = actor.tenant();
    let rows = store::cached(connection, tenant, facility.facility_id, after.as_deref(), page.fetch()).await?;
    let last_updated = store::cached_at(connection, tenant).await?;
    let found = Page::cut(rows, page, |row| row.location_code.clone());
    Ok(CachePage {
        items: found.items,
        next_cursor: found.next_cursor.map(|cursor| cursor.0),
        last_updated,
        age_minutes: last_updated.map(|at| (actor.env.now() - at).as_seconds_f64() / 60.0),
    })
}

/// One location as it is now. `location` is an id, `FACILITY/CODE` or a code.
pub async fn bin(connection: &mut PgConnection, actor: &Actor, location: &str) -> Result<BinUtilizationDto> {
    let location = locations::get(connection, actor, location).await?;
    let mut loads = locations::loads_of(connection, actor, &[location.location_id]).await?;
    let load = loads.remove(&location.location_id).unwrap_or_default();
    Ok(of(&location, &load, actor))
}

fn of(location: &Location, load: &Load, actor: &Actor) -> BinUtilizationDto {
    let fields = &location.fields;
    let volume = load.fill_percent(fields.volume_cm3);
    let weight = percent(load.stock_weight_g, fields.max_weight_g);
    BinUtilizationDto {
        facility_id: location.facility_id.0,
        location_id: location.location_id.0,
        location_code: fields.code.clone(),
        location_type: fields.kind,
        zone: fields.zone.clone(),
        aisle: fields.aisle.clone(),
        volume_cm3: fields.volume_cm3,
        used_volume_cm3: in_cm3(load.stock_volume_mm3),
        max_weight_g: fields.max_weight_g,
        used_weight_g: load.stock_weight_g,
        volume_utilization: volume,
        weight_utilization: weight,
        status: UtilizationStatus::of(volume, weight, load.is_unmeasured),
        item_count: i32::try_from(load.items).unwrap_or(i32::MAX),
        is_unmeasured: load.is_unmeasured,
        held_volume_cm3: Some(in_cm3(load.held_volume_mm3)),
        held_weight_g: Some(load.held_weight_g),
        last_updated: actor.env.now(),
    }
}

fn in_cm3(mm3: i64) -> i64 {
    mm3 / 1_000 + i64::from(mm3 % 1_000 > 0)
}

/// A facility, or one zone of it, as it is now.
pub async fn warehouse(
    connection: &mut PgConnection,
    actor: &Actor,
    facility: &str,
    zone: Option<&str>,
) -> Result<UtilizationSummaryDto> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facilities::find(connection, actor.tenant(), facility).await.map_err(|error| error.at("facility"))?;
    let zone = zone.map(str::trim).filter(|zone| !zone.is_empty());
    let snapshot = Snapshot::of_facility(connection, actor.tenant(), facility.facility_id, actor.env.now()).await?;
    let places = locations::in_facility(connection, actor.tenant(), facility.facility_id).await?;
    let loads = snapshot.loads();
    let empty = Load::default();
    let is_wanted = |place: &&Location| STORES.contains(&place.fields.kind) && zone.is_none_or(|zone| place.fields.zone == zone);
    let wanted: Vec<&Location> = places.iter().filter(is_wanted).collect();
    let bins = wanted.iter().map(|place| of(place, loads.get(&place.location_id).unwrap_or(&empty), actor)).collect();
    let blocked = wanted.iter().filter(|place| !place.takes_goods()).count();
    let head = UtilizationSummaryDto {
        facility_id: facility.facility_id.0,
        facility_code: facility.code,
        zone: zone.map(str::to_owned),
        locations: count(wanted.len()),
        empty_locations: 0,
        blocked_locations: count(blocked),
        volume_cm3: 0,
        used_volume_cm3: 0,
        held_volume_cm3: 0,
        volume_utilization: 0.0,
        mean_fill_of_used: None,
        by_status: Vec::new(),
        by_zone: Vec::new(),
        by_type: Vec::new(),
        fullest: Vec::new(),
        emptiest_used: Vec::new(),
        calculated_at: actor.env.now(),
    };
    Ok(summarised(head, bins))
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn fill(bin: &BinUtilizationDto) -> f64 {
    bin.volume_utilization.max(bin.weight_utilization)
}

fn summarised(head: UtilizationSummaryDto, mut bins: Vec<BinUtilizationDto>) -> UtilizationSummaryDto {
    let sum = |of: fn(&BinUtilizationDto) -> i64| bins.iter().map(of).fold(0, i64::saturating_add);
    let (volume, used) = (sum(|bin| bin.volume_cm3), sum(|bin| bin.used_volume_cm3));
    let held = sum(|bin| bin.held_volume_cm3.unwrap_or(0));
    let by_status = grouped(&bins, |bin| bin.status.as_str().to_owned());
    let by_zone = grouped(&bins, |bin| bin.zone.clone());
    let by_type = grouped(&bins, |bin| bin.location_type.as_str().to_owned());
    // Fullest first; among equals by code, as they come.
    bins.sort_by(|a, b| fill(b).total_cmp(&fill(a)));
    let in_use: Vec<&BinUtilizationDto> = bins.iter().filter(|bin| bin.item_count > 0).collect();
    let mean = in_use.iter().map(|bin| fill(bin)).sum::<f64>() / in_use.len() as f64;
    UtilizationSummaryDto {
        empty_locations: count(bins.len() - in_use.len()),
        volume_cm3: volume,
        used_volume_cm3: used,
        held_volume_cm3: held,
        volume_utilization: percent(used, volume),
        mean_fill_of_used: (!in_use.is_empty()).then(|| (mean * 10.0).round() / 10.0),
        by_status,
        by_zone,
        by_type,
        fullest: in_use.iter().take(EXTREMES).map(|bin| (*bin).clone()).collect(),
        emptiest_used: in_use.iter().rev().take(EXTREMES).map(|bin| (*bin).clone()).collect(),
        ..head
    }
}

fn grouped(bins: &[BinUtilizationDto], name: impl Fn(&BinUtilizationDto) -> String) -> Vec<GroupDto> {
    let mut groups: BTreeMap<String, (usize, i64, i64)> = BTreeMap::new();
    for bin in bins {
        let group = groups.entry(name(bin)).or_default();
        group.0 += 1;
        group.1 = group.1.saturating_add(bin.volume_cm3);
        group.2 = group.2.saturating_add(bin.used_volume_cm3);
    }
    let group = |(name, (locations, volume, used)): (String, (usize, i64, i64))| GroupDto {
        name,
        locations: count(locations),
        volume_cm3: volume,
        used_volume_cm3: used,
        volume_utilization: percent(used, volume),
    };
    groups.into_iter().map(group).collect()
}
