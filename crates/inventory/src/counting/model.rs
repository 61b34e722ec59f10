//! The states of a count and the decision about a line, without the database.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use kernel::{CountId, CountLineId, FacilityId, Invalid, ItemId, LocationId, LotId, MovementId, Quantity, UserId};
use platform::auth::Actor;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::COUNTS_APPROVE;
use crate::model::{ItemLabel, QualityStatus, named};

named! {
    /// How far a count is.
    CountState {
        /// Nobody has begun.
        Open "OPEN",
        Counting "COUNTING",
        /// Everything is counted, some variance waits for approval.
        Review "REVIEW",
        Closed "CLOSED",
        Cancelled "CANCELLED",
    }

    /// How far a place of a count is.
    PlaceState {
        Waiting "WAITING",
        Started "STARTED",
        Counted "COUNTED",
    }

    /// What is to be done with a line of a count.
    LineState {
        /// To be counted.
        Open "OPEN",
        /// To be counted by somebody who has not counted it in this round.
        Recount "RECOUNT",
        /// The variance is outside the tolerance and waits for somebody who did not count it.
        Approval "APPROVAL",
        /// Counted without variance, or the variance is in the ledger.
        Approved "APPROVED",
        /// Ended without adjustment.
        Closed "CLOSED",
    }
}

impl CountState {
    pub fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Cancelled)
    }
}

impl LineState {
    pub fn is_to_count(self) -> bool {
        matches!(self, Self::Open | Self::Recount)
    }
}

/// How large a variance may be to be written off unseen: the larger of an amount and a share of the book quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tolerance {
    /// In the item's base unit.
    pub quantity: Quantity,
    /// 0 to 100.
    pub percent: Decimal,
}

impl Tolerance {
    pub fn covers(&self, book: Quantity, variance: Quantity) -> bool {
        let share = book.decimal().abs() * self.percent / Decimal::ONE_HUNDRED;
        variance.decimal().abs() <= share.max(self.quantity.decimal())
    }
}

/// One person's count of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    pub counted: Quantity,
    /// What the ledger held at the moment of counting.
    pub book: Quantity,
    pub by: UserId,
}

impl Finding {
    pub fn variance(&self) -> Quantity {
        self.counted - self.book
    }
}

/// What follows from the counts of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Within the tolerance: the variance is adjusted at once.
    Accepted,
    /// Somebody else must count.
    Recount,
    /// The last variance waits for approval.
    Approval,
}

impl Verdict {
    /// Of the counts of one round in order, at least one. The first decides when it is within the tolerance; two decide
    /// when they found the same variance; the third decides alone.
    pub fn of(tolerance: &Tolerance, findings: &[Finding]) -> Self {
        let Some(last) = findings.last() else { return Self::Recount };
        let within = tolerance.covers(last.book, last.variance());
        match findings {
            [_] if within => Self::Accepted,
            [_] => Self::Recount,
            [first, second] if first.variance() == second.variance() => {
                if within {
                    Self::Accepted
                } else {
                    Self::Approval
                }
            }
            [_, _] => Self::Recount,
            _ if within => Self::Accepted,
            _ => Self::Approval,
        }
    }

    pub fn state(self) -> LineState {
        match self {
            Self::Accepted => LineState::Approved,
            Self::Recount => LineState::Recount,
            Self::Approval => LineState::Approval,
        }
    }
}

/// Nobody counts a line twice in one round.
pub fn may_count(state: LineState, findings: &[Finding], user: UserId) -> Result<(), &'static str> {
    match state {
        LineState::Open => Ok(()),
        LineState::Recount if findings.iter().any(|one| one.by == user) => {
            Err("was counted by you already; somebody else must count it again")
        }
        LineState::Recount => Ok(()),
        LineState::Approval => Err("is counted and waits for approval"),
        LineState::Approved => Err("is counted and decided"),
        LineState::Closed => Err("is closed"),
    }
}

/// What the state of a count follows from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub locations: i64,
    pub locations_started: i64,
    pub locations_counted: i64,
    pub lines: i64,
    pub lines_open: i64,
    pub lines_recount: i64,
    pub lines_approval: i64,
}

