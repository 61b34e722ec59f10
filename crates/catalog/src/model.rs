//! Items and their rules. Inside, everything is in base units (mm, g, cm³, tenths of a degree) of ONE base unit of the item.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use kernel::{Invalid, ItemId, Quantity};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub const MAX_LENGTH_MM: i64 = 100_000;
pub const MAX_WEIGHT_G: i64 = 100_000_000;
pub const MAX_VOLUME_CM3: i64 = 1_000_000_000_000;

mod changes;

pub use changes::{ItemChanges, Measure, NewBarcode, Size};

macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema, async_graphql::Enum)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum $name { $($variant),+ }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            /// Upper or lower case.
            fn from_str(text: &str) -> Result<Self, Invalid> {
                match text.trim().to_ascii_uppercase().as_str() {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(Invalid(format!("must be one of {}", [$($text),+].join(", ")))),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

text_enum! {
    /// How often an item moves: A fast, B medium, C slow.
    AbcClass { A "A", B "B", C "C" }
}
text_enum! {
    /// The least protection that goods need, or that a location gives; ordered from open to vault.
    SecurityZone { Standard "STANDARD", Restricted "RESTRICTED", HighSecurity "HIGH_SECURITY", Vault "VAULT" }
}

/// Outer size of one base unit, in millimetres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimensions {
    pub length_mm: i32,
    pub width_mm: i32,
    pub height_mm: i32,
}

/// Another unit that the item is handled in: 1 `unit` = `factor` base units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemUnit {
    /// 1 to 16 characters, upper case by custom: `CTN`, `PAL`.
    pub unit: String,
    /// Base units in one of this unit, greater than 0.
    #[schema(value_type = String, example = "12")]
    pub factor: Quantity,
}

/// A text that a scanner reads, and the unit that it stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ItemBarcode {
    pub barcode: String,
    /// The base unit or one of the item's units.
    pub unit: String,
}

/// A kind of goods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub item_id: ItemId,
    /// The user's own code, unique in the tenant.
    pub code: String,
    pub name: String,
    pub description: String,
    pub category: String,
    /// Stock is counted in it.
    pub base_unit: String,
    pub dimensions: Option<Dimensions>,
    /// Volume of one base unit, only where the dimensions are not known.
    pub volume_cm3: Option<i64>,
    /// Weight of one base unit.
    pub weight_g: Option<i64>,
    pub abc_class: AbcClass,
    /// Picks of this item per day.
    pub picks_per_day: Decimal,
    /// What one base unit is worth, in whatever the tenant counts values in.
    pub unit_value: Option<Decimal>,
    pub shelf_life_days: Option<i32>,
    pub lot_tracked: bool,
    /// Each piece has a number of its own, and every movement names the pieces that it moves.
    pub serial_tracked: bool,
    /// Coldest storage, in tenths of a degree Celsius.
    pub temperature_min_dc: Option<i32>,
    /// Warmest storage, in tenths of a degree Celsius.
    pub temperature_max_dc: Option<i32>,
    pub hazard_class: Option<String>,
    pub security_zone: SecurityZone,
    /// How many may stand on one another; no limit when absent.
    pub max_stack: Option<i32>,
    pub is_active: bool,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Ordered by unit.
    pub units: Vec<ItemUnit>,
    /// Ordered by barcode.
    pub barcodes: Vec<ItemBarcode>,
}

impl Item {
    /// An item that is only a code yet, with the defaults of every other field.
    pub fn new(item_id: ItemId, code: String, now: DateTime<Utc>) -> Self {
        Self {
            item_id,
            code,
            name: String::new(),
            description: String::new(),
            category: String::new(),
            base_unit: "EA".into(),
            dimensions: None,
            volume_cm3: None,
            weight_g: None,
            abc_class: AbcClass::C,
            picks_per_day: Decimal::ZERO,
            unit_value: None,
            shelf_life_days: None,
            lot_tracked: false,
            serial_tracked: false,
            temperature_min_dc: None,
            temperature_max_dc: None,
            hazard_class: None,
            security_zone: SecurityZone::Standard,
            max_stack: None,
            is_active: true,
            version: 1,
            created_at: now,
            updated_at: now,
            units: Vec::new(),
            barcodes: Vec::new(),
        }
    }

    /// Length, width and height in millimetres.
    pub fn dims_mm(&self) -> Option<[i64; 3]> {
        self.dimensions.map(|size| [i64::from(size.length_mm), i64::from(size.width_mm), i64::from(size.height_mm)])
    }

    /// Volume of one base unit in cubic millimetres: from the dimensions, else from the given volume; `None` when neither is known.
    pub fn unit_volume_mm3(&self) -> Option<i64> {
        match self.dims_mm() {
            Some([length, width, height]) => Some(length * width * height),
            None => self.volume_cm3.map(|volume| volume * 1_000),
        }
    }

    /// How many base units are one `unit`; `None` when the item is not handled in it.
    pub fn factor_of(&self, unit: &str) -> Option<Quantity> {
        if unit == self.base_unit {
            return Some(Quantity::from(1));
        }
        self.units.iter().find(|known| known.unit == unit).map(|known| known.factor)
    }
}

/// Which items a list shows; what is absent does not narrow.
#[derive(Clone, Debug, Default)]
pub struct ItemFilter {
    /// The beginning of the code, a part of the name, or a whole barcode; upper or lower case.
    pub q: Option<String>,
    pub abc_class: Option<AbcClass>,
    pub category: Option<String>,
    pub is_active: Option<bool>,
}

/// Refuses a number of GTIN length (8, 12, 13 or 14 digits) whose check digit is wrong; other texts have none to check.
/// GS1 General Specifications, section 7.9: from the right, digits count 3, 1, 3, … and the sum with the check digit is a multiple of 10.
pub fn check_gtin(barcode: &str) -> Result<(), Invalid> {
    if !is_gtin_shaped(barcode) {
        return Ok(());
    }
    let (body, given) = barcode.split_at(barcode.len() - 1);
    let digits = body.bytes().rev().map(|digit| u32::from(digit - b'0'));
    let sum: u32 = digits.zip([3, 1].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    let right = (10 - sum % 10) % 10;
    if given == right.to_string() {
        return Ok(());
    }
    Err(Invalid(format!("has the length of a GTIN but a wrong check digit: the last digit must be {right}, not {given}")))
}

fn is_gtin_shaped(barcode: &str) -> bool {
    matches!(barcode.len(), 8 | 12 | 13 | 14) && barcode.bytes().all(|byte| byte.is_ascii_digit())
}

/// The ways in which scanners write one barcode: a GTIN with more or fewer leading zeros is the same number.
pub fn barcode_spellings(barcode: &str) -> Vec<String> {
    let barcode = barcode.trim();
    let mut spellings = vec![barcode.to_owned()];
    if is_gtin_shaped(barcode) {
        let number = barcode.trim_start_matches('0');
        let padded =
            [8, 12, 13, 14].into_iter().filter(|length| number.len() <= *length).map(|length| format!("{number:0>length$}"));
        spellings.extend(padded.filter(|spelling| spelling != barcode));
    }
    spellings
}

#[cfg(test)]
mod tests;
