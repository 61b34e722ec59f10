use optimization::slotting::{
    Grid, Layout, OptimiseSettings, Order, Slot, Slotting, distance_mm, expected_picks_per_day, optimise, random_slotting,
    rank_slotting, walk,
};
use proptest::collection::vec;
use proptest::prelude::*;

pub fn layout() -> impl Strategy<Value = Layout> {
    (vec(1..9_u32, 1..7), 0..40_u32, vec((0..100_u16, 0..=20_u32), 1..40)).prop_map(|(gaps, depot, slots)| {
        let mut x = 0;
        let aisles_m: Vec<f64> = gaps
            .iter()
            .map(|gap| {
                x += gap;
                f64::from(x)
            })
            .collect();
        let aisles = aisles_m.len() as u16;
        let slots = slots.into_iter().map(|(aisle, depth)| Slot { aisle: aisle % aisles, depth_m: f64::from(depth), level: 0 });
        Layout { aisles_m, aisle_length_m: 20.0, depot_m: f64::from(depot), reserve_m: 90.0, slots: slots.collect() }
    })
}

/// The route as a walk from point to point, the length as the sum of its legs.
fn walked_m(layout: &Layout, slots: &[u32]) -> f64 {
    let mut at = (layout.depot_m, 0.0);
    let mut sum_m = 0.0;
    let mut go = |x: f64, y: f64| {
        sum_m += (x - at.0).abs() + (y - at.1).abs();
        at = (x, y);
    };
    let depths =
        |aisle: usize| slots.iter().map(|n| layout.slots[*n as usize]).filter(move |slot| usize::from(slot.aisle) == aisle);
    let entered: Vec<usize> = (0..layout.aisles_m.len()).filter(|aisle| depths(*aisle).count() > 0).collect();
    let mut at_front = true;
    for (n, aisle) in entered.iter().enumerate() {
        let x = layout.aisles_m[*aisle];
        go(x, if at_front { 0.0 } else { layout.aisle_length_m });
        if at_front && n + 1 == entered.len() {
            let deepest = depths(*aisle).map(|slot| slot.depth_m).fold(0.0, f64::max);
            go(x, deepest);
            go(x, 0.0);
        } else {
            go(x, if at_front { layout.aisle_length_m } else { 0.0 });
            at_front = !at_front;
        }
    }
    go(layout.depot_m, 0.0);
    sum_m
}

proptest! {
    #[test]
    fn a_route_is_as_long_as_its_legs((layout, picks) in layout().prop_flat_map(|layout| {
        let slots = layout.slots.len() as u32;
        (Just(layout), vec(0..slots, 0..12))
    })) {
        let route_m = layout.route_m(picks.iter().copied());
        prop_assert!((route_m - walked_m(&layout, &picks)).abs() < 1e-9, "{route_m} {}", walked_m(&layout, &picks));
    }

    #[test]
    fn a_slotting_gives_each_item_a_slot_of_its_own(layout in layout(), items in 0..60_usize, seed in 0..9_u64) {
        let orders: Vec<Order> = (0..items as u32).map(|n| Order { day: 0, items: vec![n, n / 2, n / 3] }).collect();
        let settings = OptimiseSettings { proposals: 2000, seed, ..OptimiseSettings::default() };
        let rates: Vec<f64> = (0..items).map(|n| (n * 7 % 5) as f64).collect();
        for slotting in [
            random_slotting(&layout, items, seed),
            rank_slotting(&layout, &rates),
            optimise(&layout, &orders, items, &settings).unwrap(),
        ] {
            let mut slots: Vec<u32> = slotting.iter().copied().flatten().collect();
            prop_assert_eq!(slots.len(), items.min(layout.slots.len()));
            slots.sort_unstable();
            slots.dedup();
            prop_assert_eq!(slots.len(), items.min(layout.slots.len()));
            let walked = walk(&layout, &slotting, &orders).unwrap();
            let sum_m: f64 = orders.iter().map(|order| {
                let slots: Vec<u32> = order.items.iter().filter_map(|item| slotting[*item as usize]).collect();
                let reserve = order.items.iter().any(|item| slotting[*item as usize].is_none());
                walked_m(&layout, &slots) + if reserve { 90.0 } else { 0.0 }
            }).sum();
            prop_assert!((walked.total_m - sum_m).abs() < 1e-6);
        }
    }
}

fn permutations(items: usize, slots: usize, found: &mut Vec<Slotting>, part: &mut Slotting) {
    if part.len() == items {
        found.push(part.clone());
        return;
    }
    for slot in 0..slots as u32 {
        if !part.contains(&Some(slot)) {
            part.push(Some(slot));
            permutations(items, slots, found, part);
            part.pop();
        }
    }
}

