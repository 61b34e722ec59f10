use serde::{Deserialize, Serialize};

use super::case::Case;
use super::feasibility::Floor;
use super::score::ScoreParts;
use super::{Part, Settings};

/// Points by which the alternative must lead, so that thousandths of a point decide for it.
const LEAD: f64 = 0.002;
/// These weights add up to 100; when one changes, the others share the rest as before.
const BASE: [Part; 4] = [Part::Abc, Part::Fill, Part::Travel, Part::LocationType];

/// What would make the best alternative the choice, everything else being as it is: the smallest change of each kind, where there
/// is one. Nothing for lines in parts, and for alternatives that are better for the line alone already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flips {
    pub capacity: Option<CapacityFlip>,
    pub weight: Option<WeightFlip>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CapacityFlip {
    /// `bin` is an index into [`super::Problem::bins`]; negative for less volume.
    Volume { bin: usize, change_mm3: i64 },
    /// The same for the weight that it carries.
    Weight { bin: usize, change_g: i64 },
}

/// Another weight in [`Settings`], at which the alternative beats the choice; a third location may then be better still. Of the four that add up to 100, the other three change in proportion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightFlip {
    pub part: Part,
    pub from: f64,
    pub to: f64,
}

impl WeightFlip {
    /// The settings with the change made.
    pub fn apply(&self, settings: &Settings) -> Settings {
        let mut changed = settings.clone();
        *weight_mut(&mut changed, self.part) = self.to;
        if BASE.contains(&self.part) {
            let others = BASE.into_iter().filter(|part| *part != self.part);
            let scale = (100.0 - self.to) / (100.0 - self.from);
            others.for_each(|part| *weight_mut(&mut changed, part) *= scale);
        }
        changed
    }
}

fn weight_mut(settings: &mut Settings, part: Part) -> &mut f64 {
    match part {
        Part::Abc => &mut settings.abc,
        Part::Fill => &mut settings.fill,
        Part::Travel => &mut settings.travel,
        Part::LocationType => &mut settings.location_type,
        Part::Consolidation => &mut settings.consolidation,
        Part::Affinity => &mut settings.affinity,
        Part::Congestion => &mut settings.congestion,
        Part::Ergonomics => &mut settings.ergonomics,
        Part::PreferredZone => &mut settings.preferred_zone,
        Part::SpecialStorage => &mut settings.special_storage,
        Part::Split => &mut settings.split,
    }
}

/// A line that lies whole in `chosen`, beside the best other location that takes it whole.
pub(super) struct Duel<'a> {
    pub floor: &'a Floor<'a>,
    pub case: &'a Case,
    pub chosen: (usize, ScoreParts),
    pub other: (usize, ScoreParts),
}

