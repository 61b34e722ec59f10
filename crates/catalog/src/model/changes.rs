use std::collections::HashSet;

use kernel::{Code, FieldError, Invalid, LengthUnit, MassUnit, Quantity, VolumeUnit};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    AbcClass, Dimensions, Item, ItemBarcode, ItemUnit, MAX_LENGTH_MM, MAX_VOLUME_CM3, MAX_WEIGHT_G, SecurityZone, check_gtin,
};

const MAX_UNITS: usize = 20;
const MAX_BARCODES: usize = 100;
const MAX_BARCODE_CHARS: usize = 80;

/// Outer size of one base unit. Answers are in mm; any unit of length may be sent, and is rounded to whole millimetres once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Size {
    #[schema(value_type = String, example = "30.5")]
    pub length: Quantity,
    #[schema(value_type = String, example = "20")]
    pub width: Quantity,
    #[schema(value_type = String, example = "12")]
    pub height: Quantity,
    /// mm (when absent), cm, m, in or ft.
    #[serde(default = "millimetre")]
    #[schema(example = "cm")]
    pub unit: String,
}

fn millimetre() -> String {
    LengthUnit::Mm.symbol().into()
}

/// A weight or a volume of one base unit. Answers are in g and cm³; any unit may be sent, and is rounded to whole ones once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    #[schema(value_type = String, example = "1.25")]
    pub value: Quantity,
    /// For weights g, kg, lb, oz, t; for volumes cm3, l, m3, ft3, in3.
    #[schema(example = "kg")]
    pub unit: String,
}

/// A barcode and the unit that it stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBarcode {
    /// Any text up to 80 characters; digits of a GTIN's length must have the right check digit.
    pub barcode: String,
    /// The base unit when absent.
    #[serde(default)]
    pub unit: Option<String>,
}

/// What a caller says about an item. For a new one `code` and `name` are needed and the rest has defaults; for an existing
/// one `version` is needed, what is absent stays, and null clears.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ItemChanges {
    /// The version that the change is based on; only for changes.
    pub version: Option<i32>,
    /// 1 to 64 characters, unique.
    pub code: Option<String>,
    /// 1 to 300 characters.
    pub name: Option<String>,
    /// At most 4,000 characters.
    pub description: Option<String>,
    /// At most 100 characters.
    pub category: Option<String>,
    /// `EA` when absent; cannot be changed later, because stock is counted in it.
    pub base_unit: Option<String>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Size>)]
    pub dimensions: Option<Option<Size>>,
    /// Only where the dimensions are not known.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Measure>)]
    pub volume: Option<Option<Measure>>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Measure>)]
    pub weight: Option<Option<Measure>>,
    pub abc_class: Option<AbcClass>,
    /// 0 or more, at most 3 decimals.
    #[schema(value_type = Option<String>, example = "12.5")]
    pub picks_per_day: Option<Quantity>,
    /// What one base unit is worth, 0 or more, without a currency: only how values compare matters.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "4.90")]
    pub unit_value: Option<Option<Quantity>>,
    /// 1 to 36,500.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>)]
    pub shelf_life_days: Option<Option<i32>>,
    pub lot_tracked: Option<bool>,
    /// Each piece has a number of its own. Changes only while nothing of the item is in stock; its base unit must count pieces,
    /// not a length, a weight or a volume.
    pub serial_tracked: Option<bool>,
    /// Coldest storage in degrees Celsius, one decimal.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "2")]
    pub temperature_min_c: Option<Option<Quantity>>,
    /// Warmest storage in degrees Celsius, one decimal.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "8")]
    pub temperature_max_c: Option<Option<Quantity>>,
    /// At most 16 characters, for instance the UN class `3`.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub hazard_class: Option<Option<String>>,
    pub security_zone: Option<SecurityZone>,
    /// 1 to 1,000.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>)]
    pub max_stack: Option<Option<i32>>,
    pub is_active: Option<bool>,
    /// All other units of the item, at most 20; they replace those it had.
    pub units: Option<Vec<ItemUnit>>,
    /// All barcodes of the item, at most 100; they replace those it had.
    pub barcodes: Option<Vec<NewBarcode>>,
}

