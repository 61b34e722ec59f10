//! Between our rows and the optimiser's numbers, without the database.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use catalog::Item;
use catalog::service::ItemSize;
use chrono::NaiveDate;
use foldhash::fast::RandomState;
use inventory::QualityStatus;
use kernel::{ItemId, LocationId, LotId, Quantity, ReceiptLineId};
use optimization::putaway::{
    Abc, Bin, Content, Ergonomic, Hazard, Line, LocationType as Kind, Mixing, Problem, SecurityZone, Settings,
};
use platform::config::Switches;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::crossdock::ForOrder;
use crate::location::{Load, Loads, Location};
use crate::words::{ErgonomicZone, LocationType, MixingPolicy};

/// The optimiser refuses more; whatever lies there, nothing else goes in.
const USED_MAX: i64 = 1_000_000_000_000_000_000;

/// Goods to find a place for.
#[derive(Clone, Debug)]
pub(super) struct Goods {
    /// From 1.
    pub line_no: i32,
    /// As the caller wrote it, or the item's code.
    pub reference: String,
    pub item: Option<Item>,
    pub lot: Option<LotId>,
    pub lot_number: String,
    pub quality_status: QualityStatus,
    pub quantity: Quantity,
    /// Of one base unit.
    pub size: Size,
    /// Where they wait, with the location's code.
    pub from: Option<(LocationId, String)>,
    pub receipt_line: Option<ReceiptLineId>,
    pub request_hash: Option<String>,
    /// The last day on which they are good.
    pub expires_on: Option<NaiveDate>,
    /// Who lacks them so much that they are not stored.
    pub order: Option<ForOrder>,
}

impl Goods {
    pub fn item_id(&self) -> Option<ItemId> {
        self.item.as_ref().map(|item| item.item_id)
    }
}

/// What one base unit measures and weighs, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub dims_mm: Option<[i64; 3]>,
    pub volume_mm3: Option<i64>,
    pub weight_g: Option<i64>,
}

impl Size {
    pub fn of(item: &Item) -> Self {
        Self { dims_mm: item.dims_mm(), volume_mm3: item.unit_volume_mm3(), weight_g: item.weight_g }
    }
}

/// The problem of one batch, and which of ours its lines and bins are.
pub(super) struct Mapped {
    pub problem: Problem,
    /// For each line the index of the goods.
    pub lines: Vec<usize>,
    /// For each bin the index of the location.
    pub bins: Vec<usize>,
}

struct Numbers<K>(HashMap<K, u32, RandomState>);

impl<K> Default for Numbers<K> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<K: Eq + Hash> Numbers<K> {
    fn of(&mut self, key: K) -> u32 {
        let next = u32::try_from(self.0.len()).expect("a facility has fewer than 2^32 items and lots");
        *self.0.entry(key).or_insert(next)
    }
}

#[derive(Default)]
struct Interned<'a> {
    items: Numbers<ItemId>,
    lots: Numbers<(ItemId, &'a str)>,
    zones: Numbers<&'a str>,
    aisles: Numbers<&'a str>,
}

impl<'a> Interned<'a> {
    fn lot(&mut self, item: ItemId, number: &'a str) -> Option<u32> {
        (!number.is_empty()).then(|| self.lots.of((item, number)))
    }

    fn word(numbers: &mut Numbers<&'a str>, word: &'a str) -> Option<u32> {
        (!word.is_empty()).then(|| numbers.of(word))
    }
}

/// How people walk in the facility now and have walked lately.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic {
    /// Lines that wait to be picked, by aisle.
    pub active_picks: HashMap<String, u32>,
    /// Of the items that were picked lately; for others the item's own figure counts.
    pub picks_per_day: HashMap<ItemId, f64>,
    /// What else is picked with an item, each with a strength from 0 to 1.
    pub partners: HashMap<ItemId, Vec<(ItemId, f64)>>,
}

/// `goods` whose item or size is unknown take no part; [`super::told::unfit`] says why.
pub(super) fn map(
    goods: &[Goods],
    locations: &[Location],
    loads: &Loads,
    sizes: &HashMap<ItemId, ItemSize>,
    traffic: &Traffic,
) -> Mapped {
    mapped(goods, locations, loads, sizes, traffic, storage)
}

/// The same for released goods that wait for an order in STAGING: all rules hold there too.
pub(super) fn map_to_staging(
    goods: &[Goods],
    locations: &[Location],
    loads: &Loads,
    sizes: &HashMap<ItemId, ItemSize>,
) -> Mapped {
    let staging = |kind| (kind == LocationType::Staging).then_some(Kind::Putaway);
    mapped(goods, locations, loads, sizes, &Traffic::default(), staging)
}

