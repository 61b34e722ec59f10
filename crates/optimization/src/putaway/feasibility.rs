use super::model::MICRO;
use super::survey::Columns;
use super::{Abc, Bin, Content, Ergonomic, Line, LocationType, Mixing, Problem, ReasonCode, SecurityZone, Share, score};

const ANY_TEMPERATURE: (i32, i32) = (i32::MIN, i32::MAX);
const RELEASED_TYPES: u32 = 1 << LocationType::Putaway as u32
    | 1 << LocationType::PickFace as u32
    | 1 << LocationType::Reserve as u32
    | 1 << LocationType::Bulk as u32;

/// What a line asks of a location, worked out once.
#[derive(Clone)]
pub(super) struct Demand {
    pub line: usize,
    pub content: Content,
    pub quantity: i64,
    pub step: i64,
    /// The smallest amount that may lie alone: a step, or the odd rest of the line.
    piece: i64,
    pub unit_volume: i64,
    pub unit_weight: i64,
    pub volume: i64,
    pub weight: i64,
    pub piece_volume: i64,
    pub piece_weight: i64,
    /// Ascending; zeros when unknown.
    dims: [i64; 3],
    /// Tenths of a degree; goods without a range bear any.
    pub borne: (i32, i32),
    pub security: SecurityZone,
    pub released: bool,
    /// One bit per location type that may hold the goods.
    types: u32,
    pub conflicts: u32,
}

impl Demand {
    pub fn new(n: usize, line: &Line) -> Self {
        let mut dims = line.unit_dims_mm.unwrap_or_default();
        dims.sort_unstable();
        let mut demand = Self {
            line: n,
            content: Content { item: line.item, lot: line.lot, hazard: line.hazard },
            quantity: 0,
            step: line.step_micro,
            piece: 0,
            unit_volume: line.unit_volume_mm3,
            unit_weight: line.unit_weight_g,
            volume: 0,
            weight: 0,
            piece_volume: 0,
            piece_weight: 0,
            dims,
            borne: line.temperature.unwrap_or(ANY_TEMPERATURE),
            security: line.security,
            released: line.released,
            types: if line.released { RELEASED_TYPES } else { 1 << LocationType::Quarantine as u32 },
            conflicts: line.hazard.map_or(0, |hazard| hazard.conflicts()),
        };
        demand.ask_for(line.quantity_micro);
        demand
    }

    /// The same goods in another quantity.
    pub fn rest(&self, quantity_micro: i64) -> Self {
        let mut rest = self.clone();
        rest.ask_for(quantity_micro);
        rest
    }

    fn ask_for(&mut self, quantity_micro: i64) {
        let odd = quantity_micro % self.step;
        self.quantity = quantity_micro;
        self.piece = if odd == 0 { self.step } else { odd };
        self.volume = space(quantity_micro, self.unit_volume);
        self.weight = space(quantity_micro, self.unit_weight);
        self.piece_volume = space(self.piece, self.unit_volume);
        self.piece_weight = space(self.piece, self.unit_weight);
    }

    /// What no batch changes of a bin does not stand in the way.
    #[inline]
    pub fn suits(&self, slot: &Slot) -> bool {
        (self.types >> slot.kind as u32 & 1 == 1)
            & (self.borne.0 <= slot.kept.0)
            & (slot.kept.1 <= self.borne.1)
            & (self.security <= slot.security)
            & (self.dims[0] <= slot.dims[0])
            & (self.dims[1] <= slot.dims[1])
            & (self.dims[2] <= slot.dims[2])
    }

    /// Two lines of a batch may lie in one bin, as far as its policy and their hazards go.
    pub fn may_join(&self, other: &Self, mixing: Mixing) -> bool {
        let (one, two) = (&self.content, &other.content);
        let same_item = one.item == two.item;
        let allowed = match mixing {
            Mixing::Any => true,
            Mixing::SingleItem => same_item,
            Mixing::SingleLot => same_item && one.lot == two.lot,
        };
        allowed && (same_item || two.hazard.is_none_or(|hazard| hazard.bit() & self.conflicts == 0))
    }

    /// The largest amount that may be split off when there is room for `room` and `left` is still to be placed.
    pub fn part(&self, room: i64, left: i64) -> i64 {
        if room >= left { left } else { room - room % self.step }
    }
}

/// Volume or weight of a quantity, rounded up; saturates, and what saturates fits nowhere.
pub(super) fn space(quantity_micro: i64, per_unit: i64) -> i64 {
    if let Some(exact) = quantity_micro.checked_mul(per_unit) {
        return exact / MICRO + i64::from(exact % MICRO > 0);
    }
    let exact = i128::from(quantity_micro) * i128::from(per_unit);
    i64::try_from((exact + i128::from(MICRO) - 1) / i128::from(MICRO)).unwrap_or(i64::MAX)
}

