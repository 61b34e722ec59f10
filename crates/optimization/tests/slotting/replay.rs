use optimization::slotting::{
    AbcCutoffs, Grid, OptimiseSettings, Slotting, class_slotting, optimise, random_slotting, rank_slotting, walk,
};

use crate::retail;

/// Slotted by the first half of the year, walked over the second.
#[test]
fn an_optimised_slotting_is_walked_less_in_the_months_to_come() {
    let real = retail::real();
    let has_real = real.is_some();
    if !has_real {
        println!("skipped the real orders: ENTREPOT_DATA has no online_retail");
    }
    let shop = real.unwrap_or_else(retail::made_up);
    let grid = if has_real { Grid::default() } else { Grid { bays: 7, bay_width_m: 40.0 / 7.0, ..Grid::default() } };
    let layout = grid.layout().unwrap();
    let km = |slotting: &Slotting| walk(&layout, slotting, &shop.second_half).unwrap().total_m / 1000.0;
    let mean = |make: &dyn Fn(u64) -> Slotting| (1..=20).map(|seed| km(&make(seed))).sum::<f64>() / 20.0;
    let mut picks = vec![0.0; shop.items];
    shop.first_half.iter().flat_map(|order| &order.items).for_each(|item| picks[*item as usize] += 1.0);

    let random = mean(&|seed| random_slotting(&layout, shop.items, seed));
    let classes = mean(&|seed| class_slotting(&layout, &shop.first_half, shop.items, &AbcCutoffs::default(), seed).unwrap());
    let rank = km(&rank_slotting(&layout, &picks));
    let settings = OptimiseSettings { proposals: 1_000_000, ..OptimiseSettings::default() };
    let optimised = km(&optimise(&layout, &shop.first_half, shop.items, &settings).unwrap());
    println!("random {random:.1} km, ABC {classes:.1}, rank {rank:.1}, optimised {optimised:.1}");
    assert!(optimised <= 0.90 * classes, "ABC {classes}, optimised {optimised}");
    assert!(optimised <= 0.90 * rank, "rank {rank}, optimised {optimised}");
    assert!(optimised <= 0.65 * random, "random {random}, optimised {optimised}");
}
