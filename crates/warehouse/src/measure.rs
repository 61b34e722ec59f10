//! Lengths, volumes, weights and temperatures as callers write them, in a unit of their choice; inside they are whole
//! mm, cm³, g and tenths of a degree Celsius.

use kernel::{Invalid, LengthUnit, MassUnit, VolumeUnit};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize};

use crate::check::Checks;

/// Length, width and height in one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "DimensionsInput")]
pub struct SizeInput {
    #[schema(value_type = String, example = "120")]
    pub length: Decimal,
    #[schema(value_type = String, example = "80")]
    pub width: Decimal,
    #[schema(value_type = String, example = "60")]
    pub height: Decimal,
    /// mm, cm, m, in or ft; mm when absent.
    pub unit: Option<String>,
}

/// A volume (cm3, l, m3, ft3, in3) or a weight (g, kg, lb, oz, t) with its unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "MeasuredInput")]
pub struct MeasureInput {
    #[schema(value_type = String, example = "500")]
    pub value: Decimal,
    /// cm3 or g when absent.
    pub unit: Option<String>,
}

/// Coldest and warmest in degrees Celsius, one decimal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
pub struct TemperatureInput {
    #[schema(value_type = String, example = "2")]
    pub min: Decimal,
    #[schema(value_type = String, example = "8")]
    pub max: Decimal,
}

impl SizeInput {
    pub fn from_mm([length, width, height]: [i32; 3]) -> Self {
        Self { length: length.into(), width: width.into(), height: height.into(), unit: None }
    }

    /// In mm, each 1 to `max`; what is wrong goes to `checks` under `field`.
    pub(crate) fn to_mm(&self, checks: &mut Checks, field: &str, max: i64) -> Option<[i32; 3]> {
        let unit = checks.take(format_args!("{field}.unit"), LengthUnit::parse(self.unit.as_deref().unwrap_or("mm")))?;
        let sides = [("length", self.length), ("width", self.width), ("height", self.height)];
        let sides =
            sides.map(|(name, value)| checks.take(format_args!("{field}.{name}"), within(unit.to_base(value), 1, max, "mm")));
        match sides {
            [Some(length), Some(width), Some(height)] => {
                Some([length, width, height].map(|side| i32::try_from(side).unwrap_or(i32::MAX)))
            }
            _ => None,
        }
    }
}

impl MeasureInput {
    pub fn plain(value: i64) -> Self {
        Self { value: value.into(), unit: None }
    }

    /// In g, 0 to `max`.
    pub(crate) fn to_g(&self, checks: &mut Checks, field: &str, max: i64) -> Option<i64> {
        let unit = checks.take(format_args!("{field}.unit"), MassUnit::parse(self.unit.as_deref().unwrap_or("g")))?;
        checks.take(format_args!("{field}.value"), within(unit.to_base(self.value), 0, max, "g"))
    }

    /// In cm³, 0 to `max`.
    pub(crate) fn to_cm3(&self, checks: &mut Checks, field: &str, max: i64) -> Option<i64> {
        let unit = checks.take(format_args!("{field}.unit"), VolumeUnit::parse(self.unit.as_deref().unwrap_or("cm3")))?;
        checks.take(format_args!("{field}.value"), within(unit.to_base(self.value), 0, max, "cm3"))
    }
}

impl TemperatureInput {
    pub fn from_tenths(min: i32, max: i32) -> Self {
        Self { min: degrees(min), max: degrees(max) }
    }

    pub(crate) fn to_tenths(&self, checks: &mut Checks, field: &str) -> Option<(i32, i32)> {
        let min = checks.take(format_args!("{field}.min"), tenths(self.min));
        let max = checks.take(format_args!("{field}.max"), tenths(self.max));
        let (min, max) = (min?, max?);
        checks.require(min <= max, format_args!("{field}.max"), "must not be below the minimum");
        Some((min, max))
    }
}

/// Degrees Celsius from tenths.
pub fn degrees(tenths: i32) -> Decimal {
    Decimal::new(tenths.into(), 1).normalize()
}

fn tenths(degrees: Decimal) -> Result<i32, Invalid> {
    let invalid = || Invalid("must be between -273.1 and 200 degrees Celsius, with at most one decimal".into());
    let tenths = degrees.checked_mul(Decimal::TEN).filter(|tenths| tenths.fract().is_zero()).ok_or_else(invalid)?;
    tenths.to_i32().filter(|tenths| (-2731..=2000).contains(tenths)).ok_or_else(invalid)
}

fn within(base: Result<i64, Invalid>, min: i64, max: i64, unit: &str) -> Result<i64, Invalid> {
    let base = base?;
    if (min..=max).contains(&base) { Ok(base) } else { Err(Invalid(format!("must be between {min} and {max} {unit}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_converted_once_and_every_bad_one_is_named() {
        let mut checks = Checks::default();
        let good = SizeInput { length: 10.into(), width: 1.into(), height: 2.into(), unit: Some("in".into()) };
        assert_eq!(good.to_mm(&mut checks, "dimensions", 100_000), Some([254, 25, 51]));
        let bad = SizeInput { length: 0.into(), width: (-1).into(), height: 2.into(), unit: None };
        assert_eq!(bad.to_mm(&mut checks, "dimensions", 100_000), None);
        let fields: Vec<_> = checks.done().unwrap_err().fields.into_iter().map(|field| field.field).collect();
        assert_eq!(fields, ["dimensions.length", "dimensions.width"]);
    }

    #[test]
    fn temperatures_are_tenths_of_a_degree() {
        let mut checks = Checks::default();
        let cold = TemperatureInput { min: Decimal::new(-185, 1), max: Decimal::new(-15, 0) };
        assert_eq!(cold.to_tenths(&mut checks, "temperature"), Some((-185, -150)));
        assert_eq!(degrees(-185).to_string(), "-18.5");
        assert!(TemperatureInput { min: Decimal::new(255, 2), max: 9.into() }.to_tenths(&mut checks, "temperature").is_none());
        assert!(checks.done().is_err());
    }
}
