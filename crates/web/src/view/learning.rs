use std::fmt::Write as _;

use serde::Serialize;
use warehouse::learning::{AccuracyDto, ImportanceDto, ModelDto, ModelMetricsDto, ReliabilityDto, TrainingDto};

use super::Page;
use super::floor::escaped;

/// What is learnt from decisions: the model in use, its versions and its trainings.
#[derive(Debug, Serialize)]
pub struct ModelPage {
    pub page: Page,
    pub accuracy: AccuracyDto,
    /// The version that the drawings are about; the one in use unless another was asked for.
    pub shown: Option<ShownModel>,
    pub models: Vec<ModelRow>,
    pub trainings: Vec<TrainingDto>,
    pub can_train: bool,
}

#[derive(Debug, Serialize)]
pub struct ShownModel {
    pub model: ModelDto,
    /// The newest judgement of it.
    pub metrics: ModelMetricsDto,
    /// Finished SVG.
    pub reliability: String,
    pub importance: String,
    pub confusion: String,
}

impl ShownModel {
    pub fn new(model: ModelDto) -> Self {
        let metrics = model.metrics().clone();
        Self {
            reliability: reliability_chart(&metrics.reliability),
            importance: importance_chart(&model.importance),
            confusion: confusion_chart(&metrics),
            metrics,
            model,
        }
    }
}

#[derive(Debug, Serialize)]
pub struct ModelRow {
    pub href: String,
    pub model: ModelDto,
    pub metrics: ModelMetricsDto,
    pub is_shown: bool,
    pub can_roll_back: bool,
}

const SIDE: f64 = 320.0;
const LEFT: f64 = 44.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 40.0;
const FEATURES_SHOWN: usize = 12;
const ROW: f64 = 26.0;

