//! Three-dimensional packing: which box goes where on a pallet, in a carton, a container or a vehicle.

mod block;
mod bound;
mod carriers;
mod cartons;
mod case;
mod centre;
mod model;
mod node;
mod plan;
mod reach;
mod score;
mod search;
mod sequence;
mod solve;
mod space;
mod standing;
mod text;
mod verify;

pub use bound::volume_bound;
pub use carriers::{Loads, MAX_CARRIERS, pack_all, pack_auto};
pub use cartons::{Carton, Cartonisation, MAX_CARTON_TYPES, PackedCarton, Tariff, cartonise};
pub use model::{
    Bears, Carrier, InvalidInput, Item, MAX_BOXES, MAX_LENGTH_MM, MAX_LINES, MAX_WEIGHT_G, Opening, Overhang, Problem, Rotation,
    Rules,
};
pub use plan::{Placement, Plan, Reason, Summary, Unplaced, Utilisation};
pub use solve::{Mode, pack, pack_within};
pub use text::{Numbered, read_thpack};
pub use verify::{Fault, Violation, verify};
