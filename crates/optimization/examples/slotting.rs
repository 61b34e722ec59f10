//! Walked distance over the second half of a year of orders, for slottings made from the first half.
//!
//! `ENTREPOT_DATA=DIR cargo run --release -p optimization --example slotting`; without the data a small made-up shop.

use optimization::slotting::{
    AbcCutoffs, Grid, Layout, OptimiseSettings, Order, PlanSettings, Slotting, class_slotting, expected_picks_per_day, optimise,
    plan_moves, random_slotting, rank_slotting, walk,
};

#[path = "../tests/slotting/retail.rs"]
mod retail;

const SEEDS: u64 = 20;

fn main() {
    let shop = retail::real().unwrap_or_else(|| {
        println!("no online_retail in ENTREPOT_DATA: a made-up shop instead");
        retail::made_up()
    });
    let grid = if shop.items > 1000 { Grid::default() } else { Grid { bays: 7, bay_width_m: 40.0 / 7.0, ..Grid::default() } };
    let layout = grid.layout().expect("a valid grid");
    println!(
        "{} items, {} slots, {} orders to learn from, {} walked",
        shop.items,
        layout.slots.len(),
        shop.first_half.len(),
        shop.second_half.len()
    );
    println!(
        "{} aisles of {} m, {} m apart, depot at x = {} m, one S-shape route an order",
        grid.aisles, layout.aisle_length_m, grid.aisle_pitch_m, grid.depot_m
    );
    let table = Table { layout: &layout, orders: &shop.second_half };
    println!("{:<46} {:>9} {:>8} {:>8} {:>8} {:>8}", "slotting", "km", "of random", "of rank", "aisles", "CPU s");

    let orders = &shop.first_half;
    let mut picks = vec![0.0; shop.items];
    orders.iter().flat_map(|order| &order.items).for_each(|item| picks[*item as usize] += 1.0);
    let today = orders.iter().map(|order| order.day).max().expect("orders");
    let settings = OptimiseSettings::default();
    let expected = || expected_picks_per_day(orders, shop.items, today, &settings.demand).expect("valid orders");
    let random = table.mean(|seed| random_slotting(&layout, shop.items, seed));
    let rank = table.mean(|_| rank_slotting(&layout, &picks));
    table.print("random, mean of 20 seeds", random, random.0, rank.0);
    let current = arrival_slotting(&layout, orders, shop.items);
    table.print("current: as goods first arrived", table.mean(|_| current.clone()), random.0, rank.0);
    let classes = |seed| class_slotting(&layout, orders, shop.items, &AbcCutoffs::default(), seed).expect("valid orders");
    table.print("ABC by picks (random in a class, 20 seeds)", table.mean(classes), random.0, rank.0);
    table.print("rank by picks", rank, random.0, rank.0);
    table.print("rank by expected picks", table.mean(|_| rank_slotting(&layout, &expected())), random.0, rank.0);
    let optimised = |orders: &[Order]| optimise(&layout, orders, shop.items, &settings).expect("valid orders");
    table.print("optimised", table.once(|| optimised(orders)), random.0, rank.0);
    let all_knowing = OptimiseSettings { independent_share: 0.0, proposals: 8_000_000, ..settings.clone() };
    let hindsight = || optimise(&layout, &shop.second_half, shop.items, &all_knowing).expect("valid orders");
    table.print("(optimised for the very orders walked)", table.once(hindsight), random.0, rank.0);
    plan(&layout, &current, orders, &shop.second_half);
}

/// Each item in the nearest free slot when it was first picked: a warehouse that nobody slots.
fn arrival_slotting(layout: &Layout, orders: &[Order], items: usize) -> Slotting {
    let mut first = vec![f64::MAX; items];
    for (n, order) in orders.iter().enumerate() {
        order.items.iter().for_each(|item| first[*item as usize] = first[*item as usize].min(n as f64));
    }
    let earliest: Vec<f64> = first.iter().map(|n| -n).collect();
    rank_slotting(layout, &earliest)
}

fn plan(layout: &Layout, current: &Slotting, orders: &[Order], walked: &[Order]) {
    let start = cpu_seconds();
    let plan = plan_moves(layout, current, orders, &PlanSettings::default()).expect("valid orders");
    let seconds = cpu_seconds() - start;
    let km = |slotting: &Slotting| walk(layout, slotting, walked).expect("a valid slotting").total_m / 1000.0;
    println!("\nplan from current: {} moves that cost {:.1} km, {seconds:.2} CPU s", plan.steps.len(), plan.cost_m / 1000.0);
    let (before, after) = (plan.before_m_per_day / 1000.0, plan.after_m_per_day / 1000.0);
    println!("  newest 30 days known: {before:.2} -> {after:.2} km a day");
    println!("  second half: {:.0} -> {:.0} km", km(current), km(&plan.target));
}

struct Table<'a> {
    layout: &'a Layout,
    orders: &'a [Order],
}

/// Kilometres, aisles entered per order, CPU seconds to make the slotting.
type Row = (f64, f64, f64);

impl Table<'_> {
    fn once(&self, make: impl Fn() -> Slotting) -> Row {
        let start = cpu_seconds();
        let slotting = make();
        let seconds = cpu_seconds() - start;
        let walked = walk(self.layout, &slotting, self.orders).expect("a valid slotting");
        (walked.total_m / 1000.0, walked.aisles as f64 / walked.orders as f64, seconds)
    }

    fn mean(&self, make: impl Fn(u64) -> Slotting) -> Row {
        let rows: Vec<Row> = (1..=SEEDS).map(|seed| self.once(|| make(seed))).collect();
        let mean = |part: fn(&Row) -> f64| rows.iter().map(part).sum::<f64>() / rows.len() as f64;
        (mean(|row| row.0), mean(|row| row.1), mean(|row| row.2))
    }

    fn print(&self, name: &str, (km, aisles, seconds): Row, random: f64, rank: f64) {
        let (of_random, of_rank) = ((km / random - 1.0) * 100.0, (km / rank - 1.0) * 100.0);
        println!("{name:<46} {km:>9.1} {of_random:>+8.1}% {of_rank:>+7.1}% {aisles:>8.2} {seconds:>8.2}");
    }
}

/// Time this thread has run. Where the system does not tell, 0.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}
