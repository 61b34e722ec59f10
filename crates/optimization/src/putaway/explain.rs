use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::case::Case;
use super::feasibility::{Demand, Floor, longest_excess, space};
use super::flip::{self, Duel, Flips};
use super::model::{LineResult, Placement};
use super::score::ScoreParts;
use super::{Hazard, Mixing, Part, ReasonCode, SecurityZone, Share};

const ALTERNATIVES: usize = 3;

/// Another location that could take the line once the whole batch is in place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// Index into [`super::Problem::bins`].
    pub bin: usize,
    /// For the whole line, or for as much of it as goes in.
    pub score: ScoreParts,
    pub lost: Lost,
}

/// Why an alternative was not chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Lost {
    /// `points` less in all; `part` is what it is worse at most.
    LowerScore { part: Part, points: f64 },
    /// The same score, but more free volume is left over.
    LooserFit,
    /// Equal in everything; the lower location number decided.
    Equal,
    /// It takes a part of the line only.
    TakesPart { quantity_micro: i64 },
    /// It was worse when the line was decided; the lines after it made it `points` better than the choice.
    LaterLines { points: f64 },
    /// It is `points` better for this line alone, but other lines would lose more.
    OtherLines { points: f64 },
}

/// Why something of a line was left unplaced.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The rule that stopped the locations that came farthest.
    pub code: ReasonCode,
    /// Of those, the one that lacked least; absent when no location is of the right type.
    pub nearest_miss: Option<NearestMiss>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NearestMiss {
    /// Index into [`super::Problem::bins`].
    pub bin: usize,
    pub miss: Miss,
}

/// What a location lacked for the smallest part of the line that may lie alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Miss {
    Volume {
        needed_mm3: i64,
        available_mm3: i64,
    },
    Weight {
        needed_g: i64,
        available_g: i64,
    },
    /// The pair of lengths, both sets sorted, that differs most.
    Length {
        needed_mm: i64,
        available_mm: i64,
    },
    /// Tenths of a degree Celsius; `available` is absent where the location keeps no temperature.
    Temperature {
        needed: (i32, i32),
        available: Option<(i32, i32)>,
    },
    Security {
        needed: SecurityZone,
        available: SecurityZone,
    },
    /// The class that lies there; `needed` is the line's.
    Hazard {
        needed: Hazard,
        present: Hazard,
    },
    Mixing {
        policy: Mixing,
    },
}

impl Miss {
    /// By how much the need exceeds what is available, in percent of what is available; `None` where that has no meaning.
    pub fn overflow_percent(&self) -> Option<f64> {
        let (needed, available) = self.capacity()?;
        (available > 0).then(|| (needed as f64 / available as f64 - 1.0) * 100.0)
    }

    fn capacity(&self) -> Option<(i64, i64)> {
        match *self {
            Self::Volume { needed_mm3, available_mm3 } => Some((needed_mm3, available_mm3)),
            Self::Weight { needed_g, available_g } => Some((needed_g, available_g)),
            Self::Length { needed_mm, available_mm } => Some((needed_mm, available_mm)),
            _ => None,
        }
    }

    /// Share of the need that is lacking; rules without an amount are all equally near.
    fn lack(&self) -> f64 {
        match *self {
            Self::Temperature { needed, available: Some(kept) } => {
                f64::from((needed.0 - kept.0).max(0)) + f64::from((kept.1 - needed.1).max(0))
            }
            Self::Temperature { available: None, .. } => f64::MAX,
            Self::Security { needed, available } => (needed as u32 - available as u32).into(),
            _ => self.capacity().map_or(0.0, |(needed, available)| 1.0 - available as f64 / needed as f64),
        }
    }
}

