use std::fmt;
use std::str::FromStr;

pub use catalog::ItemLabel;
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{FacilityId, Invalid, ItemId, LocationId, LotId, MovementId, Quantity, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::reservation::BrokenReservation;
use crate::serial::Serials;

macro_rules! named {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[derive(utoipa::ToSchema, async_graphql::Enum)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The name that the database and the API use.
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
                Self::ALL.iter().copied().find(|one| one.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
                    let names: Vec<_> = Self::ALL.iter().map(|one| one.as_str()).collect();
                    Invalid(format!("must be one of {}", names.join(", ")))
                })
            }
        }
    )+};
}

pub(crate) use named;

named! {
    /// What may be done with stock. Only released stock may be issued to customers.
    QualityStatus {
        Quarantine "QUARANTINE",
        PendingInspection "PENDING_INSPECTION",
        Released "RELEASED",
        Rejected "REJECTED",
        Hold "HOLD",
    }

    /// Why a quantity moved; it decides which places may stand on either side.
    MovementKind {
        /// From the supplier into a place.
        Receipt "RECEIPT",
        /// From a place to the customer.
        Issue "ISSUE",
        /// From a place to another.
        Transfer "TRANSFER",
        /// Found or missing goods: between a place and the books' difference account; a reason is required.
        Adjustment "ADJUSTMENT",
        /// Inside one place, from one quality status to another.
        StatusChange "STATUS_CHANGE",
        /// From a place to the scrap.
        Scrap "SCRAP",
        /// Into a place (output) or out of it (consumption).
        Production "PRODUCTION",
    }

    /// A place that holds stock, or one of the five virtual places that close the books.
    LocationKind {
        Physical "PHYSICAL",
        Supplier "SUPPLIER",
        Customer "CUSTOMER",
        Adjustment "ADJUSTMENT",
        Scrap "SCRAP",
        Production "PRODUCTION",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that makes the enum cannot mark a default variant")]
impl Default for QualityStatus {
    fn default() -> Self {
        Self::Released
    }
}

/// The virtual places have the same ids in every tenant.
pub const SUPPLIER: LocationId = LocationId(Uuid::from_u128(1));
pub const CUSTOMER: LocationId = LocationId(Uuid::from_u128(2));
pub const ADJUSTMENT: LocationId = LocationId(Uuid::from_u128(3));
pub const SCRAP: LocationId = LocationId(Uuid::from_u128(4));
pub const PRODUCTION: LocationId = LocationId(Uuid::from_u128(5));

impl LocationKind {
    pub const VIRTUAL: [LocationKind; 5] =
        [LocationKind::Supplier, LocationKind::Customer, LocationKind::Adjustment, LocationKind::Scrap, LocationKind::Production];

    /// The id of a virtual place; physical ones each have their own.
    pub fn virtual_id(self) -> Option<LocationId> {
        match self {
            Self::Physical => None,
            Self::Supplier => Some(SUPPLIER),
            Self::Customer => Some(CUSTOMER),
            Self::Adjustment => Some(ADJUSTMENT),
            Self::Scrap => Some(SCRAP),
            Self::Production => Some(PRODUCTION),
        }
    }

    /// The kind of the virtual place with this id.
    pub fn of_virtual(id: LocationId) -> Option<Self> {
        Self::VIRTUAL.into_iter().find(|kind| kind.virtual_id() == Some(id))
    }
}

/// A physical place as the context that manages it registers it here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockLocation {
    pub location_id: LocationId,
    pub facility_id: FacilityId,
    pub facility_code: String,
    pub code: String,
    /// Inactive places give stock but take none.
    pub is_active: bool,
    /// Where it lies on the pickers' way; places without come last.
    pub pick_sequence: Option<i32>,
}

/// A place as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub id: LocationId,
    pub kind: LocationKind,
    pub facility_id: Option<FacilityId>,
    /// Empty for virtual places.
    pub facility_code: String,
    pub code: String,
    pub is_active: bool,
    /// Holds goods on their way to the facility; only transfer orders move them.
    pub is_transit: bool,
}

impl Place {
    /// `FACILITY/CODE`, or the bare name of a virtual place.
    pub fn name(&self) -> String {
        if self.facility_code.is_empty() { self.code.clone() } else { format!("{}/{}", self.facility_code, self.code) }
    }
}

/// One movement with everything resolved: a quantity (base unit, greater than zero) leaves one side and arrives at the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    pub kind: MovementKind,
    pub item: ItemId,
    pub lot: Option<LotId>,
    pub quantity: Quantity,
    pub from: LocationId,
    pub from_status: QualityStatus,
    pub to: LocationId,
    pub to_status: QualityStatus,
    /// At most 200 characters.
    pub reason: String,
    /// The caller's own document, for instance the receipt's code; at most 200 characters.
    pub reference: String,
    /// When it happened; the time of recording when absent.
    pub effective_at: Option<DateTime<Utc>>,
    /// The pieces that move, of a serial-tracked item.
    pub serials: Serials,
}

