use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use super::bound::Outlook;
use super::feasibility::{Demand, Floor, Slot, State};
use super::score::{Rates, ScoreParts, rank};
use super::{Bin, Problem};

/// What a sweep over all bins reads of each, before the batch. Volumes and weights that fit anywhere are whole numbers below 2^53,
/// so these compare and add exactly.
#[derive(Clone, Copy)]
struct Row {
    free_volume: f64,
    free_weight: f64,
    used_volume: f64,
    per_volume: f64,
    nearness: f64,
    bin: u32,
    site: u32,
    aisle: u32,
}

/// Bins that differ in nothing that a sweep tests or scores but room, fill, nearness and aisle, as one of them.
struct Site {
    bin: u32,
    /// Kept for the item or lot that lies there.
    closed: bool,
    hazards: u32,
}

/// All bins as they are before the batch, the nearest first, among equally near ones by number.
pub(super) struct Columns {
    rows: Vec<Row>,
    /// Of each bin its row.
    positions: Vec<u32>,
    sites: Vec<Site>,
    /// One bin of each group with the same crowding and affinity.
    aisles: Vec<u32>,
    /// The rows of the bins that hold an item of the batch.
    holders: HashMap<u32, Vec<u32>>,
}

/// What goes on around a bin; equal when all bits are.
struct Around<'a> {
    crowding: f64,
    affinity: &'a [(u32, f64)],
}

impl Around<'_> {
    fn bits(&self) -> impl Iterator<Item = (u32, u64)> {
        self.affinity.iter().copied().chain([(0, self.crowding)]).map(|(item, figure)| (item, figure.to_bits()))
    }
}

impl PartialEq for Around<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bits().eq(other.bits())
    }
}

impl Eq for Around<'_> {}

impl Hash for Around<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits().for_each(|(item, figure)| state.write_u64(figure ^ u64::from(item)));
    }
}

/// A multiplicative hash (Knuth 6.4): the keys are our own small numbers, and nothing depends on the order of a table.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }
    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }
    fn write_i32(&mut self, value: i32) {
        self.write_u64(value as u64);
    }
    fn write_i64(&mut self, value: i64) {
        self.write_u64(value as u64);
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(23) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }
    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }
}

struct Classes<K>(HashMap<K, u32, BuildHasherDefault<Mix>>);

impl<K: Eq + Hash> Classes<K> {
    /// The class of a key, and whether it is new.
    fn of(&mut self, key: K) -> (u32, bool) {
        let next = self.0.len() as u32;
        let class = *self.0.entry(key).or_insert(next);
        (class, class == next)
    }
}

impl Columns {
    /// `bins`, `slots` and `states` by number.
    pub fn new(problem: &Problem, bins: &[&Bin], slots: &[Slot], states: &[State]) -> Self {
        let mut order: Vec<(u64, u32)> = slots.iter().enumerate().map(|(n, slot)| (!slot.nearness.to_bits(), n as u32)).collect();
        order.sort_unstable();
        let mut items: Vec<u32> = problem.lines.iter().map(|line| line.item).collect();
        items.sort_unstable();
        let mut site_of = Classes(HashMap::default());
        let mut aisle_of = Classes(HashMap::default());
        let (mut sites, mut aisles, mut positions) = (Vec::new(), Vec::new(), vec![0; bins.len()]);
        let mut holders: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut rows = Vec::with_capacity(bins.len());
        for (position, (_, bin)) in order.iter().enumerate() {
            let (at, slot, state) = (bins[*bin as usize], &slots[*bin as usize], &states[*bin as usize]);
            let closed = state.is_closed();
            let (site, new) = site_of.of((slot.site(), closed, state.hazards));
            if new {
                sites.push(Site { bin: *bin, closed, hazards: state.hazards });
            }
            let (aisle, new) = aisle_of.of(Around { crowding: slot.crowding, affinity: &at.affinity });
            if new {
                aisles.push(*bin);
            }
            for content in at.contents.iter().filter(|content| items.binary_search(&content.item).is_ok()) {
                holders.entry(content.item).or_default().push(position as u32);
            }
            positions[*bin as usize] = position as u32;
            rows.push(Row {
                free_volume: state.free_volume() as f64,
                free_weight: state.free_weight() as f64,
                used_volume: (state.volume - state.free_volume()) as f64,
                per_volume: state.per_volume,
                nearness: slot.nearness,
                bin: *bin,
                site,
                aisle,
            });
        }
        Self { rows, positions, sites, aisles, holders }
    }

    pub fn bin(&self, position: usize) -> usize {
        self.rows[position].bin as usize
    }

    pub fn position(&self, bin: usize) -> usize {
        self.positions[bin] as usize
    }

