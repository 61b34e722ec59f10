//! Pictures of statistics as finished SVG. Colours come from classes; every picture says in words what it shows.

use std::fmt::Write as _;

use warehouse::statistics::{ComparisonDto, CorrelationDto, DayMean, Histogram, MetricDto, Plot, TrendLine};

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 8.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 24.0;

/// A range of values over a range of the picture.
#[derive(Clone, Copy)]
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    fn across(low: f64, high: f64) -> Self {
        Self { low, high, from: LEFT, to: WIDTH - LEFT }
    }

    /// Upwards.
    fn up(low: f64, high: f64) -> Self {
        Self { low, high, from: HEIGHT - BOTTOM, to: TOP }
    }

    fn at(self, value: f64) -> f64 {
        let share = if self.high > self.low { (value - self.low) / (self.high - self.low) } else { 0.5 };
        self.from + (self.to - self.from) * share.clamp(0.0, 1.0)
    }
}

/// Three digits that count, without an exponent where one can do without.
pub fn figure(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if size == 0.0 => "0".into(),
        _ if !(1e-4..1e7).contains(&size) => format!("{value:.2e}"),
        _ if size >= 100.0 => format!("{value:.0}"),
        _ if size >= 10.0 => format!("{value:.1}"),
        _ if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}").trim_end_matches('0').to_owned(),
    }
}