/// Three aisles with a slot on each side halfway in, so that a turn is as long as a passage: the best of all 720 slottings of 6
/// items, for orders that repeat.
#[test]
fn the_optimum_of_tiny_problems_is_nearly_reached() {
    let grid = Grid { aisles: 3, sides: 2, bays: 1, levels: 1, bay_width_m: 20.0, ..Grid::default() };
    let layout = grid.layout().unwrap();
    let mut all = Vec::new();
    permutations(6, 6, &mut all, &mut Vec::new());
    let mut state = 11_u64;
    let mut below = |end: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % end) as u32
    };
    let mut excess = Vec::new();
    for _ in 0..60 {
        let kinds: Vec<Vec<u32>> = (0..5).map(|_| (0..1 + below(3)).map(|_| below(6)).collect()).collect();
        let orders: Vec<Order> = (0..60).map(|n| Order { day: n, items: kinds[below(5) as usize].clone() }).collect();
        let settings = OptimiseSettings { independent_share: 0.0, proposals: 3000, ..OptimiseSettings::default() };
        let slotting = optimise(&layout, &orders, 6, &settings).unwrap();
        let walked_m = |slotting: &Slotting| walk(&layout, slotting, &orders).unwrap().total_m;
        let best_m = all.iter().map(walked_m).fold(f64::INFINITY, f64::min);
        excess.push(walked_m(&slotting) / best_m - 1.0);
    }
    let mean = excess.iter().sum::<f64>() / excess.len() as f64;
    let worst = excess.iter().copied().fold(0.0, f64::max);
    assert!(excess.iter().all(|excess| *excess > -1e-9));
    assert!(mean <= 0.03, "mean excess {mean}, worst {worst}");
}

#[test]
fn what_is_picked_together_comes_together() {
    let grid = Grid { aisles: 2, sides: 1, bays: 3, levels: 1, bay_width_m: 10.0, ..Grid::default() };
    let orders: Vec<Order> =
        (0..100).map(|day| Order { day, items: if day % 2 == 0 { vec![0, 2, 4] } else { vec![1, 3, 5] } }).collect();
    let layout = grid.layout().unwrap();
    let slotting = optimise(&layout, &orders, 6, &OptimiseSettings { proposals: 2000, ..OptimiseSettings::default() }).unwrap();
    let aisle = |item: usize| layout.slots[slotting[item].unwrap() as usize].aisle;
    assert_eq!((aisle(0), aisle(0)), (aisle(2), aisle(4)));
    assert_eq!((aisle(1), aisle(1)), (aisle(3), aisle(5)));
    let again = optimise(&layout, &orders, 6, &OptimiseSettings { proposals: 2000, ..OptimiseSettings::default() }).unwrap();
    assert_eq!(slotting, again);
}

#[test]
fn an_item_without_a_record_is_judged_by_its_family() {
    let mut orders: Vec<Order> = (0..100).map(|day| Order { day, items: vec![0, 2] }).collect();
    orders.extend((0..100).step_by(10).map(|day| Order { day, items: vec![500, 502] }));
    let rates = expected_picks_per_day(&orders, 600, 99, &Default::default()).unwrap();
    assert!(rates[1] > 5.0 * rates[501], "{} {}", rates[1], rates[501]);
    assert!((rates[0] - 1.0).abs() < 0.1, "picked every day: {}", rates[0]);
    // Two weeks of daily picks are a rate near that of a hundred days of them.
    let late: Vec<Order> = (86..100).map(|day| Order { day, items: vec![550] }).collect();
    let with_late = expected_picks_per_day(&[orders, late].concat(), 600, 99, &Default::default()).unwrap();
    assert!(with_late[550] > 3.0 * with_late[500], "{} {}", with_late[550], with_late[500]);
    assert_eq!(expected_picks_per_day(&[], 2, 0, &Default::default()).unwrap(), [0.0, 0.0]);
}

#[test]
fn bad_layouts_are_named() {
    let of = |change: fn(&mut Layout)| {
        let mut layout = Grid::default().layout().unwrap();
        assert_eq!(layout.slots.len(), 3840);
        change(&mut layout);
        layout.validate().unwrap_err().to_string()
    };
    assert_eq!(of(|l| l.slots[3].aisle = 12), "slots[3] must lie in an aisle of the layout, no deeper than the aisle is long");
    assert_eq!(
        of(|l| l.slots[0].depth_m = f64::NAN),
        "slots[0] must lie in an aisle of the layout, no deeper than the aisle is long"
    );
    assert_eq!(of(|l| l.aisles_m.reverse()), "aisles_m must be ascending, no two at the same place");
    assert_eq!(of(|l| l.slots.clear()), "slots must be from 1 to 1,000,000");
    let layout = Grid::default().layout().unwrap();
    let twice = walk(&layout, &[Some(4), Some(4)], &[]).unwrap_err().to_string();
    assert_eq!(twice, "slotting[1] must be a slot of its own: another item has it");
    let unknown = walk(&layout, &[Some(4)], &[Order { day: 0, items: vec![1] }]).unwrap_err().to_string();
    assert_eq!(unknown, "orders[0] must name items below 1 only");
}

#[test]
fn distances_are_straight_in_three_dimensions() {
    assert_eq!(distance_mm([0, 0, 0], [2000, 3000, 6000]), 7000.0);
    assert_eq!(distance_mm([-1, 5, 2], [-1, 5, 2]), 0.0);
    let layout = Grid::default().layout().unwrap();
    // First bays of two neighbouring aisles: 1.5 m to the front, 4 m across, 1.5 m back in.
    assert_eq!(layout.between_m(0, 320), 7.0);
    assert_eq!(layout.between_m(319, 639), 7.0);
    assert_eq!(layout.between_m(0, 8), 1.0);
}