fn mapped(
    goods: &[Goods],
    locations: &[Location],
    loads: &Loads,
    sizes: &HashMap<ItemId, ItemSize>,
    traffic: &Traffic,
    kind_of: impl Fn(LocationType) -> Option<Kind>,
) -> Mapped {
    let empty = Load::default();
    let mut interned = Interned::default();
    let hazards: HashMap<ItemId, Hazard, RandomState> =
        sizes.iter().filter_map(|(id, size)| Some((*id, hazard(&size.hazard_class)?))).collect();
    let mut mapped =
        Mapped { problem: Problem { settings: settings(locations), ..Problem::default() }, lines: Vec::new(), bins: Vec::new() };
    mapped.problem.bins.reserve_exact(locations.len());
    mapped.bins.reserve_exact(locations.len());
    for (index, goods) in goods.iter().enumerate() {
        if let Some(line) = line(goods, traffic, &mut interned) {
            mapped.problem.lines.push(line);
            mapped.lines.push(index);
        }
    }
    let near = picked_together(goods, locations, loads, traffic, &mut interned);
    for (index, location) in locations.iter().enumerate() {
        if let Some(kind) = kind_of(location.fields.kind).filter(|_| location.takes_goods()) {
            let load = loads.get(&location.location_id).unwrap_or(&empty);
            let aisle = location.fields.aisle.as_str();
            let active = traffic.active_picks.get(aisle).copied().unwrap_or(0);
            let affinity = near.get(aisle).map(|near| near.iter().map(|(item, strength)| (*item, *strength)).collect());
            let bin = bin(index, kind, location, load, &hazards, &mut interned);
            mapped.problem.bins.push(Bin { active_picks_in_aisle: active, affinity: affinity.unwrap_or_default(), ..bin });
            mapped.bins.push(index);
        }
    }
    mapped
}

/// For each aisle the items of the batch that are picked together with what lies there, each with its strongest bond.
fn picked_together<'a>(
    goods: &[Goods],
    locations: &'a [Location],
    loads: &Loads,
    traffic: &Traffic,
    interned: &mut Interned<'_>,
) -> HashMap<&'a str, BTreeMap<u32, f64>> {
    let batch: BTreeSet<ItemId> = goods.iter().filter_map(Goods::item_id).collect();
    let mut wanted: HashMap<ItemId, Vec<(u32, f64)>> = HashMap::new();
    for item in batch {
        for (partner, strength) in traffic.partners.get(&item).into_iter().flatten() {
            wanted.entry(*partner).or_default().push((interned.items.of(item), *strength));
        }
    }
    let mut near: HashMap<&str, BTreeMap<u32, f64>> = HashMap::new();
    if wanted.is_empty() {
        return near;
    }
    for location in locations.iter().filter(|location| !location.fields.aisle.is_empty()) {
        let contents = loads.get(&location.location_id).map_or(&[][..], |load| &load.contents);
        for (item, strength) in contents.iter().filter_map(|content| wanted.get(&content.item)).flatten() {
            let best = near.entry(&location.fields.aisle).or_default().entry(*item).or_default();
            *best = best.max(*strength);
        }
    }
    near
}

/// Volume (mm³) and load (g) of all locations that store goods and take some now.
pub(super) fn capacity(locations: &[Location]) -> (i64, i64) {
    let open = locations.iter().filter(|location| stores_goods(location) && location.takes_goods());
    open.fold((0, 0), |(volume, weight), location| {
        let mm3 = location.fields.volume_cm3.saturating_mul(1_000);
        (mm3.saturating_add(volume), location.fields.max_weight_g.saturating_add(weight))
    })
}

/// Distances are measured from the first RECEIVING location whose place is known.
fn settings(locations: &[Location]) -> Settings {
    let docks = locations.iter().filter(|location| location.fields.kind == LocationType::Receiving);
    let dock = docks.filter_map(|location| place(location.fields.position_mm)).next();
    Settings { dock_mm: dock.unwrap_or_default(), ..Settings::default() }
}

pub(super) fn stores_goods(location: &Location) -> bool {
    storage(location.fields.kind).is_some()
}

