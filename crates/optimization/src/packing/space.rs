//! What is still free: all maximal cuboids of it, each with the corner at which it is filled first.

use super::case::Support;

/// From `low` to `high`; `corner` has a bit per axis that is set when the cuboid is filled from its high side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Space {
    pub low: [i32; 3],
    pub high: [i32; 3],
    /// The Manhattan distance of the filled corner to the nearest corner of the carrier.
    pub distance: i32,
    pub corner: u8,
}

impl Space {
    pub fn new(low: [i32; 3], high: [i32; 3], size: [i32; 3], upside: bool) -> Space {
        let (mut distance, mut corner) = (0, 0);
        for axis in 0..3 {
            let beyond = size[axis] - high[axis];
            let from_high = beyond < low[axis] && (axis < 2 || upside);
            distance += if from_high { beyond } else { low[axis] };
            corner |= u8::from(from_high) << axis;
        }
        Space { low, high, distance, corner }
    }

    #[inline]
    pub fn extent(&self, axis: usize) -> i32 {
        self.high[axis] - self.low[axis]
    }

    pub fn volume(&self) -> i64 {
        (0..3).map(|axis| i64::from(self.extent(axis))).product()
    }

    /// The low corner of something of that size in the filled corner.
    pub fn seat(&self, size: [i32; 3]) -> [i32; 3] {
        let at = |axis: usize| if self.corner >> axis & 1 == 1 { self.high[axis] - size[axis] } else { self.low[axis] };
        [at(0), at(1), at(2)]
    }

    #[inline]
    fn holds(&self, other: &Space) -> bool {
        (self.low[0] <= other.low[0])
            & (self.low[1] <= other.low[1])
            & (self.low[2] <= other.low[2])
            & (self.high[0] >= other.high[0])
            & (self.high[1] >= other.high[1])
            & (self.high[2] >= other.high[2])
    }

    #[inline]
    fn meets(&self, low: [i32; 3], high: [i32; 3]) -> bool {
        (self.low[0] < high[0])
            & (low[0] < self.high[0])
            & (self.low[1] < high[1])
            & (low[1] < self.high[1])
            & (self.low[2] < high[2])
            & (low[2] < self.high[2])
    }
}

/// What something placed takes away, and where one may stand on it.
pub(super) struct Cut {
    pub low: [i32; 3],
    pub high: [i32; 3],
    /// From x, y to x, y.
    pub top: [i32; 4],
}

/// Reused between placements so that none allocates.
#[derive(Default)]
pub(super) struct Cutter {
    fresh: Vec<Space>,
}

impl Cutter {
    /// Takes `cut` out of `spaces`. With full support the cuboids above it are bounded to its top, joined with tops of the same
    /// height beside it; without, they reach over everything. Cuboids that are thinner than `least` on an axis are dropped.
    pub fn cut(&mut self, spaces: &mut Vec<Space>, cut: &Cut, size: [i32; 3], support: Support, least: [i32; 3]) {
        self.fresh.clear();
        let full = support == Support::Full;
        let upside = support == Support::None;
        let mut n = 0;
        while n < spaces.len() {
            let space = spaces[n];
            if !space.meets(cut.low, cut.high) {
                n += 1;
                continue;
            }
            spaces.swap_remove(n);
            for axis in 0..3 {
                if space.low[axis] < cut.low[axis] && (axis < 2 || !full) {
                    let mut high = space.high;
                    high[axis] = cut.low[axis];
                    self.offer(space.low, high, size, upside, least);
                }
                if space.high[axis] > cut.high[axis] && (axis < 2 || !full) {
                    let mut low = space.low;
                    low[axis] = cut.high[axis];
                    self.offer(low, space.high, size, upside, least);
                }
            }
        }
        if full && cut.high[2] < size[2] {
            self.above(spaces, cut, size, least);
        }
        self.keep_maximal(spaces, full);
    }

    fn offer(&mut self, low: [i32; 3], high: [i32; 3], size: [i32; 3], upside: bool, least: [i32; 3]) {
        if (0..3).all(|axis| high[axis] - low[axis] >= least[axis]) {
            self.fresh.push(Space::new(low, high, size, upside));
        }
    }

    /// The space over a top and, by consensus, all maximal ones over it and tops of the same height that touch it: two free,
    /// supported cuboids side by side hold a third across their seam, as wide as they have in common.
    fn above(&mut self, spaces: &[Space], cut: &Cut, size: [i32; 3], least: [i32; 3]) {
        let low = [cut.top[0], cut.top[1], cut.high[2]];
        let high = [cut.top[2], cut.top[3], size[2]];
        let first = self.fresh.len();
        self.fresh.push(Space::new(low, high, size, false));
        let mut n = first;
        while n < self.fresh.len() && self.fresh.len() < first + 32 {
            let one = self.fresh[n];
            for other in spaces.iter().filter(|other| other.low[2] == one.low[2]) {
                join(&one, other, size, &mut self.fresh);
            }
            for m in first..n {
                let other = self.fresh[m];
                join(&one, &other, size, &mut self.fresh);
            }
            n += 1;
        }
        let thin = |space: &Space| (0..3).any(|axis| space.extent(axis) < least[axis]);
        self.fresh.retain(|space| !thin(space));
    }

    fn keep_maximal(&mut self, spaces: &mut Vec<Space>, joined: bool) {
        if joined {
            spaces.retain(|space| !self.fresh.iter().any(|other| other.low[2] == space.low[2] && other.holds(space)));
        }
        let old = spaces.len();
        for (n, space) in self.fresh.iter().enumerate() {
            let inside = |(m, other): (usize, &Space)| m != n && other.holds(space) && (m < n || !space.holds(other));
            if !spaces[..old].iter().any(|other| other.holds(space)) && !self.fresh.iter().enumerate().any(inside) {
                spaces.push(*space);
            }
        }
    }
}

fn join(one: &Space, other: &Space, size: [i32; 3], found: &mut Vec<Space>) {
    for axis in 0..2 {
        let across = 1 - axis;
        let touch = one.low[axis] <= other.high[axis] && other.low[axis] <= one.high[axis];
        let (mut low, mut high) = (one.low, one.high);
        low[across] = one.low[across].max(other.low[across]);
        high[across] = one.high[across].min(other.high[across]);
        high[2] = one.high[2].min(other.high[2]);
        low[axis] = one.low[axis].min(other.low[axis]);
        high[axis] = one.high[axis].max(other.high[axis]);
        if touch && low[across] < high[across] {
            let joined = Space::new(low, high, size, false);
            if !one.holds(&joined) && !other.holds(&joined) && !found.iter().any(|known| known.holds(&joined)) {
                found.push(joined);
            }
        }
    }
}
