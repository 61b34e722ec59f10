use std::collections::BTreeMap;

use optimization::putaway::Abc;
use optimization::slotting::{
    AbcCutoffs, AbcShare, AffinitySettings, FreeSpace, Order, Stock, affinity, classify, consolidate, fragmentation_index,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

#[test]
fn classes_follow_the_cut_offs() {
    let default = AbcCutoffs::default();
    let ten: Vec<f64> = (1..=10).rev().map(f64::from).collect();
    assert_eq!(classify(&ten, &default).unwrap(), [vec![Abc::A; 2], vec![Abc::B; 3], vec![Abc::C; 5]].concat());
    assert_eq!(classify(&[], &default).unwrap(), []);
    // The cut-off falls among equals: all of them have the better class.
    assert_eq!(
        classify(&[9.0, 5.0, 5.0, 5.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], &default).unwrap()[..5],
        [Abc::A, Abc::A, Abc::A, Abc::A, Abc::B]
    );
    // What is never picked is C, also when it is among the first.
    assert_eq!(classify(&[0.0, 0.0, 3.0], &default).unwrap(), [Abc::C, Abc::C, Abc::A]);
    let pareto = AbcCutoffs { a: 0.80, b: 0.15, of: AbcShare::Total };
    assert_eq!(classify(&[80.0, 15.0, 4.0, 1.0], &pareto).unwrap(), [Abc::A, Abc::B, Abc::C, Abc::C]);
    assert_eq!(classify(&[1.0, -1.0], &default).unwrap_err().to_string(), "values[1] must be a number, 0 or more");
    assert_eq!(
        classify(&[], &AbcCutoffs { a: 0.8, b: 0.3, ..default }).unwrap_err().to_string(),
        "b must be at most 1 together with a"
    );
}

fn orders() -> impl Strategy<Value = Vec<Order>> {
    vec((0..120_i32, vec(0..8_u32, 0..6)).prop_map(|(day, items)| Order { day, items }), 0..80)
}

proptest! {
    /// Every pair of items, every order, counted the plain way.
    #[test]
    fn affinity_is_what_counting_says(orders in orders(), co_picks_min in 1..4_u32) {
        let settings = AffinitySettings { co_picks_min, ..AffinitySettings::default() };
        let found = affinity(&orders, 8, 119, &settings).unwrap();
        let past: Vec<&Order> = orders.iter().filter(|order| order.day > 29 && !order.items.is_empty()).collect();
        let with = |items: &[u32]| past.iter().filter(|order| items.iter().all(|item| order.items.contains(item))).count() as f64;
        prop_assert_eq!(found.orders, past.len());
        let mut most = 0.0_f64;
        let mut expected = 0;
        for one in 0..8_u32 {
            for other in (0..8).filter(|other| *other != one) {
                let co = with(&[one, other]);
                if co >= f64::from(co_picks_min) {
                    expected += 1;
                    most = most.max(co);
                    let pair = found.pairs.iter().find(|pair| (pair.item, pair.other) == (one, other)).unwrap();
                    prop_assert_eq!(f64::from(pair.co_picks), co);
                    prop_assert!((pair.support - co / past.len() as f64).abs() < 1e-12);
                    prop_assert!((pair.confidence - co / with(&[one])).abs() < 1e-12);
                    prop_assert!((pair.lift - pair.confidence / (with(&[other]) / past.len() as f64)).abs() < 1e-9);
                }
            }
        }
        prop_assert_eq!(found.pairs.len(), expected);
        prop_assert_eq!(f64::from(found.co_picks_max), most);
        prop_assert!(found.pairs.iter().all(|pair| (pair.strength - f64::from(pair.co_picks) / most).abs() < 1e-12));
        let few = affinity(&orders, 8, 119, &AffinitySettings { partners_max: 2, ..settings }).unwrap();
        for item in 0..8 {
            let all: Vec<_> = found.pairs.iter().filter(|pair| pair.item == item).take(2).collect();
            prop_assert_eq!(all, few.pairs.iter().filter(|pair| pair.item == item).collect::<Vec<_>>());
        }
    }

    #[test]
    fn consolidation_keeps_goods_and_capacities(
        stock in btree_map((0..4_u32, 0..2_u32, 0..6_u32), (1..50_i64, 0..30_i64), 0..20),
        free in vec((0..80_i64, 0..60_i64), 6)
    ) {
        let stock: Vec<Stock> = stock.into_iter().map(|((item, lot, location), (volume_mm3, weight_g))| Stock {
            item, lot: Some(lot), location, volume_mm3, weight_g,
        }).collect();
        let free: Vec<FreeSpace> = free.into_iter().map(|(volume_mm3, weight_g)| FreeSpace { volume_mm3, weight_g }).collect();
        let mut at: BTreeMap<(u32, Option<u32>, u32), (i64, i64)> = stock.iter()
            .map(|part| ((part.item, part.lot, part.location), (part.volume_mm3, part.weight_g))).collect();
        let mut left: Vec<(i64, i64)> = free.iter().map(|free| (free.volume_mm3, free.weight_g)).collect();
        let places = at.len();
        let moves = consolidate(&stock, &free).unwrap();
        for step in &moves {
            let goods = at.remove(&(step.item, step.lot, step.from)).unwrap();
            prop_assert_eq!(goods, (step.volume_mm3, step.weight_g));
            let target = at.get_mut(&(step.item, step.lot, step.to)).unwrap();
            *target = (target.0 + goods.0, target.1 + goods.1);
            left[step.from as usize].0 += goods.0;
            left[step.from as usize].1 += goods.1;
            left[step.to as usize].0 -= goods.0;
            left[step.to as usize].1 -= goods.1;
            prop_assert!(left[step.to as usize].0 >= 0 && left[step.to as usize].1 >= 0);
        }
        prop_assert_eq!(at.len(), places - moves.len());
    }
}

#[test]
fn scattered_space_is_told_and_gathered() {
    assert_eq!(fragmentation_index(&[10, 10, 10, 10]), 4.0);
    assert_eq!(fragmentation_index(&[40, 0, 0]), 1.0);
    assert_eq!(fragmentation_index(&[0, -5]), 0.0);
    assert_eq!(fragmentation_index(&[]), 0.0);
    let part = |location, volume_mm3| Stock { item: 1, lot: None, location, volume_mm3, weight_g: 0 };
    let free = [70, 60, 50].map(|volume_mm3| FreeSpace { volume_mm3, weight_g: 0 });
    // The smallest part joins the fullest location that has room; after that nothing takes the next one whole.
    let moves = consolidate(&[part(0, 30), part(1, 40), part(2, 50)], &free).unwrap();
    assert_eq!(moves.iter().map(|step| (step.from, step.to)).collect::<Vec<_>>(), [(0, 2)]);
    let twice = consolidate(&[part(0, 30), part(0, 40)], &free).unwrap_err().to_string();
    assert_eq!(twice, "stock must hold item 1 once in location 0");
}
