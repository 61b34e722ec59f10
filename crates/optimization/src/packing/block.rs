//! Blocks: arrangements of boxes that are placed as one (Fanslau and Bortfeldt 2010). Simple blocks are grids of one kind in one
//! rotation; general blocks join two blocks along an axis and fill at least 98 % of their hull (Zhu and Lim 2012).

use std::collections::HashSet;

use super::case::{Case, Support};
use super::model::Rotation;

const LEAST_FILL_PERCENT: i64 = 98;

/// Sorted by what a placement is worth at best, so that a search may stop early.
pub(super) struct Blocks {
    pub all: Vec<Block>,
    /// Kind and number of boxes, of all blocks; [`Block::parts`] is a range of it.
    pub parts: Vec<(u16, u32)>,
    layouts: Vec<Layout>,
}

#[derive(Clone)]
pub(super) struct Block {
    pub size: [i32; 3],
    /// worth / boxes^0.2: the score of a placement is at most that.
    pub base: f32,
    pub kinds: u64,
    pub parts: (u32, u32),
    /// The supported rectangle on top, from the corner x = y = 0.
    pub top: [i32; 2],
    pub worth: i64,
    pub volume: i64,
    pub weight: i64,
    pub boxes: u32,
    layout: u32,
}

#[derive(Clone, Copy)]
enum Layout {
    Grid {
        kind: u16,
        rotation: Rotation,
        extents: [i32; 3],
        times: [i32; 3],
    },
    /// The second begins where the first ends on `axis`, at `offset`.
    Join {
        axis: usize,
        offset: i32,
        first: u32,
        second: u32,
    },
}

/// One box of a block, relative to the block's corner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub kind: u16,
    pub rotation: Rotation,
    pub low: [i32; 3],
    pub size: [i32; 3],
}

impl Blocks {
    /// At most about `most` blocks; the single box of each kind and rotation is always among them.
    pub fn build(case: &Case, most: usize, general: bool) -> Blocks {
        let mut maker = Maker { case, all: Vec::new(), parts: Vec::new(), layouts: Vec::new(), seen: HashSet::new() };
        maker.grids(if general { most * 2 / 3 } else { most });
        if general {
            maker.joins(most);
        }
        let Maker { mut all, parts, layouts, .. } = maker;
        all.sort_by(|a, b| b.base.total_cmp(&a.base).then(a.layout.cmp(&b.layout)));
        Blocks { all, parts, layouts }
    }

    pub fn parts(&self, block: &Block) -> &[(u16, u32)] {
        &self.parts[block.parts.0 as usize..block.parts.1 as usize]
    }

    /// Appends the boxes of a block whose corner lies at `at`, mirrored on each axis whose bit is set in `mirror`.
    pub fn pieces(&self, block: &Block, at: [i32; 3], mirror: u8, into: &mut Vec<Piece>) {
        let first = into.len();
        self.unfold(block.layout, [0; 3], into);
        for piece in &mut into[first..] {
            for (axis, at) in at.into_iter().enumerate() {
                if mirror >> axis & 1 == 1 {
                    piece.low[axis] = block.size[axis] - piece.low[axis] - piece.size[axis];
                }
                piece.low[axis] += at;
            }
        }
    }

    fn unfold(&self, layout: u32, at: [i32; 3], into: &mut Vec<Piece>) {
        match self.layouts[layout as usize] {
            Layout::Grid { kind, rotation, extents, times } => {
                for z in 0..times[2] {
                    for y in 0..times[1] {
                        for x in 0..times[0] {
                            let low = [at[0] + x * extents[0], at[1] + y * extents[1], at[2] + z * extents[2]];
                            into.push(Piece { kind, rotation, low, size: extents });
                        }
                    }
                }
            }
            Layout::Join { axis, offset, first, second } => {
                self.unfold(first, at, into);
                let mut beside = at;
                beside[axis] += offset;
                self.unfold(second, beside, into);
            }
        }
    }
}

struct Maker<'a> {
    case: &'a Case,
    all: Vec<Block>,
    parts: Vec<(u16, u32)>,
    layouts: Vec<Layout>,
    /// Size, top and contents: what a block looks like from outside.
    seen: HashSet<([i32; 3], [i32; 2], u64)>,
}

