//! What is known of a recommendation when it is made, as numbers. The list is counted: a change of names, order or levels needs the
//! next [`VERSION`], because stored numbers are never computed again.

use std::sync::LazyLock;

use catalog::{AbcClass, Item, SecurityZone};
use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use inventory::QualityStatus;
use optimization::learning::{Feature, Kind, Schema, Table};
use optimization::putaway::{LineResult, Method, Part, Placement};
use rust_decimal::prelude::ToPrimitive as _;

use crate::location::{Load, Location};
use crate::words::{ErgonomicZone, LocationType, MixingPolicy};

pub(crate) const VERSION: i32 = 1;

/// A placement with what it was chosen from.
pub(crate) struct Known<'a> {
    pub method: Method,
    pub line: &'a LineResult,
    pub placement: &'a Placement,
    pub item: &'a Item,
    pub location: &'a Location,
    /// Before this batch.
    pub load: &'a Load,
    pub quality_status: QualityStatus,
    /// The goods have arrived and wait.
    pub waits: bool,
    pub volume_mm3: i64,
    pub weight_g: i64,
    pub now: DateTime<Utc>,
}

/// Each is a feature `points_…`.
const PARTS: [(Part, &str); 11] = [
    (Part::Abc, "points_abc"),
    (Part::Fill, "points_fill"),
    (Part::Travel, "points_travel"),
    (Part::LocationType, "points_location_type"),
    (Part::Consolidation, "points_consolidation"),
    (Part::Affinity, "points_affinity"),
    (Part::Congestion, "points_congestion"),
    (Part::Ergonomics, "points_ergonomics"),
    (Part::PreferredZone, "points_preferred_zone"),
    (Part::SpecialStorage, "points_special_storage"),
    (Part::Split, "points_split"),
];

const NUMBERS: [&str; 19] = [
    "score",
    // against the best alternative, unknown without one
    "score_margin",
    "alternatives",
    // shares of the location
    "fill_before",
    "fill_after",
    "weight_share",
    // 0 for the nearest, 1 for the farthest of those that fit
    "farness",
    "fitting_locations",
    "line_share",
    "quantity",
    "volume_litres",
    "weight_kg",
    "unit_weight_kg",
    "picks_per_day",
    "items_there",
    "joins_stock",
    "waits",
    // UTC; Monday is 0
    "hour",
    "weekday",
];

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let parts = PARTS.iter().map(|(_, name)| Feature::number(*name));
    let numbers = NUMBERS.iter().map(|name| Feature::number(*name));
    let categories = [
        Feature::category("method", ["FFD", "BFD", "HYBRID", "OPTIMAL"]),
        Feature::category("item_class", ["A", "B", "C"]),
        Feature::category("location_class", ["A", "B", "C"]),
        Feature::category("location_type", LocationType::ALL.iter().map(|word| word.as_str())),
        Feature::category("ergonomic_zone", ErgonomicZone::ALL.iter().map(|word| word.as_str())),
        Feature::category("mixing_policy", MixingPolicy::ALL.iter().map(|word| word.as_str())),
        Feature::category("security_zone", ["STANDARD", "RESTRICTED", "HIGH_SECURITY", "VAULT"]),
        Feature::category("quality_status", QualityStatus::ALL.iter().map(|word| word.as_str())),
    ];
    Schema::new(parts.chain(numbers).chain(categories).collect()).expect("names differ and levels are few")
});

/// Names and types, in the order of [`values`].
pub(crate) fn schema() -> &'static Schema {
    &SCHEMA
}

