//! Orders of customers: writing, releasing to picking, shipping.

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::NaiveDateTime;
use platform::database::Tx;
use platform::http::{Access, Api, Paging, Path, Query};
use platform::{Error, Result};
use warehouse::{
    CancelOrder, FacilityFilter, LocationFilter, LocationType, NewOrder, NewOrderLine, ORDERS_WRITE, OrderDto, OrderFilter,
    OrderState, PickListFilter, ReleaseOrder, WAREHOUSE_READ, facilities, locations, orders, picks,
};

use super::items::largest_page;
use super::picking::pick_list_row;
use super::typed::{self, given};
use super::visitor::{Form, Visitor, done, failed, refuse, segment, show};
use crate::view::{self, Choice, Errors};

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/orders", Access::Needs(WAREHOUSE_READ), get(list))
        .page(Method::POST, "/orders", Access::Needs(ORDERS_WRITE), post(create))
        .page(Method::GET, "/orders/new", Access::Needs(ORDERS_WRITE), get(new))
        .page(Method::GET, "/orders/{order}", Access::Needs(WAREHOUSE_READ), get(one))
        .page(Method::POST, "/orders/{order}/open", Access::Needs(ORDERS_WRITE), post(open))
        .page(Method::POST, "/orders/{order}/release", Access::Needs(ORDERS_WRITE), post(release))
        .page(Method::POST, "/orders/{order}/ship", Access::Needs(ORDERS_WRITE), post(ship))
        .page(Method::POST, "/orders/{order}/cancel", Access::Needs(ORDERS_WRITE), post(cancel))
}

fn address(reference: &str) -> String {
    format!("/orders/{}", segment(reference))
}

/// By code, except where a browser would take it for a part of the path.
pub(super) fn order_href(code: &str, id: &uuid::Uuid) -> String {
    if matches!(code, "." | "..") { address(&id.to_string()) } else { address(code) }
}

fn href(order: &OrderDto) -> String {
    order_href(&order.code, &order.order_id)
}

fn share(order: &OrderDto) -> f64 {
    if order.lines_total == 0 { 0.0 } else { order.lines_picked as f64 * 100.0 / order.lines_total as f64 }
}

fn is_late(visitor: &Visitor, order: &OrderDto) -> bool {
    let is_over = matches!(order.state, OrderState::Shipped | OrderState::Cancelled);
    !is_over && order.due_at.is_some_and(|due| due < visitor.app.env.now())
}

/// The active facilities to choose from.
pub(super) async fn facility_choices(visitor: &Visitor) -> Result<Vec<Choice>> {
    let actor = &visitor.actor;
    let filter = FacilityFilter { active: Some(true), ..FacilityFilter::default() };
    let read = async |connection: &mut _| facilities::list(connection, actor, &filter, &largest_page()).await;
    let found = visitor.app.db.read(actor.tenant(), read).await?;
    Ok(found.items.iter().map(|facility| Choice::new(&facility.code, &facility.name)).collect())
}

async fn list(visitor: Visitor, Query(filter): Query<view::OrderListFilter>, Query(paging): Query<Paging>) -> Result<Response> {
    let actor = &visitor.actor;
    let (state, unfinished) = match filter.state.as_str() {
        "" => (None, Some(true)),
        "ALL" => (None, None),
        word => (Some(word.parse::<OrderState>().map_err(|invalid| invalid.at("state"))?), None),
    };
    let wanted = OrderFilter {
        facility: typed::wanted(&filter.facility),
        state,
        item: typed::wanted(&filter.item),
        q: typed::wanted(&filter.q),
        unfinished,
        ..OrderFilter::default()
    };
    let request = paging.into();
    let read = async |connection: &mut _| orders::list(connection, actor, &wanted, &request).await;
    let found = visitor.app.db.read(actor.tenant(), read).await?;
    let row = |order: OrderDto| view::OrderListRow {
        href: href(&order),
        picked_percent: share(&order),
        is_late: is_late(&visitor, &order),
        order,
    };
    show(&view::OrderList {
        page: visitor.page("Orders"),
        facilities: facility_choices(&visitor).await?,
        pager: visitor.pager(found.next_cursor.as_ref()),
        orders: found.items.into_iter().map(row).collect(),
        filter,
        can_write: visitor.may(ORDERS_WRITE),
    })
}

async fn new(visitor: Visitor) -> Result<Response> {
    let facilities = facility_choices(&visitor).await?;
    show(&view::OrderForm {
        page: visitor.page("New order"),
        facilities,
        input: view::OrderInput::default(),
        errors: Errors::none(),
    })
}

/// What a browser's input for a moment sends, with or without seconds; taken as UTC.
fn moment(text: &str) -> Result<Option<chrono::DateTime<chrono::Utc>>> {
    let Some(text) = given(text) else { return Ok(None) };
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let read = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let at = read.ok_or_else(|| Error::field("due_at", "must be a time such as 2027-06-01T08:00"))?;
    Ok(Some(at.and_utc()))
}

