use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

/// A location as the map shows it. Bins with both coordinates are drawn in plan, the others aisle by aisle below.
#[derive(Clone, Debug, Default)]
pub struct Bin {
    pub code: String,
    pub href: String,
    pub r#type: String,
    pub zone: String,
    pub aisle: String,
    pub rack: String,
    pub shelf: String,
    pub position: String,
    pub x_mm: Option<i64>,
    pub y_mm: Option<i64>,
    pub z_mm: Option<i64>,
    pub fill_percent: f64,
    /// What a map of picks shows: picks a day, or lines that wait in the aisle.
    pub heat: f64,
    pub is_blocked: bool,
}

/// What the colours of a map stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heat {
    #[default]
    Fill,
    /// Picks a day of what lies there.
    Velocity,
    /// Lines that wait to be picked in the aisle.
    Congestion,
}

/// A drawing as finished SVG, and how many bins each of its colours stands for.
#[derive(Debug, Serialize)]
pub struct FloorMap {
    pub svg: String,
    pub legend: Vec<LegendStep>,
}

/// `class` is the colour's class in the stylesheet.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct LegendStep {
    pub class: &'static str,
    pub label: &'static str,
    pub count: usize,
}

const STEPS: [(&str, &str); 7] = [
    ("step-0", "Empty"),
    ("step-1", "Under 30%"),
    ("step-2", "30–60%"),
    ("step-3", "60–85%"),
    ("step-4", "85–95%"),
    ("step-5", "Over 95%"),
    ("blocked", "Blocked"),
];

/// Of the most that any location of the map has.
const SHARES: [(&str, &str); 7] = [
    ("step-0", "None"),
    ("step-1", "Up to 10% of the most"),
    ("step-2", "10–30%"),
    ("step-3", "30–50%"),
    ("step-4", "50–75%"),
    ("step-5", "Over 75% of the most"),
    ("blocked", "Blocked"),
];

/// All lengths of the drawing are in its own units, which are CSS pixels at full size.
const BAY: f64 = 20.0;
const LEVEL: f64 = 9.0;
const SEAM: f64 = 2.0;
const CORRIDOR: f64 = 12.0;
const CAPTION: f64 = 22.0;
/// On the screen, however much the drawing is enlarged.
const CAPTION_SIZE: f64 = 12.0;
const MARGIN: f64 = 2.0;
/// A small floor is enlarged towards the width of the page.
const COMFORTABLE_WIDTH: f64 = 900.0;
const MOST_ENLARGED: f64 = 1.8;
/// Coordinates closer than this stand for the same row or column.
const TOLERANCE_MM: i64 = 150;
/// The step of blocked locations.
const BLOCKED: usize = 6;

fn step(bin: &Bin) -> usize {
    match bin.fill_percent {
        _ if bin.is_blocked => BLOCKED,
        fill if fill <= 0.0 => 0,
        fill if fill < 30.0 => 1,
        fill if fill < 60.0 => 2,
        fill if fill <= 85.0 => 3,
        fill if fill <= 95.0 => 4,
        _ => 5,
    }
}

fn share_step(bin: &Bin, most: f64) -> usize {
    match bin.heat / most.max(f64::MIN_POSITIVE) {
        _ if bin.is_blocked => BLOCKED,
        share if share <= 0.0 => 0,
        share if share <= 0.10 => 1,
        share if share <= 0.30 => 2,
        share if share <= 0.50 => 3,
        share if share <= 0.75 => 4,
        _ => 5,
    }
}

/// How full the bins are; see [`heat_map`].
pub fn floor_map(bins: &[Bin]) -> FloorMap {
    heat_map(bins, Heat::Fill)
}

