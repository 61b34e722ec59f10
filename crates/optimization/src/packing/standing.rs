//! Rules about single boxes: what share of a base stands on something, what a box carries, what may stand on fragile goods.

use super::block::Piece;
use super::case::{Case, Support};

/// Less than any load that differs, more than what adding loads in another order changes.
const ROUNDING_G: f64 = 1e-6;

#[derive(Default)]
pub(super) struct Standing {
    boxes: Vec<Box>,
    /// Box below and its share of the contact area, of all boxes; [`Box::under`] is a range of it.
    under: Vec<(u32, f64)>,
    pending: Vec<f64>,
    loads: Vec<f64>,
}

#[derive(Clone, Copy)]
struct Box {
    low: [i32; 3],
    high: [i32; 3],
    kind: u16,
    under: (u32, u32),
    load: f64,
}

impl Clone for Standing {
    fn clone(&self) -> Standing {
        Standing { boxes: self.boxes.clone(), under: self.under.clone(), ..Standing::default() }
    }

    fn clone_from(&mut self, from: &Standing) {
        self.boxes.clone_from(&from.boxes);
        self.under.clone_from(&from.under);
    }
}

impl Standing {
    /// Whether boxes could be added; changes nothing.
    pub fn admits(&mut self, case: &Case, pieces: &mut [Piece]) -> bool {
        let (boxes, under) = (self.boxes.len(), self.under.len());
        if case.loads {
            self.loads.clear();
            self.loads.extend(self.boxes.iter().map(|one| one.load));
        }
        let admitted = self.add(case, pieces);
        self.boxes.truncate(boxes);
        self.under.truncate(under);
        if case.loads {
            self.boxes.iter_mut().zip(&self.loads).for_each(|(one, load)| one.load = *load);
        }
        admitted
    }

    pub fn boxes(&self) -> usize {
        self.boxes.len()
    }

    /// Adds boxes; false, with some of them added, when a rule is broken.
    pub fn add(&mut self, case: &Case, pieces: &mut [Piece]) -> bool {
        pieces.sort_by_key(|piece| piece.low[2]);
        pieces.iter().all(|piece| self.add_one(case, piece))
    }

    fn add_one(&mut self, case: &Case, piece: &Piece) -> bool {
        let high = [0, 1, 2].map(|axis| piece.low[axis] + piece.size[axis]);
        let kind = &case.kinds[usize::from(piece.kind)];
        let first = self.under.len();
        let mut area = 0_i64;
        for (n, other) in self.boxes.iter().enumerate() {
            let (below, above) = (other.high[2] == piece.low[2], other.low[2] == high[2]);
            if !below && !above {
                continue;
            }
            let contact = overlap(other.low, other.high, piece.low, high);
            if contact == 0 {
                continue;
            }
            // What stands there already would rest on this one too, and loads would have to be shared anew.
            let lower = &case.kinds[usize::from(other.kind)];
            if above || lower.bears == 0 || (lower.fragile && !kind.fragile) {
                return false;
            }
            area += contact;
            self.under.push((n as u32, contact as f64));
        }
        self.under[first..].iter_mut().for_each(|(_, share)| *share /= area as f64);
        if piece.low[2] == 0 {
            let [x, y] = case.corner;
            area = overlap([x, y, 0], [x + case.floor[0], y + case.floor[1], 0], piece.low, high);
        }
        let base = i64::from(piece.size[0]) * i64::from(piece.size[1]);
        let enough = match case.support {
            Support::None => true,
            Support::Share(percent) => area * 100 >= base * percent,
            Support::Full => area == base,
        };
        if !enough {
            return false;
        }
        let under = (first as u32, self.under.len() as u32);
        self.boxes.push(Box { low: piece.low, high, kind: piece.kind, under, load: 0.0 });
        !case.loads || self.press(case, under, kind.weight as f64)
    }

    /// Hands a weight down, from the youngest box to the oldest: what carries was always there first.
    fn press(&mut self, case: &Case, under: (u32, u32), weight: f64) -> bool {
        self.pending.clear();
        self.pending.resize(self.boxes.len(), 0.0);
        let spread = |pending: &mut [f64], under: &[(u32, f64)], weight: f64| {
            under.iter().for_each(|(below, share)| pending[*below as usize] += weight * share);
        };
        spread(&mut self.pending, &self.under[under.0 as usize..under.1 as usize], weight);
        for n in (0..self.boxes.len()).rev() {
            let weight = self.pending[n];
            if weight > 0.0 {
                let one = &mut self.boxes[n];
                one.load += weight;
                let bears = case.kinds[usize::from(one.kind)].bears;
                if bears < i64::MAX && one.load > bears as f64 + ROUNDING_G {
                    return false;
                }
                spread(&mut self.pending, &self.under[one.under.0 as usize..one.under.1 as usize], weight);
            }
        }
        true
    }
}

fn overlap(low: [i32; 3], high: [i32; 3], other_low: [i32; 3], other_high: [i32; 3]) -> i64 {
    let side = |axis: usize| i64::from((high[axis].min(other_high[axis]) - low[axis].max(other_low[axis])).max(0));
    side(0) * side(1)
}
