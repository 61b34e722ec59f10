use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::strategy::Strategy;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn candidate(n: usize, facility: u8, sequence: Option<i32>, expiry: Option<u8>, received: u8, free: i64) -> Candidate {
    Candidate {
        balance_id: Uuid::from_u128(n as u128 + 1),
        item_id: ItemId(Uuid::nil()),
        location_id: LocationId(Uuid::from_u128(100 + n as u128)),
        facility_id: FacilityId(Uuid::from_u128(u128::from(facility))),
        pick_sequence: sequence,
        expires_on: expiry.map(|day| at(0).date_naive() + TimeDelta::days(i64::from(day))),
        received_at: at(i64::from(received)),
        free: Quantity::from_micro(free),
    }
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0_u8..3, prop::option::of(0..9), prop::option::of(0_u8..5), 0_u8..5, 0_i64..5_000_000);
    prop::collection::vec(one, 0..12).prop_map(|rows| {
        let rows = rows.into_iter().enumerate();
        rows.map(|(n, (facility, sequence, expiry, received, free))| candidate(n, facility, sequence, expiry, received, free))
            .collect()
    })
}

/// Whether `a` should be taken before `b`, said without a rank: by comparing two candidates at a time.
fn comes_first(strategy: super::Strategy, near: Option<Near>, a: &Candidate, b: &Candidate) -> bool {
    let distance = |one: &Candidate| {
        let near = near.filter(|near| near.facility_id.is_none_or(|facility| facility == one.facility_id));
        let from = near.and_then(|near| near.pick_sequence).unwrap_or(0);
        one.pick_sequence.map_or(i64::MAX, |at| (i64::from(at) - i64::from(from)).abs())
    };
    let elsewhere = |one: &Candidate| near.and_then(|near| near.facility_id).is_some_and(|facility| facility != one.facility_id);
    let (sooner, later) = match strategy {
        super::Strategy::Fefo => match (a.expires_on, b.expires_on) {
            (Some(a), Some(b)) => (a < b, b < a),
            (a, b) => (a.is_some() && b.is_none(), b.is_some() && a.is_none()),
        },
        super::Strategy::Fifo => (a.received_at < b.received_at, b.received_at < a.received_at),
        super::Strategy::Lifo => (a.received_at > b.received_at, b.received_at > a.received_at),
        super::Strategy::Nearest if elsewhere(a) != elsewhere(b) => (elsewhere(b), elsewhere(a)),
        super::Strategy::Nearest => (distance(a) < distance(b), distance(b) < distance(a)),
    };
    if sooner || later { sooner } else { (a.received_at, a.balance_id) < (b.received_at, b.balance_id) }
}