/// Draws the bins, each a link with its code, type and fill as title. Levels above one another share a place and are
/// drawn as strips of it, the highest first. Wide gaps between coordinates become corridors of one width.
pub fn heat_map(bins: &[Bin], heat: Heat) -> FloorMap {
    let most = bins.iter().map(|bin| bin.heat).fold(0.0, f64::max);
    let words = if heat == Heat::Fill { STEPS } else { SHARES };
    let mut legend: Vec<_> = words.iter().map(|&(class, label)| LegendStep { class, label, count: 0 }).collect();
    for bin in bins {
        legend[stepped(bin, heat, most)].count += 1;
    }
    let (placed, unplaced): (Vec<&Bin>, Vec<&Bin>) = bins.iter().partition(|bin| bin.x_mm.is_some() && bin.y_mm.is_some());
    let mut drawing = Drawing { body: String::new(), width: 0.0, height: MARGIN, heat, most };
    drawing.plan(&placed);
    drawing.schematic(&unplaced);
    FloorMap { svg: drawing.finish(bins.len()), legend }
}

fn stepped(bin: &Bin, heat: Heat, most: f64) -> usize {
    if heat == Heat::Fill { step(bin) } else { share_step(bin, most) }
}

struct Drawing {
    body: String,
    width: f64,
    height: f64,
    heat: Heat,
    most: f64,
}

/// Bins above one another, highest first, at a column and a row of a grid.
struct Stack<'a> {
    column: usize,
    row: usize,
    levels: Vec<&'a Bin>,
}

impl Drawing {
    fn plan(&mut self, bins: &[&Bin]) {
        if bins.is_empty() {
            return;
        }
        let x = |bin: &Bin| bin.x_mm.unwrap_or_default();
        let y = |bin: &Bin| bin.y_mm.unwrap_or_default();
        let (columns, rows) = (Axis::of(bins.iter().map(|bin| x(bin))), Axis::of(bins.iter().map(|bin| y(bin))));
        let mut stacks: BTreeMap<(usize, usize), Vec<&Bin>> = BTreeMap::new();
        for bin in bins {
            stacks.entry((rows.index(y(bin)), columns.index(x(bin)))).or_default().push(bin);
        }
        let stacks: Vec<_> = stacks
            .into_iter()
            .map(|((row, column), mut levels)| {
                levels.sort_by_key(|level| std::cmp::Reverse((level.z_mm, natural(&level.shelf))));
                Stack { column, row, levels }
            })
            .collect();
        self.grid(&stacks, &columns.wide, &rows.wide);
    }

    /// One row per aisle, one column per bay, in the order of the names.
    fn schematic(&mut self, bins: &[&Bin]) {
        let mut aisles: BTreeMap<(String, String), Vec<&Bin>> = BTreeMap::new();
        for bin in bins {
            aisles.entry((natural(&bin.zone), natural(&caption(bin)))).or_default().push(bin);
        }
        for members in aisles.values() {
            let mut bays: BTreeMap<(String, String), Vec<&Bin>> = BTreeMap::new();
            for bin in members {
                let own = if bin.rack.is_empty() && bin.position.is_empty() { &bin.code } else { &bin.position };
                bays.entry((natural(&bin.rack), natural(own))).or_default().push(bin);
            }
            let stacks: Vec<_> = bays
                .into_values()
                .enumerate()
                .map(|(place, mut levels)| {
                    levels.sort_by_key(|bin| std::cmp::Reverse(natural(&bin.shelf)));
                    Stack { column: place % 60, row: place / 60, levels }
                })
                .collect();
            let wide = BTreeSet::new();
            self.grid(&stacks, &wide, &wide);
        }
    }

