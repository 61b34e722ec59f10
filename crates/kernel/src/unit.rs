use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::Invalid;

macro_rules! units {
    ($(#[$doc:meta])* $name:ident in $base:literal { $($variant:ident $symbol:literal $factor:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $(#[serde(rename = $symbol)] $variant),+ }

        impl $name {
            pub const SYMBOLS: &[&str] = &[$($symbol),+];

            pub fn parse(text: &str) -> Result<Self, Invalid> {
                match text.trim().to_ascii_lowercase().as_str() {
                    $($symbol => Ok(Self::$variant),)+
                    _ => Err(Invalid(format!("must be one of {}", Self::SYMBOLS.join(", ")))),
                }
            }

            pub fn symbol(self) -> &'static str {
                match self { $(Self::$variant => $symbol),+ }
            }

            fn factor(self) -> Decimal {
                let text = match self { $(Self::$variant => $factor),+ };
                Decimal::from_str_exact(text).expect("the factors are literals")
            }

            #[doc = concat!("Whole ", $base, ", rounded half away from zero; an error when negative, or too large for storage.")]
            pub fn to_base(self, value: Decimal) -> Result<i64, Invalid> {
                if value.is_sign_negative() && !value.is_zero() {
                    return Err(Invalid("must not be negative".into()));
                }
                value
                    .checked_mul(self.factor())
                    .map(|base| base.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero))
                    .and_then(|base| base.to_i64())
                    .filter(|base| *base <= 1_000_000_000_000)
                    .ok_or_else(|| Invalid("is too large".into()))
            }
        }
    };
}

units! {
    /// A unit of length; inside, lengths are whole millimetres.
    LengthUnit in "millimetres" { Mm "mm" "1"; Cm "cm" "10"; M "m" "1000"; In "in" "25.4"; Ft "ft" "304.8"; }
}
units! {
    /// A unit of mass; inside, masses are whole grams.
    MassUnit in "grams" { G "g" "1"; Kg "kg" "1000"; Lb "lb" "453.59237"; Oz "oz" "28.349523125"; T "t" "1000000"; }
}
units! {
    /// A unit of volume; inside, volumes are whole cubic centimetres.
    VolumeUnit in "cubic centimetres" { Cm3 "cm3" "1"; L "l" "1000"; M3 "m3" "1000000"; Ft3 "ft3" "28316.846592"; In3 "in3" "16.387064"; }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imperial_converts_once_and_exactly() {
        let of = |text: &str| Decimal::from_str_exact(text).unwrap();
        assert_eq!(LengthUnit::In.to_base(of("10")).unwrap(), 254);
        assert_eq!(MassUnit::Lb.to_base(of("50")).unwrap(), 22_680);
        assert_eq!(VolumeUnit::Ft3.to_base(of("5.5")).unwrap(), 155_743);
        assert!(MassUnit::Kg.to_base(of("-1")).is_err());
        assert!(MassUnit::T.to_base(of("99999999999999")).is_err());
        assert!(LengthUnit::parse("furlong").is_err());
    }
}
