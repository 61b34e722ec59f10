use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::InvalidInput;

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident of $field:literal { $($(#[$doc:meta])* $variant:ident $code:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $code)] $variant),+ }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code as it is stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = InvalidInput;

            /// Any letter case; an unknown code is an error that lists the known ones.
            fn from_str(text: &str) -> Result<Self, InvalidInput> {
                Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(text.trim())).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|code| code.as_str()).collect();
                    InvalidInput::new($field, format!("must be one of {}", known.join(", ")))
                })
            }
        }
    };
}

codes! {
    /// How a batch is solved. Each method answers the same question with the same objective, so answers can be compared.
    #[non_exhaustive]
    Method of "method" {
        /// First-fit decreasing: the largest line first, each to the first location on the way that takes it.
        Ffd "FFD",
        /// Best-fit decreasing: the largest line first, each to the location that scores best.
        Bfd "BFD",
        /// First fit or best fit, by how much the lines' volumes vary and how full the locations are.
        Hybrid "HYBRID",
        /// All lines together: prices, improvement, and a proof of how good the answer is.
        Optimal "OPTIMAL",
    }
}

codes! {
    /// Class of an item or a location by share of picks: A the most, C the fewest.
    Abc of "abc" { A "A", B "B", C "C", }
}

codes! {
    LocationType of "kind" {
        Receiving "RECEIVING",
        Putaway "PUTAWAY",
        PickFace "PICK_FACE",
        Reserve "RESERVE",
        Bulk "BULK",
        Staging "STAGING",
        Packing "PACKING",
        Shipping "SHIPPING",
        Quarantine "QUARANTINE",
        Returns "RETURNS",
    }
}

codes! {
    /// Ordered: goods may lie in their own class or a higher one.
    SecurityZone of "security" {
        Standard "STANDARD",
        Restricted "RESTRICTED",
        HighSecurity "HIGH_SECURITY",
        Vault "VAULT",
    }
}

codes! {
    /// What may lie together in one location.
    Mixing of "mixing" {
        SingleItem "SINGLE_ITEM",
        /// One lot of one item.
        SingleLot "SINGLE_LOT",
        Any "ANY",
    }
}

codes! {
    /// Height of reach: LOW below 760 mm, GOLDEN 760 to 1520 mm, HIGH above.
    Ergonomic of "ergonomic" { Low "LOW", Golden "GOLDEN", High "HIGH", }
}

codes! {
    /// Why a location was chosen, or why none was.
    #[non_exhaustive]
    ReasonCode of "reason_code" {
        /// The goods are not released and go to a QUARANTINE location.
        Quarantine "QUARANTINE",
        /// The same item and lot lies there already, or arrives there with the same batch.
        Consolidation "CONSOLIDATION",
        /// No single location takes the whole line; this one takes a part.
        Split "SPLIT",
        /// It is the only location that fits.
        OnlyLocation "ONLY_LOCATION",
        AbcMatch "ABC_MATCH",
        /// It is best filled afterwards.
        BestFit "BEST_FIT",
        Nearest "NEAREST",
        /// A slow mover leaves the near locations to fast ones.
        SlowMover "SLOW_MOVER",
        LocationType "LOCATION_TYPE",
        /// Items picked together with this one lie near.
        Affinity "AFFINITY",
        QuietAisle "QUIET_AISLE",
        Ergonomics "ERGONOMICS",
        PreferredZone "PREFERRED_ZONE",
        /// Special storage is left to goods that need it.
        PlainStorage "PLAIN_STORAGE",

        /// There is no location of a type that may take the goods.
        NoLocation "NO_LOCATION",
        /// The goods are not released, and there is no QUARANTINE location.
        QualityHold "QUALITY_HOLD",
        Temperature "TEMPERATURE",
        Security "SECURITY",
        /// One unit does not go in, in any rotation.
        TooLarge "TOO_LARGE",
        /// One unit is heavier than the location carries when empty.
        TooHeavy "TOO_HEAVY",
        Hazard "HAZARD",
        Mixing "MIXING",
        /// Suitable locations exist, but what is free in them is not enough.
        NoCapacity "NO_CAPACITY",
    }
}

impl ReasonCode {
    /// True for the codes that say why goods found no location.
    pub fn is_failure(self) -> bool {
        self >= Self::NoLocation
    }

    /// True when the want of volume, weight or size was the cause.
    pub fn is_capacity(self) -> bool {
        matches!(self, Self::TooLarge | Self::TooHeavy | Self::NoCapacity)
    }
}

codes! {
    /// A part of a score.
    Part of "part" {
        Abc "ABC",
        Fill "FILL",
        Travel "TRAVEL",
        LocationType "LOCATION_TYPE",
        Consolidation "CONSOLIDATION",
        Affinity "AFFINITY",
        Congestion "CONGESTION",
        Ergonomics "ERGONOMICS",
        PreferredZone "PREFERRED_ZONE",
        SpecialStorage "SPECIAL_STORAGE",
        Split "SPLIT",
    }
}

codes! {
    /// Hazard class by the United Nations' Recommendations on the Transport of Dangerous Goods.
    Hazard of "hazard" {
        Explosive11 "1.1",
        Explosive12 "1.2",
        Explosive13 "1.3",
        Explosive14 "1.4",
        Explosive15 "1.5",
        Explosive16 "1.6",
        FlammableGas "2.1",
        NonFlammableGas "2.2",
        ToxicGas "2.3",
        FlammableLiquid "3",
        FlammableSolid "4.1",
        SelfHeating "4.2",
        WaterReactive "4.3",
        Oxidizer "5.1",
        OrganicPeroxide "5.2",
        Toxic "6.1",
        Infectious "6.2",
        Radioactive "7",
        Corrosive "8",
        Miscellaneous "9",
        /// A class that we cannot read: kept apart from every other hazardous item.
        Unlisted "UNLISTED",
    }
}