/// Tells null, which clears, from absent, which leaves.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The faults found so far, each under the name that the caller used.
#[derive(Default)]
struct Faults(Vec<FieldError>);

impl Faults {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError::new(field, message));
    }

    fn set<T>(&mut self, field: impl Into<String>, target: &mut T, value: Option<Result<T, Invalid>>) {
        match value {
            Some(Ok(value)) => *target = value,
            Some(Err(invalid)) => self.0.push(invalid.at(field)),
            None => {}
        }
    }
}

impl ItemChanges {
    /// Makes the changes and returns everything that is not acceptable about them; `item` is to be thrown away then.
    pub fn apply(&self, item: &mut Item) -> Vec<FieldError> {
        let mut faults = Faults::default();
        self.apply_texts(item, &mut faults);
        self.apply_sizes(item, &mut faults);
        self.apply_handling(item, &mut faults);
        self.apply_units(item, &mut faults);
        self.apply_barcodes(item, &mut faults);
        faults.0
    }

    fn apply_texts(&self, item: &mut Item, faults: &mut Faults) {
        faults.set("code", &mut item.code, self.code.as_deref().map(|code| Code::parse(code).map(Code::into_string)));
        faults.set("name", &mut item.name, self.name.as_deref().map(|name| text(name, 1, 300)));
        faults.set("description", &mut item.description, self.description.as_deref().map(description));
        faults.set("category", &mut item.category, self.category.as_deref().map(|category| text(category, 0, 100)));
        faults.set("base_unit", &mut item.base_unit, self.base_unit.as_deref().map(unit_name));
    }

    fn apply_sizes(&self, item: &mut Item, faults: &mut Faults) {
        match &self.dimensions {
            Some(Some(size)) => match dimensions(size) {
                Ok(dimensions) => {
                    item.dimensions = Some(dimensions);
                    item.volume_cm3 = None;
                }
                Err(found) => faults.0.extend(found),
            },
            Some(None) => item.dimensions = None,
            None => {}
        }
        let volume = nullable(&self.volume, |volume| {
            let unit = VolumeUnit::parse(&volume.unit)?;
            whole(volume.value, MAX_VOLUME_CM3, "1,000,000 m3", |value| unit.to_base(value))
        });
        if matches!(volume, Some(Ok(Some(_)))) && item.dimensions.is_some() {
            faults.add("volume", "must be absent where the dimensions are known; it is computed from them");
        } else {
            faults.set("volume", &mut item.volume_cm3, volume);
        }
        let weight = nullable(&self.weight, |weight| {
            let unit = MassUnit::parse(&weight.unit)?;
            whole(weight.value, MAX_WEIGHT_G, "100 t", |value| unit.to_base(value))
        });
        faults.set("weight", &mut item.weight_g, weight);
    }

