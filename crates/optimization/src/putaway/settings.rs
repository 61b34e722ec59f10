use serde::{Deserialize, Serialize};

use super::InvalidInput;

/// What a good location is worth. All weights are points of the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// With `fill`, `travel` and `location_type` they must add up to 100.
    pub abc: f64,
    pub fill: f64,
    pub travel: f64,
    pub location_type: f64,
    /// Bonus where the same item and lot lies.
    pub consolidation: f64,
    /// Bonus at affinity 1.
    pub affinity: f64,
    /// Penalty in a congested aisle.
    pub congestion: f64,
    /// Bonus or penalty for the height of reach.
    pub ergonomics: f64,
    /// Bonus in the zone that the line prefers.
    pub preferred_zone: f64,
    /// Penalty for each level of security, and for controlled temperature, that the goods do not need.
    pub special_storage: f64,
    /// Penalty for each part of a line that is split.
    pub split: f64,

    /// Share of the volume in use from which a location is well filled.
    pub optimal_fill_min: f64,
    pub optimal_fill_max: f64,
    /// Picks per day at which an item counts as half as demanding as the fastest.
    pub velocity_half: f64,
    /// How much a slow mover should leave the near locations free: 0 not at all, 1 as much as a fast mover seeks them.
    pub near_reserve: f64,
    /// Active picks in an aisle from which it counts as fully congested.
    pub congestion_full_picks: u32,
    /// Units from this weight on belong into the golden zone.
    pub heavy_unit_g: i64,
    /// Where goods come from: x, y, z in mm.
    pub dock_mm: [i64; 3],
    /// Where goods are picked to, when it is not the dock.
    pub pick_area_mm: Option<[i64; 3]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            abc: 25.0,
            fill: 25.0,
            travel: 35.0,
            location_type: 15.0,
            consolidation: 10.0,
            affinity: 10.0,
            congestion: 15.0,
            ergonomics: 5.0,
            preferred_zone: 5.0,
            special_storage: 5.0,
            split: 5.0,
            optimal_fill_min: 0.60,
            optimal_fill_max: 0.85,
            velocity_half: 5.0,
            near_reserve: 0.5,
            congestion_full_picks: 10,
            heavy_unit_g: 15_000,
            dock_mm: [0, 0, 0],
            pick_area_mm: None,
        }
    }
}

impl Settings {
    pub fn validate(&self) -> Result<(), InvalidInput> {
        for (field, points) in [
            ("abc", self.abc),
            ("fill", self.fill),
            ("travel", self.travel),
            ("location_type", self.location_type),
            ("consolidation", self.consolidation),
            ("affinity", self.affinity),
            ("congestion", self.congestion),
            ("ergonomics", self.ergonomics),
            ("preferred_zone", self.preferred_zone),
            ("special_storage", self.special_storage),
            ("split", self.split),
        ] {
            check(field, (0.0..=100.0).contains(&points), "must be from 0 to 100 points")?;
        }
        let base = self.abc + self.fill + self.travel + self.location_type;
        check("abc", (base - 100.0).abs() < 1e-6, &format!("+ fill + travel + location_type must be 100 points, not {base}"))?;
        check(
            "optimal_fill_min",
            self.optimal_fill_min > 0.0 && self.optimal_fill_min <= self.optimal_fill_max,
            "must be above 0 and at most optimal_fill_max",
        )?;
        check("optimal_fill_max", self.optimal_fill_max <= 1.0, "must be at most 1, the whole volume")?;
        check("velocity_half", self.velocity_half.is_finite() && self.velocity_half > 0.0, "must be above 0 picks per day")?;
        check("near_reserve", (0.0..=1.0).contains(&self.near_reserve), "must be from 0 to 1")?;
        check("congestion_full_picks", self.congestion_full_picks > 0, "must be at least 1")?;
        check("heavy_unit_g", self.heavy_unit_g > 0, "must be at least 1 g")?;
        let near = |place: &[i64; 3]| place.iter().all(|mm| mm.unsigned_abs() <= 1_000_000_000);
        check("dock_mm", near(&self.dock_mm), "must be within 1,000,000,000 mm")?;
        check("pick_area_mm", self.pick_area_mm.iter().all(near), "must be within 1,000,000,000 mm")
    }
}

fn check(field: &str, good: bool, mend: &str) -> Result<(), InvalidInput> {
    if good { Ok(()) } else { Err(InvalidInput::new(format!("settings.{field}"), mend)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_weight_is_named() {
        assert_eq!(Settings::default().validate(), Ok(()));
        let of = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.validate().unwrap_err().to_string()
        };
        assert_eq!(of(|s| s.affinity = f64::NAN), "settings.affinity must be from 0 to 100 points");
        assert_eq!(of(|s| s.travel = 30.0), "settings.abc + fill + travel + location_type must be 100 points, not 95");
        assert_eq!(of(|s| s.optimal_fill_min = 0.9), "settings.optimal_fill_min must be above 0 and at most optimal_fill_max");
        assert_eq!(of(|s| s.optimal_fill_max = 1.2), "settings.optimal_fill_max must be at most 1, the whole volume");
        assert_eq!(of(|s| s.velocity_half = 0.0), "settings.velocity_half must be above 0 picks per day");
        assert_eq!(of(|s| s.congestion_full_picks = 0), "settings.congestion_full_picks must be at least 1");
    }
}
