//! The centre of gravity of the goods, and how far the whole load may be moved to bring it where it must lie.

use super::block::{Blocks, Piece};
use super::case::Case;
use super::node::Placed;

/// Keeps the rounding of a shift to whole mm away from the limits.
const MARGIN_MM: f64 = 1.0;

pub(super) fn allows(case: &Case, blocks: &Blocks, placed: &[Placed]) -> bool {
    if case.centre.is_none() && case.axle.is_none() {
        return true;
    }
    let mut pieces = Vec::new();
    unfold(blocks, placed, &mut pieces);
    shift(case, &pieces).is_some()
}

pub(super) fn unfold(blocks: &Blocks, placed: &[Placed], pieces: &mut Vec<Piece>) {
    for one in placed {
        blocks.pieces(&blocks.all[one.block as usize], one.low, one.mirror, pieces);
    }
}

/// How far to move all pieces in x and y so that the centre of gravity keeps the limits, as near to the middle as they allow;
/// `None` when no move does. Goods that stand out over the floor's edge stay where they are.
pub(super) fn shift(case: &Case, pieces: &[Piece]) -> Option<[i32; 2]> {
    if case.centre.is_none() && case.axle.is_none() {
        return Some([0; 2]);
    }
    let weight: f64 = pieces.iter().map(|piece| case.kinds[usize::from(piece.kind)].weight as f64).sum();
    if weight == 0.0 {
        return Some([0; 2]);
    }
    let along = |axis: usize| {
        let moment = |piece: &Piece| {
            let middle = f64::from(piece.low[axis] - case.corner[axis]) + f64::from(piece.size[axis]) / 2.0;
            case.kinds[usize::from(piece.kind)].weight as f64 * middle
        };
        let centre = pieces.iter().map(moment).sum::<f64>() / weight;
        let low = pieces.iter().map(|piece| piece.low[axis] - case.corner[axis]).min().unwrap_or(0);
        let high = pieces.iter().map(|piece| piece.low[axis] + piece.size[axis] - case.corner[axis]).max().unwrap_or(0);
        let inside = low >= 0 && high <= case.floor[axis];
        let room = if inside { (-low, case.floor[axis] - high) } else { (0, 0) };
        let middle = f64::from(case.floor[axis]) / 2.0;
        let (mut from, mut to) = case.centre.map_or((0.0, middle * 2.0), |reach| (middle - reach[axis], middle + reach[axis]));
        if let (0, Some(axle)) = (axis, case.axle) {
            from = from.max(axle.0);
            to = to.min(axle.1);
        }
        let (from, to) = (from.max(0.0), to.min(middle * 2.0));
        // A centre that lies right stays; otherwise the smallest move towards the middle of the window.
        let fits = |shift: i32| (from..=to).contains(&(centre + f64::from(shift)));
        let wanted = ((from + to) / 2.0 - centre) as i32;
        let wanted = wanted.clamp(room.0, room.1);
        let near =
            if centre < from + MARGIN_MM { (from + MARGIN_MM - centre) as i32 + 1 } else { (to - MARGIN_MM - centre) as i32 - 1 };
        [0, near.clamp(room.0, room.1), wanted].into_iter().find(|shift| fits(*shift))
    };
    Some([along(0)?, along(1)?])
}
