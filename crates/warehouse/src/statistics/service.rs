use kernel::{ErrorCode, Page, PageRequest};
use optimization::statistics::normal_quantile;
use platform::auth::Actor;
use platform::config::Switches;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result, audit};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::dto::{MetricDto, OutlierDto, PredictionDto, StatisticsDto};
use super::input::{ChangeOutlier, OutlierFilter, StatisticsFilter};
use super::model::LEVEL;
use super::store::{self, outlier::Wanted};
use crate::check::Checks;
use crate::facility::service as facilities;
use crate::words::{Metric, OutlierStatus};
use crate::{QUALITY_WRITE, WAREHOUSE_READ};

const NOTES_MAX: usize = 500;
const DAYS_AHEAD: [i32; 3] = [7, 14, 30];

/// What the newest run found, for all facilities and versions or some.
pub async fn report(
    connection: &mut PgConnection,
    actor: &Actor,
    switches: &Switches,
    filter: &StatisticsFilter,
) -> Result<StatisticsDto> {
    actor.require(WAREHOUSE_READ)?;
    let tenant = actor.tenant();
    let facility = facility_of(connection, actor, filter.facility.as_deref()).await?;
    let version = given(filter.algorithm_version.as_deref());
    let mut found = StatisticsDto {
        run: store::run::newest(connection, tenant).await?,
        metrics: Vec::new(),
        correlations: Vec::new(),
        validations: Vec::new(),
        comparisons: Vec::new(),
        summary: store::run::summary(connection, tenant, facility).await?,
        open_outliers: store::outlier::open(connection, tenant, facility).await?,
        analysis_enabled: switches.statistical_analysis,
    };
    let Some(run) = found.run.as_ref().map(|run| run.run_id) else { return Ok(found) };
    found.metrics = store::results::metrics(connection, tenant, run, facility, version).await?;
    found.correlations = store::results::correlations(connection, tenant, run, facility, version).await?;
    found.validations = store::results::validations(connection, tenant, run, facility, version).await?;
    found.comparisons = store::comparison::of_run(connection, tenant, run, facility).await?;
    if let Some(version) = version {
        found.comparisons.retain(|row| row.control_version == version || row.treatment_version == version);
    }
    Ok(found)
}

/// Where the trends of the newest run lead in 7, 14 and 30 days.
pub async fn predictions(connection: &mut PgConnection, actor: &Actor, filter: &StatisticsFilter) -> Result<Vec<PredictionDto>> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facility_of(connection, actor, filter.facility.as_deref()).await?;
    let version = given(filter.algorithm_version.as_deref());
    let Some(run) = store::run::newest(connection, actor.tenant()).await? else { return Ok(Vec::new()) };
    let metrics = store::results::metrics(connection, actor.tenant(), run.run_id, facility, version).await?;
    let today = (run.period_end - run.period_start).as_seconds_f64() / 86_400.0;
    Ok(metrics.iter().flat_map(|metric| DAYS_AHEAD.into_iter().filter_map(move |days| predicted(metric, today, days))).collect())
}

/// The mean of a day some days after `today`, which counts from the start of the period: the line, and the band of its mean widened by
/// how far the means of single days were from it. Shares and scores stay within what they can be.
fn predicted(metric: &MetricDto, today: f64, days_ahead: i32) -> Option<PredictionDto> {
    let line = metric.plot.trend?;
    let day = today + f64::from(days_ahead);
    let weights: f64 = metric.plot.days.iter().map(|day| f64::from(day.count)).sum();
    let per_day = weights / metric.plot.days.len().max(1) as f64;
    let of_day = normal_quantile(0.5 + LEVEL / 2.0) * line.residual_standard_deviation / per_day.max(1.0).sqrt();
    let reach = line.band(day).hypot(of_day);
    let (least, most) = match metric.metric_name.parse::<Metric>().ok()? {
        Metric::Score => (0.0, 100.0),
        Metric::Confidence | Metric::Acceptance => (0.0, 1.0),
        _ => (0.0, f64::MAX),
    };
    let mean = line.at(day);
    Some(PredictionDto {
        facility_id: metric.facility_id,
        algorithm_version: metric.algorithm_version.clone(),
        metric_name: metric.metric_name.clone(),
        days_ahead,
        mean: mean.clamp(least, most),
        low: (mean - reach).clamp(least, most),
        high: (mean + reach).clamp(least, most),
        level: LEVEL,
        trend_p_value: metric.trend_p_value,
    })
}

/// Newest first.
pub async fn outliers(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &OutlierFilter,
    page: &PageRequest,
) -> Result<Page<OutlierDto>> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facility_of(connection, actor, filter.facility.as_deref()).await?;
    let wanted = Wanted { facility, status: filter.status, severity: filter.severity, metric: given(filter.metric.as_deref()) };
    let rows = store::outlier::list(connection, actor.tenant(), &wanted, page).await?;
    Ok(Page::cut(rows, page, |row| (row.detected_at, row.outlier_id.clone())))
}

