//! Use cases of velocities, classes, affinities and forecasts; plans have a file of their own.

use std::collections::{BTreeMap, HashMap};

use catalog::{AbcClass, Item};
use chrono::TimeDelta;
use kernel::{FacilityId, ItemId, PageRequest, TenantId};
use optimization::slotting::{self, Method};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result, audit};
use sqlx::PgConnection;
use uuid::Uuid;

use super::daily;
use super::dto::{
    AccuracyDto, AffinityDto, ClassesWrittenDto, PredictionDto, PredictionsDto, TriggerDto, TriggerPage, VelocityDto,
    VelocityPage, VelocityRunDto,
};
use super::input::{ApplyClasses, OfFacility, SettingsInput, TriggerFilter, VelocityFilter};
use super::model::{ItemVelocity, SlottingSettings, Snapshot};
use super::planner::refused;
pub use super::plans::{approve, get as plan, list as plans, reject, request};
pub use super::recommendations::recommendations;
use super::store::{utilization, velocity};
use crate::check::Checks;
use crate::facility::{Facility, service as facilities};
use crate::{SLOTTING, SLOTTING_DECIDE, WAREHOUSE_READ};

const HORIZONS: [i32; 3] = [7, 14, 30];
/// Days of the past that an answer shows.
const SHOWN_DAYS: usize = 120;
/// Days of the past that a forecast looks at.
const FORECAST_DAYS: i64 = 1_095;
/// What no forecast goes beyond: a facility may be overfull.
const CEILING_PERCENT: f64 = 150.0;
const MATERIALS_MAX: usize = 2_000;
const LOCATIONS_SHOWN: usize = 10;
const PAIRS_MAX: i64 = 500;
/// Items of a facility that one run looks at are all shown in a curve.
const CURVE_MAX: i64 = 100_000;

pub(super) async fn facility_of(connection: &mut PgConnection, actor: &Actor, reference: &str) -> Result<Facility> {
    facilities::find(connection, actor.tenant(), reference).await.map_err(|error| error.at("facility"))
}

pub async fn settings(connection: &mut PgConnection, actor: &Actor, facility: &str) -> Result<SlottingSettings> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facility_of(connection, actor, facility).await?;
    Ok(velocity::settings(connection, actor.tenant(), facility.facility_id).await?.unwrap_or_default())
}

pub async fn set_settings(tx: &mut Tx, actor: &Actor, input: &SettingsInput) -> Result<SlottingSettings> {
    actor.require(SLOTTING_DECIDE)?;
    let facility = facility_of(tx, actor, &input.facility).await?;
    let mut checks = Checks::default();
    let is_share = |share: f64| (0.0..=1.0).contains(&share);
    checks.require(is_share(input.a_share), "a_share", "must be from 0 to 1");
    checks.require(is_share(input.b_share), "b_share", "must be from 0 to 1");
    let together = input.a_share + input.b_share <= 1.0 + 1e-9;
    checks.require(together || !is_share(input.b_share), "b_share", "must be at most 1 together with a_share");
    checks.done()?;
    let old = velocity::settings(tx, actor.tenant(), facility.facility_id).await?.unwrap_or_default();
    let new = SlottingSettings {
        class_by: input.class_by,
        a_share: input.a_share,
        b_share: input.b_share.min(1.0 - input.a_share),
        share_of: input.share_of,
        writes_classes: input.writes_classes,
        version: old.version + 1,
    };
    let is_current = input.version == old.version
        && velocity::write_settings(tx, actor.tenant(), facility.facility_id, &new, actor.env.now()).await?;
    if !is_current {
        let detail = format!("the settings are at version {} by now", old.version.max(input.version + 1));
        return Err(Error::new(kernel::ErrorCode::VersionConflict, detail).at("version"));
    }
    tx.audit(actor, audit::Entry::new("slotting.settings", "facility", facility.facility_id).before(&old).after(&new));
    Ok(new)
}

