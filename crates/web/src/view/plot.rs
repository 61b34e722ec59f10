//! Curves as finished SVG. What they show is said in words too, for those who do not see them.

use std::fmt::Write as _;

use catalog::AbcClass;
use warehouse::slotting::PredictionsDto;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 8.0;
const TOP: f64 = 22.0;
const BASE: f64 = HEIGHT - 24.0;
const FOOT: f64 = HEIGHT - 6.0;
/// More points are not seen.
const POINTS_MAX: usize = 400;

fn text(x: f64, y: f64, class: &str, words: &str) -> String {
    format!(r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{words}</text>"#)
}

fn framed(words: &str, body: &str) -> String {
    let right = WIDTH - LEFT;
    format!(
        r#"<svg class="line-chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}"><line class="grid" x1="{LEFT}" y1="{TOP}" x2="{right}" y2="{TOP}"/><line class="grid" x1="{LEFT}" y1="{BASE}" x2="{right}" y2="{BASE}"/>{body}</svg>"#
    )
}

/// Share of all picks (upwards) that the most picked share of the items (to the right) has; lines stand where a class ends. `picks` fall.
/// Empty when nothing was picked.
pub fn pareto(picks: &[(i64, AbcClass)]) -> String {
    let total: i64 = picks.iter().map(|(picks, _)| picks).sum();
    if total <= 0 {
        return String::new();
    }
    let x = |n: usize| LEFT + (WIDTH - 2.0 * LEFT) * n as f64 / picks.len() as f64;
    let y = |share: f64| BASE - (BASE - TOP) * share;
    let (mut sum, mut line, mut marks) = (0_i64, format!("{LEFT:.1},{BASE:.1}"), String::new());
    let stride = picks.len().div_ceil(POINTS_MAX);
    let mut told = Vec::new();
    for (n, (of_item, class)) in picks.iter().enumerate() {
        sum += of_item;
        let share = sum as f64 / total as f64;
        let ends = picks.get(n + 1).is_none_or(|(_, next)| next != class);
        if ends || n % stride == 0 {
            let _ = write!(line, " {:.1},{:.1}", x(n + 1), y(share));
        }
        if ends {
            let items = (n + 1) as f64 / picks.len() as f64 * 100.0;
            told.push(format!("{items:.0}% of the items have {:.0}% of the picks by the end of class {class}", share * 100.0));
            let at = x(n + 1);
            let _ = write!(marks, r#"<line class="grid" x1="{at:.1}" y1="{TOP}" x2="{at:.1}" y2="{BASE}"/>"#);
            marks.push_str(&text(at - 4.0, BASE - 6.0, "end", class.as_str()));
        }
    }
    let body = format!(
        r#"{marks}<polyline class="line" points="{line}"/>{}{}{}"#,
        text(LEFT, 14.0, "", "100% of the picks"),
        text(LEFT, FOOT, "", "most picked"),
        text(WIDTH - LEFT, FOOT, "end", "all items"),
    );
    framed(&told.join("; "), &body)
}

/// Utilisation until now as a line, what is expected as another, with bands in which it stays with 80 and 95 % confidence. Empty without
/// a forecast.
pub fn forecast(told: &PredictionsDto) -> String {
    let (Some(last), Some(end)) = (told.history.last(), told.days.last()) else { return String::new() };
    let first = told.history.first().map_or(last.day, |first| first.day);
    let whole = (end.day - first).num_days().max(1) as f64;
    let highs = told.days.iter().map(|day| day.high_95).chain(told.history.iter().map(|day| day.utilization));
    let most = highs.fold(10.0, f64::max);
    let x = |day: chrono::NaiveDate| LEFT + (WIDTH - 2.0 * LEFT) * (day - first).num_days() as f64 / whole;
    let y = |percent: f64| BASE - (BASE - TOP) * percent / most;
    let point = |day, percent| format!("{:.1},{:.1}", x(day), y(percent));
    let known: Vec<String> = told.history.iter().map(|day| point(day.day, day.utilization)).collect();
    let start = point(last.day, last.utilization);
    let expected: Vec<String> = told.days.iter().map(|day| point(day.day, day.utilization)).collect();
    let band = |low: fn(&warehouse::slotting::PredictionDto) -> f64, high: fn(&warehouse::slotting::PredictionDto) -> f64| {
        let above = told.days.iter().map(|day| point(day.day, high(day)));
        let below = told.days.iter().rev().map(|day| point(day.day, low(day)));
        above.chain(below).collect::<Vec<_>>().join(" ")
    };
    let (wide, narrow) = (band(|day| day.low_95, |day| day.high_95), band(|day| day.low_80, |day| day.high_80));
    let body = format!(
        r#"<polygon class="area" points="{start} {wide}"/><polygon class="area" points="{start} {narrow}"/><polyline class="line" points="{}"/><polyline class="line expected" points="{start} {}"/>{}{}{}"#,
        known.join(" "),
        expected.join(" "),
        text(LEFT, 14.0, "", &format!("{most:.0}%")),
        text(LEFT, FOOT, "", &first.format("%-d %b %Y").to_string()),
        text(WIDTH - LEFT, FOOT, "end", &end.day.format("%-d %b %Y").to_string()),
    );
    let words = format!(
        "{:.0}% now, {:.0}% expected in 30 days, with 95% confidence between {:.0}% and {:.0}%",
        last.utilization, end.utilization, end.low_95, end.high_95
    );
    framed(&words, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_says_what_each_class_has() {
        let svg = pareto(&[(80, AbcClass::A), (10, AbcClass::B), (10, AbcClass::B), (0, AbcClass::C)]);
        assert!(svg.contains("25% of the items have 80% of the picks by the end of class A"), "{svg}");
        assert!(svg.contains("75% of the items have 100% of the picks by the end of class B") && !svg.contains("NaN"));
        assert_eq!(pareto(&[(0, AbcClass::C)]), "");
    }
}
