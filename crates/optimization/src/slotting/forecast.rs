use serde::{Deserialize, Serialize};

use super::{InvalidInput, check};

/// Days ahead for which accuracy is reported.
const HORIZONS: [usize; 3] = [7, 14, 30];
const DAYS_AHEAD: usize = 30;
const WEEK: usize = 7;
const MEAN_DAYS: usize = 28;
/// Origins of the back-test at most: the newest ones.
const ORIGINS_MAX: usize = 120;
const DAYS_MIN: usize = 14;
/// Older days are not looked at.
const DAYS_MAX: usize = 1095;
/// Two-sided quantiles of the normal distribution.
const Z_80: f64 = 1.281_551_565_544_6;
const Z_95: f64 = 1.959_963_984_540_05;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    /// Mean of the last 28 days.
    Mean,
    /// The same weekday of the last week.
    SeasonalNaive,
    /// Level and damped trend (Gardner and McKenzie 1985), parameters by least squares.
    DampedHolt,
    /// The last with a weekly pattern taken out first and put back afterwards.
    SeasonalHolt,
}

impl Method {
    pub const ALL: [Self; 4] = [Self::Mean, Self::SeasonalNaive, Self::DampedHolt, Self::SeasonalHolt];
}

/// Utilisation of the coming 30 days, in the unit of the series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    pub method: Method,
    /// Tomorrow first.
    pub points: Vec<Point>,
    /// Each method at 7, 14 and 30 days, as far as the series is long enough to test.
    pub accuracy: Vec<Accuracy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    pub days_ahead: usize,
    pub value: f64,
    pub low_80: f64,
    pub high_80: f64,
    pub low_95: f64,
    pub high_95: f64,
}

/// How well a method would have told what is known by now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    pub method: Method,
    pub days_ahead: usize,
    /// Forecasts that were compared.
    pub origins: usize,
    /// Mean absolute error in percent of the value; `None` where a value was 0.
    pub mape_percent: Option<f64>,
    pub rmse: f64,
}

/// Forecast of a daily series (the last entry is the newest day) whose values lie between `floor` and `ceiling`.
///
/// Each method is tested from rolling origins: with the days up to the origin only it forecasts the following 30, which are known
/// (Tashman 2000). The method with the least mean squared error over all forecasts is used, an earlier one of [`Method::ALL`]
/// when equal. The intervals are ± z × the root mean squared error that it had so many days ahead, never narrower than nearer
/// ones. Needs 14 days, looks at the newest 1,095; up to 30 days ahead are tested as far as the series goes, beyond that the
/// error grows with the root of the time.
pub fn forecast(daily: &[f64], floor: f64, ceiling: f64) -> Result<Forecast, InvalidInput> {
    check("daily", daily.len() >= DAYS_MIN, "must have at least 14 days")?;
    check(
        "daily",
        daily.iter().all(|value| value.is_finite()),
        "must be numbers; fill a day without figure with the day before",
    )?;
    check("ceiling", floor.is_finite() && ceiling.is_finite() && floor < ceiling, "must be above floor")?;
    let daily = &daily[daily.len().saturating_sub(DAYS_MAX)..];
    let tests: Vec<BackTest> = Method::ALL.iter().map(|method| BackTest::run(*method, daily, floor, ceiling)).collect();
    let best = tests.iter().min_by(|one, other| one.mean_squared().total_cmp(&other.mean_squared()));
    let best = best.expect("there are four methods");
    let values = predict(best.method, daily, DAYS_AHEAD);
    let point = |(n, (value, rmse)): (usize, (f64, f64))| {
        let value = value.clamp(floor, ceiling);
        let at = |z: f64| (value + z * rmse).clamp(floor, ceiling);
        Point { days_ahead: n + 1, value, low_80: at(-Z_80), high_80: at(Z_80), low_95: at(-Z_95), high_95: at(Z_95) }
    };
    let points = values.into_iter().zip(best.spread()).enumerate().map(point).collect();
    Ok(Forecast { method: best.method, points, accuracy: tests.iter().flat_map(BackTest::accuracy).collect() })
}

struct BackTest {
    method: Method,
    /// For each number of days ahead: (error, value) of each origin.
    errors: Vec<Vec<(f64, f64)>>,
}

impl BackTest {
    fn run(method: Method, daily: &[f64], floor: f64, ceiling: f64) -> Self {
        let mut errors = vec![Vec::new(); DAYS_AHEAD];
        // Half of a short series is left to learn from.
        let first = (daily.len() / 2).max(daily.len().saturating_sub(ORIGINS_MAX + DAYS_AHEAD));
        for origin in first..daily.len() {
            let known = daily.len() - origin;
            let values = predict(method, &daily[..origin], known.min(DAYS_AHEAD));
            for (ahead, value) in values.into_iter().enumerate() {
                errors[ahead].push((value.clamp(floor, ceiling) - daily[origin + ahead], daily[origin + ahead]));
            }
        }
        Self { method, errors }
    }

