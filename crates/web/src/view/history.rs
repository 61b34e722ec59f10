use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize};

use super::{Page, Pager};

/// One item's past: stock as of a moment, over time, its age, its turnover, and the order in which it is to be used.
#[derive(Debug, Serialize)]
pub struct ItemHistory {
    pub page: Page,
    pub href: String,
    pub code: String,
    pub name: String,
    pub unit: String,
    pub filter: HistoryFilter,
    pub at: DateTime<Utc>,
    pub on_hand: Decimal,
    pub then: Vec<ThenRow>,
    /// Whether more places than these held some.
    pub is_cut: bool,
    pub from: DateTime<Utc>,
    /// A drawing as finished SVG.
    pub chart: String,
    pub ages: Vec<AgeBar>,
    pub turnover: TurnoverFigures,
    pub order: Vec<OrderRow>,
}

/// `at` is what the picker sends, `2027-01-31T08:00` in UTC; `by` is empty or `recorded_at`; `days` is the length of the line.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryFilter {
    pub at: String,
    pub by: String,
    pub days: String,
}

#[derive(Debug, Serialize)]
pub struct ThenRow {
    pub location: String,
    pub location_href: String,
    pub facility: String,
    pub lot: Option<String>,
    pub expires_on: Option<NaiveDate>,
    pub quality_status: String,
    pub on_hand: Decimal,
}

/// Stock of one age; the percent is of all of it.
#[derive(Debug, Serialize)]
pub struct AgeBar {
    pub days: String,
    pub quantity: Decimal,
    pub percent: f64,
}

#[derive(Debug, Serialize)]
pub struct TurnoverFigures {
    pub issued: Decimal,
    pub received: Decimal,
    pub average: Decimal,
    pub turns: Option<Decimal>,
    pub days_of_cover: Option<Decimal>,
}

#[derive(Debug, Serialize)]
pub struct OrderRow {
    pub location: String,
    pub location_href: String,
    pub facility: String,
    pub lot: Option<String>,
    pub expires_on: Option<NaiveDate>,
    pub available: Decimal,
    /// EXPIRED, NOT_RELEASED or RESERVED, when it is not to be used.
    pub not_offered: Option<String>,
}

/// All stock by age.
#[derive(Debug, Serialize)]
pub struct StockAgeing {
    pub page: Page,
    pub item_count: u64,
    pub total: Vec<AgeBar>,
    pub items: Vec<AgeingRow>,
    pub pager: Pager,
}

#[derive(Debug, Serialize)]
pub struct AgeingRow {
    pub href: String,
    pub code: String,
    pub name: String,
    pub unit: String,
    pub on_hand: Decimal,
    /// One per age, in the order of the total.
    pub quantities: Vec<Decimal>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 8.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 24.0;

/// Stock over time as a line from the first to the last point, above a ground of 0; both axes say their ends.
pub fn line_chart(points: &[(DateTime<Utc>, Decimal)]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return String::new() };
    let value = |quantity: Decimal| quantity.to_f64().unwrap_or_default();
    let most = points.iter().map(|(_, quantity)| *quantity).max().unwrap_or_default();
    let (base, whole) = (HEIGHT - BOTTOM, (last.0 - first.0).num_milliseconds().max(1) as f64);
    let x = |at: DateTime<Utc>| LEFT + (WIDTH - 2.0 * LEFT) * (at - first.0).num_milliseconds() as f64 / whole;
    let y = |quantity: Decimal| base - (base - TOP) * value(quantity) / value(most).max(f64::MIN_POSITIVE);
    let mut line = String::new();
    for (at, quantity) in points {
        let _ = write!(line, "{:.1},{:.1} ", x(*at), y(*quantity));
    }
    let line = line.trim_end();
    let day = |at: DateTime<Utc>| at.format("%-d %b %Y");
    let (left, right) = (LEFT, WIDTH - LEFT);
    format!(
        r#"<svg class="line-chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Stock from {from} to {to}, at most {most}"><line class="grid" x1="{left}" y1="{TOP}" x2="{right}" y2="{TOP}"/><line class="grid" x1="{left}" y1="{base}" x2="{right}" y2="{base}"/><polygon class="area" points="{left},{base} {line} {right},{base}"/><polyline class="line" points="{line}"/><text x="{left}" y="14">{most}</text><text x="{left}" y="{foot}">{from}</text><text class="end" x="{right}" y="{foot}">{to}</text></svg>"#,
        from = day(first.0),
        to = day(last.0),
        most = most.normalize(),
        foot = HEIGHT - 6.0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_runs_from_edge_to_edge_between_nothing_and_the_most() {
        let at = |day: i64| DateTime::from_timestamp(day * 86_400, 0).unwrap();
        let svg = line_chart(&[(at(0), Decimal::ZERO), (at(1), Decimal::from(8)), (at(2), Decimal::from(4))]);
        assert!(svg.contains(r#"<polyline class="line" points="8.0,176.0 360.0,22.0 712.0,99.0"/>"#), "{svg}");
        assert!(svg.contains("at most 8") && svg.contains("3 Jan 1970"));
        let flat = line_chart(&[(at(0), Decimal::ZERO), (at(1), Decimal::ZERO)]);
        assert!(flat.contains("8.0,176.0 712.0,176.0") && !flat.contains("NaN"), "{flat}");
        assert_eq!(line_chart(&[]), "");
    }
}
