use std::ops::RangeInclusive;

use kernel::{ErrorCode, Page, PageRequest};
use optimization::putaway::Method;
use platform::auth::Actor;
use platform::config::Switches;
use platform::database::Tx;
use platform::{Error, Result, audit};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::dto::{ExperimentDto, ProgressDto};
use super::input::{ArmInput, ExperimentFilter, NewExperiment, StopExperiment};
use super::judge::units_needed;
use super::look::{announce, look as look_now, progress};
use super::model::{JUDGED_BY, object, spending, treated, weights_problem};
use super::store;
use crate::check::{Checks, as_id};
use crate::facility::{FacilityFilter, service as facilities};
use crate::words::{ExperimentState, ExperimentUnit, Metric};
use crate::{EXPERIMENT, WAREHOUSE_READ};

const FACILITIES_MAX: usize = 100;

/// Writes it down; nothing is assigned before it is started.
pub async fn create(tx: &mut Tx, actor: &Actor, input: &NewExperiment) -> Result<ProgressDto> {
    actor.require(EXPERIMENT)?;
    let mut checks = Checks::default();
    let checked = checked(&mut checks, actor, input);
    checks.done()?;
    let mut new = checked.ok_or_else(|| Error::internal("checks without an error found one"))?;
    for (n, reference) in input.facilities.iter().enumerate() {
        let found = facilities::find(tx, actor.tenant(), reference).await;
        let id = found.map_err(|error| error.at(format!("facilities[{n}]")))?.facility_id.0;
        if !new.facility_ids.contains(&id) {
            new.facility_ids.push(id);
        }
    }
    store::insert(tx, actor.tenant(), &new).await.map_err(|error| {
        let taken = || Error::new(ErrorCode::AlreadyExists, format!("an experiment with the code {:?} exists already", new.code));
        error.on_constraint("experiments_code_key", || taken().at("code"))
    })?;
    tx.audit(actor, audit::Entry::new("experiment.create", "experiment", new.experiment_id).after(&new));
    announce(tx, actor, &new);
    progress(tx, actor, new).await
}

fn within(checks: &mut Checks, field: &str, given: Option<f64>, default: f64, range: RangeInclusive<f64>) -> f64 {
    let value = given.unwrap_or(default);
    checks.require(range.contains(&value), field, &format!("must be from {} to {}", range.start(), range.end()));
    value
}

fn checked(checks: &mut Checks, actor: &Actor, input: &NewExperiment) -> Option<ExperimentDto> {
    let code = checks.code("code", &input.code);
    let name = checks.name("name", &input.name, 200);
    let hypothesis = checks.text("hypothesis", &input.hypothesis, 1000);
    checks.require(JUDGED_BY.contains(&input.metric), "metric", "must be one of SCORE, CONFIDENCE, ACCEPTANCE, DECISION_MINUTES");
    checks.require(input.facilities.len() <= FACILITIES_MAX, "facilities", "must be at most 100");
    let control = side(checks, "control", &input.control);
    let treatment = side(checks, "treatment", &input.treatment);
    checks.require(control != treatment, "treatment", "must differ from control in method or weights");
    let weighs = matches!(input.metric, Metric::Score | Metric::Confidence);
    let same_weights = control.1 == treatment.1;
    checks.require(
        !weighs || same_weights,
        "metric",
        "must be ACCEPTANCE or DECISION_MINUTES where weights differ: a score means what its weights say",
    );
    let treatment_share = within(checks, "treatment_share", input.treatment_share, 0.5, 0.05..=0.95);
    let alpha = within(checks, "alpha", input.alpha, 0.05, 0.001..=0.2);
    let power = within(checks, "power", input.power, 0.8, 0.5..=0.99);
    let minimum_effect = within(checks, "minimum_effect", input.minimum_effect, 0.3, 0.02..=5.0);
    let word = input.spending.as_deref().unwrap_or("OBRIEN_FLEMING").trim().to_uppercase();
    checks.require(["OBRIEN_FLEMING", "POCOCK"].contains(&word.as_str()), "spending", "must be OBRIEN_FLEMING or POCOCK");
    let (looks, max_days) = (input.looks.unwrap_or(5), input.max_days.unwrap_or(90));
    checks.require((1..=20).contains(&looks), "looks", "must be from 1 to 20");
    checks.require((1..=365).contains(&max_days), "max_days", "must be from 1 to 365");
    let planned = units_needed(minimum_effect, alpha, power, treatment_share, looks.clamp(1, 20) as u32, spending(&word));
    Some(ExperimentDto {
        experiment_id: actor.env.new_id(),
        code,
        name,
        hypothesis,
        unit: input.unit.unwrap_or(ExperimentUnit::Receipt),
        facility_ids: Vec::new(),
        treated_facility_ids: Vec::new(),
        metric_name: input.metric,
        control_algorithm: control.0,
        control_weights: control.1,
        treatment_algorithm: treatment.0,
        treatment_weights: treatment.1,
        treatment_share,
        alpha,
        power,
        minimum_effect,
        spending: word,
        looks_planned: looks,
        // Where there is none, one of the figures above was refused.
        planned_units: i64::try_from(planned.ok()?).ok()?,
        max_days,
        state: ExperimentState::Draft,
        looked_shares: Vec::new(),
        decision: None,
        decision_reason: String::new(),
        version: 1,
        created_by: actor.principal.name.clone(),
        created_at: actor.env.now(),
        started_at: None,
        ended_at: None,
    })
}

