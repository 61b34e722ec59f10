//! The data-quality inbox: what was measured, what fits nowhere, what lacks master data, and what was done about it.

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use kernel::PageRequest;
use platform::database::Tx;
use platform::http::{Access, Api, Path, Query};
use platform::{Error, Result};
use rust_decimal::Decimal;
use serde::Deserialize;
use warehouse::quality::{
    CancellationFilter, DecideVerification, FailureFilter, Relocate, RemediationFilter, ResolveFailure, VerificationFilter,
    VerificationState, VerifyDimensions, service,
};
use warehouse::{
    FacilityFilter, FailureResolution, MeasureInput, PUTAWAY, QUALITY_DECIDE, QUALITY_WRITE, RelocationStatus, SizeInput,
    VerificationDecision, VerificationStatus, WAREHOUSE_READ, facilities,
};

use super::items;
use super::typed::{Typed, for_form, wanted};
use super::visitor::{Form, Visitor, done, failed, refuse, show};
use crate::view::{self, Choice, Errors};

/// Rows of each list; the figures say how many more there are.
const ROWS: u32 = 25;

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/quality", Access::Needs(WAREHOUSE_READ), get(inbox))
        .page(Method::GET, "/quality/measure", Access::Needs(QUALITY_WRITE), get(measure_form))
        .page(Method::POST, "/quality/measure", Access::Needs(QUALITY_WRITE), post(measure))
        .page(Method::GET, "/quality/verifications/{verification}", Access::Needs(WAREHOUSE_READ), get(verification))
        .page(Method::POST, "/quality/verifications/{verification}", Access::Needs(QUALITY_DECIDE), post(decide))
        .page(Method::GET, "/quality/failures/{failure}", Access::Needs(WAREHOUSE_READ), get(failure))
        .page(Method::POST, "/quality/failures/{failure}", Access::Needs(QUALITY_WRITE), post(resolve))
        .page(Method::POST, "/quality/relocations/{cancellation}", Access::Needs(PUTAWAY), post(relocate))
}

async fn choices(visitor: &Visitor) -> Result<Vec<Choice>> {
    let actor = &visitor.actor;
    let filter = FacilityFilter { active: Some(true), ..FacilityFilter::default() };
    let read = async |connection: &mut _| facilities::list(connection, actor, &filter, &items::largest_page()).await;
    let found = visitor.app.db.read(actor.tenant(), read).await?;
    Ok(found.items.iter().map(|facility| Choice::new(&facility.code, &facility.name)).collect())
}

async fn inbox(visitor: Visitor, Query(filter): Query<view::QualityFilter>) -> Result<Response> {
    let (actor, switches) = (&visitor.actor, visitor.app.config.switches());
    let facility = wanted(&filter.facility);
    let page = PageRequest { limit: Some(ROWS), cursor: None };
    let of_state = |state| VerificationFilter { material: None, state: Some(state) };
    let failures = FailureFilter { facility: facility.clone(), ..FailureFilter::default() };
    let pending = CancellationFilter { facility: facility.clone(), status: Some(RelocationStatus::Pending) };
    let read = async |connection: &mut _| {
        Ok(view::QualityInbox {
            metrics: service::metrics(connection, actor, &switches, facility.as_deref()).await?,
            to_decide: service::verifications(connection, actor, &of_state(VerificationState::Open), &page).await?.items,
            due: service::verifications(connection, actor, &of_state(VerificationState::Due), &page).await?.items,
            failures: service::failures(connection, actor, &failures, &page).await?.items,
            unmeasured: service::unmeasured(connection, actor, &page).await?.items,
            relocations: service::cancellations(connection, actor, &pending, &page).await?.items,
            remediations: service::remediations(connection, actor, &RemediationFilter::default(), &page).await?.items,
            page: visitor.page("Data quality"),
            filter: filter.clone(),
            facilities: Vec::new(),
            can_write: visitor.may(QUALITY_WRITE),
            can_relocate: visitor.may(PUTAWAY),
        })
    };
    let inbox = visitor.app.db.read(actor.tenant(), read).await?;
    show(&view::QualityInbox { facilities: choices(&visitor).await?, ..inbox })
}

async fn measure_page(visitor: &Visitor, input: view::MeasureInput) -> Result<view::MeasurePage> {
    Ok(view::MeasurePage {
        page: visitor.page("Measure an item"),
        facilities: choices(visitor).await?,
        input,
        errors: Errors::none(),
    })
}

/// The query may fill the form: `?material=A-1`.
async fn measure_form(visitor: Visitor, Query(input): Query<view::MeasureInput>) -> Result<Response> {
    show(&measure_page(&visitor, input).await?)
}

/// What the rules call differently than the form's inputs.
const NAMES: [(&str, &str); 5] = [
    ("dimensions.length", "length"),
    ("dimensions.width", "width"),
    ("dimensions.height", "height"),
    ("dimensions", "length"),
    ("weight.value", "weight"),
];

async fn measure(visitor: Visitor, form: Form<view::MeasureInput>) -> Result<Response> {
    let guard = inventory::stock_guard();
    let made = async {
        let wanted = read(&form.input)?;
        let verify = async |tx: &mut Tx| service::verify(tx, &visitor.actor, guard.as_ref(), &wanted).await;
        visitor.change(form.key.as_ref(), verify).await
    };
    match made.await {
        Ok(made) => {
            let text = match (made.status, made.master_updated) {
                (_, true) => "Measured; the item took it over.",
                (VerificationStatus::Verified, false) => "Measured; it is within tolerance.",
                (VerificationStatus::Flagged, false) => "Measured; it differs by more than 10%. Somebody must decide.",
                (VerificationStatus::NoMasterData, false) => "Measured; there was nothing on record to compare with.",
            };
            Ok(done(&format!("/quality/verifications/{}", made.verification_id), text))
        }
        Err(error) => {
            let page = measure_page(&visitor, form.input).await?;
            refuse(for_form(error, &NAMES), |errors| view::MeasurePage { errors, ..page })
        }
    }
}