/// The whole account of one line, judged with the whole batch in place. `together` when the lines were not decided one by one.
pub(super) fn line(floor: &Floor, case: &Case, shares: &[Share], together: bool) -> LineResult {
    let demand = &case.demand;
    let unplaced_micro = demand.quantity - shares.iter().map(|share| share.quantity_micro).sum::<i64>();
    let failure = (unplaced_micro > 0).then(|| failure(floor, &demand.rest(unplaced_micro)));
    if shares.is_empty() {
        let (placements, alternatives) = (Vec::new(), Vec::new());
        return LineResult { placements, unplaced_micro, failure, alternatives, flips: Flips::default() };
    }
    let scene = Scene { floor, case, shares, together };
    let whole = shares[0].quantity_micro == demand.quantity;
    let others = if whole { scene.others_for_all() } else { scene.others_for_a_part() };
    let placements: Vec<Placement> = shares.iter().map(|share| scene.placement(*share, &others)).collect();
    let chosen = whole.then(|| (&placements[0].score, shares[0].bin));
    let mut alternatives: Vec<Alternative> = others.best.iter().map(|bin| scene.alternative(*bin, chosen)).collect();
    if whole && alternatives.len() < ALTERNATIVES {
        let missing = ALTERNATIVES - alternatives.len();
        alternatives.extend(scene.others_for_a_part().best.iter().take(missing).map(|bin| scene.alternative(*bin, None)));
    }
    let flips = if whole { scene.flips(&placements[0].score, &others, alternatives.first()) } else { Flips::default() };
    LineResult { placements, unplaced_micro, failure, alternatives, flips }
}

struct Scene<'a> {
    floor: &'a Floor<'a>,
    case: &'a Case,
    shares: &'a [Share],
    together: bool,
}

/// The locations that fit but hold nothing of the line.
struct Others {
    /// The best of them, best first.
    best: Vec<usize>,
    count: usize,
    /// For each of the line's shares how many are nearer.
    nearer: Vec<usize>,
    fill_points: f64,
}

/// The best few of many: by points, then the volume left free, then the number of the location.
#[derive(Default)]
struct Podium(Vec<(Reverse<i64>, i64, u32, usize)>);

impl Podium {
    /// Whether a location with at most so many points may come in.
    fn may_hold(&self, points: i64) -> bool {
        self.0.len() < ALTERNATIVES || points >= self.0[ALTERNATIVES - 1].0.0
    }

    fn offer(&mut self, floor: &Floor, bin: usize, points: i64, volume: i64) {
        let place = (Reverse(points), floor.states[bin].free_volume() - volume, floor.slots[bin].location, bin);
        self.0.insert(self.0.partition_point(|better| *better < place), place);
        self.0.truncate(ALTERNATIVES);
    }

    fn bins(self) -> Vec<usize> {
        self.0.into_iter().map(|(.., bin)| bin).collect()
    }
}

