use chrono::TimeDelta;
use kernel::{Page, PageRequest, RecommendationId};
use optimization::learning::{Comparison, Kind, MIN_DECISIONS, Metrics, Report};
use platform::auth::Actor;
use platform::config::Switches;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result, audit};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::champion::usable;
use super::dto::{AccuracyDto, ConfidenceDto, KnownFeatureDto, ModelDto, TrainingDto};
use super::features;
use super::store::{self, InUse};
use super::train::{self, tell_accuracy};
use crate::facility::service as facilities;
use crate::words::{ModelState, TrainingCause};
use crate::{MODELS_WRITE, WAREHOUSE_READ};

const PERIOD_DAYS: u32 = 30;
const PERIOD_DAYS_MAX: u32 = 3_650;

/// Asks for a training; it runs apart. Asked for twice, one runs, and both callers get it.
pub async fn train(tx: &mut Tx, actor: &Actor, switches: &Switches) -> Result<TrainingDto> {
    actor.require(MODELS_WRITE)?;
    if !switches.ml_model {
        return Err(Error::conflict(
            "ML_MODEL_ENABLED is false: recommendations carry the rule score alone, and no model is trained",
        ));
    }
    let training = train::request(tx, actor, TrainingCause::ByHand).await?;
    self::training(tx, actor, training).await
}

pub async fn training(connection: &mut PgConnection, actor: &Actor, training: Uuid) -> Result<TrainingDto> {
    actor.require(WAREHOUSE_READ)?;
    let found = store::trainings(connection, actor.tenant(), Some(training), None, 1).await?.pop();
    found.ok_or_else(|| Error::not_found(format_args!("training {training}")))
}

/// Newest first.
pub async fn trainings(connection: &mut PgConnection, actor: &Actor, page: &PageRequest) -> Result<Page<TrainingDto>> {
    actor.require(WAREHOUSE_READ)?;
    let before: Option<Uuid> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let rows = store::trainings(connection, actor.tenant(), None, before, page.fetch()).await?;
    Ok(Page::cut(rows, page, |row| row.training_id))
}

/// Newest first.
pub async fn models(connection: &mut PgConnection, actor: &Actor, page: &PageRequest) -> Result<Page<ModelDto>> {
    actor.require(WAREHOUSE_READ)?;
    let below: Option<i32> = page.after().map_err(|invalid| Error::from(invalid.at("cursor")))?;
    let rows = store::models(connection, actor.tenant(), (None, None), below, page.fetch()).await?;
    let rows: Vec<ModelDto> = rows.into_iter().map(shown).collect::<Result<_>>()?;
    Ok(Page::cut(rows, page, |row| row.version))
}

pub async fn model(connection: &mut PgConnection, actor: &Actor, version: i32) -> Result<ModelDto> {
    actor.require(WAREHOUSE_READ)?;
    shown(row(connection, actor, version).await?)
}

async fn row(connection: &mut PgConnection, actor: &Actor, version: i32) -> Result<store::Row> {
    let found = store::models(connection, actor.tenant(), (Some(version), None), None, 1).await?.pop();
    found.ok_or_else(|| Error::not_found(format_args!("model version {version}")))
}

pub(super) fn shown(row: store::Row) -> Result<ModelDto> {
    let report: Report = serde_json::from_value(row.report).map_err(Error::internal)?;
    let latest: Option<Metrics> = row.latest.map(serde_json::from_value).transpose().map_err(Error::internal)?;
    let comparison: Option<Comparison> = row.comparison.map(serde_json::from_value).transpose().map_err(Error::internal)?;
    Ok(ModelDto {
        version: row.version,
        state: row.state,
        state_reason: row.state_reason,
        state_since: row.state_since,
        feature_schema: row.feature_schema,
        decisions: row.decisions,
        trained_until: row.trained_until,
        trees: u32::try_from(report.trees).unwrap_or(u32::MAX),
        trained_log_loss: report.trained_log_loss,
        validation: report.validation.into(),
        latest: latest.map(Into::into),
        evaluated_at: row.evaluated_at,
        comparison: comparison.map(Into::into),
        importance: report.importance.into_iter().map(Into::into).collect(),
        created_by: row.created_by,
        created_at: row.created_at,
    })
}

