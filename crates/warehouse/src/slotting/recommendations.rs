//! What would make better use of the locations, found when asked for; and plans that bring together what lies in pieces.

use std::collections::{BTreeMap, HashMap, HashSet};

use catalog::AbcClass;
use catalog::service::ItemSize;
use inventory::{BalanceRow, QualityStatus};
use kernel::{ItemId, LocationId, LotId};
use optimization::slotting::{FreeSpace, Stock, consolidate, fragmentation_index};
use platform::Result;
use platform::auth::Actor;
use sqlx::PgConnection;
use uuid::Uuid;

use super::dto::{RecommendationDto, RecommendationsDto};
use super::model::{ItemVelocity, Plan, PlannedMove};
use super::planner::Proposal;
use super::store::velocity;
use crate::WAREHOUSE_READ;
use crate::location::load::{Load, Loads, Snapshot, times};
use crate::location::{Location, service as locations};
use crate::words::{LocationType, OptimizationKind, TriggerSeverity};

/// Where goods are stored.
pub(super) const STORES: [LocationType; 4] =
    [LocationType::Putaway, LocationType::PickFace, LocationType::Reserve, LocationType::Bulk];
const OVERFULL_PERCENT: f64 = 95.0;
/// A location that takes goods from an overfull one must not become so itself.
const ROOMY_PERCENT: f64 = 85.0;
const RECOMMENDATIONS_MAX: usize = 500;
const VELOCITIES_MAX: i64 = 100_000;

/// One part that joins another; indices into the balances.
struct Joined {
    from: usize,
    to: LocationId,
}

/// Parts of an item and lot that fit into another location of the same type which holds the same. Only what is released and not promised
/// moves, and nothing to or from where work is under way.
fn joined(
    places: &HashMap<LocationId, &Location>,
    balances: &[BalanceRow],
    sizes: &HashMap<ItemId, ItemSize>,
    loads: &Loads,
    spoken_for: &HashSet<LocationId>,
) -> Vec<Joined> {
    let mut by_type: BTreeMap<LocationType, Vec<usize>> = BTreeMap::new();
    for (n, balance) in balances.iter().enumerate() {
        let is_free =
            balance.quality_status == QualityStatus::Released && balance.reserved.is_zero() && !balance.on_hand.is_zero();
        let Some(place) = places.get(&balance.location_id).filter(|place| place.takes_goods()) else { continue };
        let is_measured = loads.get(&place.location_id).is_some_and(|load| !load.is_unmeasured);
        if is_free && is_measured && STORES.contains(&place.fields.kind) && !spoken_for.contains(&balance.location_id) {
            by_type.entry(place.fields.kind).or_default().push(n);
        }
    }
    by_type.into_values().flat_map(|members| of_type(&members, places, balances, sizes, loads)).collect()
}

fn of_type(
    members: &[usize],
    places: &HashMap<LocationId, &Location>,
    balances: &[BalanceRow],
    sizes: &HashMap<ItemId, ItemSize>,
    loads: &Loads,
) -> Vec<Joined> {
    let mut items: BTreeMap<ItemId, u32> = BTreeMap::new();
    let mut lots: BTreeMap<LotId, u32> = BTreeMap::new();
    let mut seats: BTreeMap<LocationId, u32> = BTreeMap::new();
    let mut ids = Vec::new();
    let mut part_of: HashMap<(u32, Option<u32>, u32), usize> = HashMap::new();
    let mut stock = Vec::new();
    for n in members {
        let balance = &balances[*n];
        let Some((volume, weight)) = sizes.get(&balance.item_id).and_then(|size| Some((size.volume_mm3?, size.weight_g?))) else {
            continue;
        };
        let next = items.len() as u32;
        let item = *items.entry(balance.item_id).or_insert(next);
        let next = lots.len() as u32;
        let lot = balance.lot_id.map(|lot| *lots.entry(lot).or_insert(next));
        let location = *seats.entry(balance.location_id).or_insert_with(|| {
            ids.push(balance.location_id);
            ids.len() as u32 - 1
        });
        part_of.insert((item, lot, location), *n);
        let (volume_mm3, weight_g) = (times(balance.on_hand, volume), times(balance.on_hand, weight));
        stock.push(Stock { item, lot, location, volume_mm3, weight_g });
    }
    let free = |id: &LocationId| {
        let (fields, load) = (&places[id].fields, loads.get(id).cloned().unwrap_or_default());
        FreeSpace {
            volume_mm3: fields.volume_cm3.saturating_mul(1_000).saturating_sub(load.volume_mm3()).max(0),
            weight_g: fields.max_weight_g.saturating_sub(load.weight_g()).max(0),
        }
    };
    let free: Vec<FreeSpace> = ids.iter().map(free).collect();
    let found = consolidate(&stock, &free).unwrap_or_default();
    let mut taken: HashSet<(u32, Option<u32>, u32)> = HashSet::new();
    let mut joined = Vec::new();
    for step in found {
        // What was joined already is moved no second time: its quantity is another by then.
        let key = (step.item, step.lot, step.from);
        if !taken.contains(&key)
            && let Some(from) = part_of.get(&key)
        {
            joined.push(Joined { from: *from, to: ids[step.to as usize] });
            taken.insert((step.item, step.lot, step.to));
        }
    }
    joined
}

