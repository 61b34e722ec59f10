use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use kernel::{LocationId, LotId, Quantity};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{BalanceRow, LocationKind, MovementKind, QualityStatus};
use crate::store::lots::NEVER;

/// Movements between two checkpoints of an item; more where the item lies in more places, so that checkpoints never outgrow
/// the movements that they save reading.
pub const INTERVAL: usize = 256;

/// The clock that decides what counts as past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
#[graphql(name = "HistoryAxis")]
pub enum Axis {
    /// When it happened: what was really there. A movement recorded late changes it.
    #[default]
    EffectiveAt,
    /// When it was recorded: what the books said then. Nothing changes it afterwards.
    RecordedAt,
}

impl Axis {
    pub const ALL: [Self; 2] = [Self::EffectiveAt, Self::RecordedAt];

    /// The name in the table of checkpoints.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EffectiveAt => "EFFECTIVE",
            Self::RecordedAt => "RECORDED",
        }
    }
}

/// Where a quantity of an item was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Spot {
    pub location: LocationId,
    pub lot: Option<LotId>,
    pub status: QualityStatus,
}

/// One movement of an item, as far as sums need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub seq: i64,
    pub effective_at: DateTime<Utc>,
    pub recorded_at: DateTime<Utc>,
    pub kind: MovementKind,
    pub lot: Option<LotId>,
    pub quantity: Decimal,
    pub from: (LocationId, QualityStatus),
    pub to: (LocationId, QualityStatus),
}

impl Moved {
    pub fn at(&self, axis: Axis) -> DateTime<Utc> {
        match axis {
            Axis::EffectiveAt => self.effective_at,
            Axis::RecordedAt => self.recorded_at,
        }
    }
}

fn is_physical(location: LocationId) -> bool {
    LocationKind::of_virtual(location).is_none()
}

/// What movements add up to, in the item's base unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Physical places only, and none that is zero.
    pub balances: BTreeMap<Spot, Decimal>,
    /// In all physical places.
    pub on_hand: Decimal,
    /// Came in from outside since the beginning: receipts, found goods, output of production.
    pub received: Decimal,
    /// Was used since the beginning: issues, and what production consumed.
    pub issued: Decimal,
}

impl Standing {
    pub fn apply(&mut self, moved: &Moved) {
        let (comes_in, goes_out) = (!is_physical(moved.from.0), !is_physical(moved.to.0));
        if !comes_in {
            self.change(Spot { location: moved.from.0, lot: moved.lot, status: moved.from.1 }, -moved.quantity);
        }
        if !goes_out {
            self.change(Spot { location: moved.to.0, lot: moved.lot, status: moved.to.1 }, moved.quantity);
        }
        if comes_in {
            self.received += moved.quantity;
        }
        if goes_out && matches!(moved.kind, MovementKind::Issue | MovementKind::Production) {
            self.issued += moved.quantity;
        }
    }

    pub fn add(&mut self, other: &Self) {
        for (spot, quantity) in &other.balances {
            self.change(*spot, *quantity);
        }
        self.received += other.received;
        self.issued += other.issued;
    }

    pub fn change(&mut self, spot: Spot, by: Decimal) {
        self.on_hand += by;
        let quantity = self.balances.entry(spot).or_default();
        *quantity += by;
        if quantity.is_zero() {
            self.balances.remove(&spot);
        }
    }
}

/// What all movements of an item up to a number, and with a time at or before `at`, add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub at: DateTime<Utc>,
    /// Movements after the checkpoint before and before `at` itself: what an answer between the two has to read at most.
    pub row_count: i64,
    pub standing: Standing,
}

/// Makes checkpoints of movements that arrive in the order of an axis.
pub struct Cutter {
    axis: Axis,
    /// No checkpoint is made after this moment: movements around it may still be on their way.
    horizon: DateTime<Utc>,
    standing: Standing,
    last_at: Option<DateTime<Utc>>,
    rows: usize,
    /// Of those, the ones before `last_at`.
    rows_before: usize,
    made: Vec<Checkpoint>,
}

impl Cutter {
    /// `from` is what everything before the first movement adds up to.
    pub fn new(axis: Axis, from: Standing, horizon: DateTime<Utc>) -> Self {
        Self { axis, horizon, standing: from, last_at: None, rows: 0, rows_before: 0, made: Vec::new() }
    }

    pub fn feed(&mut self, moved: &Moved) {
        let at = moved.at(self.axis);
        if self.last_at != Some(at) {
            self.cut();
            self.rows_before = self.rows;
            self.last_at = Some(at);
        }
        self.standing.apply(moved);
        self.rows += 1;
    }

    /// Movements of one moment stay together, so a checkpoint is made between moments only.
    fn cut(&mut self) {
        let Some(at) = self.last_at.filter(|at| *at <= self.horizon) else { return };
        if self.rows < INTERVAL.max(self.standing.balances.len()) {
            return;
        }
        self.made.push(Checkpoint { at, row_count: self.rows_before as i64, standing: self.standing.clone() });
        self.rows = 0;
    }

    /// The checkpoints, and how many movements lie behind the last one.
    pub fn finish(mut self) -> (Vec<Checkpoint>, usize) {
        self.cut();
        (self.made, self.rows)
    }
}

/// Adds late movements to checkpoints that exist; those are visited in the order of their time.
pub struct Folder {
    axis: Axis,
    late: Vec<Moved>,
    next: usize,
    sum: Standing,
}

