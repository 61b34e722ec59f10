use optimization::slotting::{
    AbcCutoffs, Grid, Layout, Move, Order, PlanSettings, Slotting, class_slotting, order_moves, plan_moves, random_slotting, walk,
};
use proptest::prelude::*;

use crate::retail;

/// Carries the moves out one after the other: each item must be where the move says, each target empty.
fn carry_out(current: &Slotting, moves: impl Iterator<Item = Move>) -> Result<Slotting, String> {
    let mut at = current.clone();
    for step in moves {
        if at[step.item as usize] != step.from {
            return Err(format!("{step:?}: the item lies in {:?}", at[step.item as usize]));
        }
        if step.to.is_some() && at.contains(&step.to) {
            return Err(format!("{step:?}: the target is taken"));
        }
        at[step.item as usize] = step.to;
    }
    Ok(at)
}

fn hall(bays: u16) -> Layout {
    Grid { aisles: 3, sides: 1, bays, levels: 1, ..Grid::default() }.layout().unwrap()
}

proptest! {
    #[test]
    fn moves_can_be_carried_out(items in 0..24_usize, one in 0..1000_u64, other in 0..1000_u64) {
        let layout = hall(6);
        let current = random_slotting(&layout, items, one);
        let target = random_slotting(&layout, items, other);
        match order_moves(&layout, &current, &target) {
            Ok(moves) => {
                let moved = (0..items).filter(|item| current[*item] != target[*item]).count();
                let groups = moves.iter().map(|step| step.group).collect::<std::collections::BTreeSet<_>>().len();
                prop_assert!(moves.len() <= moved + groups);
                prop_assert_eq!(carry_out(&current, moves.into_iter()), Ok(target));
            }
            Err(_) => prop_assert!(items >= 18, "there was an empty slot"),
        }
    }
}

#[test]
fn a_cycle_passes_through_the_nearest_empty_slot() {
    let layout = hall(2);
    let current = vec![Some(0), Some(1), Some(3)];
    let moves = order_moves(&layout, &current, &vec![Some(1), Some(0), Some(3)]).unwrap();
    let step = |item, from, to| Move { item, from: Some(from), to: Some(to), group: 0 };
    assert_eq!(moves, [step(0, 0, 2), step(1, 1, 0), step(0, 2, 1)]);
    let full: Slotting = (0..6).map(Some).collect();
    let turned: Slotting = [1, 0, 2, 3, 4, 5].map(Some).to_vec();
    let refused = order_moves(&layout, &full, &turned).unwrap_err().to_string();
    assert_eq!(refused, "target must leave a slot empty: items that change places need one to pass");
}

#[test]
fn every_group_of_a_plan_pays_back() {
    let shop = retail::made_up();
    let layout = Grid { aisles: 8, bays: 10, ..Grid::default() }.layout().unwrap();
    let current = random_slotting(&layout, shop.items, 3);
    let settings = PlanSettings { moves_max: 60, ..PlanSettings::default() };
    let plan = plan_moves(&layout, &current, &shop.first_half, &settings).unwrap();
    assert!(!plan.steps.is_empty() && plan.steps.len() <= 60, "{} steps", plan.steps.len());
    assert_eq!(carry_out(&current, plan.steps.iter().map(|step| step.step)), Ok(plan.target.clone()));
    assert_eq!(plan, plan_moves(&layout, &current, &shop.first_half, &settings).unwrap());

    // The figures again, from the walks alone.
    let last = shop.first_half.iter().map(|order| order.day).max().unwrap();
    let newest: Vec<Order> = shop.first_half.iter().filter(|order| order.day > last - 30).cloned().collect();
    let daily_m = |slotting: &Slotting| walk(&layout, slotting, &newest).unwrap().total_m / 30.0;
    assert!((plan.before_m_per_day - daily_m(&current)).abs() < 1e-6);
    assert!((plan.after_m_per_day - daily_m(&plan.target)).abs() < 1e-6);
    for group in plan.steps.chunk_by(|one, other| one.step.group == other.step.group) {
        let mut without = plan.target.clone();
        group.iter().for_each(|step| without[step.step.item as usize] = current[step.step.item as usize]);
        let saving_m = daily_m(&without) - plan.after_m_per_day;
        let cost_m: f64 = group.iter().map(|step| step.cost_m).sum();
        assert!((saving_m - group[0].group_saving_m_per_day).abs() < 1e-6);
        assert!((cost_m - group[0].group_cost_m).abs() < 1e-6);
        assert!(saving_m * settings.payback_days >= cost_m, "{group:?}");
    }
    assert!((plan.cost_m - plan.steps.iter().map(|step| step.cost_m).sum::<f64>()).abs() < 1e-6);
    let later_m = |slotting: &Slotting| walk(&layout, slotting, &shop.second_half).unwrap().total_m;
    assert!(later_m(&plan.target) < 0.97 * later_m(&current), "{} {}", later_m(&plan.target), later_m(&current));
}

#[test]
fn nothing_moves_that_does_not_pay() {
    let shop = retail::made_up();
    let layout = Grid { aisles: 8, bays: 10, ..Grid::default() }.layout().unwrap();
    let current = class_slotting(&layout, &shop.first_half, shop.items, &AbcCutoffs::default(), 1).unwrap();
    let dear = PlanSettings { handling_m: 1_000_000.0, payback_days: 1.0, ..PlanSettings::default() };
    let plan = plan_moves(&layout, &current, &shop.first_half, &dear).unwrap();
    assert_eq!((plan.steps.len(), &plan.target), (0, &current));
    assert_eq!(plan.before_m_per_day, plan.after_m_per_day);
    assert_eq!(plan_moves(&layout, &current, &[], &PlanSettings::default()).unwrap().steps, []);
    let wrong = PlanSettings { judge_days: 0, ..dear };
    let refused = plan_moves(&layout, &current, &[], &wrong).unwrap_err().to_string();
    assert_eq!(refused, "judge_days must be at least 1 day");
}

#[test]
fn a_full_hall_gets_no_plan_that_it_cannot_carry_out() {
    let layout = hall(4);
    let current: Slotting = (0..12).map(Some).collect();
    let orders: Vec<Order> = (0..200).map(|day| Order { day, items: vec![11, 3, 7] }).collect();
    let plan = plan_moves(&layout, &current, &orders, &PlanSettings::default()).unwrap();
    assert_eq!(plan.steps, []);
    // With one slot empty the same orders are worth some moves.
    let roomy = hall(5);
    let current: Slotting = (0..12).map(|n| Some(n + n / 4)).collect();
    let plan = plan_moves(&roomy, &current, &orders, &PlanSettings { handling_m: 10.0, ..PlanSettings::default() }).unwrap();
    assert!(plan.after_m_per_day < plan.before_m_per_day);
    assert_eq!(carry_out(&current, plan.steps.iter().map(|step| step.step)), Ok(plan.target));
}