fn read(input: &view::MeasureInput) -> Result<VerifyDimensions> {
    let mut typed = Typed::default();
    let sides = typed.together([("length", &input.length), ("width", &input.width), ("height", &input.height)]);
    let weight = typed.number("weight", &input.weight);
    typed.done(Vec::new())?;
    let dimensions = sides.map(|[length, width, height]| SizeInput {
        length: length.decimal(),
        width: width.decimal(),
        height: height.decimal(),
        unit: wanted(&input.length_unit),
    });
    let measure = |value: Decimal| MeasureInput { value, unit: wanted(&input.weight_unit) };
    Ok(VerifyDimensions {
        material: input.material.clone(),
        facility: wanted(&input.facility),
        dimensions,
        weight: weight.map(|weight| measure(weight.decimal())),
        update_master: input.update_master,
        notes: input.notes.clone(),
    })
}

async fn verification_page(visitor: &Visitor, id: &str, input: view::DecideInput) -> Result<view::DecidePage> {
    let actor = &visitor.actor;
    let read = async |connection: &mut _| service::verification(connection, actor, id).await;
    let found = visitor.app.db.read(actor.tenant(), read).await?;
    let is_open =
        found.is_latest && found.status != VerificationStatus::Verified && found.decision.is_none() && !found.master_updated;
    Ok(view::DecidePage {
        page: visitor.page(format!("Measurement of {}", found.material_code)),
        item_href: items::href(kernel::ItemId(found.material_id), &found.material_code),
        can_decide: is_open && visitor.may(QUALITY_DECIDE),
        verification: found,
        input,
        errors: Errors::none(),
    })
}

async fn verification(visitor: Visitor, Path(id): Path<String>) -> Result<Response> {
    show(&verification_page(&visitor, &id, view::DecideInput::default()).await?)
}

async fn decide(visitor: Visitor, Path(id): Path<String>, form: Form<view::DecideInput>) -> Result<Response> {
    let guard = inventory::stock_guard();
    let decided = async {
        let decision: VerificationDecision =
            form.input.decision.parse().map_err(|invalid: kernel::Invalid| invalid.at("decision"))?;
        let input = DecideVerification { decision, notes: form.input.notes.clone() };
        let decide = async |tx: &mut Tx| service::decide(tx, &visitor.actor, guard.as_ref(), &id, &input).await;
        visitor.change(form.key.as_ref(), decide).await
    };
    match decided.await {
        Ok(after) if after.master_updated => Ok(done("/quality", "Decided: the item took over what was measured.")),
        Ok(_) => Ok(done("/quality", "Decided: the master data stays.")),
        Err(error) => {
            let page = verification_page(&visitor, &id, form.input).await?;
            refuse(error, |errors| view::DecidePage { errors, ..page })
        }
    }
}

async fn failure_page(visitor: &Visitor, id: &str, input: view::FailureInput) -> Result<view::FailurePage> {
    let actor = &visitor.actor;
    let found = visitor.app.db.read(actor.tenant(), async |connection| service::failure(connection, actor, id).await).await?;
    let item = found.material_id.zip(found.material_code.as_deref());
    Ok(view::FailurePage {
        page: visitor.page("Goods that found no place"),
        item_href: item.map(|(id, code)| items::href(kernel::ItemId(id), code)),
        can_resolve: !found.resolved && visitor.may(QUALITY_WRITE),
        failure: found,
        input,
        errors: Errors::none(),
    })
}

async fn failure(visitor: Visitor, Path(id): Path<String>) -> Result<Response> {
    show(&failure_page(&visitor, &id, view::FailureInput::default()).await?)
}

async fn resolve(visitor: Visitor, Path(id): Path<String>, form: Form<view::FailureInput>) -> Result<Response> {
    let switches = visitor.app.config.switches();
    let resolved = async {
        let resolution: FailureResolution =
            form.input.resolution.parse().map_err(|invalid: kernel::Invalid| invalid.at("resolution"))?;
        let input = ResolveFailure { resolution, notes: form.input.notes.clone() };
        let resolve = async |tx: &mut Tx| service::resolve(tx, &visitor.actor, &switches, &id, &input).await;
        visitor.change(form.key.as_ref(), resolve).await
    };
    match resolved.await {
        Ok(after) => Ok(done(
            "/quality",
            match after.fits_now {
                Some(true) => "Resolved; the goods would find a place now.",
                Some(false) => "Resolved, although the goods would still find no place.",
                None => "Resolved.",
            },
        )),
        Err(error) => {
            let page = failure_page(&visitor, &id, form.input).await?;
            refuse(error, |errors| view::FailurePage { errors, ..page })
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Nothing {}

/// To the recommended location; another one is for those who look at the shelf, by the API.
async fn relocate(visitor: Visitor, Path(id): Path<String>, form: Form<Nothing>) -> Result<Response> {
    let Nothing {} = form.input;
    let input = Relocate::default();
    let moved = visitor.change(form.key.as_ref(), async |tx| service::relocate(tx, &visitor.actor, &id, &input).await);
    match moved.await {
        Ok(after) => {
            let place = after.relocated_to_code.as_deref().unwrap_or_default();
            Ok(done("/quality", &format!("{} {} went to {place}.", after.quantity, after.material_code)))
        }
        Err(error) if error.code.status() < 500 => Ok(failed("/quality", &error)),
        Err(error) => Err::<_, Error>(error),
    }
}