/// One number per feature of [`schema`], NaN where unknown.
pub(crate) fn values(known: &Known<'_>) -> Vec<f64> {
    let (placement, fields) = (known.placement, &known.location.fields);
    let mut values: Vec<f64> = PARTS.iter().map(|(part, _)| placement.score.get(*part)).collect();
    let best = known.line.alternatives.iter().map(|other| other.score.total()).max_by(f64::total_cmp);
    let line_micro = known.line.placements.iter().map(|placed| placed.quantity_micro).sum::<i64>() + known.line.unplaced_micro;
    let capacity_mm3 = fields.volume_cm3 as f64 * 1_000.0;
    values.extend([
        placement.score.total(),
        best.map_or(f64::NAN, |best| placement.score.total() - best),
        known.line.alternatives.len() as f64,
        share(known.load.volume_mm3() as f64, capacity_mm3),
        placement.fill_after,
        share(known.load.weight_g().saturating_add(known.weight_g) as f64, fields.max_weight_g as f64),
        share(f64::from(placement.nearness_rank) - 1.0, f64::from(placement.fitting_bins) - 1.0),
        f64::from(placement.fitting_bins),
        share(placement.quantity_micro as f64, line_micro as f64),
        placement.quantity_micro as f64 / 1e6,
        known.volume_mm3 as f64 / 1e6,
        known.weight_g as f64 / 1e3,
        known.item.weight_g.map_or(f64::NAN, |grams| grams as f64 / 1e3),
        known.item.picks_per_day.to_f64().unwrap_or(f64::NAN),
        f64::from(known.load.items),
        f64::from(u8::from(placement.joins_stock)),
        f64::from(u8::from(known.waits)),
        f64::from(known.now.hour()),
        f64::from(known.now.weekday().num_days_from_monday()),
    ]);
    values.extend([
        level(["FFD", "BFD", "HYBRID", "OPTIMAL"].iter().position(|name| *name == known.method.as_str())),
        level(AbcClass::ALL.iter().position(|class| *class == known.item.abc_class)),
        level(AbcClass::ALL.iter().position(|class| *class == fields.abc_class)),
        level(LocationType::ALL.iter().position(|kind| *kind == fields.kind)),
        level(ErgonomicZone::ALL.iter().position(|zone| *zone == fields.ergonomic_zone)),
        level(MixingPolicy::ALL.iter().position(|policy| *policy == fields.mixing_policy)),
        level(SecurityZone::ALL.iter().position(|zone| *zone == fields.security_zone)),
        level(QualityStatus::ALL.iter().position(|status| *status == known.quality_status)),
    ]);
    values
}

fn level(place: Option<usize>) -> f64 {
    place.map_or(f64::NAN, |place| place as f64)
}

/// Of nothing it is 0, so that a location without neighbours is the nearest.
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Whether stored numbers are what [`values`] could have written; what was put in by hand may not be.
pub(super) fn are_sound(values: &[f64]) -> bool {
    let sound = |(feature, value): (&Feature, &f64)| match &feature.kind {
        _ if value.is_nan() => true,
        Kind::Number => value.is_finite(),
        Kind::Category { levels } => *value >= 0.0 && *value < levels.len() as f64 && value.fract() == 0.0,
    };
    let features = SCHEMA.features();
    values.len() == features.len() && features.iter().zip(values).all(sound)
}

/// Rows of [`values`] as a model reads them.
pub(crate) fn table(rows: &[&[f64]]) -> Result<Table, optimization::learning::InvalidInput> {
    let column = |place: usize| rows.iter().map(|row| row[place]).collect();
    Table::from_columns(SCHEMA.clone(), (0..SCHEMA.features().len()).map(column).collect())
}

#[cfg(test)]
mod tests {
    use optimization::putaway::{Bin, Line, LocationType as Storage, Problem, solve};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::location::NewLocation;