/// The quantity whose volume or weight, rounded up, is within `free`.
fn quantity_within(free: i64, per_unit: i64) -> i64 {
    if free < 0 {
        return 0;
    }
    if per_unit == 0 {
        return i64::MAX;
    }
    match free.checked_mul(MICRO) {
        Some(exact) => exact / per_unit,
        None => i64::try_from(i128::from(free) * i128::from(MICRO) / i128::from(per_unit)).unwrap_or(i64::MAX),
    }
}

/// What lies in a location, as far as the mixing policies ask.
#[derive(Clone, Copy)]
enum Held {
    Nothing,
    OneLot(u32, Option<u32>),
    OneItem(u32),
    Many,
}

impl Held {
    fn with(self, content: &Content) -> Self {
        match self {
            Self::Nothing => Self::OneLot(content.item, content.lot),
            Self::OneLot(item, lot) if item == content.item && lot == content.lot => self,
            Self::OneLot(item, _) | Self::OneItem(item) if item == content.item => Self::OneItem(item),
            _ => Self::Many,
        }
    }
}

/// What a batch does not change of a bin, as the inner loops read it.
pub(super) struct Slot {
    /// Index into the problem's bins.
    pub index: usize,
    pub location: u32,
    pub zone: Option<u32>,
    /// Ascending; the largest numbers when unknown.
    dims: [i64; 3],
    /// Tenths of a degree; what is not controlled may become anything.
    pub kept: (i32, i32),
    pub controlled: bool,
    has_affinity: bool,
    pub kind: LocationType,
    pub security: SecurityZone,
    pub abc: Abc,
    pub ergonomic: Ergonomic,
    pub nearness: f64,
    pub crowding: f64,
}

impl Slot {
    fn new(index: usize, bin: &Bin, nearness: f64, full_picks: u32) -> Self {
        let mut dims = bin.inner_dims_mm.unwrap_or([i64::MAX; 3]);
        dims.sort_unstable();
        Self {
            index,
            location: bin.location,
            zone: bin.zone,
            dims,
            kept: bin.temperature.unwrap_or(ANY_TEMPERATURE),
            controlled: bin.temperature.is_some(),
            has_affinity: !bin.affinity.is_empty(),
            kind: bin.kind,
            security: bin.security,
            abc: bin.abc,
            ergonomic: bin.ergonomic,
            nearness,
            crowding: (f64::from(bin.active_picks_in_aisle) / f64::from(full_picks)).min(1.0),
        }
    }

    /// All that [`Demand::suits`] tests and [`super::score::Rates::site`] scores.
    pub fn site(&self) -> impl Eq + std::hash::Hash + use<> {
        let codes = [self.kind as u32, self.security as u32, self.abc as u32, self.ergonomic as u32, self.controlled as u32];
        let code = codes.iter().fold(0, |code, next| code << 4 | next);
        let [short, middle, long] = self.dims;
        (code, self.zone, (short, middle, long), self.kept)
    }
}

/// What a batch changes of a bin, with what that is compared to.
#[derive(Clone)]
pub(super) struct State {
    pub volume: i64,
    pub max_weight: i64,
    used_volume: i64,
    used_weight: i64,
    pub per_volume: f64,
    held: Held,
    pub hazards: u32,
    pub mixing: Mixing,
}

impl State {
    fn new(bin: &Bin) -> Self {
        Self {
            volume: bin.volume_mm3,
            max_weight: bin.max_weight_g,
            used_volume: bin.used_volume_mm3,
            used_weight: bin.used_weight_g,
            per_volume: if bin.volume_mm3 > 0 { 1.0 / bin.volume_mm3 as f64 } else { 0.0 },
            held: bin.contents.iter().fold(Held::Nothing, Held::with),
            hazards: bin.contents.iter().filter_map(|held| held.hazard).fold(0, |bits, hazard| bits | hazard.bit()),
            mixing: bin.mixing,
        }
    }

    pub fn free_volume(&self) -> i64 {
        self.volume - self.used_volume
    }

    pub fn used_volume(&self) -> i64 {
        self.used_volume
    }

    pub fn free_weight(&self) -> i64 {
        self.max_weight - self.used_weight
    }

    /// Kept for what lies there already.
    pub fn is_closed(&self) -> bool {
        self.mixing != Mixing::Any && !matches!(self.held, Held::Nothing)
    }

    pub fn fill_with(&self, more_mm3: i64) -> f64 {
        self.used_volume.saturating_add(more_mm3) as f64 * self.per_volume
    }
}