/// Makes an older version the champion. From the next recommendation on its probability counts, on every node; the next training may
/// replace it again, when a model is proved better on later decisions.
pub async fn roll_back(tx: &mut Tx, actor: &Actor, version: i32) -> Result<ModelDto> {
    actor.require(MODELS_WRITE)?;
    let (tenant, now) = (actor.tenant(), actor.env.now());
    store::lock(tx, tenant).await?;
    let wanted = row(tx, actor, version).await?;
    match wanted.state {
        ModelState::Champion => return Err(Error::conflict(format!("version {version} is the champion already"))),
        ModelState::Refused => {
            return Err(Error::conflict(format!("version {version} was refused: {}; choose another", wanted.state_reason)));
        }
        ModelState::Trained | ModelState::Challenger | ModelState::Retired => {}
    }
    let stored = InUse { version, digest: wanted.digest, feature_schema: wanted.feature_schema };
    if let Err(problem) = usable(tx, tenant, &stored).await? {
        return Err(Error::conflict(format!("version {version} cannot be used: {problem}; choose another or train anew")));
    }
    let before = store::in_state(tx, tenant, ModelState::Champion).await?.map(|found| found.version);
    let by = &actor.principal.name;
    if let Some(champion) = before {
        let reason = format!("rolled back to version {version} by {by}");
        store::change(tx, tenant, champion, (ModelState::Retired, &reason), now).await?;
    }
    store::change(tx, tenant, version, (ModelState::Champion, &format!("rolled back to by {by}")), now).await?;
    tell_accuracy(tx, actor).await?;
    let entry = audit::Entry::new("model.roll_back", "acceptance model", version);
    tx.audit(actor, entry.before(&json!({ "champion": before })).after(&json!({ "champion": version })));
    tx.publish(actor, Event::new("warehouse.model.changed", version, json!({ "state": ModelState::Champion })));
    model(tx, actor, version).await
}

/// What narrows the figures of acceptance; the model's are of the whole organisation.
#[derive(Clone, Debug, Default)]
pub struct Period {
    /// Id or code of the facility.
    pub facility: Option<String>,
    /// 1 to 3650; 30 when absent.
    pub days: Option<u32>,
}

/// How well the model in use foretells, and how often people accept.
pub async fn accuracy(connection: &mut PgConnection, actor: &Actor, switches: &Switches, period: &Period) -> Result<AccuracyDto> {
    actor.require(WAREHOUSE_READ)?;
    let tenant = actor.tenant();
    let days = period.days.unwrap_or(PERIOD_DAYS);
    if !(1..=PERIOD_DAYS_MAX).contains(&days) {
        return Err(Error::field("days", format!("must be from 1 to {PERIOD_DAYS_MAX}")));
    }
    let facility = match period.facility.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        Some(reference) => Some(facilities::find(connection, tenant, reference).await.map_err(|error| error.at("facility"))?),
        None => None,
    };
    let since = actor.env.now() - TimeDelta::days(days.into());
    let groups = store::acceptance(connection, tenant, facility.map(|facility| facility.facility_id.0), since).await?;
    let (decided, accepted) = groups.iter().fold((0, 0), |sum, group| (sum.0 + group.decided, sum.1 + group.accepted));
    let decisions = store::count(connection, tenant, features::VERSION).await?.with_features;
    let stored = store::models(connection, tenant, (None, Some(ModelState::Champion)), None, 1).await?.pop();
    let problem = match &stored {
        Some(row) => {
            let found = InUse { version: row.version, digest: row.digest.clone(), feature_schema: row.feature_schema };
            usable(connection, tenant, &found).await?.err()
        }
        None => None,
    };
    let stored = stored.map(shown).transpose()?;
    let message = told(switches, stored.as_ref(), problem.as_deref(), decisions);
    let champion = stored.filter(|_| switches.ml_model && problem.is_none());
    let training = match store::under_way(connection, tenant).await? {
        Some(id) => store::trainings(connection, tenant, Some(id), None, 1).await?.pop(),
        None => None,
    };
    Ok(AccuracyDto {
        is_enabled: switches.ml_model,
        message,
        metrics: champion.as_ref().map(|champion| champion.metrics().clone()),
        champion,
        decisions,
        decisions_needed: MIN_DECISIONS as i64,
        decided,
        accepted,
        acceptance_rate_percent: (decided > 0).then(|| accepted as f64 / decided as f64 * 100.0),
        period_days: days,
        by_algorithm: groups,
        training,
    })
}