impl Folder {
    pub fn new(axis: Axis, mut late: Vec<Moved>) -> Self {
        late.sort_by_key(|moved| (moved.at(axis), moved.seq));
        Self { axis, late, next: 0, sum: Standing::default() }
    }

    /// The time of the first late movement.
    pub fn first(&self) -> Option<DateTime<Utc>> {
        self.late.first().map(|moved| moved.at(self.axis))
    }

    pub fn fold(&mut self, checkpoint: &mut Checkpoint) {
        while let Some(moved) = self.late.get(self.next).filter(|moved| moved.at(self.axis) <= checkpoint.at) {
            self.sum.apply(moved);
            checkpoint.row_count += i64::from(moved.at(self.axis) < checkpoint.at);
            self.next += 1;
        }
        checkpoint.standing.add(&self.sum);
    }
}

/// The ages that divide stock into buckets: 0–30, 31–60, 61–90, 91–180, 181–365 and more days.
pub const AGE_LIMITS_DAYS: [i64; 5] = [30, 60, 90, 180, 365];
pub const BUCKETS: [&str; 6] = ["0-30", "31-60", "61-90", "91-180", "181-365", "over 365"];

/// The moments that the age limits are, seen from `now`.
pub fn age_moments(now: DateTime<Utc>) -> [DateTime<Utc>; 5] {
    AGE_LIMITS_DAYS.map(|days| now - TimeDelta::days(days))
}

/// How long the stock of an item has lain, by FIFO: what is there is what came last. One quantity per bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Aged {
    pub buckets: [Decimal; 6],
}

impl Aged {
    /// `entered` is what came in since each age limit; it grows from limit to limit.
    pub fn of(on_hand: Decimal, entered: [Decimal; 5]) -> Self {
        let mut buckets = [Decimal::ZERO; 6];
        let mut younger = Decimal::ZERO;
        for (bucket, entered) in buckets.iter_mut().zip(entered) {
            let covered = entered.min(on_hand).max(younger);
            *bucket = covered - younger;
            younger = covered;
        }
        buckets[5] = on_hand - younger;
        Self { buckets }
    }

    pub fn total(&self) -> Decimal {
        self.buckets.iter().sum()
    }
}

/// How fast an item's stock turned over in a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turnover {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// Issued to customers and consumed by production.
    pub issued: Decimal,
    pub received: Decimal,
    pub opening: Decimal,
    pub closing: Decimal,
    /// The mean over the period, by the trapezoidal rule over equal parts.
    pub average: Decimal,
}

impl Turnover {
    /// `points` are the quantities on hand at equal distances from the beginning to the end of the period, both included.
    pub fn of((from, to): (DateTime<Utc>, DateTime<Utc>), (received, issued): (Decimal, Decimal), points: &[Decimal]) -> Self {
        let (opening, closing) = (points.first().copied().unwrap_or_default(), points.last().copied().unwrap_or_default());
        let inner: Decimal = points.iter().sum::<Decimal>() - (opening + closing) / Decimal::TWO;
        let parts = Decimal::from(points.len().saturating_sub(1).max(1));
        Self { from, to, issued, received, opening, closing, average: (inner / parts).round_dp(Quantity::SCALE) }
    }

    /// Inventory turns: what was issued over the average stock; none while there was no stock.
    pub fn turns(&self) -> Option<Decimal> {
        (self.average > Decimal::ZERO).then(|| (self.issued / self.average).round_dp(4))
    }

    /// Days that the closing stock lasts at the period's rate of issue; none while nothing was issued.
    pub fn days_of_cover(&self) -> Option<Decimal> {
        let days = Decimal::from((self.to - self.from).num_minutes()) / Decimal::from(24 * 60);
        (self.issued > Decimal::ZERO).then(|| (self.closing * days / self.issued).round_dp(1))
    }
}

/// Why stock is not to be used now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NotOffered {
    /// All of it is reserved.
    Reserved,
    NotReleased,
    /// Its best-before day is past.
    Expired,
}

/// Stock in the order of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InUse {
    pub balance: BalanceRow,
    pub not_offered: Option<NotOffered>,
}

/// What decides the order of use: offered or not, expiry, receipt, then place and id so that the order is total.
pub type FefoKey = (u8, NaiveDate, DateTime<Utc>, String, Uuid);

impl InUse {
    pub fn key(&self) -> FefoKey {
        let balance = &self.balance;
        let rank = self.not_offered.map_or(0, |reason| 1 + reason as u8);
        let received = balance.lot_received_at.unwrap_or(balance.updated_at);
        (rank, balance.expires_on.unwrap_or(NEVER), received, balance.location_code.clone(), balance.balance_id)
    }
}

/// First expired, first out: what expires soonest, then what came first. What must not be used comes last, and says why.
pub fn fefo(balances: Vec<BalanceRow>, today: NaiveDate) -> Vec<InUse> {
    let mut ordered: Vec<InUse> = balances
        .into_iter()
        .map(|balance| {
            let not_offered = if balance.expires_on.is_some_and(|day| day < today) {
                Some(NotOffered::Expired)
            } else if balance.quality_status != QualityStatus::Released {
                Some(NotOffered::NotReleased)
            } else if balance.available() <= Quantity::ZERO {
                Some(NotOffered::Reserved)
            } else {
                None
            };
            InUse { balance, not_offered }
        })
        .collect();
    ordered.sort_by_key(InUse::key);
    ordered
}

#[cfg(test)]
mod tests;
