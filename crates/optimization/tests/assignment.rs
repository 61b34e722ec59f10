//! The engine of assignment against complete enumeration, and its bound with candidates cut short.

use optimization::assignment::{Answer, Bin, Effort, Goods, Item, Model, Shelf, Travel, lower_bound, solve};

/// A small repeatable sequence (Knuth's MMIX constants): the cases need variety, not randomness.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % limit as u64) as i64
    }
}

/// Costs in a table; a set pays for each pair that it holds, infinitely for some, and less for what it lacks of company.
struct Table {
    items: Vec<Item>,
    bins: Vec<Bin>,
    costs: Vec<Vec<Option<f64>>>,
    apart: Vec<Vec<f64>>,
    lonely: f64,
}

impl Model for Table {
    const ADDITIVE: bool = false;

    fn items(&self) -> &[Item] {
        &self.items
    }
    fn bins(&self) -> &[Bin] {
        &self.bins
    }
    fn row(&self, item: usize, row: &mut Vec<(u32, f64)>) {
        let fits =
            |bin: usize| self.items[item].volume <= self.bins[bin].volume && self.items[item].weight <= self.bins[bin].weight;
        let costs = self.costs[item].iter().enumerate().filter(|(bin, _)| fits(*bin));
        row.extend(costs.filter_map(|(bin, cost)| Some((bin as u32, (*cost)?))));
    }
    fn surplus(&self, bin: u32, items: &[u32]) -> f64 {
        self.least_surplus(bin, items) + if items.len() == 1 { self.lonely } else { 0.0 }
    }
    fn least_surplus(&self, _: u32, items: &[u32]) -> f64 {
        let mut sum = 0.0;
        for (n, one) in items.iter().enumerate() {
            sum += items[n + 1..].iter().map(|two| self.apart[*one as usize][*two as usize]).sum::<f64>();
        }
        sum
    }
}

fn table(some: &mut Sequence) -> Table {
    let (items, bins) = (1 + some.below(6) as usize, 1 + some.below(5) as usize);
    let mut apart = vec![vec![0.0; items]; items];
    for (one, two) in (0..items).flat_map(|one| (0..one).map(move |two| (one, two))) {
        let cost = [0.0, 0.0, 0.0, 3.5, f64::INFINITY][some.below(5) as usize];
        (apart[one][two], apart[two][one]) = (cost, cost);
    }
    let item = |some: &mut Sequence| Item {
        volume: some.below(20),
        weight: some.below(20),
        unplaced: [30.0, 1000.0][some.below(2) as usize],
    };
    let bin = |some: &mut Sequence| Bin {
        volume: 5 + some.below(50),
        weight: 5 + some.below(50),
        opening: [0.0, 0.0, 12.0][some.below(3) as usize],
    };
    Table {
        items: (0..items).map(|_| item(some)).collect(),
        bins: (0..bins).map(|_| bin(some)).collect(),
        costs: (0..items)
            .map(|_| (0..bins).map(|_| (some.below(5) > 0).then(|| some.below(60) as f64 / 4.0)).collect())
            .collect(),
        apart,
        lonely: [0.0, 5.0][some.below(2) as usize],
    }
}

/// The cost of an assignment; none when it is not allowed.
fn cost(table: &impl Model, bins: &[Option<u32>]) -> Option<f64> {
    let mut sum = 0.0;
    for (item, _) in bins.iter().enumerate().filter(|(_, bin)| bin.is_none()) {
        sum += table.items()[item].unplaced;
    }
    for (at, bin) in table.bins().iter().enumerate() {
        let held: Vec<u32> = (0..bins.len() as u32).filter(|item| bins[*item as usize] == Some(at as u32)).collect();
        if held.is_empty() {
            continue;
        }
        let used = |what: fn(&Item) -> i64| held.iter().map(|item| what(&table.items()[*item as usize])).sum::<i64>();
        if used(|item| item.volume) > bin.volume || used(|item| item.weight) > bin.weight {
            return None;
        }
        sum += bin.opening + table.surplus(at as u32, &held);
        for item in &held {
            let mut row = Vec::new();
            table.row(*item as usize, &mut row);
            sum += row.iter().find(|(bin, _)| *bin == at as u32)?.1;
        }
    }
    sum.is_finite().then_some(sum)
}

fn least(table: &impl Model) -> f64 {
    let (items, choices) = (table.items().len() as u32, table.bins().len() + 1);
    let all = (0..choices.pow(items)).map(|code| {
        let bin = |item: u32| (code / choices.pow(item) % choices).checked_sub(1).map(|bin| bin as u32);
        (0..items).map(bin).collect::<Vec<_>>()
    });
    all.filter_map(|bins| cost(table, &bins)).fold(f64::INFINITY, f64::min)
}

