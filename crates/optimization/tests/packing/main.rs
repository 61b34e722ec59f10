//! The packer against its verifier, against complete enumeration on tiny problems, and both against hand-made cases.

mod answers;
mod brute;
mod carriers;
mod faults;
mod large;
mod properties;
mod reader;

use optimization::packing::{Bears, Carrier, Item, Opening, Overhang, Problem, Rotation, Rules};

pub fn carrier(length_mm: i32, width_mm: i32, height_mm: i32) -> Carrier {
    Carrier {
        length_mm,
        width_mm,
        height_mm,
        max_load_g: 1_000_000,
        max_stack_height_mm: None,
        tare_g: 0,
        overhang: Overhang::default(),
        opening: Opening::Top,
    }
}

pub fn item(size_mm: [i32; 3], quantity: u32) -> Item {
    Item {
        size_mm,
        upright: [true; 3],
        weight_g: 1000,
        bears: Bears::Unlimited,
        fragile: false,
        class: None,
        quantity,
        value: None,
    }
}

pub fn problem(carrier: Carrier, items: Vec<Item>) -> Problem {
    Problem { carrier, items, rules: Rules::geometry_only(100) }
}

pub const AS_IS: Rotation = Rotation::ALL[0];