/// Computes velocities, classes and affinities of a facility now, as the daily jobs do.
pub async fn analyse(tx: &mut Tx, actor: &Actor, affinity_enabled: bool, input: &OfFacility) -> Result<VelocityRunDto> {
    actor.require(SLOTTING)?;
    let facility = facility_of(tx, actor, &input.facility).await?.facility_id;
    let renewed = daily::renew_velocities(tx, actor, facility).await?;
    let pairs = if affinity_enabled { daily::renew_affinities(tx, actor, facility).await? } else { 0 };
    let day = actor.env.now().date_naive();
    let triggered = velocity::Narrow { triggered: true, ..velocity::Narrow::default() };
    let triggers = velocity::of_day(tx, actor.tenant(), facility, day, &triggered, CURVE_MAX).await?.len();
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let run = VelocityRunDto {
        facility_id: facility.0,
        day,
        items: count(renewed.items),
        items_without_value: count(renewed.without_value),
        triggers: count(triggers),
        affinity_pairs: count(pairs),
        classes_written: count(renewed.written),
    };
    tx.audit(actor, audit::Entry::new("slotting.analyse", "facility", facility).after(&run));
    Ok(run)
}

/// Writes the classes of the newest run to the items.
pub async fn apply_classes(tx: &mut Tx, actor: &Actor, input: &ApplyClasses) -> Result<ClassesWrittenDto> {
    actor.require(SLOTTING_DECIDE)?;
    let facility = facility_of(tx, actor, &input.facility).await?.facility_id;
    if input.materials.len() > MATERIALS_MAX {
        return Err(Error::field("materials", format!("must hold at most {MATERIALS_MAX}")));
    }
    let wanted = catalog::service::resolve(tx, actor.tenant(), &input.materials).await?;
    if let Some(unknown) = input.materials.iter().find(|material| !wanted.contains_key(*material)) {
        return Err(Error::not_found(format_args!("item {unknown:?}")).at("materials"));
    }
    let Some(day) = velocity::last_day(tx, actor.tenant(), facility).await? else {
        return Err(Error::conflict("there are no classes yet; analyse the facility first"));
    };
    let mut rows = velocity::of_day(tx, actor.tenant(), facility, day, &velocity::Narrow::default(), CURVE_MAX).await?;
    rows.retain(|row| wanted.is_empty() || wanted.values().any(|item| item.item_id == row.item_id));
    let items = daily::write_back(tx, actor, &rows).await?;
    Ok(ClassesWrittenDto { items: i32::try_from(items).unwrap_or(i32::MAX) })
}

async fn items_of(connection: &mut PgConnection, actor: &Actor, rows: &[ItemVelocity]) -> Result<HashMap<ItemId, Item>> {
    let ids: Vec<ItemId> = rows.iter().map(|row| row.item_id).collect();
    catalog::service::items_by_ids(connection, actor.tenant(), &ids).await
}

/// Of the newest run, the most picked first.
pub async fn velocities(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &VelocityFilter,
    page: &PageRequest,
) -> Result<VelocityPage> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facility_of(connection, actor, &filter.facility).await?.facility_id;
    let after: Option<(i64, Uuid)> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let item =
        crate::outbound::service::item_of(connection, actor, &filter.material).await.map_err(|error| error.at("material"))?;
    let narrow =
        velocity::Narrow { item, class: filter.class, lacks_value: filter.lacks_value, after, ..velocity::Narrow::default() };
    let Some(day) = velocity::last_day(connection, actor.tenant(), facility).await? else {
        return Ok(VelocityPage { items: Vec::new(), next_cursor: None, day: None });
    };
    let rows = velocity::of_day(connection, actor.tenant(), facility, day, &narrow, page.fetch()).await?;
    let found = kernel::Page::cut(rows, page, |row| (row.picks, row.item_id.0));
    let items = items_of(connection, actor, &found.items).await?;
    let told = |row: ItemVelocity| {
        let item = items.get(&row.item_id);
        VelocityDto {
            material_id: row.item_id.0,
            material_code: item.map_or_else(String::new, |item| item.code.clone()),
            material_name: item.map_or_else(String::new, |item| item.name.clone()),
            day,
            recent_per_day: row.recent_per_day,
            before_per_day: row.before_per_day,
            change_percent: row.change_percent,
            picks: row.picks,
            quantity: row.quantity.to_string(),
            value: item.and_then(|item| daily::worth(row.quantity, item)).map(|value| value.normalize().to_string()),
            abc_class: row.abc_class,
            lacks_value: row.lacks_value,
            current_abc_class: item.map_or(AbcClass::C, |item| item.abc_class),
            trigger: row.trigger.map(|trigger| trigger.kind),
            severity: row.trigger.map(|trigger| trigger.severity),
        }
    };
    Ok(VelocityPage {
        items: found.items.into_iter().map(told).collect(),
        next_cursor: found.next_cursor.map(|cursor| cursor.0),
        day: Some(day),
    })
}

