//! What is packed into what, and the rules that a plan must keep. Lengths are mm, weights g, volumes mm³.

use std::fmt;

use serde::{Deserialize, Serialize};

pub const MAX_LINES: usize = 500;
pub const MAX_BOXES: u32 = 20_000;
/// 100 m; the product of three such lengths still fits into 64 bits.
pub const MAX_LENGTH_MM: i32 = 100_000;
pub const MAX_WEIGHT_G: i64 = 1_000_000_000;

/// One pallet, carton, container or vehicle. x runs along its length, y along its width, z upwards; the origin is a corner of
/// the floor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carrier {
    pub length_mm: i32,
    pub width_mm: i32,
    /// Inner height; for a pallet, how high goods may stand on it.
    pub height_mm: i32,
    /// What it carries beside its own weight.
    #[serde(default = "no_limit")]
    pub max_load_g: i64,
    #[serde(default)]
    pub max_stack_height_mm: Option<i32>,
    #[serde(default)]
    pub tare_g: i64,
    #[serde(default)]
    pub overhang: Overhang,
    #[serde(default)]
    pub opening: Opening,
}

/// How far goods may stand out beyond the floor, in mm per side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overhang {
    /// Beyond x = 0.
    pub front_mm: i32,
    /// Beyond x = length.
    pub rear_mm: i32,
    /// Beyond y = 0.
    pub left_mm: i32,
    /// Beyond y = width.
    pub right_mm: i32,
}

/// Where boxes come in, along a straight line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    #[default]
    Top,
    /// The door at x = length.
    Rear,
    /// The side y = 0.
    Left,
    /// The side y = width.
    Right,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Length, width, height.
    pub size_mm: [i32; 3],
    /// Which of the three may stand upright; `[false, false, true]` is "this side up".
    #[serde(default = "any_way")]
    pub upright: [bool; 3],
    #[serde(default)]
    pub weight_g: i64,
    #[serde(default)]
    pub bears: Bears,
    /// Goes on top: only fragile boxes may stand on it.
    #[serde(default)]
    pub fragile: bool,
    /// Compared by [`Rules::incompatible`].
    #[serde(default)]
    pub class: Option<u32>,
    pub quantity: u32,
    /// What packing one is worth, at least 1; without it, its volume. Either all items have a value or none.
    #[serde(default)]
    pub value: Option<i64>,
}

/// What a box carries on its top.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bears {
    Nothing,
    /// At most so many g. A box hands its weight and what it carries to the boxes below it by their shares of the contact area.
    UpTo(i64),
    #[default]
    Unlimited,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// The least share of each box's base that stands on boxes or the floor, 0 to 100 %.
    pub support_percent: u8,
    /// How far the centre of gravity of the goods may lie from the middle of the floor, as a share of length and width, 0 to 50 %.
    /// 20 allows 30 % to 70 % of the length. `None` leaves it free.
    pub centre_percent: Option<u8>,
    /// Pairs of different classes that must never share a carrier.
    pub incompatible: Vec<(u32, u32)>,
    pub max_weight_g: Option<i64>,
    pub max_height_mm: Option<i32>,
    pub max_volume_mm3: Option<i64>,
    /// Where along x the centre of gravity of the goods must lie so that no axle is overloaded, in mm.
    pub axle_window_mm: Option<(i32, i32)>,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules { centre_percent: Some(20), ..Rules::geometry_only(80) }
    }
}

