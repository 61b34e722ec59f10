//! Promises of goods: what is promised to whom, and how it ends.

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::NaiveDate;
use inventory::reservation::service::{self as reservations, STOCK_RESERVE};
use inventory::reservation::{
    FulfilReservation, HardenReservation, NewReservation, ReleaseReservation, Reservation, ReservationDto, ReservationView,
};
use inventory::{NumberText, STOCK_READ};
use kernel::{FieldError, ReservationId};
use platform::http::{Access, Api, Paging, Path, Query};
use platform::{Error, Result};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use uuid::Uuid;
use warehouse::FacilityFilter;

use super::typed::{given, wanted};
use super::visitor::{Form, Visitor, done, refuse, show};
use super::{items, locations};
use crate::view::{self, Choice, Errors, PartInput, ReservationInput, ReservationRow};

/// Days that the page of an item shows.
const DAYS: usize = 30;

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/reservations", Access::Needs(STOCK_READ), get(list))
        .page(Method::POST, "/reservations", Access::Needs(STOCK_RESERVE), post(create))
        .page(Method::GET, "/reservations/new", Access::Needs(STOCK_RESERVE), get(new))
        .page(Method::GET, "/reservations/{id}", Access::Needs(STOCK_READ), get(one))
        .page(Method::POST, "/reservations/{id}", Access::Needs(STOCK_RESERVE), post(end))
}

pub fn href(id: ReservationId) -> String {
    format!("/reservations/{id}")
}

async fn list(visitor: Visitor, Query(filter): Query<view::ReservationFilter>, Query(paging): Query<Paging>) -> Result<Response> {
    let actor = &visitor.actor;
    let (state, open) = match filter.state.as_str() {
        "" => (None, Some(true)),
        "ALL" => (None, None),
        word => (Some(word.parse().map_err(|invalid: kernel::Invalid| invalid.at("state"))?), None),
    };
    let narrowed = reservations::ReservationFilter {
        item: wanted(&filter.item),
        state,
        reference: wanted(&filter.reference),
        facility: None,
        open,
    };
    let request = paging.into();
    let read = async |connection: &mut _| reservations::reservations(connection, actor, &narrowed, &request).await;
    let found = visitor.app.db.read(actor.tenant(), read).await?;
    show(&view::ReservationList {
        page: visitor.page("Reservations"),
        pager: visitor.pager(found.next_cursor.as_ref()),
        reservations: found.items.iter().map(row).collect(),
        filter,
        can_reserve: visitor.may(STOCK_RESERVE),
    })
}

fn row(ReservationView { reservation, item, .. }: &ReservationView) -> ReservationRow {
    let Reservation { quantity, open, fulfilled, shortage, .. } = *reservation;
    ReservationRow {
        href: href(reservation.reservation_id),
        item: item.code.clone(),
        item_name: item.name.clone(),
        unit: item.base_unit.clone(),
        reference: reservation.reference.clone(),
        kind: reservation.kind.to_string(),
        state: reservation.state.to_string(),
        quantity: quantity.decimal(),
        open: open.decimal(),
        fulfilled: fulfilled.decimal(),
        shortage: shortage.decimal(),
        fulfilled_percent: percent(fulfilled.decimal(), quantity.decimal()),
        expires_at: reservation.expires_at,
        created_at: reservation.created_at,
    }
}

fn percent(part: Decimal, whole: Decimal) -> f64 {
    if whole <= Decimal::ZERO { 0.0 } else { (part * Decimal::from(100) / whole).to_f64().unwrap_or(0.0).max(0.0) }
}

async fn load(visitor: &Visitor, id: Uuid) -> Result<ReservationView> {
    let actor = &visitor.actor;
    let read = async |connection: &mut _| reservations::reservation(connection, actor, ReservationId(id)).await;
    visitor.app.db.read(actor.tenant(), read).await
}

async fn one(visitor: Visitor, Path(id): Path<Uuid>) -> Result<Response> {
    let found = load(&visitor, id).await?;
    show(&page_of(&visitor, &found, PartInput::default(), Errors::none()))
}

fn page_of(visitor: &Visitor, found: &ReservationView, input: PartInput, errors: Errors) -> view::ReservationPage {
    let one = &found.reservation;
    let title = if one.reference.is_empty() { &found.item.code } else { &one.reference };
    let allocation = |one: &inventory::reservation::Allocation| view::AllocationRow {
        location_href: locations::href(&one.facility_code, &one.location_code),
        facility: one.facility_code.clone(),
        location: one.location_code.clone(),
        lot: one.lot_number.clone(),
        quantity: one.quantity.decimal(),
    };
    view::ReservationPage {
        page: visitor.page(format!("Reservation {title}")),
        href: href(one.reservation_id),
        reservation: row(found),
        item_href: items::href(one.item_id, &found.item.code),
        facility: found.facility_code.clone(),
        strategy: one.strategy.to_string(),
        priority: one.priority,
        released: one.released.decimal(),
        needed_at: one.needed_at,
        updated_at: one.updated_at,
        allocations: found.allocations.iter().map(allocation).collect(),
        input,
        errors,
        can_reserve: visitor.may(STOCK_RESERVE),
    }
}

