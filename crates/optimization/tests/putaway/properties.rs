use optimization::putaway::{
    Abc, Bin, Content, Ergonomic, Hazard, Line, LocationType, Lost, MICRO, Method, Mixing, Problem, SecurityZone, Settings,
    Solution, solve,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::checker::{assignment, violations};

/// The class belongs to the item, as in a warehouse.
fn hazard(item: u32) -> Option<Hazard> {
    [None, Some(Hazard::FlammableLiquid), Some(Hazard::Oxidizer), None, Some(Hazard::Corrosive), Some(Hazard::Unlisted)]
        [item as usize]
}

fn goods() -> impl Strategy<Value = (u32, Option<u32>)> {
    (0..6_u32, option::of(0..3_u32))
}

prop_compose! {
    pub fn line()(
        (item, lot) in goods(),
        quantity_micro in prop_oneof![(1..40_i64).prop_map(|units| units * MICRO), 1..30 * MICRO],
        step_micro in select(vec![1, 250_000, MICRO, 6 * MICRO]),
        unit_volume_mm3 in prop_oneof![1 => Just(0_i64), 9 => 1..600_000_i64],
        unit_weight_g in prop_oneof![1 => Just(0_i64), 9 => 1..30_000_i64],
        unit_dims_mm in option::of([10..300_i64, 10..300_i64, 10..300_i64]),
        abc in select(Abc::ALL),
        velocity in prop_oneof![Just(0.0), 0.0..200.0_f64],
        temperature in prop_oneof![4 => Just(None), 1 => Just(Some((20, 80)))],
        security in prop_oneof![4 => Just(SecurityZone::Standard), 1 => select(SecurityZone::ALL)],
        released in prop::bool::weighted(0.85),
        preferred_zone in option::of(0..3_u32),
    ) -> Line {
        Line {
            item, lot, quantity_micro, step_micro, unit_volume_mm3, unit_weight_g, unit_dims_mm, abc, velocity, temperature,
            hazard: hazard(item), security, released, preferred_zone,
        }
    }
}

prop_compose! {
    fn content()((item, lot) in goods()) -> Content {
        Content { item, lot, hazard: hazard(item) }
    }
}

prop_compose! {
    pub fn bin()(
        kind in prop_oneof![
            6 => select(vec![LocationType::Putaway, LocationType::PickFace, LocationType::Reserve, LocationType::Bulk]),
            2 => Just(LocationType::Quarantine),
            1 => select(LocationType::ALL)
        ],
        inner_dims_mm in option::of([50..400_i64, 50..400_i64, 50..400_i64]),
        (volume_mm3, max_weight_g) in (0..8_000_000_i64, 0..400_000_i64),
        (used_volume_mm3, used_weight_g) in prop_oneof![Just((0, 0)), (0..8_000_000_i64, 0..200_000_i64)],
        contents in prop_oneof![2 => Just(Vec::new()), 1 => vec(content(), 1..3)],
        (mixing, abc, ergonomic) in (select(Mixing::ALL), select(Abc::ALL), select(Ergonomic::ALL)),
        pick_sequence in option::of(0..20_i64),
        position_mm in option::of([0..9_000_i64, 0..9_000_i64, 0..9_000_i64]),
        security in prop_oneof![3 => Just(SecurityZone::Standard), 1 => select(SecurityZone::ALL)],
        temperature in prop_oneof![3 => Just(None), 1 => Just(Some((30, 70))), 1 => Just(Some((0, 70)))],
        (zone, aisle, active_picks_in_aisle) in (option::of(0..3_u32), option::of(0..4_u32), 0..15_u32),
        affinity in vec((0..6_u32, 0.0..=1.0_f64), 0..3),
    ) -> Bin {
        Bin {
            location: 0, kind, zone, aisle, inner_dims_mm, volume_mm3, max_weight_g, used_volume_mm3, used_weight_g, contents,
            mixing, abc, pick_sequence, position_mm, ergonomic, security, temperature, active_picks_in_aisle, affinity,
        }
    }
}

pub fn problem(lines: std::ops::Range<usize>, bins: std::ops::Range<usize>) -> impl Strategy<Value = Problem> {
    (vec(line(), lines), vec(bin(), bins)).prop_map(|(lines, mut bins)| {
        for (n, bin) in bins.iter_mut().enumerate() {
            bin.location = 1000 + n as u32;
        }
        Problem { lines, bins, settings: Settings::default() }
    })
}

fn solved(problem: &Problem) -> Solution {
    solve(problem, Method::Bfd).unwrap()
}

fn method() -> impl Strategy<Value = Method> {
    select(Method::ALL)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_rule_is_broken_and_nothing_is_lost(problem in problem(1..9, 0..14), method in method()) {
        let solution = solve(&problem, method).unwrap();
        prop_assert_eq!(violations(&problem, &assignment(&solution)), Vec::<String>::new());
        for (line, result) in problem.lines.iter().zip(&solution.lines) {
            let placed: i64 = result.placements.iter().map(|placement| placement.quantity_micro).sum();
            prop_assert_eq!(placed + result.unplaced_micro, line.quantity_micro);
            prop_assert_eq!(result.failure.is_some(), result.unplaced_micro > 0);
            for placement in &result.placements {
                prop_assert!(!placement.reason.is_failure());
                prop_assert!((0.0..=1.0).contains(&placement.fill_after) && (0.0..=1.0).contains(&placement.confidence()));
                prop_assert!((1..=placement.fitting_bins).contains(&placement.nearness_rank));
            }
        }
    }

    #[test]
    fn the_figures_add_up(problem in problem(1..9, 0..14), method in method()) {
        let solution = solve(&problem, method).unwrap();
        let mut total = 0.0;
        for (line, result) in problem.lines.iter().zip(&solution.lines) {
            for placed in &result.placements {
                total += placed.score.total() * placed.quantity_micro as f64 / line.quantity_micro as f64;
            }
        }
        prop_assert!((solution.total_score - total).abs() < 1e-6);
        prop_assert!(solution.upper_bound >= solution.total_score - 1e-6, "{} < {}", solution.upper_bound, solution.total_score);
        prop_assert!(solution.upper_bound <= 100.0 * problem.lines.len() as f64 + 1e-6);
        prop_assert!((0.0..=1.0).contains(&solution.optimality_gap));
    }

    #[test]
    fn the_order_of_bins_does_not_matter((problem, order) in problem(1..9, 1..14).prop_flat_map(|problem| {
        let order = Just((0..problem.bins.len()).collect::<Vec<_>>()).prop_shuffle();
        (Just(problem), order)
    }), method in method()) {
        let shuffled = Problem { bins: order.iter().map(|n| problem.bins[*n].clone()).collect(), ..problem.clone() };
        let solved = |problem: &Problem| solve(problem, method).unwrap();
        let (one, two) = (solved(&problem), solved(&shuffled));
        prop_assert_eq!(&one, &solved(&problem));
        prop_assert_eq!(one.total_score, two.total_score);
        prop_assert_eq!(one.upper_bound, two.upper_bound);
        for (one, two) in one.lines.iter().zip(&two.lines) {
            let back: Vec<_> = two.placements.iter().map(|p| (order[p.bin], p.quantity_micro, p.score, p.reason)).collect();
            prop_assert_eq!(one.placements.iter().map(|p| (p.bin, p.quantity_micro, p.score, p.reason)).collect::<Vec<_>>(), back);
            let back: Vec<_> = two.alternatives.iter().map(|other| order[other.bin]).collect();
            prop_assert_eq!(one.alternatives.iter().map(|other| other.bin).collect::<Vec<_>>(), back);
            prop_assert_eq!(one.failure.map(|failure| failure.code), two.failure.map(|failure| failure.code));
            let at = |failure: optimization::putaway::Failure| failure.nearest_miss.map(|nearest| nearest.bin);
            prop_assert_eq!(one.failure.and_then(at), two.failure.and_then(at).map(|bin| order[bin]));
        }
    }

    #[test]
    fn a_line_without_a_place_disturbs_no_other(problem in problem(1..9, 0..14), at in any::<prop::sample::Index>()) {
        let mut hopeless = problem.clone();
        let at = at.index(problem.lines.len() + 1);
        hopeless.lines.insert(at, Line { temperature: Some((-2000, -1999)), ..Line::new(3, 500 * MICRO) });
        let mut with = solved(&hopeless).lines;
        let refused = with.remove(at);
        prop_assert!(refused.placements.is_empty() && refused.failure.is_some());
        prop_assert_eq!(with, solved(&problem).lines);
    }

    /// Not one more piece of what was left over goes anywhere.
    #[test]
    fn what_is_left_over_fits_nowhere(problem in problem(1..7, 0..10), method in method()) {
        let solution = solve(&problem, method).unwrap();
        for (n, result) in solution.lines.iter().enumerate().filter(|(_, result)| result.unplaced_micro > 0) {
            let step = problem.lines[n].step_micro;
            let odd = result.unplaced_micro % step;
            let piece = if odd > 0 { odd } else { step };
            for bin in 0..problem.bins.len() {
                let mut more = assignment(&solution);
                match more[n].iter_mut().find(|(at, _)| *at == bin) {
                    Some((_, quantity)) => *quantity += piece,
                    None => more[n].push((bin, piece)),
                }
                prop_assert!(!violations(&problem, &more).is_empty(), "line {n}: another {piece} would go into bin {bin}");
            }
        }
    }

    /// One line over few bins, against every division of whole steps (the odd rest last).
    #[test]
    fn a_single_line_places_as_much_as_any_division(line in line(), bins in vec(bin(), 1..4), steps in 1..7_i64, odd in 0..4_i64, method in method()) {
        let step = line.step_micro;
        let rest = odd * step / 4;
        let quantity = steps * step + rest;
        let mut problem = Problem { lines: vec![Line { quantity_micro: quantity, ..line }], bins, settings: Settings::default() };
        for (n, bin) in problem.bins.iter_mut().enumerate() {
            bin.location = n as u32;
        }
        let solution = solve(&problem, method).unwrap();
        let most = best_division(&problem, steps, rest);
        prop_assert_eq!(quantity - solution.lines[0].unplaced_micro, most);
        if (0..problem.bins.len()).any(|bin| violations(&problem, &vec![vec![(bin, quantity)]]).is_empty()) {
            prop_assert_eq!(solution.lines[0].placements.len(), 1);
        }
    }

    /// An operator who takes an alternative instead breaks no rule either.
    #[test]
    fn every_alternative_can_be_taken(problem in problem(1..9, 0..14), method in method()) {
        let solution = solve(&problem, method).unwrap();
        for (n, result) in solution.lines.iter().enumerate() {
            prop_assert!(result.alternatives.len() <= 3);
            for other in &result.alternatives {
                let quantity = match other.lost {
                    Lost::TakesPart { quantity_micro } => quantity_micro,
                    _ => problem.lines[n].quantity_micro,
                };
                let mut moved = assignment(&solution);
                prop_assert!(moved[n].iter().all(|(bin, _)| *bin != other.bin));
                moved[n] = vec![(other.bin, quantity)];
                prop_assert_eq!(violations(&problem, &moved), Vec::<String>::new());
            }
        }
    }

    #[test]
    fn problems_and_answers_survive_json(problem in problem(1..5, 0..6)) {
        let read: Problem = serde_json::from_str(&serde_json::to_string(&problem).unwrap()).unwrap();
        let again = solved(&read);
        prop_assert_eq!(&again.lines.iter().map(|line| line.unplaced_micro).collect::<Vec<_>>(),
            &solved(&problem).lines.iter().map(|line| line.unplaced_micro).collect::<Vec<_>>());
        let back: Solution = serde_json::from_str(&serde_json::to_string(&again).unwrap()).unwrap();
        prop_assert_eq!(back.lines.len(), again.lines.len());
    }
}

fn best_division(problem: &Problem, steps: i64, rest: i64) -> i64 {
    let step = problem.lines[0].step_micro;
    let bins = problem.bins.len();
    let mut most = 0;
    for code in 0..(steps + 1).pow(bins as u32) {
        let counts: Vec<i64> = (0..bins).map(|bin| code / (steps + 1).pow(bin as u32) % (steps + 1)).collect();
        if counts.iter().sum::<i64>() > steps {
            continue;
        }
        for odd_at in 0..=bins {
            let amount = |bin: usize| counts[bin] * step + if bin == odd_at { rest } else { 0 };
            let shares: Vec<_> = (0..bins).map(|bin| (bin, amount(bin))).filter(|(_, quantity)| *quantity > 0).collect();
            let sum = shares.iter().map(|(_, quantity)| quantity).sum();
            if sum > most && violations(problem, &vec![shares]).is_empty() {
                most = sum;
            }
        }
    }
    most
}
