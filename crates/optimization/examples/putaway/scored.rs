//! The whole decision with scores, explanations and all rules: OPTIMAL over seeded facilities, then every method over plain ones.

use optimization::putaway::{
    Abc, Bin, Content, Ergonomic, Hazard, Line, LocationType, MICRO, Method, Mixing, Problem, SecurityZone, Settings, solve,
};

use crate::{Column, measured, median};

const LITRE: i64 = 1_000_000;
const SEEDS: u64 = 40;

pub fn run() {
    for (lines, target) in [(50, 15.0), (1, 2.5)] {
        seeded(lines, target);
    }
}

pub fn compare_methods() {
    for (lines, bins, units, what) in [
        (50, 5_000, 9, "a tenth of the lines larger than a location"),
        (50, 10_000, 2, "lines of up to a third of a location"),
        (50, 10_000, 16, "a third of the lines larger than a location"),
        (500, 2_000, 4, "lines of up to two thirds of a location"),
    ] {
        println!("methods: {lines} lines, {bins} locations, {what}");
        let problem = plain(lines, bins, units);
        for method in Method::ALL {
            let (ms, solution) = measured(|| solve(&problem, *method).expect("the problem is valid"));
            let parts: usize = solution.lines.iter().map(|line| line.placements.len()).sum();
            println!(
                "  {method:8} {ms:6.1} ms, {:.1} points of at most {:.1}, gap {:.2} %, {parts} placements",
                solution.total_score,
                solution.upper_bound,
                solution.optimality_gap * 100.0
            );
        }
    }
}

/// The median CPU time of each of the facilities, over all of them.
fn seeded(lines: usize, target: f64) {
    let (mut cpu, mut gap, mut score) = (Column::default(), Column::default(), 0.0);
    for seed in 1..=SEEDS {
        let problem = facility(&mut Sequence(seed), lines);
        let (ms, solution) = median(9, || solve(&problem, Method::Optimal).expect("the problem is valid"));
        cpu.0.push(ms);
        gap.0.push(solution.optimality_gap * 100.0);
        score += solution.total_score / (SEEDS as f64 * lines as f64);
    }
    println!(
        "scored: {lines} lines, {} locations, half with stock, OPTIMAL, {SEEDS} seeds: CPU p50 {:.2} ms, p95 {:.2} ms (target {target}); \
         points per line {score:.2}, gap mean {:.2} %, worst {:.2} %",
        AISLES * BAYS * LEVELS,
        cpu.percentile(50),
        cpu.percentile(95),
        gap.mean(),
        gap.worst()
    );
}

/// A small repeatable sequence (Knuth's MMIX constants): the facilities need variety, not randomness.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % limit as u64) as i64
    }

    fn one_in(&mut self, count: i64) -> bool {
        self.below(count) == 0
    }
}

const AISLES: i64 = 50;
const BAYS: i64 = 50;
const LEVELS: i64 = 4;
const ITEMS: i64 = 500;

struct Aisle {
    picks: u32,
    affinity: Vec<(u32, f64)>,
    cold: bool,
    security: SecurityZone,
}

/// 50 aisles of 50 bays and 4 levels: pick faces below and in reach, reserve and bulk above; half the locations hold stock; some aisles
/// are busy, cold or locked, some locations kept for one item or lot. A tenth of the lines are larger than a location.
fn facility(some: &mut Sequence, lines: usize) -> Problem {
    let aisle = |some: &mut Sequence| Aisle {
        picks: if some.one_in(3) { some.below(14) as u32 } else { 0 },
        affinity: (0..some.below(4)).map(|_| (some.below(ITEMS) as u32, some.below(101) as f64 / 100.0)).collect(),
        cold: some.one_in(10),
        security: if some.one_in(10) { SecurityZone::Restricted } else { SecurityZone::Standard },
    };
    let aisles: Vec<Aisle> = (0..AISLES).map(|_| aisle(some)).collect();
    let bins = (0..AISLES * BAYS * LEVELS).map(|n| location(some, &aisles, n)).collect();
    Problem { lines: (0..lines).map(|_| goods(some)).collect(), bins, settings: Settings::default() }
}