/// Picks of every item of the newest run with its class, falling: the Pareto curve.
pub async fn curve(connection: &mut PgConnection, actor: &Actor, facility: &str) -> Result<Vec<(i64, AbcClass)>> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facility_of(connection, actor, facility).await?.facility_id;
    let Some(day) = velocity::last_day(connection, actor.tenant(), facility).await? else { return Ok(Vec::new()) };
    let rows = velocity::of_day(connection, actor.tenant(), facility, day, &velocity::Narrow::default(), CURVE_MAX).await?;
    Ok(rows.into_iter().map(|row| (row.picks, row.abc_class)).collect())
}

/// Picks per day of what lies in each location, for a heat map: an item's picks are shared among the locations that hold it.
pub async fn location_velocities(connection: &mut PgConnection, actor: &Actor, facility: &str) -> Result<HashMap<Uuid, f64>> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facility_of(connection, actor, facility).await?.facility_id;
    let Some(day) = velocity::last_day(connection, actor.tenant(), facility).await? else { return Ok(HashMap::new()) };
    let rows = velocity::of_day(connection, actor.tenant(), facility, day, &velocity::Narrow::default(), CURVE_MAX).await?;
    let per_day: HashMap<ItemId, f64> = rows.into_iter().map(|row| (row.item_id, row.recent_per_day)).collect();
    let stock = inventory::service::stock_in_facility(connection, actor.tenant(), facility).await?;
    let mut places: BTreeMap<ItemId, Vec<Uuid>> = BTreeMap::new();
    for balance in stock {
        let places = places.entry(balance.item_id).or_default();
        if !places.contains(&balance.location_id.0) {
            places.push(balance.location_id.0);
        }
    }
    let mut found = HashMap::new();
    for (item, places) in places {
        let share = per_day.get(&item).copied().unwrap_or(0.0) / places.len() as f64;
        places.into_iter().for_each(|place| *found.entry(place).or_insert(0.0) += share);
    }
    Ok(found)
}

/// Lines that wait to be picked now, by aisle.
pub async fn congestion(connection: &mut PgConnection, actor: &Actor, facility: &str) -> Result<HashMap<String, u32>> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facility_of(connection, actor, facility).await?.facility_id;
    crate::picking::service::active_picks_by_aisle(connection, actor.tenant(), facility).await
}

/// Items of the newest run that should lie elsewhere, the most picked first.
pub async fn triggers(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &TriggerFilter,
    page: &PageRequest,
) -> Result<TriggerPage> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facility_of(connection, actor, &filter.facility).await?.facility_id;
    let after: Option<(i64, Uuid)> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let Some(day) = velocity::last_day(connection, actor.tenant(), facility).await? else {
        return Ok(TriggerPage { items: Vec::new(), next_cursor: None, day: None });
    };
    let narrow = velocity::Narrow { triggered: true, severity: filter.severity, after, ..velocity::Narrow::default() };
    let rows = velocity::of_day(connection, actor.tenant(), facility, day, &narrow, page.fetch()).await?;
    let found = kernel::Page::cut(rows, page, |row| (row.picks, row.item_id.0));
    let items = items_of(connection, actor, &found.items).await?;
    let mut places = locations_of(connection, actor, facility, &found.items).await?;
    let told = |row: ItemVelocity| {
        let (trigger, item) = (row.trigger?, items.get(&row.item_id)?);
        Some(TriggerDto {
            material_id: row.item_id.0,
            material_code: item.code.clone(),
            material_name: item.name.clone(),
            trigger: trigger.kind,
            severity: trigger.severity,
            recent_per_day: row.recent_per_day,
            before_per_day: row.before_per_day,
            change_percent: row.change_percent,
            current_abc_class: item.abc_class,
            recommended_abc_class: row.abc_class,
            locations: places.remove(&row.item_id).unwrap_or_default(),
        })
    };
    Ok(TriggerPage {
        items: found.items.into_iter().filter_map(told).collect(),
        next_cursor: found.next_cursor.map(|cursor| cursor.0),
        day: Some(day),
    })
}

