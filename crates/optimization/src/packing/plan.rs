//! The answer: what goes where, in loading sequence, with the figures that describe it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::model::{Problem, Rotation};

/// One carrier's load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// In loading sequence: at its turn each box is reached along a straight line from the opening, and what it stands on is there.
    pub placements: Vec<Placement>,
    pub unplaced: Vec<Unplaced>,
    pub summary: Summary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Index into [`Problem::items`].
    pub item: u32,
    /// The corner nearest to the origin; negative only within the allowed overhang.
    pub position_mm: [i32; 3],
    pub rotation: Rotation,
    /// Extents along x, y and z as turned.
    pub size_mm: [i32; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unplaced {
    pub item: u32,
    pub quantity: u32,
    pub reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// No allowed rotation fits into the empty carrier.
    TooLarge,
    /// One alone weighs more than the carrier may bear.
    TooHeavy,
    /// The class must not meet one that is loaded.
    Incompatible,
    /// The weight limit would be exceeded.
    WeightLimit,
    /// The volume limit would be exceeded.
    VolumeLimit,
    /// There is room, but nothing there supports or bears it.
    Unstackable,
    /// The centre of gravity would leave its limits.
    CentreOfGravity,
    /// There is room, but no straight way to it from the opening.
    NoAccess,
    NoSpace,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub boxes: u32,
    pub volume_mm3: i64,
    pub weight_g: i64,
    /// Of the highest top.
    pub height_mm: i32,
    pub utilisation: Utilisation,
    /// Of the goods without the carrier; by volume when nothing weighs anything; `None` for an empty plan.
    pub centre_of_gravity_mm: Option<[f64; 3]>,
    /// Distinct heights at which boxes stand.
    pub layers: u32,
    /// 0 to 1: 0.6 S + 0.2 C + 0.2 H. S is the mean, weighted with volumes, of the share of each base that stands on boxes or the
    /// floor. C is 1 less the larger of the distances of the centre of gravity from the middle in x and y, each as a share of
    /// half the floor. H is 1 less its height as a share of the inner height. 1 for an empty plan.
    pub stability: f64,
    /// No plan packs more: see [`super::volume_bound`].
    pub volume_bound_mm3: i64,
    /// (bound - packed) / bound.
    pub gap: f64,
}

/// Shares of what the carrier holds, 0 to 1, limits of the rules included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Utilisation {
    pub volume: f64,
    pub weight: f64,
    pub min: f64,
}

impl Placement {
    pub fn top_mm(&self) -> i32 {
        self.position_mm[2] + self.size_mm[2]
    }

    pub fn volume_mm3(&self) -> i64 {
        self.size_mm.iter().map(|side| i64::from(*side)).product()
    }
}

impl Summary {
    pub(super) fn of(problem: &Problem, placements: &[Placement]) -> Summary {
        let carrier = &problem.carrier;
        let volume_mm3: i64 = placements.iter().map(Placement::volume_mm3).sum();
        let weight_of = |placed: &Placement| problem.items[placed.item as usize].weight_g;
        let weight_g: i64 = placements.iter().map(weight_of).sum();
        let inner: i64 = [carrier.length_mm, carrier.width_mm, carrier.height_mm].map(i64::from).iter().product();
        let share = |part: i64, whole: i64| if whole > 0 { part as f64 / whole as f64 } else { 0.0 };
        let volume = share(volume_mm3, inner.min(problem.rules.max_volume_mm3.unwrap_or(i64::MAX)));
        let weight = share(weight_g, carrier.max_load_g.min(problem.rules.max_weight_g.unwrap_or(i64::MAX)));
        let floors: BTreeSet<i32> = placements.iter().map(|placed| placed.position_mm[2]).collect();
        let centre = centre_of_gravity(placements, |placed| if weight_g > 0 { weight_of(placed) } else { placed.volume_mm3() });
        let bound = super::volume_bound(problem);
        Summary {
            boxes: placements.len() as u32,
            volume_mm3,
            weight_g,
            height_mm: placements.iter().map(Placement::top_mm).max().unwrap_or(0),
            utilisation: Utilisation { volume, weight, min: volume.min(weight) },
            centre_of_gravity_mm: centre,
            layers: floors.len() as u32,
            stability: stability(problem, placements, centre),
            volume_bound_mm3: bound,
            gap: share(bound - volume_mm3, bound),
        }
    }
}

fn centre_of_gravity(placements: &[Placement], mass: impl Fn(&Placement) -> i64) -> Option<[f64; 3]> {
    let total: f64 = placements.iter().map(|placed| mass(placed) as f64).sum();
    let along = |axis: usize| {
        let middle = |placed: &Placement| f64::from(placed.position_mm[axis]) + f64::from(placed.size_mm[axis]) / 2.0;
        placements.iter().map(|placed| mass(placed) as f64 * middle(placed)).sum::<f64>() / total
    };
    (total > 0.0).then(|| [along(0), along(1), along(2)])
}

fn stability(problem: &Problem, placements: &[Placement], centre: Option<[f64; 3]>) -> f64 {
    let Some(centre) = centre else { return 1.0 };
    let carrier = &problem.carrier;
    let (mut supported, mut total) = (0.0, 0.0);
    for placed in placements {
        let volume = placed.volume_mm3() as f64;
        total += volume;
        supported += volume * support_share(problem, placements, placed);
    }
    let off = |axis: usize, length: i32| libm::fabs(centre[axis] / f64::from(length) * 2.0 - 1.0);
    let central = 1.0 - off(0, carrier.length_mm).max(off(1, carrier.width_mm)).min(1.0);
    let low = 1.0 - (centre[2] / f64::from(carrier.height_mm)).min(1.0);
    0.6 * supported / total + 0.2 * central + 0.2 * low
}

fn support_share(problem: &Problem, placements: &[Placement], placed: &Placement) -> f64 {
    let common = |low: [i32; 3], size: [i32; 3]| {
        let side = |axis: usize| {
            let from = low[axis].max(placed.position_mm[axis]);
            let to = (low[axis] + size[axis]).min(placed.position_mm[axis] + placed.size_mm[axis]);
            f64::from((to - from).max(0))
        };
        side(0) * side(1)
    };
    let area = if placed.position_mm[2] == 0 {
        common([0; 3], [problem.carrier.length_mm, problem.carrier.width_mm, 0])
    } else {
        let below = placements.iter().filter(|other| other.top_mm() == placed.position_mm[2]);
        below.map(|other| common(other.position_mm, other.size_mm)).sum()
    };
    area / (f64::from(placed.size_mm[0]) * f64::from(placed.size_mm[1]))
}
