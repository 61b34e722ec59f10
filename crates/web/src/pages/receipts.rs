//! Deliveries: what is expected, what arrived, and goods that nobody announced.

mod blind;

use std::collections::HashMap;

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use catalog::Item;
use chrono::NaiveDate;
use inventory::QualityStatus;
use kernel::{FieldError, ItemId, Quantity, ReceiptId};
use platform::http::{Access, Api, Paging, Path, Query};
use platform::{Error, Result};
use serde::Deserialize;
use warehouse::{
    CrossDockOpportunity, Facility, FacilityFilter, Location, LocationFilter, LocationType, PUTAWAY, RECEIVE, Receipt,
    ReceiptFilter, ReceiptLine, ReceiptState, ReceiptSummary, Receive, ReceiveLine, WAREHOUSE_READ, facilities, locations,
    putaways, receipts,
};

use super::items::{self, largest_page};
use super::putaway;
use super::typed::{self, Typed, given, listed, unnumbered};
use super::visitor::{Form, Visitor, done, failed, redirect, refuse, segment, sentence, show};
use crate::view::{self, Choice, Errors, FlashKind, LineOutcome};

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/receipts", Access::Needs(WAREHOUSE_READ), get(list))
        .page(Method::POST, "/receipts", Access::Needs(RECEIVE), post(blind::receive_blind))
        .page(Method::GET, "/receipts/new", Access::Needs(RECEIVE), get(blind::new_blind))
        .page(Method::GET, "/receipts/{receipt}", Access::Needs(WAREHOUSE_READ), get(one))
        .page(Method::POST, "/receipts/{receipt}", Access::Needs(RECEIVE), post(receive))
        .page(Method::POST, "/receipts/{receipt}/close", Access::Needs(RECEIVE), post(close))
        .page(Method::POST, "/receipts/{receipt}/cancel", Access::Needs(RECEIVE), post(cancel))
}

/// By the code, unless it would read as another page.
pub fn href(id: ReceiptId, code: &str) -> String {
    match code {
        "new" | "." | ".." => format!("/receipts/{id}"),
        _ => format!("/receipts/{}", segment(code)),
    }
}

async fn list(visitor: Visitor, Query(filter): Query<view::ReceiptFilter>, Query(paging): Query<Paging>) -> Result<Response> {
    let actor = &visitor.actor;
    let wanted = wanted(&filter)?;
    let request = paging.into();
    let (found, facilities) = visitor
        .app
        .db
        .read(actor.tenant(), async |connection| {
            let found = receipts::list(connection, actor, &wanted, &request).await?;
            Ok((found, facilities::list(connection, actor, &FacilityFilter::default(), &largest_page()).await?.items))
        })
        .await?;
    let names: HashMap<&str, &str> = facilities.iter().map(|facility| (facility.code.as_str(), facility.name.as_str())).collect();
    show(&view::ReceiptList {
        page: visitor.page("Receipts"),
        pager: visitor.pager(found.next_cursor.as_ref()),
        receipts: found.items.iter().map(|row| row_of(&visitor, row, &names)).collect(),
        facilities: facilities.iter().map(choice).collect(),
        filter,
        can_receive: visitor.may(RECEIVE),
    })
}

fn wanted(filter: &view::ReceiptFilter) -> Result<ReceiptFilter> {
    let (state, unfinished) = match filter.state.as_str() {
        "" => (None, Some(true)),
        "ALL" => (None, None),
        word => (Some(word.parse::<ReceiptState>().map_err(|invalid| invalid.at("state"))?), None),
    };
    Ok(ReceiptFilter { facility: typed::wanted(&filter.facility), q: typed::wanted(&filter.q), state, unfinished, kind: None })
}

