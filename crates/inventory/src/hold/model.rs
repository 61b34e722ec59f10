//! What a hold is, and which stock it takes and gives back. No IO.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kernel::{HoldId, ItemId, LocationId, LotId, MovementId, Quantity, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ledger::Key;
use crate::model::QualityStatus;
use crate::request::NumberText;

/// Balances that one hold or one decision touches.
pub const MAX_LINES: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "HoldState")]
#[schema(as = HoldState)]
pub enum HoldState {
    /// Some of it is still blocked.
    Active,
    /// Everything is decided.
    Closed,
}

impl HoldState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Closed => "CLOSED",
        }
    }
}

/// What becomes of held stock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Disposition {
    /// It is again what it was before, or what `to_status` says.
    #[default]
    Release,
    /// It becomes REJECTED and stays where it lies.
    Reject,
    /// It is thrown away.
    Scrap,
}

impl Disposition {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Release => "RELEASE",
            Self::Reject => "REJECT",
            Self::Scrap => "SCRAP",
        }
    }

    pub fn of(name: &str) -> Self {
        match name {
            "REJECT" => Self::Reject,
            "SCRAP" => Self::Scrap,
            _ => Self::Release,
        }
    }
}

/// Stock to block. Without `quantity` and `serials` everything that matches and is not reserved.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, async_graphql::InputObject)]
#[graphql(name = "NewHoldInput")]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// Id or code.
    pub item: String,
    /// Id or number.
    #[serde(default)]
    pub lot: Option<String>,
    /// Id, `FACILITY/CODE` or an unambiguous code.
    #[serde(default)]
    pub location: Option<String>,
    /// Id or code.
    #[serde(default)]
    pub facility: Option<String>,
    /// In the item's base unit; released stock is taken first.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "12")]
    pub quantity: Option<NumberText>,
    /// Exactly these pieces of a serial-tracked item.
    #[serde(default)]
    pub serials: Option<Vec<String>>,
    /// Why; 1 to 200 characters.
    pub reason: String,
    /// The caller's own document, at most 200 characters.
    #[serde(default)]
    pub reference: Option<String>,
    /// When somebody must look again. Nothing is released by itself.
    #[serde(default)]
    pub until: Option<DateTime<Utc>>,
}

/// What to do with stock of a hold. Without `quantity` and `serials` with all that is left of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, async_graphql::InputObject)]
#[graphql(name = "HoldDecisionInput")]
#[schema(as = HoldDecisionInput)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    #[serde(default)]
    #[graphql(default)]
    pub disposition: Disposition,
    /// For RELEASE only: another status than the former one.
    #[serde(default)]
    pub to_status: Option<QualityStatus>,
    /// In the item's base unit.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "12")]
    pub quantity: Option<NumberText>,
    /// Exactly these pieces.
    #[serde(default)]
    pub serials: Option<Vec<String>>,
    /// Why; 1 to 200 characters.
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    pub hold_id: HoldId,
    pub item_id: ItemId,
    pub lot_id: Option<LotId>,
    pub lot_number: Option<String>,
    pub state: HoldState,
    pub reason: String,
    pub reference: String,
    pub review_at: Option<DateTime<Utc>>,
    /// What was blocked.
    pub quantity: Quantity,
    /// What is not decided yet.
    pub remaining: Quantity,
    /// What matched but was promised to somebody and therefore left alone.
    pub skipped_reserved: Quantity,
    pub created_at: DateTime<Utc>,
    pub created_by: UserId,
    pub closed_at: Option<DateTime<Utc>>,
}

impl Hold {
    /// Still blocked though somebody should have looked.
    pub fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.state == HoldState::Active && self.review_at.is_some_and(|at| at < now)
    }
}

/// What a hold took at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldLine {
    pub line_no: i32,
    pub item_id: ItemId,
    pub lot_id: Option<LotId>,
    pub lot_number: Option<String>,
    pub location_id: LocationId,
    pub facility_code: String,
    pub location_code: String,
    pub former_status: QualityStatus,
    pub quantity: Quantity,
    pub remaining: Quantity,
    /// The movement into HOLD.
    pub movement_id: MovementId,
}

/// What was decided, by whom and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldDecision {
    pub decision_id: Uuid,
    pub disposition: Disposition,
    pub quantity: Quantity,
    /// Held goods that other movements had taken out of HOLD or away.
    pub missing: Quantity,
    pub reason: String,
    pub decided_at: DateTime<Utc>,
    pub decided_by: UserId,
}

#[derive(Clone, Debug, Default)]
pub struct HoldFilter {
    /// Id or code.
    pub item: Option<String>,
    pub state: Option<HoldState>,
}