async fn locations_of(
    connection: &mut PgConnection,
    actor: &Actor,
    facility: FacilityId,
    rows: &[ItemVelocity],
) -> Result<HashMap<ItemId, Vec<String>>> {
    let ids: Vec<ItemId> = rows.iter().map(|row| row.item_id).collect();
    let mut places: HashMap<ItemId, Vec<String>> = HashMap::new();
    for balance in inventory::service::stock_of(connection, actor.tenant(), &ids).await? {
        let codes = places.entry(balance.item_id).or_default();
        if balance.facility_id == facility && codes.len() < LOCATIONS_SHOWN && !codes.contains(&balance.location_code) {
            codes.push(balance.location_code);
        }
    }
    Ok(places)
}

/// For each of the items that have any, what was picked together with it as of the last daily run, the strongest first, each with
/// a strength from 0 to 1; nothing when no run has found a pair in the facility.
pub(crate) async fn partners(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    items: &[ItemId],
) -> Result<Option<HashMap<ItemId, Vec<(ItemId, f64)>>>> {
    let pairs = velocity::strengths(connection, tenant, facility, items).await?;
    if pairs.is_empty() && velocity::affinities(connection, tenant, facility, None, 1).await?.is_empty() {
        return Ok(None);
    }
    let mut partners: HashMap<ItemId, Vec<(ItemId, f64)>> = HashMap::new();
    for (item, other, strength) in pairs {
        partners.entry(item).or_default().push((other, strength));
    }
    Ok(Some(partners))
}

/// What is picked together, the strongest first, at most 500; of one item when `material` names one.
pub async fn affinities(
    connection: &mut PgConnection,
    actor: &Actor,
    facility: &str,
    material: &Option<String>,
    most: Option<u32>,
) -> Result<Vec<AffinityDto>> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facility_of(connection, actor, facility).await?.facility_id;
    let item = crate::outbound::service::item_of(connection, actor, material).await.map_err(|error| error.at("material"))?;
    let most = i64::from(most.unwrap_or(50)).clamp(1, PAIRS_MAX);
    let pairs = velocity::affinities(connection, actor.tenant(), facility, item, most).await?;
    let ids: Vec<ItemId> = pairs.iter().flat_map(|pair| [pair.item_id, pair.other_item_id]).collect();
    let labels = catalog::service::labels_by_ids(connection, actor.tenant(), &ids).await?;
    let code = |item: &ItemId| labels.get(item).map_or_else(String::new, |label| label.code.clone());
    let told = |pair: super::model::ItemAffinity| AffinityDto {
        material_id: pair.item_id.0,
        material_code: code(&pair.item_id),
        other_material_id: pair.other_item_id.0,
        other_material_code: code(&pair.other_item_id),
        co_picks: pair.co_picks,
        support: pair.support,
        confidence: pair.confidence,
        lift: pair.lift,
        strength: pair.strength,
        computed_at: pair.computed_at,
    };
    Ok(pairs.into_iter().map(told).collect())
}