pub async fn outlier(connection: &mut PgConnection, actor: &Actor, id: &str) -> Result<OutlierDto> {
    actor.require(WAREHOUSE_READ)?;
    let found = if id.contains('\0') { None } else { store::outlier::one(connection, actor.tenant(), id).await? };
    found.ok_or_else(|| Error::not_found(format_args!("outlier {id:?}")))
}

/// The next step of the workflow.
pub async fn change_outlier(tx: &mut Tx, actor: &Actor, id: &str, input: &ChangeOutlier) -> Result<OutlierDto> {
    actor.require(QUALITY_WRITE)?;
    let mut checks = Checks::default();
    let notes = checks.text("notes", &input.notes, NOTES_MAX);
    let root_cause = checks.text("root_cause", &input.root_cause, NOTES_MAX);
    let ends = matches!(input.status, OutlierStatus::Resolved | OutlierStatus::Dismissed);
    checks.require(!ends || !notes.is_empty(), "notes", "must say what was found or done");
    let needs_cause = input.status == OutlierStatus::Resolved;
    checks.require(
        !needs_cause || !root_cause.is_empty(),
        "root_cause",
        "must say what the cause was; dismiss it where there is none",
    );
    checks.done()?;
    let found = if id.contains('\0') { None } else { store::outlier::lock_one(tx, actor.tenant(), id).await? };
    let before = found.ok_or_else(|| Error::not_found(format_args!("outlier {id:?}")))?;
    if !may_follow(before.status, input.status) {
        let detail = format!("the outlier is {}; it cannot become {}", before.status, input.status);
        return Err(Error::new(ErrorCode::Conflict, detail).at("status"));
    }
    let (now, name) = (actor.env.now(), actor.principal.name.clone());
    let kept = |new: String, old: &String| if new.is_empty() { old.clone() } else { new };
    let after = OutlierDto {
        status: input.status,
        root_cause: kept(root_cause, &before.root_cause),
        resolution_notes: kept(notes, &before.resolution_notes),
        resolved_by: ends.then(|| name.clone()),
        resolved_at: ends.then_some(now),
        changed_by: Some(name),
        changed_at: Some(now),
        ..before.clone()
    };
    store::outlier::change(tx, actor.tenant(), &after).await?;
    tx.audit(actor, audit::Entry::new("outlier.change", "outlier", &after.outlier_id).before(&before).after(&after));
    let payload = json!({ "kind": "outlier", "status": after.status });
    tx.publish(actor, Event::new("warehouse.statistics.changed", &after.outlier_id, payload));
    Ok(after)
}

fn may_follow(from: OutlierStatus, to: OutlierStatus) -> bool {
    use OutlierStatus::{Dismissed, Investigating, Open, Resolved};
    matches!((from, to), (Open, Investigating | Resolved | Dismissed) | (Investigating, Open | Resolved | Dismissed))
}

fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

async fn facility_of(connection: &mut PgConnection, actor: &Actor, reference: Option<&str>) -> Result<Option<Uuid>> {
    let Some(reference) = given(reference) else { return Ok(None) };
    let found = facilities::find(connection, actor.tenant(), reference).await.map_err(|error| error.at("facility"))?;
    Ok(Some(found.facility_id.0))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::super::model::{DayMean, Plot, TrendLine};
    use super::*;

    #[test]
    fn what_has_ended_stays_so() {
        use OutlierStatus::{Dismissed, Investigating, Open, Resolved};
        for from in OutlierStatus::ALL.iter().copied() {
            for to in OutlierStatus::ALL.iter().copied() {
                let allowed = !matches!(from, Resolved | Dismissed) && from != to;
                assert_eq!(may_follow(from, to), allowed, "{from} to {to}");
            }
        }
        assert!(may_follow(Investigating, Open) && may_follow(Open, Dismissed));
    }

    #[test]
    fn predictions_follow_the_line_and_stay_within_reason() {
        let trend = TrendLine {
            count: 1_000,
            intercept: 0.5,
            slope: 0.001,
            slope_error: 0.000_1,
            residual_standard_deviation: 0.4,
            centre: 50.0,
            reach: 1.96,
            from_day: 0.0,
            to_day: 100.0,
        };
        let day = DayMean { day: NaiveDate::MIN, mean: 0.55, count: 10 };
        let plot = Plot { trend: Some(trend), days: vec![day; 100], ..Plot::default() };
        let metric = MetricDto { metric_name: "ACCEPTANCE".into(), plot, ..MetricDto::default() };
        let in_a_week = predicted(&metric, 100.0, 7).unwrap();
        assert!((in_a_week.mean - 0.607).abs() < 1e-12 && in_a_week.low < in_a_week.mean && in_a_week.high > in_a_week.mean);
        let in_a_month = predicted(&metric, 100.0, 30).unwrap();
        assert!(in_a_month.high - in_a_month.low > in_a_week.high - in_a_week.low, "further away is less certain");
        let far = predicted(&metric, 2_000.0, 30).unwrap();
        assert_eq!((far.mean, far.high), (1.0, 1.0));
        assert_eq!(predicted(&MetricDto { metric_name: "SCORE".into(), ..MetricDto::default() }, 1.0, 7), None);
    }
}
