//! Where goods should lie: velocities and classes, plans of moves before and after, and how full the facility will be.

use std::collections::HashMap;

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use kernel::PageRequest;
use platform::database::Tx;
use platform::http::{Access, Api, Paging, Path, Query};
use platform::{Error, Result};
use rust_decimal::prelude::ToPrimitive as _;
use serde::Deserialize;
use uuid::Uuid;
use warehouse::slotting::{
    ApplyClasses, OfFacility, PlanDto, PlanFilter, PlanRequest, RejectPlan, SettingsInput, TriggerFilter, VelocityFilter, service,
};
use warehouse::{
    ClassBy, Facility, FloorLocation, SLOTTING, SLOTTING_DECIDE, ShareOf, SlottingPlanState, TASKS_APPROVE, WAREHOUSE_READ,
};

use super::items::largest_page;
use super::locations::floor::{bin, choice};
use super::typed::{Typed, for_form, wanted};
use super::visitor::{Form, Visitor, done, failed, refuse, segment, show};
use crate::view::{self, Bin, Choice, Errors, Heat, heat_map};

const ROWS: u32 = 25;

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/slotting", Access::Needs(WAREHOUSE_READ), get(overview))
        .page(Method::POST, "/slotting", Access::Needs(SLOTTING), post(ask))
        .page(Method::GET, "/slotting/plans/{plan}", Access::Needs(WAREHOUSE_READ), get(plan))
        .page(Method::POST, "/slotting/plans/{plan}/approve", Access::Needs(TASKS_APPROVE), post(approve))
        .page(Method::POST, "/slotting/plans/{plan}/reject", Access::Needs(TASKS_APPROVE), post(reject))
        .page(Method::GET, "/velocity", Access::Needs(WAREHOUSE_READ), get(velocity))
        .page(Method::POST, "/velocity/settings", Access::Needs(SLOTTING_DECIDE), post(set_classing))
        .page(Method::POST, "/velocity/analyse", Access::Needs(SLOTTING), post(analyse))
        .page(Method::POST, "/velocity/apply", Access::Needs(SLOTTING_DECIDE), post(apply))
        .page(Method::GET, "/forecast", Access::Needs(WAREHOUSE_READ), get(forecast))
}

/// All active facilities, and the one with this code; the first when none is named.
async fn facilities(visitor: &Visitor, code: &str) -> Result<(Vec<Choice>, Option<Facility>)> {
    let actor = &visitor.actor;
    let active = warehouse::FacilityFilter { active: Some(true), ..warehouse::FacilityFilter::default() };
    let read = async |connection: &mut _| warehouse::facilities::list(connection, actor, &active, &largest_page()).await;
    let found = visitor.app.db.read(actor.tenant(), read).await?.items;
    let one = match wanted(code) {
        None => found.first().cloned(),
        Some(code) => {
            let one = found.iter().find(|facility| facility.code == code).cloned();
            Some(one.ok_or_else(|| Error::not_found(format_args!("an active facility {code:?}")))?)
        }
    };
    Ok((found.iter().map(choice).collect(), one))
}

async fn page_of(visitor: &Visitor, input: view::PlanInput) -> Result<view::SlottingPage> {
    let (choices, facility) = facilities(visitor, &input.facility).await?;
    let actor = &visitor.actor;
    let few = PageRequest { limit: Some(ROWS), cursor: None };
    let mut page = view::SlottingPage {
        page: visitor.page("Slotting"),
        facilities: choices,
        facility: facility.as_ref().map(choice),
        plans: Vec::new(),
        triggers: Vec::new(),
        recommendations: None,
        input,
        errors: Errors::none(),
        can_plan: visitor.may(SLOTTING),
    };
    let Some(facility) = facility else { return Ok(page) };
    page.input.facility.clone_from(&facility.code);
    let plans = PlanFilter { facility: Some(facility.code.clone()), state: None };
    let triggers = TriggerFilter { facility: facility.code.clone(), severity: None };
    let read = async |connection: &mut _| {
        let plans = service::plans(connection, actor, &plans, &few).await?.items;
        let triggers = service::triggers(connection, actor, &triggers, &few).await?.items;
        let found = service::recommendations(connection, actor, &facility.code, None, Some(ROWS)).await?;
        Ok((plans, triggers, found))
    };
    let (plans, triggers, found) = visitor.app.db.read(actor.tenant(), read).await?;
    Ok(view::SlottingPage { plans, triggers, recommendations: Some(found), ..page })
}

