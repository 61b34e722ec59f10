//! The most volume in a tiny carrier by trying every box in every rotation at every whole coordinate.

use optimization::packing::{Problem, Rotation};

/// Without a rule but full or no support; a few boxes in a few mm.
pub fn most_volume(problem: &Problem) -> i64 {
    let boxes: Vec<[i32; 3]> =
        problem.items.iter().flat_map(|item| std::iter::repeat_n(item.size_mm, item.quantity as usize)).collect();
    let upright: Vec<[bool; 3]> =
        problem.items.iter().flat_map(|item| std::iter::repeat_n(item.upright, item.quantity as usize)).collect();
    let carrier = &problem.carrier;
    let size = [carrier.length_mm, carrier.width_mm, carrier.height_mm];
    let mut brute = Brute { size, boxes, upright, supported: problem.rules.support_percent == 100, best: 0, placed: Vec::new() };
    brute.search(0, 0, 0);
    brute.best
}

struct Brute {
    size: [i32; 3],
    boxes: Vec<[i32; 3]>,
    upright: Vec<[bool; 3]>,
    supported: bool,
    best: i64,
    placed: Vec<([i32; 3], [i32; 3])>,
}

impl Brute {
    /// Boxes come in any order of height, so that what supports is there first: `used` is the set of boxes that are placed.
    fn search(&mut self, used: u32, volume: i64, least_z: i32) {
        self.best = self.best.max(volume);
        let left = (0..self.boxes.len()).filter(|n| used >> n & 1 == 0);
        let rest: i64 = left.clone().map(|n| self.boxes[n].iter().map(|side| i64::from(*side)).product::<i64>()).sum();
        if volume + rest <= self.best {
            return;
        }
        for n in left.collect::<Vec<_>>() {
            let mut tried: Vec<[i32; 3]> = Vec::new();
            for rotation in Rotation::ALL {
                let turned = rotation.turn(self.boxes[n]);
                if self.upright[n][usize::from(rotation.axes()[2])] && !tried.contains(&turned) {
                    tried.push(turned);
                    self.place(n, turned, used, volume, least_z);
                }
            }
        }
    }

    fn place(&mut self, n: usize, turned: [i32; 3], used: u32, volume: i64, least_z: i32) {
        let own: i64 = turned.iter().map(|side| i64::from(*side)).product();
        for z in least_z..=self.size[2] - turned[2] {
            for y in 0..=self.size[1] - turned[1] {
                for x in 0..=self.size[0] - turned[0] {
                    if self.free([x, y, z], turned) && (!self.supported || self.stands([x, y, z], turned)) {
                        self.placed.push(([x, y, z], turned));
                        self.search(used | 1 << n, volume + own, z);
                        self.placed.pop();
                    }
                }
            }
        }
    }

    fn free(&self, at: [i32; 3], turned: [i32; 3]) -> bool {
        let apart = |(low, size): &([i32; 3], [i32; 3])| {
            (0..3).any(|axis| at[axis] + turned[axis] <= low[axis] || low[axis] + size[axis] <= at[axis])
        };
        self.placed.iter().all(apart)
    }

    fn stands(&self, at: [i32; 3], turned: [i32; 3]) -> bool {
        let below = |x: i32, y: i32| {
            let holds = |(low, size): &([i32; 3], [i32; 3])| {
                let over = |axis: usize, v: i32| low[axis] <= v && v < low[axis] + size[axis];
                low[2] + size[2] == at[2] && over(0, x) && over(1, y)
            };
            self.placed.iter().any(holds)
        };
        at[2] == 0 || (at[0]..at[0] + turned[0]).all(|x| (at[1]..at[1] + turned[1]).all(|y| below(x, y)))
    }
}