/// The types that the optimiser chooses from; goods never go to the others by recommendation.
fn storage(kind: LocationType) -> Option<Kind> {
    match kind {
        LocationType::Putaway => Some(Kind::Putaway),
        LocationType::PickFace => Some(Kind::PickFace),
        LocationType::Reserve => Some(Kind::Reserve),
        LocationType::Bulk => Some(Kind::Bulk),
        LocationType::Quarantine => Some(Kind::Quarantine),
        _ => None,
    }
}

fn hazard(class: &Option<String>) -> Option<Hazard> {
    class.as_deref().map(Hazard::from_class)
}

fn line<'a>(goods: &'a Goods, traffic: &Traffic, interned: &mut Interned<'a>) -> Option<Line> {
    let item = goods.item.as_ref()?;
    let temperature = (item.temperature_min_dc.is_some() || item.temperature_max_dc.is_some())
        .then(|| (item.temperature_min_dc.unwrap_or(-2731), item.temperature_max_dc.unwrap_or(2000)));
    Some(Line {
        lot: interned.lot(item.item_id, &goods.lot_number),
        unit_volume_mm3: goods.size.volume_mm3?,
        unit_weight_g: goods.size.weight_g?,
        unit_dims_mm: goods.size.dims_mm,
        abc: abc(item.abc_class),
        velocity: traffic.picks_per_day.get(&item.item_id).copied().or_else(|| item.picks_per_day.to_f64()).unwrap_or(0.0),
        temperature,
        hazard: hazard(&item.hazard_class),
        security: security(item.security_zone),
        released: goods.quality_status == QualityStatus::Released,
        ..Line::new(interned.items.of(item.item_id), goods.quantity.micro())
    })
}

fn bin<'a>(
    number: usize,
    kind: Kind,
    location: &'a Location,
    load: &'a Load,
    hazards: &HashMap<ItemId, Hazard, RandomState>,
    interned: &mut Interned<'a>,
) -> Bin {
    let fields = &location.fields;
    let volume_mm3 = fields.volume_cm3.saturating_mul(1_000);
    // What lies there without a known size may fill it: it counts as full.
    let used_volume_mm3 = if load.is_unmeasured { load.volume_mm3().max(volume_mm3) } else { load.volume_mm3() };
    let contents = load.contents.iter().map(|content| Content {
        item: interned.items.of(content.item),
        lot: interned.lot(content.item, &content.lot),
        hazard: hazards.get(&content.item).copied(),
    });
    Bin {
        contents: contents.collect(),
        zone: Interned::word(&mut interned.zones, &fields.zone),
        aisle: Interned::word(&mut interned.aisles, &fields.aisle),
        inner_dims_mm: fields.dimensions_mm.map(|sides| sides.map(i64::from)),
        used_volume_mm3: used_volume_mm3.clamp(0, USED_MAX),
        used_weight_g: load.weight_g().clamp(0, USED_MAX),
        mixing: match fields.mixing_policy {
            MixingPolicy::SingleItem => Mixing::SingleItem,
            MixingPolicy::SingleLot => Mixing::SingleLot,
            MixingPolicy::Any => Mixing::Any,
        },
        abc: abc(fields.abc_class),
        pick_sequence: fields.pick_sequence.map(i64::from),
        position_mm: place(fields.position_mm),
        ergonomic: match fields.ergonomic_zone {
            ErgonomicZone::Low => Ergonomic::Low,
            ErgonomicZone::Golden => Ergonomic::Golden,
            ErgonomicZone::High => Ergonomic::High,
        },
        security: security(fields.security_zone),
        temperature: fields.temperature_dc,
        ..Bin::new(
            u32::try_from(number).expect("a facility has fewer than 2^32 locations"),
            kind,
            volume_mm3,
            fields.max_weight_g,
        )
    }
}

/// Known when x and y are; the optimiser's limit of 1000 km holds for both.
fn place([x, y, z]: [Option<i32>; 3]) -> Option<[i64; 3]> {
    let near = |mm: i32| i64::from(mm).clamp(-1_000_000_000, 1_000_000_000);
    Some([near(x?), near(y?), near(z.unwrap_or(0))])
}

fn abc(class: catalog::AbcClass) -> Abc {
    match class {
        catalog::AbcClass::A => Abc::A,
        catalog::AbcClass::B => Abc::B,
        catalog::AbcClass::C => Abc::C,
    }
}

fn security(zone: catalog::SecurityZone) -> SecurityZone {
    match zone {
        catalog::SecurityZone::Standard => SecurityZone::Standard,
        catalog::SecurityZone::Restricted => SecurityZone::Restricted,
        catalog::SecurityZone::HighSecurity => SecurityZone::HighSecurity,
        catalog::SecurityZone::Vault => SecurityZone::Vault,
    }
}

