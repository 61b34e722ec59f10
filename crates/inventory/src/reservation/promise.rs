//! Available to promise (ATP), cumulative with look-ahead, as in APICS' dictionary: on hand and not committed, plus scheduled
//! receipts, less the promises that fall due; and never so much that a later promise could not be kept.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kernel::{FacilityId, Quantity};

use crate::model::ItemLabel;

/// Days ahead that a timeline looks; what lies beyond is no base for a promise.
pub const HORIZON_DAYS: i64 = 366;

/// Goods that are on their way, by the day they are expected; base unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    pub on: NaiveDate,
    pub quantity: Quantity,
}

/// Soft promises that fall due on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    pub on: NaiveDate,
    pub quantity: Quantity,
}

/// What there is of an item, and what is promised of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Supply {
    /// Whatever the status.
    pub on_hand: Quantity,
    /// Released, not past its best-before day, in active places.
    pub released: Quantity,
    /// Bound by hard reservations.
    pub reserved_hard: Quantity,
    /// Released and not bound.
    pub available: Quantity,
    /// By day, those overdue today.
    pub commitments: Vec<Commitment>,
}

impl Supply {
    pub fn reserved_soft(&self) -> Quantity {
        self.commitments.iter().map(|one| one.quantity).sum()
    }
}

/// One day on which something arrives or falls due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineRow {
    pub date: NaiveDate,
    pub receipts: Quantity,
    pub commitments: Quantity,
    /// What will be left at the end of the day when everything comes as expected; below zero when too much was promised.
    pub projected: Quantity,
    /// What may be promised for that day without breaking a later promise.
    pub available_to_promise: Quantity,
}

/// An item's supply and its future.
#[derive(Clone, Debug)]
pub struct Availability {
    pub item_id: kernel::ItemId,
    pub item: ItemLabel,
    pub facility: Option<(FacilityId, String)>,
    pub as_of: chrono::DateTime<chrono::Utc>,
    pub supply: Supply,
    /// What may be promised at once.
    pub promise_now: Quantity,
    pub timeline: Vec<TimelineRow>,
}

/// What may be promised at once, and the days to come. Receipts count from the day they are expected; those before `today` do not,
/// because a promise must not rest on a delivery that is late already.
pub fn timeline(
    today: NaiveDate,
    available: Quantity,
    incoming: &[Incoming],
    commitments: &[Commitment],
) -> (Quantity, Vec<TimelineRow>) {
    let horizon = today + chrono::TimeDelta::days(HORIZON_DAYS);
    let mut days: BTreeMap<NaiveDate, (Quantity, Quantity)> = BTreeMap::new();
    for one in incoming.iter().filter(|one| (today..=horizon).contains(&one.on)) {
        days.entry(one.on).or_default().0 += one.quantity;
    }
    let due: Quantity = commitments.iter().filter(|one| one.on <= today).map(|one| one.quantity).sum();
    for one in commitments.iter().filter(|one| one.on > today) {
        days.entry(one.on.min(horizon)).or_default().1 += one.quantity;
    }
    let now = available - due;
    let mut level = now;
    let mut rows: Vec<TimelineRow> = days
        .into_iter()
        .map(|(date, (receipts, commitments))| {
            level += receipts;
            level -= commitments;
            TimelineRow { date, receipts, commitments, projected: level, available_to_promise: level }
        })
        .collect();
    let mut least = None::<Quantity>;
    for row in rows.iter_mut().rev() {
        row.available_to_promise = least.map_or(row.projected, |least| least.min(row.projected));
        least = Some(row.available_to_promise);
    }
    (least.map_or(now, |least| least.min(now)), rows)
}

/// What may be promised for a day, given what [`timeline`] answered. For today it is what may be promised at once: what arrives
/// today is not here yet.
pub fn available_to_promise(today: NaiveDate, now: Quantity, rows: &[TimelineRow], on: NaiveDate) -> Quantity {
    let row = rows.iter().rev().find(|row| row.date <= on && on > today);
    row.map_or(now, |row| row.available_to_promise)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn day(n: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2027, 1, 1).unwrap() + TimeDelta::days(n)
    }

    fn incoming(on: i64, quantity: u32) -> Incoming {
        Incoming { on: day(on), quantity: quantity.into() }
    }

    fn commitment(on: i64, quantity: u32) -> Commitment {
        Commitment { on: day(on), quantity: quantity.into() }
    }

    #[test]
    fn a_textbook_example() {
        let (now, rows) = timeline(
            day(0),
            20.into(),
            &[incoming(5, 30), incoming(10, 10), incoming(-1, 99)],
            &[commitment(-2, 5), commitment(3, 10), commitment(7, 25)],
        );
        let told: Vec<_> = rows.iter().map(|row| (row.date, row.projected, row.available_to_promise)).collect();
        let expected = [(3, 5, 5), (5, 35, 10), (7, 10, 10), (10, 20, 20)];
        assert_eq!(told, expected.map(|(on, projected, atp)| (day(on), projected.into(), atp.into())));
        assert_eq!(now, 5.into(), "15 are free now, 10 of them are promised for the third day, before anything comes");
        for (on, atp) in [(0, 5), (2, 5), (3, 5), (4, 5), (6, 10), (99, 20)] {
            assert_eq!(available_to_promise(day(0), now, &rows, day(on)), atp.into(), "day {on}");
        }
    }

    #[test]
    fn too_much_promised_shows_below_zero() {
        let (now, rows) = timeline(day(0), 3.into(), &[], &[commitment(4, 5)]);
        assert_eq!((now, rows[0].projected), (-Quantity::from(2), -Quantity::from(2)));
    }

    proptest! {
        /// Promising what is available for a day, and then asking again, leaves nothing for that day and breaks nobody.
        #[test]
        fn a_promise_of_all_that_is_available_leaves_no_day_below_zero(
            available in 0_u32..50,
            receipts in prop::collection::vec((0_i64..20, 1_u32..30), 0..6),
            promises in prop::collection::vec((0_i64..25, 0_u32..100), 1..6),
        ) {
            let incoming: Vec<_> = receipts.iter().map(|(on, quantity)| incoming(*on, *quantity)).collect();
            let mut commitments: Vec<Commitment> = Vec::new();
            for (on, wanted) in promises {
                let (now, rows) = timeline(day(0), available.into(), &incoming, &commitments);
                let atp = available_to_promise(day(0), now, &rows, day(on));
                prop_assert!(atp >= Quantity::ZERO);
                let kept = atp.min(wanted.into());
                commitments.push(Commitment { on: day(on), quantity: kept });
                let (now, rows) = timeline(day(0), available.into(), &incoming, &commitments);
                prop_assert!(now >= Quantity::ZERO && rows.iter().all(|row| row.projected >= Quantity::ZERO), "{now} {rows:?}");
                prop_assert_eq!(available_to_promise(day(0), now, &rows, day(on)), atp - kept);
            }
        }
    }
}
