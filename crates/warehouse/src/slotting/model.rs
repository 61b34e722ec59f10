//! What is known of items, locations and plans; the same in REST (snake_case) and GraphQL (camelCase) where it is shown as it is.

use async_graphql::SimpleObject;
use catalog::AbcClass;
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{ItemId, LocationId, LotId, Quantity};
use optimization::putaway::Abc;
use optimization::slotting::{self, AbcCutoffs, AbcShare};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::words::{ClassBy, MoveTaskKind, ShareOf, SlottingPlanState, TriggerKind, TriggerSeverity};

/// Days for which velocities are kept.
pub(super) const KEPT_DAYS: i64 = 30;
/// Days of picks that velocities look at: a year more than the days compared, for the season.
pub(super) const SERIES_DAYS: i64 = 365 + 180;
/// Days of picks that classes look at.
pub(super) const CLASS_DAYS: i64 = 180;
/// Days within which somebody must decide on a plan.
pub(super) const PLAN_DAYS: i64 = 7;

/// How the items of a facility are classed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
pub struct SlottingSettings {
    pub class_by: ClassBy,
    /// Share of class A, 0 to 1.
    pub a_share: f64,
    /// Share of class B, which follows A; with it at most 1.
    pub b_share: f64,
    pub share_of: ShareOf,
    /// The daily run writes the classes back to the items by itself.
    pub writes_classes: bool,
    /// Counts the changes; 0 when nothing was set yet.
    pub version: i32,
}

impl Default for SlottingSettings {
    fn default() -> Self {
        let AbcCutoffs { a, b, .. } = AbcCutoffs::default();
        Self { class_by: ClassBy::Picks, a_share: a, b_share: b, share_of: ShareOf::Items, writes_classes: false, version: 0 }
    }
}

impl SlottingSettings {
    pub(super) fn cutoffs(&self) -> AbcCutoffs {
        let of = match self.share_of {
            ShareOf::Items => AbcShare::Items,
            ShareOf::Total => AbcShare::Total,
        };
        AbcCutoffs { a: self.a_share, b: self.b_share, of }
    }
}

/// That an item should lie elsewhere, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    pub kind: TriggerKind,
    pub severity: TriggerSeverity,
}

impl From<slotting::Trigger> for Trigger {
    fn from(found: slotting::Trigger) -> Self {
        let kind = match found.kind {
            slotting::TriggerKind::VelocitySpike => TriggerKind::VelocitySpike,
            slotting::TriggerKind::VelocityDrop => TriggerKind::VelocityDrop,
            slotting::TriggerKind::Promotion => TriggerKind::Promotion,
            slotting::TriggerKind::SeasonalChange => TriggerKind::SeasonalChange,
            slotting::TriggerKind::NewProduct => TriggerKind::NewProduct,
        };
        let severity = match found.severity {
            slotting::Severity::Medium => TriggerSeverity::Medium,
            slotting::Severity::High => TriggerSeverity::High,
        };
        Self { kind, severity }
    }
}

/// How often an item was picked in a facility.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemVelocity {
    pub item_id: ItemId,
    /// Picks per day over the last 30 days.
    pub recent_per_day: f64,
    /// Picks per day over the 150 days before.
    pub before_per_day: f64,
    pub change_percent: Option<f64>,
    /// Over all 180 days.
    pub picks: i64,
    pub quantity: Quantity,
    pub abc_class: AbcClass,
    /// It should be classed by a value that nobody entered; its class is the one that the item had.
    pub lacks_value: bool,
    pub trigger: Option<Trigger>,
}

pub(super) fn class(abc: Abc) -> AbcClass {
    match abc {
        Abc::A => AbcClass::A,
        Abc::B => AbcClass::B,
        Abc::C => AbcClass::C,
    }
}

/// That an item is picked together with another, seen from the first.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemAffinity {
    pub item_id: ItemId,
    pub other_item_id: ItemId,
    pub co_picks: i64,
    pub support: f64,
    pub confidence: f64,
    pub lift: f64,
    pub strength: f64,
    pub computed_at: DateTime<Utc>,
}

/// How full a facility was at the end of a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = UtilizationSnapshot)]
#[graphql(name = "UtilizationSnapshot")]
pub struct Snapshot {
    pub day: NaiveDate,
    pub locations: i32,
    pub used_locations: i32,
    pub volume_cm3: i64,
    pub used_volume_cm3: i64,
    /// Used volume of all volume, in percent.
    pub utilization: f64,
    /// Sum of the free volume over the largest free volume of one location.
    pub fragmentation_index: f64,
    pub taken_at: DateTime<Utc>,
}

/// A plan of moves, what it saves and what it costs. Metres are walked ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = SlottingPlan)]
#[graphql(name = "SlottingPlan")]
pub struct Plan {
    pub plan_id: Uuid,
    pub facility_id: Uuid,
    pub facility_code: String,
    /// RESLOT or CONSOLIDATION.
    pub kind: MoveTaskKind,
    pub state: SlottingPlanState,
    pub progress_percent: i32,
    /// What is done at the moment.
    pub progress_text: String,
    pub moves_max: i32,
    /// Within so many days the moves must save what they cost.
    pub payback_days: f64,
    /// What taking up and putting down goods costs, as metres of walking.
    pub handling_m: f64,
    /// Days of orders that were looked at.
    pub history_days: i32,
    pub orders: i64,
    /// Items that may move.
    pub items: i32,
    /// Walked per day by the newest orders, which the search did not see.
    pub before_m_per_day: f64,
    pub after_m_per_day: f64,
    /// Of all moves, once.
    pub cost_m: f64,
    /// What there is to say: why there are no moves, or why it ended.
    pub message: String,
    pub created_by: Uuid,
    pub created_by_name: String,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
    pub decided_at: Option<DateTime<Utc>>,
    pub decided_by_name: String,
    pub version: i32,
}

/// Goods of one item and lot to bring from one place to another as a step of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedMove {
    pub move_no: i32,
    /// All lots that are carried in one step have the same number.
    pub step_no: i32,
    /// Steps that make sense together only have the same number.
    pub chain_no: i32,
    pub item_id: ItemId,
    pub lot_id: Option<LotId>,
    pub quantity: Quantity,
    pub from_location_id: LocationId,
    pub to_location_id: LocationId,
    pub cost_m: f64,
    pub chain_saving_m_per_day: f64,
    pub chain_cost_m: f64,
    pub left_out: String,
}
