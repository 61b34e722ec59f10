//! From a problem to a plan of one carrier.

use serde::{Deserialize, Serialize};

use super::block::{Blocks, Piece};
use super::bound::volume_bound;
use super::case::Case;
use super::centre;
use super::model::{InvalidInput, Problem};
use super::node::{Node, Placed, Tools};
use super::plan::{Placement, Plan, Reason, Summary, Unplaced};
use super::score::Contact;
use super::search::{Effort, Found, Phase, Search};
use super::sequence;

/// How much is spent on a plan. The effort is counted in steps of the search, never in time, so that the same problem gets the
/// same plan on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Some milliseconds.
    Fast,
    /// Below a second.
    #[default]
    Standard,
    /// Some seconds.
    Thorough,
}

const fn phase(blocks: usize, general: bool, contact: Contact, share: u64) -> Phase {
    Phase { blocks, general, contact, share }
}

impl Mode {
    pub(super) fn effort(self) -> Effort {
        const FAST: &[Phase] = &[phase(1000, false, Contact::Fourth, 1)];
        const STANDARD: &[Phase] = &[phase(2000, false, Contact::Fourth, 1)];
        const THOROUGH: &[Phase] = &[phase(3000, false, Contact::Fourth, 2), phase(3000, true, Contact::Square, 1)];
        match self {
            Mode::Fast => Effort { phases: FAST, work: 3_000_000 },
            Mode::Standard => Effort { phases: STANDARD, work: 200_000_000 },
            Mode::Thorough => Effort { phases: THOROUGH, work: 3_000_000_000 },
        }
    }
}

/// Packs as much volume, or value where items have one, as it finds room for into one carrier.
///
/// Fails only for a problem that [`Problem::validate`] refuses. What finds no place comes back with its reason.
pub fn pack(problem: &Problem, mode: Mode) -> Result<Plan, InvalidInput> {
    pack_within(problem, mode, mode.effort().work)
}

/// The same with a limit of what the search may spend: steps of a few nanoseconds each, counted and not timed. It ends with the
/// first plan that is complete after that, or earlier when no plan can be better.
pub fn pack_within(problem: &Problem, mode: Mode, work: u64) -> Result<Plan, InvalidInput> {
    problem.validate()?;
    Ok(load(problem, Effort { work, ..mode.effort() }))
}

pub(super) fn load(problem: &Problem, effort: Effort) -> Plan {
    let case = Case::new(problem);
    let most = worth_bound(problem, &case);
    let shares: u64 = effort.phases.iter().map(|phase| phase.share).sum();
    let mut best: Option<(Blocks, Found)> = None;
    for phase in effort.phases {
        let blocks = Blocks::build(&case, phase.blocks, phase.general);
        let found = Search::run(&case, &blocks, phase.contact, effort.work / shares * phase.share, most);
        if best.as_ref().is_none_or(|(_, known)| found.worth > known.worth) {
            best = Some((blocks, found));
        }
        if best.as_ref().is_some_and(|(_, known)| known.worth >= most) {
            break;
        }
    }
    let (blocks, found) = best.expect("an effort has at least one phase");
    answer(problem, &case, &blocks, &found)
}

/// All goods at most; where worth is volume, also what [`volume_bound`] says.
fn worth_bound(problem: &Problem, case: &Case) -> i64 {
    let goods = case.kinds.iter().filter(|kind| !kind.turns.is_empty()).map(|kind| kind.worth * i64::from(kind.quantity)).sum();
    if problem.items.iter().all(|item| item.value.is_none()) { volume_bound(problem).min(goods) } else { goods }
}