proptest! {
    /// The naive model: again and again take one millionth lot by looking for the row that no other precedes.
    #[test]
    fn every_strategy_agrees_with_repeatedly_taking_the_best(
        candidates in candidates(),
        strategy in prop::sample::select(super::Strategy::ALL),
        near in prop::option::of((prop::option::of(0_u8..3), prop::option::of(0..9))),
        wanted in 1_i64..20_000_000,
    ) {
        let near = near.map(|(facility, pick_sequence)| {
            Near { facility_id: facility.map(|n| FacilityId(Uuid::from_u128(u128::from(n)))), pick_sequence }
        });
        let choices = choose(strategy, near, Quantity::from_micro(wanted), &candidates);
        let mut left: Vec<usize> = (0..candidates.len()).filter(|n| !candidates[*n].free.is_zero()).collect();
        let (mut missing, mut expected) = (wanted, Vec::new());
        while missing > 0 && !left.is_empty() {
            let best = *left.iter().find(|a| left.iter().all(|b| *a == b || comes_first(strategy, near, &candidates[**a], &candidates[*b]))).unwrap();
            left.retain(|n| *n != best);
            let part = missing.min(candidates[best].free.micro());
            missing -= part;
            expected.push((best, part));
        }
        let got: Vec<(usize, i64)> = choices.iter().map(|choice| (choice.index, choice.quantity.micro())).collect();
        prop_assert_eq!(got, expected);
        let available: i64 = candidates.iter().map(|one| one.free.micro()).sum();
        prop_assert_eq!(choices.iter().map(|choice| choice.quantity.micro()).sum::<i64>(), wanted.min(available));
    }

    #[test]
    fn the_lowest_priority_and_then_the_newest_give_way(
        rows in prop::collection::vec((0_u8..2, 0_i32..3, 0_i64..4, 0_i64..5), 0..10),
        missing in 0_i64..12,
    ) {
        let mut claims: Vec<Claim> = rows.iter().enumerate().map(|(n, (balance, priority, created, quantity))| Claim {
            reservation_id: ReservationId(Uuid::from_u128(n as u128)),
            balance_id: Uuid::from_u128(u128::from(*balance)),
            priority: *priority,
            created_at: at(*created),
            quantity: Quantity::from_micro(*quantity),
        }).collect();
        let before = claims.clone();
        let given = give_way(&mut claims, Uuid::nil(), Quantity::from_micro(missing));
        let held: i64 = before.iter().filter(|claim| claim.balance_id.is_nil()).map(|claim| claim.quantity.micro()).sum();
        prop_assert_eq!(given.iter().map(|(_, part)| part.micro()).sum::<i64>(), missing.min(held));
        let of = |claims: &[Claim], id| *claims.iter().find(|claim| claim.reservation_id == id).unwrap();
        for (id, part) in &given {
            prop_assert_eq!(of(&before, *id).quantity - *part, of(&claims, *id).quantity);
        }
        // Nobody gave while somebody there with less right kept something.
        for (loser, _) in &given {
            let loser = of(&before, *loser);
            for keeper in claims.iter().filter(|claim| claim.balance_id.is_nil() && !claim.quantity.is_zero() && claim.reservation_id != loser.reservation_id) {
                let weaker = (keeper.priority, Reverse(keeper.created_at)) < (loser.priority, Reverse(loser.created_at));
                prop_assert!(!weaker, "{keeper:?} kept what {loser:?} lost");
            }
        }
    }
}

fn reservation(kind: ReservationKind, quantity: u32) -> Reservation {
    Reservation {
        reservation_id: ReservationId(Uuid::nil()),
        kind,
        state: ReservationState::Active,
        item_id: ItemId(Uuid::nil()),
        facility_id: None,
        location_id: None,
        lot_id: None,
        strategy: super::Strategy::Fefo,
        quantity: quantity.into(),
        open: quantity.into(),
        fulfilled: Quantity::ZERO,
        released: Quantity::ZERO,
        shortage: Quantity::ZERO,
        priority: 0,
        reference: String::new(),
        needed_at: None,
        expires_at: Some(at(60)),
        created_by: UserId(Uuid::nil()),
        created_at: at(0),
        updated_at: at(0),
    }
}

#[test]
fn the_state_follows_from_what_is_left() {
    let mut one = reservation(ReservationKind::Hard, 10);
    one.end(3.into(), Ending::Fulfilled, at(1));
    assert_eq!((one.state, one.allocated()), (ReservationState::Active, 7.into()));
    one.end(2.into(), Ending::Lost, at(2));
    assert_eq!((one.state, one.shortage), (ReservationState::Short, 2.into()));
    one.end(1.into(), Ending::Released, at(3));
    assert_eq!(one.state, ReservationState::Short, "still short, still open");
    one.end(4.into(), Ending::Fulfilled, at(4));
    assert_eq!((one.state, one.open), (ReservationState::Fulfilled, Quantity::ZERO));
    assert_eq!(one.fulfilled + one.released + one.shortage, one.quantity);
}

#[test]
fn an_overdue_promise_is_over_to_the_second() {
    let one = reservation(ReservationKind::Hard, 10);
    assert_eq!(one.clone().as_of(at(59)).state, ReservationState::Active);
    let over = one.as_of(at(60));
    assert_eq!((over.state, over.allocated(), over.released), (ReservationState::Expired, Quantity::ZERO, 10.into()));
    let mut done = reservation(ReservationKind::Soft, 1);
    done.end(1.into(), Ending::Released, at(1));
    assert_eq!(done.as_of(at(99)).state, ReservationState::Released, "what is over does not expire");
}
