use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

typed_id!(
    /// A person or a machine that signs in.
    UserId,
    /// A kind of goods (SKU, material, product).
    ItemId,
    /// A production or delivery batch of one item.
    LotId,
    /// A place that holds stock, or one of the virtual places that close the books.
    LocationId,
    /// A building or site.
    FacilityId,
    /// One piece of an item whose pieces have numbers.
    SerialId,
    /// Stock that somebody blocked for a reason.
    HoldId,
    /// One line of the ledger.
    MovementId,
    /// A delivery, expected or arrived.
    ReceiptId,
    /// One item of a delivery.
    ReceiptLineId,
    /// One proposal where to put received goods.
    RecommendationId,
    /// One cycle count.
    CountId,
    /// Goods in one place that a cycle count looks at.
    CountLineId,
    /// An order that moves goods from one facility to another.
    TransferId,
    /// One item of a transfer order.
    TransferLineId,
    /// A promise of goods to somebody.
    ReservationId,
    /// Goods that a customer wants.
    OrderId,
    /// One item of an order.
    OrderLineId,
    /// A way through the facility on which goods of one order are picked.
    PickListId,
    /// Goods in one place that a pick list asks for.
    PickLineId,
    /// Goods that somebody took for an order.
    PickId,
    /// Goods to bring from one place to another.
    MoveTaskId,
);
