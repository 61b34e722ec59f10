use super::{Item, Model};

/// A bin that may hold an item.
#[derive(Clone, Copy)]
pub(super) struct Arc {
    /// Index into [`Graph::places`].
    pub place: u32,
    pub cost: f64,
    /// What the bin costs with the item and nothing else.
    pub alone: f64,
}

/// An item that a bin may hold.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub cost: f64,
    pub volume: i64,
    pub weight: i64,
    pub item: u32,
}

pub(super) struct Place {
    /// The model's number of the bin.
    pub id: u32,
    pub volume: i64,
    pub weight: i64,
    pub opening: f64,
    /// Range of [`Graph::edges`].
    from: u32,
    to: u32,
}

/// The pairs that are looked at: per item its cheapest bins, and those of the start.
pub(super) struct Graph {
    /// Bins with at least one pair, by the model's number.
    pub places: Vec<Place>,
    edges: Vec<Edge>,
    rows: Vec<Vec<Arc>>,
    by_place: Vec<Vec<(u32, f64)>>,
    /// Per item the least cost of a pair that was left out.
    pub beyond: Vec<f64>,
}

impl Graph {
    pub fn new<M: Model>(model: &M, start: Option<&[Option<u32>]>, keep: usize) -> Self {
        let items = model.items();
        let (mut beyond, mut kept) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
        for item in 0..items.len() {
            let mut row = Vec::new();
            beyond.push(model.cheapest(item, keep, &mut row));
            let given = start.and_then(|start| start[item]).filter(|given| row.iter().all(|pair| pair.0 != *given));
            row.extend(given.and_then(|given| Some((given, model.pair(item, given)?))));
            kept.push(row);
        }
        Self::of_rows(model, kept, beyond)
    }

    fn of_rows<M: Model>(model: &M, kept: Vec<Vec<(u32, f64)>>, beyond: Vec<f64>) -> Self {
        let mut local = vec![u32::MAX; model.bins().len()];
        kept.iter().flatten().for_each(|(bin, _)| local[*bin as usize] = 0);
        let mut places = Vec::new();
        for (id, slot) in local.iter_mut().enumerate().filter(|(_, slot)| **slot == 0) {
            let bin = model.bins()[id];
            *slot = places.len() as u32;
            places.push(Place { id: id as u32, volume: bin.volume, weight: bin.weight, opening: bin.opening, from: 0, to: 0 });
        }
        kept.iter().flatten().for_each(|(bin, _)| places[local[*bin as usize] as usize].to += 1);
        let mut total = 0;
        for place in &mut places {
            (place.from, place.to, total) = (total, total, total + place.to);
        }
        let mut edges = vec![Edge { cost: 0.0, volume: 0, weight: 0, item: 0 }; total as usize];
        for (item, row) in kept.iter().enumerate() {
            let what = model.items()[item];
            for (bin, cost) in row {
                let place = &mut places[local[*bin as usize] as usize];
                edges[place.to as usize] = Edge { cost: *cost, volume: what.volume, weight: what.weight, item: item as u32 };
                place.to += 1;
            }
        }
        let arc = |item: usize, (bin, cost): (u32, f64)| {
            let surplus = if M::ADDITIVE { 0.0 } else { model.surplus(bin, &[item as u32]) };
            Arc { place: local[bin as usize], cost, alone: model.bins()[bin as usize].opening + cost + surplus }
        };
        let arcs = |(item, row): (usize, &Vec<(u32, f64)>)| row.iter().map(|pair| arc(item, *pair)).collect();
        let rows: Vec<Vec<Arc>> = kept.iter().enumerate().map(arcs).collect();
        let sorted = |row: &Vec<Arc>| {
            let mut pairs: Vec<(u32, f64)> = row.iter().map(|arc| (arc.place, arc.cost)).collect();
            pairs.sort_unstable_by_key(|pair| pair.0);
            pairs
        };
        Self { by_place: rows.iter().map(sorted).collect(), places, edges, rows, beyond }
    }

    /// What all items cost if each had its cheapest bin for itself, openings aside.
    pub fn cheapest<M: Model>(&self, model: &M) -> f64 {
        let least = |(item, row): (&Item, &Vec<Arc>)| row.first().map_or(item.unplaced, |arc| arc.cost.min(item.unplaced));
        model.items().iter().zip(&self.rows).map(least).sum()
    }

    /// Cheapest first.
    pub fn row(&self, item: u32) -> &[Arc] {
        &self.rows[item as usize]
    }

    pub fn edges(&self, place: usize) -> &[Edge] {
        let place = &self.places[place];
        &self.edges[place.from as usize..place.to as usize]
    }

    pub fn edge_count(&self) -> usize {
        self.edges.len()
    }

    pub fn cost(&self, item: u32, place: u32) -> Option<f64> {
        let row = &self.by_place[item as usize];
        row.binary_search_by_key(&place, |pair| pair.0).ok().map(|at| row[at].1)
    }
}

/// Keeps the cheapest of a row, sorted; returns the least cost of the others.
pub(crate) fn cheapest_of(row: &mut Vec<(u32, f64)>, keep: usize) -> f64 {
    let order = |one: &(u32, f64), two: &(u32, f64)| one.1.total_cmp(&two.1).then(one.0.cmp(&two.0));
    let mut beyond = f64::INFINITY;
    if row.len() > keep {
        row.select_nth_unstable_by(keep, order);
        beyond = row[keep].1;
        row.truncate(keep);
    }
    row.sort_unstable_by(order);
    beyond
}
