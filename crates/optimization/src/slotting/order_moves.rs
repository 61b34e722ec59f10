use serde::Serialize;

use super::course::nearest;
use super::simulate::validate_slotting;
use super::{InvalidInput, Kinds, Layout, Slotting, check};

/// One item goes from one slot to another; `None` is the far reserve, which has room for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Move {
    pub item: u32,
    pub from: Option<u32>,
    pub to: Option<u32>,
    /// Moves of one chain or cycle have the same number: they make sense together only. Counted from 0.
    pub group: u32,
}

/// Moves that turn one slotting into the other, in an order in which every target is empty when its move comes.
///
/// A chain begins with the move into a slot that is empty; each move empties the slot of the next. What is left are cycles: the
/// first item of a cycle is put into the nearest empty slot, the others follow, and it comes back last. So a cycle of n items
/// takes n + 1 moves. Fails if there is a cycle and no slot is empty.
pub fn order_moves(layout: &Layout, current: &Slotting, target: &Slotting) -> Result<Vec<Move>, InvalidInput> {
    order_moves_among(layout, &Kinds::ONE, current, target)
}

/// As [`order_moves`]; the empty slot that a cycle passes through is of the kind of the slots that it passes.
pub(super) fn order_moves_among(
    layout: &Layout,
    kinds: &Kinds,
    current: &Slotting,
    target: &Slotting,
) -> Result<Vec<Move>, InvalidInput> {
    layout.validate()?;
    check("target", target.len() == current.len(), "must cover the same items as current")?;
    validate_slotting(layout, current)?;
    validate_slotting(layout, target)?;
    let mut floor = Floor::new(layout, kinds, current, target);
    for (item, to) in target.iter().enumerate() {
        if floor.at[item].is_some() && to.is_none() {
            let freed = floor.go(item, None);
            floor.follow(freed);
        }
    }
    for slot in 0..layout.slots.len() as u32 {
        if floor.holds[slot as usize].is_none() && floor.wanted_by[slot as usize].is_some() {
            floor.follow(Some(slot));
        }
    }
    for (item, to) in target.iter().enumerate() {
        if floor.at[item] != *to {
            let home = floor.at[item].expect("only a slotted item can be in a cycle");
            let Some(spare) = floor.nearest_empty(home) else {
                return Err(InvalidInput::new("target", "must leave a slot empty: items that change places need one to pass"));
            };
            let freed = floor.go(item, Some(spare));
            floor.follow(freed);
        }
    }
    Ok(floor.moves)
}

struct Floor<'a> {
    layout: &'a Layout,
    kinds: &'a Kinds<'a>,
    target: &'a Slotting,
    at: Slotting,
    holds: Vec<Option<usize>>,
    wanted_by: Vec<Option<usize>>,
    moves: Vec<Move>,
    group: u32,
}

impl<'a> Floor<'a> {
    fn new(layout: &'a Layout, kinds: &'a Kinds<'a>, current: &Slotting, target: &'a Slotting) -> Self {
        let mut holds = vec![None; layout.slots.len()];
        let mut wanted_by = vec![None; layout.slots.len()];
        for item in 0..current.len() {
            if let Some(slot) = current[item] {
                holds[slot as usize] = Some(item);
            }
            if let Some(slot) = target[item] {
                wanted_by[slot as usize] = Some(item);
            }
        }
        Self { layout, kinds, target, at: current.clone(), holds, wanted_by, moves: Vec::new(), group: 0 }
    }

    /// Returns the slot that is empty now.
    fn go(&mut self, item: usize, to: Option<u32>) -> Option<u32> {
        let from = std::mem::replace(&mut self.at[item], to);
        if let Some(slot) = from {
            self.holds[slot as usize] = None;
        }
        if let Some(slot) = to {
            self.holds[slot as usize] = Some(item);
        }
        self.moves.push(Move { item: item as u32, from, to, group: self.group });
        from
    }

    /// Fills an empty slot with the item that wants it, then the slot which that leaves, and so on.
    fn follow(&mut self, mut empty: Option<u32>) {
        while let Some(slot) = empty {
            match self.wanted_by[slot as usize] {
                Some(item) if self.at[item] != self.target[item] => empty = self.go(item, Some(slot)),
                _ => break,
            }
        }
        self.group += 1;
    }

    fn nearest_empty(&self, slot: u32) -> Option<u32> {
        let empty = (0..self.layout.slots.len() as u32).filter(|other| self.holds[*other as usize].is_none());
        nearest(self.layout, self.kinds, slot, &mut empty.into_iter())
    }
}
