//! In which order boxes come in: what a box stands on before it, what would be in its way after it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::model::Opening;
use super::plan::Placement;

/// Indices in loading order, and those that no order reaches: taking them out, always one with nothing on top, opens the way
/// for all others.
pub(super) fn order(placements: &[Placement], opening: Opening, supported: bool) -> (Vec<usize>, Vec<usize>) {
    let count = placements.len();
    let mut after: Vec<Vec<u32>> = vec![Vec::new(); count];
    let mut waits = vec![0_u32; count];
    for one in 0..count {
        for other in 0..count {
            let (a, b) = (&placements[one], &placements[other]);
            if one != other && (blocks_way(b, a, opening) || (supported && stands_on(b, a))) {
                after[one].push(other as u32);
                waits[other] += 1;
            }
        }
    }
    let key = |n: usize| Reverse((depth(&placements[n], opening), n));
    let mut ready: BinaryHeap<_> = (0..count).filter(|n| waits[*n] == 0).map(key).collect();
    let mut state = Sequencing { waits, sequence: Vec::with_capacity(count), dropped: Vec::new(), done: vec![false; count] };
    loop {
        while let Some(Reverse((_, n))) = ready.pop() {
            state.sequence.push(n);
            state.finish(n, &after, |n| ready.push(key(n)));
        }
        let Some(n) = state.obstacle(placements) else { return (state.sequence, state.dropped) };
        state.dropped.push(n);
        state.finish(n, &after, |n| ready.push(key(n)));
    }
}

struct Sequencing {
    waits: Vec<u32>,
    sequence: Vec<usize>,
    dropped: Vec<usize>,
    done: Vec<bool>,
}

impl Sequencing {
    fn finish(&mut self, n: usize, after: &[Vec<u32>], mut free: impl FnMut(usize)) {
        self.done[n] = true;
        for next in after[n].iter().map(|next| *next as usize) {
            self.waits[next] -= 1;
            if self.waits[next] == 0 && !self.done[next] {
                free(next);
            }
        }
    }

    /// The smallest box that is stuck and carries nothing.
    fn obstacle(&self, placements: &[Placement]) -> Option<usize> {
        let stuck = || (0..placements.len()).filter(|n| !self.done[*n]);
        let bare = |n: &usize| !stuck().any(|other| stands_on(&placements[other], &placements[*n]));
        stuck().filter(bare).min_by_key(|n| placements[*n].volume_mm3())
    }
}

/// Far from the opening first, then from the floor up, so that people walk back as they load.
fn depth(placed: &Placement, opening: Opening) -> [i32; 3] {
    let [x, y, z] = placed.position_mm;
    match opening {
        Opening::Top => [z, x, y],
        Opening::Rear => [x, z, y],
        Opening::Left => [-(y + placed.size_mm[1]), z, x],
        Opening::Right => [y, z, x],
    }
}

fn blocks_way(obstacle: &Placement, moved: &Placement, opening: Opening) -> bool {
    let common = |axis: usize| {
        obstacle.position_mm[axis] < moved.position_mm[axis] + moved.size_mm[axis]
            && moved.position_mm[axis] < obstacle.position_mm[axis] + obstacle.size_mm[axis]
    };
    let beyond = |axis: usize| obstacle.position_mm[axis] >= moved.position_mm[axis] + moved.size_mm[axis];
    match opening {
        Opening::Top => beyond(2) && common(0) && common(1),
        Opening::Rear => beyond(0) && common(1) && common(2),
        Opening::Right => beyond(1) && common(0) && common(2),
        Opening::Left => obstacle.position_mm[1] + obstacle.size_mm[1] <= moved.position_mm[1] && common(0) && common(2),
    }
}

fn stands_on(upper: &Placement, lower: &Placement) -> bool {
    let common = |axis: usize| {
        upper.position_mm[axis] < lower.position_mm[axis] + lower.size_mm[axis]
            && lower.position_mm[axis] < upper.position_mm[axis] + upper.size_mm[axis]
    };
    upper.position_mm[2] == lower.top_mm() && common(0) && common(1)
}
