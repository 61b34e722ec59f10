//! The whole decision with scores, explanations and all rules, by each method.

use optimization::putaway::{Abc, Bin, Content, Line, LocationType, MICRO, Method, Problem, Settings, solve};

use crate::measured;

const LITRE: i64 = 1_000_000;

pub fn run() {
    for (lines, bins, units, what) in [
        (1, 10_000, 5, "one line"),
        (50, 5_000, 9, "a tenth of the lines larger than a location"),
        (50, 10_000, 2, "lines of up to a third of a location"),
        (50, 10_000, 9, "a tenth of the lines larger than a location"),
        (50, 10_000, 16, "a third of the lines larger than a location"),
        (500, 2_000, 4, "lines of up to two thirds of a location"),
    ] {
        println!("scored: {lines} lines, {bins} locations, {what}");
        let problem = problem(lines, bins, units);
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

/// A third of the locations in use, with all that costs time: lots, sizes, affinity, splits.
fn problem(lines: u32, bins: u32, units: i64) -> Problem {
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
