use super::graph::{Graph, Place};
use super::plan::NOWHERE;
use super::{EPSILON, Model};

/// More contents than this are not searched; fewer where each must be asked for its surplus, and such gaps seldom close.
const fn most<M: Model>() -> usize {
    if M::ADDITIVE { 40_000 } else { 8_000 }
}

/// A content of a bin whose reduced cost lies within the gap.
#[derive(Clone, Copy)]
pub(super) struct Column {
    /// [`NOWHERE`] for an item that is left out.
    pub place: u32,
    /// By how much it costs more than the bin's best content at the prices; not negative.
    pub excess: f64,
    from: u32,
    to: u32,
}

/// All contents that a better plan could consist of.
pub(super) struct Columns {
    pub all: Vec<Column>,
    items: Vec<u32>,
    /// What each place would add if it stayed empty.
    pub idle: Vec<f64>,
    /// No better plan uses any other content.
    pub complete: bool,
}

impl Columns {
    pub fn items(&self, column: &Column) -> &[u32] {
        &self.items[column.from as usize..column.to as usize]
    }

    /// None when there are too many. `values` are those of the places at the prices, `slack` the gap.
    pub fn within<M: Model>(model: &M, graph: &Graph, prices: &[f64], values: &[f64], slack: f64) -> Option<Self> {
        let mut search = Search {
            model,
            prices,
            slack,
            reduced: Vec::new(),
            chosen: Vec::new(),
            columns: Vec::new(),
            items: Vec::new(),
            steps: 0,
        };
        let mut loose = 0.0_f64;
        for (place, bin) in graph.places.iter().enumerate() {
            let gains = search.reduce(graph, place, values[place]);
            if !M::ADDITIVE {
                loose = loose.max(values[place] - (bin.opening - gains).min(0.0));
            }
            if bin.opening - gains - values[place] <= slack {
                search.branch(bin, place as u32, 0, [bin.volume, bin.weight], bin.opening - values[place], gains)?;
            }
        }
        for (item, what) in model.items().iter().enumerate() {
            search.chosen.push(item as u32);
            search.keep(NOWHERE, what.unplaced - prices[item])?;
            search.chosen.pop();
        }
        let complete = prices.iter().zip(&graph.beyond).all(|(price, beyond)| beyond - price - loose > slack);
        let idle = values.iter().map(|value| -value).collect();
        Some(Self { all: search.columns, items: search.items, idle, complete })
    }
}

#[derive(Clone, Copy)]
struct Reduced {
    cost: f64,
    volume: i64,
    weight: i64,
    item: u32,
}

struct Search<'a, M> {
    model: &'a M,
    prices: &'a [f64],
    slack: f64,
    reduced: Vec<Reduced>,
    chosen: Vec<u32>,
    columns: Vec<Column>,
    items: Vec<u32>,
    steps: usize,
}

impl<M: Model> Search<'_, M> {
    /// The items that may lie in the place, by reduced cost; returns the sum of what the negative ones gain.
    fn reduce(&mut self, graph: &Graph, place: usize, value: f64) -> f64 {
        self.reduced.clear();
        let mut gains = 0.0;
        for edge in graph.edges(place) {
            let cost = edge.cost - self.prices[edge.item as usize];
            gains += (-cost).max(0.0);
            self.reduced.push(Reduced { cost, volume: edge.volume, weight: edge.weight, item: edge.item });
        }
        let most = self.slack + gains + value - graph.places[place].opening;
        self.reduced.retain(|reduced| reduced.cost <= most);
        self.reduced.sort_unstable_by(|one, two| one.cost.total_cmp(&two.cost).then(one.item.cmp(&two.item)));
        gains
    }

    /// `excess` is that of what is chosen, `gains` what the items from `at` on could take off it.
    fn branch(&mut self, bin: &Place, place: u32, at: usize, room: [i64; 2], excess: f64, mut gains: f64) -> Option<()> {
        self.steps += 1;
        if self.steps > 20 * most::<M>() {
            return None;
        }
        if !self.chosen.is_empty() {
            let surplus = if M::ADDITIVE { 0.0 } else { self.model.surplus(bin.id, &self.chosen) };
            if surplus == f64::INFINITY {
                return Some(());
            }
            self.keep(place, excess + surplus)?;
        }
        for next in at..self.reduced.len() {
            let reduced = self.reduced[next];
            if excess - gains + reduced.cost.max(0.0) > self.slack {
                break;
            }
            gains -= (-reduced.cost).max(0.0);
            if reduced.volume <= room[0] && reduced.weight <= room[1] {
                self.chosen.push(reduced.item);
                let left = [room[0] - reduced.volume, room[1] - reduced.weight];
                self.branch(bin, place, next + 1, left, excess + reduced.cost, gains)?;
                self.chosen.pop();
            }
        }
        Some(())
    }

    fn keep(&mut self, place: u32, excess: f64) -> Option<()> {
        if excess <= self.slack + EPSILON {
            let from = self.items.len() as u32;
            self.items.extend_from_slice(&self.chosen);
            self.columns.push(Column { place, excess, from, to: self.items.len() as u32 });
        }
        (self.columns.len() <= most::<M>()).then_some(())
    }
}
