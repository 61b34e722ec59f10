use super::Layout;

/// What the length of an S-shape route depends on: which aisles are entered, how deep the last of them, and the far reserve.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Route {
    pub(super) aisles: u128,
    /// The rightmost aisle with a pick.
    pub(super) last: u16,
    /// The deepest pick in it, in metres.
    pub(super) deepest_m: f64,
    pub(super) reserve: bool,
}

impl Route {
    pub(super) fn of(layout: &Layout, places: impl IntoIterator<Item = Option<u32>>) -> Self {
        places.into_iter().fold(Self::default(), |route, place| route.with(layout, place))
    }

    /// With one pick more; `None` is the far reserve.
    pub(super) fn with(self, layout: &Layout, place: Option<u32>) -> Self {
        match place {
            None => Self { reserve: true, ..self },
            Some(slot) => {
                let slot = layout.slots[slot as usize];
                self.at(slot.aisle, slot.depth_m)
            }
        }
    }

    pub(super) fn at(mut self, aisle: u16, depth_m: f64) -> Self {
        self.aisles |= 1 << aisle;
        if aisle > self.last {
            (self.last, self.deepest_m) = (aisle, depth_m);
        } else if aisle == self.last {
            self.deepest_m = self.deepest_m.max(depth_m);
        }
        self
    }

    /// See [`Layout::route_m`]; the far reserve adds [`Layout::reserve_m`].
    pub(super) fn length_m(self, layout: &Layout) -> f64 {
        let count = self.aisles.count_ones();
        let turn_m = if count % 2 == 1 { 2.0 * self.deepest_m } else { 0.0 };
        let reserve_m = if self.reserve { layout.reserve_m } else { 0.0 };
        f64::from(count / 2 * 2) * layout.aisle_length_m + turn_m + layout.across_m(self.aisles) + reserve_m
    }
}
