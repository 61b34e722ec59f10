use serde::{Deserialize, Serialize};
use warehouse::statistics::{ComparisonDto, MetricDto, OutlierDto, PredictionDto, RunDto, SummaryRowDto, ValidationDto};

use super::{Choice, Errors, Page};

/// What the newest run over the stored recommendations found for one metric, with its pictures.
#[derive(Debug, Serialize)]
pub struct StatisticsPage {
    pub page: Page,
    pub filter: StatisticsFilter,
    pub facilities: Vec<Choice>,
    pub metrics: Vec<Choice>,
    pub can_run: bool,
    pub outliers: Vec<OutlierDto>,
    pub found: StatisticsFound,
}

#[derive(Debug, Default, Serialize)]
pub struct StatisticsFound {
    pub run: Option<RunDto>,
    pub analysis_enabled: bool,
    /// The box plots of all versions, as finished SVG; empty when there is nothing to draw.
    pub boxes: String,
    pub versions: Vec<VersionPanel>,
    pub comparisons: Vec<ComparisonDto>,
    pub across: Vec<ValidationDto>,
    pub summary: Vec<SummaryRow>,
    pub open_outliers: i64,
}

/// One facility and version.
#[derive(Debug, Serialize)]
pub struct VersionPanel {
    pub title: String,
    /// Unique on the page.
    pub anchor: String,
    pub figures: MetricDto,
    pub histogram: String,
    pub trend: String,
    pub quantiles: String,
    pub matrix: String,
    pub validations: Vec<ValidationDto>,
    pub predictions: Vec<PredictionDto>,
}

#[derive(Debug, Serialize)]
pub struct SummaryRow {
    pub facility: String,
    pub figures: SummaryRowDto,
}

/// `metric` is SCORE when empty.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatisticsFilter {
    pub facility: String,
    pub metric: String,
}

#[derive(Debug, Serialize)]
pub struct OutlierPage {
    pub page: Page,
    pub outlier: OutlierDto,
    /// What it may become, for those who may say so; empty when it has ended.
    pub steps: Vec<Choice>,
    pub input: OutlierInput,
    pub errors: Errors,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OutlierInput {
    pub idempotency_key: String,
    pub status: String,
    pub root_cause: String,
    pub notes: String,
}
