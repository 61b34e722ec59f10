use super::{Bin, Item, Model};

/// Goods as [`Travel`] sees them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goods {
    pub volume: i64,
    pub weight: i64,
    /// How often they are fetched, as a factor.
    pub velocity: i64,
    pub zone: u32,
    pub hazardous: bool,
}

/// A bin as [`Travel`] sees it: what is free, how far it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shelf {
    pub volume: i64,
    pub weight: i64,
    pub distance: i64,
    pub zone: u32,
    pub takes_hazardous: bool,
    pub empty: bool,
}

/// Least travel: an item in a bin costs velocity × distance / 10, rounded down, and `WRONG_ZONE` more outside its zone; an empty
/// bin costs `OPENING` once. Hazardous goods go only where they may. The model on which solvers are compared.
pub struct Travel {
    goods: Vec<Goods>,
    shelves: Vec<Shelf>,
    items: Vec<Item>,
    bins: Vec<Bin>,
}

const WRONG_ZONE: i64 = 500;
const OPENING: f64 = 300.0;
/// More than any way of placing an item can cost the others.
const UNPLACED: f64 = 100_000.0;

impl Travel {
    pub fn new(goods: Vec<Goods>, shelves: Vec<Shelf>) -> Self {
        let item = |goods: &Goods| Item { volume: goods.volume, weight: goods.weight, unplaced: UNPLACED };
        let opening = |shelf: &Shelf| if shelf.empty { OPENING } else { 0.0 };
        let bin = |shelf: &Shelf| Bin { volume: shelf.volume, weight: shelf.weight, opening: opening(shelf) };
        Self { items: goods.iter().map(item).collect(), bins: shelves.iter().map(bin).collect(), goods, shelves }
    }

    pub fn goods(&self) -> &[Goods] {
        &self.goods
    }

    pub fn shelves(&self) -> &[Shelf] {
        &self.shelves
    }
}

impl Model for Travel {
    const ADDITIVE: bool = true;
    const INTEGRAL: bool = true;

    fn items(&self) -> &[Item] {
        &self.items
    }

    fn bins(&self) -> &[Bin] {
        &self.bins
    }

    fn row(&self, item: usize, row: &mut Vec<(u32, f64)>) {
        let goods = self.goods[item];
        row.extend(self.shelves.iter().enumerate().filter_map(|(bin, shelf)| {
            let fits =
                (goods.volume <= shelf.volume) & (goods.weight <= shelf.weight) & (!goods.hazardous | shelf.takes_hazardous);
            let zone = if goods.zone == shelf.zone { 0 } else { WRONG_ZONE };
            fits.then(|| (bin as u32, (goods.velocity * shelf.distance / 10 + zone) as f64))
        }));
    }

    fn surplus(&self, _: u32, _: &[u32]) -> f64 {
        0.0
    }

    fn least_surplus(&self, _: u32, _: &[u32]) -> f64 {
        0.0
    }
}
