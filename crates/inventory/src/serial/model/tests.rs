use std::collections::HashMap;

use kernel::Quantity;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::model::{CUSTOMER, SCRAP, SUPPLIER};

const ITEM: ItemId = ItemId(Uuid::from_u128(9));

fn place(n: u8) -> LocationId {
    match n {
        0 => SUPPLIER,
        1 => CUSTOMER,
        2 => SCRAP,
        n => LocationId(Uuid::from_u128(100 + u128::from(n))),
    }
}

fn status(n: u8) -> QualityStatus {
    if n == 0 { QualityStatus::Released } else { QualityStatus::Hold }
}

fn number(n: u8) -> String {
    format!("S{n}")
}

fn pieces(count: u8) -> Pieces {
    let piece = |n| Piece { id: SerialId(Uuid::from_u128(u128::from(n))), at: None, is_new: true, has_moved: false };
    Pieces::new((0..count).map(|n| ((ITEM, number(n)), piece(n))).collect())
}

fn posting(kind: MovementKind, from: u8, to: u8, sides: [u8; 2], numbers: &[u8]) -> Posting {
    let quantity = Quantity::from(u32::try_from(numbers.len()).unwrap());
    let mut posting = Posting::transfer(ITEM, None, quantity, place(from), place(to), status(sides[0]));
    posting.kind = kind;
    posting.to_status = status(sides[1]);
    posting.serials = Serials::Named(numbers.iter().map(|n| number(*n)).collect());
    posting
}

fn run(pieces: &mut Pieces, posting: &Posting) -> Result<(), Cause> {
    let numbers = pieces.judge(posting).map_err(|refusal| refusal.cause)?;
    pieces.apply(posting, numbers);
    Ok(())
}

#[test]
fn a_piece_comes_in_once_leaves_and_returns() {
    let mut known = pieces(2);
    let receipt = posting(MovementKind::Receipt, 0, 5, [0, 0], &[0]);
    assert_eq!(run(&mut known, &receipt), Ok(()));
    assert!(matches!(run(&mut known, &receipt), Err(Cause::InStock { .. })));
    let issue = posting(MovementKind::Issue, 5, 1, [0, 0], &[0]);
    assert_eq!(run(&mut known, &issue), Ok(()));
    assert!(matches!(run(&mut known, &issue), Err(Cause::Elsewhere { at, .. }) if at.location == CUSTOMER));
    assert_eq!(run(&mut known, &receipt), Ok(()), "a return");
    assert!(matches!(run(&mut known, &posting(MovementKind::Issue, 5, 1, [0, 0], &[1])), Err(Cause::Unknown { .. })));
    assert_eq!(known.unused().count(), 1, "the second was made for nothing");
    assert_eq!(known.moved().count(), 1);
}

#[test]
fn what_was_scrapped_returns_by_adjustment_only() {
    let mut known = pieces(1);
    run(&mut known, &posting(MovementKind::Receipt, 0, 5, [0, 0], &[0])).unwrap();
    run(&mut known, &posting(MovementKind::Scrap, 5, 2, [0, 0], &[0])).unwrap();
    let again = posting(MovementKind::Receipt, 0, 5, [0, 0], &[0]);
    assert!(matches!(run(&mut known, &again), Err(Cause::Scrapped { .. })));
    assert_eq!(run(&mut known, &Posting { kind: MovementKind::Adjustment, ..again }), Ok(()));
}

#[test]
fn a_piece_keeps_its_lot_when_it_returns() {
    let mut known = pieces(1);
    let lot = |n: u128| Some(LotId(Uuid::from_u128(n)));
    let receipt = Posting { lot: lot(1), ..posting(MovementKind::Receipt, 0, 5, [0, 0], &[0]) };
    run(&mut known, &receipt).unwrap();
    let issue = Posting { lot: lot(1), ..posting(MovementKind::Issue, 5, 1, [0, 0], &[0]) };
    assert!(matches!(run(&mut known, &Posting { lot: lot(2), ..issue.clone() }), Err(Cause::Elsewhere { .. })));
    run(&mut known, &issue).unwrap();
    assert!(matches!(run(&mut known, &Posting { lot: lot(2), ..receipt.clone() }), Err(Cause::OtherLot { .. })));
    assert_eq!(run(&mut known, &receipt), Ok(()));
}

