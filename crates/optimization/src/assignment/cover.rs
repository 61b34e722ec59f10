use super::columns::Columns;
use super::dual::Ascent;
use super::graph::Graph;
use super::plan::{NOWHERE, Plan};
use super::{EPSILON, Meter, Model};

/// What the search of all plans within the gap found.
pub(super) enum Verdict<'a, M> {
    /// The best of all.
    Better(Plan<'a, M>),
    /// The plan at hand is the best of all.
    NoneBetter,
    /// It ended early; perhaps with a better plan.
    Unknown(Option<Plan<'a, M>>),
}

/// Searches the plans that cost less than `best`: exact covers of the items by contents within the gap.
pub(super) fn within_the_gap<'a, M: Model>(
    model: &'a M,
    graph: &'a Graph,
    ascent: &mut Ascent<'a, M>,
    best: &Plan<'a, M>,
    meter: &mut Meter,
) -> Verdict<'a, M> {
    let step = if M::INTEGRAL { 1.0 - 1e-5 } else { EPSILON };
    let slack = best.total() - step - ascent.bound;
    let values = ascent.values();
    let Some(columns) = Columns::within(model, graph, &ascent.prices, &values, slack) else { return Verdict::Unknown(None) };
    meter.add(graph.edge_count() + 4 * columns.all.len());
    let mut search = Cover::new(&columns, model.items().len(), slack, step);
    search.branch(0.0, meter);
    let complete = columns.complete && !meter.exhausted();
    let plan = search.best.map(|chosen| {
        let mut plan = Plan::new(model, graph);
        for column in chosen.iter().map(|column| &columns.all[*column as usize]).filter(|column| column.place != NOWHERE) {
            for item in columns.items(column) {
                plan.insert(
                    *item,
                    column.place,
                    graph.cost(*item, column.place).expect("a column consists of the place's pairs"),
                );
            }
        }
        plan
    });
    match plan {
        Some(plan) if complete => Verdict::Better(plan),
        None if complete => Verdict::NoneBetter,
        plan => Verdict::Unknown(plan),
    }
}

struct Cover<'a> {
    columns: &'a Columns,
    /// Per item its columns, the least excess first.
    of_item: Vec<Vec<u32>>,
    /// Per place that would rather not stay empty: its columns, the least excess first.
    of_place: Vec<(u32, Vec<u32>)>,
    covered: Vec<bool>,
    used: Vec<bool>,
    chosen: Vec<u32>,
    slack: f64,
    step: f64,
    best: Option<Vec<u32>>,
}

impl<'a> Cover<'a> {
    fn new(columns: &'a Columns, items: usize, slack: f64, step: f64) -> Self {
        let mut order: Vec<u32> = (0..columns.all.len() as u32).collect();
        order.sort_by(|one, two| {
            columns.all[*one as usize].excess.total_cmp(&columns.all[*two as usize].excess).then(one.cmp(two))
        });
        let mut of_item = vec![Vec::new(); items];
        let mut by_place = vec![Vec::new(); columns.idle.len()];
        for n in order {
            let column = &columns.all[n as usize];
            columns.items(column).iter().for_each(|item| of_item[*item as usize].push(n));
            if column.place != NOWHERE && columns.idle[column.place as usize] > 0.0 {
                by_place[column.place as usize].push(n);
            }
        }
        let wanting = |(place, list): (usize, Vec<u32>)| (columns.idle[place] > 0.0).then_some((place as u32, list));
        let of_place = by_place.into_iter().enumerate().filter_map(wanting).collect();
        let (covered, used) = (vec![false; items], vec![false; columns.idle.len()]);
        Self { columns, of_item, of_place, covered, used, chosen: Vec::new(), slack, step, best: None }
    }

    /// `excess` is that of the chosen columns.
    fn branch(&mut self, excess: f64, meter: &mut Meter) {
        if meter.exhausted() || excess + self.undecided(meter) > self.slack {
            return;
        }
        let Some(item) = self.tightest(excess, meter) else {
            let idle: f64 = self
                .of_place
                .iter()
                .filter(|(place, _)| !self.used[*place as usize])
                .map(|(place, _)| self.columns.idle[*place as usize])
                .sum();
            if excess + idle <= self.slack {
                self.slack = excess + idle - self.step;
                self.best = Some(self.chosen.clone());
            }
            return;
        };
        for at in 0..self.of_item[item].len() {
            let n = self.of_item[item][at];
            let column = self.columns.all[n as usize];
            if excess + column.excess > self.slack {
                break;
            }
            if self.is_open(n) {
                self.take(n, true);
                self.branch(excess + column.excess, meter);
                self.take(n, false);
            }
        }
    }

    fn take(&mut self, n: u32, take: bool) {
        let column = self.columns.all[n as usize];
        self.columns.items(&column).iter().for_each(|item| self.covered[*item as usize] = take);
        if column.place != NOWHERE {
            self.used[column.place as usize] = take;
        }
        if take { self.chosen.push(n) } else { _ = self.chosen.pop() }
    }

    fn is_open(&self, n: u32) -> bool {
        let column = &self.columns.all[n as usize];
        (column.place == NOWHERE || !self.used[column.place as usize])
            && self.columns.items(column).iter().all(|item| !self.covered[*item as usize])
    }

    /// What the undecided places add at least: each its best content that is still possible.
    fn undecided(&self, meter: &mut Meter) -> f64 {
        let mut sum = 0.0;
        for (place, list) in self.of_place.iter().filter(|(place, _)| !self.used[*place as usize]) {
            let idle = self.columns.idle[*place as usize];
            let open = list.iter().position(|n| self.is_open(*n));
            meter.add(2 + 3 * open.unwrap_or(list.len()));
            sum += open.map_or(idle, |at| self.columns.all[list[at] as usize].excess.min(idle));
        }
        sum
    }

    /// The uncovered item with the fewest columns left; none when all are covered.
    fn tightest(&self, excess: f64, meter: &mut Meter) -> Option<usize> {
        let mut best = (usize::MAX, None);
        for item in (0..self.covered.len()).filter(|item| !self.covered[*item]) {
            let affordable =
                self.of_item[item].iter().take_while(|n| excess + self.columns.all[**n as usize].excess <= self.slack);
            let count = affordable.filter(|n| self.is_open(**n)).take(best.0).count();
            meter.add(2 + 3 * count);
            if count < best.0 {
                best = (count, Some(item));
            }
            if count == 0 {
                break;
            }
        }
        best.1
    }
}