impl Posting {
    fn new(
        kind: MovementKind,
        item: ItemId,
        lot: Option<LotId>,
        quantity: Quantity,
        sides: [LocationId; 2],
        status: QualityStatus,
    ) -> Self {
        Self {
            kind,
            item,
            lot,
            quantity,
            from: sides[0],
            from_status: status,
            to: sides[1],
            to_status: status,
            reason: String::new(),
            reference: String::new(),
            effective_at: None,
            serials: Serials::default(),
        }
    }

    /// Goods arrive from the supplier.
    pub fn receipt(item: ItemId, lot: Option<LotId>, quantity: Quantity, to: LocationId, status: QualityStatus) -> Self {
        Self::new(MovementKind::Receipt, item, lot, quantity, [SUPPLIER, to], status)
    }

    /// Goods leave to the customer.
    pub fn issue(item: ItemId, lot: Option<LotId>, quantity: Quantity, from: LocationId) -> Self {
        Self::new(MovementKind::Issue, item, lot, quantity, [from, CUSTOMER], QualityStatus::Released)
    }

    /// Goods of one quality status go from one place to another.
    pub fn transfer(
        item: ItemId,
        lot: Option<LotId>,
        quantity: Quantity,
        from: LocationId,
        to: LocationId,
        status: QualityStatus,
    ) -> Self {
        Self::new(MovementKind::Transfer, item, lot, quantity, [from, to], status)
    }

    /// Names the pieces of a serial-tracked item, as many as the quantity.
    pub fn with_serials(mut self, numbers: Vec<String>) -> Self {
        self.serials = Serials::Named(numbers);
        self
    }

    /// Of a serial-tracked item the pieces with the lowest numbers that lie there move: for goods that move as they stand, where
    /// nobody names pieces. Harmless for other items.
    pub fn with_serials_in_order(mut self) -> Self {
        self.serials = Serials::InOrder;
        self
    }

    pub fn with_reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = reference.into();
        self
    }

    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }
}

/// A posting that stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub movement_id: MovementId,
    pub posting: Posting,
    /// What of it was reserved; only missing, scrapped and no longer released goods take what is reserved.
    pub broken: Quantity,
    /// The promises that gave way for it; together as much as `broken`.
    pub released_reservations: Vec<BrokenReservation>,
}

/// A production or delivery batch of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lot {
    pub lot_id: LotId,
    pub item_id: ItemId,
    /// Unique per item.
    pub number: String,
    /// The status that new stock of the lot gets unless told otherwise.
    pub quality_status: QualityStatus,
    pub received_at: DateTime<Utc>,
    pub manufactured_on: Option<NaiveDate>,
    pub expires_on: Option<NaiveDate>,
    pub created_at: DateTime<Utc>,
}

/// What is known of a lot when goods of it arrive. For a lot that exists, given dates must agree with it or fill a gap;
/// the status counts for a new lot only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LotDates {
    pub manufactured_on: Option<NaiveDate>,
    pub expires_on: Option<NaiveDate>,
    pub quality_status: Option<QualityStatus>,
}

/// A lot to find or to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedLot {
    pub item: ItemId,
    pub number: String,
    pub dates: LotDates,
}

/// Stock of one item, lot and quality status in one physical place, in the item's base unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceRow {
    pub balance_id: Uuid,
    pub item_id: ItemId,
    pub location_id: LocationId,
    pub facility_id: FacilityId,
    pub facility_code: String,
    pub location_code: String,
    pub lot_id: Option<LotId>,
    pub lot_number: Option<String>,
    pub expires_on: Option<NaiveDate>,
    /// When the lot first arrived.
    pub lot_received_at: Option<DateTime<Utc>>,
    pub quality_status: QualityStatus,
    pub on_hand: Quantity,
    pub reserved: Quantity,
    pub updated_at: DateTime<Utc>,
}

impl BalanceRow {
    /// What may still be promised or moved.
    pub fn available(&self) -> Quantity {
        self.on_hand - self.reserved
    }
}

/// One side of a movement that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    pub location_id: LocationId,
    pub kind: LocationKind,
    /// Empty for virtual places.
    pub facility_code: String,
    pub code: String,
    pub status: QualityStatus,
}

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovementRow {
    pub movement_id: MovementId,
    /// Grows with each movement of the tenant; the order of the ledger.
    pub seq: i64,
    pub kind: MovementKind,
    pub item_id: ItemId,
    pub lot_id: Option<LotId>,
    pub lot_number: Option<String>,
    pub quantity: Quantity,
    pub from: Side,
    pub to: Side,
    pub reason: String,
    pub reference: String,
    pub effective_at: DateTime<Utc>,
    pub recorded_at: DateTime<Utc>,
    pub recorded_by: UserId,
    pub request_id: String,
}

/// A row of this context with the label of the item that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled<T> {
    pub row: T,
    pub item: ItemLabel,
}

/// A lot and what is on hand of it in all places together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotStock {
    pub lot: Lot,
    pub on_hand: Quantity,
}
