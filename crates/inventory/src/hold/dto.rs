//! Shapes of the API: the same in REST (snake_case) and GraphQL (camelCase). Quantities are strings in the item's base unit.

use std::collections::HashMap;

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use kernel::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Disposition, Hold, HoldDecision, HoldLine, HoldState};
use super::service::Whole;
use crate::model::{ItemLabel, Labelled, QualityStatus};

/// Stock that somebody blocked for a reason.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[graphql(name = "Hold")]
#[schema(as = Hold)]
pub struct HoldDto {
    pub hold_id: Uuid,
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    /// The item's base unit, in which the quantities are.
    pub unit: String,
    /// Only when the hold was narrowed to a lot.
    pub lot_id: Option<Uuid>,
    pub lot_number: Option<String>,
    pub state: HoldState,
    pub reason: String,
    pub reference: String,
    /// When somebody must look again; nothing is released by itself.
    pub until: Option<DateTime<Utc>>,
    #[schema(example = "12")]
    pub quantity: String,
    /// What is not decided yet.
    pub remaining: String,
    /// What matched but was reserved for somebody and therefore left alone.
    pub skipped_reserved: String,
    pub created_at: DateTime<Utc>,
    pub created_by: Uuid,
    pub created_by_name: String,
    pub closed_at: Option<DateTime<Utc>>,
    /// What was taken where; empty in lists.
    pub lines: Vec<HoldLineDto>,
    /// Newest first, at most 500; empty in lists.
    pub decisions: Vec<HoldDecisionDto>,
}

/// What a hold took at one place.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[graphql(name = "HoldLine")]
#[schema(as = HoldLine)]
pub struct HoldLineDto {
    pub line_no: i32,
    pub location_id: Uuid,
    pub facility_code: String,
    pub location_code: String,
    pub lot_id: Option<Uuid>,
    pub lot_number: Option<String>,
    pub former_status: QualityStatus,
    pub quantity: String,
    pub remaining: String,
    /// The movement into HOLD; its serial numbers are those of the line.
    pub movement_id: Uuid,
}

/// What was decided, by whom and why.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[graphql(name = "HoldDecision")]
#[schema(as = HoldDecision)]
pub struct HoldDecisionDto {
    pub disposition: Disposition,
    pub quantity: String,
    /// Held goods that other movements had taken out of HOLD or away.
    pub missing: String,
    pub reason: String,
    pub decided_at: DateTime<Utc>,
    pub decided_by: Uuid,
    pub decided_by_name: String,
}

fn name(names: &HashMap<UserId, String>, user: UserId) -> String {
    names.get(&user).cloned().unwrap_or_default()
}

impl HoldDto {
    pub(super) fn listed(Labelled { row, item }: Labelled<Hold>, names: &HashMap<UserId, String>) -> Self {
        let ItemLabel { code, name: item_name, base_unit } = item;
        Self {
            hold_id: row.hold_id.0,
            item_id: row.item_id.0,
            item_code: code,
            item_name,
            unit: base_unit,
            lot_id: row.lot_id.map(|lot| lot.0),
            lot_number: row.lot_number,
            state: row.state,
            reason: row.reason,
            reference: row.reference,
            until: row.review_at,
            quantity: row.quantity.to_string(),
            remaining: row.remaining.to_string(),
            skipped_reserved: row.skipped_reserved.to_string(),
            created_at: row.created_at,
            created_by: row.created_by.0,
            created_by_name: name(names, row.created_by),
            closed_at: row.closed_at,
            lines: Vec::new(),
            decisions: Vec::new(),
        }
    }
}

impl From<Whole> for HoldDto {
    fn from(Whole { hold, lines, decisions, names }: Whole) -> Self {
        let decision = |one: HoldDecision| HoldDecisionDto {
            disposition: one.disposition,
            quantity: one.quantity.to_string(),
            missing: one.missing.to_string(),
            reason: one.reason,
            decided_at: one.decided_at,
            decided_by: one.decided_by.0,
            decided_by_name: name(&names, one.decided_by),
        };
        Self {
            lines: lines.into_iter().map(HoldLineDto::from).collect(),
            decisions: decisions.into_iter().map(decision).collect(),
            ..Self::listed(hold, &names)
        }
    }
}

impl From<HoldLine> for HoldLineDto {
    fn from(line: HoldLine) -> Self {
        Self {
            line_no: line.line_no,
            location_id: line.location_id.0,
            facility_code: line.facility_code,
            location_code: line.location_code,
            lot_id: line.lot_id.map(|lot| lot.0),
            lot_number: line.lot_number,
            former_status: line.former_status,
            quantity: line.quantity.to_string(),
            remaining: line.remaining.to_string(),
            movement_id: line.movement_id.0,
        }
    }
}