    /// Draws stacks below what is there already; `wide_*` are the columns and rows that a corridor precedes.
    fn grid(&mut self, stacks: &[Stack<'_>], wide_columns: &BTreeSet<usize>, wide_rows: &BTreeSet<usize>) {
        let deepest = stacks.iter().map(|stack| stack.levels.len()).max().unwrap_or(1);
        let depth = BAY.max(LEVEL * deepest as f64);
        let upright = aisles_run_down(stacks);
        let (width, height) = if upright { (depth, BAY) } else { (BAY, depth) };
        let captions = captions(stacks);
        let captioned: BTreeSet<usize> = captions.iter().map(|&(row, _, _)| row).collect();
        let lefts = offsets(stacks.iter().map(|stack| stack.column).max().unwrap_or(0), MARGIN, width, |column| {
            if wide_columns.contains(&column) { CORRIDOR } else { 0.0 }
        });
        let tops = offsets(stacks.iter().map(|stack| stack.row).max().unwrap_or(0), self.height, height, |row| {
            if captioned.contains(&row) {
                CAPTION
            } else if wide_rows.contains(&row) {
                CORRIDOR
            } else {
                0.0
            }
        });
        for (row, column, text) in captions {
            let (x, y) = (lefts[column], tops[row] - 6.0);
            let _ = write!(self.body, r#"<text x="{x}" y="{y}">{}</text>"#, escaped(&text));
        }
        for stack in stacks {
            self.stack(stack, lefts[stack.column], tops[stack.row], width, height, upright);
        }
        self.width = self.width.max(lefts.last().map_or(0.0, |left| left + width));
        self.height = tops.last().map_or(self.height, |top| top + height + SEAM);
    }

    fn stack(&mut self, stack: &Stack<'_>, x: f64, y: f64, width: f64, height: f64, upright: bool) {
        let count = stack.levels.len() as f64;
        for (place, bin) in stack.levels.iter().enumerate() {
            let place = place as f64;
            let (x, y, width, height) = if upright {
                (x + place * width / count, y, width / count - 1.0, height)
            } else {
                (x, y + place * height / count, width, height / count - 1.0)
            };
            let _ = write!(
                self.body,
                r#"<a href="{}" class="{}"><title>{}</title><rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="1.5"/></a>"#,
                escaped(&bin.href),
                STEPS[stepped(bin, self.heat, self.most)].0,
                escaped(&described(bin, self.heat)),
            );
        }
    }

    fn finish(self, count: usize) -> String {
        let (width, height) = ((self.width + MARGIN).ceil(), (self.height + MARGIN).ceil());
        let scale = (COMFORTABLE_WIDTH / width).clamp(1.0, MOST_ENLARGED);
        format!(
            concat!(
                r#"<svg class="floor" viewBox="0 0 {w} {h}" width="{sw:.0}" height="{sh:.0}" role="group" aria-label="Floor map, {n} locations">"#,
                r#"<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">"#,
                r#"<rect class="hatch-ground" width="5" height="5"/><rect class="hatch-line" width="2" height="5"/></pattern></defs><g font-size="{font:.1}">{body}</g></svg>"#
            ),
            w = width,
            h = height,
            sw = width * scale,
            sh = height * scale,
            n = count,
            font = CAPTION_SIZE / scale,
            body = self.body
        )
    }
}

/// The distinct places along one axis, and before which of them the distance is a corridor rather than a neighbour's.
struct Axis {
    places: Vec<i64>,
    wide: BTreeSet<usize>,
}

impl Axis {
    fn of(values: impl Iterator<Item = i64>) -> Self {
        let mut places: Vec<i64> = Vec::new();
        for value in values.collect::<BTreeSet<_>>() {
            if places.last().is_none_or(|last| value - last > TOLERANCE_MM) {
                places.push(value);
            }
        }
        let mut gaps: Vec<i64> = places.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let wide = {
            let all = gaps.clone();
            gaps.sort_unstable();
            let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(0);
            let least = gaps.first().copied().unwrap_or(0);
            let limit = usual.min(least * 2).max(1) * 8 / 5;
            all.iter().enumerate().filter(|(_, gap)| **gap > limit).map(|(place, _)| place + 1).collect()
        };
        Self { places, wide }
    }

    fn index(&self, value: i64) -> usize {
        self.places.partition_point(|place| *place <= value).saturating_sub(1)
    }
}

/// Where each of `0..=last` begins.
fn offsets(last: usize, start: f64, size: f64, before: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut at = start;
    (0..=last)
        .map(|place| {
            at += before(place);
            let here = at;
            at += size + SEAM;
            here
        })
        .collect()
}

fn by_aisle<'a>(stacks: &'a [Stack<'_>]) -> BTreeMap<String, Vec<&'a Stack<'a>>> {
    let mut aisles: BTreeMap<String, Vec<&Stack<'_>>> = BTreeMap::new();
    for stack in stacks {
        let bin = stack.levels.first().expect("a stack is made for its first bin");
        aisles.entry(caption(bin)).or_default().push(stack);
    }
    aisles
}

/// The first place of each aisle, row and column, with its name.
fn captions(stacks: &[Stack<'_>]) -> Vec<(usize, usize, String)> {
    let first = |members: &[&Stack<'_>]| members.iter().map(|stack| (stack.row, stack.column)).min().unwrap_or_default();
    by_aisle(stacks)
        .into_iter()
        .map(|(name, members)| {
            let (row, column) = first(&members);
            (row, column, name)
        })
        .collect()
}

fn aisles_run_down(stacks: &[Stack<'_>]) -> bool {
    let span = |values: &mut dyn Iterator<Item = usize>| {
        let values: BTreeSet<usize> = values.collect();
        values.len()
    };
    let aisles = by_aisle(stacks);
    let down = aisles
        .values()
        .filter(|members| span(&mut members.iter().map(|stack| stack.row)) > span(&mut members.iter().map(|stack| stack.column)));
    down.count() * 2 > aisles.len()
}

fn caption(bin: &Bin) -> String {
    match (bin.zone.as_str(), bin.aisle.as_str()) {
        ("", "") => words(&bin.r#type),
        (zone, "") => zone.to_owned(),
        ("", aisle) => aisle.to_owned(),
        (zone, aisle) if aisle.starts_with(zone) => aisle.to_owned(),
        (zone, aisle) => format!("{zone} {aisle}"),
    }
}

fn described(bin: &Bin, heat: Heat) -> String {
    let state = if bin.is_blocked { ", blocked" } else { "" };
    let more = match heat {
        Heat::Fill => String::new(),
        Heat::Velocity => format!(", {:.2} picks a day", bin.heat),
        Heat::Congestion => format!(", {:.0} lines wait in the aisle", bin.heat),
    };
    let state = format!("{more}{state}");
    format!("{}, {}, {:.0}% full{state}", bin.code, words(&bin.r#type).to_lowercase(), bin.fill_percent)
}

fn words(code: &str) -> String {
    let lower = code.replace('_', " ").to_lowercase();
    let mut letters = lower.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A sort key that puts `A2` before `A10`.
fn natural(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 12);
    let mut digits = String::new();
    for c in text.chars().chain(std::iter::once('\0')) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        if !digits.is_empty() {
            let _ = write!(out, "{:0>12}", digits);
            digits.clear();
        }
        out.push(c);
    }
    out
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(code: &str, fill_percent: f64) -> Bin {
        Bin { code: code.into(), href: format!("/locations/{code}"), r#type: "PICK_FACE".into(), fill_percent, ..Bin::default() }
    }

    /// The rectangle drawn for a bin: x, y, width, height.
    fn rect(svg: &str, code: &str) -> [f64; 4] {
        let from = svg.find(&format!("<title>{code},")).unwrap();
        let tag = &svg[from..][..svg[from..].find("/>").unwrap()];
        ["x", "y", "width", "height"].map(|name| {
            let from = tag.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
            tag[from..][..tag[from..].find('"').unwrap()].parse().unwrap()
        })
    }

    #[test]
    fn every_bin_has_its_step_and_the_legend_counts_it() {
        let fills = [0.0, 0.1, 29.9, 30.0, 60.0, 85.0, 85.1, 95.0, 95.1, 130.0];
        let mut bins: Vec<_> = fills.iter().enumerate().map(|(i, fill)| bin(&format!("L{i}"), *fill)).collect();
        bins.push(Bin { is_blocked: true, ..bin("X", 50.0) });
        let map = floor_map(&bins);
        let counts: Vec<_> = map.legend.iter().map(|step| step.count).collect();
        assert_eq!(counts, [1, 2, 1, 2, 2, 2, 1]);
        assert_eq!(map.svg.matches("<a href=").count(), bins.len());
        assert!(map.svg.contains("<title>X, pick face, 50% full, blocked</title>"));
    }

    #[test]
    fn a_heat_map_shows_shares_of_the_most() {
        let hot = |code: &str, heat: f64| Bin { heat, ..bin(code, 50.0) };
        let map = heat_map(&[hot("A", 0.0), hot("B", 1.0), hot("C", 10.0), hot("D", 4.0)], Heat::Velocity);
        let counts: Vec<_> = map.legend.iter().map(|step| step.count).collect();
        assert_eq!(counts, [1, 1, 0, 1, 0, 1, 0]);
        assert!(map.svg.contains("<title>D, pick face, 50% full, 4.00 picks a day</title>"));
        assert_eq!(heat_map(&[hot("A", 0.0)], Heat::Congestion).legend[0].count, 1, "nothing anywhere is no division by nought");
    }

    #[test]
    fn the_plan_keeps_the_order_of_the_floor_and_stacks_levels() {
        let at = |code: &str, x, y, z| Bin { x_mm: Some(x), y_mm: Some(y), z_mm: Some(z), aisle: "1".into(), ..bin(code, 10.0) };
        let bins = [
            at("low", 0, 0, 0),
            at("high", 0, 40, 2000),
            at("east", 1200, 0, 0),
            at("south", 0, 9000, 0),
            at("far", 6000, 0, 0),
            at("farther", 7200, 0, 0),
        ];
        let svg = floor_map(&bins).svg;
        let [low, high, east, south, far, farther] =
            ["low", "high", "east", "south", "far", "farther"].map(|code| rect(&svg, code));
        assert!(low[0] == high[0] && high[1] < low[1], "a level above is drawn above");
        assert!(east[0] > low[0] && south[1] > low[1]);
        assert!(far[0] - east[0] > farther[0] - far[0], "a corridor is wider than a seam");
    }

    #[test]
    fn no_two_bins_cover_each_other() {
        let mut bins = Vec::new();
        for aisle in 0..3 {
            for bay in 0..12 {
                for level in 0..4 {
                    let code = format!("A{aisle}-{bay}-{level}");
                    let place = |v: i64| if aisle == 2 { None } else { Some(v) };
                    bins.push(Bin {
                        aisle: aisle.to_string(),
                        rack: bay.to_string(),
                        shelf: level.to_string(),
                        x_mm: place(bay * 1300),
                        y_mm: place(aisle * 3200),
                        z_mm: Some(level * 1500),
                        ..bin(&code, 20.0)
                    });
                }
            }
        }
        let svg = floor_map(&bins).svg;
        let rects: Vec<_> = bins.iter().map(|bin| rect(&svg, &bin.code)).collect();
        for (i, a) in rects.iter().enumerate() {
            for b in &rects[i + 1..] {
                let apart = a[0] + a[2] <= b[0] || b[0] + b[2] <= a[0] || a[1] + a[3] <= b[1] || b[1] + b[3] <= a[1];
                assert!(apart, "{a:?} covers {b:?}");
            }
        }
    }

    #[test]
    fn names_are_escaped_and_sorted_as_people_count() {
        let map = floor_map(&[Bin { zone: "<b>&".into(), ..bin("\"><script>", 1.0) }]);
        assert!(!map.svg.contains("<script>") && !map.svg.contains("<b>"));
        assert!(natural("A2") < natural("A10") && natural("A10") < natural("B1"));
        assert_eq!(floor_map(&[]).legend.len(), STEPS.len());
    }
}
