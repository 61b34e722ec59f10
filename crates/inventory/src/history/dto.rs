//! Shapes of the history: the same in REST (snake_case) and GraphQL (camelCase). Quantities are strings in the item's base unit.

use async_graphql::SimpleObject;
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{ItemId, Quantity};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Aged, Axis, BUCKETS, InUse, NotOffered, Turnover};
use super::service::{BalanceThen, ItemThen, Series};
use crate::dto::BalanceDto;
use crate::model::{Labelled, QualityStatus};

fn text(quantity: Decimal) -> String {
    Quantity::from_db(quantity).to_string()
}

/// How much there was of an item at a moment.
#[derive(Clone, Debug, Serialize, ToSchema, SimpleObject)]
#[graphql(name = "StockAsOf")]
pub struct StockAsOfDto {
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    /// The item's base unit, in which the quantity is.
    pub unit: String,
    #[schema(example = "12.5")]
    pub on_hand: String,
}

impl From<Labelled<ItemThen>> for StockAsOfDto {
    fn from(Labelled { row, item }: Labelled<ItemThen>) -> Self {
        Self {
            item_id: row.item_id.0,
            item_code: item.code,
            item_name: item.name,
            unit: item.base_unit,
            on_hand: text(row.on_hand),
        }
    }
}

/// How much there was of an item, lot and quality status in a place at a moment.
#[derive(Clone, Debug, Serialize, ToSchema, SimpleObject)]
#[graphql(name = "BalanceAsOf")]
pub struct BalanceAsOfDto {
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    /// The item's base unit, in which the quantity is.
    pub unit: String,
    /// As the facility is called today.
    pub facility_code: String,
    pub location_id: Uuid,
    /// As the place is called today.
    pub location_code: String,
    pub lot_id: Option<Uuid>,
    pub lot_number: Option<String>,
    pub expires_on: Option<NaiveDate>,
    pub quality_status: QualityStatus,
    #[schema(example = "12.5")]
    pub on_hand: String,
}

impl From<Labelled<BalanceThen>> for BalanceAsOfDto {
    fn from(Labelled { row, item }: Labelled<BalanceThen>) -> Self {
        let (facility_code, location_code) = row.place.map(|place| (place.facility_code, place.code)).unwrap_or_default();
        Self {
            item_id: row.item_id.0,
            item_code: item.code,
            item_name: item.name,
            unit: item.base_unit,
            facility_code,
            location_id: row.spot.location.0,
            location_code,
            lot_id: row.spot.lot.map(|lot| lot.0),
            expires_on: row.lot.as_ref().and_then(|lot| lot.expires_on),
            lot_number: row.lot.map(|lot| lot.number),
            quality_status: row.spot.status,
            on_hand: text(row.on_hand),
        }
    }
}

/// How much there was at one moment.
#[derive(Clone, Debug, Serialize, ToSchema, SimpleObject)]
#[graphql(name = "StockPoint")]
pub struct PointDto {
    pub at: DateTime<Utc>,
    #[schema(example = "12.5")]
    pub on_hand: String,
}

/// An item's stock over time.
#[derive(Clone, Debug, Serialize, ToSchema, SimpleObject)]
#[graphql(name = "StockOverTime")]
pub struct SeriesDto {
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    pub unit: String,
    pub by: Axis,
    /// In the order of time, both ends of the period included.
    pub points: Vec<PointDto>,
}

impl From<Labelled<Series>> for SeriesDto {
    fn from(Labelled { row, item }: Labelled<Series>) -> Self {
        Self {
            item_id: row.item_id.0,
            item_code: item.code,
            item_name: item.name,
            unit: item.base_unit,
            by: row.by,
            points: row.points.into_iter().map(|(at, on_hand)| PointDto { at, on_hand: text(on_hand) }).collect(),
        }
    }
}

