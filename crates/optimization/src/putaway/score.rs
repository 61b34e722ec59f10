use serde::{Deserialize, Serialize};

use super::feasibility::Slot;
use super::{Abc, Bin, Ergonomic, Line, LocationType, Part, SecurityZone, Settings};

/// A metre up costs as much as three along the floor: lifting is slower than driving.
const VERTICAL_FACTOR: i64 = 3;

/// Points of a placement, part by part; penalties are negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoreParts {
    /// Full when item and location are of the same class, half one class apart.
    pub abc: f64,
    /// Full within the optimal range of fill, falling to 0 at empty and to half at full.
    pub fill: f64,
    /// Weight × (1 − d(1 − n) − r(1 − d)n): n the nearness of the location (1 the nearest of the facility, 0 the farthest),
    /// d the demand of the item, picks / (picks + `velocity_half`), r `near_reserve`.
    pub travel: f64,
    pub location_type: f64,
    pub consolidation: f64,
    pub affinity: f64,
    pub congestion: f64,
    /// A items and heavy units gain in the golden zone and lose up high; heavy units more than light ones.
    pub ergonomics: f64,
    pub preferred_zone: f64,
    pub special_storage: f64,
    pub split: f64,
}

impl ScoreParts {
    /// 0 to 100.
    pub fn total(&self) -> f64 {
        self.sum().clamp(0.0, 100.0)
    }

    pub fn get(&self, part: Part) -> f64 {
        match part {
            Part::Abc => self.abc,
            Part::Fill => self.fill,
            Part::Travel => self.travel,
            Part::LocationType => self.location_type,
            Part::Consolidation => self.consolidation,
            Part::Affinity => self.affinity,
            Part::Congestion => self.congestion,
            Part::Ergonomics => self.ergonomics,
            Part::PreferredZone => self.preferred_zone,
            Part::SpecialStorage => self.special_storage,
            Part::Split => self.split,
        }
    }

    /// Before the limits, so that two locations above 100 still differ. Added as `steady` and [`Rates::changing`],
    /// so that the two ways agree to the last bit.
    pub(super) fn sum(&self) -> f64 {
        self.steady() + (self.fill + self.consolidation + self.split)
    }

    /// The sum of the parts that no placement changes, grouped so that whoever knows a group adds the same.
    #[inline]
    pub(super) fn steady(&self) -> f64 {
        self.about_site() + self.about_aisle() + self.travel
    }

    pub(super) fn about_site(&self) -> f64 {
        self.abc + self.location_type + self.ergonomics + self.preferred_zone + self.special_storage
    }

    pub(super) fn about_aisle(&self) -> f64 {
        self.affinity + self.congestion
    }

    pub(super) fn add_times(&mut self, other: &Self, times: f64) {
        self.abc += other.abc * times;
        self.location_type += other.location_type * times;
        self.affinity += other.affinity * times;
        self.congestion += other.congestion * times;
        self.ergonomics += other.ergonomics * times;
        self.preferred_zone += other.preferred_zone * times;
        self.special_storage += other.special_storage * times;
    }

    pub(super) fn divide_steady(&mut self, by: f64) {
        self.abc /= by;
        self.location_type /= by;
        self.affinity /= by;
        self.congestion /= by;
        self.ergonomics /= by;
        self.preferred_zone /= by;
        self.special_storage /= by;
    }

    /// Thousandths of a point, as stored: less is no difference, and integers compare the same everywhere.
    pub(super) fn rank(&self) -> i64 {
        rank(self.sum())
    }
}

/// Not `round()`, which is a call where the processor's baseline has no such instruction.
#[inline]
pub(super) fn rank(points: f64) -> i64 {
    (points * 1000.0 + 0.5f64.copysign(points)) as i64
}

/// How sure a score of 0 to 100 makes us, 0 to 1: 1 − (1 − score/100)². The same order as the score, with the first points
/// counting most; not a probability until a model learned from decisions calibrates it.
pub fn confidence(score: f64) -> f64 {
    let lacking = 1.0 - (score / 100.0).clamp(0.0, 1.0);
    1.0 - lacking * lacking
}