/// All bins, with what the batch has put into them so far. They stand in the order of their location numbers and are
/// numbered so inside, which makes every sum and every choice independent of the order they came in.
pub(super) struct Floor<'a> {
    pub problem: &'a Problem,
    bins: Vec<&'a Bin>,
    pub slots: Vec<Slot>,
    pub states: Vec<State>,
    pub columns: Columns,
    added: Vec<Vec<(usize, Content)>>,
    /// Bins that something was added to since they were last clear, in that order.
    touched: Vec<usize>,
    listed: Vec<bool>,
}

impl<'a> Floor<'a> {
    pub fn new(problem: &'a Problem) -> Self {
        let settings = &problem.settings;
        let mut sorted: Vec<(usize, &Bin)> = problem.bins.iter().enumerate().collect();
        sorted.sort_unstable_by_key(|(_, bin)| bin.location);
        let bins: Vec<&Bin> = sorted.iter().map(|(_, bin)| *bin).collect();
        let nearness = score::nearness(&bins, settings);
        let slot = |((index, bin), near): (&(usize, &Bin), f64)| Slot::new(*index, bin, near, settings.congestion_full_picks);
        let slots: Vec<Slot> = sorted.iter().zip(nearness).map(slot).collect();
        let states: Vec<State> = bins.iter().map(|bin| State::new(bin)).collect();
        let columns = Columns::new(problem, &bins, &slots, &states);
        let (added, listed) = (vec![Vec::new(); bins.len()], vec![false; bins.len()]);
        Self { problem, columns, added, touched: Vec::new(), listed, bins, slots, states }
    }

    /// Whether a bin takes one piece. Says the same as [`Self::refusal`], faster: what needs no branch comes first.
    #[inline]
    pub fn takes_piece(&self, demand: &Demand, bin: usize) -> bool {
        demand.suits(&self.slots[bin]) && self.still_takes(demand, bin, demand.piece_volume, demand.piece_weight)
    }

    /// As far as the batch can change it: whether a bin that took a piece before the batch takes this much now.
    #[inline]
    pub fn still_takes(&self, demand: &Demand, bin: usize, volume: i64, weight: i64) -> bool {
        let state = &self.states[bin];
        (volume <= state.free_volume()) & (weight <= state.free_weight())
            && right_mixing(demand, state)
            && self.hazard_conflict(demand, bin).is_none()
    }

    /// The first rule that keeps even one piece out of a bin. Later rules mean a nearer miss.
    pub fn refusal(&self, demand: &Demand, bin: usize) -> Option<ReasonCode> {
        let (slot, state) = (&self.slots[bin], &self.states[bin]);
        if demand.types >> slot.kind as u32 & 1 == 0 {
            return Some(if demand.released { ReasonCode::NoLocation } else { ReasonCode::QualityHold });
        }
        if slot.kept.0 < demand.borne.0 || demand.borne.1 < slot.kept.1 {
            return Some(ReasonCode::Temperature);
        }
        if slot.security < demand.security {
            return Some(ReasonCode::Security);
        }
        if longest_excess(demand, slot).is_some() || demand.piece_volume > state.volume {
            return Some(ReasonCode::TooLarge);
        }
        if demand.piece_weight > state.max_weight {
            return Some(ReasonCode::TooHeavy);
        }
        if self.hazard_conflict(demand, bin).is_some() {
            return Some(ReasonCode::Hazard);
        }
        if !right_mixing(demand, state) {
            return Some(ReasonCode::Mixing);
        }
        let room = demand.piece_volume <= state.free_volume() && demand.piece_weight <= state.free_weight();
        if room { None } else { Some(ReasonCode::NoCapacity) }
    }

    /// Millionths of a base unit, at most the line's quantity; capacity only.
    pub fn room(&self, demand: &Demand, bin: usize) -> i64 {
        let state = &self.states[bin];
        quantity_within(state.free_volume(), demand.unit_volume)
            .min(quantity_within(state.free_weight(), demand.unit_weight))
            .min(demand.quantity)
    }

    pub fn place(&mut self, demand: &Demand, share: Share) {
        let state = &mut self.states[share.bin];
        state.used_volume += space(share.quantity_micro, demand.unit_volume);
        state.used_weight += space(share.quantity_micro, demand.unit_weight);
        debug_assert!(state.used_volume <= state.volume && state.used_weight <= state.max_weight);
        state.held = state.held.with(&demand.content);
        state.hazards |= demand.content.hazard.map_or(0, |hazard| hazard.bit());
        if !std::mem::replace(&mut self.listed[share.bin], true) {
            self.touched.push(share.bin);
        }
        self.added[share.bin].push((demand.line, demand.content));
    }

