use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use kernel::{FacilityId, Invalid, ItemId, LocationId, LotId, Quantity, ReservationId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{ItemLabel, named};

named! {
    /// Whether a promise binds goods.
    ReservationKind {
        /// Binds rows of stock; no other movement takes what is bound.
        Hard "HARD",
        /// Promises a quantity and binds nothing yet.
        Soft "SOFT",
    }

    /// What became of a promise.
    ReservationState {
        /// Some of it is open.
        Active "ACTIVE",
        /// Its goods were issued.
        Fulfilled "FULFILLED",
        /// It was given back.
        Released "RELEASED",
        /// Its time ran out.
        Expired "EXPIRED",
        /// Goods that it bound went missing; what is left may still be open.
        Short "SHORT",
    }

    /// Which stock is taken first.
    Strategy {
        /// First expired, first out; stock without expiry comes last.
        Fefo "FEFO",
        /// First in, first out, by when the lot was received.
        Fifo "FIFO",
        /// Last in, first out.
        Lifo "LIFO",
        /// Nearest on the pickers' way to a place, or the beginning of the way.
        Nearest "NEAREST",
    }
}

/// A promise of goods, in the item's base unit. quantity = open + fulfilled + released + shortage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reservation {
    pub reservation_id: ReservationId,
    pub kind: ReservationKind,
    pub state: ReservationState,
    pub item_id: ItemId,
    pub facility_id: Option<FacilityId>,
    pub location_id: Option<LocationId>,
    pub lot_id: Option<LotId>,
    pub strategy: Strategy,
    pub quantity: Quantity,
    /// Still promised; of a HARD one all of it is bound.
    pub open: Quantity,
    pub fulfilled: Quantity,
    pub released: Quantity,
    /// Never found, or lost again.
    pub shortage: Quantity,
    /// 0 to 1000; when goods go missing, lower ones give way first.
    pub priority: i32,
    pub reference: String,
    pub needed_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub created_by: UserId,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// How a part of a promise ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Fulfilled,
    Released,
    Expired,
    Lost,
}

impl Reservation {
    pub fn is_open(&self) -> bool {
        !self.open.is_zero()
    }

    pub fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.is_open() && self.expires_at.is_some_and(|at| at <= now)
    }

    /// What is bound now.
    pub fn allocated(&self) -> Quantity {
        match self.kind {
            ReservationKind::Hard => self.open,
            ReservationKind::Soft => Quantity::ZERO,
        }
    }

    /// As it counts at that moment: an overdue one is over, whether or not anybody took it back yet.
    pub fn as_of(mut self, now: DateTime<Utc>) -> Self {
        if self.is_overdue(now) {
            self.end(self.open, Ending::Expired, now);
        }
        self
    }

    /// Ends `part` of what is open; the state follows from what is left.
    pub fn end(&mut self, part: Quantity, how: Ending, now: DateTime<Utc>) {
        debug_assert!(part <= self.open, "no more than is open can end");
        self.open -= part;
        match how {
            Ending::Fulfilled => self.fulfilled += part,
            Ending::Released | Ending::Expired => self.released += part,
            Ending::Lost => self.shortage += part,
        }
        self.updated_at = now;
        self.state = match how {
            Ending::Lost => ReservationState::Short,
            _ if self.is_open() => self.state,
            Ending::Fulfilled => ReservationState::Fulfilled,
            Ending::Released => ReservationState::Released,
            Ending::Expired => ReservationState::Expired,
        };
    }
}

/// What an open reservation binds in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    pub reservation_id: ReservationId,
    pub balance_id: Uuid,
    /// Goods are taken in this order and given back in the opposite one.
    pub position: i32,
    pub quantity: Quantity,
    pub location_id: LocationId,
    pub facility_code: String,
    pub location_code: String,
    pub lot_id: Option<LotId>,
    pub lot_number: Option<String>,
}

/// A reservation with what people want to see beside it.
#[derive(Clone, Debug)]
pub struct ReservationView {
    pub reservation: Reservation,
    pub item: ItemLabel,
    pub facility_code: Option<String>,
    pub allocations: Vec<Allocation>,
}

