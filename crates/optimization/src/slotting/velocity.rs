use serde::{Deserialize, Serialize};

use super::{InvalidInput, check};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VelocitySettings {
    pub recent_days: u16,
    /// The days before the recent ones that they are compared with.
    pub before_days: u16,
}

impl Default for VelocitySettings {
    fn default() -> Self {
        Self { recent_days: 30, before_days: 150 }
    }
}

impl VelocitySettings {
    pub fn validate(&self) -> Result<(), InvalidInput> {
        check("recent_days", self.recent_days > 0, "must be at least 1 day")?;
        check("before_days", self.before_days > 0, "must be at least 1 day")
    }
}

/// How often an item is picked, and how that changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Velocity {
    /// Picks per day over the recent days.
    pub recent_per_day: f64,
    /// Picks per day over the days before.
    pub before_per_day: f64,
    /// (recent − before) / before × 100. `None` where there is nothing to compare with: no pick before.
    pub change_percent: Option<f64>,
}

/// Velocity of one item from its picks per day; the last entry is the newest day, days without picks are 0.
///
/// A series shorter than the days asked for is compared over the days it has; an empty part has the rate 0.
pub fn velocity(daily_picks: &[f64], settings: &VelocitySettings) -> Result<Velocity, InvalidInput> {
    settings.validate()?;
    if let Some(day) = daily_picks.iter().position(|picks| !(picks.is_finite() && *picks >= 0.0)) {
        return Err(InvalidInput::new(format!("daily_picks[{day}]"), "must be a number, 0 or more"));
    }
    let (before, recent) = windows(daily_picks, settings);
    let (recent_per_day, before_per_day) = (mean(recent), mean(before));
    let change_percent = (before_per_day > 0.0).then(|| (recent_per_day - before_per_day) / before_per_day * 100.0);
    Ok(Velocity { recent_per_day, before_per_day, change_percent })
}

/// The days before, then the recent days.
pub(super) fn windows<'a>(daily: &'a [f64], settings: &VelocitySettings) -> (&'a [f64], &'a [f64]) {
    let (older, recent) = daily.split_at(daily.len().saturating_sub(usize::from(settings.recent_days)));
    (&older[older.len().saturating_sub(usize::from(settings.before_days))..], recent)
}

pub(super) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}