    pub fn used_before(&self, bin: usize) -> i64 {
        self.bins[bin].used_volume_mm3
    }

    /// The share of a bin's volume that so much takes.
    pub fn fill_of(&self, bin: usize, used_mm3: i64) -> f64 {
        used_mm3 as f64 * self.states[bin].per_volume
    }

    /// Nothing of the batch lies there.
    #[inline]
    pub fn is_untouched(&self, bin: usize) -> bool {
        self.added[bin].is_empty()
    }

    /// The bins in which something of the batch lies.
    pub fn touched(&self) -> impl Iterator<Item = usize> + '_ {
        self.touched.iter().copied().filter(|bin| !self.is_untouched(*bin))
    }

    /// Takes back what [`Self::place`] did.
    pub fn remove(&mut self, demand: &Demand, share: Share) {
        let added = &mut self.added[share.bin];
        added.retain(|(line, _)| *line != demand.line);
        let state = &mut self.states[share.bin];
        let used = (state.used_volume, state.used_weight);
        *state = State::new(self.bins[share.bin]);
        state.used_volume = used.0 - space(share.quantity_micro, demand.unit_volume);
        state.used_weight = used.1 - space(share.quantity_micro, demand.unit_weight);
        for (_, content) in added.iter() {
            state.held = state.held.with(content);
            state.hazards |= content.hazard.map_or(0, |hazard| hazard.bit());
        }
    }

    /// As it was before the batch.
    pub fn clear(&mut self) {
        for bin in self.touched.drain(..) {
            self.added[bin].clear();
            self.listed[bin] = false;
            self.states[bin] = State::new(self.bins[bin]);
        }
    }

    /// The same item and lot lies here, from stock or from any line placed so far.
    #[inline]
    pub fn holds_same(&self, demand: &Demand, bin: usize) -> bool {
        let wanted = &demand.content;
        match self.states[bin].held {
            Held::Nothing => false,
            Held::OneLot(item, lot) => item == wanted.item && lot == wanted.lot,
            Held::OneItem(item) if item != wanted.item => false,
            _ => self.stock_holds(demand, bin) || self.added[bin].iter().any(|(_, held)| same(held, wanted)),
        }
    }

    pub fn stock_holds(&self, demand: &Demand, bin: usize) -> bool {
        self.bins[bin].contents.iter().any(|held| same(held, &demand.content))
    }

    /// Another line of the batch has put the same item and lot here.
    pub fn other_line_holds(&self, demand: &Demand, bin: usize) -> bool {
        self.added[bin].iter().any(|(line, held)| *line != demand.line && same(held, &demand.content))
    }

    #[inline]
    pub fn affinity(&self, demand: &Demand, bin: usize) -> f64 {
        if !self.slots[bin].has_affinity {
            return 0.0;
        }
        let near = &self.bins[bin].affinity;
        near.iter().filter(|(item, _)| *item == demand.content.item).fold(0.0, |best, (_, strength)| strength.max(best))
    }

    /// The content of another item that the line may not lie with; stock of the same item never forbids more of it.
    #[inline]
    pub fn hazard_conflict(&self, demand: &Demand, bin: usize) -> Option<Content> {
        if demand.conflicts & self.states[bin].hazards == 0 {
            return None;
        }
        let added = self.added[bin].iter().map(|(_, held)| held);
        let forbids = |held: &&Content| {
            held.item != demand.content.item && held.hazard.is_some_and(|hazard| hazard.bit() & demand.conflicts != 0)
        };
        self.bins[bin].contents.iter().chain(added).find(forbids).copied()
    }
}

pub(super) fn same(one: &Content, two: &Content) -> bool {
    one.item == two.item && one.lot == two.lot
}

/// A box goes into a box in some right-angled rotation exactly when it does with both sets of lengths sorted. The pair of
/// lengths, needed and inner, that differs most where it does not.
pub(super) fn longest_excess(demand: &Demand, slot: &Slot) -> Option<(i64, i64)> {
    let pairs = demand.dims.iter().copied().zip(slot.dims);
    pairs.filter(|(needed, inner)| needed > inner).max_by_key(|(needed, inner)| needed - inner)
}

#[inline]
fn right_mixing(demand: &Demand, state: &State) -> bool {
    let wanted = &demand.content;
    match (state.mixing, state.held) {
        (Mixing::Any, _) | (_, Held::Nothing) => true,
        (Mixing::SingleItem, Held::OneLot(item, _) | Held::OneItem(item)) => item == wanted.item,
        (Mixing::SingleLot, Held::OneLot(item, lot)) => item == wanted.item && lot == wanted.lot,
        _ => false,
    }
}