    /// How many bins are nearer.
    pub fn nearer_than(&self, nearness: f64) -> usize {
        self.rows.partition_point(|row| row.nearness > nearness)
    }
}

/// A set of rows.
#[derive(Clone, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn add(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    pub fn has(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(n, word)| ones(*word).map(move |bit| n * 64 + bit))
    }

    pub fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub fn count_before(&self, at: usize) -> usize {
        let whole: u32 = self.0[..at / 64].iter().map(|word| word.count_ones()).sum();
        let rest = if at.is_multiple_of(64) { 0 } else { (self.0[at / 64] << (64 - at % 64)).count_ones() };
        (whole + rest) as usize
    }
}

fn ones(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize);
        word &= word.wrapping_sub(1);
        bit
    })
}

/// The first few of many by a key that ends with the bin.
pub(super) struct Shortlist {
    pub first: Vec<(i64, i64, u32)>,
    /// It holds all.
    pub complete: bool,
    keep: usize,
    last: i64,
}

/// Above every key, as a number and as the bits of one.
const ANY: i64 = f64::INFINITY.to_bits() as i64;

impl Shortlist {
    fn new(keep: usize) -> Self {
        Self { first: Vec::with_capacity(2 * keep), complete: true, keep, last: ANY }
    }

    #[inline]
    fn offer(&mut self, first: i64, second: i64, bin: u32) {
        if first <= self.last {
            self.first.push((first, second, bin));
            if self.first.len() == 2 * self.keep {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        self.first.select_nth_unstable(self.keep - 1);
        self.first.truncate(self.keep);
        self.last = self.first[self.keep - 1].0;
        self.complete = false;
    }

    fn sorted(mut self) -> Self {
        if self.first.len() > self.keep {
            self.cut();
        }
        self.first.sort_unstable();
        self.first.shrink_to_fit();
        self
    }
}

/// What one line makes of all bins as they are before the batch.
pub(super) struct Survey {
    /// Rows that take a piece, and that take the whole line.
    pub pieces: Bits,
    pub whole: Bits,
    /// Rows that held the item before the batch.
    pub holders: Bits,
    /// Of the steady parts of the scores of those that take a piece.
    pub average: ScoreParts,
    /// Of all that take the whole line.
    pub fill_points: f64,
    /// The best for the whole line: the score in thousandths, negated; the volume left free before; the bin.
    pub best: Shortlist,
    /// The same by what they lack of 100 points at best, as bits: these order as the points do, which are not negative.
    pub hopeful: Shortlist,
    /// Points of each site and each aisle.
    sites: Vec<f64>,
    aisles: Vec<f64>,
}

struct Sweep<'a> {
    floor: &'a Floor<'a>,
    demand: &'a Demand,
    rates: &'a Rates,
    outlook: &'a Outlook,
    suits: Vec<bool>,
    site_counts: Vec<u32>,
    aisle_counts: Vec<u32>,
    nearness: f64,
    survey: Survey,
}

impl Survey {
    /// `floor` as it is before the batch; the last are the lengths of the two lists.
    pub fn new(floor: &Floor, demand: &Demand, rates: &Rates, outlook: &Outlook, [best, hopeful]: [usize; 2]) -> Self {
        let columns = &floor.columns;
        let suits = |site: &Site| {
            let slot = &floor.slots[site.bin as usize];
            demand.suits(slot) & !site.closed & (site.hazards & demand.conflicts == 0)
        };
        let aisle = |bin: &u32| rates.aisle(&floor.slots[*bin as usize], floor.affinity(demand, *bin as usize)).about_aisle();
        let mut holders = Bits::none(columns.rows.len());
        for position in columns.holders.get(&demand.content.item).into_iter().flatten() {
            holders.add(*position as usize);
        }
        let survey = Self {
            pieces: Bits::none(columns.rows.len()),
            whole: Bits::none(columns.rows.len()),
            holders,
            average: ScoreParts::default(),
            fill_points: 0.0,
            best: Shortlist::new(best),
            hopeful: Shortlist::new(hopeful),
            sites: columns.sites.iter().map(|site| rates.site(&floor.slots[site.bin as usize]).about_site()).collect(),
            aisles: columns.aisles.iter().map(aisle).collect(),
        };
        let mut sweep = Sweep {
            floor,
            demand,
            rates,
            outlook,
            suits: columns.sites.iter().map(suits).collect(),
            site_counts: vec![0; columns.sites.len()],
            aisle_counts: vec![0; columns.aisles.len()],
            nearness: 0.0,
            survey,
        };
        // The likely best first, so that few others need a second look.
        let words = columns.rows.len().div_ceil(64);
        if rates.seeks_near() {
            (0..words).for_each(|word| sweep.word(word));
        } else {
            (0..words).rev().for_each(|word| sweep.word(word));
        }
        sweep.done()
    }

