//! What the newest run over the stored recommendations found, in pictures, and the workflow of what stands apart.

use std::collections::HashMap;

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use kernel::PageRequest;
use platform::database::Tx;
use platform::http::{Access, Api, Path, Query};
use platform::jobs::JOBS_RUN;
use platform::jobs::service as scheduled;
use platform::{Error, Result};
use serde::Deserialize;
use uuid::Uuid;
use warehouse::statistics::{ChangeOutlier, MetricDto, OutlierFilter, PredictionDto, StatisticsDto, service};
use warehouse::{FacilityFilter, OutlierStatus, QUALITY_WRITE, STATISTICS_JOB, WAREHOUSE_READ, facilities};

use super::items;
use super::typed::wanted;
use super::visitor::{Form, Visitor, done, failed, refuse, show};
use crate::view::{self, Choice, Errors, plots};

const ROWS: u32 = 25;
/// More panels than these nobody reads; the filter leads to the others.
const VERSIONS_MOST: usize = 12;
const METRICS: [(&str, &str); 4] = [
    ("SCORE", "Score"),
    ("CONFIDENCE", "Confidence"),
    ("DECISION_MINUTES", "Minutes to the decision"),
    ("ACCEPTANCE", "Acceptance"),
];

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/statistics", Access::Needs(WAREHOUSE_READ), get(overview))
        .page(Method::POST, "/statistics/run", Access::Needs(JOBS_RUN), post(run))
        .page(Method::GET, "/statistics/outliers/{outlier}", Access::Needs(WAREHOUSE_READ), get(outlier))
        .page(Method::POST, "/statistics/outliers/{outlier}", Access::Needs(QUALITY_WRITE), post(change))
}

async fn named(visitor: &Visitor) -> Result<Vec<(Uuid, Choice)>> {
    let (actor, filter) = (&visitor.actor, FacilityFilter::default());
    let read = async |connection: &mut _| facilities::list(connection, actor, &filter, &items::largest_page()).await;
    let found = visitor.app.db.read(actor.tenant(), read).await?;
    Ok(found.items.iter().map(|one| (one.facility_id.0, Choice::new(&one.code, &one.name))).collect())
}

async fn overview(visitor: Visitor, Query(filter): Query<view::StatisticsFilter>) -> Result<Response> {
    let (actor, switches) = (&visitor.actor, visitor.app.config.switches());
    let asked = warehouse::statistics::StatisticsFilter { facility: wanted(&filter.facility), algorithm_version: None };
    let apart = OutlierFilter { facility: asked.facility.clone(), ..OutlierFilter::default() };
    let page = PageRequest { limit: Some(ROWS), cursor: None };
    let read = async |connection: &mut _| {
        let report = service::report(connection, actor, &switches, &asked).await?;
        let predictions = service::predictions(connection, actor, &asked).await?;
        let outliers = service::outliers(connection, actor, &apart, &page).await?.items;
        Ok((report, predictions, outliers))
    };
    let (report, predictions, outliers) = visitor.app.db.read(actor.tenant(), read).await?;
    let facilities = named(&visitor).await?;
    let codes: HashMap<Uuid, String> = facilities.iter().map(|(id, choice)| (*id, choice.value.clone())).collect();
    let metric = wanted(&filter.metric).unwrap_or_else(|| METRICS[0].0.to_owned());
    show(&view::StatisticsPage {
        page: visitor.page("Statistics"),
        facilities: facilities.into_iter().map(|(_, choice)| choice).collect(),
        metrics: METRICS.map(|(value, label)| Choice::new(value, label)).to_vec(),
        can_run: visitor.may(JOBS_RUN),
        outliers,
        found: pictured(report, &predictions, &metric, &codes),
        filter: view::StatisticsFilter { metric, ..filter },
    })
}