/// A plan that brings together what lies in pieces; it saves no travel that could be told, but places.
pub(super) fn consolidation(
    all: &[Location],
    balances: &[BalanceRow],
    sizes: &HashMap<ItemId, ItemSize>,
    spoken_for: &HashSet<LocationId>,
    plan: &Plan,
) -> (Proposal, Vec<PlannedMove>) {
    let snapshot = Snapshot { balances: balances.to_vec(), holds: Vec::new(), sizes: sizes.clone() };
    let places: HashMap<LocationId, &Location> = all.iter().map(|place| (place.location_id, place)).collect();
    let found = joined(&places, balances, sizes, &snapshot.loads(), spoken_for);
    let row = |(n, step): (usize, &Joined)| {
        let balance = &balances[step.from];
        PlannedMove {
            move_no: n as i32 + 1,
            step_no: n as i32 + 1,
            chain_no: n as i32 + 1,
            item_id: balance.item_id,
            lot_id: balance.lot_id,
            quantity: balance.on_hand,
            from_location_id: balance.location_id,
            to_location_id: step.to,
            cost_m: plan.handling_m,
            chain_saving_m_per_day: 0.0,
            chain_cost_m: plan.handling_m,
            left_out: String::new(),
        }
    };
    let moves: Vec<PlannedMove> = found.iter().take(plan.moves_max as usize).enumerate().map(row).collect();
    let cost_m = moves.iter().map(|row| row.cost_m).sum();
    (Proposal { cost_m, items: found.len(), ..Proposal::default() }, moves)
}

/// By priority, then by kind; `facility` is an id or a code. At most `most` (50 when absent, 500 at most) are told.
pub async fn recommendations(
    connection: &mut PgConnection,
    actor: &Actor,
    facility: &str,
    kind: Option<OptimizationKind>,
    most: Option<u32>,
) -> Result<RecommendationsDto> {
    actor.require(WAREHOUSE_READ)?;
    let facility = super::service::facility_of(connection, actor, facility).await?;
    let (tenant, now) = (actor.tenant(), actor.env.now());
    let all = locations::in_facility(connection, tenant, facility.facility_id).await?;
    let snapshot = Snapshot::of_facility(connection, tenant, facility.facility_id, now).await?;
    let rows = match velocity::last_day(connection, tenant, facility.facility_id).await? {
        Some(day) => {
            velocity::of_day(connection, tenant, facility.facility_id, day, &velocity::Narrow::default(), VELOCITIES_MAX).await?
        }
        None => Vec::new(),
    };
    let mut view = View::of(&all, &snapshot, &rows);
    let is_wanted = |one: OptimizationKind| kind.is_none_or(|kind| kind == one);
    let mut found = Vec::new();
    if is_wanted(OptimizationKind::Consolidate) {
        found.extend(view.consolidations());
    }
    if is_wanted(OptimizationKind::Reslot) {
        found.extend(view.misplaced());
    }
    if is_wanted(OptimizationKind::Rebalance) {
        found.extend(view.overfull());
    }
    found.sort_by_key(|one| (std::cmp::Reverse(one.priority), one.kind));
    let total = i32::try_from(found.len()).unwrap_or(i32::MAX);
    found.truncate((most.unwrap_or(50) as usize).clamp(1, RECOMMENDATIONS_MAX));
    let ids: Vec<ItemId> = found.iter().map(|one| ItemId(one.material_id)).collect();
    let labels = catalog::service::labels_by_ids(connection, tenant, &ids).await?;
    for one in &mut found {
        one.material_code = labels.get(&ItemId(one.material_id)).map_or_else(String::new, |label| label.code.clone());
    }
    Ok(RecommendationsDto {
        facility_id: facility.facility_id.0,
        facility_code: facility.code,
        fragmentation_index: fragmentation_index(&view.free()),
        total,
        items: found,
        calculated_at: now,
    })
}

struct View<'a> {
    places: HashMap<LocationId, &'a Location>,
    snapshot: &'a Snapshot,
    loads: Loads,
    velocities: HashMap<ItemId, &'a ItemVelocity>,
}

impl<'a> View<'a> {
    fn of(all: &'a [Location], snapshot: &'a Snapshot, rows: &'a [ItemVelocity]) -> Self {
        let stores = all.iter().filter(|place| place.is_active && STORES.contains(&place.fields.kind));
        Self {
            places: stores.map(|place| (place.location_id, place)).collect(),
            snapshot,
            loads: snapshot.loads(),
            velocities: rows.iter().map(|row| (row.item_id, row)).collect(),
        }
    }

    fn free_mm3(&self, place: &Location) -> i64 {
        let used = self.loads.get(&place.location_id).map_or(0, Load::volume_mm3);
        place.fields.volume_cm3.saturating_mul(1_000).saturating_sub(used)
    }