fn told(switches: &Switches, champion: Option<&ModelDto>, problem: Option<&str>, decisions: i64) -> String {
    match (champion, problem) {
        _ if !switches.ml_model => "ML_MODEL_ENABLED is false: recommendations carry the rule score alone".into(),
        (Some(champion), None) => format!("recommendations carry the probability of version {}", champion.version),
        (Some(champion), Some(problem)) => {
            format!("version {} cannot be used, so the rule score stands alone: {problem}", champion.version)
        }
        (None, _) if decisions < MIN_DECISIONS as i64 => {
            format!("the rule score stands alone: {decisions} of {MIN_DECISIONS} decisions that a model needs")
        }
        (None, _) => "the rule score stands alone: no model is in use yet; train one".into(),
    }
}

/// What was known of a recommendation when it was made, and what that did to its probability.
pub async fn explain(connection: &mut PgConnection, actor: &Actor, id: RecommendationId) -> Result<ConfidenceDto> {
    actor.require(WAREHOUSE_READ)?;
    let tenant = actor.tenant();
    let empty = ConfidenceDto {
        recommendation_id: id.0,
        model_version: None,
        probability: None,
        recorded_at: None,
        features: Vec::new(),
    };
    let Some(recorded) = store::recorded(connection, tenant, id.0).await? else { return Ok(empty) };
    if recorded.feature_schema != features::VERSION || !features::are_sound(&recorded.values) {
        return Ok(ConfidenceDto { recorded_at: Some(recorded.recorded_at), ..empty });
    }
    let names = features::schema().features();
    let known = names.iter().zip(&recorded.values).map(|(feature, value)| KnownFeatureDto {
        feature: feature.name.clone(),
        value: match &feature.kind {
            _ if value.is_nan() => None,
            Kind::Number => Some(value.to_string()),
            Kind::Category { levels } => levels.get(*value as usize).cloned(),
        },
        contribution: None,
    });
    let mut told = ConfidenceDto {
        model_version: recorded.model_version,
        recorded_at: Some(recorded.recorded_at),
        features: known.collect(),
        ..empty
    };
    let Some(version) = recorded.model_version else { return Ok(told) };
    let row = row(connection, actor, version).await?;
    let stored = InUse { version, digest: row.digest, feature_schema: row.feature_schema };
    let Ok(model) = usable(connection, tenant, &stored).await? else { return Ok(told) };
    let table = features::table(&[&recorded.values]).map_err(|invalid| Error::internal(invalid.to_string()))?;
    let explained = model.explain(&table, 0).map_err(|invalid| Error::internal(invalid.to_string()))?;
    told.probability = Some(explained.probability);
    for (known, part) in told.features.iter_mut().zip(explained.features) {
        known.contribution = Some(part.log_odds);
    }
    let weight = |known: &KnownFeatureDto| known.contribution.unwrap_or(0.0).abs();
    told.features.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    Ok(told)
}
