//! A partial plan of one carrier.

use std::rc::Rc;

use super::block::{Block, Blocks, Piece};
use super::case::{Case, Support};
use super::reach::{Reach, Reaches};
use super::space::{Cut, Cutter, Space};
use super::standing::Standing;

#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub block: u32,
    pub low: [i32; 3],
    pub mirror: u8,
}

pub(super) struct Node {
    pub left: Vec<u32>,
    pub spaces: Vec<Space>,
    pub placed: Vec<Placed>,
    pub hulls: Vec<([i32; 3], [i32; 3])>,
    pub worth: i64,
    pub volume: i64,
    pub weight: i64,
    pub reach: Rc<Reach>,
    /// Each box, where rules about single boxes hold.
    pub standing: Standing,
}

impl Clone for Node {
    fn clone(&self) -> Node {
        Node {
            left: self.left.clone(),
            spaces: self.spaces.clone(),
            placed: self.placed.clone(),
            hulls: self.hulls.clone(),
            worth: self.worth,
            volume: self.volume,
            weight: self.weight,
            reach: self.reach.clone(),
            standing: self.standing.clone(),
        }
    }

    fn clone_from(&mut self, from: &Node) {
        self.left.clone_from(&from.left);
        self.spaces.clone_from(&from.spaces);
        self.placed.clone_from(&from.placed);
        self.hulls.clone_from(&from.hulls);
        self.worth = from.worth;
        self.volume = from.volume;
        self.weight = from.weight;
        self.reach.clone_from(&from.reach);
        self.standing.clone_from(&from.standing);
    }
}

/// What placing needs beside the node, reused.
#[derive(Default)]
pub(super) struct Tools {
    pub cutter: Cutter,
    pub reaches: Reaches,
    pub pieces: Vec<Piece>,
}

impl Node {
    pub fn empty(case: &Case, tools: &mut Tools) -> Node {
        let left: Vec<u32> = case.kinds.iter().map(|kind| if kind.turns.is_empty() { 0 } else { kind.quantity }).collect();
        Node {
            spaces: vec![Space::new([0; 3], case.size, case.size, case.support == Support::None)],
            placed: Vec::new(),
            hulls: Vec::new(),
            worth: 0,
            volume: 0,
            weight: 0,
            reach: tools.reaches.of(case, &left),
            standing: Standing::default(),
            left,
        }
    }

    /// The space to fill next: the one whose corner is nearest to a corner of the carrier, of those the largest.
    pub fn next_space(&self) -> Option<usize> {
        let key = |space: &Space| (-space.distance, space.volume());
        let mut best: Option<(usize, (i32, i64))> = None;
        for (n, space) in self.spaces.iter().enumerate() {
            if best.is_none_or(|(_, (distance, _))| -space.distance >= distance) {
                let key = key(space);
                if best.is_none_or(|(_, known)| key > known) {
                    best = Some((n, key));
                }
            }
        }
        best.map(|(n, _)| n)
    }

    /// Whether there are boxes, load and volume left for a block.
    #[inline]
    pub fn affords(&self, blocks: &Blocks, block: &Block) -> bool {
        blocks.parts(block).iter().all(|(kind, boxes)| self.left[usize::from(*kind)] >= *boxes)
    }

    /// Puts a block into a space's corner. The rules about single boxes have been tested before.
    pub fn place(&mut self, case: &Case, blocks: &Blocks, id: u32, space: &Space, tools: &mut Tools) {
        let block = &blocks.all[id as usize];
        let low = space.seat(block.size);
        let mirror = space.corner;
        if case.physical {
            tools.pieces.clear();
            blocks.pieces(block, low, mirror, &mut tools.pieces);
            self.standing.add(case, &mut tools.pieces);
        }
        let mut emptied = false;
        for (kind, boxes) in blocks.parts(block) {
            let kind = usize::from(*kind);
            self.left[kind] -= boxes;
            emptied |= self.left[kind] == 0;
            for other in &case.conflicts[kind] {
                emptied |= self.left[usize::from(*other)] > 0;
                self.left[usize::from(*other)] = 0;
            }
        }
        if emptied {
            self.reach = tools.reaches.of(case, &self.left);
        }
        self.worth += block.worth;
        self.volume += block.volume;
        self.weight += block.weight;
        let high = [low[0] + block.size[0], low[1] + block.size[1], low[2] + block.size[2]];
        self.placed.push(Placed { block: id, low, mirror });
        self.hulls.push((low, high));
        let side = |axis: usize| {
            if mirror >> axis & 1 == 1 {
                (high[axis] - block.top[axis], high[axis])
            } else {
                (low[axis], low[axis] + block.top[axis])
            }
        };
        let (x, y) = (side(0), side(1));
        let cut = Cut { low, high, top: [x.0, y.0, x.1, y.1] };
        tools.cutter.cut(&mut self.spaces, &cut, case.size, case.support, [1; 3]);
    }
}