impl Scene<'_> {
    fn holds(&self, bin: usize) -> bool {
        self.shares.iter().any(|share| share.bin == bin)
    }

    fn nearness(&self, bin: usize) -> f64 {
        self.floor.slots[bin].nearness
    }

    /// Counted from what the line made of all bins before the batch, with those looked at anew in which something lies now.
    fn others_for_all(&self) -> Others {
        let Self { floor, case, .. } = *self;
        let (chosen, columns, survey) = (self.shares[0].bin, &floor.columns, &case.survey);
        let near = self.nearness(chosen);
        let nearer_of = |bins: &[usize]| bins.iter().filter(|bin| self.nearness(**bin) > near).count();
        let volume = case.demand.volume;
        let were: Vec<usize> = case.touched_once_whole(floor).collect();
        let are: Vec<usize> = case.touched_whole(floor).filter(|bin| *bin != chosen).collect();
        let fill = |bin: usize, used: i64| case.rates.changing(floor.fill_of(bin, used + volume), false, false).0;
        let before: f64 = were.iter().map(|bin| fill(*bin, floor.used_before(*bin))).sum();
        let now: f64 = are.iter().map(|bin| fill(*bin, floor.states[*bin].used_volume())).sum();
        let nearer = survey.whole.count_before(columns.nearer_than(near)) - nearer_of(&were) + nearer_of(&are);
        Others {
            best: case.best_for_all(floor, ALTERNATIVES, |bin| bin == chosen),
            count: survey.whole.count() - were.len() + are.len(),
            nearer: vec![nearer],
            fill_points: survey.fill_points - before + now,
        }
    }

    fn others_for_a_part(&self) -> Others {
        let Self { floor, case, .. } = *self;
        let demand = &case.demand;
        let near: Vec<f64> = self.shares.iter().map(|share| self.nearness(share.bin)).collect();
        let (mut count, mut nearer, mut podium) = (0, vec![0; near.len()], Podium::default());
        for candidate in case.candidates(floor).iter().filter(|candidate| case.fits_piece(floor, candidate.bin())) {
            let (bin, (room, part)) = (candidate.bin(), case.room_and_part(floor, candidate));
            if room < demand.quantity && part > 0 && !self.holds(bin) {
                count += 1;
                near.iter().zip(&mut nearer).for_each(|(near, nearer)| *nearer += usize::from(self.nearness(bin) > *near));
                let points = case.points(floor, candidate, part);
                if podium.may_hold(points) {
                    podium.offer(floor, bin, points, space(part, demand.unit_volume));
                }
            }
        }
        Others { best: podium.bins(), count, nearer, fill_points: 0.0 }
    }

    fn parts_of_more(&self, bin: usize, volume: i64, partial: bool) -> ScoreParts {
        let Self { floor, case: Case { demand, rates, .. }, .. } = *self;
        let fill = floor.states[bin].fill_with(volume);
        rates.parts(&floor.slots[bin], floor.affinity(demand, bin), fill, floor.holds_same(demand, bin), partial)
    }

    fn placement(&self, share: Share, others: &Others) -> Placement {
        let Self { floor, case: Case { demand, rates, .. }, .. } = *self;
        let slot = &floor.slots[share.bin];
        let joins_stock = floor.stock_holds(demand, share.bin);
        let same_lot = joins_stock || floor.other_line_holds(demand, share.bin);
        let fill_after = floor.states[share.bin].fill_with(0);
        let partial = share.quantity_micro < demand.quantity;
        let score = rates.parts(slot, floor.affinity(demand, share.bin), fill_after, same_lot, partial);
        let own = self.shares.iter().filter(|own| floor.slots[own.bin].nearness > slot.nearness).count();
        let at = self.shares.iter().position(|other| other.bin == share.bin).expect("it is one of them");
        Placement {
            bin: slot.index,
            quantity_micro: share.quantity_micro,
            score,
            reason: self.reason(&score, partial, others),
            fill_after,
            joins_stock,
            nearness_rank: (others.nearer[at] + own) as u32 + 1,
            fitting_bins: (others.count + self.shares.len()) as u32,
        }
    }

    /// Beside the plain cases: the part by which the choice most exceeds the average of the locations that fit.
    fn reason(&self, score: &ScoreParts, partial: bool, others: &Others) -> ReasonCode {
        if !self.case.demand.released {
            return ReasonCode::Quarantine;
        }
        if partial {
            return ReasonCode::Split;
        }
        if others.count == 0 {
            return ReasonCode::OnlyLocation;
        }
        if score.consolidation > 0.0 {
            return ReasonCode::Consolidation;
        }
        let fill = (others.fill_points + score.fill) / (others.count + 1) as f64;
        let average = ScoreParts { fill, consolidation: score.consolidation, split: score.split, ..self.case.survey.average };
        let lead = |part: Part| ((score.get(part) - average.get(part)) * 1000.0).round() as i64;
        let best = Part::ALL.iter().copied().rev().max_by_key(|part| lead(*part)).filter(|part| lead(*part) > 0);
        match best {
            Some(Part::Abc) => ReasonCode::AbcMatch,
            Some(Part::Travel) if self.case.rates.seeks_near() => ReasonCode::Nearest,
            Some(Part::Travel) => ReasonCode::SlowMover,
            Some(Part::LocationType) => ReasonCode::LocationType,
            Some(Part::Affinity) => ReasonCode::Affinity,
            Some(Part::Congestion) => ReasonCode::QuietAisle,
            Some(Part::Ergonomics) => ReasonCode::Ergonomics,
            Some(Part::PreferredZone) => ReasonCode::PreferredZone,
            Some(Part::SpecialStorage) => ReasonCode::PlainStorage,
            Some(Part::Fill | Part::Consolidation | Part::Split) | None => ReasonCode::BestFit,
        }
    }

    fn flips(&self, chosen: &ScoreParts, others: &Others, best: Option<&Alternative>) -> Flips {
        let Some(best) = best else { return Flips::default() };
        let Self { floor, case: case @ Case { demand, rates, .. }, .. } = *self;
        let duel = |bin: usize| Duel { floor, case, chosen: (self.shares[0].bin, *chosen), other: (bin, best.score) };
        if let Some(bin) = others.best.first() {
            return duel(*bin).flips();
        }
        let bin = floor.slots.iter().position(|slot| slot.index == best.bin).expect("an alternative is a bin");
        let if_whole = |volume: i64| {
            let used = floor.states[bin].volume - floor.states[bin].free_volume() + demand.volume;
            let fill = used as f64 / volume.max(1) as f64;
            rates.parts(&floor.slots[bin], floor.affinity(demand, bin), fill, floor.holds_same(demand, bin), false)
        };
        Flips { capacity: flip::with_more_room(&duel(bin), if_whole), weight: None }
    }

    /// `chosen` is the score and the bin that it lost against, when the line lies whole.
    fn alternative(&self, bin: usize, chosen: Option<(&ScoreParts, usize)>) -> Alternative {
        let Self { floor, case: Case { demand, .. }, .. } = *self;
        let index = floor.slots[bin].index;
        let Some((chosen, chosen_bin)) = chosen else {
            let quantity_micro = demand.part(floor.room(demand, bin), demand.quantity);
            let volume = space(quantity_micro, demand.unit_volume);
            let score = self.parts_of_more(bin, volume, quantity_micro < demand.quantity);
            return Alternative { bin: index, score, lost: Lost::TakesPart { quantity_micro } };
        };
        let score = self.parts_of_more(bin, demand.volume, false);
        let lead = chosen.rank() - score.rank();
        let points = lead.abs() as f64 / 1000.0;
        let left_here = floor.states[bin].free_volume() - demand.volume;
        let lost = match lead {
            ..0 if self.together => Lost::OtherLines { points },
            ..0 => Lost::LaterLines { points },
            0 if left_here > floor.states[chosen_bin].free_volume() => Lost::LooserFit,
            0 => Lost::Equal,
            _ => Lost::LowerScore { part: worst_part(chosen, &score), points },
        };
        Alternative { bin: index, score, lost }
    }
}

