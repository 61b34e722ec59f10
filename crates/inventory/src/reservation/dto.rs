//! Shapes of the API: the same in REST (snake_case) and GraphQL (camelCase). Quantities are strings in the item's base unit.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use kernel::Quantity;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Allocation, ReservationKind, ReservationState, ReservationView, Strategy};

/// A promise of goods.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[graphql(name = "Reservation")]
#[schema(as = Reservation)]
pub struct ReservationDto {
    pub reservation_id: Uuid,
    pub state: ReservationState,
    pub kind: ReservationKind,
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    /// The item's base unit, in which the quantities are.
    pub unit: String,
    /// What was asked for: open + fulfilled + released + shortage.
    #[schema(example = "12.5")]
    pub quantity: String,
    /// Still promised.
    pub open: String,
    /// Bound in the places of `allocations`; 0 for a SOFT one.
    pub allocated: String,
    pub fulfilled: String,
    /// Given back, or expired.
    pub released: String,
    /// Never found, or lost again.
    pub shortage: String,
    pub facility_id: Option<Uuid>,
    pub facility_code: Option<String>,
    pub strategy: Strategy,
    pub priority: i32,
    pub reference: String,
    pub needed_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// The user who made it.
    pub created_by: Uuid,
    /// In the order in which goods are taken.
    pub allocations: Vec<AllocationDto>,
}

/// What a reservation binds in one place.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[graphql(name = "Allocation")]
#[schema(as = Allocation)]
pub struct AllocationDto {
    pub balance_id: Uuid,
    pub location_id: Uuid,
    pub facility_code: String,
    pub location_code: String,
    pub lot_id: Option<Uuid>,
    pub lot_number: Option<String>,
    #[schema(example = "2.5")]
    pub quantity: String,
}

/// A reservation whose goods were issued, and the movements that did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[graphql(name = "FulfilledReservation")]
#[schema(as = FulfilledReservation)]
pub struct FulfilledDto {
    #[serde(flatten)]
    #[graphql(flatten)]
    pub reservation: ReservationDto,
    pub movement_ids: Vec<Uuid>,
}

/// A reservation whose goods went to another place, and the movements that brought them there.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[graphql(name = "TransferredReservation")]
#[schema(as = TransferredReservation)]
pub struct TransferredDto {
    #[serde(flatten)]
    #[graphql(flatten)]
    pub reservation: ReservationDto,
    pub movement_ids: Vec<Uuid>,
}

pub(super) fn text(quantity: Quantity) -> String {
    quantity.decimal().normalize().to_string()
}

impl From<Allocation> for AllocationDto {
    fn from(one: Allocation) -> Self {
        Self {
            balance_id: one.balance_id,
            location_id: one.location_id.0,
            facility_code: one.facility_code,
            location_code: one.location_code,
            lot_id: one.lot_id.map(|lot| lot.0),
            lot_number: one.lot_number,
            quantity: text(one.quantity),
        }
    }
}

impl From<ReservationView> for ReservationDto {
    fn from(ReservationView { reservation: one, item, facility_code, allocations }: ReservationView) -> Self {
        Self {
            reservation_id: one.reservation_id.0,
            state: one.state,
            kind: one.kind,
            item_id: one.item_id.0,
            item_code: item.code,
            item_name: item.name,
            unit: item.base_unit,
            quantity: text(one.quantity),
            open: text(one.open),
            allocated: text(one.allocated()),
            fulfilled: text(one.fulfilled),
            released: text(one.released),
            shortage: text(one.shortage),
            facility_id: one.facility_id.map(|id| id.0),
            facility_code,
            strategy: one.strategy,
            priority: one.priority,
            reference: one.reference,
            needed_at: one.needed_at,
            expires_at: one.expires_at,
            created_at: one.created_at,
            updated_at: one.updated_at,
            created_by: one.created_by.0,
            allocations: allocations.into_iter().map(AllocationDto::from).collect(),
        }
    }
}
