//! Walked distance over a year of real orders: items slotted by the first half, walked over the second. S-shape routes in a hall of 12
//! aisles, 2 sides, 40 bays and 4 levels.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use chrono::Datelike as _;
use optimization::slotting::{
    AbcCutoffs, Grid, OptimiseSettings, Order, PlanSettings, Slotting, class_slotting, optimise, plan_moves, random_slotting,
    rank_slotting, walk,
};

use crate::harness::real_data;
use crate::report;

const SEEDS: u64 = 20;
/// At least so much less than the others.
const LESS_THAN_RANDOM: f64 = 0.55;
const LESS_THAN_ABC: f64 = 0.10;

pub fn run() {
    let Some(path) = real_data("online_retail/online_retail.csv.zst") else {
        println!("slotting: skipped, because it is about real orders");
        return;
    };
    let (items, first, second) = orders(&path);
    let layout = Grid::default().layout().expect("the default hall is valid");
    let km = |slotting: &Slotting| walk(&layout, slotting, &second).expect("a slotting of this hall").total_m / 1_000.0;
    let mean = |make: &dyn Fn(u64) -> Slotting| (1..=SEEDS).map(|seed| km(&make(seed))).sum::<f64>() / SEEDS as f64;
    let mut picks = vec![0.0; items];
    first.iter().flat_map(|order| &order.items).for_each(|item| picks[*item as usize] += 1.0);

    let random = mean(&|seed| random_slotting(&layout, items, seed));
    let of_classes = |seed| class_slotting(&layout, &first, items, &AbcCutoffs::default(), seed).expect("valid orders");
    let abc = mean(&of_classes);
    let rank = km(&rank_slotting(&layout, &picks));
    let started = Instant::now();
    let best = optimise(&layout, &first, items, &OptimiseSettings::default()).expect("valid orders");
    let seconds = started.elapsed().as_secs_f64();
    let optimised = km(&best);
    println!(
        "slotting: {} + {} orders, {items} items; random and ABC are means of seeds 1-{SEEDS}; optimised in {seconds:.1} s",
        first.len(),
        second.len()
    );
    println!("  random {random:.1} km, ABC by picks {abc:.1} km, full turnover {rank:.1} km, optimised {optimised:.1} km");
    let less = |than: f64| 1.0 - optimised / than;
    let percent = |share: f64| format!("{:.1} % less", share * 100.0);
    report("slotting: walked, against random", percent(less(random)), ">= 55 % less", less(random) >= LESS_THAN_RANDOM);
    report("slotting: walked, against ABC by picks", percent(less(abc)), ">= 10 % less", less(abc) >= LESS_THAN_ABC);

    let current = of_classes(1);
    let started = Instant::now();
    let plan = plan_moves(&layout, &current, &first, &PlanSettings::default()).expect("valid orders");
    println!(
        "  a plan of {} moves from ABC: {:.1} to {:.1} km in the second half, costs {:.1} km once; found in {:.1} s",
        plan.steps.len(),
        km(&current),
        km(&plan.target),
        plan.cost_m / 1_000.0,
        started.elapsed().as_secs_f64()
    );
}

/// An order is an invoice, with the goods that left: sold quantities of codes that begin with five digits; the others are postage, fees and
/// vouchers. Items are numbered by code.
fn orders(path: &std::path::Path) -> (usize, Vec<Order>, Vec<Order>) {
    let file = std::fs::File::open(path).expect("a readable file");
    let reader = ruzstd::decoding::StreamingDecoder::new(file).expect("zstd");
    let mut invoices: BTreeMap<String, (i32, BTreeSet<String>)> = BTreeMap::new();
    for row in csv::Reader::from_reader(reader).records() {
        let row = row.expect("a row");
        let code = row[1].trim().to_uppercase();
        let goods = code.len() >= 5 && code.as_bytes()[..5].iter().all(u8::is_ascii_digit);
        if goods && !row[0].starts_with('C') && row[3].parse::<i64>().expect("a quantity") > 0 {
            let at = chrono::NaiveDateTime::parse_from_str(&row[4], "%Y-%m-%d %H:%M:%S").expect("a time");
            let day = at.date().num_days_from_ce();
            invoices.entry(row[0].to_owned()).or_insert_with(|| (day, BTreeSet::new())).1.insert(code);
        }
    }
    let codes: BTreeSet<&String> = invoices.values().flat_map(|(_, codes)| codes).collect();
    let number: BTreeMap<&String, u32> = codes.into_iter().zip(0..).collect();
    let order =
        |(day, codes): &(i32, BTreeSet<String>)| Order { day: *day, items: codes.iter().map(|code| number[code]).collect() };
    let orders: Vec<Order> = invoices.values().map(order).collect();
    let days = || orders.iter().map(|order| order.day);
    let middle = (days().min().expect("orders") + days().max().expect("orders") + 1) / 2;
    let (first, second) = orders.iter().cloned().partition(|order: &Order| order.day < middle);
    (number.len(), first, second)
}