fn open(class: &str, height: f64, label: &str) -> String {
    let label = escaped(label);
    format!(r#"<svg class="plot {class}" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">"#)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn text(svg: &mut String, class: &str, x: f64, y: f64, words: &str) {
    let _ = write!(svg, r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{}</text>"#, escaped(words));
}

fn line(svg: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = write!(svg, r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#);
}

fn points(places: impl Iterator<Item = (f64, f64)>) -> String {
    let mut list = String::new();
    for (x, y) in places {
        let _ = write!(list, "{x:.1},{y:.1} ");
    }
    list.trim_end().to_owned()
}

/// Bars of how many values lie where, the normal curve of the same mean and spread, and the mean with its confidence interval.
pub fn histogram(metric: &MetricDto) -> String {
    let (Some(Histogram { low, width, counts }), Some(mean)) = (&metric.plot.histogram, metric.mean) else {
        return String::new();
    };
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let high = low + width * counts.len() as f64;
    let (x, y) = (Scale::across(*low, high), Scale::up(0.0, most));
    let label =
        format!("Histogram of {} values from {} to {}, mean {}", metric.sample_size, figure(*low), figure(high), figure(mean));
    let mut svg = open("histogram", HEIGHT, &label);
    let base = y.at(0.0);
    if let (Some(from), Some(to)) = (metric.confidence_low, metric.confidence_high) {
        let (from, to) = (x.at(from), x.at(to));
        let _ = write!(
            svg,
            r#"<rect class="interval" x="{from:.1}" y="{TOP}" width="{:.1}" height="{:.1}"/>"#,
            (to - from).max(1.0),
            base - TOP
        );
    }
    for (n, &count) in counts.iter().enumerate() {
        let (from, to) = (x.at(low + width * n as f64), x.at(low + width * (n + 1) as f64));
        let top = y.at(count as f64);
        let _ = write!(
            svg,
            r#"<rect class="column" x="{from:.1}" y="{top:.1}" width="{:.1}" height="{:.1}"><title>{count}</title></rect>"#,
            (to - from - 1.0).max(0.5),
            base - top
        );
    }
    if let Some(deviation) = metric.std_dev.filter(|deviation| *deviation > 0.0) {
        let height = metric.sample_size as f64 * width / (deviation * std::f64::consts::TAU.sqrt());
        let curve = (0..=80).map(|n| {
            let value = low + (high - low) * f64::from(n) / 80.0;
            (x.at(value), y.at(height * (-0.5 * ((value - mean) / deviation).powi(2)).exp()))
        });
        let _ = write!(svg, r#"<polyline class="fit" points="{}"/>"#, points(curve));
    }
    line(&mut svg, "mean", (x.at(mean), TOP), (x.at(mean), base));
    line(&mut svg, "axis", (LEFT, base), (WIDTH - LEFT, base));
    ends(&mut svg, &figure(*low), &figure(high));
    text(&mut svg, "middle", x.at(mean).clamp(60.0, WIDTH - 60.0), 14.0, &format!("mean {}", figure(mean)));
    svg + "</svg>"
}

fn ends(svg: &mut String, left: &str, right: &str) {
    text(svg, "", LEFT, HEIGHT - 6.0, left);
    text(svg, "end", WIDTH - LEFT, HEIGHT - 6.0, right);
}

/// How much more the treatment had at each look, by the share of the planned information; a dashed line where both are equal.
pub fn looks(looks: &[ComparisonDto]) -> String {
    type Seen = (f64, f64, f64, f64);
    let seen = |look: &ComparisonDto| -> Option<Seen> {
        Some((look.information_share?, look.difference?, look.difference_low?, look.difference_high?))
    };
    let seen: Vec<Seen> = looks.iter().filter(|look| look.is_primary).filter_map(seen).collect();
    let (low, high) = seen.iter().fold((0.0_f64, 0.0_f64), |(low, high), look| (low.min(look.2), high.max(look.3)));
    let Some(last) = seen.last().filter(|_| high > low) else { return String::new() };
    let (x, y) = (Scale::across(0.0, 1.05), Scale::up(low, high));
    let label = format!(
        "{} looks; at the last, at {:.0}% of the information, the treatment has {} more, between {} and {}",
        seen.len(),
        last.0 * 100.0,
        figure(last.1),
        figure(last.2),
        figure(last.3)
    );
    let mut svg = open("looks", HEIGHT, &label);
    line(&mut svg, "ideal", (LEFT, y.at(0.0)), (WIDTH - LEFT, y.at(0.0)));
    for (share, difference, from, to) in &seen {
        let at = x.at(*share);
        line(&mut svg, "whisker", (at, y.at(*from)), (at, y.at(*to)));
        let _ = write!(
            svg,
            r#"<circle class="dot" cx="{at:.1}" cy="{:.1}" r="4"><title>{}</title></circle>"#,
            y.at(*difference),
            figure(*difference)
        );
    }
    text(&mut svg, "", LEFT, 14.0, &figure(high));
    text(&mut svg, "", LEFT, HEIGHT - BOTTOM - 4.0, &figure(low));
    ends(&mut svg, "0%", "all of the planned information");
    svg + "</svg>"
}

const BOX_ROW: f64 = 44.0;

/// One box for each metric, by its label: the middle half, the median, and whiskers from the 5th to the 95th percentile.
pub fn boxes(rows: &[(String, &MetricDto)]) -> String {
    type Five = [f64; 5];
    let five = |metric: &MetricDto| -> Option<Five> {
        Some([metric.percentile_5?, metric.percentile_25?, metric.median?, metric.percentile_75?, metric.percentile_95?])
    };
    let rows: Vec<(&str, Five)> = rows.iter().filter_map(|(label, metric)| Some((label.as_str(), five(metric)?))).collect();
    let (Some(low), Some(high)) =
        (rows.iter().map(|(_, five)| five[0]).reduce(f64::min), rows.iter().map(|(_, five)| five[4]).reduce(f64::max))
    else {
        return String::new();
    };
    let (height, x) = (rows.len() as f64 * BOX_ROW + BOTTOM, Scale::across(low, high));
    let told: Vec<String> = rows.iter().map(|(label, five)| format!("{label} {}", figure(five[2]))).collect();
    let mut svg = open("boxes", height, &format!("Medians: {}", told.join(", ")));
    for (n, (label, five)) in rows.iter().enumerate() {
        let top = n as f64 * BOX_ROW + 18.0;
        let [p5, q1, median, q3, p95] = five.map(|value| x.at(value));
        text(&mut svg, "", LEFT, top - 4.0, label);
        line(&mut svg, "whisker", (p5, top + 9.0), (p95, top + 9.0));
        let _ = write!(svg, r#"<rect class="box" x="{q1:.1}" y="{top:.1}" width="{:.1}" height="18"/>"#, (q3 - q1).max(1.0));
        for end in [p5, p95] {
            line(&mut svg, "whisker", (end, top + 4.0), (end, top + 14.0));
        }
        line(&mut svg, "mean", (median, top), (median, top + 18.0));
    }
    text(&mut svg, "", LEFT, height - 6.0, &figure(low));
    text(&mut svg, "end", WIDTH - LEFT, height - 6.0, &figure(high));
    svg + "</svg>"
}

/// The means of the days, the straight line of least squares, and the band that its mean lies in.
pub fn trend(plot: &Plot) -> String {
    let (Some(first), Some(last)) = (plot.days.first(), plot.days.last()) else { return String::new() };
    let span = (last.day - first.day).num_days().max(1) as f64;
    let band = |line: &TrendLine| {
        let places = (0..=40).map(|n| line.from_day + (line.to_day - line.from_day) * f64::from(n) / 40.0);
        places.map(|day| (day, line.at(day), line.band(day))).collect::<Vec<_>>()
    };
    let band = plot.trend.as_ref().map(band).unwrap_or_default();
    let values =
        plot.days.iter().map(|day| day.mean).chain(band.iter().flat_map(|(_, mean, reach)| [mean - reach, mean + reach]));
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    let (x, y) = (Scale::across(0.0, span), Scale::up(low, high));
    let label = format!("Mean of each day from {} to {}, between {} and {}", first.day, last.day, figure(low), figure(high));
    let mut svg = open("trend", HEIGHT, &label);
    if let Some(trend) = &plot.trend {
        let along = Scale::across(trend.from_day, trend.to_day);
        let upper = band.iter().map(|(day, mean, reach)| (along.at(*day), y.at(mean + reach)));
        let lower = band.iter().rev().map(|(day, mean, reach)| (along.at(*day), y.at(mean - reach)));
        let _ = write!(svg, r#"<polygon class="interval" points="{}"/>"#, points(upper.chain(lower)));
        let ends = [trend.from_day, trend.to_day].map(|day| (along.at(day), y.at(trend.at(day))));
        line(&mut svg, "fit", ends[0], ends[1]);
    }
    for DayMean { day, mean, count } in &plot.days {
        let place = (x.at((*day - first.day).num_days() as f64), y.at(*mean));
        let _ = write!(
            svg,
            r#"<circle class="dot" cx="{:.1}" cy="{:.1}" r="2.5"><title>{day}: {} of {count}</title></circle>"#,
            place.0,
            place.1,
            figure(*mean)
        );
    }
    text(&mut svg, "", LEFT, 14.0, &figure(high));
    line(&mut svg, "axis", (LEFT, HEIGHT - BOTTOM), (WIDTH - LEFT, HEIGHT - BOTTOM));
    ends(&mut svg, &format!("{} ({})", first.day, figure(low)), &last.day.to_string());
    svg + "</svg>"
}

/// The quantiles of the sample against those of the normal distribution, with the line where both agree.
pub fn quantiles(metric: &MetricDto) -> String {
    let plot = &metric.plot;
    let (Some(mean), Some(deviation), Some(reach)) = (metric.mean, metric.std_dev, plot.normal_quantiles.last()) else {
        return String::new();
    };
    let line_ends = [-reach, *reach].map(|z| (z, mean + deviation * z));
    let all = plot.quantiles.iter().copied().chain(line_ends.iter().map(|end| end.1));
    let (low, high) = all.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    let (x, y) = (Scale::across(-reach, *reach), Scale::up(low, high));
    let label = "Percentiles of the values against those of a normal distribution; on the line where they agree";
    let mut svg = open("quantiles", HEIGHT, label);
    line(&mut svg, "fit", (x.at(line_ends[0].0), y.at(line_ends[0].1)), (x.at(line_ends[1].0), y.at(line_ends[1].1)));
    for (z, value) in plot.normal_quantiles.iter().zip(&plot.quantiles) {
        let _ = write!(svg, r#"<circle class="dot" cx="{:.1}" cy="{:.1}" r="2.5"/>"#, x.at(*z), y.at(*value));
    }
    text(&mut svg, "", LEFT, 14.0, &figure(high));
    line(&mut svg, "axis", (LEFT, HEIGHT - BOTTOM), (WIDTH - LEFT, HEIGHT - BOTTOM));
    ends(&mut svg, "1st percentile", "99th");
    svg + "</svg>"
}

const NAMES: f64 = 130.0;
const CELL: f64 = 60.0;
const ROW: f64 = 34.0;

/// Every pair of figures: the coefficient, and the deeper the colour the closer they move together. Grey where nothing was shown.
pub fn matrix(rows: &[&CorrelationDto]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in rows.iter().flat_map(|row| [row.feature_x.as_str(), row.feature_y.as_str()]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return String::new();
    }
    let height = ROW * (names.len() as f64 + 1.0);
    let strongest = rows.iter().max_by(|a, b| a.coefficient.abs().total_cmp(&b.coefficient.abs()));
    let told = strongest.map(|row| {
        format!("Closest: {} and {}, {:.2}", words(row.feature_x.as_str()), words(row.feature_y.as_str()), row.coefficient)
    });
    let mut svg = open("matrix", height, &told.unwrap_or_default());
    for (n, name) in names.iter().enumerate() {
        text(&mut svg, "end", NAMES - 8.0, ROW * (n as f64 + 1.0) + 21.0, &words(name));
        text(&mut svg, "middle small", NAMES + CELL * (n as f64 + 0.5), ROW - 8.0, &short(name));
    }
    for (n, y) in names.iter().enumerate() {
        for (m, x) in names.iter().enumerate().filter(|(m, _)| *m != n) {
            let is_it = |row: &&&CorrelationDto| {
                let pair = (row.feature_x.as_str(), row.feature_y.as_str());
                pair == (*x, *y) || pair == (*y, *x)
            };
            let Some(found) = rows.iter().find(is_it) else { continue };
            let (left, top) = (NAMES + CELL * m as f64, ROW * (n as f64 + 1.0));
            let _ = write!(
                svg,
                r#"<g class="cell {}"><rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}"/><text class="middle" x="{:.1}" y="{:.1}">{:.2}<title>{} and {}: p = {}</title></text></g>"#,
                strength(found),
                left + 1.0,
                top + 1.0,
                CELL - 2.0,
                ROW - 2.0,
                left + CELL / 2.0,
                top + 21.0,
                found.coefficient,
                words(x),
                words(y),
                figure(found.p_value),
            );
        }
    }
    svg + "</svg>"
}

fn strength(row: &CorrelationDto) -> &'static str {
    match row.coefficient.abs() {
        _ if row.p_value > 0.05 => "none",
        size if size < 0.3 => "weak",
        size if size < 0.6 => "fair",
        _ => "strong",
    }
}

fn words(code: &str) -> String {
    let text = code.replace('_', " ").to_lowercase();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// As much of a name as a column is wide.
fn short(code: &str) -> String {
    words(code.split('_').next().unwrap_or(code)).chars().take(9).collect()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::view::samples::statistics::comparison;

    fn metric() -> MetricDto {
        let trend = TrendLine {
            count: 60,
            intercept: 10.0,
            slope: 1.0,
            slope_error: 0.1,
            residual_standard_deviation: 1.0,
            centre: 1.0,
            reach: 2.0,
            from_day: 0.0,
            to_day: 2.0,
        };
        let day = |n: u32, mean: f64| DayMean { day: NaiveDate::from_ymd_opt(2026, 3, n).unwrap(), mean, count: 20 };
        MetricDto {
            sample_size: 60,
            mean: Some(11.0),
            std_dev: Some(2.0),
            confidence_low: Some(10.5),
            confidence_high: Some(11.5),
            percentile_5: Some(8.0),
            percentile_25: Some(10.0),
            median: Some(11.0),
            percentile_75: Some(12.0),
            percentile_95: Some(14.0),
            plot: Plot {
                histogram: Some(Histogram { low: 6.0, width: 2.5, counts: vec![10, 30, 0, 20] }),
                quantiles: vec![7.0, 11.0, 15.0],
                normal_quantiles: vec![-2.0, 0.0, 2.0],
                days: vec![day(1, 10.0), day(2, 11.0), day(3, 12.0)],
                trend: Some(trend),
            },
            ..MetricDto::default()
        }
    }

    #[test]
    fn bars_stand_on_the_axis_and_the_highest_reaches_the_top() {
        let svg = histogram(&metric());
        assert_eq!(svg.matches(r#"class="column""#).count(), 4);
        assert!(svg.contains(r#"y="22.0" width="135.0" height="174.0"><title>30"#), "{svg}");
        assert!(svg.contains(r#"y="196.0" width="135.0" height="0.0"><title>0"#), "{svg}");
        // Mean 11 of 6 to 16 is in the middle.
        assert!(svg.contains(r#"<line class="mean" x1="280.0""#), "{svg}");
        assert_eq!(histogram(&MetricDto::default()), "");
    }

    #[test]
    fn the_line_runs_through_the_days() {
        let svg = trend(&metric().plot);
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("2026-03-01") && !svg.contains("NaN"), "{svg}");
        let alone = Plot { days: vec![metric().plot.days[0]], ..Plot::default() };
        assert!(trend(&alone).contains("<circle") && !trend(&alone).contains("NaN"));
        assert_eq!(trend(&Plot::default()), "");
    }

    #[test]
    fn a_box_shows_the_middle_half() {
        let (one, two) = (metric(), MetricDto { percentile_5: Some(2.0), percentile_95: Some(18.0), ..metric() });
        let svg = boxes(&[("BFD".into(), &one), ("a < b".into(), &two)]);
        assert_eq!(svg.matches(r#"class="box""#).count(), 2);
        // 10 to 12 of 2 to 18 over 544 units.
        assert!(svg.contains(r#"x="280.0" y="18.0" width="68.0""#), "{svg}");
        assert!(svg.contains("a &lt; b") && !svg.contains("a < b"));
        assert_eq!(boxes(&[]), "");
    }

    #[test]
    fn normal_values_lie_on_the_line() {
        let svg = quantiles(&metric());
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains(r#"<circle class="dot" cx="280.0" cy="109.0""#), "{svg}");
        assert_eq!(quantiles(&MetricDto::default()), "");
    }

    #[test]
    fn a_matrix_has_every_pair_on_both_sides() {
        let row = |x: &str, y: &str, coefficient, p_value| CorrelationDto {
            analysis_id: String::new(),
            facility_id: None,
            algorithm_version: "BFD".into(),
            feature_x: x.parse().unwrap(),
            feature_y: y.parse().unwrap(),
            method: "PEARSON".into(),
            coefficient,
            p_value,
            confidence_low: None,
            confidence_high: None,
            slope: None,
            intercept: None,
            r_squared: None,
            sample_size: 9,
        };
        let rows = [row("SCORE", "WEIGHT", -0.8, 0.001), row("SCORE", "QUANTITY", 0.1, 0.4)];
        let svg = matrix(&rows.iter().collect::<Vec<_>>());
        assert_eq!(svg.matches("<g class=").count(), 4);
        assert_eq!(svg.matches("cell strong").count(), 2);
        assert!(svg.contains("Closest: Score and Weight, -0.80"), "{svg}");
        assert_eq!(matrix(&[]), "");
    }

    #[test]
    fn looks_show_the_difference_with_its_interval_about_the_line_of_equality() {
        let look = |information_share, difference: f64, is_primary| ComparisonDto {
            information_share: Some(information_share),
            difference: Some(difference),
            difference_low: Some(difference - 1.0),
            difference_high: Some(difference + 1.0),
            ..comparison(is_primary)
        };
        let svg = looks(&[look(0.25, 3.0, true), look(0.25, 9.0, false), look(0.5, 2.0, true)]);
        assert_eq!((svg.matches("<circle").count(), svg.matches("whisker").count(), svg.matches("ideal").count()), (2, 2, 1));
        assert!(
            svg.contains("2 looks; at the last, at 50% of the information, the treatment has 2.00 more, between 1.00 and 3.00")
        );
        assert_eq!(looks(&[]), "");
    }

    #[test]
    fn figures_have_three_digits_that_count() {
        for (value, shown) in [
            (0.0, "0"),
            (1234.5, "1234"),
            (12.345, "12.3"),
            (1.234, "1.23"),
            (0.5, "0.5"),
            (0.012_34, "0.0123"),
            (1e-9, "1.00e-9"),
            (-3.0, "-3.00"),
        ] {
            assert_eq!(figure(value), shown);
        }
    }
}