fn choice(facility: &Facility) -> Choice {
    Choice::new(&facility.code, &facility.name)
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

fn row_of(visitor: &Visitor, row: &ReceiptSummary, names: &HashMap<&str, &str>) -> view::ReceiptRow {
    let receipt = &row.receipt;
    let is_unfinished = matches!(receipt.state, ReceiptState::Open | ReceiptState::Receiving);
    let facility = receipt.facility_code.as_str();
    view::ReceiptRow {
        href: href(receipt.receipt_id, &receipt.code),
        code: receipt.code.clone(),
        kind: receipt.kind.to_string(),
        state: receipt.state.to_string(),
        facility: names.get(facility).copied().unwrap_or(facility).to_owned(),
        supplier: receipt.supplier.clone(),
        expected_at: receipt.expected_at,
        is_late: is_unfinished && receipt.expected_at.is_some_and(|at| at < visitor.app.env.now()),
        line_count: row.lines_total.unsigned_abs(),
        received_line_count: row.lines_complete.unsigned_abs(),
        received_percent: share(row.lines_complete as usize, row.lines_total as usize),
    }
}

/// What one receipt's page is made of.
struct Facts {
    receipt: Receipt,
    facility: Facility,
    items: HashMap<ItemId, Item>,
    docks: Vec<Location>,
    to_put_away: usize,
    cross_docks: Vec<CrossDockOpportunity>,
}

async fn load(visitor: &Visitor, reference: &str) -> Result<Facts> {
    let actor = &visitor.actor;
    visitor
        .app
        .db
        .read(actor.tenant(), async |connection| {
            let receipt = receipts::get(connection, actor, reference).await?;
            let facility = facilities::get(connection, actor, &receipt.facility_id.to_string()).await?;
            let ids: Vec<ItemId> = receipt.lines.iter().map(|line| line.item_id).collect();
            let items = catalog::service::items_by_ids(connection, actor.tenant(), &ids).await?;
            let filter = LocationFilter {
                facility: Some(facility.code.clone()),
                kind: Some(LocationType::Receiving),
                active: Some(true),
                available: Some(true),
                ..LocationFilter::default()
            };
            let docks = locations::list(connection, actor, &filter, &largest_page()).await?.items;
            let backlog = putaways::backlog(connection, actor, &facility.code, Some(receipt.receipt_id)).await?;
            let switches = visitor.app.config.switches();
            let of = (None, Some(receipt.code.as_str()));
            let found = putaways::cross_dock_opportunities(connection, actor, &switches, &facility.code, of).await?;
            let (to_put_away, cross_docks) = (backlog.waiting.len(), found.opportunities);
            Ok(Facts { receipt, facility, items, docks, to_put_away, cross_docks })
        })
        .await
}

async fn one(visitor: Visitor, Path(reference): Path<String>) -> Result<Response> {
    let facts = load(&visitor, &reference).await?;
    show(&page_of(&visitor, &facts, view::ReceiveInput::default(), Errors::none()))
}

fn page_of(visitor: &Visitor, facts: &Facts, typed: view::ReceiveInput, errors: Errors) -> view::ReceiptPage {
    let receipt = &facts.receipt;
    let lines: Vec<view::ReceiptLine> = receipt.lines.iter().map(|line| line_of(facts, line)).collect();
    let received = lines.iter().filter(|line| matches!(line.outcome, LineOutcome::Complete | LineOutcome::Over)).count();
    view::ReceiptPage {
        page: visitor.page(&receipt.code),
        href: href(receipt.receipt_id, &receipt.code),
        code: receipt.code.clone(),
        kind: receipt.kind.to_string(),
        state: receipt.state.to_string(),
        facility: choice(&facts.facility),
        supplier: receipt.supplier.clone(),
        expected_at: receipt.expected_at,
        closed_at: receipt.closed_at,
        version: receipt.version,
        received_line_count: received as u64,
        received_percent: share(received, lines.len()),
        cross_docks: facts.cross_docks.iter().map(putaway::cross_dock).collect(),
        to_put_away_count: facts.to_put_away as u64,
        putaway_href: putaway::href(&facts.facility.code),
        receiving_locations: facts.docks.iter().map(|dock| Choice::new(&dock.fields.code, &dock.fields.code)).collect(),
        input: filled(&lines, typed),
        lines,
        errors,
        can_receive: visitor.may(RECEIVE),
        can_put_away: visitor.may(PUTAWAY),
    }
}

/// What was typed, and proposals for the lines that were not in the form: some may be new since it was shown.
fn filled(lines: &[view::ReceiptLine], mut typed: view::ReceiveInput) -> view::ReceiveInput {
    let rows: HashMap<String, _> = std::mem::take(&mut typed.lines).into_iter().map(|row| (row.line_id.clone(), row)).collect();
    let proposed = view::ReceiveInput::proposed(lines).lines;
    let lines = proposed.into_iter().map(|row| rows.get(&row.line_id).cloned().unwrap_or(row)).collect();
    view::ReceiveInput { lines, ..typed }
}

fn line_of(facts: &Facts, line: &ReceiptLine) -> view::ReceiptLine {
    let item = facts.items.get(&line.item_id);
    let (expected, received) = (line.expected.decimal(), line.received.decimal());
    view::ReceiptLine {
        line_id: line.receipt_line_id.to_string(),
        line_no: line.line_no,
        item: line.item_code.clone(),
        item_name: line.item_name.clone(),
        item_href: items::href(line.item_id, &line.item_code),
        unit: line.base_unit.clone(),
        is_lot_tracked: item.is_some_and(|item| item.lot_tracked),
        is_serial_tracked: item.is_some_and(|item| item.serial_tracked),
        has_shelf_life: item.is_some_and(|item| item.shelf_life_days.is_some()),
        outcome: LineOutcome::of(expected, received, facts.receipt.state == ReceiptState::Closed),
        expected,
        received,
        lot: line.lot_number.clone(),
        expires_on: line.expires_on,
    }
}

async fn receive(visitor: Visitor, Path(reference): Path<String>, form: Form<view::ReceiveInput>) -> Result<Response> {
    let received = visitor.change(form.key.as_ref(), async |tx| {
        let receipt = receipts::get(tx, &visitor.actor, &reference).await?;
        let (counted, places) = counted(&receipt, &form.input)?;
        receipts::receive(tx, &visitor.actor, &reference, &counted).await.map_err(|error| as_in_the_form(error, &places))
    });
    match received.await {
        Ok(delivered) => {
            let text = lines_received(delivered.arrived.len());
            let leads_on = form.input.action == "all" && visitor.may(PUTAWAY);
            Ok(if leads_on {
                on_to_putaway(&visitor, &delivered.receipt, &text).await
            } else {
                done(&href(delivered.receipt.receipt_id, &delivered.receipt.code), &text)
            })
        }
        Err(error) => {
            let facts = load(&visitor, &reference).await?;
            refuse(error, |errors| page_of(&visitor, &facts, form.input, errors))
        }
    }
}

/// As the visitor named it.
fn address(reference: &str) -> String {
    format!("/receipts/{}", segment(reference))
}

fn lines_received(count: usize) -> String {
    if count == 1 { "1 line received.".to_owned() } else { format!("{count} lines received.") }
}

/// The goods are received whatever comes of this.
async fn on_to_putaway(visitor: &Visitor, receipt: &Receipt, text: &str) -> Response {
    match putaway::find_places(visitor, None, &receipt.facility_code, Some(&receipt.code)).await {
        Ok(answer) => done(&putaway::href(&receipt.facility_code), &format!("{text} {}", putaway::found(&answer))),
        Err(error) => {
            tracing::warn!(%error, receipt = receipt.code, "received, but no places were found");
            redirect(
                &href(receipt.receipt_id, &receipt.code),
                FlashKind::Failed,
                &format!("{text} No places were found: {}", sentence(&error)),
            )
        }
    }
}

/// What the pressed button says has arrived, and for each of the lines to send its place in the form.
fn counted(receipt: &Receipt, input: &view::ReceiveInput) -> Result<(Receive, Vec<usize>)> {
    let rows: HashMap<&str, &view::ReceivedLineInput> = input.lines.iter().map(|row| (row.line_id.as_str(), row)).collect();
    let blank = view::ReceivedLineInput::default();
    let (mut read, mut lines, mut places) = (Typed::default(), Vec::new(), Vec::new());
    for (place, line) in receipt.lines.iter().enumerate() {
        let id = line.receipt_line_id.to_string();
        let row = rows.get(id.as_str()).copied().unwrap_or(&blank);
        let quantity = match input.action.as_str() {
            "all" => Some(line.remaining()).filter(|open| !open.is_zero()).map(|open| open.to_string()),
            "" | "entered" => given(&row.quantity).filter(|text| !is_zero(text)).map(str::to_owned),
            one => one.strip_prefix("line:").filter(|wanted| *wanted == id).map(|_| row.quantity.clone()),
        };
        let Some(quantity) = quantity else { continue };
        let mut arrived = row_read(&mut read, place, [&quantity, &row.lot, &row.expires_on, &row.quality_status]);
        arrived.serials = listed(&row.serials).unwrap_or_default();
        // Goods of another lot than announced are not what the line expects.
        let is_other_lot = arrived.lot_number.as_ref().is_some_and(|lot| !line.lot_number.is_empty() && *lot != line.lot_number);
        match is_other_lot {
            true => arrived.item = Some(line.item_id.to_string()),
            false => arrived.line_id = Some(line.receipt_line_id),
        }
        lines.push(arrived);
        places.push(place);
    }
    if lines.is_empty() {
        return Err(match input.action.as_str() {
            "all" => Error::conflict("nothing more is expected"),
            _ => Error::field("lines[0].quantity", "must say how much arrived, on one line at least"),
        });
    }
    read.done(Vec::new())?;
    Ok((Receive { location: typed::wanted(&input.location), allow_over: input.allow_over, receive_all: false, lines }, places))
}

fn is_zero(text: &str) -> bool {
    text.parse::<Quantity>().is_ok_and(Quantity::is_zero)
}

/// One row of a form.
fn row_read(typed: &mut Typed, place: usize, [quantity, lot, expires_on, quality_status]: [&str; 4]) -> ReceiveLine {
    let name = |field: &str| format!("lines[{place}].{field}");
    let quantity = typed.needed_number(&name("quantity"), quantity).unwrap_or_default();
    let expires_on = given(expires_on).map(str::parse::<NaiveDate>).transpose().unwrap_or_else(|_| {
        typed.refuse(&name("expires_on"), "must be a date such as 2027-03-31");
        None
    });
    let quality_status = typed.word::<QualityStatus>(&name("quality_status"), quality_status);
    ReceiveLine {
        lot_number: typed::wanted(lot),
        expires_on,
        quantity,
        // It is what the form proposes; a lot that is held keeps its own status then.
        quality_status: quality_status.filter(|status| *status != QualityStatus::Released),
        ..ReceiveLine::default()
    }
}

/// The service counts the lines that were sent and speaks of its own fields; the form shows others.
fn as_in_the_form(error: Error, places: &[usize]) -> Error {
    let mut error = unnumbered(error);
    for field in &mut error.fields {
        let Some((index, rest)) = field.field.strip_prefix("lines[").and_then(|rest| rest.split_once("].")) else { continue };
        let Some(place) = index.parse::<usize>().ok().and_then(|index| places.get(index)) else { continue };
        let name = if rest == "lot_number" { "lot" } else { rest };
        *field = FieldError::new(format!("lines[{place}].{name}"), beside(name, &field.message));
    }
    error
}

/// Whose line it is, and that it is an item, stands before the message already.
fn beside(name: &str, message: &str) -> String {
    let of_line = message.split_once(": ").filter(|(line, _)| line.strip_prefix("line ").is_some_and(is_number));
    let message = of_line.map_or(message, |(_, message)| message);
    let message = if name == "item" { message.strip_prefix("item ").unwrap_or(message) } else { message };
    message.replace("set allow_over", "tick \u{201c}more than expected is fine\u{201d}")
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CloseInput {
    version: String,
}

/// Only what the page showed is closed: a difference is final.
async fn close(visitor: Visitor, Path(reference): Path<String>, form: Form<CloseInput>) -> Result<Response> {
    let closed = visitor.change(form.key.as_ref(), async |tx| {
        let receipt = receipts::get(tx, &visitor.actor, &reference).await?;
        if receipt.version.to_string() != form.input.version {
            return Err(Error::conflict("the delivery has changed since the page was shown"));
        }
        receipts::close(tx, &visitor.actor, &reference).await
    });
    Ok(match closed.await {
        Ok(receipt) => done(&href(receipt.receipt_id, &receipt.code), &differences(&receipt.lines)),
        Err(error) => failed(&address(&reference), &error),
    })
}

fn differences(lines: &[ReceiptLine]) -> String {
    let short = lines.iter().filter(|line| line.difference() < Quantity::ZERO).count();
    let over = lines.iter().filter(|line| line.difference() > Quantity::ZERO && !line.expected.is_zero()).count();
    match (short, over) {
        (0, 0) => "Closed. Everything came as expected.".to_owned(),
        (short, 0) => format!("Closed. Too little came on {short} of {} lines.", lines.len()),
        (0, over) => format!("Closed. Too much came on {over} of {} lines.", lines.len()),
        (short, over) => format!("Closed. Of {} lines {short} came short and {over} over.", lines.len()),
    }
}

async fn cancel(visitor: Visitor, Path(reference): Path<String>, form: Form<CloseInput>) -> Result<Response> {
    let cancelled = visitor.change(form.key.as_ref(), async |tx| receipts::cancel(tx, &visitor.actor, &reference).await);
    Ok(match cancelled.await {
        Ok(receipt) => done(&href(receipt.receipt_id, &receipt.code), "Cancelled. Nothing of it is expected any more."),
        Err(error) => failed(&address(&reference), &error),
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kernel::{FacilityId, ReceiptId, ReceiptLineId};
    use uuid::Uuid;
    use warehouse::ReceiptKind;

    use super::blind::blind_lines;
    use super::*;

    fn receipt() -> Receipt {
        let line = |no: i32, lot: &str, expected: u32, received: u32| ReceiptLine {
            receipt_line_id: ReceiptLineId(Uuid::from_u128(no as u128)),
            line_no: no,
            item_id: ItemId(Uuid::from_u128(100 + no as u128)),
            item_code: format!("I{no}"),
            item_name: String::new(),
            base_unit: "EA".into(),
            lot_number: lot.into(),
            expires_on: None,
            expected: expected.into(),
            received: received.into(),
        };
        Receipt {
            receipt_id: ReceiptId(Uuid::nil()),
            facility_id: FacilityId(Uuid::nil()),
            facility_code: "F".into(),
            code: "R".into(),
            kind: ReceiptKind::Expected,
            state: ReceiptState::Open,
            supplier: String::new(),
            expected_at: None,
            closed_at: None,
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            lines: vec![line(1, "", 10, 10), line(2, "A", 10, 4), line(3, "", 5, 0)],
        }
    }

    fn input(action: &str, rows: &[(u128, &str, &str)]) -> view::ReceiveInput {
        let row = |(line, quantity, lot): &(u128, &str, &str)| view::ReceivedLineInput {
            line_id: Uuid::from_u128(*line).to_string(),
            quantity: (*quantity).into(),
            lot: (*lot).into(),
            quality_status: "RELEASED".into(),
            ..view::ReceivedLineInput::default()
        };
        view::ReceiveInput { action: action.into(), lines: rows.iter().map(row).collect(), ..view::ReceiveInput::default() }
    }

    fn quantities(receive: &Receive) -> Vec<Quantity> {
        receive.lines.iter().map(|line| line.quantity).collect()
    }

    #[test]
    fn all_takes_what_is_open_with_the_lots_that_were_typed() {
        let (receive, places) = counted(&receipt(), &input("all", &[(1, "7", ""), (2, "", "A"), (3, "x", "NEW")])).unwrap();
        assert_eq!((quantities(&receive), places), (vec![6_u32.into(), 5_u32.into()], vec![1, 2]));
        assert_eq!(receive.lines[1].lot_number.as_deref(), Some("NEW"));
        assert_eq!(receive.lines[0].quality_status, None, "a held lot is not released by receiving more of it");
        let mut done = receipt();
        done.lines.truncate(1);
        assert!(counted(&done, &input("all", &[])).unwrap_err().detail.contains("nothing more"));
    }

    #[test]
    fn one_button_receives_one_line_and_empty_rows_are_left_out() {
        let rows = [(1, "", ""), (2, "1.5", ""), (3, "0", "")];
        let (receive, places) = counted(&receipt(), &input("entered", &rows)).unwrap();
        assert_eq!((quantities(&receive), places), (vec!["1.5".parse().unwrap()], vec![1]));
        let one = format!("line:{}", Uuid::from_u128(2));
        assert_eq!(counted(&receipt(), &input(&one, &[(2, "2", ""), (3, "5", "")])).unwrap().1, [1]);
        let error = counted(&receipt(), &input("entered", &[(2, "", "")])).unwrap_err();
        assert_eq!(error.fields[0].field, "lines[0].quantity");
    }

    #[test]
    fn another_lot_than_announced_does_not_count_towards_the_line() {
        let (receive, _) = counted(&receipt(), &input("entered", &[(2, "1", " B "), (3, "1", "C")])).unwrap();
        assert_eq!((receive.lines[0].line_id, receive.lines[0].item.is_some()), (None, true));
        assert!(receive.lines[1].line_id.is_some());
    }

    #[test]
    fn every_bad_value_is_named_as_the_form_names_it() {
        let mut typed = input("entered", &[(2, "many", ""), (3, "1e309", "")]);
        typed.lines[1].expires_on = "31.3.2027".into();
        typed.lines[1].quality_status = "FINE".into();
        let fields: Vec<_> = counted(&receipt(), &typed).unwrap_err().fields.into_iter().map(|field| field.field).collect();
        assert_eq!(fields, ["lines[1].quantity", "lines[2].quantity", "lines[2].expires_on", "lines[2].quality_status"]);
        let theirs = Error::field("lines[1].lot_number", "at most 4 more, or set allow_over").at("location");
        let ours = as_in_the_form(theirs, &[4, 7]);
        assert_eq!(ours.fields[0].field, "lines[7].lot");
        assert!(ours.fields[0].message.contains("more than expected is fine") && ours.fields[1].field == "location");
        for (theirs, shown) in [
            ("item \"X\" does not exist", "\"X\" does not exist"),
            ("line 12: item is gone", "is gone"),
            ("line 3 expects 1: no", "line 3 expects 1: no"),
        ] {
            assert_eq!(as_in_the_form(Error::field("lines[0].item", theirs), &[0]).fields[0].message, shown);
        }
    }

    #[test]
    fn a_blind_row_counts_when_anything_stands_in_it() {
        let row = |item: &str, quantity: &str| view::NewLineInput {
            item: item.into(),
            quantity: quantity.into(),
            ..view::NewLineInput::default()
        };
        let of = |lines| view::BlindReceiptInput { lines, ..view::BlindReceiptInput::default() };
        let (lines, places) = blind_lines(&of(vec![row("", ""), row(" A ", "2"), row("", "")])).unwrap();
        assert_eq!((lines[0].item.as_deref(), places), (Some("A"), vec![1]));
        let fields = |input| blind_lines(&input).unwrap_err().fields.into_iter().map(|field| field.field).collect::<Vec<_>>();
        assert_eq!(fields(of(vec![row("", ""), row("", "2"), row("B", "x")])), ["lines[1].item", "lines[2].quantity"]);
        assert_eq!(fields(of(vec![row("", "")])), ["lines[0].item"]);
    }

    #[test]
    fn typed_rows_keep_their_lines_when_lines_were_added() {
        let proposal = |no: u128| view::ReceiptLine {
            line_id: Uuid::from_u128(no).to_string(),
            line_no: no as i32,
            item: String::new(),
            item_name: String::new(),
            item_href: String::new(),
            unit: String::new(),
            is_lot_tracked: false,
            is_serial_tracked: false,
            has_shelf_life: false,
            expected: 9.into(),
            received: 0.into(),
            outcome: LineOutcome::Nothing,
            lot: String::new(),
            expires_on: None,
        };
        let kept = filled(&[proposal(1), proposal(2)], input("entered", &[(2, "typed", "")]));
        assert_eq!(
            (kept.lines[0].quantity.as_str(), kept.lines[1].quantity.as_str(), kept.action.as_str()),
            ("9", "typed", "entered")
        );
    }
}
