use optimization::packing::{
    Bears, Carrier, Fault, Item, Mode, Opening, Overhang, Problem, Rules, pack, pack_all, verify, volume_bound,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::brute::most_volume;
use crate::{carrier, item};

fn upright() -> impl Strategy<Value = [bool; 3]> {
    select(vec![[true; 3], [false, false, true], [true, false, true], [false, true, false]])
}

fn tiny() -> impl Strategy<Value = Problem> {
    let sizes = [1..5_i32, 1..5, 1..5];
    let items = vec((sizes, upright(), 1..3_u32), 1..3);
    ([2..5_i32, 2..5, 2..4], items, select(vec![0_u8, 100])).prop_map(|(size, items, support)| {
        let items = items.into_iter().map(|(size, upright, quantity)| Item { upright, ..item(size, quantity) }).collect();
        Problem { carrier: carrier(size[0], size[1], size[2]), items, rules: Rules::geometry_only(support) }
    })
}

fn bears() -> impl Strategy<Value = Bears> {
    prop_oneof![3 => Just(Bears::Unlimited), 2 => (0..20_000_i64).prop_map(Bears::UpTo), 1 => Just(Bears::Nothing)]
}

fn goods() -> impl Strategy<Value = Item> {
    let sizes = [5..60_i32, 5..60, 5..60];
    (sizes, upright(), 0..5_000_i64, bears(), any::<bool>(), option::of(0..4_u32), 1..12_u32).prop_map(
        |(size_mm, upright, weight_g, bears, fragile, class, quantity)| Item {
            upright,
            weight_g,
            bears,
            fragile: fragile && weight_g < 1000,
            class,
            ..item(size_mm, quantity)
        },
    )
}

fn rules() -> impl Strategy<Value = Rules> {
    let limits = (option::of(10_000..80_000_i64), option::of(40..120_i32), option::of(100_000..1_000_000_i64));
    let centre = (option::of(1..30_u8), option::of((20..60_i32, 60..100_i32)));
    (select(vec![0_u8, 50, 80, 99, 100]), centre, vec(select(vec![(0, 1), (1, 2), (3, 0)]), 0..2), limits).prop_map(
        |(support_percent, (centre_percent, axle_window_mm), incompatible, (max_weight_g, max_height_mm, max_volume_mm3))| {
            Rules { support_percent, centre_percent, incompatible, max_weight_g, max_height_mm, max_volume_mm3, axle_window_mm }
        },
    )
}

fn any_carrier() -> impl Strategy<Value = Carrier> {
    let opening = select(vec![Opening::Top, Opening::Rear, Opening::Left, Opening::Right]);
    ([80..160_i32, 60..120, 60..120], opening, [0..10_i32, 0..10, 0..10, 0..10], any::<bool>()).prop_map(
        |(size, opening, over, hangs)| {
            let [front_mm, rear_mm, left_mm, right_mm] = if hangs { over } else { [0; 4] };
            let overhang = Overhang { front_mm, rear_mm, left_mm, right_mm };
            Carrier { opening, overhang, ..carrier(size[0], size[1], size[2]) }
        },
    )
}

fn ruled() -> impl Strategy<Value = Problem> {
    (any_carrier(), vec(goods(), 1..8), rules()).prop_map(|(carrier, items, rules)| Problem { carrier, items, rules })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tiny_problems_are_packed_as_well_as_possible(problem in tiny()) {
        let plan = pack(&problem, Mode::Standard).unwrap();
        prop_assert_eq!(verify(&problem, &plan.placements), vec![]);
        let best = most_volume(&problem);
        prop_assert!(plan.summary.volume_mm3 <= best, "the verifier lets pass what cannot be: {} > {}", plan.summary.volume_mm3, best);
        prop_assert!(best <= volume_bound(&problem), "{} above the bound {}", best, volume_bound(&problem));
        // A block building search is no proof, but on so few boxes it should miss little.
        prop_assert!(plan.summary.volume_mm3 * 10 >= best * 8, "{} of {}", plan.summary.volume_mm3, best);
    }

    #[test]
    fn no_rule_is_broken_and_nothing_is_lost(problem in ruled()) {
        let plan = pack(&problem, Mode::Fast).unwrap();
        prop_assert_eq!(verify(&problem, &plan.placements), vec![]);
        for (n, item) in problem.items.iter().enumerate() {
            let placed = plan.placements.iter().filter(|placed| placed.item as usize == n).count() as u32;
            let left: u32 = plan.unplaced.iter().filter(|left| left.item as usize == n).map(|left| left.quantity).sum();
            prop_assert_eq!(placed + left, item.quantity);
        }
        let summary = &plan.summary;
        prop_assert!(summary.volume_mm3 <= summary.volume_bound_mm3);
        prop_assert!((0.0..=1.0).contains(&summary.stability), "stability {}", summary.stability);
        prop_assert!((0.0..=1.0).contains(&summary.gap));
        prop_assert_eq!(&pack(&problem, Mode::Fast).unwrap(), &plan);
    }

    #[test]
    fn several_carriers_keep_all_rules(problem in ruled()) {
        let loads = pack_all(&problem, Mode::Fast, 20).unwrap();
        let mut placed = vec![0_u32; problem.items.len()];
        for plan in &loads.plans {
            prop_assert_eq!(verify(&problem, &plan.placements), vec![]);
            prop_assert!(!plan.placements.is_empty());
            plan.placements.iter().for_each(|one| placed[one.item as usize] += 1);
        }
        for left in &loads.unplaced {
            placed[left.item as usize] += left.quantity;
        }
        prop_assert_eq!(placed, problem.items.iter().map(|item| item.quantity).collect::<Vec<_>>());
        prop_assert!(loads.fewest <= loads.plans.len());
    }

    #[test]
    fn a_box_that_is_moved_is_noticed(problem in ruled(), pick in any::<prop::sample::Index>(), by in -40..40_i32, axis in 0..3_usize) {
        let plan = pack(&problem, Mode::Fast).unwrap();
        prop_assume!(!plan.placements.is_empty());
        let mut moved = plan.placements.clone();
        let n = pick.index(moved.len());
        moved[n].position_mm[axis] += by;
        let faults: Vec<Fault> = verify(&problem, &moved).into_iter().map(|violation| violation.fault).collect();
        let outside = {
            let (at, end) = (moved[n].position_mm, (0..3).map(|a| moved[n].position_mm[a] + moved[n].size_mm[a]));
            at[2] < 0 || end.zip([
                problem.carrier.length_mm + problem.carrier.overhang.rear_mm,
                problem.carrier.width_mm + problem.carrier.overhang.right_mm,
                problem.carrier.height_mm,
            ]).any(|(end, limit)| end > limit)
        };
        prop_assert!(!outside || faults.contains(&Fault::Outside));
        let inside = |other: usize| (0..3).all(|a| {
            moved[n].position_mm[a] < moved[other].position_mm[a] + moved[other].size_mm[a]
                && moved[other].position_mm[a] < moved[n].position_mm[a] + moved[n].size_mm[a]
        });
        let overlaps = (0..moved.len()).any(|other| other != n && inside(other));
        prop_assert_eq!(overlaps, faults.contains(&Fault::Overlap));
    }
}
