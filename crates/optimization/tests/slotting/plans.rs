//! Plans of small halls against every plan that there is.

use optimization::slotting::{Layout, Order, Plan, PlanSettings, Slot, Slotting, order_moves, plan_moves, walk};

/// What a plan is judged by: metres walked within the payback days, and the moves.
fn objective_m(layout: &Layout, current: &Slotting, target: &Slotting, orders: &[Order], settings: &PlanSettings) -> Option<f64> {
    let moves = order_moves(layout, current, target).ok()?;
    let way_m = |from: Option<u32>, to: Option<u32>| match (from, to) {
        (Some(from), Some(to)) => layout.between_m(from, to),
        _ => layout.reserve_m / 2.0,
    };
    let cost_m: f64 = moves.iter().map(|step| settings.handling_m + way_m(step.from, step.to)).sum();
    let days = orders.iter().map(|order| order.day).max()? - orders.iter().map(|order| order.day).min()? + 1;
    let walked_m = walk(layout, target, orders).unwrap().total_m / f64::from(days) * settings.payback_days;
    (moves.len() <= settings.moves_max).then_some(walked_m + cost_m)
}

struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }
}

/// A hall of one to three aisles with a slot or two more than items, and a week of orders that repeat.
struct Case {
    layout: Layout,
    current: Slotting,
    orders: Vec<Order>,
    settings: PlanSettings,
}

impl Case {
    fn draw(seed: u64, items: usize, slots: usize) -> Self {
        let mut draw = Draw(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1);
        for _ in 0..5 {
            draw.below(2);
        }
        let aisles = 1 + draw.below(3);
        let slot =
            |n: usize, draw: &mut Draw| Slot { aisle: (n % aisles) as u16, depth_m: 2.0 + 4.0 * draw.below(10) as f64, level: 0 };
        let layout = Layout {
            aisles_m: (0..aisles).map(|aisle| 5.0 * aisle as f64).collect(),
            aisle_length_m: 40.0,
            depot_m: 5.0 * draw.below(3) as f64,
            reserve_m: 90.0,
            slots: (0..slots).map(|n| slot(n, &mut draw)).collect(),
        };
        let mut places: Vec<u32> = (0..slots as u32).collect();
        for last in (1..slots).rev() {
            places.swap(last, draw.below(last + 1));
        }
        let kinds: Vec<Vec<u32>> = (0..5).map(|_| (0..1 + draw.below(3)).map(|_| draw.below(items) as u32).collect()).collect();
        let mut current: Slotting = places[..items].iter().copied().map(Some).collect();
        if seed.is_multiple_of(7) {
            current[items - 1] = None;
        }
        let orders = (0..30).map(|n| Order { day: n / 4, items: kinds[draw.below(5)].clone() }).collect();
        let handling_m = [0.0, 30.0, 150.0][draw.below(3)];
        let settings = PlanSettings { handling_m, payback_days: 30.0, ..PlanSettings::default() };
        Self { layout, current, orders, settings }
    }

    fn objective_m(&self, target: &Slotting) -> Option<f64> {
        objective_m(&self.layout, &self.current, target, &self.orders, &self.settings)
    }

    fn plan(&self) -> Plan {
        plan_moves(&self.layout, &self.current, &self.orders, &self.settings).unwrap()
    }
}

fn exchanged(slotting: &Slotting, item: usize, to: Option<u32>) -> Slotting {
    let mut with = slotting.clone();
    if let Some(partner) = with.iter().position(|place| *place == to) {
        with[partner] = with[item];
    }
    with[item] = to;
    with
}

/// All slottings that one exchange, one relocation, or two items that go into one aisle in exchange for others, lead to.
fn neighbours(layout: &Layout, target: &Slotting, orders: &[Order]) -> Vec<Slotting> {
    let slots = || (0..layout.slots.len() as u32).map(Some);
    let mut found: Vec<Slotting> = (0..target.len())
        .flat_map(|item| slots().map(move |to| (item, to)))
        .map(|(item, to)| exchanged(target, item, to))
        .collect();
    let together = |one: usize, other: usize| {
        orders.iter().any(|order| [one, other].iter().all(|item| order.items.contains(&(*item as u32))))
    };
    for one in 0..target.len() {
        for other in (one + 1..target.len()).filter(|other| together(one, *other)) {
            for (to, other_to) in slots().flat_map(|to| slots().map(move |other_to| (to, other_to))) {
                let aisle = |place: Option<u32>| layout.slots[place.unwrap() as usize].aisle;
                let is_own = [to, other_to].iter().any(|place| [target[one], target[other]].contains(place));
                if to != other_to && aisle(to) == aisle(other_to) && !is_own {
                    found.push(exchanged(&exchanged(target, one, to), other, other_to));
                }
            }
        }
    }
    found
}