    fn free(&self) -> Vec<i64> {
        self.places.values().map(|place| self.free_mm3(place)).collect()
    }

    fn fill_percent(&self, place: &Location) -> f64 {
        self.loads.get(&place.location_id).map_or(0.0, |load| load.fill_percent(place.fields.volume_cm3))
    }

    fn told(&self, kind: OptimizationKind, balance: &BalanceRow, to: Option<&Location>, reason: String) -> RecommendationDto {
        RecommendationDto {
            kind,
            priority: TriggerSeverity::Medium,
            material_id: balance.item_id.0,
            material_code: String::new(),
            lot_number: balance.lot_number.clone(),
            quantity: balance.on_hand.to_string(),
            from_location_id: balance.location_id.0,
            from_location_code: balance.location_code.clone(),
            to_location_id: to.map(|to: &Location| -> Uuid { to.location_id.0 }),
            to_location_code: to.map(|to| to.fields.code.clone()),
            reason,
        }
    }

    fn consolidations(&self) -> Vec<RecommendationDto> {
        let held: HashSet<LocationId> = self.snapshot.holds.iter().map(|hold| hold.location).collect();
        let found = joined(&self.places, &self.snapshot.balances, &self.snapshot.sizes, &self.loads, &held);
        let told = |step: Joined| {
            let balance = &self.snapshot.balances[step.from];
            let to = self.places[&step.to];
            let reason =
                format!("{} holds the same and has room for it; {} is free of it then", to.fields.code, balance.location_code);
            self.told(OptimizationKind::Consolidate, balance, Some(to), reason)
        };
        found.into_iter().map(told).collect()
    }

    /// Goods in a location of another class than their picks give them; a plan finds the place.
    fn misplaced(&self) -> Vec<RecommendationDto> {
        let of = |balance: &BalanceRow| {
            let (place, row) = (self.places.get(&balance.location_id)?, self.velocities.get(&balance.item_id)?);
            let (is, should) = (place.fields.abc_class, row.abc_class);
            let is_off = matches!((is, should), (AbcClass::A, AbcClass::C) | (AbcClass::B | AbcClass::C, AbcClass::A));
            (is_off && !balance.on_hand.is_zero()).then(|| {
                let rate = row.recent_per_day;
                let why = row.trigger.map_or_else(String::new, |trigger| format!(", {}", trigger.kind));
                let reason = format!("class {should} by its picks ({rate:.2} a day{why}) in a place of class {is}");
                let priority = match row.trigger {
                    Some(trigger) => trigger.severity,
                    None if should == AbcClass::A && is == AbcClass::C => TriggerSeverity::High,
                    None => TriggerSeverity::Medium,
                };
                RecommendationDto { priority, ..self.told(OptimizationKind::Reslot, balance, None, reason) }
            })
        };
        self.snapshot.balances.iter().filter_map(of).collect()
    }

    /// For each overfull location the largest part that another one of its type takes without becoming too full itself.
    fn overfull(&mut self) -> Vec<RecommendationDto> {
        let mut places: Vec<&Location> = self.places.values().copied().collect();
        places.sort_by(|one, other| one.fields.code.cmp(&other.fields.code));
        let mut room: HashMap<LocationId, i64> = HashMap::new();
        for place in &places {
            let most = (place.fields.volume_cm3 as f64 * 10.0 * ROOMY_PERCENT) as i64;
            let used = self.loads.get(&place.location_id).map_or(0, Load::volume_mm3);
            room.insert(place.location_id, most.saturating_sub(used));
        }
        let mut found = Vec::new();
        for place in places.iter().filter(|place| self.fill_percent(place) > OVERFULL_PERCENT) {
            let parts = self.snapshot.balances.iter().filter(|balance| {
                balance.location_id == place.location_id
                    && balance.quality_status == QualityStatus::Released
                    && balance.reserved.is_zero()
            });
            let volume =
                |balance: &BalanceRow| Some(times(balance.on_hand, self.snapshot.sizes.get(&balance.item_id)?.volume_mm3?));
            let mut parts: Vec<(i64, &BalanceRow)> = parts.filter_map(|balance| Some((volume(balance)?, balance))).collect();
            parts.sort_by_key(|(volume, balance)| (std::cmp::Reverse(*volume), balance.balance_id));
            let target = |volume: i64| {
                let alike = places.iter().filter(|other| {
                    other.fields.kind == place.fields.kind && other.takes_goods() && room[&other.location_id] >= volume
                });
                alike.max_by_key(|other| room[&other.location_id]).copied()
            };
            let Some((volume, balance, to)) =
                parts.iter().find_map(|(volume, balance)| Some((*volume, *balance, target(*volume)?)))
            else {
                continue;
            };
            *room.entry(to.location_id).or_insert(0) -= volume;
            let reason = format!("{} is {:.0} % full; {} has room", place.fields.code, self.fill_percent(place), to.fields.code);
            let told = self.told(OptimizationKind::Rebalance, balance, Some(to), reason);
            found.push(RecommendationDto { priority: TriggerSeverity::High, ..told });
        }
        found
    }
}
