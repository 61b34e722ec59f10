//! What would change a choice is made true, and the choice changes.

use optimization::putaway::{CapacityFlip, Method, Problem, Solution, capacity_flip_text, solve, weight_flip_text};
use proptest::prelude::*;

use crate::checker::{Assignment, assignment, violations};
use crate::properties::problem;
use crate::reference::scores;

fn with_capacity(problem: &Problem, flip: &CapacityFlip) -> Problem {
    let mut changed = problem.clone();
    match *flip {
        CapacityFlip::Volume { bin, change_mm3 } => changed.bins[bin].volume_mm3 += change_mm3,
        CapacityFlip::Weight { bin, change_g } => changed.bins[bin].max_weight_g += change_g,
    }
    changed
}

/// The problems with each change made, which line it is about, and whether the change is one of capacity.
fn changed(problem: &Problem, solution: &Solution) -> Vec<(usize, Problem, bool)> {
    let mut all = Vec::new();
    for (n, result) in solution.lines.iter().enumerate() {
        all.extend(result.flips.capacity.map(|flip| (n, with_capacity(problem, &flip), true)));
        let settings = result.flips.weight.map(|flip| flip.apply(&problem.settings));
        all.extend(settings.map(|settings| (n, Problem { settings, ..problem.clone() }, false)));
    }
    all
}

/// The points of one line lying whole in a bin, the others as they are; none when that breaks a rule.
fn points(problem: &Problem, others: &Assignment, n: usize, bin: usize) -> Option<f64> {
    let mut moved = others.clone();
    moved[n] = vec![(bin, problem.lines[n].quantity_micro)];
    violations(problem, &moved).is_empty().then(|| scores(problem, &moved)[n][0])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_capacity_or_weight_changes_where_a_single_line_goes(problem in problem(1..2, 2..8)) {
        let solution = solve(&problem, Method::Bfd).unwrap();
        let result = &solution.lines[0];
        for (_, problem, is_capacity) in changed(&problem, &solution) {
            prop_assert!(problem.validate().is_ok(), "{:?}", problem.settings);
            let again = solve(&problem, Method::Bfd).unwrap();
            let [now, was, alternative] = [&again.lines[0].placements[0].bin, &result.placements[0].bin, &result.alternatives[0].bin];
            prop_assert_eq!(again.lines[0].placements.len(), 1);
            prop_assert_ne!(now, was, "{:?}", result.flips);
            // Another weight may raise a third location above both.
            prop_assert!(now == alternative || !is_capacity, "{:?} of {:?}", result.flips, result);
        }
    }

    #[test]
    fn in_a_batch_the_alternative_is_then_the_better_one(problem in problem(2..8, 3..10)) {
        let solution = solve(&problem, Method::Optimal).unwrap();
        let placed = assignment(&solution);
        for (n, problem, _) in changed(&problem, &solution) {
            let result = &solution.lines[n];
            let there = points(&problem, &placed, n, result.alternatives[0].bin);
            let here = points(&problem, &placed, n, result.placements[0].bin);
            prop_assert!(there.is_some(), "{:?}", result.flips);
            prop_assert!(here.is_none_or(|here| there.unwrap() >= here - 1e-9), "{here:?} {there:?} {:?}", result.flips);
        }
    }
}

#[test]
fn flips_are_common_and_read_well() {
    use optimization::putaway::{Abc, Bin, Line, LocationType, MICRO, Part, Settings};
    let litre = 1_000_000;
    let line = Line { abc: Abc::A, unit_volume_mm3: litre, unit_weight_g: 1000, ..Line::new(1, 60 * MICRO) };
    let shelf = |location| Bin::new(location, LocationType::Reserve, 100 * litre, 100_000);
    let bins = vec![Bin { abc: Abc::A, ..shelf(1) }, shelf(2)];
    let problem = Problem { lines: vec![line], bins, settings: Settings::default() };
    let flips = solve(&problem, Method::Bfd).unwrap().lines[0].flips;
    let capacity = flips.capacity.unwrap();
    assert_eq!(capacity, CapacityFlip::Volume { bin: 0, change_mm3: -40 * litre - 1 });
    assert_eq!(capacity_flip_text(&capacity), "40.000001 l less room");
    assert!(flips.weight.is_none_or(|flip| flip.part != Part::Abc || flip.to < 0.1), "{flips:?}");

    let mut near = problem.clone();
    near.bins[1] = Bin { abc: Abc::B, affinity: vec![(1, 1.0)], ..shelf(2) };
    let flips = solve(&near, Method::Bfd).unwrap().lines[0].flips;
    let weight = flips.weight.unwrap();
    assert_eq!(weight.part, Part::Affinity);
    assert!((weight.to - 12.502).abs() < 0.01, "{weight:?}");
    assert_eq!(weight_flip_text(&weight), "a weight of 12.5 instead of 10.0 for AFFINITY");
}