/// Stock of one age.
#[derive(Clone, Debug, Serialize, ToSchema, SimpleObject)]
#[graphql(name = "AgeBucket")]
pub struct BucketDto {
    #[schema(example = "31-60")]
    pub days: String,
    #[schema(example = "12.5")]
    pub quantity: String,
}

fn buckets(aged: &Aged) -> Vec<BucketDto> {
    let pairs = BUCKETS.iter().zip(aged.buckets);
    pairs.map(|(days, quantity)| BucketDto { days: (*days).to_owned(), quantity: text(quantity) }).collect()
}

/// How long the stock of an item has lain, by FIFO: what is there is what came in last.
#[derive(Clone, Debug, Serialize, ToSchema, SimpleObject)]
#[graphql(name = "StockAgeing")]
pub struct AgeingDto {
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    pub unit: String,
    pub on_hand: String,
    /// 0-30, 31-60, 61-90, 91-180, 181-365 and over 365 days.
    pub buckets: Vec<BucketDto>,
}

impl From<Labelled<(ItemId, Aged)>> for AgeingDto {
    fn from(Labelled { row: (item_id, aged), item }: Labelled<(ItemId, Aged)>) -> Self {
        Self {
            item_id: item_id.0,
            item_code: item.code,
            item_name: item.name,
            unit: item.base_unit,
            on_hand: text(aged.total()),
            buckets: buckets(&aged),
        }
    }
}

/// The ages of everything in stock; units of different items are added up as they are.
#[derive(Clone, Debug, Serialize, ToSchema, SimpleObject)]
#[graphql(name = "StockAgeingTotal")]
pub struct AgeingTotalDto {
    /// Items in stock.
    pub items: u64,
    pub on_hand: String,
    pub buckets: Vec<BucketDto>,
}

impl From<(Aged, u64)> for AgeingTotalDto {
    fn from((aged, items): (Aged, u64)) -> Self {
        Self { items, on_hand: text(aged.total()), buckets: buckets(&aged) }
    }
}

/// How fast an item turned over in a period.
#[derive(Clone, Debug, Serialize, ToSchema, SimpleObject)]
#[graphql(name = "StockTurnover")]
pub struct TurnoverDto {
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    pub unit: String,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// On hand at the beginning.
    pub opening: String,
    /// On hand at the end.
    pub closing: String,
    /// Mean stock over the period.
    pub average: String,
    /// Came in from outside.
    pub received: String,
    /// Issued to customers or consumed by production.
    pub issued: String,
    /// Issued over average; null while there was no stock.
    pub turns: Option<String>,
    /// Days that the closing stock lasts at this rate of issue; null while nothing was issued.
    pub days_of_cover: Option<String>,
}

impl From<Labelled<(ItemId, Turnover)>> for TurnoverDto {
    fn from(Labelled { row: (item_id, turnover), item }: Labelled<(ItemId, Turnover)>) -> Self {
        let number = |value: Decimal| value.normalize().to_string();
        Self {
            item_id: item_id.0,
            item_code: item.code,
            item_name: item.name,
            unit: item.base_unit,
            from: turnover.from,
            to: turnover.to,
            opening: text(turnover.opening),
            closing: text(turnover.closing),
            average: text(turnover.average),
            received: text(turnover.received),
            issued: text(turnover.issued),
            turns: turnover.turns().map(number),
            days_of_cover: turnover.days_of_cover().map(number),
        }
    }
}

/// Stock in the order of use.
#[derive(Clone, Debug, Serialize, ToSchema, SimpleObject)]
#[graphql(name = "StockInUseOrder")]
pub struct FefoDto {
    pub balance: BalanceDto,
    /// Whether it may be used now.
    pub offered: bool,
    /// Why not.
    pub not_offered: Option<NotOffered>,
}

impl From<Labelled<InUse>> for FefoDto {
    fn from(Labelled { row, item }: Labelled<InUse>) -> Self {
        let InUse { balance, not_offered } = row;
        Self { balance: Labelled { row: balance, item }.into(), offered: not_offered.is_none(), not_offered }
    }
}
