//! The score as the documentation describes it, written anew and slowly.

use optimization::putaway::{Abc, Bin, Ergonomic, Line, LocationType, Problem};

use crate::checker::Assignment;

/// Points of every placement of an assignment, in its order.
pub fn scores(problem: &Problem, assignment: &Assignment) -> Vec<Vec<f64>> {
    let of =
        |(n, shares): (usize, &Vec<(usize, i64)>)| shares.iter().map(|(bin, _)| score(problem, assignment, n, *bin)).collect();
    assignment.iter().enumerate().map(of).collect()
}

pub fn total(problem: &Problem, assignment: &Assignment) -> f64 {
    let mut sum = 0.0;
    for ((line, shares), scores) in problem.lines.iter().zip(assignment).zip(scores(problem, assignment)) {
        for ((_, quantity), score) in shares.iter().zip(scores) {
            sum += score * *quantity as f64 / line.quantity_micro as f64;
        }
    }
    sum
}

fn score(problem: &Problem, assignment: &Assignment, n: usize, at: usize) -> f64 {
    let (line, bin, s) = (&problem.lines[n], &problem.bins[at], &problem.settings);
    let mut points = s.abc * [1.0, 0.5, 0.0][(line.abc as i32 - bin.abc as i32).unsigned_abs() as usize];
    points += s.fill * fill_share(problem, filled(problem, assignment, at));
    points += travel(problem, line, at) + s.location_type * kind_share(line, bin);
    let same = |item: u32, lot: Option<u32>| item == line.item && lot == line.lot;
    let mut others = problem.lines.iter().zip(assignment).enumerate();
    let joins =
        others.any(|(m, (other, shares))| m != n && same(other.item, other.lot) && shares.iter().any(|(bin, _)| *bin == at));
    if joins || bin.contents.iter().any(|held| same(held.item, held.lot)) {
        points += s.consolidation;
    }
    points += s.affinity * bin.affinity.iter().filter(|(item, _)| *item == line.item).map(|(_, near)| *near).fold(0.0, f64::max);
    points -= s.congestion * (f64::from(bin.active_picks_in_aisle) / f64::from(s.congestion_full_picks)).min(1.0);
    let heavy = line.unit_weight_g >= s.heavy_unit_g;
    points += match bin.ergonomic {
        Ergonomic::Golden if heavy || line.abc == Abc::A => s.ergonomics,
        Ergonomic::High if heavy => -s.ergonomics,
        Ergonomic::High if line.abc == Abc::A => -0.5 * s.ergonomics,
        _ => 0.0,
    };
    if line.preferred_zone.is_some() && line.preferred_zone == bin.zone {
        points += s.preferred_zone;
    }
    points -= s.special_storage * (bin.security as i32 - line.security as i32).max(0) as f64;
    if bin.temperature.is_some() && line.temperature.is_none() {
        points -= s.special_storage;
    }
    let here = assignment[n].iter().find(|(bin, _)| *bin == at).unwrap().1;
    if here < line.quantity_micro {
        points -= s.split;
    }
    points.clamp(0.0, 100.0)
}

fn filled(problem: &Problem, assignment: &Assignment, at: usize) -> f64 {
    let mut volume = i128::from(problem.bins[at].used_volume_mm3);
    for (line, shares) in problem.lines.iter().zip(assignment) {
        for (_, quantity) in shares.iter().filter(|(bin, _)| *bin == at) {
            volume += (i128::from(*quantity) * i128::from(line.unit_volume_mm3) + 999_999) / 1_000_000;
        }
    }
    if problem.bins[at].volume_mm3 == 0 { 0.0 } else { volume as f64 / problem.bins[at].volume_mm3 as f64 }
}

fn fill_share(problem: &Problem, fill: f64) -> f64 {
    let (low, high) = (problem.settings.optimal_fill_min, problem.settings.optimal_fill_max);
    match fill {
        _ if fill < low => fill / low,
        _ if fill <= high => 1.0,
        _ => 1.0 - 0.5 * (fill - high) / (1.0 - high),
    }
}

/// Bins with a pick sequence are compared with each other, those with a position only likewise.
fn travel(problem: &Problem, line: &Line, at: usize) -> f64 {
    let s = &problem.settings;
    let key = |bin: &Bin| {
        let away = |from: [i64; 3], place: [i64; 3]| {
            let d = |axis: usize| (place[axis] - from[axis]).abs();
            d(0) + d(1) + 3 * d(2)
        };
        match (bin.pick_sequence, bin.position_mm) {
            (Some(sequence), _) => Some((0, sequence)),
            (None, Some(place)) => Some((1, away(s.dock_mm, place) + s.pick_area_mm.map_or(0, |area| away(area, place)))),
            (None, None) => None,
        }
    };
    let near = key(&problem.bins[at]).map_or(0.5, |own| {
        let keys: Vec<_> = problem.bins.iter().filter_map(key).filter(|other| other.0 == own.0).collect();
        let nearer = keys.iter().filter(|other| other.1 < own.1).count();
        1.0 - nearer as f64 / (keys.len() - 1).max(1) as f64
    });
    let class = [0.8, 0.5, 0.2][line.abc as usize];
    let demand = if line.velocity > 0.0 { line.velocity / (line.velocity + s.velocity_half) } else { class };
    s.travel * (1.0 - demand * (1.0 - near) - s.near_reserve * (1.0 - demand) * near)
}

fn kind_share(line: &Line, bin: &Bin) -> f64 {
    match (bin.kind, line.abc) {
        (LocationType::Quarantine, _) | (LocationType::PickFace, Abc::A) | (LocationType::Reserve, Abc::C) => 1.0,
        (LocationType::Reserve, Abc::B) | (LocationType::Bulk, Abc::C) => 0.9,
        (LocationType::PickFace, Abc::B) => 0.8,
        (LocationType::Putaway, _) => 0.7,
        (LocationType::Reserve, Abc::A) | (LocationType::Bulk, Abc::B) => 0.6,
        (LocationType::Bulk, Abc::A) => 0.4,
        (LocationType::PickFace, Abc::C) => 0.3,
        _ => 0.0,
    }
}
