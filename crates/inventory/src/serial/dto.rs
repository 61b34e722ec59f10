//! Shapes of the API: the same in REST (snake_case) and GraphQL (camelCase).

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::SerialRow;
use crate::dto::MovementDto;
use crate::model::{ItemLabel, Labelled, LocationKind, QualityStatus};

/// One piece of an item, and where it is.
#[derive(Clone, Debug, Serialize, ToSchema, SimpleObject)]
#[graphql(name = "Serial")]
pub struct SerialDto {
    pub serial_id: Uuid,
    /// Unique per item.
    pub number: String,
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    pub lot_id: Option<Uuid>,
    pub lot_number: Option<String>,
    pub location_id: Uuid,
    /// PHYSICAL while it is in stock; else where it went: CUSTOMER, SCRAP, ADJUSTMENT, PRODUCTION.
    pub location_kind: String,
    /// Empty for virtual places.
    pub facility_code: String,
    pub location_code: String,
    pub quality_status: QualityStatus,
    pub in_stock: bool,
    pub created_at: DateTime<Utc>,
    /// When it last moved.
    pub updated_at: DateTime<Utc>,
}

impl From<Labelled<SerialRow>> for SerialDto {
    fn from(Labelled { row, item: ItemLabel { code, name, .. } }: Labelled<SerialRow>) -> Self {
        Self {
            serial_id: row.serial_id.0,
            number: row.number,
            item_id: row.item_id.0,
            item_code: code,
            item_name: name,
            lot_id: row.lot_id.map(|lot| lot.0),
            lot_number: row.lot_number,
            location_id: row.at.location_id.0,
            location_kind: row.at.kind.as_str().to_owned(),
            in_stock: row.at.kind == LocationKind::Physical,
            facility_code: row.at.facility_code,
            location_code: row.at.code,
            quality_status: row.at.status,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A piece and its life.
#[derive(Clone, Debug, Serialize, ToSchema, SimpleObject)]
#[graphql(name = "SerialHistory")]
pub struct SerialHistoryDto {
    #[serde(flatten)]
    #[graphql(flatten)]
    pub serial: SerialDto,
    /// The movements that moved it, newest first.
    pub movements: Vec<MovementDto>,
    /// Pass it as `cursor` for the older ones; null when these are the oldest.
    pub next_cursor: Option<String>,
}
