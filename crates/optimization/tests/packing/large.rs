//! Orders of the largest size that is accepted.

use optimization::packing::{Bears, Carrier, Item, MAX_LINES, Mode, Opening, Problem, Rules, pack, pack_all, verify};

use crate::{carrier, item};

/// A small repeatable sequence (Knuth's MMIX constants): the cases need variety, not randomness.
struct Sequence(u64);

impl Sequence {
    fn between(&mut self, low: i32, high: i32) -> i32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + ((self.0 >> 33) % (high - low + 1) as u64) as i32
    }
}

fn lines(count: usize, most: i32) -> Vec<Item> {
    let mut sequence = Sequence(7);
    let line = |n: usize| Item {
        upright: [n.is_multiple_of(3), n.is_multiple_of(5), true],
        weight_g: i64::from(sequence.between(200, 15_000)),
        bears: if n.is_multiple_of(4) { Bears::UpTo(60_000) } else { Bears::Unlimited },
        fragile: n.is_multiple_of(17),
        class: (n % 11 < 2).then_some(n as u32 % 11),
        ..item(
            [sequence.between(150, 600), sequence.between(100, 400), sequence.between(80, 350)],
            sequence.between(1, most) as u32,
        )
    };
    (0..count).map(line).collect()
}

#[test]
fn five_hundred_lines_on_pallets() {
    let pallet = Carrier { max_load_g: 1_000_000, ..carrier(1200, 800, 1800) };
    let rules = Rules { incompatible: vec![(0, 1)], ..Rules::default() };
    let order = Problem { carrier: pallet, items: lines(MAX_LINES, 8), rules };
    let loads = pack_all(&order, Mode::Fast, 200).unwrap();
    loads.plans.iter().for_each(|plan| assert_eq!(verify(&order, &plan.placements), vec![]));
    assert_eq!(loads.unplaced, vec![]);
    assert!(loads.plans.len() <= loads.fewest * 3 / 2, "{} pallets, at least {}", loads.plans.len(), loads.fewest);
}

#[test]
fn thousands_of_boxes_in_a_container() {
    let container = Carrier { opening: Opening::Rear, max_load_g: 26_000_000, ..carrier(12_032, 2352, 2393) };
    let mut items = lines(40, 100);
    items.iter_mut().for_each(|item| item.quantity *= 2);
    let order = Problem { carrier: container, items, rules: Rules::default() };
    let plan = pack(&order, Mode::Fast).unwrap();
    assert_eq!(verify(&order, &plan.placements), vec![]);
    assert!(plan.summary.utilisation.volume > 0.75 || plan.unplaced.is_empty(), "{:?}", plan.summary.utilisation);
}
