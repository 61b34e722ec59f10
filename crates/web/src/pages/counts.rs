//! Cycle counts: planning, the sheet that somebody with a handheld fills, and the review.

use std::collections::HashMap;

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use inventory::counting::{
    ApproveLines, COUNTS_APPROVE, COUNTS_COUNT, COUNTS_PLAN, COUNTS_READ, CancelCount, CountDto, CountEntry, CountFilter,
    CountLineDto, CountLocationDto, CountState, FinishLocation, LineFilter, LineState, NewCount, PlaceState, RejectLines,
    Schedule, SubmitEntries, service as counts,
};
use kernel::FieldError;
use platform::http::{Access, Api, Paging, Path, Query};
use platform::{Error, Result};
use rust_decimal::Decimal;
use uuid::Uuid;
use warehouse::{FacilityFilter, facilities};

use super::items::largest_page;
use super::typed::{self, Typed, given};
use super::visitor::{Form, Visitor, done, failed, refuse, segment, show};
use crate::view::{self, Choice, Errors};

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/counts", Access::Needs(COUNTS_READ), get(list))
        .page(Method::POST, "/counts", Access::Needs(COUNTS_PLAN), post(create))
        .page(Method::GET, "/counts/new", Access::Needs(COUNTS_PLAN), get(new))
        .page(Method::GET, "/counts/{count}", Access::Needs(COUNTS_READ), get(one))
        .page(Method::POST, "/counts/{count}/review", Access::Needs(COUNTS_APPROVE), post(review))
        .page(Method::POST, "/counts/{count}/cancel", Access::Needs(COUNTS_PLAN), post(cancel))
        .page(Method::GET, "/counts/{count}/at/{location}", Access::Needs(COUNTS_READ), get(sheet))
        .page(Method::POST, "/counts/{count}/at/{location}", Access::Needs(COUNTS_COUNT), post(enter))
        .page(Method::POST, "/counts/{count}/at/{location}/start", Access::Needs(COUNTS_COUNT), post(start))
}

fn href(count: &CountDto) -> String {
    match count.code.as_str() {
        "." | ".." => format!("/counts/{}", count.count_id),
        code => format!("/counts/{}", segment(code)),
    }
}

fn sheet_href(count: &CountDto, location: &str) -> String {
    format!("{}/at/{}", href(count), segment(location))
}

