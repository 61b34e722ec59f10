//! Experiments: what runs, how far it is, and what its looks found.

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use kernel::PageRequest;
use platform::database::Tx;
use platform::http::{Access, Api, Paging, Path, Query};
use platform::{Error, Result};
use serde::Deserialize;
use warehouse::experiments::{ArmInput, ExperimentFilter, NewExperiment, ProgressDto, StopExperiment, service};
use warehouse::{EXPERIMENT, ExperimentState, ExperimentUnit, FacilityFilter, Metric, WAREHOUSE_READ, facilities};

use super::items;
use super::typed::{Typed, for_form, given, wanted};
use super::visitor::{Form, Visitor, done, failed, refuse, show};
use crate::view::{self, Choice, Errors, plots};

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/experiments", Access::Needs(WAREHOUSE_READ), get(list))
        .page(Method::GET, "/experiments/new", Access::Needs(EXPERIMENT), get(form))
        .page(Method::POST, "/experiments/new", Access::Needs(EXPERIMENT), post(create))
        .page(Method::GET, "/experiments/{experiment}", Access::Needs(WAREHOUSE_READ), get(experiment))
        .page(Method::POST, "/experiments/{experiment}/start", Access::Needs(EXPERIMENT), post(start))
        .page(Method::POST, "/experiments/{experiment}/look", Access::Needs(EXPERIMENT), post(look))
        .page(Method::POST, "/experiments/{experiment}/stop", Access::Needs(EXPERIMENT), post(stop))
}

async fn list(visitor: Visitor, Query(paging): Query<Paging>) -> Result<Response> {
    let (actor, page): (_, PageRequest) = (&visitor.actor, paging.into());
    let read = async |connection: &mut _| service::list(connection, actor, &ExperimentFilter::default(), &page).await;
    let found = visitor.app.db.read(actor.tenant(), read).await?;
    show(&view::ExperimentList {
        page: visitor.page("Experiments"),
        can_write: visitor.may(EXPERIMENT),
        pager: visitor.pager(found.next_cursor.as_ref()),
        experiments: found.items,
    })
}

async fn form_page(visitor: &Visitor, input: view::ExperimentInput) -> Result<view::ExperimentForm> {
    let actor = &visitor.actor;
    let filter = FacilityFilter { active: Some(true), ..FacilityFilter::default() };
    let read = async |connection: &mut _| facilities::list(connection, actor, &filter, &items::largest_page()).await;
    let found = visitor.app.db.read(actor.tenant(), read).await?;
    Ok(view::ExperimentForm {
        page: visitor.page("New experiment"),
        facilities: found.items.iter().map(|one| Choice::new(&one.code, &one.name)).collect(),
        input,
        errors: Errors::none(),
    })
}

async fn form(visitor: Visitor) -> Result<Response> {
    show(&form_page(&visitor, view::ExperimentInput::default()).await?)
}

/// What the rules call differently than the form's inputs.
const NAMES: [(&str, &str); 6] = [
    ("control.algorithm", "control_algorithm"),
    ("control.weights", "control_weights"),
    ("treatment.algorithm", "treatment_algorithm"),
    ("treatment.weights", "treatment_weights"),
    ("treatment", "treatment_algorithm"),
    ("facilities[0]", "facility"),
];

async fn create(visitor: Visitor, form: Form<view::ExperimentInput>) -> Result<Response> {
    let made = async {
        let wanted = read(&form.input)?;
        visitor.change(form.key.as_ref(), async |tx: &mut Tx| service::create(tx, &visitor.actor, &wanted).await).await
    };
    match made.await {
        Ok(made) => Ok(done(&address(&made), "Written down. Nothing is assigned before it is started.")),
        Err(error) => {
            let page = form_page(&visitor, form.input).await?;
            refuse(for_form(error, &NAMES), |errors| view::ExperimentForm { errors, ..page })
        }
    }
}

fn address(progress: &ProgressDto) -> String {
    format!("/experiments/{}", progress.experiment.experiment_id)
}

