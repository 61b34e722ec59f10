//! A facility as the travel simulator sees it: aisles, depths, and which item is picked where.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use inventory::{BalanceRow, QualityStatus};
use kernel::{ItemId, LocationId};
use optimization::slotting::{Layout, MAX_AISLES, Slot, Slotting};
use platform::{Error, Result};

use crate::location::Location;
use crate::words::LocationType;

/// Between aisles, and between places along an aisle, where nobody has entered coordinates.
const PITCH_M: f64 = 4.0;
const BAY_M: f64 = 1.0;
/// From the cross aisle to the first place.
const CLEARANCE_M: f64 = 1.0;
const MM_PER_M: f64 = 1_000.0;

/// Where one picks first: what is meant for picking, then the rest.
fn rank(kind: LocationType) -> Option<u8> {
    match kind {
        LocationType::PickFace => Some(0),
        LocationType::Putaway => Some(1),
        LocationType::Reserve => Some(2),
        LocationType::Bulk => Some(3),
        _ => None,
    }
}

/// What decides whether goods of one place can lie in another: such places are interchangeable.
pub(super) type Alike =
    (LocationType, Option<[i32; 3]>, i64, i64, catalog::SecurityZone, Option<(i32, i32)>, crate::words::MixingPolicy);

fn alike(location: &Location) -> Alike {
    let fields = &location.fields;
    let protection = (fields.security_zone, fields.temperature_dc, fields.mixing_policy);
    let (security, temperature, mixing) = protection;
    (fields.kind, fields.dimensions_mm, fields.volume_cm3, fields.max_weight_g, security, temperature, mixing)
}

/// A slot for each item that is picked in an aisle, and one for each empty place.
#[derive(Debug)]
pub(super) struct Hall {
    pub layout: Layout,
    /// The location of each slot. A location with several items has a slot for each.
    pub places: Vec<LocationId>,
    /// By code, so that families are neighbours.
    pub items: Vec<ItemId>,
    pub current: Slotting,
    /// Slots, and items in them, that may change places with one another.
    pub groups: Vec<Group>,
}

/// All places of one kind whose goods may move, or that are empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    pub slots: Vec<u32>,
    pub items: Vec<u32>,
}

/// What a facility holds.
pub(super) struct Stocked<'a> {
    pub locations: &'a [Location],
    pub balances: &'a [BalanceRow],
    /// Where open recommendations hold space, or tasks wait to take from or bring to.
    pub spoken_for: &'a HashSet<LocationId>,
    /// By item; those without a code come last.
    pub codes: &'a HashMap<ItemId, String>,
}

impl Hall {
    /// An item is picked from the place that ranks first by type, pick sequence and code. It may move when it is alone there, all of it
    /// released, nothing promised and no work under way.
    pub fn of(stocked: &Stocked) -> Result<Option<Self>> {
        let stores = |place: &&Location| rank(place.fields.kind).is_some() && place.is_active && !place.fields.aisle.is_empty();
        let mut stores: Vec<&Location> = stocked.locations.iter().filter(stores).collect();
        stores.sort_by_key(|place| (rank(place.fields.kind), place.fields.pick_sequence.unwrap_or(i32::MAX), &place.fields.code));
        let Some(frame) = Frame::of(&stores, stocked.locations)? else { return Ok(None) };
        let mut at: HashMap<LocationId, Vec<&BalanceRow>> = HashMap::new();
        for balance in stocked.balances.iter().filter(|balance| !balance.on_hand.is_zero()) {
            at.entry(balance.location_id).or_default().push(balance);
        }
        let mut home: HashMap<ItemId, usize> = HashMap::new();
        for (n, place) in stores.iter().enumerate() {
            for balance in at.get(&place.location_id).into_iter().flatten() {
                home.entry(balance.item_id).or_insert(n);
            }
        }
        let mut items: Vec<ItemId> = home.keys().copied().collect();
        items.sort_by_key(|item| (stocked.codes.get(item).is_none(), stocked.codes.get(item), *item));
        let mut hall = Self {
            layout: Layout { slots: Vec::new(), ..frame.layout.clone() },
            places: Vec::new(),
            current: vec![None; items.len()],
            items,
            groups: Vec::new(),
        };
        hall.fill(stocked, &stores, &frame, &at, &home);
        Ok((!hall.layout.slots.is_empty()).then_some(hall))
    }

