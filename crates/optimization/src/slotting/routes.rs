use super::route::Route;
use super::{Layout, Order, Slotting};

/// Goods and where they go.
pub(super) type Change = (usize, Option<u32>);

/// The exact routes of given orders, kept up to date while items change places: only orders that hold a moved item are walked again.
pub(super) struct Routes<'a> {
    layout: &'a Layout,
    pub(super) orders: Vec<Order>,
    /// Orders of each item, ascending.
    pub(super) orders_of: Vec<Vec<u32>>,
    pub(super) places: Slotting,
    pub(super) order_m: Vec<f64>,
    pub(super) total_m: f64,
    seen: Vec<u32>,
    looks: u32,
    /// Lines that were read so far.
    pub(super) work: u64,
}

impl<'a> Routes<'a> {
    /// `orders` hold distinct items.
    pub(super) fn new(layout: &'a Layout, slotting: &Slotting, orders: Vec<Order>) -> Self {
        let mut orders_of = vec![Vec::new(); slotting.len()];
        for (n, order) in orders.iter().enumerate() {
            order.items.iter().for_each(|item| orders_of[*item as usize].push(n as u32));
        }
        let seen = vec![0; orders.len()];
        let mut routes = Self {
            layout,
            orders,
            orders_of,
            places: slotting.clone(),
            order_m: Vec::new(),
            total_m: 0.0,
            seen,
            looks: 0,
            work: 0,
        };
        routes.order_m = (0..routes.orders.len()).map(|n| routes.walk_m(n)).collect();
        routes.total_m = routes.order_m.iter().sum();
        routes
    }

    fn walk_m(&self, order: usize) -> f64 {
        let places = self.orders[order].items.iter().map(|item| self.places[*item as usize]);
        Route::of(self.layout, places).length_m(self.layout)
    }

    /// Orders that hold one of the items, each once.
    pub(super) fn touched(&mut self, changes: &[Change]) -> Vec<u32> {
        self.looks += 1;
        let mut touched = Vec::new();
        for (item, _) in changes {
            for order in &self.orders_of[*item] {
                if std::mem::replace(&mut self.seen[*order as usize], self.looks) != self.looks {
                    touched.push(*order);
                }
            }
        }
        touched
    }

    /// Metres over all orders that the changes, made together, would add; negative is a saving.
    pub(super) fn change_m(&mut self, changes: &[Change]) -> f64 {
        let touched = self.touched(changes);
        let before: Vec<Option<u32>> = changes.iter().map(|(item, _)| self.places[*item]).collect();
        changes.iter().for_each(|(item, to)| self.places[*item] = *to);
        let mut sum_m = 0.0;
        for order in touched.iter().map(|order| *order as usize) {
            self.work += self.orders[order].items.len() as u64;
            sum_m += self.walk_m(order) - self.order_m[order];
        }
        changes.iter().zip(before).for_each(|((item, _), place)| self.places[*item] = place);
        sum_m
    }

    pub(super) fn change(&mut self, changes: &[Change]) {
        let touched = self.touched(changes);
        changes.iter().for_each(|(item, to)| self.places[*item] = *to);
        for order in touched.iter().map(|order| *order as usize) {
            self.work += self.orders[order].items.len() as u64;
            let walked_m = self.walk_m(order);
            self.total_m += walked_m - self.order_m[order];
            self.order_m[order] = walked_m;
        }
    }

    /// Orders that hold both items.
    pub(super) fn shared(&self, one: usize, other: usize) -> impl Iterator<Item = usize> {
        let (few, many) = match (&self.orders_of[one], &self.orders_of[other]) {
            (few, many) if few.len() <= many.len() => (few, many),
            (many, few) => (few, many),
        };
        // One with few orders among one with many: look each up; else both side by side.
        let mut at = 0;
        few.iter()
            .filter(move |order| {
                let rest = &many[at..];
                let reach = rest.iter().take(8).position(|other| other >= order);
                at += reach.unwrap_or_else(|| rest.partition_point(|other| other < order));
                many.get(at) == Some(order)
            })
            .map(|order| *order as usize)
    }

    /// The route of an order without some of its items.
    pub(super) fn without(&self, order: usize, left_out: [usize; 2]) -> Route {
        let items = self.orders[order].items.iter().map(|item| *item as usize).filter(|item| !left_out.contains(item));
        Route::of(self.layout, items.map(|item| self.places[item]))
    }
}
