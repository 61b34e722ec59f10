use super::demand::{distinct, validate_orders};
use super::draw::Draw;
use super::{AbcCutoffs, InvalidInput, Layout, Order, Slotting, classify};
use crate::putaway::Abc;

/// Each item in a slot drawn at random.
pub fn random_slotting(layout: &Layout, items: usize, seed: u64) -> Slotting {
    let mut draw = Draw::new(seed);
    let mut order: Vec<usize> = (0..items).collect();
    draw.shuffle(&mut order);
    let mut slots: Vec<u32> = (0..layout.slots.len() as u32).collect();
    draw.shuffle(&mut slots);
    fill(&order, &slots, items)
}

/// Items by falling value (picks, expected picks) into the slots as they are filled: the aisle nearest to the depot first, each
/// aisle from the front. Full-turnover storage within aisles, the strongest rule for S-shape routes that looks at
/// one item at a time (Jarvis and McDowell 1991). Equal values keep the items' order.
pub fn rank_slotting(layout: &Layout, values: &[f64]) -> Slotting {
    fill(&by_value(values), &layout.filling_order(), values.len())
}

/// ABC storage by picks: class A in the slots that are filled first, then B, then C; within a class at random
/// (class-based storage, Hausman, Schwarz and Graves 1976).
pub fn class_slotting(
    layout: &Layout,
    orders: &[Order],
    items: usize,
    cutoffs: &AbcCutoffs,
    seed: u64,
) -> Result<Slotting, InvalidInput> {
    let classes = classify(&picks(orders, items)?, cutoffs)?;
    let mut draw = Draw::new(seed);
    let mut order: Vec<usize> = (0..items).collect();
    draw.shuffle(&mut order);
    let rank = |item: &usize| match classes[*item] {
        Abc::A => 0,
        Abc::B => 1,
        Abc::C => 2,
    };
    order.sort_by_key(rank);
    Ok(fill(&order, &layout.filling_order(), items))
}

/// Orders that name each item.
pub(super) fn picks(orders: &[Order], items: usize) -> Result<Vec<f64>, InvalidInput> {
    validate_orders(orders, items)?;
    let mut picks = vec![0.0; items];
    distinct(orders).iter().flat_map(|order| &order.items).for_each(|item| picks[*item as usize] += 1.0);
    Ok(picks)
}

pub(super) fn by_value(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*other].total_cmp(&values[*one]));
    order
}

fn fill(order: &[usize], slots: &[u32], items: usize) -> Slotting {
    let mut slotting = vec![None; items];
    order.iter().zip(slots).for_each(|(item, slot)| slotting[*item] = Some(*slot));
    slotting
}