fn location(some: &mut Sequence, aisles: &[Aisle], n: i64) -> Bin {
    let (aisle, bay, level) = (n / (BAYS * LEVELS), n / LEVELS % BAYS, n % LEVELS);
    let Aisle { picks, affinity, cold, security } = &aisles[aisle as usize];
    let kind = [LocationType::PickFace, LocationType::PickFace, LocationType::Reserve, LocationType::Bulk][level as usize];
    let litres = [400, 400, 1_200, 1_800][level as usize];
    let full = if some.one_in(2) { 2 + some.below(95) } else { 0 };
    let held = if full > 0 { 1 + i64::from(some.one_in(4)) } else { 0 };
    Bin {
        zone: Some((aisle / 10) as u32),
        aisle: Some(aisle as u32),
        inner_dims_mm: Some([[1_000, 800, 500], [1_000, 800, 500], [1_200, 1_000, 1_000], [1_200, 1_000, 1_500]][level as usize]),
        used_volume_mm3: litres * full * LITRE / 100,
        used_weight_g: full * 3_000,
        contents: (0..held).map(|_| content(some)).collect(),
        mixing: [Mixing::Any, Mixing::Any, Mixing::Any, Mixing::SingleItem, Mixing::SingleLot][some.below(5) as usize],
        abc: Abc::ALL[(bay * 3 / BAYS) as usize],
        pick_sequence: Some(aisle * BAYS + bay),
        position_mm: Some([aisle * 3_000, bay * 1_200, level * 1_500]),
        ergonomic: [Ergonomic::Low, Ergonomic::Golden, Ergonomic::High, Ergonomic::High][level as usize],
        security: *security,
        temperature: cold.then_some((20, 80)),
        active_picks_in_aisle: *picks,
        affinity: affinity.clone(),
        ..Bin::new(n as u32, kind, litres * LITRE, 800_000)
    }
}

fn content(some: &mut Sequence) -> Content {
    let item = some.below(ITEMS) as u32;
    Content { item, lot: Some(some.below(3) as u32), hazard: hazard(item) }
}

fn hazard(item: u32) -> Option<Hazard> {
    match item % 40 {
        0 => Some(Hazard::FlammableLiquid),
        1 => Some(Hazard::Oxidizer),
        _ => None,
    }
}

fn goods(some: &mut Sequence) -> Line {
    let item = some.below(ITEMS) as u32;
    let unit = 1 + i64::from(item % 12);
    let litres = if some.one_in(10) { 1_900 + some.below(2_000) } else { 5 + some.below(400) };
    Line {
        lot: Some(some.below(3) as u32),
        unit_volume_mm3: unit * LITRE,
        unit_weight_g: 150 * unit,
        unit_dims_mm: Some([100, 100, unit * 100]),
        abc: Abc::ALL[(item % 3) as usize],
        velocity: some.below(30) as f64,
        temperature: some.one_in(15).then_some((0, 100)),
        hazard: hazard(item),
        preferred_zone: some.one_in(3).then_some(item % 5),
        ..Line::new(item, (litres / unit).max(1) * MICRO)
    }
}

/// A third of the locations in use, with all that costs time: lots, sizes, affinity, splits.
fn plain(lines: u32, bins: u32, units: i64) -> Problem {
    let bin = |n: u32| Bin {
        abc: Abc::ALL[(n % 3) as usize],
        pick_sequence: (!n.is_multiple_of(5)).then(|| i64::from(n * 7919 % bins)),
        position_mm: Some([i64::from(n % 97) * 1000, i64::from(n % 53) * 1000, i64::from(n % 4) * 1500]),
        used_volume_mm3: if n.is_multiple_of(3) { i64::from(n % 90) * LITRE } else { 0 },
        contents: if n.is_multiple_of(3) { vec![Content { item: n % 200, lot: Some(n % 7), hazard: None }] } else { vec![] },
        affinity: if n.is_multiple_of(6) { vec![(n % 50, 0.5)] } else { vec![] },
        inner_dims_mm: Some([1200, 800, i64::from(n % 9) * 100 + 300]),
        ..Bin::new(n, kind(n), 100 * LITRE, 100_000)
    };
    let line = |n: u32| Line {
        abc: Abc::ALL[(n % 3) as usize],
        velocity: f64::from(n % 11),
        lot: Some(n % 7),
        unit_dims_mm: Some([300, 200, i64::from(n % 8) * 60 + 50]),
        unit_volume_mm3: LITRE,
        unit_weight_g: 1000,
        ..Line::new(n, (i64::from(n % 16) * units + 1) * MICRO)
    };
    Problem { lines: (0..lines).map(line).collect(), bins: (0..bins).map(bin).collect(), settings: Settings::default() }
}

fn kind(n: u32) -> LocationType {
    [LocationType::PickFace, LocationType::Reserve, LocationType::Bulk, LocationType::Putaway][(n % 4) as usize]
}