    fn fill(
        &mut self,
        stocked: &Stocked,
        stores: &[&Location],
        frame: &Frame,
        at: &HashMap<LocationId, Vec<&BalanceRow>>,
        home: &HashMap<ItemId, usize>,
    ) {
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        let mut homes: HashMap<usize, Vec<u32>> = HashMap::new();
        for (n, item) in self.items.iter().enumerate() {
            homes.entry(home[item]).or_default().push(n as u32);
        }
        for (n, place) in stores.iter().enumerate() {
            let goods = at.get(&place.location_id).map_or(&[][..], Vec::as_slice);
            let here = homes.get(&n).map_or(&[][..], Vec::as_slice);
            let is_free = place.takes_goods() && !stocked.spoken_for.contains(&place.location_id);
            let movable = |balance: &BalanceRow| {
                balance.quality_status == QualityStatus::Released
                    && balance.reserved.is_zero()
                    && balance.item_id == goods[0].item_id
                    && !balance.on_hand.is_zero()
            };
            let may_move = is_free && here.len() == 1 && goods.iter().all(|balance| movable(balance));
            for item in here {
                let slot = self.slot(frame, place);
                self.current[*item as usize] = Some(slot);
                if may_move {
                    let group = groups.entry(format!("{:?}", alike(place))).or_default();
                    group.slots.push(slot);
                    group.items.push(*item);
                }
            }
            if goods.is_empty() && is_free {
                let slot = self.slot(frame, place);
                groups.entry(format!("{:?}", alike(place))).or_default().slots.push(slot);
            }
        }
        self.groups = groups.into_values().filter(|group| !group.items.is_empty() && group.slots.len() > 1).collect();
        self.groups.sort_by_key(|group| std::cmp::Reverse(group.items.len()));
    }

    fn slot(&mut self, frame: &Frame, place: &Location) -> u32 {
        self.layout.slots.push(frame.slot(place));
        self.places.push(place.location_id);
        self.places.len() as u32 - 1
    }
}

/// Where aisles lie and how deep places lie in them.
struct Frame {
    layout: Layout,
    aisles: HashMap<String, u16>,
    /// Along the aisles: 0 for x, 1 for y; nothing without coordinates.
    along: Option<usize>,
    front_mm: i64,
    /// +1 when depth grows with the coordinate.
    sign: i64,
    /// Position of each rack of an aisle without coordinates.
    racks: HashMap<(String, String), usize>,
}

fn coordinates(place: &Location) -> Option<[i64; 2]> {
    let [x, y, _] = place.fields.position_mm;
    Some([i64::from(x?), i64::from(y?)])
}

impl Frame {
    fn of(stores: &[&Location], all: &[Location]) -> Result<Option<Self>> {
        let names: BTreeSet<&str> = stores.iter().map(|place| place.fields.aisle.as_str()).collect();
        if names.len() > MAX_AISLES {
            return Err(Error::conflict(format!("the facility has {} aisles; at most {MAX_AISLES} can be planned", names.len())));
        }
        if names.is_empty() {
            return Ok(None);
        }
        let measured = stores.iter().all(|place| coordinates(place).is_some());
        let frame = measured.then(|| Self::measured(stores, all, &names)).flatten();
        Ok(Some(frame.unwrap_or_else(|| Self::schematic(stores, &names))))
    }