#[test]
fn no_step_makes_a_plan_better() {
    let mut planned = 0;
    for seed in 0..400 {
        let items = 6 + (seed % 5) as usize;
        let case = Case::draw(seed, items, items + (seed % 3) as usize);
        let plan = case.plan();
        let nothing_m = case.objective_m(&case.current).unwrap();
        let reached_m = case.objective_m(&plan.target).unwrap();
        assert!(reached_m <= nothing_m + 1e-6, "seed {seed}: {reached_m} where nothing gives {nothing_m}");
        let saved_m = (plan.before_m_per_day - plan.after_m_per_day) * case.settings.payback_days - plan.cost_m;
        assert!((nothing_m - reached_m - saved_m).abs() < 1e-6, "seed {seed}: the plan tells what it saves");
        for other in neighbours(&case.layout, &plan.target, &case.orders) {
            if let Some(other_m) = case.objective_m(&other) {
                assert!(
                    other_m >= reached_m - 1e-5,
                    "seed {seed}: {other_m} instead of {reached_m}: {:?} {other:?}",
                    plan.target
                );
            }
        }
        planned += usize::from(!plan.steps.is_empty());
    }
    assert!(planned > 200, "{planned} of 400 have moves");
}

fn best_m(case: &Case, item: usize, target: &mut Slotting, best: &mut f64) {
    if item == target.len() {
        *best = case.objective_m(target).map_or(*best, |objective_m| objective_m.min(*best));
        return;
    }
    for slot in 0..case.layout.slots.len() as u32 {
        if !target[..item].contains(&Some(slot)) {
            target[item] = Some(slot);
            best_m(case, item + 1, target, best);
        }
    }
}

/// 6 items in 7 slots, all 5,040 slottings.
#[test]
fn plans_of_tiny_halls_are_near_the_best_of_all() {
    let mut lost = Vec::new();
    for seed in (1..120).filter(|seed| seed % 7 != 0) {
        let case = Case::draw(seed, 6, 7);
        let nothing_m = case.objective_m(&case.current).unwrap();
        let mut best = nothing_m;
        best_m(&case, 0, &mut case.current.clone(), &mut best);
        let reached_m = case.objective_m(&case.plan().target).unwrap();
        assert!(reached_m >= best - 1e-6);
        lost.push((reached_m - best) / nothing_m);
    }
    let mean = lost.iter().sum::<f64>() / lost.len() as f64;
    let worst = lost.iter().copied().fold(0.0, f64::max);
    let best = lost.iter().filter(|lost| **lost < 1e-9).count();
    println!("{best} of {} the best of all; mean loss {mean:.4} of what is walked, worst {worst:.4}", lost.len());
    assert!(mean <= 0.01 && worst <= 0.15, "mean loss {mean}, worst {worst}");
}

#[test]
fn a_hall_of_one_aisle_is_slotted_by_depth() {
    let slot = |n: u16| Slot { aisle: 0, depth_m: 1.5 + f64::from(n), level: 0 };
    let layout =
        Layout { aisles_m: vec![0.0], aisle_length_m: 42.0, depot_m: 0.0, reserve_m: 0.0, slots: (0..40).map(slot).collect() };
    // Twenty items, the busiest two farthest in, always picked together: moving one of them alone saves nothing.
    let current: Slotting = (0..20).map(|n| Some(39 - n)).collect();
    let mut orders: Vec<Order> = (0..200).map(|n| Order { day: n / 10, items: vec![0, 1] }).collect();
    orders.extend((0..40).map(|n| Order { day: n / 2, items: vec![2 + (n % 18) as u32] }));
    let plan = plan_moves(&layout, &current, &orders, &PlanSettings::default()).unwrap();
    let depth_m = |item: usize| layout.slots[plan.target[item].unwrap() as usize].depth_m;
    assert!(depth_m(0).max(depth_m(1)) <= 2.5, "{} {}", depth_m(0), depth_m(1));
    assert!(plan.after_m_per_day < 0.5 * plan.before_m_per_day, "{} {}", plan.before_m_per_day, plan.after_m_per_day);
}

#[test]
fn two_that_are_picked_together_move_together() {
    // Aisle 0 is entered by nearly every order; aisle 2 only for items 0 and 1, from far within. Either alone would still lead there.
    let slot = |aisle: u16, depth_m: f64| Slot { aisle, depth_m, level: 0 };
    let mut slots: Vec<Slot> = (0..6).map(|n| slot(0, 5.0 + f64::from(n))).collect();
    slots.extend((0..3).map(|n| slot(1, 10.0 + f64::from(n))));
    slots.extend((0..2).map(|_| slot(2, 35.0)));
    let layout = Layout { aisles_m: vec![0.0, 5.0, 10.0], aisle_length_m: 40.0, depot_m: 0.0, reserve_m: 0.0, slots };
    let current: Slotting = [Some(9), Some(10), Some(0), Some(1), Some(2), Some(6)].to_vec();
    let orders: Vec<Order> = (0..100).map(|n| Order { day: n / 10, items: vec![0, 1, 2] }).collect();
    let plan = plan_moves(&layout, &current, &orders, &PlanSettings::default()).unwrap();
    let aisle = |item: usize| layout.slots[plan.target[item].unwrap() as usize].aisle;
    assert_eq!((aisle(0), aisle(1)), (0, 0), "{plan:?}");
}