async fn overview(visitor: Visitor, Query(filter): Query<view::SlottingFilter>) -> Result<Response> {
    let input = view::PlanInput { facility: filter.facility, ..view::PlanInput::default() };
    show(&page_of(&visitor, input).await?)
}

fn read(input: &view::PlanInput) -> Result<PlanRequest> {
    let number = |field: &str, text: &str| {
        text.trim().parse::<f64>().map_err(|_| Error::field(field, "must be a number, for instance 30"))
    };
    let moves = number("moves_max", &input.moves_max)?;
    if moves.fract() != 0.0 || moves.abs() > 1e6 {
        return Err(Error::field("moves_max", "must be a whole number"));
    }
    Ok(PlanRequest {
        facility: input.facility.clone(),
        kind: Some(input.kind.parse().map_err(|invalid: kernel::Invalid| Error::from(invalid.at("kind")))?),
        moves_max: Some(moves as i32),
        payback_days: Some(number("payback_days", &input.payback_days)?),
        handling_m: None,
        history_days: None,
    })
}

async fn ask(visitor: Visitor, form: Form<view::PlanInput>) -> Result<Response> {
    let asked = async {
        let wanted = read(&form.input)?;
        visitor.change(form.key.as_ref(), async |tx: &mut Tx| service::request(tx, &visitor.actor, &wanted).await).await
    };
    match asked.await {
        Ok(asked) => Ok(done(&format!("/slotting/plans/{}", asked.plan.plan_id), "The plan is being computed.")),
        Err(error) => {
            let page = page_of(&visitor, form.input).await?;
            refuse(for_form(error, &[]), |errors| view::SlottingPage { errors, ..page })
        }
    }
}

async fn plan(visitor: Visitor, Path(id): Path<Uuid>) -> Result<Response> {
    let actor = &visitor.actor;
    let read = async |connection: &mut _| {
        let found = service::plan(connection, actor, id).await?;
        let code = found.plan.facility_code.clone();
        let facility = warehouse::facilities::get(connection, actor, &code).await?;
        let floor = warehouse::floor(connection, actor, &code).await?;
        let velocities = service::location_velocities(connection, actor, &code).await?;
        Ok((found, facility, floor, velocities))
    };
    let (found, facility, floor, velocities) = visitor.app.db.read(actor.tenant(), read).await?;
    // Carried out, the floor is the one after already.
    let is_open = !found.moves.is_empty() && found.tasks_done == 0;
    let drawn = |values: &HashMap<Uuid, f64>| {
        let hot = |place: &FloorLocation| values.get(&place.location_id.0).copied().unwrap_or(0.0);
        let active = floor.iter().filter(|place| place.is_active);
        let bins: Vec<Bin> = active.map(|place| Bin { heat: hot(place), ..bin(place, &facility) }).collect();
        heat_map(&bins, Heat::Velocity)
    };
    let after = carried_out(&found, &velocities);
    show(&view::PlanPage {
        page: visitor.page("Plan of moves"),
        list_href: format!("/slotting?facility={}", segment(&facility.code)),
        before: is_open.then(|| drawn(&velocities)),
        after: is_open.then(|| drawn(&after)),
        can_decide: visitor.may(TASKS_APPROVE) && found.plan.state == SlottingPlanState::Ready,
        found,
    })
}