fn side(checks: &mut Checks, name: &str, arm: &ArmInput) -> (String, Value) {
    let method = arm.algorithm.parse::<Method>().map_err(|invalid| kernel::Invalid(invalid.problem));
    let method = checks.take(format_args!("{name}.algorithm"), method).map_or_else(String::new, |method| method.to_string());
    let weights = arm.weights.clone().unwrap_or_else(|| Value::Object(Default::default()));
    match &weights {
        Value::Object(given) => {
            if let Some(problem) = weights_problem(given) {
                checks.refuse(format_args!("{name}.weights"), problem);
            }
        }
        _ => checks.refuse(format_args!("{name}.weights"), "must be an object such as {\"travel\": 45, \"abc\": 15}"),
    }
    (method, Value::Object(object(&weights)))
}

/// From now on units are assigned. No other running experiment may govern one of its facilities.
pub async fn start(tx: &mut Tx, actor: &Actor, switches: &Switches, reference: &str) -> Result<ProgressDto> {
    actor.require(EXPERIMENT)?;
    if !switches.statistical_analysis {
        let detail = "statistics are switched off (STATISTICAL_ANALYSIS_ENABLED), so nothing would ever be decided";
        return Err(Error::conflict(detail));
    }
    store::lock_all(tx, actor.tenant()).await?;
    let before = locked(tx, actor, reference).await?;
    if before.state != ExperimentState::Draft {
        return Err(Error::conflict(format!("the experiment is {}; only a DRAFT can be started", before.state)));
    }
    let overlaps = |one: &ExperimentDto| {
        let everywhere = one.facility_ids.is_empty() || before.facility_ids.is_empty();
        everywhere || one.facility_ids.iter().any(|id| before.facility_ids.contains(id))
    };
    if let Some(other) = store::running(tx, actor.tenant()).await?.iter().find(|one| overlaps(one)) {
        return Err(Error::conflict(format!("experiment {:?} runs in the same facilities; stop it first", other.code)));
    }
    let mut after = before.clone();
    if before.unit == ExperimentUnit::Facility {
        after.treated_facility_ids = split(tx, actor, &before).await?;
    }
    after.state = ExperimentState::Running;
    after.started_at = Some(actor.env.now());
    save(tx, actor, "experiment.start", &before, after).await
}