/// Takes today's snapshot of utilisation now, as the daily job does.
pub async fn take_snapshot(tx: &mut Tx, actor: &Actor, input: &OfFacility) -> Result<Snapshot> {
    actor.require(SLOTTING)?;
    let facility = facility_of(tx, actor, &input.facility).await?.facility_id;
    let taken = daily::take_snapshot(tx, actor, facility).await?;
    tx.audit(actor, audit::Entry::new("slotting.snapshot", "facility", facility).after(&taken));
    Ok(taken)
}

/// Utilisation of the coming 30 days, from the daily snapshots.
pub async fn predictions(connection: &mut PgConnection, actor: &Actor, facility: &str) -> Result<PredictionsDto> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facility_of(connection, actor, facility).await?;
    let from = actor.env.now().date_naive() - TimeDelta::days(FORECAST_DAYS);
    let snapshots = utilization::since(connection, actor.tenant(), facility.facility_id, from).await?;
    let mut told = PredictionsDto {
        facility_id: facility.facility_id.0,
        facility_code: facility.code,
        method: None,
        horizons: Vec::new(),
        days: Vec::new(),
        accuracy: Vec::new(),
        history: snapshots.iter().skip(snapshots.len().saturating_sub(SHOWN_DAYS)).cloned().collect(),
        message: String::new(),
    };
    let daily = series(&snapshots);
    let (Some(last), true) = (snapshots.last(), daily.len() >= 14) else {
        told.message = format!("a forecast needs 14 days of snapshots; there are {}", daily.len());
        return Ok(told);
    };
    let compute = move || slotting::forecast(&daily, 0.0, CEILING_PERCENT).map_err(refused);
    let found = tokio::task::spawn_blocking(compute).await.map_err(Error::internal)??;
    let day = |point: &slotting::Point| PredictionDto {
        days_ahead: point.days_ahead as i32,
        day: last.day + TimeDelta::days(point.days_ahead as i64),
        utilization: point.value,
        low_80: point.low_80,
        high_80: point.high_80,
        low_95: point.low_95,
        high_95: point.high_95,
    };
    told.days = found.points.iter().map(day).collect();
    told.horizons = told.days.iter().filter(|day| HORIZONS.contains(&day.days_ahead)).cloned().collect();
    told.method = Some(name(found.method));
    let accuracy = |row: &slotting::Accuracy| AccuracyDto {
        method: name(row.method),
        is_used: row.method == found.method,
        days_ahead: row.days_ahead as i32,
        origins: row.origins as i32,
        mape_percent: row.mape_percent,
        rmse: row.rmse,
    };
    told.accuracy = found.accuracy.iter().map(accuracy).collect();
    Ok(told)
}

/// A day without a snapshot is as the day before.
fn series(snapshots: &[Snapshot]) -> Vec<f64> {
    let mut daily: Vec<f64> = Vec::new();
    for (n, snapshot) in snapshots.iter().enumerate() {
        if let Some(before) = n.checked_sub(1).map(|n| &snapshots[n]) {
            let missing = (snapshot.day - before.day).num_days() - 1;
            daily.extend((0..missing).map(|_| before.utilization.min(CEILING_PERCENT)));
        }
        daily.push(snapshot.utilization.min(CEILING_PERCENT));
    }
    daily
}

fn name(method: Method) -> String {
    let name = match method {
        Method::Mean => "MEAN",
        Method::SeasonalNaive => "SEASONAL_NAIVE",
        Method::DampedHolt => "DAMPED_HOLT",
        Method::SeasonalHolt => "SEASONAL_HOLT",
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};

    use super::*;

    #[test]
    fn days_without_a_snapshot_are_as_the_day_before() {
        let at = |day: u32, utilization: f64| Snapshot {
            day: NaiveDate::from_ymd_opt(2026, 1, day).unwrap(),
            locations: 0,
            used_locations: 0,
            volume_cm3: 0,
            used_volume_cm3: 0,
            utilization,
            fragmentation_index: 0.0,
            taken_at: DateTime::UNIX_EPOCH,
        };
        assert_eq!(series(&[at(1, 10.0), at(2, 20.0), at(5, 30.0)]), [10.0, 20.0, 20.0, 20.0, 30.0]);
        assert!(series(&[]).is_empty());
    }
}
