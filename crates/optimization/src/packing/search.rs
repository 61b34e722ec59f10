//! One carrier: a beam search whose nodes are judged by completing them greedily (BSG, Araya and Riff 2014), with a beam that
//! widens until the work is spent.

use super::block::{Blocks, Piece};
use super::case::Case;
use super::centre;
use super::node::{Node, Placed, Tools};
use super::score::{Contact, Surroundings};
use super::space::Space;
use super::standing::Standing;

/// How much a search may spend, and on what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Searches with different blocks and scores that share the work: they err differently.
    pub phases: &'static [Phase],
    pub work: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    pub blocks: usize,
    pub general: bool,
    pub contact: Contact,
    /// Of the work, among the shares of all phases.
    pub share: u64,
}

/// The best plan of one carrier that was found.
#[derive(Clone, Default)]
pub(super) struct Found {
    pub placed: Vec<Placed>,
    pub worth: i64,
}

pub(super) struct Search<'a> {
    case: &'a Case,
    blocks: &'a Blocks,
    tools: Tools,
    around: Surroundings,
    contact: Contact,
    trial: Standing,
    trial_pieces: Vec<Piece>,
    best: Found,
    work: u64,
    limit: u64,
    /// No plan is worth more.
    most: i64,
}

impl<'a> Search<'a> {
    /// Ends early when a plan is worth `most`.
    pub fn run(case: &'a Case, blocks: &'a Blocks, contact: Contact, work: u64, most: i64) -> Found {
        let mut search = Search {
            case,
            blocks,
            tools: Tools::default(),
            around: Surroundings::new(),
            contact,
            trial: Standing::default(),
            trial_pieces: Vec::new(),
            best: Found::default(),
            work: 0,
            limit: work,
            most,
        };
        search.widen();
        search.best
    }

    fn widen(&mut self) {
        let root = Node::empty(self.case, &mut self.tools);
        let mut width = 1.0_f64;
        loop {
            let before = self.work;
            let finished = self.beam(&root, width as usize);
            let spent = self.work - before;
            let rest = self.limit.saturating_sub(self.work);
            if !finished || rest * 4 < spent {
                break;
            }
            // The work of a beam grows with the square of its width; the last one is to use up what is left.
            let affordable = width * libm::sqrt(rest as f64 / spent.max(1) as f64);
            let next = if affordable < width * 2.0 { affordable } else { width * std::f64::consts::SQRT_2 };
            width = next.max(width.floor() + 1.0);
            if width > 4096.0 {
                break;
            }
        }
    }

    /// False when the work was spent before the end.
    fn beam(&mut self, root: &Node, width: usize) -> bool {
        let mut level = vec![root.clone()];
        let mut completion = root.clone();
        let (mut alive, mut rest, mut chosen) = (Vec::new(), Vec::new(), Vec::new());
        while !level.is_empty() {
            let mut children: Vec<(i64, Node)> = Vec::new();
            for node in &mut level {
                self.affordable(node, &mut alive);
                let Some(space) = self.branch(node, &mut alive, width, &mut chosen) else { continue };
                for (_, block) in &chosen {
                    let mut child = node.clone();
                    child.place(self.case, self.blocks, *block, &space, &mut self.tools);
                    completion.clone_from(&child);
                    rest.clone_from(&alive);
                    self.complete(&mut completion, &mut rest);
                    children.push((completion.worth, child));
                    if self.work >= self.limit {
                        return false;
                    }
                }
            }
            children.sort_by_key(|(worth, _)| -worth);
            children.dedup_by_key(|(worth, _)| *worth);
            children.truncate(width);
            level = children.into_iter().map(|(_, node)| node).collect();
        }
        true
    }

    fn affordable(&mut self, node: &Node, alive: &mut Vec<u32>) {
        alive.clear();
        let all = self.blocks.all.iter().enumerate();
        alive.extend(all.filter(|(_, block)| node.affords(self.blocks, block)).map(|(n, _)| n as u32));
        self.work += self.blocks.all.len() as u64;
    }

    /// The space to fill next with the best blocks for it; spaces that take nothing are dropped.
    fn branch(&mut self, node: &mut Node, alive: &mut [u32], most: usize, chosen: &mut Vec<(f32, u32)>) -> Option<Space> {
        loop {
            let n = node.next_space()?;
            let space = node.spaces[n];
            self.choose(node, alive, &space, most, chosen);
            if !chosen.is_empty() {
                return Some(space);
            }
            node.spaces.swap_remove(n);
        }
    }

    fn complete(&mut self, node: &mut Node, alive: &mut Vec<u32>) {
        let mut chosen = Vec::with_capacity(1);
        let mut ended = false;
        while !ended {
            if self.best.worth < node.worth && centre::allows(self.case, self.blocks, &node.placed) {
                self.best.worth = node.worth;
                self.best.placed.clone_from(&node.placed);
                if node.worth >= self.most {
                    self.limit = 0;
                }
            }
            alive.retain(|block| node.affords(self.blocks, &self.blocks.all[*block as usize]));
            self.work += alive.len() as u64;
            match self.branch(node, alive, 1, &mut chosen) {
                Some(space) => node.place(self.case, self.blocks, chosen[0].1, &space, &mut self.tools),
                None => ended = true,
            }
        }
    }

    /// The `most` best blocks for a space, best first.
    fn choose(&mut self, node: &Node, alive: &[u32], space: &Space, most: usize, chosen: &mut Vec<(f32, u32)>) {
        chosen.clear();
        let case = self.case;
        let on_support = case.support == super::case::Support::Full;
        if case.physical {
            self.trial.clone_from(&node.standing);
        }
        self.around.look(space, &node.hulls, case.size, on_support);
        let extent = [space.extent(0), space.extent(1), space.extent(2)];
        let (weight, volume) = (case.max_weight - node.weight, case.max_volume - node.volume);
        let mut least = 0.0_f32;
        let mut scored = 0;
        let mut scanned = 0;
        for id in alive {
            let block = &self.blocks.all[*id as usize];
            if block.base <= least {
                break;
            }
            scanned += 1;
            if (block.size[0] > extent[0]) | (block.size[1] > extent[1]) | (block.size[2] > extent[2]) {
                continue;
            }
            scored += 1;
            let score = block.base * self.around.factor(block.size, &node.reach, self.contact, least / block.base);
            if score <= least || block.weight > weight || block.volume > volume {
                continue;
            }
            if case.physical && !self.stands(*id, space) {
                continue;
            }
            let place = chosen.partition_point(|(known, _)| *known >= score);
            chosen.insert(place, (score, *id));
            chosen.truncate(most);
            if chosen.len() == most {
                least = chosen[most - 1].0;
            }
        }
        let geometry = (node.spaces.len() + node.hulls.len()) as u64;
        self.work += scanned + 8 * scored + 4 * geometry + 50;
    }

    fn stands(&mut self, id: u32, space: &Space) -> bool {
        let block = &self.blocks.all[id as usize];
        self.trial_pieces.clear();
        self.blocks.pieces(block, space.seat(block.size), space.corner, &mut self.trial_pieces);
        let pieces = self.trial_pieces.len() as u64;
        let deep = if self.case.loads { 2 } else { 1 };
        self.work += 20 + pieces * (10 + (self.trial.boxes() as u64 + pieces / 2) * deep / 2);
        self.trial.admits(self.case, &mut self.trial_pieces)
    }
}