fn read(input: &view::ExperimentInput) -> Result<NewExperiment> {
    let mut typed = Typed::default();
    let mut number = |field: &str, text: &str| {
        let text = given(text)?;
        text.parse::<f64>().map_err(|_| typed.refuse(field, "must be a number, such as 0.5")).ok()
    };
    let treatment_share = number("treatment_share", &input.treatment_share);
    let minimum_effect = number("minimum_effect", &input.minimum_effect);
    let metric: Option<Metric> = typed.word("metric", &input.metric);
    let unit: Option<ExperimentUnit> = typed.word("unit", &input.unit);
    let (looks, max_days) = (typed.whole("looks", &input.looks), typed.whole("max_days", &input.max_days));
    let mut weights = |field: &str, text: &str| {
        let text = given(text)?;
        let say = |_| typed.refuse(field, "must be JSON, such as {\"travel\": 45, \"abc\": 15}");
        serde_json::from_str(text).map_err(say).ok()
    };
    let control_weights = weights("control_weights", &input.control_weights);
    let treatment_weights = weights("treatment_weights", &input.treatment_weights);
    typed.done(Vec::new())?;
    Ok(NewExperiment {
        code: input.code.clone(),
        name: input.name.clone(),
        hypothesis: input.hypothesis.clone(),
        unit,
        facilities: wanted(&input.facility).into_iter().collect(),
        metric: metric.ok_or_else(|| Error::field("metric", "must not be empty"))?,
        control: ArmInput { algorithm: input.control_algorithm.clone(), weights: control_weights },
        treatment: ArmInput { algorithm: input.treatment_algorithm.clone(), weights: treatment_weights },
        treatment_share,
        alpha: None,
        power: None,
        minimum_effect,
        spending: wanted(&input.spending),
        looks,
        max_days,
    })
}

async fn page_of(visitor: &Visitor, reference: &str, input: view::StopInput) -> Result<view::ExperimentPage> {
    let actor = &visitor.actor;
    let progress =
        visitor.app.db.read(actor.tenant(), async |connection| service::get(connection, actor, reference).await).await?;
    let (state, may) = (progress.experiment.state, visitor.may(EXPERIMENT));
    Ok(view::ExperimentPage {
        page: visitor.page(progress.experiment.name.clone()),
        plot: plots::looks(&progress.looks),
        information_percent: progress.information_share * 100.0,
        can_start: may && state == ExperimentState::Draft,
        can_look: may && progress.is_look_due,
        can_stop: may && state == ExperimentState::Running,
        progress,
        input,
        errors: Errors::none(),
    })
}

async fn experiment(visitor: Visitor, Path(reference): Path<String>) -> Result<Response> {
    show(&page_of(&visitor, &reference, view::StopInput::default()).await?)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Nothing {}

fn told(done_text: &str, reference: &str, result: Result<ProgressDto>) -> Result<Response> {
    match result {
        Ok(progress) => Ok(done(&address(&progress), done_text)),
        Err(error) if error.code.status() < 500 => Ok(failed(&format!("/experiments/{reference}"), &error)),
        Err(error) => Err(error),
    }
}

async fn start(visitor: Visitor, Path(reference): Path<String>, form: Form<Nothing>) -> Result<Response> {
    let Nothing {} = form.input;
    let switches = visitor.app.config.switches();
    let run = async |tx: &mut Tx| service::start(tx, &visitor.actor, &switches, &reference).await;
    told("It runs: from now on goods are assigned to a side.", &reference, visitor.change(form.key.as_ref(), run).await)
}

async fn look(visitor: Visitor, Path(reference): Path<String>, form: Form<Nothing>) -> Result<Response> {
    let Nothing {} = form.input;
    let run = async |tx: &mut Tx| service::look(tx, &visitor.actor, &reference).await;
    told("The look was taken.", &reference, visitor.change(form.key.as_ref(), run).await)
}

async fn stop(visitor: Visitor, Path(reference): Path<String>, form: Form<view::StopInput>) -> Result<Response> {
    let input = StopExperiment { reason: form.input.reason.clone() };
    let run = async |tx: &mut Tx| service::stop(tx, &visitor.actor, &reference, &input).await;
    match visitor.change(form.key.as_ref(), run).await {
        Ok(progress) => Ok(done(&address(&progress), "Stopped, without a winner.")),
        Err(error) => {
            let page = page_of(&visitor, &reference, form.input).await?;
            refuse(error, |errors| view::ExperimentPage { errors, ..page })
        }
    }
}
