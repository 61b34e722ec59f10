use optimization::slotting::{Severity, TriggerKind, TriggerSettings, VelocitySettings, trigger, velocity};

/// Days at a rate, one after the other.
fn series(parts: &[(usize, f64)]) -> Vec<f64> {
    parts.iter().flat_map(|(days, picks)| std::iter::repeat_n(*picks, *days)).collect()
}

fn kind(parts: &[(usize, f64)]) -> Option<(TriggerKind, Severity)> {
    trigger(&series(parts), &TriggerSettings::default()).unwrap().map(|found| (found.kind, found.severity))
}

#[test]
fn velocity_compares_thirty_days_with_the_hundred_and_fifty_before() {
    let of = |parts: &[(usize, f64)]| velocity(&series(parts), &VelocitySettings::default()).unwrap();
    let now = of(&[(100, 9.0), (150, 2.0), (30, 3.0)]);
    assert_eq!((now.recent_per_day, now.before_per_day, now.change_percent), (3.0, 2.0, Some(50.0)));
    assert_eq!(of(&[(10, 4.0), (30, 1.0)]).change_percent, Some(-75.0));
    assert_eq!(of(&[(150, 0.0), (30, 1.0)]).change_percent, None);
    assert_eq!(of(&[]).change_percent, None);
    let bad = velocity(&[1.0, f64::NAN], &VelocitySettings::default()).unwrap_err().to_string();
    assert_eq!(bad, "daily_picks[1] must be a number, 0 or more");
}

#[test]
fn each_kind_is_told_from_the_others() {
    use Severity::{High, Medium};
    use TriggerKind::{NewProduct, Promotion, SeasonalChange, VelocityDrop, VelocitySpike};
    assert_eq!(kind(&[(150, 2.0), (30, 2.0)]), None);
    assert_eq!(kind(&[(150, 2.0), (30, 3.0)]), None, "50 % is not more than 50 %");
    assert_eq!(kind(&[(150, 2.0), (30, 3.1)]), Some((VelocitySpike, Medium)));
    assert_eq!(kind(&[(150, 2.0), (30, 4.0)]), Some((VelocitySpike, Medium)), "100 % is not more than 100 %");
    assert_eq!(kind(&[(150, 2.0), (30, 4.1)]), Some((VelocitySpike, High)));
    assert_eq!(kind(&[(150, 2.0), (30, 1.0)]), None);
    assert_eq!(kind(&[(150, 2.0), (30, 0.9)]), Some((VelocityDrop, Medium)));
    assert_eq!(kind(&[(150, 2.0), (30, 0.0)]), Some((VelocityDrop, High)));
    assert_eq!(kind(&[(160, 0.0), (20, 1.0)]), Some((NewProduct, High)));
    assert_eq!(kind(&[(160, 0.0), (20, 0.1)]), None, "two picks say nothing");
    assert_eq!(kind(&[(50, 3.0), (150, 0.0), (30, 1.0)]), Some((VelocitySpike, High)), "back after a pause, not new");
    assert_eq!(kind(&[(150, 2.0), (12, 2.0), (7, 20.0), (11, 2.0)]), Some((Promotion, High)));
    assert_eq!(kind(&[(150, 2.0), (12, 8.0), (7, 40.0), (11, 8.0)]), Some((VelocitySpike, High)), "the other days rose too");
    let year = [(150, 2.0), (30, 6.0), (185, 2.0), (150, 2.0), (30, 7.0)];
    assert_eq!(kind(&year), Some((SeasonalChange, High)));
    let fall = [(150, 6.0), (30, 1.0), (185, 6.0), (150, 6.0), (30, 2.0)];
    assert_eq!(kind(&fall), Some((SeasonalChange, Medium)));
    let other_way = [(150, 6.0), (30, 1.0), (185, 6.0), (150, 6.0), (30, 20.0)];
    assert_eq!(kind(&other_way), Some((VelocitySpike, High)));
}

#[test]
fn settings_are_checked() {
    let settings = TriggerSettings { change_percent: 120.0, ..TriggerSettings::default() };
    let refused = trigger(&[1.0], &settings).unwrap_err().to_string();
    assert_eq!(refused, "change_percent must be from 0 to below 100, which is a stop");
    assert_eq!(trigger(&[], &TriggerSettings::default()).unwrap(), None);
}