/// What a switch turns off is worth nothing, whatever is known about it.
pub(super) fn switch_off(settings: &mut Settings, switches: &Switches) {
    if !switches.sku_affinity {
        settings.affinity = 0.0;
    }
    if !switches.congestion_avoidance {
        settings.congestion = 0.0;
    }
}

/// With three decimals, as stored.
pub(crate) fn exact(value: f64) -> Decimal {
    Decimal::new((value * 1_000.0).round() as i64, 3)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kernel::FacilityId;
    use optimization::putaway::{Method, Part, solve};
    use uuid::Uuid;

    use super::super::told::{explanation, left_over, unfit};
    use super::*;
    use crate::location::Content as Held;
    use crate::measure::{MeasureInput, SizeInput};

    fn item(n: u128) -> Item {
        let mut item = Item::new(ItemId(Uuid::from_u128(n)), format!("I{n}"), DateTime::UNIX_EPOCH);
        item.dimensions = Some(catalog::Dimensions { length_mm: 100, width_mm: 100, height_mm: 100 });
        item.weight_g = Some(1_000);
        item
    }

    fn goods(item: Option<Item>, quantity: u32) -> Goods {
        Goods {
            line_no: 1,
            reference: "X".into(),
            lot: None,
            lot_number: "L1".into(),
            quality_status: QualityStatus::Released,
            quantity: quantity.into(),
            size: item.as_ref().map(Size::of).unwrap_or_default(),
            item,
            from: None,
            receipt_line: None,
            request_hash: None,
            expires_on: None,
            order: None,
        }
    }

    fn location(n: u128, code: &str, kind: LocationType) -> Location {
        let new = crate::location::NewLocation {
            facility: String::new(),
            code: code.into(),
            kind,
            zone: "Z".into(),
            aisle: String::new(),
            rack: String::new(),
            shelf: String::new(),
            position: String::new(),
            dimensions: Some(SizeInput::from_mm([1_000, 1_000, 1_000])),
            volume: None,
            max_weight: MeasureInput::plain(500_000),
            abc_class: None,
            pick_sequence: None,
            x_mm: Some(n as i32 * 1_000),
            y_mm: Some(0),
            z_mm: None,
            security_zone: None,
            temperature: None,
            ergonomic_zone: None,
            mixing_policy: None,
        };
        Location {
            location_id: LocationId(Uuid::from_u128(n)),
            facility_id: FacilityId(Uuid::nil()),
            facility_code: "F".into(),
            fields: new.checked().unwrap(),
            is_active: true,
            is_available: true,
            blocked_reason: String::new(),
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn blocked_and_non_storage_locations_are_never_offered() {
        let mut locations = vec![
            location(1, "DOCK", LocationType::Receiving),
            location(2, "R1", LocationType::Reserve),
            location(3, "R2", LocationType::Reserve),
            location(4, "S", LocationType::Staging),
        ];
        locations[1].is_available = false;
        let mapped = map(&[goods(Some(item(1)), 5)], &locations, &Loads::default(), &HashMap::new(), &Traffic::default());
        assert_eq!(mapped.bins, [2]);
        assert_eq!(mapped.problem.settings.dock_mm, [1_000, 0, 0]);
    }

    #[test]
    fn stock_held_space_and_hazards_reach_the_optimiser() {
        let locations = [location(1, "R1", LocationType::Reserve)];
        let poison = item(2);
        let size = ItemSize { volume_mm3: Some(1), weight_g: Some(1), hazard_class: Some("6.1".into()) };
        let load = Load {
            stock_volume_mm3: 7,
            held_volume_mm3: 3,
            stock_weight_g: 5,
            contents: vec![Held { item: poison.item_id, lot: String::new() }],
            ..Load::default()
        };
        let loads = Loads::from_iter([(locations[0].location_id, load)]);
        let mapped =
            map(&[goods(Some(item(1)), 5)], &locations, &loads, &HashMap::from([(poison.item_id, size)]), &Traffic::default());
        let bin = &mapped.problem.bins[0];
        assert_eq!((bin.used_volume_mm3, bin.used_weight_g, bin.contents[0].hazard), (10, 5, Some(Hazard::Toxic)));
    }

    #[test]
    fn real_picks_stand_for_velocity_and_crowding() {
        let mut locations = [location(1, "R1", LocationType::Reserve), location(2, "R2", LocationType::Reserve)];
        locations[1].fields.aisle = "A".into();
        let mut expected = item(2);
        expected.picks_per_day = Decimal::new(35, 1);
        let traffic = Traffic {
            active_picks: HashMap::from([("A".to_owned(), 7)]),
            picks_per_day: HashMap::from([(item(1).item_id, 0.25)]),
            ..Traffic::default()
        };
        let goods = [goods(Some(item(1)), 5), goods(Some(expected), 5)];
        let mapped = map(&goods, &locations, &Loads::default(), &HashMap::new(), &traffic);
        assert_eq!(mapped.problem.bins.iter().map(|bin| bin.active_picks_in_aisle).collect::<Vec<_>>(), [0, 7]);
        assert_eq!(mapped.problem.lines.iter().map(|line| line.velocity).collect::<Vec<_>>(), [0.25, 3.5]);
    }

    #[test]
    fn what_is_picked_together_draws_to_the_aisle_where_it_lies() {
        let mut locations = [1, 2, 3].map(|n| location(n, &format!("R{n}"), LocationType::Reserve));
        for (location, aisle) in locations.iter_mut().zip(["A", "A", "B"]) {
            location.fields.aisle = aisle.into();
        }
        let contents = vec![Held { item: item(7).item_id, lot: String::new() }];
        let loads = Loads::from_iter([(locations[0].location_id, Load { contents, ..Load::default() })]);
        let partners = HashMap::from([(item(1).item_id, vec![(item(7).item_id, 0.75), (item(8).item_id, 1.0)])]);
        let goods = [goods(Some(item(1)), 5)];
        let mapped = map(&goods, &locations, &loads, &HashMap::new(), &Traffic { partners, ..Traffic::default() });
        let strength: Vec<Vec<f64>> =
            mapped.problem.bins.iter().map(|bin| bin.affinity.iter().map(|(_, strength)| *strength).collect()).collect();
        assert_eq!(strength, [vec![0.75], vec![0.75], vec![]]);
    }

    #[test]
    fn only_staging_is_offered_to_goods_for_an_order() {
        let locations = [location(1, "R1", LocationType::Reserve), location(2, "S", LocationType::Staging)];
        let mapped = map_to_staging(&[goods(Some(item(1)), 5)], &locations, &Loads::default(), &HashMap::new());
        assert_eq!(mapped.bins, [1]);
        assert_eq!(capacity(&locations), (1_000_000_000, 500_000));
    }

    #[test]
    fn a_location_with_goods_of_unknown_size_counts_as_full() {
        let locations = [location(1, "R1", LocationType::Reserve)];
        let load = Load { is_unmeasured: true, ..Load::default() };
        let mapped = map(
            &[goods(Some(item(1)), 5)],
            &locations,
            &Loads::from_iter([(locations[0].location_id, load)]),
            &HashMap::new(),
            &Traffic::default(),
        );
        let solution = solve(&mapped.problem, Method::Bfd).unwrap();
        let failure = left_over(&goods(Some(item(1)), 5), &solution.lines[0], &mapped, &locations).unwrap();
        assert_eq!((failure.reason_code.as_str(), failure.capacity.as_deref()), ("NO_CAPACITY", Some("VOLUME")));
        assert_eq!(failure.nearest_location_code.as_deref(), Some("R1"));
    }

    #[test]
    fn unknown_items_and_sizes_are_named() {
        assert_eq!(unfit(&goods(None, 1)).unwrap().reason_code, "UNKNOWN_ITEM");
        let mut unmeasured = item(1);
        unmeasured.weight_g = None;
        let failure = unfit(&goods(Some(unmeasured), 1)).unwrap();
        assert!(failure.reason_code == "NO_MASTER_DATA" && failure.reason.contains("no weight"));
        assert_eq!(unfit(&goods(Some(item(1)), 1)), None);
    }

    #[test]
    fn a_placement_is_explained_with_every_part() {
        let locations = [location(1, "R1", LocationType::Reserve), location(2, "R2", LocationType::Reserve)];
        let goods = goods(Some(item(1)), 5);
        let mapped = map(std::slice::from_ref(&goods), &locations, &Loads::default(), &HashMap::new(), &Traffic::default());
        let solution = solve(&mapped.problem, Method::Bfd).unwrap();
        let result = &solution.lines[0];
        let explained = explanation(result, &result.placements[0], &mapped, &locations);
        assert_eq!((explained.parts.len(), explained.alternatives.len(), explained.fitting_locations), (Part::ALL.len(), 1, 2));
        assert!(!explained.alternatives[0].lost.is_empty());
        assert_eq!(exact(99.9996).to_string(), "100.000");
    }
}