fn worst_part(chosen: &ScoreParts, other: &ScoreParts) -> Part {
    let gap = |part: Part| chosen.get(part) - other.get(part);
    Part::ALL.iter().copied().rev().max_by(|one, two| gap(*one).total_cmp(&gap(*two))).expect("there are parts")
}

fn failure(floor: &Floor, demand: &Demand) -> Failure {
    let mut code = if demand.released { ReasonCode::NoLocation } else { ReasonCode::QualityHold };
    let mut nearest: Option<(f64, u32, NearestMiss)> = None;
    for bin in 0..floor.slots.len() {
        let Some(stopped_by) = floor.refusal(demand, bin).filter(|refusal| *refusal >= code) else { continue };
        let Some(miss) = miss(floor, demand, bin, stopped_by) else { continue };
        let rank = (miss.lack(), floor.slots[bin].location);
        let nearer = nearest.as_ref().is_none_or(|(lack, location, _)| rank.0.total_cmp(lack).then(rank.1.cmp(location)).is_lt());
        if stopped_by > code || nearer {
            code = stopped_by;
            nearest = Some((rank.0, rank.1, NearestMiss { bin: floor.slots[bin].index, miss }));
        }
    }
    Failure { code, nearest_miss: nearest.map(|(_, _, miss)| miss) }
}

fn miss(floor: &Floor, demand: &Demand, bin: usize, stopped_by: ReasonCode) -> Option<Miss> {
    let (slot, state) = (&floor.slots[bin], &floor.states[bin]);
    Some(match stopped_by {
        ReasonCode::Temperature => Miss::Temperature { needed: demand.borne, available: slot.controlled.then_some(slot.kept) },
        ReasonCode::Security => Miss::Security { needed: demand.security, available: slot.security },
        ReasonCode::TooLarge => match longest_excess(demand, slot) {
            Some((needed_mm, available_mm)) => Miss::Length { needed_mm, available_mm },
            None => Miss::Volume { needed_mm3: demand.piece_volume, available_mm3: state.volume },
        },
        ReasonCode::TooHeavy => Miss::Weight { needed_g: demand.piece_weight, available_g: state.max_weight },
        ReasonCode::Hazard => Miss::Hazard {
            needed: demand.content.hazard?,
            present: floor.hazard_conflict(demand, bin).and_then(|content| content.hazard)?,
        },
        ReasonCode::Mixing => Miss::Mixing { policy: state.mixing },
        ReasonCode::NoCapacity if demand.piece_weight > state.free_weight() => {
            Miss::Weight { needed_g: demand.piece_weight, available_g: state.free_weight().max(0) }
        }
        ReasonCode::NoCapacity => Miss::Volume { needed_mm3: demand.piece_volume, available_mm3: state.free_volume().max(0) },
        _ => return None,
    })
}
