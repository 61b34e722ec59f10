//! Where goods should lie, when they should move, and what that saves.
//!
//! Items and slots are numbers from 0 that the caller gives out. A family of items should have neighbouring numbers (as it has
//! neighbouring codes): what is not yet known of an item is judged by its neighbours. A slot holds one item, and all slots that
//! are handed in together are interchangeable: goods that need other slots are a call of their own.
//!
//! * [`classify`]: ABC classes by picks or by value. [`velocity`] and [`trigger`]: what changed, and why. [`affinity`]: what is
//!   picked together.
//! * [`Layout`], [`walk`]: the travel simulator, S-shape routes over any layout of parallel aisles. [`random_slotting`],
//!   [`class_slotting`], [`rank_slotting`], [`optimise`]: slottings to compare in it.
//! * [`plan_moves`]: from the present slotting to a better one, in moves that can be carried out one after the other.
//! * [`fragmentation_index`], [`consolidate`]: scattered stock. [`forecast`]: utilisation of the coming month, with its accuracy.
//!
//! Randomness comes from a seed in the arguments only.

mod abc;
mod affinity;
mod course;
mod demand;
mod draw;
mod forecast;
mod fragmentation;
mod kinds;
mod layout;
mod objective;
mod optimise;
mod order_moves;
mod plan;
mod plan_pairs;
mod plan_search;
mod relocations;
mod route;
mod routes;
mod simulate;
mod strategy;
mod trigger;
mod velocity;

pub use crate::putaway::InvalidInput;
pub use abc::{AbcCutoffs, AbcShare, classify};
pub use affinity::{Affinities, Affinity, AffinitySettings, affinity};
pub use demand::{DemandSettings, Order, expected_picks_per_day};
pub use forecast::{Accuracy, Forecast, Method, Point, forecast};
pub use fragmentation::{Consolidation, FreeSpace, Stock, consolidate, fragmentation_index};
pub use kinds::Kinds;
pub use layout::{Grid, Layout, MAX_AISLES, Slot, distance_mm};
pub use optimise::{OptimiseSettings, optimise};
pub use order_moves::{Move, order_moves};
pub use plan::{Plan, PlanSettings, PlanStep, plan_moves, plan_moves_among};
pub use simulate::{Walk, walk};
pub use strategy::{class_slotting, random_slotting, rank_slotting};
pub use trigger::{Severity, Trigger, TriggerKind, TriggerSettings, trigger};
pub use velocity::{Velocity, VelocitySettings, velocity};

/// For each item its slot; `None`: no slot was left, the item lies in the far reserve ([`Layout::reserve_m`]).
pub type Slotting = Vec<Option<u32>>;

fn check(field: &str, good: bool, mend: &str) -> Result<(), InvalidInput> {
    if good { Ok(()) } else { Err(InvalidInput::new(field, mend)) }
}
