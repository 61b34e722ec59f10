use optimization::slotting::{Forecast, Method, forecast};
use proptest::collection::vec;
use proptest::prelude::*;

fn of(daily: &[f64]) -> Forecast {
    forecast(daily, 0.0, 1.0).unwrap()
}

/// Sum of twelve even draws, about normal with standard deviation 1.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        let draw = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..12).map(draw).sum::<f64>() - 6.0
    }
}

#[test]
fn a_constant_stays_what_it_is() {
    let told = of(&[0.7; 60]);
    assert_eq!(told.points.len(), 30);
    for point in &told.points {
        assert!((point.value - 0.7).abs() < 1e-12 && point.high_95 - point.low_95 < 1e-9, "{point:?}");
    }
    assert!(told.accuracy.iter().all(|figure| figure.rmse < 1e-9 && figure.mape_percent.unwrap() < 1e-6));
}

#[test]
fn a_week_repeats() {
    let week = [0.50, 0.55, 0.60, 0.65, 0.70, 0.30, 0.20];
    let daily: Vec<f64> = (0..90).map(|n| week[n % 7]).collect();
    let told = of(&daily);
    for (n, point) in told.points.iter().enumerate() {
        assert!((point.value - week[(90 + n) % 7]).abs() < 1e-9, "{point:?}");
    }
}

#[test]
fn a_trend_goes_on_and_is_damped() {
    let daily: Vec<f64> = (0..100).map(|n| 0.3 + 0.003 * f64::from(n)).collect();
    let told = of(&daily);
    assert!(matches!(told.method, Method::DampedHolt | Method::SeasonalHolt));
    let (week, month) = (told.points[6].value, told.points[29].value);
    assert!(week > 0.605 && week < 0.63, "{week}");
    assert!(month > week && month < 0.3 + 0.003 * 130.0, "{month}");
}

/// A level and noise: the error told is the noise's, and the intervals hold their share of what comes.
#[test]
fn intervals_hold_what_they_promise() {
    let (mut inside_80, mut inside_95, mut all) = (0, 0, 0);
    let mut rmse = 0.0;
    for seed in 1..=40 {
        let mut next = noise(seed);
        let daily: Vec<f64> = (0..150).map(|_| 0.5 + 0.04 * next()).collect();
        let told = of(&daily[..120]);
        rmse += told.accuracy.iter().find(|figure| figure.method == told.method && figure.days_ahead == 7).unwrap().rmse / 40.0;
        for (point, value) in told.points.iter().zip(&daily[120..]) {
            inside_80 += i32::from((point.low_80..=point.high_80).contains(value));
            inside_95 += i32::from((point.low_95..=point.high_95).contains(value));
            all += 1;
        }
    }
    let (share_80, share_95) = (f64::from(inside_80) / f64::from(all), f64::from(inside_95) / f64::from(all));
    assert!((0.75..0.92).contains(&share_80), "{share_80}");
    assert!((0.92..0.995).contains(&share_95), "{share_95}");
    assert!((0.036..0.048).contains(&rmse), "{rmse}");
}

#[test]
fn the_back_test_is_what_it_says() {
    let mut next = noise(5);
    let daily: Vec<f64> = (0..80).map(|n| 0.4 + 0.02 * f64::from(n % 7) + 0.01 * next()).collect();
    let told = of(&daily);
    let naive = told.accuracy.iter().find(|figure| figure.method == Method::SeasonalNaive && figure.days_ahead == 14).unwrap();
    // The day 14 days after each origin from 40 on, against the same weekday of the last week before the origin.
    let errors: Vec<f64> = (40..=66).map(|origin| daily[origin + 13] - daily[origin - 1]).collect();
    let rmse = (errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64).sqrt();
    let mape = errors.iter().zip(40..).map(|(error, origin): (_, usize)| (error / daily[origin + 13]).abs()).sum::<f64>()
        / errors.len() as f64;
    assert_eq!(naive.origins, errors.len());
    assert!((naive.rmse - rmse).abs() < 1e-12 && (naive.mape_percent.unwrap() - mape * 100.0).abs() < 1e-9);
}

proptest! {
    #[test]
    fn intervals_are_ordered_bounded_and_widen(daily in vec(0.0..=1.0_f64, 14..120)) {
        let told = of(&daily);
        prop_assert_eq!(&told, &of(&daily));
        let mut width = 0.0;
        for point in &told.points {
            let line = [0.0, point.low_95, point.low_80, point.value, point.high_80, point.high_95, 1.0];
            prop_assert!(line.is_sorted(), "{point:?}");
            let unclamped = point.low_95 > 0.0 && point.high_95 < 1.0;
            if unclamped {
                prop_assert!(point.high_95 - point.low_95 >= width - 1e-9);
                width = point.high_95 - point.low_95;
            }
        }
    }
}

#[test]
fn too_little_is_refused() {
    assert_eq!(forecast(&[0.5; 13], 0.0, 1.0).unwrap_err().to_string(), "daily must have at least 14 days");
    assert_eq!(forecast(&[0.5; 20], 1.0, 1.0).unwrap_err().to_string(), "ceiling must be above floor");
    let hole = [vec![0.5; 20], vec![f64::NAN]].concat();
    assert!(forecast(&hole, 0.0, 1.0).unwrap_err().to_string().starts_with("daily must be numbers"));
    assert_eq!(of(&[0.0; 20]).accuracy[0].mape_percent, None);
}