async fn create(visitor: Visitor, form: Form<view::OrderInput>) -> Result<Response> {
    let input = &form.input;
    // Rows in which nothing stands are no lines; the others are told under their own number.
    let is_filled = |row: &view::OrderLineInput| given(&row.item).or(given(&row.quantity)).is_some();
    let rows: Vec<(usize, &view::OrderLineInput)> = input.lines.iter().enumerate().filter(|(_, row)| is_filled(row)).collect();
    let line = |(_, row): &(usize, &view::OrderLineInput)| NewOrderLine {
        item: row.item.clone(),
        quantity: row.quantity.trim().to_owned(),
        unit: typed::wanted(&row.unit),
    };
    let order = moment(&input.due_at).map(|due_at| NewOrder {
        facility: input.facility.clone(),
        code: typed::wanted(&input.code),
        customer: typed::wanted(&input.customer),
        due_at,
        urgent: input.urgent,
        draft: input.draft,
        lines: rows.iter().map(line).collect(),
    });
    let made = match order {
        Err(error) => Err(error),
        Ok(order) if order.lines.is_empty() => {
            Err(Error::field("lines[0].item", "must say what is wanted, on one line at least"))
        }
        Ok(order) => visitor.change(form.key.as_ref(), async |tx| orders::create(tx, &visitor.actor, &order).await).await,
    };
    match made {
        Ok(order) => Ok(done(&href(&order), "The order is written.")),
        Err(error) => {
            let places: Vec<usize> = rows.iter().map(|(place, _)| *place).collect();
            let error = as_in_the_form(error, &places);
            let (page, facilities) = (visitor.page("New order"), facility_choices(&visitor).await?);
            refuse(error, |errors| view::OrderForm { page, facilities, input: form.input, errors })
        }
    }
}

/// `places` says which row of the form each line of the call came from.
fn as_in_the_form(mut error: Error, places: &[usize]) -> Error {
    for fault in &mut error.fields {
        let line = fault.field.strip_prefix("lines[").and_then(|rest| rest.split_once("]."));
        let Some((index, field)) = line.and_then(|(index, field)| Some((index.parse::<usize>().ok()?, field))) else { continue };
        if let Some(place) = places.get(index) {
            fault.field = format!("lines[{place}].{field}");
        }
    }
    error
}

async fn one(visitor: Visitor, Path(reference): Path<String>) -> Result<Response> {
    let actor = &visitor.actor;
    let read = async |connection: &mut _| {
        let order = orders::get(connection, actor, &reference).await?;
        let filter = PickListFilter { order: Some(order.order_id.to_string()), ..PickListFilter::default() };
        let lists = picks::list(connection, actor, &filter, &largest_page()).await?.items;
        let mut staging = Vec::new();
        for kind in [LocationType::Staging, LocationType::Packing] {
            let filter = LocationFilter {
                facility: Some(order.facility_id.to_string()),
                kind: Some(kind),
                active: Some(true),
                available: Some(true),
                ..LocationFilter::default()
            };
            staging.extend(locations::list(connection, actor, &filter, &largest_page()).await?.items);
        }
        Ok((order, lists, staging))
    };
    let (order, lists, staging) = visitor.app.db.read(actor.tenant(), read).await?;
    show(&view::OrderPage {
        page: visitor.page(&order.code),
        href: href(&order),
        picked_percent: share(&order),
        is_late: is_late(&visitor, &order),
        order,
        pick_lists: lists.into_iter().map(pick_list_row).collect(),
        staging: staging.iter().map(|place| Choice::new(&place.fields.code, &place.fields.code)).collect(),
        can_write: visitor.may(ORDERS_WRITE),
    })
}

fn ended(reference: &str, outcome: Result<OrderDto>, text: &str) -> Result<Response> {
    match outcome {
        Ok(order) => Ok(done(&href(&order), text)),
        Err(error) if error.code.status() < 500 => Ok(failed(&address(reference), &error)),
        Err(error) => Err(error),
    }
}

async fn open(visitor: Visitor, Path(reference): Path<String>, form: Form<view::OrderActInput>) -> Result<Response> {
    let work = async |tx: &mut Tx| orders::open(tx, &visitor.actor, &reference).await;
    ended(&reference, visitor.change(form.key.as_ref(), work).await, "The order may be released now.")
}

async fn release(visitor: Visitor, Path(reference): Path<String>, form: Form<view::OrderActInput>) -> Result<Response> {
    let input = ReleaseOrder { to: typed::wanted(&form.input.to), whole: false };
    let work = async |tx: &mut Tx| picks::release(tx, &visitor.actor, &reference, &input).await;
    match visitor.change(form.key.as_ref(), work).await {
        Ok(released) => {
            let text = match released.order.lines_uncovered {
                0 => "Everything is on the pick list.",
                _ => "The pick list holds what there is; the order's lines say what is lacking.",
            };
            Ok(done(&super::picking::href(&released.pick_list), text))
        }
        Err(error) if error.code.status() < 500 => Ok(failed(&address(&reference), &error)),
        Err(error) => Err(error),
    }
}

async fn ship(visitor: Visitor, Path(reference): Path<String>, form: Form<view::OrderActInput>) -> Result<Response> {
    let work = async |tx: &mut Tx| orders::ship(tx, &visitor.actor, &reference).await;
    ended(&reference, visitor.change(form.key.as_ref(), work).await, "The order has left.")
}

async fn cancel(visitor: Visitor, Path(reference): Path<String>, form: Form<view::OrderActInput>) -> Result<Response> {
    let input = CancelOrder { reason: typed::wanted(&form.input.reason) };
    let work = async |tx: &mut Tx| orders::cancel(tx, &visitor.actor, &reference, &input).await;
    ended(&reference, visitor.change(form.key.as_ref(), work).await, "The order is cancelled; what was bound for it is free.")
}
