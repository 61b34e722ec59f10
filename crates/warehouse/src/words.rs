//! The fixed words of this context, as the database and the API write them.

use std::fmt;
use std::str::FromStr;

use kernel::Invalid;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[derive(sqlx::Type, utoipa::ToSchema, async_graphql::Enum)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        #[sqlx(type_name = "text", rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let text = text.trim();
                Self::ALL.iter().copied().find(|word| word.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
                    let words: Vec<_> = Self::ALL.iter().map(|word| word.as_str()).collect();
                    Invalid(format!("must be one of {}", words.join(", ")))
                })
            }
        }
    )+};
}

words! {
    /// What a location is for.
    LocationType {
        /// Where deliveries are unloaded and wait for putaway.
        Receiving "RECEIVING",
        Putaway "PUTAWAY",
        /// Where orders are picked from.
        PickFace "PICK_FACE",
        Reserve "RESERVE",
        Bulk "BULK",
        Staging "STAGING",
        Packing "PACKING",
        Shipping "SHIPPING",
        /// The only place for goods that are not released.
        Quarantine "QUARANTINE",
        Returns "RETURNS",
    }

    /// At which height hands reach: LOW below 760 mm, GOLDEN from 760 to 1520 mm, HIGH above.
    ErgonomicZone {
        Low "LOW",
        Golden "GOLDEN",
        High "HIGH",
    }

    /// What may lie together in one location.
    MixingPolicy {
        SingleItem "SINGLE_ITEM",
        /// One item, and of it one lot.
        SingleLot "SINGLE_LOT",
        Any "ANY",
    }

    /// Whether a delivery was announced.
    ReceiptKind {
        /// Created ahead, with the lines that should arrive.
        Expected "EXPECTED",
        /// Nothing was announced; lines appear as goods are counted.
        Blind "BLIND",
    }

    /// How far a delivery is.
    ReceiptState {
        /// Nothing has arrived yet.
        Open "OPEN",
        /// Something has arrived, more may.
        Receiving "RECEIVING",
        Closed "CLOSED",
        Cancelled "CANCELLED",
    }

    /// How far a transfer between facilities is.
    TransferState {
        /// Being written; nobody need act.
        Draft "DRAFT",
        /// The source may ship.
        Requested "REQUESTED",
        /// Something was shipped; more may be shipped and received.
        InTransit "IN_TRANSIT",
        /// Everything that was ordered has arrived.
        Received "RECEIVED",
        /// Ended although something was not shipped or did not arrive.
        ClosedShort "CLOSED_SHORT",
        Cancelled "CANCELLED",
    }

    /// What became of a putaway recommendation.
    RecommendationState {
        /// Holds its space until it is decided or expires.
        Open "OPEN",
        Accepted "ACCEPTED",
        /// The goods went to another location than the recommended one.
        Overridden "OVERRIDDEN",
        Rejected "REJECTED",
        Expired "EXPIRED",
    }
}

impl RecommendationState {
    /// Whether the goods may no longer be moved by this recommendation.
    pub fn is_closed(self) -> bool {
        self != Self::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_in_json_and_in_the_database() {
        for one in LocationType::ALL {
            assert_eq!(serde_json::to_string(one).unwrap(), format!("\"{one}\""));
            assert_eq!(one.as_str().to_lowercase().parse::<LocationType>().unwrap(), *one);
        }
        assert!("SHELF".parse::<LocationType>().unwrap_err().0.contains("PICK_FACE"));
    }
}
