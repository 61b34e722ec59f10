use serde::{Deserialize, Serialize};

use super::velocity::windows;
use super::{InvalidInput, Velocity, VelocitySettings, check, velocity};

const YEAR_DAYS: usize = 365;
const WEEK_DAYS: usize = 7;

/// Why an item should be slotted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TriggerKind {
    VelocitySpike,
    VelocityDrop,
    Promotion,
    SeasonalChange,
    NewProduct,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// Beyond `change_percent`.
    Medium,
    /// A rise beyond `spike_percent`, or an item that is no longer picked at all.
    High,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Trigger {
    pub kind: TriggerKind,
    pub severity: Severity,
    pub velocity: Velocity,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TriggerSettings {
    pub velocity: VelocitySettings,
    /// A change of more than this, up or down, is a trigger.
    pub change_percent: f64,
    /// A rise of more than this is a spike of high severity.
    pub spike_percent: f64,
    /// Fewer picks than this in all the days compared say nothing.
    pub picks_min: f64,
    /// Share of the recent picks that one week must hold to be a promotion.
    pub promotion_share: f64,
}

impl Default for TriggerSettings {
    fn default() -> Self {
        Self {
            velocity: VelocitySettings::default(),
            change_percent: 50.0,
            spike_percent: 100.0,
            picks_min: 5.0,
            promotion_share: 0.6,
        }
    }
}

impl TriggerSettings {
    pub fn validate(&self) -> Result<(), InvalidInput> {
        self.velocity.validate()?;
        check("change_percent", (0.0..100.0).contains(&self.change_percent), "must be from 0 to below 100, which is a stop")?;
        check("spike_percent", self.spike_percent >= self.change_percent, "must be at least change_percent")?;
        check("picks_min", self.picks_min >= 0.0, "must be 0 picks or more")?;
        check("promotion_share", (0.0..=1.0).contains(&self.promotion_share), "must be from 0 to 1")
    }
}

/// Whether an item's picks per day (the last entry is the newest day) ask for another slot, and why.
///
/// The first rule that holds names the kind:
/// 1. NEW_PRODUCT: picked in the recent days, never before in the whole series.
/// 2. No change beyond `change_percent`: no trigger. Picked again after a pause that covers all the days compared counts
///    as a rise beyond any figure.
/// 3. SEASONAL_CHANGE: the same days a year ago changed in the same direction, by more than `change_percent` too. Needs a series
///    of a year more than the days compared.
/// 4. PROMOTION: a rise that one week made: seven days in a row hold `promotion_share` of the recent picks, and without them the
///    recent rate is not beyond `change_percent`.
/// 5. VELOCITY_SPIKE for the other rises, VELOCITY_DROP for the other falls.
pub fn trigger(daily_picks: &[f64], settings: &TriggerSettings) -> Result<Option<Trigger>, InvalidInput> {
    settings.validate()?;
    let now = velocity(daily_picks, &settings.velocity)?;
    let (before, recent) = windows(daily_picks, &settings.velocity);
    let (recent_picks, before_picks) = (recent.iter().sum::<f64>(), before.iter().sum::<f64>());
    if recent_picks + before_picks < settings.picks_min || recent_picks + before_picks == 0.0 {
        return Ok(None);
    }
    let rise = now.change_percent.unwrap_or(f64::INFINITY);
    let older = &daily_picks[..daily_picks.len() - recent.len()];
    let severity = if rise > settings.spike_percent || recent_picks == 0.0 { Severity::High } else { Severity::Medium };
    let of = |kind| Ok(Some(Trigger { kind, severity, velocity: now }));
    if older.iter().all(|picks| *picks == 0.0) {
        return of(TriggerKind::NewProduct);
    }
    if rise.abs() <= settings.change_percent {
        return Ok(None);
    }
    if a_year_ago_too(daily_picks, rise, settings)? {
        return of(TriggerKind::SeasonalChange);
    }
    match rise > 0.0 {
        true if made_by_one_week(recent, now.before_per_day, settings) => of(TriggerKind::Promotion),
        true => of(TriggerKind::VelocitySpike),
        false => of(TriggerKind::VelocityDrop),
    }
}

fn a_year_ago_too(daily_picks: &[f64], rise: f64, settings: &TriggerSettings) -> Result<bool, InvalidInput> {
    let compared = usize::from(settings.velocity.recent_days) + usize::from(settings.velocity.before_days);
    if daily_picks.len() < YEAR_DAYS + compared {
        return Ok(false);
    }
    let then = velocity(&daily_picks[..daily_picks.len() - YEAR_DAYS], &settings.velocity)?;
    let then_rise = match then.change_percent {
        Some(percent) => percent,
        None if then.recent_per_day > 0.0 => f64::INFINITY,
        None => 0.0,
    };
    Ok(then_rise.abs() > settings.change_percent && then_rise.is_sign_positive() == rise.is_sign_positive())
}

fn made_by_one_week(recent: &[f64], before_per_day: f64, settings: &TriggerSettings) -> bool {
    let total: f64 = recent.iter().sum();
    let week = recent.windows(WEEK_DAYS).map(|week| week.iter().sum::<f64>()).fold(0.0, f64::max);
    let other_days = recent.len().saturating_sub(WEEK_DAYS);
    if other_days == 0 || week < settings.promotion_share * total {
        return false;
    }
    (total - week) / other_days as f64 <= before_per_day * (1.0 + settings.change_percent / 100.0)
}