impl Progress {
    pub fn state(&self) -> CountState {
        if self.locations_started == 0 {
            CountState::Open
        } else if self.locations_counted < self.locations || self.lines_open + self.lines_recount > 0 {
            CountState::Counting
        } else if self.lines_approval > 0 {
            CountState::Review
        } else {
            CountState::Closed
        }
    }
}

/// How well the ledger agreed with what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    /// Lines that were counted.
    pub lines: i64,
    /// Lines whose first count lay within the tolerance.
    pub within: i64,
    /// Sum of the absolute variances, each in its item's base unit.
    pub absolute_variance: Quantity,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub count_id: CountId,
    pub code: String,
    pub facility_id: FacilityId,
    pub facility_code: String,
    pub state: CountState,
    pub blind: bool,
    pub tolerance: Tolerance,
    /// Empty: every item.
    pub items: Vec<ItemId>,
    pub note: String,
    pub version: i32,
    pub created_by: UserId,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    pub progress: Progress,
    pub accuracy: Accuracy,
}

impl Count {
    /// A blind count hides from those who count what the ledger expects and what others found.
    pub fn shows_book_to(&self, actor: &Actor) -> bool {
        !self.blind || actor.may(COUNTS_APPROVE)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountPlace {
    pub location_id: LocationId,
    pub location_code: String,
    pub sequence: i32,
    pub state: PlaceState,
    pub lines: i64,
    pub lines_to_count: i64,
    pub started_at: Option<DateTime<Utc>>,
    pub counted_at: Option<DateTime<Utc>>,
    /// When any count last looked at all of it.
    pub last_counted_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountLine {
    pub count_line_id: CountLineId,
    pub count_id: CountId,
    pub location_id: LocationId,
    pub location_code: String,
    pub sequence: i32,
    pub line_no: i32,
    pub item_id: ItemId,
    pub lot_id: Option<LotId>,
    pub lot_number: Option<String>,
    pub expires_on: Option<NaiveDate>,
    pub quality_status: QualityStatus,
    pub state: LineState,
    pub is_unexpected: bool,
    pub round: i32,
    pub first_within: Option<bool>,
    pub counted: Option<Quantity>,
    pub book: Option<Quantity>,
    pub variance: Option<Quantity>,
    /// What the ledger holds now.
    pub on_hand: Quantity,
    pub movement_id: Option<MovementId>,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<DateTime<Utc>>,
    pub reason: String,
}

/// A count of a line as it was entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entered {
    pub count_line_id: CountLineId,
    /// From 1, through all rounds.
    pub attempt: i32,
    pub round: i32,
    pub counted: Quantity,
    pub book: Quantity,
    pub by: UserId,
    pub by_name: String,
    pub counted_at: DateTime<Utc>,
    pub submitted_at: DateTime<Utc>,
}

impl Entered {
    pub fn finding(&self) -> Finding {
        Finding { counted: self.counted, book: self.book, by: self.by }
    }
}

/// A line with all that a reader may ask of it.
#[derive(Clone, Debug)]
pub struct LineView {
    pub line: CountLine,
    pub item: ItemLabel,
    /// In the order of counting.
    pub entries: Vec<Entered>,
}

impl LineView {
    /// The counts that decide now.
    pub fn findings(&self) -> Vec<Finding> {
        self.entries.iter().filter(|entry| entry.round == self.line.round).map(Entered::finding).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn found(by: u128, counted: u32, book: u32) -> Finding {
        Finding { counted: counted.into(), book: book.into(), by: user(by) }
    }

    fn tolerance(quantity: u32, percent: i64) -> Tolerance {
        Tolerance { quantity: quantity.into(), percent: Decimal::from(percent) }
    }

    #[test]
    fn the_larger_of_amount_and_share_is_tolerated() {
        let (amount, share) = (tolerance(2, 0), tolerance(2, 10));
        let minus = |n: u32| Quantity::ZERO - Quantity::from(n);
        assert!(amount.covers(100.into(), minus(2)) && !amount.covers(100.into(), minus(3)));
        assert!(share.covers(100.into(), minus(10)) && !share.covers(100.into(), minus(11)));
        assert!(share.covers(0.into(), 2.into()) && !share.covers(0.into(), 3.into()));
        assert!(tolerance(0, 0).covers(5.into(), Quantity::ZERO) && !tolerance(0, 0).covers(5.into(), 1.into()));
    }

    #[test]
    fn the_ways_of_a_line() {
        let strict = tolerance(0, 0);
        let of = |findings: &[Finding]| Verdict::of(&strict, findings);
        assert_eq!(of(&[found(1, 5, 5)]), Verdict::Accepted);
        assert_eq!(of(&[found(1, 4, 5)]), Verdict::Recount);
        assert_eq!(of(&[found(1, 4, 5), found(2, 3, 4)]), Verdict::Approval, "one is missing, though one was moved meanwhile");
        assert_eq!(of(&[found(1, 4, 5), found(2, 5, 5)]), Verdict::Recount, "they disagree");
        assert_eq!(of(&[found(1, 4, 5), found(2, 3, 5), found(3, 5, 5)]), Verdict::Accepted);
        assert_eq!(of(&[found(1, 4, 5), found(2, 3, 5), found(3, 9, 5)]), Verdict::Approval);
    }

    #[test]
    fn a_count_is_over_when_every_place_is_counted_and_every_line_decided() {
        let progress = |started, counted, open, recount, approval| Progress {
            locations: 2,
            locations_started: started,
            locations_counted: counted,
            lines: 9,
            lines_open: open,
            lines_recount: recount,
            lines_approval: approval,
        };
        assert_eq!(progress(0, 0, 0, 0, 0).state(), CountState::Open);
        assert_eq!(progress(1, 1, 0, 0, 0).state(), CountState::Counting);
        assert_eq!(progress(2, 2, 0, 1, 1).state(), CountState::Counting);
        assert_eq!(progress(2, 2, 0, 0, 1).state(), CountState::Review);
        assert_eq!(progress(2, 2, 0, 0, 0).state(), CountState::Closed);
    }

    prop_compose! {
        fn counts()(rows in prop::collection::vec((0_u32..8, 0_u32..8), 1..20)) -> Vec<(u32, u32)> {
            rows
        }
    }

    proptest! {
        /// Plays whole rounds: somebody who may counts, until nobody need.
        #[test]
        fn every_round_ends_after_at_most_three_people(rows in counts(), amount in 0_u32..3, percent in 0_i64..40) {
            let tolerance = tolerance(amount, percent);
            let (mut state, mut findings) = (LineState::Open, Vec::new());
            for (n, (counted, book)) in rows.iter().enumerate() {
                let by = user(n as u128 % 4);
                if may_count(state, &findings, by).is_err() {
                    prop_assert!(!state.is_to_count() || findings.iter().any(|one: &Finding| one.by == by));
                    continue;
                }
                findings.push(Finding { counted: (*counted).into(), book: (*book).into(), by });
                state = Verdict::of(&tolerance, &findings).state();
                prop_assert_eq!(state, naive(&tolerance, &findings));
            }
            let mut people: Vec<_> = findings.iter().map(|one| one.by).collect();
            people.sort_unstable();
            people.dedup();
            prop_assert_eq!(people.len(), findings.len(), "each counted once");
            prop_assert!(findings.len() <= 3);
            let last = findings.last().unwrap();
            match state {
                LineState::Approved => prop_assert!(tolerance.covers(last.book, last.variance())),
                LineState::Approval => prop_assert!(findings.len() > 1 && !tolerance.covers(last.book, last.variance())),
                other => prop_assert_eq!(other, LineState::Recount),
            }
        }
    }

    /// The rules once more as a table of what was seen, in whole numbers.
    fn naive(tolerance: &Tolerance, findings: &[Finding]) -> LineState {
        let micro = |quantity: Quantity| i128::from(quantity.micro());
        let small = |one: &Finding| {
            let variance = (micro(one.counted) - micro(one.book)).abs();
            let percent = tolerance.percent.mantissa();
            variance <= micro(tolerance.quantity) || variance * 100 <= micro(one.book) * percent
        };
        let differ = |a: &Finding, b: &Finding| micro(a.counted) - micro(a.book) != micro(b.counted) - micro(b.book);
        let last = findings.last().unwrap();
        let undecided = findings.len() == 1 && !small(last) || findings.len() == 2 && differ(&findings[0], &findings[1]);
        match (undecided, small(last)) {
            (true, _) => LineState::Recount,
            (false, true) => LineState::Approved,
            (false, false) => LineState::Approval,
        }
    }
}