/// A promise that gave way because goods went missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, async_graphql::SimpleObject)]
pub struct BrokenReservation {
    pub reservation_id: Uuid,
    pub reference: String,
    /// What it lost by this movement, in the item's base unit.
    #[schema(example = "2")]
    pub quantity: String,
    /// What it lacks altogether.
    pub shortage: String,
}

/// A row of stock that may be bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub balance_id: Uuid,
    pub item_id: ItemId,
    pub location_id: LocationId,
    pub facility_id: FacilityId,
    pub pick_sequence: Option<i32>,
    pub expires_on: Option<NaiveDate>,
    /// When the lot was received; without a lot, when the place first held the item.
    pub received_at: DateTime<Utc>,
    /// On hand and not reserved.
    pub free: Quantity,
}

/// Where the goods should be near to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Near {
    pub facility_id: Option<FacilityId>,
    pub pick_sequence: Option<i32>,
}

/// So much of the candidate with this index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub index: usize,
    pub quantity: Quantity,
}

/// Takes from the candidates in the order of the strategy until `wanted` is reached or nothing is free; the answer is in that
/// order and holds no zero. Ties go to what was received first, then to the smaller id, so that the same stock gives the same answer.
pub fn choose(strategy: Strategy, near: Option<Near>, wanted: Quantity, candidates: &[Candidate]) -> Vec<Choice> {
    let mut order: Vec<usize> = (0..candidates.len()).filter(|index| candidates[*index].free > Quantity::ZERO).collect();
    order.sort_by_cached_key(|index| rank(strategy, near, &candidates[*index]));
    let mut missing = wanted;
    let mut choices = Vec::new();
    for index in order {
        if missing <= Quantity::ZERO {
            break;
        }
        let quantity = missing.min(candidates[index].free);
        missing -= quantity;
        choices.push(Choice { index, quantity });
    }
    choices
}

type Rank = (bool, i64, DateTime<Utc>, Uuid);

fn rank(strategy: Strategy, near: Option<Near>, one: &Candidate) -> Rank {
    let received = one.received_at;
    match strategy {
        Strategy::Fefo => {
            let day = one.expires_on.map_or(i64::MAX, |day| i64::from(day.num_days_from_ce()));
            (false, day, received, one.balance_id)
        }
        Strategy::Fifo => (false, 0, received, one.balance_id),
        Strategy::Lifo => (false, -received.timestamp_micros(), received, one.balance_id),
        Strategy::Nearest => {
            // The ways of two facilities have nothing to do with each other.
            let is_elsewhere = near.and_then(|near| near.facility_id).is_some_and(|facility| facility != one.facility_id);
            let start = near.and_then(|near| near.pick_sequence);
            let distance = one.pick_sequence.map_or(i64::MAX, |at| match start {
                Some(start) if !is_elsewhere => (i64::from(at) - i64::from(start)).abs(),
                _ => i64::from(at),
            });
            (is_elsewhere, distance, received, one.balance_id)
        }
    }
}

/// A promise whose goods went missing, as far as deciding who gives way needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub reservation_id: ReservationId,
    pub balance_id: Uuid,
    pub priority: i32,
    pub created_at: DateTime<Utc>,
    pub quantity: Quantity,
}

/// Who gives way for `missing`: the lowest priority first, then the newest. What a claim gives is taken off it.
pub fn give_way(claims: &mut [Claim], balance: Uuid, mut missing: Quantity) -> Vec<(ReservationId, Quantity)> {
    claims.sort_by_key(|claim| (claim.priority, Reverse(claim.created_at), Reverse(claim.reservation_id)));
    let mut given = Vec::new();
    for claim in claims.iter_mut().filter(|claim| claim.balance_id == balance && !claim.quantity.is_zero()) {
        if missing <= Quantity::ZERO {
            break;
        }
        let part = missing.min(claim.quantity);
        claim.quantity -= part;
        missing -= part;
        given.push((claim.reservation_id, part));
    }
    given
}

#[cfg(test)]
mod tests;