async fn split(tx: &mut Tx, actor: &Actor, experiment: &ExperimentDto) -> Result<Vec<Uuid>> {
    let all = if experiment.facility_ids.is_empty() {
        let filter = FacilityFilter { active: Some(true), ..FacilityFilter::default() };
        let page = PageRequest { limit: Some(kernel::MAX_PAGE_SIZE), cursor: None };
        facilities::list(tx, actor, &filter, &page).await?.items.iter().map(|facility| facility.facility_id.0).collect()
    } else {
        experiment.facility_ids.clone()
    };
    if all.len() < 4 {
        let detail = "an experiment by FACILITY needs four facilities at least, two for each side; assign receipts instead";
        return Err(Error::conflict(detail).at("unit"));
    }
    Ok(treated(experiment.experiment_id, &all, experiment.treatment_share))
}

/// Ends it without a winner.
pub async fn stop(tx: &mut Tx, actor: &Actor, reference: &str, input: &StopExperiment) -> Result<ProgressDto> {
    actor.require(EXPERIMENT)?;
    let mut checks = Checks::default();
    let reason = checks.name("reason", &input.reason, 500);
    checks.done()?;
    let before = running(tx, actor, reference).await?;
    let mut after = before.clone();
    after.state = ExperimentState::Stopped;
    after.ended_at = Some(actor.env.now());
    after.decision_reason = reason;
    save(tx, actor, "experiment.stop", &before, after).await
}

/// Takes the look that is due, without waiting for the clock. Before that it is refused: results are not seen between looks.
pub async fn look(tx: &mut Tx, actor: &Actor, reference: &str) -> Result<ProgressDto> {
    actor.require(EXPERIMENT)?;
    let before = running(tx, actor, reference).await?;
    if let Some(after) = look_now(tx, actor, &before).await? {
        return progress(tx, actor, after).await;
    }
    let now = progress(tx, actor, before).await?;
    let (share, next) = (now.information_share * 100.0, now.next_look_at.unwrap_or(1.0) * 100.0);
    Err(Error::conflict(format!("the next look is due at {next:.0} % of the planned information; {share:.1} % has come in")))
}

async fn save(
    tx: &mut Tx,
    actor: &Actor,
    action: &'static str,
    before: &ExperimentDto,
    mut after: ExperimentDto,
) -> Result<ProgressDto> {
    after.version += 1;
    store::update(tx, actor.tenant(), &after).await?;
    tx.audit(actor, audit::Entry::new(action, "experiment", after.experiment_id).before(before).after(&after));
    announce(tx, actor, &after);
    progress(tx, actor, after).await
}

async fn running(tx: &mut Tx, actor: &Actor, reference: &str) -> Result<ExperimentDto> {
    let found = locked(tx, actor, reference).await?;
    match found.state {
        ExperimentState::Running => Ok(found),
        state => Err(Error::conflict(format!("the experiment is {state}, not RUNNING"))),
    }
}

async fn locked(tx: &mut Tx, actor: &Actor, reference: &str) -> Result<ExperimentDto> {
    let found = find(tx, actor, reference).await?;
    let locked = store::lock(tx, actor.tenant(), found.experiment_id).await?;
    locked.ok_or_else(|| Error::not_found(format_args!("experiment {reference:?}")))
}

async fn find(connection: &mut PgConnection, actor: &Actor, reference: &str) -> Result<ExperimentDto> {
    let (id, code) = (as_id(reference), reference.trim());
    let found = if code.contains('\0') { None } else { store::find(connection, actor.tenant(), id, code).await? };
    found.ok_or_else(|| Error::not_found(format_args!("experiment {reference:?}")))
}

/// `reference` is an id or a code.
pub async fn get(connection: &mut PgConnection, actor: &Actor, reference: &str) -> Result<ProgressDto> {
    actor.require(WAREHOUSE_READ)?;
    let found = find(connection, actor, reference).await?;
    progress(connection, actor, found).await
}

/// Newest first.
pub async fn list(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &ExperimentFilter,
    page: &PageRequest,
) -> Result<Page<ExperimentDto>> {
    actor.require(WAREHOUSE_READ)?;
    let rows = store::list(connection, actor.tenant(), filter.state, page).await?;
    Ok(Page::cut(rows, page, |row| (row.created_at, row.experiment_id)))
}
