//! Transfers between facilities: ordering, shipping, receiving, and what is between.

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use platform::database::Tx;
use platform::http::{Access, Api, Paging, Path, Query};
use platform::{Error, Result};
use uuid::Uuid;
use warehouse::{
    CancelTransfer, CloseTransfer, FacilityFilter, LocationFilter, LocationType, NewTransfer, NewTransferLine, ReceiveTransfer,
    ReceiveTransferLine, ShipLine, ShipTransfer, TRANSFER, TransferDto, TransferFilter, TransferState, TransitFilter,
    WAREHOUSE_READ, facilities, locations, transfers,
};

use super::items::largest_page;
use super::typed::{self, given};
use super::visitor::{Form, Visitor, done, failed, refuse, segment, show};
use crate::view::{self, Choice, Errors};

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/transfers", Access::Needs(WAREHOUSE_READ), get(list))
        .page(Method::POST, "/transfers", Access::Needs(TRANSFER), post(create))
        .page(Method::GET, "/transfers/new", Access::Needs(TRANSFER), get(new))
        .page(Method::GET, "/transfers/{transfer}", Access::Needs(WAREHOUSE_READ), get(one))
        .page(Method::POST, "/transfers/{transfer}", Access::Needs(TRANSFER), post(move_goods))
        .page(Method::POST, "/transfers/{transfer}/request", Access::Needs(TRANSFER), post(request))
        .page(Method::POST, "/transfers/{transfer}/close", Access::Needs(TRANSFER), post(close))
        .page(Method::POST, "/transfers/{transfer}/cancel", Access::Needs(TRANSFER), post(cancel))
}

fn address(reference: &str) -> String {
    format!("/transfers/{}", segment(reference))
}

fn href(transfer: &TransferDto) -> String {
    match transfer.code.as_str() {
        "." | ".." => address(&transfer.transfer_id.to_string()),
        code => address(code),
    }
}

fn share(transfer: &TransferDto) -> f64 {
    if transfer.lines_total == 0 { 0.0 } else { transfer.lines_received as f64 * 100.0 / transfer.lines_total as f64 }
}

async fn choices(visitor: &Visitor) -> Result<Vec<Choice>> {
    let actor = &visitor.actor;
    let filter = FacilityFilter { active: Some(true), ..FacilityFilter::default() };
    let read = async |connection: &mut _| facilities::list(connection, actor, &filter, &largest_page()).await;
    let found = visitor.app.db.read(actor.tenant(), read).await?;
    Ok(found.items.iter().map(|facility| Choice::new(&facility.code, &facility.name)).collect())
}

async fn list(
    visitor: Visitor,
    Query(filter): Query<view::TransferListFilter>,
    Query(paging): Query<Paging>,
) -> Result<Response> {
    let actor = &visitor.actor;
    let (state, unfinished) = match filter.state.as_str() {
        "" => (None, Some(true)),
        "ALL" => (None, None),
        word => (Some(word.parse::<TransferState>().map_err(|invalid| invalid.at("state"))?), None),
    };
    let (item, facility) = (typed::wanted(&filter.item), typed::wanted(&filter.facility));
    let wanted =
        TransferFilter { facility: facility.clone(), state, item: item.clone(), q: typed::wanted(&filter.q), unfinished };
    let request = paging.into();
    let read = async |connection: &mut _| {
        let found = transfers::list(connection, actor, &wanted, &request).await?;
        let travelling = match item {
            Some(_) => transfers::in_transit(connection, actor, &TransitFilter { item, facility }, &largest_page()).await?.items,
            None => Vec::new(),
        };
        Ok((found, travelling))
    };
    let (found, in_transit) = visitor.app.db.read(actor.tenant(), read).await?;
    let row = |transfer: TransferDto| view::TransferRow { href: href(&transfer), received_percent: share(&transfer), transfer };
    show(&view::TransferList {
        page: visitor.page("Transfers"),
        facilities: choices(&visitor).await?,
        pager: visitor.pager(found.next_cursor.as_ref()),
        transfers: found.items.into_iter().map(row).collect(),
        in_transit,
        filter,
        can_transfer: visitor.may(TRANSFER),
    })
}

async fn new(visitor: Visitor) -> Result<Response> {
    let facilities = choices(&visitor).await?;
    let to = facilities.get(1).map(|choice| choice.value.clone()).unwrap_or_default();
    let input = view::TransferInput { request: true, to, ..view::TransferInput::default() };
    show(&view::TransferForm { page: visitor.page("New transfer"), facilities, input, errors: Errors::none() })
}

