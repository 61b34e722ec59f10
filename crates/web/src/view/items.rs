use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Errors, ItemPromise, MovementRow, Page, Pager, ticked};

#[derive(Debug, Serialize)]
pub struct ItemList {
    pub page: Page,
    pub filter: ItemFilter,
    pub categories: Vec<String>,
    pub items: Vec<ItemRow>,
    pub pager: Pager,
    pub can_write: bool,
}

/// `active` is empty, `yes` or `no`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ItemFilter {
    pub q: String,
    pub abc_class: String,
    pub category: String,
    pub active: String,
}

#[derive(Debug, Serialize)]
pub struct ItemRow {
    pub href: String,
    pub code: String,
    pub name: String,
    pub category: String,
    pub abc_class: String,
    pub base_unit: String,
    pub on_hand: Decimal,
    pub location_count: u64,
    pub is_active: bool,
}

#[derive(Debug, Serialize)]
pub struct ItemPage {
    pub page: Page,
    pub href: String,
    pub code: String,
    pub name: String,
    pub description: String,
    pub category: String,
    pub abc_class: String,
    pub base_unit: String,
    pub length_mm: Option<i64>,
    pub width_mm: Option<i64>,
    pub height_mm: Option<i64>,
    pub volume_cm3: Option<i64>,
    pub weight_g: Option<i64>,
    pub picks_per_day: Decimal,
    pub unit_value: Option<Decimal>,
    pub shelf_life_days: Option<i64>,
    pub is_lot_tracked: bool,
    pub is_serial_tracked: bool,
    pub serials_href: String,
    pub temperature_min_c: Option<Decimal>,
    pub temperature_max_c: Option<Decimal>,
    pub hazard_class: Option<String>,
    pub security_zone: String,
    pub max_stack: Option<i64>,
    pub is_active: bool,
    pub version: i32,
    pub updated_at: DateTime<Utc>,
    pub units: Vec<ItemUnit>,
    pub barcodes: Vec<Barcode>,
    pub on_hand: Decimal,
    pub reserved: Decimal,
    pub available: Decimal,
    /// On hand, but in quarantine, inspection, hold or rejected.
    pub not_released: Decimal,
    pub in_transit_quantity: Decimal,
    /// On its way between facilities, the longest under way first.
    pub in_transit: Vec<warehouse::InTransitDto>,
    pub promise: ItemPromise,
    pub stock: Vec<StockRow>,
    pub movements: Vec<MovementRow>,
    pub movements_href: String,
    pub can_write: bool,
    pub can_move: bool,
    pub can_reserve: bool,
}

/// One of `unit` is `factor` of the base unit.
#[derive(Debug, Serialize)]
pub struct ItemUnit {
    pub unit: String,
    pub factor: Decimal,
}

#[derive(Debug, Serialize)]
pub struct Barcode {
    pub barcode: String,
    pub unit: String,
}

#[derive(Debug, Serialize)]
pub struct StockRow {
    pub facility: String,
    pub location: String,
    pub location_href: String,
    pub lot: Option<String>,
    pub expires_on: Option<NaiveDate>,
    /// Within the warning time, or past.
    pub expires_soon: bool,
    pub quality_status: String,
    pub on_hand: Decimal,
    pub reserved: Decimal,
}

#[derive(Debug, Serialize)]
pub struct ItemForm {
    pub page: Page,
    /// Absent when the item is new.
    pub href: Option<String>,
    pub categories: Vec<String>,
    pub input: ItemInput,
    pub errors: Errors,
}

/// As typed. `length_unit` is mm, cm, m or in; `weight_unit` g, kg, lb or oz; temperatures are in degrees Celsius.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ItemInput {
    pub idempotency_key: String,
    pub version: String,
    pub code: String,
    pub name: String,
    pub description: String,
    pub category: String,
    pub base_unit: String,
    pub abc_class: String,
    pub picks_per_day: String,
    pub unit_value: String,
    pub length: String,
    pub width: String,
    pub height: String,
    pub length_unit: String,
    pub weight: String,
    pub weight_unit: String,
    pub shelf_life_days: String,
    #[serde(deserialize_with = "ticked")]
    pub lot_tracked: bool,
    #[serde(deserialize_with = "ticked")]
    pub serial_tracked: bool,
    pub temperature_min: String,
    pub temperature_max: String,
    pub hazard_class: String,
    pub security_zone: String,
    pub max_stack: String,
    pub units: Vec<UnitInput>,
    pub barcodes: Vec<BarcodeInput>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UnitInput {
    pub unit: String,
    pub factor: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BarcodeInput {
    pub barcode: String,
    pub unit: String,
}

impl Default for ItemInput {
    fn default() -> Self {
        Self {
            idempotency_key: String::new(),
            version: String::new(),
            code: String::new(),
            name: String::new(),
            description: String::new(),
            category: String::new(),
            base_unit: "EA".into(),
            abc_class: "C".into(),
            picks_per_day: String::new(),
            unit_value: String::new(),
            length: String::new(),
            width: String::new(),
            height: String::new(),
            length_unit: "mm".into(),
            weight: String::new(),
            weight_unit: "g".into(),
            shelf_life_days: String::new(),
            lot_tracked: false,
            serial_tracked: false,
            temperature_min: String::new(),
            temperature_max: String::new(),
            hazard_class: String::new(),
            security_zone: "STANDARD".into(),
            max_stack: String::new(),
            units: Vec::new(),
            barcodes: Vec::new(),
        }
    }
}
