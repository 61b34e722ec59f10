//! Shapes of the API, the same in REST (snake_case) and GraphQL (camelCase). Percentages are 0 to 100, and above for what is overfull.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::words::{LocationType, UtilizationStatus};

const UNDERUTILIZED_BELOW: f64 = 30.0;
const OPTIMAL_FROM: f64 = 60.0;
const OPTIMAL_TO: f64 = 85.0;
const OVERUTILIZED_ABOVE: f64 = 95.0;

impl UtilizationStatus {
    /// By the fuller of volume and weight.
    pub(crate) fn of(volume_percent: f64, weight_percent: f64, is_unmeasured: bool) -> Self {
        let fill = volume_percent.max(weight_percent);
        match fill {
            _ if fill > OVERUTILIZED_ABOVE => Self::Overutilized,
            _ if is_unmeasured => Self::Unmeasured,
            _ if fill < UNDERUTILIZED_BELOW => Self::Underutilized,
            _ if (OPTIMAL_FROM..=OPTIMAL_TO).contains(&fill) => Self::Optimal,
            _ => Self::Normal,
        }
    }
}

/// How full one location is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = BinUtilization)]
#[graphql(name = "BinUtilization")]
pub struct BinUtilizationDto {
    pub facility_id: Uuid,
    pub location_id: Uuid,
    pub location_code: String,
    pub location_type: LocationType,
    pub zone: String,
    pub aisle: String,
    pub volume_cm3: i64,
    pub used_volume_cm3: i64,
    pub max_weight_g: i64,
    pub used_weight_g: i64,
    pub volume_utilization: f64,
    pub weight_utilization: f64,
    pub status: UtilizationStatus,
    /// Different items that lie there.
    pub item_count: i32,
    /// Goods lie there whose size or weight nobody knows: the figures are too low.
    pub is_unmeasured: bool,
    /// Kept free for open recommendations; absent in the cache.
    pub held_volume_cm3: Option<i64>,
    pub held_weight_g: Option<i64>,
    /// When the figures were computed.
    pub last_updated: DateTime<Utc>,
}

/// One page of the cache.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = BinUtilizationPage)]
#[graphql(name = "BinUtilizationPage")]
pub struct CachePage {
    pub items: Vec<BinUtilizationDto>,
    pub next_cursor: Option<String>,
    /// When the cache was made; null while there is none.
    pub last_updated: Option<DateTime<Utc>>,
    pub age_minutes: Option<f64>,
}

/// Locations of one kind, zone or status together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = UtilizationGroup)]
#[graphql(name = "UtilizationGroup")]
pub struct GroupDto {
    /// The zone, the type or the status.
    pub name: String,
    pub locations: u32,
    pub volume_cm3: i64,
    pub used_volume_cm3: i64,
    /// Used volume of all volume.
    pub volume_utilization: f64,
}

/// How full a facility, or one zone of it, is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = WarehouseUtilization)]
#[graphql(name = "WarehouseUtilization")]
pub struct UtilizationSummaryDto {
    pub facility_id: Uuid,
    pub facility_code: String,
    pub zone: Option<String>,
    /// Those that goods are stored in: PUTAWAY, PICK_FACE, RESERVE and BULK.
    pub locations: u32,
    pub empty_locations: u32,
    pub blocked_locations: u32,
    pub volume_cm3: i64,
    pub used_volume_cm3: i64,
    pub held_volume_cm3: i64,
    /// Used volume of all volume.
    pub volume_utilization: f64,
    /// Of the locations that hold something.
    pub mean_fill_of_used: Option<f64>,
    pub by_status: Vec<GroupDto>,
    pub by_zone: Vec<GroupDto>,
    pub by_type: Vec<GroupDto>,
    /// The fullest, at most ten.
    pub fullest: Vec<BinUtilizationDto>,
    /// Those that hold something and are the emptiest, at most ten.
    pub emptiest_used: Vec<BinUtilizationDto>,
    pub calculated_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_belong_where_they_are_said_to() {
        let of = |fill: f64| UtilizationStatus::of(fill, 0.0, false).as_str();
        let shown = [0.0, 29.9, 30.0, 59.9, 60.0, 85.0, 85.1, 95.0, 95.1].map(of);
        let under = "UNDERUTILIZED";
        assert_eq!(shown, [under, under, "NORMAL", "NORMAL", "OPTIMAL", "OPTIMAL", "NORMAL", "NORMAL", "OVERUTILIZED"]);
        assert_eq!(UtilizationStatus::of(10.0, 99.0, false), UtilizationStatus::Overutilized, "by weight");
        assert_eq!(UtilizationStatus::of(10.0, 0.0, true), UtilizationStatus::Unmeasured);
        assert_eq!(UtilizationStatus::of(96.0, 0.0, true), UtilizationStatus::Overutilized, "what is known is too much already");
    }
}