fn answer(problem: &Problem, case: &Case, blocks: &Blocks, found: &Found) -> Plan {
    let mut pieces: Vec<Piece> = Vec::new();
    centre::unfold(blocks, &found.placed, &mut pieces);
    let place = |piece: &Piece| Placement {
        item: u32::from(piece.kind),
        position_mm: [piece.low[0] - case.corner[0], piece.low[1] - case.corner[1], piece.low[2]],
        rotation: piece.rotation,
        size_mm: piece.size,
    };
    let placed: Vec<Placement> = pieces.iter().map(place).collect();
    let (order, dropped) = sequence::order(&placed, problem.carrier.opening, problem.rules.support_percent > 0);
    let mut unreached = vec![0_u32; case.kinds.len()];
    dropped.iter().for_each(|n| unreached[placed[*n].item as usize] += 1);
    let mut loaded: Vec<Piece> = order.iter().map(|n| pieces[*n]).collect();
    let mut placements: Vec<Placement> = order.into_iter().map(|n| placed[n]).collect();
    // Without the boxes that nobody reaches the centre of gravity may lie elsewhere. Nothing stands on what is loaded last.
    let shift = loop {
        match centre::shift(case, &loaded) {
            Some(shift) => break shift,
            None => loaded.truncate(loaded.len() - 1),
        }
    };
    placements.truncate(loaded.len());
    placements.iter_mut().for_each(|placed| (0..2).for_each(|axis| placed.position_mm[axis] += shift[axis]));
    let unplaced = left_over(case, blocks, &found.placed, &placements, &unreached);
    let summary = Summary::of(problem, &placements);
    Plan { placements, unplaced, summary }
}

fn left_over(case: &Case, blocks: &Blocks, placed: &[Placed], placements: &[Placement], unreached: &[u32]) -> Vec<Unplaced> {
    let mut count = vec![0_u32; case.kinds.len()];
    placements.iter().for_each(|placement| count[placement.item as usize] += 1);
    let full = (0..count.len()).all(|kind| count[kind] + unreached[kind] == case.kinds[kind].quantity);
    let mut unplaced = Vec::new();
    let end = if full { None } else { Some(replay(case, blocks, placed)) };
    for (n, kind) in case.kinds.iter().enumerate() {
        let item = n as u32;
        let quantity = kind.quantity - count[n] - unreached[n];
        if let (Some(end), true) = (&end, quantity > 0) {
            unplaced.push(Unplaced { item, quantity, reason: reason(case, end, &count, n) });
        }
        if unreached[n] > 0 {
            unplaced.push(Unplaced { item, quantity: unreached[n], reason: Reason::NoAccess });
        }
    }
    unplaced
}

/// The state of the search at the end of a plan.
fn replay(case: &Case, blocks: &Blocks, placed: &[Placed]) -> Node {
    let mut tools = Tools::default();
    let mut node = Node::empty(case, &mut tools);
    for one in placed {
        let block = &blocks.all[one.block as usize];
        let seated = |space: &&super::space::Space| {
            let roomy = (0..3).all(|axis| space.extent(axis) >= block.size[axis]);
            roomy && space.corner == one.mirror && space.seat(block.size) == one.low
        };
        let Some(space) = node.spaces.iter().find(seated).copied() else { break };
        node.place(case, blocks, one.block, &space, &mut tools);
    }
    node
}

fn reason(case: &Case, end: &Node, count: &[u32], n: usize) -> Reason {
    let kind = &case.kinds[n];
    if kind.turns.is_empty() {
        return Reason::TooLarge;
    }
    if kind.weight > case.max_weight {
        return Reason::TooHeavy;
    }
    if case.conflicts[n].iter().any(|other| count[usize::from(*other)] > 0) {
        return Reason::Incompatible;
    }
    if end.weight + kind.weight > case.max_weight {
        return Reason::WeightLimit;
    }
    if end.volume + kind.volume > case.max_volume {
        return Reason::VolumeLimit;
    }
    let fits = |extents: &[i32; 3]| end.spaces.iter().any(|space| (0..3).all(|axis| space.extent(axis) >= extents[axis]));
    if !kind.turns.iter().any(|(_, extents)| fits(extents)) {
        return Reason::NoSpace;
    }
    if case.centre.is_some() || case.axle.is_some() { Reason::CentreOfGravity } else { Reason::Unstackable }
}