impl Duel<'_> {
    pub fn flips(&self) -> Flips {
        if self.lead() < 0.0 {
            return Flips::default();
        }
        Flips { capacity: self.capacity(), weight: self.weight() }
    }

    fn lead(&self) -> f64 {
        self.chosen.1.sum() - self.other.1.sum()
    }

    fn weight(&self) -> Option<WeightFlip> {
        let flips = Part::ALL.iter().filter_map(|part| self.weight_of(*part));
        flips.min_by(|one, two| (one.to - one.from).abs().total_cmp(&(two.to - two.from).abs()))
    }

    /// A score is linear in its weights, so the change follows from the slope.
    fn weight_of(&self, part: Part) -> Option<WeightFlip> {
        let from = *weight_mut(&mut self.floor.problem.settings.clone(), part);
        let gap = |part: Part| self.chosen.1.get(part) - self.other.1.get(part);
        if from == 0.0 {
            return None;
        }
        let mut slope = gap(part) / from;
        if BASE.contains(&part) {
            if from >= 100.0 {
                return None;
            }
            slope -= BASE.into_iter().filter(|base| *base != part).map(gap).sum::<f64>() / (100.0 - from);
        }
        let to = from - (self.lead() + LEAD) / slope;
        (slope != 0.0 && (0.0..=100.0).contains(&to)).then_some(WeightFlip { part, from, to })
    }

    fn capacity(&self) -> Option<CapacityFlip> {
        let (floor, demand) = (self.floor, &self.case.demand);
        let (chosen, other) = (self.chosen.0, self.other.0);
        let (here, there) = (&floor.states[chosen], &floor.states[other]);
        let mut flips: Vec<(f64, CapacityFlip)> = Vec::new();
        let used = [here.volume - here.free_volume(), there.volume - there.free_volume() + demand.volume];
        let points = [self.chosen.1.fill - self.lead() - LEAD, self.other.1.fill + self.lead() + LEAD];
        let bins = [(chosen, here), (other, there)];
        for ((bin, state), (used, points)) in bins.into_iter().zip(used.into_iter().zip(points)) {
            for volume in self.volumes_that_earn(used, points) {
                let gains = |volume: i64| self.case.rates.changing(used as f64 / volume as f64, false, false).0 >= points;
                let enough = if bin == chosen { !gains(volume) } else { gains(volume) };
                if volume >= used && volume != state.volume && enough {
                    let change_mm3 = volume - state.volume;
                    flips.push((
                        share(change_mm3, state.volume),
                        CapacityFlip::Volume { bin: floor.slots[bin].index, change_mm3 },
                    ));
                }
            }
        }
        let bin = floor.slots[chosen].index;
        if demand.volume > 0 {
            let change_mm3 = -here.free_volume() - 1;
            flips.push((share(change_mm3, here.volume), CapacityFlip::Volume { bin, change_mm3 }));
        }
        if demand.weight > 0 {
            let change_g = -here.free_weight() - 1;
            flips.push((share(change_g, here.max_weight), CapacityFlip::Weight { bin, change_g }));
        }
        flips.into_iter().min_by(|one, two| one.0.total_cmp(&two.0)).map(|(_, flip)| flip)
    }

    /// The volumes of a bin around those at which the volume in use earns just these points for the fill, from either side of
    /// the optimal range.
    fn volumes_that_earn(&self, used: i64, points: f64) -> Vec<i64> {
        let (settings, rates) = (&self.floor.problem.settings, &self.case.rates);
        let share = points / settings.fill;
        let mut fills = Vec::new();
        if share > 0.0 && share < 1.0 {
            fills.push(share * rates.fill_min);
        }
        if (0.5..1.0).contains(&share) {
            fills.push(rates.fill_max + (1.0 - share) * 2.0 * (1.0 - rates.fill_max));
        }
        let volumes = fills.into_iter().map(|fill| (used as f64 / fill) as i64);
        volumes.filter(|volume| *volume > 0).flat_map(|volume| [volume, volume + 1]).collect()
    }
}

fn share(change: i64, of: i64) -> f64 {
    change.unsigned_abs() as f64 / of.max(1) as f64
}

/// A line that lies whole, beside the best location that takes a part of it only: the room that it lacks, if it would then win.
pub(super) fn with_more_room(duel: &Duel, best_if_whole: impl Fn(i64) -> ScoreParts) -> Option<CapacityFlip> {
    let (state, demand) = (&duel.floor.states[duel.other.0], &duel.case.demand);
    let bin = duel.floor.slots[duel.other.0].index;
    let lacks = (demand.volume - state.free_volume(), demand.weight - state.free_weight());
    let (volume, flip) = match lacks {
        (change_mm3 @ 1.., ..=0) => (state.volume + change_mm3, CapacityFlip::Volume { bin, change_mm3 }),
        (..=0, change_g @ 1..) => (state.volume, CapacityFlip::Weight { bin, change_g }),
        _ => return None,
    };
    (best_if_whole(volume).sum() > duel.chosen.1.sum() + LEAD).then_some(flip)
}