#[test]
fn pieces_in_order_are_the_lowest_that_lie_there() {
    let mut known = pieces(5);
    run(&mut known, &posting(MovementKind::Receipt, 0, 5, [0, 0], &[3, 1, 4])).unwrap();
    let two = Posting { serials: Serials::InOrder, ..posting(MovementKind::Transfer, 5, 6, [0, 0], &[0, 0]) };
    assert_eq!(known.judge(&two).unwrap(), ["S1", "S3"]);
    run(&mut known, &two).unwrap();
    assert_eq!(known.judge(&two).unwrap_err().cause, Cause::TooFew { found: 1, asked: 2 });
}

proptest! {
    /// After any postings, refused ones included, every place holds as many pieces as a plain count says, and each is in one place.
    #[test]
    fn pieces_and_counts_agree(steps in prop::collection::vec((0_u8..6, 0_u8..6, 0_u8..2, 0_u8..2, prop::collection::btree_set(0_u8..6, 1..4), any::<bool>()), 1..60)) {
        let mut known = pieces(6);
        let mut naive: HashMap<u8, (LocationId, QualityStatus)> = HashMap::new();
        let mut counts: HashMap<(LocationId, QualityStatus), i64> = HashMap::new();
        for (from, to, before, after, numbers, in_order) in steps {
            let is_virtual = |n: u8| n < 3;
            if is_virtual(from) && is_virtual(to) || from == 1 || from == 2 {
                continue;
            }
            let after = if is_virtual(from) || is_virtual(to) { before } else { after };
            let kind = match (from, to) { (0, _) => MovementKind::Receipt, (_, 0 | 1) => MovementKind::Issue, (_, 2) => MovementKind::Scrap, _ => MovementKind::Transfer };
            let numbers: Vec<u8> = numbers.into_iter().collect();
            let mut wanted = posting(kind, from, to, [before, after], &numbers);
            if in_order && !is_virtual(from) {
                wanted.serials = Serials::InOrder;
            }
            let here = (place(from), status(before));
            let lying = |n: &u8| naive.get(n) == Some(&here);
            let expected: Option<Vec<u8>> = if wanted.serials == Serials::InOrder {
                let lying: Vec<u8> = (0..6).filter(|n| lying(n)).take(numbers.len()).collect();
                (lying.len() == numbers.len()).then_some(lying)
            } else if is_virtual(from) {
                let free = |n: &u8| naive.get(n).is_none_or(|(at, _)| LocationKind::of_virtual(*at).is_some() && *at != SCRAP);
                numbers.iter().all(free).then(|| numbers.clone())
            } else {
                numbers.iter().all(lying).then(|| numbers.clone())
            };
            let decided = known.judge(&wanted);
            prop_assert_eq!(decided.clone().ok(), expected.clone().map(|numbers| numbers.into_iter().map(number).collect::<Vec<_>>()));
            if let (Ok(decided), Some(expected)) = (decided, expected) {
                known.apply(&wanted, decided);
                for n in expected {
                    if let Some(old) = naive.insert(n, (place(to), status(after))) {
                        *counts.entry(old).or_default() -= 1;
                    }
                    *counts.entry((place(to), status(after))).or_default() += 1;
                }
            }
        }
        let mut held: HashMap<(LocationId, QualityStatus), i64> = HashMap::new();
        known.moved().for_each(|(.., at)| *held.entry((at.location, at.status)).or_default() += 1);
        counts.retain(|_, count| *count != 0);
        prop_assert_eq!(held, counts);
        prop_assert_eq!(known.unused().count(), 6 - naive.len());
    }
}
