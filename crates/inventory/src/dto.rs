//! Shapes of the API: the same in REST (snake_case) and GraphQL (camelCase). Quantities are strings in the item's base unit.

use async_graphql::SimpleObject;
use catalog::ItemLabel;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::{BalanceRow, Labelled, Lot, LotStock, MovementKind, MovementRow, QualityStatus, Side};

/// Stock of one item, lot and quality status in one place.
#[derive(Clone, Debug, Serialize, ToSchema, SimpleObject)]
#[graphql(name = "Balance")]
pub struct BalanceDto {
    pub balance_id: Uuid,
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    /// The item's base unit, in which the quantities are.
    pub unit: String,
    pub facility_id: Uuid,
    pub facility_code: String,
    pub location_id: Uuid,
    pub location_code: String,
    pub lot_id: Option<Uuid>,
    pub lot_number: Option<String>,
    pub expires_on: Option<NaiveDate>,
    pub quality_status: QualityStatus,
    #[schema(example = "12.5")]
    pub on_hand: String,
    pub reserved: String,
    /// On hand less reserved.
    pub available: String,
    pub updated_at: DateTime<Utc>,
}

impl From<Labelled<BalanceRow>> for BalanceDto {
    fn from(Labelled { row, item }: Labelled<BalanceRow>) -> Self {
        Self {
            balance_id: row.balance_id,
            item_id: row.item_id.0,
            item_code: item.code,
            item_name: item.name,
            unit: item.base_unit,
            facility_id: row.facility_id.0,
            available: row.available().to_string(),
            facility_code: row.facility_code,
            location_id: row.location_id.0,
            location_code: row.location_code,
            lot_id: row.lot_id.map(|id| id.0),
            lot_number: row.lot_number,
            expires_on: row.expires_on,
            quality_status: row.quality_status,
            on_hand: row.on_hand.to_string(),
            reserved: row.reserved.to_string(),
            updated_at: row.updated_at,
        }
    }
}

/// One side of a movement.
#[derive(Clone, Debug, Serialize, ToSchema, SimpleObject)]
#[graphql(name = "MovementSide")]
pub struct SideDto {
    pub location_id: Uuid,
    /// PHYSICAL, SUPPLIER, CUSTOMER, ADJUSTMENT, SCRAP or PRODUCTION.
    pub location_kind: String,
    /// Empty for virtual places.
    pub facility_code: String,
    pub location_code: String,
    pub quality_status: QualityStatus,
}

impl From<Side> for SideDto {
    fn from(side: Side) -> Self {
        Self {
            location_id: side.location_id.0,
            location_kind: side.kind.as_str().to_owned(),
            facility_code: side.facility_code,
            location_code: side.code,
            quality_status: side.status,
        }
    }
}

/// One line of the ledger: never changed, never deleted.
#[derive(Clone, Debug, Serialize, ToSchema, SimpleObject)]
#[graphql(name = "Movement")]
pub struct MovementDto {
    pub movement_id: Uuid,
    pub kind: MovementKind,
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    /// The item's base unit.
    pub unit: String,
    pub lot_id: Option<Uuid>,
    pub lot_number: Option<String>,
    #[schema(example = "12.5")]
    pub quantity: String,
    pub from: SideDto,
    pub to: SideDto,
    pub reason: String,
    pub reference: String,
    pub effective_at: DateTime<Utc>,
    pub recorded_at: DateTime<Utc>,
    /// The user who recorded it.
    pub recorded_by: Uuid,
    pub request_id: String,
}

impl From<Labelled<MovementRow>> for MovementDto {
    fn from(Labelled { row, item }: Labelled<MovementRow>) -> Self {
        Self {
            movement_id: row.movement_id.0,
            kind: row.kind,
            item_id: row.item_id.0,
            item_code: item.code,
            item_name: item.name,
            unit: item.base_unit,
            lot_id: row.lot_id.map(|id| id.0),
            lot_number: row.lot_number,
            quantity: row.quantity.to_string(),
            from: row.from.into(),
            to: row.to.into(),
            reason: row.reason,
            reference: row.reference,
            effective_at: row.effective_at,
            recorded_at: row.recorded_at,
            recorded_by: row.recorded_by.0,
            request_id: row.request_id,
        }
    }
}

/// A production or delivery batch of one item.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[graphql(name = "Lot")]
pub struct LotDto {
    pub lot_id: Uuid,
    pub item_id: Uuid,
    pub number: String,
    pub quality_status: QualityStatus,
    pub received_at: DateTime<Utc>,
    pub manufactured_on: Option<NaiveDate>,
    pub expires_on: Option<NaiveDate>,
}

impl From<Lot> for LotDto {
    fn from(lot: Lot) -> Self {
        Self {
            lot_id: lot.lot_id.0,
            item_id: lot.item_id.0,
            number: lot.number,
            quality_status: lot.quality_status,
            received_at: lot.received_at,
            manufactured_on: lot.manufactured_on,
            expires_on: lot.expires_on,
        }
    }
}

/// A lot with the item it is of and what is on hand of it.
#[derive(Clone, Debug, Serialize, ToSchema, SimpleObject)]
#[graphql(name = "LotStock")]
pub struct LotStockDto {
    #[serde(flatten)]
    #[graphql(flatten)]
    pub lot: LotDto,
    pub item_code: String,
    pub item_name: String,
    /// The item's base unit.
    pub unit: String,
    /// In all places together, whatever the status.
    #[schema(example = "12.5")]
    pub on_hand: String,
}

impl From<Labelled<LotStock>> for LotStockDto {
    fn from(Labelled { row, item: ItemLabel { code, name, base_unit } }: Labelled<LotStock>) -> Self {
        Self { on_hand: row.on_hand.to_string(), lot: row.lot.into(), item_code: code, item_name: name, unit: base_unit }
    }
}