fn run(model: &impl Model, candidates: usize) -> Answer {
    solve(model, None, Effort { work: 20_000_000, candidates, gap: 0.0 })
}

#[test]
fn two_thousand_small_problems_are_solved_to_the_optimum_and_proven() {
    let mut proven = 0;
    for seed in 0..2000 {
        let table = table(&mut Sequence(seed));
        let (answer, least) = (run(&table, 10), least(&table));
        assert_eq!(cost(&table, &answer.bins).map(|cost| (cost * 1e6).round()), Some((answer.cost * 1e6).round()), "seed {seed}");
        assert!((answer.cost - least).abs() < 1e-6, "seed {seed}: {} where {least} is possible", answer.cost);
        assert!(answer.bound <= least + 1e-6, "seed {seed}: bound {} above {least}", answer.bound);
        proven += usize::from(answer.cost - answer.bound < 1e-6);
    }
    println!("proven optimal: {proven} of 2000");
    assert!(proven > 1990, "{proven}");
}

#[test]
fn the_bound_holds_also_where_most_bins_are_not_looked_at() {
    for seed in 0..500 {
        let table = table(&mut Sequence(seed));
        let least = least(&table);
        for candidates in [1, 2] {
            let answer = run(&table, candidates);
            assert!(answer.bound <= least + 1e-6, "seed {seed}: bound {} above {least}", answer.bound);
            assert!(cost(&table, &answer.bins).unwrap() >= least - 1e-6);
        }
        let prices: Vec<f64> = (0..table.items.len()).map(|n| n as f64 * 3.0).collect();
        assert!(lower_bound(&table, &prices, 2) <= least + 1e-6);
    }
}

/// A batch like those that solvers are compared on.
fn batch(seed: u64, lines: usize, bins: usize) -> Travel {
    let mut some = Sequence(seed);
    let goods = |_| Goods {
        volume: 5 + some.below(75),
        weight: 2 + some.below(118),
        velocity: [1, 1, 3, 10][some.below(4) as usize],
        zone: some.below(5) as u32,
        hazardous: some.below(16) == 0,
    };
    let goods = (0..lines).map(goods).collect();
    let shelf = |_| {
        let empty = some.below(4) == 0;
        Shelf {
            volume: if empty { 200 } else { 5 + some.below(100) },
            weight: if empty { 400 } else { 20 + some.below(280) },
            distance: 10 + some.below(390),
            zone: some.below(5) as u32,
            takes_hazardous: some.below(10) == 0,
            empty,
        }
    };
    Travel::new(goods, (0..bins).map(shelf).collect())
}

#[test]
fn travel_batches_are_allowed_and_near_their_bound() {
    for seed in 0..20 {
        let model = batch(seed, 50, 800);
        let answer = solve(&model, None, Effort::within(10, 50));
        assert_eq!(cost(&model, &answer.bins), Some(answer.cost), "seed {seed}");
        assert!(answer.gap() < 0.02, "seed {seed}: {}", answer.gap());
        assert_eq!(answer, solve(&model, None, Effort::within(10, 50)));
    }
}

#[test]
fn tiny_travel_batches_are_solved_to_the_optimum() {
    for seed in 0..300 {
        let model = batch(seed, 5, 6);
        let answer = solve(&model, None, Effort::within(10, 5));
        assert_eq!((answer.cost, answer.bound), (least(&model), least(&model)), "seed {seed}");
    }
}

#[test]
fn a_start_is_never_made_worse_and_little_work_still_gives_an_answer() {
    let model = batch(3, 40, 500);
    let good = solve(&model, None, Effort::within(20, 40));
    let again = solve(&model, Some(&good.bins), Effort { work: 0, candidates: 8, gap: 0.0 });
    assert!(again.cost <= good.cost && again.bound <= good.cost);
    let quick = solve(&model, None, Effort { work: 1000, candidates: 32, gap: 0.0 });
    assert!(quick.bins.iter().all(Option::is_some) && quick.bound <= good.cost);
    let none = solve(&batch(1, 0, 5), None, Effort::within(1, 0));
    assert_eq!((none.cost, none.gap()), (0.0, 0.0));
    let nowhere = solve(&batch(1, 3, 0), None, Effort::within(1, 3));
    assert_eq!(nowhere.bins, [None, None, None]);
}
