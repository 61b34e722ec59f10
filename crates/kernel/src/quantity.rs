use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Invalid;

/// An amount of an item in its base unit: exact, at most 12 digits before and 6 after the point (NUMERIC(18,6)).
///
/// In JSON it is written as a string (`"12.5"`) and read from a string or a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(Decimal);

impl Quantity {
    pub const ZERO: Self = Self(Decimal::ZERO);
    pub const SCALE: u32 = 6;

    pub fn new(value: Decimal) -> Result<Self, Invalid> {
        let value = value.normalize();
        if value.scale() > Self::SCALE {
            return Err(Invalid(format!("must have at most {} decimals", Self::SCALE)));
        }
        if value.abs() >= Decimal::from(1_000_000_000_000_i64) {
            return Err(Invalid("must be below 1,000,000,000,000".into()));
        }
        Ok(Self(value))
    }

    /// As [`Quantity::new`], and greater than zero.
    pub fn positive(self) -> Result<Self, Invalid> {
        if self.0 > Decimal::ZERO { Ok(self) } else { Err(Invalid("must be greater than 0".into())) }
    }

    /// For a value that NUMERIC(18,6) already bounds.
    pub fn from_db(value: Decimal) -> Self {
        Self(value.normalize())
    }

    pub fn decimal(self) -> Decimal {
        self.0
    }

    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// In millionths of the base unit; fits because 12 + 6 digits are fewer than an `i64` holds.
    pub fn micro(self) -> i64 {
        i64::try_from((self.0 * Decimal::from(1_000_000)).trunc().mantissa()).expect("18 digits fit an i64")
    }

    /// What the caller of a JSON number typed: the shortest text that reads back as the same f64.
    ///
    /// From 2^33 on neighbouring values of an f64 lie further apart than a millionth, and the number may have been another one.
    pub fn number_text(value: f64) -> Result<String, Invalid> {
        const LEAST_INEXACT: f64 = 8_589_934_592.0;
        if (LEAST_INEXACT..1e12).contains(&value.abs()) {
            return Err(Invalid(
                "is too large for a JSON number with a point or exponent to be exact; write it as a string".into(),
            ));
        }
        Ok(value.to_string())
    }

    pub fn from_micro(micro: i64) -> Self {
        Self(Decimal::new(micro, Self::SCALE).normalize())
    }
}

impl From<u32> for Quantity {
    fn from(value: u32) -> Self {
        Self(Decimal::from(value))
    }
}

impl FromStr for Quantity {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let value = Decimal::from_str_exact(text)
            .map_err(|_| Invalid(format!("must be a decimal number such as 12.5 with at most {} decimals", Self::SCALE)))?;
        Self::new(value)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Add for Quantity {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Quantity {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Quantity {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl SubAssign for Quantity {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl std::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.normalize())
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor)
    }
}

struct QuantityVisitor;

impl Visitor<'_> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number, plain or as a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Quantity, E> {
        Quantity::new(Decimal::from(value)).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Quantity, E> {
        Quantity::new(Decimal::from(value)).map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Quantity, E> {
        Quantity::number_text(value).and_then(|text| text.parse()).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn absurd_numbers_are_refused() {
        for bad in ["NaN", "inf", "1e5", "0.0000001", "1000000000000", "", "abc", "1.123456789012345678901234567890"] {
            assert!(bad.parse::<Quantity>().is_err(), "{bad} was accepted");
        }
        assert!(serde_json::from_str::<Quantity>("1e300").is_err());
        assert!(serde_json::from_str::<Quantity>("null").is_err());
    }

    #[test]
    fn a_number_is_exact_or_refused() {
        let read = |text: &str| serde_json::from_str::<Quantity>(text);
        assert!(read("12345678901.123456").is_err(), "an f64 would make it .123455");
        assert!(read("123456789012.000001").is_err(), "an f64 would drop the millionth");
        assert_eq!(read("\"12345678901.123456\"").unwrap().to_string(), "12345678901.123456");
        assert_eq!(read("8589934591.999999").unwrap().to_string(), "8589934591.999999");
        assert_eq!(read("999999999999").unwrap().to_string(), "999999999999");
    }

    #[test]
    fn numbers_and_strings_read_alike() {
        assert_eq!(serde_json::from_str::<Quantity>("0.1").unwrap(), serde_json::from_str("\"0.1\"").unwrap());
        assert_eq!(serde_json::to_string(&"2.500".parse::<Quantity>().unwrap()).unwrap(), "\"2.5\"");
    }

    proptest! {
        #[test]
        fn a_plain_number_that_is_taken_is_the_one_that_was_typed(micro in -8_589_934_592_000_000_i64..8_589_934_592_000_000) {
            let typed = Quantity::from_micro(micro);
            prop_assert_eq!(serde_json::from_str::<Quantity>(&typed.to_string()).unwrap(), typed);
        }

        #[test]
        fn micro_units_round_trip(micro in -999_999_999_999_999_999_i64..=999_999_999_999_999_999) {
            prop_assert_eq!(Quantity::from_micro(micro).micro(), micro);
        }
    }
}