async fn create(visitor: Visitor, form: Form<view::TransferInput>) -> Result<Response> {
    let input = &form.input;
    // Rows in which nothing stands are no lines; the others are told under their own number.
    let is_filled = |row: &view::TransferLineInput| given(&row.item).or(given(&row.quantity)).or(given(&row.lot)).is_some();
    let rows: Vec<(usize, &view::TransferLineInput)> = input.lines.iter().enumerate().filter(|(_, row)| is_filled(row)).collect();
    let line = |(_, row): &(usize, &view::TransferLineInput)| NewTransferLine {
        item: row.item.clone(),
        lot_number: typed::wanted(&row.lot),
        quantity: row.quantity.trim().to_owned(),
        unit: None,
    };
    let order = NewTransfer {
        from: input.from.clone(),
        to: input.to.clone(),
        code: typed::wanted(&input.code),
        reference: typed::wanted(&input.reference),
        request: input.request,
        lines: rows.iter().map(line).collect(),
    };
    let made = match order.lines.is_empty() {
        true => Err(Error::field("lines[0].item", "must say what to send, on one line at least")),
        false => visitor.change(form.key.as_ref(), async |tx| transfers::create(tx, &visitor.actor, &order).await).await,
    };
    match made {
        Ok(transfer) => Ok(done(&href(&transfer), "The transfer is ordered.")),
        Err(error) => {
            let places: Vec<usize> = rows.iter().map(|(place, _)| *place).collect();
            let error = as_in_the_form(error, &places);
            let (page, facilities) = (visitor.page("New transfer"), choices(&visitor).await?);
            refuse(error, |errors| view::TransferForm { page, facilities, input: form.input, errors })
        }
    }
}

/// `places` says which row of the form each line of the call came from.
fn as_in_the_form(mut error: Error, places: &[usize]) -> Error {
    for fault in &mut error.fields {
        let line = fault.field.strip_prefix("lines[").and_then(|rest| rest.split_once("]."));
        let Some((index, field)) = line.and_then(|(index, field)| Some((index.parse::<usize>().ok()?, field))) else { continue };
        let field = if field == "lot_number" { "lot" } else { field };
        if let Some(place) = places.get(index) {
            fault.field = format!("lines[{place}].{field}");
        }
    }
    error
}

struct Facts {
    transfer: TransferDto,
    docks: Vec<Choice>,
}

async fn facts(visitor: &Visitor, reference: &str) -> Result<Facts> {
    let actor = &visitor.actor;
    let read = async |connection: &mut _| {
        let transfer = transfers::get(connection, actor, reference).await?;
        let filter = LocationFilter {
            facility: Some(transfer.to_facility_id.to_string()),
            kind: Some(LocationType::Receiving),
            active: Some(true),
            available: Some(true),
            ..LocationFilter::default()
        };
        let docks = locations::list(connection, actor, &filter, &largest_page()).await?.items;
        let docks = docks.iter().map(|dock| Choice::new(&dock.fields.code, &dock.fields.code)).collect();
        Ok(Facts { transfer, docks })
    };
    visitor.app.db.read(actor.tenant(), read).await
}

fn page_of(visitor: &Visitor, facts: Facts, mut input: view::TransferMoveInput, errors: Errors) -> view::TransferPage {
    let Facts { transfer, docks } = facts;
    let mut typed: std::collections::HashMap<String, view::TransferMoveLine> =
        std::mem::take(&mut input.lines).into_iter().map(|row| (row.line_id.clone(), row)).collect();
    let row = |line: &warehouse::TransferLineDto| {
        let line_id = line.line_id.to_string();
        typed.remove(&line_id).unwrap_or_else(|| view::TransferMoveLine { line_id, ..view::TransferMoveLine::default() })
    };
    input.lines = transfer.lines.iter().flatten().map(row).collect();
    view::TransferPage {
        page: visitor.page(&transfer.code),
        href: href(&transfer),
        received_percent: share(&transfer),
        transfer,
        receiving_locations: docks,
        input,
        errors,
        can_transfer: visitor.may(TRANSFER),
    }
}