    /// Stored rows of this version mean these names in this order for ever.
    #[test]
    fn the_list_of_this_version_does_not_change() {
        let names: Vec<&str> = SCHEMA.features().iter().map(|feature| feature.name.as_str()).collect();
        let known = "points_abc points_fill points_travel points_location_type points_consolidation points_affinity points_congestion \
                     points_ergonomics points_preferred_zone points_special_storage points_split score score_margin alternatives \
                     fill_before fill_after weight_share farness fitting_locations line_share quantity volume_litres weight_kg \
                     unit_weight_kg picks_per_day items_there joins_stock waits hour weekday method item_class location_class \
                     location_type ergonomic_zone mixing_policy security_zone quality_status";
        assert_eq!((VERSION, names), (1, known.split_whitespace().collect()));
        let levels: Vec<String> = SCHEMA
            .features()
            .iter()
            .filter_map(|feature| match &feature.kind {
                Kind::Category { levels } => Some(levels.join(" ")),
                Kind::Number => None,
            })
            .collect();
        let known = [
            "FFD BFD HYBRID OPTIMAL",
            "A B C",
            "A B C",
            "RECEIVING PUTAWAY PICK_FACE RESERVE BULK STAGING PACKING SHIPPING QUARANTINE RETURNS",
            "LOW GOLDEN HIGH",
            "SINGLE_ITEM SINGLE_LOT ANY",
            "STANDARD RESTRICTED HIGH_SECURITY VAULT",
            "QUARANTINE PENDING_INSPECTION RELEASED REJECTED HOLD",
        ];
        assert_eq!(levels, known);
    }

    fn location() -> Location {
        let new: NewLocation = serde_json::from_value(json!({
            "facility": "", "code": "R1", "type": "RESERVE", "max_weight": { "value": "50", "unit": "kg" },
            "dimensions": { "length": "1000", "width": "1000", "height": "100", "unit": "mm" },
        }))
        .unwrap();
        Location {
            location_id: kernel::LocationId(Uuid::nil()),
            facility_id: kernel::FacilityId(Uuid::nil()),
            facility_code: "F".into(),
            fields: new.checked().unwrap(),
            is_active: true,
            is_available: true,
            blocked_reason: String::new(),
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_placement_has_one_number_for_each_name() {
        let mut problem = Problem::default();
        problem.lines.push(Line { unit_volume_mm3: 1_000_000, unit_weight_g: 2_000, ..Line::new(1, 3_000_000) });
        problem.bins.push(Bin::new(0, Storage::Reserve, 100_000_000, 50_000));
        problem.bins.push(Bin::new(1, Storage::Reserve, 100_000_000, 50_000));
        let solution = solve(&problem, Method::Bfd).unwrap();
        let line = &solution.lines[0];
        let mut item = Item::new(kernel::ItemId(Uuid::nil()), "I".into(), DateTime::UNIX_EPOCH);
        item.weight_g = Some(2_000);
        let known = Known {
            method: Method::Bfd,
            line,
            placement: &line.placements[0],
            item: &item,
            location: &location(),
            load: &Load::default(),
            quality_status: QualityStatus::Released,
            waits: true,
            volume_mm3: 3_000_000,
            weight_g: 6_000,
            now: DateTime::UNIX_EPOCH,
        };
        let values = values(&known);
        assert!(are_sound(&values));
        let of = |name: &str| values[SCHEMA.features().iter().position(|feature| feature.name == name).unwrap()];
        assert_eq!((of("quantity"), of("volume_litres"), of("weight_kg"), of("line_share")), (3.0, 3.0, 6.0, 1.0));
        assert_eq!((of("waits"), of("method"), of("location_type"), of("weekday"), of("hour")), (1.0, 1.0, 3.0, 3.0, 0.0));
        assert_eq!((of("score"), of("weight_share")), (line.placements[0].score.total(), 0.12));
        assert_eq!(table(&[&values]).unwrap().rows(), 1);
    }

    #[test]
    fn numbers_put_in_by_hand_are_looked_at() {
        let good = vec![0.0; SCHEMA.features().len()];
        assert!(are_sound(&good));
        assert!(!are_sound(&good[1..]));
        let with = |place: usize, value: f64| {
            let mut row = good.clone();
            row[place] = value;
            are_sound(&row)
        };
        let last = good.len() - 1;
        assert!(with(0, f64::NAN) && with(last, f64::NAN) && with(last, 4.0));
        assert!(!with(0, f64::INFINITY) && !with(last, 5.0) && !with(last, 0.5) && !with(last, -1.0));
    }
}