/// Ends all or a part of it, or hardens it, as the pressed button says.
async fn end(visitor: Visitor, Path(id): Path<Uuid>, form: Form<PartInput>) -> Result<Response> {
    let input = form.input;
    let quantity = given(&input.quantity).map(|text| NumberText(text.to_owned()));
    let (actor, wanted) = (&visitor.actor, ReservationId(id));
    let changed = visitor.change(form.key.as_ref(), async |tx| {
        let after = match input.action.as_str() {
            "fulfil" => {
                let input = FulfilReservation { quantity: quantity.clone(), reference: None };
                reservations::fulfil(tx, actor, wanted, &input).await?.0
            }
            "release" => reservations::release(tx, actor, wanted, &ReleaseReservation { quantity: quantity.clone() }).await?,
            "harden" => reservations::harden(tx, actor, wanted, &HardenReservation::default()).await?,
            _ => return Err(Error::field("action", "must be fulfil, release or harden")),
        };
        Ok(ReservationDto::from(after))
    });
    match changed.await {
        Ok(_) => {
            let text = match input.action.as_str() {
                "fulfil" => "The goods are issued.",
                "release" => "The goods are free again.",
                _ => "The goods are bound.",
            };
            Ok(done(&href(wanted), text))
        }
        Err(error) => {
            let found = load(&visitor, id).await?;
            refuse(error, |errors| page_of(&visitor, &found, input, errors))
        }
    }
}

async fn form_for(visitor: &Visitor, input: ReservationInput, errors: Errors) -> Result<view::ReservationForm> {
    let actor = &visitor.actor;
    let active = FacilityFilter { active: Some(true), ..FacilityFilter::default() };
    let read = async |connection: &mut _| warehouse::facilities::list(connection, actor, &active, &items::largest_page()).await;
    let facilities = visitor.app.db.read(actor.tenant(), read).await?;
    Ok(view::ReservationForm {
        page: visitor.page("New reservation"),
        facilities: facilities.items.into_iter().map(|facility| Choice::new(facility.code, facility.name)).collect(),
        input,
        errors,
    })
}

/// The query may fill the form: `?item=A-1`.
async fn new(visitor: Visitor, Query(input): Query<ReservationInput>) -> Result<Response> {
    show(&form_for(&visitor, input, Errors::none()).await?)
}

async fn create(visitor: Visitor, form: Form<ReservationInput>) -> Result<Response> {
    let input = form.input;
    let reserved = async {
        let request = request(&input)?;
        let reserve = async |tx: &mut platform::database::Tx| {
            warehouse::promises::reserve(tx, &visitor.actor, &request).await.map(ReservationDto::from)
        };
        visitor.change(form.key.as_ref(), reserve).await
    };
    match reserved.await {
        Ok(made) => Ok(done(&href(ReservationId(made.reservation_id)), "The goods are promised.")),
        Err(error) => {
            let fields = error.fields.into_iter().map(beside_input).collect();
            let view = form_for(&visitor, input, Errors::none()).await?;
            refuse(Error { fields, ..error }, |errors| view::ReservationForm { errors, ..view })
        }
    }
}

fn beside_input(mut fault: FieldError) -> FieldError {
    fault.field = match fault.field.as_str() {
        "needed_at" => "needed_on".into(),
        "expires_in_seconds" | "expires_at" => "expires_in".into(),
        _ => fault.field,
    };
    fault
}

fn request(input: &ReservationInput) -> Result<NewReservation> {
    let mut faults = Vec::new();
    let expires_in_seconds = given(&input.expires_in).and_then(|text| {
        text.parse().map_err(|_| faults.push(FieldError::new("expires_in", "must be a number of seconds"))).ok()
    });
    let needed_at = given(&input.needed_on).and_then(|text| {
        let day = text.parse::<NaiveDate>();
        day.map_err(|_| faults.push(FieldError::new("needed_on", "must be a date such as 2027-03-31"))).ok()
    });
    if !faults.is_empty() {
        return Err(Error::invalid(faults));
    }
    let is_hard = input.kind != "SOFT";
    let of_hard = |text: &str| wanted(text).filter(|_| is_hard);
    Ok(NewReservation {
        kind: wanted(&input.kind),
        item: input.item.clone(),
        quantity: NumberText(input.quantity.clone()),
        unit: wanted(&input.unit),
        facility: wanted(&input.facility),
        location: of_hard(&input.location),
        lot: of_hard(&input.lot),
        strategy: wanted(&input.strategy),
        near: wanted(&input.near).filter(|_| input.strategy == "NEAREST"),
        allow_partial: input.allow_partial,
        expires_at: None,
        expires_in_seconds,
        needed_at: needed_at.map(|day| format!("{day}T00:00:00Z")),
        reference: wanted(&input.reference),
        priority: None,
    })
}

/// What the page of an item says of promises.
pub fn promise_of(promise: &warehouse::Promise) -> view::ItemPromise {
    let rows = &promise.availability.timeline;
    let most = rows.iter().map(|row| row.available_to_promise.decimal()).max().unwrap_or_default();
    let day = |row: &inventory::reservation::TimelineRow| view::PromiseDay {
        date: row.date,
        receipts: row.receipts.decimal(),
        commitments: row.commitments.decimal(),
        projected: row.projected.decimal(),
        available_to_promise: row.available_to_promise.decimal(),
        percent: percent(row.available_to_promise.decimal(), most),
    };
    view::ItemPromise {
        available_to_promise: promise.availability.promise_now.decimal(),
        reserved_soft: promise.availability.supply.reserved_soft().decimal(),
        overdue: promise.overdue.decimal(),
        undated: promise.undated.decimal(),
        days: rows.iter().take(DAYS).map(day).collect(),
        reservations_href: format!("/reservations?item={}", super::visitor::segment(&promise.availability.item.code)),
    }
}