fn share(part: i64, whole: i64) -> f64 {
    if whole <= 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

async fn list(visitor: Visitor, Query(filter): Query<view::CountListFilter>, Query(paging): Query<Paging>) -> Result<Response> {
    let actor = &visitor.actor;
    let (state, unfinished) = match filter.state.as_str() {
        "" => (None, Some(true)),
        "ALL" => (None, None),
        word => (Some(word.parse::<CountState>().map_err(|invalid| invalid.at("state"))?), None),
    };
    let wanted = CountFilter { facility: None, state, q: typed::wanted(&filter.q), unfinished };
    let request = paging.into();
    let read = async |connection: &mut _| {
        let found = counts::list(connection, actor, &wanted, &request).await?;
        Ok((found, counts::accuracy(connection, actor, None, None).await?))
    };
    let (found, figures) = visitor.app.db.read(actor.tenant(), read).await?;
    let row = |count: CountDto| view::CountRow {
        href: href(&count),
        counted_percent: share(count.progress.locations_counted, count.progress.locations),
        count,
    };
    show(&view::CountList {
        page: visitor.page("Counts"),
        filter,
        pager: visitor.pager(found.next_cursor.as_ref()),
        counts: found.items.into_iter().map(row).collect(),
        figures,
        can_plan: visitor.may(COUNTS_PLAN),
    })
}

async fn form(visitor: &Visitor, input: view::CountInput, errors: Errors) -> Result<view::CountForm> {
    let actor = &visitor.actor;
    let read = async |connection: &mut _| {
        facilities::list(connection, actor, &FacilityFilter { active: Some(true), ..FacilityFilter::default() }, &largest_page())
            .await
    };
    let found = visitor.app.db.read(actor.tenant(), read).await?;
    let facilities = found.items.iter().map(|facility| Choice::new(&facility.code, &facility.name)).collect();
    Ok(view::CountForm { page: visitor.page("New count"), facilities, input, errors })
}

async fn new(visitor: Visitor) -> Result<Response> {
    let input = view::CountInput { blind: true, ..view::CountInput::default() };
    show(&form(&visitor, input, Errors::none()).await?)
}

/// Codes between white space or commas.
fn codes(text: &str) -> Vec<String> {
    text.split([',', ';', '\n', '\r', '\t', ' ']).map(str::trim).filter(|code| !code.is_empty()).map(str::to_owned).collect()
}

fn planned(input: &view::CountInput) -> Result<NewCount> {
    let mut read = Typed::default();
    let pick = read.whole("pick", &input.pick);
    read.done(Vec::new())?;
    Ok(NewCount {
        facility: input.facility.clone(),
        code: typed::wanted(&input.code),
        blind: Some(input.blind),
        tolerance_quantity: typed::wanted(&input.tolerance_quantity),
        tolerance_percent: typed::wanted(&input.tolerance_percent),
        locations: codes(&input.locations),
        items: codes(&input.items),
        schedule: pick
            .map(|pick| Schedule { locations: u32::try_from(pick).unwrap_or(0), abc_class: typed::wanted(&input.abc_class) }),
        note: typed::wanted(&input.note),
    })
}

/// The rules' names of fields as the form shows them.
fn as_in_the_form(mut error: Error) -> Error {
    for fault in &mut error.fields {
        fault.field = match fault.field.as_str() {
            "schedule.locations" | "schedule" => "pick".into(),
            "schedule.abc_class" => "abc_class".into(),
            name if name.starts_with("locations[") => "locations".into(),
            name if name.starts_with("items[") => "items".into(),
            name => name.to_owned(),
        };
    }
    let mut seen = std::collections::HashSet::new();
    error.fields.retain(|fault| seen.insert(fault.field.clone()));
    error
}

async fn create(visitor: Visitor, input: Form<view::CountInput>) -> Result<Response> {
    let made = async {
        let plan = planned(&input.input)?;
        visitor.change(input.key.as_ref(), async |tx| counts::create(tx, &visitor.actor, &plan).await).await
    };
    match made.await {
        Ok(count) => Ok(done(&href(&count), "The count is planned.")),
        Err(error) => {
            let shown = form(&visitor, input.input, Errors::none()).await?;
            refuse(as_in_the_form(error), |errors| view::CountForm { errors, ..shown })
        }
    }
}

async fn one(visitor: Visitor, Path(reference): Path<String>, Query(paging): Query<Paging>) -> Result<Response> {
    let actor = &visitor.actor;
    let (request, can_approve) = (paging.into(), visitor.may(COUNTS_APPROVE));
    let read = async |connection: &mut _| {
        let count = counts::get(connection, actor, &reference).await?;
        let places = counts::places(connection, actor, &reference, &request).await?;
        let waiting = LineFilter { state: Some(LineState::Approval), by_variance: true, location: None };
        let review = match can_approve {
            true => counts::lines(connection, actor, &reference, &waiting, &largest_page()).await?.items,
            false => Vec::new(),
        };
        let again = LineFilter { state: Some(LineState::Recount), ..LineFilter::default() };
        let recounts = counts::lines(connection, actor, &reference, &again, &largest_page()).await?.items;
        Ok((count, places, review, recounts))
    };
    let (count, places, review, recounts) = visitor.app.db.read(actor.tenant(), read).await?;
    let place = |place: CountLocationDto| view::CountPlaceRow { href: sheet_href(&count, &place.location_code), place };
    show(&view::CountPage {
        page: visitor.page(&count.code),
        href: href(&count),
        counted_percent: share(count.progress.locations_counted, count.progress.locations),
        pager: visitor.pager(places.next_cursor.as_ref()),
        places: places.items.into_iter().map(place).collect(),
        review: review_rows(review),
        recounts,
        errors: Errors::none(),
        can_count: visitor.may(COUNTS_COUNT),
        can_plan: visitor.may(COUNTS_PLAN),
        can_approve,
        count,
    })
}

fn review_rows(lines: Vec<CountLineDto>) -> Vec<view::ReviewRow> {
    let variance =
        |line: &CountLineDto| -> Decimal { line.variance.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default() };
    let largest = lines.iter().map(|line| variance(line).abs()).max().unwrap_or_default();
    let row = |line: CountLineDto| {
        let found = variance(&line);
        let part = if largest.is_zero() { Decimal::ZERO } else { found.abs() * Decimal::ONE_HUNDRED / largest };
        view::ReviewRow { bar_percent: part.round_dp(2).to_string().parse().unwrap_or(0.0), is_loss: found < Decimal::ZERO, line }
    };
    lines.into_iter().map(row).collect()
}

async fn review(visitor: Visitor, Path(reference): Path<String>, form: Form<view::ReviewInput>) -> Result<Response> {
    let chosen = form.input.lines.iter().filter(|line| line.chosen).filter_map(|line| Uuid::parse_str(&line.line_id).ok());
    let (lines, actor, back) = (chosen.collect::<Vec<_>>(), &visitor.actor, format!("/counts/{}", segment(&reference)));
    let decided = visitor.change(form.key.as_ref(), async |tx| match form.input.action.as_str() {
        "approve-all" => counts::approve(tx, actor, &reference, &ApproveLines { lines: Vec::new(), all: true }).await,
        "approve" => counts::approve(tx, actor, &reference, &ApproveLines { lines, all: false }).await,
        action => {
            let input = RejectLines { lines, recount: action == "recount", reason: form.input.reason.clone() };
            counts::reject(tx, actor, &reference, &input).await
        }
    });
    Ok(match decided.await {
        Ok(lines) => done(
            &back,
            &format!("{} decided.", if lines.len() == 1 { "1 line".into() } else { format!("{} lines", lines.len()) }),
        ),
        Err(error) if error.code.status() < 500 => failed(&back, &error),
        Err(error) => return Err(error),
    })
}

async fn cancel(visitor: Visitor, Path(reference): Path<String>, form: Form<view::ReviewInput>) -> Result<Response> {
    let (input, back) = (CancelCount { reason: form.input.reason.clone() }, format!("/counts/{}", segment(&reference)));
    let ended = visitor.change(form.key.as_ref(), async |tx| counts::cancel(tx, &visitor.actor, &reference, &input).await);
    Ok(match ended.await {
        Ok(_) => done(&back, "The count is cancelled; what was approved stands."),
        Err(error) if error.code.status() < 500 => failed(&back, &error),
        Err(error) => return Err(error),
    })
}

struct Facts {
    count: CountDto,
    place: CountLocationDto,
    lines: Vec<CountLineDto>,
    next: Option<String>,
}

async fn facts(visitor: &Visitor, reference: &str, location: &str) -> Result<Facts> {
    let actor = &visitor.actor;
    let read = async |connection: &mut _| {
        let count = counts::get(connection, actor, reference).await?;
        let (mut places, mut page) = (Vec::new(), largest_page());
        loop {
            let found = counts::places(connection, actor, reference, &page).await?;
            places.extend(found.items);
            page.cursor = found.next_cursor;
            if page.cursor.is_none() {
                break;
            }
        }
        let is_it = |place: &CountLocationDto| place.location_code == location || place.location_id.to_string() == location;
        let here = places.iter().position(is_it);
        let here = here.ok_or_else(|| Error::not_found(format_args!("location {location:?} of count {:?}", count.code)))?;
        let needs = |place: &&CountLocationDto| place.state != PlaceState::Counted || place.lines_to_count > 0;
        let next = places[here + 1..].iter().chain(&places[..here]).find(needs).map(|place| place.location_code.clone());
        let place = places.swap_remove(here);
        let filter = LineFilter { location: Some(place.location_id.to_string()), ..LineFilter::default() };
        let lines = counts::lines(connection, actor, reference, &filter, &largest_page()).await?.items;
        Ok(Facts { count, place, lines, next })
    };
    visitor.app.db.read(actor.tenant(), read).await
}

fn sheet_of(visitor: &Visitor, facts: Facts, input: view::SheetInput, errors: Errors) -> view::CountSheet {
    let Facts { count, place, lines, next } = facts;
    let (open, done): (Vec<CountLineDto>, Vec<CountLineDto>) = lines.into_iter().partition(|line| line.may_count);
    let typed: HashMap<&str, &str> = input.lines.iter().map(|row| (row.line_id.as_str(), row.counted.as_str())).collect();
    let row = |line: &CountLineDto| {
        let line_id = line.line_id.to_string();
        let counted = typed.get(line_id.as_str()).copied().unwrap_or_default().to_owned();
        view::SheetLineInput { line_id, counted }
    };
    let rows = open.iter().map(row).collect();
    view::CountSheet {
        page: visitor.page(&place.location_code),
        count_href: href(&count),
        href: sheet_href(&count, &place.location_code),
        is_over: matches!(count.state, CountState::Closed | CountState::Cancelled),
        next_href: next.as_deref().map(|code| sheet_href(&count, code)),
        next_code: next.unwrap_or_default(),
        can_count: visitor.may(COUNTS_COUNT),
        input: view::SheetInput { lines: rows, ..input },
        open,
        done,
        count,
        place,
        errors,
    }
}

async fn sheet(visitor: Visitor, Path((reference, location)): Path<(String, String)>) -> Result<Response> {
    let facts = facts(&visitor, &reference, &location).await?;
    show(&sheet_of(&visitor, facts, view::SheetInput::default(), Errors::none()))
}

async fn start(
    visitor: Visitor,
    Path((reference, location)): Path<(String, String)>,
    form: Form<view::ReviewInput>,
) -> Result<Response> {
    let back = format!("/counts/{}/at/{}", segment(&reference), segment(&location));
    let started =
        visitor.change(form.key.as_ref(), async |tx| counts::start(tx, &visitor.actor, &reference, &location).await).await;
    Ok(match started {
        Ok(sheet) if sheet.lines.is_empty() => done(&back, "The ledger expects nothing here."),
        Ok(_) => axum::response::IntoResponse::into_response(axum::response::Redirect::to(&back)),
        Err(error) if error.code.status() < 500 => failed(&back, &error),
        Err(error) => return Err(error),
    })
}

/// What stands in the form, with the name of each entry's input.
fn entered(location: &str, input: &view::SheetInput) -> Result<(Vec<CountEntry>, Vec<String>)> {
    let (mut entries, mut names, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for (index, row) in input.lines.iter().enumerate().filter(|(_, row)| given(&row.counted).is_some()) {
        let name = format!("lines[{index}].counted");
        match Uuid::parse_str(&row.line_id) {
            Ok(id) => {
                entries.push(CountEntry { line_id: Some(id), counted: row.counted.trim().to_owned(), ..CountEntry::default() });
                names.push(name);
            }
            Err(_) => faults.push(FieldError::new(name, "is of no line of this count")),
        }
    }
    if let Some(item) = given(&input.found_item) {
        if given(&input.found_counted).is_none() {
            faults.push(FieldError::new("found_counted", "must say how many were found"));
        }
        entries.push(CountEntry {
            location: Some(location.to_owned()),
            item: Some(item.to_owned()),
            lot: typed::wanted(&input.found_lot),
            counted: input.found_counted.trim().to_owned(),
            ..CountEntry::default()
        });
        names.push("found".into());
    }
    if faults.is_empty() { Ok((entries, names)) } else { Err(Error::invalid(faults)) }
}

fn as_in_the_sheet(mut error: Error, names: &[String]) -> Error {
    for fault in &mut error.fields {
        let place = fault.field.strip_prefix("entries[").and_then(|rest| rest.split_once("]."));
        let Some((index, field)) = place.and_then(|(index, field)| Some((index.parse::<usize>().ok()?, field))) else { continue };
        fault.field = match names.get(index).map(String::as_str) {
            Some("found") => format!("found_{}", if field == "line_id" { "item" } else { field }),
            Some(name) => name.to_owned(),
            None => continue,
        };
    }
    error
}

async fn enter(
    visitor: Visitor,
    Path((reference, location)): Path<(String, String)>,
    form: Form<view::SheetInput>,
) -> Result<Response> {
    let actor = &visitor.actor;
    let told = async {
        let (mut entries, names) = entered(&location, &form.input)?;
        let finishes = form.input.action != "save";
        if entries.is_empty() && !finishes {
            return Err(Error::field("lines[0].counted", "must say how many lie there, on one line at least"));
        }
        scanned(&visitor, &mut entries).await?;
        let finish = FinishLocation { rest_is_zero: form.input.action == "zero" };
        let work = async |tx: &mut platform::database::Tx| {
            if !entries.is_empty() {
                counts::submit(tx, actor, &reference, &SubmitEntries { entries }).await?;
            }
            if finishes {
                counts::finish(tx, actor, &reference, &location, &finish).await?;
            }
            Ok(finishes)
        };
        visitor.change(form.key.as_ref(), work).await.map_err(|error| as_in_the_sheet(error, &names))
    };
    match told.await {
        Ok(finished) => {
            let facts = facts(&visitor, &reference, &location).await?;
            let here = sheet_href(&facts.count, &facts.place.location_code);
            let is_done = facts.place.state == PlaceState::Counted && !facts.lines.iter().any(|line| line.may_count);
            Ok(match (&facts.next, finished || is_done) {
                (Some(next), true) => done(&sheet_href(&facts.count, next), &format!("{location} is counted. Next: {next}.")),
                (None, true) => done(&href(&facts.count), &format!("{location} is counted.")),
                _ => done(&here, "Noted."),
            })
        }
        Err(error) => {
            let facts = facts(&visitor, &reference, &location).await?;
            refuse(error, |errors| sheet_of(&visitor, facts, form.input, errors))
        }
    }
}

/// Puts the item in the place of a scanned barcode.
async fn scanned(visitor: &Visitor, entries: &mut [CountEntry]) -> Result<()> {
    let Some(reference) = entries.iter_mut().find_map(|entry| entry.item.as_mut()) else { return Ok(()) };
    let actor = &visitor.actor;
    let read = async |connection: &mut _| {
        let known = catalog::service::resolve(connection, actor.tenant(), std::slice::from_ref(reference)).await?;
        if known.contains_key(reference.as_str()) {
            return Ok(None);
        }
        match catalog::service::lookup(connection, actor, reference).await {
            Ok(item) => Ok(Some(item.code)),
            Err(error) if error.code.status() < 500 => Ok(None),
            Err(error) => Err(error),
        }
    };
    if let Some(code) = visitor.app.db.read(actor.tenant(), read).await? {
        *reference = code;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_however_they_are_separated() {
        assert_eq!(codes(" A-1, A-2\r\nA-3;;A-4 "), ["A-1", "A-2", "A-3", "A-4"]);
        assert!(codes(" \n").is_empty());
    }

    #[test]
    fn entries_know_their_inputs() {
        let row =
            |n: u128, counted: &str| view::SheetLineInput { line_id: Uuid::from_u128(n).to_string(), counted: counted.into() };
        let input = view::SheetInput {
            lines: vec![row(1, ""), row(2, "5")],
            found_item: "X".into(),
            found_counted: "2".into(),
            ..view::SheetInput::default()
        };
        let (entries, names) = entered("A-1", &input).unwrap();
        assert_eq!((entries.len(), names.as_slice()), (2, ["lines[1].counted".to_owned(), "found".to_owned()].as_slice()));
        let theirs = Error::field("entries[0].counted", "bad").at("entries[1].lot");
        let fields: Vec<_> = as_in_the_sheet(theirs, &names).fields.into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["lines[1].counted", "found_lot"]);
        let lacking = view::SheetInput { found_item: "X".into(), ..view::SheetInput::default() };
        assert_eq!(entered("A-1", &lacking).unwrap_err().fields[0].field, "found_counted");
    }
}