    /// By coordinates; nothing when two aisles lie on one line.
    fn measured(stores: &[&Location], all: &[Location], names: &BTreeSet<&str>) -> Option<Self> {
        let mut members: BTreeMap<&str, Vec<[i64; 2]>> = names.iter().map(|name| (*name, Vec::new())).collect();
        for place in stores {
            members.get_mut(place.fields.aisle.as_str())?.push(coordinates(place)?);
        }
        let spread = |axis: usize| -> i64 {
            let of = |places: &Vec<[i64; 2]>| {
                let values = || places.iter().map(|place| place[axis]);
                values().max().unwrap_or(0) - values().min().unwrap_or(0)
            };
            members.values().map(of).sum()
        };
        let along = usize::from(spread(1) >= spread(0));
        let across = 1 - along;
        let mean = |places: &Vec<[i64; 2]>| places.iter().map(|place| place[across] as f64).sum::<f64>() / places.len() as f64;
        let mut lines: Vec<(f64, &str)> = members.iter().map(|(name, places)| (mean(places) / MM_PER_M, *name)).collect();
        lines.sort_by(|one, other| one.0.total_cmp(&other.0));
        if lines.windows(2).any(|two| two[1].0 - two[0].0 < 0.001) {
            return None;
        }
        let values = || members.values().flatten().map(|place| place[along]);
        let (least, most) = (values().min()?, values().max()?);
        let depots = [LocationType::Shipping, LocationType::Packing, LocationType::Staging, LocationType::Receiving];
        let depot = depots.iter().find_map(|kind| all.iter().filter(|place| place.fields.kind == *kind).find_map(coordinates));
        let is_behind = depot.is_some_and(|depot| (depot[along] - most).abs() < (depot[along] - least).abs());
        let (front_mm, sign) = if is_behind { (most, -1) } else { (least, 1) };
        let layout = Layout {
            aisles_m: lines.iter().map(|(x, _)| *x).collect(),
            aisle_length_m: (most - least) as f64 / MM_PER_M + 2.0 * CLEARANCE_M,
            depot_m: depot.map_or(lines[0].0, |depot| depot[across] as f64 / MM_PER_M),
            reserve_m: 0.0,
            slots: Vec::new(),
        };
        let aisles = lines.iter().zip(0..).map(|((_, name), n)| ((*name).to_owned(), n)).collect();
        Some(Self { layout, aisles, along: Some(along), front_mm, sign, racks: HashMap::new() })
    }

    /// Aisles side by side in the order of their names, racks along them in the order of theirs.
    fn schematic(stores: &[&Location], names: &BTreeSet<&str>) -> Self {
        let racks: BTreeSet<(&str, &str)> = stores.iter().map(|place| (place.fields.aisle.as_str(), rack(place))).collect();
        let mut positions = HashMap::new();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for (aisle, rack) in racks {
            let count = counts.entry(aisle).or_default();
            positions.insert((aisle.to_owned(), rack.to_owned()), *count);
            *count += 1;
        }
        let deepest = counts.into_values().max().unwrap_or(1) - 1;
        let layout = Layout {
            aisles_m: (0..names.len()).map(|n| n as f64 * PITCH_M).collect(),
            aisle_length_m: (deepest + 1) as f64 * BAY_M + 2.0 * CLEARANCE_M,
            depot_m: 0.0,
            reserve_m: 0.0,
            slots: Vec::new(),
        };
        let aisles = names.iter().zip(0..).map(|(name, n)| ((*name).to_owned(), n)).collect();
        Self { layout, aisles, along: None, front_mm: 0, sign: 1, racks: positions }
    }

    fn slot(&self, place: &Location) -> Slot {
        let fields = &place.fields;
        let aisle = self.aisles.get(&fields.aisle).copied().unwrap_or(0);
        let depth_m = match (self.along, coordinates(place)) {
            (Some(along), Some(at)) => ((at[along] - self.front_mm) * self.sign) as f64 / MM_PER_M + CLEARANCE_M,
            _ => {
                let key = (fields.aisle.clone(), rack(place).to_owned());
                (self.racks.get(&key).copied().unwrap_or(0) as f64 + 0.5) * BAY_M + CLEARANCE_M
            }
        };
        let level = match fields.ergonomic_zone {
            crate::words::ErgonomicZone::Golden => 0,
            crate::words::ErgonomicZone::Low => 1,
            crate::words::ErgonomicZone::High => 2,
        };
        Slot { aisle, depth_m: depth_m.clamp(0.0, self.layout.aisle_length_m), level }
    }
}

/// Without a rack a place stands for itself.
fn rack(place: &Location) -> &str {
    if place.fields.rack.is_empty() { &place.fields.code } else { &place.fields.rack }
}
