use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Abc, Ergonomic, Hazard, LocationType, Mixing, ScoreParts, SecurityZone, Settings};
use super::{Alternative, Failure, Flips, ReasonCode};

/// Millionths of a base unit in one base unit.
pub const MICRO: i64 = 1_000_000;
pub const MAX_LINES: usize = 10_000;
pub const MAX_BINS: usize = 200_000;
/// Lines times bins, which the time of a solution grows with.
pub const MAX_PAIRS: usize = 50_000_000;
const MAX_VOLUME_MM3: i64 = 1_000_000_000_000_000;
const MAX_WEIGHT_G: i64 = 1_000_000_000_000;
const MAX_QUANTITY_MICRO: i64 = 1_000_000_000_000_000_000;
const MAX_LENGTH_MM: i64 = 1_000_000_000;

/// Input that no answer can be given for: the field at fault and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidInput {
    pub field: String,
    pub problem: String,
}

impl InvalidInput {
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

impl fmt::Display for InvalidInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.problem)
    }
}

impl std::error::Error for InvalidInput {}

/// A batch: all lines are placed together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    pub lines: Vec<Line>,
    /// The active, available locations of one facility.
    pub bins: Vec<Bin>,
    #[serde(default)]
    pub settings: Settings,
}

/// Goods that wait for a location.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The caller's number of the item; [`Content::item`] uses the same numbers.
    pub item: u32,
    #[serde(default)]
    pub lot: Option<u32>,
    /// Millionths of the base unit, 1 to 10^18.
    pub quantity_micro: i64,
    /// The smallest amount that may be split off; a line is split into multiples of it, and one part takes the odd rest.
    #[serde(default = "whole_unit")]
    pub step_micro: i64,
    /// Per base unit; 0 when unknown or immaterial.
    #[serde(default)]
    pub unit_volume_mm3: i64,
    /// Per base unit; 0 when unknown or immaterial.
    #[serde(default)]
    pub unit_weight_g: i64,
    /// Of one base unit, in any order: every rotation is tried. `None` skips the test of size.
    #[serde(default)]
    pub unit_dims_mm: Option<[i64; 3]>,
    #[serde(default = "slowest")]
    pub abc: Abc,
    /// Picks per day; 0 when there is no history, then the ABC class stands in.
    #[serde(default)]
    pub velocity: f64,
    /// Lowest and highest storage temperature in tenths of a degree Celsius.
    #[serde(default)]
    pub temperature: Option<(i32, i32)>,
    #[serde(default)]
    pub hazard: Option<Hazard>,
    /// The least protected class of location that may hold the goods.
    #[serde(default = "unprotected")]
    pub security: SecurityZone,
    /// Goods that are not released go to QUARANTINE locations only.
    #[serde(default = "yes")]
    pub released: bool,
    #[serde(default)]
    pub preferred_zone: Option<u32>,
}

/// A location with what it holds before the batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bin {
    /// The caller's number of the location, unique in a problem. It decides between equals, so the order of `bins` never matters.
    pub location: u32,
    pub kind: LocationType,
    #[serde(default)]
    pub zone: Option<u32>,
    /// Not read by BFD; for methods that spread a batch over aisles.
    #[serde(default)]
    pub aisle: Option<u32>,
    /// In any order. `None` skips the test of size.
    #[serde(default)]
    pub inner_dims_mm: Option<[i64; 3]>,
    pub volume_mm3: i64,
    pub max_weight_g: i64,
    /// Stock of any status plus the space that open recommendations hold. May exceed the capacity: then nothing more goes in.
    #[serde(default)]
    pub used_volume_mm3: i64,
    #[serde(default)]
    pub used_weight_g: i64,
    /// Stock of any status plus what open recommendations will bring.
    #[serde(default)]
    pub contents: Vec<Content>,
    #[serde(default = "any_mixing")]
    pub mixing: Mixing,
    #[serde(default = "slowest")]
    pub abc: Abc,
    /// Lower is walked first.
    #[serde(default)]
    pub pick_sequence: Option<i64>,
    /// x, y, z; used where there is no pick sequence.
    #[serde(default)]
    pub position_mm: Option<[i64; 3]>,
    #[serde(default = "within_reach")]
    pub ergonomic: Ergonomic,
    #[serde(default = "unprotected")]
    pub security: SecurityZone,
    /// Lowest and highest temperature that the location keeps, in tenths of a degree Celsius; `None` when not controlled.
    #[serde(default)]
    pub temperature: Option<(i32, i32)>,
    #[serde(default)]
    pub active_picks_in_aisle: u32,
    /// Items that are often picked together with what lies near: strength 0 to 1 (co-picks over the highest co-picks).
    #[serde(default)]
    pub affinity: Vec<(u32, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    pub item: u32,
    #[serde(default)]
    pub lot: Option<u32>,
    #[serde(default)]
    pub hazard: Option<Hazard>,
}