    fn apply_handling(&self, item: &mut Item, faults: &mut Faults) {
        item.abc_class = self.abc_class.unwrap_or(item.abc_class);
        item.security_zone = self.security_zone.unwrap_or(item.security_zone);
        item.lot_tracked = self.lot_tracked.unwrap_or(item.lot_tracked);
        item.serial_tracked = self.serial_tracked.unwrap_or(item.serial_tracked);
        if item.serial_tracked && is_measure(&item.base_unit) {
            let unit = &item.base_unit;
            faults.add(
                "serial_tracked",
                format!("must be off: {unit} is measured, and only what is counted in pieces has serial numbers"),
            );
        }
        item.is_active = self.is_active.unwrap_or(item.is_active);
        let picks = self.picks_per_day.map(|picks| {
            let in_range =
                picks >= Quantity::ZERO && picks <= Quantity::from(999_999_999) && picks.decimal().normalize().scale() <= 3;
            if in_range {
                Ok(picks.decimal().normalize())
            } else {
                Err(Invalid("must be from 0 to 999999999 with at most 3 decimals".into()))
            }
        });
        faults.set("picks_per_day", &mut item.picks_per_day, picks);
        let worth = |value: &Quantity| {
            if *value >= Quantity::ZERO { Ok(value.decimal().normalize()) } else { Err(Invalid("must be 0 or more".into())) }
        };
        faults.set("unit_value", &mut item.unit_value, nullable(&self.unit_value, worth));
        faults.set("shelf_life_days", &mut item.shelf_life_days, nullable(&self.shelf_life_days, |days| within(*days, 36_500)));
        faults.set("max_stack", &mut item.max_stack, nullable(&self.max_stack, |stack| within(*stack, 1_000)));
        faults.set("hazard_class", &mut item.hazard_class, nullable(&self.hazard_class, |class| text(class, 1, 16)));
        let celsius = |value: &Quantity| tenths_of_a_degree(*value);
        faults.set("temperature_min_c", &mut item.temperature_min_dc, nullable(&self.temperature_min_c, celsius));
        faults.set("temperature_max_c", &mut item.temperature_max_dc, nullable(&self.temperature_max_c, celsius));
        if let (Some(min), Some(max)) = (item.temperature_min_dc, item.temperature_max_dc)
            && min > max
        {
            faults.add("temperature_min_c", "must not be above temperature_max_c");
        }
    }

    fn apply_units(&self, item: &mut Item, faults: &mut Faults) {
        let Some(units) = &self.units else { return };
        if units.len() > MAX_UNITS {
            return faults.add("units", format!("must be at most {MAX_UNITS}"));
        }
        let mut known = Vec::with_capacity(units.len());
        let mut names = HashSet::from([item.base_unit.clone()]);
        for (index, unit) in units.iter().enumerate() {
            let field = |name: &str| format!("units[{index}].{name}");
            match (unit_name(&unit.unit), unit.factor.positive()) {
                (Ok(name), Ok(factor)) if names.insert(name.clone()) => known.push(ItemUnit { unit: name, factor }),
                (Ok(_), Ok(_)) => faults.add(field("unit"), "must be another unit than the base unit and those before it"),
                (name, factor) => {
                    faults.0.extend(name.err().map(|invalid| invalid.at(field("unit"))));
                    faults.0.extend(factor.err().map(|invalid| invalid.at(field("factor"))));
                }
            }
        }
        known.sort_by(|a, b| a.unit.cmp(&b.unit));
        item.units = known;
    }

    fn apply_barcodes(&self, item: &mut Item, faults: &mut Faults) {
        let Some(barcodes) = &self.barcodes else {
            let orphan = item.barcodes.iter().find(|barcode| item.factor_of(&barcode.unit).is_none());
            if let Some(orphan) = orphan {
                faults.add("units", format!("must keep {}, because the barcode {} stands on it", orphan.unit, orphan.barcode));
            }
            return;
        };
        if barcodes.len() > MAX_BARCODES {
            return faults.add("barcodes", format!("must be at most {MAX_BARCODES}"));
        }
        let mut known: Vec<ItemBarcode> = Vec::with_capacity(barcodes.len());
        for (index, new) in barcodes.iter().enumerate() {
            let field = |name: &str| format!("barcodes[{index}].{name}");
            let unit = new.unit.as_deref().map_or(item.base_unit.as_str(), str::trim);
            match text(&new.barcode, 1, MAX_BARCODE_CHARS).and_then(|barcode| check_gtin(&barcode).map(|()| barcode)) {
                Err(invalid) => faults.0.push(invalid.at(field("barcode"))),
                Ok(_) if item.factor_of(unit).is_none() => {
                    faults.add(field("unit"), "must be the base unit or one of the item's units")
                }
                Ok(barcode) if known.iter().any(|other| other.barcode == barcode) => {
                    faults.add(field("barcode"), "must be named once only")
                }
                Ok(barcode) => known.push(ItemBarcode { barcode, unit: unit.to_owned() }),
            }
        }
        known.sort_by(|a, b| a.barcode.cmp(&b.barcode));
        item.barcodes = known;
    }
}