/// The part of the page that the results make.
fn pictured(
    report: StatisticsDto,
    predictions: &[PredictionDto],
    metric: &str,
    codes: &HashMap<Uuid, String>,
) -> view::StatisticsFound {
    let facility = |id: Option<Uuid>| {
        id.map_or_else(|| "no facility".to_owned(), |id| codes.get(&id).cloned().unwrap_or_else(|| id.to_string()))
    };
    let title = |row: &MetricDto| format!("{} · {}", facility(row.facility_id), row.algorithm_version);
    let shown: Vec<&MetricDto> = report.metrics.iter().filter(|row| row.metric_name == metric).take(VERSIONS_MOST).collect();
    let named: Vec<(String, &MetricDto)> = shown.iter().map(|row| (title(row), *row)).collect();
    let versions = named.iter().enumerate().map(|(n, (title, row))| {
        let is_of = |id: Option<Uuid>, version: &str| id == row.facility_id && version == row.algorithm_version;
        let pairs: Vec<_> = report
            .correlations
            .iter()
            .filter(|pair| pair.method == "PEARSON" && is_of(pair.facility_id, &pair.algorithm_version))
            .collect();
        let tests = report.validations.iter();
        let tests = tests.filter(|test| is_of(test.facility_id, &test.algorithm_version) && test.metric_name.as_str() == metric);
        let ahead = predictions.iter().filter(|one| is_of(one.facility_id, &one.algorithm_version) && one.metric_name == metric);
        view::VersionPanel {
            title: title.clone(),
            anchor: format!("version-{n}"),
            figures: (*row).clone(),
            histogram: plots::histogram(row),
            trend: plots::trend(&row.plot),
            quantiles: plots::quantiles(row),
            matrix: plots::matrix(&pairs),
            validations: tests.cloned().collect(),
            predictions: ahead.cloned().collect(),
        }
    });
    let versions = versions.collect();
    let across =
        report.validations.iter().filter(|test| test.algorithm_version.is_empty() && test.metric_name.as_str() == metric);
    view::StatisticsFound {
        boxes: if metric == "ACCEPTANCE" { String::new() } else { plots::boxes(&named) },
        versions,
        across: across.cloned().collect(),
        comparisons: report.comparisons.iter().filter(|row| row.metric_name.as_str() == metric).cloned().collect(),
        summary: report
            .summary
            .iter()
            .map(|row| view::SummaryRow { facility: facility(row.facility_id), figures: row.clone() })
            .collect(),
        open_outliers: report.open_outliers,
        analysis_enabled: report.analysis_enabled,
        run: report.run,
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Nothing {}

async fn run(visitor: Visitor, form: Form<Nothing>) -> Result<Response> {
    let Nothing {} = form.input;
    let asked =
        visitor.change(form.key.as_ref(), async |tx: &mut Tx| scheduled::run_by_hand(tx, &visitor.actor, STATISTICS_JOB).await);
    match asked.await {
        Ok(_) => Ok(done("/statistics", "It starts within seconds; this page shows the results when it has ended.")),
        Err(error) if error.code.status() < 500 => Ok(failed("/statistics", &error)),
        Err(error) => Err::<_, Error>(error),
    }
}

async fn outlier_page(visitor: &Visitor, id: &str, input: view::OutlierInput) -> Result<view::OutlierPage> {
    let actor = &visitor.actor;
    let found = visitor.app.db.read(actor.tenant(), async |connection| service::outlier(connection, actor, id).await).await?;
    let steps = match found.status {
        _ if !visitor.may(QUALITY_WRITE) => Vec::new(),
        OutlierStatus::Open => vec!["INVESTIGATING", "RESOLVED", "DISMISSED"],
        OutlierStatus::Investigating => vec!["RESOLVED", "DISMISSED", "OPEN"],
        OutlierStatus::Resolved | OutlierStatus::Dismissed => Vec::new(),
    };
    let label = |step: &str| match step {
        "INVESTIGATING" => "Somebody looks into it",
        "RESOLVED" => "Its cause was found and dealt with",
        "DISMISSED" => "It is as it should be",
        _ => "Nobody looks into it",
    };
    Ok(view::OutlierPage {
        page: visitor.page("A value that stands apart"),
        steps: steps.into_iter().map(|step| Choice::new(step, label(step))).collect(),
        outlier: found,
        input,
        errors: Errors::none(),
    })
}

async fn outlier(visitor: Visitor, Path(id): Path<String>) -> Result<Response> {
    show(&outlier_page(&visitor, &id, view::OutlierInput::default()).await?)
}

async fn change(visitor: Visitor, Path(id): Path<String>, form: Form<view::OutlierInput>) -> Result<Response> {
    let changed = async {
        let status: OutlierStatus = form.input.status.parse().map_err(|invalid: kernel::Invalid| invalid.at("status"))?;
        let input = ChangeOutlier { status, notes: form.input.notes.clone(), root_cause: form.input.root_cause.clone() };
        let change = async |tx: &mut Tx| service::change_outlier(tx, &visitor.actor, &id, &input).await;
        visitor.change(form.key.as_ref(), change).await
    };
    match changed.await {
        Ok(_) => Ok(done("/statistics", "Noted.")),
        Err(error) => {
            let page = outlier_page(&visitor, &id, form.input).await?;
            refuse(error, |errors| view::OutlierPage { errors, ..page })
        }
    }
}