/// The answer to a [`Problem`]; `lines` in the order of its lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Solution {
    pub lines: Vec<LineResult>,
    /// Sum over all placements of score × share of the line's quantity; what is not placed counts 0. At most 100 × lines.
    pub total_score: f64,
    /// No assignment of these lines can score more: see [`super::solve`].
    pub upper_bound: f64,
    /// (bound − total) / bound, 0 to 1. An upper limit of what a perfect assignment would gain; 0 proves this one perfect.
    pub optimality_gap: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineResult {
    /// At most one per location; the amounts and `unplaced_micro` add up to the line's quantity.
    pub placements: Vec<Placement>,
    pub unplaced_micro: i64,
    /// Present exactly when something was left unplaced.
    pub failure: Option<Failure>,
    /// Up to three other locations that could take the line after the whole batch is placed, best first.
    pub alternatives: Vec<Alternative>,
    /// What would make the first of the alternatives the choice.
    pub flips: Flips,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// Index into [`Problem::bins`].
    pub bin: usize,
    pub quantity_micro: i64,
    /// Judged with the whole batch in place.
    pub score: ScoreParts,
    pub reason: ReasonCode,
    /// Share of the location's volume in use with the whole batch in place, 0 to 1.
    pub fill_after: f64,
    /// The same item and lot lay there before the batch; false with the reason CONSOLIDATION means that it joins another line.
    pub joins_stock: bool,
    /// 1 for the nearest of the locations that fit.
    pub nearness_rank: u32,
    /// Locations that could take the line, or a part of it where it was split, this one included.
    pub fitting_bins: u32,
}

impl Placement {
    /// See [`super::confidence`].
    pub fn confidence(&self) -> f64 {
        super::confidence(self.score.total())
    }
}

fn whole_unit() -> i64 {
    MICRO
}
fn slowest() -> Abc {
    Abc::C
}
fn unprotected() -> SecurityZone {
    SecurityZone::Standard
}
fn any_mixing() -> Mixing {
    Mixing::Any
}
fn within_reach() -> Ergonomic {
    Ergonomic::Golden
}
fn yes() -> bool {
    true
}

impl Line {
    /// A released line of whole units with no special need.
    pub fn new(item: u32, quantity_micro: i64) -> Self {
        Self {
            item,
            lot: None,
            quantity_micro,
            step_micro: whole_unit(),
            unit_volume_mm3: 0,
            unit_weight_g: 0,
            unit_dims_mm: None,
            abc: slowest(),
            velocity: 0.0,
            temperature: None,
            hazard: None,
            security: unprotected(),
            released: yes(),
            preferred_zone: None,
        }
    }

    fn validate(&self, n: usize) -> Result<(), InvalidInput> {
        let field = |name: &str| format!("lines[{n}].{name}");
        within(&field("quantity_micro"), self.quantity_micro, 1, MAX_QUANTITY_MICRO)?;
        within(&field("step_micro"), self.step_micro, 1, MAX_QUANTITY_MICRO)?;
        within(&field("unit_volume_mm3"), self.unit_volume_mm3, 0, MAX_VOLUME_MM3)?;
        within(&field("unit_weight_g"), self.unit_weight_g, 0, MAX_WEIGHT_G)?;
        for length in self.unit_dims_mm.iter().flatten() {
            within(&field("unit_dims_mm"), *length, 1, MAX_LENGTH_MM)?;
        }
        if !(self.velocity.is_finite() && self.velocity >= 0.0) {
            return Err(InvalidInput::new(field("velocity"), "must be a number of picks per day, 0 or more"));
        }
        ordered(&field("temperature"), self.temperature)
    }
}