/// Null stays null; a value goes through `rule`.
fn nullable<T, U>(given: &Option<Option<T>>, rule: impl Fn(&T) -> Result<U, Invalid>) -> Option<Result<Option<U>, Invalid>> {
    given.as_ref().map(|value| value.as_ref().map(&rule).transpose())
}

fn text(value: &str, least: usize, most: usize) -> Result<String, Invalid> {
    let value = value.trim();
    if !(least..=most).contains(&value.chars().count()) {
        return Err(Invalid(match least {
            0 => format!("must be at most {most} characters long"),
            _ => format!("must be {least} to {most} characters long"),
        }));
    }
    if value.chars().any(char::is_control) {
        return Err(Invalid("must not contain control characters".into()));
    }
    Ok(value.to_owned())
}

/// As other texts, but with line ends.
fn description(value: &str) -> Result<String, Invalid> {
    text(&value.replace(['\n', '\r', '\t'], " "), 0, 4_000).map(|_| value.trim().to_owned())
}

/// Whether amounts in the unit are measured, not counted in whole pieces.
fn is_measure(unit: &str) -> bool {
    LengthUnit::parse(unit).is_ok() || MassUnit::parse(unit).is_ok() || VolumeUnit::parse(unit).is_ok()
}

fn unit_name(value: &str) -> Result<String, Invalid> {
    text(value, 1, 16)
}

fn within(value: i32, most: i32) -> Result<i32, Invalid> {
    if (1..=most).contains(&value) { Ok(value) } else { Err(Invalid(format!("must be from 1 to {most}"))) }
}

fn tenths_of_a_degree(value: Quantity) -> Result<i32, Invalid> {
    let micro = value.micro();
    let whole = (micro % 100_000 == 0).then_some(micro / 100_000);
    whole
        .and_then(|tenths| i32::try_from(tenths).ok())
        .filter(|tenths| (-2_731..=2_000).contains(tenths))
        .ok_or_else(|| Invalid("must be from -273.1 to 200 degrees Celsius with at most one decimal".into()))
}

/// In whole base units. What is positive but rounds to 0 is taken as 1, because nothing real has no size.
fn whole(value: Quantity, most: i64, limit: &str, to_base: impl Fn(Decimal) -> Result<i64, Invalid>) -> Result<i64, Invalid> {
    if value.is_zero() {
        return Err(Invalid("must be greater than 0, or null when not known".into()));
    }
    let base = to_base(value.decimal())?.max(1);
    if base <= most { Ok(base) } else { Err(Invalid(format!("must be at most {limit}"))) }
}

fn dimensions(size: &Size) -> Result<Dimensions, Vec<FieldError>> {
    let unit = LengthUnit::parse(&size.unit).map_err(|invalid| vec![invalid.at("dimensions.unit")])?;
    let mut faults = Vec::new();
    let mut side = |name: &str, value: Quantity| {
        let base = whole(value, MAX_LENGTH_MM, "100 m", |value| unit.to_base(value));
        let base = base.map(|base| i32::try_from(base).expect("a length is at most 100,000 mm"));
        base.unwrap_or_else(|invalid| {
            faults.push(invalid.at(format!("dimensions.{name}")));
            0
        })
    };
    let dimensions = Dimensions {
        length_mm: side("length", size.length),
        width_mm: side("width", size.width),
        height_mm: side("height", size.height),
    };
    if faults.is_empty() { Ok(dimensions) } else { Err(faults) }
}