impl Rules {
    /// Nothing but support: for benchmarks that know no weights.
    pub fn geometry_only(support_percent: u8) -> Rules {
        Rules {
            support_percent,
            centre_percent: None,
            incompatible: Vec::new(),
            max_weight_g: None,
            max_height_mm: None,
            max_volume_mm3: None,
            axle_window_mm: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    pub carrier: Carrier,
    pub items: Vec<Item>,
    #[serde(default)]
    pub rules: Rules,
}

/// Which of an item's three sizes (0 length, 1 width, 2 height) lies along x, y and z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "[u8; 3]", into = "[u8; 3]")]
pub struct Rotation([u8; 3]);

impl Rotation {
    pub const ALL: [Rotation; 6] = [
        Rotation([0, 1, 2]),
        Rotation([1, 0, 2]),
        Rotation([0, 2, 1]),
        Rotation([2, 0, 1]),
        Rotation([1, 2, 0]),
        Rotation([2, 1, 0]),
    ];

    pub fn axes(self) -> [u8; 3] {
        self.0
    }

    /// The extents along x, y and z of a box of that size.
    pub fn turn(self, size_mm: [i32; 3]) -> [i32; 3] {
        self.0.map(|axis| size_mm[usize::from(axis)])
    }
}

impl TryFrom<[u8; 3]> for Rotation {
    type Error = String;

    fn try_from(axes: [u8; 3]) -> Result<Rotation, String> {
        let known = Rotation::ALL.into_iter().find(|rotation| rotation.0 == axes);
        known.ok_or_else(|| "a rotation names each of the axes 0, 1 and 2 once".into())
    }
}

impl From<Rotation> for [u8; 3] {
    fn from(rotation: Rotation) -> [u8; 3] {
        rotation.0
    }
}

/// What is wrong with a problem, and in which field, as in `items[3].quantity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidInput {
    pub field: String,
    pub problem: String,
}

impl fmt::Display for InvalidInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

impl std::error::Error for InvalidInput {}

impl InvalidInput {
    pub(super) fn new(field: impl Into<String>, problem: impl Into<String>) -> InvalidInput {
        InvalidInput { field: field.into(), problem: problem.into() }
    }
}

impl Problem {
    /// Refuses what no plan could be made of; a box that fits nowhere is not refused but comes back unplaced.
    pub fn validate(&self) -> Result<(), InvalidInput> {
        self.carrier.validate("carrier")?;
        validate_items(&self.items)?;
        self.rules.validate(&self.carrier)
    }
}

impl Carrier {
    pub(super) fn validate(&self, field: &str) -> Result<(), InvalidInput> {
        let at = |name: &str| format!("{field}.{name}");
        length(&at("length_mm"), self.length_mm)?;
        length(&at("width_mm"), self.width_mm)?;
        length(&at("height_mm"), self.height_mm)?;
        if let Some(height) = self.max_stack_height_mm {
            length(&at("max_stack_height_mm"), height)?;
        }
        if self.max_load_g < 0 {
            return Err(InvalidInput::new(at("max_load_g"), "must not be negative"));
        }
        if !(0..=MAX_WEIGHT_G).contains(&self.tare_g) {
            return Err(InvalidInput::new(at("tare_g"), format!("must be between 0 and {MAX_WEIGHT_G}")));
        }
        let sides = [self.overhang.front_mm, self.overhang.rear_mm, self.overhang.left_mm, self.overhang.right_mm];
        if sides.iter().any(|side| !(0..=MAX_LENGTH_MM / 10).contains(side)) {
            return Err(InvalidInput::new(at("overhang"), format!("must be between 0 and {} mm per side", MAX_LENGTH_MM / 10)));
        }
        Ok(())
    }
}

pub(super) fn validate_items(items: &[Item]) -> Result<(), InvalidInput> {
    if items.is_empty() || items.len() > MAX_LINES {
        return Err(InvalidInput::new("items", format!("must be 1 to {MAX_LINES} lines")));
    }
    let valued = items[0].value.is_some();
    let mut boxes = 0_u32;
    for (n, item) in items.iter().enumerate() {
        let at = |name: &str| format!("items[{n}].{name}");
        item.size_mm.iter().try_for_each(|size| length(&at("size_mm"), *size))?;
        if !item.upright.contains(&true) {
            return Err(InvalidInput::new(at("upright"), "must allow at least one of the three to stand upright"));
        }
        if !(0..=MAX_WEIGHT_G).contains(&item.weight_g) {
            return Err(InvalidInput::new(at("weight_g"), format!("must be between 0 and {MAX_WEIGHT_G}")));
        }
        if matches!(item.bears, Bears::UpTo(load) if load < 0) {
            return Err(InvalidInput::new(at("bears"), "must not be negative"));
        }
        if item.quantity == 0 {
            return Err(InvalidInput::new(at("quantity"), "must be at least 1"));
        }
        if item.value.is_some() != valued || item.value.is_some_and(|value| !(1..=1_000_000_000_000).contains(&value)) {
            return Err(InvalidInput::new(at("value"), "must be 1 to 10^12 for all items, or absent for all"));
        }
        boxes = boxes.saturating_add(item.quantity);
        if boxes > MAX_BOXES {
            return Err(InvalidInput::new(at("quantity"), format!("makes more than {MAX_BOXES} boxes in all")));
        }
    }
    Ok(())
}

impl Rules {
    fn validate(&self, carrier: &Carrier) -> Result<(), InvalidInput> {
        let refuse = |name: &str, problem: &str| Err(InvalidInput::new(format!("rules.{name}"), problem));
        if self.support_percent > 100 {
            return refuse("support_percent", "must be between 0 and 100");
        }
        if self.centre_percent.is_some_and(|share| share > 50) {
            return refuse("centre_percent", "must be between 0 and 50");
        }
        if self.incompatible.iter().any(|(one, other)| one == other) {
            return refuse("incompatible", "must be pairs of different classes");
        }
        if self.max_weight_g.is_some_and(|limit| limit < 0) {
            return refuse("max_weight_g", "must not be negative");
        }
        if self.max_volume_mm3.is_some_and(|limit| limit < 0) {
            return refuse("max_volume_mm3", "must not be negative");
        }
        if let Some(height) = self.max_height_mm {
            length("rules.max_height_mm", height)?;
        }
        if self.axle_window_mm.is_some_and(|(low, high)| low > high || high < 0 || low > carrier.length_mm) {
            return refuse("axle_window_mm", "must be a range that begins before the carrier ends");
        }
        Ok(())
    }

    pub(super) fn apart(&self, one: Option<u32>, other: Option<u32>) -> bool {
        let (Some(one), Some(other)) = (one, other) else { return false };
        self.incompatible.iter().any(|pair| *pair == (one, other) || *pair == (other, one))
    }
}

fn length(field: &str, mm: i32) -> Result<(), InvalidInput> {
    if (1..=MAX_LENGTH_MM).contains(&mm) {
        return Ok(());
    }
    Err(InvalidInput::new(field, format!("must be between 1 and {MAX_LENGTH_MM} mm")))
}

fn no_limit() -> i64 {
    MAX_WEIGHT_G
}

fn any_way() -> [bool; 3] {
    [true; 3]
}