impl Bin {
    /// An empty location with no special property.
    pub fn new(location: u32, kind: LocationType, volume_mm3: i64, max_weight_g: i64) -> Self {
        Self {
            location,
            kind,
            zone: None,
            aisle: None,
            inner_dims_mm: None,
            volume_mm3,
            max_weight_g,
            used_volume_mm3: 0,
            used_weight_g: 0,
            contents: Vec::new(),
            mixing: any_mixing(),
            abc: slowest(),
            pick_sequence: None,
            position_mm: None,
            ergonomic: within_reach(),
            security: unprotected(),
            temperature: None,
            active_picks_in_aisle: 0,
            affinity: Vec::new(),
        }
    }

    fn validate(&self, n: usize) -> Result<(), InvalidInput> {
        let field = |name: &str| format!("bins[{n}].{name}");
        let most = MAX_QUANTITY_MICRO;
        let wrong = !(0..=MAX_VOLUME_MM3).contains(&self.volume_mm3)
            || !(0..=MAX_WEIGHT_G).contains(&self.max_weight_g)
            || !(0..=most).contains(&self.used_volume_mm3)
            || !(0..=most).contains(&self.used_weight_g);
        if wrong {
            within(&field("volume_mm3"), self.volume_mm3, 0, MAX_VOLUME_MM3)?;
            within(&field("max_weight_g"), self.max_weight_g, 0, MAX_WEIGHT_G)?;
            within(&field("used_volume_mm3"), self.used_volume_mm3, 0, most)?;
            within(&field("used_weight_g"), self.used_weight_g, 0, most)?;
        }
        if let Some(length) = self.inner_dims_mm.iter().flatten().find(|length| !(1..=MAX_LENGTH_MM).contains(*length)) {
            within(&field("inner_dims_mm"), *length, 1, MAX_LENGTH_MM)?;
        }
        if let Some(place) = self.position_mm.iter().flatten().find(|place| place.unsigned_abs() > MAX_LENGTH_MM as u64) {
            within(&field("position_mm"), *place, -MAX_LENGTH_MM, MAX_LENGTH_MM)?;
        }
        if self.affinity.iter().any(|(_, strength)| !(0.0..=1.0).contains(strength)) {
            return Err(InvalidInput::new(field("affinity"), "must have strengths from 0 to 1"));
        }
        if self.temperature.is_some_and(|(low, high)| low > high) {
            ordered(&field("temperature"), self.temperature)?;
        }
        Ok(())
    }
}

impl Problem {
    /// Everything a method relies on. Names the first field at fault, as `bins[3].affinity`.
    pub fn validate(&self) -> Result<(), InvalidInput> {
        if self.lines.len() > MAX_LINES {
            return Err(InvalidInput::new("lines", format!("must be at most {MAX_LINES}; send several batches")));
        }
        if self.bins.len() > MAX_BINS {
            return Err(InvalidInput::new("bins", format!("must be at most {MAX_BINS}; send the locations of one facility")));
        }
        if self.lines.len() * self.bins.len() > MAX_PAIRS {
            return Err(InvalidInput::new("lines", format!("times bins must be at most {MAX_PAIRS}; send several batches")));
        }
        self.settings.validate()?;
        self.lines.iter().enumerate().try_for_each(|(n, line)| line.validate(n))?;
        self.bins.iter().enumerate().try_for_each(|(n, bin)| bin.validate(n))?;
        let mut locations: Vec<u32> = self.bins.iter().map(|bin| bin.location).collect();
        locations.sort_unstable();
        match locations.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(InvalidInput::new("bins", format!("must name each location once; {} is there twice", pair[0]))),
            None => Ok(()),
        }
    }
}

fn within(field: &str, value: i64, least: i64, most: i64) -> Result<(), InvalidInput> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(InvalidInput::new(field, format!("must be from {least} to {most}, not {value}")))
}

fn ordered(field: &str, range: Option<(i32, i32)>) -> Result<(), InvalidInput> {
    match range {
        Some((low, high)) if low > high => Err(InvalidInput::new(field, "must have its low end first")),
        _ => Ok(()),
    }
}