/// Takes `wanted` (all when absent) from what is free at each key, in the order given; `None` when there is less.
pub fn take(free: &[(Key, Quantity)], wanted: Option<Quantity>) -> Option<Vec<(Key, Quantity)>> {
    let mut left = wanted;
    let mut taken = Vec::new();
    for (key, free) in free.iter().filter(|(_, free)| *free > Quantity::ZERO) {
        let share = left.map_or(*free, |left| left.min(*free));
        if share > Quantity::ZERO {
            taken.push((*key, share));
            left = left.map(|left| left - share);
        }
    }
    left.is_none_or(Quantity::is_zero).then_some(taken)
}

/// Finds held goods again: each want (the place where they were held, and how much) takes from its own place first, and what is
/// missing there from wherever goods of the same item and lot are in HOLD. One answer per want; it may be less than wanted.
pub fn locate(wants: &[(Key, Quantity)], mut there: BTreeMap<Key, Quantity>) -> Vec<Vec<(Key, Quantity)>> {
    let mut found: Vec<Vec<(Key, Quantity)>> = vec![Vec::new(); wants.len()];
    let mut left: Vec<Quantity> = wants.iter().map(|(_, want)| *want).collect();
    for ((index, (own, _)), left) in wants.iter().enumerate().zip(&mut left) {
        if let Some(free) = there.get_mut(own) {
            grab(&mut found[index], own, free, left);
        }
    }
    for ((index, (own, _)), left) in wants.iter().enumerate().zip(&mut left) {
        for (key, free) in there.iter_mut().filter(|(key, _)| key.item == own.item && key.lot == own.lot) {
            grab(&mut found[index], key, free, left);
        }
    }
    found
}

fn grab(found: &mut Vec<(Key, Quantity)>, key: &Key, free: &mut Quantity, left: &mut Quantity) {
    let share = (*left).min(*free);
    if share > Quantity::ZERO {
        found.push((*key, share));
        *free -= share;
        *left -= share;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(n: u8) -> Key {
        let lot = (n % 2 == 1).then(|| LotId(Uuid::from_u128(7)));
        Key {
            item: ItemId(Uuid::from_u128(9)),
            location: LocationId(Uuid::from_u128(100 + u128::from(n))),
            lot,
            status: QualityStatus::Hold,
        }
    }

    fn total(shares: &[(Key, Quantity)]) -> u32 {
        shares.iter().fold(Quantity::ZERO, |sum, (_, share)| sum + *share).decimal().try_into().unwrap()
    }

    proptest! {
        #[test]
        fn a_hold_takes_what_is_wanted_and_no_more_than_is_free(free in prop::collection::vec(0_u32..9, 0..8), wanted in prop::option::of(1_u32..40)) {
            let free: Vec<_> = (0_u8..).zip(&free).map(|(n, free)| (key(n), Quantity::from(*free))).collect();
            let all = total(&free);
            match take(&free, wanted.map(Quantity::from)) {
                None => prop_assert!(wanted.unwrap() > all),
                Some(taken) => {
                    prop_assert_eq!(total(&taken), wanted.unwrap_or(all));
                    prop_assert!(taken.iter().all(|(key, share)| free.contains(&(*key, *share)) || free.iter().any(|(other, free)| other == key && share < free)));
                }
            }
        }

        #[test]
        fn held_goods_are_found_wherever_they_went(wants in prop::collection::vec((0_u8..6, 1_u32..9), 0..6), there in prop::collection::btree_map(0_u8..6, 0_u32..12, 0..6)) {
            let wants: Vec<_> = wants.iter().map(|(n, want)| (key(*n), Quantity::from(*want))).collect();
            let there: BTreeMap<_, _> = there.iter().map(|(n, free)| (key(*n), Quantity::from(*free))).collect();
            let found = locate(&wants, there.clone());
            prop_assert_eq!(found.len(), wants.len());
            for lot in [None, Some(LotId(Uuid::from_u128(7)))] {
                let of_lot = |(key, _): &&(Key, Quantity)| key.lot == lot;
                let wanted = total(&wants.iter().filter(of_lot).copied().collect::<Vec<_>>());
                let stock = total(&there.iter().map(|(key, free)| (*key, *free)).filter(|one| of_lot(&one)).collect::<Vec<_>>());
                let got = total(&found.iter().flatten().filter(of_lot).copied().collect::<Vec<_>>());
                prop_assert_eq!(got, wanted.min(stock), "nothing that is there is overlooked");
            }
            for ((_, want), found) in wants.iter().zip(&found) {
                prop_assert!(Quantity::from(total(found)) <= *want);
            }
            for (key, free) in &there {
                let used = found.iter().flatten().filter(|(other, _)| other == key).copied().collect::<Vec<_>>();
                prop_assert!(Quantity::from(total(&used)) <= *free);
            }
        }
    }
}
