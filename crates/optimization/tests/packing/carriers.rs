use optimization::packing::{Carton, Item, Mode, Problem, Reason, Rules, Tariff, cartonise, pack_all, pack_auto, verify};

use crate::{carrier, item, problem};

#[test]
fn as_few_carriers_as_possible_and_evenly_full() {
    let pallet = problem(carrier(1200, 800, 1000), vec![item([400, 400, 200], 40)]);
    let loads = pack_all(&pallet, Mode::Standard, 10).unwrap();
    assert_eq!((loads.plans.len(), loads.fewest), (2, 2));
    assert_eq!(loads.plans.iter().map(|plan| plan.summary.boxes).collect::<Vec<_>>(), vec![20, 20]);
    assert_eq!(loads.unevenness, 0.0);
    let cut = pack_all(&pallet, Mode::Standard, 1).unwrap();
    assert_eq!((cut.plans.len(), cut.unplaced[0].quantity, cut.unplaced[0].reason), (1, 10, Reason::NoSpace));
}

#[test]
fn incompatible_classes_go_apart() {
    let class = |class: u32| Item { class: Some(class), ..item([100, 100, 100], 2) };
    let mut pallet = problem(carrier(1200, 800, 1000), vec![class(1), class(2), class(3)]);
    pallet.rules.incompatible = vec![(1, 2)];
    let loads = pack_all(&pallet, Mode::Fast, 10).unwrap();
    assert_eq!((loads.plans.len(), loads.fewest), (2, 2));
    loads.plans.iter().for_each(|plan| assert_eq!(verify(&pallet, &plan.placements), vec![]));
}

#[test]
fn the_smallest_carrier_that_takes_everything() {
    let set = [carrier(1200, 1000, 1500), carrier(600, 400, 1500), carrier(1200, 800, 1500)];
    let rules = Rules::geometry_only(80);
    let choose = |boxes: u32| {
        let loads = pack_auto(&set, &[item([400, 300, 300], boxes)], &rules, Mode::Standard, 10).unwrap();
        (loads.carrier, loads.plans.len())
    };
    assert_eq!(choose(1), (1, 1));
    assert_eq!(choose(30), (2, 1));
    assert_eq!(choose(50), (0, 1));
}

fn cartons() -> Vec<Carton> {
    let carton =
        |side: i32, cost: i64| Carton { carrier: carrier(side, side, side), outer_mm: [side + 10; 3], cost, available: None };
    vec![carton(100, 50), carton(200, 120), carton(400, 300)]
}

#[test]
fn the_cheapest_cartons() {
    let rules = Rules::geometry_only(80);
    let flat = Tariff { step_g: 1000, price_per_step: 0, mm3_per_g: None };
    let plan = |quantity: u32, tariff: &Tariff| {
        let items = [item([100, 100, 100], quantity)];
        let answer = cartonise(&cartons(), &items, &rules, tariff, Mode::Standard).unwrap();
        let mut used: Vec<usize> = answer.cartons.iter().map(|carton| carton.carton).collect();
        used.sort_unstable();
        for carton in &answer.cartons {
            let own = Problem { carrier: cartons()[carton.carton].carrier.clone(), items: items.to_vec(), rules: rules.clone() };
            assert_eq!(verify(&own, &carton.plan.placements), vec![]);
        }
        assert_eq!(answer.cost, answer.cartons.iter().map(|carton| carton.cost).sum::<i64>());
        assert!(answer.cost_bound <= answer.cost && answer.unplaced.is_empty());
        (used, answer.cost)
    };
    assert_eq!(plan(1, &flat), (vec![0], 50));
    assert_eq!(plan(2, &flat), (vec![0, 0], 100));
    assert_eq!(plan(3, &flat), (vec![1], 120));
    assert_eq!(plan(9, &flat), (vec![0, 1], 170));
    assert_eq!(plan(60, &flat), (vec![2], 300));
    // 3 boxes of 1 kg: the carton of 200 mm is billed for 210³ / 5000 = 1853 g or what it weighs, 3000 g: the same as three.
    let by_size = Tariff { step_g: 100, price_per_step: 10, mm3_per_g: Some(5000) };
    assert_eq!(plan(3, &by_size), (vec![1], 120 + 300));
    let costly_air = Tariff { step_g: 100, price_per_step: 10, mm3_per_g: Some(1000) };
    assert_eq!(plan(3, &costly_air), (vec![0, 0, 0], 3 * (50 + 140)));
}

#[test]
fn cartons_run_out_and_some_goods_fit_none() {
    let rules = Rules::geometry_only(80);
    let tariff = Tariff { step_g: 1000, price_per_step: 0, mm3_per_g: None };
    let mut few = cartons();
    few.truncate(1);
    few[0].available = Some(2);
    let answer = cartonise(&few, &[item([100, 100, 100], 3), item([500, 10, 10], 1)], &rules, &tariff, Mode::Fast).unwrap();
    assert_eq!(answer.cartons.len(), 2);
    let left: Vec<_> = answer.unplaced.iter().map(|left| (left.item, left.quantity, left.reason)).collect();
    assert_eq!(left, vec![(0, 1, Reason::NoSpace), (1, 1, Reason::TooLarge)]);
}