/// The points that one line gives for each property of a location, worked out once.
#[derive(Clone)]
pub(super) struct Rates {
    abc: [f64; 3],
    kind: [f64; 10],
    reach: [f64; 3],
    security: [f64; 4],
    climate: f64,
    travel_base: f64,
    travel_slope: f64,
    zone: Option<u32>,
    preferred_zone: f64,
    consolidation: f64,
    affinity: f64,
    congestion: f64,
    split: f64,
    fill: f64,
    pub fill_min: f64,
    pub fill_max: f64,
    /// Of the share of the points per share of the volume, below the optimal range and above it.
    rise: f64,
    fall: f64,
}

impl Rates {
    pub fn new(line: &Line, settings: &Settings) -> Self {
        let demand = demand(line, settings.velocity_half);
        let reserve = settings.near_reserve * (1.0 - demand);
        let heavy = line.unit_weight_g >= settings.heavy_unit_g;
        let levels_above = |zone: SecurityZone| (zone as usize).saturating_sub(line.security as usize) as f64;
        Self {
            abc: [Abc::A, Abc::B, Abc::C].map(|class| settings.abc * abc_share(line.abc, class)),
            kind: std::array::from_fn(|kind| settings.location_type * type_share(line.abc, LocationType::ALL[kind])),
            reach: [Ergonomic::Low, Ergonomic::Golden, Ergonomic::High]
                .map(|zone| settings.ergonomics * reach_share(line.abc, heavy, zone)),
            security: std::array::from_fn(|zone| -settings.special_storage * levels_above(SecurityZone::ALL[zone])),
            climate: if line.temperature.is_none() { -settings.special_storage } else { 0.0 },
            travel_base: settings.travel * (1.0 - demand),
            travel_slope: settings.travel * (demand - reserve),
            zone: line.preferred_zone,
            preferred_zone: settings.preferred_zone,
            consolidation: settings.consolidation,
            affinity: settings.affinity,
            congestion: settings.congestion,
            split: settings.split,
            fill: settings.fill,
            fill_min: settings.optimal_fill_min,
            fill_max: settings.optimal_fill_max,
            rise: 1.0 / settings.optimal_fill_min,
            fall: if settings.optimal_fill_max < 1.0 { 0.5 / (1.0 - settings.optimal_fill_max) } else { 0.0 },
        }
    }

    /// The parts that no placement changes; the others 0.
    #[inline]
    pub fn steady(&self, slot: &Slot, affinity: f64) -> ScoreParts {
        let ScoreParts { affinity, congestion, .. } = self.aisle(slot, affinity);
        ScoreParts { travel: self.travel(slot.nearness), affinity, congestion, ..self.site(slot) }
    }

    /// The parts that follow from what the location itself is.
    #[inline]
    pub fn site(&self, slot: &Slot) -> ScoreParts {
        ScoreParts {
            abc: self.abc[slot.abc as usize],
            location_type: self.kind[slot.kind as usize],
            ergonomics: self.reach[slot.ergonomic as usize],
            preferred_zone: if self.zone.is_some() & (self.zone == slot.zone) { self.preferred_zone } else { 0.0 },
            special_storage: self.security[slot.security as usize] + if slot.controlled { self.climate } else { 0.0 },
            ..ScoreParts::default()
        }
    }

    /// The parts that follow from what goes on around it.
    #[inline]
    pub fn aisle(&self, slot: &Slot, affinity: f64) -> ScoreParts {
        let (affinity, congestion) = (self.affinity * affinity, -self.congestion * slot.crowding);
        ScoreParts { affinity, congestion, ..ScoreParts::default() }
    }

    #[inline]
    pub fn travel(&self, nearness: f64) -> f64 {
        self.travel_base + self.travel_slope * nearness
    }

    /// At most this for what placements change.
    pub fn most_changing(&self, same_lot: bool) -> f64 {
        self.fill + if same_lot { self.consolidation } else { 0.0 }
    }

    /// The other parts: fill, consolidation, split. `fill` is the share of the volume in use afterwards, `same_lot` whether the
    /// same item and lot lies there, `partial` whether only a part of the line goes there.
    #[inline]
    pub fn changing(&self, fill: f64, same_lot: bool, partial: bool) -> (f64, f64, f64) {
        let joined = if same_lot { self.consolidation } else { 0.0 };
        (self.fill * self.fill_share(fill), joined, if partial { -self.split } else { 0.0 })
    }

    /// All parts.
    pub fn parts(&self, slot: &Slot, affinity: f64, fill: f64, same_lot: bool, partial: bool) -> ScoreParts {
        let (fill, consolidation, split) = self.changing(fill, same_lot, partial);
        ScoreParts { fill, consolidation, split, ..self.steady(slot, affinity) }
    }