/// Foretold probability against what happened; a perfectly calibrated model lies on the diagonal. A dot is as large as its decisions.
pub fn reliability_chart(bins: &[ReliabilityDto]) -> String {
    let plot = SIDE - TOP - BOTTOM;
    let x = |share: f64| LEFT + plot * share.clamp(0.0, 1.0);
    let y = |share: f64| TOP + plot * (1.0 - share.clamp(0.0, 1.0));
    let most = bins.iter().map(|bin| bin.decisions).max().unwrap_or(1).max(1);
    let mut body = String::new();
    for step in 0..=4 {
        let share = f64::from(step) / 4.0;
        let _ = write!(
            body,
            r#"<line class="grid" x1="{left:.1}" y1="{row:.1}" x2="{right:.1}" y2="{row:.1}"/><text class="end" x="{label:.1}" y="{text:.1}">{percent:.0}%</text><text class="middle" x="{column:.1}" y="{foot:.1}">{percent:.0}%</text>"#,
            left = x(0.0),
            right = x(1.0),
            row = y(share),
            label = LEFT - 6.0,
            text = y(share) + 4.0,
            percent = share * 100.0,
            column = x(share),
            foot = TOP + plot + 16.0,
        );
    }
    let _ = write!(body, r#"<line class="ideal" x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}"/>"#, x(0.0), y(0.0), x(1.0), y(1.0));
    let points: Vec<String> =
        bins.iter().map(|bin| format!("{:.1},{:.1}", x(bin.mean_probability), y(bin.accepted_share))).collect();
    let _ = write!(body, r#"<polyline class="line" points="{}"/>"#, points.join(" "));
    for bin in bins {
        let radius = 3.0 + 5.0 * (f64::from(bin.decisions) / f64::from(most)).sqrt();
        let _ = write!(
            body,
            r#"<circle class="dot" cx="{:.1}" cy="{:.1}" r="{radius:.1}"><title>{} decisions: {:.0}% foretold, {:.0}% accepted</title></circle>"#,
            x(bin.mean_probability),
            y(bin.accepted_share),
            bin.decisions,
            bin.mean_probability * 100.0,
            bin.accepted_share * 100.0,
        );
    }
    let worst = bins.iter().map(|bin| (bin.mean_probability - bin.accepted_share).abs()).fold(0.0, f64::max) * 100.0;
    format!(
        r#"<svg class="plot" viewBox="0 0 {width} {SIDE}" role="img" aria-label="Foretold against real acceptance in {count} groups, at most {worst:.0} points apart">{body}<text class="middle" x="{middle:.1}" y="{foot:.1}">Foretold probability of acceptance</text></svg>"#,
        width = LEFT + plot + TOP,
        count = bins.len(),
        middle = x(0.5),
        foot = SIDE - 6.0,
    )
}

/// The features that taught the most, as bars of their share.
pub fn importance_chart(features: &[ImportanceDto]) -> String {
    let shown: Vec<&ImportanceDto> = features.iter().filter(|feature| feature.gain_share > 0.0).take(FEATURES_SHOWN).collect();
    let most = shown.iter().map(|feature| feature.gain_share).fold(f64::MIN_POSITIVE, f64::max);
    let (width, names, figures) = (480.0, 170.0, 48.0);
    let mut body = String::new();
    for (row, feature) in shown.iter().enumerate() {
        let top = row as f64 * ROW;
        let _ = write!(
            body,
            r#"<text class="end" x="{label:.1}" y="{base:.1}">{name}</text><rect class="column" x="{names:.1}" y="{bar:.1}" width="{length:.1}" height="14"/><text x="{end:.1}" y="{base:.1}">{percent:.1}%</text>"#,
            label = names - 8.0,
            base = top + 17.0,
            name = escaped(&feature.feature.replace('_', " ")),
            bar = top + 6.0,
            length = (width - names - figures) * feature.gain_share / most,
            end = names + (width - names - figures) * feature.gain_share / most + 6.0,
            percent = feature.gain_share * 100.0,
        );
    }
    let first = shown.first().map_or("none", |feature| feature.feature.as_str());
    format!(
        r#"<svg class="plot" viewBox="0 0 {width} {height}" role="img" aria-label="The {count} most important features, first {first}">{body}</svg>"#,
        height = (shown.len().max(1)) as f64 * ROW + 4.0,
        count = shown.len(),
        first = escaped(first),
    )
}

/// What was foretold against what happened, at a probability of one half.
pub fn confusion_chart(metrics: &ModelMetricsDto) -> String {
    let cells = [
        (0, 0, metrics.true_positives, true, "rightly foretold as accepted"),
        (1, 0, metrics.false_negatives, false, "accepted against the forecast"),
        (0, 1, metrics.false_positives, false, "refused against the forecast"),
        (1, 1, metrics.true_negatives, true, "rightly foretold as refused"),
    ];
    let (left, top, width, height) = (86.0, 26.0, 112.0, 74.0);
    let mut body = String::from(
        r#"<text class="middle" x="142" y="16">Foretold yes</text><text class="middle" x="258" y="16">Foretold no</text><text class="end" x="78" y="67">Accepted</text><text class="end" x="78" y="145">Refused</text>"#,
    );
    for (column, row, count, is_right, words) in cells {
        let (x, y) = (left + f64::from(column) * (width + 4.0), top + f64::from(row) * (height + 4.0));
        let share = 100.0 * f64::from(count) / f64::from(metrics.decisions.max(1));
        let _ = write!(
            body,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"><title>{count} {words}</title></rect><text class="middle count" x="{middle}" y="{base}">{count}</text><text class="middle" x="{middle}" y="{below}">{share:.0}%</text>"#,
            class = if is_right { "right" } else { "wrong" },
            middle = x + width / 2.0,
            base = y + height / 2.0,
            below = y + height / 2.0 + 20.0,
        );
    }
    format!(
        r#"<svg class="plot" viewBox="0 0 322 184" role="img" aria-label="{} of {} decisions foretold right">{body}</svg>"#,
        metrics.true_positives + metrics.true_negatives,
        metrics.decisions
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(mean_probability: f64, accepted_share: f64, decisions: u32) -> ReliabilityDto {
        ReliabilityDto { decisions, mean_probability, accepted_share }
    }

    #[test]
    fn a_calibrated_model_lies_on_the_diagonal() {
        let svg = reliability_chart(&[bin(0.0, 0.0, 10), bin(0.5, 0.5, 40), bin(1.0, 1.0, 10)]);
        assert!(svg.contains(r#"<line class="ideal" x1="44.0" y1="280.0" x2="312.0" y2="12.0"/>"#), "{svg}");
        assert!(svg.contains(r#"<polyline class="line" points="44.0,280.0 178.0,146.0 312.0,12.0"/>"#), "{svg}");
        assert!(svg.contains("at most 0 points apart") && svg.contains(r#"r="8.0""#));
        assert!(!reliability_chart(&[]).contains("NaN"));
    }

    #[test]
    fn bars_are_as_long_as_their_share_and_names_are_escaped() {
        let feature = |name: &str, gain_share| ImportanceDto { feature: name.into(), gain_share };
        let svg = importance_chart(&[feature("fill_after", 0.6), feature("<b>", 0.3), feature("hour", 0.0)]);
        assert!(svg.contains(r#"width="262.0""#) && svg.contains(r#"width="131.0""#), "{svg}");
        assert!(svg.contains("fill after") && svg.contains("&lt;b&gt;") && !svg.contains("hour"));
        assert!(importance_chart(&[]).contains("The 0 most important features"));
    }
}