    /// The sum of the parts that no placement changes.
    #[inline]
    pub fn steady(&self, columns: &Columns, rates: &Rates, bin: usize) -> f64 {
        self.steady_at(&columns.rows[columns.position(bin)], rates)
    }

    #[inline]
    fn steady_at(&self, row: &Row, rates: &Rates) -> f64 {
        self.sites[row.site as usize] + self.aisles[row.aisle as usize] + rates.travel(row.nearness)
    }
}

impl Sweep<'_> {
    fn word(&mut self, word: usize) {
        let rows = &self.floor.columns.rows;
        let rows = &rows[word * 64..rows.len().min(word * 64 + 64)];
        let demand = self.demand;
        let piece = (demand.piece_volume as f64, demand.piece_weight as f64);
        let all = (demand.volume as f64, demand.weight as f64);
        let (mut pieces, mut whole) = (0_u64, 0_u64);
        for (bit, row) in rows.iter().enumerate() {
            let suits = self.suits[row.site as usize];
            let takes = |(volume, weight): (f64, f64)| suits & (volume <= row.free_volume) & (weight <= row.free_weight);
            pieces |= u64::from(takes(piece)) << bit;
            whole |= u64::from(takes(all)) << bit;
        }
        // Mixing, hazard and consolidation follow from what lies there.
        let special = self.survey.holders.0[word];
        (pieces, whole) = (pieces & !special, whole & !special);
        for bit in ones(special) {
            let bin = rows[bit].bin as usize;
            if self.floor.takes_piece(demand, bin) {
                pieces |= 1 << bit;
                whole |= u64::from(self.floor.still_takes(demand, bin, demand.volume, demand.weight)) << bit;
            }
        }
        self.survey.pieces.0[word] = pieces;
        self.survey.whole.0[word] = whole;
        let (mut nearness, mut fill_points) = (self.nearness, self.survey.fill_points);
        for bit in ones(pieces) {
            let row = &rows[bit];
            self.site_counts[row.site as usize] += 1;
            self.aisle_counts[row.aisle as usize] += 1;
            nearness += row.nearness;
        }
        for bit in ones(whole) {
            let row = &rows[bit];
            let same_lot = special >> bit & 1 == 1 && self.floor.holds_same(demand, row.bin as usize);
            fill_points += self.score(row, all.0, same_lot);
        }
        (self.nearness, self.survey.fill_points) = (nearness, fill_points);
    }

    /// Offers the row to both lists; returns the points for the fill.
    #[inline]
    fn score(&mut self, row: &Row, volume: f64, same_lot: bool) -> f64 {
        let (survey, rates) = (&mut self.survey, self.rates);
        let steady = survey.steady_at(row, rates);
        let filled = (row.used_volume + volume) * row.per_volume;
        let (fill, joined, split) = rates.changing(filled, same_lot, false);
        let score = steady + (fill + joined + split);
        if score * 1000.0 >= -1.0 - survey.best.last as f64 {
            survey.best.offer(-rank(score), row.free_volume as i64, row.bin);
        }
        let joins = same_lot | self.outlook.twin[self.demand.line];
        if 100.0 - (steady + rates.most_changing(joins)) <= f64::from_bits(survey.hopeful.last as u64) {
            let most = ((row.used_volume + self.outlook.batch_mm3 as f64) * row.per_volume).min(1.0);
            let (fill, joined, split) = rates.changing(rates.best_fill(filled, most), joins, false);
            let lacks = 100.0 - (steady + (fill + joined + split)).clamp(0.0, 100.0);
            survey.hopeful.offer(lacks.to_bits() as i64, 0, row.bin);
        }
        fill
    }

    fn done(self) -> Survey {
        let Self { floor, demand, rates, survey, .. } = self;
        let mut average = ScoreParts::default();
        for (site, count) in floor.columns.sites.iter().zip(&self.site_counts) {
            average.add_times(&rates.site(&floor.slots[site.bin as usize]), f64::from(*count));
        }
        for (bin, count) in floor.columns.aisles.iter().zip(&self.aisle_counts) {
            let affinity = floor.affinity(demand, *bin as usize);
            average.add_times(&rates.aisle(&floor.slots[*bin as usize], affinity), f64::from(*count));
        }
        let count = survey.pieces.count().max(1) as f64;
        average.divide_steady(count);
        average.travel = rates.travel(self.nearness / count);
        Survey { average, best: survey.best.sorted(), hopeful: survey.hopeful.sorted(), ..survey }
    }
}