    /// True when nearer is better for this line.
    pub fn seeks_near(&self) -> bool {
        self.travel_slope > 0.0
    }

    /// The least of three lines, without a branch.
    #[inline]
    fn fill_share(&self, fill: f64) -> f64 {
        let (rising, falling) = (fill * self.rise, 1.0 - self.fall * (fill - self.fill_max));
        let least = if rising < falling { rising } else { falling };
        if least < 1.0 { least } else { 1.0 }
    }

    /// The fill between two limits that earns the most points: the points rise up to the optimal range and fall after it.
    pub fn best_fill(&self, least: f64, most: f64) -> f64 {
        if most < self.fill_min { most } else { least.max(self.fill_min) }
    }
}

/// 0 to 1. An item without history counts as its class usually moves.
fn demand(line: &Line, velocity_half: f64) -> f64 {
    match line.abc {
        _ if line.velocity > 0.0 => line.velocity / (line.velocity + velocity_half),
        Abc::A => 0.8,
        Abc::B => 0.5,
        Abc::C => 0.2,
    }
}

fn abc_share(item: Abc, bin: Abc) -> f64 {
    match (item as i32 - bin as i32).abs() {
        0 => 1.0,
        1 => 0.5,
        _ => 0.0,
    }
}

/// Fast movers belong in pick faces, slow ones in reserve and bulk; PUTAWAY suits all. Goods on hold have one type only.
fn type_share(item: Abc, kind: LocationType) -> f64 {
    match (kind, item) {
        (LocationType::Quarantine, _) => 1.0,
        (LocationType::PickFace, Abc::A) => 1.0,
        (LocationType::PickFace, Abc::B) => 0.8,
        (LocationType::PickFace, Abc::C) => 0.3,
        (LocationType::Reserve, Abc::A) => 0.6,
        (LocationType::Reserve, Abc::B) => 0.9,
        (LocationType::Reserve, Abc::C) => 1.0,
        (LocationType::Bulk, Abc::A) => 0.4,
        (LocationType::Bulk, Abc::B) => 0.6,
        (LocationType::Bulk, Abc::C) => 0.9,
        (LocationType::Putaway, _) => 0.7,
        _ => 0.0,
    }
}

fn reach_share(item: Abc, heavy: bool, zone: Ergonomic) -> f64 {
    match zone {
        Ergonomic::Golden if heavy || item == Abc::A => 1.0,
        Ergonomic::High if heavy => -1.0,
        Ergonomic::High if item == Abc::A => -0.5,
        _ => 0.0,
    }
}

/// Per bin the share of the comparable bins that are farther, 1 for the nearest: by pick sequence, or without one by the
/// distance from dock and pick area; 0.5 when neither is known. Shares instead of distances make both kinds comparable.
pub(super) fn nearness(bins: &[&Bin], settings: &Settings) -> Vec<f64> {
    let mut share = vec![0.5; bins.len()];
    let by_sequence = bins.iter().enumerate().filter_map(|(n, bin)| Some((bin.pick_sequence?, n))).collect();
    spread(by_sequence, &mut share);
    let unsequenced = bins.iter().enumerate().filter(|(_, bin)| bin.pick_sequence.is_none());
    let by_distance = unsequenced.filter_map(|(n, bin)| Some((distance(bin.position_mm?, settings), n))).collect();
    spread(by_distance, &mut share);
    share
}

fn spread(mut keys: Vec<(i64, usize)>, share: &mut [f64]) {
    keys.sort_unstable();
    let farthest = keys.len().saturating_sub(1).max(1) as f64;
    let mut nearer = 0;
    for at in 0..keys.len() {
        if keys[at].0 != keys[nearer].0 {
            nearer = at;
        }
        share[keys[at].1] = 1.0 - nearer as f64 / farthest;
    }
}

/// Along the aisles, not through them.
fn distance(place: [i64; 3], settings: &Settings) -> i64 {
    let from = |other: [i64; 3]| {
        let [x, y, z] = [0, 1, 2].map(|axis| (place[axis] - other[axis]).abs());
        x + y + VERTICAL_FACTOR * z
    };
    from(settings.dock_mm) + settings.pick_area_mm.map_or(0, from)
}
