use kernel::{FacilityId, ItemId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::model::{CUSTOMER, SUPPLIER};

fn place(n: u8) -> LocationId {
    match n {
        0 => SUPPLIER,
        1 => CUSTOMER,
        n => LocationId(Uuid::from_u128(1_000 + u128::from(n))),
    }
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
}

fn moved(seq: i64, effective: i64, from: u8, to: u8, quantity: i64) -> Moved {
    Moved {
        seq,
        effective_at: at(effective),
        recorded_at: at(seq),
        kind: if to == 1 { MovementKind::Issue } else { MovementKind::Receipt },
        lot: None,
        quantity: Decimal::from(quantity),
        from: (place(from), QualityStatus::Released),
        to: (place(to), QualityStatus::Released),
    }
}

/// Movements numbered from 1; every so often one is late.
fn histories() -> impl Strategy<Value = Vec<Moved>> {
    let one = (0..5_u8, 0..5_u8, 1..9_i64, prop_oneof![4 => Just(0_i64), 1 => 1..3_000_i64]);
    let one = one.prop_filter("two places, one of them real", |(from, to, ..)| from != to && (*from > 1 || *to > 1));
    prop::collection::vec(one, 0..1_500).prop_map(|rows| {
        let rows = rows.into_iter().enumerate();
        // Several share a second, so that moments with many movements are among them.
        rows.map(|(n, (from, to, quantity, late))| {
            let seq = n as i64 + 1;
            moved(seq, seq / 3 - late, from, to, quantity)
        })
        .collect()
    })
}

fn sum<'a>(moves: impl Iterator<Item = &'a Moved>) -> Standing {
    let mut standing = Standing::default();
    moves.for_each(|one| standing.apply(one));
    standing
}

fn cut(axis: Axis, mut moves: Vec<Moved>, from: Standing) -> Vec<Checkpoint> {
    moves.sort_by_key(|one| (one.at(axis), one.seq));
    let mut cutter = Cutter::new(axis, from, DateTime::<Utc>::MAX_UTC);
    moves.iter().for_each(|one| cutter.feed(one));
    cutter.finish().0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_checkpoint_is_the_sum_of_what_lies_before_it(moves in histories(), split in 0..1_500_usize) {
        for axis in Axis::ALL {
            let (first, rest) = moves.split_at(split.min(moves.len()));
            let mut checkpoints = cut(axis, first.to_vec(), Standing::default());
            let newest = checkpoints.last().map(|one| one.at);
            let (late, _): (Vec<Moved>, Vec<Moved>) = rest.iter().cloned().partition(|one| newest.is_some_and(|at| one.at(axis) <= at));
            let mut folder = Folder::new(axis, late.clone());
            let from = folder.first();
            for checkpoint in checkpoints.iter_mut().filter(|one| from.is_some_and(|from| one.at >= from)) {
                folder.fold(checkpoint);
            }
            let known = || first.iter().chain(&late);
            for checkpoint in &checkpoints {
                let expected = sum(known().filter(|one| one.at(axis) <= checkpoint.at));
                prop_assert_eq!(&checkpoint.standing, &expected);
            }
            for pair in checkpoints.windows(2) {
                let between = known().filter(|one| one.at(axis) > pair[0].at && one.at(axis) < pair[1].at).count();
                prop_assert_eq!(pair[1].row_count, between as i64);
            }
        }
    }

    #[test]
    fn ages_share_out_exactly_what_is_on_hand(on_hand in 0..1_000_i64, mut entered in prop::array::uniform5(0..1_000_i64)) {
        entered.sort_unstable();
        let aged = Aged::of(Decimal::from(on_hand), entered.map(Decimal::from));
        prop_assert_eq!(aged.total(), Decimal::from(on_hand));
        prop_assert!(aged.buckets.iter().all(|quantity| *quantity >= Decimal::ZERO));
        // FIFO: no older goods while younger ones could account for them.
        let younger: Decimal = aged.buckets[..5].iter().sum();
        prop_assert_eq!(younger, Decimal::from(on_hand.min(entered[4])));
    }
}

#[test]
fn movements_of_one_moment_stay_together() {
    let moves: Vec<Moved> = (1..=1_000).map(|seq| moved(seq, 7, 0, 2, 1)).collect();
    let made = cut(Axis::EffectiveAt, moves.clone(), Standing::default());
    assert_eq!(made.len(), 1);
    assert_eq!((made[0].at, made[0].row_count, made[0].standing.on_hand), (at(7), 0, Decimal::from(1_000)));
    assert_eq!(cut(Axis::RecordedAt, moves, Standing::default()).len(), 1_000 / INTERVAL);
}

#[test]
fn nothing_is_cut_after_the_horizon() {
    let mut cutter = Cutter::new(Axis::EffectiveAt, Standing::default(), at(300));
    (1..=1_000).for_each(|seq| cutter.feed(&moved(seq, seq, 0, 2, 1)));
    let (made, behind) = cutter.finish();
    assert_eq!(made.iter().map(|one| one.at).collect::<Vec<_>>(), [at(256)]);
    assert_eq!(behind, 744);
}

#[test]
fn turnover_is_issues_over_the_mean_stock() {
    let points = [100, 50, 0].map(Decimal::from);
    let turnover = Turnover::of((at(0), at(86_400 * 30)), (Decimal::ZERO, Decimal::from(100)), &points);
    assert_eq!((turnover.average, turnover.turns()), (Decimal::from(50), Some(Decimal::from(2))));
    assert_eq!(turnover.days_of_cover(), Some(Decimal::ZERO));
    let still = Turnover::of((at(0), at(1)), (Decimal::ZERO, Decimal::ZERO), &[Decimal::ZERO; 2]);
    assert_eq!((still.turns(), still.days_of_cover()), (None, None));
}

#[test]
fn what_expires_first_is_used_first_and_what_must_not_be_used_comes_last() {
    let today = NaiveDate::from_ymd_opt(2027, 1, 10).unwrap();
    let day = |d| NaiveDate::from_ymd_opt(2027, 1, d);
    let balance = |code: &str, expires_on, received, status, reserved: u32| BalanceRow {
        balance_id: Uuid::from_u128(received as u128),
        item_id: ItemId(Uuid::from_u128(1)),
        location_id: place(9),
        facility_id: FacilityId(Uuid::from_u128(3)),
        facility_code: "WH1".into(),
        location_code: code.into(),
        lot_id: None,
        lot_number: None,
        expires_on,
        lot_received_at: Some(at(received)),
        quality_status: status,
        on_hand: Quantity::from(5),
        reserved: Quantity::from(reserved),
        updated_at: at(0),
    };
    let released = QualityStatus::Released;
    let ordered = fefo(
        vec![
            balance("never", None, 1, released, 0),
            balance("past", day(9), 2, released, 0),
            balance("held", day(11), 3, QualityStatus::Hold, 0),
            balance("later", day(20), 4, released, 0),
            balance("today, second", day(10), 6, released, 4),
            balance("today, first", day(10), 5, released, 0),
            balance("promised", day(12), 7, released, 5),
        ],
        today,
    );
    let order: Vec<_> = ordered.iter().map(|one| (one.balance.location_code.as_str(), one.not_offered)).collect();
    let expected = [
        ("today, first", None),
        ("today, second", None),
        ("later", None),
        ("never", None),
        ("promised", Some(NotOffered::Reserved)),
        ("held", Some(NotOffered::NotReleased)),
        ("past", Some(NotOffered::Expired)),
    ];
    assert_eq!(order, expected);
}
