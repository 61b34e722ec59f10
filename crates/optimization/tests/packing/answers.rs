//! Plans whose best answer is known, and the reasons for what is left.

use optimization::packing::{Bears, Item, Mode, Opening, Plan, Problem, Reason, Rules, pack, verify};

use crate::{carrier, item, problem};

fn checked(problem: &Problem, mode: Mode) -> Plan {
    let plan = pack(problem, mode).expect("a valid problem");
    assert_eq!(verify(problem, &plan.placements), vec![]);
    plan
}

fn reasons(problem: &Problem) -> Vec<(u32, u32, Reason)> {
    checked(problem, Mode::Standard).unplaced.iter().map(|left| (left.item, left.quantity, left.reason)).collect()
}

#[test]
fn a_full_pallet_is_found_full() {
    let full = problem(carrier(1200, 800, 1000), vec![item([400, 400, 200], 30)]);
    let plan = checked(&full, Mode::Fast);
    assert_eq!(plan.summary.utilisation.volume, 1.0);
    assert_eq!((plan.summary.boxes, plan.summary.layers, plan.summary.gap), (30, 5, 0.0));
    assert_eq!(plan.summary.centre_of_gravity_mm, Some([600.0, 400.0, 500.0]));
    // 0.6 × all supported + 0.2 × exactly central + 0.2 × half way up.
    assert!((plan.summary.stability - 0.9).abs() < 1e-12);
    assert_eq!(plan.unplaced, vec![]);
}

#[test]
fn mixed_goods_fill_two_layers() {
    let items = vec![item([600, 400, 300], 8), Item { upright: [false, false, true], ..item([400, 200, 100], 36) }];
    let plan = checked(&problem(carrier(1200, 800, 900), items), Mode::Standard);
    assert_eq!(plan.unplaced, vec![]);
}

#[test]
fn each_reason_is_told() {
    let small = || carrier(100, 100, 100);
    assert_eq!(reasons(&problem(small(), vec![item([101, 5, 5], 2)])), vec![(0, 2, Reason::TooLarge)]);
    let heavy = Item { weight_g: 1_000_001, ..item([5, 5, 5], 1) };
    assert_eq!(reasons(&problem(small(), vec![heavy])), vec![(0, 1, Reason::TooHeavy)]);
    assert_eq!(reasons(&problem(small(), vec![item([60, 60, 60], 2)])), vec![(0, 1, Reason::NoSpace)]);
    let mut light = problem(small(), vec![item([50, 50, 50], 3)]);
    light.rules.max_weight_g = Some(2500);
    assert_eq!(reasons(&light), vec![(0, 1, Reason::WeightLimit)]);
    light.rules = Rules { max_volume_mm3: Some(300_000), ..Rules::geometry_only(100) };
    assert_eq!(reasons(&light), vec![(0, 1, Reason::VolumeLimit)]);
    let bare = Item { bears: Bears::Nothing, ..item([100, 100, 50], 2) };
    let bare =
        Problem { rules: Rules::geometry_only(80), ..problem(small(), vec![Item { upright: [false, false, true], ..bare }]) };
    assert_eq!(reasons(&bare), vec![(0, 1, Reason::Unstackable)]);
    let mut apart = problem(
        small(),
        vec![Item { class: Some(1), ..item([50, 50, 60], 1) }, Item { class: Some(2), ..item([50, 50, 50], 1) }],
    );
    apart.rules.incompatible = vec![(1, 2)];
    assert_eq!(reasons(&apart), vec![(1, 1, Reason::Incompatible)]);
}

#[test]
fn values_decide_over_volume() {
    let valued = |size: [i32; 3], value: i64| Item { value: Some(value), ..item(size, 1) };
    let plan = checked(&problem(carrier(100, 100, 100), vec![valued([100, 100, 100], 5), valued([10, 10, 10], 6)]), Mode::Fast);
    assert_eq!(plan.placements.iter().map(|placed| placed.item).collect::<Vec<_>>(), vec![1]);
}

#[test]
fn a_half_empty_carrier_is_loaded_in_its_middle() {
    let mut vehicle = problem(carrier(6000, 2400, 2400), vec![item([1200, 800, 1000], 4)]);
    vehicle.rules = Rules::default();
    vehicle.carrier.opening = Opening::Rear;
    let plan = checked(&vehicle, Mode::Fast);
    assert_eq!(plan.unplaced, vec![]);
    vehicle.rules.axle_window_mm = Some((3100, 3300));
    let plan = checked(&vehicle, Mode::Fast);
    assert_eq!(plan.unplaced, vec![]);
    let x = plan.summary.centre_of_gravity_mm.unwrap()[0];
    assert!((3100.0..=3300.0).contains(&x), "{x}");
}

#[test]
fn fragile_goods_end_up_on_top() {
    let fragile = Item { fragile: true, upright: [false, false, true], ..item([50, 50, 50], 4) };
    let sturdy = Item { upright: [false, false, true], ..item([50, 50, 50], 4) };
    let plan = checked(&problem(carrier(100, 100, 100), vec![fragile, sturdy]), Mode::Standard);
    assert_eq!(plan.unplaced, vec![]);
}

#[test]
fn loads_are_kept_while_stacking() {
    let weak = Item { bears: Bears::UpTo(1500), weight_g: 1000, ..item([50, 50, 20], 40) };
    let plan = checked(&problem(carrier(100, 100, 100), vec![Item { upright: [false, false, true], ..weak }]), Mode::Standard);
    // Two layers of four: a third would press 2000 g on the lowest.
    assert_eq!(plan.summary.boxes, 8);
    assert!(plan.unplaced.iter().all(|left| left.reason == Reason::Unstackable));
}