    fn mean_squared(&self) -> f64 {
        let all = || self.errors.iter().flatten();
        all().map(|(error, _)| error * error).sum::<f64>() / all().count() as f64
    }

    fn rmse(&self, ahead: usize) -> Option<f64> {
        let errors = &self.errors[ahead];
        let squared = errors.iter().map(|(error, _)| error * error).sum::<f64>();
        (!errors.is_empty()).then(|| (squared / errors.len() as f64).sqrt())
    }

    /// Standard error for 1 to 30 days ahead.
    fn spread(&self) -> Vec<f64> {
        let mut widest = 0.0_f64;
        let mut tested = 0.0_f64;
        let mut spread = Vec::with_capacity(DAYS_AHEAD);
        for ahead in 0..DAYS_AHEAD {
            match self.rmse(ahead) {
                Some(rmse) => {
                    widest = widest.max(rmse);
                    tested = ahead as f64 + 1.0;
                    spread.push(widest);
                }
                None => spread.push(widest * ((ahead as f64 + 1.0) / tested).sqrt()),
            }
        }
        spread
    }

    fn accuracy(&self) -> Vec<Accuracy> {
        let of = |days_ahead: &usize| {
            let errors = &self.errors[days_ahead - 1];
            let rmse = self.rmse(days_ahead - 1)?;
            let ratios = errors.iter().map(|(error, value)| (error / value).abs()).sum::<f64>();
            let mape_percent = ratios.is_finite().then(|| ratios / errors.len() as f64 * 100.0);
            Some(Accuracy { method: self.method, days_ahead: *days_ahead, origins: errors.len(), mape_percent, rmse })
        };
        HORIZONS.iter().filter_map(of).collect()
    }
}

/// `known` is not empty.
fn predict(method: Method, known: &[f64], days: usize) -> Vec<f64> {
    match method {
        Method::Mean => {
            let recent = &known[known.len().saturating_sub(MEAN_DAYS)..];
            vec![recent.iter().sum::<f64>() / recent.len() as f64; days]
        }
        Method::SeasonalNaive => {
            let week = &known[known.len().saturating_sub(WEEK)..];
            (0..days).map(|n| week[n % week.len()]).collect()
        }
        Method::DampedHolt => damped_holt(known, days),
        Method::SeasonalHolt => {
            let pattern = weekly_pattern(known);
            let level: Vec<f64> = known.iter().enumerate().map(|(n, value)| value - pattern[n % WEEK]).collect();
            let values = damped_holt(&level, days).into_iter().enumerate();
            values.map(|(n, value)| value + pattern[(known.len() + n) % WEEK]).collect()
        }
    }
}

/// Mean deviation of each weekday from the mean of the seven days around it; zero with less than three weeks.
fn weekly_pattern(known: &[f64]) -> [f64; WEEK] {
    let mut pattern = [0.0; WEEK];
    if known.len() < 3 * WEEK {
        return pattern;
    }
    let mut counts = [0.0; WEEK];
    for (n, around) in known.windows(WEEK).enumerate() {
        let middle = n + WEEK / 2;
        pattern[middle % WEEK] += known[middle] - around.iter().sum::<f64>() / WEEK as f64;
        counts[middle % WEEK] += 1.0;
    }
    pattern.iter_mut().zip(counts).for_each(|(sum, count)| *sum /= count);
    let mean = pattern.iter().sum::<f64>() / WEEK as f64;
    pattern.map(|deviation| deviation - mean)
}

fn damped_holt(known: &[f64], days: usize) -> Vec<f64> {
    const SMOOTHINGS: [f64; 5] = [0.05, 0.15, 0.3, 0.6, 0.9];
    const TREND_SHARES: [f64; 4] = [0.0, 0.1, 0.3, 0.6];
    const DAMPINGS: [f64; 3] = [0.8, 0.9, 0.98];
    let mut best = (f64::INFINITY, known[known.len() - 1], 0.0, 0.0);
    for alpha in SMOOTHINGS {
        for beta in TREND_SHARES {
            for phi in DAMPINGS {
                let (error, level, trend) = smooth(known, alpha, beta * alpha, phi);
                if error < best.0 {
                    best = (error, level, trend, phi);
                }
            }
        }
    }
    let (_, mut level, mut step, phi) = best;
    let value = |_| {
        step *= phi;
        level += step;
        level
    };
    (0..days).map(value).collect()
}

/// Sum of squared errors of one day ahead, last level and last trend, in error-correction form.
fn smooth(known: &[f64], alpha: f64, beta: f64, phi: f64) -> (f64, f64, f64) {
    let start = known.len().min(WEEK);
    let mut level = known[..start].iter().sum::<f64>() / start as f64;
    let (mut trend, mut squared) = (0.0, 0.0);
    for value in known {
        let expected = level + phi * trend;
        let error = value - expected;
        squared += error * error;
        level = expected + alpha * error;
        trend = phi * trend + beta * error;
    }
    (squared, level, trend)
}
