use serde::Serialize;

use super::demand::{Order, validate_orders};
use super::route::Route;
use super::{InvalidInput, Layout, check};

/// What a slotting costs on given orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Walk {
    pub orders: usize,
    pub total_m: f64,
    /// Aisles entered, over all orders.
    pub aisles: u64,
    /// Orders that had to go to the far reserve.
    pub reserve_visits: u64,
}

/// Replays the orders, one S-shape route ([`Layout::route_m`]) each; the far reserve adds [`Layout::reserve_m`] once per order.
pub fn walk(layout: &Layout, slotting: &[Option<u32>], orders: &[Order]) -> Result<Walk, InvalidInput> {
    layout.validate()?;
    validate_slotting(layout, slotting)?;
    validate_orders(orders, slotting.len())?;
    let mut walked = Walk { orders: orders.len(), ..Walk::default() };
    for order in orders {
        walked.total_m += order_m(layout, slotting, order);
        walked.reserve_visits += u64::from(order.items.iter().any(|item| slotting[*item as usize].is_none()));
        let aisles = order.items.iter().filter_map(|item| slotting[*item as usize]);
        walked.aisles += u64::from(aisles.fold(0_u128, |set, slot| set | 1 << layout.slots[slot as usize].aisle).count_ones());
    }
    Ok(walked)
}

pub(super) fn order_m(layout: &Layout, slotting: &[Option<u32>], order: &Order) -> f64 {
    Route::of(layout, order.items.iter().map(|item| slotting[*item as usize])).length_m(layout)
}

pub(super) fn validate_slotting(layout: &Layout, slotting: &[Option<u32>]) -> Result<(), InvalidInput> {
    let mut taken = vec![false; layout.slots.len()];
    for (item, slot) in slotting.iter().enumerate() {
        let Some(slot) = slot.map(|slot| slot as usize) else { continue };
        check(&format!("slotting[{item}]"), slot < taken.len(), "must be a slot of the layout")?;
        check(&format!("slotting[{item}]"), !taken[slot], "must be a slot of its own: another item has it")?;
        taken[slot] = true;
    }
    Ok(())
}