/// Picks a day of each place after all moves that are not left out.
fn carried_out(found: &PlanDto, before: &HashMap<Uuid, f64>) -> HashMap<Uuid, f64> {
    let mut values = before.clone();
    let mut last_step = 0;
    for step in found.moves.iter().filter(|step| step.left_out.is_empty()) {
        if step.step_no != last_step {
            let carried = values.remove(&step.from_location_id).unwrap_or(0.0);
            *values.entry(step.to_location_id).or_insert(0.0) += carried;
        }
        last_step = step.step_no;
    }
    values
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Nothing {}

async fn approve(visitor: Visitor, Path(id): Path<Uuid>, form: Form<Nothing>) -> Result<Response> {
    let Nothing {} = form.input;
    let own = format!("/slotting/plans/{id}");
    let made = visitor.change(form.key.as_ref(), async |tx: &mut Tx| service::approve(tx, &visitor.actor, id).await).await;
    match made {
        Ok(made) if made.plan.state == SlottingPlanState::Expired => Ok(done(&own, "Stock moved meanwhile; no move is left.")),
        Ok(made) => Ok(done(&own, &format!("Approved: {} move tasks wait to be claimed.", made.tasks))),
        Err(error) if error.code.status() < 500 => Ok(failed(&own, &error)),
        Err(error) => Err(error),
    }
}

async fn reject(visitor: Visitor, Path(id): Path<Uuid>, form: Form<RejectInput>) -> Result<Response> {
    let own = format!("/slotting/plans/{id}");
    let input = RejectPlan { reason: wanted(&form.input.reason) };
    let made = visitor.change(form.key.as_ref(), async |tx: &mut Tx| service::reject(tx, &visitor.actor, id, &input).await);
    match made.await {
        Ok(_) => Ok(done(&own, "Rejected; nothing moves.")),
        Err(error) if error.code.status() < 500 => Ok(failed(&own, &error)),
        Err(error) => Err(error),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RejectInput {
    reason: String,
}

async fn velocity_page(visitor: &Visitor, filter: &view::SlottingFilter, request: &PageRequest) -> Result<view::VelocityView> {
    let (choices, facility) = facilities(visitor, &filter.facility).await?;
    let actor = &visitor.actor;
    let lacks_value = filter.lacks_value == "yes";
    let mut page = view::VelocityView {
        page: visitor.page("Velocity and classes"),
        facilities: choices,
        facility: facility.as_ref().map(choice),
        day: None,
        lacks_value,
        settings: view::ClassInput::default(),
        errors: Errors::none(),
        rows: Vec::new(),
        pairs: Vec::new(),
        curve: String::new(),
        pager: visitor.pager(None),
        can_analyse: visitor.may(SLOTTING),
        can_apply: visitor.may(SLOTTING_DECIDE),
    };
    let Some(facility) = facility else { return Ok(page) };
    let only = lacks_value.then_some(true);
    let narrow = VelocityFilter { facility: facility.code.clone(), lacks_value: only, ..VelocityFilter::default() };
    let read = async |connection: &mut _| {
        let rows = service::velocities(connection, actor, &narrow, request).await?;
        let curve = service::curve(connection, actor, &facility.code).await?;
        let pairs = service::affinities(connection, actor, &facility.code, &None, Some(10)).await?;
        Ok((rows, curve, pairs, service::settings(connection, actor, &facility.code).await?))
    };
    let (found, curve, pairs, settings) = visitor.app.db.read(actor.tenant(), read).await?;
    let next = found.next_cursor.map(kernel::Cursor);
    page.pager = visitor.pager(next.as_ref());
    page.settings = view::ClassInput::of(&facility.code, &settings);
    (page.day, page.rows, page.pairs, page.curve) = (found.day, found.items, pairs, view::pareto(&curve));
    Ok(page)
}

async fn velocity(
    visitor: Visitor,
    Query(filter): Query<view::SlottingFilter>,
    Query(paging): Query<Paging>,
) -> Result<Response> {
    show(&velocity_page(&visitor, &filter, &paging.into()).await?)
}

fn classing(input: &view::ClassInput) -> Result<SettingsInput> {
    let mut typed = Typed::default();
    let shares = [("a_share", &input.a_share), ("b_share", &input.b_share)].map(|(field, text)| {
        let share = typed.needed_number(field, text).unwrap_or_default();
        share.decimal().to_f64().unwrap_or_default() / 100.0
    });
    let class_by = typed.word("class_by", &input.class_by).unwrap_or(ClassBy::Picks);
    let share_of = typed.word("share_of", &input.share_of).unwrap_or(ShareOf::Items);
    let version = typed.whole("version", &input.version).unwrap_or_default();
    typed.done(Vec::new())?;
    let ([a_share, b_share], facility) = (shares, input.facility.clone());
    Ok(SettingsInput { facility, class_by, a_share, b_share, share_of, writes_classes: input.writes_classes, version })
}

/// The form gives shares in percent, the rules speak of fractions.
fn in_percent(mut error: Error) -> Error {
    for fault in error.fields.iter_mut().filter(|fault| fault.message == "must be from 0 to 1") {
        fault.message = "must be from 0 to 100".into();
    }
    for fault in error.fields.iter_mut().filter(|fault| fault.message.starts_with("must be at most 1 together")) {
        fault.message = "must be at most 100 together with the share of A".into();
    }
    error
}

async fn set_classing(visitor: Visitor, form: Form<view::ClassInput>) -> Result<Response> {
    let changed = async {
        let wanted = classing(&form.input)?;
        visitor.change(form.key.as_ref(), async |tx: &mut Tx| service::set_settings(tx, &visitor.actor, &wanted).await).await
    };
    match changed.await {
        Ok(_) => {
            let own = format!("/velocity?facility={}", segment(&form.input.facility));
            Ok(done(&own, "Saved. The next analysis classes the items so."))
        }
        Err(error) => {
            let filter = view::SlottingFilter { facility: form.input.facility.clone(), ..view::SlottingFilter::default() };
            let page = velocity_page(&visitor, &filter, &PageRequest::default()).await?;
            refuse(in_percent(for_form(error, &[])), |errors| view::VelocityView { errors, settings: form.input, ..page })
        }
    }
}

async fn analyse(visitor: Visitor, form: Form<view::SlottingFilter>) -> Result<Response> {
    let own = format!("/velocity?facility={}", segment(&form.input.facility));
    let (input, affinity) = (OfFacility { facility: form.input.facility }, visitor.app.config.switches().sku_affinity);
    let run = async |tx: &mut Tx| service::analyse(tx, &visitor.actor, affinity, &input).await;
    match visitor.change(form.key.as_ref(), run).await {
        Ok(run) => {
            let told = format!("{} items analysed, {} of them should lie elsewhere.", run.items, run.triggers);
            let without = run.items_without_value;
            let lacking = if without > 0 { format!(" {without} keep their class: they have no value.") } else { String::new() };
            Ok(done(&own, &(told + &lacking)))
        }
        Err(error) if error.code.status() < 500 => Ok(failed(&own, &error)),
        Err(error) => Err(error),
    }
}

async fn apply(visitor: Visitor, form: Form<view::SlottingFilter>) -> Result<Response> {
    let own = format!("/velocity?facility={}", segment(&form.input.facility));
    let input = ApplyClasses { facility: form.input.facility, materials: Vec::new() };
    let run = async |tx: &mut Tx| service::apply_classes(tx, &visitor.actor, &input).await;
    match visitor.change(form.key.as_ref(), run).await {
        Ok(written) => Ok(done(&own, &format!("{} items have their class now.", written.items))),
        Err(error) if error.code.status() < 500 => Ok(failed(&own, &error)),
        Err(error) => Err(error),
    }
}

async fn forecast(visitor: Visitor, Query(filter): Query<view::SlottingFilter>) -> Result<Response> {
    let (choices, facility) = facilities(&visitor, &filter.facility).await?;
    let actor = &visitor.actor;
    let told = match facility {
        None => None,
        Some(facility) => {
            let read = async |connection: &mut _| service::predictions(connection, actor, &facility.code).await;
            Some(visitor.app.db.read(actor.tenant(), read).await?)
        }
    };
    let plot = told.as_ref().map_or_else(String::new, view::forecast);
    show(&view::ForecastPage { page: visitor.page("Utilisation forecast"), facilities: choices, told, plot })
}