async fn one(visitor: Visitor, Path(reference): Path<String>) -> Result<Response> {
    let facts = facts(&visitor, &reference).await?;
    show(&page_of(&visitor, facts, view::TransferMoveInput::default(), Errors::none()))
}

async fn move_goods(visitor: Visitor, Path(reference): Path<String>, form: Form<view::TransferMoveInput>) -> Result<Response> {
    let (input, actor) = (&form.input, &visitor.actor);
    let ships = input.action.starts_with("ship");
    let figure = |row: &view::TransferMoveLine| if ships { row.ship.clone() } else { row.receive.clone() };
    let rows: Vec<(usize, &view::TransferMoveLine)> =
        input.lines.iter().enumerate().filter(|(_, row)| given(&figure(row)).is_some()).collect();
    let places: Vec<usize> = rows.iter().map(|(place, _)| *place).collect();
    let all = input.action.ends_with("-all");
    if rows.is_empty() && !all {
        let error = Error::field(
            format!("lines[0].{}", if ships { "ship" } else { "receive" }),
            "must say how much, on one line at least",
        );
        let facts = facts(&visitor, &reference).await?;
        return refuse(error, |errors| page_of(&visitor, facts, form.input, errors));
    }
    let id = |row: &view::TransferMoveLine| Some(Uuid::parse_str(&row.line_id).unwrap_or_default());
    let ship = ShipTransfer {
        ship_all: all,
        lines: rows
            .iter()
            .filter(|_| !all)
            .map(|(_, row)| ShipLine {
                line_id: id(row),
                quantity: row.ship.trim().to_owned(),
                lot_number: typed::wanted(&row.lot),
                from: typed::wanted(&row.from),
                ..ShipLine::default()
            })
            .collect(),
    };
    let receive = ReceiveTransfer {
        location: typed::wanted(&input.location),
        receive_all: all,
        lines: rows
            .iter()
            .filter(|_| !all)
            .map(|(_, row)| ReceiveTransferLine {
                line_id: id(row),
                quantity: row.receive.trim().to_owned(),
                lot_number: typed::wanted(&row.lot),
                ..ReceiveTransferLine::default()
            })
            .collect(),
    };
    let work = async |tx: &mut Tx| match ships {
        true => transfers::ship(tx, actor, &reference, &ship).await,
        false => transfers::receive(tx, actor, &reference, &receive).await,
    };
    match visitor.change(form.key.as_ref(), work).await {
        Ok(transfer) => Ok(done(&href(&transfer), if ships { "The goods are on their way." } else { "The goods have arrived." })),
        Err(error) => {
            let mut error = as_in_the_form(error, &places);
            for fault in &mut error.fields {
                fault.field = fault.field.replace(".quantity", if ships { ".ship" } else { ".receive" });
            }
            let facts = facts(&visitor, &reference).await?;
            refuse(error, |errors| page_of(&visitor, facts, form.input, errors))
        }
    }
}

fn ended(reference: &str, outcome: Result<TransferDto>, text: &str) -> Result<Response> {
    match outcome {
        Ok(transfer) => Ok(done(&href(&transfer), text)),
        Err(error) if error.code.status() < 500 => Ok(failed(&address(reference), &error)),
        Err(error) => Err(error),
    }
}

async fn request(visitor: Visitor, Path(reference): Path<String>, form: Form<view::TransferEndInput>) -> Result<Response> {
    let work = async |tx: &mut Tx| transfers::request(tx, &visitor.actor, &reference).await;
    ended(&reference, visitor.change(form.key.as_ref(), work).await, "The source may ship now.")
}

async fn close(visitor: Visitor, Path(reference): Path<String>, form: Form<view::TransferEndInput>) -> Result<Response> {
    let input = CloseTransfer { reason: typed::wanted(&form.input.reason) };
    let work = async |tx: &mut Tx| transfers::close(tx, &visitor.actor, &reference, &input).await;
    ended(&reference, visitor.change(form.key.as_ref(), work).await, "The transfer is closed.")
}

async fn cancel(visitor: Visitor, Path(reference): Path<String>, form: Form<view::TransferEndInput>) -> Result<Response> {
    let input = CancelTransfer { reason: typed::wanted(&form.input.reason), location: None };
    let work = async |tx: &mut Tx| transfers::cancel(tx, &visitor.actor, &reference, &input).await;
    ended(&reference, visitor.change(form.key.as_ref(), work).await, "The transfer is cancelled; its goods are back.")
}