impl Maker<'_> {
    /// Of all grids as many as there may be, the same share of each kind and rotation, spread over all sizes.
    fn grids(&mut self, most: usize) {
        let case = self.case;
        let turned = |kind: usize| case.kinds[kind].turns.iter().map(move |(rotation, extents)| (kind, *rotation, *extents));
        let turns: Vec<(usize, Rotation, [i32; 3])> = (0..case.kinds.len()).flat_map(turned).collect();
        let grids: Vec<Vec<(i64, [i32; 3])>> = turns.iter().map(|(kind, _, extents)| self.times(*kind, *extents)).collect();
        let total: usize = grids.iter().map(Vec::len).sum();
        for ((kind, rotation, extents), grids) in turns.into_iter().zip(grids) {
            let kept = (grids.len() * most.min(total)).div_ceil(total);
            // From the largest; the last is the single box.
            for n in (0..kept).map(|n| if n + 1 == kept { grids.len() - 1 } else { n * grids.len() / kept }) {
                self.grid(kind as u16, rotation, extents, grids[n].1);
            }
        }
    }

    /// How often a box may be repeated on each axis, with the number of boxes, most first.
    fn times(&self, kind: usize, extents: [i32; 3]) -> Vec<(i64, [i32; 3])> {
        let case = self.case;
        let of = &case.kinds[kind];
        let quantity = of.quantity as i32;
        let fit = |axis: usize| (case.size[axis] / extents[axis]).min(quantity);
        let mut stack = fit(2);
        if of.bears == 0 {
            stack = 1;
        } else if of.bears < i64::MAX && of.weight > 0 {
            stack = stack.min(1 + (of.bears / of.weight).min(i64::from(stack)) as i32);
        }
        let mut grids = Vec::new();
        for x in steps(fit(0)) {
            for y in steps(fit(1).min(quantity / x)) {
                for z in steps(stack.min(quantity / x / y)) {
                    let boxes = i64::from(x * y * z);
                    if (x, y, z) == (1, 1, 1) || (boxes * of.weight <= case.max_weight && boxes * of.volume <= case.max_volume) {
                        grids.push((boxes, [x, y, z]));
                    }
                }
            }
        }
        grids.sort_by_key(|(boxes, times)| (-boxes, *times));
        grids
    }

    fn grid(&mut self, kind: u16, rotation: Rotation, extents: [i32; 3], times: [i32; 3]) {
        let of = &self.case.kinds[usize::from(kind)];
        let boxes = times.iter().product::<i32>() as u32;
        let size = [extents[0] * times[0], extents[1] * times[1], extents[2] * times[2]];
        let count = i64::from(boxes);
        let block = Block {
            size,
            base: base(of.worth * count, boxes),
            kinds: 1 << (kind % 64),
            parts: (0, 0),
            top: if of.bears == 0 { [0; 2] } else { [size[0], size[1]] },
            worth: of.worth * count,
            volume: of.volume * count,
            weight: of.weight * count,
            boxes,
            layout: 0,
        };
        self.add(block, &[(kind, boxes)], Layout::Grid { kind, rotation, extents, times });
    }

    fn add(&mut self, mut block: Block, parts: &[(u16, u32)], layout: Layout) {
        let mut contents = 0_u64;
        for (kind, boxes) in parts {
            contents =
                (contents ^ (u64::from(*kind) << 32 | u64::from(*boxes))).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        }
        if self.seen.insert((block.size, block.top, contents)) {
            block.parts = (self.parts.len() as u32, (self.parts.len() + parts.len()) as u32);
            self.parts.extend_from_slice(parts);
            block.layout = self.layouts.len() as u32;
            self.layouts.push(layout);
            self.all.push(block);
        }
    }

    /// Joins blocks with all before them, generation by generation, until there are `most`.
    fn joins(&mut self, most: usize) {
        let mut begin = 0;
        let mut parts = Vec::new();
        while self.all.len() < most && begin < self.all.len() {
            let end = self.all.len();
            for second in begin..end {
                for first in 0..end {
                    for axis in 0..3 {
                        self.join(first, second, axis, &mut parts);
                        if first < begin {
                            self.join(second, first, axis, &mut parts);
                        }
                    }
                    if self.all.len() >= most {
                        return;
                    }
                }
            }
            begin = end;
        }
    }

    fn join(&mut self, first: usize, second: usize, axis: usize, parts: &mut Vec<(u16, u32)>) {
        let (a, b) = (&self.all[first], &self.all[second]);
        let mut size = [a.size[0].max(b.size[0]), a.size[1].max(b.size[1]), a.size[2].max(b.size[2])];
        size[axis] = a.size[axis] + b.size[axis];
        let volume = a.volume + b.volume;
        let hull = i64::from(size[0]) * i64::from(size[1]) * i64::from(size[2]);
        if volume * 100 < hull * LEAST_FILL_PERCENT || size[axis] > self.case.size[axis] {
            return;
        }
        if volume > self.case.max_volume || a.weight + b.weight > self.case.max_weight {
            return;
        }
        let Some(top) = self.top(a, b, axis, size) else { return };
        if !self.union(first, second, parts) {
            return;
        }
        let (a, b) = (&self.all[first], &self.all[second]);
        let boxes = a.boxes + b.boxes;
        let block = Block {
            size,
            base: base(a.worth + b.worth, boxes),
            kinds: a.kinds | b.kinds,
            parts: (0, 0),
            top,
            worth: a.worth + b.worth,
            volume,
            weight: a.weight + b.weight,
            boxes,
            layout: 0,
        };
        let layout = Layout::Join { axis, offset: a.size[axis], first: a.layout, second: b.layout };
        self.add(block, parts, layout);
    }

    /// The rectangle on top of two blocks together, or nothing when the second would not stand on the first.
    fn top(&self, a: &Block, b: &Block, axis: usize, size: [i32; 3]) -> Option<[i32; 2]> {
        if self.case.support == Support::None {
            return Some([size[0], size[1]]);
        }
        if axis == 2 {
            return (b.size[0] <= a.top[0] && b.size[1] <= a.top[1]).then_some(b.top);
        }
        if a.size[2] < b.size[2] {
            return None;
        }
        let across = 1 - axis;
        let mut joined = [0; 2];
        if a.size[2] == b.size[2] && a.top[axis] == a.size[axis] {
            joined[axis] = a.size[axis] + b.top[axis];
            joined[across] = a.top[across].min(b.top[across]);
        }
        let area = |top: [i32; 2]| i64::from(top[0]) * i64::from(top[1]);
        Some(if area(joined) >= area(a.top) { joined } else { a.top })
    }

    /// The contents of both; false when there are not so many boxes, or they must not meet.
    fn union(&self, first: usize, second: usize, parts: &mut Vec<(u16, u32)>) -> bool {
        let of = |n: usize| {
            let range = self.all[n].parts;
            &self.parts[range.0 as usize..range.1 as usize]
        };
        parts.clear();
        parts.extend_from_slice(of(first));
        for (kind, boxes) in of(second) {
            match parts.iter_mut().find(|(known, _)| known == kind) {
                Some((_, count)) => *count += boxes,
                None => parts.push((*kind, *boxes)),
            }
        }
        parts.sort_unstable();
        let conflicts = &self.case.conflicts;
        let enough = |(kind, boxes): &(u16, u32)| *boxes <= self.case.kinds[usize::from(*kind)].quantity;
        let apart = |(kind, _): &(u16, u32)| parts.iter().any(|(other, _)| conflicts[usize::from(*kind)].contains(other));
        parts.iter().all(enough) && !parts.iter().any(apart)
    }
}

fn base(worth: i64, boxes: u32) -> f32 {
    (worth as f64 * libm::pow(f64::from(boxes), -0.2)) as f32
}

/// All numbers to `most`, thinned out above 16 so that large grids do not multiply.
fn steps(most: i32) -> impl Iterator<Item = i32> {
    let mut next = 1;
    std::iter::from_fn(move || {
        if next > most {
            return None;
        }
        let step = next;
        next = if next < 16 || next == most { next + 1 } else { (next + next / 8).min(most) };
        Some(step)
    })
}
