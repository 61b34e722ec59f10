use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Choice, Errors, FloorMap, MovementRow, Page, Pager};

/// One facility at a time, as a map or as a list; without any facility yet, `facility` is empty.
#[derive(Debug, Serialize)]
pub struct LocationList {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub facility: Option<Choice>,
    pub filter: LocationFilter,
    pub map_href: String,
    pub list_href: String,
    pub total: u64,
    pub fill: Vec<FillCount>,
    /// Present in the map view.
    pub map: Option<FloorMap>,
    pub zones: Vec<String>,
    pub locations: Vec<LocationRow>,
    pub pager: Pager,
    pub can_write: bool,
}

/// `view` is `map` or `list`; `state` is empty, `empty`, `full` (over 95 %) or `blocked`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LocationFilter {
    pub facility: String,
    pub view: String,
    pub q: String,
    pub r#type: String,
    pub zone: String,
    pub state: String,
    /// What the map's colours stand for: empty (fill), `velocity` or `congestion`.
    pub heat: String,
}

#[derive(Debug, Serialize)]
pub struct FillCount {
    pub label: String,
    pub count: u64,
    pub href: String,
}

#[derive(Debug, Serialize)]
pub struct LocationRow {
    pub href: String,
    pub code: String,
    pub r#type: String,
    pub zone: String,
    pub aisle: String,
    pub abc_class: String,
    pub fill_percent: f64,
    pub weight_percent: f64,
    pub item_count: u64,
    pub is_active: bool,
    pub is_available: bool,
}

#[derive(Debug, Serialize)]
pub struct LocationPage {
    pub page: Page,
    pub href: String,
    pub edit_href: String,
    pub list_href: String,
    pub code: String,
    pub facility: Choice,
    pub r#type: String,
    pub zone: String,
    pub aisle: String,
    pub rack: String,
    pub shelf: String,
    pub position: String,
    pub length_mm: Option<i64>,
    pub width_mm: Option<i64>,
    pub height_mm: Option<i64>,
    pub volume_cm3: i64,
    pub used_volume_cm3: i64,
    pub fill_percent: f64,
    pub max_weight_g: i64,
    pub used_weight_g: i64,
    pub weight_percent: f64,
    pub held: Vec<HeldSpace>,
    /// Share of the volume that open recommendations hold.
    pub held_percent: f64,
    pub abc_class: String,
    pub pick_sequence: Option<i64>,
    pub security_zone: String,
    pub ergonomic_zone: String,
    pub mixing_policy: String,
    pub temperature_min_c: Option<Decimal>,
    pub temperature_max_c: Option<Decimal>,
    pub is_active: bool,
    pub is_available: bool,
    pub blocked_reason: String,
    pub version: i32,
    pub contents: Vec<Content>,
    /// Decided or expired, the newest first.
    pub past: Vec<PastRecommendation>,
    pub pager: Pager,
    pub movements: Vec<MovementRow>,
    pub movements_href: String,
    pub can_write: bool,
    pub can_move: bool,
    pub errors: Errors,
}

#[derive(Debug, Serialize)]
pub struct Content {
    pub item: String,
    pub item_name: String,
    pub item_href: String,
    pub lot: Option<String>,
    pub expires_on: Option<NaiveDate>,
    pub expires_soon: bool,
    pub quality_status: String,
    pub on_hand: Decimal,
    pub reserved: Decimal,
    pub unit: String,
}

#[derive(Debug, Serialize)]
pub struct HeldSpace {
    pub item: String,
    pub item_name: String,
    pub quantity: Decimal,
    pub unit: String,
    pub expires_at: DateTime<Utc>,
}

/// What was recommended for the location, and what people made of it.
#[derive(Debug, Serialize)]
pub struct PastRecommendation {
    pub at: DateTime<Utc>,
    pub item: String,
    pub item_name: String,
    pub item_href: String,
    pub lot: String,
    pub quantity: Decimal,
    pub unit: String,
    /// 0 to 100, as foretold by the model where one was in use.
    pub confidence_percent: f64,
    pub state: String,
    /// Where the goods went instead.
    pub instead: Option<String>,
    pub feedback: String,
    pub decided_at: Option<DateTime<Utc>>,
    pub by: String,
}

#[derive(Debug, Serialize)]
pub struct FacilityForm {
    pub page: Page,
    pub input: FacilityInput,
    pub errors: Errors,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FacilityInput {
    pub idempotency_key: String,
    pub code: String,
    pub name: String,
}

#[derive(Debug, Serialize)]
pub struct LocationForm {
    pub page: Page,
    /// Absent when the location is new.
    pub href: Option<String>,
    pub list_href: String,
    pub facilities: Vec<Choice>,
    pub input: LocationInput,
    pub errors: Errors,
}

/// As typed. `length_unit` is mm, cm, m or in; `weight_unit` g, kg or lb; coordinates are in mm, temperatures in degrees Celsius.
/// `volume` in cm³ may stay empty when the three dimensions are given.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct LocationInput {
    pub idempotency_key: String,
    pub version: String,
    pub facility: String,
    pub code: String,
    pub r#type: String,
    pub zone: String,
    pub aisle: String,
    pub rack: String,
    pub shelf: String,
    pub position: String,
    pub length: String,
    pub width: String,
    pub height: String,
    pub length_unit: String,
    pub volume: String,
    pub max_weight: String,
    pub weight_unit: String,
    pub abc_class: String,
    pub pick_sequence: String,
    pub x: String,
    pub y: String,
    pub z: String,
    pub security_zone: String,
    pub ergonomic_zone: String,
    pub mixing_policy: String,
    pub temperature_min: String,
    pub temperature_max: String,
}

impl Default for LocationInput {
    fn default() -> Self {
        Self {
            idempotency_key: String::new(),
            version: String::new(),
            facility: String::new(),
            code: String::new(),
            r#type: "RESERVE".into(),
            zone: String::new(),
            aisle: String::new(),
            rack: String::new(),
            shelf: String::new(),
            position: String::new(),
            length: String::new(),
            width: String::new(),
            height: String::new(),
            length_unit: "mm".into(),
            volume: String::new(),
            max_weight: String::new(),
            weight_unit: "kg".into(),
            abc_class: "C".into(),
            pick_sequence: String::new(),
            x: String::new(),
            y: String::new(),
            z: String::new(),
            security_zone: "STANDARD".into(),
            ergonomic_zone: "GOLDEN".into(),
            mixing_policy: "ANY".into(),
            temperature_min: String::new(),
            temperature_max: String::new(),
        }
    }
}
